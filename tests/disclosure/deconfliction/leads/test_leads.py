"""Leads of an instance: one event for each change, exact undo, whatever the order of arrival, and nothing told of a held one. Both databases."""

import json
import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from clearinghouse.app import process
from clearinghouse.app.packets import queue_packet
from clearinghouse.app.settings import Settings
from clearinghouse.app.views.cases import LeadLine, list_cases, read_case
from clearinghouse.app.views.inbox import list_inbox
from clearinghouse.app.views.reports import case_of, list_reports
from clearinghouse.app.wiring import Instance, create_instance
from clearinghouse.app.withdrawing import reinstate_reports, withdraw_reports
from clearinghouse.app.worker import worker_of
from clearinghouse.core.clock import FixedClock
from clearinghouse.core.errors import Conflict, Invalid, NotFound
from clearinghouse.core.ids import ReportId
from clearinghouse.core.roles import Role
from clearinghouse.disclosure.deconfliction import actions, store
from clearinghouse.disclosure.deconfliction.credit.records import Place
from clearinghouse.disclosure.deconfliction.leads.records import Strength
from clearinghouse.disclosure.deconfliction.records import DecisionKind
from clearinghouse.disclosure.intake import store as intake
from clearinghouse.disclosure.intake.records import Finding
from clearinghouse.parties.records import Party
from views_support import flaw, new_party, send_as

TITLE = "Heap overflow in tiff_read_strip of libpicture 2.3"


def plain(words: str = "") -> Finding:
    return flaw(TITLE, f"The strip overflows {words}", symbol="tiff_read_strip", cve="CVE-2026-1001")


def better(words: str = "by a fuzzer") -> Finding:
    return replace(plain(words), reproduction="thumb poc.tiff")


def compare(instance: Instance) -> None:
    process.deconflict(instance, settle=True)


def decide(instance: Instance, kind: DecisionKind, *report_ids: str, reason: str = "looked at them") -> str:
    viewer, now = instance.actor.id, instance.clock.now()
    with instance.database.write() as tx:
        found = intake.read_reports(tx, report_ids, instance.envelope, viewer=viewer, now=now)
        return actions.decide(
            tx, kind, [found[report_id] for report_id in report_ids], reason, actor=viewer, envelope=instance.envelope,
            thresholds=instance.policy.deconfliction, now=now,
        ).id


def undo(instance: Instance, decision: str) -> None:
    with instance.database.write() as tx:
        actions.undo(
            tx, decision, actor=instance.actor.id, envelope=instance.envelope, thresholds=instance.policy.deconfliction, now=instance.clock.now()
        )


def changes(instance: Instance) -> list[tuple[str, str]]:
    """The report that led from then on, and why, of every change on the record."""
    with instance.database.read() as tx:
        rows = tx.rows(text("select subjects, details from events where kind = 'LeadChanged' order by number"))
    return [(json.loads(row.subjects)[0] if row.subjects.startswith("[") else row.subjects, json.loads(row.details)["because"]) for row in rows]


def lead(instance: Instance, report: str) -> LeadLine | None:
    return read_case(instance, case_of(report)).lead


@pytest.fixture
def flood(instance: Instance, clock: FixedClock) -> tuple[ReportId, ReportId, ReportId]:
    """Three reports of one flaw by three houses, the second the best, all read by the operator."""
    found = []
    for name, finding in (("One Ltd", plain()), ("Two Ltd", better()), ("Three Ltd", plain("when the count is wrong"))):
        found += send_as(instance, new_party(instance, name, Role.REPORTER), [finding], coordinator=instance.actor)
        clock.at = clock.at.replace(minute=clock.at.minute + 5)
    compare(instance)
    with instance.database.read() as tx:
        assert len({row.cluster for row in store.stream_placements(tx)}) == 1, "not one flaw, so nothing was tested"
    return found[0], found[1], found[2]


def test_better_duplicate_leads_and_credit_stays_with_the_first(instance: Instance, flood: tuple[ReportId, ReportId, ReportId]) -> None:
    first, second, third = flood
    case = read_case(instance, case_of(first))
    assert case.lead == LeadLine(second, Strength.REPRODUCER)
    assert [line.id for line in case.reports] == [second, first, third]
    assert [(line.report_id, line.place) for line in case.credit.lines] == [
        (first, Place.FIRST), (second, Place.INDEPENDENT), (third, Place.INDEPENDENT),
    ]
    assert case.credit.corroboration is not None
    assert case.credit.corroboration.organisations == 3
    assert changes(instance) == [(second, "reproducer")]
    compare(instance)
    assert len(changes(instance)) == 1, "settled again, nothing changed"
    inbox = {line.id: (line.lead_id, line.lead_held) for line in list_inbox(instance).lines}
    assert inbox == {first: (second, False), second: (first, False), third: (second, False)}


