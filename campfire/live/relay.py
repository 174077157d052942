"""Hands events from worker to worker, and has each publish them in the order of turns.

Whatever comes by the broker comes early, late or never. The turns that are over are
known without it: when one of them is not heard of in time, what was missed is read
from the database, and the numbers of the rooms say what that is.
"""

import asyncio
import contextlib
import itertools
import logging
import secrets
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Final

from campfire.chat import (
    accounts,
    bots,
    deliveries,
    jobs,
    memberships,
    messages,
    rooms,
    sessions,
)
from campfire.chat.users import User
from campfire.database import Database, Event
from campfire.live import wire
from campfire.live.broker import Broker
from campfire.live.hub import TRY_AGAIN, Change, Hub, change_of
from campfire.live.wire import Letter
from campfire.refusals import NotFound
from campfire.turns import Turns, Worker

log = logging.getLogger(__name__)

LOOKS_EVERY: Final = 0.25
# A look takes its time from those who read pages: then it is not taken again at once.
RESTS: Final = 3
SAYS_EVERY: Final = 10.0
BELIEVED_FOR: Final = 30.0
ANSWERS_WITHIN: Final = 1.0
PEOPLE_AT_ONCE: Final = 100
# True whenever they are heard.
LASTING: Final = (bots.Switched, deliveries.Added, jobs.Added, sessions.Ended)


