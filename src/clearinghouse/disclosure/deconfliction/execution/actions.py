"""What execution says, taken in and withdrawn. Either way clusters are computed again from what stands, so withdrawing restores exactly."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from clearinghouse.core.errors import Conflict, Invalid, NotFound
from clearinghouse.core.events import Detail, Event
from clearinghouse.core.ids import PartyId, has_shape, new_id
from clearinghouse.core.policy import DeconflictionThresholds
from clearinghouse.core.roles import Scope
from clearinghouse.disclosure.deconfliction import actions as deconfliction
from clearinghouse.disclosure.deconfliction import store as placed
from clearinghouse.disclosure.deconfliction.execution import store
from clearinghouse.disclosure.deconfliction.execution.records import ExecutionEdge, Said
from clearinghouse.disclosure.intake import store as intake
from clearinghouse.ledger import actions as ledger
from clearinghouse.parties import actions as parties
from clearinghouse.parties import rules as party_rules
from clearinghouse.storage import Envelope, Transaction


@dataclass(frozen=True, slots=True)
class Kept:
    """What taking in did."""

    added: tuple[str, ...]
    """Ids of edges."""
    withdrawn: tuple[str, ...]
    moved: tuple[int, ...]
    """Numbers of the reports that changed their cluster."""


def keep_edges(
    tx: Transaction, said: Iterable[Said], *, among: Collection[int], actor: PartyId, envelope: Envelope,
    thresholds: DeconflictionThresholds, now: datetime,
) -> Kept:
    """Bring the edges that stand among some reports to what execution says of them now: all of it, for what it no longer says is withdrawn.

    Called by the machine for its own party; who the reports belong to does not matter, and nobody is told anything by it (decision 2).

    Args:
        among: numbers of the reports that the runs were about.
    Raises:
        Invalid: something is said of a report that is not among them, or of one report twice.
        Conflict: one of the reports is not compared yet.
    """
    wanted = set(said)
    numbers = set(among)
    if any(not each.one < each.other or not {each.one, each.other} <= numbers for each in wanted):
        raise Invalid("an edge is between two of the reports that were run, the lower number first")
    placed.lock_decisions(tx)
    placed.lock_index(tx)
    spoken = sorted({number for each in wanted for number in (each.one, each.other)})
    before = placed.read_placements(tx, sorted(numbers))
    if any(number not in before for number in spoken):
        raise Conflict("not all of these reports are compared yet; run `clearinghouse settle` first")
    standing = {edge.said: edge for edge in store.system_of(tx, numbers) if set(edge.pair) <= numbers}
    gone = [edge for each, edge in standing.items() if each not in wanted]
    fresh = [
        ExecutionEdge(new_id("exe"), each, now)
        for each in sorted(wanted - standing.keys(), key=lambda each: (each.one, each.other, each.strength, each.evidence))
    ]
    if not gone and not fresh:
        return Kept((), (), ())
    for edge in gone:
        store.withdraw(tx, edge.id, by=actor, at=now)
    if fresh:
        store.add(tx, fresh, actor)
    touched = sorted({number for edge in (*gone, *fresh) for number in edge.pair})
    moved = _follow(tx, touched, actor=actor, envelope=envelope, thresholds=thresholds, now=now)
    for edge in fresh:
        # The reports are not named: who reads one of the two need not read the other.
        details: dict[str, Detail] = {"strength": str(edge.said.strength), "evidence": edge.said.evidence}
        ledger.record(tx, Event("ExecutionCompared", (edge.id,), details), actor=actor, now=now)
    for edge in gone:
        ledger.record(tx, Event("ExecutionWithdrawn", (edge.id,), {"strength": str(edge.said.strength)}), actor=actor, now=now)
    return Kept(tuple(edge.id for edge in fresh), tuple(edge.id for edge in gone), tuple(moved))


def withdraw_edge(
    tx: Transaction, edge_id: str, *, actor: PartyId, envelope: Envelope, thresholds: DeconflictionThresholds, now: datetime
) -> tuple[int, ...]:
    """Withdraw an edge as a person; gives the numbers of the reports that moved. Everything stands as if it had never been said.

    The same runs say it again when they are taken in again: to hold two reports apart for good is a decision.
    Raises:
        NotPermitted: the actor is no coordinator.
        NotFound: there is no such edge, or the actor is on duty for neither report.
        Conflict: it is withdrawn already.
    """
    party_rules.check_may(parties.get_party(tx, actor), Scope.CASES_DECIDE)
    placed.lock_decisions(tx)
    placed.lock_index(tx)
    edge = store.find(tx, edge_id) if has_shape(edge_id) else None
    if edge is None or not intake.duty_numbers(tx, list(edge.pair), viewer=actor, now=now):
        raise NotFound(f"nothing that execution said is found under {edge_id[:40]!r}")
    if not store.withdraw(tx, edge.id, by=actor, at=now):
        raise Conflict(f"{edge.id} was withdrawn before")
    moved = _follow(tx, list(edge.pair), actor=actor, envelope=envelope, thresholds=thresholds, now=now)
    ledger.record(tx, Event("ExecutionWithdrawn", (edge.id,), {"strength": str(edge.said.strength)}), actor=actor, now=now)
    return tuple(moved)


def _follow(
    tx: Transaction, spoken: list[int], *, actor: PartyId, envelope: Envelope, thresholds: DeconflictionThresholds, now: datetime
) -> list[int]:
    before = {placement.cluster for placement in placed.read_placements(tx, spoken).values()}
    if placed.last_graph(tx) is None:
        return []  # the first settling takes them in
    moved = deconfliction.follow(tx, thresholds, envelope)
    deconfliction.note_leads(tx, before, spoken, actor=actor, envelope=envelope, now=now)
    return moved
