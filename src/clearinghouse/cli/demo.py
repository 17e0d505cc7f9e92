"""`clearinghouse demo`: the main job on a made-up flood, from files to cases to a page one can look at."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from clearinghouse.cli.context import Json, context_of
from clearinghouse.cli.output import out, print_json, progress, table, untrusted

if TYPE_CHECKING:
    from clearinghouse.app.demo.run import Result


def register(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(demo)


def demo(
    ctx: typer.Context,
    serve: Annotated[bool, typer.Option(help="Serve the workbench on this machine until interrupted.")] = True,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port on 127.0.0.1; 0 takes a free one.")] = 0,
    seed: Annotated[int, typer.Option(help="Another seed writes another flood.")] = 14409,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Where to write the page.")] = None,
    json: Json = False,
) -> None:
    """Take in a made-up flood of reports about one library and show what is one flaw, and why.

    Everything lives in a folder of its own, `demo` under the instance's home; an earlier demonstration there is replaced.
    """
    from clearinghouse.app.demo.page import render_page
    from clearinghouse.app.demo.run import run
    from clearinghouse.app.process import Bars

    with progress(json) as bars:
        result = run(context_of(ctx).folder() / "demo", seed=seed,
                     progress=Bars(lambda name, total: bars.add_task(name, total=total), bars.update))
    page = output or result.instance.settings.home / "demo.html"
    page.write_text(render_page(result), encoding="utf-8")
    if json:
        print_json({
            "home": str(result.instance.settings.home), "page": str(page), "score": result.score, "leaves": result.leaves, "proof": result.proof,
            "cases": [shown.case for shown in result.cases],
            "refused": [{"name": entry.name, "notes": entry.notes} for entry in result.taken if entry.notes],
        })
    else:
        _print(result, page)
    home = result.instance.settings.home
    result.instance.close()
    if serve and not json:
        _serve(home, port)


def _print(result: "Result", page: Path) -> None:
    counted = result.score
    out.print(
        f"\n{counted['reports']:.0f} reports in {len(result.flood.files)} files of {len({f for f, _, _ in result.flood.files})} finders "
        f"are {len(result.cases)} cases ({counted['flaws']:.0f} flaws were planted):\n", markup=False
    )
    shown = table("", "reports", "to look at", "case", "found by", "title")
    for entry in result.cases:
        line = entry.case.line
        shown.add_row(str(line.reports), str(line.proposed or ""), line.id, untrusted(", ".join(line.tools), 44), untrusted(line.title, 70))
    out.print(shown)
    first = next((entry for entry in result.cases if entry.reasons), None)
    if first is not None:
        why = first.reasons[0]
        out.print("\nWhy two of them are one, for example:", markup=False)
        out.print(untrusted(f"  {why.one.title}"))
        out.print(untrusted(f"  {why.other.title}"))
        for evidence in why.candidate.evidence[:4]:
            out.print(f"    {evidence.contribution:+6.2f}  {evidence.wording}", markup=False)
    for taken in result.taken:
        for note in taken.notes:
            out.print(untrusted(f"\nrefused: {taken.name}: {note.message}", 300))
    out.print(
        f"\nagainst the truth, read only now: precision {counted['precision']:.2f}, recall {counted['recall']:.2f} of {counted['pairs']:.0f} "
        f"pairs; {result.leaves} events on the ledger, verified\n", markup=False
    )
    out.print("proof    ", untrusted(result.proof.words, 300))
    out.print(f"page      {page}", markup=False)
    out.print(f"look on   CLEARINGHOUSE_HOME={result.instance.settings.home} clearinghouse cases", markup=False)


def _serve(home: Path, port: int) -> None:
    """The workbench on the loopback address, signed in by a link, until interrupted."""
    import socket
    import threading
    import webbrowser
    from contextlib import closing

    from clearinghouse.app.settings import load_settings
    from clearinghouse.app.wiring import open_instance
    from clearinghouse.cli.serve import link_of, serve_folder

    if port == 0:
        with closing(socket.socket()) as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
    instance = open_instance(load_settings(home))
    link = link_of(instance, f"http://127.0.0.1:{port}")
    instance.close()
    out.print(f"workbench {link}\n          (signs you in as the duty coordinator, once)", markup=False, soft_wrap=True)
    threading.Timer(3.0, webbrowser.open, [link]).start()
    serve_folder(str(home), "127.0.0.1", port)
