"""Asking for a trial, what the bench notes of it, and a person's word about a patch."""

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta

from clearinghouse.core.errors import Conflict, Invalid, NotPermitted
from clearinghouse.core.events import Detail, Event
from clearinghouse.core.ids import PartyId, ReviewId, TrialId, has_shape, new_id
from clearinghouse.core.policy import BenchQueuePolicy
from clearinghouse.core.untrusted import clean_text
from clearinghouse.disclosure.validation.dockets import rules as docket_rules
from clearinghouse.disclosure.validation.dockets import store as dockets
from clearinghouse.disclosure.validation.dockets.actions import nothing_found
from clearinghouse.disclosure.validation.dockets.records import Docket, Material, MaterialKind
from clearinghouse.disclosure.validation.patches.records import Climb, PatchUnderTest, RegressionTest, Review, Rung
from clearinghouse.disclosure.validation.patches.rules import with_reviews
from clearinghouse.disclosure.validation.recipes.records import Supplier
from clearinghouse.disclosure.validation.trials import store
from clearinghouse.disclosure.validation.trials.records import Claimed, KeptReview, Trial, TrialState, Tried
from clearinghouse.ledger import actions as ledger
from clearinghouse.parties import actions as parties
from clearinghouse.parties.records import PartyKind
from clearinghouse.storage import Transaction

_REASON_CHARACTERS_MAX = 4_000  # width of the form field, not a policy


def ask(
    tx: Transaction, docket: Docket, patch: Material, recipe: Material, regression: RegressionTest | None, *, actor: PartyId, now: datetime
) -> Trial:
    """A trial of a patch on a recipe of its case, put in the queue.

    Raises:
        NotPermitted: the actor is not shown everything of the case.
        Invalid: the first is no patch, or the second no recipe.
        Conflict: the same waits or runs.
    """
    docket_rules.check_may_add(docket)
    if patch.kind is not MaterialKind.PATCH or recipe.kind is not MaterialKind.RECIPE:
        raise Invalid(f"a trial takes a patch and a recipe; these are {patch.kind} and {recipe.kind}")
    new = Trial(
        TrialId(new_id("trl")), docket.case_id, patch.digest, recipe.digest, supplier_of_patch(tx, docket, patch.digest), TrialState.WAITING,
        now, now, actor, patch.name, regression,
    )
    key = hashlib.sha256(f"{docket.case_id}/{patch.digest}/{recipe.digest}".encode()).hexdigest()
    if not store.add_trial(tx, docket, new, open_key=key):
        raise Conflict("this patch is being tried on this recipe already; wait for it")
    ledger.record(tx, Event("PatchTrialAsked", (docket.case_id, new.id), {"patch": patch.digest, "recipe": recipe.digest}), actor=actor, now=now)
    return new


def find(tx: Transaction, docket: Docket, trial_id: str, *, viewer: PartyId, now: datetime) -> Trial:
    """A trial that the viewer is told of.

    Raises:
        NotFound: there is none.
    """
    found = store.find_trial(tx, docket, trial_id, viewer=viewer, now=now) if has_shape(trial_id) else None
    if found is None:
        raise nothing_found(trial_id)
    return found


