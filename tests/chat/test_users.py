"""People: what they may be called, how they join, who is told."""

import pytest

from campfire.chat import accounts, memberships, rooms, users
from campfire.database import Tx
from campfire.refusals import Conflict, Invalid, NotFound
from tests.conftest import (
    ALL_PETS,
    DAVID,
    JASON,
    KEVIN,
    PASSWORD,
    PASSWORD_HASH,
    WATERCOOLER,
    address,
)


def join_code(tx: Tx) -> str:
    account = accounts.find(tx)
    assert account
    return account.join_code


def test_a_newcomer_is_in_every_open_room_and_in_no_closed_one(tx: Tx) -> None:
    lounge = rooms.create(tx, DAVID, "open", "Lounge")
    tx.events.clear()
    user = users.join(tx, join_code(tx), "Bob", address("Bob"), PASSWORD_HASH)
    assert (user.role, user.status) == ("member", "active")
    assert [room.id for room in rooms.all_of(tx, user.id)] == [ALL_PETS, lounge.id]
    with pytest.raises(NotFound):
        memberships.require(tx, user.id, WATERCOOLER)
    assert tx.events == [users.Joined(user, [ALL_PETS, lounge.id])]


def test_a_wrong_invitation_lets_nobody_in(tx: Tx) -> None:
    for code in ("", "wrong", join_code(tx).lower() + "x", join_code(tx)[:-1]):
        with pytest.raises(NotFound):
            users.join(tx, code, "Mallory", address("Mallory"), PASSWORD_HASH)
    assert tx.events == []


@pytest.mark.parametrize(
    "taken",
    [
        "david@37signals.example",
        " David@37Signals.example ",
        "ＤAVID@37signals.example",
    ],
)
def test_an_address_is_taken_in_every_spelling(tx: Tx, taken: str) -> None:
    kept = users.require_address(taken)
    assert kept == address("David")
    with pytest.raises(Conflict):
        users.join(tx, join_code(tx), "Mallory", kept, PASSWORD_HASH)
    assert tx.events == []


def test_one_signs_in_with_any_spelling_of_the_address(tx: Tx) -> None:
    found = users.credentials(tx, " DAVID@37signals.EXAMPLE\n")
    assert found == users.Credentials(DAVID, PASSWORD_HASH)
    assert users.credentials(tx, "nobody@37signals.example") is None


@pytest.mark.parametrize("status", ["deactivated", "banned"])
def test_who_is_gone_has_nothing_to_sign_in_with(tx: Tx, status: str) -> None:
    tx.row("UPDATE users SET status = ? WHERE id = ?", (status, KEVIN))
    assert users.credentials(tx, address("Kevin")) is None
    with pytest.raises(Invalid):
        users.require_active(tx, [DAVID, KEVIN])


def test_a_bot_has_nothing_to_sign_in_with(tx: Tx) -> None:
    users.add(tx, "Bender", address("Bender"), PASSWORD_HASH, "bot")
    assert users.credentials(tx, address("Bender")) is None


def test_the_doors_name_the_first_administrator_who_is_still_here(tx: Tx) -> None:
    assert users.first_administrator(tx) == users.Contact("David", address("David"))
    tx.row("UPDATE users SET status = 'deactivated' WHERE id = ?", (DAVID,))
    assert users.first_administrator(tx) == users.Contact("Jason", address("Jason"))
    tx.row("UPDATE users SET role = 'member' WHERE id = ?", (JASON,))
    assert users.first_administrator(tx) is None


def test_nobody_by_that_number_is_not_found(tx: Tx) -> None:
    assert users.find(tx, KEVIN).name == "Kevin"
    assert users.email_address(tx, KEVIN) == address("Kevin")
    with pytest.raises(NotFound):
        users.find(tx, 99)


@pytest.mark.parametrize("known", [[], [DAVID], [DAVID, KEVIN]])
def test_people_who_are_here_can_be_named(tx: Tx, known: list[int]) -> None:
    assert users.require_active(tx, known) == known


@pytest.mark.parametrize("unknown", [[99], [DAVID, 99], [0], [-1]])
def test_people_who_are_not_here_cannot_be_named(tx: Tx, unknown: list[int]) -> None:
    with pytest.raises(Invalid) as refused:
        users.require_active(tx, unknown)
    assert refused.value.errors.keys() == {"user_ids"}


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("David", "David"),
        ("  David \t Heinemeier\n Hansson ", "David Heinemeier Hansson"),
        ("Jose\u0301", "Jos\u00e9"),
        ("\u0434\u0430\u0432\u0438\u0434", "\u0434\u0430\u0432\u0438\u0434"),
        ("\U0001f525", "\U0001f525"),
        ("7", "7"),
        ("a" * 100, "a" * 100),
    ],
)
def test_a_name_is_kept_composed_and_with_single_spaces(typed: str, kept: str) -> None:
    assert users.require_name(typed) == kept


@pytest.mark.parametrize(
    "name",
    [
        "",
        "   ",
        "\u00a0",
        "\u200b",
        "\u0301",
        "\u202e",
        "a" * 101,
        "a\0b",
        "a\x1bb",
        "a\ud800b",
    ],
)
def test_a_name_that_cannot_be_shown_is_refused(name: str) -> None:
    with pytest.raises(Invalid) as refused:
        users.require_name(name)
    assert refused.value.errors.keys() == {"name"}


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "david",
        "@example.org",
        "david@",
        "da vid@example.org",
        "david@example.org\nBcc: all@example.org",
        "david@exam\0ple.org",
        "d" * 250 + "@example.org",
    ],
)
def test_an_address_that_is_none_is_refused(typed: str) -> None:
    with pytest.raises(Invalid) as refused:
        users.require_address(typed)
    assert refused.value.errors.keys() == {"email_address"}


def test_a_form_names_everything_that_is_wrong_at_once() -> None:
    with pytest.raises(Invalid) as refused:
        users.require_new(" ", "nowhere", "short")
    assert refused.value.errors.keys() == {"name", "email_address", "password"}
    kept = users.require_new(" David ", "David@Example.org", PASSWORD)
    assert kept == ("David", "david@example.org")


def test_a_picture_has_a_new_address_when_the_person_changes(tx: Tx) -> None:
    before = users.find(tx, KEVIN)
    tx.row("UPDATE users SET updated_at = updated_at + 1 WHERE id = ?", (KEVIN,))
    assert users.find(tx, KEVIN).avatar_url != before.avatar_url


def test_a_title_is_the_name_and_what_they_say_about_themselves(tx: Tx) -> None:
    assert users.find(tx, KEVIN).title == "Kevin"
    tx.row("UPDATE users SET bio = 'Likes fires' WHERE id = ?", (KEVIN,))
    assert users.find(tx, KEVIN).title == "Kevin \u2013 Likes fires"
