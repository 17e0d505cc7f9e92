"""Plans over sealed packs: what is proposed, what is refused, and what the desk lets nobody change afterwards."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from clearinghouse.app.reviews import analysing, planning, running
from clearinghouse.app.wiring import Instance
from clearinghouse.core.clock import FixedClock
from clearinghouse.core.errors import Conflict, Invalid, NotFound
from clearinghouse.core.ids import RunId
from clearinghouse.evaluation.review import actions
from clearinghouse.evaluation.review.documents import predicate_of
from clearinghouse.evaluation.review.records import DocumentKind, ReviewState
from clearinghouse.evaluation.statistics.plan import Plan, plan_bytes, plan_digest, render_plan
from clearinghouse.ledger.dsse import sign_payload
from review_support import Table, by, sealed


@pytest.fixture
def table(sqlite_instance: Instance, clock: FixedClock) -> Table:
    return Table(sqlite_instance, clock)


def changed(plan: Plan, change: Callable[[dict[str, Any]], None]) -> bytes:
    document = render_plan(plan)
    change(document)
    return json.dumps(document).encode()


def test_plan_with_enough_families_is_frozen_and_a_weak_one_is_only_a_rehearsal(table: Table) -> None:
    strong, weak = sealed(table, 40), sealed(table, 12)
    review_id = table.agreed()
    edda = by(table, "edda")
    with pytest.raises(Invalid, match="12 families; a determination needs at least 40"):
        planning.freeze_plan(edda, review_id, weak, plan_bytes(planning.propose_plan(edda, review_id, weak)))
    greedy = planning.propose_plan(edda, review_id, strong, planning.Choices(alternative=0.52))
    with pytest.raises(Invalid, match="simulations find"):
        planning.freeze_plan(edda, review_id, strong, plan_bytes(greedy))
    assert table.state(review_id) is ReviewState.TERMS_SIGNED
    document, plan = planning.freeze_plan(edda, review_id, strong, plan_bytes(planning.propose_plan(edda, review_id, strong)))
    assert (predicate_of(document)["rehearsal"], len(plan.grid().items)) == (False, 40)
    with pytest.raises(Conflict):
        planning.freeze_plan(edda, review_id, strong, plan_bytes(plan))


@pytest.mark.parametrize(("what", "change"), [
    ("plan.engagement", lambda d: d.update(engagement="rev_" + "a" * 26)), ("plan.model.variant", lambda d: d["model"].update(variant="reduced")),
    ("plan.model.build", lambda d: d["model"].update(build="0" * 64)), ("plan.item_root", lambda d: d.update(item_root="0" * 64)),
    ("the pack has no such item", lambda d: d["domains"][0]["families"][0].update(items=["i-000000000000"])),
    ("order that the seed draws", lambda d: d["domains"][0]["families"].reverse()), ("not known", lambda d: d.update(more=1)),
])
def test_plan_of_something_else_is_refused(table: Table, what: str, change: Callable[[dict[str, Any]], None]) -> None:
    pack, review_id = sealed(table, 40), table.agreed()
    edda = by(table, "edda")
    with pytest.raises(Invalid, match=what):
        planning.freeze_plan(edda, review_id, pack, changed(planning.propose_plan(edda, review_id, pack), change))


def test_names_in_a_plan_tell_nothing_and_differ_from_engagement_to_engagement(table: Table) -> None:
    pack = sealed(table, 12)
    edda = by(table, "edda")
    first, second = (planning.propose_plan(edda, table.agreed(), pack) for _ in range(2))
    names = [{item.item for item in plan.grid().items} | {item.family for item in plan.grid().items} for plan in (first, second)]
    assert not names[0] & names[1]
    assert "family-" not in json.dumps(render_plan(first))


def test_others_cannot_plan_with_a_pack_they_may_not_know_of(table: Table) -> None:
    pack, review_id = sealed(table, 12), table.agreed()
    with pytest.raises(NotFound):
        planning.propose_plan(by(table, "dora"), review_id, pack)


def test_rehearsal_supports_no_word_but_undetermined_and_a_forged_signature_none_at_all(table: Table) -> None:
    """Of the sabotage set: a swapped threshold, and a forged sign-off."""
    pack, review_id = sealed(table, 12), table.agreed()
    edda = by(table, "edda")
    _, plan = planning.freeze_plan(edda, review_id, pack, plan_bytes(planning.propose_plan(edda, review_id, pack)), rehearsal=True)
    table.act(actions.open_window, review_id, by="edda")
    run = running.plan_run(edda, review_id)
    assert run.total == 12 * 3
    table.act(actions.end_window, review_id, by="edda")
    with pytest.raises(Conflict, match="the frozen one is"):
        table.act(actions.keep_analysis, review_id, b"{}", plan_digest(replace(plan, domains=(replace(plan.domains[0], threshold=0.4),))), by="edda")
    analysis, _ = analysing.analyse(edda, review_id, models=False)
    named = {finding.name for finding in analysis.findings}
    assert {"rehearsal"} <= named
    assert analysis.outcome == "undetermined"
    assert {reading.outcome for domain in analysis.domains for reading in domain.readings.values()} == {"undetermined"}
    analysing.assess(edda, review_id)
    table.act(actions.reply, review_id, "Read.", by="dora")
    for body in ("One", "Two"):
        table.act(actions.consult, review_id, body, "words", by="anna")
    with pytest.raises(Conflict, match="rehearsal"):
        table.act(actions.draw_up_determination, review_id, "not_covered", "because", by="anna")
    document = table.act(actions.draw_up_determination, review_id, "undetermined", "because", by="anna")
    forged = sign_payload(document.payload, table.keys["mallory"])
    with pytest.raises(Invalid, match="no signature of your registered key"):
        table.act(actions.sign, review_id, document.id, forged, by="axel")
    assert table.documents(review_id, DocumentKind.DETERMINATION)[-1].digest == document.digest


def test_run_of_another_models_version_notices_items_it_met_before(table: Table) -> None:
    """Of the sabotage set: a re-used item."""
    pack = sealed(table, 12)
    edda = by(table, "edda")
    found: list[set[str]] = []
    for _ in range(2):
        review_id = table.agreed()
        planning.freeze_plan(edda, review_id, pack, plan_bytes(planning.propose_plan(edda, review_id, pack, planning.Choices(epochs=1))), rehearsal=True)
        table.act(actions.open_window, review_id, by="edda")
        run = running.plan_run(edda, review_id)
        table.wait(hours=1)
        begin_all(table, run.id)
        table.act(actions.end_window, review_id, by="edda")
        analysis, _ = analysing.analyse(edda, review_id, models=False)
        found.append({finding.name for finding in analysis.findings})
    assert "run_item_reused" not in found[0]
    assert "run_item_reused" in found[1]


def begin_all(table: Table, run_id: str) -> None:
    from clearinghouse.core.events import Event
    from clearinghouse.evaluation.benchmarks.running import store as runs
    from clearinghouse.ledger import actions as ledger

    with table.instance.database.write() as tx:
        for sample in runs.system_samples(tx, RunId(run_id)):
            runs.begin_sample(tx, sample.id, table.clock.now())
        ledger.record(tx, Event("Tested", (run_id,)), actor=table.id("edda"), now=table.clock.now())