def test_person_names_the_lead_over_settling_and_takes_it_back(instance: Instance, flood: tuple[ReportId, ReportId, ReportId]) -> None:
    first, second, third = flood
    with instance.database.read() as tx:
        before = list(store.stream_placements(tx))
    decision = decide(instance, DecisionKind.LEAD, third, reason="the clearest of them")
    assert lead(instance, first) == LeadLine(third, Strength.NAMED)
    assert changes(instance) == [(second, "reproducer"), (third, "named")]
    compare(instance)
    assert lead(instance, first) == LeadLine(third, Strength.NAMED)
    assert {line.id: line.answer for line in list_reports(instance, newest=5)[0]}[third] == "duplicate", "it moves nothing"
    undo(instance, decision)
    assert lead(instance, first) == LeadLine(second, Strength.REPRODUCER)
    assert changes(instance)[2:] == [(second, "reproducer")]
    with instance.database.read() as tx:
        assert list(store.stream_placements(tx)) == before


def test_credit_follows_merges_and_splits_and_is_as_before_when_they_are_undone(
    instance: Instance, flood: tuple[ReportId, ReportId, ReportId], clock: FixedClock
) -> None:
    first, second, third = flood
    [later] = send_as(instance, new_party(instance, "Four Ltd", Role.REPORTER), [flaw("SQL injection by sorting", symbol="list_admin")],
                      coordinator=instance.actor)
    compare(instance)
    before = read_case(instance, case_of(first)).credit, read_case(instance, case_of(later)).credit
    merged = decide(instance, DecisionKind.MERGE, third, later)
    assert [(line.report_id, line.place) for line in read_case(instance, case_of(later)).credit.lines] == [
        (first, Place.FIRST), (second, Place.INDEPENDENT), (third, Place.INDEPENDENT), (later, Place.INDEPENDENT),
    ]
    clock.at += timedelta(minutes=1)
    split = decide(instance, DecisionKind.SPLIT, first, second)
    assert [(line.report_id, line.place) for line in read_case(instance, case_of(later)).credit.lines] == [
        (third, Place.FIRST), (later, Place.INDEPENDENT),
    ]
    undo(instance, split)
    undo(instance, merged)
    assert (read_case(instance, case_of(first)).credit, read_case(instance, case_of(later)).credit) == before


def test_named_lead_that_leaves_its_group_leads_it_no_more(instance: Instance, flood: tuple[ReportId, ReportId, ReportId]) -> None:
    first, second, third = flood
    decide(instance, DecisionKind.LEAD, third)
    split = decide(instance, DecisionKind.SPLIT, third)
    assert lead(instance, first) == LeadLine(second, Strength.REPRODUCER)
    assert lead(instance, third) == LeadLine(third, Strength.FIRST)
    undo(instance, split)
    assert lead(instance, first) == LeadLine(third, Strength.NAMED), "back where it was named"


def test_naming_is_no_word_on_what_is_one_flaw(instance: Instance, flood: tuple[ReportId, ReportId, ReportId]) -> None:
    _, second, third = flood
    decide(instance, DecisionKind.LEAD, third)
    with instance.database.read() as tx:
        reporter = intake.read_report(tx, second, instance.envelope, viewer=instance.actor.id, now=instance.clock.now())
        assert reporter is not None
        party = tx.rows(text("select party_id from parties where party_id = :id"), {"id": reporter.reporter})
    assert [line.answer for line in list_reports(instance.acting_as(_party(instance, party[0].party_id)), newest=3)[0]] == ["received"]


def _party(instance: Instance, party_id: str) -> Party:
    from clearinghouse.parties import actions as parties

    with instance.database.read() as tx:
        return parties.get_party(tx, party_id)


def test_withdrawn_lead_gives_way_and_comes_back(instance: Instance, flood: tuple[ReportId, ReportId, ReportId]) -> None:
    first, second, _ = flood
    with instance.database.read() as tx:
        held = intake.read_report(tx, second, instance.envelope, viewer=instance.actor.id, now=instance.clock.now())
    assert held is not None
    sender = instance.acting_as(_party(instance, held.reporter))
    withdraw_reports(sender, [second], "a mistake")
    assert lead(instance, first) == LeadLine(first, Strength.FIRST)
    worker_of(instance, matching=False).run_once()
    assert changes(instance)[1:] == [(first, "first")]
    case = read_case(instance, case_of(first))
    assert [line.place for line in case.credit.lines] == [Place.FIRST, Place.WITHDRAWN, Place.INDEPENDENT]
    reinstate_reports(sender, [second])
    worker_of(instance, matching=False).run_once()
    assert lead(instance, first) == LeadLine(second, Strength.REPRODUCER)
    assert changes(instance)[2:] == [(second, "reproducer")]


