"""The embargo of a case: its state, facts, terms, proposals and answers, consents, leaks, and duties that were met.

Reads and writes take the `Room` of a viewer, which `rooms` makes from grants alone; `system_` ones are for timers.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Row, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from clearinghouse.core.ids import PartyId, new_id
from clearinghouse.core.terms import Milestone, Rank, Terms
from clearinghouse.disclosure.coordination.embargo.records import (
    Answer,
    AppliedTerms,
    Consent,
    Embargo,
    EmbargoState,
    ExitReason,
    Fact,
    Leak,
    LeakState,
    Proposal,
    ProposalState,
    Timetable,
    TimetableState,
    duty_key,
)
from clearinghouse.disclosure.coordination.embargo.store.tables import (
    embargo_answers,
    embargo_consents,
    embargo_duties,
    embargo_facts,
    embargo_leaks,
    embargo_proposals,
    embargo_regimes,
    embargo_terms,
    embargoes,
)
from clearinghouse.disclosure.coordination.rooms.records import Room
from clearinghouse.disclosure.coordination.rooms.store.tables import seal, unseal
from clearinghouse.storage import Transaction


def find_embargo(tx: Transaction, room: Room) -> Embargo | None:
    """The embargo of a case; None before anything was done about it."""
    row = tx.row(select(embargoes).where(embargoes.c.case_id == room.id))
    return None if row is None else _embargo(row)


def system_embargoed_cases(tx: Transaction) -> list[str]:
    """The cases whose embargo is proposed or stands: from what is decided there nothing is learned."""
    states = (EmbargoState.PROPOSED, EmbargoState.ACTIVE, EmbargoState.REVISE)
    return [row.case_id for row in tx.rows(select(embargoes.c.case_id).where(embargoes.c.state.in_(states)).order_by(embargoes.c.case_id))]


def system_lock(tx: Transaction, case_id: str) -> Embargo | None:
    """The embargo of a case, which nobody else changes until this transaction ends."""
    row = tx.row(select(embargoes).where(embargoes.c.case_id == case_id).with_for_update())
    return None if row is None else _embargo(row)


def begin(tx: Transaction, case_id: str) -> Embargo:
    """The embargo of a case, made where there is none yet, and locked."""
    into = (postgresql if tx.dialect == "postgresql" else sqlite).insert(embargoes).on_conflict_do_nothing()
    tx.derive(into, {
        "case_id": case_id, "embargo_id": new_id("emb"), "state": EmbargoState.NONE, "found_with_public_ai": False, "exited_at": None,
        "exit_reason": None, "timetable_state": None, "ends_at": None, "rank": None, "term_id": "",
    })
    found = system_lock(tx, case_id)
    assert found is not None, "it was made above, if not before"
    return found


def change_state(
    tx: Transaction, embargo: Embargo, state: EmbargoState, *, exited_at: datetime | None = None, reason: ExitReason | None = None
) -> bool:
    """Move the agreement to another state; False where it is not in the one at hand any more."""
    statement = update(embargoes).where(embargoes.c.case_id == embargo.case_id, embargoes.c.state == embargo.state)
    return tx.write(statement.values(state=state, exited_at=exited_at, exit_reason=reason)) == 1


def keep_origin(tx: Transaction, embargo: Embargo, *, found_with_public_ai: bool) -> None:
    """Keep whether the flaw was found with AI tools open to everybody."""
    tx.write(update(embargoes).where(embargoes.c.case_id == embargo.case_id).values(found_with_public_ai=found_with_public_ai))


def keep_timetable(tx: Transaction, case_id: str, timetable: Timetable) -> None:
    """Keep what the timetable comes to; it follows from what has events of its own."""
    tx.derive(update(embargoes).where(embargoes.c.case_id == case_id).values(
        timetable_state=timetable.state, ends_at=timetable.ends_at, rank=timetable.rank, term_id=timetable.term_id[:64],
    ))


def keep_run_out(tx: Transaction, case_id: str) -> None:
    """Keep that the binding instant has passed; who bound it stays."""
    tx.derive(update(embargoes).where(embargoes.c.case_id == case_id).values(timetable_state=TimetableState.ENDED))


def add_fact(tx: Transaction, room: Room, fact: Fact) -> None:
    """Keep a milestone."""
    tx.write(insert(embargo_facts), {
        "fact_id": fact.id, "case_id": room.id, "milestone": fact.milestone, "at": fact.at, "party_id": fact.party,
        "recorded_at": fact.recorded_at, "actor": fact.actor, "withdrawn_at": None, "withdrawn_by": None,
        "sealed": seal(room.key, fact.note, fact.id),
    })


def list_facts(tx: Transaction, room: Room) -> list[Fact]:
    """The milestones of a case in order of being recorded, withdrawn ones too."""
    query = select(embargo_facts).where(embargo_facts.c.case_id == room.id)
    return [
        Fact(row.fact_id, Milestone(row.milestone), row.at, row.party_id, row.recorded_at, row.actor,
             unseal(room.key, row.sealed, row.fact_id, str), row.withdrawn_at)
        for row in tx.rows(query.order_by(embargo_facts.c.recorded_at, embargo_facts.c.fact_id))
    ]


def withdraw_fact(tx: Transaction, room: Room, fact_id: str, by: PartyId, at: datetime) -> bool:
    """Take a milestone back; False where there is none that stands."""
    return tx.write(update(embargo_facts).where(
        embargo_facts.c.case_id == room.id, embargo_facts.c.fact_id == fact_id, embargo_facts.c.withdrawn_at.is_(None)
    ).values(withdrawn_at=at, withdrawn_by=by)) == 1


def add_terms(tx: Transaction, room: Room, applied: AppliedTerms) -> None:
    """Keep terms that apply in a case; whose they are can tell what the case is about, so they are sealed."""
    tx.write(insert(embargo_terms), {
        "applied_id": applied.id, "case_id": room.id, "added_at": applied.added_at, "added_by": applied.added_by, "removed_at": None,
        "removed_by": None, "sealed": seal(room.key, applied.terms, applied.id),
    })


def list_terms(tx: Transaction, room: Room) -> list[AppliedTerms]:
    """The terms that apply in a case, those of the policy's default aside."""
    query = select(embargo_terms).where(embargo_terms.c.case_id == room.id, embargo_terms.c.removed_at.is_(None))
    return [
        AppliedTerms(row.applied_id, unseal(room.key, row.sealed, row.applied_id, Terms), row.added_at, row.added_by)
        for row in tx.rows(query.order_by(embargo_terms.c.added_at, embargo_terms.c.applied_id))
    ]


