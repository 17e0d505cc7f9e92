"""Threads, their members, messages, and how far each participant has read."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, and_, false, func, insert, or_, select, update
from sqlalchemy.sql.elements import ColumnElement

from clearinghouse.core.ids import CaseId, MessageId, PartyId, ThreadId
from clearinghouse.core.marks import Marks
from clearinghouse.core.tlp import Tlp
from clearinghouse.disclosure.coordination.rooms.records import Message, Room, Thread, ThreadKind, Via
from clearinghouse.disclosure.coordination.rooms.store.tables import (
    dialect_insert,
    mark_columns,
    messages,
    seal,
    shown,
    thread_members,
    thread_reads,
    threads,
    unseal,
)
from clearinghouse.parties.records import Tier
from clearinghouse.storage import Transaction


@dataclass(frozen=True, slots=True)
class _Text:
    body: str
    marks: Marks


def add_thread(tx: Transaction, room: Room, new: Thread) -> None:
    """Keep a new thread and its members."""
    tx.write(insert(threads), {
        "thread_id": new.id, "case_id": room.id, "kind": new.kind, "opened_at": new.opened_at, "opened_by": new.opened_by,
        "sealed": seal(room.key, new.title, new.id),
    })
    tx.write(insert(thread_members), [
        {"thread_id": new.id, "party_id": party, "added_at": new.opened_at, "removed_at": None} for party in new.members
    ])


def add_member(tx: Transaction, thread_id: ThreadId, party: PartyId, at: datetime) -> bool:
    """Let a party read a private thread; False where it does already."""
    again = tx.write(update(thread_members).where(
        thread_members.c.thread_id == thread_id, thread_members.c.party_id == party, thread_members.c.removed_at.is_not(None)
    ).values(added_at=at, removed_at=None))
    if again:
        return True
    into = dialect_insert(tx, thread_members).on_conflict_do_nothing()
    return tx.write(into, {"thread_id": thread_id, "party_id": party, "added_at": at, "removed_at": None}) == 1


def remove_member(tx: Transaction, thread_id: ThreadId, party: PartyId, at: datetime) -> bool:
    """End what a party reads of a private thread; False where it reads none."""
    return tx.write(update(thread_members).where(
        thread_members.c.thread_id == thread_id, thread_members.c.party_id == party, thread_members.c.removed_at.is_(None)
    ).values(removed_at=at)) == 1


def remove_from_all(tx: Transaction, case_id: CaseId, party: PartyId, at: datetime) -> None:
    """End what a party reads of every private thread of a case it is no longer part of."""
    of_case = select(threads.c.thread_id).where(threads.c.case_id == case_id)
    tx.write(update(thread_members).where(
        thread_members.c.thread_id.in_(of_case), thread_members.c.party_id == party, thread_members.c.removed_at.is_(None)
    ).values(removed_at=at))


def list_threads(tx: Transaction, room: Room, *, now: datetime) -> list[Thread]:
    """The threads a viewer may read, the official one first, each with what is unread; three statements."""
    rows = tx.rows(select(threads).where(_readable(room)).order_by(
        (threads.c.kind == ThreadKind.OFFICIAL).desc(), threads.c.opened_at, threads.c.thread_id
    ))
    counted = {row.thread_id: row for row in tx.rows(_counts(room, now))}
    members: dict[str, list[PartyId]] = {}
    query = select(thread_members.c.thread_id, thread_members.c.party_id).join(
        threads, threads.c.thread_id == thread_members.c.thread_id
    ).where(_readable(room), thread_members.c.removed_at.is_(None))
    for row in tx.rows(query.order_by(thread_members.c.added_at, thread_members.c.party_id)):
        members.setdefault(row.thread_id, []).append(PartyId(row.party_id))
    return [_thread(row, room, members.get(row.thread_id, ()), counted.get(row.thread_id)) for row in rows]


def find_thread(tx: Transaction, room: Room, thread_id: str) -> Thread | None:
    """One thread, if the viewer may read it; nothing is counted."""
    row = tx.row(select(threads).where(threads.c.thread_id == thread_id, _readable(room)))
    query = select(thread_members.c.party_id).join(threads, threads.c.thread_id == thread_members.c.thread_id).where(
        threads.c.thread_id == thread_id, _readable(room), thread_members.c.removed_at.is_(None)
    ).order_by(thread_members.c.added_at, thread_members.c.party_id)
    members = [PartyId(found.party_id) for found in tx.rows(query)]
    return None if row is None else _thread(row, room, members, None)


def find_official(tx: Transaction, room: Room) -> ThreadId:
    """The official thread's id."""
    return ThreadId(tx.value(select(threads.c.thread_id).where(
        threads.c.case_id == room.id, threads.c.kind == ThreadKind.OFFICIAL
    )))


