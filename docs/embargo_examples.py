"""The five worked examples of the precedence of clocks: rendered into reference/embargo.md, and compared in the tests."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime

from clearinghouse.app.settings import default_policy_document, parse_policy
from clearinghouse.core.terms import Milestone, Rank, Terms
from clearinghouse.disclosure.coordination.embargo.records import Accord, Change, ChangeKind, Facts

POLICY = parse_policy(1, default_policy_document())
SHIPPED = {terms.id: terms for terms in POLICY.terms}
FINDER, VENDOR, DESK = "the finder", "the vendor", "the desk"
ALL = frozenset({FINDER, VENDOR, DESK})


@dataclass(frozen=True, slots=True)
class Example:
    """One case, what is asked of the calculator, and what must come out."""

    title: str
    story: str
    facts: Facts
    terms: tuple[Terms, ...]
    now: datetime
    ends_at: datetime | None
    rank: Rank | None
    term_id: str
    change: Change | None = None
    """Asked as a what-if beside it."""
    then_ends_at: datetime | None = None
    then_rank: Rank | None = None


def day(month: int, number: int, hour: int = 9) -> datetime:
    """An instant of 2026."""
    return datetime(2026, month, number, hour, tzinfo=UTC)


_CHARTER = Terms("charter", "the project", "https://project.example/disclosure", Rank.CHARTER, Milestone.VENDOR_CONTACTED, days=21,
                 zone="Europe/Berlin", party=VENDOR)
_LAB = replace(SHIPPED["labs-90-14"], party=FINDER)

EXAMPLES = (
    Example(
        "The list is stricter than the laboratory",
        "A laboratory with 90 + 14 days told the vendor on 1 October and took the case to linux-distros on 20 October. The list's fourteen days "
        "rank before the finder's ninety, so the embargo ends in November and the laboratory must be told that it cannot count on January.",
        Facts({Milestone.REPORTED: day(10, 1), Milestone.VENDOR_CONTACTED: day(10, 1), Milestone.POSTED_TO_LIST: day(10, 20)}, parties=ALL),
        (_LAB, SHIPPED["linux-distros"], SHIPPED["fallback-30"]), day(10, 21), day(11, 3), Rank.BODY, "linux-distros",
        Change(ChangeKind.EXTENSION_ACCEPTED, day(11, 20)), day(11, 3), Rank.BODY,
    ),
    Example(
        "A clock that waits for the fix",
        "A flaw of the kernel: its charter counts seven days from a fix that is ready, and there is none. A clock that has not started binds "
        "nobody, so the laboratory's ninety days stand until there is a fix; the day it is ready the charter takes over.",
        Facts({Milestone.REPORTED: day(10, 1), Milestone.VENDOR_CONTACTED: day(10, 1)}, parties=ALL),
        (_LAB, SHIPPED["kernel"], SHIPPED["fallback-30"]), day(10, 21), day(12, 30), Rank.FINDER, "labs-90-14",
        Change(ChangeKind.FIX_READY, day(11, 5)), day(11, 12), Rank.CHARTER,
    ),
    Example(
        "What all accepted goes before the finder's policy",
        "A finder without a date of its own, and an instance whose default is thirty days. All three parties accepted 1 December, and nobody with "
        "a better rank has said anything. When a vendor joins whose charter says 21 days, that charter binds: it is about its own code, and the "
        "vendor has accepted nothing longer yet.",
        Facts({Milestone.REPORTED: day(10, 1)}, parties=ALL, accords=(Accord("agreement", day(12, 1), day(10, 2), ALL, ALL),)),
        (replace(SHIPPED["open-ended"], party=FINDER), SHIPPED["fallback-30"]), day(10, 21), day(12, 1), Rank.AGREED, "agreement",
        Change(ChangeKind.VENDOR_JOINS, day(10, 25), "another vendor", (replace(_CHARTER, party="another vendor"),)), day(11, 15), Rank.CHARTER,
    ),
    Example(
        "Somebody else publishes",
        "A charter of 21 days runs until 22 October, and somebody who takes no part plans to publish on 13 October. From the instant it is public "
        "nobody is bound, and everybody is told.",
        Facts({Milestone.REPORTED: day(9, 30), Milestone.VENDOR_CONTACTED: day(10, 1)}, parties=ALL),
        (_CHARTER, _LAB, SHIPPED["fallback-30"]), day(10, 10), day(10, 22), Rank.CHARTER, "charter",
        Change(ChangeKind.GOES_PUBLIC, day(10, 13, 14)), day(10, 13, 14), Rank.OVER,
    ),
    Example(
        "Found with public AI tools",
        "The default of the instance keeps nothing quiet that AI tools open to everybody find: others find it too. There is no embargo from the "
        "day of the report. When the vendor joins with a charter that does grant one, the charter ranks first, and binds.",
        Facts({Milestone.REPORTED: day(10, 1)}, found_with_public_ai=True, parties=frozenset({FINDER, DESK})),
        (SHIPPED["fallback-30"],), day(10, 2), day(10, 1), Rank.DEFAULT, "fallback-30",
        Change(ChangeKind.VENDOR_JOINS, day(10, 3), VENDOR, (_CHARTER,)), day(10, 24), Rank.CHARTER,
    ),
)
