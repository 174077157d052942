"""Hands files out: to those who are in the room now, and so that nothing in them runs.

The address is no permission: whoever asks is looked up each time, before a browser is
told that what it has kept is still right.
"""

import asyncio
import os
import re
from typing import Final
from urllib.parse import quote

from aiohttp import hdrs, web

from campfire.chat import files, formats
from campfire.chat.files import File
from campfire.refusals import NotFound
from campfire.web import forms
from campfire.web.keys import DB, ID, STORAGE
from campfire.web.responses import PRIVATE
from campfire.web.sessions import viewer

routes = web.RouteTableDef()

FILE: Final = f"/files/{{file_id:{ID}}}"
CHUNK: Final = 256 * 1024
INLINE: Final = formats.PICTURES | formats.VIDEOS | formats.SOUNDS
# A browser that opens the file as a page of its own runs and loads nothing for it.
POLICY: Final = (
    "default-src 'none'; img-src 'self'; media-src 'self'; style-src 'unsafe-inline'; "
    "frame-ancestors 'none'; sandbox"
)
RANGE: Final = re.compile(r"bytes=\s*(\d{0,40})-(\d{0,40})\s*", re.ASCII)
ATTRIBUTE: Final = "!#$&+-.^_`|~"  # RFC 5987, besides letters and digits.


@routes.get(f"{FILE}/thumbnail")
async def thumbnail(request: web.Request) -> web.StreamResponse:
    file = await found(request)
    if not file.has_thumbnail:
        raise NotFound("There is no such file.")
    headers: dict[str, str] = {
        hdrs.CONTENT_TYPE: "image/webp",
        hdrs.ETAG: tag(file, "t"),
    }
    return await sent(request, file, headers, thumbnail=True)


@routes.get(f"{FILE}/{{filename}}")
async def show(request: web.Request) -> web.StreamResponse:
    file = await found(request)
    is_shown = file.content_type in INLINE and "download" not in request.query
    headers: dict[str, str] = {
        hdrs.CONTENT_TYPE: file.content_type,
        hdrs.CONTENT_DISPOSITION: disposition(file.filename, is_shown=is_shown),
        hdrs.ETAG: tag(file),
    }
    return await sent(request, file, headers)


async def found(request: web.Request) -> File:
    user = await viewer(request)
    file_id = forms.path_id(request, "file_id")
    return await request.app[DB].read(files.find, user.id, file_id)


async def sent(
    request: web.Request,
    file: File,
    headers: dict[str, str],
    *,
    thumbnail: bool = False,
) -> web.StreamResponse:
    """The bytes or one range of them (RFC 9110, 13 and 14), read beside the loop."""
    headers |= {
        hdrs.ACCEPT_RANGES: "bytes",
        hdrs.CACHE_CONTROL: PRIVATE,
        "Content-Security-Policy": POLICY,
    }
    if is_known(request.headers.get(hdrs.IF_NONE_MATCH, ""), headers[hdrs.ETAG]):
        return web.Response(status=304, headers=headers)
    try:
        descriptor = await asyncio.to_thread(
            request.app[STORAGE].opened, file.key, thumbnail=thumbnail
        )
    except FileNotFoundError:  # Removed since the row was read, or lost by the disk.
        raise NotFound("There is no such file.") from None
    try:
        size = os.fstat(descriptor).st_size
        start, end, status = span(request, headers[hdrs.ETAG], size)
        if status == 416:
            unmet = {hdrs.CONTENT_RANGE: f"bytes */{size}"}
            raise web.HTTPRequestRangeNotSatisfiable(headers=unmet)
        if status == 206:
            headers[hdrs.CONTENT_RANGE] = f"bytes {start}-{end - 1}/{size}"
        response = web.StreamResponse(status=status, headers=headers)
        response.content_length = end - start
        await response.prepare(request)
        while start < end and request.method != hdrs.METH_HEAD:
            length = min(CHUNK, end - start)
            data = await asyncio.to_thread(os.pread, descriptor, length, start)
            if not data:
                raise OSError("a file on the disk is shorter than it was")
            await response.write(data)
            start += len(data)
        await response.write_eof()
        return response
    finally:
        os.close(descriptor)


def span(request: web.Request, tag: str, size: int) -> tuple[int, int, int]:
    """From where to where, and the status. More than one range is answered whole."""
    match = RANGE.fullmatch(request.headers.get(hdrs.RANGE, ""))
    condition = request.headers.get(hdrs.IF_RANGE, tag)
    if match is None or match[0] == "bytes=-" or condition != tag:
        return 0, size, 200
    first, last = match[1], match[2]
    if not first:
        start, end = max(0, size - int(last)), size
    else:
        start, end = int(first), size if not last else min(int(last) + 1, size)
        if last and int(last) < start:
            return 0, size, 200
    return (start, end, 206) if start < end else (0, 0, 416)


def tag(file: File, more: str = "") -> str:
    return f'"{file.sha256.hex()[:40]}{more}"'


def is_known(header: str, tag: str) -> bool:
    return header.strip() == "*" or tag in [
        known.strip().removeprefix("W/") for known in header.split(",")
    ]


def disposition(filename: str, *, is_shown: bool) -> str:
    """The name in both spellings (RFC 6266), so that every browser saves under it."""
    plain = "".join(
        letter if letter.isascii() and letter not in '"\\%' else "_"
        for letter in filename
    )
    kind = "inline" if is_shown else "attachment"
    spelled = quote(filename, safe=ATTRIBUTE)
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{spelled}"
