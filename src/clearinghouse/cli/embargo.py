"""`clearinghouse embargo`: whose clock binds in a case, what would change it, and one's own word on it."""

from datetime import datetime
from typing import Annotated

import typer

from clearinghouse.cli.context import Json, context_of
from clearinghouse.cli.output import out, print_json, say, table, untrusted

app = typer.Typer(help="The embargo of a case: the instant that binds, what-if, proposals, facts.", no_args_is_help=True)

Case = Annotated[str, typer.Argument(help="Case id (case_...).")]
When = Annotated[str, typer.Option("--at", help="Instant, RFC 3339; without a zone it is UTC.")]


@app.command()
def show(ctx: typer.Context, case: Case, json: Json = False) -> None:
    """When the embargo of a case ends, who bound it, and what does not fit."""
    from clearinghouse.app.views.embargo_clock import read_embargo

    with context_of(ctx).instance() as instance:
        found = read_embargo(instance, case)
    if json:
        print_json(found)
        return
    out.print(untrusted(found.words or found.ends_words, 300, "bold"))
    shown = table("", "rank", "holder", "instant", "why")
    for clock in found.clocks:
        shown.add_row(clock.rank, untrusted(clock.holder, 60), untrusted(clock.at_words, 60), untrusted(clock.why, 160), style="bold" if clock.binds else "")
    out.print(shown)
    for words in found.conflicts:
        say(f"conflict: {words}", "yellow")
    for duty in found.duties:
        say(f"{duty.what}: {duty.words}")
    for proposal in found.proposals:
        say(f"{proposal.id} {proposal.state}: until {proposal.ends_at:%Y-%m-%d %H:%M} UTC, {proposal.accepted} of {proposal.needed} accept"
            + ("; your answer is wanted" if proposal.asked else ""))


@app.command(name="what-if")
def what_if(
    ctx: typer.Context, case: Case,
    kind: Annotated[str, typer.Argument(help="goes_public, fix_ready, exploited, extension_asked, extension_accepted.")],
    at: When, json: Json = False,
) -> None:
    """What would change in the timetable; nothing is stored and nobody is told."""
    from clearinghouse.app.views.embargo_clock import ask_what_if
    from clearinghouse.core.errors import Invalid
    from clearinghouse.disclosure.coordination.embargo.records import Change, ChangeKind

    if kind not in set(ChangeKind):
        raise Invalid(f"a change is one of {', '.join(ChangeKind)}; {kind[:40]!r} was given")
    with context_of(ctx).instance() as instance:
        found = ask_what_if(instance, case, Change(ChangeKind(kind), _instant(at), instance.actor.id))
    if json:
        print_json(found)
        return
    for words in found.difference or ("nothing would change",):
        out.print(untrusted(words, 300))


@app.command()
def propose(
    ctx: typer.Context, case: Case, at: When, note: Annotated[str, typer.Option(help="What speaks for it; the participants read it.")] = "",
    json: Json = False,
) -> None:
    """Propose an instant to all participants, or a revision of what is agreed."""
    from clearinghouse.app.wiring import policy_of
    from clearinghouse.disclosure.coordination.embargo import actions

    with context_of(ctx).instance() as instance, instance.database.write() as tx:
        made = actions.propose_embargo(
            tx, case, _instant(at), note=note, actor=instance.actor.id, envelope=instance.envelope, policy_of=policy_of, now=instance.clock.now()
        )
    if json:
        print_json(made)
    else:
        out.print(made.id, markup=False)


@app.command()
def accept(ctx: typer.Context, case: Case, proposal: Annotated[str, typer.Argument(help="Proposal id (trm_...).")], json: Json = False) -> None:
    """Accept a proposal, and with it every shorter one."""
    from clearinghouse.app.wiring import policy_of
    from clearinghouse.disclosure.coordination.embargo import actions

    with context_of(ctx).instance() as instance, instance.database.write() as tx:
        actions.accept_embargo(
            tx, case, proposal, actor=instance.actor.id, envelope=instance.envelope, policy_of=policy_of, now=instance.clock.now()
        )
    _done({"accepted": proposal}, json)


