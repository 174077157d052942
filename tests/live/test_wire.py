"""What workers say to each other comes out as it went in, and nothing else does."""

import inspect
import pkgutil
from typing import Any

import pytest

from campfire import chat
from campfire.chat import messages, rooms, sessions
from campfire.chat.memberships import Membership
from campfire.chat.messages import Edited, Message, Posted, Removal, Removed
from campfire.chat.parts import Attachment, Boost, Preview
from campfire.chat.rooms import Granted, Room
from campfire.chat.users import User
from campfire.database import Event
from campfire.live import wire
from campfire.live.wire import Came, Hello, Here, Letter, Said, Tried, Types, Went

KEVIN = User(4, "Kévin 🔥", "member", "active", "", 1)
MESSAGE = Message(
    *(7, 1, "x", 9, 8, "*Hi*", "<p><em>Hi</em></p>", "Hi", 10, None, KEVIN),
    mentions=(1, 2),
    boosts=(Boost(1, 7, "👍", 11, KEVIN),),
    attachments=(Attachment(1, "a.png", "image/png", 5, 1, 1, True),),
    previews=(Preview(1, "https://a.example", "a", "b", "c", None, None),),
)
MEMBERSHIP = Membership("mentions", 3, 2, True, frozenset({7}))
EVENTS: list[Event] = [
    Posted(frozenset({1, 4}), MESSAGE),
    Edited(frozenset(), MESSAGE),
    Removed(frozenset({4}), Removal(1, 9, 7, "x"), 4),
    Granted({4: Room(1, "closed", "Den", 1, 2, 3, None, MEMBERSHIP, [KEVIN])}),
    rooms.Removed(frozenset({4}), 1),
    sessions.Ended(4, [1, 2]),
]


def heard(*said: Said) -> Letter:
    return wire.read(wire.written(Letter(1, "me", said)))


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.name)
def test_an_event_is_itself_again(event: Event) -> None:
    (turn,) = heard(wire.turn(3, [event])).said
    assert isinstance(turn, wire.Turn)
    assert (turn.number, wire.events_of(turn)) == (3, [event])


def test_a_message_can_still_be_a_key() -> None:
    """Its fragment is kept under it."""
    (turn,) = heard(wire.turn(3, [Posted(frozenset(), MESSAGE)])).said
    assert isinstance(turn, wire.Turn)
    (posted,) = wire.events_of(turn)
    assert isinstance(posted, Posted)
    assert hash(posted.message) == hash(MESSAGE)


def test_whatever_else_is_said_is_itself_again() -> None:
    said: list[Said] = [
        *(Hello(), Here([KEVIN]), Came(KEVIN), Went(4), Types(1, KEVIN, True)),
        *(Tried("LIMITER/4/sign-in", 60), wire.Asked(1)),
        wire.Answered("me", 1, b"numbers"),
    ]
    letter = heard(*said)
    assert (letter.number, letter.sender, list(letter.said)) == (1, "me", said)


def test_every_event_that_is_announced_can_be_said() -> None:
    events = set()
    for module in pkgutil.iter_modules(chat.__path__):
        noun = __import__(f"campfire.chat.{module.name}", fromlist=["*"])
        for _, thing in inspect.getmembers(noun, inspect.isclass):
            if isinstance(getattr(thing, "name", None), str):
                events.add(thing)
    assert messages.Posted in events
    assert set(wire.EVENTS.values()) == events
    assert all(event.name == name for name, event in wire.EVENTS.items())


@pytest.mark.parametrize(
    "data",
    [
        *(b"", b"\xc1", b"{}", b"hello", b"\x80\x04\x95."),
        wire.written(Letter(1, "me", []))[:-1],
    ],
)
def test_what_is_no_letter_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError):
        wire.read(data)


@pytest.mark.parametrize(
    ("name", "packed"),
    [("os.system", b"\x80"), ("message.posted", b"\x80"), ("session.ended", b"x")],
)
def test_what_is_no_event_is_refused(name: str, packed: Any) -> None:
    with pytest.raises(ValueError):
        wire.events_of(wire.Turn(1, [(name, packed)]))
