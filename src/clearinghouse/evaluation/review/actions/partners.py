"""Trusted partners: proposed by either side, chosen by both with reasons, suspended and restored in seconds."""

from datetime import datetime

from clearinghouse.core.errors import Conflict, Invalid, NotPermitted
from clearinghouse.core.ids import PartyId, new_id
from clearinghouse.evaluation.review import rules, store
from clearinghouse.evaluation.review.access import (
    end_partner_access,
    grant_partner_access,
    restore_partner_access,
    suspend_partner_access,
)
from clearinghouse.evaluation.review.actions.entering import leave, nothing_found, take_part, write_entry
from clearinghouse.evaluation.review.documents import predicate_of
from clearinghouse.evaluation.review.records import (
    DocumentKind,
    Engagement,
    EntryKind,
    Part,
    Partner,
    PartnerId,
    PartnerState,
    PartnerVote,
    ReviewKind,
    ReviewState,
    Vote,
)
from clearinghouse.gateway.records import Access
from clearinghouse.parties import actions as parties
from clearinghouse.storage import Envelope, Transaction

_SIDES = (Part.DEVELOPER, Part.AUTHORITY)


def propose_partner(
    tx: Transaction, review_id: str, *, name: str, sector: str, tier: str, terms: str, why: str, tokens_max: int, ends_at: datetime,
    small_operator: bool = False, party: PartyId | None = None, envelope: Envelope, actor: PartyId, now: datetime,
) -> Partner:
    """A candidate with its tier, terms and quota; either side proposes, both choose.

    Args:
        party: the candidate's party here, where it is to use the gateway.
    Raises:
        NotFound: no such review for the actor, or no such party.
        NotPermitted: the actor speaks for neither side.
        Invalid: a text is missing, there is no quota, or it would end in the past.
        Conflict: the review is of a kind without a model, or its model has open weights: nothing after release is recorded as an obligation.
    """
    engagement = take_part(tx, review_id, *_SIDES, envelope=envelope, actor=actor, now=now)
    if engagement.review.kind not in (ReviewKind.ACCESS, ReviewKind.UPDATE):
        raise Conflict("partners are chosen for a model under review")
    if engagement.review.model.open_weights:
        raise Conflict("the weights of this model are open: no restriction after release is recorded for it")
    if tokens_max <= 0 or ends_at <= now:
        raise Invalid("a partner has a quota of tokens and an end that lies ahead")
    rules.check_instant(ends_at, "the end of a partner's access")
    if party is not None:
        party = parties.get_party(tx, party).id
    new = Partner(
        PartnerId(new_id("ptn")), engagement.id, now, actor, PartnerState.PROPOSED, now, rules.parse_line(name, "a name"),
        rules.parse_line(sector, "a sector"), rules.parse_line(tier, "a tier"), rules.parse_text(terms, "terms"), rules.parse_text(why, "a reason"),
        tokens_max, ends_at, party, small_operator,
    )
    store.partners.add(tx, engagement, new)
    leave(tx, engagement, "PartnerProposed", {"small_operator": small_operator, "tokens_max": tokens_max}, subjects=(new.id,), actor=actor, now=now)
    return new


def vote(
    tx: Transaction, review_id: str, partner_id: str, answer: Vote, untrusted_reason: str, *, envelope: Envelope, actor: PartyId, now: datetime
) -> PartnerState:
    """A side's word about a candidate, with its reason; the latest of a side counts, the earlier ones stay. Gives where the candidate stands.

    Raises:
        NotFound, NotPermitted: as for `take_part`, and where there is no such candidate.
        Invalid: there is no reason.
        Conflict: the candidate's place has ended.
    """
    engagement = take_part(tx, review_id, *_SIDES, envelope=envelope, actor=actor, now=now)
    partner = _find(tx, engagement, partner_id)
    if partner.state in (PartnerState.ENDED, PartnerState.SUSPENDED):
        raise Conflict(f"this partner is {partner.state}; it is restored or proposed anew")
    side = rules.side_of(engagement.parts)
    assert side is not None, "both parts that may vote are sides"
    said = PartnerVote(partner.id, side, actor, now, answer, rules.parse_text(untrusted_reason, "a reason"))
    store.partners.add_vote(tx, engagement, said)
    state = rules.outcome_of_votes([one for one in store.partners.votes_of(tx, engagement) if one.partner_id == partner.id])
    if state is not partner.state:
        store.partners.move(tx, partner, state, now)
        if partner.state is PartnerState.CHOSEN:
            end_partner_access(tx, engagement, partner, actor=actor, now=now)
    leave(tx, engagement, "PartnerAnswered", {"side": str(side), "vote": str(answer), "state": str(state)}, subjects=(partner.id,), actor=actor, now=now)
    return state


