"""Appeals from end to end: who may, who answers, what an upheld one undoes, what everybody is told. On both databases."""

import threading
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
from sqlalchemy import text

from clearinghouse.app import appeals, process
from clearinghouse.app.views.appeals import list_appeals, read_appeal
from clearinghouse.app.views.queue import read_queue
from clearinghouse.app.views.report import read_report
from clearinghouse.app.views.reports import list_reports
from clearinghouse.app.wiring import Instance
from clearinghouse.app.worker import worker_of
from clearinghouse.core.clock import FixedClock
from clearinghouse.core.errors import Conflict, Invalid, NotFound, NotPermitted
from clearinghouse.core.ids import ReportId
from clearinghouse.core.roles import Role
from clearinghouse.disclosure.coordination.appeals.records import AppealState, Question
from clearinghouse.disclosure.coordination.rooms import actions as rooms
from clearinghouse.disclosure.deconfliction import actions as deconfliction
from clearinghouse.disclosure.deconfliction import store as decisions
from clearinghouse.disclosure.deconfliction.records import DecisionKind
from clearinghouse.disclosure.intake import store as intake
from clearinghouse.parties import actions as parties
from clearinghouse.parties import store as party_store
from clearinghouse.parties.records import Basis, Grant, Party, PartyKind
from views_support import counted, flaw, new_party, send_as


@dataclass
class Scene:
    """An instance, a finder whose report a coordinator merged with another one, and a second coordinator."""

    instance: Instance
    finder: Instance
    first: ReportId
    mine: ReportId
    decision: str

    def second(self) -> Instance:
        """Another coordinator of the same house who is on duty for the finder's report."""
        instance = self.instance
        with instance.database.write() as tx:
            now = instance.clock.now()
            party = parties.add_party(
                tx, PartyKind.PERSON, "Second Coordinator", frozenset({Role.COORDINATOR}), organisation=instance.actor.organisation,
                actor=instance.actor.id, now=now,
            )
            party_store.add_grants(tx, [Grant(report, party.id, Basis.DESK) for report in (self.first, self.mine)])
        return instance.acting_as(party)

    def together(self) -> bool:
        with self.instance.database.read() as tx:
            numbers = intake.system_numbers(tx, [self.first, self.mine])
            return len({one.cluster for one in decisions.read_placements(tx, numbers).values()}) == 1

    def answer(self) -> str:
        [line] = [line for line in list_reports(self.finder, newest=9)[0] if line.id == self.mine]
        return line.answer


def decide(instance: Instance, kind: DecisionKind, *report_ids: str) -> str:
    viewer, now = instance.actor.id, instance.clock.now()
    with instance.database.write() as tx:
        found = intake.read_reports(tx, report_ids, instance.envelope, viewer=viewer, now=now)
        return deconfliction.decide(
            tx, kind, [found[report_id] for report_id in report_ids], "the same copy", actor=viewer, envelope=instance.envelope,
            thresholds=instance.policy.deconfliction, now=now,
        ).id


def kinds(instance: Instance, *wanted: str) -> list[str]:
    with instance.database.read() as tx:
        rows = tx.rows(text("select kind from events order by number"))
    return [row.kind for row in rows if row.kind in wanted]


@pytest.fixture
def scene(instance: Instance, clock: FixedClock) -> Scene:
    [first] = send_as(instance, new_party(instance, "Earlier Ltd", Role.REPORTER), [flaw("Heap overflow", symbol="one")], coordinator=instance.actor)
    clock.at += timedelta(hours=1)
    finder = new_party(instance, "Finder Ltd", Role.REPORTER)
    [mine] = send_as(instance, finder, [flaw("Palette overrun", symbol="two")], coordinator=instance.actor)
    process.deconflict(instance, settle=True)
    return Scene(instance, instance.acting_as(finder), first, mine, decide(instance, DecisionKind.MERGE, first, mine))


