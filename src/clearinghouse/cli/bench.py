"""`clearinghouse bench` and `clearinghouse evidence`: have a report of a case validated, and check the evidence of it."""

import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from clearinghouse.cli.context import Json, context_of
from clearinghouse.cli.output import out, print_json, say, table, untrusted

if TYPE_CHECKING:
    from clearinghouse.app.views.validations import ValidationLine
    from clearinghouse.disclosure.validation.dockets.records import Material

app = typer.Typer(help="Validation: have a reproducer run in the sandbox, with controls, by somebody who is not its finder.", no_args_is_help=True)
evidence = typer.Typer(help="Signed evidence of validations.", no_args_is_help=True)

Case = Annotated[str, typer.Argument(metavar="CASE", help="Case id (case_...).")]
Validation = Annotated[str, typer.Argument(metavar="VALIDATION", help="Validation id (val_...), as `bench list` shows it.")]
_EVIDENCE_BYTES_MAX = 20_000_000  # of what is read from a file; the format's reader has its own bound


@app.command()
def add(
    ctx: typer.Context, case: Case,
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Files; or a folder with recipe.toml and the files it names.")],
    kind: Annotated[str, typer.Option(help="What the files are: recipe, reproducer, source, harness, patch, benign or test.")] = "",
    by_model: Annotated[bool, typer.Option("--by-model", help="An AI model made them: they carry that label from here on.")] = False,
    document: Annotated[bool, typer.Option("--document", help="PATH is the id of a document of the case (doc_...): keep a copy for the bench.")] = False,
    json: Json = False,
) -> None:
    """Keep materials for the bench with a case, sealed under the case's key."""
    from clearinghouse.app.validating import add_document, add_folder, add_material
    from clearinghouse.core.errors import Invalid
    from clearinghouse.disclosure.validation.dockets.rules import parse_kind

    with context_of(ctx).instance() as instance:
        added: list[Material] = []
        for path in paths:
            if document:
                added.append(add_document(instance, case, str(path), parse_kind(kind) if kind else None))
            elif path.is_dir():
                added += add_folder(instance, case, path, by_model=by_model)
            elif kind:
                _check_size(path, instance.policy.bench.material_bytes_max)
                added.append(add_material(instance, case, parse_kind(kind), path.name, path.read_bytes(), by_model=by_model))
            else:
                raise Invalid(f"say what {path} is, with --kind; a folder with a recipe says so itself")
    if json:
        print_json(added)
        return
    _print_materials(added)
    recipe = next((one.id for one in reversed(added) if one.kind == "recipe"), "")
    if recipe:
        say(f"next: clearinghouse bench ask {case} REPORT {recipe}")


@app.command()
def fetch(
    ctx: typer.Context, case: Case, url: Annotated[str, typer.Argument(help="Address of an archive, on a host that [bench] fetch_hosts names.")],
    digest: Annotated[str, typer.Option(help="sha256:HEX that it must have; otherwise what it has is printed.")] = "", json: Json = False,
) -> None:
    """Fetch a source archive: only what this instance fetched itself counts as the project's own."""
    from clearinghouse.app.source_fetch import fetch_source

    with context_of(ctx).instance() as instance:
        found = fetch_source(instance, case, url, digest)
    if json:
        print_json(found)
    else:
        _print_materials([found])


@app.command()
def materials(ctx: typer.Context, case: Case, json: Json = False) -> None:
    """What the bench holds of a case, with who supplied each."""
    from clearinghouse.app.views.validations import read_bench

    with context_of(ctx).instance() as instance:
        found = read_bench(instance, case)
    if json:
        print_json(found.materials)
    else:
        _print_materials(found.materials)


@app.command()
def ask(
    ctx: typer.Context, case: Case, report: Annotated[str, typer.Argument(metavar="REPORT", help="Report id (rep_...) of the case.")],
    recipe: Annotated[str, typer.Argument(metavar="RECIPE", help="Id (mat_...) or digest of a recipe among the materials of the case.")],
    json: Json = False,
) -> None:
    """Put a validation in the queue; a bench takes it up when it is the case's turn."""
    from clearinghouse.app.validating import ask as ask_for

    with context_of(ctx).instance() as instance:
        asked = ask_for(instance, case, report, recipe)
    if json:
        print_json(asked)
        return
    out.print(asked.id, markup=False)
    say(f"{asked.total} pieces of work wait; a bench does them: clearinghouse bench work --once")


