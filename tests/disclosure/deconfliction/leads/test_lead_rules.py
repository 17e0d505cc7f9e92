"""The lead report: the order of what counts, a person's word, and independence of the order of arrival."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearinghouse.core.ids import DecisionId
from clearinghouse.disclosure.deconfliction.leads.records import Lead, Member, Naming, Strength
from clearinghouse.disclosure.deconfliction.leads.rules import choose_lead, strength_of
from clearinghouse.disclosure.intake.records import CodeLocation, Crash, Finding, Frame, Reference, ReferenceKind, VersionRange

T0 = datetime(2026, 11, 1, tzinfo=UTC)
WORDS = " ".join(f"word{n}" for n in range(200))
REPRODUCER, PATCH = Finding(reproduction="run it"), Finding(remediation="--- a/x.c\n+++ b/x.c\n")
PLACE, VERSIONS = Finding(locations=(CodeLocation(symbol="f"),)), Finding(ranges=(VersionRange(fixed=("1.2",)),))


def naming(number: int, *over: int, after: int = 0, name: str = "dec_a") -> Naming:
    return Naming(DecisionId(name), number, frozenset(over), T0 + timedelta(hours=after))


def test_each_kind_of_substance_outweighs_all_below_it() -> None:
    everything_below = [
        Finding(description=WORDS), Finding(description=WORDS, ranges=VERSIONS.ranges),
        Finding(description=WORDS, ranges=VERSIONS.ranges, locations=PLACE.locations),
        Finding(description=WORDS, ranges=VERSIONS.ranges, locations=PLACE.locations, remediation=PATCH.remediation),
    ]
    for better, worse in zip((VERSIONS, PLACE, PATCH, REPRODUCER), everything_below, strict=True):
        assert strength_of(better) > strength_of(worse)
    assert strength_of(Finding()) == 0


@pytest.mark.parametrize(("finding", "same_as"), [
    (Finding(crash=Crash("AddressSanitizer", "overflow", "READ", 1, (Frame("f"),))), Finding(reproduction="x", symbols=("f",))),
    (Finding(references=(Reference("https://x/pull/1", ReferenceKind.PULL),)), PATCH),
    (Finding(symbols=("f",)), PLACE),
])
def test_same_substance_in_another_form_counts_the_same(finding: Finding, same_as: Finding) -> None:
    assert strength_of(finding) == strength_of(same_as)


def test_clearer_text_counts_in_steps_and_repetition_is_none() -> None:
    steps = [strength_of(Finding(description=" ".join(WORDS.split()[:count]))) for count in (14, 15, 60, 150, 200)]
    assert steps == [0, 1, 2, 3, 3]
    assert strength_of(Finding(description="flaw " * 5_000)) == 0


def test_better_report_leads_and_says_by_what() -> None:
    first, second = Member(1, strength_of(PLACE)), Member(2, strength_of(REPRODUCER))
    assert choose_lead([first, second]) == Lead(2, Strength.REPRODUCER)
    assert choose_lead([first, Member(2, strength_of(PLACE))]) == Lead(1, Strength.FIRST)
    assert choose_lead([Member(1, strength_of(REPRODUCER)), Member(2, 1, confirmed=True)]) == Lead(2, Strength.CONFIRMED)
    for better, because in ((PATCH, Strength.PATCH), (PLACE, Strength.PLACE), (VERSIONS, Strength.VERSIONS), (Finding(description=WORDS), Strength.TEXT)):
        assert choose_lead([Member(1), Member(2, strength_of(better))]) == Lead(2, because)


def test_what_is_public_or_withdrawn_leads_nothing() -> None:
    assert choose_lead([Member(1, 99, eligible=False), Member(2)]) == Lead(2, Strength.FIRST)
    assert choose_lead([Member(1, eligible=False)]) is None
    assert choose_lead([]) is None


def test_word_of_a_person_counts_while_the_report_is_beside_one_it_was_named_over() -> None:
    members = [Member(1, 60), Member(2), Member(3)]
    assert choose_lead(members, [naming(2, 1)]) == Lead(2, Strength.NAMED, DecisionId("dec_a"))
    assert choose_lead(members, [naming(2, 7)]) == Lead(1, Strength.FIRST), "it came from another group"
    assert choose_lead([Member(2), Member(9, 1)], [naming(2, 1)]) == Lead(9, Strength.TEXT), "those it led are gone"
    assert choose_lead([Member(1), Member(2, eligible=False), Member(3)], [naming(2, 1)]) == Lead(1, Strength.FIRST)
    assert choose_lead(members, [naming(2, 1, after=2), naming(3, 1, after=1, name="dec_b")]) == Lead(2, Strength.NAMED, DecisionId("dec_a"))
    assert choose_lead(members, [naming(2, 2)]) == Lead(1, Strength.FIRST), "a report is not beside itself"


_MEMBERS = st.lists(st.builds(Member, st.integers(1, 30), st.integers(0, 63), st.booleans(), st.booleans()), max_size=8, unique_by=lambda one: one.number)
_NAMINGS = st.lists(st.builds(
    lambda number, over, after, name: naming(number, *over, after=after, name=f"dec_{name}"),
    st.integers(1, 30), st.sets(st.integers(1, 30), max_size=3), st.integers(0, 3), st.integers(0, 99),
), max_size=4, unique_by=lambda one: one.id)


@given(_MEMBERS, _NAMINGS, st.randoms(use_true_random=False))
def test_lead_is_a_function_of_the_set(members: list[Member], namings: list[Naming], chance: object) -> None:
    found = choose_lead(members, namings)
    for drawn in (members, namings):
        chance.shuffle(drawn)  # type: ignore[attr-defined]
    assert choose_lead(members, namings) == found
    standing = [one for one in members if one.eligible]
    assert (found is None) == (not standing)
    if found is not None:
        lead = next(one for one in standing if one.number == found.number)
        if found.because is not Strength.NAMED:
            assert all((one.confirmed, one.strength, -one.number) <= (lead.confirmed, lead.strength, -lead.number) for one in standing)
            assert (found.because is Strength.FIRST) == (lead.number == min(one.number for one in standing))


@given(_MEMBERS, st.integers(31, 40), st.integers(0, 63))
def test_weaker_newcomer_changes_nothing(members: list[Member], number: int, strength: int) -> None:
    before = choose_lead(members)
    if before is None:
        return
    lead = next(one for one in members if one.number == before.number)
    after = choose_lead([*members, Member(number, min(strength, lead.strength))])
    assert after == before
