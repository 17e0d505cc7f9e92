"""A run: every cell of the plan, what is committed, what is run again, and where it goes on."""

import threading
from dataclasses import replace
from datetime import timedelta

import pytest

from clearinghouse.app.wiring import Instance
from clearinghouse.core.clock import FixedClock
from clearinghouse.core.errors import Conflict, Invalid, NotFound, Unavailable
from clearinghouse.core.ids import RunId, new_id
from clearinghouse.evaluation.benchmarks.records import Grade, Item
from clearinghouse.evaluation.benchmarks.running import actions, store
from clearinghouse.evaluation.benchmarks.running.jobs import cells_of, check
from clearinghouse.evaluation.benchmarks.running.records import Purpose, Run, RunState
from clearinghouse.evaluation.statistics.records import CellState, Effort
from clearinghouse.ledger import store as ledger_store
from clearinghouse.parties.records import Basis, Grant
from eval_support import CANARY, Asked, Said, ToyItems, bash, held_by, scripted, solver, submit
from party_factories import add, give

pytestmark = pytest.mark.usefixtures("sandbox")


def states(instance: Instance, run: Run) -> list[CellState]:
    with instance.database.read() as tx:
        return [cell.state for cell in cells_of(tx, run.id)]


def test_run_fills_every_cell_in_the_order_of_the_plan_and_keeps_count(instance: Instance, plan, work) -> None:  # type: ignore[no-untyped-def]
    items = ToyItems(4)
    wrong = {1, 2}
    held = held_by(items)
    with scripted(lambda asked: submit("no") if held(asked) in wrong else solver(asked)) as model:
        run = plan(items, epochs=2)
        done = work(run, items, model)
    assert (done.state, done.done, done.total) == (RunState.DONE, 8, 8)
    with instance.database.read() as tx:
        cells = cells_of(tx, run.id)
        samples = store.system_samples(tx, run.id)
        facts = check(tx, done, instance.envelope, deep=True)
        controls = store.system_controls(tx, run.id)
    assert [(cell.item.family, cell.epoch) for cell in cells] == [("family0", 1), ("family0", 2)] * 2 + [("family1", 1), ("family1", 2), ("family2", 1), ("family2", 2)]
    assert [cell.state for cell in cells] == [CellState.SOLVED] * 4 + [CellState.UNSOLVED] * 4
    assert model.samples() == [sample.id for sample in samples]
    assert {cell.tokens for cell in cells} == {240, 120}
    assert sum(cell.cost_microdollars for cell in cells) == 4 * 800 + 4 * 400
    assert facts == ()
    assert {control.passed for control in controls.values()} == {True}
    about = [about for _, about in items.opened]
    assert about == ["control"] * 4 + [sample.id for sample in samples]


def test_samples_and_requests_tell_nobody_which_item_they_are(instance: Instance, plan, work) -> None:  # type: ignore[no-untyped-def]
    items = ToyItems(1)
    with scripted(solver) as model:
        run = plan(items)
        work(run, items, model)
    said = [str(asked.headers) + asked.sample for asked in model.asked]
    assert not any(item in each for each in said for item in [*items.items, "b0"])


@pytest.mark.parametrize("at_once", [1, 4])
def test_what_our_own_side_failed_at_is_run_again_and_then_stays(instance: Instance, plan, work, at_once: int) -> None:  # type: ignore[no-untyped-def]
    items = ToyItems(5)
    held, seen = held_by(items), dict.fromkeys(range(5), 0)

    def say(asked: Asked) -> Said:
        number = held(asked)
        if asked.turn == 0:
            seen[number] += 1
        if asked.turn == 1 and (number == 1 or (number == 2 and seen[2] == 1)):
            return Said(status=500)
        return solver(asked)

    with scripted(say) as model:
        run = plan(items, at_once=at_once)
        assert work(run, items, model).state is RunState.DONE
    with instance.database.read() as tx:
        found = {sample.item: (sample.outcome, sample.attempts, sample.calls) for sample in store.system_samples(tx, run.id)}
    assert found == {
        "b0": (CellState.SOLVED, 1, 2), "b1": (CellState.INFRASTRUCTURE, 3, 3), "b2": (CellState.SOLVED, 2, 3), "b3": (CellState.SOLVED, 1, 2),
        "b4": (CellState.SOLVED, 1, 2),
    }


