"""What somebody changes about themselves, what it takes, and what ends with it."""

from typing import Any

import pytest

from campfire.chat import avatars, passwords, profiles, sessions, users
from campfire.chat.users import Profile
from campfire.database import Tx
from campfire.refusals import Conflict, Invalid, Unreadable
from tests.conftest import DAVID, KEVIN, PASSWORD_HASH, address


@pytest.fixture
def other_hash() -> str:
    return passwords.hashed("another password", cost=4)


def signed_in(tx: Tx) -> list[int]:
    """Three sign-ins of Kevin's, this one first."""
    for _ in range(3):
        sessions.start(tx, KEVIN, "127.0.0.1", "Firefox")
    tx.events.clear()
    return [sign_in.id for sign_in in sessions.all_of(tx, KEVIN)]


def test_name_and_bio_change_without_a_password_and_everybody_is_told(tx: Tx) -> None:
    this, *others = signed_in(tx)
    before = users.find(tx, KEVIN)
    tx.now += 1
    profile = Profile(name="Kev", bio="Likes fires", theme="dark")
    user = profiles.revise(tx, KEVIN, profile, proven=None, session_id=this)
    assert (user.name, user.bio) == ("Kev", "Likes fires")
    assert user.avatar_url != before.avatar_url
    assert tx.events == [users.Changed(user)]
    assert len(sessions.all_of(tx, KEVIN)) == 1 + len(others)
    assert users.email_address(tx, KEVIN) == address("Kevin")
    assert users.password_hash(tx, KEVIN) == PASSWORD_HASH


@pytest.mark.parametrize("field", ["email_address", "password_hash"])
@pytest.mark.parametrize("proven", [None, "", "another hash"])
def test_address_and_password_need_the_current_password(
    tx: Tx, field: str, proven: str | None
) -> None:
    this, *_ = signed_in(tx)
    delicate: dict[str, Any] = {field: "new@37signals.example"}
    profile = Profile(name="Kev", **delicate)
    with pytest.raises(Invalid) as refused:
        profiles.revise(tx, KEVIN, profile, proven=proven, session_id=this)
    assert refused.value.errors.keys() == {"current_password"}
    assert users.find(tx, KEVIN).name == "Kevin"
    assert tx.events == []


@pytest.mark.parametrize("field", ["email_address", "password_hash"])
def test_address_and_password_end_the_other_sign_ins_and_every_way_back(
    tx: Tx, field: str
) -> None:
    this, *others = signed_in(tx)
    sessions.start(tx, DAVID, "127.0.0.1", "Firefox")
    link, _ = sessions.transfer(tx, KEVIN)
    davids, _ = sessions.transfer(tx, DAVID)
    tx.events.clear()
    delicate: dict[str, Any] = {field: "new@37signals.example"}
    profile = Profile(**delicate)
    user = profiles.revise(tx, KEVIN, profile, proven=PASSWORD_HASH, session_id=this)
    changed, ended = tx.events
    assert changed == users.Changed(user)
    assert isinstance(ended, sessions.Ended)
    assert (ended.user_id, sorted(ended.sessions)) == (KEVIN, sorted(others))
    assert [sign_in.id for sign_in in sessions.all_of(tx, KEVIN)] == [this]
    assert len(sessions.all_of(tx, DAVID)) == 1
    with pytest.raises(Unreadable):
        sessions.take_transfer(tx, link)
    assert sessions.take_transfer(tx, davids).id == DAVID


def test_what_was_proven_before_another_change_proves_nothing(
    tx: Tx, other_hash: str
) -> None:
    this, *_ = signed_in(tx)
    change = Profile(password_hash=other_hash)
    profiles.revise(tx, KEVIN, change, proven=PASSWORD_HASH, session_id=this)
    with pytest.raises(Invalid):
        profiles.revise(
            tx,
            KEVIN,
            Profile(email_address="mallory@example.org"),
            proven=PASSWORD_HASH,
            session_id=this,
        )
    assert users.email_address(tx, KEVIN) == address("Kevin")


def test_an_address_in_use_is_a_conflict(tx: Tx) -> None:
    this, *_ = signed_in(tx)
    profile = Profile(email_address=address("David"))
    with pytest.raises(Conflict):
        profiles.revise(tx, KEVIN, profile, proven=PASSWORD_HASH, session_id=this)
    assert tx.events == []


def test_what_one_wants_to_see_and_hear_is_kept_until_it_changes(tx: Tx) -> None:
    token = sessions.start(tx, KEVIN, "127.0.0.1", "Firefox")
    wanted = []
    for profile in (
        Profile(),
        Profile(plays_sounds=False),
        Profile(shows_previews=False),
        Profile(plays_sounds=True, bio="Likes fires"),
    ):
        profiles.revise(tx, KEVIN, profile, proven=None, session_id=0)
        session = sessions.find(tx, sessions.token_hash(token))
        assert session
        wanted.append((session.plays_sounds, session.shows_previews))
    assert wanted == [(True, True), (False, True), (False, False), (True, False)]


def test_the_operator_resets_a_password_and_ends_every_sign_in(
    tx: Tx, other_hash: str
) -> None:
    signed_in(tx)
    link, _ = sessions.transfer(tx, KEVIN)
    profiles.reset_password(tx, KEVIN, other_hash)
    assert sessions.all_of(tx, KEVIN) == []
    assert users.password_hash(tx, KEVIN) == other_hash
    with pytest.raises(Unreadable):
        sessions.take_transfer(tx, link)


def test_a_picture_has_a_new_address_each_time_and_everybody_is_told(tx: Tx) -> None:
    urls = {users.find(tx, KEVIN).avatar_url}
    for image in (b"first", b"second", None):
        tx.now += 1
        tx.events.clear()
        user = profiles.picture(tx, KEVIN, image)
        assert avatars.find(tx, KEVIN) == image
        assert tx.events == [users.Changed(user)]
        urls.add(user.avatar_url)
    assert len(urls) == 4
