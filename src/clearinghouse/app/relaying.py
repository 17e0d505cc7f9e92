"""The relay put together: a report taken in with its provenance, and handed to the next hop under all marks that bind it."""

from dataclasses import replace

from clearinghouse.app.reception import Reception
from clearinghouse.app.views.relay import RelayView, read_relay
from clearinghouse.app.wiring import Instance
from clearinghouse.core.errors import Conflict, Invalid, NotFound
from clearinghouse.core.ids import SubmissionId
from clearinghouse.core.marks import Audience, check_may_export
from clearinghouse.disclosure.coordination.rooms.actions import check_not_erased
from clearinghouse.disclosure.coordination.rooms.store import cases
from clearinghouse.disclosure.intake import actions as intake
from clearinghouse.disclosure.intake.provenance import actions, rules
from clearinghouse.disclosure.intake.provenance.actions import Here
from clearinghouse.disclosure.intake.provenance.envelope import parse_envelope, render_envelope
from clearinghouse.disclosure.intake.records import Cover
from clearinghouse.disclosure.intake.withdrawals import store as withdrawals
from clearinghouse.storage import Transaction

_TAKEN_BACK = Conflict("its finder took this report back; nothing of it leaves")


def here_of(instance: Instance) -> Here:
    """This instance as a hop; it calls itself what its ledger is called."""
    return Here(instance.settings.ledger_origin, instance.policy.relay, instance.envelope, instance.desk)


def accept(instance: Instance, reception: Reception, untrusted_envelope: bytes) -> tuple[RelayView, SubmissionId, str]:
    """A report with its provenance, accepted from whoever acts; gives what it may know, the submission and the envelope's digest.

    Raises:
        Invalid: the envelope, its block or its report does not have the form it must have; nothing was kept.
        AlteredBlock: the block tells its past differently from what is known; nothing was kept.
        Unavailable: it cannot be kept now.
    """
    here, sender = here_of(instance), instance.actor.id
    handed = parse_envelope(untrusted_envelope, instance.policy.relay)
    with instance.database.read() as tx:
        actions.check_arrival(tx, handed, sender=sender, here=here)
    # Kept in two steps, each idempotent: an interruption between them is healed by the sender, who got no answer yet.
    receipt, _ = reception.take(
        handed.report, name=handed.name or "relayed report", reporter=sender, cover=Cover(), source=handed.source,
        idempotency_key="relay:" + handed.digest, single=True,
    )
    report_id = receipt.items[0].report_id if receipt.items else None
    if report_id is None:
        raise Invalid("nothing in this envelope could be read as a report")
    with instance.database.write() as tx:
        now = instance.clock.now()
        report = intake.read_report(tx, report_id, envelope=instance.envelope, viewer=sender, now=now)
        accepted = actions.accept(tx, handed, report, sender=sender, here=here, now=now)
    view = read_relay(instance, accepted.relay.id)
    if accepted.repeated and accepted.as_class is not accepted.relay.as_class:
        view = replace(view, as_class=accepted.as_class)
    return view, receipt.submission_id, handed.digest


def hand_on(instance: Instance, report_id: str, audience: Audience) -> bytes:
    """The envelope for the next hop.

    Raises:
        NotFound: the report is not the actor's to see.
        NotPermitted: the actor does not coordinate, or marks of the report or its case do not reach the audience.
        Conflict: marks have expired, the report was withdrawn, or its handling has ended.
    """
    with instance.database.write() as tx:
        now = instance.clock.now()
        report = intake.read_report(tx, report_id, envelope=instance.envelope, viewer=instance.actor.id, now=now)
        _check_cases(tx, instance, report_id, audience)
        outgoing = actions.hand_on(tx, report, audience, actor=instance.actor.id, here=here_of(instance), now=now)
    return render_envelope(rules.to_pass_on(report.finding), outgoing.block, outgoing.hardening)


def _check_cases(tx: Transaction, instance: Instance, report_id: str, audience: Audience) -> None:
    """What binds a case binds its reports: who may see the case checks its marks, and nobody else hands its reports on."""
    now = instance.clock.now()
    if withdrawals.system_withdrawn_among(tx, [report_id]):
        raise _TAKEN_BACK
    for case_id, withdrawn in cases.system_cases_holding(tx, report_id):
        room = cases.find_room(tx, case_id, instance.envelope, viewer=instance.actor.id, now=now)
        if room is None:
            raise NotFound(f"nothing found under {report_id[:40]!r} that you may hand on")
        # Its marks are gone with it, and nobody can say any more what they forbade.
        check_not_erased(room)
        if withdrawn:
            raise _TAKEN_BACK
        check_may_export(room.case.marks, audience, now)


__all__ = ["accept", "hand_on", "here_of"]
