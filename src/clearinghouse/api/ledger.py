"""The ledger as others verify it: the newest checkpoint, and the proof of one event (C2SP formats)."""

from litestar import MediaType, Router, get
from litestar.params import FromPath

from clearinghouse.api.authentication import SCOPE, Acting
from clearinghouse.core.roles import Scope
from clearinghouse.ledger import actions


@get("/ledger/checkpoint", opt={SCOPE: Scope.LEDGER_READ}, sync_to_thread=True, media_type=MediaType.TEXT, summary="The newest signed checkpoint")
def checkpoint(instance: Acting) -> str:
    """Origin, size and root of the tree with the log's signature."""
    _, note = actions.checkpoint(
        instance.database, instance.settings.ledger_origin, instance.signer, instance.keeper, now=instance.clock.now()
    )
    return note


@get("/ledger/key", opt={SCOPE: Scope.LEDGER_READ}, sync_to_thread=True, media_type=MediaType.TEXT, summary="The log's verifier key")
def key(instance: Acting) -> str:
    """What verifies checkpoints and proofs, together with nothing else."""
    return instance.signer.verifier.render()


@get("/ledger/proofs/{event_id:str}", opt={SCOPE: Scope.LEDGER_READ}, sync_to_thread=True, media_type=MediaType.TEXT, summary="The proof of an event")
def proof(instance: Acting, event_id: FromPath[str]) -> str:
    """A proof that the event is on the ledger; event ids are opaque and tell nothing."""
    return actions.prove(
        instance.database, event_id, instance.settings.ledger_origin, instance.signer, instance.keeper, now=instance.clock.now()
    )


ROUTER = Router("/", route_handlers=[checkpoint, key, proof], tags=["ledger"])
