"""Passwords: what is accepted, how they are hashed, how a guess is compared.

bcrypt reads only 72 bytes, so it is given a digest in which every byte counts.
Hashing takes a quarter of a second on purpose: never on the event loop or the writer.
"""

import base64
import hashlib
import re
from functools import cache
from pathlib import Path
from typing import Final

import bcrypt

from campfire.refusals import Invalid

SHORTEST: Final = 8
LONGEST: Final = 1_024
# Written by `make setup`: the most common ones that are long enough, in lower case.
COMMON: Final = Path(__file__).with_name("passwords.txt")
COST: Final = 12
COSTLIEST: Final = 14
# Hashes that Rails has made begin so: of the password itself, of which it too reads
# no more than 72 bytes. Ours begin with `$2b$`.
FOREIGN: Final = "$2a$"
LONGEST_FOREIGN: Final = 72
BCRYPT: Final = re.compile(r"\$2[aby](\$\d\d\$[./A-Za-z0-9]{53})")

# Compared with when nobody has the address, so that the answer takes as long.
NOBODY: Final = "$2b$12$DE5tEOBer8JXtjzlNdFODuUoJ0s2B/d5GLc.FhD94n/5rQLlrNGNO"


def require_acceptable(password: str, email_address: str, name: str) -> None:
    """Raises Invalid; length in characters, no rules of composition (ASVS 6.2).

    What everybody would guess first is refused: the person's own address or name, and
    what most people choose.
    """
    if len(password) < SHORTEST:
        raise Invalid(
            "This password is too short.",
            password=f"Use at least {SHORTEST} characters.",
        )
    if len(password) > LONGEST:
        raise Invalid(
            "This password is too long.",
            password=f"Use at most {LONGEST} characters.",
        )
    guess = password.casefold().strip()
    for own, reason in (
        (email_address, "Do not use your address."),
        (name, "Do not use your name."),
    ):
        if guess == own.casefold():
            raise Invalid("This password is easy to guess.", password=reason)
    if guess in common():
        raise Invalid(
            "This password is easy to guess.", password="Too many people use this one."
        )


@cache
def common() -> frozenset[str]:
    """What is tried first: some hundred kilobytes, read when it is first needed."""
    return frozenset(COMMON.read_text("utf-8").split())


def hashed(password: str, cost: int = COST) -> str:
    return bcrypt.hashpw(_digest(password), bcrypt.gensalt(cost)).decode("ascii")


def matches(password: str, password_hash: str | None) -> bool:
    """Whether the guess is right, in the same time when there is nothing to compare.

    A hash that asks for more work than we ever do is treated as wrong.
    """
    known = password_hash or NOBODY
    if int(known[4:6]) > COSTLIEST or len(password) > LONGEST:
        return False
    data = _bytes(password) if is_foreign(known) else _digest(password)
    return bcrypt.checkpw(data, known.encode("ascii")) and password_hash is not None


def brought(password_digest: str) -> str | None:
    """A hash of Rails as it is kept here; None for what is no such hash."""
    known = BCRYPT.fullmatch(password_digest)
    return FOREIGN[:-1] + known[1] if known else None


def is_foreign(password_hash: str) -> bool:
    """Whether it is to be made anew once the password is known."""
    return password_hash.startswith(FOREIGN)


def _bytes(password: str) -> bytes:
    return password.encode("utf-8", "surrogatepass")[:LONGEST_FOREIGN]


def _digest(password: str) -> bytes:
    data = password.encode("utf-8", "surrogatepass")
    return base64.b64encode(hashlib.sha256(data).digest())
