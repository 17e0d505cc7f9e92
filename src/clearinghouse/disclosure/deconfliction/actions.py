"""What people decide about reports, and undo: merge, split, hold apart, name the lead - each with a reason, none of it lossy.

A decision moves reports between clusters; it never changes a report, its time of receipt or its
credit. Undoing one withdraws it and computes the clusters again from what still stands, so the
state is exactly the one there would be had it never been made.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from clearinghouse.core.errors import Conflict, Invalid, NotFound
from clearinghouse.core.events import Detail, Event
from clearinghouse.core.ids import DecisionId, PartyId, has_shape, new_id
from clearinghouse.core.policy import DeconflictionThresholds
from clearinghouse.core.roles import Scope
from clearinghouse.core.untrusted import clean_text
from clearinghouse.disclosure.deconfliction import placements, store
from clearinghouse.disclosure.deconfliction.asking import StoredIndex
from clearinghouse.disclosure.deconfliction.execution import store as execution
from clearinghouse.disclosure.deconfliction.execution.rules import evidence_of
from clearinghouse.disclosure.deconfliction.jobs import Matching, last_graph
from clearinghouse.disclosure.deconfliction.leads import actions as leads
from clearinghouse.disclosure.deconfliction.learning import store as learning
from clearinghouse.disclosure.deconfliction.placing import compare
from clearinghouse.disclosure.deconfliction.records import SAMENESS, Candidate, DecisionKind, Verdict
from clearinghouse.disclosure.deconfliction.signature import Signature
from clearinghouse.disclosure.deconfliction.telling import store as tellings
from clearinghouse.disclosure.deconfliction.traces import read_row
from clearinghouse.disclosure.intake import store as intake
from clearinghouse.disclosure.intake.records import Report
from clearinghouse.disclosure.intake.withdrawals import store as withdrawals
from clearinghouse.ledger import actions as ledger
from clearinghouse.parties import actions as parties
from clearinghouse.parties import rules as party_rules
from clearinghouse.storage import Envelope, Transaction

_REASON_CHARACTERS_MAX = 4000  # width of the form field, not a policy
_EVENT = {
    DecisionKind.MERGE: "ReportsMerged", DecisionKind.SPLIT: "ReportsSplit", DecisionKind.NOT_SAME: "ReportsHeldApart",
    DecisionKind.LEAD: "LeadNamed",
}


@dataclass(frozen=True, slots=True)
class Decided:
    """What a decision did."""

    id: DecisionId
    moved: tuple[int, ...]
    """Numbers of the reports that changed their cluster."""


def decide(
    tx: Transaction, kind: DecisionKind, reports: Sequence[Report], reason: str, *, actor: PartyId, envelope: Envelope,
    thresholds: DeconflictionThresholds, now: datetime,
) -> Decided:
    """Record a person's word about reports that the person may read.

    MERGE joins the clusters of all of them. SPLIT takes them out of the cluster they are in together. NOT_SAME
    holds the first apart from each of the others. LEAD has one report lead those it is in a cluster with, and moves none.
    Raises:
        Invalid: too few reports, reports of one cluster to merge or of several to split, several to lead, or no reason.
        NotPermitted: the actor is no coordinator.
        NotFound: one of them is not the actor's to judge: it reads it only because its own organisation sent it.
        Conflict: a report is not placed yet, or one that is to lead was withdrawn.
    """
    party_rules.check_may(parties.get_party(tx, actor), Scope.CASES_DECIDE)
    cleaned = clean_text(reason, _REASON_CHARACTERS_MAX).strip()
    if not cleaned:
        raise Invalid("a decision needs a reason: others must be able to follow it, and to appeal")
    store.lock_decisions(tx)
    store.lock_index(tx)
    by_number = {report.number: report for report in reports}
    # Duty and not reading alone, as for what is told: whose organisation sent a report is no judge of it (decision 2).
    on_duty = intake.duty_numbers(tx, sorted(by_number), viewer=actor, now=now)
    for number, report in by_number.items():
        if number not in on_duty:
            raise NotFound(f"nothing found under {report.id!r}")
    placed = store.read_placements(tx, sorted(by_number))
    if len(placed) < len(by_number):
        raise Conflict("not all of these reports are compared yet; run `clearinghouse settle` first")
    groups = _groups(tx, kind, [report.number for report in reports], placed)
    return record(tx, kind, groups, reports, cleaned, actor=actor, envelope=envelope, thresholds=thresholds, now=now)


def record(
    tx: Transaction, kind: DecisionKind, groups: tuple[tuple[int, ...], ...], named: Sequence[Report], reason: str, *, actor: PartyId,
    envelope: Envelope, thresholds: DeconflictionThresholds, now: datetime,
) -> Decided:
    """Keep a decision whose right was checked and whose groups are known, and bring the clusters to what it says.

    Args:
        named: the reports that its event names: those the actor may read.
    """
    decision = store.KeptDecision(DecisionId(new_id("dec")), kind, actor, now, groups, reason)
    store.add_decision(tx, decision, envelope)
    spoken = sorted(number for group in groups for number in group)
    before = {placement.cluster for placement in store.read_placements(tx, spoken).values()}
    if kind in SAMENESS:
        tellings.note_looked(tx, spoken, now)
    moved = follow(tx, thresholds, envelope) if kind in SAMENESS else []
    details: dict[str, Detail] = {"reports": [report.id for report in named], "moved": len(moved)}
    ledger.record(tx, Event(_EVENT[kind], (decision.id, *(report.id for report in named)), details), actor=actor, now=now)
    note_leads(tx, before, spoken, actor=actor, envelope=envelope, now=now)
    return Decided(decision.id, tuple(moved))


def undo(
    tx: Transaction, decision_id: str, *, actor: PartyId, envelope: Envelope, thresholds: DeconflictionThresholds, now: datetime
) -> Decided:
    """Withdraw a decision; everything stands as if it had never been made.

    Raises:
        NotFound: there is no such decision.
        NotPermitted: the actor is no coordinator.
        Conflict: it is undone already.
    """
    party_rules.check_may(parties.get_party(tx, actor), Scope.CASES_DECIDE)
    store.lock_decisions(tx)
    store.lock_index(tx)
    decision = store.find_decision(tx, decision_id, envelope) if has_shape(decision_id) else None
    # A decision is about reports: who is on duty for none of them is told nothing of it.
    readable = intake.readable_numbers(tx, viewer=actor, now=now, duty=True) if decision is not None else {}
    if decision is None or not any(number in readable for group in decision.groups for number in group):
        raise NotFound(f"no decision {decision_id[:40]!r}; `clearinghouse show CASE` lists the decisions of a case")
    if not store.undo_decision(tx, decision.id, by=actor, at=now):
        raise Conflict(f"{decision.id} was undone before")
    spoken = sorted(number for group in decision.groups for number in group)
    before = {placement.cluster for placement in store.read_placements(tx, spoken).values()}
    moved = follow(tx, thresholds, envelope) if decision.kind in SAMENESS else []
    ledger.record(tx, Event("DecisionUndone", (decision.id,), {"moved": len(moved)}), actor=actor, now=now)
    note_leads(tx, before, spoken, actor=actor, envelope=envelope, now=now)
    return Decided(decision.id, tuple(moved))


def explain(tx: Transaction, matching: Matching, one: Report, other: Report) -> Candidate:
    """What two reports amount to, with everything that counted for and against.

    Raises:
        Conflict: one of them is not compared yet.
    """
    stored = store.read_signatures(tx, [one.number, other.number])
    if len(stored) < 2:
        raise Conflict("not both reports are compared yet; run `clearinghouse settle` first")
    signature = Signature.from_bytes(stored[one.number][0])
    found = compare(signature, other.number, StoredIndex(tx), matching.model(tx), matching.thresholds, own=one.number,
                    locus=read_row(stored[one.number][2]))
    return _executed(tx, found, one.number, other.number)


def _executed(tx: Transaction, found: Candidate, one: int, other: int) -> Candidate:
    """A candidate with what execution says of the pair, first among its evidence."""
    pair = (min(one, other), max(one, other))
    around, all_of = placements.executed(tx, pair)
    spoken = [edge for edge in around if edge.pair == pair]
    if not spoken:
        return found
    placed = store.read_placements(tx, list(pair))
    together = len({placement.cluster for placement in placed.values()}) == 1
    relation = found.relation
    if pair in all_of.joined and together:
        relation = Verdict.DUPLICATE
    elif pair in all_of.joined | all_of.asked and relation is not Verdict.DUPLICATE:
        relation = Verdict.UNSURE
    return replace(found, relation=relation, evidence=(*evidence_of(spoken, all_of, together=together), *found.evidence))


def _groups(
    tx: Transaction, kind: DecisionKind, numbers: list[int], placed: dict[int, store.Placement]
) -> tuple[tuple[int, ...], ...]:
    clusters = {placed[number].cluster for number in numbers}
    if kind is DecisionKind.LEAD:
        return _led(tx, numbers, clusters)
    members = store.read_clusters(tx, sorted(clusters))
    everybody = {cluster: [placement.number for placement in found] for cluster, found in members.items()}
    if kind is DecisionKind.MERGE:
        if len(clusters) < 2:
            raise Invalid("these reports are one case already; merging needs reports of two or more")
        # All members are named: joined by one pair alone, the rest of a cluster could be diluted out of it.
        return (tuple(sorted(number for found in everybody.values() for number in found)),)
    if kind is DecisionKind.NOT_SAME:
        if len(numbers) < 2:
            raise Invalid("holding apart needs two or more reports")
        return ((numbers[0],), tuple(numbers[1:]))
    if len(clusters) != 1:
        raise Invalid("these reports are of several cases; splitting takes reports out of one")
    rest = tuple(number for number in next(iter(everybody.values())) if number not in numbers)
    if not rest:
        raise Invalid("these are all reports of the case; name those that are to leave it")
    return (tuple(sorted(numbers)), rest)


def _led(tx: Transaction, numbers: list[int], clusters: set[int]) -> tuple[tuple[int, ...], ...]:
    if len(numbers) != 1:
        raise Invalid("one report leads; name that one")
    others = tuple(number for number, _ in store.numbers_in(tx, sorted(clusters)) if number != numbers[0])
    if not others:
        raise Invalid("this report is alone in its case and leads it already")
    if intake.system_receipts(tx, numbers)[numbers[0]].public:
        raise Invalid("a public record leads no case; name a report")
    if withdrawals.system_withdrawn(tx, numbers):
        raise Conflict("its sender took this report back; it cannot lead before it is reinstated")
    return ((numbers[0],), others)


def note_leads(
    tx: Transaction, clusters: Iterable[int], numbers: Sequence[int], *, actor: PartyId, envelope: Envelope, now: datetime
) -> None:
    """Note who leads the clusters that reports were in and those they are in now."""
    now_in = {placement.cluster for placement in store.read_placements(tx, numbers).values()}
    leads.note_leads(tx, sorted({*clusters, *now_in}), actor=actor, envelope=envelope, now=now)


def follow(tx: Transaction, thresholds: DeconflictionThresholds, envelope: Envelope) -> list[int]:
    """Bring every placement to what stands now; gives the numbers of the reports that moved.

    Raises:
        Conflict: nothing is settled yet.
    """
    graph = last_graph(tx)
    if graph is None:
        raise Conflict("nothing is settled yet; run `clearinghouse settle` first")
    standing = store.list_decisions(tx, envelope, standing_only=True)
    return placements.replace(
        tx, graph, thresholds.cluster_probability_min, standing, learning.open_proposals(tx), execution.system_standing(tx)
    )