def remove_terms(tx: Transaction, room: Room, applied_id: str, by: PartyId, at: datetime) -> bool:
    """Terms no longer apply; False where they did not."""
    return tx.write(update(embargo_terms).where(
        embargo_terms.c.case_id == room.id, embargo_terms.c.applied_id == applied_id, embargo_terms.c.removed_at.is_(None)
    ).values(removed_at=at, removed_by=by)) == 1


def add_proposal(tx: Transaction, room: Room, proposal: Proposal) -> None:
    """Keep a proposal and whom it asks."""
    tx.write(insert(embargo_proposals), {
        "proposal_id": proposal.id, "case_id": room.id, "ends_at": proposal.ends_at, "asked_at": proposal.asked_at,
        "asked_by": proposal.asked_by, "state": proposal.state, "settled_at": None, "sealed": seal(room.key, proposal.note, proposal.id),
    })
    tx.write(insert(embargo_answers), [
        {"proposal_id": proposal.id, "party_id": answer.party, "accepted": answer.accepted, "answered_at": answer.answered_at,
         "answered_by": proposal.asked_by if answer.accepted else None}
        for answer in proposal.answers
    ])


def list_proposals(tx: Transaction, room: Room) -> list[Proposal]:
    """The proposals of a case with their answers, in order of being made."""
    answers: dict[str, list[Answer]] = {}
    given = select(embargo_answers).join(
        embargo_proposals, embargo_proposals.c.proposal_id == embargo_answers.c.proposal_id
    ).where(embargo_proposals.c.case_id == room.id).order_by(embargo_answers.c.party_id)
    for row in tx.rows(given):
        answers.setdefault(row.proposal_id, []).append(Answer(row.party_id, row.accepted, row.answered_at))
    query = select(embargo_proposals).where(embargo_proposals.c.case_id == room.id)
    return [
        Proposal(row.proposal_id, row.ends_at, row.asked_at, row.asked_by, ProposalState(row.state),
                 unseal(room.key, row.sealed, row.proposal_id, str), tuple(answers.get(row.proposal_id, ())))
        for row in tx.rows(query.order_by(embargo_proposals.c.asked_at, embargo_proposals.c.proposal_id))
    ]


def answer_proposal(tx: Transaction, proposal_id: str, party: str, *, accepted: bool, by: PartyId, at: datetime) -> None:
    """Keep a party's answer; who was not asked and answers is asked by that."""
    insert_into = (postgresql if tx.dialect == "postgresql" else sqlite).insert(embargo_answers)
    values = {"accepted": accepted, "answered_at": at, "answered_by": by}
    tx.write(insert_into.values(proposal_id=proposal_id, party_id=party, **values).on_conflict_do_update(
        index_elements=["proposal_id", "party_id"], set_=values
    ))


def settle_proposal(tx: Transaction, proposal_id: str, before: ProposalState, after: ProposalState, at: datetime) -> None:
    """Keep what became of a proposal."""
    tx.write(update(embargo_proposals).where(
        embargo_proposals.c.proposal_id == proposal_id, embargo_proposals.c.state == before
    ).values(state=after, settled_at=at))


