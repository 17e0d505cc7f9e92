"""Keep, split or merge: what the counting rule proposes, and that order and absence of facts are what they should be."""

from collections.abc import Iterable
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearinghouse.core.product import Package
from clearinghouse.disclosure.deconfliction.counting.clauses import BOOK, CLAUSES
from clearinghouse.disclosure.deconfliction.counting.facts import Facts, facts_of
from clearinghouse.disclosure.deconfliction.counting.rules import Count, Proposal, Reason, Says, weigh_pair
from clearinghouse.disclosure.deconfliction.counting.rules import propose as propose_
from clearinghouse.disclosure.intake.records import CodeLocation, Crash, Finding, Frame, Identifier, IdentifierRole, VersionRange
from patch_samples import BACKPORT, PATCH


def propose(members: Iterable[Facts], near: Iterable[Facts] = ()) -> Proposal:
    return propose_(members, near, 0.6)


def said(one: Finding, other: Finding) -> tuple[str, str] | None:
    """Clause and what it speaks for, the same from both sides."""
    a, b = facts_of("rep_a", one), facts_of("rep_b", other)
    assert weigh_pair(a, b, 0.6) == weigh_pair(b, a, 0.6)
    word = weigh_pair(a, b, 0.6)
    return None if word is None else (word.clause, word.says)


def at(symbol: str, path: str = "lib/a.c", cwe: str = "CWE-787", product: str = "picture", **more: object) -> Finding:
    return Finding(products=(product,), weaknesses=(cwe,), locations=(CodeLocation(path, 1, None, symbol),), **more)  # type: ignore[arg-type]


def cve(number: str, **more: object) -> Finding:
    return Finding(identifiers=(Identifier(number, IdentifierRole.OWN),), **more)  # type: ignore[arg-type]


def crash(*frames: str) -> Finding:
    return Finding(crash=Crash("a", "SEGV", frames=tuple(Frame(name) for name in frames)))


@pytest.mark.parametrize(("one", "other", "expected"), [
    (cve("CVE-2026-1000"), cve("CVE-2026-1000"), ("4.2.6", Says.ONE)),
    (cve("CVE-2026-1000"), cve("CVE-2026-2000"), ("4.2.6", Says.TWO)),
    (cve("CVE-2026-1000"), Finding(description="An incomplete fix for CVE-2026-1000."), ("4.2.8", Says.PERSON)),
    (cve("CVE-2026-1000"), Finding(description="May be chained with CVE-2026-1000."), ("4.2.11", Says.TWO)),
    (at("tile_read"), at("tile_read"), ("4.1.10", Says.ONE)),
    (at("tile_read"), at("tile_read", "src/picture/lib/a.c"), ("4.1.10", Says.ONE)),
    (at("tile_read"), at("tile_read", cwe="CWE-190"), ("4.1.11", Says.ONE)),
    (at("tile_read"), at("tile_read", cwe="CWE-79"), None),
    (at("tile_read", "net/a/main.c"), at("tile_read", "net/b/main.c"), None),
    (at("tile_read"), at("row_copy"), None),
    (at("tile_read"), at("row_copy", cwe="CWE-79"), ("4.2.11", Says.TWO)),
    (at("tile_read", ranges=(VersionRange(fixed=("1.1",)),)), at("row_copy", ranges=(VersionRange(fixed=("1.2",)),)), ("4.2.11", Says.TWO)),
    (at("tile_read", "vendor/picture/lib/a.c", product="heron"), at("tile_read"), ("4.2.13(1)", Says.ONE)),
    (at("tile_read", "x.c", product="heron"), at("tile_read", "y.c"), ("4.2.13(3)", Says.TWO)),
    (Finding(remediation=PATCH, products=("wombat",)), Finding(remediation=BACKPORT, products=("heron",)), ("4.2.13(1)", Says.ONE)),
    (Finding(remediation=PATCH), Finding(remediation=BACKPORT), ("4.1.10", Says.ONE)),
    (Finding(remediation=PATCH), Finding(remediation=PATCH.replace("chunk_read", "grid_read").replace("CHUNK_TOO", "GRID_TOO")), ("4.2.11", Says.TWO)),
    (crash("a_read", "b_read", "c_read"), crash("a_read", "b_read", "c_read"), ("4.1.10", Says.ONE)),
    (crash("a_read", "b_read", "c_read"), crash("a_read", "x_read", "y_read"), None),
    (crash("a_read", "b_read", "c_read"), at("a_read", ""), ("4.1.10", Says.ONE)),
    (Finding(packages=(Package("pypi", "arbor"),)), Finding(products=("arbor",)), None),
    (Finding(), Finding(), None),
])
def test_what_the_rule_says_of_two_reports(one: Finding, other: Finding, expected: tuple[str, str] | None) -> None:
    assert said(one, other) == expected


def test_keep_says_why() -> None:
    proposal = propose([facts_of("rep_b", at("tile_read")), facts_of("rep_a", at("tile_read"))])
    assert proposal == Proposal(Count.KEEP, (("rep_a", "rep_b"),), (), (
        Reason("4.1.10", Says.ONE, "the same function of the same file", ("rep_a", "rep_b")),
    ))


