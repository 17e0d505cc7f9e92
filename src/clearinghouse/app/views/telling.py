"""What a viewer may be told of a report beyond that it was received (decision 2).

Who sent a report for itself learns what deconfliction says of it only as a coordinator at work, or once a person has looked: otherwise
a guessed report would be a question to an oracle. The number of statements is the same whatever the answer.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from clearinghouse.app.wiring import Instance
from clearinghouse.core.roles import Role
from clearinghouse.disclosure.coordination.rooms.store import cases, vulnerabilities
from clearinghouse.disclosure.deconfliction import store as deconfliction
from clearinghouse.disclosure.deconfliction.records import DecisionKind
from clearinghouse.disclosure.intake import store as intake
from clearinghouse.disclosure.intake.withdrawals import store as withdrawals
from clearinghouse.storage import Transaction


@dataclass(frozen=True, slots=True)
class Telling:
    """What may be told of one report."""

    everything: bool = False
    """The viewer coordinates: verdict, probability, candidates and case may be shown."""
    looked: bool = False
    """A person has decided something about the report, or put it into a case."""
    known_since: datetime | None = None
    """When the first report of the same flaw that stands came, where a person has said that it is the same."""
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
    on_them = frozenset(wanted)
    everything = on_duty if coordinates(instance) else frozenset[int]()
    with tx.beyond_wall():
        words = deconfliction.standing_words(tx)
        ids = intake.system_report_ids(tx, wanted or [0])
        handled = cases.system_handled(tx, sorted(ids.values()))
        beside = vulnerabilities.system_known_since(tx, sorted(ids.values()))
        merged = [group for word in words if word.kind == DecisionKind.MERGE for group in word.groups if not on_them.isdisjoint(group)]
        gone = withdrawals.system_withdrawn(tx, sorted(on_them.union(*merged)))
        # What its sender took back is not told as known: who came after it is the first of those that stand.
        first = {
            number: min(before) for group in merged for number in group
            if (before := [other for other in group if other < number and other not in gone])
        }
        since = intake.system_received_at(tx, sorted(set(first.values())))
    looked = {number for word in words for group in word.groups for number in group}
    return {
        number: Telling(
            number in everything, number in looked or ids[number] in handled,
            min((at for at in (since.get(first.get(number, 0)), beside.get(ids[number])) if at is not None), default=None),
            gone.get(number),
        )
        for number in wanted if number in ids
    }
