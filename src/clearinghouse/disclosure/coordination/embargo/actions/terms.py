"""Terms, facts and duties of a case: whatever moves the timetable without anybody's consent."""

from dataclasses import replace
from datetime import datetime, timedelta

from clearinghouse.core.clock import render_instant
from clearinghouse.core.errors import Conflict, Invalid, NotPermitted
from clearinghouse.core.events import Detail, Event
from clearinghouse.core.ids import PartyId, new_id
from clearinghouse.core.terms import ENDINGS, Milestone, Rank, Terms, complaint_about_terms
from clearinghouse.core.untrusted import clean_line
from clearinghouse.disclosure.coordination.embargo.actions.keeping import PolicyOf, end_embargo, read_situation, recompute
from clearinghouse.disclosure.coordination.embargo.records import AppliedTerms, Embargo, Fact, Facts, Timetable, duty_key
from clearinghouse.disclosure.coordination.embargo.rules import bound_by_duty
from clearinghouse.disclosure.coordination.embargo.states import (
    EXIT_OF,
    PUBLIC_TRANSITIONS,
    VENDOR_TRANSITIONS,
    public_state,
    vendor_path,
)
from clearinghouse.disclosure.coordination.embargo.store import embargoes
from clearinghouse.disclosure.coordination.rooms.actions import coordinate, take_part
from clearinghouse.disclosure.coordination.rooms.actions.entering import nothing_found
from clearinghouse.disclosure.coordination.rooms.records import CaseRole, Room, Standing
from clearinghouse.disclosure.coordination.rooms.rules import parse_paragraph
from clearinghouse.disclosure.coordination.rooms.states import step
from clearinghouse.ledger import actions as ledger
from clearinghouse.storage import Envelope, Transaction

_OF_VENDORS = frozenset({
    Milestone.VENDOR_CONTACTED, Milestone.ACKNOWLEDGED, Milestone.FIX_EXPECTED, Milestone.FIX_READY, Milestone.PATCH_RELEASED,
    Milestone.FIX_DEPLOYED,
})
_OWN = _OF_VENDORS - {Milestone.VENDOR_CONTACTED}
_VENDOR_STEP = {Milestone.FIX_READY: "fix ready", Milestone.FIX_DEPLOYED: "fix deployed"}
_PUBLIC_STEP = {
    Milestone.PUBLIC: "publish", Milestone.EXPLOIT_PUBLIC: "publish exploit", Milestone.EXPLOITED_KNOWN: "see attacks",
}
_SKEW = timedelta(minutes=5)  # between two machines' clocks; not a policy
_RANK_OF_ROLE = {CaseRole.VENDOR: Rank.CHARTER, CaseRole.FINDER: Rank.FINDER, CaseRole.REPORTER: Rank.FINDER}
_HOLDER_CHARACTERS_MAX = 200
_ADDRESS_CHARACTERS_MAX = 400


def apply_terms(
    tx: Transaction, case_id: str, terms: Terms, *, actor: PartyId, envelope: Envelope, policy_of: PolicyOf, now: datetime
) -> tuple[AppliedTerms, Timetable]:
    """Terms that apply in a case from now on: of the policy, of a charter, or as a holder states them.

    A coordinator states anybody's; a vendor its own charter's, a finder its own policy's.
    Raises:
        NotFound: there is no case that the actor may see.
        NotPermitted: they are not the actor's to state.
        Invalid: they make no sense, or claim a rank that is not stated but agreed on.
        Conflict: they apply already, or the case is not open.
    """
    room = take_part(tx, case_id, envelope=envelope, actor=actor, now=now)
    stated = replace(
        terms, holder=clean_line(terms.holder, _HOLDER_CHARACTERS_MAX), source=clean_line(terms.source, _ADDRESS_CHARACTERS_MAX),
        why=clean_line(terms.why, _ADDRESS_CHARACTERS_MAX), id=clean_line(terms.id, 48),
    )
    if complaint := complaint_about_terms(stated):
        raise Invalid(f"these terms make no sense: {complaint}")
    if not stated.id or not stated.holder or stated.rank is Rank.AGREED:
        raise Invalid("terms name who holds them; what participants agree on is proposed, not stated")
    if stated.source and not stated.source.startswith(("https://", "http://")):
        raise Invalid("the source of terms is the address where their holder publishes them")
    _check_may_state(room.standing, stated)
    embargo = embargoes.begin(tx, room.id)
    if any((one.terms.id, one.terms.party) == (stated.id, stated.party) for one in embargoes.list_terms(tx, room)):
        raise Conflict(f"terms {stated.id} apply in this case already; take them out first")
    applied = AppliedTerms(new_id("apt"), stated, now, actor)
    embargoes.add_terms(tx, room, applied)
    details: dict[str, Detail] = {"rank": str(stated.rank), "policy": room.case.policy_version}
    ledger.record(tx, Event("TermsApplied", (room.id, embargo.id, applied.id), details), actor=actor, now=now)
    return applied, recompute(tx, room, policy_of, actor=actor, now=now)


