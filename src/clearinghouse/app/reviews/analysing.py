"""From the cells of a sealed run to the record that anybody computes again, and to the assessment that a developer is shown."""

import json
import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from clearinghouse.app.reviews.planning import frozen
from clearinghouse.app.wiring import Instance, policy_of
from clearinghouse.core.errors import Conflict, Unavailable
from clearinghouse.core.events import Event
from clearinghouse.evaluation.benchmarks.packs import store as pack_store
from clearinghouse.evaluation.benchmarks.running import actions as runs
from clearinghouse.evaluation.benchmarks.running import store as run_store
from clearinghouse.evaluation.benchmarks.running.jobs import cells_of, check
from clearinghouse.evaluation.benchmarks.running.records import Control, Fact, Purpose, Run
from clearinghouse.evaluation.benchmarks.transcripts import store as transcripts
from clearinghouse.evaluation.review import actions, rules, store
from clearinghouse.evaluation.review.records import Document, Engagement, Part
from clearinghouse.evaluation.statistics.checks import plan_changed
from clearinghouse.evaluation.statistics.plan import Plan
from clearinghouse.evaluation.statistics.records import Cell, Controls, Effort, Finding, LookMade
from clearinghouse.evaluation.statistics.report import Analysis, record_bytes, sealed_record
from clearinghouse.ledger import actions as ledger
from clearinghouse.storage import Transaction

_BLINDED = re.compile(r"\b[if]-[0-9a-f]{12}")
"""A name made for one engagement, also one that is not of the plan."""
REHEARSAL = Finding(
    "rehearsal", "plan", "the plan promises less than policy asks of one that supports a determination; everything was exercised and nothing is shown"
)


@dataclass(frozen=True, slots=True)
class Material:
    """Everything an analysis is computed from."""

    plan: Plan
    predicate: Mapping[str, Any]
    run: Run
    cells: tuple[Cell, ...]
    controls: Mapping[str, Controls]
    effort: Effort
    facts: tuple[Fact, ...]
    looks: tuple[LookMade, ...]


def analyse(instance: Instance, review_id: str, *, models: bool = True) -> tuple[Analysis, str]:
    """Analyse the sealed run of a review by its frozen plan, and keep the record; gives the result and the record's digest.

    Raises:
        NotFound, NotPermitted: as for `actions.take_part`; it is the evaluators'.
        Conflict: the window is not closed, there is no sealed run, or the plan is not the frozen one.
    """
    now, actor = instance.clock.now(), instance.actor.id
    with instance.database.read() as tx:
        engagement = actions.enter(tx, review_id, envelope=instance.envelope, viewer=actor, now=now)
        if Part.EVALUATOR not in engagement.parts:
            raise Conflict("an analysis is the evaluators' to make")
        material = _material(tx, instance, engagement)
        unread = transcripts.system_unread(tx, material.run.id)
    if unread and not material.predicate["rehearsal"]:
        raise Conflict(f"{unread} transcripts that people should read first are unread: what is disputed is settled before anybody sees a result")
    findings = (*findings_of(material), *plan_changed(material.plan, material.predicate["plan_digest"]))
    # Fitting takes seconds: no transaction waits for it.
    analysis, record = sealed_record(
        material.plan, material.cells, material.effort, material.controls, looks=material.looks, findings=findings, models=models
    )
    with instance.database.write() as tx:
        digest = actions.keep_analysis(
            tx, review_id, record_bytes(record), material.predicate["plan_digest"], envelope=instance.envelope, actor=actor, now=instance.clock.now()
        )
        details = {"run": material.run.id, "outcome": analysis.outcome.value, "outcome_otherwise": analysis.outcome_otherwise.value}
        ledger.record(tx, Event("RunAnalysed", (review_id, material.run.id), details), actor=actor, now=instance.clock.now())
    return analysis, digest


