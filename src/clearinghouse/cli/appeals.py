"""`clearinghouse appeal`: contest what was made of a report, and answer who does."""

from typing import TYPE_CHECKING, Annotated

import typer

from clearinghouse.cli.context import Json, context_of
from clearinghouse.cli.output import out, print_json, say, table, untrusted

if TYPE_CHECKING:
    from clearinghouse.app.views.appeals import AppealLine

app = typer.Typer(help="Appeals: a finder contests what it is told of its report; a person who did not decide it answers.", no_args_is_help=True)

Appeal = Annotated[str, typer.Argument(metavar="APPEAL", help="Appeal id (apl_...).")]
Reason = Annotated[str, typer.Option(help="Why.")]


@app.command()
def make(
    ctx: typer.Context, report: Annotated[str, typer.Argument(help="Report id.")],
    question: Annotated[str, typer.Option(help="What is contested: known, duplicate, not_same or credit.")], reason: Reason, json: Json = False,
) -> None:
    """Appeal what you are told of a report of yours."""
    from clearinghouse.app.appeals import make_appeal
    from clearinghouse.app.process import sign_checkpoint
    from clearinghouse.disclosure.coordination.appeals.rules import parse_question

    with context_of(ctx).instance() as instance:
        made = make_appeal(instance, report, parse_question(question), reason)
        sign_checkpoint(instance)
    if json:
        print_json(made)
    else:
        out.print(made.id, markup=False)
        say(f"another person than who decided answers by {made.due_at:%Y-%m-%d}; see: clearinghouse appeal show {made.id}")


@app.command(name="list")
def list_(ctx: typer.Context, json: Json = False) -> None:
    """What waits for your answer, the most urgent first, and your own appeals."""
    from clearinghouse.app.views.appeals import list_appeals

    with context_of(ctx).instance() as instance:
        lines = list_appeals(instance)
    if json:
        print_json(lines)
        return
    shown = table("", "appeal", "about", "state", "made", "answer by", "report", "title")
    for line in lines:
        shown.add_row(line.id, line.question, line.state, f"{line.made_at:%Y-%m-%d}", f"{line.due_at:%Y-%m-%d}", line.report_id, untrusted(line.title, 80))
    out.print(shown)


@app.command()
def show(ctx: typer.Context, appeal: Appeal, json: Json = False) -> None:
    """One appeal, and for who may answer it the decisions it is against."""
    from clearinghouse.app.views.appeals import read_appeal

    with context_of(ctx).instance() as instance:
        found = read_appeal(instance, appeal)
    if json:
        print_json(found)
        return
    _print(found.line)
    for one in found.contested:
        out.print(untrusted(f"against {one.id} {one.kind} {one.at:%Y-%m-%d %H:%M} by {one.by}: {one.reason}", 400))
    if found.others:
        say("you decided this, or your organisation appeals; another coordinator answers")
    elif found.may_answer:
        say(f"answer with: clearinghouse appeal answer {found.line.id} --uphold --reason ...   (or --reject)")


@app.command()
def answer(
    ctx: typer.Context, appeal: Appeal, uphold: Annotated[bool, typer.Option("--uphold/--reject", help="Whether the finder is right.")],
    reason: Reason, json: Json = False,
) -> None:
    """Answer an appeal; who made it reads the reason. What an upheld one is against is undone in the same moment."""
    from clearinghouse.app.appeals import answer_appeal
    from clearinghouse.app.process import sign_checkpoint

    with context_of(ctx).instance() as instance:
        done = answer_appeal(instance, appeal, uphold, reason)
        sign_checkpoint(instance)
    if json:
        print_json({"appeal": appeal, "upheld": uphold, "done": done})
        return
    say("upheld" if uphold else "rejected")
    for words in done:
        say(words)


@app.command()
def withdraw(ctx: typer.Context, appeal: Appeal, json: Json = False) -> None:
    """Take back an appeal of yours."""
    from clearinghouse.app.appeals import withdraw_appeal

    with context_of(ctx).instance() as instance:
        withdraw_appeal(instance, appeal)
    if json:
        print_json({"appeal": appeal, "state": "withdrawn"})
    else:
        say("taken back; nobody has to answer it")


def _print(line: "AppealLine") -> None:
    from clearinghouse.disclosure.coordination.appeals.rules import QUESTIONS

    out.print(untrusted(line.title, 200, "bold"))
    out.print(f"{line.id}  {line.state}  {QUESTIONS[line.question]}  made {line.made_at:%Y-%m-%d}  answer by {line.due_at:%Y-%m-%d}", markup=False)
    out.print(untrusted(line.words, 4000))
    if line.answer:
        out.print(untrusted(f"answered: {line.answer}", 4000))
