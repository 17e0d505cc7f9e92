"""Patches of a case on the patch bench, with what people said of them: lines for the room and the command line."""

from dataclasses import dataclass
from datetime import datetime

from clearinghouse.app.validating import docket_of
from clearinghouse.app.wiring import Instance
from clearinghouse.core.ids import PartyId
from clearinghouse.disclosure.coordination.rooms import actions as rooms
from clearinghouse.disclosure.coordination.rooms.records import Room
from clearinghouse.disclosure.validation.patches.records import Climb
from clearinghouse.disclosure.validation.patches.rules import REASON_WORDS, wording
from clearinghouse.disclosure.validation.recipes.records import Supplier
from clearinghouse.disclosure.validation.trials import actions, store
from clearinghouse.disclosure.validation.trials.records import KeptReview, Trial
from clearinghouse.parties.records import Tier
from clearinghouse.storage import Transaction


@dataclass(frozen=True, slots=True)
class StepLine:
    """One rung of a patch."""

    rung: str
    state: str
    why: str
    """Empty where it held."""
    tried: int
    held: int


@dataclass(frozen=True, slots=True)
class ReviewLine:
    """A person's word."""

    by: PartyId
    accepts: bool
    at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class TrialLine:
    """A patch that was or will be tried."""

    id: str
    name: str
    patch: str
    recipe: str
    state: str
    asked_at: datetime
    label: str
    """What must stand beside the patch: that a model proposed it; empty where nothing must."""
    highest: str
    """The highest rung reached without a gap."""
    words: str
    """The same in one sentence."""
    trouble: str
    steps: tuple[StepLine, ...]
    reviews: tuple[ReviewLine, ...]
    may_review: bool
    """Whether the viewer could answer for it."""
    statement: str
    """Digest of the newest signed statement; empty until it was tried."""


def read_trials(instance: Instance, case_id: str) -> tuple[TrialLine, ...]:
    """The trials of a case that the actor is told of, newest first.

    Raises:
        NotFound: the case is not the actor's to see.
    """
    with instance.read() as tx:
        room = rooms.enter(tx, case_id, envelope=instance.envelope, viewer=instance.actor.id, now=instance.clock.now())
        return trials_of(tx, instance, room)


def trials_of(tx: Transaction, instance: Instance, room: Room) -> tuple[TrialLine, ...]:
    """The same, in a room that is open."""
    viewer, now, docket = instance.actor.id, instance.clock.now(), docket_of(tx, room)
    trials = store.list_trials(tx, docket, viewer=viewer, now=now)
    reviews = store.list_reviews(tx, docket, trials, viewer=viewer, now=now)
    lines = []
    for trial in trials:
        under_test = actions.patch_under_test(tx, docket, trial)
        mine = [one for one in reviews if one.trial == trial.id]
        open_to = trial.climb is not None and docket.tier >= Tier.DOCUMENTS and viewer not in under_test.authors and room.standing.named
        lines.append(_line(trial, mine, actions.reviewed_climb(trial, under_test, mine) if trial.climb is not None else None, may_review=open_to))
    return tuple(lines)


def _line(trial: Trial, reviews: list[KeptReview], climb: Climb | None, *, may_review: bool) -> TrialLine:
    steps: tuple[StepLine, ...] = ()
    highest = words = ""
    if climb is not None:
        steps = tuple(
            StepLine(step.rung.value, step.state.value, "" if step.reason is None else REASON_WORDS[step.reason], step.tried, step.held)
            for step in climb.steps
        )
        highest, words = "" if climb.highest is None else climb.highest.value, wording(climb)
    said = tuple(ReviewLine(one.reviewer, one.accepts, one.at, one.reason) for one in reviews)
    return TrialLine(
        trial.id, trial.name, trial.patch, trial.recipe, trial.state.value, trial.asked_at,
        "proposed by a model" if trial.supplier is Supplier.MODEL else "", highest, words, trial.trouble, steps, said, may_review,
        reviews[-1].statement_digest if reviews else trial.statement_digest,
    )
