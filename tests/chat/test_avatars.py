"""Pictures of people: one each, replaced and taken away."""

from campfire.chat import avatars
from campfire.database import Tx
from tests.conftest import DAVID, KEVIN


def test_one_has_one_picture(tx: Tx) -> None:
    assert avatars.find(tx, KEVIN) is None
    avatars.put(tx, KEVIN, b"first")
    avatars.put(tx, KEVIN, b"second")
    assert avatars.find(tx, KEVIN) == b"second"
    assert avatars.find(tx, DAVID) is None


def test_a_picture_can_be_taken_away_also_when_there_is_none(tx: Tx) -> None:
    avatars.put(tx, KEVIN, b"picture")
    avatars.put(tx, DAVID, b"picture")
    for _ in "ab":
        avatars.remove(tx, KEVIN)
        assert avatars.find(tx, KEVIN) is None
    assert avatars.find(tx, DAVID) == b"picture"