def system_thread(tx: Transaction, thread_id: str) -> tuple[CaseId, ThreadKind, tuple[PartyId, ...]] | None:
    """Case, kind and private members of a thread, for notices and replies by mail; shown to nobody."""
    row = tx.row(select(threads.c.case_id, threads.c.kind).where(threads.c.thread_id == thread_id))
    if row is None:
        return None
    query = select(thread_members.c.party_id).where(thread_members.c.thread_id == thread_id, thread_members.c.removed_at.is_(None))
    return CaseId(row.case_id), ThreadKind(row.kind), tuple(PartyId(found.party_id) for found in tx.rows(query))


def system_count_threads(tx: Transaction, case_id: CaseId) -> int:
    """How many threads a case has, for the bound."""
    return int(tx.value(select(func.count()).where(threads.c.case_id == case_id)) or 0)


def add_message(tx: Transaction, room: Room, new: Message) -> None:
    """Keep a message."""
    tx.write(insert(messages), {
        "message_id": new.id, "thread_id": new.thread, "author": new.author, "at": new.at, "in_reply_to": new.in_reply_to,
        "via": new.via, **mark_columns(new.marks), "sealed": seal(room.key, _Text(new.body, new.marks), new.id),
    })


def list_messages(
    tx: Transaction, room: Room, *, now: datetime, limit: int, thread: str | None = None, before: str | None = None,
    most: int = 1_000,
) -> list[Message]:
    """The newest messages of one thread or of each thread the viewer may read, oldest first.

    Args:
        limit: of each thread.
        before: id of the oldest message of the page before; goes with one thread.
        most: of all threads together.
    """
    place = func.row_number().over(partition_by=messages.c.thread_id, order_by=messages.c.number.desc()).label("place")
    query = select(messages, place).join(threads, threads.c.thread_id == messages.c.thread_id).where(
        _readable(room), shown(messages, room.standing, now)
    )
    if thread is not None:
        query = query.where(messages.c.thread_id == thread)
    if before is not None:
        last = select(messages.c.number).where(messages.c.message_id == before, messages.c.thread_id == thread).scalar_subquery()
        query = query.where(messages.c.number < last)
    page = query.subquery()
    newest = tx.rows(select(page).where(page.c.place <= limit).order_by(page.c.number.desc()).limit(most))
    return [_message(row, room) for row in reversed(newest)]


def list_over(tx: Transaction, rooms: Sequence[Room], *, now: datetime, limit: int) -> list[tuple[CaseId, Message]]:
    """The newest messages of several rooms of one viewer, as far as it reads each, newest first; one statement."""
    told = {room.id: room for room in rooms if room.standing.tier >= Tier.ROOM}
    groups: dict[tuple[tuple[PartyId, ...], bool], list[CaseId]] = {}
    for room in told.values():
        groups.setdefault((tuple(sorted(room.standing.parties)), room.standing.named), []).append(room.id)
    readable = []
    for (parties, named), of in groups.items():
        mine = select(thread_members.c.thread_id).where(thread_members.c.party_id.in_(parties), thread_members.c.removed_at.is_(None))
        condition = and_(threads.c.case_id.in_(of), or_(threads.c.kind == ThreadKind.OFFICIAL, threads.c.thread_id.in_(mine)))
        readable.append(condition if named else and_(condition, messages.c.tlp != Tlp.RED))
    query = select(messages, threads.c.case_id).join(threads, threads.c.thread_id == messages.c.thread_id).where(
        or_(messages.c.expires_at.is_(None), messages.c.expires_at > now), or_(false(), *readable),
    ).order_by(messages.c.number.desc()).limit(limit)
    return [(CaseId(row.case_id), _message(row, told[CaseId(row.case_id)])) for row in tx.rows(query)]


def find_message(tx: Transaction, room: Room, thread_id: str, message_id: str, *, now: datetime) -> Message | None:
    """One message of a thread, if the viewer may read it."""
    row = tx.row(select(messages).join(threads, threads.c.thread_id == messages.c.thread_id).where(
        messages.c.message_id == message_id, messages.c.thread_id == thread_id, _readable(room), shown(messages, room.standing, now)
    ))
    return None if row is None else _message(row, room)