def suspend_partner(
    tx: Transaction, review_id: str, partner_id: str, untrusted_reason: str, *, envelope: Envelope, actor: PartyId, now: datetime
) -> None:
    """One side is enough to suspend; its access rests within a second.

    Raises:
        NotFound, NotPermitted: as for `vote`.
        Invalid: there is no reason.
        Conflict: it is not a chosen partner.
    """
    engagement = take_part(tx, review_id, *_SIDES, envelope=envelope, actor=actor, now=now)
    partner = _find(tx, engagement, partner_id)
    if partner.state is not PartnerState.CHOSEN or not store.partners.move(tx, partner, PartnerState.SUSPENDED, now):
        raise Conflict(f"only a chosen partner is suspended; this one is {partner.state}")
    write_entry(tx, engagement, EntryKind.REASON, "partner suspended", rules.parse_text(untrusted_reason, "a reason"), subject=partner.id, actor=actor, now=now)
    suspend_partner_access(tx, engagement, partner, actor=actor, now=now)
    leave(tx, engagement, "PartnerSuspended", subjects=(partner.id,), actor=actor, now=now)


def restore_partner(tx: Transaction, review_id: str, partner_id: str, *, envelope: Envelope, actor: PartyId, now: datetime) -> None:
    """Lift a suspension: by the side that suspended.

    Raises:
        NotFound: as for `vote`.
        NotPermitted: the other side suspended it.
        Conflict: it is not suspended.
    """
    engagement = take_part(tx, review_id, *_SIDES, envelope=envelope, actor=actor, now=now)
    partner = _find(tx, engagement, partner_id)
    if partner.state is not PartnerState.SUSPENDED:
        raise Conflict(f"this partner is not suspended; it is {partner.state}")
    reasons = [one for one in store.entries.list_of(tx, engagement) if one.kind is EntryKind.REASON and one.subject == partner.id]
    suspended_by = reasons[-1].by if reasons else actor
    of_side = {one.party for one in store.reviews.list_participants(tx, engagement) if one.part is rules.side_of(engagement.parts)}
    if suspended_by not in of_side:
        raise NotPermitted("the side that suspended a partner restores it")
    if not store.partners.move(tx, partner, PartnerState.CHOSEN, now):
        raise Conflict("somebody else moved this partner in the same moment; look again")
    restore_partner_access(tx, engagement, partner, actor=actor, now=now)
    leave(tx, engagement, "PartnerRestored", subjects=(partner.id,), actor=actor, now=now)


def give_access(tx: Transaction, review_id: str, partner_id: str, *, envelope: Envelope, actor: PartyId, now: datetime) -> tuple[Access, str]:
    """The developer lets a chosen partner call the model through the gateway; gives the access and its key, which is shown once.

    Raises:
        NotFound, NotPermitted: as for `vote`; access to a model is its developer's to give.
        Conflict: it is no chosen partner, has no party here, or the review is withdrawn.
        Invalid: its end lies before the planned release.
    """
    engagement = take_part(tx, review_id, Part.DEVELOPER, envelope=envelope, actor=actor, now=now)
    partner = _find(tx, engagement, partner_id)
    if partner.state is not PartnerState.CHOSEN or partner.party is None:
        raise Conflict(f"only a chosen partner that is a party here is given access; this one is {partner.state}")
    if engagement.review.state is ReviewState.WITHDRAWN:
        raise Conflict("this review is withdrawn, and every access ended with it")
    agreement = store.documents.latest(tx, engagement, DocumentKind.AGREEMENT)
    if agreement is None:
        raise Conflict("no terms say which model it is")
    return grant_partner_access(tx, engagement, partner, str(predicate_of(agreement)["upstream"]), actor=actor, now=now)


def _find(tx: Transaction, engagement: Engagement, partner_id: str) -> Partner:
    found = next((one for one in store.partners.list_of(tx, engagement) if one.id == partner_id), None)
    if found is None:
        raise nothing_found(partner_id)
    return found