def remove_terms(
    tx: Transaction, case_id: str, applied_id: str, *, actor: PartyId, envelope: Envelope, policy_of: PolicyOf, now: datetime
) -> Timetable:
    """Terms that do not apply after all; a coordinator's word.

    Raises:
        NotFound: there is no such case, or no such terms in it.
        NotPermitted: the actor does not coordinate the case.
        Conflict: the case is not open.
    """
    room = coordinate(tx, case_id, envelope=envelope, actor=actor, now=now)
    embargo = embargoes.begin(tx, room.id)
    if not embargoes.remove_terms(tx, room, applied_id, actor, now):
        raise nothing_found(applied_id)
    ledger.record(tx, Event("TermsRemoved", (room.id, embargo.id, applied_id)), actor=actor, now=now)
    return recompute(tx, room, policy_of, actor=actor, now=now)


def record_fact(
    tx: Transaction, case_id: str, milestone: Milestone, at: datetime, *, party: str = "", note: str = "", actor: PartyId,
    envelope: Envelope, policy_of: PolicyOf, now: datetime,
) -> tuple[Fact, Timetable]:
    """A milestone of a case. Publication, a public exploit and known exploitation end the embargo for all at once.

    A coordinator records anything; a vendor what it has done itself; every participant that exploitation is suspected.
    Args:
        at: UTC; not ahead of `now`, except the day a fix is expected.
        party: whose milestone it is; empty for nobody's in particular.
        note: where it was seen or who said so; sealed.
    Raises:
        NotFound: there is no case that the actor may see, or the party takes no part in it.
        NotPermitted: it is not the actor's to record.
        Invalid: the instant lies ahead.
        Conflict: it is recorded already, comes before a step it needs, or the case is not open.
    """
    room = take_part(tx, case_id, envelope=envelope, actor=actor, now=now)
    whose = _whose(room.standing, milestone, party)
    if milestone is not Milestone.FIX_EXPECTED and at > now + _SKEW:
        raise Invalid(f"{milestone} cannot be recorded for an instant ahead; ask `what-if` what it would change")
    embargo = embargoes.begin(tx, room.id)
    found = read_situation(tx, room, embargo, policy_of, now)
    if whose and whose not in found.facts.parties:
        raise nothing_found(whose)
    _check_order(found.facts, milestone, at, whose)
    fact = Fact(new_id("fct"), milestone, at, whose, now, actor, parse_paragraph(note))
    embargoes.add_fact(tx, room, fact)
    details: dict[str, Detail] = {"milestone": str(milestone), "at": render_instant(at), "party": whose}
    ledger.record(tx, Event("FactRecorded", (room.id, embargo.id, fact.id), details), actor=actor, now=now)
    if milestone in ENDINGS:
        end_embargo(tx, embargo, min(at, now), EXIT_OF[milestone], actor=actor, now=now)
    return fact, recompute(tx, room, policy_of, actor=actor, now=now)