def test_upheld_appeal_undoes_the_merge_and_tells_both(scene: Scene, clock: FixedClock) -> None:
    judge = scene.second()
    assert (scene.answer(), scene.together()) == ("duplicate", True)
    made = appeals.make_appeal(scene.finder, scene.mine, Question.DUPLICATE, "another function, another bound")
    assert made.due_at == clock.at + timedelta(days=scene.instance.policy.appeals.answer_days)
    for viewer in (scene.instance, judge):
        [section] = [one for one in read_queue(viewer).sections if one.key == "appeals"]
        assert [(item.path, item.title, item.due_at) for item in section.items] == [(f"/appeals/{made.id}", "Palette overrun", made.due_at)]
    with pytest.raises(NotPermitted, match="another coordinator"):
        appeals.answer_appeal(scene.instance, made.id, True, "let us see")
    assert read_appeal(scene.instance, made.id).others
    page = read_appeal(judge, made.id)
    assert (page.may_answer, page.others, [(one.id, one.reason) for one in page.contested]) == (True, False, [(scene.decision, "the same copy")])
    assert appeals.answer_appeal(judge, made.id, True, "you are right: the bound differs") == (f"undone: {scene.decision}",)
    assert not scene.together()
    assert scene.answer() == "received", "the word is undone, and nothing of it is told"
    line = read_appeal(scene.finder, made.id).line
    assert (line.state, line.answer, line.own) == (AppealState.UPHELD, "you are right: the bound differs", True)
    assert read_appeal(scene.finder, made.id).contested == ()
    assert [one.key for one in read_queue(judge).sections if one.key == "appeals"] == []
    assert kinds(scene.instance, "AppealMade", "DecisionUndone", "AppealUpheld") == ["AppealMade", "AppealUpheld", "DecisionUndone"]
    assert [event.kind for event in read_report(scene.finder, scene.mine).events][-2:] == ["AppealMade", "AppealUpheld"]


def test_rejected_appeal_changes_nothing_and_may_be_made_once_more(scene: Scene) -> None:
    judge = scene.second()
    for _ in range(scene.instance.policy.appeals.per_question_max):
        made = appeals.make_appeal(scene.finder, scene.mine, Question.KNOWN, "nobody knew")
        with pytest.raises(Conflict, match="is open"):
            appeals.make_appeal(scene.finder, scene.mine, Question.KNOWN, "nobody knew")
        assert appeals.answer_appeal(judge, made.id, False, "it was") == ()
        with pytest.raises(Conflict, match="cannot uphold what is rejected"):
            appeals.answer_appeal(judge, made.id, True, "it was not")
    with pytest.raises(Conflict, match="as often as may be"):
        appeals.make_appeal(scene.finder, scene.mine, Question.KNOWN, "nobody knew")
    assert (scene.answer(), scene.together()) == ("duplicate", True)
    assert Question.KNOWN not in read_report(scene.finder, scene.mine).questions
    assert Question.CREDIT in read_report(scene.finder, scene.mine).questions


def test_report_merged_with_several_is_split_off_and_the_others_stay(scene: Scene, clock: FixedClock) -> None:
    instance = scene.instance
    [third] = send_as(instance, new_party(instance, "Third Ltd", Role.REPORTER), [flaw("Bad copy", symbol="three")], coordinator=instance.actor)
    process.deconflict(instance, settle=True)
    decide(instance, DecisionKind.MERGE, scene.first, third)
    clock.at += timedelta(hours=1)
    made = appeals.make_appeal(scene.finder, scene.mine, Question.DUPLICATE, "another one")
    done = appeals.answer_appeal(scene.second(), made.id, True, "indeed")
    assert [words.split(":")[0] for words in done] == ["undone", "split off"]
    assert not scene.together()
    with instance.database.read() as tx:
        numbers = intake.system_numbers(tx, [scene.first, third])
        assert len({one.cluster for one in decisions.read_placements(tx, numbers).values()}) == 1
    process.deconflict(instance, settle=True)
    assert not scene.together(), "settled again, it stays apart"


def test_case_no_longer_sets_the_report_beside_others(scene: Scene) -> None:
    instance, now = scene.instance, scene.instance.clock.now()
    with instance.database.write() as tx:
        case = rooms.open_case(
            tx, [scene.first, scene.mine], "A flaw", policy_version=1, actor=instance.actor.id, envelope=instance.envelope,
            limits=instance.policy.rooms, now=now,
        )
        flaw_id = rooms.add_vulnerability(
            tx, case, "The flaw", report_ids=[scene.first, scene.mine], actor=instance.actor.id, envelope=instance.envelope,
            limits=instance.policy.rooms, now=now,
        )
    made = appeals.make_appeal(scene.finder, scene.mine, Question.DUPLICATE, "another one")
    with pytest.raises(Conflict, match="who coordinates that case"):
        appeals.answer_appeal(scene.second(), made.id, True, "indeed")
    assert (scene.together(), read_appeal(scene.finder, made.id).line.state) == (True, AppealState.OPEN), "all of it or nothing"
    with instance.database.write() as tx:
        rooms.change_vulnerability(tx, case, flaw_id, report_ids=[scene.first], actor=instance.actor.id, envelope=instance.envelope, now=now)
    assert appeals.answer_appeal(scene.second(), made.id, True, "indeed")[0] == f"undone: {scene.decision}"


