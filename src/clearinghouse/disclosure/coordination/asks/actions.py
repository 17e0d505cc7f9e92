"""Asking to take part, and answering that: an invitation, or a no that the asker is not told."""

from collections.abc import Sequence
from datetime import datetime

from clearinghouse.core.events import Event
from clearinghouse.core.ids import CaseId, PartyId, new_id
from clearinghouse.core.policy import JoiningPolicy, RoomLimits
from clearinghouse.disclosure.coordination.asks import rules, store
from clearinghouse.disclosure.coordination.asks.records import Ask, AskState
from clearinghouse.disclosure.coordination.rooms import actions as rooms
from clearinghouse.disclosure.coordination.rooms.actions.entering import nothing_found, write_down
from clearinghouse.disclosure.coordination.rooms.records import CaseRole, DecisionKind
from clearinghouse.disclosure.intake.records import Report
from clearinghouse.ledger import actions as ledger
from clearinghouse.parties import store as parties
from clearinghouse.storage import Envelope, Transaction


def ask_to_join(
    tx: Transaction, report: Report, case_ids: Sequence[CaseId], untrusted_words: str, *, actor: PartyId, envelope: Envelope,
    policy: JoiningPolicy, now: datetime,
) -> datetime:
    """Keep that the actor wants to take part in the cases of the flaw of its report; the same answer where there is none.

    Args:
        case_ids: the cases it is for, which the actor is not told of; empty where there is none.
    Raises:
        Invalid: nothing is said.
        Conflict: the actor asked lately, or twice.
    """
    words = rules.parse_words(untrusted_words)
    # Of two asks in the same moment the later one finds the earlier.
    parties.lock_party(tx, actor)
    rules.check_may_ask(store.system_asked_at(tx, report.id, actor), policy.again_days, now)
    # Where there is no case a row is kept all the same: as many statements, and the same count of asks.
    store.add_asks(tx, [Ask(new_id("ask"), case_id, report.id, actor, now, words) for case_id in (*case_ids, *(() if case_ids else ("",)))], envelope)
    ledger.record(tx, Event("JoinAsked", (report.id,)), actor=actor, now=now)
    return now


def invite_asker(
    tx: Transaction, case_id: str, ask_id: str, role: CaseRole, untrusted_reason: str, *, actor: PartyId, envelope: Envelope,
    limits: RoomLimits, now: datetime,
) -> None:
    """Ask in who asked to take part, by the invitation everybody gets.

    Raises:
        NotFound: the case is not the actor's to see, or nobody asks for this any more.
        NotPermitted: the actor does not coordinate the case.
        Invalid, Conflict: as for `rooms.invite`.
    """
    room = rooms.coordinate(tx, case_id, envelope=envelope, actor=actor, now=now)
    found = store.find_open(tx, room, ask_id, envelope)
    if found is None:
        raise nothing_found(ask_id)
    rooms.invite(tx, case_id, found.asker, role, untrusted_reason, actor=actor, envelope=envelope, limits=limits, now=now)
    store.answer(tx, found, AskState.INVITED, actor, now)


def decline_asker(
    tx: Transaction, case_id: str, ask_id: str, untrusted_reason: str, *, actor: PartyId, envelope: Envelope, now: datetime
) -> None:
    """Say no, with a reason for those who coordinate the case; who asked is told nothing, for a no would tell that there is a case.

    Raises:
        NotFound: the case is not the actor's to see, or nobody asks for this any more.
        NotPermitted: the actor does not coordinate the case.
        Invalid: there is no reason.
        Conflict: the case is not open.
    """
    room = rooms.coordinate(tx, case_id, envelope=envelope, actor=actor, now=now)
    found = store.find_open(tx, room, ask_id, envelope)
    if found is None:
        raise nothing_found(ask_id)
    store.answer(tx, found, AskState.DECLINED, actor, now)
    write_down(tx, room, DecisionKind.JOIN_DECLINED, found.asker, rules.parse_words(untrusted_reason), actor=actor, now=now)
    ledger.record(tx, Event("JoinDeclined", (room.id, found.id)), actor=actor, now=now)
