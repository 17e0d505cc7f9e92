"""Sweeping: every deadline that is due is handled once, in the transaction that marks it done, whoever sweeps and however often."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from clearinghouse.core.clock import render_instant
from clearinghouse.core.events import Detail, Event
from clearinghouse.core.ids import PartyId
from clearinghouse.core.policy import EmbargoPolicy
from clearinghouse.disclosure.coordination.embargo.actions.keeping import end_embargo
from clearinghouse.disclosure.coordination.embargo.gathering import present_of
from clearinghouse.disclosure.coordination.embargo.readings import Reading, Trust, ahead_seconds, is_late, judge_reading
from clearinghouse.disclosure.coordination.embargo.records import Deadline, DeadlineKind, EmbargoState, ExitReason
from clearinghouse.disclosure.coordination.embargo.store import deadlines, embargoes
from clearinghouse.disclosure.coordination.rooms.store import participants
from clearinghouse.ledger import actions as ledger
from clearinghouse.storage import Transaction

_BATCH = 100  # deadlines handled in one transaction: bounds how long the one writer of SQLite is held


@dataclass(frozen=True, slots=True)
class Handling:
    """One deadline being handled: what a handler is given."""

    deadline: Deadline
    late: bool
    actor: PartyId
    """The party of the machine."""
    policy: EmbargoPolicy
    now: datetime

    def details(self, **more: Detail) -> dict[str, Detail]:
        """What the event of every deadline tells."""
        return {"deadline": self.deadline.id, "due_at": render_instant(self.deadline.due_at), "late": self.late, **more}


Handler = Callable[[Transaction, Handling], None]
"""Does what follows on a deadline; leaves an event."""


@dataclass(frozen=True, slots=True)
class Swept:
    """What one sweep did."""

    trust: Trust
    handled: tuple[Deadline, ...]
    more: bool
    """Whether something is still due."""


def sweep(
    tx: Transaction, reading: Reading, *, actor: PartyId, policy: EmbargoPolicy, handlers: Mapping[DeadlineKind, Handler] | None = None
) -> Swept:
    """Handle what is due by a reading of the clock, if the clock can be believed.

    Args:
        handlers: of later steps (contact); those of the embargo are always there.
    """
    deadlines.system_lock_sweep(tx)
    last, held = deadlines.system_readings(tx)
    trust = judge_reading(last, held, reading, policy)
    _keep(tx, trust, last, held, reading, actor=actor)
    if not trust.acts:
        return Swept(trust, (), False)
    table = {**HANDLERS, **(handlers or {})}
    now = reading.at
    due = deadlines.system_due(tx, table, now, _BATCH)
    # The cases first, in one order, then their deadlines: an action of a person takes them in the same order.
    for case_id in sorted({found for deadline in due if (found := _case_of(tx, deadline)) is not None}):
        embargoes.system_lock(tx, case_id)
    handled = []
    for deadline in due:
        late = is_late(deadline.due_at, now, policy)
        if deadlines.system_claim(tx, deadline, now, late=late):
            table[deadline.kind](tx, Handling(deadline, late, actor, policy, now))
            handled.append(deadline)
    return Swept(trust, tuple(handled), len(due) == _BATCH)


def _keep(tx: Transaction, trust: Trust, last: Reading | None, held: Reading | None, reading: Reading, *, actor: PartyId) -> None:
    if trust is Trust.WAITING:
        return
    if trust is Trust.DOUBTED:
        assert last is not None, "the first reading is not doubted"
        deadlines.system_keep_readings(tx, last, reading)
        ahead: dict[str, Detail] = {"ahead_seconds": round(ahead_seconds(last, reading)), "held": True}
        ledger.record(tx, Event("ClockJumped", (actor,), ahead), actor=actor, now=reading.at)
        return
    if trust is Trust.BACKWARDS and last is not None:
        # What was believed stands: a clock set back and forth again must not look like a leap.
        deadlines.system_keep_readings(tx, last, None)
        return
    deadlines.system_keep_readings(tx, reading, None)
    if trust is Trust.CONFIRMED:
        ledger.record(tx, Event("ClockConfirmed", (actor,), {"boot_changed": held is not None and held.boot != reading.boot}), actor=actor, now=reading.at)


def _case_of(tx: Transaction, deadline: Deadline) -> str | None:
    if deadline.kind is DeadlineKind.LEAK_CHECK:
        return embargoes.system_case_of_leak(tx, deadline.object_id)
    return deadline.object_id if deadline.object_id.startswith("case_") else None


def _end(tx: Transaction, due: Handling) -> None:
    embargo = embargoes.system_lock(tx, due.deadline.object_id)
    if embargo is None or not end_embargo(
        tx, embargo, due.deadline.due_at, ExitReason.RAN_OUT, actor=due.actor, now=due.now, late=due.late
    ):
        _note("DeadlinePassed", tx, due)
        return
    embargoes.keep_run_out(tx, embargo.case_id)


def _warn(tx: Transaction, due: Handling) -> None:
    embargo = embargoes.system_lock(tx, due.deadline.object_id)
    if embargo is None or embargo.state is EmbargoState.EXITED or embargo.ends_at is None:
        _note("DeadlinePassed", tx, due)
        return
    present = present_of(participants.system_participants(tx, embargo.case_id), due.now)
    _note("EmbargoEndsSoon", tx, due, ends_at=render_instant(embargo.ends_at), tell=[str(party) for party in sorted(one.party for one in present)])


def _review(tx: Transaction, due: Handling) -> None:
    # Counted from now, so that a long outage is followed by one question and not by many.
    again = due.now + timedelta(days=due.policy.review_days)
    deadlines.system_set_deadlines(tx, due.deadline.object_id, [DeadlineKind.EMBARGO_REVIEW], [(DeadlineKind.EMBARGO_REVIEW, "", again)])
    _note("EmbargoReviewDue", tx, due)


def _duty(tx: Transaction, due: Handling) -> None:
    _note("DutyOverdue", tx, due, duty=due.deadline.name)


def _details(tx: Transaction, due: Handling) -> None:
    _note("DetailsDue", tx, due, terms=due.deadline.name)


def _leak(tx: Transaction, due: Handling) -> None:
    case_id = embargoes.system_case_of_leak(tx, due.deadline.object_id)
    if case_id is None:
        _note("DeadlinePassed", tx, due)
        return
    ledger.record(tx, Event("LeakUnanswered", (case_id, due.deadline.object_id), due.details()), actor=due.actor, now=due.now)


def _note(kind: str, tx: Transaction, due: Handling, **more: Detail) -> None:
    ledger.record(tx, Event(kind, (due.deadline.object_id,), due.details(**more)), actor=due.actor, now=due.now)


HANDLERS: dict[DeadlineKind, Handler] = {
    DeadlineKind.EMBARGO_ENDS: _end, DeadlineKind.EMBARGO_WARNING: _warn, DeadlineKind.EMBARGO_REVIEW: _review,
    DeadlineKind.DUTY: _duty, DeadlineKind.DETAILS: _details, DeadlineKind.LEAK_CHECK: _leak,
}
