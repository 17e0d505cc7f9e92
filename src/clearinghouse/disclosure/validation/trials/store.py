"""Where trials and reviews are kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, LargeBinary, Row, Table, and_, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.elements import ColumnElement

from clearinghouse.core.ids import CaseId, PartyId, ReviewId, TrialId
from clearinghouse.disclosure.validation.dockets.records import Docket
from clearinghouse.disclosure.validation.patches.records import Climb, RegressionTest
from clearinghouse.disclosure.validation.recipes.records import Supplier
from clearinghouse.disclosure.validation.trials.records import Claimed, KeptReview, Trial, TrialState, Tried
from clearinghouse.parties.records import Tier
from clearinghouse.parties.store import is_readable
from clearinghouse.storage import Transaction
from clearinghouse.storage.schema import Digest, Id, Instant, Word, metadata
from clearinghouse.storage.sealing import open_with, seal_with

# No reference to cases: their table belongs to a later step.
patch_trials = Table(
    "patch_trials", metadata,
    Column("trial_id", Id, primary_key=True),
    Column("case_id", Id, nullable=False),
    Column("patch_digest", Digest, nullable=False),
    Column("recipe_digest", Digest, nullable=False),
    Column("supplier", Word, nullable=False),
    Column("state", Word, nullable=False),
    Column("state_at", Instant, nullable=False),
    Column("asked_at", Instant, nullable=False),
    Column("asked_by", Id, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("lease", Id),
    Column("leased_until", Instant),
    Column("open_key", Digest, unique=True),  # patch and recipe of the case while it waits or runs: one of each at a time
    Column("statement_digest", Digest, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("sealed_trouble", LargeBinary),
    Column("sealed_result", LargeBinary),
    Column("sealed_statement", LargeBinary),
    Index(None, "case_id", "asked_at"),
    Index(None, "state", "asked_at"),
)
patch_reviews = Table(
    "patch_reviews", metadata,
    Column("review_id", Id, primary_key=True),
    Column("trial_id", Id, ForeignKey("patch_trials.trial_id"), nullable=False),
    Column("case_id", Id, nullable=False),
    Column("reviewer", Id, nullable=False),
    Column("accepts", Boolean, nullable=False),
    Column("at", Instant, nullable=False),
    Column("statement_digest", Digest, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("sealed_statement", LargeBinary, nullable=False),
    Index(None, "trial_id", "at"),
)


@dataclass(frozen=True, slots=True)
class _Text:
    name: str
    regression: RegressionTest | None


def add_trial(tx: Transaction, docket: Docket, new: Trial, *, open_key: str) -> bool:
    """Keep a trial that waits; False where the same waits or runs."""
    made = (postgresql.insert if tx.dialect == "postgresql" else sqlite.insert)(patch_trials)
    return tx.write(made.on_conflict_do_nothing().execution_options(preserve_rowcount=True), {
        "trial_id": new.id, "case_id": new.case_id, "patch_digest": new.patch, "recipe_digest": new.recipe, "supplier": new.supplier,
        "state": new.state, "state_at": new.state_at, "asked_at": new.asked_at, "asked_by": new.asked_by, "attempts": 0, "lease": None,
        "leased_until": None, "open_key": open_key, "statement_digest": "",
        "sealed": seal_with(docket.key, msgspec.json.encode(_Text(new.name, new.regression)), new.id),
        "sealed_trouble": None, "sealed_result": None, "sealed_statement": None,
    }) == 1


def add_review(tx: Transaction, docket: Docket, new: KeptReview, statement: bytes) -> None:
    """Keep a person's word, and the statement that was signed with it."""
    tx.write(patch_reviews.insert(), {
        "review_id": new.id, "trial_id": new.trial, "case_id": docket.case_id, "reviewer": new.reviewer, "accepts": new.accepts, "at": new.at,
        "statement_digest": new.statement_digest, "sealed": seal_with(docket.key, new.reason.encode(), new.id),
        "sealed_statement": seal_with(docket.key, statement, new.id + "/statement"),
    })


