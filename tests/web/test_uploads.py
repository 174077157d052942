"""Files on their way in: whole or not at all, ours by name and type, within limits."""

import asyncio
import hashlib
import io
import os
import signal
import sys
import threading
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientResponse, ClientSession, FormData
from aiohttp.test_utils import TestServer
from PIL import Image

from campfire import app, database
from campfire.chat import files, formats, sessions
from campfire.config import Config
from campfire.database import Database
from campfire.refusals import TooMany
from campfire.storage import Incoming, Storage
from campfire.web import pictures, uploads
from campfire.web.keys import DB, UPLOADS
from campfire.web.uploads import Uploads
from tests.conftest import ALL_PETS, DAVID, WATERCOOLER, SignIn, set_the_stage
from tests.movies import movie
from tests.samples import SECRET, film, from_a_camera, picture, png
from tests.web.conftest import HTML, Browse

ROOM = f"/rooms/{ALL_PETS}/messages"
File = tuple[str, bytes]


def form(*given: File, **fields: str) -> FormData:
    form = FormData(default_to_multipart=True)
    for name, value in fields.items():
        form.add_field(name, value)
    for name, data in given:
        form.add_field("attachment", data, filename=name, content_type="text/html")
    return form


async def sent(
    client: ClientSession, *given: File, room: str = ROOM, **fields: str
) -> dict[str, Any]:
    """The message that was made."""
    answer = await client.post(room, data=form(*given, **fields))
    assert answer.status == 201, await answer.text()
    message: dict[str, Any] = await answer.json()
    return message


async def bytes_of(client: ClientSession, attachment: dict[str, Any]) -> bytes:
    answer = await client.get(attachment["url"])
    assert answer.status == 200
    return await answer.read()


def on_disk(tmp_path: Path) -> list[Path]:
    return [path for path in (tmp_path / "files").rglob("*") if path.is_file()]


async def refused(answer: ClientResponse, status: int, tmp_path: Path) -> None:
    assert answer.status == status, await answer.text()
    assert (await answer.json())["detail"]
    assert on_disk(tmp_path) == []


def allow(server: TestServer, monkeypatch: pytest.MonkeyPatch, **limits: int) -> None:
    assert server.app is not None
    for name, number in limits.items():
        monkeypatch.setattr(server.app[UPLOADS], name, number)


async def test_a_message_may_hold_files_and_words(sign_in: SignIn) -> None:
    kevin = await sign_in("Kevin")
    data = picture(2400, 1200, "JPEG")
    message = await sent(
        kevin.client,
        *(("a.jpg", data), ("notes.pdf", b"%PDF-1.7 notes")),
        body="Look **here**",
        client_message_id="abc",
    )
    assert message["client_message_id"] == "abc"
    assert message["body"]["plain"] == "Look here"
    first, second = message["attachments"]
    about = ("filename", "content_type", "byte_size", "width", "height")
    assert [first[name] for name in about] == [
        *("a.jpg", "image/jpeg", len(data), 2400, 1200)
    ]
    assert [second[name] for name in about] == [
        *("notes.pdf", "application/pdf", 14, None, None)
    ]
    assert await bytes_of(kevin.client, first) == data
    assert await bytes_of(kevin.client, second) == b"%PDF-1.7 notes"
    small = await (await kevin.client.get(first["thumbnail_url"])).read()
    assert Image.open(io.BytesIO(small)).size == (1200, 600)
    assert second["thumbnail_url"] is None


async def test_files_need_no_words_and_give_the_message_theirs(sign_in: SignIn) -> None:
    kevin = await sign_in("Kevin")
    for fields in ({}, {"body": ""}, {"body": " \n"}):
        message = await sent(kevin.client, ("map.txt", b"x"), **fields)
        assert message["body"] == {"source": "", "html": "", "plain": "map.txt"}
    nothing = await kevin.client.post(ROOM, data=form(body=" "))
    assert nothing.status == 422


