"""`clearinghouse model`: which pair model compares reports, what it learned from people, and what a newer one proposes."""

from typing import TYPE_CHECKING, Annotated

import typer

from clearinghouse.cli.context import Json, context_of
from clearinghouse.cli.output import out, print_json, say, table, untrusted

if TYPE_CHECKING:  # heavy: imported when a command runs
    from clearinghouse.app.views.model import ProposalLine

app = typer.Typer(help="The pair model: what it learned from decisions here, and what a newer one would have otherwise.", no_args_is_help=True)

Version = Annotated[str, typer.Argument(help="Correction id (cor_...).")]
Proposal = Annotated[str, typer.Argument(help="Proposal id (prp_...).")]
Reason = Annotated[str, typer.Option(help="Why; others must be able to follow it.")]


@app.command(name="list")
def list_(ctx: typer.Context, json: Json = False) -> None:
    """The model in force and every correction that settling fitted from people's decisions."""
    from clearinghouse.app.views.model import read_model

    with context_of(ctx).instance() as instance:
        found = read_model(instance)
    if json:
        print_json(found)
        return
    out.print(f"shipped   {found.shipped}", markup=False)
    out.print(f"in force  {'the same' if found.in_force == found.shipped else found.in_force}", markup=False)
    out.print(f"clusters  {'not settled yet' if not found.settled_with else found.settled_with}", markup=False)
    shown = table("", "correction", "state", "made", "decisions", "pairs", "log loss", "wrong", "joins", "asks")
    for line in found.corrections:
        effect = line.effect
        shown.add_row(
            line.id, line.state + ("" if line.usable else " (other model)"), f"{line.made_at:%Y-%m-%d %H:%M}", str(line.decisions),
            f"{line.pairs} ({line.same} same)", f"{line.loss_before:.3f} -> {line.loss_after:.3f}", f"{line.wrong_before} -> {line.wrong_after}",
            f"+{effect.joins_gained} -{effect.joins_lost}", f"+{effect.asks_gained} -{effect.asks_lost}",
        )
    out.print(shown)
    if found.corrections:
        say("log loss and wrong: on decided pairs the correction was not fitted on; joins and asks: what it would change if put in force")
        say("next: clearinghouse model adopt CORRECTION   (put it in force)   clearinghouse settle   (apply it)")
    else:
        say("nothing is learned yet: settling fits a correction once people have decided about enough pairs, none of them under embargo")


@app.command()
def adopt(ctx: typer.Context, correction: Version, json: Json = False) -> None:
    """Put a correction in force: every comparison from now on reads it; the next settling applies it to all."""
    from clearinghouse.app import process
    from clearinghouse.disclosure.deconfliction.learning import actions

    with context_of(ctx).instance() as instance:
        model = process.matching(instance).scorer.digest
        with instance.database.write() as tx:
            done = actions.adopt(tx, correction, model, actor=instance.actor.id, now=instance.clock.now())
        process.sign_checkpoint(instance)
    if json:
        print_json({"in_force": done.id})
    else:
        say(f"{done.id} is in force; take it back with: clearinghouse model retire {done.id}")


@app.command()
def retire(ctx: typer.Context, correction: Version, json: Json = False) -> None:
    """Take a correction out of force: the shipped model compares alone again."""
    from clearinghouse.app.process import sign_checkpoint
    from clearinghouse.disclosure.deconfliction.learning import actions

    with context_of(ctx).instance() as instance:
        with instance.database.write() as tx:
            done = actions.retire(tx, correction, actor=instance.actor.id, now=instance.clock.now())
        sign_checkpoint(instance)
    if json:
        print_json({"retired": done.id})
    else:
        say(f"{done.id} is out of force; clearinghouse settle brings the clusters back to what the shipped model says")


@app.command()
def proposals(
    ctx: typer.Context, most: Annotated[int, typer.Option(min=1, max=200, help="How many, the oldest first.")] = 10, json: Json = False
) -> None:
    """What a newer model would do to clusters that people have had their hands on; each waits for an answer."""
    from clearinghouse.app.views.model import list_proposals

    with context_of(ctx).instance() as instance:
        found, total = list_proposals(instance, most=most)
    if json:
        print_json({"total": total, "proposals": found})
        return
    for line in found:
        _print(line)
    say(f"{len(found)} of {total}" if total else "no proposal waits for you")
    if found:
        say("next: clearinghouse model accept PROPOSAL --reason WHY   clearinghouse model dismiss PROPOSAL --reason WHY")


@app.command()
def accept(ctx: typer.Context, proposal: Proposal, reason: Reason, json: Json = False) -> None:
    """Do what the newer model proposes: a merge or a split like any other, which `undo` takes back."""
    _answer(ctx, proposal, reason, json, accept=True)


@app.command()
def dismiss(ctx: typer.Context, proposal: Proposal, reason: Reason, json: Json = False) -> None:
    """Keep the clusters as they are: a decision like any other, which `undo` takes back."""
    _answer(ctx, proposal, reason, json, accept=False)


def _answer(ctx: typer.Context, proposal: str, reason: str, json: bool, *, accept: bool) -> None:
    from clearinghouse.app.process import sign_checkpoint
    from clearinghouse.disclosure.deconfliction.learning import actions

    with context_of(ctx).instance() as instance:
        with instance.database.write() as tx:
            done = actions.answer(
                tx, proposal, accept=accept, reason=reason, actor=instance.actor.id, envelope=instance.envelope,
                thresholds=instance.policy.deconfliction, now=instance.clock.now(),
            )
        sign_checkpoint(instance)
    if json:
        print_json({"decision": done.id, "moved": len(done.moved)})
    else:
        say(f"{len(done.moved)} report(s) moved; take it back with: clearinghouse undo {done.id}")


def _print(line: "ProposalLine") -> None:
    doing = "join these two clusters" if line.kind == "join" else "part the first from the second"
    out.print(f"{line.id}  {doing}: {line.probability_before:.2f} -> {line.probability_after:.2f}", markup=False)
    for group, held in ((line.first, line.first_held), (line.second, line.second_held)):
        for report in group:
            out.print(untrusted(f"    {report.id}  {report.title}", 160))
        if held:
            out.print(f"    and {held} held report(s) of others", markup=False)
        out.print("  --" if group is line.first else "", markup=False)
    for entry in line.evidence:
        out.print(f"    {entry.contribution:+.2f}  {entry.wording}", markup=False)
