"""First run, and the one account there is."""

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest

from campfire.chat import (
    accounts,
    bans,
    memberships,
    messages,
    richtext,
    rooms,
    sessions,
    users,
)
from campfire.database import Database, Tx, connect, migrate
from campfire.refusals import Conflict, Forbidden, Invalid, NotFound, Unreadable
from tests.conftest import (
    ALL_PETS,
    DAVID,
    JASON,
    JZ,
    KEVIN,
    PASSWORD_HASH,
    WATERCOOLER,
    address,
)


def test_first_run_makes_an_administrator_and_a_room_for_everybody(
    tmp_path: Path,
) -> None:
    connection = connect(tmp_path / "campfire.sqlite3")
    migrate(connection, tmp_path / "campfire.sqlite3")
    connection.execute("BEGIN")
    tx = Tx(connection, {})
    assert accounts.find(tx) is None

    user, room = accounts.begin(tx, "David", address("David"), PASSWORD_HASH)

    assert (user.name, user.role, user.status) == ("David", "administrator", "active")
    assert (room.kind, room.name, room.creator_id) == ("open", "All Talk", user.id)
    assert memberships.find(tx, user.id, room.id).unread_count == 0
    assert tx.events == [
        users.Joined(user, []),
        rooms.Created({user.id: room}),
    ]
    account = accounts.find(tx)
    assert account and account.name == "Campfire"
    connection.close()


def test_there_is_no_second_first_run(tx: Tx) -> None:
    with pytest.raises(Conflict, match="set up already"):
        accounts.begin(tx, "Mallory", address("Mallory"), PASSWORD_HASH)
    assert tx.events == []
    assert users.credentials(tx, address("Mallory")) is None


async def test_of_many_who_begin_at_once_one_succeeds(tmp_path: Path) -> None:
    db = Database(tmp_path / "campfire.sqlite3")
    attempts = [
        db.write(accounts.begin, name, address(name), PASSWORD_HASH)
        for name in ("David", "Jason", "JZ", "Kevin")
    ]
    answers = await asyncio.gather(*attempts, return_exceptions=True)
    refused = [answer for answer in answers if isinstance(answer, Conflict)]
    assert len(refused) == 3
    assert await db.read(lambda db: db.value("SELECT count(*) FROM users")) == 1
    await db.close()


def test_an_invitation_can_be_read_out_and_is_never_the_same() -> None:
    codes = {accounts.join_code() for _ in range(100)}
    assert len(codes) == 100
    assert all(re.fullmatch(r"(\w{4}-){2}\w{4}", code, re.ASCII) for code in codes)


# What administrators decide


def test_settings_change_one_by_one_and_everybody_is_told(tx: Tx) -> None:
    account = accounts.revise(tx, DAVID, name=" Camp \n ground ")
    assert account.name == "Camp ground"
    assert tx.events == [accounts.Changed(account)]
    account = accounts.revise(tx, DAVID, custom_styles="body { color: red }")
    assert account.has_styles and account.name == "Camp ground"
    assert accounts.custom_styles(tx) == "body { color: red }"
    account = accounts.revise(tx, JASON, only_administrators_create_rooms=True)
    assert account.has_styles and account.only_administrators_create_rooms
    assert not accounts.revise(tx, DAVID, custom_styles="").has_styles
    assert accounts.find(tx) == accounts.revise(tx, DAVID)


@pytest.mark.parametrize(
    "change", [{"name": " "}, {"name": "x" * 101}, {"custom_styles": "x" * 65_537}]
)
def test_settings_that_cannot_be_are_refused(tx: Tx, change: dict[str, Any]) -> None:
    with pytest.raises(Invalid) as refused:
        accounts.revise(tx, DAVID, **change)
    assert refused.value.errors.keys() == change.keys()
    assert tx.events == []


def test_only_administrators_decide(tx: Tx) -> None:
    before = accounts.find(tx)
    for decide in (
        lambda: accounts.revise(tx, KEVIN, name="Mine"),
        lambda: accounts.set_logo(tx, KEVIN, (b"large", b"small")),
        lambda: accounts.set_logo(tx, KEVIN, None),
        lambda: accounts.renew_join_code(tx, KEVIN),
        lambda: accounts.appoint(tx, KEVIN, KEVIN, "administrator"),
        lambda: accounts.deactivate(tx, KEVIN, JZ),
    ):
        with pytest.raises(Forbidden):
            decide()
    assert accounts.find(tx) == before
    assert tx.events == []


