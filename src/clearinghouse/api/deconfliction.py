"""Reports and what is one flaw: lists, comparisons, and people's decisions about them."""

from typing import Annotated

import msgspec
from litestar import Router, get, post
from litestar.params import FromPath, JSONBody, QueryParameter

from clearinghouse.api.authentication import SCOPE, Acting
from clearinghouse.api.coordination.shapes import Done, Reason
from clearinghouse.app.views import cases as case_views
from clearinghouse.app.views import counting as counting_views
from clearinghouse.app.views import report as report_views
from clearinghouse.app.views import reports as reports_views
from clearinghouse.app.views.appeals import AppealLine
from clearinghouse.app.views.cases import Case, CaseLine
from clearinghouse.app.views.counting import Counting
from clearinghouse.app.views.report import CandidateLine, Explained
from clearinghouse.app.views.reports import ReportLine
from clearinghouse.app.withdrawing import reinstate_reports, withdraw_reports
from clearinghouse.core.errors import Invalid
from clearinghouse.core.ids import DecisionId
from clearinghouse.core.roles import Scope
from clearinghouse.disclosure.coordination.appeals.records import Question
from clearinghouse.disclosure.deconfliction import actions
from clearinghouse.disclosure.deconfliction.records import DecisionKind
from clearinghouse.disclosure.intake import actions as intake
from clearinghouse.disclosure.intake.records import Finding, Note

Size = Annotated[int, QueryParameter(name="size", ge=1, le=500, description="How many.")]


class Reports(msgspec.Struct, frozen=True):
    """A page of reports, newest first."""

    total: int
    """How many reports the caller may read."""
    reports: tuple[ReportLine, ...]


class ReportDocument(msgspec.Struct, frozen=True):
    """One report as received, with what is said of it."""

    line: ReportLine
    finding: Finding
    notes: tuple[Note, ...]
    candidates: tuple[CandidateLine, ...]
    withdrawn_because: str = ""
    """The sender's reason, where it took the report back."""
    appeals: tuple[AppealLine, ...] = ()
    """Of its sender, for the sender and for who is on duty for it."""
    may_appeal: tuple[Question, ...] = ()
    """What the caller may contest now."""


class Clusters(msgspec.Struct, frozen=True):
    """Groups of reports that are one flaw, those with most reports first."""

    total: int
    clusters: tuple[CaseLine, ...]


class DecisionRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a person decides about reports."""

    kind: DecisionKind
    reports: Annotated[tuple[str, ...], msgspec.Meta(min_length=1, max_length=500)]
    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=4000)]


class DecisionAnswer(msgspec.Struct, frozen=True):
    """What a decision did."""

    id: DecisionId
    moved: int
    """Reports that changed their cluster."""


@get("/reports", opt={SCOPE: Scope.REPORTS_READ}, sync_to_thread=True, summary="Reports, newest first")
def reports(instance: Acting, size: Size = 50) -> Reports:
    """The newest reports the caller may read, with the answer beside each."""
    found, total = reports_views.list_reports(instance, newest=size)
    return Reports(total, tuple(found))


@get("/reports/{report_id:str}", opt={SCOPE: Scope.REPORTS_READ}, sync_to_thread=True, summary="One report")
def report(instance: Acting, report_id: FromPath[str]) -> ReportDocument:
    """What was received, never edited, and what it was compared with."""
    found = report_views.read_report(instance, report_id)
    because = "" if found.withdrawal is None else found.withdrawal.reason
    return ReportDocument(found.line, found.report.finding, found.report.notes, found.candidates, because, found.appeals, found.questions)


@get("/reports/{report_id:str}/compare/{other_id:str}", opt={SCOPE: Scope.CASES_READ}, sync_to_thread=True, summary="Two reports compared")
def compare(instance: Acting, report_id: FromPath[str], other_id: FromPath[str]) -> Explained:
    """Whether they are one flaw, how sure that is, and what spoke for and against, strongest first."""
    return report_views.explain(instance, report_id, other_id)


@get("/clusters", opt={SCOPE: Scope.CASES_READ}, sync_to_thread=True, summary="What is one flaw")
def clusters(instance: Acting, size: Size = 50) -> Clusters:
    """The groups of reports that deconfliction holds to be one flaw, as far as the caller may see."""
    found, total = case_views.list_cases(instance, largest=size)
    return Clusters(total, tuple(found))


@get("/clusters/{cluster_id:str}", opt={SCOPE: Scope.CASES_READ}, sync_to_thread=True, summary="One cluster")
def cluster(instance: Acting, cluster_id: FromPath[str]) -> Case:
    """Its reports, the one that leads first, why it leads, the order of credit among them, and what people decided."""
    return case_views.read_case(instance, cluster_id)


@get("/clusters/{cluster_id:str}/counting", opt={SCOPE: Scope.CASES_READ}, sync_to_thread=True, summary="Keep, split or merge, by the CVE counting rule")
def counting(instance: Acting, cluster_id: FromPath[str]) -> Counting:
    """A proposal with the clauses and the facts it rests on; nothing is changed by asking."""
    return counting_views.read_counting(instance, cluster_id)


@post("/decisions", opt={SCOPE: Scope.CASES_DECIDE}, sync_to_thread=True, summary="Merge, split, hold apart or name the lead")
def decide(instance: Acting, data: JSONBody[DecisionRequest]) -> DecisionAnswer:
    """A person's word about reports, with the reason; it can be undone exactly."""
    if len(set(data.reports)) != len(data.reports):
        raise Invalid("a report is named twice; name each once")
    now = instance.clock.now()
    with instance.database.write() as tx:
        found = [
            intake.read_report(tx, report_id, envelope=instance.envelope, viewer=instance.actor.id, now=now) for report_id in data.reports
        ]
        done = actions.decide(
            tx, data.kind, found, data.reason, actor=instance.actor.id, envelope=instance.envelope,
            thresholds=instance.policy.deconfliction, now=now,
        )
    return DecisionAnswer(done.id, len(done.moved))


@post("/decisions/{decision_id:str}/undo", opt={SCOPE: Scope.CASES_DECIDE}, status_code=200, sync_to_thread=True, summary="Undo a decision")
def undo(instance: Acting, decision_id: FromPath[str]) -> DecisionAnswer:
    """Everything stands as if the decision had never been made."""
    with instance.database.write() as tx:
        done = actions.undo(
            tx, decision_id, actor=instance.actor.id, envelope=instance.envelope, thresholds=instance.policy.deconfliction,
            now=instance.clock.now(),
        )
    return DecisionAnswer(done.id, len(done.moved))


@post("/reports/{report_id:str}/withdraw", opt={SCOPE: Scope.REPORTS_SUBMIT}, status_code=200, sync_to_thread=True, summary="Withdraw one's report")
def withdraw(instance: Acting, report_id: FromPath[str], data: JSONBody[Reason]) -> Done:
    """Who sent it takes it back; it stays on the record as withdrawn. Where a case handles it, it is withdrawn there."""
    withdraw_reports(instance, [report_id], data.reason)
    return Done("withdrawn")


@post("/reports/{report_id:str}/reinstate", opt={SCOPE: Scope.REPORTS_SUBMIT}, status_code=200, sync_to_thread=True, summary="Undo a withdrawal")
def reinstate(instance: Acting, report_id: FromPath[str]) -> Done:
    """It waits as before, or is in its case again."""
    reinstate_reports(instance, [report_id])
    return Done("received")


ROUTER = Router("/", route_handlers=[reports, report, withdraw, reinstate, compare, clusters, cluster, counting, decide, undo], tags=["deconfliction"])
