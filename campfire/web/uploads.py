"""Takes files in: from the line to the disk, bit by bit, and looks at what they are.

A file is whole on the disk before the message that names it is written. What no message
came to name goes at once, or when the server starts again.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Final

from aiohttp import hdrs, web

from campfire.chat import files, formats, memberships, usage
from campfire.chat.files import Stored
from campfire.database import Database, refusal_of, require_room
from campfire.refusals import Invalid, TooLarge, TooMany, Unsupported
from campfire.storage import Incoming, Storage
from campfire.web import forms, pictures
from campfire.web.forms import LARGEST_BODY, Fields
from campfire.web.limits import UPLOADS, Limits

AT_ONCE: Final = 3
WRITTEN_AT_ONCE: Final = 256 * 1024
FIELDS: Final = ("attachment", "attachment[]")
MULTIPART: Final = "multipart/form-data"


@dataclass(slots=True)
class Upload:
    """What came with a request. `is_named` once a message names its files."""

    fields: Fields
    files: Sequence[Stored] = ()
    is_named: bool = False


class Uploads:
    """Takes in what people send, and counts it. `largest` and `quota` are bytes."""

    def __init__(
        self,
        db: Database,
        storage: Storage,
        limits: Limits,
        *,
        largest: int,
        quota: int,
    ) -> None:
        self.largest = largest
        self._db = db
        self._storage = storage
        self._limits = limits
        self._quota = quota
        self._sending: Counter[int] = Counter()
        self._promised: Counter[int] = Counter()

    @contextlib.asynccontextmanager
    async def received(
        self, request: web.Request, user_id: int, room_id: int
    ) -> AsyncIterator[Upload]:
        """The fields of any body, and the files of a form, safe on the disk.

        Raises NotFound to an outsider, TooLarge, TooMany, and Invalid over the quota.
        """
        if request.content_type != MULTIPART:
            yield Upload(await forms.body(request))
            return
        upload = await self._received(request, user_id, room_id)
        try:
            yield upload
        except asyncio.CancelledError:
            # The message may be written all the same: whether it names these files is
            # asked when the server starts again.
            raise
        except BaseException:
            await self.discard(upload.files)
            raise
        if not upload.is_named:
            await self.discard(upload.files)

    async def keep(self, data: bytes, filename: str) -> Stored:
        """Takes in a file that did not come with a request."""
        incoming = await opened(self._storage)
        try:
            await asyncio.to_thread(incoming.write, data)
            return await stored(self._storage, incoming, files.clean(filename))
        finally:
            incoming.drop()

    async def _received(
        self, request: web.Request, user_id: int, room_id: int
    ) -> Upload:
        if hdrs.CONTENT_ENCODING in request.headers:
            raise Unsupported("A compressed body is not accepted.")
        length = request.content_length
        if length is not None and length > files.MOST * self.largest + LARGEST_BODY:
            raise self._too_large()
        await self._db.read(memberships.require, user_id, room_id)
        pairs: list[tuple[str, str | bytes]] = []
        came: list[tuple[Incoming, str]] = []
        text_size = 0
        with contextlib.ExitStack() as held:
            async for name, filename, chunks in forms.parts(request):
                if not filename:  # A form without a script sends an empty file.
                    data = bytearray()
                    async for chunk in chunks:
                        data += chunk
                        text_size += len(chunk)
                        if text_size > LARGEST_BODY:
                            raise TooLarge("The form is too large.")
                    if filename is None:
                        pairs.append((name, forms.text_of(data)))
                    continue
                if name not in FIELDS:
                    raise Invalid("A file came under another name than attachment.")
                if len(came) == files.MOST:
                    raise Invalid(
                        "A message holds at most ten files.", attachment="Ten at most."
                    )
                if not came:
                    held.enter_context(await self._admitted(user_id, length))
                incoming = await opened(self._storage)
                held.callback(incoming.drop)
                came.append((incoming, files.clean(filename)))
                await self._write(incoming, chunks)
            fields = forms.without_repetition(pairs)
            done = await asyncio.gather(
                *(
                    stored(self._storage, incoming, filename)
                    for incoming, filename in came
                ),
                return_exceptions=True,
            )
        kept = [file for file in done if isinstance(file, Stored)]
        for fault in done:
            if isinstance(fault, BaseException):
                await self.discard(kept)
                raise refusal_of(fault)
        return Upload(fields, kept)

    async def _admitted(
        self, user_id: int, length: int | None
    ) -> contextlib.AbstractContextManager[None]:
        """Raises TooMany, or Invalid when it would be more than somebody may keep."""
        self._limits.hit(UPLOADS, str(user_id))
        if self._sending[user_id] >= AT_ONCE:
            raise TooMany("Three uploads at once are enough.", retry_after=1)
        promised = self.largest if length is None else length
        await asyncio.to_thread(require_room, self._db.path.parent, promised)
        admitted = contextlib.ExitStack()
        for counter, number in ((self._sending, 1), (self._promised, promised)):
            counter[user_id] += number
            admitted.callback(_subtract, counter, user_id, number)
        try:
            used, trashed = await self._db.read(usage.of_person, user_id)
            # What is deleted makes room at once, but not for ever more of it.
            used += max(0, trashed - self._quota)
            if used + self._promised[user_id] > self._quota:
                megabytes = self._quota // 1_000_000
                raise Invalid(
                    f"Your files would be more than {megabytes:,} MB together.",
                    attachment="Delete some first.",
                )
        except BaseException:
            admitted.close()
            raise
        return admitted  # type: ignore[return-value]

    async def _write(self, incoming: Incoming, chunks: AsyncIterator[bytes]) -> None:
        """Writes in a thread, a good handful at a time: each hop costs."""
        size, waiting = 0, bytearray()
        try:
            async for chunk in chunks:
                size += len(chunk)
                if size > self.largest:
                    raise self._too_large()
                waiting += chunk
                if len(waiting) >= WRITTEN_AT_ONCE:
                    await asyncio.to_thread(incoming.write, bytes(waiting))
                    waiting.clear()
            await asyncio.to_thread(incoming.write, bytes(waiting))
        except OSError as error:
            raise refusal_of(error) from error

    async def discard(self, stored: Sequence[Stored]) -> None:
        for file in stored:
            await asyncio.to_thread(self._storage.discard, file.key)

    def _too_large(self) -> TooLarge:
        return TooLarge(f"The limit is {self.largest // 1_000_000:,} MB for a file.")


async def opened(storage: Storage) -> Incoming:
    """A file to write to; none stays when the sender goes away while it is made."""
    opening = asyncio.create_task(asyncio.to_thread(storage.incoming))
    try:
        return await asyncio.shield(opening)
    except asyncio.CancelledError:
        (await opening).drop()
        raise


async def stored(storage: Storage, incoming: Incoming, filename: str) -> Stored:
    """Puts the file in its place, without what a camera has written into it.

    What is called a picture or a film and is none is kept as it came, as bytes.
    """
    head = await asyncio.to_thread(incoming.head, formats.HEAD)
    content_type = formats.content_type(head, filename)
    bare = None
    if content_type in formats.PICTURES:
        bare = await opened(storage)
    kept, into = incoming, bare.file if bare else None
    try:
        if content_type in pictures.TRACED:
            if await pictures.without_traces(incoming.file, into):
                kept = bare or incoming
                await asyncio.to_thread(kept.measure)
            else:
                content_type = formats.BYTES
        await asyncio.to_thread(kept.head, 0)
        preview = await pictures.preview(kept.file, content_type)
        thumbnail = preview.thumbnail if preview else None
        key = await asyncio.to_thread(storage.keep, kept, thumbnail)
    finally:
        if bare:
            bare.drop()
    return Stored(
        key=key,
        filename=filename,
        content_type=content_type,
        byte_size=kept.size,
        sha256=kept.sha256,
        width=preview.width if preview else None,
        height=preview.height if preview else None,
        has_thumbnail=preview is not None,
    )


def _subtract(counter: Counter[int], user_id: int, number: int) -> None:
    counter[user_id] -= number
    if not counter[user_id]:
        del counter[user_id]
