"""What a viewer may be told of a report beyond that it was received (decision 2).

Who sent a report for itself learns what deconfliction says of it only as a coordinator at work, or once a person has looked: otherwise
a guessed report would be a question to an oracle. That a person has looked is charged to the budget of the blind check, whatever came of it;
beyond the budget a report stays "received" until the budget renews. The number of statements is the same whatever the answer.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from clearinghouse.app.wiring import Instance
from clearinghouse.core.ids import PartyId
from clearinghouse.core.roles import Role
from clearinghouse.disclosure.coordination.rooms.store import cases, vulnerabilities
from clearinghouse.disclosure.deconfliction import store as deconfliction
from clearinghouse.disclosure.deconfliction.credit.records import Claim
from clearinghouse.disclosure.deconfliction.credit.rules import known_since
from clearinghouse.disclosure.deconfliction.records import SAMENESS, DecisionKind
from clearinghouse.disclosure.deconfliction.telling import actions as tellings
from clearinghouse.disclosure.intake import store as intake
from clearinghouse.disclosure.intake.commitments import store as commitments
from clearinghouse.disclosure.intake.commitments.rules import counts_from
from clearinghouse.disclosure.intake.withdrawals import store as withdrawals
from clearinghouse.storage import Transaction


@dataclass(frozen=True, slots=True)
class Telling:
    """What may be told of one report."""

    everything: bool = False
    """The viewer coordinates: verdict, probability, candidates and case may be shown."""
    looked: bool = False
    """A person has decided something about the report, or put it into a case, and the budget allows to say so."""
    known_since: datetime | None = None
    """When the first of the same flaw that stands came or was committed to, where a person has said that it is the same."""
    withdrawn_at: datetime | None = None
    """When its sender took it back."""


NOTHING = Telling()
"""For a mere reporter whose report nobody has looked at."""


def founding_reports(tx: Transaction, instance: Instance, clusters: Collection[int]) -> dict[int, str]:
    """Of each cluster the oldest report that the viewer is on duty for, by which that viewer names it.

    Not the oldest of all: that may be a held finding, whose id is told to nobody (decision 1).
    """
    members = deconfliction.numbers_in(tx, sorted(clusters) or [0])
    ids = intake.duty_ids(tx, [number for number, _ in members] or [0], viewer=instance.actor.id, now=instance.clock.now())
    found: dict[int, str] = {}
    for number, cluster in members:
        if number in ids:
            found.setdefault(cluster, ids[number])
    return found


def coordinates(instance: Instance) -> bool:
    """Whether the viewer's role is to look at what others sent; on which reports it does is a matter of grants."""
    return Role.COORDINATOR in instance.actor.roles


def read_tellings(tx: Transaction, instance: Instance, numbers: Collection[int]) -> dict[int, Telling]:
    """For each of these reports, all of which the viewer may read, what may be told of it."""
    wanted = sorted(numbers)
    on_duty = intake.duty_numbers(tx, wanted, viewer=instance.actor.id, now=instance.clock.now())
    everything = on_duty if coordinates(instance) else frozenset[int]()
    with tx.beyond_wall():
        ids = intake.system_report_ids(tx, wanted or [0])
        looks = read_looks(tx, ids)
        members = sorted({*wanted, *(number for group in looks.merged for number in group)}) or [0]
        gone = withdrawals.system_withdrawn(tx, members)
        known = {number: _claim(receipt, number in gone) for number, receipt in intake.system_receipts(tx, members).items()}
        committed = commitments.system_by_report(tx, intake.ids_of(tx, members))
        beside = vulnerabilities.system_beside(tx, sorted(ids.values()))
        committed_beside = commitments.system_by_report(tx, sorted({peer for peers in beside.values() for peer in peers}))
        held_back = tellings.system_held_back(tx, sorted(ids.values()), policy=instance.policy.blind, now=instance.clock.now())
    earlier = {
        report: counts_from(commitment, held, instance.policy.commitments)
        for report, (commitment, held) in {**committed, **committed_beside}.items()
    }
    claims = {number: replace(claim, committed_at=earlier.get(claim.report)) for number, claim in known.items()}
    found = {}
    for number in (number for number in wanted if number in ids and number in claims):
        others = [claims[other] for group in looks.merged if number in group for other in group if other in claims]
        others += [Claim(peer, PartyId(""), None, at, earlier.get(peer)) for peer, at in beside.get(ids[number], {}).items()]
        told = number in everything or ids[number] not in held_back
        found[number] = Telling(
            number in everything, told and number in looks.looked, known_since(claims[number], others) if told else None, gone.get(number)
        )
    return found


@dataclass(frozen=True, slots=True)
class Looks:
    """What persons have said of some reports."""

    looked: frozenset[int]
    """Those that a decision speaks of, or that are in a case."""
    merged: tuple[tuple[int, ...], ...]
    """The groups that decisions join and one of these is in."""


def read_looks(tx: Transaction, ids: Mapping[int, str]) -> Looks:
    """Which of these reports, by number and id, a person has looked at; shown to nobody as it is."""
    words = [word for word in deconfliction.standing_words(tx) if word.kind in SAMENESS]
    handled = cases.system_handled(tx, sorted(ids.values()))
    spoken = {number for word in words for group in word.groups for number in group}
    merged = [group for word in words if word.kind == DecisionKind.MERGE for group in word.groups if not ids.keys().isdisjoint(group)]
    return Looks(frozenset(number for number in ids if number in spoken or ids[number] in handled), tuple(merged))


def _claim(receipt: intake.Receival, withdrawn: bool) -> Claim:
    return Claim(receipt.report_id, receipt.reporter, None, receipt.received_at, withdrawn=withdrawn)