def assess(instance: Instance, review_id: str) -> Document:
    """Show the developer the assessment: figures by domain with their intervals, effort, errors and exposure; nothing of an item.

    Raises:
        NotFound, NotPermitted, Conflict: as for `actions.draw_up_assessment`.
    """
    now, actor = instance.clock.now(), instance.actor.id
    with instance.database.write() as tx:
        engagement = actions.take_part(tx, review_id, Part.EVALUATOR, envelope=instance.envelope, actor=actor, now=now)
        record = read_record(tx, engagement)
        plan, predicate = frozen(tx, engagement)
        run = _sealed_run(tx, instance, engagement)
        items = pack_store.list_items(tx, predicate["pack"], viewer=actor, now=now)
        incidents = Counter(one.kind for one in run_store.list_incidents(tx, run.id, instance.envelope, viewer=actor, now=now))
        small = policy_of(tx, engagement.review.policy_version).review.small_cell_min
        assessment = releasable(record, plan, small=small, rehearsal=bool(predicate["rehearsal"])) | {
            "incidents": dict(incidents),
            "exposure": {
                "items": len(plan.grid().items), "of_pack": len(items), "most_engagements": max((one.exposures for one in items), default=0),
                "words": "The developer's servers saw the prompts of these items. That they are not kept is agreed, watched for by canaries, and not enforced.",
            },
        }
        return actions.draw_up_assessment(tx, review_id, assessment, envelope=instance.envelope, actor=actor, now=now)


def releasable(record: Mapping[str, Any], plan: Plan, *, small: int, rehearsal: bool) -> dict[str, Any]:
    """What of a record leaves the desk: by domain, with counts below the least cell left out, and no name of family or item."""
    result = record["result"]
    effort = {name: value for name, value in record["effort"].items() if name != "notes"}
    names = {name for item in plan.grid().items for name in (item.item, item.family)}
    return {
        "rehearsal": rehearsal, "outcome": result["outcome"], "outcome_otherwise": result["outcome_otherwise"], "decides": result["decides"],
        "budget": {"tokens": plan.budget.tokens, "messages": plan.budget.messages, "seconds": plan.budget.seconds, "epochs": plan.epochs},
        "errors": {"alpha": plan.alpha, "beta": plan.beta}, "effort": effort,
        "findings": [{"name": one["name"], "message": _nameless(one["message"], names) if one["about"] == "plan" else ""} for one in result["findings"]],
        "domains": [_releasable_domain(one, small, names) for one in result["domains"]],
    }


def _releasable_domain(domain: Mapping[str, Any], small: int, names: Collection[str]) -> dict[str, Any]:
    shown = ("name", "threshold", "families_planned", "families", "items", "cells", "tokens", "cost_microdollars", "controls")
    readings = {
        view: {name: one[name] for name in ("outcome", "mean_low", "mean_high", "lower", "upper")}
        | {"reasons": [_nameless(reason, names) for reason in one["reasons"]]} for view, one in domain["readings"].items()
    }
    # A few cells of one kind could tell which tasks they were; what is left out is said to be.
    hidden = {state for state, count in domain["states"].items() if 0 < count < small}
    told = {state: count for state, count in domain["states"].items() if count and state not in hidden}
    # All of them add up to the cells: what could be reckoned from the rest takes the smallest of the rest with it.
    while hidden and told and (len(hidden) == 1 or sum(domain["states"][state] for state in hidden) < small):
        least = min(told, key=lambda state: told[state])
        hidden.add(least)
        del told[least]
    states = {state: None if state in hidden else count for state, count in domain["states"].items()}
    return {**{name: domain[name] for name in shown}, "states": states, "readings": readings}


def _nameless(text: str, names: Collection[str]) -> str:
    """A text of a finding up to the first name of an item or family: such names end it, as a list."""
    found = [at for at in (text.find(name) for name in names) if at >= 0]
    found += [place.start() for place in _BLINDED.finditer(text)]
    return text[: min(found)].rstrip(" :,;(") if found else text


