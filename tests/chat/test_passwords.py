"""Passwords: what is accepted, and that only the right one is right."""

import bcrypt
import pytest

from campfire.chat import passwords
from campfire.refusals import Invalid
from tests.conftest import PASSWORD, PASSWORD_HASH, address


def test_only_the_right_password_is_right() -> None:
    assert passwords.matches(PASSWORD, PASSWORD_HASH)
    for wrong in ("", PASSWORD.upper(), PASSWORD + " ", PASSWORD[:-1], PASSWORD + "\0"):
        assert not passwords.matches(wrong, PASSWORD_HASH)


def test_every_character_counts_also_beyond_what_bcrypt_reads() -> None:
    long = "a" * 100
    known = passwords.hashed(long + "b", cost=4)
    assert passwords.matches(long + "b", known)
    assert not passwords.matches(long + "c", known)


def test_a_zero_byte_ends_nothing() -> None:
    known = passwords.hashed("camp\0fire", cost=4)
    assert passwords.matches("camp\0fire", known)
    assert not passwords.matches("camp\0water", known)


def test_the_same_password_has_another_hash_each_time() -> None:
    assert passwords.hashed(PASSWORD, cost=4) != passwords.hashed(PASSWORD, cost=4)


def test_a_hash_says_what_it_costs() -> None:
    assert PASSWORD_HASH.startswith("$2b$04$")
    assert passwords.COST >= 12


def test_who_has_no_password_cannot_guess_it() -> None:
    assert not passwords.matches(PASSWORD, None)
    assert not passwords.matches("", None)


def test_nobody_costs_as_much_as_somebody() -> None:
    assert passwords.NOBODY.startswith(f"$2b${passwords.COST}$")


def test_a_hash_that_asks_for_hours_is_wrong_at_once() -> None:
    assert not passwords.matches(PASSWORD, PASSWORD_HASH.replace("$04$", "$31$"))


def test_a_guess_of_a_megabyte_is_wrong_at_once() -> None:
    assert not passwords.matches("a" * 1_000_000, PASSWORD_HASH)


@pytest.mark.parametrize("password", ["a" * 8, "a" * 1_024, "\U0001f525" * 8, " " * 8])
def test_length_alone_decides(password: str) -> None:
    passwords.require_acceptable(password, address("David"), "David")


@pytest.mark.parametrize("password", ["", "a" * 7, "a" * 1_025])
def test_what_is_too_short_or_too_long_is_refused(password: str) -> None:
    with pytest.raises(Invalid) as refused:
        passwords.require_acceptable(password, address("David"), "David")
    assert refused.value.errors.keys() == {"password"}


@pytest.mark.parametrize(
    "password",
    [
        *("password1", "PassWord1", " password1 ", "12345678", "qwertyuiop"),
        *(address("David"), address("David").upper(), "david heinemeier HANSSON"),
    ],
)
def test_what_is_guessed_first_is_refused(password: str) -> None:
    with pytest.raises(Invalid) as refused:
        passwords.require_acceptable(
            password, address("David"), "David Heinemeier Hansson"
        )
    assert refused.value.errors.keys() == {"password"}
    passwords.require_acceptable(f"{password}, but longer", address("David"), "David")


def test_the_three_thousand_most_common_are_known_as_they_are_compared() -> None:
    common = passwords.common()
    assert len(common) == 3_000
    assert all(len(each) >= passwords.SHORTEST for each in common)
    assert all(each == each.casefold() for each in common)


def test_half_a_character_is_a_password_like_another() -> None:
    known = passwords.hashed("camp\ud800fire", cost=4)
    assert passwords.matches("camp\ud800fire", known)
    assert not passwords.matches("camp?fire", known)


@pytest.mark.parametrize("prefix", ["$2a", "$2b", "$2y"])
def test_a_hash_of_rails_is_of_the_password_itself(prefix: str) -> None:
    made = bcrypt.hashpw(b"correct horse", bcrypt.gensalt(4)).decode()
    known = passwords.brought(prefix + made[3:])
    assert known and passwords.is_foreign(known)
    assert passwords.matches("correct horse", known)
    assert not passwords.matches("correct hors", known)
    assert not passwords.is_foreign(PASSWORD_HASH)


def test_rails_reads_no_more_than_72_bytes() -> None:
    made = bcrypt.hashpw(b"a" * 72, bcrypt.gensalt(4)).decode()
    known = passwords.brought(made)
    assert passwords.matches("a" * 73, known)
    assert not passwords.matches("a" * 71, known)


@pytest.mark.parametrize("other", ["", "plain", "$argon2id$v=19$m", "$2a$04$short"])
def test_a_hash_of_another_kind_is_none(other: str) -> None:
    assert passwords.brought(other) is None
