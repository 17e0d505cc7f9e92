"""What a relay does: accept a report with its provenance, hand it on, and keep what became of it."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from clearinghouse.core.errors import Invalid, NotFound, NotPermitted
from clearinghouse.core.events import Detail, Event
from clearinghouse.core.ids import PartyId, ReportId, has_shape, new_id
from clearinghouse.core.marks import Audience, check_may_export
from clearinghouse.core.policy import RelayPolicy
from clearinghouse.core.roles import Role, Scope
from clearinghouse.disclosure.intake.provenance import rules, store
from clearinghouse.disclosure.intake.provenance.block import (
    append_hop,
    link_after,
    parse_block,
    parse_own_hop,
    render_block,
    render_hop,
)
from clearinghouse.disclosure.intake.provenance.envelope import Handed
from clearinghouse.disclosure.intake.provenance.records import (
    Block,
    Class,
    EndReason,
    HardeningRef,
    Judged,
    Known,
    Relay,
    RelayId,
    Status,
    Step,
    StepKind,
    Verdict,
)
from clearinghouse.disclosure.intake.records import Report
from clearinghouse.ledger import actions as ledger
from clearinghouse.parties import store as parties
from clearinghouse.parties.actions import get_party
from clearinghouse.parties.records import Basis, Grant
from clearinghouse.parties.rules import may
from clearinghouse.storage import Envelope, Transaction


@dataclass(frozen=True, slots=True)
class Here:
    """What an action needs to know of this instance as a hop."""

    name: str
    """What it calls itself in a chain."""
    policy: RelayPolicy
    envelope: Envelope
    desk: PartyId


@dataclass(frozen=True, slots=True)
class Accepted:
    """What became of a report that was handed over."""

    relay: Relay
    as_class: Class
    """Of this handing over; of one that repeats an earlier one `known-to-you`, whatever that one was."""
    repeated: bool
    """Nothing was kept: the earlier relay answers for it."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """What the next hop is handed."""

    relay: Relay
    block: bytes
    hardening: HardeningRef | None


def check_arrival(tx: Transaction, handed: Handed, *, sender: PartyId, here: Here) -> None:
    """Raise where a block was altered, before anything of its report is kept.

    Raises:
        AlteredBlock: it tells the past differently from what this sender said before, or from what left here.
    """
    _judge(tx, handed, "", "", sender, here)


def accept(tx: Transaction, handed: Handed, report: Report, *, sender: PartyId, here: Here, now: datetime) -> Accepted:
    """A report that was taken in, bound to its provenance; the same bytes from the same sender again give the same answer.

    Raises:
        AlteredBlock: as for `check_arrival`.
    """
    store.lock_relays(tx)
    judged, known_hops, known_links, origin_hash = _judge(tx, handed, report.digest, report.id, sender, here)
    if judged.earlier is not None:
        earlier = store.system_relay(tx, judged.earlier.id, here.envelope).relay
        same = judged.earlier.envelope == handed.digest
        return Accepted(earlier, earlier.as_class if same else Class.KNOWN_TO_YOU, True)
    block = handed.block
    relay, known, key = _new_relay(
        here, block, report, judged, sender, handed.digest, known_hops, known_links, origin_hash, now
    )
    store.add_relay(tx, relay, known, key, here.envelope)
    parties.add_grants(tx, [Grant(relay.id, sender, Basis.REPORTER), Grant(relay.id, here.desk, Basis.DESK)])
    # What it mirrors stands in the details: subjects are public, and would answer a guess (decision 2).
    details: dict[str, Detail] = {
        "class": str(relay.as_class), "mirror_of": relay.mirror_of or None, "hops": len(block.chain), "envelope": handed.digest,
        "block": block.links[-1], "disputed": relay.disputed,
    }
    ledger.record(tx, Event("RelayAccepted", (relay.id, report.id), details), actor=sender, now=now)
    if handed.hardening is not None:
        opened = store.Opened(relay, key)
        store.add_step(tx, opened, 0, Step(StepKind.HARDENING, now, sender, "another hop", responsible=handed.hardening))
    return Accepted(relay, relay.as_class, False)


def hand_on(
    tx: Transaction, report: Report, audience: Audience, *, actor: PartyId, here: Here, now: datetime
) -> Outgoing:
    """The block for the next hop, ours appended; a report that came by no relay begins its chain here.

    That it leaves is on record before its first byte does.
    Raises:
        NotPermitted: the actor does not coordinate, or the marks do not reach the audience.
        Conflict: the marks have expired, or the handling ended here.
    """
    if not may(get_party(tx, actor), Scope.CASES_DECIDE):
        raise NotPermitted("handing a report to the next hop is for a coordinator")
    check_may_export(rules.marks_of(report.finding), audience, now)
    store.lock_relays(tx)
    opened = store.first_relay(tx, report.id, here.envelope)
    if opened is None:
        opened = _begin_here(tx, report, actor, here, now)
    status = rules.status_of(store.read_steps(tx, opened))
    rules.check_open(status)
    block = append_hop(parse_block(opened.relay.block, here.policy), opened.relay.hop)
    details: dict[str, Detail] = {"reach": str(audience.reach), "purpose": str(audience.purpose)}
    ledger.record(tx, Event("RelayHandedOn", (opened.relay.id, report.id), details), actor=actor, now=now)
    return Outgoing(opened.relay, block, status.hardening)


def blocks_of(tx: Transaction, report_ids: Sequence[str], *, policy: RelayPolicy, envelope: Envelope) -> list[bytes]:
    """The blocks of reports that the caller has read for its viewer, our hop appended, earliest first."""
    return [
        append_hop(parse_block(opened.relay.block, policy), opened.relay.hop)
        for opened in store.list_relays(tx, report_ids, envelope)
    ]


def read_relay(tx: Transaction, relay_id: str, *, envelope: Envelope, viewer: PartyId, now: datetime) -> tuple[Relay, Status, bool]:
    """A relay, what became of it, and whether the viewer is more than its sender.

    Raises:
        NotFound: there is none that the viewer may see.
    """
    opened = _found(tx, relay_id, envelope, viewer, now)
    return opened.relay, rules.status_of(store.read_steps(tx, opened)), store.on_duty(tx, opened.relay.id, viewer=viewer, now=now)


def assess(tx: Transaction, relay_id: str, untrusted_text: str, *, actor: PartyId, here: Here, now: datetime) -> Status:
    """Note that this hop has looked at a report; it says nothing of the owner's verdict.

    Raises:
        NotFound, NotPermitted: the actor does not work on it, or assessing is not what this hop does.
        Conflict: the handling has ended.
    """
    opened, _, count = _to_work_on(tx, relay_id, actor, here, now)
    rules.check_may_assess(parse_own_hop(opened.relay.hop))
    step = Step(StepKind.ASSESSED, now, actor, "assessed", rules.parse_statement(untrusted_text))
    return _next(tx, opened, count, step)


def pass_verdict(
    tx: Transaction, relay_id: str, verdict: Verdict, *, untrusted_owner: str = "", untrusted_reference: str = "", untrusted_text: str = "",
    actor: PartyId, here: Here, now: datetime,
) -> Status:
    """The owner's verdict on record, so that the hop before can fetch it.

    Args:
        untrusted_owner: who owns the code; a vendor that gives its own verdict leaves it out.
        untrusted_reference: where the owner said so.
    Raises:
        NotFound: there is no such relay for the actor.
        NotPermitted: the actor merely sent it, or would give a verdict of its own as a hop.
        Invalid: no owner is named, or not where it said so.
        Conflict: the handling has ended.
    """
    opened, _, count = _to_work_on(tx, relay_id, actor, here, now, vendors=True)
    who = get_party(tx, actor)
    names = parties.name_parties(tx, [actor, *([who.organisation] if who.organisation else [])])
    is_vendor = Role.VENDOR in who.roles and Role.COORDINATOR not in who.roles
    organisation = names[who.organisation][0] if who.organisation else who.name
    owner = rules.parse_owner(untrusted_owner or (organisation if is_vendor else ""))
    reference = rules.parse_reference(untrusted_reference)
    block = parse_block(opened.relay.block, here.policy)
    speaks_for = {name for name, _ in names.values()} | (set() if is_vendor else {here.name})
    rules.check_owner(owner, reference, speaks_for=speaks_for, is_vendor=is_vendor, hops=rules.block_hop_names(block))
    step = Step(StepKind.VERDICT, now, actor, verdict, rules.parse_statement(untrusted_text), owner, reference)
    return _next(tx, opened, count, step)


def name_responsible(
    tx: Transaction, relay_id: str, *, untrusted_by: str = "", untrusted_handling_id: str = "", untrusted_issue: str = "",
    actor: PartyId, here: Here, now: datetime,
) -> Status:
    """Which one hop sees to a hardening, or the public issue it ended in.

    Args:
        untrusted_by, untrusted_handling_id: another hop; this one where both are empty and none is named yet.
    Raises:
        NotFound, NotPermitted: the actor does not work on it.
        Conflict: another hop is responsible, or it has ended.
        Invalid: half a hop is named, or the issue is no https address.
    """
    opened, status, count = _to_work_on(tx, relay_id, actor, here, now)
    block = parse_block(opened.relay.block, here.policy)
    by, handling_id = rules.parse_reference(untrusted_by), rules.parse_reference(untrusted_handling_id)
    if not by and not handling_id:
        kept = status.hardening or HardeningRef(here.name, opened.relay.safe_id)
        by, handling_id = kept.by, kept.handling_id
    asked = HardeningRef(by, handling_id, rules.parse_reference(untrusted_issue))
    known = {opened.relay.safe_id, *(hop.handling_id for hop in block.chain)}
    rules.check_hardening(status, asked, ours=opened.relay.safe_id, known=known)
    word = "this hop" if asked.handling_id == opened.relay.safe_id else "another hop"
    return _next(tx, opened, count, Step(StepKind.HARDENING, now, actor, word, responsible=asked))


def end(
    tx: Transaction, relay_id: str, reason: EndReason, untrusted_text: str, *, actor: PartyId, here: Here, now: datetime
) -> Status:
    """The handling ended here, for a reason this hop took upon itself.

    Raises:
        NotFound, NotPermitted: the actor does not work on it, or the reason is not this hop's to decide.
        Conflict: it has ended already, or what the reason rests on is not on record.
    """
    opened, status, count = _to_work_on(tx, relay_id, actor, here, now)
    rules.check_may_end(parse_own_hop(opened.relay.hop), reason, status)
    return _next(tx, opened, count, Step(StepKind.ENDED, now, actor, reason, rules.parse_statement(untrusted_text)))


def count_finders(tx: Transaction, reporters: Mapping[ReportId, PartyId]) -> dict[ReportId, PartyId]:
    """Reports with who counts as their finder: the same report by another route is not another finder."""
    return rules.counted_once(reporters, store.system_mirrors(tx, list(reporters)))


def _judge(
    tx: Transaction, handed: Handed, content: str, report_id: str, sender: PartyId, here: Here
) -> tuple[Judged, tuple[str, ...], tuple[str, ...], str]:
    block = handed.block
    hops, links, origin_hash = _hashes(block, here)
    known = store.system_known(tx, origin_hash=origin_hash, content=content, hops=hops)
    direct = store.system_direct(tx, content, report_id)
    ours = {held.own_hash for held in known}
    for hop, keyed in zip(block.chain, hops, strict=True):
        if hop.by == here.name and keyed not in ours:
            raise Invalid(
                "the chain names this instance with a handling identifier that it never gave; if another instance bears the same name, "
                "one of them needs another `ledger_origin`"
            )
    judged = rules.judge(
        links, hops, envelope=handed.digest, origin_hash=origin_hash, content=content, sender=sender, known=known, direct=direct
    )
    return judged, hops, links, origin_hash


def _hashes(block: Block, here: Here) -> tuple[tuple[str, ...], tuple[str, ...], str]:
    hops = tuple(store.keyed(here.envelope, "hop", hop.by, hop.handling_id) for hop in block.chain)
    links = tuple(store.keyed(here.envelope, "link", link) for link in block.links)
    return hops, links, store.keyed(here.envelope, "origin", block.origin_by, block.origin_id)


def _new_relay(
    here: Here, block: Block, report: Report, judged: Judged, sender: PartyId, digest: str, hops: tuple[str, ...], links: tuple[str, ...],
    origin_hash: str, now: datetime,
) -> tuple[Relay, Known, bytes]:
    safe_id = new_id("hid")
    hop = render_hop(rules.own_hop(here.name, safe_id, block.links[-1], here.policy, now))
    relay = Relay(
        RelayId(new_id("rly")), report.id, sender, now, judged.as_class, judged.mirror_of, judged.basis, judged.disputed, block.raw, hop, safe_id
    )
    known = Known(
        relay.id, report.id, sender, now, digest, origin_hash, report.digest, hops, links,
        store.keyed(here.envelope, "hop", here.name, safe_id), store.keyed(here.envelope, "link", link_after(block, hop)),
    )
    return relay, known, secrets.token_bytes(32)


def _begin_here(tx: Transaction, report: Report, actor: PartyId, here: Here, now: datetime) -> store.Opened:
    """A chain of no hops, for a report that began its way here; its origin is called by a name that is linked to nothing."""
    finding = rules.to_pass_on(report.finding)
    proposed = finding.proposed_disclosure_at
    block = parse_block(render_block(
        rules.finder_credits(finding, here.policy.credits_max), here.name, new_id("hid"), (), None if proposed is None else {"ends_at": proposed.isoformat()}
    ), here.policy)
    hops, links, origin_hash = _hashes(block, here)
    # No envelope came: the origin stands in its place, so that no two such relays look like one handed over twice.
    relay, known, key = _new_relay(here, block, report, Judged(Class.NEW), report.reporter, origin_hash, hops, links, origin_hash, now)
    store.add_relay(tx, relay, known, key, here.envelope)
    bases = {here.desk: Basis.DESK, actor: Basis.PARTICIPANT}
    parties.add_grants(tx, [Grant(relay.id, party, basis) for party, basis in bases.items()])
    ledger.record(tx, Event("RelayBegun", (relay.id, report.id), {"block": block.links[-1]}), actor=actor, now=now)
    return store.Opened(relay, key)


def _found(tx: Transaction, relay_id: str, envelope: Envelope, viewer: PartyId, now: datetime) -> store.Opened:
    opened = store.read_relay(tx, relay_id, envelope, viewer=viewer, now=now) if has_shape(relay_id) else None
    if opened is None:
        raise NotFound(f"nothing found under {relay_id[:40]!r}")
    return opened


def _to_work_on(
    tx: Transaction, relay_id: str, actor: PartyId, here: Here, now: datetime, *, vendors: bool = False
) -> tuple[store.Opened, Status, int]:
    opened = _found(tx, relay_id, here.envelope, actor, now)
    store.lock_relays(tx)
    who = get_party(tx, actor)
    works = may(who, Scope.CASES_DECIDE) or (vendors and Role.VENDOR in who.roles)
    if not (works and store.on_duty(tx, opened.relay.id, viewer=actor, now=now)):
        raise NotPermitted("whoever handed a report over reads what became of it; what becomes of it is for those who handle it here")
    done = store.read_steps(tx, opened)
    status = rules.status_of(done)
    rules.check_open(status)
    return opened, status, len(done)


def _next(tx: Transaction, opened: store.Opened, count: int, step: Step) -> Status:
    store.add_step(tx, opened, count, step)
    kinds = {
        StepKind.ASSESSED: "RelayAssessed", StepKind.VERDICT: "VerdictPassedOn", StepKind.HARDENING: "HardeningHandedOff",
        StepKind.ENDED: "RelayEnded",
    }
    relay = opened.relay
    ledger.record(tx, Event(kinds[step.kind], (relay.id, relay.report_id), {"word": step.word}), actor=step.actor, now=step.at)
    return rules.status_of(store.read_steps(tx, opened))

