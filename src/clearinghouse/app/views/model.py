"""The pair model: which one is in force, what was learned from people, and what a newer one would have otherwise."""

from dataclasses import dataclass
from datetime import datetime

from clearinghouse.app.process import matching
from clearinghouse.app.views.reports import title_of
from clearinghouse.app.wiring import Instance
from clearinghouse.core.roles import Scope
from clearinghouse.disclosure.deconfliction import actions as deconfliction
from clearinghouse.disclosure.deconfliction.correction import FEATURES_USED
from clearinghouse.disclosure.deconfliction.learning import actions, store
from clearinghouse.disclosure.deconfliction.learning.records import Effect, Proposal, Version
from clearinghouse.disclosure.deconfliction.records import Evidence
from clearinghouse.disclosure.deconfliction.store import last_settlement
from clearinghouse.disclosure.intake.records import Report
from clearinghouse.parties.rules import check_may

_WEIGHTS_SHOWN = 6
_EVIDENCE_SHOWN = 5
PROPOSALS_PAGE = 10
"""Proposals shown at once: each is compared anew, for its evidence."""


@dataclass(frozen=True, slots=True)
class CorrectionLine:
    """One version of what was learned."""

    id: str
    state: str
    model: str
    """Digest of the model it corrects."""
    usable: bool
    """Whether it corrects the model that is installed."""
    made_at: datetime
    state_at: datetime
    decisions: int
    passed_over: int
    """Decisions it did not learn from, for a report they speak of is under embargo."""
    pairs: int
    same: int
    loss_before: float
    """Mean log loss in nats on the decided pairs, of the model alone."""
    loss_after: float
    """With the correction, each pair judged by one that was fitted on others."""
    wrong_before: int
    wrong_after: int
    effect: Effect
    weights: tuple[tuple[str, float], ...]
    """What it re-weighs most, strongest first: a feature, and log-odds for a deviation of it from what is usual."""


@dataclass(frozen=True, slots=True)
class Model:
    """What compares reports here."""

    shipped: str
    """Digest of the installed artefact."""
    in_force: str
    """The same, or with the correction in force."""
    settled_with: str
    """What the clusters at hand were settled with; empty before the first settling."""
    settled_at: datetime | None
    corrections: tuple[CorrectionLine, ...]
    """Newest first."""


@dataclass(frozen=True, slots=True)
class ProposalReport:
    """A report of a proposal that the viewer reads."""

    id: str
    title: str


@dataclass(frozen=True, slots=True)
class ProposalLine:
    """What a newer model would do to clusters that people have had their hands on, and why."""

    id: str
    kind: str
    """`join`: both groups into one cluster. `part`: the first group out of it."""
    first: tuple[ProposalReport, ...]
    first_held: int
    """Held reports of others in the first group; nothing else is told of them."""
    second: tuple[ProposalReport, ...]
    second_held: int
    probability_before: float
    probability_after: float
    """Of the pair that changed most."""
    pair: tuple[str, str] | None
    """That pair, where the viewer reads both."""
    evidence: tuple[Evidence, ...]
    """What speaks for and against that pair now, strongest first."""
    model_before: str
    model_after: str
    made_at: datetime


def read_model(instance: Instance) -> Model:
    """What compares reports here, and what was learned: figures over everybody's decisions, so they are for administrators.

    Raises:
        NotPermitted: the viewer is no administrator.
    """
    check_may(instance.actor, Scope.MODEL_MANAGE)
    work = matching(instance)
    with instance.read() as tx:
        versions, model, last = store.list_versions(tx), work.model(tx), last_settlement(tx)
    return Model(
        work.scorer.digest, model.digest, "" if last is None else last[2], None if last is None else last[0],
        tuple(_line(version, work.scorer.digest) for version in versions),
    )


def list_proposals(instance: Instance, *, most: int = PROPOSALS_PAGE) -> tuple[tuple[ProposalLine, ...], int]:
    """The proposals that wait for the viewer, oldest first, and how many there are.

    Raises:
        NotPermitted: the viewer is no coordinator.
    """
    check_may(instance.actor, Scope.CASES_DECIDE)
    work = matching(instance)
    with instance.read() as tx:
        found = actions.readable_proposals(tx, instance.envelope, viewer=instance.actor.id, now=instance.clock.now())
        lines = []
        for proposal, (first, second) in found[:most]:
            pair = _pair(proposal, [*first, *second])
            evidence = () if pair is None else deconfliction.explain(tx, work, *pair).evidence
            lines.append(_proposal(proposal, first, second, pair, evidence))
    return tuple(lines), len(found)


def _line(version: Version, shipped: str) -> CorrectionLine:
    one = version.correction
    weights = sorted(zip(FEATURES_USED, one.weights[2:].tolist(), strict=True), key=lambda entry: -abs(entry[1]))
    return CorrectionLine(
        version.id, version.state, one.model, one.model == shipped, version.made_at, version.state_at, version.decisions, version.passed_over,
        one.pairs, version.same, one.loss_before, one.loss_after, one.wrong_before, one.wrong_after, version.effect,
        tuple((name, round(weight, 3)) for name, weight in weights[:_WEIGHTS_SHOWN]),
    )


def _pair(proposal: Proposal, reports: list[Report]) -> tuple[Report, Report] | None:
    by_number = {report.number: report for report in reports}
    one, other = by_number.get(proposal.one), by_number.get(proposal.other)
    return None if one is None or other is None else (one, other)


def _proposal(
    proposal: Proposal, first: list[Report], second: list[Report], pair: tuple[Report, Report] | None, evidence: tuple[Evidence, ...]
) -> ProposalLine:
    left, right = proposal.difference.groups
    strongest = tuple(sorted(evidence, key=lambda entry: -abs(entry.contribution))[:_EVIDENCE_SHOWN])
    return ProposalLine(
        proposal.id, proposal.difference.kind, _reports(first), len(left) - len(first), _reports(second), len(right) - len(second),
        proposal.probability_before, proposal.probability_after, None if pair is None else (pair[0].id, pair[1].id), strongest,
        proposal.model_before, proposal.model_after, proposal.made_at,
    )


def _reports(found: list[Report]) -> tuple[ProposalReport, ...]:
    return tuple(ProposalReport(report.id, title_of(report.finding)) for report in found)
