"""What all processes of a run may use together, bounded and counted by the kernel.

A slot has its own groups, made once and used again: its launcher is inside, so everything of a run is from the start.
`open_cgroups` says which of the two versions this machine has, or that it has neither; then nobody bounds or counts.

Does not belong here: what follows from a number that was reached (the sandbox).
"""

from clearinghouse.sandbox.cgroups.base import Cgroups, Slot, Usage
from clearinghouse.sandbox.cgroups.none import NoCgroups
from clearinghouse.sandbox.cgroups.v1 import Cgroups1
from clearinghouse.sandbox.cgroups.v2 import Cgroups2

__all__ = ["Cgroups", "Cgroups1", "Cgroups2", "NoCgroups", "Slot", "Usage", "open_cgroups"]


def open_cgroups(place: str | None = None) -> Cgroups:
    """The kind this process may divide; `NoCgroups` says why where there is none.

    Args:
        place: path of a cgroup that was handed to us to divide, from the hierarchy's root; None: found.
    """
    reasons = []
    for kind in (Cgroups2, Cgroups1):
        found = kind.open(place)
        if not isinstance(found, str):
            return found
        reasons.append(found)
    return NoCgroups("; ".join(reasons))
