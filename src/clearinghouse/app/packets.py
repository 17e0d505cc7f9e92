"""Cases and reports on their way to a vendor: the packet built, put in the queue, and delivered when there is room."""

import dataclasses
import json
from collections.abc import Sequence
from datetime import datetime

from clearinghouse.app.views.packet import build_packet, may_go_to_vendor, packet_document, parse_packet, render_text
from clearinghouse.app.views.validations import badge_words
from clearinghouse.app.wiring import Instance
from clearinghouse.core.ids import PartyId, ReportId, SubmissionId
from clearinghouse.disclosure.coordination.capacity import Delivery, Item, Packet, actions, store
from clearinghouse.disclosure.coordination.capacity.facts import facts_of
from clearinghouse.disclosure.coordination.capacity.records import Facts
from clearinghouse.disclosure.coordination.capacity.rules import approach_of, governing
from clearinghouse.disclosure.coordination.rooms import actions as rooms
from clearinghouse.disclosure.coordination.rooms.records import Room
from clearinghouse.disclosure.coordination.rooms.store import cases
from clearinghouse.disclosure.deconfliction import store as deconfliction
from clearinghouse.disclosure.deconfliction.leads import store as leads
from clearinghouse.disclosure.deconfliction.leads.actions import note_leads
from clearinghouse.disclosure.deconfliction.leads.rules import strength_of
from clearinghouse.disclosure.intake import actions as intake
from clearinghouse.disclosure.intake import store as intake_store
from clearinghouse.disclosure.intake.contents import has_reproducer
from clearinghouse.disclosure.intake.records import Report
from clearinghouse.disclosure.intake.withdrawals import actions as withdrawals
from clearinghouse.disclosure.validation.judging import Verdict
from clearinghouse.disclosure.validation.queue import store as bench
from clearinghouse.parties import store as parties
from clearinghouse.parties.charters import Reproducer
from clearinghouse.parties.charters import store as charters
from clearinghouse.parties.charters.rules import point_at
from clearinghouse.storage import Transaction

_ASKS = (
    "Answer this delivery: accept, decline with a reason, ask for more, point at what your charter says is no",
    "vulnerability, or name a date to wait until. No account is needed.",
)


def queue_packet(
    instance: Instance, vendor: PartyId, object_id: str, *, exploited: bool = False, reproducer_confirmed: bool = False,
    accountable_human: bool = False, embargo: str = "",
) -> Item:
    """A case, or a single report, put before a vendor with its one-screen packet; called again it brings both up to date.

    Args:
        exploited: the actor knows it to be exploited; a finder's word for it is not enough.
        reproducer_confirmed: the actor, or somebody it trusts, reproduced it.
        accountable_human: a named person stands for what an AI system found.
        embargo: the line of the packet that says when it is to be public.
    Raises:
        NotFound, NotPermitted, Conflict: as for `capacity.actions.enqueue`.
        Invalid: no report of it may go to a vendor.
        Conflict: its sender took the report back.
    """
    now = instance.clock.now()
    with instance.database.write() as tx:
        reports = _reports(tx, instance, object_id, now)
        facts, packet, finders = _made(
            tx, instance, vendor, object_id, reports, now, exploited, reproducer_confirmed, accountable_human, embargo
        )
        item = actions.enqueue(tx, vendor, object_id, facts, packet, finders, actor=instance.actor.id, envelope=instance.envelope, now=now)
        if reproducer_confirmed or facts.reproducer is Reproducer.CONFIRMED:
            _confirm(tx, instance, reports, now)
        return item


def _confirm(tx: Transaction, instance: Instance, reports: list[Report], now: datetime) -> None:
    """Note for the choice of lead reports that what these say to do was done by somebody else."""
    shown = {report.id: report.finding for report in reports if has_reproducer(report.finding)}
    held = intake_store.system_receipts(tx, intake_store.system_numbers(tx, sorted(shown)))
    leads.put_strengths(tx, {number: strength_of(shown[receipt.report_id]) for number, receipt in held.items()})
    leads.note_confirmed(tx, sorted(held))
    clusters = sorted({placement.cluster for placement in deconfliction.read_placements(tx, sorted(held)).values()})
    note_leads(tx, clusters, actor=instance.actor.id, envelope=instance.envelope, now=now)


def supply_packet(instance: Instance, item_id: str, *, embargo: str = "") -> Delivery:
    """A fuller packet for a vendor that asked for more, from what the case holds by now.

    Raises:
        NotFound, NotPermitted, Conflict: as for `capacity.actions.supply`.
        Invalid: no report of it may go to a vendor.
    """
    now = instance.clock.now()
    with instance.database.write() as tx:
        item = actions.get_item(tx, item_id, actor=instance.actor.id, envelope=instance.envelope, now=now)
        reports = _reports(tx, instance, item.object_id, now)
        facts, packet, finders = _made(
            tx, instance, item.vendor, item.object_id, reports, now, item.facts.exploited, item.facts.reproducer == "confirmed",
            item.facts.accountable_human, embargo,
        )
        return actions.supply(tx, item.id, facts, packet, finders, actor=instance.actor.id, envelope=instance.envelope, now=now)


