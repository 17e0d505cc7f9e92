"""`clearinghouse commit`: fix now what was found, tell it later, and check what others opened."""

import json as jsons
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from clearinghouse.cli.context import Json, context_of
from clearinghouse.cli.output import out, print_json, say, table

if TYPE_CHECKING:  # heavy: imported when a command runs
    from clearinghouse.app.wiring import Instance
    from clearinghouse.core.ids import SubmissionId
    from clearinghouse.disclosure.intake.commitments.records import Commitment, Opening

app = typer.Typer(help="Commitments: put a digest of a finding on the record now, and open it later.", no_args_is_help=True)

_OPENING_BYTES_MAX = 200_000_000  # a bound on what is read into memory here; the instance's policy has its own


@app.command()
def make(
    ctx: typer.Context,
    report: Annotated[Path, typer.Argument(help="The report, in any format that `sources` lists.", exists=True, dir_okay=False)],
    key: Annotated[Path, typer.Option(help="Your Ed25519 key (PEM); made where there is none.")],
    section: Annotated[list[str] | None, typer.Option(help="NAME=FILE: a further section that can be opened by itself, as reproducer=poc.bin.")] = None,
    context: Annotated[str, typer.Option(help="Origin of the log it is meant for; this instance's by default.")] = "",
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Where to write FILE.opening.json and FILE.claim.json; beside the report by default.")] = None,
    json: Json = False,
) -> None:
    """Make a commitment, on this machine alone: a claim to put on the record, and an opening to keep.

    Whoever loses the opening can never open the commitment; whoever gets it can read the finding.
    """
    import secrets

    from clearinghouse.disclosure.intake.commitments import rules

    parts = {"report": report.read_bytes(), **{name: path.read_bytes() for name, path in _sections(section or [])}}
    origin = context or _origin(ctx)
    claim, opening = rules.make(
        parts, context=origin, key=read_key(key), nonce=secrets.token_bytes(rules.NONCE_BYTES),
        section_nonces={name: secrets.token_bytes(rules.NONCE_BYTES) for name in parts},
    )
    target = output or report
    opening_path, claim_path = target.with_name(target.name + ".opening.json"), target.with_name(target.name + ".claim.json")
    _write_secret(opening_path, jsons.dumps(rules.render_opening(opening), indent=1).encode())
    shown = {"digest": claim.digest.hex(), "public_key": claim.public_key.hex(), "signature": claim.signature.hex()}
    claim_path.write_text(jsons.dumps(shown, indent=1) + "\n", encoding="utf-8")
    if json:
        print_json({**shown, "context": origin, "opening": str(opening_path), "claim": str(claim_path)})
        return
    out.print(f"sha3-256:{shown['digest']}", markup=False)
    say(f"keep {opening_path} safe and secret; put it on the record with:\n  clearinghouse commit record {claim_path}")


@app.command()
def record(
    ctx: typer.Context,
    claim: Annotated[Path, typer.Argument(help="What `commit make` wrote as FILE.claim.json.", exists=True, dir_okay=False)],
    due: Annotated[datetime | None, typer.Option(help="By when you will open it (UTC).", formats=["%Y-%m-%d"])] = None,
    json: Json = False,
) -> None:
    """Put a commitment on the record; sent again, it gives the first record."""
    from clearinghouse.app import commitments
    from clearinghouse.disclosure.intake.commitments.rules import parse_claim

    parsed = parse_claim(_object(claim, "a claim"))
    with context_of(ctx).instance() as instance:
        made = commitments.record(instance, parsed, due_at=None if due is None else due.replace(tzinfo=UTC))
        _show(instance, [made], json, one=True)
    if not json:
        say(f"the proof that it is on the record: clearinghouse ledger prove {made.event}")


@app.command("list")
def listing(ctx: typer.Context, size: Annotated[int, typer.Option(min=1, max=10_000, help="How many, newest first.")] = 50, json: Json = False) -> None:
    """Commitments you may see: your own, and those that were opened to you."""
    from clearinghouse.disclosure.intake.commitments import store

    with context_of(ctx).instance() as instance:
        with instance.read() as tx:
            found = store.list_commitments(tx, viewer=instance.actor.id, now=instance.clock.now(), limit=size)
        _show(instance, found, json)


@app.command("open")
def open_it(
    ctx: typer.Context,
    commitment: Annotated[str, typer.Argument(help="Id of the commitment.")],
    opening: Annotated[Path, typer.Argument(help="What `commit make` wrote as FILE.opening.json.", exists=True, dir_okay=False)],
    section: Annotated[list[str] | None, typer.Option(help="Open this section only; may be named again. All by default.")] = None,
    json: Json = False,
) -> None:
    """Open a commitment, whole or by section; its report is taken in as any other."""
    from dataclasses import replace

    from clearinghouse.app import commitments
    from clearinghouse.core.errors import Invalid

    read = _opening(opening)
    if section:
        unknown = [name for name in section if name not in read.sections]
        if unknown:
            raise Invalid(f"{opening} has no section {unknown[0]!r}; it has: {', '.join(read.sections)}")
        read = replace(read, sections={name: read.sections[name] for name in section})
    with context_of(ctx).instance() as instance:
        done = commitments.open_commitment(instance, commitment, read, lambda data, name, key: _take_in(instance, data, name, key))
        _show(instance, [done], json, one=True)