def list_trials(tx: Transaction, docket: Docket, *, viewer: PartyId, now: datetime) -> list[Trial]:
    """The trials of a case that a viewer is told of, newest first."""
    query = select(patch_trials).where(_shown(docket, viewer, now)).order_by(patch_trials.c.asked_at.desc(), patch_trials.c.trial_id)
    return [_trial(row, docket) for row in tx.rows(query)]


def find_trial(tx: Transaction, docket: Docket, trial_id: str, *, viewer: PartyId, now: datetime) -> Trial | None:
    """One trial, if the viewer is told of it."""
    row = tx.row(select(patch_trials).where(patch_trials.c.trial_id == trial_id, _shown(docket, viewer, now)))
    return None if row is None else _trial(row, docket)


def list_reviews(tx: Transaction, docket: Docket, trials: Sequence[Trial], *, viewer: PartyId, now: datetime) -> list[KeptReview]:
    """What people said of trials that the viewer is told of, oldest first."""
    here = is_readable(patch_reviews.c.case_id, viewer, now, tier_min=Tier.ROOM)
    query = select(patch_reviews).where(
        patch_reviews.c.case_id == docket.case_id, patch_reviews.c.trial_id.in_([trial.id for trial in trials]), here
    ).order_by(patch_reviews.c.at, patch_reviews.c.review_id)
    return [_review(row, docket) for row in tx.rows(query)]


def read_statement(tx: Transaction, docket: Docket, trial: Trial, *, viewer: PartyId, now: datetime) -> bytes | None:
    """The newest signed statement of a trial: with the last review where there is one."""
    here = is_readable(patch_reviews.c.case_id, viewer, now, tier_min=Tier.ROOM)
    newest = select(patch_reviews.c.review_id, patch_reviews.c.sealed_statement).where(
        patch_reviews.c.trial_id == trial.id, patch_reviews.c.case_id == docket.case_id, here
    ).order_by(patch_reviews.c.at.desc(), patch_reviews.c.review_id).limit(1)
    if (row := tx.row(newest)) is not None:
        return open_with(docket.key, bytes(row.sealed_statement), row.review_id + "/statement")
    sealed = tx.value(select(patch_trials.c.sealed_statement).where(patch_trials.c.trial_id == trial.id, _shown(docket, viewer, now)))
    return None if sealed is None else open_with(docket.key, bytes(sealed), trial.id + "/statement")


def system_next(tx: Transaction, now: datetime) -> Claimed | None:
    """The trial that waits longest, or was left by a worker that died; for the bench."""
    query = select(patch_trials).where(_free(now)).order_by(patch_trials.c.asked_at, patch_trials.c.trial_id).limit(1)
    row = tx.row(query)
    return None if row is None else Claimed(TrialId(row.trial_id), CaseId(row.case_id), "", row.attempts)


def system_trial(tx: Transaction, docket: Docket, trial_id: TrialId) -> Trial | None:
    """A trial for the machine; None where it is not of this case."""
    row = tx.row(select(patch_trials).where(patch_trials.c.trial_id == trial_id, patch_trials.c.case_id == docket.case_id))
    return None if row is None else _trial(row, docket)


def claim_trial(tx: Transaction, found: Claimed, lease: str, until: datetime, now: datetime) -> bool:
    """Hold a trial for a worker; False where another was faster."""
    return tx.write(update(patch_trials).where(patch_trials.c.trial_id == found.id, _free(now)).values(
        state=TrialState.RUNNING, state_at=now, lease=lease, leased_until=until, attempts=patch_trials.c.attempts + 1
    )) == 1


def renew(tx: Transaction, claimed: Claimed, until: datetime) -> bool:
    """Hold a trial for longer; False where it is another worker's by now."""
    return tx.derive(update(patch_trials).where(*_held(claimed)).values(leased_until=until)) == 1


