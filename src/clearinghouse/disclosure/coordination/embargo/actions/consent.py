"""Proposing an embargo, answering, withdrawing, ending it, and what becomes of it when cases merge."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import cast

from clearinghouse.core.clock import render_instant
from clearinghouse.core.errors import Conflict, Invalid
from clearinghouse.core.events import Detail, Event
from clearinghouse.core.ids import PartyId, new_id
from clearinghouse.disclosure.coordination.embargo import gathering
from clearinghouse.disclosure.coordination.embargo.actions.keeping import PolicyOf, check_lasts, end_embargo, recompute
from clearinghouse.disclosure.coordination.embargo.records import (
    Answer,
    AppliedTerms,
    Consent,
    Embargo,
    EmbargoState,
    ExitReason,
    Fact,
    Proposal,
    ProposalState,
    Timetable,
)
from clearinghouse.disclosure.coordination.embargo.states import CONSENT_TRANSITIONS, EMBARGO_TRANSITIONS
from clearinghouse.disclosure.coordination.embargo.store import embargoes
from clearinghouse.disclosure.coordination.rooms.actions import coordinate, take_part
from clearinghouse.disclosure.coordination.rooms.actions.entering import hold, nothing_found, write_down
from clearinghouse.disclosure.coordination.rooms.records import DecisionKind, Room
from clearinghouse.disclosure.coordination.rooms.rules import parse_paragraph, parse_reason
from clearinghouse.disclosure.coordination.rooms.states import may_step, step
from clearinghouse.disclosure.coordination.rooms.store import cases, participants
from clearinghouse.ledger import actions as ledger
from clearinghouse.storage import Envelope, Transaction

_BY = ("participant",)


def propose_embargo(
    tx: Transaction, case_id: str, ends_at: datetime, *, note: str = "", actor: PartyId, envelope: Envelope, policy_of: PolicyOf, now: datetime
) -> Proposal:
    """Offer all present participants an instant before which nothing is published; where one is agreed on, a revision of it.

    Who proposes has accepted.
    Args:
        ends_at: UTC; after `now` and at most `agreed_days_max` days after it.
    Raises:
        NotFound: there is no case that the actor may see.
        NotPermitted: the actor takes no part in it.
        Invalid: the instant is past or too far ahead.
        Conflict: the embargo has ended, the same instant waits for answers already, or the case is not open.
    Source: ISO/IEC 29147:2018, 5.6.8; CERT/CC Vultron, EM.
    """
    room = take_part(tx, case_id, envelope=envelope, actor=actor, now=now)
    days_max = policy_of(tx, room.case.policy_version).embargo.agreed_days_max
    if not now < ends_at <= now + timedelta(days=days_max):
        raise Invalid(f"an embargo ends after now and at most {days_max} days ahead")
    embargo = embargoes.begin(tx, room.id)
    check_lasts(embargo, now)
    known = embargoes.list_proposals(tx, room)
    if any(one.state is ProposalState.OPEN and one.ends_at == ends_at for one in known):
        raise Conflict("this instant is proposed already; answer that proposal")
    state = cast("EmbargoState", step(EMBARGO_TRANSITIONS, "propose", embargo.state, _BY))
    asked = _present(tx, room, now)
    own = room.standing.party
    answers = tuple(Answer(party, True if party == own else None, now if party == own else None) for party in asked)
    proposal = Proposal(new_id("trm"), ends_at, now, actor, ProposalState.OPEN, parse_paragraph(note), answers)
    embargoes.add_proposal(tx, room, proposal)
    if state is not embargo.state:
        embargoes.change_state(tx, embargo, state)
    consents = embargoes.system_consents(tx, room.id)
    if state is EmbargoState.PROPOSED:
        # A revision asks signatories again without unbinding them: what is agreed on stands until it is replaced.
        _move(tx, room, consents, [party for party in asked if party != own], "invite", now)
        _move(tx, room, consents, [own], "accept", now)
    details: dict[str, Detail] = {"ends_at": render_instant(ends_at), "revises": state is EmbargoState.REVISE, "ask": [str(one) for one in asked]}
    ledger.record(tx, Event("EmbargoProposed", (room.id, embargo.id, proposal.id), details), actor=actor, now=now)
    settle_proposals(tx, room, actor=actor, now=now)
    recompute(tx, room, policy_of, actor=actor, now=now)
    return proposal


def accept_embargo(
    tx: Transaction, case_id: str, proposal_id: str, *, actor: PartyId, envelope: Envelope, policy_of: PolicyOf, now: datetime
) -> Timetable:
    """Accept a proposal, and with it every shorter one that waits: who keeps quiet for long keeps quiet for short.

    What is agreed on already can be accepted too, by who joined later or had withdrawn.
    Raises:
        NotFound: there is no such case, or no such proposal in it.
        NotPermitted: the actor takes no part in it.
        Conflict: the proposal is settled, the embargo has ended, or the case is not open.
    """
    room, embargo, proposal = _proposal(tx, case_id, proposal_id, actor=actor, envelope=envelope, now=now)
    check_lasts(embargo, now)
    if proposal.state not in (ProposalState.OPEN, ProposalState.ACCEPTED):
        raise Conflict(f"this proposal is {proposal.state}; propose anew")
    own = room.standing.party
    if any(one.party == own and one.accepted for one in proposal.answers) and embargoes.system_consents(tx, room.id).get(own) is Consent.SIGNATORY:
        raise Conflict("this was accepted already, by you or by another person of the party you act for")
    shorter = [one for one in embargoes.list_proposals(tx, room) if one.state is ProposalState.OPEN and one.ends_at <= proposal.ends_at]
    for one in {found.id: found for found in [*shorter, proposal]}.values():
        embargoes.answer_proposal(tx, one.id, own, accepted=True, by=actor, at=now)
    _move(tx, room, embargoes.system_consents(tx, room.id), [own], "accept", now)
    ledger.record(tx, Event("EmbargoAccepted", (room.id, embargo.id, proposal.id), {"party": own}), actor=actor, now=now)
    settle_proposals(tx, room, actor=actor, now=now)
    return recompute(tx, room, policy_of, actor=actor, now=now)


def decline_embargo(
    tx: Transaction, case_id: str, proposal_id: str, reason: str, *, actor: PartyId, envelope: Envelope, policy_of: PolicyOf, now: datetime
) -> Timetable:
    """Decline a proposal, which then cannot be accepted by all any more; what was agreed on before stands.

    Raises:
        NotFound: there is no such case, or no such proposal in it.
        NotPermitted: the actor takes no part in it.
        Invalid: there is no reason.
        Conflict: the proposal is settled, or the case is not open.
    """
    room, embargo, proposal = _proposal(tx, case_id, proposal_id, actor=actor, envelope=envelope, now=now)
    cleaned = parse_reason(reason)
    if proposal.state is not ProposalState.OPEN:
        raise Conflict(f"this proposal is {proposal.state}; who has agreed withdraws its consent instead")
    own = room.standing.party
    embargoes.answer_proposal(tx, proposal.id, own, accepted=False, by=actor, at=now)
    embargoes.settle_proposal(tx, proposal.id, ProposalState.OPEN, ProposalState.DECLINED, now)
    if embargo.state is EmbargoState.PROPOSED:
        consents = embargoes.system_consents(tx, room.id)
        verb = "withdraw" if consents.get(own) is Consent.SIGNATORY else "decline"
        _move(tx, room, consents, [own], verb, now)
    _keep_reason(tx, room, proposal.id, cleaned, actor=actor, now=now)
    ledger.record(tx, Event("EmbargoDeclined", (room.id, embargo.id, proposal.id), {"party": own}), actor=actor, now=now)
    settle_proposals(tx, room, actor=actor, now=now)
    return recompute(tx, room, policy_of, actor=actor, now=now)


def withdraw_consent(
    tx: Transaction, case_id: str, reason: str, *, actor: PartyId, envelope: Envelope, policy_of: PolicyOf, now: datetime
) -> Timetable:
    """Take back one's word on what was agreed. It stands among the others, who are told that one is not bound.

    Raises:
        NotFound: there is no case that the actor may see.
        NotPermitted: the actor takes no part in it.
        Invalid: there is no reason.
        Conflict: the actor has given no word, or the case is not open.
    """
    room = take_part(tx, case_id, envelope=envelope, actor=actor, now=now)
    cleaned = parse_reason(reason)
    embargo = embargoes.begin(tx, room.id)
    own = room.standing.party
    consents = embargoes.system_consents(tx, room.id)
    step(CONSENT_TRANSITIONS, "withdraw", consents.get(own, Consent.NONE), _BY)
    _move(tx, room, consents, [own], "withdraw", now)
    _keep_reason(tx, room, embargo.id, cleaned, actor=actor, now=now)
    details: dict[str, Detail] = {"party": own, "tell": [str(one) for one in _present(tx, room, now)]}
    ledger.record(tx, Event("ConsentWithdrawn", (room.id, embargo.id), details), actor=actor, now=now)
    return recompute(tx, room, policy_of, actor=actor, now=now)


def exit_embargo(
    tx: Transaction, case_id: str, reason: str, *, actor: PartyId, envelope: Envelope, policy_of: PolicyOf, now: datetime
) -> Timetable:
    """End the embargo now, for all; a coordinator's word with its reason.

    Raises:
        NotFound: there is no case that the actor may see.
        NotPermitted: the actor does not coordinate it.
        Invalid: there is no reason.
        Conflict: it has ended before, or the case is not open.
    """
    room = coordinate(tx, case_id, envelope=envelope, actor=actor, now=now)
    cleaned = parse_reason(reason)
    embargo = embargoes.begin(tx, room.id)
    if not end_embargo(tx, embargo, now, ExitReason.DECIDED, actor=actor, now=now):
        raise Conflict("the embargo has ended before")
    _keep_reason(tx, room, embargo.id, cleaned, actor=actor, now=now)
    return recompute(tx, room, policy_of, actor=actor, now=now)


def refresh(tx: Transaction, case_id: str, *, actor: PartyId, envelope: Envelope, policy_of: PolicyOf, now: datetime) -> Timetable | None:
    """What follows for the embargo when participants or reports of a case changed; None where there is no such case.

    For follow-ups alone: it looks at no grant and shows nothing. Doing it twice does it once.
    """
    room = cases.system_room(tx, case_id, envelope, system=actor)
    if room is None:
        return None
    embargoes.begin(tx, room.id)
    settle_proposals(tx, room, actor=actor, now=now)
    return recompute(tx, room, policy_of, actor=actor, now=now)


def merge_embargo(
    tx: Transaction, into_id: str, from_id: str, *, actor: PartyId, envelope: Envelope, policy_of: PolicyOf, now: datetime
) -> Timetable:
    """Bring the embargo of one case into another with which it is one flaw: of agreements the earliest stands.

    Facts, terms and agreements are copied, each once. Whoever has not accepted what stands then lapses and is asked by that.
    Raises:
        NotFound: one of the cases is not the actor's to see.
        NotPermitted: the actor does not coordinate both.
        Conflict: one of them is not open.
    Source: CERT/CC Vultron, EM, case mergers.
    """
    hold(tx, into_id, from_id)
    room = coordinate(tx, into_id, envelope=envelope, actor=actor, now=now)
    other = coordinate(tx, from_id, envelope=envelope, actor=actor, now=now, closed=True)
    for first in sorted((room.id, other.id)):  # in one order, so that two merges never wait for each other
        embargoes.begin(tx, first)
    embargo, theirs = embargoes.begin(tx, room.id), embargoes.begin(tx, other.id)
    _copy(tx, room, other, now)
    agreed = [one for one in embargoes.list_proposals(tx, room) if one.state is ProposalState.ACCEPTED]
    stands = min(agreed, key=lambda one: (one.ends_at, one.id), default=None)
    if stands is not None and embargo.state in (EmbargoState.NONE, EmbargoState.PROPOSED):
        embargoes.change_state(tx, embargo, EmbargoState.ACTIVE)
    if stands is not None:
        accepted = {answer.party for answer in stands.answers if answer.accepted}
        consents = embargoes.system_consents(tx, room.id)
        _move(tx, room, consents, [party for party, word in consents.items() if word is Consent.SIGNATORY and party not in accepted], "revise", now)
        _move(tx, room, consents, [one for one in _present(tx, room, now) if one in accepted], "accept", now)
    ledger.record(tx, Event("EmbargoMerged", (room.id, embargo.id, theirs.id), {"from": other.id}), actor=actor, now=now)
    if theirs.state is EmbargoState.EXITED and theirs.exited_at is not None:
        # One flaw: what is public of it in one case is public in the other.
        end_embargo(tx, embargoes.begin(tx, room.id), theirs.exited_at, theirs.exit_reason or ExitReason.DECIDED, actor=actor, now=now)
    return recompute(tx, room, policy_of, actor=actor, now=now)


def settle_proposals(tx: Transaction, room: Room, *, actor: PartyId, now: datetime) -> None:
    """Put in force what all present have accepted, the shortest first, and move the agreement's state accordingly."""
    present = frozenset(_present(tx, room, now))
    while True:
        embargo = embargoes.begin(tx, room.id)
        if embargo.state not in (EmbargoState.PROPOSED, EmbargoState.REVISE):
            return
        known = embargoes.list_proposals(tx, room)
        waiting = gathering.shorter_first(known)
        accords = {one.id: one for one in gathering.accords_of(waiting, {}, present)}
        agreed = next((one for one in waiting if accords[one.id].in_force), None)
        if agreed is None:
            if not waiting:
                embargoes.change_state(tx, embargo, cast("EmbargoState", step(EMBARGO_TRANSITIONS, "reject", embargo.state, _BY)))
            return
        for before in known:
            if before.state is ProposalState.ACCEPTED:
                embargoes.settle_proposal(tx, before.id, ProposalState.ACCEPTED, ProposalState.SUPERSEDED, now)
        embargoes.settle_proposal(tx, agreed.id, ProposalState.OPEN, ProposalState.ACCEPTED, now)
        state = cast("EmbargoState", step(EMBARGO_TRANSITIONS, "agree", embargo.state, _BY))
        left = [one for one in waiting if one.id != agreed.id]
        embargoes.change_state(tx, embargo, EmbargoState.REVISE if left else state)
        consents = embargoes.system_consents(tx, room.id)
        _move(tx, room, consents, sorted(accords[agreed.id].accepted & present), "accept", now)
        details: dict[str, Detail] = {"ends_at": render_instant(agreed.ends_at), "tell": [str(party) for party in sorted(present)]}
        ledger.record(tx, Event("EmbargoAgreed", (room.id, embargo.id, agreed.id), details), actor=actor, now=now)