def test_model_that_is_not_there_pauses_the_run_before_it_uses_up_every_cell(instance: Instance, plan, work) -> None:  # type: ignore[no-untyped-def]
    items = ToyItems(12)
    with scripted(lambda asked: Said(status=401)) as model:
        run = plan(items)
        paused = work(run, items, model)
        assert (paused.state, paused.why) == (RunState.PAUSED, "unavailable")
        assert states(instance, run).count(CellState.NOT_RUN) == 9
        model.say = solver
        assert work(run, items, model).state is RunState.DONE
    assert states(instance, run) == [CellState.SOLVED] * 12


def test_window_that_closes_leaves_cells_that_never_ran_in_the_denominator(instance: Instance, plan, work) -> None:  # type: ignore[no-untyped-def]
    items = ToyItems(4)
    with scripted(lambda asked: solver(asked) if asked.number < 3 else Said(status=403, code="window_closed")) as model:
        run = plan(items)
        paused = work(run, items, model)
        assert (paused.state, paused.why, paused.done) == (RunState.PAUSED, "no access", 1)
        # The second sample was cut in the middle: our side ended it. Within a window it would be run again.
        assert states(instance, run) == [CellState.SOLVED, CellState.INFRASTRUCTURE, CellState.NOT_RUN, CellState.NOT_RUN]
        with instance.database.write() as tx:
            actions.end(tx, paused, "window", actor=instance.actor.id, now=instance.clock.now())
        with pytest.raises(Conflict):
            work(run, items, model)
    assert len(states(instance, run)) == 4


def test_run_that_is_stopped_goes_on_where_it_was(instance: Instance, plan, work) -> None:  # type: ignore[no-untyped-def]
    items, stop = ToyItems(4), threading.Event()

    def say(asked: Asked) -> Said:
        if len(model.samples()) == 3:
            stop.set()
            return replace(solver(asked), wait_seconds=0.3)
        return solver(asked)

    with scripted(say) as model:
        run = plan(items)
        paused = work(run, items, model, stop)
        assert (paused.state, paused.why) == (RunState.PAUSED, "stopped")
        first = model.samples()
        model.say = solver
        assert work(run, items, model).state is RunState.DONE
    assert states(instance, run) == [CellState.SOLVED] * 4
    with instance.database.read() as tx:
        samples = store.system_samples(tx, run.id)
    assert model.samples() == [sample.id for sample in samples]
    assert [sample.attempts for sample in samples] == [1, 1, 2, 1]
    assert len(first) == 3


def test_items_that_are_not_released_pause_the_run(instance: Instance, plan, work) -> None:  # type: ignore[no-untyped-def]
    items = ToyItems(2)
    items.released = False
    with scripted(solver) as model:
        run = plan(items)
        assert work(run, items, model).why == "not released"
        items.released = True

        def say(asked: Asked) -> Said:
            items.released = False
            return solver(asked)

        model.say = say
        assert work(run, items, model).why == "not released"
        assert states(instance, run) == [CellState.SOLVED, CellState.NOT_RUN]


def test_reviews_word_holds_a_run_back(instance: Instance, plan, work) -> None:  # type: ignore[no-untyped-def]
    items = ToyItems(1)
    with scripted(solver) as model:
        run = plan(items)
        assert work(run, items, model, may_go_on=lambda: "probe due").why == "probe due"
    assert model.asked == []


