"""Validation wired to an instance: dockets from rooms, what people ask for, and the bench that does it.

Validation stands below rooms and knows none. What it works with is a docket: an id, a key, and how far the viewer may look.
Here alone dockets are made: from a room that was opened for a viewer, or by the machine for its bench.
"""

from dataclasses import dataclass
from pathlib import Path

from clearinghouse.app.kept_verdicts import parse_kept
from clearinghouse.app.wiring import Instance
from clearinghouse.core.errors import Conflict, Invalid, NotPermitted
from clearinghouse.core.events import Event
from clearinghouse.core.ids import ReportId
from clearinghouse.disclosure.coordination.rooms import actions as rooms
from clearinghouse.disclosure.coordination.rooms import rules as room_rules
from clearinghouse.disclosure.coordination.rooms.records import CaseRole, DocumentKind, Room
from clearinghouse.disclosure.coordination.rooms.store import cases
from clearinghouse.disclosure.validation.dockets import actions as dockets
from clearinghouse.disclosure.validation.dockets import rules as docket_rules
from clearinghouse.disclosure.validation.dockets import store as docket_store
from clearinghouse.disclosure.validation.dockets.records import Docket, Material, MaterialKind
from clearinghouse.disclosure.validation.queue import actions as queue
from clearinghouse.disclosure.validation.queue import store as queue_store
from clearinghouse.disclosure.validation.queue.records import Validation
from clearinghouse.disclosure.validation.recipes.document import FILE_NAME, named_digests, read_recipe
from clearinghouse.disclosure.validation.workshop import FolderMaterials
from clearinghouse.ledger import actions as ledger
from clearinghouse.parties.records import Tier
from clearinghouse.storage import Transaction

_KINDS = {DocumentKind.REPRODUCER: MaterialKind.REPRODUCER, DocumentKind.PATCH: MaterialKind.PATCH}


@dataclass(frozen=True, slots=True)
class Evidence:
    """Signed evidence, and a name to keep it under."""

    name: str
    body: bytes


def docket_of(tx: Transaction, room: Room) -> Docket:
    """The docket of a room, with no more in it than the room's viewer is shown."""
    standing = room.standing
    own = cases.own_report_ids(tx, room.id, sorted(standing.parties)) if standing.only_reports else None
    # A right to read without a part in the case, as in an emergency, shows all that its tier does.
    reports = None if own is None else frozenset(ReportId(report) for report in own)
    return Docket(room.id, room.key, standing.tier, reports, standing.parties)


def system_docket(tx: Transaction, instance: Instance, case_id: str) -> Docket | None:
    """The docket of a case for the machine; None where the case was erased. Shown to nobody."""
    room = cases.system_room(tx, case_id, instance.envelope, system=instance.system)
    return None if room is None else Docket(room.id, room.key, Tier.DOCUMENTS)


def add_material(
    instance: Instance, case_id: str, kind: MaterialKind, untrusted_name: str, body: bytes, *, origin: str = "", by_model: bool = False
) -> Material:
    """Bytes for the bench, sealed with a case.

    Args:
        origin: the address they were fetched from by this instance.
        by_model: who adds them says that an AI model made them.
    Raises:
        NotFound: the case is not the actor's to see.
        NotPermitted: the actor takes no part in it, or is not shown everything.
        Invalid: there are none, too many, or a recipe is none.
        Conflict: the case is not open, or holds its bound.
    """
    now = instance.clock.now()
    if kind is MaterialKind.RECIPE:
        read_recipe(body, instance.policy.bench)
    with instance.database.write() as tx:
        room = rooms.take_part(tx, case_id, envelope=instance.envelope, actor=instance.actor.id, now=now)
        return dockets.add_material(
            tx, docket_of(tx, room), kind, untrusted_name, body, by_finder=_sent_some(tx, room), by_model=by_model, origin=origin, actor=instance.actor.id,
            policy=instance.policy.bench, bounds=instance.policy.bench_queue, now=now,
        )


