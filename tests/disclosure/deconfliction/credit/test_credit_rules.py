"""Credit: instants decide, ties are said, dependence is named, and nothing depends on the order of arrival."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearinghouse.core.ids import PartyId, ReportId
from clearinghouse.disclosure.deconfliction.credit.records import Claim, Corroboration, Credit, Dependence, Place
from clearinghouse.disclosure.deconfliction.credit.rules import WHY, corroborate, credit_order, known_since

T0 = datetime(2026, 11, 1, 8, tzinfo=UTC)


def at(hours: float) -> datetime:
    return T0 + timedelta(hours=hours)


def claim(name: str, hours: float, house: str | None = None, **more: object) -> Claim:
    organisation = None if house == "" else PartyId(house or f"org_{name}")
    return replace(Claim(ReportId(name), PartyId(f"pty_{name}"), organisation, at(hours)), **more)  # type: ignore[arg-type]


def places(*claims: Claim, public_at: datetime | None = None) -> list[tuple[str, str, bool, tuple[str, ...]]]:
    return [(credit.claim.report, credit.place, credit.tied, credit.because) for credit in credit_order(claims, public_at)]


def test_oldest_receipt_is_first_and_others_of_other_houses_are_independent() -> None:
    assert places(claim("b", 2), claim("a", 1), claim("c", 3)) == [
        ("a", Place.FIRST, False, ()), ("b", Place.INDEPENDENT, False, ()), ("c", Place.INDEPENDENT, False, ()),
    ]


def test_commitment_counts_in_place_of_a_later_receipt_and_never_against_its_finder() -> None:
    assert places(claim("a", 1), claim("b", 9, committed_at=at(0))) == [("b", Place.FIRST, False, ()), ("a", Place.INDEPENDENT, False, ())]
    assert claim("a", 1, committed_at=at(2)).since == at(1)


def test_same_instant_is_a_tie_and_said_to_be_one() -> None:
    assert places(claim("b", 1), claim("a", 1), claim("d", 2), claim("c", 2)) == [
        ("a", Place.FIRST, True, ()), ("b", Place.FIRST, True, ()), ("c", Place.INDEPENDENT, True, ()), ("d", Place.INDEPENDENT, True, ()),
    ]


@pytest.mark.parametrize(("later", "public_at", "because"), [
    (claim("b", 5, "org_a"), None, Dependence.SAME_SENDER),
    (claim("b", 5, chain=frozenset({"hop"})), None, Dependence.SAME_CHAIN),
    (claim("b", 5, digest="sha256:1"), None, Dependence.SAME_CLAIM),
    (claim("b", 5), at(4), Dependence.PUBLIC),
    (claim("b", 5, told_at=at(4)), None, Dependence.TOOK_PART),
])
def test_who_could_have_known_is_later_and_told_why(later: Claim, public_at: datetime | None, because: Dependence) -> None:
    first = claim("a", 1, chain=frozenset({"origin", "hop"}), digest="sha256:1")
    assert places(first, later, public_at=public_at) == [("a", Place.FIRST, False, ()), ("b", Place.LATER, False, (because,))]
    assert WHY[because]


def test_what_one_learnt_at_the_very_instant_or_after_it_does_not_count() -> None:
    assert places(claim("a", 1), claim("b", 5, told_at=at(5)), public_at=at(5))[1] == ("b", Place.INDEPENDENT, False, ())
    committed = claim("b", 5, committed_at=at(3), told_at=at(4))
    assert places(claim("a", 1), committed, public_at=at(4))[1] == ("b", Place.INDEPENDENT, False, ())


def test_first_stays_first_after_what_is_public() -> None:
    assert places(claim("a", 5), public_at=at(1)) == [("a", Place.FIRST, False, ())]


def test_two_without_an_organisation_are_two_senders() -> None:
    assert places(claim("a", 1, ""), claim("b", 2, "")) == [("a", Place.FIRST, False, ()), ("b", Place.INDEPENDENT, False, ())]
    again = replace(claim("b", 2, ""), sender=PartyId("pty_a"))
    assert places(claim("a", 1, ""), again)[1] == ("b", Place.LATER, False, (Dependence.SAME_SENDER,))


def test_withdrawn_claim_keeps_its_instant_and_gives_up_its_place() -> None:
    first, second, copy = claim("a", 1, digest="d"), claim("b", 2), claim("c", 3, digest="d")
    assert places(replace(first, withdrawn=True), second, copy) == [
        ("a", Place.WITHDRAWN, False, ()), ("b", Place.FIRST, False, ()), ("c", Place.LATER, False, (Dependence.SAME_CLAIM,)),
    ]
    assert places(first, second, copy)[0] == ("a", Place.FIRST, False, ())
    assert places(replace(first, withdrawn=True), claim("z", 1))[1] == ("z", Place.FIRST, False, ()), "nobody ties with what was withdrawn"


def test_corroboration_counts_organisations_and_says_who_has_none() -> None:
    order = credit_order([claim("a", 1), claim("b", 2), claim("c", 3, "org_a"), claim("d", 4, ""), claim("e", 5, "")])
    assert corroborate(order) == Corroboration(2, 2, at(1), at(2))
    assert corroborate(credit_order([claim("a", 1), claim("d", 4, "")])) is None
    assert corroborate(credit_order([claim("a", 1), claim("b", 2, withdrawn=True)])) is None
    assert corroborate(()) is None


def test_copies_that_tie_corroborate_nothing() -> None:
    for more in ({"digest": "same"}, {"chain": frozenset({"origin"})}):
        assert corroborate(credit_order([claim("a", 1, **more), claim("b", 1, **more)])) is None
    assert corroborate(credit_order([claim("a", 1, "org"), claim("b", 1, "org")])) is None
    assert corroborate(credit_order([claim("a", 1), claim("b", 1)])) == Corroboration(2, 0, at(1), at(1))


def test_known_since_is_the_oldest_standing_claim_before_ones_own() -> None:
    own = claim("own", 5)
    assert known_since(own, [own]) is None
    assert known_since(own, [claim("a", 3), claim("b", 2), claim("c", 1, withdrawn=True), claim("d", 9)]) == at(2)
    assert known_since(own, [claim("late", 9, committed_at=at(4))]) == at(4)
    assert known_since(claim("own", 5, committed_at=at(1)), [claim("a", 3)]) is None
    assert known_since(own, [claim("a", 5)]) is None, "a tie is known to neither"


_CLAIMS = st.lists(st.builds(
    lambda hours, ahead, house, withdrawn, digest, chain, told: (hours, ahead, house, withdrawn, digest, chain, told),
    st.integers(0, 6), st.none() | st.integers(0, 6), st.sampled_from(["x", "y", "z", ""]), st.booleans(), st.sampled_from(["", "d1", "d2"]),
    st.frozensets(st.sampled_from("pqr"), max_size=2), st.none() | st.integers(0, 6),
), max_size=9)


def _made(drawn: list[tuple[int, int | None, str, bool, str, frozenset[str], int | None]]) -> list[Claim]:
    return [
        claim(f"r{place}", hours, house, committed_at=None if ahead is None else at(ahead), withdrawn=withdrawn, digest=digest, chain=chain,
              told_at=None if told is None else at(told))
        for place, (hours, ahead, house, withdrawn, digest, chain, told) in enumerate(drawn)
    ]


@given(_CLAIMS, st.randoms(use_true_random=False), st.none() | st.integers(0, 6))
def test_order_of_arrival_decides_nothing(drawn: list[tuple[int, int | None, str, bool, str, frozenset[str], int | None]], chance: object, public: int | None) -> None:
    claims = _made(drawn)
    shuffled = list(claims)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    public_at = None if public is None else at(public)
    order = credit_order(claims, public_at)
    assert order == credit_order(shuffled, public_at)
    assert sorted(credit.claim.report for credit in order) == sorted(one.report for one in claims)
    assert [credit.claim.since for credit in order] == sorted(one.since for one in claims)
    standing = [credit for credit in order if credit.place is not Place.WITHDRAWN]
    first = [credit for credit in standing if credit.place is Place.FIRST]
    assert [credit.claim.since for credit in first] == [one.claim.since for one in standing if one.claim.since == standing[0].claim.since]
    assert all(credit.tied == (sum(other.claim.since == credit.claim.since for other in standing) > 1) for credit in standing)
    assert all(bool(credit.because) == (credit.place is Place.LATER) for credit in order)
    found = corroborate(order)
    if found is not None:
        assert 2 <= found.organisations <= len({one.organisation for one in claims} - {None})
        assert found.first_at <= found.last_at


@given(_CLAIMS)
def test_later_claims_change_nothing_of_those_before(drawn: list[tuple[int, int | None, str, bool, str, frozenset[str], int | None]]) -> None:
    claims = _made(drawn)
    before: tuple[Credit, ...] = credit_order(claims)
    after = credit_order([*claims, claim("zz", 99)])
    assert after[:-1] == before
    assert [known_since(one, claims) for one in claims] == [known_since(one, [*claims, claim("zz", 99)]) for one in claims]


def test_words_of_its_own_depend_on_nobody_and_every_earlier_chain_counts() -> None:
    first = claim("a", 1, digest="sha256:a", chain=frozenset({"relay-1"}))
    second = claim("b", 2, digest="sha256:b", chain=frozenset({"relay-2"}))
    third = claim("c", 3, digest="sha256:c", chain=frozenset({"relay-1"}))
    assert places(first, second, third) == [
        ("a", Place.FIRST, False, ()), ("b", Place.INDEPENDENT, False, ()), ("c", Place.LATER, False, (Dependence.SAME_CHAIN,)),
    ]
