"""`clearinghouse intake`, `reports`, `withdraw`, `reinstate` and `sources`: take files in, see what became of them, take them back."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from clearinghouse.cli.context import Json, context_of
from clearinghouse.cli.exits import PARTLY
from clearinghouse.cli.output import out, print_json, progress, say, table, untrusted

if TYPE_CHECKING:
    from clearinghouse.disclosure.intake.jobs import Taken
    from clearinghouse.disclosure.intake.records import Cover


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command()(intake)
    app.command()(reports)
    app.command()(withdraw)
    app.command()(reinstate)
    app.command()(sources)


def intake(
    ctx: typer.Context,
    paths: Annotated[list[Path], typer.Argument(help="Files, or folders that are walked.", exists=True)],
    source: Annotated[str, typer.Option(help="Read with this source instead of finding out (see `sources`).")] = "",
    public: Annotated[bool, typer.Option("--public", help="These are public records: compared against, never a case.")] = False,
    reporter: Annotated[str, typer.Option(help="Party id of the sender; yourself by default.")] = "",
    idempotency_key: Annotated[str, typer.Option(help="Sender's key for one file; its digest by default.")] = "",
    tool: Annotated[str, typer.Option(help="Tool that found it, where the file does not say.")] = "",
    model: Annotated[str, typer.Option(help="AI model that found it.")] = "",
    harness: Annotated[str, typer.Option(help="Harness the model ran in.")] = "",
    reviewer: Annotated[str, typer.Option(help="Person who looked at it before it was sent.")] = "",
    repository: Annotated[str, typer.Option(help="URL of the code.")] = "",
    commit: Annotated[str, typer.Option(help="Commit that was looked at.")] = "",
    propose: Annotated[datetime | None, typer.Option(help="Proposed disclosure date (UTC).", formats=["%Y-%m-%d"])] = None,
    share_with_vendor: Annotated[bool | None, typer.Option(help="Whether the vendor may see the report.")] = None,
    share_name: Annotated[bool | None, typer.Option(help="Whether the vendor may see the finder's name.")] = None,
    deconflict: Annotated[bool, typer.Option(help="Compare and settle afterwards.")] = True,
    json: Json = False,
) -> None:
    """Take files in, keep the originals, and say which reports are the same flaw.

    Run again after an interruption it goes on; the same bytes sent twice are answered with the first receipt.
    """
    from clearinghouse.app import process
    from clearinghouse.core.errors import Invalid
    from clearinghouse.disclosure.intake.jobs import Progress

    files = list_files(paths)
    if idempotency_key and len(files) != 1:
        raise Invalid(f"an idempotency key names one submission, and these are {len(files)} files; send them one by one")
    cover = _cover(tool, model, harness, reviewer, repository, commit, propose, share_with_vendor, share_name, public)
    with context_of(ctx).instance() as instance:
        with progress(json) as bars:
            total = sum(path.stat().st_size for _, path in files if path.is_file())
            task = bars.add_task("reading", total=total)

            def reading(state: Progress) -> None:
                bars.update(task, completed=state.bytes_read, description=f"reading: {state.items} items")

            taken = list(process.take_in(
                instance, files, cover=cover, source=source, reporter=reporter, idempotency_key=idempotency_key, progress=reading
            ))
            bars.remove_task(task)
            if deconflict:
                process.deconflict(instance, process.Bars(lambda name, total: bars.add_task(name, total=total), bars.update))
        if json:
            print_json([_plain(entry) for entry in taken])
        else:
            _print_taken(taken)
    from clearinghouse.disclosure.intake.records import Outcome

    if any(entry.counts[Outcome.REFUSED] or (entry.notes and not sum(entry.counts.values())) for entry in taken):
        raise typer.Exit(PARTLY)


def reports(
    ctx: typer.Context,
    newest: Annotated[int, typer.Option(min=1, max=1_000_000, help="How many, newest first.")] = 30,
    submission: Annotated[str, typer.Option(help="Only those of one submission.")] = "",
    json: Json = False,
) -> None:
    """The newest reports you may read, with the answer of deconfliction."""
    from clearinghouse.app.views.reports import list_reports

    with context_of(ctx).instance() as instance:
        lines, total = list_reports(instance, newest=newest, submission=submission or None)
    if json:
        print_json({"total": total, "reports": lines})
        return
    shown = table("", "report", "received", "source", "answer", "p", "case", "title", caption=f"{len(lines)} of {total}")
    for line in lines:
        shown.add_row(
            line.id, f"{line.received_at:%Y-%m-%d %H:%M}", line.source, "withdrawn" if line.withdrawn_at else line.answer, line.probability_text, line.case_id or "",
            untrusted(line.title, 90),
        )
    out.print(shown)
    if not lines:
        say("no reports yet; next: clearinghouse intake FILE...")


def withdraw(
    ctx: typer.Context, report: Annotated[str, typer.Argument(help="Id of a report that you sent.")],
    reason: Annotated[str, typer.Option(help="Why; those who would work on it read this.")],
) -> None:
    """Take back a report that you sent; it stays on the record as withdrawn."""
    from clearinghouse.app.withdrawing import withdraw_reports

    with context_of(ctx).instance() as instance:
        withdraw_reports(instance, [report], reason)
    say(f"withdrawn: {report}; `clearinghouse reinstate` undoes it")


def reinstate(ctx: typer.Context, report: Annotated[str, typer.Argument(help="Id of a report that you withdrew.")]) -> None:
    """Undo the withdrawal of a report that you sent."""
    from clearinghouse.app.withdrawing import reinstate_reports

    with context_of(ctx).instance() as instance:
        reinstate_reports(instance, [report])
    say(f"reinstated: {report}")


def sources(json: Json = False) -> None:
    """The formats that can be read."""
    from clearinghouse.disclosure.intake.parser import load_sources

    found = load_sources()
    if json:
        print_json([{"name": name, "title": known.title, "version": known.version} for name, known in sorted(found.items())])
        return
    shown = table("", "source", "format")
    for name, known in sorted(found.items()):
        shown.add_row(name, known.title)
    out.print(shown)


def list_files(paths: list[Path]) -> list[tuple[str, Path]]:
    """(display name, path) of files named and of files in folders named, in a stable order; links are not followed."""
    found: list[tuple[str, Path]] = []
    for path in paths:
        if path.is_dir():
            found += [(str(file), file) for file in sorted(path.rglob("*")) if file.is_file() and not file.is_symlink()]
        else:
            found.append((str(path), path))
    return found


def _cover(
    tool: str, model: str, harness: str, reviewer: str, repository: str, commit: str, propose: datetime | None,
    share_with_vendor: bool | None, share_name: bool | None, public: bool,
) -> "Cover":
    from datetime import UTC

    from clearinghouse.disclosure.intake.records import Consents, Cover, HumanReview, Producer

    review = HumanReview.REVIEWED if reviewer else HumanReview.UNKNOWN
    return Cover(
        Producer(tool=tool, model=model, harness=harness, reviewer=reviewer, review=review),
        Consents(share_with_vendor, share_name), repository, commit,
        None if propose is None else propose.replace(tzinfo=UTC), public,
    )


def _plain(taken: "Taken") -> dict[str, object]:
    return {
        "name": taken.name, "submission": taken.submission_id, "source": taken.source, "earlier": taken.earlier,
        "counts": {str(outcome): count for outcome, count in taken.counts.items()}, "repeated": taken.repeated,
        "notes": taken.notes, "items_with_notes": taken.troubles,
    }


def _print_taken(taken: "list[Taken]") -> None:
    from clearinghouse.disclosure.intake.records import Outcome

    shown = table("", "submission", "source", "accepted", "with warnings", "refused", "sent before", "file")
    for entry in taken:
        counts = entry.counts
        shown.add_row(
            entry.submission_id, entry.source, str(counts[Outcome.ACCEPTED]), str(counts[Outcome.ACCEPTED_WITH_WARNINGS]),
            str(counts[Outcome.REFUSED]), "whole file" if entry.earlier else str(entry.repeated or ""), untrusted(entry.name, 80),
        )
    out.print(shown)
    for entry in taken:
        for note in entry.notes:
            say(f"{entry.name}: {note.place + ': ' if note.place else ''}{note.message}", "yellow")
        for item in entry.troubles[:5]:
            for note in item.notes[:2]:
                style = "red" if item.outcome is Outcome.REFUSED else "yellow"
                say(f"{entry.name} {item.place}: {note.message}", style)
        if len(entry.troubles) > 5:
            say(f"{entry.name}: more notes in the receipt: clearinghouse show {entry.submission_id}")
    if taken:
        say("next: clearinghouse cases   (what is one flaw, and why)")
