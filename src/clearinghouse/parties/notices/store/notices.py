"""Where notices are kept until they were said.

Rows are made from an event and the table of actions and can be made again from them, so they carry no
event of their own; that something was said, or given up, is one.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import (
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Row,
    Table,
    UniqueConstraint,
    and_,
    func,
    or_,
    select,
    update,
)

from clearinghouse.core.ids import EventId, NoticeId, PartyId, new_id
from clearinghouse.core.marks import Marks
from clearinghouse.core.policy import NoticePolicy
from clearinghouse.ledger.outbox import insert_new, is_due, is_free
from clearinghouse.parties.notices import rules
from clearinghouse.parties.notices.records import (
    DIGESTED,
    ChannelName,
    Draft,
    Notice,
    NoticeCounts,
    NoticeKind,
    NoticeState,
    ToSend,
)
from clearinghouse.storage import Envelope, SealedBody, Transaction
from clearinghouse.storage.schema import Digest, Id, Instant, Word, metadata

notices = Table(
    "notices", metadata,
    Column("notice_id", Id, primary_key=True),
    Column("event_id", Id, nullable=False),
    Column("action", Word, nullable=False),
    Column("kind", Word, nullable=False),
    Column("party_id", Id, ForeignKey("parties.party_id"), nullable=False),
    Column("about", Id, nullable=False),
    Column("channel", Word, nullable=False),
    Column("target", Id, nullable=False),
    Column("thread", Id, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("state", Word, nullable=False),
    Column("trouble", Word, nullable=False),
    Column("sent_at", Instant),
    Column("folded_into", Id),
    Column("lease", Id),
    Column("leased_until", Instant),
    Column("reply_hash", Digest, nullable=False),
    Column("wrapped_key", LargeBinary, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    UniqueConstraint("event_id", "action", "party_id", "target"),
    Index(None, "state", "due_at"),
    Index(None, "party_id", "about"),
    Index(None, "folded_into"),
    Index(None, "reply_hash"),
)

_TO_SEND = (NoticeState.WAITING, NoticeState.FAILED)


def add_notices(tx: Transaction, drafts: Sequence[Draft], envelope: Envelope, policy: NoticePolicy, now: datetime) -> int:
    """Keep notices; one kept before is left as it is. What may wait for more of its kind is said along with what waits already."""
    rows = []
    for draft in drafts:
        notice_id = NoticeId(new_id("not"))
        sealed = envelope.seal(msgspec.json.encode((draft.marks, draft.text, draft.address)), notice_id)
        folded_into = _waiting_for_more(tx, draft, now)
        rows.append({
            "notice_id": notice_id, "event_id": draft.event_id, "action": draft.action, "kind": draft.kind, "party_id": draft.party,
            "about": draft.about, "channel": draft.channel, "target": draft.target, "thread": draft.thread, "created_at": now,
            "due_at": rules.digest_due_at(draft, _last_sent_at(tx, draft), policy, now), "attempts": 0,
            "state": NoticeState.FOLDED if folded_into else NoticeState.WAITING, "trouble": "", "folded_into": folded_into,
            "reply_hash": rules.hash_token(rules.reply_token(envelope.index_key(), notice_id)),
            "wrapped_key": sealed.wrapped_key, "sealed": sealed.body,
        })
        # One by one: the next draft may be one that this one waits for.
        insert_new(tx, notices, rows[-1:])
    return len(rows)


def any_due(tx: Transaction, *, until: datetime, now: datetime) -> bool:
    """Whether there is anything to send: asked often, and cheaper than claiming nothing."""
    query = select(notices.c.notice_id).where(notices.c.state.in_(_TO_SEND), is_due(notices, now), is_free(notices, until=until, now=now))
    return tx.row(query.limit(1)) is not None


def claim(
    tx: Transaction, lease: str, envelope: Envelope, *, limit: int, until: datetime, now: datetime
) -> list[ToSend]:
    """Notices that are due and that nobody is at, opened; theirs who asks until `until`. A claim counts as an attempt."""
    query = select(notices).where(notices.c.state.in_(_TO_SEND), is_due(notices, now), is_free(notices, until=until, now=now))
    found = tx.rows(query.order_by(notices.c.due_at, notices.c.notice_id).limit(limit).with_for_update(skip_locked=True))
    claimed = []
    for row in found:
        tx.derive(update(notices).where(notices.c.notice_id == row.notice_id).values(
            attempts=row.attempts + 1, lease=lease, leased_until=until
        ))
        marks, text, address = _open(row, envelope)
        folded = tx.rows(select(notices).where(notices.c.folded_into == row.notice_id).order_by(notices.c.created_at))
        texts = [text, *(_open(each, envelope)[1] for each in folded)]
        claimed.append(ToSend(
            _notice(row, attempts=row.attempts + 1), marks, "\n\n".join(text for text in texts if text), address, len(folded),
            rules.reply_token(envelope.index_key(), row.notice_id), lease,
        ))
    return claimed


def end(tx: Transaction, sent: ToSend, state: NoticeState, *, trouble: str = "", now: datetime, due_at: datetime | None = None) -> bool:
    """Note what became of an attempt; False where another worker holds the notice by now. What was said is erased."""
    values: dict[str, Any] = {"state": state, "trouble": trouble[:64], "lease": None, "leased_until": None}
    if state is NoticeState.SENT:
        values["sent_at"] = now
    if state is NoticeState.FAILED:
        values["due_at"] = due_at
    else:
        values |= {"wrapped_key": b"", "sealed": b""}
        tx.derive(update(notices).where(notices.c.folded_into == sent.notice.id).values(wrapped_key=b"", sealed=b""))
    mine = and_(notices.c.notice_id == sent.notice.id, notices.c.lease == sent.lease, notices.c.state.in_(_TO_SEND))
    return tx.derive(update(notices).where(mine).values(**values)) == 1


def forget_about(tx: Transaction, about: str) -> None:
    """Destroy the keys of what notices about an object say; they may still be sent, and then tell only that there is something."""
    tx.derive(update(notices).where(notices.c.about == about).values(wrapped_key=b"", sealed=b""))


def mark_bounced(tx: Transaction, notice_id: NoticeId) -> None:
    """Note that a mail that was taken came back."""
    tx.derive(update(notices).where(notices.c.notice_id == notice_id).values(trouble="bounced"))


def find_by_reply_token(tx: Transaction, untrusted_token: str) -> Notice | None:
    """The notice a reply answers."""
    row = tx.row(select(notices).where(notices.c.reply_hash == rules.hash_token(untrusted_token)))
    return None if row is None else _notice(row)


def list_notices(tx: Transaction, *, viewer: PartyId, newest: int = 50) -> list[Notice]:
    """What was or is to be said to the viewer, newest first."""
    query = select(notices).where(notices.c.party_id == viewer).order_by(notices.c.created_at.desc(), notices.c.notice_id).limit(newest)
    return [_notice(row) for row in tx.rows(query)]


def system_notices_of(tx: Transaction, event_id: str) -> list[Notice]:
    """The notices of an event, for whoever looks after the worker; their text stays sealed."""
    query = select(notices).where(notices.c.event_id == event_id).order_by(notices.c.created_at, notices.c.notice_id)
    return [_notice(row) for row in tx.rows(query)]


def count_notices(tx: Transaction) -> NoticeCounts:
    """How notices stand."""
    counted = {NoticeState(row.state): row.n for row in tx.rows(select(notices.c.state, func.count().label("n")).group_by(notices.c.state))}
    return NoticeCounts(counted, tx.value(select(func.min(notices.c.due_at)).where(notices.c.state.in_(_TO_SEND))))


def try_again(tx: Transaction, now: datetime) -> int:
    """Let what failed be tried at once; gives how many."""
    return tx.derive(update(notices).where(notices.c.state == NoticeState.FAILED).values(due_at=now, attempts=0))


def _waiting_for_more(tx: Transaction, draft: Draft, now: datetime) -> str | None:
    """A notice that waits and can take this one along; not one that is being sent at this moment."""
    if draft.kind not in DIGESTED or draft.channel is not ChannelName.MAIL:
        return None
    found: str | None = tx.value(_same_story(draft, notices.c.notice_id).where(
        notices.c.state == NoticeState.WAITING, or_(notices.c.lease.is_(None), notices.c.leased_until <= now),
    ).order_by(notices.c.created_at).limit(1).with_for_update())
    return found


def _last_sent_at(tx: Transaction, draft: Draft) -> datetime | None:
    if draft.channel is not ChannelName.MAIL:
        return None
    at: datetime | None = tx.value(_same_story(draft, func.max(notices.c.sent_at)))
    return at


def _same_story(draft: Draft, column: Any) -> Any:
    # A private thread's news is not told along with the room's: a reply must find the right one of the two.
    return select(column).where(
        notices.c.party_id == draft.party, notices.c.about == draft.about, notices.c.channel == draft.channel,
        notices.c.thread == draft.thread, notices.c.kind.in_(sorted(DIGESTED)), notices.c.event_id != draft.event_id,
    )


def _open(row: Row[Any], envelope: Envelope) -> tuple[Marks, str, str]:
    if not row.wrapped_key:
        return Marks(), "", ""
    return msgspec.json.decode(
        envelope.open(SealedBody(bytes(row.wrapped_key), bytes(row.sealed)), row.notice_id), type=tuple[Marks, str, str]
    )


def _notice(row: Row[Any], attempts: int | None = None) -> Notice:
    return Notice(
        NoticeId(row.notice_id), EventId(row.event_id), row.action, NoticeKind(row.kind), PartyId(row.party_id), row.about,
        ChannelName(row.channel), row.target, row.thread, row.created_at, row.due_at, row.attempts if attempts is None else attempts,
        NoticeState(row.state), row.trouble, row.sent_at,
    )