def review(
    tx: Transaction, docket: Docket, trial_id: str, accepts: bool, reason: str, sign: Callable[[Trial, Climb], tuple[bytes, str]], *,
    actor: PartyId, now: datetime,
) -> tuple[Trial, Climb]:
    """A person's word about a patch that was tried, and the climb with it.

    Args:
        sign: the signed statement of a climb, and its digest.
    Raises:
        NotFound: there is no such trial that the actor may see.
        NotPermitted: the actor wrote the patch, handed it in, is no person, or is not shown everything of the case.
        Conflict: it was not tried yet, or the actor has said the same.
        Invalid: there is no reason.
    """
    trial = find(tx, docket, trial_id, viewer=actor, now=now)
    docket_rules.check_may_add(docket)
    if parties.get_party(tx, actor).kind is not PartyKind.PERSON:
        raise NotPermitted("a person answers for a patch; a program or an organisation cannot")
    under_test = patch_under_test(tx, docket, trial)
    if actor in under_test.authors:
        raise NotPermitted("who wrote a patch or handed it in does not review it; ask somebody else of the case")
    cleaned = clean_text(reason, _REASON_CHARACTERS_MAX).strip()
    if not cleaned:
        raise Invalid("a review needs a reason: others must be able to follow it")
    if trial.climb is None:
        raise Conflict(f"the patch was not tried yet; it is {trial.state}")
    before = store.list_reviews(tx, docket, [trial], viewer=actor, now=now)
    mine = [one for one in before if one.reviewer == actor]
    if mine and mine[-1].accepts == accepts:
        raise Conflict("you have said so before; say the contrary, or leave it")
    climb = reviewed_climb(trial, under_test, [*before, KeptReview(ReviewId(""), trial.id, actor, accepts, now, cleaned)])
    statement, digest = sign(trial, climb)
    new = KeptReview(ReviewId(new_id("rvw")), trial.id, actor, accepts, now, cleaned, digest)
    store.add_review(tx, docket, new, statement)
    details: dict[str, Detail] = {"accepts": accepts, "highest": _highest(climb), "statement": digest}
    ledger.record(tx, Event("PatchReviewed", (docket.case_id, trial.id, new.id), details), actor=actor, now=now)
    return trial, climb


def reviewed_climb(trial: Trial, patch: PatchUnderTest, reviews: list[KeptReview]) -> Climb:
    """How far a patch came, with the last word of each reviewer."""
    assert trial.climb is not None, "asked of what was tried"
    last = {one.reviewer: one for one in reviews if one.trial == trial.id}
    return with_reviews(trial.climb, patch, [Review(one.reviewer, True, one.accepts) for one in last.values()])


def patch_under_test(tx: Transaction, docket: Docket, trial: Trial) -> PatchUnderTest:
    """A patch with everybody who handed it in."""
    hands = dockets.system_held(tx, docket, [trial.patch]).get(trial.patch, [])
    return PatchUnderTest(trial.patch, trial.supplier, frozenset(one.added_by for one in hands), trial.regression)


def supplier_of_patch(tx: Transaction, docket: Docket, digest: str) -> Supplier:
    """Who made a patch: a model, wherever one of those who handed it in says so."""
    suppliers = {one.supplier for one in dockets.system_held(tx, docket, [digest]).get(digest, [])}
    return next((one for one in (Supplier.MODEL, Supplier.REPORTER, Supplier.DESK, Supplier.PROJECT) if one in suppliers), Supplier.REPORTER)


# What the bench notes


def claim(tx: Transaction, lease: str, *, actor: PartyId, policy: BenchQueuePolicy, now: datetime) -> Claimed | None:
    """The trial that waits longest, held by a lease; None where there is none, or another was faster."""
    found = store.system_next(tx, now)
    if found is None or not store.claim_trial(tx, found, lease, now + timedelta(seconds=policy.lease_seconds), now):
        return None
    ledger.record(tx, Event("PatchTrialBegun", (found.case_id, found.id)), actor=actor, now=now)
    return Claimed(found.id, found.case_id, lease, found.attempts + 1)


def finish(tx: Transaction, docket: Docket, claimed: Claimed, tried: Tried, *, actor: PartyId, now: datetime) -> bool:
    """Keep what a trial gave; False where it is another worker's by now, and nothing was kept."""
    if not store.put_result(tx, docket, claimed, tried, now):
        return False
    details: dict[str, Detail] = {"highest": _highest(tried.climb), "supplier": str(tried.climb.supplier), "statement": tried.statement_digest}
    ledger.record(tx, Event("PatchTried", (docket.case_id, claimed.id), details), actor=actor, now=now)
    return True


def fail(tx: Transaction, docket: Docket | None, claimed: Claimed, words: str, *, actor: PartyId, now: datetime) -> bool:
    """Note that a patch cannot be tried, and why in our own words; False where the trial is another worker's by now."""
    if not store.put_trouble(tx, docket, claimed, words, now):
        return False
    ledger.record(tx, Event("PatchTrialFailed", (claimed.case_id, claimed.id)), actor=actor, now=now)
    return True


def _highest(climb: Climb) -> str:
    reached: Rung | None = climb.highest
    return "" if reached is None else reached.value