def _proposal(
    tx: Transaction, case_id: str, proposal_id: str, *, actor: PartyId, envelope: Envelope, now: datetime
) -> tuple[Room, Embargo, Proposal]:
    room = take_part(tx, case_id, envelope=envelope, actor=actor, now=now)
    embargo = embargoes.begin(tx, room.id)
    found = next((one for one in embargoes.list_proposals(tx, room) if one.id == proposal_id), None)
    if found is None:
        raise nothing_found(proposal_id)
    return room, embargo, found


def _present(tx: Transaction, room: Room, now: datetime) -> list[PartyId]:
    return sorted(one.party for one in gathering.present_of(participants.system_participants(tx, room.id), now))


def _move(tx: Transaction, room: Room, consents: Mapping[str, Consent], parties: Sequence[str], verb: str, now: datetime) -> None:
    """Move the consent of those from whose state the verb leads somewhere; for the others there is nothing to do."""
    moved = [
        (party, cast("Consent", step(CONSENT_TRANSITIONS, verb, consents.get(party, Consent.NONE), ("participant", "coordinator"))))
        for party in parties if may_step(CONSENT_TRANSITIONS, verb, consents.get(party, Consent.NONE))
    ]
    embargoes.keep_consents(tx, room.id, moved, now)


def _keep_reason(tx: Transaction, room: Room, subject: str, reason: str, *, actor: PartyId, now: datetime) -> None:
    write_down(tx, room, DecisionKind.OTHER, subject, reason, actor=actor, now=now)


