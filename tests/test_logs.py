"""Log lines: one fact on one line, as JSON or as key=value, with the request's id."""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from campfire import logs


@contextmanager
def started(
    format: str, file: Path | None = None, worker: int | None = None
) -> Iterator[None]:
    """Logs as production does, with the loggers put back as they were afterwards."""
    root, access = logging.getLogger(), logging.getLogger("aiohttp.access")
    before = root.handlers, root.level, access.level
    root.handlers = []
    logs.start(format, lambda: "request-1", file, worker)
    try:
        yield
    finally:
        for handler in root.handlers:
            handler.close()
        root.handlers = before[0]
        root.setLevel(before[1])
        access.setLevel(before[2])


def test_a_line_of_json_is_one_object(capsys: pytest.CaptureFixture[str]) -> None:
    with started("json"):
        logging.getLogger("campfire.live").info("socket opened", extra={"user_id": 7})
    line = json.loads(capsys.readouterr().out)
    assert line.pop("at").endswith("Z")
    assert line == {
        "level": "info",
        "from": "campfire.live",
        "event": "socket opened",
        "request_id": "request-1",
        "user_id": 7,
    }


def test_a_line_of_text_is_key_and_value(capsys: pytest.CaptureFixture[str]) -> None:
    with started("text"):
        logging.getLogger("campfire").warning("it is %s", "slow", extra={"pages": 3})
    at, rest = capsys.readouterr().out.split(" ", 1)
    assert at.startswith("at=20")
    assert rest == (
        'level=warning from=campfire event="it is slow" request_id=request-1 pages=3\n'
    )


def test_a_file_is_put_aside_when_it_is_large_and_the_oldest_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(logs, "LARGEST", 1_000)
    file = tmp_path / "campfire.log"
    with started("json", file):
        for number in range(100):
            logging.getLogger("campfire").info("counted", extra={"number": number})
    assert capsys.readouterr().out == ""
    kept = [file, *(tmp_path / f"campfire.log.{n}" for n in range(1, logs.OLDER + 1))]
    assert sorted(tmp_path.iterdir()) == kept
    assert all(path.stat().st_size <= 1_000 for path in kept)
    lines = "".join(path.read_text() for path in reversed(kept)).splitlines()
    numbers = [json.loads(line)["number"] for line in lines]
    assert numbers == list(range(100 - len(numbers), 100))


def test_each_worker_has_a_file_and_says_who_it_is(tmp_path: Path) -> None:
    with started("json", tmp_path / "campfire.log", worker=2):
        logging.getLogger("campfire").info("counted")
    (file,) = tmp_path.iterdir()
    assert file.name == "campfire-2.log"
    assert json.loads(file.read_text())["worker"] == 2


def test_what_the_file_cannot_take_is_said_on_standard_output(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(logs, "LARGEST", 1)
    (tmp_path / "campfire.log.1").mkdir()
    (tmp_path / "campfire.log.1" / "in the way").touch()
    monkeypatch.setattr(logs, "OLDER", 1)
    with started("text", tmp_path / "campfire.log"):
        for word in ("first", "second", "third"):
            logging.getLogger("campfire").info(word)
    said = capsys.readouterr()
    assert "event=second" in said.out and "event=third" in said.out
    assert said.err == ""


@pytest.mark.parametrize("format", ["json", "text"])
@pytest.mark.parametrize(
    "value",
    [
        "two\nlines",
        'a "quote" level=error',
        "\x1b[31mred",
        "\u2028",
        "\u202egnippilf",
        "",
        "\x00\x7f\x85",
        Path("/var/lib"),
        None,
    ],
)
def test_a_fact_is_one_line_whatever_is_in_it(
    capsys: pytest.CaptureFixture[str], format: str, value: object
) -> None:
    with started(format):
        logging.getLogger("campfire").info("fact", extra={"value": value, "last": 1})
    text = capsys.readouterr().out
    assert text.count("\n") == 1
    assert "\x1b" not in text
    if format == "json":
        assert json.loads(text)["last"] == 1
    else:
        assert text.endswith(" last=1\n")


@pytest.mark.parametrize("format", ["json", "text"])
def test_a_traceback_stays_on_its_line(
    capsys: pytest.CaptureFixture[str], format: str
) -> None:
    with started(format):
        try:
            raise ZeroDivisionError("by nothing")
        except ZeroDivisionError:
            logging.getLogger("campfire").exception("a bug")
    text = capsys.readouterr().out
    assert text.count("\n") == 1
    assert "ZeroDivisionError: by nothing" in text


def test_a_request_is_not_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    with started("text"):
        logging.getLogger("aiohttp.access").info("GET / 200")
        assert capsys.readouterr().out == ""
        logging.getLogger("aiohttp.access").warning("odd")
        assert "odd" in capsys.readouterr().out
