"""What waits to be written to one socket, and how much of it may wait.

Nobody who sends ever waits for a slow reader. The transport is given what it takes;
the rest stays here, bounded, and past the bound the socket is let go.
"""

import asyncio
import time
from typing import Final

MOST_WAITING: Final = 1024 * 1024
TRANSPORT_TAKES: Final = 64 * 1024
PATIENCE: Final = 30.0


class Outbox:
    """`is_full` and `is_stuck` are the two reasons to let a socket go.

    A transport that is closing takes nothing more: uvloop raises when it is given any.
    """

    __slots__ = ("_transport", "_waiting", "_size", "_held", "_progress")

    def __init__(self, transport: asyncio.WriteTransport) -> None:
        self._transport = transport
        # A list: an empty deque costs 600 bytes, and nearly all are empty.
        self._waiting: list[bytes] = []
        self._size = 0
        self._held = 0
        self._progress = 0.0

    def put(self, frames: bytes) -> None:
        """Writes at once if nothing waits and the transport takes it, else keeps it."""
        if self._transport.is_closing():
            self.clear()
        elif not self._waiting and self._takes():
            self._transport.write(frames)
        else:
            if not self._waiting:
                self._progress = time.monotonic()
                self._held = self._transport.get_write_buffer_size()
            self._waiting.append(frames)
            self._size += len(frames)

    def drain(self) -> None:
        """Gives the transport what it takes by now."""
        if self._transport.is_closing():
            self.clear()
        held = self._transport.get_write_buffer_size()
        if held < self._held:
            self._progress = time.monotonic()
        self._held = held
        while self._waiting and self._takes():
            frames = self._waiting.pop(0)
            self._size -= len(frames)
            self._transport.write(frames)
            self._held = self._transport.get_write_buffer_size()

    def clear(self) -> None:
        self._waiting.clear()
        self._size = 0

    @property
    def is_empty(self) -> bool:
        return not self._waiting

    @property
    def is_full(self) -> bool:
        return self._size > MOST_WAITING

    def is_stuck(self) -> bool:
        """Whether the reader has taken nothing for thirty seconds."""
        return bool(self._waiting) and time.monotonic() > self._progress + PATIENCE

    def _takes(self) -> bool:
        return self._transport.get_write_buffer_size() < TRANSPORT_TAKES
