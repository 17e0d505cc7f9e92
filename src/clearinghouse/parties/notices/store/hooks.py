"""Where subscriptions are kept: address and secrets sealed, kinds and state in the open."""

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, LargeBinary, Row, Table, delete, func, insert, select, update

from clearinghouse.core.ids import HookId, PartyId
from clearinghouse.parties.notices.records import Hook, HookSecret, NoticeKind
from clearinghouse.storage import Envelope, SealedBody, Transaction
from clearinghouse.storage.schema import Id, Instant, Prose, metadata

webhooks = Table(
    "webhooks", metadata,
    Column("hook_id", Id, primary_key=True),
    Column("party_id", Id, ForeignKey("parties.party_id"), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("kinds", Prose, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("wrapped_key", LargeBinary, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Index(None, "party_id"),
)


def add_hook(tx: Transaction, hook: Hook, envelope: Envelope) -> None:
    """Keep a new subscription."""
    tx.write(insert(webhooks), {
        "hook_id": hook.id, "party_id": hook.party, "created_at": hook.created_at, "kinds": " ".join(sorted(hook.kinds)),
        "active": hook.active, "failures": hook.failures, **_sealed(hook, envelope),
    })


def read_hook(tx: Transaction, hook_id: str, envelope: Envelope, *, viewer: PartyId) -> Hook | None:
    """A subscription of the viewer's."""
    row = tx.row(select(webhooks).where(webhooks.c.hook_id == hook_id, webhooks.c.party_id == viewer))
    return None if row is None else _hook(row, envelope)


def list_hooks(tx: Transaction, envelope: Envelope, *, viewer: PartyId) -> list[Hook]:
    """The viewer's subscriptions, oldest first."""
    query = select(webhooks).where(webhooks.c.party_id == viewer).order_by(webhooks.c.created_at, webhooks.c.hook_id)
    return [_hook(row, envelope) for row in tx.rows(query)]


def count_hooks(tx: Transaction, party: PartyId) -> int:
    """How many subscriptions a party has."""
    return int(tx.value(select(func.count()).where(webhooks.c.party_id == party)) or 0)


def system_active_hooks(tx: Transaction, parties: Sequence[str], kind: NoticeKind) -> list[tuple[HookId, PartyId]]:
    """The live subscriptions of these parties to a kind of event, for the worker that posts to them."""
    if not parties:
        return []
    query = select(webhooks.c.hook_id, webhooks.c.party_id, webhooks.c.kinds).where(
        webhooks.c.party_id.in_(list(parties)), webhooks.c.active.is_(True)
    )
    return [
        (HookId(row.hook_id), PartyId(row.party_id)) for row in tx.rows(query.order_by(webhooks.c.hook_id))
        if not row.kinds or kind in row.kinds.split()
    ]


def system_hook(tx: Transaction, hook_id: str, envelope: Envelope) -> Hook | None:
    """A subscription, for the worker that posts to it."""
    row = tx.row(select(webhooks).where(webhooks.c.hook_id == hook_id))
    return None if row is None else _hook(row, envelope)


def replace_hook(tx: Transaction, hook: Hook, envelope: Envelope) -> None:
    """Keep a changed subscription."""
    tx.write(update(webhooks).where(webhooks.c.hook_id == hook.id).values(
        kinds=" ".join(sorted(hook.kinds)), active=hook.active, failures=hook.failures, **_sealed(hook, envelope)
    ))


def set_failures(tx: Transaction, hook_id: str, failures: int) -> None:
    """Note how many deliveries were given up in a row: bookkeeping of attempts, told by the notices' own events."""
    tx.derive(update(webhooks).where(webhooks.c.hook_id == hook_id).values(failures=failures))


def remove_hook(tx: Transaction, hook_id: HookId) -> None:
    """End a subscription and forget its secrets."""
    tx.write(delete(webhooks).where(webhooks.c.hook_id == hook_id))


def _sealed(hook: Hook, envelope: Envelope) -> dict[str, Any]:
    sealed = envelope.seal(msgspec.json.encode((hook.url, hook.secrets)), hook.id)
    return {"wrapped_key": sealed.wrapped_key, "sealed": sealed.body}


def _hook(row: Row[Any], envelope: Envelope) -> Hook:
    opened = envelope.open(SealedBody(bytes(row.wrapped_key), bytes(row.sealed)), row.hook_id)
    url, secrets = msgspec.json.decode(opened, type=tuple[str, tuple[HookSecret, ...]])
    return Hook(
        HookId(row.hook_id), PartyId(row.party_id), row.created_at, url, frozenset(NoticeKind(kind) for kind in row.kinds.split()),
        row.active, row.failures, secrets,
    )
