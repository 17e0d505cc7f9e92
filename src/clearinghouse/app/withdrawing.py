"""Taking a report back by one way: in the case that handles it, or in the inbox where none does."""

from collections.abc import Sequence

from clearinghouse.app.wiring import Instance
from clearinghouse.core.errors import Conflict
from clearinghouse.disclosure.coordination.rooms import actions as rooms
from clearinghouse.disclosure.coordination.rooms.records import CaseState, Room
from clearinghouse.disclosure.coordination.rooms.store import cases
from clearinghouse.disclosure.intake import actions as intake
from clearinghouse.disclosure.intake.withdrawals import actions as withdrawals
from clearinghouse.disclosure.intake.withdrawals import store
from clearinghouse.storage import Transaction


def withdraw_reports(instance: Instance, report_ids: Sequence[str], untrusted_reason: str) -> None:
    """Reports that the actor sent, taken back together or not at all.

    Raises:
        NotFound: one is not there for the actor.
        NotPermitted: another party sent it.
        Invalid: there is no reason, or one is a public record.
        Conflict: one was withdrawn before, or came into a case in the same moment.
    """
    with instance.database.write() as tx:
        for report_id in dict.fromkeys(report_ids):
            _withdraw(tx, instance, report_id, untrusted_reason)


def reinstate_reports(instance: Instance, report_ids: Sequence[str]) -> None:
    """Withdrawn reports of the actor, reinstated together or not at all; a case that ended with one is open again.

    Raises:
        NotFound: one is not there for the actor.
        NotPermitted: another party sent it.
        Conflict: one is not withdrawn, or is handled elsewhere by now.
    """
    with instance.database.write() as tx:
        for report_id in dict.fromkeys(report_ids):
            _reinstate(tx, instance, report_id)


def _withdraw(tx: Transaction, instance: Instance, report_id: str, untrusted_reason: str) -> None:
    actor, envelope, now = instance.actor.id, instance.envelope, instance.clock.now()
    intake.read_report(tx, report_id, envelope=envelope, viewer=actor, now=now)
    handled = cases.system_case_of_report(tx, report_id)
    if handled is not None and _room(tx, instance, handled) is not None:
        rooms.withdraw_report(tx, handled, report_id, untrusted_reason, actor=actor, envelope=envelope, now=now)
        return
    withdrawals.withdraw_report(tx, report_id, untrusted_reason, actor=actor, envelope=envelope, now=now)
    # Looked at again now that whoever opens a case from it has to wait: it may have been opened since the first look.
    if cases.system_case_of_report(tx, report_id) != handled:
        raise Conflict("a case took this report up in the same moment; withdraw it once more")


def _reinstate(tx: Transaction, instance: Instance, report_id: str) -> None:
    actor, envelope, now = instance.actor.id, instance.envelope, instance.clock.now()
    intake.read_report(tx, report_id, envelope=envelope, viewer=actor, now=now)
    for case_id, withdrawn in cases.system_cases_holding(tx, report_id):
        room = _room(tx, instance, case_id) if withdrawn else None
        if room is not None and room.case.state is not CaseState.CLOSED:
            rooms.reinstate_report(tx, case_id, report_id, actor=actor, envelope=envelope, now=now)
            return
    withdrawals.reinstate_report(tx, report_id, actor=actor, envelope=envelope, now=now)


def _room(tx: Transaction, instance: Instance, case_id: str) -> Room | None:
    return cases.find_room(tx, case_id, instance.envelope, viewer=instance.actor.id, now=instance.clock.now())


def withdrawn_among(instance: Instance, report_ids: Sequence[str]) -> frozenset[str]:
    """Of these reports, all of which the viewer may read, those that are withdrawn."""
    with instance.read() as tx:
        return store.system_withdrawn_among(tx, report_ids)


__all__ = ["reinstate_reports", "withdraw_reports", "withdrawn_among"]
