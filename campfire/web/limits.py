"""How often is too often: counted in memory, for a while, by who asks.

An address is counted as what one subscriber gets: a whole /64 of IPv6.
"""

import math
import time
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Final

from limits import (
    RateLimitItem,
    RateLimitItemPerHour,
    RateLimitItemPerMinute,
    RateLimitItemPerSecond,
)
from limits.strategies import MovingWindowRateLimiter

from campfire.refusals import TooMany
from campfire.windows import Windows

SIGN_IN: Final = RateLimitItemPerMinute(10, 3, "sign-in")
GUESSES: Final = RateLimitItemPerMinute(10, 30, "guesses")
INVITATIONS: Final = RateLimitItemPerHour(20, 1, "invitations")
# Behind one address may be a whole office on its first day; somebody who holds the
# invitation and asks which addresses are in use, at a hash each, gets no further.
JOINS: Final = RateLimitItemPerHour(100, 1, "joins")
ROOMS: Final = RateLimitItemPerMinute(300, 10, "rooms")
TRANSFERS: Final = RateLimitItemPerHour(30, 1, "transfers")
POSTS: Final = RateLimitItemPerSecond(300, 30, "posts")
BOTS: Final = RateLimitItemPerSecond(50, 10, "bots")
DRAFTS: Final = RateLimitItemPerMinute(60, 1, "drafts")
SUBSCRIPTIONS: Final = RateLimitItemPerMinute(60, 1, "push subscriptions")
UPLOADS: Final = RateLimitItemPerMinute(30, 1, "uploads")
PUSH_TESTS: Final = RateLimitItemPerMinute(10, 1, "push tests")
EXPORTS: Final = RateLimitItemPerHour(4, 1, "exports")
RINGS: Final = RateLimitItemPerHour(20, 1, "rings")
SEARCHES: Final = RateLimitItemPerMinute(120, 1, "searches")


class Limits:
    """Counts what is tried; nothing at all when the operator measures."""

    def __init__(self, *, enabled: bool) -> None:
        self._enabled = enabled
        self.windows = Windows()
        self._window = MovingWindowRateLimiter(self.windows)

    def hit(self, limit: RateLimitItem, who: str) -> None:
        """Counts one try. Raises TooMany, with the seconds until there is room."""
        if self._enabled and not self._window.hit(limit, who):
            self._refuse(limit, who)

    def require_room(self, limit: RateLimitItem, who: str) -> None:
        """Raises TooMany without counting."""
        if self._enabled and not self._window.test(limit, who):
            self._refuse(limit, who)

    def _refuse(self, limit: RateLimitItem, who: str) -> None:
        resets_at, _ = self._window.get_window_stats(limit, who)
        wait = max(1, math.ceil(resets_at - time.monotonic()))
        raise TooMany("That was tried too often. Wait a little.", retry_after=wait)


def subscriber(address: str) -> str:
    """Whom an address stands for."""
    try:
        known = ip_address(address)
    except ValueError:
        return address
    if isinstance(known, IPv6Address):
        if known.ipv4_mapped:
            return str(known.ipv4_mapped)
        return str(ip_network((known, 64), strict=False))
    return str(known)
