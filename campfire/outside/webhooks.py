"""Calls webhooks: signed, with seven seconds to answer, and again when it failed.

What came back is kept with the delivery and, when it is an answer, posted as the bot's
in the same transaction: whatever happens in between, it is posted once. Nothing that
goes wrong is said in a room.
"""

import asyncio
import hmac
import logging
import mimetypes
import time
from base64 import b64decode, b64encode
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Protocol

from campfire import __version__
from campfire.chat import bots, deliveries, messages, richtext
from campfire.chat.deliveries import Call, Outcome
from campfire.chat.files import Stored
from campfire.chat.jobs import Job, Stale
from campfire.chat.richtext import EMPTY, Draft
from campfire.database import Database, Event
from campfire.outside import pages
from campfire.outside.client import Answer, Client, Unreachable
from campfire.outside.jobs import Kind
from campfire.refusals import Busy, Invalid

log = logging.getLogger(__name__)

PATIENCE: Final = 7.0
LARGEST: Final = 10_000_000
LARGEST_TEXT: Final = 256 * 1024
SPOKEN: Final = frozenset({"text/plain", "text/html"})
TOO_MANY: Final = 429
USER_AGENT: Final = f"Campfire/{__version__} (webhooks)"

Keep = Callable[[bytes, str], Awaitable[Stored]]


class Discard(Protocol):
    def __call__(self, stored: Sequence[Stored]) -> Awaitable[None]: ...


class Webhooks:
    """`near` is the way to private addresses, for where an administrator allows it."""

    def __init__(
        self,
        db: Database,
        far: Client,
        near: Client,
        keep: Keep,
        discard: Discard,
        base: str = "",
    ) -> None:
        self._db = db
        self._far = far
        self._near = near
        self._keep = keep
        self._discard = discard
        self._base = base
        # Seven seconds for the answer, the rest for a file in it.
        self.kind = Kind(self.handle, most=64, each=4, patience=30.0)

    def hear(self, event: Event) -> None:
        """Tells the operator as well; administrators see it on their pages."""
        if isinstance(event, bots.Switched) and not event.is_on:
            log.warning("webhook switched off", extra={"user_id": event.bot_id})

    async def handle(self, job: Job) -> None:
        delivery_id = job.payload["delivery_id"]
        call = await self._db.read(deliveries.call, delivery_id, self._base)
        if call is None:
            return await self._db.write(deliveries.drop, job)
        started = time.monotonic()
        client = self._near if call.may_be_near else self._far
        answer = None
        try:
            answer = await client.fetch(
                call.url,
                method="POST",
                headers=signed(call, delivery_id, round(time.time())),
                body=call.body,
                enough=LARGEST + 1,
                patience=PATIENCE,
            )
        except Unreachable:
            pass
        took = round(1_000 * (time.monotonic() - started))
        if answer is None:
            fault = "timeout" if took >= 1_000 * PATIENCE else "unreachable"
            return await self._db.write(
                deliveries.failed, job, Outcome(None, fault, took)
            )
        if answer.status == TOO_MANY or answer.status >= 500:
            return await self._db.write(
                deliveries.failed, job, outcome_of(answer, took)
            )
        await self._settle(job, call, answer, took)

    async def _settle(self, job: Job, call: Call, answer: Answer, took: int) -> None:
        draft: Draft | None = None
        stored: list[Stored] = []
        fault = ""
        if answer.status == 200 and job.payload["posts"]:
            try:
                draft, stored = await self._reply(call, answer)
            except Invalid:
                fault = "unfit"
        outcome = outcome_of(answer, took, fault)
        try:
            is_posted = await self._db.write(
                messages.answer, job, outcome, call.bot.id, call.room_id, draft, stored
            )
        except (Busy, Stale):
            await self._discard(stored)
            raise
        # When this is cancelled the message may be written all the same: whether it
        # names the file is asked when the server starts again.
        if not is_posted:
            await self._discard(stored)

    async def _reply(
        self, call: Call, answer: Answer
    ) -> tuple[Draft | None, list[Stored]]:
        """What to post: words, or a file, or nothing. Raises Invalid."""
        if not answer.body.strip() or not answer.content_type:
            return None, []
        if answer.content_type in SPOKEN:
            if len(answer.body) > LARGEST_TEXT:
                raise Invalid("This answer is too long.")
            text = pages.decoded(answer.body, answer.charset)
            if not richtext.is_visible(text):
                return None, []
            draft = await asyncio.to_thread(
                richtext.draft, text, call.people, is_bot=True
            )
            return draft, []
        ending = mimetypes.guess_extension(answer.content_type)
        if ending is None:
            return None, []
        if len(answer.body) > LARGEST:
            raise Invalid("This file is too large.")
        return EMPTY, [await self._keep(answer.body, f"attachment{ending}")]


def outcome_of(answer: Answer, took: int, fault: str = "") -> Outcome:
    """What is kept of an answer: the beginning of it, as far as it is text."""
    kind = answer.content_type
    is_text = kind.startswith("text/") or kind.endswith(("json", "xml"))
    head = answer.body[: deliveries.LONGEST_ANSWER]
    words = pages.decoded(head, answer.charset) if is_text else ""
    return Outcome(answer.status, fault, took, kind, words.replace("\0", ""))


def signed(call: Call, delivery_id: int, now: int) -> dict[str, str]:
    """The headers of a call, signed as Standard Webhooks says.

    The receiver compares the signature and refuses what is older than five minutes.
    """
    secret = b64decode(call.signing_secret.removeprefix("whsec_"))
    content = f"{delivery_id}.{now}.".encode() + call.body
    signature = b64encode(hmac.digest(secret, content, "sha256")).decode()
    return {
        "Content-Type": "application/json",
        "User-Agent": USER_AGENT,
        "Webhook-Id": str(delivery_id),
        "Webhook-Timestamp": str(now),
        "Webhook-Signature": f"v1,{signature}",
    }
