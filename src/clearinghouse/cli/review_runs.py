"""`clearinghouse review plan ... assess`: what evaluators do with a sealed pack, from the frozen plan to the assessment."""

from pathlib import Path
from typing import Annotated

import typer

from clearinghouse.cli.context import Json, context_of
from clearinghouse.cli.output import out, print_json, progress, say, table

Review = Annotated[str, typer.Argument(metavar="REVIEW", help="Review id (rev_...).")]
Pack = Annotated[str, typer.Argument(metavar="PACK", help="Pack id (pck_...), as `benchmark show` lists them.")]
Gateway = Annotated[str, typer.Option(help="Address of the gateway, as `gateway serve` prints it.")]
_LOOK_SECONDS = 1.0


def register(app: typer.Typer) -> None:
    """Add these commands."""
    for command in (plan, freeze, effort, look, run, work, analyse, assess, record):
        app.command()(command)


def plan(
    ctx: typer.Context, review: Review, pack: Pack,
    output: Annotated[Path, typer.Option("--output", "-o", help="Where to write the plan.")],
    threshold: Annotated[float, typer.Option(help="The mean over families that is to be exceeded, in every domain.")] = 0.5,
    alternative: Annotated[float, typer.Option(help="Where the truth is supposed to lie when the power is claimed.")] = 0.7,
    epochs: Annotated[int, typer.Option(min=1, help="How often each item is asked.")] = 3, json: Json = False,
) -> None:
    """Write a plan over everything in a pack, to change and then freeze. docs/reference/analysis.md says what each number is."""
    import json as jsons

    from clearinghouse.app.reviews.planning import Choices, propose_plan
    from clearinghouse.evaluation.statistics.plan import plan_digest, render_plan

    with context_of(ctx).instance() as instance:
        made = propose_plan(instance, review, pack, Choices(threshold, alternative, epochs))
    output.write_text(jsons.dumps(render_plan(made), indent=1) + "\n", encoding="utf-8")
    if json:
        print_json({"file": str(output), "digest": plan_digest(made), "items": len(made.grid().items)})
    else:
        say(f"{output}: {len(made.grid().items)} items in {len(made.domains)} domains; next: clearinghouse review freeze {review} {pack} {output}")


def freeze(
    ctx: typer.Context, review: Review, pack: Pack, file: Annotated[Path, typer.Argument(metavar="PLAN", help="The plan.", exists=True, dir_okay=False)],
    rehearsal: Annotated[bool, typer.Option(help="The plan promises less than policy asks: it supports no word but undetermined.")] = False,
    json: Json = False,
) -> None:
    """Freeze a plan: its digest goes on the ledger before the window opens. The power it claims is simulated first."""
    from clearinghouse.app.reviews.planning import freeze_plan

    with context_of(ctx).instance() as instance:
        document, made = freeze_plan(instance, review, pack, file.read_bytes(), rehearsal=rehearsal)
    if json:
        print_json({"document": document.id, "digest": document.digest, "rehearsal": rehearsal})
    else:
        say(f"frozen for {len(made.domains)} domains; next: clearinghouse review do {review} open-window")
        out.print(document.digest, markup=False)


def effort(
    ctx: typer.Context, review: Review, scaffolds: Annotated[int, typer.Option(min=0, help="Different scaffolds tried.")],
    prompts: Annotated[int, typer.Option(min=0, help="Different prompts tried in practice.")],
    attempts: Annotated[int, typer.Option(min=0, help="Practice attempts.")], tokens: Annotated[int, typer.Option(min=0, help="Tokens used.")],
    hours: Annotated[float, typer.Option(min=0, help="Person-hours.")], tool: Annotated[list[str] | None, typer.Option(help="A tool the model had.")] = None,
    fine_tuning: Annotated[bool, typer.Option(help="The model could be fine-tuned.")] = False, json: Json = False,
) -> None:
    """Put on the ledger of effort what was done to bring out what the model can do; entries add up."""
    from clearinghouse.app.reviews.running import record_effort
    from clearinghouse.evaluation.statistics.records import Effort

    with context_of(ctx).instance() as instance:
        record_effort(instance, review, Effort(scaffolds, prompts, attempts, tokens, hours, tuple(tool or ()), fine_tuning))
    if json:
        print_json({"review": review})
    else:
        say("on the ledger of effort")


def look(ctx: typer.Context, review: Review, gateway: Gateway = "http://127.0.0.1:8040", json: Json = False) -> None:
    """Look at the identity of the model behind the gateway; what differs from the first look pauses the window."""
    import threading

    from clearinghouse.app.reviews.running import look_at_model

    with context_of(ctx).instance() as instance:
        seen = look_at_model(instance, review, f"{gateway.rstrip('/')}/v1", threading.Event())
    if json:
        print_json({"review": review, "seen": seen})
    else:
        out.print(seen, markup=False)


