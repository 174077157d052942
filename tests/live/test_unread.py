"""Unread counts in memory: always what the database would count, whatever crosses.

A snapshot is read on another thread while changes are committed and published, so a
property plays every order of that against counting by hand.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from campfire.chat.memberships import Involvement, Read, Unread
from campfire.chat.messages import Edited, Message, Posted, Removal, Removed
from campfire.chat.users import User
from campfire.live import unread
from campfire.live.unread import Counts

ME, YOU, CALLER = 1, 2, 3
BOTH = frozenset({ME, YOU})
ROOM = 7


def user(user_id: int) -> User:
    return User(user_id, f"Person {user_id}", "member", "active", "", 0)


def posted(
    seq: int,
    message_id: int,
    creator: int = YOU,
    room_id: int = ROOM,
    audience: frozenset[int] = BOTH,
    mentions: tuple[int, ...] = (),
    calls_everyone: bool = False,
) -> Posted:
    message = Message(
        message_id, room_id, f"{message_id}", seq, seq, "", "", "", 0, None,
        user(creator), mentions, calls_everyone,
    )  # fmt: skip
    return Posted(audience, message)


def removed(
    seq: int,
    message_id: int,
    creator: int = YOU,
    room_id: int = ROOM,
    audience: frozenset[int] = BOTH,
) -> Removed:
    return Removed(audience, Removal(room_id, seq, message_id, "x"), creator)


def edited(seq: int, message_id: int, mentions: tuple[int, ...] = ()) -> Edited:
    return Edited(BOTH, posted(seq, message_id, mentions=mentions).message)


class Told:
    """What was told, in order: person, room, message, count, whether called."""

    def __init__(self) -> None:
        self.facts: list[tuple[int, int, int, int, bool]] = []
        self.came = asyncio.Event()
        self.secret: set[int] = set()

    def __call__(
        self, user_id: int, room_id: int, message_id: int, count: int, called: bool
    ) -> None:
        assert room_id not in self.secret and count >= 0
        self.facts.append((user_id, room_id, message_id, count, called))
        self.came.set()


def started(told: Told, *rooms: Unread, people: tuple[int, ...] = (ME,)) -> Counts:
    counts = Counts(told)
    for person in people:
        missed = counts.expect(person)
        assert missed is not None
        counts.start(person, rooms, missed)
    return counts


def in_room(
    seq: int = 0,
    last_read_id: int = 0,
    count: int = 0,
    involvement: Involvement = "mentions",
    room_id: int = ROOM,
) -> Unread:
    return Unread(room_id, seq, involvement, last_read_id, count)


async def test_a_message_of_somebody_else_is_one_more() -> None:
    told = Told()
    counts = started(told, in_room(seq=4, last_read_id=10, count=2))
    counts.posted(posted(5, 13))
    counts.posted(posted(6, 14, mentions=(ME,)))
    assert told.facts == [(ME, ROOM, 13, 3, False), (ME, ROOM, 14, 4, True)]


async def test_a_call_to_everyone_is_one_to_each() -> None:
    told = Told()
    counts = started(told, in_room(), people=(ME, YOU))
    counts.posted(posted(1, 1, calls_everyone=True))
    counts.posted(posted(2, 2, creator=ME))
    assert told.facts == [(ME, ROOM, 1, 1, True), (YOU, ROOM, 2, 1, False)]
    late = Counts(told)
    missed = late.expect(ME)
    assert missed is not None
    late.posted(posted(3, 3, calls_everyone=True))
    late.start(ME, [in_room(seq=2, count=1)], missed)
    assert told.facts[-1] == (ME, ROOM, 3, 2, True)


async def test_a_message_of_mine_is_none_more() -> None:
    told = Told()
    counts = started(told, in_room(), people=(ME, YOU))
    counts.posted(posted(1, 1, creator=ME))
    assert told.facts == [(YOU, ROOM, 1, 1, False)]


async def test_what_the_snapshot_holds_is_not_counted_again() -> None:
    told = Told()
    counts = Counts(told)
    missed = counts.expect(ME)
    assert missed is not None
    for seq in (1, 2, 3):
        counts.posted(posted(seq, seq))
    counts.start(ME, [in_room(seq=2, count=2)], missed)
    assert told.facts == [(ME, ROOM, 3, 3, False)]
    counts.posted(posted(4, 4))
    assert told.facts[1:] == [(ME, ROOM, 4, 4, False)]


async def test_a_person_is_loaded_once() -> None:
    counts = Counts(Told())
    missed = counts.expect(ME)
    assert missed is not None
    assert counts.expect(ME) is None
    counts.start(ME, [in_room()], missed)
    assert counts.expect(ME) is None
    counts.forget(ME)
    assert counts.expect(ME) is not None


async def test_a_removed_message_is_one_less_if_it_was_unread() -> None:
    told = Told()
    counts = started(told, in_room(seq=5, last_read_id=3, count=2))
    counts.removed(removed(6, 3))
    assert told.facts == [], "was read"
    counts.removed(removed(7, 4, creator=ME))
    assert told.facts == [], "is mine"
    counts.removed(removed(8, 5))
    assert [fact[3] for fact in told.facts] == [1]


async def test_a_call_stays_known_until_it_is_read_or_removed() -> None:
    told = Told()
    counts = started(told, in_room())
    for seq, mentions in enumerate(((ME,), (), (ME,), ()), 1):
        counts.posted(posted(seq, seq, mentions=mentions))
    counts.removed(removed(5, 4))
    counts.removed(removed(6, 1))
    assert {fact[4] for fact in told.facts} == {True}
    counts.removed(removed(7, 3))
    assert told.facts[-1] == (ME, ROOM, 4, 1, False)
    counts.posted(posted(8, 5, mentions=(ME,)))
    counts.read(Read(ME, ROOM, 8, 5, 0))
    counts.posted(posted(9, 6))
    counts.read(Read(ME, ROOM, 9, 4, 2, frozenset({5})))
    counts.posted(posted(10, 7))
    assert [fact[4] for fact in told.facts[-3:]] == [True, False, True]


async def test_an_edit_calls_somebody_or_takes_it_back() -> None:
    told = Told()
    counts = started(told, in_room(seq=2, count=2), people=(ME, YOU))
    counts.edited(edited(3, 1, mentions=(ME,)))
    counts.edited(edited(4, 2, mentions=(ME,)))
    assert told.facts == [(ME, ROOM, 1, 2, True)], "nothing is new in the second"
    counts.edited(edited(5, 1))
    counts.edited(edited(6, 2))
    assert told.facts[1:] == [(ME, ROOM, 2, 2, False)]


async def test_a_message_that_comes_back_is_one_more_if_it_is_unread() -> None:
    told = Told()
    counts = started(told, in_room(seq=5, last_read_id=3, count=1))
    returned = [posted(6, 3), posted(7, 4, creator=ME), posted(8, 5, mentions=(ME,))]
    for event in returned:
        counts.edited(Edited(BOTH, event.message, returned=True))
    assert told.facts == [(ME, ROOM, 5, 2, True)]


async def test_reading_sets_the_count_without_telling_it() -> None:
    told = Told()
    counts = started(told, in_room(seq=5, count=5))
    counts.read(Read(ME, ROOM, 5, 5, 0))
    assert told.facts == []
    counts.posted(posted(6, 6))
    counts.read(Read(ME, ROOM, 6, 1, 4))
    counts.posted(posted(7, 7))
    assert [fact[3] for fact in told.facts] == [1, 5]


async def test_a_room_out_of_sight_tells_nothing() -> None:
    told = Told()
    counts = started(told, in_room(involvement="invisible"), in_room(room_id=8))
    counts.posted(posted(1, 1))
    counts.posted(posted(1, 2, room_id=8))
    assert told.facts == [(ME, 8, 2, 1, False)]


async def test_who_has_left_a_room_is_told_nothing_of_it() -> None:
    told = Told()
    counts = started(told, in_room(), people=(ME, YOU))
    counts.posted(posted(1, 1, creator=3))
    counts.leave(ME, ROOM)
    counts.posted(posted(2, 2, creator=3, audience=frozenset({YOU})))
    assert [fact[0] for fact in told.facts] == [ME, YOU, YOU]


async def test_who_is_not_connected_is_told_nothing() -> None:
    told = Told()
    counts = started(told, in_room(), people=(ME, YOU))
    counts.forget(ME)
    counts.posted(posted(1, 1, creator=3))
    assert [fact[0] for fact in told.facts] == [YOU]


async def test_a_room_that_is_made_while_one_comes_is_counted() -> None:
    told = Told()
    counts = Counts(told)
    missed = counts.expect(ME)
    assert missed is not None
    counts.enter(ME, in_room())
    counts.posted(posted(1, 1))
    counts.start(ME, [], missed)
    counts.posted(posted(2, 2))
    assert [fact[3] for fact in told.facts] == [1, 2]


async def test_a_room_that_the_snapshot_holds_already_is_not_begun_again() -> None:
    told = Told()
    counts = Counts(told)
    missed = counts.expect(ME)
    assert missed is not None
    counts.enter(ME, in_room())
    counts.start(ME, [in_room(seq=3, last_read_id=2, count=1)], missed)
    counts.posted(posted(4, 4))
    assert told.facts == [(ME, ROOM, 4, 2, False)]


async def test_a_room_that_is_left_while_one_comes_tells_nothing() -> None:
    told = Told()
    counts = started(told, in_room(), people=(YOU,))
    missed = counts.expect(ME)
    assert missed is not None
    counts.leave(ME, ROOM)
    counts.start(ME, [in_room()], missed)
    counts.posted(posted(1, 1, creator=3))
    assert [fact[0] for fact in told.facts] == [YOU]


async def test_what_was_said_in_a_room_before_it_was_left_is_not_told() -> None:
    told = Told()
    counts = Counts(told)
    missed = counts.expect(ME)
    assert missed is not None
    counts.posted(posted(1, 1))
    counts.leave(ME, ROOM)
    counts.start(ME, [in_room(), in_room(room_id=8)], missed)
    assert told.facts == []
    counts.posted(posted(1, 2, room_id=8))
    assert told.facts == [(ME, 8, 2, 1, False)]


async def test_a_read_from_before_the_snapshot_changes_nothing() -> None:
    told = Told()
    counts = started(told, in_room(seq=5, last_read_id=1, count=4))
    counts.read(Read(ME, ROOM, 4, 0, 4))
    counts.posted(posted(6, 6))
    assert told.facts == [(ME, ROOM, 6, 5, False)]


async def test_a_snapshot_that_comes_after_its_socket_has_gone_is_not_taken() -> None:
    told = Told()
    counts = Counts(told)
    early = counts.expect(ME)
    counts.forget(ME)
    counts.posted(posted(1, 1))
    late = counts.expect(ME)
    assert early is not None and late is not None
    counts.start(ME, [in_room()], early)
    counts.start(ME, [in_room(seq=1, count=1)], late)
    counts.posted(posted(2, 2))
    assert told.facts == [(ME, ROOM, 2, 2, False)]


async def test_in_a_large_room_many_messages_are_told_as_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(unread, "SMALL_ROOM", 1)
    monkeypatch.setattr(unread, "PAUSE", 0.01)
    told = Told()
    counts = started(told, in_room(), people=(ME, YOU, 3))
    for seq in range(1, 6):
        counts.posted(posted(seq, seq, creator=3, mentions=(ME,) if seq == 4 else ()))
    first = {(ME, ROOM, 1, 1, False), (YOU, ROOM, 1, 1, False)}
    assert set(told.facts) == first and len(told.facts) == 2
    told.came.clear()
    async with asyncio.timeout(10):
        await told.came.wait()
    rest = {(ME, ROOM, 5, 5, True), (YOU, ROOM, 5, 5, False)}
    assert set(told.facts[2:]) == rest and len(told.facts) == 4


# What the database knows, and every order in which it can be heard of


@dataclass
class Room:
    """One room as it is committed."""

    seq: int = 0
    last_read_id: int = 0
    am_in: bool = True
    messages: dict[int, int] = field(default_factory=dict)
    calling: set[int] = field(default_factory=set)
    trash: list[tuple[int, int]] = field(default_factory=list)

    @property
    def audience(self) -> frozenset[int]:
        return BOTH if self.am_in else frozenset({YOU})

    @property
    def unread_count(self) -> int:
        return sum(
            message_id > self.last_read_id and creator != ME
            for message_id, creator in self.messages.items()
        )

    @property
    def calls(self) -> frozenset[int]:
        return frozenset(
            message_id
            for message_id in self.calling & self.messages.keys()
            if message_id > self.last_read_id and self.messages[message_id] != ME
        )


class House:
    """Rooms, what was committed in them, and how much of it is published."""

    def __init__(self, told: Told) -> None:
        self.counts = Counts(told)
        self.rooms = {ROOM: Room(), ROOM + 1: Room()}
        self.newest_id = 0
        self.published: list[Callable[[], None]] = []
        self.left = told.secret
        self.loading: tuple[unread.Missed, list[Unread] | None] | None = None

    def post(self, room_id: int, creator: int) -> None:
        room = self.rooms[room_id]
        if creator == ME and not room.am_in:
            return
        room.seq += 1
        self.newest_id += 1
        room.messages[self.newest_id] = creator
        mentions = (ME,) if creator == CALLER else ()
        if mentions:
            room.calling.add(self.newest_id)
        event = posted(
            room.seq, self.newest_id, creator, room_id, room.audience, mentions
        )
        self.published.append(lambda: self.counts.posted(event))

    def edit(self, room_id: int, number: int) -> None:
        """Calls me where it did not, and the reverse."""
        room = self.rooms[room_id]
        if room.messages:
            message_id = sorted(room.messages)[number % len(room.messages)]
            room.seq += 1
            room.calling ^= {message_id}
            mentions = (ME,) if message_id in room.calling else ()
            creator = room.messages[message_id]
            made = posted(
                room.seq, message_id, creator, room_id, room.audience, mentions
            )
            event = Edited(room.audience, made.message)
            self.published.append(lambda: self.counts.edited(event))

    def remove(self, room_id: int, number: int) -> None:
        room = self.rooms[room_id]
        if room.messages:
            message_id = sorted(room.messages)[number % len(room.messages)]
            creator = room.messages.pop(message_id)
            room.trash.append((message_id, creator))
            room.seq += 1
            event = removed(room.seq, message_id, creator, room_id, room.audience)
            self.published.append(lambda: self.counts.removed(event))

    def restore(self, room_id: int, number: int) -> None:
        room = self.rooms[room_id]
        if room.trash:
            message_id, creator = room.trash.pop(number % len(room.trash))
            room.messages[message_id] = creator
            room.seq += 1
            mentions = (ME,) if message_id in room.calling else ()
            made = posted(
                room.seq, message_id, creator, room_id, room.audience, mentions
            )
            event = Edited(room.audience, made.message, returned=True)
            self.published.append(lambda: self.counts.edited(event))

    def read(self, room_id: int, number: int) -> None:
        room = self.rooms[room_id]
        if room.am_in:
            room.last_read_id = min(number, max(room.messages, default=0))
            event = Read(
                *(ME, room_id, room.seq, room.last_read_id),
                *(room.unread_count, room.calls),
            )
            self.published.append(lambda: self.counts.read(event))

    def create(self, room_id: int, number: int) -> None:
        made = max(self.rooms) + 1
        self.rooms[made] = Room()
        start = in_room(room_id=made)
        self.published.append(lambda: self.counts.enter(ME, start))

    def leave(self, room_id: int, number: int) -> None:
        if self.rooms[room_id].am_in:
            self.rooms[room_id].am_in = False

            def publish() -> None:
                self.left.add(room_id)
                self.counts.leave(ME, room_id)

            self.published.append(publish)

    def publish(self, room_id: int, number: int) -> None:
        for _ in range(number + 1):
            if self.published:
                self.published.pop(0)()

    def come(self, room_id: int, number: int) -> None:
        missed = self.counts.expect(ME)
        if missed is not None:
            self.loading = (missed, None)

    def snapshot(self, room_id: int, number: int) -> None:
        if self.loading and self.loading[1] is None:
            rows = [
                Unread(
                    *(key, room.seq, "mentions", room.last_read_id),
                    *(room.unread_count, room.calls),
                )
                for key, room in self.rooms.items()
                if room.am_in
            ]
            self.loading = (self.loading[0], rows)

    def arrive(self, room_id: int, number: int) -> None:
        if self.loading and self.loading[1] is not None:
            missed, rows = self.loading
            assert rows is not None
            self.loading = None
            self.counts.start(ME, rows, missed)

    def go(self, room_id: int, number: int) -> None:
        self.loading = None
        self.counts.forget(ME)

    def connect(self, room_id: int, number: int) -> None:
        """All of it at once, while what was committed is not yet published."""
        self.come(room_id, number)
        self.snapshot(room_id, number)
        self.arrive(room_id, number)


STEPS = [House.post] * 4 + [House.edit, House.remove, House.remove, House.read]
STEPS += [House.restore, House.restore]
STEPS += [House.read, House.create, House.leave, House.publish, House.publish]
STEPS += [House.come, House.snapshot, House.arrive, House.connect, House.go]
PLAY = st.lists(
    st.tuples(st.sampled_from(STEPS), st.integers(0, 2), st.integers(0, 5)),
    min_size=10,
    max_size=60,
)


@pytest.mark.parametrize("small", [50, 0])
@given(play=PLAY)
@settings(max_examples=300)
def test_counts_agree_with_counting_by_hand_whatever_crosses(
    small: int, play: list[tuple[Callable[[House, int, int], None], int, int]]
) -> None:
    async def played() -> None:
        told = Told()
        house = House(told)
        for step, room, number in play:
            rooms = list(house.rooms)
            step(house, rooms[room % len(rooms)], number)

        # Everything arrives in the end; one more message tells every count.
        house.publish(0, len(house.published))
        house.come(0, 0)
        house.snapshot(0, 0)
        house.arrive(0, 0)
        told.facts.clear()
        expected = {}
        for room_id, committed in house.rooms.items():
            house.post(room_id, YOU)
            if committed.am_in:
                expected[room_id] = committed.unread_count, bool(committed.calls)
        house.publish(0, len(house.published))
        async with asyncio.timeout(10):
            while {fact[1] for fact in told.facts} < expected.keys():
                told.came.clear()
                await told.came.wait()
        assert {fact[1]: fact[3:] for fact in told.facts} == expected

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(unread, "SMALL_ROOM", small)
        patch.setattr(unread, "PAUSE", 0)
        asyncio.run(played())