def system_lapse_proposals(tx: Transaction, case_id: str, at: datetime) -> None:
    """Nothing that waits for answers is asked any more."""
    tx.write(update(embargo_proposals).where(
        embargo_proposals.c.case_id == case_id, embargo_proposals.c.state == ProposalState.OPEN
    ).values(state=ProposalState.SUPERSEDED, settled_at=at))


def system_consents(tx: Transaction, case_id: str) -> dict[str, Consent]:
    """Every participant's word, where one was asked for."""
    rows = tx.rows(select(embargo_consents).where(embargo_consents.c.case_id == case_id))
    return {row.party_id: Consent(row.state) for row in rows}


def keep_consents(tx: Transaction, case_id: str, consents: Iterable[tuple[str, Consent]], at: datetime) -> None:
    """Keep participants' words."""
    rows = [{"case_id": case_id, "party_id": party, "state": state, "changed_at": at} for party, state in consents]
    if rows:
        fresh: Any = (postgresql if tx.dialect == "postgresql" else sqlite).insert(embargo_consents)
        tx.write(fresh.on_conflict_do_update(
            index_elements=["case_id", "party_id"], set_={"state": fresh.excluded.state, "changed_at": fresh.excluded.changed_at}
        ), rows)


def add_duty_met(tx: Transaction, room: Room, duty_id: str, party: str, done_at: datetime, by: PartyId, at: datetime) -> None:
    """Keep that a duty was met, for the first time; whose it was, where it is one vendor's."""
    tx.write(insert(embargo_duties), {
        "case_id": room.id, "duty_id": duty_id, "party_id": party, "done_at": done_at, "recorded_at": at, "recorded_by": by,
    })


def list_duties_met(tx: Transaction, room: Room) -> dict[str, datetime]:
    """Duties that were met by their keys, and when."""
    rows = tx.rows(select(embargo_duties).where(embargo_duties.c.case_id == room.id))
    return {duty_key(row.duty_id, row.party_id): row.done_at for row in rows}


def keep_regime(tx: Transaction, room: Room, party: str, regime: str, applies: bool, by: PartyId, at: datetime) -> None:
    """Keep a vendor's word on a law; the newest counts."""
    fresh: Any = (postgresql if tx.dialect == "postgresql" else sqlite).insert(embargo_regimes)
    values = {"applies": applies, "said_at": at, "said_by": by}
    tx.write(fresh.values(case_id=room.id, party_id=party, regime=regime, **values).on_conflict_do_update(
        index_elements=["case_id", "party_id", "regime"], set_=values
    ))


def list_regimes(tx: Transaction, room: Room) -> dict[tuple[str, str], bool]:
    """Party and law to whether it says it is under it."""
    rows = tx.rows(select(embargo_regimes).where(embargo_regimes.c.case_id == room.id))
    return {(row.party_id, row.regime): bool(row.applies) for row in rows}


def add_leak(tx: Transaction, room: Room, leak: Leak) -> None:
    """Keep that something of the case was seen where it should not be."""
    tx.write(insert(embargo_leaks), {
        "leak_id": leak.id, "case_id": room.id, "state": leak.state, "seen_at": leak.seen_at, "reported_at": leak.reported_at,
        "reported_by": leak.reported_by, "settled_at": leak.settled_at, "settled_by": None, "sealed": seal(room.key, leak.where, leak.id),
    })


def list_leaks(tx: Transaction, room: Room) -> list[Leak]:
    """The leaks of a case, earliest first."""
    query = select(embargo_leaks).where(embargo_leaks.c.case_id == room.id)
    return [
        Leak(row.leak_id, LeakState(row.state), row.seen_at, row.reported_at, row.reported_by,
             unseal(room.key, row.sealed, row.leak_id, str), row.settled_at)
        for row in tx.rows(query.order_by(embargo_leaks.c.reported_at, embargo_leaks.c.leak_id))
    ]


def settle_leak(tx: Transaction, room: Room, leak_id: str, state: LeakState, by: PartyId, at: datetime) -> bool:
    """Keep what a suspected leak turned out to be; False where none waits under this id."""
    return tx.write(update(embargo_leaks).where(
        embargo_leaks.c.case_id == room.id, embargo_leaks.c.leak_id == leak_id, embargo_leaks.c.state == LeakState.SUSPECTED
    ).values(state=state, settled_at=at, settled_by=by)) == 1


def system_case_of_leak(tx: Transaction, leak_id: str) -> str | None:
    """The case of a leak that nobody has judged yet."""
    found: str | None = tx.value(select(embargo_leaks.c.case_id).where(
        embargo_leaks.c.leak_id == leak_id, embargo_leaks.c.state == LeakState.SUSPECTED
    ))
    return found


def _embargo(row: Row[Any]) -> Embargo:
    return Embargo(
        row.embargo_id, row.case_id, EmbargoState(row.state), bool(row.found_with_public_ai), row.exited_at,
        None if row.exit_reason is None else ExitReason(row.exit_reason),
        None if row.timetable_state is None else TimetableState(row.timetable_state), row.ends_at,
        None if row.rank is None else Rank(row.rank), row.term_id,
    )