def test_a_new_invitation_kills_the_old_one(tx: Tx) -> None:
    old = accounts.require(tx).join_code
    new = accounts.renew_join_code(tx, DAVID)
    assert new.join_code != old
    assert tx.events == [accounts.Changed(new)]
    with pytest.raises(NotFound):
        users.join(tx, old, "Bob", address("Bob"), PASSWORD_HASH)
    bob = users.join(tx, new.join_code, "Bob", address("Bob"), PASSWORD_HASH)
    assert bob.role == "member"


def test_a_logo_has_two_sizes_and_a_time(tx: Tx) -> None:
    assert accounts.logo(tx, "large") is None
    for images in ((b"large", b"small"), (b"other", b"tiny")):
        account = accounts.set_logo(tx, DAVID, images)
        assert account.logo_at == tx.now
        assert (accounts.logo(tx, "large"), accounts.logo(tx, "small")) == images
    assert accounts.set_logo(tx, DAVID, None).logo_at is None
    assert accounts.logo(tx, "small") is None


# Roles


def test_roles_change_at_once_and_everybody_is_told(tx: Tx) -> None:
    for role in ("administrator", "member"):
        tx.events.clear()
        user = accounts.appoint(tx, DAVID, KEVIN, role)
        assert user.role == role
        assert tx.events == [users.Changed(user)]


@pytest.mark.parametrize("role", ["", "bot", "owner", "Administrator"])
def test_there_are_two_roles_for_people(tx: Tx, role: str) -> None:
    with pytest.raises(Invalid) as refused:
        accounts.appoint(tx, DAVID, KEVIN, role)
    assert refused.value.errors.keys() == {"role"}


def test_there_is_always_an_administrator(tx: Tx) -> None:
    accounts.appoint(tx, JASON, DAVID, "member")
    tx.events.clear()
    for end in (
        lambda: accounts.appoint(tx, JASON, JASON, "member"),
        lambda: accounts.deactivate(tx, JASON, JASON),
        lambda: bans.add(tx, JASON, JASON),
    ):
        with pytest.raises(Invalid):
            end()
    assert users.find(tx, JASON).role == "administrator"
    assert tx.events == []


def test_an_administrator_who_is_banned_or_gone_does_not_count(tx: Tx) -> None:
    accounts.appoint(tx, DAVID, KEVIN, "administrator")
    bans.add(tx, DAVID, JASON)
    accounts.deactivate(tx, DAVID, KEVIN)
    with pytest.raises(Invalid):
        accounts.appoint(tx, DAVID, DAVID, "member")


def test_a_bot_and_who_is_gone_have_no_role_to_change(tx: Tx) -> None:
    bender = users.add(tx, "Bender", address("Bender"), "!", "bot")
    accounts.deactivate(tx, DAVID, KEVIN)
    for user_id in (bender.id, KEVIN, 99):
        with pytest.raises(NotFound):
            accounts.appoint(tx, DAVID, user_id, "administrator")


# Leaving


def test_who_is_deactivated_is_out_of_everything_but_direct_rooms(tx: Tx) -> None:
    direct, _ = rooms.direct(tx, DAVID, [JZ])
    message, _ = messages.post(tx, JZ, ALL_PETS, richtext.draft("stays"), "1")
    token = sessions.start(tx, JZ, "127.0.0.1", "Firefox")
    (sign_in,) = sessions.all_of(tx, JZ)
    link, _ = sessions.transfer(tx, JZ)
    tx.events.clear()
    accounts.deactivate(tx, DAVID, JZ)
    assert users.find(tx, JZ).status == "deactivated"
    assert tx.events == [
        users.Changed(users.find(tx, JZ)),
        sessions.Ended(JZ, (sign_in.id,)),
        memberships.Revoked(frozenset({JZ}), ALL_PETS),
        memberships.Revoked(frozenset({JZ}), WATERCOOLER),
    ]
    assert [room.id for room in rooms.all_of(tx, JZ)] == [direct.id]
    assert sessions.find(tx, sessions.token_hash(token)) is None
    with pytest.raises(Unreadable):
        sessions.take_transfer(tx, link)
    assert messages.find(tx, DAVID, ALL_PETS, message.id).source == "stays"
    with pytest.raises(NotFound):
        messages.post(tx, JZ, direct.id, richtext.draft("One more thing"), "2")


def test_the_address_of_somebody_deactivated_can_be_used_again(tx: Tx) -> None:
    for _ in range(2):
        user_id = users.by_address(tx, address("Kevin")).id
        accounts.deactivate(tx, DAVID, user_id)
        assert users.credentials(tx, address("Kevin")) is None
        user = users.add(tx, "Kevin", address("Kevin"), PASSWORD_HASH)
        assert user.id != user_id


def test_who_is_gone_cannot_go_again(tx: Tx) -> None:
    accounts.deactivate(tx, DAVID, KEVIN)
    with pytest.raises(NotFound):
        accounts.deactivate(tx, DAVID, KEVIN)
