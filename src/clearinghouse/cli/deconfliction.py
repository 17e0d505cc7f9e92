"""`clearinghouse cases`, `show`, `explain`, `counting`, `settle`, `merge`, `split`, `not-same`, `lead`, `undo`."""

from typing import TYPE_CHECKING, Annotated

import typer

from clearinghouse.cli.context import Json, context_of
from clearinghouse.cli.output import out, print_json, progress, say, table, untrusted

if TYPE_CHECKING:
    from clearinghouse.app.views.cases import Case
    from clearinghouse.app.views.report import Explained, Opened
    from clearinghouse.disclosure.deconfliction.actions import Decided

COUNT_WORDS = {
    "keep": "one flaw, one CVE id",
    "split": "flaws of their own, a CVE id for each",
    "merge": "the same flaw is in another case too",
    "a person must say": "the rule leaves it open",
}
Reason = Annotated[str, typer.Option(help="Why; others must be able to follow it.")]


def register(app: typer.Typer) -> None:
    """Add these commands."""
    for command in (cases, show, explain, counting, settle, merge, split, lead):
        app.command()(command)
    app.command(name="not-same")(not_same)
    app.command()(undo)


def cases(
    ctx: typer.Context,
    largest: Annotated[int, typer.Option(min=1, max=1_000_000, help="How many, those with most reports first.")] = 30,
    json: Json = False,
) -> None:
    """What is one flaw: the cases you may see."""
    from clearinghouse.app.views.cases import list_cases

    with context_of(ctx).instance() as instance:
        lines, total = list_cases(instance, largest=largest)
    if json:
        print_json({"total": total, "cases": lines})
        return
    shown = table("", "case", "reports", "to look at", "public", "first received", "found by", "title", caption=f"{len(lines)} of {total}")
    for line in lines:
        shown.add_row(
            line.id, str(line.reports) + (f" +{line.hidden} held" if line.hidden else ""), str(line.proposed or ""),
            str(line.public or ""), f"{line.first_received_at:%Y-%m-%d %H:%M}" + ("" if line.settled else " ?"),
            untrusted(", ".join(line.tools), 60), untrusted(line.title, 80),
        )
    out.print(shown)
    if any(not line.settled for line in lines):
        say("? provisional: reports came since the last settling; `clearinghouse settle` compares everything again")
    if lines:
        say("next: clearinghouse show CASE   (its reports)   clearinghouse explain REPORT REPORT   (why)")


def show(ctx: typer.Context, id: Annotated[str, typer.Argument(help="Case, report or submission id.")], json: Json = False) -> None:  # noqa: A002
    """A case with its reports, a report with its candidates and events, or the receipt of a submission."""
    from clearinghouse.app.views.cases import read_case
    from clearinghouse.app.views.report import read_report
    from clearinghouse.core.errors import NotFound
    from clearinghouse.disclosure.intake.actions import read_receipt

    with context_of(ctx).instance() as instance:
        if id.startswith("case_"):
            case = read_case(instance, id)
            if json:
                print_json(case)
                return
            out.print(untrusted(case.line.title, 200, "bold"))
            shown = table("", "report", "received", "source", "answer", "p", "title")
            for line in case.reports:
                shown.add_row(line.id, f"{line.received_at:%Y-%m-%d %H:%M}", line.source, "public" if line.public else line.answer,
                              line.probability_text, untrusted(line.title, 90))
            out.print(shown)
            if case.lead is not None:
                say(f"leads: {case.lead.report_id} ({case.lead.because})" if case.lead.report_id else "a held report leads")
            _say_credit(case)
            if case.line.hidden:
                say(f"and {case.line.hidden} held finding(s) of others")
            for decision in case.decisions:
                state = "" if decision.undone_at is None else f" (undone {decision.undone_at:%Y-%m-%d %H:%M})"
                say(f"{decision.id} {decision.kind} {decision.at:%Y-%m-%d %H:%M}{state}: {decision.reason}")
        elif id.startswith("rep_"):
            _show_report(read_report(instance, id), json)
        elif id.startswith("sub_"):
            with instance.read() as tx:
                receipt = read_receipt(tx, id, envelope=instance.envelope, viewer=instance.actor.id, now=instance.clock.now())
            if json:
                print_json(receipt)
                return
            out.print(f"{receipt.submission_id}  {receipt.source}  {receipt.digest}", markup=False)
            for note in receipt.notes:
                say(f"{note.place} {note.message}", "yellow")
            shown = table("", "item", "outcome", "report", "notes")
            for item in receipt.items[:200]:
                notes = "; ".join(note.message for note in item.notes)
                shown.add_row(untrusted(item.place, 60), item.outcome, (item.report_id or "") + (" (earlier)" if item.earlier else ""),
                              untrusted(notes, 160))
            out.print(shown)
            if len(receipt.items) > 200:
                say(f"{len(receipt.items) - 200} more; --json prints all")
        else:
            raise NotFound(f"nothing found under {id[:40]!r}; ids begin with case_, rep_ or sub_")


