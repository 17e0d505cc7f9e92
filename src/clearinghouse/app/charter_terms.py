"""A vendor's charter and the cases it takes part in: which charter is about a case, and what it brings."""

from collections.abc import Sequence
from datetime import datetime

from clearinghouse.app.wiring import Instance, policy_of
from clearinghouse.core.ids import PartyId
from clearinghouse.core.terms import Terms
from clearinghouse.disclosure.coordination.capacity.facts import all_ai_found, keys_named
from clearinghouse.disclosure.coordination.embargo import actions as embargo
from clearinghouse.disclosure.coordination.rooms.records import CaseRole, Participation, Room
from clearinghouse.disclosure.coordination.rooms.store import cases, participants
from clearinghouse.disclosure.intake.records import Finding
from clearinghouse.parties import store as parties
from clearinghouse.parties.charters import Adopted
from clearinghouse.parties.charters import store as charters
from clearinghouse.parties.charters.rules import embargo_terms
from clearinghouse.storage import Transaction


def bring_to_case(tx: Transaction, instance: Instance, case_id: str, party: PartyId | None, now: datetime) -> None:
    """The charter of a vendor that takes part now, or of each, as terms of the case."""
    room = cases.system_room(tx, case_id, instance.envelope, system=instance.system)
    if room is None:
        return
    vendors = [
        one.party for one in participants.system_participants(tx, case_id)
        if one.role is CaseRole.VENDOR and one.state is Participation.JOINED and party in (None, one.party)
    ]
    for vendor in vendors:
        _bring(tx, instance, room, vendor, now, joins=True)


def bring_to_cases(tx: Transaction, instance: Instance, party: PartyId, now: datetime) -> None:
    """A party's changed charter, to the cases it takes part in already."""
    for case_id, vendor in participants.system_cases_of_vendor(tx, party):
        room = cases.system_room(tx, case_id, instance.envelope, system=instance.system)
        if room is not None:
            _bring(tx, instance, room, vendor, now, joins=False)


def charter_about(adopted: Sequence[Adopted], findings: Sequence[Finding], party: PartyId, now: datetime) -> tuple[Adopted, Terms | None] | None:
    """Of a vendor's charters the one that speaks for its own code in a case, with its terms; None where none does.

    Where the reports name packages or repositories, one that covers them; where they name none, any. Of several the
    one with the fewest days.
    """
    keys, ai_found = set(keys_named(findings)), all_ai_found(findings)
    about = [one for one in adopted if not keys or keys & set(one.covers)]
    found = [(one, embargo_terms(one, ai_found=ai_found, now=now, party=party)) for one in about]

    def strictness(pair: tuple[Adopted, Terms | None]) -> tuple[bool, int, str]:
        days = None if pair[1] is None else pair[1].days
        return days is None, days or 0, pair[0].id

    return min(found, key=strictness, default=None)


def _bring(tx: Transaction, instance: Instance, room: Room, vendor: PartyId, now: datetime, *, joins: bool) -> None:
    known = parties.find_party(tx, vendor)
    holders = [vendor] if known is None or known.organisation is None else [vendor, known.organisation]
    adopted = [one for holder in holders for one in charters.charters_of(tx, holder, instance.envelope)]
    if not adopted:
        return
    read = [cases.read_finding(tx, room, one.id, now=now) for one in cases.list_reports(tx, room, now=now)]
    found = charter_about(adopted, [one[1] for one in read if one is not None], vendor, now)
    if found is not None:
        embargo.bring_charter(
            tx, room, vendor, *found, joins=joins, actor=instance.system, policy_of=policy_of, now=now
        )
