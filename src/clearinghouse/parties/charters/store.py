"""Where charters are kept: versions under seal, what each covers, and who claims what."""

import base64
import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Row,
    Table,
    UniqueConstraint,
    delete,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError

from clearinghouse.core.errors import Conflict
from clearinghouse.core.ids import PartyId
from clearinghouse.parties.charters.document import build_charter
from clearinghouse.parties.charters.records import Adopted, CharterId, Claim, ClaimBasis, ClaimId, Kind, ScopeKey
from clearinghouse.storage import Envelope, SealedBody, Transaction
from clearinghouse.storage.schema import Digest, Id, Instant, Prose, Word, metadata

charters = Table(
    "charters", metadata,
    Column("charter_id", Id, primary_key=True),
    Column("party_id", Id, ForeignKey("parties.party_id"), nullable=False),
    Column("project", Prose, nullable=False),
    Column("version", Integer, nullable=False),
    UniqueConstraint("party_id", "project"),
    Index(None, "project"),
)
charter_versions = Table(
    "charter_versions", metadata,
    Column("charter_id", Id, ForeignKey("charters.charter_id"), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("digest", Digest, nullable=False),
    Column("adopted_at", Instant, nullable=False),
    Column("adopted_by", Id, nullable=False),
    Column("on_behalf", Boolean, nullable=False),
    Column("source_url", Prose, nullable=False),
    Column("wrapped_key", LargeBinary, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
)
charter_scopes = Table(
    "charter_scopes", metadata,
    Column("charter_id", Id, ForeignKey("charters.charter_id"), primary_key=True),
    Column("kind", Word, primary_key=True),
    Column("value", Prose, primary_key=True),
    Index(None, "value"),
)
charter_claims = Table(
    "charter_claims", metadata,
    Column("claim_id", Id, primary_key=True),
    Column("party_id", Id, ForeignKey("parties.party_id"), nullable=False),
    Column("kind", Word, nullable=False),
    Column("value", Prose, nullable=False),
    Column("basis", Word, nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("proven_at", Instant),
    Column("ended_at", Instant),
    Column("held", Prose, unique=True),  # kind and value while the claim is proven and stands: one party holds it
    Column("wrapped_key", LargeBinary),
    Column("sealed_reason", LargeBinary),
    Column("end_wrapped_key", LargeBinary),
    Column("sealed_end", LargeBinary),
    Index(None, "party_id"),
)
charter_fetches = Table(
    "charter_fetches", metadata,
    Column("url", Prose, primary_key=True),
    Column("etag", Prose, nullable=False),
    Column("fetched_at", Instant, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Version:
    """A version about to be kept."""

    id: CharterId
    number: int
    party: PartyId
    project: str
    digest: str
    document: bytes
    original: bytes
    reason: str
    source_url: str
    on_behalf: bool


def project_key(name: str) -> str:
    """A project's name as it is looked up."""
    return " ".join(name.casefold().split())


def add_version(tx: Transaction, version: Version, envelope: Envelope, *, actor: PartyId, now: datetime) -> None:
    """Keep a version and put it in force."""
    head = {"charter_id": version.id, "party_id": version.party, "project": version.project, "version": version.number}
    if version.number == 1:
        try:
            tx.write(insert(charters), head)
        except IntegrityError as error:
            raise Conflict("another charter for this project was adopted meanwhile; look at it, then adopt this one again") from error
    else:
        current = update(charters).where(charters.c.charter_id == version.id, charters.c.version == version.number - 1)
        if tx.write(current.values(version=version.number)) != 1:
            raise Conflict("another version of this charter was adopted meanwhile; look at it, then adopt this one again")
    body = json.dumps({
        "document": version.document.decode(), "original": base64.b64encode(version.original).decode(), "reason": version.reason,
    })
    sealed = envelope.seal(body.encode(), _about(version.id, version.number))
    tx.write(insert(charter_versions), {
        "charter_id": version.id, "version": version.number, "digest": version.digest, "adopted_at": now, "adopted_by": actor,
        "on_behalf": version.on_behalf, "source_url": version.source_url, "wrapped_key": sealed.wrapped_key, "sealed": sealed.body,
    })


def set_scopes(tx: Transaction, charter_id: CharterId, keys: Iterable[ScopeKey]) -> None:
    """What a charter covers from now on."""
    tx.write(delete(charter_scopes).where(charter_scopes.c.charter_id == charter_id))
    tx.write(insert(charter_scopes), [{"charter_id": charter_id, "kind": key.kind, "value": key.value} for key in keys])


def find_charters(tx: Transaction, keys: Collection[ScopeKey], envelope: Envelope) -> list[Adopted]:
    """The charters in force that cover any of these, in order of their ids; two statements however many."""
    if not keys:
        return []
    wanted = [
        (charter_scopes.c.kind == kind) & charter_scopes.c.value.in_(sorted(key.value for key in keys if key.kind is kind))
        for kind in Kind
    ]
    return _read(tx, charters.c.charter_id.in_(select(charter_scopes.c.charter_id).where(or_(*wanted))), envelope)


def charters_of(tx: Transaction, party: PartyId, envelope: Envelope) -> list[Adopted]:
    """The charters in force of a party."""
    return _read(tx, charters.c.party_id == party, envelope)


def find_charter(tx: Transaction, charter_id: str, envelope: Envelope) -> Adopted | None:
    """A charter in force by its id."""
    return next(iter(_read(tx, charters.c.charter_id == charter_id, envelope)), None)


def charters_named(tx: Transaction, name: str, envelope: Envelope) -> list[Adopted]:
    """The charters in force of projects with this name."""
    return _read(tx, charters.c.project == project_key(name), envelope)


def find_current(tx: Transaction, party: PartyId, project: str) -> tuple[CharterId, int, str] | None:
    """Id, version and digest of a party's charter for a project."""
    row = tx.row(
        select(charters.c.charter_id, charters.c.version, charter_versions.c.digest)
        .join(charter_versions, _in_force()).where(charters.c.party_id == party, charters.c.project == project)
    )
    return None if row is None else (CharterId(row.charter_id), row.version, row.digest)


def read_versions(tx: Transaction, charter_id: str, envelope: Envelope) -> list[Adopted]:
    """Every version of a charter, newest first; what it covers is told of the one in force alone."""
    query = select(charters, charter_versions).join(charter_versions, charter_versions.c.charter_id == charters.c.charter_id)
    rows = tx.rows(query.where(charters.c.charter_id == charter_id).order_by(charter_versions.c.version.desc()))
    return [_adopted(row, (), envelope)[0] for row in rows]


def read_original(tx: Transaction, charter_id: str, version: int, envelope: Envelope) -> bytes | None:
    """The bytes a version was adopted from."""
    row = tx.row(select(charter_versions).where(charter_versions.c.charter_id == charter_id, charter_versions.c.version == version))
    return None if row is None else base64.b64decode(_open(row, envelope)["original"])


def read_document(tx: Transaction, charter_id: str, version: int, envelope: Envelope) -> bytes | None:
    """The canonical document of a version, for an editor."""
    row = tx.row(select(charter_versions).where(charter_versions.c.charter_id == charter_id, charter_versions.c.version == version))
    return None if row is None else _open(row, envelope)["document"].encode()


def add_claim(tx: Transaction, claim: Claim, reason: str, envelope: Envelope) -> None:
    """Keep a claim.

    Raises:
        Conflict: it is proven, and another party holds the same.
    """
    sealed = envelope.seal(reason.encode(), claim.id) if reason else None
    try:
        tx.write(insert(charter_claims), {
            "claim_id": claim.id, "party_id": claim.party, "kind": claim.key.kind, "value": claim.key.value, "basis": claim.basis,
            "opened_at": claim.opened_at, "proven_at": claim.proven_at, "ended_at": None, "held": _held(claim.key) if claim.proven_at else None,
            "wrapped_key": sealed.wrapped_key if sealed else None, "sealed_reason": sealed.body if sealed else None,
        })
    except IntegrityError as error:
        raise _taken(claim.key) from error


def prove_claim(tx: Transaction, claim: Claim, basis: ClaimBasis, at: datetime) -> None:
    """Note that a claim was proven.

    Raises:
        Conflict: another party holds the same.
    """
    try:
        tx.write(update(charter_claims).where(charter_claims.c.claim_id == claim.id).values(
            basis=basis, proven_at=at, held=_held(claim.key)
        ))
    except IntegrityError as error:
        raise _taken(claim.key) from error


def end_claim(tx: Transaction, claim_id: ClaimId, reason: str, envelope: Envelope, at: datetime) -> None:
    """Note that a claim stands no more, and why."""
    sealed = envelope.seal(reason.encode(), f"{claim_id}/end")
    tx.write(update(charter_claims).where(charter_claims.c.claim_id == claim_id).values(
        ended_at=at, held=None, end_wrapped_key=sealed.wrapped_key, sealed_end=sealed.body
    ))


def find_claim(tx: Transaction, claim_id: str) -> Claim | None:
    """A claim by its id."""
    row = tx.row(select(charter_claims).where(charter_claims.c.claim_id == claim_id))
    return None if row is None else _claim(row)


def claims_of(tx: Transaction, party: PartyId) -> list[Claim]:
    """A party's claims that have not ended, earliest first."""
    query = select(charter_claims).where(charter_claims.c.party_id == party, charter_claims.c.ended_at.is_(None))
    return [_claim(row) for row in tx.rows(query.order_by(charter_claims.c.opened_at, charter_claims.c.claim_id))]


def system_fetched_claims(tx: Transaction) -> list[Claim]:
    """The claims that stand because of a fetch, for looking whether their charters changed."""
    query = select(charter_claims).where(charter_claims.c.basis == ClaimBasis.FETCHED, charter_claims.c.ended_at.is_(None))
    return [_claim(row) for row in tx.rows(query.order_by(charter_claims.c.claim_id))]


def holders(tx: Transaction, keys: Collection[ScopeKey]) -> dict[ScopeKey, PartyId]:
    """Who holds which of these."""
    wanted = {_held(key): key for key in keys}
    query = select(charter_claims.c.held, charter_claims.c.party_id).where(charter_claims.c.held.in_(sorted(wanted)))
    return {wanted[row.held]: PartyId(row.party_id) for row in tx.rows(query)}


def find_etag(tx: Transaction, url: str) -> str:
    """What the server called the copy fetched last; empty where there is none."""
    return tx.value(select(charter_fetches.c.etag).where(charter_fetches.c.url == url)) or ""


def keep_etag(tx: Transaction, url: str, etag: str, at: datetime) -> None:
    """Note a fetch. A cache: losing it costs one more fetch."""
    tx.derive(delete(charter_fetches).where(charter_fetches.c.url == url))
    tx.derive(insert(charter_fetches), {"url": url, "etag": etag, "fetched_at": at})


def _in_force() -> Any:
    return (charter_versions.c.charter_id == charters.c.charter_id) & (charter_versions.c.version == charters.c.version)


def _read(tx: Transaction, condition: Any, envelope: Envelope) -> list[Adopted]:
    query = select(charters, charter_versions).join(charter_versions, _in_force()).where(condition).order_by(charters.c.charter_id)
    rows = tx.rows(query)
    covers: dict[str, list[ScopeKey]] = {row.charter_id: [] for row in rows}
    scopes = select(charter_scopes).where(charter_scopes.c.charter_id.in_(sorted(covers)))
    for row in tx.rows(scopes):
        covers[row.charter_id].append(ScopeKey(Kind(row.kind), row.value))
    return [_adopted(row, tuple(sorted(covers[row.charter_id])), envelope)[0] for row in rows]


def _adopted(row: Row[Any], covers: tuple[ScopeKey, ...], envelope: Envelope) -> tuple[Adopted, dict[str, str]]:
    opened = _open(row, envelope)
    return Adopted(
        CharterId(row.charter_id), row._mapping[charter_versions.c.version], PartyId(row.party_id), row.digest, row.adopted_at,
        PartyId(row.adopted_by), row.on_behalf, row.source_url, build_charter(opened["document"].encode()), covers,
    ), opened


def _open(row: Row[Any], envelope: Envelope) -> dict[str, str]:
    about = _about(CharterId(row._mapping[charter_versions.c.charter_id]), row._mapping[charter_versions.c.version])
    opened: dict[str, str] = json.loads(envelope.open(SealedBody(bytes(row.wrapped_key), bytes(row.sealed)), about))
    return opened


def _about(charter_id: CharterId, version: int) -> str:
    return f"{charter_id}/{version}"


def _held(key: ScopeKey) -> str:
    return f"{key.kind}:{key.value}"


def _taken(key: ScopeKey) -> Conflict:
    return Conflict(f"{key.value} is held by another party already; a coordinator can end that claim with a reason")


def _claim(row: Row[Any]) -> Claim:
    return Claim(
        ClaimId(row.claim_id), PartyId(row.party_id), ScopeKey(Kind(row.kind), row.value), ClaimBasis(row.basis), row.opened_at,
        row.proven_at, row.ended_at,
    )
