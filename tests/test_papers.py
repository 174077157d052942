"""What docs/bots.md shows is what happens: its lines are run as they stand there."""

import asyncio
import html
import json
import os
import re
import shutil
import socket
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession
from aiohttp.test_utils import TestServer

from tests.conftest import ALL_PETS, Person, SignIn

PAPER = Path(__file__).resolve().parent.parent / "docs" / "bots.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
HEARS = 20.0
# What answers with a failure fails the line, and what never ends is ended.
CURLRC = "fail-with-body\nsilent\nshow-error\nmax-time = 20\n"

pytestmark = pytest.mark.skipif(not shutil.which("curl"), reason="there is no curl")


def shown(heading: str, language: str) -> str:
    """The blocks in a language below a heading, one after another."""
    _, found, rest = PAPER.read_text("utf-8").partition(f"\n## {heading}\n")
    assert found, heading
    blocks = BLOCK.findall(rest.partition("\n## ")[0])
    texts = [text for kind, text in blocks if kind == language]
    assert texts, f"nothing to run below {heading}"
    return "".join(texts)


@dataclass
class Author:
    """Somebody at a terminal with the paper open: in a folder, with a bot's key."""

    folder: Path
    known: dict[str, str]
    admin: Person
    bot_id: int
    running: list[Process] = field(default_factory=list)

    async def start(self, *command: str, **known: str) -> Process:
        environ = {"PATH": os.environ["PATH"], "HOME": str(self.folder), "LANG": "C"}
        process = await asyncio.create_subprocess_exec(
            *command,
            cwd=self.folder,
            env=environ | self.known | known,
            stdout=PIPE,
            stderr=PIPE,
        )
        self.running.append(process)
        return process

    async def run(self, script: str) -> str:
        """What the lines print; the first that fails ends them."""
        process = await self.start("bash", "-euo", "pipefail", "-c", script)
        async with asyncio.timeout(HEARS):
            printed, complaints = await process.communicate()
        assert process.returncode == 0, (printed, complaints)
        return printed.decode()

    async def program(self, heading: str, **known: str) -> Process:
        text = shown(heading, "python")
        path = self.folder / text.split('"""')[1].partition(":")[0]
        path.write_text(text, encoding="utf-8")
        return await self.start(sys.executable, path.name, **known)

    async def messages(self) -> list[dict[str, Any]]:
        answer = await self.admin.client.get(f"/rooms/{ALL_PETS}/messages")
        found: list[dict[str, Any]] = await answer.json()
        return found

    async def said(self, words: str) -> None:
        """Waits until this is the last that the bot has said."""
        async with asyncio.timeout(HEARS):
            while True:
                found = [
                    message["body"]["plain"]
                    for message in await self.messages()
                    if message["creator"]["id"] == self.bot_id
                ]
                if found[-1:] == [words]:
                    return
                await asyncio.sleep(0.05)

    async def call(self, words: str) -> None:
        answer = await self.admin.client.post(
            f"/rooms/{ALL_PETS}/messages", json={"body": words}
        )
        assert answer.status == 201


@pytest.fixture
async def author(
    tmp_path: Path, server: TestServer, sign_in: SignIn
) -> AsyncIterator[Author]:
    david = await sign_in("David")
    made = await david.client.post("/account/bots", json={"name": "Bender"})
    bot = await made.json()
    folder = tmp_path / "at home"
    folder.mkdir()
    (folder / ".curlrc").write_text(CURLRC)
    known = {
        "CAMPFIRE": str(server.make_url("")).rstrip("/"),
        "ROOM": str(ALL_PETS),
        "KEY": bot["bot_key"],
        "SIGNING_SECRET": bot["signing_secret"],
    }
    author = Author(folder, known, david, bot["id"])
    yield author
    for process in author.running:
        if process.returncode is None:
            process.kill()
        await process.communicate()


def test_the_paper_says_what_the_lines_need() -> None:
    first = BLOCK.search(PAPER.read_text("utf-8"))
    assert first is not None
    names = re.findall(r"^(\w+)=", first[2], re.MULTILINE)
    assert names == ["CAMPFIRE", "ROOM", "KEY"]


async def test_the_lines_that_campfire_has_always_shown(author: Author) -> None:
    file = author.folder / "hut.txt"
    file.write_text("A hut")
    await author.run(f"""
        curl -d 'Hello!' $CAMPFIRE/rooms/$ROOM/$KEY/messages
        curl -F "attachment=@{file}" $CAMPFIRE/rooms/$ROOM/$KEY/messages
    """)
    messages = await author.messages()
    assert [each["body"]["plain"] for each in messages] == ["Hello!", "hut.txt"]


