"""Threads and messages: the official thread, side threads with named members, and what is read."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from clearinghouse.core.errors import Conflict, Invalid, NotPermitted
from clearinghouse.core.events import Event
from clearinghouse.core.ids import MessageId, PartyId, ThreadId, new_id
from clearinghouse.core.marks import Marks, narrowest
from clearinghouse.core.policy import RoomLimits
from clearinghouse.disclosure.coordination.rooms import rules
from clearinghouse.disclosure.coordination.rooms.actions.entering import enter, hidden_among, nothing_found, take_part
from clearinghouse.disclosure.coordination.rooms.records import Message, Participation, Room, Thread, ThreadKind, Via
from clearinghouse.disclosure.coordination.rooms.store import participants, threads
from clearinghouse.ledger import actions as ledger
from clearinghouse.parties.records import Tier
from clearinghouse.storage import Envelope, Transaction


def open_thread(
    tx: Transaction, case_id: str, title: str, member_ids: Sequence[str], *, actor: PartyId, envelope: Envelope, limits: RoomLimits,
    now: datetime,
) -> ThreadId:
    """A private side thread of named participants and whom the actor acts for; nobody else learns that it exists.

    Raises:
        NotFound: the case is not the actor's to see, or somebody named takes no part that the actor is told of.
        NotPermitted: the actor takes no part, or is read in below the discussion.
        Invalid: the title is empty, or nobody else is named.
        Conflict: the case is not open or holds its bound.
    """
    room = take_part(tx, case_id, envelope=envelope, actor=actor, now=now)
    rules.check_tier(room.standing, Tier.ROOM, "a side thread")
    if threads.system_count_threads(tx, room.id) >= limits.threads_max:
        raise Conflict("this case takes no further threads")
    told = _addressable(tx, room)
    for member in member_ids:
        if member not in told:
            raise nothing_found(member)
    members = tuple(dict.fromkeys([room.standing.party, *map(PartyId, member_ids)]))
    if len(members) < 2:
        raise Invalid("a side thread needs somebody to talk to; name another participant")
    new = Thread(ThreadId(new_id("thr")), ThreadKind.PRIVATE, now, actor, rules.parse_title(title), members)
    threads.add_thread(tx, room, new)
    # The case is not named: leaves are public, and a case must not show how many side threads it has.
    ledger.record(tx, Event("ThreadOpened", (new.id,), {"members": list(members)}), actor=actor, now=now)
    return new.id


def add_member(tx: Transaction, case_id: str, thread_id: str, party_id: str, *, actor: PartyId, envelope: Envelope, now: datetime) -> None:
    """Bring another participant into a side thread; it reads all of it.

    Raises:
        NotFound: the actor reads no such thread, or the party takes no part that the actor is told of.
        NotPermitted: the actor takes no part.
        Conflict: the case is not open, the thread is the official one, or the party reads it already.
    """
    room = take_part(tx, case_id, envelope=envelope, actor=actor, now=now)
    thread = _private(tx, room, thread_id)
    if party_id not in _addressable(tx, room):
        raise nothing_found(party_id)
    if not threads.add_member(tx, thread.id, PartyId(party_id), now):
        raise Conflict("this participant reads the thread already")
    ledger.record(tx, Event("ThreadMemberAdded", (thread.id, party_id)), actor=actor, now=now)


def remove_member(tx: Transaction, case_id: str, thread_id: str, party_id: str, *, actor: PartyId, envelope: Envelope, now: datetime) -> None:
    """Take oneself or, having opened it, somebody else out of a side thread.

    Raises:
        NotFound: the actor reads no such thread, or the party does not read it.
        NotPermitted: the actor takes no part, or neither is the party nor opened the thread.
        Conflict: the case is not open, or the thread is the official one.
    """
    room = take_part(tx, case_id, envelope=envelope, actor=actor, now=now)
    thread = _private(tx, room, thread_id)
    if party_id not in room.standing.parties and thread.opened_by != actor:
        raise NotPermitted("only who opened a side thread takes somebody else out of it")
    hidden = rules.hidden_parties(participants.system_participants(tx, room.id), room.standing)
    # Asked for nobody where it would tell who is here unnamed: it costs the same and finds nothing.
    if not threads.remove_member(tx, thread.id, PartyId("" if party_id in hidden else party_id), now):
        raise nothing_found(party_id)
    ledger.record(tx, Event("ThreadMemberRemoved", (thread.id, party_id)), actor=actor, now=now)


def post_message(
    tx: Transaction, case_id: str, thread_id: str | None, untrusted_body: str, *, marks: Marks | None = None,
    in_reply_to: str | None = None, via: Via = Via.WEB, actor: PartyId, envelope: Envelope, limits: RoomLimits, now: datetime,
) -> MessageId:
    """Say something in a thread; None is the official one. The text is kept exactly as it came.

    Args:
        marks: at least those of the case stand; these may narrow them.
    Raises:
        NotFound: the actor reads no such thread, or the message replied to is not in it.
        NotPermitted: the actor takes no part, is read in below the discussion, or writes TLP:RED as an organisation.
        Invalid: the text is empty, too long or no text.
        Conflict: the case is not open.
    """
    room = take_part(tx, case_id, envelope=envelope, actor=actor, now=now)
    rules.check_tier(room.standing, Tier.ROOM, "the discussion")
    thread = threads.find_thread(tx, room, thread_id or threads.find_official(tx, room))
    if thread is None:
        raise nothing_found(thread_id or "")
    if in_reply_to is not None and threads.find_message(tx, room, thread.id, in_reply_to, now=now) is None:
        raise nothing_found(in_reply_to)
    kept = room.case.marks if marks is None else narrowest(room.case.marks, marks)
    rules.check_may_read_back(kept, room.standing)
    new = Message(
        MessageId(new_id("msg")), thread.id, actor, now, via, rules.parse_body(untrusted_body, limits.message_characters_max), kept,
        None if in_reply_to is None else MessageId(in_reply_to),
    )
    threads.add_message(tx, room, new)
    # The thread and not the case: of a side thread, its members alone may know whose case it is.
    ledger.record(tx, Event("MessagePosted", (new.id, thread.id), {"via": str(via)}), actor=actor, now=now)
    return new.id


def mark_read(
    tx: Transaction, case_id: str, thread_id: str, message_id: str, *, actor: PartyId, envelope: Envelope, now: datetime
) -> None:
    """Note that the actor has read a thread up to a message; having read further before changes nothing.

    Raises:
        NotFound: the actor reads no such thread or message.
    """
    room = enter(tx, case_id, envelope=envelope, viewer=actor, now=now)
    message = threads.find_message(tx, room, thread_id, message_id, now=now)
    if message is None:
        raise nothing_found(message_id)
    if threads.mark_read(tx, room, message.thread, message.id, now):
        ledger.record(tx, Event("ThreadRead", (message.thread,), {"to": message.id}), actor=actor, now=now)


def list_messages(
    tx: Transaction, case_id: str, thread_id: str, *, before: str | None = None, limit: int, envelope: Envelope, viewer: PartyId,
    now: datetime,
) -> list[Message]:
    """A page of a thread, oldest first; `before` is the oldest message of the page before. Who is not to be named has no id.

    Raises:
        NotFound: the viewer reads no such thread.
    """
    room = enter(tx, case_id, envelope=envelope, viewer=viewer, now=now)
    if threads.find_thread(tx, room, thread_id) is None:
        raise nothing_found(thread_id)
    found = threads.list_messages(tx, room, now=now, limit=limit, thread=thread_id, before=before)
    hidden = hidden_among(tx, room, (one.author for one in found))
    return [replace(one, author=PartyId("")) if one.author in hidden else one for one in found]


def _addressable(tx: Transaction, room: Room) -> set[PartyId]:
    """Who can be brought into a thread: to find out by an id who takes part unnamed would be to learn the name."""
    everybody = participants.list_participants(tx, room)
    hidden = rules.hidden_parties(everybody, room.standing)
    return {one.party for one in everybody if one.state is Participation.JOINED and one.party not in hidden}


def _private(tx: Transaction, room: Room, thread_id: str) -> Thread:
    thread = threads.find_thread(tx, room, thread_id)
    if thread is None:
        raise nothing_found(thread_id)
    if thread.kind is ThreadKind.OFFICIAL:
        raise Conflict("every participant reads the official thread; open a side thread for fewer")
    return thread


__all__ = ["add_member", "list_messages", "mark_read", "open_thread", "post_message", "remove_member"]