class Relay:
    """One worker's part in it. `publish` is the worker's own, `revalidate` looks whose
    sign-in and membership is gone, `look_again` wakes who works in the background, and
    `tried(key, seconds)` counts what was tried elsewhere."""

    def __init__(
        self,
        url: str,
        turns: Turns,
        worker: Worker,
        db: Database,
        hub: Hub,
        *,
        publish: Callable[[Event], None],
        revalidate: Callable[[], Awaitable[None]],
        look_again: Callable[[], None],
        tried: Callable[[str, int], None],
        numbers: Callable[[], Awaitable[bytes]],
    ) -> None:
        self.number = worker.number
        self._others = worker.of - 1
        self._turns = turns
        self._db = db
        self._hub = hub
        self._publish = publish
        self._revalidate = revalidate
        self._look_again = look_again
        self._tried = tried
        self._numbers = numbers
        # This life of the worker: what is said to an earlier one is not for it.
        self._sender = secrets.token_hex(8)
        self.catch_ups = 0
        self._seqs: dict[int, int] = {}
        self._held: dict[int, list[Event]] = {}
        # Until the first look nothing is published: nobody is connected either.
        self._catching = True
        # Something was not told that no look shows: a name, the name of a room.
        self._owes = False
        self._seen: dict[str, float] = {}
        self._questions = itertools.count(1)
        self._answers: dict[int, Answers] = {}
        self._answering: set[asyncio.Task[None]] = set()
        self.broker = Broker(
            url,
            f"campfire:{turns.name}",
            worker.number,
            self._sender,
            hear=self._hear,
            up=self._greet,
        )
        hub.presence.own = self._tell_presence
        hub.typing.own = self._tell_typing
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Call before the first socket is let in: what they see is counted from here.

        Waits a moment for the broker, and does without it.
        """
        await self.broker.heard()
        self._turns.heard = self._turns.newest()
        self._seqs = await self._db.read(rooms.seqs)
        self._go_on()
        self._tasks = [
            asyncio.create_task(self._look(), name="relay looks"),
            asyncio.create_task(self._say_who_is_here(), name="relay says"),
        ]

    async def close(self) -> None:
        for task in (*self._tasks, *self._answering):
            task.cancel()
        await asyncio.gather(*self._tasks, *self._answering, return_exceptions=True)
        await self.broker.close()

    def state(self) -> str:
        """One word for whoever watches: ok, or that the others are not heard."""
        return "ok" if self.broker.is_up else "lost"

    def pass_on(self, number: int, events: list[Event]) -> None:
        """A turn of this worker is over."""
        self.broker.say(wire.turn(number, events))
        self._take(number, events)

    def try_made(self, key: str, expiry: int) -> None:
        """Something that is limited was tried here."""
        self.broker.say(wire.Tried(key, expiry))

    async def ask(self) -> dict[int, bytes]:
        """The numbers of the other workers, of those who answer within a second."""
        question = next(self._questions)
        answers = self._answers[question] = Answers(self._others)
        if self.broker.is_up:
            self.broker.say(wire.Asked(question))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(ANSWERS_WITHIN):
                    await answers.are_in.wait()
        return self._answers.pop(question).texts

    # The order

    def _take(self, number: int, events: list[Event]) -> None:
        if number > self._turns.heard:
            self._held[number] = events
            if not self._catching:
                self._go_on()
        else:
            self._take_late(events)

    def _take_late(self, events: list[Event]) -> None:
        """What a look has shown is not told again, nor what has changed since."""
        for event in events:
            if isinstance(event, LASTING):
                self._tell(event)
            else:
                self._owes = True

    def _go_on(self) -> None:
        """Publishes the turns that follow on what was published."""
        self._catching = False
        for number in [number for number in self._held if number <= self._turns.heard]:
            del self._held[number]
        while (events := self._held.pop(self._turns.heard + 1, None)) is not None:
            for event in events:
                self._tell(event)
            self._turns.heard += 1

    def _tell(self, event: Event) -> None:
        """To everybody at this worker, unless a look was ahead of the event."""
        if isinstance(event, Change):
            room_id, seq = change_of(event)
            if seq <= self._seqs.get(room_id, 0):
                return
            self._seqs[room_id] = seq
        elif isinstance(event, rooms.Removed):
            self._seqs.pop(event.room_id, None)
        try:
            self._publish(event)
        except Exception:  # One listener's bug must not stop the others.
            log.exception("listener failed", extra={"event": event.name})

    # What was not heard of

    async def _look(self) -> None:
        over = self._turns.heard
        while True:
            await asyncio.sleep(LOOKS_EVERY)
            if self._turns.heard < over and self.broker.is_up:
                # A loop that was held up hears only now what came meanwhile.
                await asyncio.sleep(LOOKS_EVERY)
            if self._turns.heard < over:
                begun = time.monotonic()
                try:
                    await self.catch_up()
                except Exception:  # The next look may go better.
                    log.exception("not caught up")
                await asyncio.sleep(RESTS * (time.monotonic() - begun))
            over = self._turns.newest()
            if self.broker.is_up:
                self._forget_the_silent()
                await self._refresh()

    async def catch_up(self) -> None:
        """Reads what was missed, and tells it as if it had been heard."""
        self._catching = True
        self.catch_ups += 1
        self._owes = True
        try:
            over = self._turns.newest()
            await self._revalidate()
            for missed in await self._db.read(messages.missed, self._seqs):
                self._tell_missed(missed)
            await self._catch_up_people()
            self._turns.skip(over)
        finally:
            self._go_on()
        self._look_again()

    async def _refresh(self) -> None:
        """Has browsers ask for their rooms again, once all is heard again."""
        if self._owes:
            self._owes = False
            if account := await self._db.read(accounts.find):
                self._tell(accounts.Changed(account))

    def _tell_missed(self, missed: messages.Missed) -> None:
        """Where numbers are left out, those in the room come back for a replay."""
        if not missed.is_whole:
            for socket in self._hub.sockets():
                if missed.room_id in socket.rooms:
                    self._hub.dismiss(socket, TRY_AGAIN)
        for event in missed.events:
            self._tell(event)
        self._seqs[missed.room_id] = missed.seq

    async def _catch_up_people(self) -> None:
        people = {socket.user.id for socket in self._hub.sockets()}
        for some in chunks(sorted(people)):
            unread_of = await self._db.read(memberships.unread_of, some)
            for user_id, unread in unread_of.items():
                known = self._hub.counts.rooms_of(user_id)
                if known is None:
                    continue  # Their own snapshot is on its way.
                now = {start.room_id for start in unread}
                for room_id in set(known) - now:
                    self._tell(memberships.Revoked(frozenset({user_id}), room_id))
                for room_id in now - set(known):
                    await self._grant(user_id, room_id)
                self._hub.counts.renew(user_id, unread)

    async def _grant(self, user_id: int, room_id: int) -> None:
        try:
            room = await self._db.read(rooms.find, user_id, room_id)
        except NotFound:
            return
        self._tell(rooms.Granted({user_id: room}))

    # What is heard

    def _greet(self) -> None:
        """The channel is heard, for the first time or again."""
        now = time.monotonic()
        self._seen = {sender: now for sender in self._seen}
        self.broker.say(wire.Hello())
        self.broker.say(wire.Here(self._hub.presence.own_users()))

    def _hear(self, letter: Letter) -> None:
        self._seen[letter.sender] = time.monotonic()
        for said in letter.said:
            self._obey(letter, said)

    def _obey(self, letter: Letter, said: wire.Said) -> None:
        presence = self._hub.presence
        match said:
            case wire.Turn(number=number):
                self._take(number, wire.events_of(said))
            case wire.Hello():
                self.broker.say(wire.Here(presence.own_users()))
            case wire.Here(users=users):
                presence.hear(letter.sender, {user.id: user for user in users})
            case wire.Came(user=user):
                known = presence.users_at(letter.sender)
                presence.hear(letter.sender, {**known, user.id: user})
            case wire.Went(user_id=user_id):
                known = dict(presence.users_at(letter.sender))
                known.pop(user_id, None)
                presence.hear(letter.sender, known)
            case wire.Types(room_id=room_id, user=user, typing=typing):
                self._hub.typing.hear(room_id, user, typing)
            case wire.Tried(key=key, expiry=expiry):
                self._tried(key, expiry)
            case wire.Asked(question=question):
                task = asyncio.create_task(self._answer(letter.sender, question))
                self._answering.add(task)
                task.add_done_callback(self._answering.discard)
            case wire.Answered(asker=asker, question=question, text=text):
                if asker == self._sender and question in self._answers:
                    self._answers[question].add(letter.number, text)

    async def _answer(self, asker: str, question: int) -> None:
        self.broker.say(wire.Answered(asker, question, await self._numbers()))

    def _tell_presence(self, user: User, online: bool) -> None:
        self.broker.say(wire.Came(user) if online else wire.Went(user.id))

    def _tell_typing(self, room_id: int, user: User, typing: bool) -> None:
        self.broker.say(wire.Types(room_id, user, typing))

    async def _say_who_is_here(self) -> None:
        while True:
            await asyncio.sleep(SAYS_EVERY)
            self.broker.say(wire.Here(self._hub.presence.own_users()))

    def _forget_the_silent(self) -> None:
        """A worker that was ended; while nobody can be heard nobody is silent."""
        latest = time.monotonic() - BELIEVED_FOR
        for sender in [each for each, seen in self._seen.items() if seen < latest]:
            del self._seen[sender]
            self._hub.presence.hear(sender, {})


class Answers:
    """What other workers have answered, until so many have."""

    def __init__(self, awaited: int) -> None:
        self.texts: dict[int, bytes] = {}
        self.are_in = asyncio.Event()
        self._awaited = awaited

    def add(self, number: int, text: bytes) -> None:
        self.texts[number] = text
        if len(self.texts) >= self._awaited:
            self.are_in.set()


def chunks(people: list[int]) -> Iterable[list[int]]:
    for start in range(0, len(people), PEOPLE_AT_ONCE):
        yield people[start : start + PEOPLE_AT_ONCE]
