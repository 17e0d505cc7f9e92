"""Edges on an instance: they join, ask and hold apart, people outrank them, and withdrawing one restores the exact state."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from clearinghouse.app import process
from clearinghouse.app.views import report as report_views
from clearinghouse.app.wiring import Instance
from clearinghouse.core.clock import FixedClock
from clearinghouse.core.errors import Conflict, Invalid, NotFound, NotPermitted
from clearinghouse.core.roles import Role
from clearinghouse.disclosure.deconfliction import store
from clearinghouse.disclosure.deconfliction.execution import store as execution
from clearinghouse.disclosure.deconfliction.execution.actions import Kept, keep_edges, withdraw_edge
from clearinghouse.disclosure.deconfliction.execution.records import Said, Strength
from clearinghouse.disclosure.deconfliction.learning.rules import decided_pairs
from clearinghouse.disclosure.deconfliction.placements import words
from clearinghouse.disclosure.deconfliction.records import DecisionKind, Verdict
from clearinghouse.disclosure.deconfliction.telling import store as tellings
from party_factories import add
from properties.test_deconfliction_of_an_instance import decide, fresh, lines, partition, reports, state, take, undo

ALDER, BIRCH, CEDAR = (frozenset(f"{name}-{number}" for number in range(3)) for name in ("alder", "birch", "cedar"))
STRONG, MEDIUM, WEAK, DIFFERENT = Strength.STRONG, Strength.MEDIUM, Strength.WEAK, Strength.DIFFERENT


def say(instance: Instance, *said: tuple[str, str, Strength], among: Sequence[str] | None = None) -> Kept:
    numbers = {name: report.number for name, report in reports(instance).items()}
    edges = [
        Said(min(numbers[one], numbers[other]), max(numbers[one], numbers[other]), strength, f"sha256:{strength}")
        for one, other, strength in said
    ]
    spoken = among if among is not None else sorted({name for one, other, _ in said for name in (one, other)})
    with instance.database.write() as tx:
        return keep_edges(
            tx, edges, among=[numbers[name] for name in spoken], actor=instance.system, envelope=instance.envelope,
            thresholds=instance.policy.deconfliction, now=instance.clock.now(),
        )


def verdicts(instance: Instance) -> dict[str, str]:
    names = {report.number: name for name, report in reports(instance).items()}
    return {names[placement.number]: placement.verdict for placement in state(instance)}


@pytest.fixture
def settled(instance: Instance, tmp_path: Path) -> Instance:
    take(instance, tmp_path, "all.ndjson", lines())
    assert {ALDER, BIRCH, CEDAR} <= partition(instance)
    return instance


def test_a_strong_edge_joins_and_its_withdrawal_restores_the_exact_state(settled: Instance) -> None:
    before = state(settled)
    kept = say(settled, ("alder-0", "birch-1", STRONG))
    assert len(kept.moved) > 0
    joined = next(group for group in partition(settled) if "alder-0" in group)
    assert "birch-1" in joined
    with settled.database.write() as tx:
        withdraw_edge(
            tx, kept.added[0], actor=settled.actor.id, envelope=settled.envelope, thresholds=settled.policy.deconfliction, now=settled.clock.now()
        )
    assert state(settled) == before


def test_edges_outlive_a_settling_and_it_gives_the_same(settled: Instance) -> None:
    say(settled, ("alder-0", "birch-1", STRONG), ("cedar-0", "cedar-1", DIFFERENT))
    online = (partition(settled), verdicts(settled))
    process.deconflict(settled, settle=True)
    assert (partition(settled), verdicts(settled)) == online


def test_a_medium_edge_asks_a_person_and_joins_nothing(settled: Instance) -> None:
    before = partition(settled)
    say(settled, ("alder-0", "birch-0", MEDIUM))
    assert partition(settled) == before
    known = reports(settled)
    later = max(("alder-0", "birch-0"), key=lambda name: known[name].number)
    assert verdicts(settled)[later] == Verdict.UNSURE


def test_a_difference_holds_apart_what_text_joined(settled: Instance) -> None:
    say(settled, ("alder-0", "alder-1", DIFFERENT))
    assert not any({"alder-0", "alder-1"} <= group for group in partition(settled))


def test_people_outrank_execution_either_way(settled: Instance) -> None:
    decide(settled, DecisionKind.MERGE, "alder-0", "birch-0")
    merged = partition(settled)
    say(settled, ("alder-0", "birch-0", DIFFERENT))
    assert partition(settled) == merged
    apart = decide(settled, DecisionKind.NOT_SAME, "cedar-0", "damson-0")
    say(settled, ("cedar-0", "damson-0", STRONG))
    assert not any({"cedar-0", "damson-0"} <= group for group in partition(settled))
    known = reports(settled)
    shown = report_views.compare(settled, known["cedar-0"].id, known["damson-0"].id).explained.candidate
    assert shown.evidence[0].wording == "execution: the patch for each stops the reproducer of the other; a person held them apart"
    undo(settled, apart)
    assert any({"cedar-0", "damson-0"} <= group for group in partition(settled))


def test_what_is_no_longer_said_is_withdrawn_and_what_is_said_again_is_kept(settled: Instance) -> None:
    before = state(settled)
    first = say(settled, ("alder-0", "birch-1", STRONG), ("alder-0", "cedar-0", MEDIUM))
    again = say(settled, ("alder-0", "birch-1", STRONG), ("alder-0", "cedar-0", MEDIUM))
    assert again == Kept((), (), ())
    last = say(settled, among=["alder-0", "birch-1", "cedar-0"])
    assert (last.added, sorted(last.withdrawn)) == ((), sorted(first.added))
    assert state(settled) == before


def test_an_edge_to_a_report_that_was_not_run_is_left_alone(settled: Instance) -> None:
    kept = say(settled, ("alder-0", "birch-0", MEDIUM))
    say(settled, among=["alder-0", "cedar-0"])
    with settled.database.read() as tx:
        assert [edge.id for edge in execution.system_standing(tx)] == list(kept.added)


def test_the_order_in_which_edges_come_does_not_matter(tmp_path: Path, clock: FixedClock) -> None:
    said = [("alder-0", "birch-0", STRONG), ("birch-1", "cedar-0", STRONG), ("alder-1", "cedar-1", DIFFERENT), ("fir-0", "gorse-0", MEDIUM)]
    seen = []
    for turn in range(2):
        folder = tmp_path / str(turn)
        folder.mkdir()
        instance = fresh(folder, f"sqlite:///{folder / 'db'}", clock)
        take(instance, folder, "all.ndjson", lines())
        for each in said[:: 1 if turn else -1]:
            say(instance, each)
        seen.append((partition(instance), verdicts(instance)))
    assert seen[0] == seen[1]


def test_nothing_is_learned_from_execution_and_nobody_is_told_by_it(settled: Instance) -> None:
    say(settled, ("alder-0", "birch-1", STRONG))
    with settled.database.read() as tx:
        assert decided_pairs(words(store.list_decisions(tx, settled.envelope, standing_only=True)), 50) == {}
        assert tellings.system_waiting(tx, None, 10) == []


def test_the_event_of_an_edge_names_no_report(settled: Instance) -> None:
    from clearinghouse.ledger.store import events_about

    kept = say(settled, ("alder-0", "birch-1", STRONG))
    with settled.database.read() as tx:
        about = [event.kind for event in events_about(tx, reports(settled)["alder-0"].id)]
        [compared] = events_about(tx, kept.added[0])
    assert "ExecutionCompared" not in about
    assert compared.kind == "ExecutionCompared"


def test_what_cannot_be_said_is_refused(settled: Instance) -> None:
    with pytest.raises(Invalid):
        say(settled, ("alder-0", "birch-0", STRONG), among=["alder-0"])
    number = reports(settled)["alder-0"].number
    with pytest.raises(Conflict), settled.database.write() as tx:
        keep_edges(
            tx, [Said(number, number + 10_000, STRONG, "sha256:0")], among=[number, number + 10_000], actor=settled.system,
            envelope=settled.envelope, thresholds=settled.policy.deconfliction, now=settled.clock.now(),
        )


def test_who_is_on_duty_for_neither_report_finds_no_edge(settled: Instance) -> None:
    kept = say(settled, ("alder-0", "birch-1", STRONG))
    stranger = add(settled, "Stranger", Role.COORDINATOR)
    reader = add(settled, "Reader", Role.REPORTER)
    for actor, edge_id, error in ((stranger, kept.added[0], NotFound), (settled.actor, "exe_" + "a" * 26, NotFound), (reader, kept.added[0], NotPermitted)):
        with pytest.raises(error), settled.database.write() as tx:
            withdraw_edge(
                tx, edge_id, actor=actor.id, envelope=settled.envelope, thresholds=settled.policy.deconfliction, now=settled.clock.now()
            )
