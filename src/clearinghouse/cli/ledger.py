"""`clearinghouse ledger`: sign a checkpoint, prove an event, verify all of it or a proof file alone."""

from pathlib import Path
from typing import Annotated

import typer

from clearinghouse.cli.context import Json, context_of
from clearinghouse.cli.output import out, print_json, progress, say

app = typer.Typer(help="The tamper-evident record: checkpoints, proofs, verification.", no_args_is_help=True)


@app.command()
def checkpoint(ctx: typer.Context, json: Json = False) -> None:
    """Sign size and root of the log as it stands, and keep the checkpoint in both stores."""
    from clearinghouse.ledger import actions

    with context_of(ctx).instance() as instance:
        signed, note = actions.checkpoint(
            instance.database, instance.settings.ledger_origin, instance.signer, instance.keeper, now=instance.clock.now()
        )
        if json:
            print_json({"origin": signed.origin, "size": signed.size, "root": signed.root, "note": note,
                        "verifier": instance.signer.verifier.render()})
        else:
            out.print(note, end="", markup=False)
            say(f"verifier key: {instance.signer.verifier.render()}")


@app.command()
def prove(
    ctx: typer.Context,
    event: Annotated[str, typer.Argument(help="Event id; `clearinghouse show ID` lists the events of an object.")],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="File to write; standard output by default.")] = None,
    json: Json = False,
) -> None:
    """Write a proof file that an event is on the record; it verifies without this instance."""
    from clearinghouse.ledger import actions

    with context_of(ctx).instance() as instance:
        text = actions.prove(
            instance.database, event, instance.settings.ledger_origin, instance.signer, instance.keeper, now=instance.clock.now()
        )
        if output is not None:
            output.write_text(text, encoding="utf-8")
        verifier = instance.signer.verifier.render()
        if json:
            print_json({"event": event, "proof": text, "verifier": verifier})
        elif output is None:
            out.print(text, end="", markup=False)
        else:
            say(f"proof written to {output}; check it anywhere with:\n  clearinghouse ledger verify {output} --key '{verifier}'")


@app.command()
def verify(
    ctx: typer.Context,
    proof: Annotated[Path | None, typer.Argument(help="A proof file, verified alone; the whole log where none is named.")] = None,
    key: Annotated[str, typer.Option(help="Verifier key of the log (name+hash+base64); this instance's own by default.")] = "",
    json: Json = False,
) -> None:
    """Verify a proof file offline, or recompute the whole log and hold it against its signed checkpoints."""
    from clearinghouse.core.errors import Invalid
    from clearinghouse.ledger import actions
    from clearinghouse.ledger.note import parse_verifier
    from clearinghouse.ledger.proof import verify_proof

    if proof is not None:
        try:
            text = proof.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            raise Invalid(f"{proof} is no text; a proof file begins with c2sp.org/tlog-proof@v1") from None
        verifier = parse_verifier(key or _own_key(ctx))
        found, signed = verify_proof(text, [verifier])
        if json:
            print_json({"valid": True, "index": found.index, "size": signed.size, "origin": signed.origin,
                        "leaf": found.leaf.decode("utf-8", "replace")})
        else:
            out.print(f"valid: leaf {found.index} of {signed.size} in the log {signed.origin}", markup=False)
            out.print(found.leaf.decode("utf-8", "replace"), markup=False)
        return
    with context_of(ctx).instance() as instance:
        verifiers = [parse_verifier(key)] if key else [instance.signer.verifier]
        with progress(json) as bars:
            task = bars.add_task("verifying leaves", total=None)
            state = actions.verify(
                instance.database, instance.settings.ledger_origin, verifiers, instance.keeper,
                lambda leaves: bars.update(task, completed=leaves),
            )
        if json:
            print_json({"valid": True, "leaves": state.leaves, "waiting": state.waiting, "root": state.root, "signed": state.signed})
        else:
            signed_text = "none signed yet" if state.signed is None else f"last checkpoint signed at {state.signed}"
            out.print(f"valid: {state.leaves} leaves, {state.waiting} waiting, {signed_text}", markup=False)


@app.command()
def adopt(
    ctx: typer.Context,
    reason: Annotated[str, typer.Option(help="Why the kept checkpoint is missing; it goes on the record.")],
    json: Json = False,
) -> None:
    """After a restore: keep the database's own newest checkpoint where the one kept apart is missing."""
    from clearinghouse.ledger import actions

    with context_of(ctx).instance() as instance:
        adopted = actions.adopt(
            instance.database, instance.signer, instance.keeper, reason, actor=instance.actor.id, now=instance.clock.now()
        )
    if json:
        print_json({"size": adopted.size, "root": adopted.root})
    else:
        out.print(f"kept: the checkpoint of {adopted.size} leaves", markup=False)


def _own_key(ctx: typer.Context) -> str:
    """The verifier key of the instance at hand; opening its database is not needed for that."""
    from clearinghouse.app.settings import load_settings
    from clearinghouse.app.wiring import read_signer

    return read_signer(load_settings(context_of(ctx).folder())).verifier.render()
