"""Frames: bytes that any WebSocket client can read, made once for everybody."""

import json
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campfire.live.frames import WORTH_DEFLATING, Frame


def read(wire: bytes) -> str:
    """A client's side of RFC 6455 and RFC 7692: one whole, unmasked text frame."""
    final, compressed, opcode = wire[0] & 0x80, wire[0] & 0x40, wire[0] & 0x0F
    assert final and opcode == 1 and not wire[0] & 0x30
    size, start = wire[1], 2
    assert size < 128, "a server's frame is not masked"
    if size == 126:
        size, start = int.from_bytes(wire[2:4], "big"), 4
        assert size >= 126
    elif size == 127:
        size, start = int.from_bytes(wire[2:10], "big"), 10
        assert size >= 65_536
    payload = wire[start:]
    assert len(payload) == size
    if compressed:
        stream = zlib.decompressobj(-15)
        payload = stream.decompress(payload + b"\x00\x00\xff\xff") + stream.flush()
    return payload.decode("utf-8")


SIZES = [0, 1, 100, 114, 115, 200, 245, 256, 1_000, 65_000, 65_535, 65_536, 200_000]


@pytest.mark.parametrize("deflate", [False, True])
@pytest.mark.parametrize("size", SIZES)
def test_a_frame_can_be_read_at_every_length(size: int, deflate: bool) -> None:
    event = {"event": "x" * size}
    assert json.loads(read(Frame(event).wire(deflate))) == event


@given(text=st.text(), deflate=st.booleans())
def test_a_frame_carries_any_text(text: str, deflate: bool) -> None:
    event = {"event": "message.posted", "text": text * 40}
    assert json.loads(read(Frame(event).wire(deflate))) == event


def test_only_who_offered_compression_gets_it_and_only_when_it_pays() -> None:
    long = Frame({"text": "campfire " * 100})
    assert long.wire(False)[0] == 0x81
    assert long.wire(True)[0] == 0xC1
    assert len(long.wire(True)) < len(long.wire(False)) / 4
    short = Frame({"text": "x" * (WORTH_DEFLATING - 20)})
    assert short.wire(True)[0] == 0x81


def test_every_compressed_frame_can_be_read_alone() -> None:
    events = [{"text": f"{number} campfire " * 30} for number in range(3)]
    for event in reversed(events):
        assert json.loads(read(Frame(event).wire(True))) == event


@pytest.mark.parametrize("deflate", [False, True])
def test_the_bytes_are_made_once(deflate: bool) -> None:
    frame = Frame({"text": "campfire " * 100})
    assert frame.wire(deflate) is frame.wire(deflate)