def release(tx: Transaction, claimed: Claimed) -> bool:
    """Let a trial wait again."""
    return tx.derive(update(patch_trials).where(*_held(claimed)).values(
        state=TrialState.WAITING, lease=None, leased_until=None, attempts=patch_trials.c.attempts - 1
    )) == 1


def put_result(tx: Transaction, docket: Docket, claimed: Claimed, tried: Tried, at: datetime) -> bool:
    """Keep what a trial gave; False where it is another worker's by now."""
    return tx.write(update(patch_trials).where(*_held(claimed)).values(
        state=TrialState.DONE, state_at=at, lease=None, leased_until=None, open_key=None, statement_digest=tried.statement_digest,
        sealed_result=seal_with(docket.key, msgspec.json.encode(tried.climb), claimed.id + "/result"),
        sealed_statement=seal_with(docket.key, tried.statement, claimed.id + "/statement"),
    )) == 1


def put_trouble(tx: Transaction, docket: Docket | None, claimed: Claimed, words: str, at: datetime) -> bool:
    """Note that a trial cannot be made, and why; False where it is another worker's by now."""
    sealed = None if docket is None else seal_with(docket.key, words.encode(), claimed.id + "/trouble")
    return tx.write(update(patch_trials).where(*_held(claimed)).values(
        state=TrialState.FAILED, state_at=at, lease=None, leased_until=None, open_key=None, sealed_trouble=sealed
    )) == 1


def system_end_open(tx: Transaction, case_id: CaseId, at: datetime) -> int:
    """End what waits or runs of a case; where it is erased."""
    return tx.write(update(patch_trials).where(
        patch_trials.c.case_id == case_id, patch_trials.c.state.in_((TrialState.WAITING, TrialState.RUNNING))
    ).values(state=TrialState.FAILED, state_at=at, lease=None, leased_until=None, open_key=None))


def _free(now: datetime) -> ColumnElement[bool]:
    dead = and_(patch_trials.c.state == TrialState.RUNNING, patch_trials.c.leased_until <= now)
    return or_(patch_trials.c.state == TrialState.WAITING, dead)


def _held(claimed: Claimed) -> tuple[ColumnElement[bool], ...]:
    return patch_trials.c.trial_id == claimed.id, patch_trials.c.lease == claimed.lease, patch_trials.c.state == TrialState.RUNNING


def _shown(docket: Docket, viewer: PartyId, now: datetime) -> ColumnElement[bool]:
    here: ColumnElement[bool] = (patch_trials.c.case_id == docket.case_id) & is_readable(patch_trials.c.case_id, viewer, now, tier_min=Tier.ROOM)
    # Who is here for its own reports alone is told of verdicts on them, and not of other people's patches.
    return here if docket.tier >= Tier.ROOM and docket.reports is None else here & patch_trials.c.asked_by.in_(sorted(docket.parties))


def _trial(row: Row[Any], docket: Docket) -> Trial:
    def part(name: str, sealed: bytes | None) -> bytes | None:
        return None if sealed is None else open_with(docket.key, bytes(sealed), f"{row.trial_id}{name}")

    text = msgspec.json.decode(part("", row.sealed) or b"{}", type=_Text)
    result, trouble = part("/result", row.sealed_result), part("/trouble", row.sealed_trouble)
    return Trial(
        TrialId(row.trial_id), CaseId(row.case_id), row.patch_digest, row.recipe_digest, Supplier(row.supplier), TrialState(row.state),
        row.state_at, row.asked_at, PartyId(row.asked_by), text.name, text.regression, row.attempts, row.statement_digest,
        "" if trouble is None else trouble.decode(), None if result is None else msgspec.json.decode(result, type=Climb),
    )


def _review(row: Row[Any], docket: Docket) -> KeptReview:
    return KeptReview(
        ReviewId(row.review_id), TrialId(row.trial_id), PartyId(row.reviewer), bool(row.accepts), row.at,
        open_with(docket.key, bytes(row.sealed), row.review_id).decode(), row.statement_digest,
    )
