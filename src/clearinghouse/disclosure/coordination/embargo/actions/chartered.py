"""What a vendor's own charter brings into a case, without anybody stating it: dates for its code, and the laws it is under."""

from datetime import datetime

from clearinghouse.core.events import Detail, Event
from clearinghouse.core.ids import PartyId, new_id
from clearinghouse.core.terms import Terms
from clearinghouse.disclosure.coordination.embargo.actions.keeping import PolicyOf, read_situation, recompute
from clearinghouse.disclosure.coordination.embargo.actions.terms import keep_regime
from clearinghouse.disclosure.coordination.embargo.gathering import brings_forward, terms_of
from clearinghouse.disclosure.coordination.embargo.records import AppliedTerms, EmbargoState
from clearinghouse.disclosure.coordination.embargo.rules import compute_timetable
from clearinghouse.disclosure.coordination.embargo.store import embargoes
from clearinghouse.disclosure.coordination.rooms.records import CaseState, Room
from clearinghouse.ledger import actions as ledger
from clearinghouse.parties.charters.records import Adopted
from clearinghouse.storage import Transaction


def bring_charter(
    tx: Transaction, room: Room, party: PartyId, adopted: Adopted, terms: Terms | None, *, joins: bool, actor: PartyId,
    policy_of: PolicyOf, now: datetime,
) -> AppliedTerms | None:
    """A charter's terms as those of the vendor that takes part; None where nothing follows. Doing it twice does it once.

    For follow-ups alone. A charter that comes with the vendor binds as it stands. One put in force later was not what
    the others relied on when they shared: it binds only where it brings the end forward, since within a rank the
    earliest instant binds, and what is later is proposed to all. Stated terms of the vendor are never touched.

    Args:
        party: the participant, which the terms are then about.
        terms: what the charter says of dates; None where it says nothing.
        joins: the vendor comes now; False where its charter changed meanwhile.
    Source: decision 16.
    """
    embargo = embargoes.begin(tx, room.id)
    if room.case.state is not CaseState.OPEN:
        return None
    whence: dict[str, Detail] = {"charter": adopted.id, "version": adopted.version, "digest": adopted.digest}
    said = [
        keep_regime(tx, room, embargo, party, regime, applies=True, charter=whence, actor=actor, now=now)
        for regime in adopted.charter.regimes if (party, regime) not in embargoes.list_regimes(tx, room)
    ]
    applied = None
    if terms is not None and embargo.state is not EmbargoState.EXITED:
        applied = _apply(tx, room, terms, whence, joins=joins, embargo_id=embargo.id, actor=actor, policy_of=policy_of, now=now)
    if applied is not None or any(said):
        recompute(tx, room, policy_of, actor=actor, now=now)
    return applied


def _apply(
    tx: Transaction, room: Room, terms: Terms, whence: dict[str, Detail], *, joins: bool, embargo_id: str, actor: PartyId,
    policy_of: PolicyOf, now: datetime,
) -> AppliedTerms | None:
    own = [one for one in embargoes.list_terms(tx, room) if one.terms.rank is terms.rank and one.terms.party == terms.party]
    earlier = next((one for one in own if one.terms.id == terms.id), None)
    if own and (earlier is None or earlier.terms == terms):
        return None  # The vendor's charter was stated by somebody, or is here as it stands.
    if earlier is not None or not joins:
        found = read_situation(tx, room, embargoes.begin(tx, room.id), policy_of, now)
        kept = [one for one in found.applied if one is not earlier and (earlier is None or one.id != earlier.id)]
        before = compute_timetable(found.facts, found.terms, now)
        after = compute_timetable(found.facts, (*terms_of(kept, found.policy), terms), now)
        fewer = earlier is None or (earlier.terms.days is not None and terms.days is not None and terms.days < earlier.terms.days)
        if not (fewer and brings_forward(before, after)):
            return None
    replaced: dict[str, Detail] = {}
    if earlier is not None:
        embargoes.remove_terms(tx, room, earlier.id, actor, now)
        replaced = {"replaces": earlier.id}
    applied = AppliedTerms(new_id("apt"), terms, now, actor)
    embargoes.add_terms(tx, room, applied)
    details: dict[str, Detail] = {"rank": str(terms.rank), "policy": room.case.policy_version, **whence, **replaced}
    ledger.record(tx, Event("TermsApplied", (room.id, embargo_id, applied.id), details), actor=actor, now=now)
    return applied
