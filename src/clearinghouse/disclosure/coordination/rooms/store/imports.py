"""Where imported cases came from: the ids their objects have there, and what is kept verbatim."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import insert, select

from clearinghouse.core.ids import CaseId, PartyId
from clearinghouse.disclosure.coordination.rooms.bundle import EventPart
from clearinghouse.disclosure.coordination.rooms.records import Room
from clearinghouse.disclosure.coordination.rooms.store.tables import case_handles, case_imports, seal, unseal
from clearinghouse.storage import Transaction


@dataclass(frozen=True, slots=True)
class Import:
    """Where a case came from."""

    origin: str
    digest: str
    imported_at: datetime
    imported_by: PartyId
    provenance: tuple[str, ...]
    history: tuple[EventPart, ...]


@dataclass(frozen=True, slots=True)
class _Kept:
    provenance: tuple[str, ...]
    history: tuple[EventPart, ...]


def add_import(tx: Transaction, room: Room, new: Import) -> None:
    """Keep where a case came from."""
    tx.write(insert(case_imports), {
        "case_id": room.id, "origin": new.origin, "digest": new.digest, "imported_at": new.imported_at, "imported_by": new.imported_by,
        "sealed": seal(room.key, _Kept(new.provenance, new.history), room.id + "/import"),
    })


def find_import(tx: Transaction, room: Room) -> Import | None:
    """Where a case came from; None for one that began here."""
    row = tx.row(select(case_imports).where(case_imports.c.case_id == room.id))
    if row is None:
        return None
    kept = unseal(room.key, row.sealed, room.id + "/import", _Kept)
    return Import(row.origin, row.digest, row.imported_at, PartyId(row.imported_by), kept.provenance, kept.history)


def add_handles(tx: Transaction, case_id: CaseId, origin: str, handles: Mapping[str, str]) -> None:
    """Keep the names objects have where they came from: our id to theirs."""
    tx.write(insert(case_handles), [
        {"object_id": ours, "case_id": case_id, "origin": origin, "handle": theirs} for ours, theirs in sorted(handles.items())
    ])


def system_handles(tx: Transaction, object_ids: Sequence[str]) -> dict[str, str]:
    """The names objects have where they came from, for rendering an export; an id alone opens nothing."""
    found: dict[str, str] = {}
    for start in range(0, len(object_ids), 500):
        query = select(case_handles.c.object_id, case_handles.c.handle).where(
            case_handles.c.object_id.in_(list(object_ids[start : start + 500]))
        )
        found.update({row.object_id: row.handle for row in tx.rows(query)})
    return found


def system_known(tx: Transaction, origin: str, handles: Sequence[str]) -> dict[str, str]:
    """Of the objects of an instance, those that came here before: their id there to ours; an id alone opens nothing."""
    found: dict[str, str] = {}
    for start in range(0, len(handles), 500):
        query = select(case_handles.c.object_id, case_handles.c.handle).where(
            case_handles.c.origin == origin, case_handles.c.handle.in_(list(handles[start : start + 500]))
        )
        found.update({row.handle: row.object_id for row in tx.rows(query)})
    return found
