"""How Campfire says no.

A refusal is raised with words fit for a person and caught in two places only: the
web middleware and the socket's command loop. Anything else that is raised is a bug.
"""

from typing import ClassVar


class Refusal(Exception):
    """A request that is understood and declined."""

    status: ClassVar[int]

    def __init__(self, detail: str, *, retry_after: int | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.retry_after = retry_after


class Unreadable(Refusal):
    status = 400


class SignedOut(Refusal):
    """Nobody is known to be asking, or the words they gave prove nothing."""

    status = 401


class Forbidden(Refusal):
    status = 403


class NotFound(Refusal):
    """Not there, or not theirs: an outsider cannot tell which."""

    status = 404


class Conflict(Refusal):
    status = 409


class Gone(Refusal):
    status = 410


class TooLarge(Refusal):
    status = 413


class Unsupported(Refusal):
    status = 415


class Invalid(Refusal):
    """Says which fields are wrong and why, for a form or a program to show."""

    status = 422

    def __init__(self, detail: str, **errors: str) -> None:
        super().__init__(detail)
        self.errors = errors


class Misdirected(Refusal):
    """Asked under a name that is not ours (RFC 9110, 15.5.20)."""

    status = 421


class TooMany(Refusal):
    status = 429


class Busy(Refusal):
    status = 503


class Full(Busy):
    """The disk takes nothing more; reading goes on (RFC 4918, 11.5)."""

    status = 507