def withdraw_fact(
    tx: Transaction, case_id: str, fact_id: str, *, actor: PartyId, envelope: Envelope, policy_of: PolicyOf, now: datetime
) -> Timetable:
    """A milestone that was recorded by mistake; a coordinator's word. What it ended stays ended.

    Raises:
        NotFound: there is no such case, or no such milestone that stands.
        NotPermitted: the actor does not coordinate the case.
        Conflict: the case is not open.
    """
    room = coordinate(tx, case_id, envelope=envelope, actor=actor, now=now)
    embargo = embargoes.begin(tx, room.id)
    if not embargoes.withdraw_fact(tx, room, fact_id, actor, now):
        raise nothing_found(fact_id)
    ledger.record(tx, Event("FactWithdrawn", (room.id, embargo.id, fact_id)), actor=actor, now=now)
    return recompute(tx, room, policy_of, actor=actor, now=now)


def record_origin(
    tx: Transaction, case_id: str, *, found_with_public_ai: bool, actor: PartyId, envelope: Envelope, policy_of: PolicyOf, now: datetime
) -> Timetable:
    """Whether the flaw was found with AI tools open to everybody; a coordinator's word.

    Raises:
        NotFound: there is no case that the actor may see.
        NotPermitted: the actor does not coordinate it.
        Conflict: it is not open.
    """
    room = coordinate(tx, case_id, envelope=envelope, actor=actor, now=now)
    embargo: Embargo = embargoes.begin(tx, room.id)
    embargoes.keep_origin(tx, embargo, found_with_public_ai=found_with_public_ai)
    ledger.record(tx, Event("OriginRecorded", (room.id, embargo.id), {"public_ai": found_with_public_ai}), actor=actor, now=now)
    return recompute(tx, room, policy_of, actor=actor, now=now)


def record_duty_met(
    tx: Transaction, case_id: str, duty_id: str, done_at: datetime, *, party: str = "", actor: PartyId, envelope: Envelope,
    policy_of: PolicyOf, now: datetime,
) -> Timetable:
    """A duty beside the embargo that was met; a coordinator's or a vendor's word.

    Args:
        party: whose duty it was, where a law puts it on vendors; a vendor speaks of its own, and where one alone is under
            that law it need not be named.
    Raises:
        NotFound: there is no such case, no such duty in its policy, or the party is not bound by it.
        NotPermitted: the actor is neither a coordinator nor a vendor of the case, or speaks of another's duty.
        Invalid: the instant lies ahead, or it is not said whose duty it was.
        Conflict: it was recorded before, or the case is not open.
    """
    room = take_part(tx, case_id, envelope=envelope, actor=actor, now=now)
    if not room.standing.coordinates and CaseRole.VENDOR not in room.standing.roles:
        raise NotPermitted("duties are recorded by the coordinators and vendors of a case")
    duty = next((one for one in policy_of(tx, room.case.policy_version).duties if one.id == duty_id), None)
    if duty is None:
        raise nothing_found(duty_id)
    if done_at > now + _SKEW:
        raise Invalid("a duty is recorded once it was met; the instant lies ahead")
    embargo = embargoes.begin(tx, room.id)
    whose = ""
    if duty.regime:
        bound = bound_by_duty(duty, read_situation(tx, room, embargo, policy_of, now).facts)
        whose = party or ("" if room.standing.coordinates else room.standing.party) or (bound[0] if len(bound) == 1 else "")
        if not room.standing.coordinates and whose != room.standing.party:
            raise NotPermitted("a vendor records its own duties")
        if not whose:
            raise Invalid(f"{duty_id} binds {len(bound)} vendors here; say whose was met")
        if whose not in bound:
            raise nothing_found(whose)
    if duty_key(duty_id, whose) in embargoes.list_duties_met(tx, room):
        raise Conflict(f"{duty_id} was recorded as met before")
    embargoes.add_duty_met(tx, room, duty_id, whose, done_at, actor, now)
    details: dict[str, Detail] = {"duty": duty_id, "at": render_instant(done_at), "party": whose}
    ledger.record(tx, Event("DutyMet", (room.id, embargo.id), details), actor=actor, now=now)
    return recompute(tx, room, policy_of, actor=actor, now=now)


