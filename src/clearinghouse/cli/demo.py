"""`clearinghouse demo`: the main job on a made-up flood, from files to cases to a page one can look at."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from clearinghouse.cli.context import Json, context_of
from clearinghouse.cli.output import out, print_json, progress, say, table, untrusted

if TYPE_CHECKING:
    from clearinghouse.app.demo.run import Result


def register(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(demo)


def demo(
    ctx: typer.Context,
    serve: Annotated[bool, typer.Option(help="Serve the page on this machine until interrupted.")] = True,
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
            "home": str(result.instance.settings.home), "page": str(page), "score": result.score, "leaves": result.leaves,
            "cases": [shown.case for shown in result.cases],
            "refused": [{"name": entry.name, "notes": entry.notes} for entry in result.taken if entry.notes],
        })
    else:
        _print(result, page)
    result.instance.close()
    if serve and not json:
        _serve(page, port)


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
    out.print(f"page      {page}", markup=False)
    out.print(f"look on   CLEARINGHOUSE_HOME={result.instance.settings.home} clearinghouse cases", markup=False)


def _serve(page: Path, port: int) -> None:
    """The one page, on the loopback address only, until interrupted."""
    import webbrowser
    from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

    body = page.read_bytes()

    class OnePage(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = self.path == "/"
            self.send_response(200 if found else 404)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body) if found else 0))
            self.end_headers()
            if found:
                self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
            pass

    with ThreadingHTTPServer(("127.0.0.1", port), OnePage) as server:
        address = f"http://127.0.0.1:{server.server_port}/"
        out.print(f"serving   {address}   (Ctrl-C ends it)", markup=False)
        webbrowser.open(address)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            say("")