async def test_what_is_kept_is_what_the_row_says(
    sign_in: SignIn, server: TestServer, tmp_path: Path
) -> None:
    kevin = await sign_in("Kevin")
    await sent(kevin.client, ("a.bin", os.urandom(1_000_000)), ("b.bin", b""))
    assert server.app is not None
    rows = await server.app[DB].read(
        lambda db: db.rows("SELECT key, byte_size, sha256 FROM attachments")
    )
    assert len(rows) == 2
    for key, size, sha256 in rows:
        data = (tmp_path / "files" / key[:2] / key).read_bytes()
        assert (len(data), hashlib.sha256(data).digest()) == (size, sha256)


async def test_the_same_upload_again_is_the_message_that_exists(
    sign_in: SignIn, tmp_path: Path
) -> None:
    kevin = await sign_in("Kevin")
    first = await sent(kevin.client, ("a.txt", b"x"), client_message_id="abc")
    again = await kevin.client.post(
        ROOM, data=form(("a.txt", b"x"), client_message_id="abc")
    )
    assert (again.status, await again.json()) == (200, first)
    assert len(on_disk(tmp_path)) == 1
    await kevin.client.delete(f"{ROOM}/{first['id']}")
    late = await kevin.client.post(
        ROOM, data=form(("a.txt", b"x"), client_message_id="abc")
    )
    assert late.status == 410


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "GIF"])
async def test_place_and_device_are_taken_out(sign_in: SignIn, format: str) -> None:
    kevin = await sign_in("Kevin")
    data = from_a_camera(format, orientation=6)
    message = await sent(kevin.client, ("secret.jpg", data))
    (file,) = message["attachments"]
    left = await bytes_of(kevin.client, file)
    assert SECRET not in left
    assert file["byte_size"] == len(left) < len(data)
    is_turned = format != "GIF"
    assert (file["width"], file["height"]) == ((60, 90) if is_turned else (90, 60))


@pytest.mark.parametrize(
    ("data", "content_type"),
    [
        (movie(SECRET), "video/mp4"),
        (movie(SECRET, is_cut=True), "video/mp4"),
        (movie(SECRET, b"qt  "), "video/quicktime"),
        (movie(SECRET)[20:], "video/quicktime"),
        (movie(SECRET, b"M4A "), "audio/mp4"),
        (from_a_camera("AVIF"), "image/avif"),
        (film(said=SECRET), "video/webm"),
        (film(said=SECRET, kind=b"matroska"), "video/x-matroska"),
    ],
)
async def test_place_and_device_are_taken_out_of_films(
    sign_in: SignIn, data: bytes, content_type: str
) -> None:
    """The place is of no length in them: nothing in the file may move."""
    kevin = await sign_in("Kevin")
    assert SECRET in data
    (file,) = (await sent(kevin.client, ("a.mov", data)))["attachments"]
    assert (file["content_type"], file["byte_size"]) == (content_type, len(data))
    assert SECRET not in await bytes_of(kevin.client, file)


async def test_the_digest_is_that_of_the_film_that_is_kept(
    sign_in: SignIn, server: TestServer, tmp_path: Path
) -> None:
    kevin = await sign_in("Kevin")
    await sent(kevin.client, ("a.mp4", movie(SECRET)))
    assert server.app is not None
    ((key, digest),) = await server.app[DB].read(
        lambda db: db.rows("SELECT key, sha256 FROM attachments")
    )
    data = (tmp_path / "files" / key[:2] / key).read_bytes()
    assert hashlib.sha256(data).digest() == digest


async def test_what_cannot_be_read_says_that_it_is_as_it_came(
    browse: Browse, sign_in: SignIn
) -> None:
    browser, kevin = await browse("Kevin"), await sign_in("Kevin")
    for name, is_said in (("a.MP4", True), ("a.bin", False)):
        (file,) = (await sent(kevin.client, (name, b"junk")))["attachments"]
        assert file["content_type"] == BYTES
        page = await (await browser.get(ROOM, headers=HTML)).text()
        assert ("unreadable, kept as it came" in page) == is_said
        newest = (await (await kevin.client.get(ROOM)).json())[-1]
        await kevin.client.delete(f"{ROOM}/{newest['id']}")


