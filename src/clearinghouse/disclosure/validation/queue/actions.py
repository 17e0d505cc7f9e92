"""Asking for a validation, cancelling and resuming one, and what the bench notes of its work."""

import hashlib
import hmac
from collections.abc import Collection
from datetime import datetime

from clearinghouse.core.errors import Conflict
from clearinghouse.core.events import Detail, Event
from clearinghouse.core.ids import CaseId, PartyId, ReportId, ValidationId, has_shape, new_id
from clearinghouse.core.policy import BenchQueuePolicy
from clearinghouse.core.states import step
from clearinghouse.core.untrusted import clean_line
from clearinghouse.disclosure.validation.dockets import rules as docket_rules
from clearinghouse.disclosure.validation.dockets import store as dockets
from clearinghouse.disclosure.validation.dockets.actions import nothing_found
from clearinghouse.disclosure.validation.dockets.records import Docket
from clearinghouse.disclosure.validation.matrix import store as matrices
from clearinghouse.disclosure.validation.memory import store as memory
from clearinghouse.disclosure.validation.queue import rules, store
from clearinghouse.disclosure.validation.queue.records import Finished, Unit, UnitKind, UnitState, Validation, ValidationState
from clearinghouse.disclosure.validation.queue.states import VALIDATION_TRANSITIONS
from clearinghouse.disclosure.validation.recipes.document import named_digests
from clearinghouse.disclosure.validation.recipes.records import Recipe
from clearinghouse.disclosure.validation.trials import store as trials
from clearinghouse.ledger import actions as ledger
from clearinghouse.parties import store as parties
from clearinghouse.storage import Envelope, Transaction

_TITLE_CHARACTERS_MAX = 200


def ask(
    tx: Transaction, docket: Docket, report_id: ReportId, finder: PartyId, recipe: Recipe, recipe_digest: str, *, actor: PartyId,
    envelope: Envelope, policy: BenchQueuePolicy, now: datetime,
) -> Validation:
    """A validation of a report by a recipe, put in the queue.

    Args:
        report_id: a report that its case handles and the actor is shown.
        finder: who sent it.
        recipe_digest: of the recipe among the materials of the case.
    Raises:
        NotPermitted: the actor is the finder or of its organisation, or is not shown everything of the case.
        Invalid: the recipe names what the case does not hold.
        Conflict: the same waits or runs, or the case has as many on the bench as it may.
    Source: ISO/IEC 30111:2019, 7.1.3 (verification).
    """
    docket_rules.check_may_add(docket)
    houses = parties.houses_of(tx, [actor, finder])
    rules.check_not_finder(parties.selves_of(tx, actor, now), houses.get(actor), finder, houses.get(finder))
    named = named_digests(recipe)
    rules.check_held(named, dockets.system_held(tx, docket, named))
    rules.check_may_ask(len(store.system_open(tx, docket.case_id)), policy)
    units = rules.plan(recipe)
    new = Validation(
        ValidationId(new_id("val")), docket.case_id, report_id, recipe_digest, ValidationState.QUEUED, now, now, actor, finder,
        houses.get(finder), clean_line(recipe.title, _TITLE_CHARACTERS_MAX) or "recipe", total=len(units),
    )
    added = store.add_validation(
        tx, docket, new, component=recipe.component, component_term=component_term(envelope, recipe.component),
        open_key=_open_key(report_id, recipe_digest), units=units,
    )
    if not added:
        raise Conflict("this report is being validated by this recipe already; wait for it, or cancel it first")
    details: dict[str, Detail] = {"recipe": recipe_digest, "units": len(units)}
    ledger.record(tx, Event("ValidationAsked", (docket.case_id, new.id, report_id), details), actor=actor, now=now)
    return new


