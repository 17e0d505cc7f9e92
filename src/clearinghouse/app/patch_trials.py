"""Trials of patches, wired to an instance: what people ask for and say, and the bench that tries the next."""

import threading
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from clearinghouse.app.bench import digest_of_statement, evidence_key
from clearinghouse.app.validating import Evidence, builds_folder, docket_of, system_docket
from clearinghouse.app.wiring import Instance
from clearinghouse.core.errors import ClearinghouseError, Invalid, NotFound, Unavailable
from clearinghouse.core.ids import new_id
from clearinghouse.disclosure.coordination.rooms import actions as rooms
from clearinghouse.disclosure.validation.dockets import store as dockets
from clearinghouse.disclosure.validation.dockets.actions import nothing_found
from clearinghouse.disclosure.validation.dockets.records import Docket, Material
from clearinghouse.disclosure.validation.evidence import sign_statement
from clearinghouse.disclosure.validation.memory.cache import Memory
from clearinghouse.disclosure.validation.memory.folder import Folder
from clearinghouse.disclosure.validation.patches.records import Climb, RegressionTest
from clearinghouse.disclosure.validation.patches.running import PatchBench
from clearinghouse.disclosure.validation.patches.statement import statement_of_climb
from clearinghouse.disclosure.validation.recipes.document import read_recipe
from clearinghouse.disclosure.validation.trials import actions, store
from clearinghouse.disclosure.validation.trials.records import Claimed, Trial, Tried
from clearinghouse.disclosure.validation.workshop import MadeMaterials, Stopped, Workshop
from clearinghouse.sandbox.base import Sandbox
from clearinghouse.storage import Transaction


@dataclass(frozen=True, slots=True)
class Reviewed:
    """A trial and how far its patch came, with everybody's word."""

    trial: Trial
    climb: Climb


def ask(instance: Instance, case_id: str, patch: str, recipe: str, *, test_diff: str = "", test: tuple[str, ...] = ()) -> Trial:
    """A trial of a patch of a case, put in the queue.

    Args:
        patch, recipe: id or digest among the materials of the case.
        test_diff: id or digest of the diff that adds a regression test.
        test: the command of that test.
    Raises:
        NotFound: case, patch, recipe or test is not the actor's to see.
        NotPermitted: the actor takes no part, or is not shown everything.
        Invalid: the materials are of other kinds, or half a test was named.
        Conflict: the case is not open, or the same is being tried.
    """
    now, actor = instance.clock.now(), instance.actor.id
    if bool(test_diff) is not bool(test):
        raise Invalid("a regression test is a diff and a command; name both")
    with instance.database.write() as tx:
        room = rooms.take_part(tx, case_id, envelope=instance.envelope, actor=actor, now=now)
        docket = docket_of(tx, room)
        found, wanted = _material(tx, instance, docket, patch), _material(tx, instance, docket, recipe)
        regression = RegressionTest(_material(tx, instance, docket, test_diff).digest, test) if test_diff else None
        return actions.ask(tx, docket, found, wanted, regression, actor=actor, now=now)


def review(instance: Instance, case_id: str, trial_id: str, accepts: bool, reason: str) -> Reviewed:
    """A person's word about a patch that was tried.

    Raises:
        NotFound, NotPermitted, Invalid, Conflict: as for `actions.review`, and where the case is not open.
    """
    now, actor = instance.clock.now(), instance.actor.id
    with instance.database.write() as tx:
        entered = rooms.enter(tx, case_id, envelope=instance.envelope, viewer=actor, now=now)
        # Who is not told of the trial is told nothing of who may answer for it.
        actions.find(tx, docket_of(tx, entered), trial_id, viewer=actor, now=now)
        room = rooms.take_part(tx, case_id, envelope=instance.envelope, actor=actor, now=now)

        def sign(trial: Trial, climb: Climb) -> tuple[bytes, str]:
            return _signed(instance, trial, climb)

        return Reviewed(*actions.review(tx, docket_of(tx, room), trial_id, accepts, reason, sign, actor=actor, now=now))


def read_evidence(instance: Instance, case_id: str, trial_id: str) -> Evidence:
    """The newest signed evidence of a trial, byte for byte as it was made.

    Raises:
        NotFound: there is none that the actor may see, or none yet.
    """
    now, viewer = instance.clock.now(), instance.actor.id
    with instance.read() as tx:
        docket = docket_of(tx, rooms.enter(tx, case_id, envelope=instance.envelope, viewer=viewer, now=now))
        trial = actions.find(tx, docket, trial_id, viewer=viewer, now=now)
        body = store.read_statement(tx, docket, trial, viewer=viewer, now=now)
    if body is None:
        raise nothing_found(trial_id)
    return Evidence(f"{trial.id}.dsse.json", body)


