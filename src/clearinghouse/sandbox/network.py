"""What the kernel counted of attempts to send something out of a slot's network, which leads nowhere.

Nothing inside takes part in the counting, so nothing inside can keep from being counted: the counters are those of the slot's network
namespace, read from outside before and after a run. Sends over the loopback that somebody answers are not among them: a program may serve itself.
"""

from pathlib import Path

_COUNTED = {"snmp": frozenset({("Ip", "OutNoRoutes"), ("Udp", "NoPorts")}), "snmp6": frozenset({("Ip6OutNoRoutes", ""), ("Udp6NoPorts", "")})}
"""No route leads there; and a datagram to a port where nobody listens, which is how a name is looked up where no resolver is."""


def count_unreachable(pid: int) -> int | None:
    """The sum of the counters, for the network that a process is in; None where this kernel does not count or show them."""
    try:
        plain = Path(f"/proc/{pid}/net/snmp").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    found = 0
    for names, values in zip(plain[::2], plain[1::2], strict=False):
        group, *keys = names.split()
        found += sum(int(value) for key, value in zip(keys, values.split()[1:], strict=False) if (group.rstrip(":"), key) in _COUNTED["snmp"])
    try:
        newer = Path(f"/proc/{pid}/net/snmp6").read_text(encoding="ascii").splitlines()
    except OSError:
        return found  # without version 6 nobody sends by it
    return found + sum(int(line.split()[1]) for line in newer if (line.split()[0], "") in _COUNTED["snmp6"])
