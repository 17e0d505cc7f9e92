"""Which addresses count as outside: every known way of writing an inner one is refused."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearinghouse.app.channels.addresses import why_no_outside_name, why_not_outside

INSIDE = [
    "127.0.0.1", "127.255.255.254", "0.0.0.0", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254", "100.64.0.1",
    "100.100.100.200", "192.0.0.8", "192.88.99.1", "198.18.0.1", "203.0.113.9", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
    "168.63.129.16", "::", "::1", "fe80::1", "fec0::1", "fc00::1", "fd00:ec2::254", "ff02::1", "2001:db8::1", "2001::1", "2001:2::1", "3fff::1",
    "5f00::1", "100::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:a9fe:a9fe", "2002:7f00:1::", "2002:a00:1::1",
    "2002:a9fe:a9fe::", "64:ff9b::7f00:1", "64:ff9b::169.254.169.254", "64:ff9b:1::1", "fe80::1%eth0", "", "localhost",
]
OUTSIDE = ["8.8.8.8", "1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2002:808:808::1"]


@pytest.mark.parametrize("address", INSIDE)
def test_inner_address_is_refused_in_every_form(address: str) -> None:
    assert why_not_outside(address) != ""


@pytest.mark.parametrize("address", OUTSIDE)
def test_outer_address_is_let_through(address: str) -> None:
    assert why_not_outside(address) == ""


@given(st.ip_addresses(v=4))
def test_carried_address_is_judged_like_the_bare_one(bare: ipaddress.IPv4Address) -> None:
    carriers = [int(bare) | 0xFFFF << 32, int(bare) | 0x64FF9B << 96, 0x2002 << 112 | int(bare) << 80]
    expected = why_not_outside(str(bare)) == ""
    assert [why_not_outside(str(ipaddress.IPv6Address(carrier))) == "" for carrier in carriers] == [expected] * 3


@given(st.ip_addresses())
def test_nothing_the_library_calls_private_is_outside(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    if address.is_private or address.is_multicast or address.is_loopback or address.is_link_local:
        carried = getattr(address, "ipv4_mapped", None)
        assert why_not_outside(str(address)) != "" or (carried is not None and not carried.is_private)


@pytest.mark.parametrize("host", [
    "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "127.1", "1.2.3", "0x7f.0.0.0x1", "127.0.0.1.", "010.0.0.1", "example.0x", "foo.1",
    "localhost", "localhost.", "a.localhost", "printer.local", "db.internal", "metadata.google.internal", "intranet", "a..example", "-a.example",
    "a_.example.arpa", "", ".", "a.b" * 90, "exa%6dple.com", "router.home.arpa", "127.0.0.1", "[::1]", "::1",
])
def test_name_of_the_inside_or_in_another_spelling_is_refused(host: str) -> None:
    assert why_no_outside_name(host) != ""


@pytest.mark.parametrize("host", ["example.org", "hooks.example.org.", "xn--r8jz45g.jp", "8.8.8.8", "_dmarc.example.org", "7f.example.org", "1.example"])
def test_name_of_the_open_internet_is_let_through(host: str) -> None:
    assert why_no_outside_name(host) == ""
