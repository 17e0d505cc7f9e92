"""Learning on a whole instance: what people decide becomes a correction, and a newer model moves nothing that they touched."""

import itertools
import threading

import numpy as np
import pytest

from clearinghouse.app import process
from clearinghouse.app.wiring import Instance
from clearinghouse.core.errors import Conflict, Invalid, NotFound, NotPermitted
from clearinghouse.core.ids import new_id
from clearinghouse.disclosure.coordination.embargo.store import embargoes
from clearinghouse.disclosure.deconfliction import actions, store
from clearinghouse.disclosure.deconfliction.jobs import Matching, last_graph
from clearinghouse.disclosure.deconfliction.learning import actions as learning
from clearinghouse.disclosure.deconfliction.learning import store as learned
from clearinghouse.disclosure.deconfliction.learning.records import ProposalKind, ProposalState, Version, VersionState
from clearinghouse.disclosure.deconfliction.records import DecisionKind
from clearinghouse.ledger import actions as ledger
from clearinghouse.ledger.store import count_events
from learning_support import MODULES, clusters, decide, named, put_in_force, take_in
from party_factories import add
from room_cast import Cast


def versions(instance: Instance) -> list[Version]:
    with instance.database.read() as tx:
        return learned.list_versions(tx)


def events(instance: Instance, kind: str) -> int:
    with instance.database.read() as tx:
        return count_events(tx).get(kind, 0)


def habit(instance: Instance) -> None:
    """Decisions of one habit: all three tellings are one flaw, neighbours never are, however alike they sound."""
    for module in MODULES:
        together = next(group for group in clusters(instance) if f"{module}-0" in group)
        for other in (f"{module}-1", f"{module}-2"):
            if other not in together:
                decide(instance, DecisionKind.MERGE, f"{module}-0", other)
    for one, other in itertools.pairwise(MODULES):
        for at in range(3):
            decide(instance, DecisionKind.NOT_SAME, f"{one}-{at}", f"{other}-0", f"{other}-1", f"{other}-2")


def test_decisions_become_a_version_that_changes_nothing_before_it_is_adopted(sqlite_instance: Instance) -> None:
    instance = sqlite_instance
    take_in(instance)
    habit(instance)
    process.deconflict(instance, settle=True)
    (version,) = versions(instance)
    assert (version.state, version.correction.loss_after < version.correction.loss_before) == (VersionState.PROPOSED, True)
    assert version.correction.pairs >= instance.policy.learning.decided_min
    assert version.effect.judged > 0
    assert events(instance, "CorrectionFitted") == 1
    before, model = clusters(instance), process.matching(instance)
    with instance.database.read() as tx:
        assert model.model(tx).digest == model.scorer.digest
    process.deconflict(instance, settle=True)
    assert (clusters(instance), len(versions(instance))) == (before, 1)

    with instance.database.write() as tx:
        learning.adopt(tx, version.id, model.scorer.digest, actor=instance.actor.id, now=instance.clock.now())
    with instance.database.read() as tx:
        assert process.matching(instance).model(tx).digest != model.scorer.digest
    with instance.database.write() as tx:
        learning.retire(tx, version.id, actor=instance.actor.id, now=instance.clock.now())
    process.deconflict(instance, settle=True)
    assert clusters(instance) == before