def test_split_groups_what_belongs_together_and_leaves_the_rest_open() -> None:
    members = [at("tile_read"), at("tile_read"), at("row_copy", cwe="CWE-79"), Finding(title="Something is wrong")]
    proposal = propose([facts_of(f"rep_{n}", finding) for n, finding in enumerate(members)])
    assert (proposal.count, proposal.groups) == (Count.SPLIT, (("rep_0", "rep_1"), ("rep_2",)))
    assert [(reason.clause, reason.says, reason.reports) for reason in proposal.reasons] == [
        ("4.1.10", Says.ONE, ("rep_0", "rep_1")), ("4.2.11", Says.TWO, ("rep_0", "rep_1", "rep_2")), ("4.2.12", Says.OPEN, ("rep_3",)),
    ]


def test_merge_names_the_reports_of_other_clusters() -> None:
    near = [facts_of("rep_x", at("tile_read")), facts_of("rep_y", at("other_read"))]
    proposal = propose([facts_of("rep_a", at("tile_read"))], near)
    assert (proposal.count, proposal.others) == (Count.MERGE, ("rep_x",))


def test_uncertain_is_one_id() -> None:
    proposal = propose([facts_of("rep_a", at("tile_read")), facts_of("rep_b", at("row_copy"))])
    assert (proposal.count, [reason.clause for reason in proposal.reasons]) == (Count.KEEP, ["4.2.12"])


def test_a_contradiction_is_for_a_person() -> None:
    # Two numbers, and a third report that bears neither and is one with both.
    members = [cve("CVE-2026-1000", remediation=PATCH), cve("CVE-2026-2000", remediation=PATCH), Finding(remediation=PATCH)]
    proposal = propose([facts_of(f"rep_{n}", finding) for n, finding in enumerate(members)])
    assert proposal.count is Count.PERSON
    assert proposal.reasons[-1].reports == ("rep_0", "rep_1")


def test_a_report_of_several_numbers_is_split_by_itself() -> None:
    several = Finding(identifiers=tuple(Identifier(f"CVE-2026-{n}000", IdentifierRole.ALIAS) for n in (1, 2)))
    assert propose([facts_of("rep_a", several)]).count is Count.SPLIT


FINDING = st.builds(
    lambda symbol, cwe, number, patch, text: Finding(
        products=("picture",), weaknesses=(cwe,) if cwe else (), locations=(CodeLocation("lib/a.c", 1, None, symbol),) if symbol else (),
        identifiers=(Identifier(number, IdentifierRole.OWN),) if number else (), remediation=patch, description=text,
    ),
    st.sampled_from(["", "tile_read", "row_copy"]), st.sampled_from(["", "CWE-787", "CWE-79"]), st.sampled_from(["", "CVE-2026-1000", "CVE-2026-2000"]),
    st.sampled_from(["", PATCH, BACKPORT]), st.sampled_from(["", "a regression of CVE-2026-1000"]),
)


@given(st.lists(FINDING, min_size=1, max_size=4), st.lists(FINDING, max_size=2))
def test_order_does_not_matter(members: list[Finding], near: list[Finding]) -> None:
    facts = [facts_of(f"rep_{n}", finding) for n, finding in enumerate(members)]
    around = [facts_of(f"rep_x{n}", finding) for n, finding in enumerate(near)]
    expected = propose(facts, around)
    assert all(propose(turned, reversed(around)) == expected for turned in permutations(facts))


@given(st.lists(FINDING, min_size=1, max_size=4), st.lists(FINDING, max_size=2))
def test_every_reason_cites_a_clause_and_reports_of_the_case(members: list[Finding], near: list[Finding]) -> None:
    facts = [facts_of(f"rep_{n}", finding) for n, finding in enumerate(members)]
    known = {one.report for one in facts} | {f"rep_x{n}" for n in range(len(near))}
    proposal = propose(facts, [facts_of(f"rep_x{n}", finding) for n, finding in enumerate(near)])
    assert proposal.reasons
    assert all(reason.clause in CLAUSES and set(reason.reports) <= known for reason in proposal.reasons)
    named = [report for group in proposal.groups for report in group]
    assert len(named) == len(set(named))
    assert set(named) <= {one.report for one in facts}


@given(st.integers(1, 5), st.lists(FINDING, max_size=2))
def test_without_facts_a_person_must_say(count: int, near: list[Finding]) -> None:
    silent = [Facts(f"rep_{n}") for n in range(count)]
    proposal = propose(silent, [facts_of(f"rep_x{n}", finding) for n, finding in enumerate(near)])
    assert (proposal.count, [reason.says for reason in proposal.reasons]) == (Count.PERSON, [Says.PERSON])


def test_the_rule_says_where_it_stands() -> None:
    assert (BOOK.version, BOOK.approved.isoformat(), BOOK.url.startswith("https://www.cve.org/")) == ("4.0.0", "2024-04-25", True)
    assert all(clause.section.startswith("4.") and clause.says for clause in CLAUSES.values())
