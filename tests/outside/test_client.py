"""The way out, to real receivers on this machine: what is asked, and what never is."""

import asyncio
import gzip
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from campfire.outside import client as module
from campfire.outside.client import Client, Target, Unreachable, target
from tests.outside.conftest import (
    NAME,
    NEXT_DOOR,
    Receiver,
    Serve,
    answered,
    neighbour,
    sent_to,
)

PAGE = answered("<title>Hello</title>")

NO_TARGETS = [
    *("", "x", "/", "//x.example", "http:", "http:/", "http://", "http:///x.example"),
    *("http:x.example", "http:/x.example", "http://?x", "http://#x", "http://:80/"),
    *("file:///etc/passwd", "ftp://x.example/", "gopher://x.example/_GET"),
    *("data:text/html,x", "javascript:alert(1)", "ws://x.example/", "mailto:a@b.c"),
    *("https:x.example", "httpx://x.example", " http://x.example"),
    *("http://x.example ", "http://x.exa mple/", "http://x.example/a b"),
    *("http://x.example/\t", "http://x.exam\tple/", "ht\ntp://x.example/"),
    *("http://x.example/\r\nHost: y", "http://x.example/\x00", "http://x.example/\x7f"),
    *("http://good@x.example/", "http://a:b@x.example/", "http://@x.example/"),
    *("http://:@x.example/", "http://good@127.0.0.1/", "http://127.0.0.1\\@x.example"),
    *("http://x.example\\y/", "http:\\\\x.example/", "http://x.example:99999/"),
    *("http://x.example:/", "http://x.example:80:80/", "http://x.example:-1/"),
    *("http://x.example:8o/", "http://x.example:٨٠/", "http://x%2eexample/"),
    *("http://127.0.0.1%25lo/", "http://[::1%25lo]/", "http://[fe80::1%eth0]/"),
    *("http://[::1", "http://::1/", "http://[]/", "http://[127.0.0.1]/"),
    *("http://[::1]x/", "http://[v1.x]/", "http://[::g]/", "http://[1:2]/"),
    *("http://localhost/", "http://LOCALHOST/", "http://intranet/", "http://a/"),
    *("http://ⓛocalhost/", "http://localhost./", "http://x.example./"),
    *("http://0/", "http://00/", "http://0x0/", "http://1/", "http://127.1/"),
    *("http://2130706433/", "http://0x7f000001/", "http://0X7F.1/", "http://0x7f.1/"),
    *("http://0177.0.0.1/", "http://017700000001/", "http://127.0.0.01/"),
    *("http://127.0.0x1/", "http://127.0.0.1./", "http://127..1/", "http://127.0.1/"),
    *("http://1.1.1.1.1/", "http://256.256.256.256/", "http://1.1.1.256/"),
    *("http://134744072/", "http://0x08080808/", "http://8.8.2056/", "http://8.8/"),
    *("http://x.0x7f/", "http://x.1/", "http://x.0x/", "http://x.08/"),
    *("http://.example/", "http://x..example/", "http://-x.example/", "http://_/"),
    *(f"http://{'a' * 64}.example/", f"http://{'a.' * 127}example/"),
    *(f"http://{'ä' * 300}.example/", "http://xn--.example/", "http://x-.example/"),
    *("http://x\u00ad.example/", "http://x\u200b.example/", "http://x\ufeff.example/"),
    *("http://x*.example/", "http://x,y.example/", "http://x.example;/", "http://%/"),
    f"http://x.example/{'a' * 2048}",
]
TARGETS = {
    "http://x.example": ("http", "x.example", 80),
    "HTTP://X.Example/Path": ("http", "x.example", 80),
    "https://x.example/?q=http://127.0.0.1/": ("https", "x.example", 443),
    "https://x.example:443/#@y": ("https", "x.example", 443),
    "http://x.example:8080/": ("http", "x.example", 8080),
    "http://x.example/ä?ö=ü": ("http", "x.example", 80),
    "http://bücher.example/": ("http", "xn--bcher-kva.example", 80),
    "http://xn--bcher-kva.example/": ("http", "xn--bcher-kva.example", 80),
    "http://a_b.example/": ("http", "a_b.example", 80),
    "http://8.8.8.8/": ("http", "8.8.8.8", 80),
    "http://127.0.0.1/": ("http", "127.0.0.1", 80),
    "http://１２７.0.0.1/": ("http", "127.0.0.1", 80),
    "http://127。0。0。1/": ("http", "127.0.0.1", 80),
    "http://[2606:4700::1]/": ("http", "2606:4700::1", 80),
    "http://[::ffff:127.0.0.1]/": ("http", "::ffff:7f00:1", 80),
}
# Well spelled, and none of them ours to ask; each names a port that would be open.
PRIVATE_HOSTS = [
    *(
        "127.0.0.1",
        "１２７.0.0.1",
        "127。0。0。1",
        "0.0.0.0",
        "10.0.0.1",
        "192.168.0.1",
    ),
    *("169.254.169.254", "168.63.129.16", "255.255.255.255", "[::]", "[::1]"),
    *("[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]", "[::ffff:0:7f00:1]"),
    *("[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[fd00:ec2::254]", "[fe80::1]"),
]