def test_who_decided_answers_where_nobody_else_can(scene: Scene) -> None:
    made = appeals.make_appeal(scene.finder, scene.mine, Question.DUPLICATE, "another one")
    assert not read_appeal(scene.instance, made.id).others
    assert appeals.answer_appeal(scene.instance, made.id, True, "I was wrong") == (f"undone: {scene.decision}",)


def test_what_was_held_apart_may_be_appealed_too(scene: Scene) -> None:
    instance = scene.instance
    with instance.database.write() as tx:
        deconfliction.undo(
            tx, scene.decision, actor=instance.actor.id, envelope=instance.envelope, thresholds=instance.policy.deconfliction, now=instance.clock.now()
        )
    apart = decide(instance, DecisionKind.NOT_SAME, scene.first, scene.mine)
    made = appeals.make_appeal(scene.finder, scene.mine, Question.NOT_SAME, "it is the one I sent last year")
    assert appeals.answer_appeal(scene.second(), made.id, True, "so it seems") == (f"undone: {apart}",)


def test_upheld_appeal_undoes_what_holds_the_report_apart_and_not_what_took_another_out(scene: Scene, clock: FixedClock) -> None:
    """Held apart from the first; later a third was split off from it. The split stands: the report was merely left behind by it."""
    instance = scene.instance
    with instance.database.write() as tx:
        deconfliction.undo(
            tx, scene.decision, actor=instance.actor.id, envelope=instance.envelope, thresholds=instance.policy.deconfliction, now=instance.clock.now()
        )
    apart = decide(instance, DecisionKind.NOT_SAME, scene.first, scene.mine)
    [third] = send_as(instance, new_party(instance, "Third Ltd", Role.REPORTER), [flaw("Strip underrun", symbol="three")], coordinator=instance.actor)
    process.deconflict(instance, settle=True)
    clock.at += timedelta(minutes=1)
    decide(instance, DecisionKind.MERGE, scene.mine, third)
    clock.at += timedelta(minutes=1)
    split = decide(instance, DecisionKind.SPLIT, third)
    judge = scene.second()
    made = appeals.make_appeal(scene.finder, scene.mine, Question.NOT_SAME, "it is the first one's")
    assert appeals.answer_appeal(judge, made.id, True, "so it seems") == (f"undone: {apart}",)
    with instance.database.read() as tx:
        standing = {one.id for one in decisions.list_decisions(tx, instance.envelope, standing_only=True)}
    assert split in standing


def test_credit_is_answered_in_words(scene: Scene) -> None:
    made = appeals.make_appeal(scene.finder, scene.mine, Question.CREDIT, "I committed before")
    assert appeals.answer_appeal(scene.second(), made.id, True, "the advisory will say so") == ()
    assert scene.together()


def test_nothing_may_be_appealed_before_it_is_told(scene: Scene, clock: FixedClock) -> None:
    finder = scene.finder
    [fresh] = send_as(scene.instance, finder.actor, [flaw("New one", symbol="fresh")], coordinator=scene.instance.actor)
    for question in Question:
        with pytest.raises(Conflict, match="what you are told"):
            appeals.make_appeal(finder, fresh, question, "why not")
    # Looked at, and over the budget: not told, so not to be contested.
    spent = replace(finder.policy, blind=replace(finder.policy.blind, batch_findings=1, batches_per_day=1))
    process.tell_finders(scene.instance)
    over = replace(finder, policy=spent)
    [other] = send_as(scene.instance, finder.actor, [flaw("Another one", symbol="another")], coordinator=scene.instance.actor)
    process.deconflict(scene.instance, settle=True)
    decide(scene.instance, DecisionKind.NOT_SAME, other, scene.first)
    with pytest.raises(Conflict, match="what you are told"):
        appeals.make_appeal(over, other, Question.CREDIT, "why not")
    clock.at += timedelta(days=1)
    assert appeals.make_appeal(over, other, Question.CREDIT, "now I may").state is AppealState.OPEN