def note_validated(tx: Transaction, instance: Instance, case_id: str, now: datetime) -> int:
    """Bring the packets of a case that are open with vendors up to date with what the bench saw; gives how many.

    A validated reproducer is what a charter asks for that takes no raw reports: what waited for one may go from then on.
    """
    room = cases.system_room(tx, case_id, instance.envelope, system=instance.system)
    if room is None or _validated(tx, case_id) is None:
        return 0
    items = store.system_open_items(tx, case_id, instance.envelope)
    if not items:
        return 0
    reports = _reports_of(tx, room, now)
    if not any(may_go_to_vendor(report.finding) for report in reports):
        return 0
    for item in items:
        facts, packet, finders = _made(
            tx, instance, item.vendor, item.object_id, reports, now, item.facts.exploited, item.facts.reproducer is Reproducer.CONFIRMED,
            item.facts.accountable_human, _embargo_line(store.read_item_packet(tx, item.id, instance.envelope)),
        )
        actions.enqueue(tx, item.vendor, item.object_id, facts, packet, finders, actor=instance.system, envelope=instance.envelope, now=now)
    return len(items)


def deliver_waiting(instance: Instance) -> list[Delivery]:
    """What may go to any vendor now, delivered, one transaction a vendor: for the worker's round, safe to repeat."""
    with instance.database.read() as tx:
        vendors = store.waiting_vendors(tx)
    made: list[Delivery] = []
    for vendor in vendors:
        with instance.database.write() as tx:
            made += actions.deliver_next(
                tx, vendor, actor=instance.system, envelope=instance.envelope, policy=instance.policy.capacity, now=instance.clock.now()
            )
    return made


def _made(
    tx: Transaction, instance: Instance, vendor: PartyId, object_id: str, reports: list[Report], now: datetime,
    exploited: bool, confirmed: bool, accountable: bool, embargo: str,
) -> tuple[Facts, Packet, dict[ReportId, PartyId]]:
    shared = [report for report in reports if may_go_to_vendor(report.finding)]
    seen = _validated(tx, object_id, [report.id for report in shared])
    facts = facts_of(
        shared, exploited=exploited, reproducer_confirmed=confirmed or seen is not None, accountable_human=accountable
    )
    adopted = governing(charters.charters_of(tx, vendor, instance.envelope), facts, now)
    pointed = point_at(adopted.charter, approach_of(facts, override=False)) if adopted is not None else ()
    found = {one: parties.find_party(tx, one) for one in {report.reporter for report in shared}}
    names = {one: party.name for one, party in found.items() if party is not None}
    link = f"{instance.settings.public_url}/{'cases' if object_id.startswith('case_') else 'reports'}/{object_id}"
    screen = build_packet(
        reports, confirmed=confirmed, validation="" if seen is None else badge_words(*seen), exploited=exploited, embargo=embargo, asks=_ASKS, pointed=pointed,
        link=link if instance.settings.public_url else object_id, names=names,
    )
    body = json.dumps({"packet": packet_document(screen), "text": render_text(screen)}, ensure_ascii=False)
    # Turns are an organisation's: many programs of one finder are one finder.
    finders = {report.id: (party.organisation or party.id) if (party := found[report.reporter]) is not None else report.reporter for report in shared}
    return facts, Packet(body.encode()), finders


def _reports(tx: Transaction, instance: Instance, object_id: str, now: datetime) -> list[Report]:
    viewer, envelope = instance.actor.id, instance.envelope
    if object_id.startswith("rep_"):
        withdrawals.check_not_withdrawn(tx, object_id)
        return [intake.read_report(tx, object_id, envelope=envelope, viewer=viewer, now=now)]
    return _reports_of(tx, rooms.coordinate(tx, object_id, envelope=envelope, actor=viewer, now=now), now)


def _validated(tx: Transaction, object_id: str, among: Sequence[str] | None = None) -> tuple[str, str] | None:
    """Verdict and tier of the best evidence that the bench has of a case, of these reports alone where they are named; None without any."""
    if not object_id.startswith("case_"):
        return None
    found = [
        (trust, verdict) for report, verdict, trust in bench.system_best(tx, object_id)
        if Verdict(verdict).confirms and (among is None or report in among)
    ]
    # By tier first: T2 without a fixed build says more than T0 with one that the reporter sent as well.
    best = max(found, default=None, key=lambda one: (one[0], one[1] == Verdict.VALIDATED))
    return None if best is None else (best[1], best[0])


def _embargo_line(packet: Packet) -> str:
    """What a packet says of the embargo; that is for a person to change."""
    return parse_packet(json.loads(packet.body)["packet"]).embargo


def _reports_of(tx: Transaction, room: Room, now: datetime) -> list[Report]:
    found = []
    for attached in cases.list_reports(tx, room, now=now):
        read = cases.read_finding(tx, room, attached.id, now=now)
        if read is None:
            continue
        line, finding = read
        # What the case says of sharing goes before what the finding said when it came.
        consents = dataclasses.replace(finding.consents, share_with_vendor=line.share_with_vendor, share_name=line.share_name)
        finding = dataclasses.replace(finding, consents=consents, tlp=str(line.marks.tlp))
        found.append(Report(line.id, 0, SubmissionId(""), line.received_at, line.reporter, line.source, "", line.digest, False, finding))
    return found
