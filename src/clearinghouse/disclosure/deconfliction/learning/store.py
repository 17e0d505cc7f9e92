"""Where versions of the correction and proposals of newer models are kept: numbers, digests and report numbers, no text."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
import numpy as np
from sqlalchemy import Column, Float, Index, Integer, LargeBinary, Row, Table, insert, select, update

from clearinghouse.core.ids import DecisionId, PartyId
from clearinghouse.disclosure.deconfliction.correction import Correction
from clearinghouse.disclosure.deconfliction.learning.records import (
    Difference,
    Effect,
    Proposal,
    ProposalKind,
    ProposalState,
    Version,
    VersionState,
)
from clearinghouse.storage import Transaction
from clearinghouse.storage.schema import Digest, Id, Instant, Number, Word, metadata

corrections = Table(
    "corrections", metadata,
    Column("version_id", Id, primary_key=True),
    Column("model", Digest, nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("pairs", Integer, nullable=False),
    Column("decisions", Integer, nullable=False),
    Column("passed_over", Integer, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("state", Word, nullable=False),
    Column("state_at", Instant, nullable=False),
    Column("state_by", Id, nullable=False),
    # The model's digest while it is in force, else null: one at most, on both databases.
    Column("in_force", Digest, unique=True),
)
proposals = Table(
    "model_proposals", metadata,
    Column("proposal_id", Id, primary_key=True),
    Column("kind", Word, nullable=False),
    Column("numbers", LargeBinary, nullable=False),
    Column("one", Number, nullable=False),
    Column("other", Number, nullable=False),
    Column("probability_before", Float, nullable=False),
    Column("probability_after", Float, nullable=False),
    Column("model_before", Digest, nullable=False),
    Column("model_after", Digest, nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("state", Word, nullable=False),
    Column("answered_at", Instant),
    Column("answered_by", Id),
    Column("decision_id", Id),
    Index(None, "state"),
)


class _Body(msgspec.Struct):
    weights: list[float]
    centres: list[float]
    scales: list[float]
    shift_max: float
    loss_before: float
    loss_after: float
    wrong_before: int
    wrong_after: int
    effect: Effect
    learned: tuple[tuple[int, int, bool], ...]


def add_version(tx: Transaction, version: Version) -> None:
    """Keep a fitted correction."""
    one = version.correction
    body = _Body(
        one.weights.tolist(), one.centres.tolist(), one.scales.tolist(), one.shift_max, one.loss_before, one.loss_after, one.wrong_before,
        one.wrong_after, version.effect, version.learned,
    )
    tx.write(insert(corrections), {
        "version_id": version.id, "model": one.model, "made_at": version.made_at, "pairs": one.pairs,
        "decisions": version.decisions, "passed_over": version.passed_over, "body": msgspec.json.encode(body), "state": version.state,
        "state_at": version.state_at, "state_by": version.state_by, "in_force": None,
    })


def list_versions(tx: Transaction) -> list[Version]:
    """Every correction that was fitted, newest first."""
    return [_version(row) for row in tx.rows(select(corrections).order_by(corrections.c.made_at.desc(), corrections.c.version_id))]


def find_version(tx: Transaction, version_id: str) -> Version | None:
    """A correction by its id."""
    row = tx.row(select(corrections).where(corrections.c.version_id == version_id))
    return None if row is None else _version(row)


def in_force(tx: Transaction, model: str) -> Version | None:
    """The correction in force for a model; of another model's none is."""
    row = tx.row(select(corrections).where(corrections.c.in_force == model))
    return None if row is None else _version(row)


def change_state(tx: Transaction, version: Version, state: VersionState, by: PartyId, at: datetime) -> bool:
    """Move a correction to another state; False where somebody else was faster."""
    force = version.correction.model if state is VersionState.IN_FORCE else None
    return tx.write(
        update(corrections).where(corrections.c.version_id == version.id, corrections.c.state == version.state)
        .values(state=state, state_at=at, state_by=by, in_force=force)
    ) == 1


def add_proposals(tx: Transaction, new: Sequence[Proposal]) -> None:
    """Keep what a newer model would do."""
    rows = [{
        "proposal_id": one.id, "kind": one.difference.kind, "numbers": msgspec.json.encode(one.difference.groups), "one": one.one,
        "other": one.other, "probability_before": one.probability_before, "probability_after": one.probability_after,
        "model_before": one.model_before, "model_after": one.model_after, "made_at": one.made_at, "state": one.state,
        "answered_at": None, "answered_by": None, "decision_id": None,
    } for one in new]
    if rows:
        tx.write(insert(proposals), rows)


def open_proposals(tx: Transaction) -> list[Proposal]:
    """The proposals that wait, in the order they were made."""
    query = select(proposals).where(proposals.c.state == ProposalState.OPEN).order_by(proposals.c.made_at, proposals.c.proposal_id)
    return [_proposal(row) for row in tx.rows(query)]


def find_proposal(tx: Transaction, proposal_id: str) -> Proposal | None:
    """A proposal by its id."""
    row = tx.row(select(proposals).where(proposals.c.proposal_id == proposal_id))
    return None if row is None else _proposal(row)


def answer_proposal(tx: Transaction, proposal_id: str, state: ProposalState, by: PartyId, at: datetime) -> bool:
    """Note what became of a proposal that waits; False where it had been answered before."""
    return tx.write(
        update(proposals).where(proposals.c.proposal_id == proposal_id, proposals.c.state == ProposalState.OPEN)
        .values(state=state, answered_at=at, answered_by=by)
    ) == 1


def note_decision(tx: Transaction, proposal_id: str, decision: DecisionId) -> None:
    """Keep which decision an answer became."""
    tx.write(update(proposals).where(proposals.c.proposal_id == proposal_id).values(decision_id=decision))


def _version(row: Row[Any]) -> Version:
    body = msgspec.json.decode(bytes(row.body), type=_Body)
    weights, centres, scales = (np.array(part, np.float64) for part in (body.weights, body.centres, body.scales))
    correction = Correction(
        row.model, weights, centres, scales, body.shift_max, row.pairs, body.loss_before, body.loss_after, body.wrong_before, body.wrong_after
    )
    return Version(
        row.version_id, correction, body.effect, row.decisions, row.passed_over, row.made_at, VersionState(row.state),
        row.state_at, PartyId(row.state_by), body.learned,
    )


def _proposal(row: Row[Any]) -> Proposal:
    groups = msgspec.json.decode(bytes(row.numbers), type=tuple[tuple[int, ...], tuple[int, ...]])
    return Proposal(
        row.proposal_id, Difference(ProposalKind(row.kind), groups), row.one, row.other, row.probability_before, row.probability_after,
        row.model_before, row.model_after, row.made_at, ProposalState(row.state), row.answered_at,
        None if row.answered_by is None else PartyId(row.answered_by), None if row.decision_id is None else DecisionId(row.decision_id),
    )