async def test_the_lines_on_the_page_with_the_key(author: Author) -> None:
    answer = await author.admin.client.post(
        f"/account/bots/{author.bot_id}/key", headers={"Accept": "text/html"}
    )
    lines = re.findall(r"<code[^>]*>(curl .*?)</code>", await answer.text())
    assert len(lines) == 2
    file = author.folder / "hut.txt"
    file.write_text("A hut")
    script = html.unescape("\n".join(lines))
    await author.run(script.replace("/path/to/file", str(file)))
    messages = await author.messages()
    assert [each["body"]["plain"] for each in messages] == ["Hello!", "hut.txt"]


async def test_posting(author: Author) -> None:
    await author.run(shown("Posting", "sh"))
    messages = await author.messages()
    assert [message["body"]["plain"] for message in messages] == [
        *("Hello!", "Build 419 is up", "Two\nlines", "report.csv"),
        *("Here it is.", "Build 420 is up"),
    ]
    assert '<a href="https://ci.example/419"' in messages[1]["body"]["html"]
    files = [[file["filename"] for file in each["attachments"]] for each in messages]
    assert files == [[], [], [], ["report.csv"], ["report.csv"], []]
    assert "<strong>up</strong>" in messages[5]["body"]["html"]
    assert {message["creator"]["id"] for message in messages} == {author.bot_id}


async def test_changing_what_was_said(author: Author) -> None:
    await author.run(shown("Changing what was said", "sh"))
    (message,) = await author.messages()
    assert message["body"]["plain"] == "Deployed."
    assert [boost["content"] for boost in message["boosts"]] == ["🚀"]


async def test_reading(author: Author) -> None:
    for words in ("One", "Two", "Three"):
        await author.call(words)
    printed = await author.run(shown("Reading", "sh"))
    decoder, found = json.JSONDecoder(), []
    while printed:
        each, end = decoder.raw_decode(printed)
        found.append(each)
        printed = printed[end:]
    plain = [[each["body"]["plain_text"] for each in page] for page in found[:2]]
    assert plain == [["One", "Two", "Three"], ["Three"]]
    assert [room["name"] for room in found[2]] == ["All Talk"]


async def test_what_was_written_for_slack(author: Author) -> None:
    await author.run(shown("What was written for Slack", "sh"))
    disk, deployed = await author.messages()
    assert disk["body"]["plain"] == "Disk is at 91 %"
    assert '<a href="https://grafana.example/d/1"' in disk["body"]["html"]
    assert "<del>hand</del> <em>machine</em>" in deployed["body"]["html"]


async def test_what_a_bot_is_told_has_the_shape_that_is_shown(author: Author) -> None:
    await author.call("@Bender what is the weather?")
    line = shown("Without an address", "sh").replace("-N", "-N -H 'Last-Event-ID: 0'")
    process = await author.start("bash", "-euc", f"exec {line}")
    assert process.stdout is not None
    async with asyncio.timeout(HEARS):
        while not (printed := await process.stdout.readline()).startswith(b"data: "):
            assert printed
    told = json.loads(printed.removeprefix(b"data: "))
    assert shape(told) == shape(json.loads(shown("Being called", "json")))
    assert told["message"]["body"]["plain"] == "what is the weather?"


def shape(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: shape(each) for name, each in value.items()}
    return type(value)


async def test_listening(author: Author, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "campfire.live.streams")
    process = await author.program("Without an address")
    async with asyncio.timeout(HEARS):
        while "stream opened" not in caplog.text:
            await asyncio.sleep(0.02)
    await author.call("@Bender is <it> there?")
    await author.said("You said: is <it> there?")
    await author.call("@Bender now")
    await author.said("You said: now")
    renewed = await author.admin.client.put(f"/account/bots/{author.bot_id}/key")
    assert renewed.status == 200
    async with asyncio.timeout(HEARS):
        _, complaint = await process.communicate()
    assert complaint == b"The key is not valid any more.\n"


async def test_a_receiver_that_checks_who_calls(author: Author) -> None:
    port = free_port()
    await author.program("With a webhook", PORT=str(port))
    url = f"http://127.0.0.1:{port}/"
    allow = {"settings": {"webhooks_may_reach_private_addresses": True}}
    assert (await author.admin.client.patch("/account", json=allow)).status == 200
    path = f"/account/bots/{author.bot_id}"
    changed = await author.admin.client.patch(path, json={"webhook_url": url})
    assert changed.status == 200
    await author.call("@Bender what is <the> weather?")
    await author.said("You said: what is <the> weather?")
    async with ClientSession() as stranger:
        for headers in (
            {},
            {"Webhook-Id": "1", "Webhook-Timestamp": "1", "Webhook-Signature": "v1,x"},
        ):
            async with stranger.post(url, json={}, headers=headers) as forged:
                assert forged.status == 401


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port
