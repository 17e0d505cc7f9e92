"""Where received mail is kept: the original sealed, what became of it in the open."""

import secrets
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Boolean, Column, Index, LargeBinary, Row, Table, func, insert, select, update

from clearinghouse.core.ids import MailId, PartyId
from clearinghouse.parties.notices.mail_records import Disposition, Letter, ReceivedMail, SignatureState
from clearinghouse.parties.store import readable_objects
from clearinghouse.storage import Envelope, Transaction
from clearinghouse.storage.schema import Digest, Id, Instant, Word, metadata
from clearinghouse.storage.sealing import open_with, seal_with

received_mail = Table(
    "received_mail", metadata,
    Column("mail_id", Id, primary_key=True),
    Column("received_at", Instant, nullable=False),
    Column("digest", Digest, nullable=False, unique=True),
    Column("disposition", Word, nullable=False),
    Column("reason", Word, nullable=False),
    Column("signature", Word, nullable=False),
    Column("encrypted", Boolean, nullable=False),
    Column("party_id", Id),
    Column("about", Id),
    Column("became", Id),
    Column("sender_hash", Digest, nullable=False),
    Column("settled_at", Instant),
    Column("wrapped_key", LargeBinary, nullable=False),
    Column("sealed_letter", LargeBinary, nullable=False),
    Column("sealed_original", LargeBinary, nullable=False),
    Index(None, "disposition"),
    Index(None, "sender_hash", "received_at"),
)


def system_find_by_digest(tx: Transaction, digest: str) -> ReceivedMail | None:
    """Mail of these very bytes, if it came before; for whoever is about to take it in again."""
    row = tx.row(select(received_mail).where(received_mail.c.digest == digest))
    return None if row is None else _mail(row)


def add_mail(tx: Transaction, mail: ReceivedMail, letter: Letter, original: bytes, sender_hash: str, envelope: Envelope) -> None:
    """Keep a mail, its original unchanged."""
    data_key = secrets.token_bytes(32)
    tx.write(insert(received_mail), {
        "mail_id": mail.id, "received_at": mail.received_at, "digest": mail.digest, "disposition": mail.disposition, "reason": mail.reason,
        "signature": mail.signature, "encrypted": mail.encrypted, "party_id": mail.party, "about": mail.about, "became": mail.became,
        "sender_hash": sender_hash, "settled_at": mail.settled_at, "wrapped_key": envelope.wrap(data_key, mail.id),
        "sealed_letter": seal_with(data_key, msgspec.json.encode(letter), mail.id),
        "sealed_original": seal_with(data_key, original, f"{mail.id}/original"),
    })


def system_count_from(tx: Transaction, sender_hash: str, disposition: Disposition, since: datetime) -> int:
    """How many mails of a sender became this since an instant: for limits, shown to nobody."""
    return int(tx.value(select(func.count()).where(
        received_mail.c.sender_hash == sender_hash, received_mail.c.disposition == disposition, received_mail.c.received_at > since
    )) or 0)


def list_mail(
    tx: Transaction, envelope: Envelope, *, viewer: PartyId, now: datetime, disposition: Disposition, newest: int = 50
) -> list[tuple[ReceivedMail, Letter]]:
    """Mail the viewer may read that became this and nobody is done with, newest first."""
    query = select(received_mail).where(
        received_mail.c.disposition == disposition, received_mail.c.settled_at.is_(None),
        received_mail.c.mail_id.in_(readable_objects(viewer, now)),
    ).order_by(received_mail.c.received_at.desc(), received_mail.c.mail_id).limit(newest)
    return [(_mail(row), _letter(row, envelope)) for row in tx.rows(query)]


def read_mail(
    tx: Transaction, mail_id: str, envelope: Envelope, *, viewer: PartyId, now: datetime
) -> tuple[ReceivedMail, Letter, bytes] | None:
    """A mail and its original, if the viewer may read it."""
    row = tx.row(select(received_mail).where(
        received_mail.c.mail_id == mail_id, received_mail.c.mail_id.in_(readable_objects(viewer, now))
    ))
    if row is None:
        return None
    data_key = envelope.unwrap(bytes(row.wrapped_key), row.mail_id)
    return _mail(row), _letter(row, envelope), open_with(data_key, bytes(row.sealed_original), f"{row.mail_id}/original")


def settle(tx: Transaction, mail_id: str, at: datetime) -> None:
    """Note that a person was done with a mail; the first instant stands."""
    tx.write(update(received_mail).where(received_mail.c.mail_id == mail_id, received_mail.c.settled_at.is_(None)).values(settled_at=at))


def _letter(row: Row[Any], envelope: Envelope) -> Letter:
    data_key = envelope.unwrap(bytes(row.wrapped_key), row.mail_id)
    return msgspec.json.decode(open_with(data_key, bytes(row.sealed_letter), row.mail_id), type=Letter)


def _mail(row: Row[Any]) -> ReceivedMail:
    return ReceivedMail(
        MailId(row.mail_id), row.received_at, row.digest, Disposition(row.disposition), row.reason, SignatureState(row.signature),
        row.encrypted, None if row.party_id is None else PartyId(row.party_id), row.about, row.became, row.settled_at,
    )
