"""The line to the other workers: one channel of a broker that speaks Redis' protocol.

Nothing waits for it, and what is said while it is down is lost.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import Final

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from campfire.live import wire
from campfire.live.wire import Letter, Said

log = logging.getLogger(__name__)

PATIENCE: Final = 2.0
CHECKED_EVERY: Final = 5
AGAIN_AFTER: Final = 0.25
MOST_SAID: Final = 10_000


class Broker:
    """Says and hears letters until `close`. `hear` is called with those of others and
    `up` when the channel is heard, at first and again after a fault; `is_up` is whether
    it is."""

    def __init__(
        self,
        url: str,
        channel: str,
        number: int,
        sender: str,
        *,
        hear: Callable[[Letter], None],
        up: Callable[[], None],
    ) -> None:
        self.is_up = False
        self._channel = channel
        self._number = number
        self._sender = sender
        self._hear = hear
        self._up = up
        self._client: Redis = Redis.from_url(
            url,
            socket_connect_timeout=PATIENCE,
            socket_timeout=PATIENCE,
            health_check_interval=CHECKED_EVERY,
            # Or the library would come back without a word, with a hole in between.
            retry=Retry(NoBackoff(), 0),
            protocol=2,
        )
        self._saying: list[Said] = []
        self._due = asyncio.Event()
        self._is_heard = asyncio.Event()
        self._tasks = (
            asyncio.create_task(self._listen(), name="broker listens"),
            asyncio.create_task(self._speak(), name="broker speaks"),
        )

    def say(self, said: Said) -> None:
        """Goes out with the next turn of the loop, if the line is up."""
        if self.is_up and len(self._saying) < MOST_SAID:
            self._saying.append(said)
            self._due.set()

    async def heard(self) -> None:
        """Waits until the channel is heard, as long as one waits for an answer."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                await self._is_heard.wait()

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        with contextlib.suppress(RedisError, OSError):
            await self._client.aclose()

    async def _listen(self) -> None:
        while True:
            try:
                async with self._client.pubsub() as channel:
                    await channel.subscribe(self._channel)
                    while True:
                        message = await channel.get_message(timeout=PATIENCE)
                        if message is None:
                            continue
                        if message["type"] == "message":
                            self._heard(message["data"])
                        elif message["type"] == "subscribe":
                            log.info("broker is there")
                            self.is_up = True
                            self._is_heard.set()
                            self._up()
            except (RedisError, OSError) as fault:
                if self.is_up:
                    error = type(fault).__name__
                    log.warning("broker is lost", extra={"error": error})
                self.is_up = False
            await asyncio.sleep(AGAIN_AFTER)

    async def _speak(self) -> None:
        while True:
            await self._due.wait()
            self._due.clear()
            said, self._saying = self._saying, []
            letter = wire.written(Letter(self._number, self._sender, said))
            try:
                await self._client.publish(self._channel, letter)
            except (RedisError, OSError) as fault:
                log.warning("nothing said", extra={"error": type(fault).__name__})

    def _heard(self, data: bytes) -> None:
        try:
            letter = wire.read(data)
        except ValueError:
            log.warning("unreadable letter", extra={"bytes": len(data)})
            return
        if letter.sender == self._sender:
            return
        try:
            self._hear(letter)
        except Exception:  # One listener's bug must not cut the line.
            log.exception("listener failed")