def cancel(tx: Transaction, docket: Docket, validation_id: str, *, coordinates: bool, actor: PartyId, now: datetime) -> Validation:
    """A validation that is not wanted any more; what of it runs now is stopped.

    Raises:
        NotFound: there is none that the actor may see.
        NotPermitted: the actor neither asked for it nor coordinates the case.
        Conflict: it has ended.
    """
    found, selves = find(tx, docket, validation_id, viewer=actor, now=now), parties.selves_of(tx, actor, now)
    step(VALIDATION_TRANSITIONS, "cancel", found.state, rules.may_end(found, selves=selves, coordinates=coordinates))
    store.hold_validation(tx, found.id)
    if not store.change_state(tx, found.id, found.state, ValidationState.CANCELLED, now):
        raise Conflict("it went on in the same moment; look again")
    store.forget_units(tx, found.id)
    ledger.record(tx, Event("ValidationCancelled", (docket.case_id, found.id, found.report_id)), actor=actor, now=now)
    return find(tx, docket, validation_id, viewer=actor, now=now)


def resume(
    tx: Transaction, docket: Docket, validation_id: str, recipe: Recipe, *, coordinates: bool, actor: PartyId, policy: BenchQueuePolicy, now: datetime
) -> Validation:
    """A validation that was cancelled or failed, in the queue again; what was seen before is not run again.

    Raises:
        NotFound, NotPermitted: as for `cancel` and `ask`.
        Conflict: it waits, runs or was judged, or the case has as many on the bench as it may.
    """
    docket_rules.check_may_add(docket)
    found, selves = find(tx, docket, validation_id, viewer=actor, now=now), parties.selves_of(tx, actor, now)
    step(VALIDATION_TRANSITIONS, "resume", found.state, rules.may_end(found, selves=selves, coordinates=coordinates))
    rules.check_not_finder(selves, parties.houses_of(tx, [actor]).get(actor), found.finder, found.finder_house)
    rules.check_may_ask(len(store.system_open(tx, docket.case_id)), policy)
    key = _open_key(found.report_id, found.recipe)
    if store.count_open_like(tx, key) or not store.change_state(tx, found.id, found.state, ValidationState.QUEUED, now, open_key=key):
        raise Conflict("this report is being validated by this recipe already; wait for it")
    store.put_units(tx, found.id, found.case_id, rules.plan(recipe), now)
    ledger.record(tx, Event("ValidationResumed", (docket.case_id, found.id, found.report_id)), actor=actor, now=now)
    return find(tx, docket, validation_id, viewer=actor, now=now)


def find(tx: Transaction, docket: Docket, validation_id: str, *, viewer: PartyId, now: datetime) -> Validation:
    """A validation that the viewer is told of.

    Raises:
        NotFound: there is none.
    """
    found = store.find_validation(tx, docket, validation_id, viewer=viewer, now=now) if has_shape(validation_id) else None
    if found is None:
        raise nothing_found(validation_id)
    return found


# What the bench notes


def claim(
    tx: Transaction, lease: str, *, selves: Collection[PartyId], house: PartyId | None, actor: PartyId, policy: BenchQueuePolicy, now: datetime
) -> list[Unit]:
    """The work whose turn it is, held by a lease; nothing where there is none for this worker."""
    waiting = store.waiting_cases(tx, selves=selves, house=house, policy=policy, now=now)
    # The first alone: whoever was faster there leaves another order behind, and the caller asks again.
    for case in rules.in_order(waiting, policy, now)[:1]:
        units = store.claim_of(tx, case.case_id, lease, selves=selves, house=house, policy=policy, now=now)
        if units:
            _begin(tx, units[0], actor, now)
        return units
    return []


def end_unit(
    tx: Transaction, unit: Unit, *, built: bool = True, seconds: float, policy: BenchQueuePolicy, now: datetime
) -> bool:
    """Note a unit as done and let begin what waited for it; False where it is another worker's by now, and nothing was noted."""
    if store.hold_validation(tx, unit.validation_id) is not ValidationState.RUNNING or not store.end_unit(tx, unit, UnitState.DONE):
        return False
    settle_share(tx, unit, seconds, policy, now)
    if unit.kind is UnitKind.BUILD:
        store.free_cells(tx, unit, now, built=built)
    store.free_judging(tx, unit, now)
    return True