def record_regime(
    tx: Transaction, case_id: str, regime: str, *, applies: bool, party: str = "", actor: PartyId, envelope: Envelope,
    policy_of: PolicyOf, now: datetime,
) -> Timetable:
    """Whether a vendor of a case is under a law such as `eu-cra`, by its own word or as a coordinator has it from the vendor.

    Args:
        party: the vendor; a vendor speaks of itself and need not be named.
    Raises:
        NotFound: there is no case that the actor may see, or the party is no vendor in it.
        NotPermitted: the actor neither coordinates the case nor is that vendor.
        Invalid: the case's policy knows no duty of such a law.
        Conflict: that is known already, or the case is not open.
    Source: Regulation (EU) 2024/2847, article 14.
    """
    room = take_part(tx, case_id, envelope=envelope, actor=actor, now=now)
    laws = {duty.regime for duty in policy_of(tx, room.case.policy_version).duties} - {""}
    if regime not in laws:
        raise Invalid(f"no duty of this case's policy names that law; there are: {', '.join(sorted(laws)) or 'none'}")
    whose = party or room.standing.party
    if not room.standing.coordinates and (CaseRole.VENDOR not in room.standing.roles or whose != room.standing.party):
        raise NotPermitted("a vendor says of itself whether it is under a law; of others a coordinator does")
    embargo = embargoes.begin(tx, room.id)
    found = read_situation(tx, room, embargo, policy_of, now)
    if not any(one.party == whose and one.role is CaseRole.VENDOR for one in found.present):
        raise nothing_found(whose)
    if not keep_regime(tx, room, embargo, whose, regime, applies=applies, charter={}, actor=actor, now=now):
        raise Conflict(f"that this vendor is {'' if applies else 'not '}under {regime} is known already")
    return recompute(tx, room, policy_of, actor=actor, now=now)


def keep_regime(
    tx: Transaction, room: Room, embargo: Embargo, party: str, regime: str, *, applies: bool, charter: dict[str, Detail],
    actor: PartyId, now: datetime,
) -> bool:
    """Note a vendor's word on a law with its event; False where it is known."""
    if embargoes.list_regimes(tx, room).get((party, regime), False) is applies:
        return False
    embargoes.keep_regime(tx, room, party, regime, applies, actor, now)
    details: dict[str, Detail] = {"party": party, "regime": regime, "applies": applies, **charter}
    ledger.record(tx, Event("RegimeStated", (room.id, embargo.id), details), actor=actor, now=now)
    return True


def _check_may_state(standing: Standing, terms: Terms) -> None:
    if standing.coordinates:
        return
    ranks = {_RANK_OF_ROLE[role] for role in standing.roles if role in _RANK_OF_ROLE}
    if terms.rank not in ranks or terms.party != standing.party:
        raise NotPermitted("a vendor states its own charter (rank b) and a finder its own policy (rank e); the rest is for coordinators")


def _whose(standing: Standing, milestone: Milestone, party: str) -> str:
    if party and milestone not in _OF_VENDORS:
        raise Invalid(f"{milestone} is nobody's in particular; leave the party out")
    if standing.coordinates:
        return party
    if milestone is Milestone.EXPLOITATION_SUSPECTED:
        return ""
    if CaseRole.VENDOR in standing.roles and milestone in _OWN and party in ("", standing.party):
        return standing.party
    if milestone in ENDINGS:
        raise NotPermitted(f"that it is {milestone} ends the embargo for all, so a coordinator records it; report a leak or a suspicion instead")
    raise NotPermitted("a vendor records what it has done itself; the rest is for the coordinators of the case")


def _check_order(facts: Facts, milestone: Milestone, at: datetime, whose: str) -> None:
    """Hold a milestone against the state tables: no step is left out, and none is taken twice."""
    if milestone in _PUBLIC_STEP:
        known = facts.at.get(milestone)
        if known is None or at >= known:
            step(PUBLIC_TRANSITIONS, _PUBLIC_STEP[milestone], public_state(facts), ("coordinator",))
    elif milestone in _VENDOR_STEP and whose:
        own = facts.by_party.get(whose, {}).get(milestone)
        if own is None or at >= own:
            step(VENDOR_TRANSITIONS, _VENDOR_STEP[milestone], vendor_path(facts, whose), ("participant",))
