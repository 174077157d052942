"""The line to the other workers: it is heard in order, it breaks, and it comes back."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from campfire.live import broker as brokers
from campfire.live.broker import Broker
from campfire.live.wire import Hello, Letter, Tried
from tests import brokers as real


class End:
    """One end of the line, and what came out of it."""

    def __init__(self, url: str, number: int, channel: str = "tests") -> None:
        self.heard: list[Letter] = []
        self.came = asyncio.Event()
        self.ups = 0
        self.broker = Broker(
            *(url, channel, number, f"worker {number}"), hear=self.hear, up=self.up
        )

    def hear(self, letter: Letter) -> None:
        self.heard.append(letter)
        self.came.set()

    def up(self) -> None:
        self.ups += 1
        self.came.set()

    @property
    def tried(self) -> list[str]:
        said = [said for letter in self.heard for said in letter.said]
        return [each.key for each in said if isinstance(each, Tried)]

    async def until(self, *tried: str) -> None:
        async with asyncio.timeout(30):
            while self.tried != list(tried):
                self.came.clear()
                await self.came.wait()


@pytest.fixture
async def own() -> AsyncIterator[real.Broker]:
    """One that may be ended."""
    with real.Broker() as broker:
        yield broker


async def test_the_others_hear_it_in_order_and_nobody_else(broker: str) -> None:
    here, there, neighbour = End(broker, 1), End(broker, 2), End(broker, 3, "other")
    for end in (here, there, neighbour):
        await end.broker.heard()
    for number in range(100):
        here.broker.say(Tried(f"{number}", 1))
        if number % 10 == 0:
            await asyncio.sleep(0)
    await there.until(*map(str, range(100)))
    assert {letter.number for letter in there.heard} == {1}
    there.broker.say(Tried("back", 1))
    await here.until("back")
    assert not neighbour.heard
    for end in (here, there, neighbour):
        await end.broker.close()


async def test_what_is_no_letter_or_is_not_understood_cuts_nothing(
    broker: str,
) -> None:
    here, there = End(broker, 1), End(broker, 2)
    for end in (here, there):
        await end.broker.heard()
    await here.broker._client.publish("tests", b"no letter")
    hear = there.hear

    def fail(letter: Letter) -> None:
        there.broker._hear = hear
        raise LookupError

    there.broker._hear = fail
    here.broker.say(Hello())
    here.broker.say(Tried("first", 1))
    while there.broker._hear is fail:
        await asyncio.sleep(0.001)
    here.broker.say(Tried("second", 1))
    await there.until("second")
    for end in (here, there):
        await end.broker.close()


async def test_it_comes_back_by_itself(
    own: real.Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(brokers, "AGAIN_AFTER", 0.01)
    here, there = End(own.url, 1), End(own.url, 2)
    for end in (here, there):
        await end.broker.heard()
    assert (here.ups, there.ups) == (1, 1)
    own.stop()
    async with asyncio.timeout(30):
        while any(end.broker.is_up for end in (here, there)):
            await asyncio.sleep(0.001)
    here.broker.say(Tried("lost", 1))
    own.start()
    async with asyncio.timeout(30):
        while here.ups < 2 or there.ups < 2:
            await asyncio.sleep(0.001)
    here.broker.say(Tried("heard", 1))
    await there.until("heard")
    for end in (here, there):
        await end.broker.close()


async def test_without_a_broker_one_waits_a_moment_and_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(brokers, "PATIENCE", 0.05)
    nobody = End("redis://127.0.0.1:1", 1)
    await nobody.broker.heard()
    assert not nobody.broker.is_up
    nobody.broker.say(Hello())
    await nobody.broker.close()
