"""Asking a model about a report: which ones may be sent, what goes on record, and what comes back labelled.

That something leaves is on the ledger before its first byte does; whatever comes of it is there, too.
"""

import hashlib
import secrets
import stat
from dataclasses import replace
from datetime import datetime

from clearinghouse.app.channels.outward import Outward
from clearinghouse.app.wiring import Instance
from clearinghouse.core.errors import ClearinghouseError, Conflict, Unavailable
from clearinghouse.core.events import Event
from clearinghouse.core.ids import ReportId
from clearinghouse.core.marks import Marks, narrowest
from clearinghouse.core.roles import Scope
from clearinghouse.core.tlp import Tlp
from clearinghouse.disclosure.coordination.embargo.store.embargoes import system_embargoed_cases
from clearinghouse.disclosure.coordination.rooms.store import cases
from clearinghouse.disclosure.intake import actions as intake
from clearinghouse.disclosure.intake.provenance.rules import marks_of
from clearinghouse.disclosure.intake.records import Report
from clearinghouse.disclosure.intake.withdrawals import store as withdrawals
from clearinghouse.disclosure.validation.proposing import ChatProposer, Kind, NullProposer, Proposal, Proposer, Refusal, rules
from clearinghouse.ledger import actions as ledger
from clearinghouse.parties.rules import check_may
from clearinghouse.storage import Transaction

_FENCE_BYTES = 16
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def proposer_of(instance: Instance) -> Proposer:
    """The model that the settings name, behind the guard for outgoing connections; nothing where they name none.

    Raises:
        Unavailable: the file of its key is not there, or others may read it.
    """
    settings, policy = instance.settings.proposer, instance.policy.proposing
    if not settings.url:
        return NullProposer()
    limits = replace(instance.policy.outward, total_seconds_max=policy.answer_seconds_max)
    # An administrator wrote this address; a model of one's own is inside.
    outward = Outward(instance.settings.outward, limits).also_allowing(settings.place)
    return ChatProposer(settings.url, settings.model, outward.post, policy.answer_tokens_max, _key(instance))


def _key(instance: Instance) -> str:
    path = instance.settings.proposer.key_path
    if path is None:
        return ""
    try:
        if path.stat().st_mode & _OTHERS:
            raise Unavailable(f"{path} may be read by others; chmod 600 it, then use a fresh key")
        return path.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise Unavailable(f"{path}, the key of [proposer], cannot be read: {type(error).__name__}") from None


def propose(instance: Instance, report_id: str, kind: Kind, proposer: Proposer | None = None) -> Proposal:
    """What a model proposes for a report: labelled, unused, for a person to look at.

    Raises:
        NotFound: there is no such report that the actor may see.
        NotPermitted: the actor does not coordinate, or the report's marks keep it from this model.
        Conflict: it is under embargo, was taken back, or its marks expired.
        Unavailable: there is no model, or it did not answer.
        Refusal: it answered with something else than what was asked for.
    """
    chosen = proposer_of(instance) if proposer is None else proposer
    if isinstance(chosen, NullProposer):
        chosen.ask(b"")
    now, policy = instance.clock.now(), instance.policy
    with instance.database.write() as tx:
        report = intake.read_report(tx, report_id, envelope=instance.envelope, viewer=instance.actor.id, now=now)
        check_may(instance.actor, Scope.CASES_DECIDE)
        marks, embargoed = _standing(tx, instance, report, now)
        rules.check_may_send(marks, embargoed, instance.settings.proposer.terms, now)
        request = rules.make_request(kind, report.finding, secrets.token_hex(_FENCE_BYTES), policy.proposing)
        body = chosen.body(request)
        sent = _digest(body)
        ledger.record(tx, Event("ModelAsked", (report.id,), {
            "kind": kind.value, "tool": chosen.tool, "model": chosen.model, "sent": sent, "bytes": len(body),
        }), actor=instance.actor.id, now=now)
    received = b""
    try:
        received = chosen.ask(body)
        document = rules.read_answer(received, request, policy.proposing, policy.bench)
    except ClearinghouseError as error:
        _answered(instance, report.id, kind, "refused" if isinstance(error, Refusal) else "no answer", received)
        raise
    _answered(instance, report.id, kind, "proposed", received)
    tool = f"clearinghouse, {chosen.tool}"
    return Proposal(kind, rules.label(document, tool, chosen.model, report.id, now), tool, chosen.model, sent, _digest(received))


def _standing(tx: Transaction, instance: Instance, report: Report, now: datetime) -> tuple[Marks, bool]:
    """The narrowest marks that bind a report wherever it is held, and whether any of its cases has an embargo."""
    if withdrawals.system_withdrawn_among(tx, [report.id]):
        raise Conflict("its sender took this report back; nothing was sent")
    marks = marks_of(report.finding)
    if report.public and not report.finding.tlp:
        marks = replace(marks, tlp=Tlp.CLEAR)
    held = [case_id for case_id, _ in cases.system_cases_holding(tx, report.id)]
    for case_id in held:
        room = cases.system_room(tx, case_id, instance.envelope, system=instance.system)
        attached = None if room is None else cases.find_attached(tx, room, report.id, now=now)
        if room is None or attached is None:
            raise Conflict("a case that holds it cannot be opened, so nobody knows what its marks allow; nothing was sent")
        marks = narrowest(narrowest(marks, room.case.marks), attached.marks)
    return marks, not set(held).isdisjoint(system_embargoed_cases(tx))


def _answered(instance: Instance, report: ReportId, kind: Kind, outcome: str, received: bytes) -> None:
    with instance.database.write() as tx:
        ledger.record(tx, Event("ModelAnswered", (report,), {
            "kind": kind.value, "outcome": outcome, "received": _digest(received) if received else None,
        }), actor=instance.actor.id, now=instance.clock.now())


def _digest(content: bytes) -> str:
    return "sha256:" + hashlib.sha256(content).hexdigest()