@app.command()
def withdraw(ctx: typer.Context, commitment: Annotated[str, typer.Argument(help="Id of the commitment.")], json: Json = False) -> None:
    """Say that a commitment will not be opened; it stays on the record and counts as withdrawn."""
    from clearinghouse.app import commitments

    with context_of(ctx).instance() as instance:
        _show(instance, [commitments.withdraw(instance, commitment)], json, one=True)


@app.command()
def verify(
    opening: Annotated[Path, typer.Argument(help="An opening, of all sections or of some.", exists=True, dir_okay=False)],
    claim: Annotated[Path, typer.Option(help="The claim it is said to open.", exists=True, dir_okay=False)],
    context: Annotated[str, typer.Option(help="Origin of the log that the claim is on.")],
    json: Json = False,
) -> None:
    """Check, with no instance at hand, that an opening is one of a claim. When the claim was made, `ledger verify` says."""
    from clearinghouse.disclosure.intake.commitments import rules

    parsed, read = rules.parse_claim(_object(claim, "a claim")), _opening(opening)
    rules.check_claim(parsed, context)
    sections = rules.check_opening(read, parsed, context)
    if json:
        print_json({"valid": True, "digest": parsed.digest.hex(), "sections": sorted(sections), "opened": sorted(read.sections)})
        return
    out.print(f"valid: sections {', '.join(sorted(read.sections))} of {', '.join(sorted(sections))}", markup=False)


@app.command()
def figures(ctx: typer.Context, json: Json = False) -> None:
    """How many of all commitments were opened in time, late or never."""
    from clearinghouse.app import commitments

    with context_of(ctx).instance() as instance:
        found = commitments.tally(instance)
    if json:
        print_json(found)
        return
    out.print(
        f"{found.total} recorded: {found.opened} opened in time, {found.late} late, {found.never} never, {found.withdrawn} withdrawn, "
        f"{found.held} not due yet", markup=False,
    )


def _take_in(instance: "Instance", data: bytes, name: str, key: str) -> "SubmissionId":
    import tempfile

    from clearinghouse.app import process
    from clearinghouse.core.ids import SubmissionId
    from clearinghouse.disclosure.intake.records import Cover

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "report"
        path.write_bytes(data)
        [taken] = process.take_in(instance, [(name, path)], cover=Cover(), idempotency_key=key)
    return SubmissionId(taken.submission_id)


def _show(instance: "Instance", found: "list[Commitment]", json: bool, *, one: bool = False) -> None:
    from clearinghouse.disclosure.intake.commitments.rules import state_of

    now = instance.clock.now()
    lines: list[dict[str, Any]] = [
        {
            "id": each.id, "at": each.at, "state": state_of(each, now), "digest": each.digest, "key": each.key, "due_at": each.due_at,
            "repeats": each.repeats, "event": each.event, "sections": each.sections, "submission": each.submission,
        }
        for each in found
    ]
    if json:
        print_json(lines[0] if one else lines)
        return
    shown = table("", "commitment", "recorded", "state", "open by", "digest")
    for line in lines:
        shown.add_row(line["id"], f"{line['at']:%Y-%m-%d %H:%M}", line["state"], f"{line['due_at']:%Y-%m-%d}", line["digest"][:25] + "...")
    out.print(shown)


def _sections(given: list[str]) -> list[tuple[str, Path]]:
    from clearinghouse.core.errors import Invalid

    found = []
    for each in given:
        name, separator, path = each.partition("=")
        if not separator or not Path(path).is_file() or name == "report":
            raise Invalid(f"{each[:100]!r} is no further section: write NAME=FILE, as in reproducer=poc.bin")
        found.append((name, Path(path)))
    return found


def read_key(path: Path) -> Any:
    """The Ed25519 key of a file; a new one, written there, where there is none."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

    from clearinghouse.core.errors import Invalid

    if not path.exists():
        made = Ed25519PrivateKey.generate()
        _write_secret(path, made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        say(f"made a key: {path}; keep it, your commitments are opened under it")
        return made
    try:
        found = load_pem_private_key(path.read_bytes(), None)
    except (ValueError, TypeError):
        found = None
    if not isinstance(found, Ed25519PrivateKey):
        raise Invalid(f"{path} is no Ed25519 private key in PEM without a passphrase")
    return found


def _origin(ctx: typer.Context) -> str:
    with context_of(ctx).instance() as instance:
        return instance.settings.ledger_origin


def _opening(path: Path) -> "Opening":
    from clearinghouse.disclosure.intake.commitments.rules import parse_opening

    return parse_opening(_object(path, "an opening"))


def _object(path: Path, what: str) -> dict[str, Any]:
    from clearinghouse.core.errors import Invalid

    with path.open("rb") as file:
        data = file.read(_OPENING_BYTES_MAX + 1)
    if len(data) > _OPENING_BYTES_MAX:
        raise Invalid(f"{path} is larger than {_OPENING_BYTES_MAX} bytes: it is not {what}")
    try:
        found = jsons.loads(data)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise Invalid(f"{path} is not {what}: it holds no JSON object")
    return found


def _write_secret(path: Path, data: bytes) -> None:
    # Never over something that is there, and for nobody else's eyes from the first byte on.
    from clearinghouse.core.errors import Conflict

    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise Conflict(f"{path} is there already, and nothing is written over it; move it away or choose another place") from None
    with os.fdopen(handle, "wb") as file:
        file.write(data)