def run(
    ctx: typer.Context, review: Review, at_once: Annotated[int, typer.Option(min=1, help="Samples at the same time.")] = 2,
    engine: Annotated[str, typer.Option(help="direct, our own; or inspect, in its environment (`make inspect`).")] = "direct", json: Json = False,
) -> None:
    """Plan the sealed run of the frozen plan; `review work` does it."""
    from clearinghouse.app.reviews.running import engine_of, plan_run

    with context_of(ctx).instance() as instance:
        made = plan_run(instance, review, engine=engine_of(engine), at_once=at_once)
    if json:
        print_json(made)
    else:
        out.print(made.id, markup=False)
        say(f"{made.total} samples; next: clearinghouse review work {made.id}")


def work(
    ctx: typer.Context, run: Annotated[str, typer.Argument(metavar="RUN", help="Run id (run_...).")], gateway: Gateway = "http://127.0.0.1:8040",
    patience: Annotated[float, typer.Option(help="How many minutes to wait for the custodians.")] = 60.0, json: Json = False,
) -> None:
    """Work on a run: ask custodians to release the pack for a key of this process, wait for them, then run until done or forbidden.

    Interrupted, it can be begun again; what has ended stays ended, and custodians release anew.
    """
    import signal
    import threading
    import time

    from clearinghouse.app.reviews import running
    from clearinghouse.core.errors import Unavailable
    from clearinghouse.sandbox import open_sandbox

    stop = threading.Event()
    signal.signal(signal.SIGINT, lambda *_: stop.set())
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    with context_of(ctx).instance() as instance, open_sandbox(instance.settings.sandbox) as sandbox:
        sitting = running.sit_down(instance, run)
        wanted = sitting.policy.benchmarks.custodians_min
        say(f"asked the custodians: {sitting.ask.id}; the key of this process is {sitting.key.fingerprint}\n"
            f"{wanted} of them release with: clearinghouse custody release {sitting.ask.id}")
        patient_until = time.monotonic() + patience * 60
        while running.releases_so_far(sitting) < wanted and not stop.is_set():
            if time.monotonic() > patient_until:
                raise Unavailable(f"fewer than {wanted} custodians released within {patience:g} minutes; run the same command again to ask anew")
            stop.wait(_LOOK_SECONDS)
        with progress(json) as bars:
            task = bars.add_task("sealed run", total=sitting.run.total)
            done = running.work(
                sitting, f"{gateway.rstrip('/')}/v1", sandbox, stop, engine=running.engine_of(sitting.run.engine),
                progress=lambda at, total: bars.update(task, completed=at, total=total)
            )
    if json:
        print_json(done)
    else:
        say(f"{done.id} is {done.state}: {done.done} of {done.total} samples ended{f'; {done.why}' if done.why else ''}")


def analyse(ctx: typer.Context, review: Review, json: Json = False) -> None:
    """Analyse the sealed run by the frozen plan and keep the record. None of its outcomes is a determination."""
    from clearinghouse.app.reviews.analysing import analyse as analyse_it
    from clearinghouse.evaluation.statistics.report import plain

    with context_of(ctx).instance() as instance:
        analysis, digest = analyse_it(instance, review)
    if json:
        print_json({"record": digest, "outcome": analysis.outcome, "result": plain(analysis)})
        return
    shown = table("", "domain", "families", "bounds that decide", "threshold", "shows", "why")
    for one in analysis.domains:
        reading = one.readings[analysis.decides]
        shown.add_row(
            one.name, str(one.families), f"{_share(reading.lower)} to {_share(reading.upper)}", f"{one.threshold:g}", reading.outcome.replace("_", " "),
            "; ".join(reading.reasons),
        )
    out.print(shown)
    out.print(f"record {digest}", markup=False)
    for finding in analysis.findings:
        say(f"{finding.name}: {finding.message}")


def assess(ctx: typer.Context, review: Review, json: Json = False) -> None:
    """Show the developer the assessment: figures by domain, effort, errors, exposure; nothing of an item."""
    from clearinghouse.app.reviews.analysing import assess as assess_it

    with context_of(ctx).instance() as instance:
        made = assess_it(instance, review)
    if json:
        print_json({"document": made.id, "digest": made.digest})
    else:
        out.print(made.id, markup=False)
        say("the developer can read it, and reply")


def record(
    ctx: typer.Context, review: Review, output: Annotated[Path, typer.Option("--output", "-o", help="Where to write the record.")], json: Json = False,
) -> None:
    """Save the sealed record of the analysis, from which another program computes every number again."""
    import os

    from clearinghouse.app.reviews.analysing import save_record

    with context_of(ctx).instance() as instance:
        body, digest = save_record(instance, review)
    with os.fdopen(os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(body)
    if json:
        print_json({"file": str(output), "digest": digest})
    else:
        say(f"{output}: {digest}; compute it again with: python bench/reanalysis/reanalyse.py {output}")


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
