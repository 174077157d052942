"""Frames: the bytes of an event on the wire, made once and shared by every socket.

A server's text frame (RFC 6455) is not masked, so one serves all. Compression (RFC
7692) takes over no context, so a compressed one does too.
"""

import zlib
from typing import Any, Final

import orjson

TEXT: Final = 0x81
TEXT_DEFLATED: Final = 0xC1
WORTH_DEFLATING: Final = 256


class Frame:
    """One event in one format; `wire` is what is written to a socket."""

    __slots__ = ("_text", "_plain", "_deflated")

    def __init__(self, event: dict[str, Any]) -> None:
        self._text = orjson.dumps(event)
        self._plain: bytes | None = None
        self._deflated: bytes | None = None

    def wire(self, deflate: bool) -> bytes:
        if deflate and len(self._text) >= WORTH_DEFLATING:
            if self._deflated is None:
                self._deflated = framed(TEXT_DEFLATED, deflated(self._text))
            return self._deflated
        if self._plain is None:
            self._plain = framed(TEXT, self._text)
        return self._plain


def framed(opcode: int, payload: bytes) -> bytes:
    size = len(payload)
    if size < 126:
        return bytes((opcode, size)) + payload
    if size < 65_536:
        return bytes((opcode, 126)) + size.to_bytes(2, "big") + payload
    return bytes((opcode, 127)) + size.to_bytes(8, "big") + payload


def deflated(payload: bytes) -> bytes:
    stream = zlib.compressobj(1, zlib.DEFLATED, -15)
    return (stream.compress(payload) + stream.flush(zlib.Z_SYNC_FLUSH))[:-4]