def try_next(instance: Instance, sandbox: Sandbox, stop: threading.Event) -> bool:
    """Try the patch that waits longest, as the instance's party; False where none waits.

    Raises:
        Unavailable: something this needs is not there now; the trial waits again.
    """
    policy = instance.policy.bench_queue
    with instance.database.read() as tx:
        if store.system_next(tx, instance.clock.now()) is None:
            return False
    with instance.database.write() as tx:
        claimed = actions.claim(tx, new_id("lse"), actor=instance.actor.id, policy=policy, now=instance.clock.now())
    if claimed is None:
        return True  # another was faster; there may be more
    with instance.database.read() as tx:
        docket = system_docket(tx, instance, claimed.case_id)
        trial = None if docket is None else store.system_trial(tx, docket, claimed.id)
    if docket is None or trial is None:
        _fail(instance, None, claimed, "the case was erased")
    elif claimed.attempts > policy.attempts_max:
        _fail(instance, docket, claimed, f"it was begun {policy.attempts_max} times and never came to its end")
    else:
        _try(instance, sandbox, docket, trial, claimed, stop)
    return True


def _try(instance: Instance, sandbox: Sandbox, docket: Docket, trial: Trial, claimed: Claimed, stop: threading.Event) -> None:
    ended, lost = threading.Event(), threading.Event()
    keeper = threading.Thread(target=_keep, args=(instance, claimed, stop, ended, lost), name="trial-lease", daemon=True)
    keeper.start()
    try:
        memory = Memory(
            instance.database, docket, Folder(builds_folder(instance), instance.policy.bench_queue.artefact_bytes_max), instance.clock.now
        )
        made = MadeMaterials(memory)
        with Workshop(sandbox, made, instance.policy.bench, cache=memory, stop=lost) as workshop:
            recipe = read_recipe(memory.read(trial.recipe), instance.policy.bench)
            with instance.database.read() as tx:
                under_test = actions.patch_under_test(tx, docket, trial)
            bench = PatchBench(workshop, made, instance.policy.patches, instance.policy.bench, instance.policy.matrix)
            climb = bench.climb(recipe, under_test)
        _finish(instance, docket, memory, claimed, Tried(climb, *_signed(instance, trial, climb)))
    except Stopped:
        _release(instance, claimed)
    except Unavailable:
        _release(instance, claimed)
        raise
    except (Invalid, NotFound) as error:
        _fail(instance, docket, claimed, str(error))
    finally:
        ended.set()
        keeper.join()


def _finish(instance: Instance, docket: Docket, memory: Memory, claimed: Claimed, tried: Tried) -> None:
    with instance.database.write() as tx:
        memory.write(tx)
        if not actions.finish(tx, docket, claimed, tried, actor=instance.actor.id, now=instance.clock.now()):
            raise Stopped("another worker has it by now")  # nothing of ours is kept


def _keep(instance: Instance, claimed: Claimed, stop: threading.Event, ended: threading.Event, lost: threading.Event) -> None:
    """Hold the lease while the trial runs, and stop the trial where the worker is to end or the lease is gone."""
    policy = instance.policy.bench_queue
    waited = 0.0
    while not ended.wait(policy.look_seconds):
        waited += policy.look_seconds
        if stop.is_set():
            lost.set()
        if waited < policy.lease_seconds / 3:
            continue
        waited = 0.0
        with suppress(ClearinghouseError), instance.database.write() as tx:
            if not store.renew(tx, claimed, instance.clock.now() + timedelta(seconds=policy.lease_seconds)):
                lost.set()


def _release(instance: Instance, claimed: Claimed) -> None:
    # Best effort: what is not put back waits for the end of its lease.
    with suppress(Unavailable), instance.database.write() as tx:
        store.release(tx, claimed)


def _fail(instance: Instance, docket: Docket | None, claimed: Claimed, words: str) -> None:
    with instance.database.write() as tx:
        actions.fail(tx, docket, claimed, words, actor=instance.actor.id, now=instance.clock.now())


def _signed(instance: Instance, trial: Trial, climb: Climb) -> tuple[bytes, str]:
    statement = statement_of_climb(climb, validator=instance.actor.id, about=(trial.id, trial.case_id), now=instance.clock.now())
    return sign_statement(statement, evidence_key(instance)), digest_of_statement(statement)


def _material(tx: Transaction, instance: Instance, docket: Docket, untrusted_name: str) -> Material:
    found = dockets.find_material(tx, docket, untrusted_name, viewer=instance.actor.id, now=instance.clock.now())
    if found is None:
        raise nothing_found(untrusted_name)
    return found
