"""A patch of a case on the bench of an instance, and the people who answer for it."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

from clearinghouse.app import patch_trials, validating
from clearinghouse.app.bench import evidence_key
from clearinghouse.app.views.trials import read_trials
from clearinghouse.app.wiring import Instance
from clearinghouse.core.errors import Conflict, Invalid, NotFound, NotPermitted
from clearinghouse.core.ids import CaseId
from clearinghouse.disclosure.coordination.rooms.records import CaseRole
from clearinghouse.disclosure.intake.records import Finding
from clearinghouse.disclosure.validation.dockets.records import Material, MaterialKind
from clearinghouse.disclosure.validation.evidence import check_envelope
from clearinghouse.disclosure.validation.recipes.document import example_files, pin_document
from clearinghouse.disclosure.validation.trials import actions, store
from clearinghouse.sandbox import Sandbox
from room_cast import Cast
from sandbox_support import real_sandbox

NEVER = threading.Event()


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    yield from real_sandbox("clang", "patch", "llvm-symbolizer")


@dataclass
class Scene:
    """A case that holds a recipe, everything it names and a patch, handed in by the instance's own actor."""

    cast: Cast
    instance: Instance
    case: CaseId
    patch: Material
    recipe: Material

    def person(self, name: str) -> Instance:
        """Somebody else who takes part."""
        party = self.cast.party(name)
        self.cast.join(self.case, name, CaseRole.FINDER)
        return self.instance.acting_as(party)


@pytest.fixture
def scene(instance: Instance) -> Scene:
    policy = instance.policy
    quick = replace(
        policy, bench=replace(policy.bench, runs=2),
        patches=replace(policy.patches, variants_max=4, variants_fire_min=1, fuzz_runs_max=64, fuzz_seconds_max=5.0),
    )
    quicker = replace(instance, policy=quick)
    cast = Cast(quicker)
    case = cast.open(cast.report(Finding(title="Strips", description="reads past", reproduction="run it"), "finder"), title="Strips")
    files = example_files()
    kinds = {"fix.diff": MaterialKind.PATCH, "crash.bin": MaterialKind.REPRODUCER, "good.bin": MaterialKind.BENIGN}
    added = {
        name: validating.add_material(quicker, case, kinds.get(name, MaterialKind.SOURCE), name, body)
        for name, body in files.items() if name != "draft.toml"
    }
    recipe = validating.add_material(quicker, case, MaterialKind.RECIPE, "recipe.toml", pin_document(files["draft.toml"].decode(), files).encode())
    return Scene(cast, quicker, case, added["fix.diff"], recipe)


def test_patch_is_tried_signed_and_answered_for_by_somebody_else(scene: Scene, sandbox: Sandbox) -> None:
    asked = patch_trials.ask(scene.instance, scene.case, scene.patch.id, scene.recipe.id)
    with pytest.raises(Conflict, match="being tried on this recipe already"):
        patch_trials.ask(scene.instance, scene.case, scene.patch.digest, scene.recipe.digest)
    with pytest.raises(Conflict, match="was not tried yet"):
        patch_trials.review(scene.person("reviewer_early"), scene.case, asked.id, True, "looks right")
    assert patch_trials.try_next(scene.instance, sandbox, NEVER)
    assert not patch_trials.try_next(scene.instance, sandbox, NEVER)
    [line] = read_trials(scene.instance, scene.case)
    assert (line.state, line.highest, line.label, line.may_review) == ("done", "variants quiet", "", False)
    assert {step.rung: step.state for step in line.steps} | {"tests as before": "", "regression test": ""} == {
        "applies": "held", "builds": "held", "reproducer quiet": "held", "variants quiet": "held", "tests as before": "", "regression test": "",
        "searched around": "held", "behaviour unchanged": "held", "reviewed": "not made",
    }
    with pytest.raises(NotPermitted, match="who wrote a patch or handed it in"):
        patch_trials.review(scene.instance, scene.case, asked.id, True, "mine is fine")
    other = scene.person("reviewer")
    with pytest.raises(Invalid, match="needs a reason"):
        patch_trials.review(other, scene.case, asked.id, True, "  ")
    patch_trials.review(other, scene.case, asked.id, True, "read line by line")
    with pytest.raises(Conflict, match="said so before"):
        patch_trials.review(other, scene.case, asked.id, True, "again")
    [line] = read_trials(other, scene.case)
    assert ([(one.accepts, one.reason) for one in line.reviews], line.steps[-1].state, line.may_review) == (
        [(True, "read line by line")], "held", True
    )
    key = evidence_key(scene.instance).public_key().public_bytes_raw()
    signed = check_envelope(patch_trials.read_evidence(other, scene.case, asked.id).body, [key])
    assert signed.digest == line.statement
    assert "reviewed" in signed.statement["predicate"]["passedTests"]
    assert signed.statement["predicate"]["clearinghouse"]["about"] == [asked.id, scene.case]


def test_who_is_no_part_of_the_case_finds_nothing(scene: Scene) -> None:
    asked = patch_trials.ask(scene.instance, scene.case, scene.patch.id, scene.recipe.id)
    stranger = scene.instance.acting_as(scene.cast.party("coordinator_elsewhere"))
    for attempt in (
        lambda: read_trials(stranger, scene.case), lambda: patch_trials.ask(stranger, scene.case, scene.patch.id, scene.recipe.id),
        lambda: patch_trials.review(stranger, scene.case, asked.id, True, "x"), lambda: patch_trials.read_evidence(stranger, scene.case, asked.id),
    ):
        with pytest.raises(NotFound):
            attempt()


def test_trial_that_was_left_is_taken_up_again_and_in_the_end_given_up(scene: Scene, sandbox: Sandbox) -> None:
    policy = scene.instance.policy.bench_queue
    patch_trials.ask(scene.instance, scene.case, scene.patch.id, scene.recipe.id)
    past = scene.instance.clock.now().replace(year=2020)
    for attempt in range(1, policy.attempts_max + 1):
        with scene.instance.database.write() as tx:
            claimed = actions.claim(tx, f"lse_{attempt:026}", actor=scene.instance.actor.id, policy=policy, now=past)
        assert claimed is not None
        assert claimed.attempts == attempt
        past = past.replace(year=past.year + 1)
    assert patch_trials.try_next(scene.instance, sandbox, NEVER)
    [line] = read_trials(scene.instance, scene.case)
    assert (line.state, line.trouble) == ("failed", f"it was begun {policy.attempts_max} times and never came to its end")


def test_stopped_worker_leaves_its_trial_to_the_next(scene: Scene, sandbox: Sandbox) -> None:
    patch_trials.ask(scene.instance, scene.case, scene.patch.id, scene.recipe.id)
    stop = threading.Event()
    stop.set()
    assert patch_trials.try_next(scene.instance, sandbox, stop)
    [line] = read_trials(scene.instance, scene.case)
    with scene.instance.database.read() as tx:
        waiting = store.system_next(tx, scene.instance.clock.now())
    assert (line.state, waiting is not None and waiting.attempts) == ("waiting", 0)


def test_material_that_is_no_patch_is_refused(scene: Scene) -> None:
    with pytest.raises(Invalid, match="a trial takes a patch and a recipe"):
        patch_trials.ask(scene.instance, scene.case, scene.recipe.id, scene.patch.id)
    with pytest.raises(Invalid, match="name both"):
        patch_trials.ask(scene.instance, scene.case, scene.patch.id, scene.recipe.id, test_diff=scene.patch.id)