def explain(
    ctx: typer.Context,
    one: Annotated[str, typer.Argument(help="Report id.")],
    other: Annotated[str, typer.Argument(help="Report id.")],
    json: Json = False,
) -> None:
    """Why two reports are, or are not, the same flaw: what agreed, what differed, how much each counted."""
    from clearinghouse.app.views.report import explain as read

    with context_of(ctx).instance() as instance:
        found = read(instance, one, other)
    if json:
        print_json(found)
    else:
        _print_explained(found)


def counting(
    ctx: typer.Context, case: Annotated[str, typer.Argument(help="Case id (case_...), as `cases` lists them.")], json: Json = False
) -> None:
    """Keep, split or merge a case by the CVE counting rule: a proposal with the clauses and facts it rests on. Changes nothing."""
    from clearinghouse.app.views.counting import read_counting

    with context_of(ctx).instance() as instance:
        found = read_counting(instance, case)
    if json:
        print_json(found)
        return
    out.print(f"{found.count}: {COUNT_WORDS[found.count]}", markup=False)
    shown = table("", "clause", "speaks for", "because", "reports")
    for reason in found.reasons:
        shown.add_row(reason.clause, reason.says, reason.fact, str(len(reason.reports)))
    out.print(shown)
    if len(found.groups) > 1 or found.others:
        for number, group in enumerate(found.groups, 1):
            for report in group:
                out.print(untrusted(f"flaw {number}  {report.id}  {report.title}", 200))
        for report in found.others:
            out.print(untrusted(f"the same  {report.id}  {report.title}", 200))
    for clause, says in dict.fromkeys((reason.clause, reason.clause_says) for reason in found.reasons):
        say(f"{clause}: {says}")
    say(f"{found.rule.title} {found.rule.version}, approved {found.rule.approved}; {found.rule.url}")
    if found.held:
        say(f"{found.held} held finding(s) of others are in the case; their facts are not in this")
    say("nothing was changed: `clearinghouse split`, `merge` or `not-same` do what a person decides")


def settle(
    ctx: typer.Context,
    engine: Annotated[str, typer.Option(help="What settles: auto, memory, duckdb or spark, instead of what [bulk] of the settings says.")] = "",
    json: Json = False,
) -> None:
    """Compare all reports with each other again and settle the clusters; decisions of people stand.

    With DuckDB or Spark it can be interrupted: run again, it goes on with the step it was in.
    """
    from clearinghouse.app import process
    from clearinghouse.app.bulk import with_engine
    from clearinghouse.core.roles import Scope
    from clearinghouse.parties.rules import check_may

    with context_of(ctx).instance() as instance:
        check_may(instance.actor, Scope.CASES_DECIDE)
        with progress(json) as bars:
            process.deconflict(with_engine(instance, engine) if engine else instance, process.Bars(lambda name, total: bars.add_task(name, total=total), bars.update), settle=True)
        with instance.read() as tx:
            from clearinghouse.disclosure.deconfliction.store import last_settlement

            last = last_settlement(tx)
    assert last is not None
    if json:
        print_json({"records": last[1], "model": last[2], "at": last[0]})
    else:
        out.print(f"{last[1]} records settled with model {last[2][:12]}", markup=False)


def merge(
    ctx: typer.Context, reports: Annotated[list[str], typer.Argument(help="Reports of the cases to join.")], reason: Reason, json: Json = False
) -> None:
    """Say that reports of several cases are one flaw."""
    _decide(ctx, "merge", reports, reason, json)


def split(
    ctx: typer.Context, reports: Annotated[list[str], typer.Argument(help="Reports that leave their case.")], reason: Reason, json: Json = False
) -> None:
    """Say that reports do not belong to the case they are in."""
    _decide(ctx, "split", reports, reason, json)


def not_same(
    ctx: typer.Context, reports: Annotated[list[str], typer.Argument(help="A report, and those it is not the same as.")], reason: Reason,
    json: Json = False,
) -> None:
    """Say that a report is another flaw than others, now and in every later settling."""
    _decide(ctx, "not_same", reports, reason, json)


def lead(
    ctx: typer.Context, report: Annotated[str, typer.Argument(help="The report that is to lead.")], reason: Reason, json: Json = False
) -> None:
    """Say which report of a case to work from. It leads as long as it stays in the case; credit stays as it is."""
    _decide(ctx, "lead", [report], reason, json)


def undo(ctx: typer.Context, decision: Annotated[str, typer.Argument(help="Decision id (dec_...).")], json: Json = False) -> None:
    """Withdraw a decision; everything stands as if it had never been made."""
    from clearinghouse.app.process import sign_checkpoint
    from clearinghouse.disclosure.deconfliction import actions

    with context_of(ctx).instance() as instance:
        with instance.database.write() as tx:
            done = actions.undo(
                tx, decision, actor=instance.actor.id, envelope=instance.envelope, thresholds=instance.policy.deconfliction,
                now=instance.clock.now(),
            )
        sign_checkpoint(instance)
    if json:
        print_json({"undone": done.id, "moved": len(done.moved)})
    else:
        say(f"{done.id} is undone; {len(done.moved)} report(s) moved back")


