"""Taking a report back, and reinstating it: by who sent it, whether or not anybody has looked."""

from datetime import datetime

from clearinghouse.core.errors import Conflict, Invalid, NotPermitted
from clearinghouse.core.events import Event
from clearinghouse.core.ids import PartyId
from clearinghouse.core.untrusted import clean_text
from clearinghouse.disclosure.intake import actions as intake
from clearinghouse.disclosure.intake.records import Report
from clearinghouse.disclosure.intake.withdrawals import store
from clearinghouse.disclosure.intake.withdrawals.records import REASON_CHARACTERS_MAX, Withdrawal
from clearinghouse.ledger import actions as ledger
from clearinghouse.parties import store as parties
from clearinghouse.storage import Envelope, Transaction


def withdraw_report(
    tx: Transaction, report_id: str, untrusted_reason: str, *, actor: PartyId, envelope: Envelope, now: datetime
) -> Withdrawal:
    """Take back a report one has sent; it stays on the record as withdrawn. For a report that no case handles.

    Raises:
        NotFound: there is none that the actor may see.
        NotPermitted: another party sent it.
        Invalid: there is no reason, or it is a public record.
        Conflict: it was withdrawn before.
    """
    report = _own(tx, report_id, actor=actor, envelope=envelope, now=now)
    if report.public:
        raise Invalid("this record is public and was imported, not reported; there is nothing to take back")
    reason = clean_text(untrusted_reason, REASON_CHARACTERS_MAX).strip()
    if not reason:
        raise Invalid("give a reason: those who would work on the report read it")
    made = Withdrawal(report.id, now, actor, reason)
    if not keep_withdrawal(tx, made, envelope=envelope):
        raise Conflict("this report was withdrawn before; reinstate it to undo that")
    ledger.record(tx, Event("ReportWithdrawn", (report.id, report.submission_id)), actor=actor, now=now)
    return made


def reinstate_report(tx: Transaction, report_id: str, *, actor: PartyId, envelope: Envelope, now: datetime) -> None:
    """Undo a withdrawal: the report waits for those who look at what comes in, as before.

    Raises:
        NotFound: there is none that the actor may see.
        NotPermitted: another party sent it.
        Conflict: it is not withdrawn.
    """
    report = _own(tx, report_id, actor=actor, envelope=envelope, now=now)
    if not end_withdrawal(tx, report.id, actor=actor, now=now):
        raise Conflict("this report is not withdrawn")
    ledger.record(tx, Event("ReportReinstated", (report.id, report.submission_id)), actor=actor, now=now)


def keep_withdrawal(tx: Transaction, withdrawal: Withdrawal, *, envelope: Envelope) -> bool:
    """Note that a report was taken back, for who leaves the event of it; False where it was before or is not of this instance."""
    number = store.system_hold(tx, withdrawal.report_id)
    return number is not None and store.add_withdrawal(tx, withdrawal, number, envelope)


def end_withdrawal(tx: Transaction, report_id: str, *, actor: PartyId, now: datetime) -> bool:
    """Note that a report stands again, for who leaves the event of it; False where it was not withdrawn."""
    return store.end_withdrawal(tx, report_id, actor, now)


def check_not_withdrawn(tx: Transaction, report_id: str) -> None:
    """Have a withdrawal that comes in the same moment wait; raise Conflict where the sender has taken the report back."""
    store.system_hold(tx, report_id)
    if store.system_withdrawn_among(tx, [report_id]):
        raise Conflict("its sender took this report back; once it is reinstated by its sender it can be handled")


def _own(tx: Transaction, report_id: str, *, actor: PartyId, envelope: Envelope, now: datetime) -> Report:
    report = intake.read_report(tx, report_id, envelope=envelope, viewer=actor, now=now)
    if not parties.acts_as(tx, actor, report.reporter, now):
        raise NotPermitted("only who sent a report takes it back or reinstates it")
    return report
