"""The words of an answer, rule by rule."""

from itertools import combinations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearinghouse.app.settings import default_policy_document, parse_policy
from clearinghouse.disclosure.deconfliction.records import KINSHIP_WORDS, Candidate, DecisionKind, Kinship, Verdict
from clearinghouse.disclosure.deconfliction.rules import (
    OTHER_PLACE_MAX,
    SAME_NAME_MIN,
    Agreement,
    bounds,
    kinship,
    relation,
    verdict,
)

THRESHOLDS = parse_policy(1, default_policy_document()).deconfliction
SIBLING: dict[str, Any] = {"product": 0.9, "weakness": 1.0, "place": 0.0}


@pytest.mark.parametrize(("probability", "agreement", "wanted"), [
    (0.999, Agreement(), Verdict.DUPLICATE),
    (0.999, Agreement(locus=False), Verdict.UNSURE),
    (0.999, Agreement(locus=False, exact=True), Verdict.DUPLICATE),
    (0.999, Agreement(locus=False, same_identifier=True), Verdict.DUPLICATE),
    (0.999, Agreement(umbrella=True), Verdict.RELATED),
    (0.0, Agreement(umbrella=True, shares_name=True), Verdict.RELATED),
    (0.0, Agreement(umbrella=True), Verdict.NEW),
    (0.999, Agreement(same_identifier=False), Verdict.RELATED),
    (0.999, Agreement(same_identifier=False, **SIBLING), Verdict.VARIANT),
    (0.5, Agreement(), Verdict.UNSURE),
    (0.01, Agreement(**SIBLING), Verdict.VARIANT),
    (0.01, Agreement(product=0.9, weakness=1.0), Verdict.NEW),
    (0.01, Agreement(product=0.2, weakness=1.0, place=0.0), Verdict.NEW),
    (0.01, Agreement(), Verdict.NEW),
    (0.05, Agreement(kinship=Kinship.REGRESSION, **SIBLING), Verdict.RELATED),
    (0.999, Agreement(kinship=Kinship.REGRESSION, same_identifier=True), Verdict.DUPLICATE),
    (0.5, Agreement(kinship=Kinship.CHAIN), Verdict.RELATED),
    (0.05, Agreement(kinship=Kinship.NAMED_APART), Verdict.RELATED),
    (0.25, Agreement(kinship=Kinship.NAMED_APART), Verdict.UNSURE),
    (0.01, Agreement(kinship=Kinship.COPY), Verdict.VARIANT),
    (0.5, Agreement(kinship=Kinship.COPY), Verdict.UNSURE),
    (0.01, Agreement(same_identifier=False), Verdict.NEW),
    # At a bound itself the stronger word is said.
    (THRESHOLDS.ask_probability_min, Agreement(), Verdict.UNSURE),
    (THRESHOLDS.join_probability_min, Agreement(), Verdict.DUPLICATE),
    (0.01, Agreement(product=SAME_NAME_MIN, weakness=0.1, place=0.0), Verdict.VARIANT),
    (0.01, Agreement(product=0.9, weakness=0.0, place=0.0), Verdict.NEW),
    (0.01, Agreement(product=0.9, weakness=1.0, place=OTHER_PLACE_MAX), Verdict.VARIANT),
    (0.01, Agreement(product=0.9, weakness=1.0, place=OTHER_PLACE_MAX + 0.01), Verdict.NEW),
])
def test_relation_of_a_pair(probability: float, agreement: Agreement, wanted: Verdict) -> None:
    assert relation(probability, agreement, THRESHOLDS) is wanted


@pytest.mark.parametrize(("verdict_", "agreement", "wanted"), [
    (Verdict.RELATED, Agreement(umbrella=True, kinship=Kinship.CHAIN), Kinship.UMBRELLA),
    (Verdict.RELATED, Agreement(kinship=Kinship.CHAIN), Kinship.CHAIN),
    (Verdict.RELATED, Agreement(same_identifier=False), Kinship.OTHER_NUMBER),
    (Verdict.VARIANT, Agreement(kinship=Kinship.COPY), Kinship.COPY),
    (Verdict.VARIANT, Agreement(exact=True), Kinship.SAME_FIX),
    (Verdict.VARIANT, Agreement(), Kinship.ELSEWHERE),
    (Verdict.UNSURE, Agreement(kinship=Kinship.NAMED_APART), Kinship.NAMED_APART),
    (Verdict.UNSURE, Agreement(kinship=Kinship.COPY), None),
    (Verdict.DUPLICATE, Agreement(exact=True), None), (Verdict.NEW, Agreement(), None),
])
def test_kinship_of_a_pair(verdict_: Verdict, agreement: Agreement, wanted: Kinship | None) -> None:
    assert kinship(verdict_, agreement) is wanted


def test_every_kinship_has_words() -> None:
    assert list(KINSHIP_WORDS) == list(Kinship)


def test_the_strongest_word_of_any_candidate_answers() -> None:
    def said(*words: Verdict) -> Verdict:
        return verdict([Candidate(place, 0.5, word) for place, word in enumerate(words)])

    assert said() is Verdict.NEW
    assert said(Verdict.NEW, Verdict.VARIANT) is Verdict.VARIANT
    assert said(Verdict.RELATED, Verdict.UNSURE, Verdict.DUPLICATE) is Verdict.DUPLICATE


groups = st.lists(st.lists(st.integers(0, 6), min_size=1, max_size=3), min_size=1, max_size=3)


@given(st.lists(st.tuples(st.sampled_from(list(DecisionKind)), groups), max_size=6))
def test_the_last_word_on_a_pair_counts(decisions: list[tuple[DecisionKind, list[list[int]]]]) -> None:
    must, cannot = bounds(decisions)
    assert not must & cannot
    assert all(one < other for one, other in must | cannot)


def test_a_merge_after_a_split_joins_again() -> None:
    split = (DecisionKind.SPLIT, [[1, 2], [3]])
    assert bounds([split]) == (set(), {(1, 3), (2, 3)})
    assert bounds([split, (DecisionKind.MERGE, [[1, 2, 3]])]) == (set(combinations((1, 2, 3), 2)), set())
