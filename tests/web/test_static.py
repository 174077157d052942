"""Static files: named by content, kept for ever, compressed ahead."""

import gzip
from pathlib import Path

import brotli
import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import make_mocked_request
from aiohttp.web_urldispatcher import SystemRoute, UrlMappingMatchInfo

from campfire.web import static
from campfire.web.static import Static
from tests.web.conftest import Browse

FILES = {
    "css/tokens.css": "text/css",
    "js/main.js": "text/javascript",
    "icons.svg": "image/svg+xml",
    "sounds/owl.wav": "audio/x-wav",
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with two files, compressed ahead."""
    folder = tmp_path / "static"
    (folder / "css").mkdir(parents=True)
    (folder / "css" / "a.css").write_text("a { color: red }\n" * 50)
    (folder / "a.png").write_bytes(b"\x89PNG")
    monkeypatch.setattr(static, "FOLDER", folder)
    monkeypatch.setattr(static, "COMPRESSED", folder / "compressed")
    static.compress()
    return folder


@pytest.mark.parametrize(("name", "content_type"), FILES.items())
async def test_a_file_is_kept_for_ever_by_anybody(
    stranger: ClientSession, name: str, content_type: str
) -> None:
    response = await stranger.get(Static().url(name))
    assert response.status == 200
    assert response.content_type == content_type
    assert response.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert response.headers["Vary"] == "Accept-Encoding"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert "Set-Cookie" not in response.headers
    assert await response.read() == (static.FOLDER / name).read_bytes()


async def test_a_file_comes_compressed_to_those_who_take_it(folder: Path) -> None:
    files = Static()
    name = "css/a.css"
    plain = (folder / name).read_bytes()
    assert plain, "need something to compress"
    for accepted, encoding in (
        *(("br, gzip", "br"), ("gzip, deflate, br", "br"), ("gzip", "gzip")),
        *(("br;q=0, gzip", "gzip"), ("deflate", None), ("identity", None)),
        *(("gzip;q=0.000", None), ("", None), ("brx, xgzip", None)),
    ):
        request = static_request(files, name, accepted)
        response = await files.show(request)
        assert response.headers.get("Content-Encoding") == encoding, accepted
        assert isinstance(response.body, bytes)
        if encoding == "br":
            assert brotli.decompress(response.body) == plain
        elif encoding == "gzip":
            assert gzip.decompress(response.body) == plain
        else:
            assert response.body == plain


def static_request(files: Static, name: str, accepted: str) -> web.Request:
    match = UrlMappingMatchInfo(
        {"digest": files.digest, "name": name}, SystemRoute(web.HTTPNotFound())
    )
    headers = {"Accept-Encoding": accepted}
    return make_mocked_request("GET", files.url(name), headers, match_info=match)


@pytest.mark.parametrize(
    ("wanted", "part"),
    [
        ("bytes=0-1", slice(0, 2)),
        ("bytes=4-", slice(4, None)),
        ("bytes=0-999999999", slice(0, None)),
        ("bytes=-8", slice(-8, None)),
    ],
)
async def test_a_player_asks_for_a_part(
    stranger: ClientSession, wanted: str, part: slice
) -> None:
    data = (static.FOLDER / "sounds/owl.wav").read_bytes()
    start, stop, _ = part.indices(len(data))
    asked = {"Range": wanted}
    response = await stranger.get(Static().url("sounds/owl.wav"), headers=asked)
    assert response.status == 206
    assert response.headers["Content-Range"] == f"bytes {start}-{stop - 1}/{len(data)}"
    assert response.headers["Cache-Control"] == static.FOREVER
    assert await response.read() == data[part]


@pytest.mark.parametrize(
    "asked",
    [
        *({}, {"Range": "bytes=0-1,3-4"}, {"Range": "lines=1-2"}),
        *({"Range": "bytes=5-2"}, {"Range": "bytes=" + "9" * 5_000 + "-"}),
        {"Range": "bytes=0-1", "If-Range": '"a"'},
    ],
)
async def test_what_is_no_part_gets_everything(
    stranger: ClientSession, asked: dict[str, str]
) -> None:
    response = await stranger.get(Static().url("sounds/owl.wav"), headers=asked)
    assert (response.status, response.headers["Accept-Ranges"]) == (200, "bytes")
    assert await response.read() == (static.FOLDER / "sounds/owl.wav").read_bytes()


async def test_a_part_behind_the_end_is_416(stranger: ClientSession) -> None:
    size = (static.FOLDER / "sounds/owl.wav").stat().st_size
    asked = {"Range": f"bytes={size}-"}
    response = await stranger.get(Static().url("sounds/owl.wav"), headers=asked)
    assert response.status == 416
    assert response.headers["Content-Range"] == f"bytes */{size}"


async def test_another_digest_and_another_name_are_404(stranger: ClientSession) -> None:
    digest = Static().digest
    for path in (
        *(f"/static/{digest}/css/nothing.css", "/static/0/css/tokens.css", "/static/"),
        *(
            f"/static/{digest}/",
            f"/static/{digest}/css",
            f"/static/{digest}x/icons.svg",
        ),
        *(f"/static/{digest}/..%2f..%2fapp.py", f"/static/{digest}/%2e%2e/app.py"),
        *(f"/static/{digest}/css%2ftokens.css%00", f"/static/{digest}//etc/passwd"),
        f"/static/{digest}/compressed/{'0' * 64}.br",
    ):
        assert (await stranger.get(path)).status == 404, path


async def test_a_page_names_files_by_their_content(browse: Browse) -> None:
    kevin = await browse("Kevin")
    page = await (await kevin.get("/rooms/1")).text()
    address = Static().url("js/main.js")
    assert f'src="{address}"' in page


def test_the_digest_stands_for_every_file(folder: Path) -> None:
    first = Static()
    assert first.url("css/a.css") == f"/static/{first.digest}/css/a.css"
    assert Static().digest == first.digest
    (folder / "a.png").write_bytes(b"\x89PNG2")
    static.contents.cache_clear()  # As in a process that starts anew.
    second = Static()
    assert second.digest != first.digest
    (folder / "a.png").rename(folder / "b.png")
    static.contents.cache_clear()
    assert len({first.digest, second.digest, Static().digest}) == 3


def test_what_a_tool_leaves_behind_is_no_file(folder: Path) -> None:
    before = Static().digest
    (folder / "css" / ".made").touch()
    assert Static().digest == before


def test_a_name_that_no_file_has_is_a_bug_of_ours(folder: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Static().url("css/b.css")


async def test_what_was_edited_since_is_not_served_as_it_was(folder: Path) -> None:
    (folder / "css" / "a.css").write_text("a { color: blue }")
    files = Static()
    response = await files.show(static_request(files, "css/a.css", "br, gzip"))
    assert response.body == b"a { color: blue }"
    assert "Content-Encoding" not in response.headers


def test_compressing_leaves_what_is_in_use_and_nothing_else(folder: Path) -> None:
    kept = {path.name: path.stat().st_mtime_ns for path in compressed(folder)}
    assert {Path(name).suffix for name in kept} == {".br", ".gz"}
    static.compress()
    assert {path.name: path.stat().st_mtime_ns for path in compressed(folder)} == kept
    (folder / "css" / "a.css").write_text("a { color: blue }")
    static.compress()
    assert not kept.keys() & {path.name for path in compressed(folder)}
    assert len(compressed(folder)) == 2


def compressed(folder: Path) -> list[Path]:
    return list((folder / "compressed").iterdir())