async def test_what_takes_too_long_to_look_through_is_refused(
    sign_in: SignIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where it was taken may still be in it."""
    kevin = await sign_in("Kevin")
    monkeypatch.setattr(pictures, "PATIENCE", 0.001)
    answer = await kevin.client.post(ROOM, data=form(("a.mp4", movie(SECRET))))
    assert "Place and camera" in (await answer.json())["detail"]
    await refused(answer, 422, tmp_path)


async def test_place_is_taken_out_of_what_is_too_large_to_look_at(
    sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    kevin = await sign_in("Kevin")
    exif = Image.Exif()
    exif[0x010E] = SECRET.decode()
    data = picture(5001, 5000, "JPEG", exif=exif)
    (file,) = (await sent(kevin.client, ("huge.jpg", data)))["attachments"]
    assert (file["width"], file["thumbnail_url"]) == (None, None)
    assert SECRET not in await bytes_of(kevin.client, file)


BYTES = formats.BYTES
BOMB = png(10_000, 10_000, zlib.compress(b"\0" * 100_000_000, 9))
ODD: dict[str, tuple[str, bytes, str]] = {
    "a bomb": ("bomb.png", BOMB, "image/png"),
    "a lie": ("lie.png", png(50_000, 50_000, b"x"), "image/png"),
    "half": ("half.png", picture()[:-40], "image/png"),
    "half a photograph": ("half.jpg", picture(format="JPEG")[:300], BYTES),
    "only a beginning": ("a.gif", b"GIF89a", BYTES),
    "SVG": ("a.svg", b"<svg onload='alert(1)'/>", BYTES),
    "a page": ("a.html", b"<script>alert(1)</script>", BYTES),
    "a page called PNG": ("a.png", b"<script>1</script>", BYTES),
    "PostScript": ("a.png", b"%!PS-Adobe-3.0 EPSF", BYTES),
    "a bitmap": ("a.png", picture(format="BMP"), BYTES),
    "TIFF": ("a.png", picture(format="TIFF"), BYTES),
    "PDF and ZIP": ("a.zip", b"%PDF-1.7\nPK\x03\x04", "application/pdf"),
    "half a film": ("a.webm", film()[:-60], "video/webm"),
    "the head of a film": ("a.webm", film()[:60], BYTES),
    "a film of junk": ("a.mp4", b"\0\0\0\x18ftypmp42" + b"j" * 99, BYTES),
    "nothing": ("a.png", b"", BYTES),
    "words": ("a.txt", b"GIF88a", "text/plain"),
}


async def test_odd_files_are_files_without_a_preview(sign_in: SignIn) -> None:
    kevin = await sign_in("Kevin")
    for name, data, content_type in ODD.values():
        (file,) = (await sent(kevin.client, (name, data)))["attachments"]
        assert (file["content_type"], file["thumbnail_url"]) == (content_type, None)
        assert await bytes_of(kevin.client, file) == data


async def test_two_things_in_one_are_the_first_alone(sign_in: SignIn) -> None:
    """A picture that is a page too: what is not the picture is gone, or never runs."""
    kevin = await sign_in("Kevin")
    script = b"<script>alert(1)</script>"
    for format in ("PNG", "JPEG", "WEBP"):
        data = picture(format=format) + script
        (file,) = (await sent(kevin.client, ("a.html", data)))["attachments"]
        assert file["content_type"] == f"image/{format.lower()}"
        assert script not in await bytes_of(kevin.client, file)


@pytest.mark.parametrize(
    "name", ["../../x", "..\\x", "a%0D%0ASet-Cookie: x=y", "\u202egnp.exe", "x" * 5000]
)
async def test_a_name_is_only_a_name(
    sign_in: SignIn, tmp_path: Path, name: str
) -> None:
    kevin = await sign_in("Kevin")
    (file,) = (await sent(kevin.client, (name, b"x")))["attachments"]
    assert file["filename"] == files.clean(file["filename"])
    assert await bytes_of(kevin.client, file) == b"x"
    (path,) = on_disk(tmp_path)
    assert len(path.name) == 26


async def test_ten_files_are_the_most(sign_in: SignIn, tmp_path: Path) -> None:
    kevin = await sign_in("Kevin")
    given = [(f"{number}.txt", b"x") for number in range(11)]
    answer = await kevin.client.post(ROOM, data=form(*given))
    assert (await answer.json())["errors"].keys() == {"attachment"}
    await refused(answer, 422, tmp_path)
    assert len((await sent(kevin.client, *given[:10]))["attachments"]) == 10


async def test_a_file_is_refused_when_it_is_too_large(
    sign_in: SignIn,
    server: TestServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kevin = await sign_in("Kevin")
    allow(server, monkeypatch, largest=1_000_000)
    answer = await kevin.client.post(ROOM, data=form(("a", bytes(1_000_001))))
    assert (await answer.json())["detail"] == "The limit is 1 MB for a file."
    await refused(answer, 413, tmp_path)
    await sent(kevin.client, ("a", bytes(1_000_000)))


async def test_what_says_that_it_is_too_large_is_not_read(
    sign_in: SignIn, server: TestServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    kevin = await sign_in("Kevin")
    allow(server, monkeypatch, largest=1_000)
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    head = (
        f"POST {ROOM} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {kevin.token}\r\n"
        "Accept: application/json\r\nContent-Length: 99999999\r\n"
        "Content-Type: multipart/form-data; boundary=B\r\n\r\n"
    )
    writer.write(head.encode())
    async with asyncio.timeout(10):
        assert b" 413 " in await reader.readline()
    writer.close()


async def test_a_person_may_keep_only_so_much(
    sign_in: SignIn, server: TestServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    kevin, jz = await sign_in("Kevin"), await sign_in("JZ")
    allow(server, monkeypatch, _quota=10_000)
    message = await sent(kevin.client, ("a", bytes(6_000)))
    answer = await kevin.client.post(ROOM, data=form(("b", bytes(6_000))))
    assert answer.status == 422
    assert "MB together" in (await answer.json())["detail"]
    await sent(jz.client, ("b", bytes(6_000)))
    assert (await kevin.client.post(ROOM, data=form(body="words"))).status == 201
    await kevin.client.delete(f"{ROOM}/{message['id']}")
    second = await sent(kevin.client, ("b", bytes(6_000)))
    await kevin.client.delete(f"{ROOM}/{second['id']}")
    answer = await kevin.client.post(ROOM, data=form(("c", bytes(9_000))))
    assert answer.status == 422, "the trash holds as much again and no more"


async def test_three_uploads_at_once_are_enough(
    sign_in: SignIn, server: TestServer
) -> None:
    kevin, jz = await sign_in("Kevin"), await sign_in("JZ")
    assert server.app is not None
    keeper: Uploads = server.app[UPLOADS]
    slots = [await keeper._admitted(kevin.id, 1) for _ in range(uploads.AT_ONCE)]
    answer = await kevin.client.post(ROOM, data=form(("a", b"x")))
    assert (answer.status, answer.headers["Retry-After"]) == (429, "1")
    await sent(jz.client, ("a", b"x"))
    with slots.pop():
        pass
    await sent(kevin.client, ("a", b"x"))
    with pytest.raises(TooMany):
        for _ in range(uploads.AT_ONCE):
            slots.append(await keeper._admitted(kevin.id, 1))
    for slot in slots:
        with slot:
            pass
    assert not keeper._sending and not keeper._promised


async def test_an_outsider_is_refused_before_a_byte_is_read(
    sign_in: SignIn, tmp_path: Path
) -> None:
    kevin = await sign_in("Kevin")
    room = f"/rooms/{WATERCOOLER}/messages"
    answer = await kevin.client.post(room, data=form(("a", bytes(300_000))))
    await refused(answer, 404, tmp_path)


async def test_a_file_for_a_room_that_was_left_meanwhile_goes(
    sign_in: SignIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    david, jz = await sign_in("David"), await sign_in("JZ")
    preview = pictures.preview

    async def meanwhile(*given: Any) -> Any:
        assert on_disk(tmp_path), "it came in while JZ was a member"
        answer = await david.client.patch(
            f"/rooms/{WATERCOOLER}", json={"user_ids": [1, 2]}
        )
        assert answer.status == 200
        return await preview(*given)

    monkeypatch.setattr(pictures, "preview", meanwhile)
    room = f"/rooms/{WATERCOOLER}/messages"
    answer = await jz.client.post(room, data=form(("a.txt", b"x")))
    await refused(answer, 404, tmp_path)


def part(name: str, value: bytes, more: str = "") -> bytes:
    disposition = f'Content-Disposition: form-data; name="{name}"{more}\r\n\r\n'
    return b"--B\r\n" + disposition.encode() + value + b"\r\n"


FILE = part("attachment", b"x" * 70_000, '; filename="a.txt"')
END = b"--B--\r\n"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (FILE, 400),
        (FILE[:-20], 400),
        (FILE + b"--B\r\nnonsense\r\n\r\nx\r\n" + END, 400),
        (FILE + b"--B\r\n\r\nx\r\n" + END, 400),
        (FILE + part("body", b"\xff") + END, 400),
        (FILE + part("body", b"x") * 2 + END, 422),
        (FILE + part("client_message_id", b"not ours") + END, 422),
        (FILE + part("body", b"x" * 600_000) + END, 413),
        (FILE + part("body", b"x" * 100_000) + END, 422),
        (part("picture", b"x", '; filename="a.txt"') + END, 422),
        (FILE + part("attachment", b"x", '; filename=""') * 2_001 + END, 400),
    ],
)
async def test_a_broken_form_leaves_nothing_behind(
    sign_in: SignIn, tmp_path: Path, body: bytes, status: int
) -> None:
    kevin = await sign_in("Kevin")
    headers = {"Content-Type": "multipart/form-data; boundary=B"}
    answer = await kevin.client.post(ROOM, data=body, headers=headers)
    await refused(answer, status, tmp_path)


async def test_a_compressed_form_is_refused(sign_in: SignIn, tmp_path: Path) -> None:
    kevin = await sign_in("Kevin")
    headers = {
        "Content-Type": "multipart/form-data; boundary=B",
        "Content-Encoding": "gzip",
    }
    answer = await kevin.client.post(ROOM, data=FILE + END, headers=headers)
    await refused(answer, 415, tmp_path)


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not true():
            await asyncio.sleep(0.01)


def half_an_upload(token: str, size: int) -> bytes:
    head = (
        f"POST {ROOM} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n"
        f"Accept: application/json\r\nContent-Length: {len(FILE) + size}\r\n"
        "Content-Type: multipart/form-data; boundary=B\r\n\r\n"
    )
    return head.encode() + FILE[:60_000]


async def test_who_goes_away_in_the_middle_leaves_nothing(
    sign_in: SignIn, server: TestServer, tmp_path: Path
) -> None:
    kevin = await sign_in("Kevin")
    _, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(half_an_upload(kevin.token, 1_000))
    await until(lambda: bool(on_disk(tmp_path)))
    writer.close()
    await until(lambda: not on_disk(tmp_path))
    assert server.app is not None
    keeper = server.app[UPLOADS]
    await until(lambda: not keeper._sending)


async def test_who_goes_away_while_the_file_is_made_leaves_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = Storage(tmp_path / "files")
    made, gone = threading.Event(), threading.Event()

    def incoming() -> Incoming:
        file = Storage.incoming(storage)
        made.set()
        assert gone.wait(20)
        return file

    monkeypatch.setattr(storage, "incoming", incoming)
    opening = asyncio.create_task(uploads.opened(storage))
    assert await asyncio.to_thread(made.wait, 20)
    assert on_disk(tmp_path)
    opening.cancel()
    gone.set()
    with pytest.raises(asyncio.CancelledError):
        await opening
    assert on_disk(tmp_path) == []


async def test_a_full_disk_is_no_bug(
    sign_in: SignIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The refusal is the kernel's own, for another file."""
    kevin = await sign_in("Kevin")

    def full(*given: object) -> None:
        with open("/dev/full", "wb", buffering=0) as file:
            file.write(b"x")

    monkeypatch.setattr("campfire.storage.Incoming.write", full)
    answer = await kevin.client.post(ROOM, data=form(("a", b"x")))
    assert answer.headers["Retry-After"] == "60"
    await refused(answer, 507, tmp_path)


async def test_what_there_is_no_room_for_is_refused_before_a_byte_is_kept(
    sign_in: SignIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kevin = await sign_in("Kevin")
    monkeypatch.setattr(database, "free", lambda folder: database.LEAST_FREE + 2_000)
    monkeypatch.setattr("campfire.storage.Incoming.write", lambda *given: 1 / 0)
    answer = await kevin.client.post(ROOM, data=form(("a", b"x" * 2_000)))
    assert answer.headers["Retry-After"] == "60"
    await refused(answer, 507, tmp_path)


async def test_a_form_without_a_script_may_choose_a_file_or_none(
    browse: Browse, sign_in: SignIn
) -> None:
    browser, kevin = await browse("Kevin"), await sign_in("Kevin")
    for data in (form(("", b""), body="no file"), form(("a.txt", b"x"), body="")):
        answer = await browser.post(
            ROOM, data=data, headers=HTML, allow_redirects=False
        )
        assert answer.status == 303
    first, second = await (await kevin.client.get(ROOM)).json()
    assert (first["body"]["plain"], first["attachments"]) == ("no file", [])
    assert [file["filename"] for file in second["attachments"]] == ["a.txt"]


async def test_a_server_that_is_killed_leaves_no_row_without_its_bytes(
    tmp_path: Path,
) -> None:
    """SIGKILL while several files come in, at moments that each round picks."""
    db = Database(tmp_path / "campfire.sqlite3")
    await db.write(set_the_stage)
    token = await db.write(sessions.start, DAVID, "127.0.0.1", "tests")
    await db.close()
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
    for wait in (0.0, 0.15, 0.4):
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "campfire", "serve", "--port", "0"),
            *("--data", str(tmp_path)),
            stdout=asyncio.subprocess.PIPE,
            env=os.environ | {"CAMPFIRE_RATE_LIMITS": "off"},
        )
        assert process.stdout is not None
        while not (line := await process.stdout.readline()).startswith(b"Campfire is"):
            assert line
        url = line.split()[3].decode()
        async with ClientSession(url, headers=headers) as client:
            posts = [
                asyncio.create_task(
                    client.post(ROOM, data=form(("a.bin", os.urandom(400_000))))
                )
                for _ in range(3)
            ]
            await until(lambda: bool(on_disk(tmp_path)))
            await asyncio.sleep(wait)
            process.send_signal(signal.SIGKILL)
            await process.wait()
            await asyncio.gather(*posts, return_exceptions=True)
    server = TestServer(await app.create(Config(data=tmp_path, password_cost=4)))
    await server.start_server()
    assert server.app is not None
    rows = await server.app[DB].read(
        lambda db: db.rows("SELECT key, sha256 FROM attachments")
    )
    for key, sha256 in rows:
        data = (tmp_path / "files" / key[:2] / key).read_bytes()
        assert hashlib.sha256(data).digest() == sha256
    keys = {key for key, _ in rows}
    await until(lambda: {path.name for path in on_disk(tmp_path)} == keys)
    await server.close()
