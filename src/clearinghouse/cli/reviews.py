"""`clearinghouse review`: a model under voluntary review, from the developer's draft to its end."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from clearinghouse.cli.context import Json, context_of
from clearinghouse.cli.output import out, print_json, say, table, untrusted

if TYPE_CHECKING:  # heavy: imported when a command runs
    from clearinghouse.app.views.reviews import ReviewPage

app = typer.Typer(help="Reviews of models: bounded windows, sealed benchmarks, a determination by people.", no_args_is_help=True)

Review = Annotated[str, typer.Argument(metavar="REVIEW", help="Review id (rev_...).")]
_ENVELOPE_BYTES_MAX = 20_000_000


@app.command(name="open")
def open_(
    ctx: typer.Context,
    model: Annotated[str, typer.Argument(help="Name of the model.")],
    version: Annotated[str, typer.Argument(help="Its version: hours are counted by it.")],
    question: Annotated[str, typer.Option(help="What you ask or say.")],
    kind: Annotated[str, typer.Option(help="access, inquiry, update or withdrawal.")] = "access",
    variant: Annotated[str, typer.Option(help="full or reduced: the safeguards of the endpoint.")] = "full",
    build: Annotated[str, typer.Option(help="sha256:HEX over weights, system prompt and safeguard configuration.")] = "",
    open_weights: Annotated[bool, typer.Option(help="The weights are open.")] = False,
    partner_release: Annotated[str, typer.Option(help="When you plan to release to other trusted partners, RFC 3339.")] = "",
    concerns: Annotated[str, typer.Option(help="For an update or a withdrawal: the review it is about.")] = "",
    desk: Annotated[str, typer.Option(help="Id of the organisation asked; the one that runs this instance by default.")] = "",
    json: Json = False,
) -> None:
    """Open a review as a draft of your own; for people who act for a developer."""
    from clearinghouse.app.reviews import opening
    from clearinghouse.core.clock import parse_instant
    from clearinghouse.core.errors import Invalid

    try:
        at = parse_instant(partner_release) if partner_release else None
    except ValueError:
        raise Invalid(f"--partner-release must be an instant such as 2026-12-31T12:00:00Z; found {partner_release[:40]!r}") from None
    with context_of(ctx).instance() as instance:
        asked = opening.Asked(opening.read_kind(kind), model, version, question, variant, build, open_weights, at, concerns, desk)
        made = opening.open_review(instance, asked)
    if json:
        print_json({"id": made.id, "state": made.state})
    else:
        out.print(made.id, markup=False)
        say(f"next: clearinghouse review do {made.id} submit")


@app.command(name="list")
def list_(ctx: typer.Context, json: Json = False) -> None:
    """Reviews you take part in, newest first."""
    from clearinghouse.app.views.reviews import list_reviews

    with context_of(ctx).instance() as instance:
        found = list_reviews(instance)
    if json:
        print_json(found)
        return
    shown = table("", "id", "kind", "state", "developer", "model", "you", "window ends")
    for one in found:
        ends = "" if one.window_ends_at is None else f"{one.window_ends_at:%Y-%m-%d %H:%M}"
        shown.add_row(one.id, one.kind, one.state, untrusted(one.developer, 40), untrusted(one.model, 60), ", ".join(one.parts), ends)
    out.print(shown)


@app.command()
def show(ctx: typer.Context, review: Review, json: Json = False) -> None:
    """One review as far as your part goes, with what you can do now."""
    from clearinghouse.app.views.reviews import read_review

    with context_of(ctx).instance() as instance:
        found = read_review(instance, review)
    if json:
        print_json({**{name: getattr(found, name) for name in found.__slots__ if name != "deeds"}, "can": [deed.name for deed in found.deeds]})
        return
    _print(found)


@app.command()
def do(
    ctx: typer.Context, review: Review,
    deed: Annotated[str, typer.Argument(help="As `review show` lists them: submit, pause, withdraw, reply, ...")],
    word: Annotated[list[str] | None, typer.Option(help="NAME=VALUE: a word of the deed; `review show` says which it takes.")] = None,
    file: Annotated[list[str] | None, typer.Option(help="NAME=FILE: a word read from a file, as document=terms.toml.")] = None,
    json: Json = False,
) -> None:
    """Do something in a review."""
    from clearinghouse.app.reviews import deeds

    words = dict(_pair(each) for each in word or [])
    for name, path in (_pair(each) for each in file or []):
        words[name] = Path(path).read_text("utf-8")
    with context_of(ctx).instance() as instance:
        done, made = deeds.perform(instance, review, deed, words)
        with instance.read() as tx:
            state = deeds.state_of(tx, instance, review)
    made_id = getattr(made, "id", None)
    if json:
        print_json({"review": review, "state": state, "made": made_id})
        return
    say(done.done)
    if isinstance(made_id, str):
        out.print(made_id, markup=False)


@app.command()
def key(
    ctx: typer.Context, file: Annotated[Path, typer.Argument(help="Your Ed25519 key (PEM); made where there is none. It never leaves this machine.")],
    json: Json = False,
) -> None:
    """Register the key you sign with; the instance gets its public half and a proof that you hold it."""
    from clearinghouse.app.reviews.opening import register_key
    from clearinghouse.cli.commitments import read_key
    from clearinghouse.evaluation.review.actions.agreeing import proof_of_key
    from clearinghouse.ledger.dsse import sign_payload

    own = read_key(file)
    with context_of(ctx).instance() as instance:
        proof = sign_payload(proof_of_key(instance.actor.id), own)
        made = register_key(instance, own.public_key().public_bytes_raw(), proof)
    if json:
        print_json({"key": made})
    else:
        out.print(made, markup=False)


@app.command()
def sign(
    ctx: typer.Context, review: Review,
    document: Annotated[str, typer.Argument(metavar="DOCUMENT", help="Document id (rdc_...), as `review show` lists it.")],
    key: Annotated[Path, typer.Option(help="Your Ed25519 key (PEM).", exists=True, dir_okay=False)],
    only_print: Annotated[bool, typer.Option("--print", help="Print the signature for the page instead of sending it.")] = False,
    json: Json = False,
) -> None:
    """Sign a document, on this machine, after showing you what it says."""
    import base64

    from clearinghouse.app.reviews import deeds, opening
    from clearinghouse.cli.commitments import read_key
    from clearinghouse.evaluation.review.documents import predicate_of
    from clearinghouse.ledger.dsse import sign_payload

    with context_of(ctx).instance() as instance:
        found = opening.payload_of(instance, deeds.find(instance, review), document)
        made = base64.b64encode(sign_payload(found.payload, read_key(key))).decode()
        if only_print:
            out.print(made, markup=False)
            return
        if not json:
            for name, value in predicate_of(found).items():
                out.print(untrusted(f"{name:<30} {value}", 400))
        _, complete = deeds.perform(instance, review, "sign", {"document": document, "signature": made})
    if json:
        print_json({"document": document, "digest": found.digest, "complete": complete})
    else:
        say("signed; everybody who has to has signed" if complete else "signed; others have to sign it, too")


@app.command()
def statement(
    ctx: typer.Context, review: Review, document: Annotated[str, typer.Argument(metavar="DOCUMENT", help="Document id (rdc_...).")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Where to write the envelope.")], json: Json = False,
) -> None:
    """Save a document in its DSSE envelope with the signatures it has."""
    from clearinghouse.app.reviews import deeds, opening

    with context_of(ctx).instance() as instance:
        found = opening.statement_file(instance, deeds.find(instance, review), document)
    output.write_bytes(found.body)
    if json:
        print_json({"file": str(output), "complete": found.complete})
    else:
        say(f"{output}: {'complete' if found.complete else 'not signed by everybody yet'}; check it with: clearinghouse review verify {output} --key KEY")


@app.command()
def verify(
    file: Annotated[Path, typer.Argument(help="A statement in its envelope.", exists=True, dir_okay=False)],
    key: Annotated[list[str], typer.Option(help="A public key in hexadecimal; repeat it for each signer.")], json: Json = False,
) -> None:
    """Check a statement offline: which of these keys signed it, and what it says. Needs no instance and no network."""
    from clearinghouse.core.errors import Invalid
    from clearinghouse.ledger.dsse import check_envelope

    if file.stat().st_size > _ENVELOPE_BYTES_MAX:
        raise Invalid(f"{file} is larger than any statement ({_ENVELOPE_BYTES_MAX} bytes)")
    try:
        keys = [bytes.fromhex(text) for text in key]
    except ValueError:
        raise Invalid("a public key is 64 hexadecimal digits") from None
    found = check_envelope(file.read_bytes(), keys)
    if json:
        print_json({"digest": found.digest, "keys": [each.hex() for each in found.keys], "statement": found.statement})
        return
    out.print(f"signed by {len(found.keys)} of {len(keys)} keys: {', '.join(each.hex() for each in found.keys)}", markup=False)
    out.print(f"digest {found.digest}", markup=False)
    for name, value in found.statement.get("predicate", {}).items():
        out.print(untrusted(f"{name:<30} {value}", 400))
    if len(found.keys) < len(keys):
        raise Invalid(f"{len(keys) - len(found.keys)} of the keys did not sign this statement")


@app.command(name="partner-access")
def partner_access(
    ctx: typer.Context, review: Review, partner: Annotated[str, typer.Argument(metavar="PARTNER", help="Partner id (ptn_...), chosen by both sides.")],
    json: Json = False,
) -> None:
    """Let a chosen partner call the model through the gateway, from the planned release to its own end; for the developer. The key is shown once."""
    from clearinghouse.evaluation.review import actions

    with context_of(ctx).instance() as instance, instance.database.write() as tx:
        access, key = actions.give_access(
            tx, review, partner, envelope=instance.envelope, actor=instance.actor.id, now=instance.clock.now()
        )
    if json:
        print_json({"access": access.id, "begins_at": access.begins_at, "ends_at": access.ends_at, "key": key})
    else:
        out.print(key, markup=False)
        say(f"{access.id}: from {access.begins_at:%Y-%m-%d %H:%M} to {access.ends_at:%Y-%m-%d %H:%M} UTC; this key is not shown again")


@app.command()
def figures(ctx: typer.Context, json: Json = False) -> None:
    """What the public is told: windows opened, closed, withdrawn, and the days they used."""
    from clearinghouse.app.views.reviews import public_figures

    with context_of(ctx).instance() as instance:
        found = public_figures(instance)
    if json:
        print_json(found)
        return
    out.print(f"as of {found.as_of:%Y-%m-%d}", markup=False)
    for name in ("opened", "closed", "withdrawn", "open_now", "days_used"):
        value = getattr(found, name)
        out.print(f"{name:<12} {'too few to tell' if value is None else value}", markup=False)


def _pair(text: str) -> tuple[str, str]:
    from clearinghouse.core.errors import Invalid

    name, equals, value = text.partition("=")
    if not equals or not name:
        raise Invalid(f"a word is NAME=VALUE; found {text[:60]!r}")
    return name, value


def _print(found: "ReviewPage") -> None:
    out.print(untrusted(f"{found.model} {found.version} ({found.variant} safeguards)", 200, "bold"))
    out.print(untrusted(f"{found.id}  {found.kind}  {found.state}  {found.developer}, reviewed by {found.desk}", 300))
    out.print(untrusted(f"you: {', '.join(found.parts) or 'no part'}", 200))
    clock = found.clock
    if clock.open is not None:
        out.print(f"window ends {clock.open.ends_at:%Y-%m-%d %H:%M} UTC, {clock.seconds_left / 3600:.1f} hours from now", markup=False)
    out.print(f"this version has used {clock.used_seconds / 3600:.1f} of {clock.hours_max} hours", markup=False)
    if found.documents:
        shown = table("", "id", "document", "round", "signed", "digest")
        for one in found.documents:
            signed = "frozen" if not one.signed_by_sides else ("complete" if one.complete else f"{len(one.signers)} so far")
            shown.add_row(one.id, one.kind + ("" if one.newest else " (superseded)"), str(one.round), signed, one.digest[:19])
        out.print(shown)
    for entry in found.entries:
        out.print(untrusted(f"{entry.at:%Y-%m-%d %H:%M} {entry.kind} {entry.by}: {entry.about} {entry.text}", 300))
    for line in found.partners:
        out.print(untrusted(f"partner {line.partner.id} {line.partner.state}: {line.partner.name}", 200))
    if found.deeds:
        shown = table("you can do", "deed", "words", "")
        for deed in found.deeds:
            words = ", ".join(each.name if each.required else f"[{each.name}]" for each in deed.fields)
            shown.add_row(deed.name, words, deed.help)
        out.print(shown)
