"""What the counting rule proposes for a cluster: keep, split or merge, with the clauses and the facts it rests on.

Only reports that the viewer is on duty for bear facts here, so that a proposal tells of nobody else's; what others hold in the
cluster is said as a number. Nothing is decided by looking.
"""

from dataclasses import dataclass

from clearinghouse.app.views.cases import Case, read_case
from clearinghouse.app.views.reports import title_of
from clearinghouse.app.wiring import Instance
from clearinghouse.disclosure.deconfliction import store as deconfliction
from clearinghouse.disclosure.deconfliction.counting.clauses import BOOK, CLAUSES, RuleBook
from clearinghouse.disclosure.deconfliction.counting.facts import facts_of
from clearinghouse.disclosure.deconfliction.counting.rules import propose
from clearinghouse.disclosure.intake import store as intake

REPORTS_MAX = 60
"""Reports of a cluster that are compared pair by pair, in order of receipt."""
NEIGHBOURS_MAX = 60


@dataclass(frozen=True, slots=True)
class Named:
    """A report by its id and title."""

    id: str
    title: str


@dataclass(frozen=True, slots=True)
class ReasonLine:
    """One clause with the fact it rests on."""

    clause: str
    clause_says: str
    """The clause in our words."""
    says: str
    """What it speaks for: `one flaw`, `flaws of their own`, `a person must say`, `not known`."""
    fact: str
    reports: tuple[Named, ...]


@dataclass(frozen=True, slots=True)
class Counting:
    """A proposal by the counting rule. A person decides."""

    cluster_id: str
    count: str
    """`keep`, `split`, `merge`, or `a person must say`."""
    groups: tuple[tuple[Named, ...], ...]
    """Of a split, the flaws as far as they can be told; else all reports as one group."""
    others: tuple[Named, ...]
    """Reports of other clusters that are the same flaw by the rule."""
    reasons: tuple[ReasonLine, ...]
    considered: int
    """Reports whose facts were compared."""
    held: int
    """Reports in the cluster that the viewer may not read; their facts are not in this."""
    rule: RuleBook = BOOK


def read_counting(instance: Instance, cluster_id: str) -> Counting:
    """The proposal for a cluster, if the viewer coordinates a report of it.

    Raises:
        NotFound: there is no such cluster that the viewer may see.
    """
    return count_cluster(instance, read_case(instance, cluster_id))


def count_cluster(instance: Instance, cluster: Case) -> Counting:
    """The proposal for a cluster that the viewer has opened."""
    viewer, now = instance.actor.id, instance.clock.now()
    ids = [line.id for line in cluster.reports[:REPORTS_MAX]]
    with instance.read() as tx:
        inside = intake.read_reports(tx, ids or [""], instance.envelope, viewer=viewer, now=now)
        numbers = sorted(report.number for report in inside.values())
        placed = deconfliction.read_placements(tx, numbers or [0])
        around = dict.fromkeys(
            other for number in numbers if number in placed
            for other, _, _ in deconfliction.unpack_candidates(placed[number].candidates)
        )
        own = {number for number, _ in deconfliction.numbers_in(tx, sorted({placement.cluster for placement in placed.values()}) or [0])}
        near = [other for other in around if other not in own][:NEIGHBOURS_MAX]
        outside = intake.read_reports_by_number(tx, near or [0], instance.envelope, viewer=viewer, now=now, duty=True)
    proposal = propose(
        [facts_of(report.id, report.finding) for report in inside.values()],
        [facts_of(report.id, report.finding) for report in outside.values()],
        instance.policy.deconfliction.evidence.stack_similarity_min,
    )
    known = [*inside.values(), *outside.values()]
    titles = {str(report.id): title_of(report.finding) for report in known}
    order = {str(report.id): report.number for report in known}

    def named(ids_: tuple[str, ...]) -> tuple[Named, ...]:
        return tuple(Named(one, titles[one]) for one in sorted(ids_, key=order.__getitem__))

    # A cluster that came to hold nothing readable between the two readings has no groups.
    groups = sorted((group for group in proposal.groups if group), key=lambda group: min(order[one] for one in group))
    return Counting(
        cluster.line.id, proposal.count, tuple(named(group) for group in groups), named(proposal.others),
        tuple(ReasonLine(r.clause, CLAUSES[r.clause].says, r.says, r.fact, named(r.reports)) for r in proposal.reasons),
        len(inside), cluster.line.hidden,
    )
