"""What the desk lets nobody do by way of its commands and pages, and what leaves it."""

import json
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

import pytest

from clearinghouse.app.reviews import analysing, deeds, opening, planning, running
from clearinghouse.app.views.reviews import read_review
from clearinghouse.app.wiring import Instance
from clearinghouse.core.clock import FixedClock
from clearinghouse.core.errors import Conflict, Invalid, NotFound
from clearinghouse.evaluation.review import actions
from clearinghouse.evaluation.review.records import DocumentKind, Partner, ReviewState
from clearinghouse.evaluation.statistics.plan import plan_bytes, render_plan
from clearinghouse.evaluation.statistics.records import Cell, CellState, Controls, Effort
from clearinghouse.evaluation.statistics.report import sealed_record
from clearinghouse.gateway import store as gateway_store
from clearinghouse.sandbox import Sandbox
from review_support import Table, by, sealed


@pytest.fixture
def table(sqlite_instance: Instance, clock: FixedClock) -> Table:
    return Table(sqlite_instance, clock)


def seated(table: Table) -> tuple[str, running.Sitting]:
    """An open window, and an evaluator whom the custodians have still to answer."""
    pack, review_id = sealed(table, 12), table.agreed()
    edda = by(table, "edda")
    planning.freeze_plan(edda, review_id, pack, plan_bytes(planning.propose_plan(edda, review_id, pack)), rehearsal=True)
    table.act(actions.open_window, review_id, by="edda")
    return review_id, running.sit_down(edda, running.plan_run(edda, review_id).id)


def work(sitting: running.Sitting) -> None:
    stop = threading.Event()
    stop.set()
    running.work(sitting, "http://127.0.0.1:9/v1", cast("Sandbox", None), stop)


def test_access_ends_with_the_window_as_it_is_when_custodians_have_answered(table: Table) -> None:
    review_id, sitting = seated(table)
    near = table.clock.now() + timedelta(hours=6)
    table.act(actions.plan_partner_release, review_id, near, by="dora")
    work(sitting)
    with table.instance.database.read() as tx:
        granted = gateway_store.system_list(tx, 10)
    assert [one.ends_at for one in granted] == [near]


def test_nothing_is_granted_after_a_withdrawal(table: Table) -> None:
    review_id, sitting = seated(table)
    table.act(actions.withdraw, review_id, by="dora")
    with pytest.raises(Conflict, match="withdrawn"):
        work(sitting)
    with table.instance.database.read() as tx:
        assert gateway_store.system_list(tx, 10) == []


def test_second_sealed_run_of_a_frozen_plan_is_refused(table: Table) -> None:
    review_id, _ = seated(table)
    with pytest.raises(Conflict, match="second try"):
        running.plan_run(by(table, "edda"), review_id)


@pytest.mark.parametrize(("what", "change"), [
    ("plan.seed", lambda d: d.update(seed="mine")), ("order that the seed draws", lambda d: d["domains"][0]["families"].reverse()),
    ("looks of", lambda d: d["domains"][0].update(looks=[3, 2, 12])), ("looks of", lambda d: d["domains"][0].update(looks=[2, 5])),
    ("sample_budget.tokens", lambda d: d["sample_budget"].update(tokens=10**12)), ("sample_budget.seconds", lambda d: d["sample_budget"].update(seconds=1e9)),
    ("infrastructure_attempts", lambda d: d["missing"].update(infrastructure_attempts=99)),
])
def test_plan_that_was_arranged_or_that_no_run_can_keep_is_not_even_a_rehearsal(
    table: Table, what: str, change: Callable[[dict[str, Any]], None]
) -> None:
    pack, review_id = sealed(table, 12), table.agreed()
    edda = by(table, "edda")
    document = render_plan(planning.propose_plan(edda, review_id, pack))
    change(document)
    with pytest.raises(Invalid, match=what):
        planning.freeze_plan(edda, review_id, pack, json.dumps(document).encode(), rehearsal=True)
    assert table.state(review_id) is ReviewState.TERMS_SIGNED


def test_assessment_names_nothing_and_hides_no_count_that_the_others_tell(table: Table) -> None:
    pack, review_id = sealed(table, 12), table.agreed()
    plan = planning.propose_plan(by(table, "edda"), review_id, pack)
    cells = [
        Cell(item, epoch, CellState.REFUSED if place == 0 and epoch == 1 else CellState.SOLVED, tokens=plan.budget.tokens + 1)
        for place, item in enumerate(plan.grid().items) for epoch in range(1, plan.epochs + 1)
    ]
    strange = replace(cells[0], item=replace(cells[0].item, item="i-0123456789ab"))
    effort = Effort(9, 9, 99, 10**9, 99.0)
    _, record = sealed_record(plan, [*cells[:-7], cells[3], strange], effort, {plan.domains[0].name: Controls(12, 12, 0, 12)}, models=False)
    shown = analysing.releasable(record, plan, small=5, rehearsal=False)
    names = {name for item in plan.grid().items for name in (item.item, item.family)} | {strange.item.item}
    assert {one["name"] for one in shown["findings"]} >= {"dropped_cells", "duplicate_cell", "cell_outside_plan", "over_budget"}
    assert shown["domains"][0]["readings"]["raw"]["reasons"]
    assert [name for name in names if name in json.dumps(shown)] == []
    states = shown["domains"][0]["states"]
    told = [count for count in states.values() if count is not None]
    assert states["refused"] is None
    assert len(states) - len(told) >= 2, "one that is hidden alone is the rest of the sum"
    assert shown["domains"][0]["cells"] - sum(told) >= 5, "so are a few that are hidden together"


