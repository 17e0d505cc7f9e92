"""What the embargo does: one function a verb, each in the caller's transaction and with its event.

Every one of them computes the timetable anew and keeps it before the transaction ends. `sweep` is the timers' own.
"""

from clearinghouse.disclosure.coordination.embargo.actions.chartered import bring_charter
from clearinghouse.disclosure.coordination.embargo.actions.consent import (
    accept_embargo,
    decline_embargo,
    exit_embargo,
    merge_embargo,
    propose_embargo,
    refresh,
    withdraw_consent,
)
from clearinghouse.disclosure.coordination.embargo.actions.keeping import PolicyOf, read_situation, recompute
from clearinghouse.disclosure.coordination.embargo.actions.leaks import confirm_leak, dismiss_leak, record_leak
from clearinghouse.disclosure.coordination.embargo.actions.sweeping import Handling, Swept, sweep
from clearinghouse.disclosure.coordination.embargo.actions.terms import (
    apply_terms,
    record_duty_met,
    record_fact,
    record_origin,
    record_regime,
    remove_terms,
    withdraw_fact,
)

__all__ = [
    "Handling", "PolicyOf", "Swept", "accept_embargo", "apply_terms", "bring_charter", "confirm_leak", "decline_embargo",
    "dismiss_leak", "exit_embargo", "merge_embargo", "propose_embargo", "read_situation", "recompute", "record_duty_met",
    "record_fact", "record_leak", "record_origin", "record_regime", "refresh", "remove_terms", "sweep", "withdraw_consent",
    "withdraw_fact",
]
