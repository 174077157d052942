"""What the workers of one server say to each other, as bytes and back.

MessagePack, read into the types that are named here and into nothing else: whoever can
write to the broker can say something false, but cannot have anything run.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from campfire.chat import (
    accounts,
    boosts,
    bots,
    deliveries,
    jobs,
    memberships,
    messages,
    retentions,
    rooms,
    searches,
    sessions,
    users,
)
from campfire.chat.users import User
from campfire.database import Event

EVENTS: Final[Mapping[str, type[Any]]] = {
    event.name: event
    for event in (
        *(accounts.Changed, boosts.Added, boosts.Removed, bots.Switched),
        *(deliveries.Added, jobs.Added, memberships.Read, memberships.Revoked),
        *(messages.Edited, messages.Posted, messages.Removed),
        *(rooms.Changed, rooms.Created, rooms.Granted, rooms.Removed),
        *(retentions.Changed, searches.Remembered),
        *(sessions.Ended, sessions.Started, users.Changed, users.Joined),
    )
}


class Turn(msgspec.Struct, frozen=True, tag="turn"):
    """What was announced in a turn of the writer: names, and events as bytes."""

    number: int
    events: Sequence[tuple[str, bytes]]


class Hello(msgspec.Struct, frozen=True, tag="hello"):
    """A worker hears the others from here on, and knows nothing of them."""


class Here(msgspec.Struct, frozen=True, tag="here"):
    """Everybody who is at this worker, in place of what it said before."""

    users: Sequence[User]


class Came(msgspec.Struct, frozen=True, tag="came"):
    user: User


class Went(msgspec.Struct, frozen=True, tag="went"):
    user_id: int


class Types(msgspec.Struct, frozen=True, tag="types"):
    room_id: int
    user: User
    typing: bool


class Tried(msgspec.Struct, frozen=True, tag="tried"):
    """Something that is limited was tried; it counts for so many seconds."""

    key: str
    expiry: int


class Asked(msgspec.Struct, frozen=True, tag="asked"):
    """Every other worker is asked for its numbers."""

    question: int


class Answered(msgspec.Struct, frozen=True, tag="answered"):
    """The numbers of a worker, for who asked this question."""

    asker: str
    question: int
    text: bytes


Said = Turn | Hello | Here | Came | Went | Types | Tried | Asked | Answered


class Letter(msgspec.Struct, frozen=True):
    """What one worker has to say at once; `number` is its place among the workers and
    `sender` this life of it."""

    number: int
    sender: str
    said: Sequence[Said]


_ENCODER: Final = msgspec.msgpack.Encoder()
_LETTERS: Final = msgspec.msgpack.Decoder(Letter)
_EVENTS: Final = {
    name: msgspec.msgpack.Decoder(event) for name, event in EVENTS.items()
}


def written(letter: Letter) -> bytes:
    return _ENCODER.encode(letter)


def read(data: bytes) -> Letter:
    """Raises ValueError for what is no letter."""
    return _LETTERS.decode(data)


def turn(number: int, events: Sequence[Event]) -> Turn:
    packed = [(event.name, _ENCODER.encode(event)) for event in events]
    return Turn(number, packed)


def events_of(turn: Turn) -> list[Event]:
    """Raises ValueError for what is no event of ours."""
    try:
        return [_EVENTS[name].decode(packed) for name, packed in turn.events]
    except KeyError as unknown:
        raise ValueError(f"{unknown} is no event") from None
