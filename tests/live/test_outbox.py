"""Outboxes: nothing lost or out of order for who reads, an end for who does not."""

import asyncio
import time

import pytest

from campfire.live.outbox import MOST_WAITING, TRANSPORT_TAKES, Outbox


class Line(asyncio.WriteTransport):
    """The kernel's side of a socket, and a reader who reads when told to."""

    def __init__(self) -> None:
        super().__init__()
        self.buffered = 0
        self.written = b""
        self.is_gone = False

    def is_closing(self) -> bool:
        return self.is_gone

    def write(self, data: bytes | bytearray | memoryview) -> None:
        assert not self.is_gone, "uvloop raises here"
        self.written += bytes(data)
        self.buffered += len(data)

    def get_write_buffer_size(self) -> int:
        return self.buffered

    def read(self) -> None:
        self.buffered = 0


def test_who_reads_gets_everything_at_once() -> None:
    line = Line()
    box = Outbox(line)
    for number in range(100):
        box.put(b"%d " % number)
        line.read()
    assert line.written == b"".join(b"%d " % number for number in range(100))
    assert box.is_empty and not box.is_full and not box.is_stuck()


def test_who_reads_slowly_gets_everything_in_order() -> None:
    line = Line()
    box = Outbox(line)
    frames = [bytes([number]) * 30_000 for number in range(20)]
    for frame in frames:
        box.put(frame)
    assert line.buffered < TRANSPORT_TAKES + 30_000
    turns = 0
    while not box.is_empty:
        turns += 1
        line.read()
        box.drain()
    assert line.written == b"".join(frames)
    assert turns > 5


def test_what_comes_later_does_not_overtake_what_waits() -> None:
    line = Line()
    box = Outbox(line)
    box.put(b"a" * TRANSPORT_TAKES)
    box.put(b"b")
    line.read()
    box.put(b"c")
    box.drain()
    assert line.written.endswith(b"abc")


def test_who_reads_nothing_has_a_full_box_in_the_end() -> None:
    line = Line()
    box = Outbox(line)
    frames = 0
    while not box.is_full:
        box.put(b"x" * 10_000)
        frames += 1
    assert frames * 10_000 <= MOST_WAITING + TRANSPORT_TAKES + 2 * 10_000
    box.clear()
    assert box.is_empty and not box.is_full


def test_who_takes_nothing_for_thirty_seconds_is_stuck(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 1_000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    line = Line()
    box = Outbox(line)
    box.put(b"x" * TRANSPORT_TAKES)
    now += 100
    assert not box.is_stuck(), "nothing waits"

    box.put(b"y" * TRANSPORT_TAKES)
    box.put(b"z")
    now += 30
    assert not box.is_stuck()
    now += 0.1
    assert box.is_stuck()

    line.read()
    box.drain()
    assert not box.is_stuck(), "it took something"
    now += 31
    assert box.is_stuck(), "but not the rest"


def test_a_line_that_is_gone_is_given_nothing_and_nothing_is_kept() -> None:
    line = Line()
    box = Outbox(line)
    box.put(bytes(TRANSPORT_TAKES))
    box.put(b"waits")
    line.is_gone = True
    line.read()
    box.drain()
    assert box.is_empty
    box.put(b"too late")
    assert box.is_empty


def test_who_reads_slowly_but_reads_is_not_stuck(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The transport never gets room for more, yet it empties: that is a slow line."""
    now = 0.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    line = Line()
    box = Outbox(line)
    line.buffered = 10 * TRANSPORT_TAKES
    box.put(b"waits")
    for _ in range(5):
        now += 20
        line.buffered -= TRANSPORT_TAKES
        box.drain()
        assert not box.is_stuck()
    now += 31
    box.drain()
    assert box.is_stuck()
