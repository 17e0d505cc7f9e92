"""Adding a material, and reading one with the reading on record before a byte leaves."""

import hashlib
from datetime import datetime

from clearinghouse.core.errors import Conflict, Invalid, NotFound
from clearinghouse.core.events import Detail, Event
from clearinghouse.core.ids import MaterialId, PartyId, new_id
from clearinghouse.core.policy import BenchPolicy, BenchQueuePolicy
from clearinghouse.disclosure.validation.dockets import rules, store
from clearinghouse.disclosure.validation.dockets.records import Docket, Material, MaterialKind
from clearinghouse.ledger import actions as ledger
from clearinghouse.storage import Database, Transaction


def add_material(
    tx: Transaction, docket: Docket, kind: MaterialKind, untrusted_name: str, body: bytes, *, by_finder: bool, by_model: bool = False, origin: str = "",
    actor: PartyId, policy: BenchPolicy, bounds: BenchQueuePolicy, now: datetime,
) -> Material:
    """Bytes the bench may use in a case, sealed; the same bytes are kept once.

    Args:
        by_finder: the actor, its organisation or a team of it sent a report of the case.
        by_model: who hands them in says that an AI model made them.
        origin: the address this instance fetched them from itself.
    Raises:
        NotPermitted: the actor is not shown everything of the case.
        Invalid: there are none, or too many of them.
        Conflict: the case holds its bound.
    """
    rules.check_may_add(docket)
    most = policy.recipe_bytes_max if kind is MaterialKind.RECIPE else policy.material_bytes_max
    if not body:
        raise Invalid(f"this {kind} is empty")
    if len(body) > most:
        raise Invalid(f"this {kind} has {len(body)} bytes; {most} are taken")
    if store.system_count(tx, docket.case_id) >= bounds.materials_max:
        raise Conflict("this case takes no further materials")
    new = Material(
        MaterialId(new_id("mat")), kind, digest_of(body), len(body), now, actor,
        rules.supplier_of(by_finder=by_finder, fetched=bool(origin), by_model=by_model), rules.parse_name(untrusted_name), origin,
    )
    store.add_material(tx, docket, new, body)
    details: dict[str, Detail] = {
        "kind": str(kind), "size_bytes": new.size_bytes, "digest": new.digest, "supplier": str(new.supplier), "fetched": bool(origin),
    }
    ledger.record(tx, Event("MaterialAdded", (docket.case_id, new.id), details), actor=actor, now=now)
    return new


def read_material(database: Database, docket: Docket, untrusted_name: str, *, viewer: PartyId, now: datetime) -> tuple[Material, bytes]:
    """A material and its bytes; that the viewer read it is committed before any byte is opened.

    Raises:
        NotFound: there is none that the viewer may see.
        NotPermitted: the viewer is read in below tier 3.
    """
    with database.write() as tx:
        found = store.find_material(tx, docket, untrusted_name, viewer=viewer, now=now)
        if found is None:
            raise nothing_found(untrusted_name)
        rules.check_may_add(docket)
        ledger.record(tx, Event("SealedObjectRead", (found.id,), {"digest": found.digest}), actor=viewer, now=now)
    with database.read(viewer=viewer, now=now) as tx:
        body = store.read_body(tx, docket, found.digest, viewer=viewer, now=now)
    if body is None:
        raise nothing_found(untrusted_name)
    return found, body


def find_recipe(tx: Transaction, docket: Docket, untrusted_name: str, *, viewer: PartyId, now: datetime) -> tuple[Material, bytes]:
    """A recipe and its bytes, for who is about to have it run; what it says is not shown.

    Raises:
        NotFound: there is none that the viewer may see.
    """
    found = store.find_material(tx, docket, untrusted_name, viewer=viewer, now=now)
    body = None if found is None or found.kind is not MaterialKind.RECIPE else store.system_body(tx, docket, found.digest)
    if found is None or body is None:
        raise nothing_found(untrusted_name)
    return found, body


def nothing_found(untrusted_name: str) -> NotFound:
    """The one answer for what is not there and what is not the viewer's."""
    return NotFound(f"nothing found under {untrusted_name[:40]!r}")


def digest_of(body: bytes) -> str:
    """The name of some bytes."""
    return "sha256:" + hashlib.sha256(body).hexdigest()