@app.command(name="list")
def list_(ctx: typer.Context, case: Case, json: Json = False) -> None:
    """The validations of a case, newest first."""
    from clearinghouse.app.views.validations import read_bench

    with context_of(ctx).instance() as instance:
        found = read_bench(instance, case)
    if json:
        print_json(found.lines)
        return
    shown = table("", "id", "state", "done", "verdict", "tier", "sandbox", "controls held/failed", "report", "recipe")
    for line in found.lines:
        shown.add_row(
            line.id, line.state, f"{line.done}/{line.total}", line.verdict.replace("_", " ") or "-", line.trust or "-", line.level or "-",
            f"{line.held}/{line.failed}" if line.verdict else "-", line.report_id, untrusted(line.title, 60),
        )
    out.print(shown)
    if not found.lines:
        say(f"none yet; next: clearinghouse bench add {case} FOLDER")


@app.command()
def show(
    ctx: typer.Context, case: Case, validation: Validation,
    log: Annotated[str, typer.Option(help="Print the raw log of this digest; that it was read is recorded.")] = "",
    save: Annotated[Path | None, typer.Option(help="Write the signed evidence to this file.")] = None, json: Json = False,
) -> None:
    """One validation: its verdict, the controls, every cell, and within which limits."""
    from clearinghouse.app.validating import read_evidence, read_log
    from clearinghouse.app.views.validations import read_validation
    from clearinghouse.core.untrusted import clean_text

    with context_of(ctx).instance() as instance:
        found = read_validation(instance, case, validation)
        raw = read_log(instance, case, validation, log) if log else b""
        if save is not None:
            save.write_bytes(read_evidence(instance, case, validation).body)
        most = instance.policy.bench_queue.log_shown_bytes_max
    if json:
        print_json(found)
        return
    _print_line(found.line)
    for words in (*found.reasons, found.limits, found.level):
        if words:
            out.print(untrusted(f"  {words}", 400))
    if found.controls:
        shown = table("", "control", "state", "in words")
        for control in found.controls:
            shown.add_row(control.name, control.state, untrusted(control.wording, 160))
        out.print(shown)
    if found.cells:
        shown = table("", "cell", "outcome", "runs", "kind", "frames", "log")
        for cell in found.cells:
            shown.add_row(
                cell.label, cell.outcome, f"{cell.agreeing}/{cell.runs}", untrusted(cell.kind, 60), untrusted(" < ".join(cell.frames[:4]), 120),
                cell.logs[0] if cell.logs else "",
            )
        out.print(shown)
    for build in found.builds:
        if not build.ok:
            out.print(untrusted(f"the {build.name} build ended at {build.stage}: {build.note}", 300))
    if log:
        out.print(clean_text(raw[:most].decode("utf-8", "replace"), most), markup=False)
    if save is not None:
        say(f"evidence written to {save}; check it with: clearinghouse evidence verify {save} --key KEY")


@app.command()
def cancel(ctx: typer.Context, case: Case, validation: Validation, json: Json = False) -> None:
    """Stop a validation that waits or runs; what was seen is kept for the next one."""
    from clearinghouse.app.validating import cancel as cancel_it

    with context_of(ctx).instance() as instance:
        ended = cancel_it(instance, case, validation)
    _ended(ended.id, ended.state, json)


@app.command()
def resume(ctx: typer.Context, case: Case, validation: Validation, json: Json = False) -> None:
    """Put a cancelled or failed validation in the queue again; it goes on from what was seen."""
    from clearinghouse.app.validating import resume as resume_it

    with context_of(ctx).instance() as instance:
        found = resume_it(instance, case, validation)
    _ended(found.id, found.state, json)


