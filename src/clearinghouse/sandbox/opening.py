"""Which sandbox this machine gives, or what it lacks."""

import os
from dataclasses import dataclass

from clearinghouse.core.errors import Unavailable
from clearinghouse.sandbox.base import Command, Ending, Guard, Limits, Sandbox
from clearinghouse.sandbox.bubblewrap import ADVICE as BUBBLEWRAP_ADVICE
from clearinghouse.sandbox.bubblewrap import BubblewrapSandbox
from clearinghouse.sandbox.cgroups import open_cgroups
from clearinghouse.sandbox.runsc import ADVICE as RUNSC_ADVICE
from clearinghouse.sandbox.runsc import RunscSandbox

KINDS = ("auto", "bubblewrap", "runsc")
FIRST_UID = 990_000
_TRIAL = Command(("true",), Limits(20, 20, 256 << 20, 32, 4096, 1 << 20, 1 << 20, 16))
_CGROUP_GUARDS = frozenset((Guard.MEMORY, Guard.PIDS, Guard.CPU))
REQUIRED = frozenset(Guard) - {Guard.KERNEL, Guard.USER}
"""What a sandbox must have unless the operator says otherwise. A worker that is not root has no second user to give."""


@dataclass(frozen=True, slots=True)
class SandboxSettings:
    """`[sandbox]`: how this machine runs what others wrote."""

    kind: str = "auto"
    """`bubblewrap`, or `runsc` where starts may take ten times as long; `auto` is the first."""
    slots: int = 0
    """Runs at once; 0: one for each processor."""
    first_uid: int = FIRST_UID
    """Where the worker is root: user and group of the first slot; the others follow. Nobody else may have them."""
    cgroup: str | None = None
    """Path of a cgroup that was handed to the worker to divide; None: found."""
    required: frozenset[Guard] = REQUIRED
    """Without one of these nothing runs."""


def open_sandbox(settings: SandboxSettings | None = None) -> Sandbox:
    """A sandbox with every guard that is required. There is no kind that only starts a process.

    Raises:
        Unavailable: this machine has none; the message lists what is missing and what to do.
    """
    settings = settings or SandboxSettings()
    cgroups = open_cgroups(settings.cgroup)
    slots = settings.slots or os.cpu_count() or 1
    try:
        kind = RunscSandbox if settings.kind == "runsc" else BubblewrapSandbox
        sandbox = kind(slots=slots, first_uid=settings.first_uid, cgroups=cgroups)
    except Unavailable:
        cgroups.close()
        raise
    if lacking := settings.required - sandbox.level.guards:
        sandbox.close()
        why = f" ({cgroups.lacking})" if lacking & _CGROUP_GUARDS and cgroups.lacking else ""
        raise Unavailable(
            f"nothing is run: this machine lacks the guards {', '.join(sorted(lacking))}{why}; {_advice(lacking)}, "
            "or leave them out of `required` in [sandbox]"
        )
    try:
        tried = sandbox.run(_TRIAL)
    except BaseException:
        sandbox.close()
        raise
    if tried.ending is not Ending.EXITED:
        sandbox.close()
        advice = RUNSC_ADVICE if settings.kind == "runsc" else BUBBLEWRAP_ADVICE
        raise Unavailable(f"nothing is run: {sandbox.level.kind} is here and cannot start even `true` ({tried.note or tried.ending}); {advice}")
    return sandbox


def _advice(lacking: frozenset[Guard]) -> str:
    advice = []
    if lacking & _CGROUP_GUARDS:
        advice.append("hand the worker a cgroup (in its systemd unit: Delegate=yes and DelegateSubgroup=worker), or run it as root")
    if Guard.USER in lacking:
        advice.append("run the worker as root, so that it can give each slot a user of its own")
    if Guard.KERNEL in lacking:
        advice.append("install runsc (gVisor) and set `kind = \"runsc\"`")
    return ", ".join(advice) or "see `clearinghouse doctor`"
