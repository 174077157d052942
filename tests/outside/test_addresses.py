"""Which addresses are public: the registries' own examples, one verdict each."""

from ipaddress import ip_address, ip_network

import pytest

from campfire.outside.addresses import NEAR, is_public, may_reach, parsed

REFUSED = """
0.0.0.0 0.0.0.1 0.255.255.255 10.0.0.0 10.0.0.1 10.255.255.255 100.64.0.0 100.64.0.1
100.127.255.255 127.0.0.1 127.0.0.0 127.1.2.3 127.255.255.255 168.63.129.16
169.254.0.0 169.254.169.254 169.254.170.2 169.254.255.255 172.16.0.0 172.16.0.1
172.31.255.255 192.0.0.0 192.0.0.8 192.0.0.9 192.0.0.10 192.0.0.170 192.0.0.171
192.0.0.255 192.0.2.0 192.0.2.1 192.0.2.255 192.88.99.0 192.88.99.1 192.88.99.2
192.88.99.255 192.168.0.0 192.168.1.1 192.168.255.255 198.18.0.0 198.18.0.1
198.19.255.255 198.51.100.0 198.51.100.255 203.0.113.0 203.0.113.1 203.0.113.255
224.0.0.0 224.0.0.1 239.255.255.255 240.0.0.0 240.0.0.1 255.255.255.254
255.255.255.255
:: ::1 ::2 ::7f00:1 ::127.0.0.1 ::169.254.169.254 ::8.8.8.8 ::ffff:0.0.0.0
::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:169.254.169.254 ::ffff:a9fe:a9fe
::ffff:8.8.8.8 ::ffff:0:7f00:1 ::ffff:0:a9fe:a9fe ::ffff:0:808:808
64:ff9b::7f00:1 64:ff9b::a9fe:a9fe 64:ff9b::10.0.0.1 64:ff9b::c0a8:101
64:ff9b::e000:1 64:ff9b:1:: 64:ff9b:1::1 64:ff9b:1::808:808 64:ff9b:1:ffff::1
64:ff9b:0:1::808:808 100:: 100::1 100:0:0:1::1 200::1 400::1 1000::1 1fff::1
2001::1 2001:0:53aa:64c::1 2001:1::1 2001:1::2 2001:1::3 2001:2::1 2001:3::1
2001:4:112::1 2001:10::1 2001:1f::1 2001:20::1 2001:2f::1 2001:30::1 2001:1ff::1
2001:db8:: 2001:db8::1 2001:db8:ffff::1 2002:: 2002:7f00:1:: 2002:a9fe:a9fe::1
2002:808:808::1 2003:4000::1 2004::1 2200::1 2420::1 2612::1 2622::1 2640::1 2810::1
2a20::1 2c10::1 2d00::1 2e00::1 3000::1 3ffe::1 3fff::1 3fff:fff::1 4000::1 5f00::1
6000::1 8000::1 a000::1 c000::1 e000::1 f000::1 fbff::1 fc00::1 fd00::1
fd00:ec2::254 fdff:ffff::1 fe00::1 fe80::1 fe80::1%1 fe80::1%lo febf::1 fec0::1
feff::1 ff00::1 ff01::1 ff02::1 ff0e::1 ffff:ffff::1
2606:4700::5efe:a00:1 2606:4700::200:5efe:7f00:1 2606:4700::5efe:808:808
2606:4700::1%1
""".split()
PUBLIC = """
1.0.0.1 1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.0 93.184.216.34 100.63.255.255
100.128.0.0 126.255.255.255 128.0.0.0 168.63.129.15 168.63.129.17 169.253.255.255
169.255.0.0 172.15.255.255 172.32.0.0 191.255.255.255 192.0.1.0 192.0.3.0 192.31.196.1
192.52.193.1 192.88.98.255 192.88.100.0 192.167.255.255 192.169.0.0 192.175.48.1
198.17.255.255 198.20.0.0 198.51.99.255 198.51.101.0 203.0.112.255 203.0.114.0
223.255.255.255
2001:200::1 2001:4860:4860::8888 2001:67c:2e8::1 2001:db7::1 2001:db9::1 2003::1
2003:3fff::1 2400:cb00::1 2404:6800::1 2410::1 2600::1 2606:4700:4700::1111
2607:f8b0::1 2610::1 2620:fe::fe 2630::1 2800:3f0::1 2a00:1450::1 2a02:26f0::1
2a0f::1 2a10::1 2c0f:fb50::1 64:ff9b::808:808 64:ff9b::93.184.216.34
""".split()
SPELLINGS = """
0 00 0x0 1 127.1 127.0.1 2130706433 0x7f000001 0x7f.1 0177.0.0.1 017700000001
127.0.0.01 127.0.0.1. 127..1 127.0.0 127.0.0.1.1 256.1.1.1 1.2.3.4/8 1.2.3.4%eth0
１２７.0.0.1 127。0。0。1 localhost example.com [::1] ::1/128 :::1 1::2::3 ::fffff
""".split()


@pytest.mark.parametrize("address", REFUSED)
def test_an_address_that_is_not_on_the_internet_is_refused(address: str) -> None:
    assert not is_public(ip_address(address))
    assert not may_reach(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_an_address_on_the_internet_is_reached(address: str) -> None:
    assert is_public(ip_address(address))
    assert may_reach(address)


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_no_other_spelling_is_an_address(spelling: str) -> None:
    assert parsed(spelling) is None
    assert not may_reach(spelling)


def test_a_network_can_be_allowed_and_nothing_beside_it() -> None:
    allowed = [ip_network("127.0.0.0/8"), ip_network("fd00::/64")]
    assert may_reach("127.0.0.1", allowed)
    assert may_reach("fd00::1", allowed)
    assert not may_reach("::ffff:127.0.0.1", allowed)
    assert not may_reach("fd00:0:0:1::1", allowed)
    assert not may_reach("10.0.0.1", allowed)


@pytest.mark.parametrize(
    ("address", "is_reached"),
    [
        *(("10.0.0.1", True), ("192.168.1.1", True), ("127.0.0.1", True)),
        *(("::1", True), ("fd00::1", True)),
        # Link-local, and where clouds tell their secrets: with no switch at all.
        *(("169.254.169.254", False), ("169.254.0.1", False), ("fe80::1", False)),
        *(("100.100.100.200", False), ("fd00:ec2::254", False), ("0.0.0.0", False)),
        *(("fd20:ce::254", False), ("224.0.0.1", False), ("::ffff:10.0.0.1", False)),
    ],
)
def test_near_is_this_house_and_the_next_and_no_cloud(
    address: str, is_reached: bool
) -> None:
    assert may_reach(address, NEAR) == is_reached