def add_folder(instance: Instance, case_id: str, folder: Path, *, by_model: bool = False) -> list[Material]:
    """A recipe and the files beside it that it names, kept with a case; the recipe comes last.

    Raises:
        Invalid: the folder holds no recipe that can be used.
        NotFound, NotPermitted, Conflict: as for `add_material`.
    """
    place = folder / FILE_NAME
    if not place.is_file():
        raise Invalid(f"{folder} holds no {FILE_NAME}; `clearinghouse recipe pin` makes one")
    policy = instance.policy.bench
    body = place.read_bytes()
    recipe = read_recipe(body, policy)
    held = FolderMaterials(folder, policy.material_bytes_max)
    kinds = {patch: MaterialKind.PATCH for plan in recipe.builds.values() for patch in plan.patches}
    kinds |= dict.fromkeys(recipe.benign, MaterialKind.BENIGN) | {recipe.reproducer: MaterialKind.REPRODUCER}
    names = held.names()
    added = [
        add_material(instance, case_id, kinds.get(digest, MaterialKind.SOURCE), Path(names[digest]).name, held.read(digest), by_model=by_model)
        for digest in named_digests(recipe) if digest in names
    ]
    return [*added, add_material(instance, case_id, MaterialKind.RECIPE, FILE_NAME, body, by_model=by_model)]


def check_may_add(instance: Instance, case_id: str) -> None:
    """Raise as `add_material` would for who asks, before there is anything to add."""
    now = instance.clock.now()
    with instance.database.write() as tx:
        room = rooms.take_part(tx, case_id, envelope=instance.envelope, actor=instance.actor.id, now=now)
        docket_rules.check_may_add(docket_of(tx, room))


def add_document(instance: Instance, case_id: str, document_id: str, kind: MaterialKind | None = None) -> Material:
    """A copy of a document of a case for the bench; that it was read is on record as for any reading.

    Raises:
        NotFound, NotPermitted, Invalid, Conflict: as for `add_material` and for reading the document.
    """
    document, body = rooms.read_document(
        instance.database, case_id, document_id, envelope=instance.envelope, viewer=instance.actor.id, now=instance.clock.now()
    )
    chosen = kind or _KINDS.get(document.kind)
    if chosen is None:
        raise Conflict(f"a document of kind {document.kind} says nothing of what it is for; name the kind of material")
    return add_material(instance, case_id, chosen, document.name, body)


def read_material(instance: Instance, case_id: str, untrusted_name: str) -> tuple[Material, bytes]:
    """A material by its id or digest; that it was read is on record before a byte leaves.

    Raises:
        NotFound: there is none that the actor may see.
        NotPermitted: the actor is read in below tier 3.
    """
    now = instance.clock.now()
    with instance.read() as tx:
        room = rooms.enter(tx, case_id, envelope=instance.envelope, viewer=instance.actor.id, now=now)
        docket = docket_of(tx, room)
    return dockets.read_material(instance.database, docket, untrusted_name, viewer=instance.actor.id, now=now)


def ask(instance: Instance, case_id: str, report_id: str, recipe: str) -> Validation:
    """A validation of a report of a case, put in the queue.

    Args:
        recipe: id or digest of a recipe among the materials of the case.
    Raises:
        NotFound: case, report or recipe is not the actor's to see.
        NotPermitted: the actor takes no part, is not shown everything, is here for its own reports, or is the finder's.
        Invalid: the recipe cannot be used, or names what the case does not hold.
        Conflict: the case is not open, the same is on the bench, or too much of the case is.
    """
    now, actor = instance.clock.now(), instance.actor.id
    with instance.database.write() as tx:
        room = rooms.take_part(tx, case_id, envelope=instance.envelope, actor=actor, now=now)
        docket = docket_of(tx, room)
        attached = cases.find_attached(tx, room, report_id, now=now)
        if attached is None or attached.detached_at is not None or attached.withdrawn_at is not None:
            raise dockets.nothing_found(report_id)
        found, body = dockets.find_recipe(tx, docket, recipe, viewer=actor, now=now)
        if room.standing.only_reports:
            raise NotPermitted("the verifier is never the finder: who is in a case for its own report asks for no validation")
        return queue.ask(
            tx, docket, attached.id, attached.reporter, read_recipe(body, instance.policy.bench), found.digest, actor=actor,
            envelope=instance.envelope, policy=instance.policy.bench_queue, now=now,
        )