def test_two_workers_never_have_one_run_and_a_dead_ones_is_taken_over(instance: Instance, clock: FixedClock, plan, work) -> None:  # type: ignore[no-untyped-def]
    items, now = ToyItems(2), clock.now()
    run = plan(items)
    with instance.database.write() as tx:
        actions.claim(tx, run.id, "lse_dead", until=now + timedelta(seconds=60), actor=instance.actor.id, now=now)
        actions.begin_sample(tx, store.system_samples(tx, run.id)[0], "lse_dead", actor=instance.actor.id, now=now)
    with scripted(solver) as model:
        with pytest.raises(Conflict, match="another worker"):
            work(run, items, model)
        clock.at += timedelta(seconds=61)
        assert work(run, items, model).state is RunState.DONE
    with instance.database.read() as tx:
        samples = store.system_samples(tx, run.id)
    assert [(sample.outcome, sample.attempts) for sample in samples] == [(CellState.SOLVED, 2), (CellState.SOLVED, 1)]
    with pytest.raises(Conflict, match="another worker's"), instance.database.write() as tx:
        actions.begin_sample(tx, samples[0], "lse_dead", actor=instance.actor.id, now=now)


def test_sample_whose_worker_died_each_time_is_given_up(instance: Instance, clock: FixedClock, plan, work) -> None:  # type: ignore[no-untyped-def]
    items = ToyItems(2)
    run = plan(items)
    for number in range(3):
        with instance.database.write() as tx:
            actions.claim(tx, run.id, f"lse_{number}", until=clock.now(), actor=instance.actor.id, now=clock.now())
            actions.begin_sample(tx, store.system_samples(tx, run.id)[0], f"lse_{number}", actor=instance.actor.id, now=clock.now())
    clock.at += timedelta(seconds=61)
    with scripted(solver) as model:
        assert work(run, items, model).state is RunState.DONE
    assert states(instance, run) == [CellState.INFRASTRUCTURE, CellState.SOLVED]


def test_everything_of_a_sample_is_kept_in_one_step_and_bound_by_the_ledger(instance: Instance, plan, work) -> None:  # type: ignore[no-untyped-def]
    items = ToyItems(1)
    with scripted(solver) as model:
        run = plan(items)
        work(run, items, model)
    with instance.database.read() as tx:
        (sample,) = store.system_samples(tx, run.id)
        events = ledger_store.events_about(tx, sample.id)
        (opened,) = store.system_transcripts(tx, run.id, store.system_key(tx, run.id, instance.envelope)).values()
    assert [event.kind for event in events] == ["SampleBegun", "SampleEnded"]
    assert sample.transcript_digest in str(events[1].details)
    assert "solved" not in str([event.details for event in events])
    assert CANARY in opened.decode()


def test_tampering_incidents_and_ungradable_answers_come_out_as_such(instance: Instance, plan, work) -> None:  # type: ignore[no-untyped-def]
    items = ToyItems(3)
    held = held_by(items)

    def say(asked: Asked) -> Said:
        word = {0: "tamper", 1: "ungradable", 2: "fine"}[held(asked)]
        return bash(f"printf {word} > extra.txt") if asked.turn == 0 else submit(f"word{held(asked)}zebra"[::-1])

    with scripted(say) as model:
        run = plan(items)
        work(run, items, model)
    assert states(instance, run) == [CellState.SOLVED, CellState.INFRASTRUCTURE, CellState.SOLVED]
    now = instance.clock.now()
    with instance.read() as tx:
        incidents = store.list_incidents(tx, run.id, instance.envelope, viewer=instance.actor.id, now=now)
    assert [(each.kind, each.certainty) for each in incidents] == [("write_verdict", "pattern")]


@pytest.mark.parametrize(
    ("broken", "found"), [("positive", (False, True)), ("negative", (True, False)), ("none", (None, None))]
)
def test_controls_go_through_the_same_grader_and_a_broken_item_is_a_fact(instance: Instance, plan, work, broken: str, found: tuple[bool, bool]) -> None:  # type: ignore[no-untyped-def]
    items = ToyItems(1)
    answers = {"positive": Grade(False), "negative": Grade(True), "none": Grade(None)}
    with scripted(solver) as model:
        run = plan(items)
        done = work(run, items, model, grade=lambda *_: answers[broken])
    with instance.database.read() as tx:
        (control,) = store.system_controls(tx, run.id).values()
        facts = check(tx, done, instance.envelope)
    assert (control.positive, control.negative) == found
    assert "controls" in {fact.check for fact in facts}