@app.command()
def work(
    ctx: typer.Context, once: Annotated[bool, typer.Option("--once", help="Work until there is nothing left to do now, then end.")] = False,
    json: Json = False,
) -> None:
    """Do the work of the bench until interrupted, as the party of the command line. Any number may run at once, on several hosts.

    Validations come first, then patches on trial, then matrices that lack a reproducer or a patch.
    """
    from clearinghouse.app.bench_work import working_bench
    from clearinghouse.app.benching import bench_sandbox
    from clearinghouse.app.process import sign_checkpoint
    from clearinghouse.sandbox.preflight import ATTACKS, demand, examine

    context, stop = context_of(ctx), threading.Event()
    for ending in (signal.SIGTERM, signal.SIGINT):
        signal.signal(ending, lambda number, frame: stop.set())
    with context.instance() as instance, bench_sandbox(context.folder()) as sandbox:
        bench = working_bench(instance, sandbox)
        level = sandbox.level
        if not json:
            say(f"sandbox: {level.kind} {level.version}, guards: {', '.join(sorted(level.guards))}")
        if not once:
            demand(examine(sandbox, ATTACKS))
            say("the sandbox withstands what was tried on it; working; interrupt to end")
            bench.run(stop, instance.policy.worker.pause_seconds)
            return
        done = bench.run_once(stop)
        sign_checkpoint(instance)
    if json:
        print_json({"claims": done, "level": level.render()})
    else:
        say(f"{done} claims worked on; nothing is left to do now" if not stop.is_set() else "ended as asked; what was left waits")


@evidence.command()
def verify(
    file: Annotated[Path, typer.Argument(help="Evidence as it was downloaded (val_....dsse.json).")],
    key: Annotated[list[str], typer.Option(help="A public key in hexadecimal, or a file with one, as `evidence key` prints it.")], json: Json = False,
) -> None:
    """Check evidence offline: that one of these keys signed it, and what it says. Needs no instance and no network."""
    from clearinghouse.core.errors import Invalid
    from clearinghouse.disclosure.validation.evidence import check_envelope

    if file.stat().st_size > _EVIDENCE_BYTES_MAX:
        raise Invalid(f"{file} is larger than any evidence ({_EVIDENCE_BYTES_MAX} bytes)")
    found = check_envelope(file.read_bytes(), [_public_key(text) for text in key])
    said = found.statement.get("predicate", {}).get("clearinghouse", {})
    if json:
        print_json({"digest": found.digest, "keys": [key.hex() for key in found.keys], "statement": found.statement})
        return
    out.print(f"signed by  {', '.join(key.hex() for key in found.keys)}", markup=False)
    out.print(f"digest     {found.digest}", markup=False)
    for name in ("verdict", "tier", "validator", "at", "component"):
        out.print(untrusted(f"{name:<10} {said.get(name, '')}", 200))
    out.print(untrusted(f"about      {', '.join(map(str, said.get('about', [])))}", 300))
    say("that the ledger has it: look for this digest in the event ReportValidated of the case")


@evidence.command()
def key(ctx: typer.Context, json: Json = False) -> None:
    """Print the public key that this instance signs evidence with."""
    from clearinghouse.app.bench import evidence_key

    with context_of(ctx).instance() as instance:
        text = evidence_key(instance).public_key().public_bytes_raw().hex()
    if json:
        print_json({"key": text})
    else:
        out.print(text, markup=False)


def _public_key(text: str) -> bytes:
    from clearinghouse.core.errors import Invalid

    said = Path(text).read_text().strip() if len(text) != 64 and Path(text).is_file() else text
    try:
        found = bytes.fromhex(said)
    except ValueError:
        found = b""
    if len(found) != 32:
        raise Invalid("a public key is 64 hexadecimal digits; `clearinghouse evidence key` prints one")
    return found


def _check_size(path: Path, most: int) -> None:
    from clearinghouse.core.errors import Invalid

    if path.stat().st_size > most:
        raise Invalid(f"{path} has {path.stat().st_size} bytes; {most} are taken")


def _print_materials(found: "tuple[Material, ...] | list[Material]") -> None:
    shown = table("", "id", "kind", "bytes", "supplier", "digest", "name")
    for one in found:
        shown.add_row(one.id, one.kind, str(one.size_bytes), one.supplier, one.digest, untrusted(one.name, 60))
    out.print(shown)


def _print_line(line: "ValidationLine") -> None:
    from clearinghouse.app.views.validations import badge_words

    out.print(untrusted(line.title, 200, "bold"))
    verdict = f"{badge_words(line.verdict, line.trust)} ({line.level}): {line.verdict_words}" if line.verdict else line.state_words
    out.print(untrusted(f"{line.id}  {verdict}  {line.done}/{line.total}", 300))
    if line.trouble:
        out.print(untrusted(line.trouble, 400))


def _ended(validation: str, state: str, json: bool) -> None:
    if json:
        print_json({"validation": validation, "state": state})
    else:
        say(f"{validation} is {state}")