def settle_share(tx: Transaction, unit: Unit, seconds: float, policy: BenchQueuePolicy, now: datetime) -> None:
    """Put the true time of a unit in the place of the guess."""
    store.charge(tx, unit.case_id, seconds - rules.guess_of([unit.kind], policy), policy, now)


def finish(
    tx: Transaction, docket: Docket, unit: Unit, finished: Finished, report_id: ReportId, *, seconds: float, actor: PartyId,
    policy: BenchQueuePolicy, now: datetime,
) -> bool:
    """Keep what a validation came to; False where the unit is another worker's by now, and nothing was kept."""
    running = store.hold_validation(tx, unit.validation_id) is ValidationState.RUNNING
    if not running or not store.end_unit(tx, unit, UnitState.DONE) or not store.put_result(tx, docket, unit.validation_id, finished, actor, now):
        return False
    settle_share(tx, unit, seconds, policy, now)
    store.forget_units(tx, unit.validation_id)
    details: dict[str, Detail] = {
        "verdict": finished.verdict, "trust": finished.trust, "level": finished.level, "statement": finished.statement_digest,
    }
    ledger.record(tx, Event("ReportValidated", (docket.case_id, report_id, unit.validation_id), details), actor=actor, now=now)
    return True


def fail(tx: Transaction, docket: Docket | None, unit: Unit, report_id: ReportId | None, words: str, *, actor: PartyId, now: datetime) -> bool:
    """Note that a validation cannot be judged, and why in our own words; False where it ended already.

    Args:
        docket: None where the case has no key any more.
    """
    state = store.hold_validation(tx, unit.validation_id)
    if state not in (ValidationState.QUEUED, ValidationState.RUNNING) or not store.change_state(tx, unit.validation_id, state, ValidationState.FAILED, now):
        return False
    if docket is not None:
        store.put_trouble(tx, docket, unit.validation_id, words)
    store.forget_units(tx, unit.validation_id)
    subjects = (unit.case_id, unit.validation_id, *(() if report_id is None else (report_id,)))
    ledger.record(tx, Event("ValidationFailed", subjects), actor=actor, now=now)
    return True


def forget_case(tx: Transaction, case_id: CaseId, *, now: datetime) -> None:
    """End the bench's part in a case whose key is destroyed: its work, its memory and its bytes; called where it is erased.

    That it was asked for, judged and by whom stays, as do digests; the caller's event says that the case was erased.
    """
    for validation_id, state in store.system_open(tx, case_id):
        store.change_state(tx, validation_id, state, ValidationState.CANCELLED, now)
        store.forget_units(tx, validation_id)
    trials.system_end_open(tx, case_id, now)
    memory.forget_case(tx, case_id)
    matrices.forget_case(tx, case_id)
    dockets.forget_bodies(tx, case_id)


def component_term(envelope: Envelope, component: str) -> str:
    """A keyed hash of a component's name: equal for equal names, and told to nobody without the key of the index."""
    return hmac.new(envelope.index_key(), b"clearinghouse/bench-component/v1\0" + component.encode(), hashlib.sha256).hexdigest()


def _begin(tx: Transaction, unit: Unit, actor: PartyId, now: datetime) -> None:
    if store.system_state(tx, unit.validation_id) is ValidationState.QUEUED:
        store.change_state(tx, unit.validation_id, ValidationState.QUEUED, ValidationState.RUNNING, now)
        ledger.record(tx, Event("ValidationBegun", (unit.case_id, unit.validation_id)), actor=actor, now=now)


def _open_key(report_id: str, recipe_digest: str) -> str:
    return hashlib.sha256(f"{report_id}/{recipe_digest}".encode()).hexdigest()


__all__ = ["ask", "cancel", "claim", "component_term", "end_unit", "fail", "find", "finish", "forget_case", "resume", "settle_share"]
