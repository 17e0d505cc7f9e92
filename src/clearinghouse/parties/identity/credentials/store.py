"""Where credentials are kept: hashes, public keys and sealed seeds; nothing here signs anybody in by itself."""

import json
from datetime import datetime
from typing import Any

from sqlalchemy import Column, ForeignKey, Index, Row, String, Table, delete, insert, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from clearinghouse.core.ids import ChallengeId, PartyId
from clearinghouse.parties.contacts.store import verified
from clearinghouse.parties.identity.credentials.records import Account, ChallengeKind, KeptPassword, Passkey
from clearinghouse.storage import Envelope, SealedBody, Transaction
from clearinghouse.storage.schema import Body, Digest, Id, Instant, Number, Prose, Word, metadata

passwords = Table(
    "passwords", metadata,
    Column("party_id", Id, ForeignKey("parties.party_id"), primary_key=True),
    Column("hashed", Prose, nullable=False),
    Column("wrapped_key", Body, nullable=False),
    Column("sealed_totp", Body, nullable=False),
    Column("totp_step", Number, nullable=False),
    Column("set_at", Instant, nullable=False),
)
recovery_codes = Table(
    "recovery_codes", metadata,
    Column("code_hash", Digest, primary_key=True),
    Column("party_id", Id, ForeignKey("parties.party_id"), nullable=False),
    Column("used_at", Instant),
    Index(None, "party_id"),
)
passkeys = Table(
    "passkeys", metadata,
    Column("passkey_key", Digest, primary_key=True),
    Column("party_id", Id, ForeignKey("parties.party_id"), nullable=False),
    Column("name", Prose, nullable=False),
    Column("credential_id", Body, nullable=False),
    Column("public_key", Body, nullable=False),
    Column("sign_count", Number, nullable=False),
    Column("added_at", Instant, nullable=False),
    Column("used_at", Instant),
    Index(None, "party_id"),
)
accounts = Table(
    "accounts", metadata,
    Column("issuer", String(255), primary_key=True),
    Column("subject", String(255), primary_key=True),
    Column("party_id", Id, ForeignKey("parties.party_id"), nullable=False),
    Column("linked_at", Instant, nullable=False),
    Index(None, "party_id"),
)
challenges = Table(
    "challenges", metadata,
    Column("challenge_id", Id, primary_key=True),
    Column("kind", Word, nullable=False),
    Column("wrapped_key", Body, nullable=False),
    Column("sealed", Body, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("source", Digest, nullable=False),
    Index(None, "expires_at"),
)


def forget_challenges(tx: Transaction, before: datetime) -> int:
    """Drop challenges, states and setups that ran out."""
    return tx.derive(delete(challenges).where(challenges.c.expires_at <= before))


def put_password(tx: Transaction, kept: KeptPassword, envelope: Envelope) -> None:
    """Keep a party's password in place of the one it had."""
    sealed = envelope.seal(kept.totp_secret.encode(), _about(kept.party))
    values = {
        "party_id": kept.party, "hashed": kept.hashed, "wrapped_key": sealed.wrapped_key, "sealed_totp": sealed.body,
        "totp_step": kept.totp_step, "set_at": kept.set_at,
    }
    fresh: Any = (sqlite if tx.dialect == "sqlite" else postgresql).insert(passwords)
    changed = {name: fresh.excluded[name] for name in values if name != "party_id"}
    tx.write(fresh.on_conflict_do_update(index_elements=["party_id"], set_=changed), values)


def system_password(tx: Transaction, login: str, lookup: str, envelope: Envelope) -> KeptPassword | None:
    """The password behind a login: a party's id or a verified address. For signing in alone."""
    query = select(passwords).where(or_(passwords.c.party_id == login, passwords.c.party_id.in_(verified(lookup))))
    row = tx.row(query)
    if row is None:
        return None
    totp = envelope.open(SealedBody(bytes(row.wrapped_key), bytes(row.sealed_totp)), _about(row.party_id)).decode()
    return KeptPassword(PartyId(row.party_id), row.hashed, totp, row.totp_step, row.set_at)


def has_password(tx: Transaction, party: PartyId) -> bool:
    """Whether a party has a password."""
    return tx.value(select(passwords.c.party_id).where(passwords.c.party_id == party)) is not None


def take_totp_step(tx: Transaction, party: str, step: int) -> bool:
    """Note that a code was taken for a step; False where one was taken for it or a later one."""
    statement = update(passwords).where(passwords.c.party_id == party, passwords.c.totp_step < step).values(totp_step=step)
    return tx.write(statement) == 1


def rehash(tx: Transaction, party: PartyId, hashed: str) -> None:
    """Keep the same password under the numbers of today."""
    tx.write(update(passwords).where(passwords.c.party_id == party).values(hashed=hashed))


def put_recovery_codes(tx: Transaction, party: PartyId, hashes: list[str]) -> None:
    """Keep new recovery codes; the old ones are gone."""
    tx.write(delete(recovery_codes).where(recovery_codes.c.party_id == party))
    tx.write(insert(recovery_codes), [{"code_hash": hashed, "party_id": party, "used_at": None} for hashed in hashes])


def take_recovery_code(tx: Transaction, party: str, code_hash: str, at: datetime) -> bool:
    """Use a recovery code up; False where there is none or it was used."""
    chosen = (recovery_codes.c.code_hash == code_hash, recovery_codes.c.party_id == party, recovery_codes.c.used_at.is_(None))
    return tx.write(update(recovery_codes).where(*chosen).values(used_at=at)) == 1


def count_recovery_codes(tx: Transaction, party: PartyId) -> int:
    """How many recovery codes a party has left."""
    query = select(recovery_codes.c.code_hash).where(recovery_codes.c.party_id == party, recovery_codes.c.used_at.is_(None))
    return len(tx.rows(query))


def add_passkey(tx: Transaction, passkey: Passkey) -> None:
    """Keep a passkey."""
    tx.write(insert(passkeys), {
        "passkey_key": passkey.key, "party_id": passkey.party, "name": passkey.name, "credential_id": passkey.credential_id,
        "public_key": passkey.public_key, "sign_count": passkey.sign_count, "added_at": passkey.added_at, "used_at": None,
    })


def find_passkey(tx: Transaction, key: str) -> Passkey | None:
    """The passkey of a hash of its credential id."""
    row = tx.row(select(passkeys).where(passkeys.c.passkey_key == key))
    return None if row is None else _passkey(row)


def list_passkeys(tx: Transaction, party: PartyId) -> list[Passkey]:
    """A party's passkeys, earliest first."""
    query = select(passkeys).where(passkeys.c.party_id == party).order_by(passkeys.c.added_at, passkeys.c.passkey_key)
    return [_passkey(row) for row in tx.rows(query)]


def use_passkey(tx: Transaction, passkey: Passkey, sign_count: int, at: datetime) -> bool:
    """Note a use; False where another use came between."""
    chosen = (passkeys.c.passkey_key == passkey.key, passkeys.c.sign_count == passkey.sign_count)
    return tx.write(update(passkeys).where(*chosen).values(sign_count=sign_count, used_at=at)) == 1


def remove_passkey(tx: Transaction, key: str, party: PartyId) -> bool:
    """Forget a party's passkey; False where it has none of that hash."""
    return tx.write(delete(passkeys).where(passkeys.c.passkey_key == key, passkeys.c.party_id == party)) == 1


def add_account(tx: Transaction, account: Account) -> None:
    """Keep that an account opens a party's sessions."""
    tx.write(insert(accounts), {
        "issuer": account.issuer, "subject": account.subject, "party_id": account.party, "linked_at": account.linked_at,
    })


def find_account(tx: Transaction, issuer: str, subject: str) -> Account | None:
    """The account of an issuer's subject."""
    row = tx.row(select(accounts).where(accounts.c.issuer == issuer, accounts.c.subject == subject))
    return None if row is None else _account(row)


def list_accounts(tx: Transaction, party: PartyId) -> list[Account]:
    """A party's accounts, earliest first."""
    query = select(accounts).where(accounts.c.party_id == party).order_by(accounts.c.linked_at, accounts.c.issuer)
    return [_account(row) for row in tx.rows(query)]


def remove_account(tx: Transaction, issuer: str, subject: str, party: PartyId) -> bool:
    """Forget an account of a party; False where it has none such."""
    chosen = (accounts.c.issuer == issuer, accounts.c.subject == subject, accounts.c.party_id == party)
    return tx.write(delete(accounts).where(*chosen)) == 1


def remove_all(tx: Transaction, party: PartyId) -> None:
    """Forget every credential of a party."""
    for table in (recovery_codes, passwords, passkeys, accounts):
        tx.write(delete(table).where(table.c.party_id == party))


def add_challenge(
    tx: Transaction, challenge_id: ChallengeId, kind: ChallengeKind, payload: dict[str, Any], *,
    expires_at: datetime, now: datetime, envelope: Envelope, source: str = "",
) -> None:
    """Keep what somebody began, sealed, and drop what was never finished. It is no part of the record and leaves no event."""
    tx.derive(delete(challenges).where(challenges.c.expires_at <= now))
    sealed = envelope.seal(json.dumps(payload).encode(), f"{kind}/{challenge_id}")
    tx.derive(insert(challenges), {
        "challenge_id": challenge_id, "kind": kind, "wrapped_key": sealed.wrapped_key, "sealed": sealed.body, "expires_at": expires_at,
        "source": source,
    })


def open_challenges(tx: Transaction, source: str, now: datetime) -> list[datetime]:
    """When what one source or person began and has not finished expires, earliest first."""
    query = select(challenges.c.expires_at).where(challenges.c.source == source, challenges.c.expires_at > now)
    return [row.expires_at for row in tx.rows(query.order_by(challenges.c.expires_at))]


def peek_challenge(
    tx: Transaction, challenge_id: str, kind: ChallengeKind, *, now: datetime, envelope: Envelope
) -> dict[str, Any] | None:
    """What somebody began, left in place; None where there is nothing of the kind or it expired."""
    row = tx.row(select(challenges).where(
        challenges.c.challenge_id == challenge_id, challenges.c.kind == kind, challenges.c.expires_at > now
    ))
    if row is None:
        return None
    payload: dict[str, Any] = json.loads(
        envelope.open(SealedBody(bytes(row.wrapped_key), bytes(row.sealed)), f"{kind}/{challenge_id}")
    )
    return payload


def take_challenge(
    tx: Transaction, challenge_id: str, kind: ChallengeKind, *, now: datetime, envelope: Envelope
) -> dict[str, Any] | None:
    """The same, used up: whoever comes second, at the same instant even, gets None."""
    payload = peek_challenge(tx, challenge_id, kind, now=now, envelope=envelope)
    if payload is None or tx.derive(delete(challenges).where(challenges.c.challenge_id == challenge_id)) != 1:
        return None
    return payload


def _about(party: str) -> str:
    return f"totp/{party}"


def _passkey(row: Row[Any]) -> Passkey:
    return Passkey(
        row.passkey_key, PartyId(row.party_id), row.name, row.added_at, row.used_at, bytes(row.credential_id), bytes(row.public_key),
        row.sign_count,
    )


def _account(row: Row[Any]) -> Account:
    return Account(row.issuer, row.subject, PartyId(row.party_id), row.linked_at)
