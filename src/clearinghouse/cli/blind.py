"""`clearinghouse blind-check`: ask whether findings like one's own are held, without telling them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from clearinghouse.cli.context import Json, context_of
from clearinghouse.cli.exits import PARTLY
from clearinghouse.cli.output import out, print_json, progress, say, table

if TYPE_CHECKING:  # heavy: imported when a command runs
    from clearinghouse.app.blind_check import Answered
    from clearinghouse.disclosure.intake.records import Finding

_RESPONSE_BYTES_MAX = 500_000_000
_SECONDS_MAX = 120.0


def register(app: typer.Typer) -> None:
    """Add this command."""
    app.command("blind-check")(blind_check)


def blind_check(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(help="Findings, in any format that `sources` lists.", exists=True, dir_okay=False)],
    key: Annotated[Path, typer.Option(help="Your Ed25519 key (PEM); made where there is none. It signs the commitments.")],
    keep: Annotated[Path, typer.Option(help="Folder for what opens the commitments. Keep it; asked again, the same ones are used.")],
    server: Annotated[str, typer.Option(help="Address of the instance to ask; this machine's own by default.")] = "",
    token_file: Annotated[Path | None, typer.Option(help="File with a token of that instance.", exists=True, dir_okay=False)] = None,
    log_key: Annotated[str, typer.Option(help="Verifier key of that instance's log, from elsewhere than the instance.")] = "",
    source: Annotated[str, typer.Option(help="Read the file with this source instead of finding out.")] = "",
    json: Json = False,
) -> None:
    """Ask whether anybody's held finding is like these. The answer is worked out here; what you hold is not told.

    Every batch is charged to your organisation and is on the record; a commitment to each finding is, too. Ends with 8 where
    something matches or cannot be asked about.
    """
    from clearinghouse.app import blind_check as checking
    from clearinghouse.cli.commitments import read_key
    from clearinghouse.core.errors import Invalid

    if server and (token_file is None or not log_key):
        raise Invalid("to ask another instance, name --token-file and --log-key; a key taken from its own answer would prove nothing")
    findings = _findings(file, source)
    signer = read_key(key)
    with progress(json) as bars:
        task = bars.add_task("asking", total=None)

        def asking(done: int, total: int) -> None:
            bars.update(task, completed=done, total=total)

        if server and token_file is not None:
            found = checking.check(findings, _there(server, token_file), key=signer, log_key=log_key, keep=keep, progress=asking)
        else:
            with context_of(ctx).instance() as instance:
                checking.sweep(instance)
                verifier = log_key or instance.signer.verifier.render()
                found = checking.check(findings, checking.Here(instance), key=signer, log_key=verifier, keep=keep, progress=asking)
    _show(findings, found, json)
    if any(each.matched or not each.forms for each in found):
        raise typer.Exit(PARTLY)


def _show(findings: "list[Finding]", found: "list[Answered]", json: bool) -> None:
    if json:
        print_json([
            {"finding": findings[each.place].title, "place": findings[each.place].place, "commitment": each.commitment, "asked": len(each.forms),
             "matched": each.matched}
            for each in found
        ])
        return
    shown = table("", "finding", "answer", "forms asked", "forms that match")
    for each in found:
        said = "something like it is held" if each.matched else "nothing like it is held" if each.forms else "cannot be asked about"
        shown.add_row(_untrusted(findings[each.place].title), said, str(len(each.forms)), str(len(each.matched)))
    out.print(shown)
    if any(not each.forms for each in found):
        say("a finding that names neither a product with a function or file, nor a crash, nor a CVE id has no form to ask with")


def _untrusted(title: str) -> Any:
    from clearinghouse.cli.output import untrusted

    return untrusted(title, 70)


def _findings(file: Path, source: str) -> "list[Finding]":
    from clearinghouse.app.settings import default_policy_document, parse_policy
    from clearinghouse.core.errors import Invalid
    from clearinghouse.disclosure.intake.boundary import ParserProcess

    limits = parse_policy(1, default_policy_document()).intake
    with file.open("rb") as opened:
        data = opened.read(limits.document_bytes_max + 1)
    if len(data) > limits.document_bytes_max:
        raise Invalid(f"{file} has more than {limits.document_bytes_max} bytes; split it")
    with ParserProcess(limits) as parser:
        answers = list(parser.read(file.name, data, source))
    found = [item.finding for answer in answers for item in answer.items if item.finding is not None]
    if not found:
        notes = [note.message for answer in answers for note in answer.notes]
        raise Invalid(f"{file} holds no finding that can be read" + (f": {notes[0]}" if notes else ""))
    return found


def _there(server: str, token_file: Path) -> Any:
    from dataclasses import replace
    from urllib.parse import urlsplit

    from clearinghouse.app.blind_check import There
    from clearinghouse.app.channels.outward import Outward
    from clearinghouse.app.settings import OutwardSettings, default_policy_document, parse_policy

    parts = urlsplit(server)
    limits = replace(
        parse_policy(1, default_policy_document()).outward, response_bytes_max=_RESPONSE_BYTES_MAX, total_seconds_max=_SECONDS_MAX
    )
    # Whoever runs this names the server itself: it may stand inside.
    port = parts.port or {"https": 443, "http": 80}.get(parts.scheme, 443)
    guard = Outward(OutwardSettings(ports=(port,), allowed_hosts=(f"{(parts.hostname or '').lower()}:{port}",)), limits)
    return There(server, token_file.read_text("utf-8").strip(), guard)


