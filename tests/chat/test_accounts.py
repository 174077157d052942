"""First run, and the one account there is."""

import asyncio
import re
from pathlib import Path

import pytest

from campfire.chat import accounts, memberships, rooms, users
from campfire.database import Database, Tx, connect, migrate
from campfire.refusals import Conflict
from tests.conftest import PASSWORD_HASH, address


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
