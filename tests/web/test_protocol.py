"""How many lines there may be, those in the middle of a handshake among them."""

from typing import cast
from unittest.mock import Mock

import pytest
from aiohttp import web

from campfire.web import protocol
from campfire.web.protocol import Line, Lines, Surplus


@pytest.fixture
async def lines() -> Lines:
    async def answer(request: web.BaseRequest) -> web.Response:
        raise AssertionError("nobody asks")

    return Lines(web.Server(answer), 2)


async def test_what_is_in_the_middle_of_its_handshake_takes_a_place(
    lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = lines(), lines()
    assert [type(first), type(second), type(lines())] == [Line, Line, Surplus]
    first.connection_made(Mock())
    assert type(lines()) is Surplus
    monkeypatch.setattr(protocol, "HANDSHAKE_TAKES", -1)
    third = lines()
    assert type(third) is Line, "the second has had its time"
    third.connection_made(Mock())
    assert (lines.open, type(lines())) == (2, Surplus)
    cast(Line, first).connection_lost(None)
    assert type(lines()) is Line
