"""What a settling keeps of learning, in its own transaction: a fitted correction, and what a changed model would have had otherwise."""

from collections.abc import Collection, Sequence
from datetime import datetime

from clearinghouse.core.events import Detail, Event
from clearinghouse.core.ids import PartyId, new_id
from clearinghouse.core.policy import LearningPolicy
from clearinghouse.disclosure.deconfliction import placements
from clearinghouse.disclosure.deconfliction import store as deconfliction
from clearinghouse.disclosure.deconfliction.execution.records import ExecutionEdge
from clearinghouse.disclosure.deconfliction.graph import Graph
from clearinghouse.disclosure.deconfliction.learning import store
from clearinghouse.disclosure.deconfliction.learning.learner import Learner
from clearinghouse.disclosure.deconfliction.learning.records import (
    Difference,
    Proposal,
    ProposalKind,
    ProposalState,
    Version,
    VersionState,
)
from clearinghouse.disclosure.deconfliction.learning.rules import differences
from clearinghouse.ledger import actions as ledger
from clearinghouse.storage import Transaction


def keep_correction(
    tx: Transaction, learner: Learner, policy: LearningPolicy, *, decisions: int, passed_over: int, actor: PartyId, now: datetime
) -> Version | None:
    """Keep what a settling learned, as a proposed version, where it is worth one and says something new."""
    correction = learner.correction
    if correction is None or not correction.in_force:
        return None
    newest = next((one for one in store.list_versions(tx) if one.correction.model == correction.model), None)
    if newest is not None and len(set(newest.learned) ^ set(learner.learned)) < policy.again_pairs:
        return None
    version = Version(
        new_id("cor"), correction, learner.effect, decisions, passed_over, now, VersionState.PROPOSED, now, actor, learner.learned
    )
    store.add_version(tx, version)
    details: dict[str, Detail] = {"model": correction.model, "pairs": correction.pairs, "decisions": decisions}
    ledger.record(tx, Event("CorrectionFitted", (version.id,), details), actor=actor, now=now)
    return version


def keep_proposals(
    tx: Transaction, graph: Graph, decisions: Sequence[deconfliction.KeptDecision], edges: Sequence[ExecutionEdge],
    touched: Collection[int], threshold: float, model: str, *, changed: bool, actor: PartyId, now: datetime,
) -> list[Proposal]:
    """The proposals that wait after a settling; where the model changed, new ones in place of all that waited.

    Args:
        graph: what the settling judged.
        edges: what execution says, the same before and after.
        touched: numbers of reports that people decided about or took into a case.
    """
    waiting = store.open_proposals(tx)
    if not changed:
        return waiting
    last, stored = deconfliction.last_settlement(tx), deconfliction.last_graph(tx)
    # From the graph and not from the placements: an upgrade may have dropped those with what they were derived from.
    judged = None if stored is None else Graph.from_bytes(stored)
    before = {} if judged is None else dict(zip(
        judged.documents.tolist(), _clusters(judged, threshold, decisions, waiting, edges), strict=True
    ))
    found: list[Difference] = []
    while True:
        after = dict(zip(graph.documents.tolist(), _clusters(graph, threshold, decisions, found, edges), strict=True))
        # Held back from one cluster a group may drift to the next: looked at again until nothing people touched moves.
        fresh = [one for one in differences(before, after, touched) if one not in found]
        if not fresh:
            break
        found += fresh
    earlier = {} if judged is None else _probabilities(judged, found)
    later = _probabilities(graph, found)
    model_before = "" if last is None else last[2]
    proposals = [_proposal(one, earlier, later, model_before, model, now) for one in found]
    for old in waiting:
        store.answer_proposal(tx, old.id, ProposalState.OVERTAKEN, actor, now)
    store.add_proposals(tx, proposals)
    if proposals or waiting:
        details: dict[str, Detail] = {
            "model": model, "joins": sum(one.kind is ProposalKind.JOIN for one in found),
            "parts": sum(one.kind is ProposalKind.PART for one in found), "overtaken": len(waiting),
        }
        ids = tuple(one.id for one in (*proposals, *waiting))
        ledger.record(tx, Event("ModelDiffered", ids, details), actor=actor, now=now)
    return proposals


def _clusters(
    graph: Graph, threshold: float, decisions: Sequence[deconfliction.KeptDecision], held: Sequence[Proposal | Difference],
    edges: Sequence[ExecutionEdge],
) -> list[int]:
    bounds = placements.all_bounds(decisions, held, edges)
    return [int(one) for one in graph.clusters(threshold, bounds.must, bounds.cannot, bounds.joined)]


def _probabilities(graph: Graph, found: Sequence[Difference]) -> dict[tuple[int, int], float]:
    """Of each pair of reports that differences speak of, what a graph says."""
    wanted = {number for one in found for group in one.groups for number in group}
    documents = graph.documents.tolist()
    said = {}
    for a, b, probability in zip(graph.a.tolist(), graph.b.tolist(), graph.probabilities.tolist(), strict=True):
        one, other = documents[a], documents[b]
        if one in wanted and other in wanted:
            said[min(one, other), max(one, other)] = probability
    return said


def _proposal(
    difference: Difference, earlier: dict[tuple[int, int], float], later: dict[tuple[int, int], float], model_before: str, model: str,
    now: datetime,
) -> Proposal:
    left, right = difference.groups
    pairs = [(min(one, other), max(one, other)) for one in left for other in right]
    # A join is told by the pair that now speaks for it most; a parting by the one that lost most.
    sign = 1 if difference.kind is ProposalKind.JOIN else -1
    one, other = max(pairs, key=lambda pair: (sign * (later.get(pair, 0.0) - earlier.get(pair, 0.0)), -pair[0], -pair[1]))
    return Proposal(
        new_id("prp"), difference, one, other, earlier.get((one, other), 0.0), later.get((one, other), 0.0), model_before, model, now
    )