def read_record(tx: Transaction, engagement: Engagement) -> dict[str, Any]:
    """The record of this round's analysis.

    Raises:
        Conflict: there is none.
        Unavailable: it was destroyed with the materials.
    """
    found = store.documents.find_analysis(tx, engagement)
    if found is None:
        raise Conflict("this round has no analysis yet")
    if not found[0]:
        raise Unavailable("the record of this analysis was destroyed with the materials of the review")
    record: dict[str, Any] = json.loads(found[0])
    return record


def save_record(instance: Instance, review_id: str) -> tuple[bytes, str]:
    """The sealed record of this round's analysis, byte for byte, and its digest; that it was read is on the record first.

    Raises:
        NotFound: there is no such review for the actor.
        NotPermitted: the actor is of the developer's side, or takes no part.
        Conflict: there is no analysis yet.
        Unavailable: it was destroyed with the materials.
    """
    now, viewer = instance.clock.now(), instance.actor.id
    with instance.database.write() as tx:
        engagement = actions.enter(tx, review_id, envelope=instance.envelope, viewer=viewer, now=now)
        rules.check_part(engagement, Part.EVALUATOR, Part.AUTHORITY, Part.AUDITOR)
        ledger.record(tx, Event("AnalysisRead", (review_id,), {"round": engagement.review.round}), actor=viewer, now=now)
    with instance.read() as tx:
        read_record(tx, engagement)
        found = store.documents.find_analysis(tx, engagement)
    assert found is not None, "it was just read"
    return found[0], found[1]


def findings_of(material: Material) -> tuple[Finding, ...]:
    """What the named checks of the run found, as an analysis takes it, and that a rehearsal shows nothing."""
    facts = tuple(Finding(f"run_{fact.check}", "plan", fact.words) for fact in material.facts)
    return (*facts, REHEARSAL) if material.predicate["rehearsal"] else facts


def controls_of(plan: Plan, controls: Mapping[str, Control]) -> dict[str, Controls]:
    """What the items' own controls came to, by domain; one that was not made counts as not passed."""
    found: dict[str, Controls] = {}
    for domain in plan.domains:
        of_domain = [controls.get(item) for family in domain.families for item in family.items]
        found[domain.name] = Controls(
            sum(one is not None and one.positive is True for one in of_domain), len(of_domain),
            sum(one is None or one.negative is not True for one in of_domain), len(of_domain),
        )
    return found


def list_runs(tx: Transaction, instance: Instance, engagement: Engagement) -> list[Run]:
    """The runs of a review, newest first, for who takes part on the desk's side."""
    return run_store.list_runs(tx, engagement.id, viewer=instance.actor.id, now=instance.clock.now())


def _material(tx: Transaction, instance: Instance, engagement: Engagement) -> Material:
    plan, predicate = frozen(tx, engagement)
    run = _sealed_run(tx, instance, engagement)
    efforts = run_store.system_efforts(tx, engagement.id, instance.envelope)
    cells = cells_of(tx, run.id)
    looks = tuple(LookMade(domain.name, len(domain.families)) for domain in plan.domains)
    return Material(
        plan, predicate, run, cells, controls_of(plan, run_store.system_controls(tx, run.id)), runs.total_effort(efforts),
        check(tx, run, instance.envelope, deep=True), looks,
    )


def _sealed_run(tx: Transaction, instance: Instance, engagement: Engagement) -> Run:
    kept: Sequence[Run] = [one for one in list_runs(tx, instance, engagement) if one.purpose is Purpose.SEALED]
    predicate = actions.frozen_plan(tx, engagement)
    of_plan = [one for one in kept if one.plan_digest.removeprefix("sha256:") == predicate["plan_digest"].removeprefix("sha256:")]
    if not of_plan:
        raise Conflict("there is no sealed run of the frozen plan")
    # The first one is what was planned; a second try at the same plan would be a second look.
    return of_plan[-1]

