"""Which addresses and names of the network are outside, and may therefore be spoken to on somebody else's word.

Whoever can make this instance call an address of his choosing (a webhook, a charter's place) must not
reach through it what only this machine or its neighbours can reach. The lists are written out here:
the library's own `is_global` counts tunnels, relays and some private ranges as the open internet.
"""

import ipaddress
import re

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_NOT_OUTSIDE_4 = tuple(ipaddress.ip_network(each) for each in (
    "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24",
    "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24",
    "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
    # The address under which one large cloud answers its guests about themselves: public by its number, not by its use.
    "168.63.129.16/32",
))
_OUTSIDE_6 = ipaddress.ip_network("2000::/3")
_NOT_OUTSIDE_6 = tuple(ipaddress.ip_network(each) for each in (
    "2001::/23", "2001:db8::/32", "2620:4f:8000::/48", "3fff::/20",
))
# Forms that carry an IPv4 address: whoever routes them ends at that address.
_MAPPED = ipaddress.ip_network("::ffff:0:0/96")
_TRANSLATED = ipaddress.ip_network("64:ff9b::/96")
_TUNNELLED = ipaddress.ip_network("2002::/16")

_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMERIC = re.compile(r"[0-9]+|0x[0-9a-f]*")
_INSIDE_SUFFIXES = (
    ".localhost", ".local", ".localdomain", ".internal", ".intranet", ".lan", ".home.arpa", ".arpa", ".onion", ".test", ".invalid",
)


def why_not_outside(address: str) -> str:
    """Why an IP address is not one of the open internet; empty where it is."""
    try:
        found: _Address = ipaddress.ip_address(address)
    except ValueError:
        return "no IP address"
    if isinstance(found, ipaddress.IPv6Address):
        if found.scope_id is not None:
            return "an address of one link"
        for network, shift in ((_MAPPED, 0), (_TRANSLATED, 0), (_TUNNELLED, 80)):
            if found in network:
                carried = ipaddress.IPv4Address((int(found) >> shift) & 0xFFFFFFFF)
                reason = why_not_outside(str(carried))
                return reason and f"{reason}, inside an IPv6 address"
        if found not in _OUTSIDE_6 or any(found in network for network in _NOT_OUTSIDE_6):
            return "a loopback, private, link-local, multicast or reserved address"
        return ""
    if any(found in network for network in _NOT_OUTSIDE_4):
        return "a loopback, private, link-local, multicast or reserved address"
    return ""


def why_no_outside_name(host: str) -> str:
    """Why a host name (lower case, ASCII) cannot be one of the open internet; empty where it can.

    A name that ends in a number is an IPv4 address in some spelling (`0x7f.1`, `2130706433`, `0177.0.0.1`; WHATWG
    URL, "ends in a number checker"); only the usual one is understood here, so that nobody reads it otherwise.
    """
    try:
        ipaddress.ip_address(host)
    except ValueError:
        pass
    else:
        return why_not_outside(host)
    labels = host.removesuffix(".").split(".")
    if not host or len(host) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        return "no host name"
    if _NUMERIC.fullmatch(labels[-1]):
        return "an address in an unusual spelling"
    if len(labels) < 2 or ("." + host.removesuffix(".")).endswith(_INSIDE_SUFFIXES):
        return "a name of the inside of a network"
    return ""