def test_strangers_see_no_appeal_and_nothing_tells_that_there_is_one(scene: Scene) -> None:
    made = appeals.make_appeal(scene.finder, scene.mine, Question.DUPLICATE, "SECRET words")
    stranger = scene.instance.acting_as(new_party(scene.instance, "Other CERT", Role.COORDINATOR))
    earlier = scene.instance.acting_as(new_party(scene.instance, "Nosy Ltd", Role.REPORTER))
    counts = []
    for viewer in (stranger, earlier):
        for appeal_id in (made.id, "apl_" + "a" * 26):
            with counted(scene.instance) as seen, pytest.raises(NotFound):
                read_appeal(viewer, appeal_id)
            counts.append(len(seen))
            with pytest.raises(NotFound):
                appeals.answer_appeal(viewer, appeal_id, False, "no")
            with pytest.raises(NotFound):
                appeals.withdraw_appeal(viewer, appeal_id)
        assert list_appeals(viewer) == ()
        with pytest.raises(NotFound):
            appeals.make_appeal(viewer, scene.mine, Question.CREDIT, "mine too")
    assert len(set(counts)) == 1
    with pytest.raises(NotPermitted, match="only who sent"):
        appeals.make_appeal(scene.instance, scene.mine, Question.CREDIT, "for them")
    with scene.instance.database.read() as tx:
        assert b"SECRET" not in b"".join(bytes(row.sealed) for row in tx.rows(text("select sealed from appeals")))


def test_finder_takes_its_appeal_back_and_only_its_own(scene: Scene) -> None:
    made = appeals.make_appeal(scene.finder, scene.mine, Question.DUPLICATE, "another one")
    with pytest.raises(NotFound):
        appeals.withdraw_appeal(scene.instance, made.id)
    appeals.withdraw_appeal(scene.finder, made.id)
    with pytest.raises(Conflict, match="do nothing more"):
        appeals.withdraw_appeal(scene.finder, made.id)
    assert [one.state for one in list_appeals(scene.finder)] == [AppealState.WITHDRAWN]
    appeals.make_appeal(scene.finder, scene.mine, Question.DUPLICATE, "on second thoughts")
    with pytest.raises(Invalid, match="reason"):
        appeals.make_appeal(scene.finder, scene.mine, Question.CREDIT, "  ")


def test_house_that_appeals_leaves_the_answer_to_others(scene: Scene) -> None:
    with scene.instance.database.write() as tx:
        boss = parties.add_party(
            tx, PartyKind.PERSON, "Boss", frozenset({Role.COORDINATOR}), organisation=scene.finder.actor.organisation, actor=scene.instance.actor.id,
            now=scene.instance.clock.now(),
        )
        party_store.add_grants(tx, [Grant(scene.mine, boss.id, Basis.READ_IN)])
    made = appeals.make_appeal(scene.finder, scene.mine, Question.DUPLICATE, "another one")
    own, judge = scene.instance.acting_as(_of(scene, boss)), scene.second()
    assert read_appeal(own, made.id).others
    with pytest.raises(NotPermitted, match="your organisation appeals"):
        appeals.answer_appeal(own, made.id, True, "we are right")
    with pytest.raises(NotPermitted):
        appeals.answer_appeal(scene.finder, made.id, True, "I am right")
    assert not read_appeal(judge, made.id).others
    assert appeals.answer_appeal(judge, made.id, False, "no") == ()


def _of(scene: Scene, party: Party) -> Party:
    with scene.instance.database.read() as tx:
        return parties.get_party(tx, party.id)


def test_appeal_that_waits_too_long_is_noted_once(scene: Scene, clock: FixedClock) -> None:
    made = appeals.make_appeal(scene.finder, scene.mine, Question.DUPLICATE, "another one")
    assert appeals.sweep(scene.instance) == 0
    clock.at = made.due_at
    assert appeals.sweep(scene.instance) == 1
    assert appeals.sweep(scene.instance) == 0
    assert kinds(scene.instance, "AppealOverdue") == ["AppealOverdue"]
    worker_of(scene.instance, matching=False).run_once()


def test_two_who_appeal_in_one_moment_make_one_appeal(scene: Scene) -> None:
    made: list[str] = []
    refused: list[str] = []

    def appeal() -> None:
        try:
            made.append(appeals.make_appeal(scene.finder, scene.mine, Question.DUPLICATE, "another one").id)
        except Conflict as error:
            refused.append(str(error))

    threads = [threading.Thread(target=appeal) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(made), len(refused)) == (1, 3)
