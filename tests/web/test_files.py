"""Files on their way out: to members only, in ranges, never as something that runs."""

from typing import Any

import pytest
from aiohttp import ClientResponse, ClientSession
from aiohttp.test_utils import TestServer

from campfire.web.files import disposition
from campfire.web.middleware import PROBLEM
from tests.conftest import WATERCOOLER, Person, SignIn
from tests.samples import film, picture
from tests.web.test_uploads import sent

ROOM = f"/rooms/{WATERCOOLER}/messages"
DATA = bytes(range(256)) * 1_200


async def shared(
    sign_in: SignIn, name: str = "a.bin", data: bytes = DATA
) -> tuple[Person, dict[str, Any]]:
    jz = await sign_in("JZ")
    message = await sent(jz.client, (name, data), room=ROOM)
    return jz, message["attachments"][0]


async def got(client: ClientSession, url: str, **headers: str) -> ClientResponse:
    """The answer, read to its end: bytes from the disk come after the headers."""
    answer = await client.get(url, headers=headers)
    await answer.read()
    return answer


async def test_a_file_comes_with_what_keeps_it_from_running(sign_in: SignIn) -> None:
    jz, file = await shared(sign_in)
    answer = await jz.client.get(file["url"])
    assert await answer.read() == DATA
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Content-Length"] == str(len(DATA))
    assert answer.headers["Content-Disposition"].startswith("attachment;")
    assert answer.headers["Cache-Control"] == "private, no-cache"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert "'self'" not in answer.headers["Content-Security-Policy"].split(";")[0]


@pytest.mark.parametrize(
    ("name", "data", "kind", "content_type"),
    [
        ("a.png", picture(), "inline", "image/png"),
        ("a.webm", film(), "inline", "video/webm"),
        ("a.mp3", b"ID3\x04", "inline", "audio/mpeg"),
        ("a.pdf", b"%PDF-1.7", "attachment", "application/pdf"),
        ("a.txt", b"x", "attachment", "text/plain"),
        ("a.svg", b"<svg/>", "attachment", "application/octet-stream"),
        ("a.html", b"<p>", "attachment", "application/octet-stream"),
        ("a.avif", picture(format="AVIF"), "attachment", "image/avif"),
    ],
)
async def test_only_what_is_safe_is_shown_in_place(
    sign_in: SignIn, name: str, data: bytes, kind: str, content_type: str
) -> None:
    jz, file = await shared(sign_in, name, data)
    answer = await got(jz.client, file["url"])
    assert answer.headers["Content-Type"] == content_type
    assert answer.headers["Content-Disposition"].split(";")[0] == kind
    answer = await got(jz.client, file["url"] + "?download")
    assert answer.headers["Content-Disposition"].split(";")[0] == "attachment"


SIZE = len(DATA)


@pytest.mark.parametrize(
    ("asked", "status", "start", "end"),
    [
        ("bytes=0-0", 206, 0, 1),
        ("bytes=0-", 206, 0, SIZE),
        ("bytes=100-299", 206, 100, 300),
        ("bytes=-5", 206, SIZE - 5, SIZE),
        (f"bytes=-{SIZE * 2}", 206, 0, SIZE),
        (f"bytes=5-{2**100}", 206, 5, SIZE),
        (f"bytes={SIZE - 1}-", 206, SIZE - 1, SIZE),
        (f"bytes={SIZE}-", 416, 0, 0),
        (f"bytes={2**100}-", 416, 0, 0),
        ("bytes=-0", 416, 0, 0),
        ("bytes=0-0,1-1", 200, 0, SIZE),
        ("bytes=" + ",".join(["0-0"] * 1_000), 200, 0, SIZE),
        ("bytes=5-2", 200, 0, SIZE),
        ("bytes=a-b", 200, 0, SIZE),
        ("bytes=-", 200, 0, SIZE),
        ("bytes=٣-٤", 200, 0, SIZE),
        ("lines=0-1", 200, 0, SIZE),
        ("", 200, 0, SIZE),
    ],
)
async def test_one_range_is_given_and_several_are_not(
    sign_in: SignIn, asked: str, status: int, start: int, end: int
) -> None:
    jz, file = await shared(sign_in)
    answer = await jz.client.get(file["url"], headers={"Range": asked})
    assert answer.status == status
    if status == 416:
        assert answer.content_type == PROBLEM, "and not that of the file"
        assert (await answer.json(content_type=PROBLEM))["status"] == 416
    else:
        assert await answer.read() == DATA[start:end]
    said = answer.headers.get("Content-Range")
    expected = {206: f"bytes {start}-{end - 1}/{SIZE}", 416: f"bytes */{SIZE}"}
    assert said == expected.get(status)


