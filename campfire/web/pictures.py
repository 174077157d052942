"""Has pictures and films made small and clean by processes, which may fail."""

import asyncio
import contextlib
import os
import signal
import sys
from dataclasses import dataclass
from typing import BinaryIO, Final, Literal

from campfire.chat import formats
from campfire.refusals import Invalid

LARGEST: Final = 5 * 1024 * 1024
PATIENCE: Final = 15.0
AT_ONCE: Final = asyncio.Semaphore(2)
NOT_UNDERSTOOD: Final = 3
# What place and camera are taken out of.
TRACED: Final = formats.PICTURES | {
    *("video/mp4", "video/quicktime", "audio/mp4"),
    *("video/webm", "video/x-matroska", "audio/webm"),
    *("image/heic", "image/heif", "image/avif"),
}
CONTAINERS: Final = {
    **{"video/mp4": "mov", "video/quicktime": "mov"},
    **{"video/webm": "matroska", "video/x-matroska": "matroska", "video/ogg": "ogg"},
}


@dataclass(frozen=True, slots=True)
class Preview:
    """How large a picture or a film is, and a small WebP picture of it."""

    width: int
    height: int
    thumbnail: bytes


async def remade(
    data: bytes,
    shape: Literal["square", "fit"],
    size: int,
    format: str,
    field: str = "picture",
) -> bytes:
    """A new picture at most `size` wide and high.

    Raises Invalid for anything else, naming the field it was sent in.
    """
    arguments = (shape, str(size), format)
    status, made = await _answer("campfire.pictures", *arguments, data=data)
    if status or not made:
        raise Invalid(
            "This picture cannot be used.",
            **{field: "Use a PNG, JPEG, GIF or WebP of up to 25 megapixels."},
        )
    return made


async def preview(file: BinaryIO, content_type: str) -> Preview | None:
    """What there is to see of the file, or None: then it is a file without one."""
    if content_type in CONTAINERS:
        command = ["poster", CONTAINERS[content_type]]
    elif content_type in formats.PICTURES:
        command = ["preview"]
    else:
        return None
    status, made = await _answer("campfire.pictures", *command, file=file)
    if status or not made:
        return None
    size, _, thumbnail = made.partition(b"\n")
    width, height = map(int, size.split())
    return Preview(width, height, thumbnail)


async def without_traces(file: BinaryIO, into: BinaryIO | None) -> bool:
    """Copies a picture without what the camera says of it; a film is changed in place.

    False when it is neither: then nothing was. Raises Invalid when that is not known.
    """
    status, _ = await _answer("campfire.traces", file=file, into=into)
    if status not in (0, NOT_UNDERSTOOD):
        raise Invalid(
            "Place and camera could not be taken out of it.",
            attachment="It takes too long. Send a shorter one.",
        )
    return status == 0


async def _answer(
    *arguments: str,
    data: bytes | None = None,
    file: BinaryIO | None = None,
    into: BinaryIO | None = None,
) -> tuple[int | None, bytes]:
    """How a process of its own ends, or is ended, and what it writes.

    A file is handed over open, so that none of its bytes go through this process.
    """
    async with AT_ONCE:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", *arguments),
            stdin=asyncio.subprocess.PIPE if file is None else file,
            stdout=asyncio.subprocess.PIPE if into is None else into,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            async with asyncio.timeout(PATIENCE):
                made, _ = await process.communicate(data)
        except TimeoutError:
            made = b""
        finally:
            _end(process)
        await process.wait()
    return process.returncode, made or b""


def _end(process: asyncio.subprocess.Process) -> None:
    """Ends it with all that it started, if it has not ended."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
