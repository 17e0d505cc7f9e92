"""People read transcripts: the record says so first, and what they find changes the cells."""

from collections.abc import Callable
from typing import Any

import pytest

from clearinghouse.app.wiring import Instance
from clearinghouse.core.errors import Invalid, NotFound, Unavailable
from clearinghouse.core.ids import new_id
from clearinghouse.evaluation.benchmarks.engines.direct import DirectEngine
from clearinghouse.evaluation.benchmarks.running import store as runs
from clearinghouse.evaluation.benchmarks.running.jobs import Runner, cells_of
from clearinghouse.evaluation.benchmarks.running.records import Run
from clearinghouse.evaluation.benchmarks.transcripts import actions, store
from clearinghouse.evaluation.benchmarks.transcripts.records import Finding, Flag
from clearinghouse.evaluation.statistics.records import CellState
from clearinghouse.ledger import store as ledger_store
from clearinghouse.parties.records import Basis, Grant
from clearinghouse.sandbox import Sandbox
from eval_support import CANARY, Asked, Said, ToyItems, bash, grade_toy, held_by, plan_toy_run, scripted, solver
from party_factories import add, give


@pytest.fixture
def done(instance: Instance, sandbox: Sandbox) -> Run:
    """A run of six: the second reached out, the rest is fair."""
    import threading

    items = ToyItems(6)
    held = held_by(items)

    def say(asked: Asked) -> Said:
        return bash("curl https://example.org/; cat word.txt") if held(asked) == 1 and asked.turn == 0 else solver(asked)

    with instance.database.write() as tx:
        run = plan_toy_run(
            tx, items, actor=instance.actor.id, envelope=instance.envelope, policy=instance.policy.benchmarks, now=instance.clock.now(), seed="11" * 16
        )
    with scripted(say) as model:
        runner = Runner(
            instance.database, instance.envelope, instance.actor.id, instance.policy.benchmarks, instance.clock.now, sandbox, items, grade_toy
        )
        return runner.work(run.id, DirectEngine(), model.endpoint, threading.Event())


def reading(instance: Instance, call: Callable[..., Any], *arguments: Any) -> Any:
    with instance.read() as tx:
        return call(tx, *arguments, viewer=instance.actor.id, now=instance.clock.now())


def find(instance: Instance, sample: str, finding: Finding, reason: str = "seen") -> None:
    with instance.database.write() as tx:
        actions.record_finding(tx, sample, finding, reason, instance.envelope, actor=instance.actor.id, now=instance.clock.now())


def test_queue_has_flagged_ones_before_drawn_ones_and_does_not_say_how_they_ended(instance: Instance, done: Run) -> None:
    queue = reading(instance, store.list_queue, done.id)
    assert queue[0].flags[0] is Flag.INCIDENT
    assert len(queue) < 6
    assert {queued.flags for queued in queue[1:]} == {(Flag.DRAWN,)}
    assert not any("solved" in str(queued) for queued in queue)
    find(instance, queue[0].sample_id, Finding.FAIR)
    after = reading(instance, store.list_queue, done.id)
    assert (after[-1].sample_id, after[-1].finding, after[-1].findings) == (queue[0].sample_id, Finding.FAIR, 1)
    with instance.database.read() as tx:
        assert store.system_unread(tx, done.id) == len(queue) - 1


def test_transcript_is_given_only_after_the_record_says_who_opened_it(instance: Instance, done: Run) -> None:
    sample = reading(instance, store.list_queue, done.id)[0].sample_id
    document = actions.open_transcript(instance.database, sample, instance.envelope, actor=instance.actor.id, now=instance.clock.now())
    assert CANARY in str(document["messages"])
    with instance.database.read() as tx:
        assert ledger_store.events_about(tx, sample)[-1].kind == "TranscriptOpened"


def test_strangers_and_the_developer_of_the_model_find_no_transcript(instance: Instance, done: Run) -> None:
    sample = reading(instance, store.list_queue, done.id)[0].sample_id
    developer = add(instance, "Developer")
    give(instance, Grant(done.review_id, developer.id, Basis.PARTICIPANT))
    for party in (developer, add(instance, "Stranger")):
        with pytest.raises(NotFound):
            actions.open_transcript(instance.database, sample, instance.envelope, actor=party.id, now=instance.clock.now())
        with pytest.raises(NotFound), instance.database.write() as tx:
            actions.record_finding(tx, sample, Finding.CHEATED, "x", instance.envelope, actor=party.id, now=instance.clock.now())
        with instance.acting_as(party).read() as tx:
            assert store.list_queue(tx, done.id, viewer=party.id, now=instance.clock.now()) == []
    with pytest.raises(NotFound):
        actions.open_transcript(instance.database, new_id("smp"), instance.envelope, actor=instance.actor.id, now=instance.clock.now())


def test_latest_finding_stands_and_earlier_ones_stay(instance: Instance, done: Run) -> None:
    sample = reading(instance, store.list_queue, done.id)[0].sample_id

    def cell() -> tuple[CellState, bool]:
        with instance.database.read() as tx:
            number = next(each.number for each in runs.system_samples(tx, done.id) if each.id == sample)
            found = cells_of(tx, done.id)[number]
        return found.state, found.cheated

    assert cell() == (CellState.SOLVED, False)
    seen: list[tuple[CellState, bool]] = []
    for finding in (Finding.CHEATED, Finding.UNCLEAR, Finding.FAIR):
        instance.clock.at = instance.clock.now().replace(microsecond=len(seen) + 1)  # type: ignore[attr-defined]
        find(instance, sample, finding, f"because of {finding}")
        seen.append(cell())
    assert seen == [(CellState.SOLVED, True), (CellState.UNRESOLVED, False), (CellState.SOLVED, False)]
    kept = reading(instance, store.list_findings, sample, instance.envelope)
    assert [(each.finding, each.reason) for each in kept] == [(finding, f"because of {finding}") for finding in (Finding.CHEATED, Finding.UNCLEAR, Finding.FAIR)]
    with pytest.raises(Invalid):
        find(instance, sample, Finding.FAIR, " ")


def test_transcript_under_another_digest_is_not_given(instance: Instance, done: Run) -> None:
    from sqlalchemy import update

    sample = reading(instance, store.list_queue, done.id)[0].sample_id
    with instance.database.write() as tx:
        tx.derive(update(runs.eval_samples).where(runs.eval_samples.c.sample_id == sample).values(transcript_digest="sha256:other"))
    with pytest.raises(Unavailable, match="digest"):
        actions.open_transcript(instance.database, sample, instance.envelope, actor=instance.actor.id, now=instance.clock.now())