@pytest.mark.parametrize("url", NO_TARGETS)
def test_what_has_more_than_one_reading_goes_nowhere(url: str) -> None:
    with pytest.raises(Unreachable):
        target(url)


@pytest.mark.parametrize("url", TARGETS)
def test_a_plain_url_goes_where_it_says(url: str) -> None:
    going_to = target(url)
    assert (going_to.scheme, going_to.host, going_to.port) == TARGETS[url]


async def test_a_page_comes_with_its_type(serve: Serve) -> None:
    receiver = await serve(answered("<p>ä", "Text/HTML; charset=UTF-8"))
    answer = await neighbour(receiver).fetch(receiver.url("/a?b=c#d"))
    assert (answer.status, answer.content_type) == (200, "text/html")
    assert (answer.charset, answer.body.decode()) == ("UTF-8", "<p>ä")
    assert answer.url == receiver.url("/a?b=c")


async def test_a_request_says_who_asks_and_nothing_else(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    receiver = await serve(PAGE.replace(b"\r\n\r\n", b"\r\nSet-Cookie: a=b\r\n\r\n", 1))
    (tmp_path / "netrc").write_text(f"machine {NAME} login a password b\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    client = neighbour(receiver)
    for _ in range(2):
        await client.fetch(receiver.url())
        lines = receiver.heads[-1].strip().split("\r\n")
        assert lines[0] == "GET / HTTP/1.1"
        assert dict(line.split(": ", 1) for line in lines[1:]) == {
            "Host": f"{NAME}:{receiver.port}",
            "User-Agent": module.USER_AGENT,
            "Accept-Encoding": "identity",
            "Accept": "*/*",
            "Connection": "close",
        }


async def test_something_can_be_handed_over(serve: Serve) -> None:
    receiver = await serve(answered("", status="201 Created"))
    answer = await neighbour(receiver).fetch(
        receiver.url(), method="POST", body=b"{}", headers={"X-Delivery": "7"}
    )
    assert answer.status == 201
    assert receiver.heads[0].startswith("POST / ")
    assert "X-Delivery: 7" in receiver.heads[0]


async def test_what_is_handed_over_is_not_passed_on(serve: Serve) -> None:
    receiver = await serve(sent_to("/elsewhere", 307))
    answer = await neighbour(receiver).fetch(receiver.url(), method="POST", body=b"x")
    assert answer.status == 307
    assert receiver.connections == 1


# Whom it asks


@pytest.mark.parametrize("host", PRIVATE_HOSTS)
async def test_a_private_address_is_not_asked(serve: Serve, host: str) -> None:
    receiver = await serve(PAGE)
    with pytest.raises(Unreachable):
        await Client(ports={receiver.port}).fetch(receiver.url(host=host))
    assert receiver.connections == 0
    await neighbour(receiver).fetch(receiver.url(host="127.0.0.1"))
    assert receiver.connections == 1, "or nothing was listening at all"


@pytest.mark.parametrize("host", PRIVATE_HOSTS)
def test_what_may_be_asked_is_known_before_it_is(host: str) -> None:
    client = Client(own="https://chat.example")
    assert client.may_ask(f"https://{NAME}/")
    assert not client.may_ask(f"https://{host}/")
    assert not client.may_ask(f"https://{NAME}:22/")
    assert not client.may_ask("https://chat.example/")
    assert not client.may_ask("nothing")


@pytest.mark.parametrize(
    "said, seconds",
    [("120", 120), ("0", 0), ("Wed, 21 Oct 2015 07:28:00 GMT", None), ("-1", None)]
    + [("9" * 30, None), ("", None)],
)
async def test_an_answer_says_when_to_come_again(
    serve: Serve, said: str, seconds: int | None
) -> None:
    head = f"HTTP/1.1 429 Slower\r\nRetry-After: {said}\r\nContent-Length: 0\r\n\r\n"
    receiver = await serve(head.encode())
    answer = await neighbour(receiver).fetch(receiver.url())
    assert (answer.status, answer.retry_after) == (429, seconds)


@pytest.mark.parametrize("port", [0, 22, 25, 6379, 8000, 8080, 65535])
async def test_only_the_usual_ports_are_asked(port: int) -> None:
    asked: list[str] = []

    def lookup(name: str) -> list[str]:
        asked.append(name)
        return ["127.0.0.1"]

    client = Client(lookup=lookup)
    with pytest.raises(Unreachable):
        await client.fetch(f"http://{NAME}:{port}/")
    assert asked == []
    with pytest.raises(Unreachable):
        await client.fetch(f"http://{NAME}/")
    assert asked == [f"{NAME}."], "whole, so that no search domain is tried"


@pytest.mark.parametrize(
    "answers",
    [
        ["127.0.0.1"],
        ["::1"],
        ["93.184.216.34", "127.0.0.1"],
        ["127.0.0.1", "93.184.216.34"],
        ["::ffff:127.0.0.1"],
        ["64:ff9b::7f00:1"],
        ["fe80::1%lo"],
        ["8.8.8.8"] * 3 + ["10.0.0.1"],
        [f"8.8.{number >> 8}.{number & 255}" for number in range(300)],
        [],
        ["nonsense"],
    ],
)
async def test_one_bad_answer_spoils_the_name(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, answers: list[str]
) -> None:
    receiver = await serve(PAGE)
    made: list[object] = []
    monkeypatch.setattr(socket, "socket", lambda *given: made.append(given))
    client = Client(ports={receiver.port}, lookup=lambda name: answers)
    with pytest.raises(Unreachable):
        await client.fetch(receiver.url())
    assert made == []


async def test_a_name_that_moves_is_asked_where_it_was_checked(serve: Serve) -> None:
    receiver = await serve(PAGE)
    answers = [["127.0.0.1"], ["10.0.0.1"]]
    client = neighbour(receiver, lookup=lambda name: answers.pop(0))
    await client.fetch(receiver.url())
    assert len(answers) == 1, "one look for one connection"
    with pytest.raises(Unreachable):
        await client.fetch(receiver.url())
    assert receiver.connections == 1


class Fooled(Client):
    """The house with every check before the socket taken away."""

    def _require_reachable(self, target: Target) -> None:
        self._resolver._may_reach = lambda address: True


@pytest.mark.parametrize("host", [NAME, "127.0.0.1", "１２７.0.0.1"])
async def test_the_socket_is_refused_when_all_else_is_fooled(
    serve: Serve, host: str
) -> None:
    receiver = await serve(PAGE)
    given = {"ports": {receiver.port}, "lookup": lambda name: ["127.0.0.1"]}
    with pytest.raises(Unreachable):
        await Fooled(**given).fetch(receiver.url(host=host))  # type: ignore[arg-type]
    assert receiver.connections == 0
    open_ = Fooled(**given, allowed=NEXT_DOOR)  # type: ignore[arg-type]
    await open_.fetch(receiver.url(host=host))
    assert receiver.connections == 1


async def test_the_socket_is_refused_a_port_when_all_else_is_fooled(
    serve: Serve,
) -> None:
    receiver = await serve(PAGE)
    fooled = Fooled(allowed=NEXT_DOOR, lookup=lambda name: ["127.0.0.1"])
    with pytest.raises(Unreachable):
        await fooled.fetch(receiver.url())
    assert receiver.connections == 0


async def test_our_own_house_is_not_asked(serve: Serve) -> None:
    receiver = await serve(PAGE)
    own = f"http://{NAME}:{receiver.port}"
    with pytest.raises(Unreachable):
        await neighbour(receiver, own=own).fetch(receiver.url())
    assert receiver.connections == 0
    await neighbour(receiver, own=own).fetch(receiver.url(host="other.example"))
    asked: list[str] = []

    def lookup(name: str) -> list[str]:
        asked.append(name)
        return []

    client = Client(own=f"https://{NAME}", lookup=lookup)
    for url in (f"https://{NAME}/rooms/1", f"http://{NAME.upper()}/"):
        with pytest.raises(Unreachable):
            await client.fetch(url)
    assert asked == []
    with pytest.raises(Unreachable):
        await client.fetch("https://other.example/")
    assert asked == ["other.example."]


async def test_a_name_that_takes_long_is_given_up(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    receiver = await serve(PAGE)
    monkeypatch.setattr(module, "LOOKING_UP", 0.05)
    held = threading.Event()

    def lookup(name: str) -> list[str]:
        held.wait(10)
        return ["127.0.0.1"]

    before = time.monotonic()
    with pytest.raises(Unreachable):
        await neighbour(receiver, lookup=lookup).fetch(receiver.url())
    held.set()
    assert time.monotonic() - before < 2
    assert receiver.connections == 0


@pytest.mark.parametrize("host", ["hook", "localhost", "my-bot", "xn--bcher-kva"])
def test_a_name_of_one_label_is_somebody_near(host: str) -> None:
    assert target(f"http://{host}:8080/", is_near=True).host == host
    assert Client(allowed=NEXT_DOOR, ports=None).may_ask(f"http://{host}:8080/")
    assert not Client(ports=None).may_ask(f"http://{host}:8080/")


@pytest.mark.parametrize("host", ["0x7f000001", "2130706433", "0", "hook.", "-hook"])
def test_a_number_is_no_name_however_near(host: str) -> None:
    with pytest.raises(Unreachable):
        target(f"http://{host}/", is_near=True)


async def test_a_name_is_looked_up_whole_unless_it_is_only_known_here(
    serve: Serve,
) -> None:
    receiver = await serve(answered("Hello", "text/plain"))
    names: list[str] = []

    def lookup(name: str) -> list[str]:
        names.append(name)
        return ["127.0.0.1"]

    client = neighbour(receiver, lookup=lookup)
    for host in ("hook", "hook.example"):
        assert (await client.fetch(receiver.url(host=host))).body == b"Hello"
    assert names == ["hook", "hook.example."]


async def test_a_name_of_one_label_leads_no_further_than_next_door(
    serve: Serve,
) -> None:
    receiver = await serve(answered("Hello"))
    for found in (["169.254.169.254"], ["127.0.0.1", "100.100.100.200"], ["10.0.0.1"]):
        client = neighbour(receiver, lookup=lambda name: found)
        with pytest.raises(Unreachable):
            await client.fetch(receiver.url(host="metadata"))
    assert receiver.connections == 0


async def test_a_name_that_nobody_knows_is_no_answer(serve: Serve) -> None:
    receiver = await serve(PAGE)

    def lookup(name: str) -> list[str]:
        raise socket.gaierror(socket.EAI_NONAME, "not known")

    with pytest.raises(Unreachable):
        await neighbour(receiver, lookup=lookup).fetch(receiver.url())


async def test_the_system_is_asked_for_names() -> None:
    assert "127.0.0.1" in module.looked_up("localhost")


# Where it is sent


async def test_three_redirects_are_followed_and_a_fourth_is_not(serve: Serve) -> None:
    async def step(path: str, writer: asyncio.StreamWriter) -> None:
        left = int(path[1:])
        writer.write(sent_to(f"/{left - 1}") if left else PAGE)

    receiver = await serve(step)
    client = neighbour(receiver)
    assert (await client.fetch(receiver.url("/3"))).url == receiver.url("/0")
    with pytest.raises(Unreachable):
        await client.fetch(receiver.url("/4"))
    assert receiver.connections == 8


@pytest.mark.parametrize(
    "location",
    [
        *("", "file:///etc/passwd", "data:text/html,x", "javascript:x", "ftp://x.y/"),
        *("//[::1]:{port}/", "http://[::1]:{port}/", "http://10.0.0.1:{port}/"),
        *("http://localhost:{port}/", "http://0x7f.1:{port}/", "//2130706433:{port}/"),
        *("http://a@page.example:{port}/", "/\t/x", "/a b", "http://page.example:22/"),
        *("http://page.example:{port}\\@x/", "http://[::ffff:127.0.0.1]:{port}/"),
    ],
)
async def test_a_redirect_goes_nowhere_that_a_request_may_not(
    serve: Serve, location: str
) -> None:
    async def answer(path: str, writer: asyncio.StreamWriter) -> None:
        writer.write(sent_to(location.format(port=receiver.port)))

    receiver = await serve(answer)
    with pytest.raises(Unreachable):
        await neighbour(receiver).fetch(receiver.url())
    assert receiver.connections == 1


async def test_a_redirect_may_be_to_a_neighbour(serve: Serve) -> None:
    receiver = await serve(PAGE)
    for location in ("../b", f"//other.example:{receiver.port}/b", "?b"):
        first = await serve(sent_to(location))
        client = neighbour(first, receiver)
        if location.startswith("//"):
            assert (await client.fetch(first.url("/a/a"))).body
        else:
            with pytest.raises(Unreachable):
                await client.fetch(first.url("/a/a"))
            assert first.connections == 4, "round and round, three times"


async def test_a_redirect_without_a_place_and_a_refresh_are_no_redirects(
    serve: Serve,
) -> None:
    receiver = await serve(b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n")
    with pytest.raises(Unreachable):
        await neighbour(receiver).fetch(receiver.url())
    refresh = await serve(PAGE.replace(b"\r\n\r\n", b"\r\nRefresh: 0;/x\r\n\r\n", 1))
    await neighbour(refresh).fetch(refresh.url())
    assert refresh.connections == 1


def test_a_safe_line_is_not_left_for_an_open_one() -> None:
    safe = target("https://page.example/")
    with pytest.raises(Unreachable):
        module.redirected(safe, {"Location": "http://page.example/"})
    assert module.redirected(safe, {"Location": "/a"}).scheme == "https"
    up = module.redirected(target("http://page.example/"), {"Location": str(safe.url)})
    assert up == safe


# What it takes


async def drip(path: str, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n")
    while not writer.is_closing():
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.02)


async def flood(path: str, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n")
    while not writer.is_closing():
        writer.write(b"x" * 65_536)
        await writer.drain()


async def say_nothing(path: str, writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(30)


@pytest.mark.parametrize("answer", [drip, say_nothing])
async def test_patience_ends(serve: Serve, answer: Callable[..., None]) -> None:
    receiver = await serve(answer)
    before = time.monotonic()
    with pytest.raises(Unreachable):
        await neighbour(receiver).fetch(receiver.url(), patience=0.2)
    assert time.monotonic() - before < 2
    assert module.PATIENCE == 5.0


async def test_a_body_without_end_is_too_much(serve: Serve) -> None:
    receiver = await serve(flood)
    with pytest.raises(Unreachable):
        await neighbour(receiver).fetch(receiver.url())
    answer = await neighbour(receiver).fetch(receiver.url(), enough=1_000)
    assert answer.body == b"x" * 1_000


async def test_a_body_may_be_as_large_as_it_may_be(serve: Serve) -> None:
    just = await serve(answered("x" * module.LARGEST))
    over = await serve(answered("x" * (module.LARGEST + 1)))
    assert len((await neighbour(just).fetch(just.url())).body) == 512 * 1024
    with pytest.raises(Unreachable):
        await neighbour(over).fetch(over.url())
    assert (await neighbour(over).fetch(over.url(), largest=10**6)).body


@pytest.mark.parametrize("encoding", ["gzip", "br", "zstd", "deflate", "GZIP", "x, y"])
async def test_what_comes_packed_is_left_packed(serve: Serve, encoding: str) -> None:
    packed = answered(gzip.compress(bytes(10**6)))
    head = f"\r\nContent-Encoding: {encoding}\r\n\r\n".encode()
    receiver = await serve(packed.replace(b"\r\n\r\n", head, 1))
    with pytest.raises(Unreachable):
        await neighbour(receiver).fetch(receiver.url())
    assert receiver.connections == 1


@pytest.mark.parametrize(
    "content_type",
    [
        *("image/png", "application/pdf", "application/octet-stream", "text/plain"),
        *("multipart/x-mixed-replace; boundary=x", "application/xhtml+xml", ""),
    ],
)
async def test_only_the_wanted_types_are_read(serve: Serve, content_type: str) -> None:
    receiver = await serve(answered("x", content_type))
    with pytest.raises(Unreachable):
        await neighbour(receiver).fetch(receiver.url(), types={"text/html"})
    assert (await neighbour(receiver).fetch(receiver.url())).body == b"x"


BODY = b"\r\nContent-Type: text/html\r\nContent-Length: 1\r\n\r\nx"


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 1_000_000 + BODY,
        b"HTTP/1.1 200 OK" + b"\r\nX: x" * 10_000 + BODY,
        b"<html>",
        b"",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nx",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nx",
        b"HTTP/1.1 1e3 OK" + BODY,
        b"HTTP/1.1 103 Early Hints\r\n\r\n",
    ],
)
async def test_a_broken_answer_is_no_answer(serve: Serve, answer: bytes) -> None:
    receiver = await serve(answer)
    with pytest.raises(Unreachable):
        await neighbour(receiver).fetch(receiver.url())
    assert receiver.connections >= 1


async def test_a_refusal_looks_like_what_is_not_there(serve: Serve) -> None:
    receiver = await serve(PAGE)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        closed = free.getsockname()[1]
    client = neighbour(receiver, ports={receiver.port, closed})
    words = set()
    for url in (
        *("http://10.0.0.1/", "http://127.1/", "nonsense"),
        *(f"http://{NAME}:{closed}/", f"http://{NAME}:22/"),
    ):
        with pytest.raises(Unreachable) as refused:
            await client.fetch(url)
        words.add((str(refused.value), refused.value.__cause__))
    assert words == {("", None)}


# TLS


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """For page.example, signed by itself."""
    folder = tmp_path_factory.mktemp("tls")
    key, chain = folder / "key.pem", folder / "chain.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-nodes", "-days", "2"),
            *("-pkeyopt", "ec_paramgen_curve:prime256v1", "-subj", f"/CN={NAME}"),
            *("-addext", f"subjectAltName=DNS:{NAME}"),
            *("-keyout", str(key), "-out", str(chain)),
        ],
        check=True,
        capture_output=True,
    )
    return key, chain


async def secure(
    serve: Serve, certificate: tuple[Path, Path]
) -> tuple[Receiver, list[str | None]]:
    """A receiver behind TLS, and the names that it was called by."""
    key, chain = certificate
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, key)
    called: list[str | None] = []
    context.sni_callback = lambda line, name, context: called.append(name)
    return await serve(PAGE, ssl=context), called


async def test_a_certificate_that_nobody_signed_is_refused(
    serve: Serve, certificate: tuple[Path, Path]
) -> None:
    receiver, called = await secure(serve, certificate)
    with pytest.raises(Unreachable):
        await neighbour(receiver).fetch(f"https://{NAME}:{receiver.port}/")
    assert called == [NAME]
    assert receiver.heads == []


async def test_the_certificate_must_be_for_the_name_that_was_asked(
    serve: Serve, certificate: tuple[Path, Path]
) -> None:
    receiver, called = await secure(serve, certificate)
    trusting = ssl.create_default_context(cafile=certificate[1])
    client = neighbour(receiver, tls=trusting)
    assert (await client.fetch(f"https://{NAME}:{receiver.port}/")).status == 200
    with pytest.raises(Unreachable):
        await client.fetch(f"https://other.example:{receiver.port}/")
    assert called == [NAME, "other.example"], "the name travels, not the address"
    assert len(receiver.heads) == 1
