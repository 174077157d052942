"""Sends pushes: sealed for one browser (RFC 8291), signed, and only to the internet.

What goes out is decided in `chat/push` at the moment of sending. A push service that
is slow or down holds up only its own devices.
"""

import asyncio
import base64
import hashlib
import re
import time
from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Any, Final
from urllib.parse import urlsplit

import orjson

from campfire import __version__
from campfire.chat import jobs, push, users
from campfire.chat.jobs import Job
from campfire.chat.push import Held, Keys, Letter, Notification
from campfire.database import Database
from campfire.outside.client import Client, Unreachable
from campfire.outside.jobs import Kind
from campfire.outside.vapid import Signer
from campfire.refusals import Invalid

NAME: Final = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+")
# Push services take 4 KB, and sealing adds some of it.
LARGEST: Final = 3_000
PATIENCE: Final = 7.0
DAY: Final = 86_400
LONGEST_RETRY: Final = 3_600
# Enough of an answer to be polite; nobody reads it.
ENOUGH: Final = 1_024
# Milliseconds, after the first failure and those that follow.
RETRIES: Final = (5_000, 30_000, 300_000, 1_800_000)


class Push:
    """`present` says who is here now, `subject` how to reach whoever runs this."""

    def __init__(
        self,
        db: Database,
        client: Client,
        signer: Signer,
        present: Callable[[], Collection[int]],
        origin: str | None = None,
        base: str = "",
    ) -> None:
        self._db = db
        self._client = client
        self._signer = signer
        self._present = present
        self._origin = origin
        self._base = base
        # In order within a room, so that what is newest is also told last.
        self.rounds = Kind(self.spread, most=4, each=1, patience=30.0)
        # A service that answers nobody leaves as much to another as it ever gets.
        self.pushes = Kind(self.deliver, most=30, each=15, patience=PATIENCE + 5)

    async def require_usable(self, keys: Keys) -> None:
        """Raises Invalid for an address that is nobody's push service, or for keys
        with which nothing can be sealed."""
        if not keys.endpoint.startswith("https://") or not self._client.may_ask(
            keys.endpoint
        ):
            raise Invalid(
                "This is no push service.", endpoint="An https URL on the internet."
            )
        try:
            await asyncio.to_thread(sealed, keys, b"Campfire")
        except ValueError:
            raise Invalid(
                "These keys cannot be used.", keys="A point of P-256 and 16 bytes."
            ) from None

    async def spread(self, job: Job) -> None:
        found = await self._db.read(push.recipients, job)
        await self._db.write(push.spread, job, found)

    async def deliver(self, job: Job) -> None:
        is_here = job.payload["user_id"] in self._present()
        now = time.time_ns() // 1_000_000
        match await self._db.read(push.letter, job, now, is_here):
            case Held(wait):
                await self._db.write(jobs.postpone, job, jobs.clock(), wait)
            case Letter() as letter:
                await self._send(job, letter)
            case _:
                await self._db.write(jobs.done, job)

    async def _send(self, job: Job, letter: Letter) -> None:
        keys = letter.keys
        subject = await self._subject()
        told = letter.notification
        told = replace(told, path=f"{self._base}{told.path}")
        headers, body = await asyncio.to_thread(self._packed, keys, told, subject)
        started = time.monotonic()
        status = least = None
        try:
            answer = await self._client.fetch(
                keys.endpoint,
                method="POST",
                headers=headers,
                body=body,
                enough=ENOUGH,
                patience=PATIENCE,
            )
            status, least = answer.status, answer.retry_after
        except Unreachable:
            pass
        took = round(1000 * (time.monotonic() - started))
        if status is None or status == 429 or status >= 500:
            wait = RETRIES[min(job.attempts, len(RETRIES) - 1)]
            if least is not None:
                wait = max(wait, 1000 * min(least, LONGEST_RETRY))
            await self._db.write(push.retry, job, jobs.clock(), status, took, wait)
        else:
            await self._db.write(push.settle, job, keys, status, took)

    async def _subject(self) -> str:
        """Where a push service can complain: some refuse what is no such place."""
        parts = urlsplit(self._origin or "")
        if parts.scheme == "https" and NAME.fullmatch(parts.hostname or ""):
            return f"https://{parts.hostname}"
        contact = await self._db.read(users.first_administrator)
        return f"mailto:{contact.email_address if contact else 'nobody@localhost'}"

    def _packed(
        self, keys: Keys, notification: Notification, subject: str
    ) -> tuple[dict[str, str], bytes]:
        """Headers (RFC 8030) and body. Runs on a thread: it loads what seals."""
        scheme, _, rest = keys.endpoint.partition("://")
        audience = f"{scheme}://{rest.partition('/')[0]}"
        headers = {
            "Authorization": self._signer.authorization(audience, subject),
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            "TTL": str(DAY),
            "Topic": topic(keys, notification.tag),
            "Urgency": "high",
            "User-Agent": f"Campfire/{__version__}",
        }
        return headers, sealed(keys, packed(notification))


def packed(notification: Notification) -> bytes:
    """As JSON of at most 3 KB: what was said is cut where it is too long."""
    told = {
        "id": notification.id,
        "title": notification.title,
        "body": notification.body,
        "path": notification.path,
        "badge": notification.badge,
        "tag": notification.tag,
    }
    while len(data := orjson.dumps(told)) > LARGEST:
        # One character may take six bytes: cut a little, and look again.
        body: Any = told["body"]
        surplus = (len(data) - LARGEST) // 6 + 1
        told["body"] = body[: -surplus - 1].rstrip() + "…"
    return data


def sealed(keys: Keys, data: bytes) -> bytes:
    """Readable only with the browser's own key. Raises ValueError for bad keys."""
    # Megabytes that a server which nobody subscribes to shall not keep.
    from pywebpush import WebPusher

    if len(keys.p256dh) != 65 or keys.p256dh[0] != 4 or len(keys.auth) != 16:
        raise ValueError("not the keys of a browser")
    browser = {"p256dh": encoded(keys.p256dh), "auth": encoded(keys.auth)}
    pusher = WebPusher({"endpoint": keys.endpoint, "keys": browser})
    body: bytes = pusher.encode(data)["body"]
    return body


def topic(keys: Keys, tag: str) -> str:
    """What replaces an undelivered push of the same room; says nothing about which."""
    digest = hashlib.blake2b(tag.encode(), key=keys.auth, digest_size=18)
    return encoded(digest.digest())


def encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