@app.command()
def decline(
    ctx: typer.Context, case: Case, proposal: Annotated[str, typer.Argument(help="Proposal id (trm_...).")],
    reason: Annotated[str, typer.Option(help="Why; it stands in the record of the case.")], json: Json = False,
) -> None:
    """Decline a proposal; what was agreed on before stands."""
    from clearinghouse.app.wiring import policy_of
    from clearinghouse.disclosure.coordination.embargo import actions

    with context_of(ctx).instance() as instance, instance.database.write() as tx:
        actions.decline_embargo(
            tx, case, proposal, reason, actor=instance.actor.id, envelope=instance.envelope, policy_of=policy_of, now=instance.clock.now()
        )
    _done({"declined": proposal}, json)


@app.command()
def fact(
    ctx: typer.Context, case: Case,
    milestone: Annotated[str, typer.Argument(help="vendor_contacted, fix_ready, posted_to_list, patch_released, public, exploited_known, ...")],
    at: When, party: Annotated[str, typer.Option(help="Whose milestone it is (pty_...).")] = "",
    note: Annotated[str, typer.Option(help="Where it was seen or who said so; kept sealed.")] = "", json: Json = False,
) -> None:
    """Record what happened. Publication and known exploitation end the embargo for all."""
    from clearinghouse.app.wiring import policy_of
    from clearinghouse.core.errors import Invalid
    from clearinghouse.core.terms import Milestone
    from clearinghouse.disclosure.coordination.embargo import actions

    if milestone not in set(Milestone):
        raise Invalid(f"a milestone is one of {', '.join(Milestone)}; {milestone[:40]!r} was given")
    with context_of(ctx).instance() as instance, instance.database.write() as tx:
        made, timetable = actions.record_fact(
            tx, case, Milestone(milestone), _instant(at), party=party, note=note, actor=instance.actor.id, envelope=instance.envelope,
            policy_of=policy_of, now=instance.clock.now(),
        )
    if json:
        print_json({"fact": made.id, "ends_at": timetable.ends_at, "state": timetable.state})
    else:
        out.print(made.id, markup=False)
        say(timetable.words)


@app.command()
def terms(
    ctx: typer.Context, case: Case,
    name: Annotated[str, typer.Argument(help="Id of terms of the policy, such as linux-distros; docs/reference/embargo.md lists them.")],
    party: Annotated[str, typer.Option(help="Id of the holder where it is a party here.")] = "", json: Json = False,
) -> None:
    """Say that a holder's terms apply in a case."""
    from dataclasses import replace

    from clearinghouse.app.views.embargo_clock import known_terms
    from clearinghouse.app.wiring import policy_of
    from clearinghouse.core.errors import NotFound
    from clearinghouse.disclosure.coordination.embargo import actions

    with context_of(ctx).instance() as instance:
        chosen = next((one for one in known_terms(instance, case) if one.id == name), None)
        if chosen is None:
            raise NotFound(f"the policy of this case has no terms {name[:48]!r}; `clearinghouse policy show` lists them")
        with instance.database.write() as tx:
            applied, timetable = actions.apply_terms(
                tx, case, replace(chosen, party=party), actor=instance.actor.id, envelope=instance.envelope, policy_of=policy_of,
                now=instance.clock.now(),
            )
    if json:
        print_json({"applied": applied.id, "ends_at": timetable.ends_at, "state": timetable.state})
    else:
        out.print(applied.id, markup=False)
        say(timetable.words)


@app.command()
def sweep(ctx: typer.Context, json: Json = False) -> None:
    """Handle what is due, once; the worker does this every minute by itself."""
    from clearinghouse.app.timers import sweep_deadlines
    from clearinghouse.core.roles import Scope
    from clearinghouse.parties.rules import check_may

    with context_of(ctx).instance() as instance:
        check_may(instance.actor, Scope.CASES_DECIDE)
        trust, handled = sweep_deadlines(instance)
    if json:
        # Nothing of other people's cases: what fell due tells that they exist.
        print_json({"clock": trust, "handled": len(handled)})
    else:
        say(f"{len(handled)} deadline(s) handled; the clock is {trust}")


def _instant(text: str) -> datetime:
    from clearinghouse.core.clock import parse_instant
    from clearinghouse.core.errors import Invalid

    try:
        return parse_instant(text)
    except ValueError:
        raise Invalid(f"{text[:40]!r} is no instant; write 2026-12-01T08:00Z") from None


def _done(value: dict[str, str], json: bool) -> None:
    if json:
        print_json(value)
    else:
        say(" ".join(f"{name} {entry}" for name, entry in value.items()))
