"""Which addresses are on the public internet; every other one is refused.

Written from the IANA registries of special purpose and of allocated addresses, because
`ipaddress.is_global` lets several ways to a private IPv4 address through.
"""

from collections.abc import Iterable
from ipaddress import (
    AddressValueError,
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
)
from typing import Final

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

PRIVATE: Final = tuple(
    map(
        IPv4Network,
        (
            *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8"),
            "168.63.129.16/32",  # Azure's own services, on a public number.
            *("169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24"),
            *("192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15"),
            *("198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
        ),
    )
)
# What the regional registries give out. Everything else of IPv6 is special, a way
# to carry IPv4, or nobody's: 6to4, mapped, compatible and SIIT are not in here.
ALLOCATED: Final = tuple(
    map(
        IPv6Network,
        (
            *("2001::/16", "2003::/18", "2400::/12", "2410::/12", "2600::/12"),
            *("2610::/23", "2620::/23", "2630::/12", "2800::/12", "2a00::/12"),
            *("2a10::/12", "2c00::/12"),
        ),
    )
)
# Protocols (Teredo, benchmarks, ORCHID) and documentation, within what is allocated.
SET_ASIDE: Final = tuple(map(IPv6Network, ("2001::/23", "2001:db8::/32")))
# Of this house and of the houses next door, as far as anybody may be let there.
NEAR: Final[tuple[Network, ...]] = (
    *map(IPv4Network, ("10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8")),
    *map(IPv4Network, ("172.16.0.0/12", "192.168.0.0/16")),
    *map(IPv6Network, ("::1/128", "fc00::/7")),
)
# Where clouds tell their secrets to whoever asks from within, on numbers of NEAR.
METADATA: Final[frozenset[Address]] = frozenset(
    (
        IPv4Address("100.100.100.200"),
        IPv6Address("fd00:ec2::254"),
        IPv6Address("fd20:ce::254"),
    )
)
NAT64: Final = IPv6Network("64:ff9b::/96")
ISATAP: Final = (0x0000_5EFE, 0x0200_5EFE)


def is_public(address: Address) -> bool:
    """Whether somebody on the internet, and nobody nearer, has this address."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in PRIVATE)
    if address.scope_id is not None:
        return False
    if address in NAT64:
        return is_public(IPv4Address(int(address) & 0xFFFF_FFFF))
    if (int(address) >> 32) & 0xFFFF_FFFF in ISATAP:
        return False
    return any(address in network for network in ALLOCATED) and not any(
        address in network for network in SET_ASIDE
    )


def parsed(text: str) -> Address | None:
    """The address in its one usual spelling; None for a name or any other spelling."""
    try:
        return IPv6Address(text) if ":" in text else IPv4Address(text)
    except AddressValueError:
        return None


def may_reach(text: str, allowed: Iterable[Network] = ()) -> bool:
    """Whether a socket may go to this address: public, or `allowed` by the caller."""
    address = parsed(text)
    if address is None or address in METADATA:
        return False
    return is_public(address) or any(
        address in network for network in allowed if network.version == address.version
    )