def test_developer_sees_no_determination_that_nobody_signed(table: Table) -> None:
    review_id, first = table.drawn_up()
    second = table.act(actions.draw_up_determination, review_id, "undetermined", "Other words.", by="axel")
    assert table.sign(review_id, second, "anna", "axel")
    table.act(actions.share, review_id, by="anna")
    dora = by(table, "dora")
    assert [one.id for one in read_review(dora, review_id).documents if one.kind == DocumentKind.DETERMINATION] == [second.id]
    with pytest.raises(NotFound):
        opening.statement_file(dora, deeds.find(dora, review_id), first.id)


def test_determination_of_a_review_that_lapsed_before_it_was_signed_stays_with_the_desk(table: Table) -> None:
    review_id, document = table.drawn_up()
    table.sign(review_id, document, "anna")
    table.act(actions.lapse, review_id, by="anna")
    dora = by(table, "dora")
    assert document.id not in {one.id for one in read_review(dora, review_id).documents}
    with pytest.raises(NotFound):
        opening.payload_of(dora, deeds.find(dora, review_id), document.id)
    assert document.id in {one.id for one in read_review(by(table, "edda"), review_id).documents}


def test_what_ended_takes_no_more_words(table: Table) -> None:
    review_id, _ = table.opened()
    table.act(actions.withdraw, review_id, by="dora")
    partner = {"name": "Valley Hospital", "sector": "health", "tier": "one", "terms": "Own systems.", "why": "Small.", "tokens": "1000", "ends": "2999-01-01"}
    for who, name, words in (
        ("edda", "tell-finding", {"title": "Late", "words": "Too late."}), ("dora", "propose-partner", partner), ("anna", "propose-partner", partner),
        ("dora", "plan-release", {"at": "2999-01-01"}), ("edda", "declare-conflict", {"entity": "Lab", "words": "Shares."}),
    ):
        with pytest.raises(Conflict, match="this one is withdrawn"):
            deeds.perform(by(table, who), review_id, name, words)


def test_partner_is_suspended_after_the_review_was_closed(table: Table) -> None:
    review_id = table.shared()
    ends = (table.clock.now() + timedelta(days=300)).isoformat()
    words = {"name": "Valley Hospital", "sector": "health", "tier": "one", "terms": "Own systems.", "why": "Small.", "tokens": "1000", "ends": ends}
    _, partner = deeds.perform(by(table, "dora"), review_id, "propose-partner", {**words, "party": table.id("olga")})
    assert isinstance(partner, Partner)
    for name in ("dora", "anna"):
        deeds.perform(by(table, name), review_id, "vote", {"partner": partner.id, "vote": "yes", "reason": "Needed."})
    table.act(actions.give_access, review_id, partner.id, by="dora")
    table.act(actions.close, review_id, by="anna")
    deeds.perform(by(table, "anna"), review_id, "suspend-partner", {"partner": partner.id, "reason": "Out of scope."})
    with table.instance.database.read() as tx:
        assert [one.suspended_at is not None for one in gateway_store.system_list(tx, 10)] == [True]


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "0001-01-02", "1e9"])
def test_instant_at_the_end_of_the_calendar_is_invalid_and_breaks_no_page(table: Table, at: str) -> None:
    review_id, _ = table.opened()
    with pytest.raises(Invalid):
        deeds.perform(by(table, "dora"), review_id, "plan-release", {"at": at})
    assert read_review(by(table, "edda"), review_id).partner_release_at is None


def test_incidents_of_a_later_sitting_are_told_too(table: Table) -> None:
    from clearinghouse.core.events import Event
    from clearinghouse.evaluation.benchmarks.running import store as runs
    from clearinghouse.evaluation.benchmarks.sessions.records import Certainty, Incident, IncidentKind
    from clearinghouse.ledger import actions as ledger

    review_id, sitting = seated(table)
    instance = table.instance

    def note(number: int) -> None:
        with instance.database.write() as tx:
            sample = runs.system_samples(tx, sitting.run.id)[number]
            incident = Incident(IncidentKind.REACH_OUT, Certainty.FACT, 0, "it tried a name")
            key = runs.system_key(tx, sitting.run.id, instance.envelope)
            runs.add_incidents(tx, sitting.run.id, sample.id, [(f"inc_{number:026d}", incident)], key, table.clock.now())
            ledger.record(tx, Event("Tested", (sitting.run.id,)), actor=table.id("edda"), now=table.clock.now())

    def told() -> int:
        return sum(one.kind == "incident_notice" for one in read_review(by(table, "dora"), review_id).entries)

    note(0)
    running.may_go_on(sitting)
    assert told() == 1, "told while the run goes on, not when it is over"
    table.wait(hours=2)
    running.may_go_on(sitting)
    assert told() == 1
    note(1)
    table.wait(hours=2)
    running.may_go_on(sitting)
    assert told() == 2
