"""How often is too often: counted in memory, for a while, by who asks.

An address is counted as what one subscriber gets: a whole /64 of IPv6.
"""

import math
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Final

from campfire.refusals import TooMany
from campfire.windows import Limit, Windows

SIGN_IN: Final = Limit(10, 180, "sign-in")
GUESSES: Final = Limit(10, 1800, "guesses")
INVITATIONS: Final = Limit(20, 3600, "invitations")
# Behind one address may be a whole office on its first day; somebody who holds the
# invitation and asks which addresses are in use, at a hash each, gets no further.
JOINS: Final = Limit(100, 3600, "joins")
ROOMS: Final = Limit(300, 600, "rooms")
TRANSFERS: Final = Limit(30, 3600, "transfers")
POSTS: Final = Limit(300, 30, "posts")
BOTS: Final = Limit(50, 10, "bots")
DRAFTS: Final = Limit(60, 60, "drafts")
SUBSCRIPTIONS: Final = Limit(60, 60, "push subscriptions")
UPLOADS: Final = Limit(30, 60, "uploads")
PUSH_TESTS: Final = Limit(10, 60, "push tests")
RINGS: Final = Limit(20, 3600, "rings")
SEARCHES: Final = Limit(120, 60, "searches")


class Limits:
    """Counts what is tried; nothing at all when the operator measures."""

    def __init__(self, *, enabled: bool) -> None:
        self._enabled = enabled
        self._windows = Windows()

    def hit(self, limit: Limit, who: str) -> None:
        """Counts one try. Raises TooMany, with the seconds until there is room."""
        if self._enabled and not self._windows.hit(limit, who):
            self._refuse(limit, who)

    def require_room(self, limit: Limit, who: str) -> None:
        """Raises TooMany without counting."""
        if self._enabled and self._windows.wait(limit, who):
            self._refuse(limit, who)

    def _refuse(self, limit: Limit, who: str) -> None:
        wait = max(1, math.ceil(self._windows.wait(limit, who)))
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