def test_named_checks_catch_other_builds_cut_answers_reused_items_and_altered_transcripts(instance: Instance, clock: FixedClock, plan, work) -> None:  # type: ignore[no-untyped-def]
    items = ToyItems(3)
    held = held_by(items)
    with scripted(solver) as model:
        first = plan(items)
        work(first, items, model)
        assert check_names(instance, first) == set()
        model.say = lambda asked: replace(solver(asked), build=f"fp_{held(asked)}", cut=held(asked) == 2)
        second = plan(items)
        clock.at += timedelta(seconds=1)
        work(second, items, model)
    assert check_names(instance, second) == {"model_changed", "truncated", "item_reused"}
    assert check_names(instance, first) == set(), "the first met them first"
    with instance.database.write() as tx:
        from sqlalchemy import delete, update

        tx.derive(update(store.eval_samples).where(store.eval_samples.c.run_id == first.id, store.eval_samples.c.number == 0).values(transcript_digest="sha256:other"))
        gone = store.system_samples(tx, first.id)[2].id
        tx.derive(delete(store.eval_samples).where(store.eval_samples.c.sample_id == gone))
    assert check_names(instance, first) == {"transcripts", "grid"}


def test_item_the_model_met_stays_met_though_a_later_attempt_never_reached_it(instance: Instance, clock: FixedClock, plan, work) -> None:  # type: ignore[no-untyped-def]
    items = ToyItems(1)
    say = iter([bash("true"), Said(status=401), Said(status=403, code="suspended")])
    with scripted(lambda asked: next(say)) as model:
        first = plan(items)
        work(first, items, model)
        with instance.database.read() as tx:
            (sample,) = store.system_samples(tx, first.id)
        assert (sample.attempts, sample.outcome) == (1, None)
        clock.at += timedelta(seconds=1)
        model.say = solver
        second = plan(items)
        work(second, items, model)
        clock.at += timedelta(seconds=100)
        work(first, items, model)
    assert check_names(instance, second) == {"item_reused"}
    assert check_names(instance, first) == set(), "the first met it first, whenever it ended"


def test_watch_goes_on_after_a_look_that_failed(instance: Instance, plan, work) -> None:  # type: ignore[no-untyped-def]
    items, looks = ToyItems(12), []

    def may_go_on() -> str:
        if threading.current_thread().name != "run-watch":
            return ""
        looks.append(1)
        if len(looks) == 1:
            raise OSError("the database was restarted")
        return "the review is paused"

    with scripted(lambda asked: replace(solver(asked), wait_seconds=0.15)) as model:
        paused = work(plan(items), items, model, may_go_on=may_go_on)
    assert (paused.state, paused.why) == (RunState.PAUSED, "the review is paused")


def test_items_that_cannot_be_opened_for_their_controls_leave_the_run_to_others(instance: Instance, plan, work) -> None:  # type: ignore[no-untyped-def]
    class Shut(ToyItems):
        def open_item(self, item_id: str, *, run_id: RunId, about: str) -> Item:
            raise Unavailable("altered")

    items = ToyItems(1)
    run = plan(items)
    with scripted(solver) as model:
        paused = work(run, Shut(0), model)
        assert (paused.state, paused.why) == (RunState.PAUSED, "unavailable")
        assert work(run, items, model).state is RunState.DONE


def check_names(instance: Instance, run: Run) -> set[str]:
    with instance.database.read() as tx:
        return {fact.check for fact in check(tx, run, instance.envelope, deep=True)}