def test_decisions_under_embargo_teach_nothing(sqlite_instance: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    instance = sqlite_instance
    take_in(instance)
    habit(instance)
    held = {report.number for report in named(instance).values()}
    monkeypatch.setattr(process, "under_embargo", lambda tx: held)
    process.deconflict(instance, settle=True)
    assert versions(instance) == []
    monkeypatch.undo()
    process.deconflict(instance, settle=True)
    assert len(versions(instance)) == 1


def test_a_report_is_closed_to_learning_from_the_proposal_of_an_embargo_to_its_end(instance: Instance) -> None:
    from clearinghouse.app.learning import taken_up, under_embargo
    from clearinghouse.disclosure.coordination.embargo.records import EmbargoState

    take_in(instance, ("alder",))
    report = named(instance)["alder-0"]
    case_id = Cast(instance).open(report.id)
    found = []
    for state in (None, EmbargoState.PROPOSED, EmbargoState.ACTIVE, EmbargoState.REVISE, EmbargoState.EXITED):
        with instance.database.write() as tx:
            if state is not None:
                from clearinghouse.core.events import Event

                embargo = embargoes.begin(tx, case_id)
                embargoes.change_state(tx, embargo, state)
                ledger.record(tx, Event("Tested", (case_id,)), actor=instance.actor.id, now=instance.clock.now())
        with instance.database.read() as tx:
            found.append((report.number in under_embargo(tx), set(taken_up(tx))))
    assert found == [(closed, {report.number}) for closed in (False, True, True, True, False)]


def test_a_newer_model_parts_nothing_that_people_touched_and_proposes_it_instead(instance: Instance) -> None:
    take_in(instance, ("alder", "birch"))
    before = clusters(instance)
    alder = next(group for group in before if "alder-0" in group)
    assert len(alder) > 1, "the model has something to part"
    decide(instance, DecisionKind.NOT_SAME, "alder-0", "birch-0")
    put_in_force(instance, -9.0)
    process.deconflict(instance, settle=True)
    after = clusters(instance)
    assert alder in after
    assert {group for group in before if "birch-0" in group} <= after
    with instance.database.read() as tx:
        waiting = learned.open_proposals(tx)
    assert {one.difference.kind for one in waiting} == {ProposalKind.PART}
    assert all(one.probability_after < one.probability_before and one.model_before != one.model_after for one in waiting)
    process.deconflict(instance, settle=True)
    assert clusters(instance) == after, "what waits holds in the next settling too"

    first = waiting[0]
    with instance.database.write() as tx:
        done = learning.answer(
            tx, first.id, accept=True, reason="they are two", actor=instance.actor.id, envelope=instance.envelope,
            thresholds=instance.policy.deconfliction, now=instance.clock.now(),
        )
    names = {report.number: name for name, report in named(instance).items()}
    leaving, staying = (frozenset(names[number] for number in group) for group in first.difference.groups)
    assert not any(leaving & group and staying & group for group in clusters(instance))
    with instance.database.write() as tx:
        actions.undo(tx, done.id, actor=instance.actor.id, envelope=instance.envelope, thresholds=instance.policy.deconfliction, now=instance.clock.now())
        with pytest.raises(NotFound):
            learning.answer(
                tx, first.id, accept=True, reason="again", actor=instance.actor.id, envelope=instance.envelope,
                thresholds=instance.policy.deconfliction, now=instance.clock.now(),
            )
    with instance.database.read() as tx:
        kept = learned.find_proposal(tx, first.id)
    assert kept is not None
    assert (kept.state, kept.decision) == (ProposalState.ACCEPTED, done.id)


def test_a_newer_model_joins_nothing_that_people_touched_and_a_dismissal_holds(instance: Instance) -> None:
    take_in(instance, ("alder", "birch", "cedar"))
    before = clusters(instance)
    decide(instance, DecisionKind.NOT_SAME, "cedar-0", "birch-0")
    put_in_force(instance, 9.0)
    process.deconflict(instance, settle=True)
    assert clusters(instance) == before
    with instance.database.read() as tx:
        waiting = learned.open_proposals(tx)
    assert {one.difference.kind for one in waiting} == {ProposalKind.JOIN}
    for one in waiting:
        with instance.database.write() as tx:
            learning.answer(
                tx, one.id, accept=False, reason="siblings", actor=instance.actor.id, envelope=instance.envelope,
                thresholds=instance.policy.deconfliction, now=instance.clock.now(),
            )
    process.deconflict(instance, settle=True)
    assert clusters(instance) == before
    with instance.database.read() as tx:
        assert learned.open_proposals(tx) == []


def test_an_answer_outranks_nobody_who_held_reports_apart_and_speaks_of_what_is_left(instance: Instance) -> None:
    """Three that a newer model would part, one of them taken out by a person since: it does not come back by "keep as it is"."""
    take_in(instance, ("alder", "birch"))
    decide(instance, DecisionKind.NOT_SAME, "alder-0", "birch-0")
    for module in ("alder", "birch"):
        if len({frozenset(group) for group in clusters(instance) if any(name.startswith(module) for name in group)}) > 1:
            decide(instance, DecisionKind.MERGE, *(f"{module}-{at}" for at in range(3)))
    decide(instance, DecisionKind.NOT_SAME, "alder-0", "birch-1")
    put_in_force(instance, 9.0)
    process.deconflict(instance, settle=True)
    with instance.database.read() as tx:
        waiting = [one for one in learned.open_proposals(tx) if one.difference.kind is ProposalKind.JOIN]
    before = clusters(instance)

    def answering(proposal: str, *, accept: bool) -> None:
        with instance.database.write() as tx:
            learning.answer(
                tx, proposal, accept=accept, reason="so", actor=instance.actor.id, envelope=instance.envelope,
                thresholds=instance.policy.deconfliction, now=instance.clock.now(),
            )

    for one in waiting:
        with pytest.raises(Conflict, match="held apart"):
            answering(one.id, accept=True)
    assert clusters(instance) == before


def test_proposals_nobody_answered_go_with_the_model_that_made_them(sqlite_instance: Instance) -> None:
    instance = sqlite_instance
    take_in(instance, ("alder", "birch"))
    before = clusters(instance)
    decide(instance, DecisionKind.NOT_SAME, "alder-0", "birch-0")
    version = put_in_force(instance, -9.0)
    process.deconflict(instance, settle=True)
    with instance.database.read() as tx:
        waiting = learned.open_proposals(tx)
    assert waiting
    with instance.database.write() as tx:
        learning.retire(tx, version.id, actor=instance.actor.id, now=instance.clock.now())
    process.deconflict(instance, settle=True)
    with instance.database.read() as tx:
        states = {kept.state for one in waiting if (kept := learned.find_proposal(tx, one.id)) is not None}
        assert (states, learned.open_proposals(tx)) == ({ProposalState.OVERTAKEN}, [])
    assert clusters(instance) == before


def test_an_upgrade_that_drops_what_was_derived_keeps_what_people_touched(sqlite_instance: Instance) -> None:
    """Signatures, index and placements are derived and may go with a new format; the judged graph tells what the clusters were."""
    instance = sqlite_instance
    take_in(instance, ("alder", "birch"))
    decide(instance, DecisionKind.NOT_SAME, "alder-0", "birch-0")
    touched = {group for group in clusters(instance) if {"alder-0", "birch-0"} & group}
    put_in_force(instance, -9.0)
    with instance.database.write() as tx:
        store.forget_signatures(tx)
    work = process.matching(instance)
    work.sign_new()
    work.place_new()  # the server's matcher may wake before anybody settles
    assert not touched <= clusters(instance), "placed one by one under the new model they stand otherwise"
    process.deconflict(instance)
    assert touched <= clusters(instance)
    with instance.database.read() as tx:
        assert {one.difference.kind for one in learned.open_proposals(tx)} == {ProposalKind.PART}


def test_a_settling_that_another_one_overtook_begins_anew(instance: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    take_in(instance, ("alder",))
    slow, compute, calls = process.matching(instance), Matching._settle_in_memory, []

    def overtaken(self: Matching, *given: object) -> object:
        calls.append(len(given[0]))  # type: ignore[arg-type]
        found = compute(self, *given)  # type: ignore[arg-type]
        if len(calls) == 1:
            take_in(instance, ("alder", "birch"))  # another settles more, and ends first
        return found

    monkeypatch.setattr(Matching, "_settle_in_memory", overtaken)
    slow.settle()
    assert calls == [3, 6, 6]
    with instance.database.read() as tx:
        last, graph = store.last_settlement(tx), last_graph(tx)
    assert last is not None
    assert graph is not None
    assert (last[1], len(graph.documents)) == (6, 6)


def test_what_came_under_an_embargo_during_the_settling_is_not_learned_from(sqlite_instance: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    instance = sqlite_instance
    take_in(instance)
    habit(instance)
    answers = iter(((), {named(instance)["alder-0"].number}))
    monkeypatch.setattr(process, "under_embargo", lambda tx: next(answers))
    process.deconflict(instance, settle=True)
    assert versions(instance) == []
    monkeypatch.undo()
    process.deconflict(instance, settle=True)
    assert len(versions(instance)) == 1


def test_other_decisions_of_the_same_number_are_learned_anew(sqlite_instance: Instance) -> None:
    instance = sqlite_instance
    take_in(instance)
    habit(instance)
    process.deconflict(instance, settle=True)
    [first] = versions(instance)
    process.deconflict(instance, settle=True)
    assert [one.id for one in versions(instance)] == [first.id], "the same decisions say nothing new"
    # The other way round: what was one flaw is two. As many pairs, and the opposite of half of them.
    for module in MODULES:
        decide(instance, DecisionKind.NOT_SAME, f"{module}-0", f"{module}-1", f"{module}-2")
    process.deconflict(instance, settle=True)
    assert len({one.learned for one in versions(instance)}) == 2


def test_two_that_adopt_at_once_leave_one_in_force(instance: Instance) -> None:
    take_in(instance, ("alder",))
    model = process.matching(instance).scorer.digest
    made = [put_in_force(instance, intercept) for intercept in (1.0, 2.0)]
    with instance.database.write() as tx:
        learning.retire(tx, made[1].id, actor=instance.actor.id, now=instance.clock.now())
    gate, wrong = threading.Barrier(2), list[BaseException]()

    def adopting(version: Version) -> None:
        gate.wait(30)
        try:
            with instance.database.write() as tx:
                learning.adopt(tx, version.id, model, actor=instance.actor.id, now=instance.clock.now())
        except BaseException as error:
            wrong.append(error)

    threads = [threading.Thread(target=adopting, args=(version,)) for version in made]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert wrong == []
    assert sorted(one.state for one in versions(instance)) == [VersionState.IN_FORCE, VersionState.RETIRED]


def test_what_nobody_touched_follows_the_newer_model(sqlite_instance: Instance) -> None:
    instance = sqlite_instance
    take_in(instance, ("alder", "birch"))
    before = clusters(instance)
    put_in_force(instance, -9.0)
    process.deconflict(instance, settle=True)
    assert len(clusters(instance)) > len(before)
    with instance.database.read() as tx:
        assert learned.open_proposals(tx) == []


def test_who_may_not_decide_may_not_answer_adopt_or_retire(instance: Instance) -> None:
    take_in(instance, ("alder", "birch"))
    decide(instance, DecisionKind.NOT_SAME, "alder-0", "birch-0")
    version = put_in_force(instance, -9.0)
    process.deconflict(instance, settle=True)
    model, now = process.matching(instance).scorer.digest, instance.clock.now()
    with instance.database.read() as tx:
        proposal = learned.open_proposals(tx)[0]
    from clearinghouse.core.roles import Role

    reporter, coordinator = add(instance, "Reporter", Role.REPORTER), add(instance, "Colleague", Role.COORDINATOR)

    def answering(actor: str, reason: str = "so") -> None:
        with instance.database.write() as tx:
            learning.answer(
                tx, proposal.id, accept=True, reason=reason, actor=actor, envelope=instance.envelope,  # type: ignore[arg-type]
                thresholds=instance.policy.deconfliction, now=now,
            )

    with pytest.raises(NotPermitted):
        answering(reporter.id)
    with pytest.raises(NotFound):
        answering(coordinator.id)
    with pytest.raises(Invalid, match="reason"):
        answering(instance.actor.id, " ")
    with pytest.raises(NotPermitted), instance.database.write() as tx:
        learning.retire(tx, version.id, actor=reporter.id, now=now)
    with pytest.raises(Conflict, match="in force already"), instance.database.write() as tx:
        learning.adopt(tx, version.id, model, actor=instance.actor.id, now=now)
    with pytest.raises(Conflict, match="corrects the model"), instance.database.write() as tx:
        learning.retire(tx, version.id, actor=instance.actor.id, now=now)
        learning.adopt(tx, version.id, "sha256:" + "0" * 64, actor=instance.actor.id, now=now)
    with pytest.raises(NotFound), instance.database.write() as tx:
        learning.adopt(tx, new_id("cor"), model, actor=instance.actor.id, now=now)


def test_evidence_says_what_was_learned(sqlite_instance: Instance) -> None:
    instance = sqlite_instance
    take_in(instance, ("alder",))
    put_in_force(instance, -2.0)
    reports = named(instance)
    with instance.database.read() as tx:
        found = actions.explain(tx, process.matching(instance), reports["alder-0"], reports["alder-1"])
    (line,) = [one for one in found.evidence if one.name == "learned"]
    assert line.contribution == pytest.approx(9.0 * np.tanh(-2.0 / 9.0), abs=1e-3)
    assert "two flaws" in line.wording
