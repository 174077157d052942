"""Static files: under an address that names their content, so never asked for twice.

All of them share one digest, so a module may import its neighbour by a relative path.
`python -m campfire.web.static` compresses them ahead; names are digests of content, so
a file that was edited since is served as it is.
"""

import gzip
import hashlib
import mimetypes
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Final

from aiohttp import hdrs, web
from markupsafe import Markup

from campfire.refusals import NotFound
from campfire.web.requests import takes

FOLDER: Final = Path(str(resources.files("campfire"))) / "static"
COMPRESSED: Final = FOLDER / "compressed"
FOREVER: Final = "public, max-age=31536000, immutable"
TEXTUAL: Final = {".css", ".js", ".svg", ".json", ".txt", ".html"}


@dataclass(frozen=True, slots=True)
class File:
    content_type: str
    bodies: dict[str, bytes]


class Static:
    """All static files, in memory; `digest` stands for all of their content."""

    def __init__(self, base: str = "") -> None:
        self._base = base
        self._files, self.digest = contents(FOLDER, COMPRESSED)
        self._links: dict[tuple[str, ...], Markup] = {}

    def url(self, name: str) -> str:
        """The address of a file, by its name in the folder."""
        if name not in self._files:
            raise FileNotFoundError(name)
        return f"{self._base}/static/{self.digest}/{name}"

    def stylesheets(self, names: Iterable[str]) -> Markup:
        """Links to style sheets, in this order."""
        chosen = tuple(names)
        if chosen not in self._links:
            self._links[chosen] = Markup("\n").join(
                Markup('<link rel="stylesheet" href="{}">').format(
                    self.url(f"css/{name}.css")
                )
                for name in chosen
            )
        return self._links[chosen]

    def names(self) -> list[str]:
        return list(self._files)

    def text(self, name: str) -> str:
        return self._files[name].bodies["identity"].decode("utf-8")

    async def show(self, request: web.Request) -> web.Response:
        file = self._files.get(request.match_info["name"])
        if file is None or request.match_info["digest"] != self.digest:
            raise NotFound("There is no such file.")
        headers: dict[str, str] = {
            hdrs.CONTENT_TYPE: file.content_type,
            hdrs.CACHE_CONTROL: FOREVER,
            hdrs.VARY: hdrs.ACCEPT_ENCODING,
        }
        if len(file.bodies) == 1:
            return portion(request, file.bodies["identity"], headers)
        for encoding in ("br", "gzip"):
            if encoding in file.bodies and takes(request, encoding):
                headers[hdrs.CONTENT_ENCODING] = encoding
                return web.Response(body=file.bodies[encoding], headers=headers)
        return web.Response(body=file.bodies["identity"], headers=headers)


def portion(request: web.Request, data: bytes, headers: dict[str, str]) -> web.Response:
    """The file, or the one range of it that is asked for (RFC 9110, section 14).

    Safari plays no sound from a server that cannot. `If-Range` names a version that
    this answer has no name for, and several ranges are nobody's: both get all of it.
    """
    headers[hdrs.ACCEPT_RANGES] = "bytes"
    if hdrs.RANGE not in request.headers or hdrs.IF_RANGE in request.headers:
        return web.Response(body=data, headers=headers)
    try:
        start, stop, _ = request.http_range.indices(len(data))
    except ValueError:
        return web.Response(body=data, headers=headers)
    if start >= stop:
        headers[hdrs.CONTENT_RANGE] = f"bytes */{len(data)}"
        return web.Response(status=416, headers=headers)
    headers[hdrs.CONTENT_RANGE] = f"bytes {start}-{stop - 1}/{len(data)}"
    return web.Response(status=206, body=data[start:stop], headers=headers)


@cache
def contents(folder: Path, compressed: Path) -> tuple[Mapping[str, File], str]:
    """Every file by its name, and their digest; read once, however often asked."""
    files: dict[str, File] = {}
    digest = hashlib.sha256()
    for path in sources(folder, compressed):
        name, data = path.relative_to(folder).as_posix(), path.read_bytes()
        digest.update(name.encode() + b"\0" + data + b"\0")
        content_type = mimetypes.guess_type(name)[0] or "application/octet-stream"
        if content_type.startswith("text/"):
            content_type += "; charset=utf-8"
        bodies = {"identity": data}
        for encoding, ending in (("br", "br"), ("gzip", "gz")):
            packed = compressed / f"{hashlib.sha256(data).hexdigest()}.{ending}"
            if packed.exists():
                bodies[encoding] = packed.read_bytes()
        files[name] = File(content_type, bodies)
    return files, digest.hexdigest()[:16]


def sources(folder: Path, compressed: Path) -> list[Path]:
    return sorted(
        path
        for path in folder.rglob("*")
        if path.is_file() and not path.name.startswith(".")
        if not path.is_relative_to(compressed)
    )


def compress() -> None:
    """Writes what a browser may ask for compressed; removes what is not used now."""
    import brotli

    COMPRESSED.mkdir(exist_ok=True)
    written = set()
    for path in sources(FOLDER, COMPRESSED):
        if path.suffix not in TEXTUAL:
            continue
        data = path.read_bytes()
        name = hashlib.sha256(data).hexdigest()
        for ending, pack in (("br", brotli.compress), ("gz", gzip.compress)):
            target = COMPRESSED / f"{name}.{ending}"
            written.add(target)
            if not target.exists():
                target.write_bytes(pack(data))
    for leftover in set(COMPRESSED.iterdir()) - written:
        leftover.unlink()


if __name__ == "__main__":
    compress()