def mark_read(tx: Transaction, room: Room, thread_id: ThreadId, message_id: MessageId, at: datetime) -> bool:
    """Note that the viewer itself has read up to a message; False where it had read further, or said the same at this instant."""
    number = tx.value(select(messages.c.number).where(messages.c.message_id == message_id, messages.c.thread_id == thread_id))
    read = tx.row(select(thread_reads.c.number, thread_reads.c.read_at).where(
        thread_reads.c.thread_id == thread_id, thread_reads.c.party_id == room.standing.viewer
    ))
    if read is not None and (read.number > number or (read.number == number and read.read_at >= at)):
        return False
    into = dialect_insert(tx, thread_reads)
    further = into.on_conflict_do_update(
        index_elements=["thread_id", "party_id"], set_={"number": into.excluded.number, "read_at": into.excluded.read_at},
        where=thread_reads.c.number <= into.excluded.number,
    )
    values = {"thread_id": thread_id, "party_id": room.standing.viewer, "number": number, "read_at": at}
    return tx.write(further, values) == 1


def last_read_at(tx: Transaction, room: Room) -> datetime | None:
    """When the viewer last said that it had read a thread of the room."""
    found: datetime | None = tx.value(select(func.max(thread_reads.c.read_at, type_=thread_reads.c.read_at.type)).join(
        threads, threads.c.thread_id == thread_reads.c.thread_id
    ).where(threads.c.case_id == room.id, thread_reads.c.party_id == room.standing.viewer))
    return found


def count_unread(tx: Transaction, rooms: Sequence[Room], *, now: datetime) -> dict[str, int]:
    """What is unread in each of one viewer's rooms, in one statement."""
    told = [room for room in rooms if room.standing.tier >= Tier.ROOM]
    viewer = next((room.standing.viewer for room in rooms), "")
    parties = sorted({party for room in told for party in room.standing.parties})
    mine = select(thread_members.c.thread_id).where(thread_members.c.party_id.in_(parties), thread_members.c.removed_at.is_(None))
    query = select(threads.c.case_id, func.count().label("unread")).join(
        messages, messages.c.thread_id == threads.c.thread_id
    ).outerjoin(
        thread_reads, and_(thread_reads.c.thread_id == threads.c.thread_id, thread_reads.c.party_id == viewer)
    ).where(
        threads.c.case_id.in_([room.id for room in told]), or_(threads.c.kind == ThreadKind.OFFICIAL, threads.c.thread_id.in_(mine)),
        messages.c.author != viewer, or_(thread_reads.c.number.is_(None), messages.c.number > thread_reads.c.number),
        or_(messages.c.expires_at.is_(None), messages.c.expires_at > now),
        or_(messages.c.tlp != Tlp.RED, threads.c.case_id.in_([room.id for room in told if room.standing.named])),
    ).group_by(threads.c.case_id)
    return {row.case_id: row.unread for row in tx.rows(query)}


def _readable(room: Room) -> ColumnElement[bool]:
    """The official thread for tier 2 and above; a private one for its living members alone, coordinators included."""
    mine = select(thread_members.c.thread_id).where(
        thread_members.c.party_id.in_(sorted(room.standing.parties)), thread_members.c.removed_at.is_(None)
    )
    private = and_(threads.c.kind == ThreadKind.PRIVATE, threads.c.thread_id.in_(mine))
    found = or_(threads.c.kind == ThreadKind.OFFICIAL, private)
    if room.standing.tier < Tier.ROOM:
        found = and_(found, threads.c.case_id.is_(None))
    return and_(threads.c.case_id == room.id, found)


def _counts(room: Room, now: datetime) -> Select[Any]:
    viewer = room.standing.viewer
    unread = and_(messages.c.author != viewer, or_(thread_reads.c.number.is_(None), messages.c.number > thread_reads.c.number))
    return select(
        threads.c.thread_id, func.count(messages.c.number).label("messages"),
        func.count(messages.c.number).filter(unread).label("unread"),
    ).join(messages, and_(messages.c.thread_id == threads.c.thread_id, shown(messages, room.standing, now))).outerjoin(
        thread_reads, and_(thread_reads.c.thread_id == threads.c.thread_id, thread_reads.c.party_id == viewer)
    ).where(_readable(room)).group_by(threads.c.thread_id)


def _thread(row: Row[Any], room: Room, members: Sequence[PartyId], counted: Row[Any] | None) -> Thread:
    return Thread(
        ThreadId(row.thread_id), ThreadKind(row.kind), row.opened_at, PartyId(row.opened_by),
        unseal(room.key, row.sealed, row.thread_id, str), tuple(members),
        0 if counted is None else counted.unread, 0 if counted is None else counted.messages,
    )


def _message(row: Row[Any], room: Room) -> Message:
    text = unseal(room.key, row.sealed, row.message_id, _Text)
    return Message(
        MessageId(row.message_id), ThreadId(row.thread_id), PartyId(row.author), row.at, Via(row.via), text.body, text.marks,
        None if row.in_reply_to is None else MessageId(row.in_reply_to),
    )