def _copy(tx: Transaction, room: Room, other: Room, now: datetime) -> None:
    own_facts = {(one.milestone, one.at, one.party) for one in embargoes.list_facts(tx, room) if one.withdrawn_at is None}
    for fact in embargoes.list_facts(tx, other):
        if fact.withdrawn_at is None and (fact.milestone, fact.at, fact.party) not in own_facts:
            embargoes.add_fact(tx, room, Fact(new_id("fct"), fact.milestone, fact.at, fact.party, now, fact.actor, fact.note))
    own_terms = {(one.terms.id, one.terms.party) for one in embargoes.list_terms(tx, room)}
    for applied in embargoes.list_terms(tx, other):
        if (applied.terms.id, applied.terms.party) not in own_terms:
            embargoes.add_terms(tx, room, AppliedTerms(new_id("apt"), applied.terms, now, applied.added_by))
    own_dates = {one.ends_at for one in embargoes.list_proposals(tx, room) if one.state is ProposalState.ACCEPTED}
    for proposal in embargoes.list_proposals(tx, other):
        if proposal.state is ProposalState.ACCEPTED and proposal.ends_at not in own_dates:
            copied = Proposal(new_id("trm"), proposal.ends_at, now, proposal.asked_by, proposal.state, proposal.note, proposal.answers)
            embargoes.add_proposal(tx, room, copied)
