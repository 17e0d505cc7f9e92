"""Looks at a model: the same one looks the same, another does not, and one that never repeats itself cannot be told."""

import random
import threading
from dataclasses import replace

import pytest

from clearinghouse.app.wiring import Instance
from clearinghouse.core.errors import Invalid
from clearinghouse.core.ids import ReviewCaseId, new_id
from clearinghouse.evaluation.benchmarks.running.probing import QUESTIONS, ProbeFailed, ProbeResult, Sameness, compare, run_probe
from clearinghouse.evaluation.benchmarks.running.probing import store as probes
from clearinghouse.evaluation.benchmarks.running.probing.actions import note_probe
from clearinghouse.parties.records import Basis, Grant
from eval_support import Asked, Said, Say, scripted
from party_factories import give


def look(say: Say, repetitions: int = 1) -> ProbeResult:
    with scripted(say) as model:
        return run_probe(model.endpoint, repetitions=repetitions, stop=threading.Event())


def saying(name: str, wobble: float = 0.0) -> Say:
    drawn = random.Random(name)
    return lambda asked: Said(f"{name} {asked.prompt[:20]}{drawn.random() if drawn.random() < wobble else ''}")


def test_same_model_looks_the_same_and_another_does_not() -> None:
    first = look(saying("one"), 3)
    assert compare(first, look(saying("one"))).sameness is Sameness.SAME
    found = compare(first, look(saying("two")))
    assert (found.sameness, found.agreeing, found.asked) == (Sameness.CHANGED, 0, len(QUESTIONS))


def test_another_build_is_a_change_whatever_is_said() -> None:
    first = look(saying("one"), 3)
    assert compare(first, look(lambda asked: replace(saying("one")(asked), build="fp_other"))).build_changed


@pytest.mark.parametrize(("wobble", "sameness"), [(0.1, Sameness.SAME), (1.0, Sameness.UNDECIDED)])
def test_model_that_wobbles_is_measured_against_its_own_wobble(wobble: float, sameness: Sameness) -> None:
    assert compare(look(saying("one", wobble), 4), look(saying("one", wobble))).sameness is sameness


@pytest.mark.parametrize("said", [Said(status=403), Said("x", finish=None), Said(refusal="no")])
def test_look_that_does_not_come_to_its_end_says_nothing(said: Said) -> None:
    with pytest.raises(ProbeFailed):
        look(lambda asked: said)


def test_looks_with_other_questions_are_not_held_against_each_other() -> None:
    first = look(saying("one"))
    with pytest.raises(Invalid):
        compare(first, replace(first, set_digest="sha256:other"))


def test_questions_are_asked_at_temperature_nought_without_tools() -> None:
    asked: list[Asked] = []

    def say(each: Asked) -> Said:
        asked.append(each)
        return Said("x")

    look(say)
    assert {(each.document["temperature"], "tools" in each.document) for each in asked} == {(0.0, False)}


def test_looks_are_on_the_record_by_digests_alone(instance: Instance) -> None:
    review, now = ReviewCaseId(new_id("rev")), instance.clock.now()
    give(instance, Grant(review, instance.actor.id, Basis.PARTICIPANT))
    said = []
    for number, result in enumerate((look(saying("one"), 3), look(saying("one")), look(saying("two")))):
        with instance.database.write() as tx:
            found = note_probe(tx, review, result, actor=instance.actor.id, now=now.replace(second=number))
        said.append(None if found is None else found.sameness)
    assert said == [None, Sameness.SAME, Sameness.CHANGED]
    with instance.read() as tx:
        listed = probes.list_probes(tx, review, viewer=instance.actor.id, now=now)
    assert [each[2] for each in listed] == ["", "same", "changed"]
    with instance.database.read() as tx:
        assert probes.system_last_at(tx, review) == now.replace(second=2)