def _decide(ctx: typer.Context, kind: str, report_ids: list[str], reason: str, json: bool) -> None:
    from clearinghouse.app.process import sign_checkpoint
    from clearinghouse.disclosure.deconfliction import actions
    from clearinghouse.disclosure.deconfliction.records import DecisionKind
    from clearinghouse.disclosure.intake.actions import read_report

    with context_of(ctx).instance() as instance:
        now = instance.clock.now()
        with instance.database.write() as tx:
            reports = [
                read_report(tx, report_id, envelope=instance.envelope, viewer=instance.actor.id, now=now)
                for report_id in dict.fromkeys(report_ids)
            ]
            done = actions.decide(
                tx, DecisionKind(kind), reports, reason, actor=instance.actor.id, envelope=instance.envelope,
                thresholds=instance.policy.deconfliction, now=now,
            )
        sign_checkpoint(instance)
    _print_decided(done, json)


def _print_decided(done: "Decided", json: bool) -> None:
    if json:
        print_json({"decision": done.id, "moved": len(done.moved)})
    else:
        out.print(done.id, markup=False)
        say(f"{len(done.moved)} report(s) moved; take it back with: clearinghouse undo {done.id}")


def _say_credit(case: "Case") -> None:
    for line in case.credit.lines:
        committed = "" if line.committed_at is None or line.committed_at >= line.received_at else f", committed to {line.committed_at:%Y-%m-%d %H:%M}"
        why = f" ({'; '.join(line.because)})" if line.because else ""
        say(f"credit: {line.place}{' (tied)' if line.tied else ''} {line.report_id} received {line.received_at:%Y-%m-%d %H:%M}{committed}{why}")
    if case.credit.corroboration is not None:
        found = case.credit.corroboration
        say(f"reported independently by {found.organisations} organisations between {found.first_at:%Y-%m-%d %H:%M} and {found.last_at:%Y-%m-%d %H:%M}")


def _show_report(opened: "Opened", json: bool) -> None:
    if json:
        print_json(opened)
        return
    report, line = opened.report, opened.line
    out.print(untrusted(line.title, 200, "bold"))
    out.print(f"{report.id}  {report.source}  received {report.received_at:%Y-%m-%d %H:%M:%S} UTC  {report.digest[:23]}...", markup=False)
    if line.case_id:
        provisional = "" if line.settled else " (provisional)"
        out.print(f"{line.answer} {line.probability_text}{provisional}  {line.case_id}", markup=False)
    elif not report.public:
        out.print(line.answer if line.known_since is None else f"{line.answer}: known, first received at {line.known_since:%Y-%m-%d %H:%M} UTC", markup=False)
    for appeal in opened.appeals:
        out.print(f"appeal {appeal.id} {appeal.question}: {appeal.state}", markup=False)
    if opened.questions:
        say(f"contest it with: clearinghouse appeal make {report.id} --question {'|'.join(opened.questions)} --reason ...")
    for note in report.notes:
        say(f"{note.place}: {note.message}", "yellow")
    out.print()
    out.print(_prose(report.finding.description, 1500))
    if opened.candidates:
        shown = table("compared with", "p", "relation", "report", "title")
        for candidate in opened.candidates:
            relation = f"{candidate.relation}, by {' and '.join(candidate.kinds)}" if candidate.kinds else str(candidate.relation)
            shown.add_row(f"{candidate.probability:.2f}", relation, candidate.id or "-", untrusted(candidate.title, 90))
        out.print(shown)
    shown = table("on the record", "event", "what", "when")
    for event in opened.events:
        shown.add_row(event.event_id, event.kind, f"{event.at:%Y-%m-%d %H:%M:%S}")
    out.print(shown)


def _prose(text: str, characters: int) -> object:
    from rich.text import Text

    from clearinghouse.core.untrusted import clean_text

    return Text(clean_text(text, characters))


def _print_explained(found: "Explained") -> None:
    for line in (found.one, found.other):
        out.print(untrusted(f"{line.id}  {line.title}", 200))
    out.print(f"\n{found.candidate.relation}, probability {found.candidate.probability:.3f}", markup=False)
    out.print(found.candidate.because + "\n" if found.candidate.because else "", markup=False)
    widest = max((abs(entry.contribution) for entry in found.candidate.evidence), default=1.0) or 1.0
    shown = table("", "", "log-odds", "what", "value")
    for entry in found.candidate.evidence:
        if entry.name == "relation":
            continue  # said above
        bar = ("+" if entry.contribution > 0 else "-") * max(1, round(20 * abs(entry.contribution) / widest))
        shown.add_row(bar, f"{entry.contribution:+.2f}", entry.wording, "" if entry.value is None else f"{entry.value:.2f}",
                      style="green" if entry.contribution > 0 else "red")
    out.print(shown)