def test_held_lead_is_told_of_and_not_named(instance: Instance, clock: FixedClock) -> None:
    [mine] = send_as(instance, new_party(instance, "Seen Ltd", Role.REPORTER), [plain()], coordinator=instance.actor)
    elsewhere = new_party(instance, "Other CERT", Role.COORDINATOR)
    [held] = send_as(instance, new_party(instance, "Unseen Ltd", Role.REPORTER), [better("SECRET words")], coordinator=elsewhere)
    compare(instance)
    case = read_case(instance, case_of(mine))
    assert (case.lead, case.held) == (LeadLine(None, None), 1)
    assert [line.report_id for line in case.credit.lines] == [mine]
    assert (case.credit.lines[0].place, case.credit.corroboration) == (Place.FIRST, None)
    [line] = list_inbox(instance).lines
    assert (line.lead_id, line.lead_title, line.lead_held) == (None, "", True)
    assert [found.title for found in list_cases(instance, largest=3)[0]] == [TITLE]
    assert held not in repr((case, line))
    with pytest.raises(NotFound):
        decide_on(instance, held)


def decide_on(instance: Instance, report: str) -> None:
    with instance.database.write() as tx:
        from clearinghouse.disclosure.intake import actions as reading

        now = instance.clock.now()
        found = reading.read_report(tx, report, envelope=instance.envelope, viewer=instance.actor.id, now=now)
        actions.decide(
            tx, DecisionKind.LEAD, [found], "x", actor=instance.actor.id, envelope=instance.envelope, thresholds=instance.policy.deconfliction, now=now
        )


def test_reproducer_that_somebody_else_confirmed_leads(instance: Instance, flood: tuple[ReportId, ReportId, ReportId]) -> None:
    first, second, _ = flood
    later = send_as(instance, new_party(instance, "Four Ltd", Role.REPORTER), [better("seen again")], coordinator=instance.actor)[0]
    compare(instance)
    assert lead(instance, first) == LeadLine(second, Strength.REPRODUCER)
    queue_packet(instance, new_party(instance, "Vendor Ltd", Role.VENDOR).id, later, reproducer_confirmed=True)
    assert lead(instance, first) == LeadLine(later, Strength.CONFIRMED)
    assert changes(instance)[1:] == [(later, "confirmed")]


@pytest.mark.parametrize(("chosen", "error"), [((0, 1), "one report leads"), ((3,), "alone in its case")])
def test_lead_is_one_report_of_several(
    instance: Instance, flood: tuple[ReportId, ReportId, ReportId], chosen: Sequence[int], error: str
) -> None:
    alone = send_as(instance, instance.actor, [flaw("SQL injection by the sort parameter", symbol="list_admin")])[0]
    compare(instance)
    reports = (*flood, alone)
    with pytest.raises(Invalid, match=error):
        decide(instance, DecisionKind.LEAD, *(reports[place] for place in chosen))


def test_withdrawn_report_cannot_be_named(instance: Instance, flood: tuple[ReportId, ReportId, ReportId]) -> None:
    own = send_as(instance, instance.actor, [plain("once more")])[0]
    compare(instance)
    withdraw_reports(instance, [own], "a mistake")
    with pytest.raises(Conflict, match="took this report back"):
        decide(instance, DecisionKind.LEAD, own)
    assert flood


def test_order_of_arrival_does_not_change_who_leads(tmp_path: Path, clock: FixedClock) -> None:
    findings = {"a": plain(), "b": better(), "c": plain("when the count is wrong"), "d": replace(plain("again"), remediation="--- a/x\n+++ b/x\n")}
    chance, seen = random.Random(3), []
    for turn in range(3):
        folder = tmp_path / str(turn)
        settings = Settings(folder, f"sqlite:///{folder / 'db'}", "test.example/log", folder / "witness" / "checkpoint", "")
        instance = create_instance(settings, organisation="Example CERT", person="Operator", clock=clock)
        names = list(findings)
        chance.shuffle(names)
        ids = {}
        for name in names:
            ids[name] = send_as(instance, new_party(instance, f"{name} Ltd", Role.REPORTER), [findings[name]], coordinator=instance.actor)[0]
            if turn:
                process.deconflict(instance, settle=turn == 1)
        compare(instance)
        led = lead(instance, ids["a"])
        assert led is not None
        seen.append(next(name for name, report in ids.items() if report == led.report_id))
        instance.close()
    assert seen == ["b", "b", "b"]
