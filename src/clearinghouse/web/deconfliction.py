"""Two reports side by side, what is one flaw, and the decisions people make about it: two clicks, and one to take it back."""

from typing import Any

from litestar import Response, Router, get, post
from litestar.params import FromPath

from clearinghouse.app.views import cases, report
from clearinghouse.app.views import counting as counting_view
from clearinghouse.app.views.around import last_decision, room_of
from clearinghouse.core.errors import Conflict, Invalid
from clearinghouse.core.roles import Scope
from clearinghouse.disclosure.deconfliction import actions
from clearinghouse.disclosure.deconfliction.leads.records import Strength
from clearinghouse.disclosure.deconfliction.records import DecisionKind
from clearinghouse.disclosure.intake import actions as intake
from clearinghouse.web import pages
from clearinghouse.web.rendering import Flash
from clearinghouse.web.visitor import Form, Visiting, local_path

_DONE = {
    DecisionKind.MERGE: "They are one flaw now.", DecisionKind.SPLIT: "Split off.", DecisionKind.NOT_SAME: "They are held apart from now on.",
    DecisionKind.LEAD: "It leads from now on.",
}
_WHY_LEADS = {
    Strength.NAMED: "a person named it", Strength.CONFIRMED: "somebody else reproduced the flaw with it",
    Strength.REPRODUCER: "it says how to reproduce the flaw", Strength.PATCH: "it proposes a fix", Strength.PLACE: "it names the place in the code",
    Strength.VERSIONS: "it names affected versions", Strength.TEXT: "it says more", Strength.FIRST: "first received, and none of the others has more",
}


@get("/reports/{report_id:str}/compare/{other_id:str}", sync_to_thread=True, include_in_schema=False)
def compare(visitor: Visiting, report_id: FromPath[str], other_id: FromPath[str]) -> Response[Any]:
    """What speaks for one flaw and what against, strongest first, above what each report says."""
    instance = visitor.acting(Scope.CASES_READ)
    found = report.compare(instance, report_id, other_id)
    return visitor.render(
        "compare.html", compared=found, rows=pages.compared_rows(found.one.finding, found.other.finding),
        same_cluster=found.explained.one.case_id is not None and found.explained.one.case_id == found.explained.other.case_id,
        decision=last_decision(instance, found.one, found.other),
    )


@get("/clusters/{cluster_id:str}", sync_to_thread=True, include_in_schema=False)
def cluster(visitor: Visiting, cluster_id: FromPath[str]) -> Response[Any]:
    """The reports of one flaw, the one that leads first, and the order of credit."""
    instance = visitor.acting(Scope.CASES_READ)
    found = cases.read_case(instance, cluster_id)
    room = room_of(instance, found.reports[0].id) if found.reports else ("", "")
    return visitor.render(
        "cluster.html", cluster=found, room_id=room[0], why_leads="" if found.lead is None or found.lead.because is None else _WHY_LEADS[found.lead.because],
        credited={line.id: (f"/reports/{line.id}", line.title, "") for line in found.reports},
        counting=counting_view.count_cluster(instance, found),
    )


@post("/decisions", sync_to_thread=True, include_in_schema=False)
def decide(visitor: Visiting, form: Form) -> Response[Any]:
    """Merge, split, hold apart or name the lead, with a reason; the next page offers to undo it."""
    instance = visitor.acting(Scope.CASES_DECIDE)
    if form.text("kind") not in set(DecisionKind):
        raise Invalid(f"a decision is one of: {', '.join(DecisionKind)}")
    kind, ids = DecisionKind(form.text("kind")), tuple(dict.fromkeys(form.texts("reports")))
    now = instance.clock.now()
    back = local_path(form.text("back") or (f"/reports/{ids[0]}" if ids else "/inbox"))
    try:
        with instance.database.write() as tx:
            found = [intake.read_report(tx, entry, envelope=instance.envelope, viewer=instance.actor.id, now=now) for entry in ids]
            done = actions.decide(
                tx, kind, found, form.text("reason") or "seen to be so on the page that compares them", actor=instance.actor.id,
                envelope=instance.envelope, thresholds=instance.policy.deconfliction, now=now,
            )
    except (Invalid, Conflict) as error:
        return visitor.go(back, Flash("problem", str(error)))
    moved = "One report moved." if len(done.moved) == 1 else f"{len(done.moved)} reports moved."
    words = _DONE[kind] if kind is DecisionKind.LEAD else f"{_DONE[kind]} {moved}"
    return visitor.go(back, Flash("done", words, "/decisions/undo", {"decision": done.id, "back": back}))


@post("/decisions/undo", sync_to_thread=True, include_in_schema=False)
def undo(visitor: Visiting, form: Form) -> Response[Any]:
    """As if the decision had never been made."""
    instance = visitor.acting(Scope.CASES_DECIDE)
    back = local_path(form.text("back") or "/inbox")
    try:
        with instance.database.write() as tx:
            actions.undo(
                tx, form.text("decision"), actor=instance.actor.id, envelope=instance.envelope,
                thresholds=instance.policy.deconfliction, now=instance.clock.now(),
            )
    except Conflict as error:
        return visitor.go(back, Flash("problem", str(error)))
    return visitor.go(back, Flash("done", "Undone: everything stands as it did before."))


ROUTER = Router("/", route_handlers=[compare, cluster, decide, undo])