def test_other_model_versions_and_practice_are_no_reuse(instance: Instance, plan, work) -> None:  # type: ignore[no-untyped-def]
    items = ToyItems(1)
    with scripted(solver) as model:
        for changes in ({"purpose": Purpose.PRACTICE}, {"model_version": "toy/2"}, {}):
            run = plan(items, **changes)
            work(run, items, model)
            assert check_names(instance, run) == set()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"tokens": 10**9}, "tokens"), ({"messages": 0}, "messages"), ({"seconds": 1e9}, "seconds"), ({"at_once": 99}, "at once"),
        ({"reviewed_share": 0.01}, "transcripts"), ({"seed": "xy"}, "seed"), ({"seed": "00"}, "seed"), ({"epochs": 0}, "epoch"),
    ],
)
def test_plan_beyond_what_the_instance_allows_is_refused(plan, changes: dict[str, object], words: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(Invalid, match=words):
        plan(ToyItems(1), **changes)


def test_progress_is_for_who_takes_part_and_tells_no_outcome_and_strangers_find_nothing(instance: Instance, review: str, plan, work) -> None:  # type: ignore[no-untyped-def]
    items, now = ToyItems(2), instance.clock.now()
    developer, stranger = add(instance, "Developer"), add(instance, "Stranger")
    give(instance, Grant(review, developer.id, Basis.PARTICIPANT))
    with scripted(lambda asked: replace(solver(asked)) if asked.turn else bash("curl https://example.org/; cat word.txt")) as model:
        run = plan(items)
        work(run, items, model)
    seen = {}
    for viewer in (instance.actor, developer, stranger):
        with instance.acting_as(viewer).read() as tx:
            found = store.find_run(tx, run.id, viewer=viewer.id, now=now)
            progress = None if found is None else store.read_progress(tx, found, viewer=viewer.id, now=now)
            incidents = store.list_incidents(tx, run.id, instance.envelope, viewer=viewer.id, now=now)
            controls = store.list_controls(tx, run.id, viewer=viewer.id, now=now)
        seen[viewer.id] = (None if progress is None else (progress.run.done, progress.tokens, progress.incidents), len(incidents), len(controls))
    noted = seen[instance.actor.id][1]
    assert noted >= 2
    assert seen == {instance.actor.id: ((2, 480, noted), noted, 2), developer.id: ((2, 480, noted), 0, 0), stranger.id: (None, 0, 0)}
    with pytest.raises(NotFound), instance.database.write() as tx:
        actions.stop(tx, run.id, actor=stranger.id, now=now)


def test_effort_is_on_the_record_and_adds_up(instance: Instance, review: str, plan) -> None:  # type: ignore[no-untyped-def]
    now = instance.clock.now()
    give(instance, Grant(review, instance.actor.id, Basis.PARTICIPANT))
    one, two = Effort(1, 3, 10, 5_000, 2.5, ("bash",)), Effort(2, 1, 4, 1_000, 1.0, ("bash", "editor"), fine_tuning=True, safeguards="reduced", notes={"who": "we"})
    with instance.database.write() as tx:
        for effort in (one, two):
            actions.record_effort(tx, review, effort, actor=instance.actor.id, envelope=instance.envelope, now=now)  # type: ignore[arg-type]
    with instance.read() as tx:
        kept = store.list_efforts(tx, review, instance.envelope, viewer=instance.actor.id, now=now)
    assert [each.effort for each in sorted(kept, key=lambda each: each.effort.scaffolds)] == [one, two]
    assert actions.total_effort(kept) == Effort(3, 4, 14, 6_000, 3.5, ("bash", "editor"), True, "reduced")
    with pytest.raises(Invalid), instance.database.write() as tx:
        actions.record_effort(tx, review, replace(one, tokens=-1), actor=instance.actor.id, envelope=instance.envelope, now=now)  # type: ignore[arg-type]


def test_ids_of_others_and_nonsense_are_not_found(instance: Instance, plan, work) -> None:  # type: ignore[no-untyped-def]
    for run_id in (new_id("run"), "nonsense"):
        with pytest.raises(NotFound), instance.database.write() as tx:
            actions.claim(tx, run_id, "lse", until=instance.clock.now(), actor=instance.actor.id, now=instance.clock.now())