async def test_a_range_of_another_version_is_the_whole(sign_in: SignIn) -> None:
    jz, file = await shared(sign_in)
    tag = (await jz.client.head(file["url"])).headers["ETag"]
    for condition, status in ((tag, 206), (f"W/{tag}", 200), ("junk", 200)):
        headers = {"Range": "bytes=1-2", "If-Range": condition}
        answer = await jz.client.get(file["url"], headers=headers)
        assert (answer.status, len(await answer.read())) == (
            *(status, 2 if status == 206 else SIZE),
        )


async def test_asking_for_the_head_gives_no_bytes(sign_in: SignIn) -> None:
    jz, file = await shared(sign_in)
    for headers, status, length in (({}, 200, SIZE), ({"Range": "bytes=1-2"}, 206, 2)):
        answer = await jz.client.head(file["url"], headers=headers)
        assert (answer.status, answer.content_length) == (status, length)
        assert await answer.read() == b""


async def test_what_a_browser_has_is_not_sent_again(sign_in: SignIn) -> None:
    jz, file = await shared(sign_in, "a.png", picture())
    for url in (file["url"], file["thumbnail_url"]):
        tag = (await got(jz.client, url)).headers["ETag"]
        for known in (tag, f"W/{tag}", f'"x", {tag}', "*"):
            answer = await jz.client.get(url, headers={"If-None-Match": known})
            assert (answer.status, await answer.read()) == (304, b"")
        answer = await got(jz.client, url, **{"If-None-Match": '"x"'})
        assert answer.status == 200


async def test_a_thumbnail_is_a_small_picture(sign_in: SignIn) -> None:
    jz, file = await shared(sign_in, "a.png", picture())
    answer = await jz.client.get(file["thumbnail_url"])
    assert answer.headers["Content-Type"] == "image/webp"
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert (await answer.read())[:4] == b"RIFF"


async def allowed(client: ClientSession, file: dict[str, Any], tag: str) -> set[int]:
    """Every status that somebody gets for the file, however they ask."""
    statuses = set()
    for url in (file["url"], file["url"] + "?download", file["thumbnail_url"]):
        for headers in ({}, {"Range": "bytes=0-0"}, {"If-None-Match": tag}):
            for method in ("GET", "HEAD"):
                answer = await client.request(method, url, headers=headers)
                await answer.read()
                statuses.add(answer.status)
    return statuses


async def test_an_outsider_gets_nothing_and_neither_does_who_was_removed(
    sign_in: SignIn,
) -> None:
    """Also not the news that what they have kept is still right."""
    jz, file = await shared(sign_in, "a.png", picture())
    david, kevin = await sign_in("David"), await sign_in("Kevin")
    tag = (await got(jz.client, file["url"])).headers["ETag"]
    assert await allowed(jz.client, file, tag) == {200, 206, 304}
    assert await allowed(kevin.client, file, tag) == {404}
    path = f"/rooms/{WATERCOOLER}"
    await david.client.patch(path, json={"user_ids": [1, 2]})
    assert await allowed(jz.client, file, tag) == {404}
    assert await allowed(david.client, file, tag) == {200, 206, 304}
    await david.client.delete(path)
    assert await allowed(david.client, file, tag) == {404}


async def test_a_file_goes_with_its_message(sign_in: SignIn) -> None:
    jz = await sign_in("JZ")
    message = await sent(jz.client, ("a.png", picture()), room=ROOM)
    (file,) = message["attachments"]
    tag = (await got(jz.client, file["url"])).headers["ETag"]
    assert (await jz.client.delete(f"{ROOM}/{message['id']}")).status == 204
    assert await allowed(jz.client, file, tag) == {404}


@pytest.mark.parametrize("tail", ["", "/", "/..", "/a/b", "/a/../thumbnail"])
async def test_an_address_is_an_id_and_a_name(sign_in: SignIn, tail: str) -> None:
    jz, file = await shared(sign_in)
    for number in (str(file["id"]), f"0{file['id']}", f"+{file['id']}", "x", "9" * 400):
        answer = await jz.client.get(f"/files/{number}{tail}")
        assert answer.status == 404


async def test_bytes_that_the_disk_lost_are_not_there(
    sign_in: SignIn, server: TestServer, tmp_path: Any
) -> None:
    jz, file = await shared(sign_in)
    for path in (tmp_path / "files").rglob("*"):
        if path.is_file():
            path.unlink()
    assert (await jz.client.get(file["url"])).status == 404


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("a.txt", "attachment; filename=\"a.txt\"; filename*=UTF-8''a.txt"),
        (
            'a"\\%.txt',
            "attachment; filename=\"a___.txt\"; filename*=UTF-8''a%22%5C%25.txt",
        ),
        (
            "ü b.txt",
            "attachment; filename=\"_ b.txt\"; filename*=UTF-8''%C3%BC%20b.txt",
        ),
    ],
)
def test_a_name_is_spelled_for_every_browser(name: str, words: str) -> None:
    assert disposition(name, is_shown=False) == words
