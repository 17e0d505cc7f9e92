"""The timers of an instance: what falls due is handled on every sweep, and what changes in a case moves its timetable."""

import time
from collections.abc import Callable
from pathlib import Path

from clearinghouse.app.wiring import Instance, policy_of
from clearinghouse.disclosure.coordination.contact import actions as contact
from clearinghouse.disclosure.coordination.embargo import actions as embargo
from clearinghouse.disclosure.coordination.embargo.actions import Swept
from clearinghouse.disclosure.coordination.embargo.readings import Reading, Trust
from clearinghouse.disclosure.coordination.embargo.records import Deadline

_BOOT = Path("/proc/sys/kernel/random/boot_id")

CASE_EVENTS = frozenset({
    "CaseOpened", "ParticipantInvited", "ParticipantJoined", "ParticipantLeft", "ParticipantRemoved", "InvitationDeclined", "CaseDeclined",
    "ReportAttached", "ReportDetached", "ReportWithdrawn", "ReportReinstated",
})
"""Events of a case after which its timetable may be another one: `refresh_embargo` follows on each."""


def read_clock(instance: Instance) -> Reading:
    """What this machine's clocks say, the wall clock as the instance sees it."""
    try:
        boot = _BOOT.read_text().strip()
    except OSError:
        # Without a name for this run of the machine no two readings are compared by the monotonic clock.
        boot = f"process-{time.monotonic_ns()}"
    return Reading(instance.clock.now(), time.monotonic(), boot[:64])


def sweep_deadlines(instance: Instance, reading: Callable[[Instance], Reading] = read_clock) -> tuple[Trust, list[Deadline]]:
    """Handle everything that is due, in transactions of bounded size; any number of processes may do so at once.

    Gives what is thought of the clock, and what was handled.
    """
    handled: list[Deadline] = []
    while True:
        with instance.database.write() as tx:
            swept: Swept = embargo.sweep(
                tx, reading(instance), actor=instance.system, policy=instance.policy.embargo, handlers=contact.HANDLERS
            )
        handled += swept.handled
        if not swept.more:
            return swept.trust, handled


def refresh_embargo(instance: Instance, case_id: str) -> None:
    """What follows for the embargo when participants or reports of a case changed; twice does it once."""
    with instance.database.write() as tx:
        embargo.refresh(
            tx, case_id, actor=instance.system, envelope=instance.envelope, policy_of=policy_of, now=instance.clock.now()
        )