def cancel(instance: Instance, case_id: str, validation_id: str) -> Validation:
    """A validation that is wanted no more; what runs of it is stopped.

    Raises:
        NotFound: there is none that the actor may see.
        NotPermitted: the actor neither asked for it nor coordinates the case.
        Conflict: it has ended.
    """
    now = instance.clock.now()
    with instance.database.write() as tx:
        room = rooms.enter(tx, case_id, envelope=instance.envelope, viewer=instance.actor.id, now=now)
        room_rules.check_takes_part(room.standing)
        return queue.cancel(
            tx, docket_of(tx, room), validation_id, coordinates=CaseRole.COORDINATOR in room.standing.roles, actor=instance.actor.id, now=now
        )


def resume(instance: Instance, case_id: str, validation_id: str) -> Validation:
    """A validation that was cancelled or failed, in the queue again.

    Raises:
        NotFound, NotPermitted, Conflict: as for `cancel`; also where the case is not open.
    """
    now = instance.clock.now()
    with instance.database.write() as tx:
        room = rooms.take_part(tx, case_id, envelope=instance.envelope, actor=instance.actor.id, now=now)
        docket = docket_of(tx, room)
        found = queue.find(tx, docket, validation_id, viewer=instance.actor.id, now=now)
        _, body = dockets.find_recipe(tx, docket, found.recipe, viewer=instance.actor.id, now=now)
        return queue.resume(
            tx, docket, found.id, read_recipe(body, instance.policy.bench), coordinates=CaseRole.COORDINATOR in room.standing.roles,
            actor=instance.actor.id, policy=instance.policy.bench_queue, now=now,
        )


def read_evidence(instance: Instance, case_id: str, validation_id: str) -> Evidence:
    """The signed evidence of a validation, byte for byte as it was made.

    Raises:
        NotFound: there is none that the actor may see, or none yet.
    """
    now = instance.clock.now()
    with instance.read() as tx:
        room = rooms.enter(tx, case_id, envelope=instance.envelope, viewer=instance.actor.id, now=now)
        docket = docket_of(tx, room)
        found = queue.find(tx, docket, validation_id, viewer=instance.actor.id, now=now)
        body = queue_store.read_statement(tx, docket, found, viewer=instance.actor.id, now=now)
    if body is None:
        raise dockets.nothing_found(validation_id)
    return Evidence(f"{found.id}.dsse.json", body)


def read_log(instance: Instance, case_id: str, validation_id: str, digest: str) -> bytes:
    """A raw log of a validation; that it was read is on record before a byte leaves. It is what the code under test wrote: hostile.

    Raises:
        NotFound: there is no such validation that the actor may see, or no such log of it.
        NotPermitted: the actor is read in below tier 3.
    """
    now, actor = instance.clock.now(), instance.actor.id
    with instance.database.write() as tx:
        room = rooms.enter(tx, case_id, envelope=instance.envelope, viewer=actor, now=now)
        docket = docket_of(tx, room)
        found = queue.find(tx, docket, validation_id, viewer=actor, now=now)
        document = queue_store.read_result(tx, docket, found, viewer=actor, now=now)
        if document is None or digest not in _logs_of(document):
            raise dockets.nothing_found(digest)
        docket_rules.check_may_add(docket)
        ledger.record(tx, Event("SealedObjectRead", (found.id,), {"digest": digest}), actor=actor, now=now)
    with instance.read() as tx:
        body = docket_store.read_body(tx, docket, digest, viewer=actor, now=now)
    if body is None:
        raise dockets.nothing_found(digest)
    return body


def _logs_of(document: bytes) -> frozenset[str]:
    seen = parse_kept(document).assessment.observed
    cells = [*seen.reproducer.values(), *seen.canaries.values(), *(cell for cells in seen.benign.values() for cell in cells)]
    return frozenset(run.log_digest for cell in cells for run in cell.runs)


def builds_folder(instance: Instance) -> Path:
    """Where this host keeps the files of builds."""
    return instance.settings.home / "bench"


def _sent_some(tx: Transaction, room: Room) -> bool:
    """Whether who acts, its organisation or a team of it sent a report of the case: then it is a finder here."""
    return bool(cases.own_report_ids(tx, room.id, sorted(room.standing.parties))) or bool(
        room.standing.roles & {CaseRole.FINDER, CaseRole.REPORTER}
    )
