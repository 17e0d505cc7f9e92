"""Candidates: found over rare shared terms, with work bounded whatever the number of records."""

import numpy as np

from clearinghouse.disclosure.deconfliction import retrieval
from clearinghouse.disclosure.deconfliction.background import NO_BACKGROUND
from clearinghouse.disclosure.deconfliction.packing import Pack, pack, rarity
from clearinghouse.disclosure.deconfliction.signature import Signer
from clearinghouse.disclosure.intake.records import Finding

SIGNER = Signer(b"an instance's secret for terms")


def packed(*texts: str) -> Pack:
    return pack([SIGNER.sign(Finding(description=text)) for text in texts])


def retrieve(found: Pack) -> retrieval.Candidates:
    return retrieval.retrieve(found, NO_BACKGROUND.weights(found.vocabulary, found.counts, len(found)))


def test_records_with_a_rare_word_in_common_meet() -> None:
    found = retrieve(packed("wombat parser overflow", "the wombat crashes", "quokka login bypass", "quokka session fixation"))
    assert list(zip(found.a.tolist(), found.b.tolist(), strict=True)) == [(0, 1), (2, 3)]


def test_a_term_of_too_many_records_is_never_asked_with() -> None:
    counts = np.array([2, retrieval.COUNT_MAX, retrieval.COUNT_MAX + 1])
    weights = retrieval.term_weights(np.ones(3, np.uint8), counts, rarity(counts, 1_000_000))
    assert (weights > 0).tolist() == [True, True, False]


def test_the_lists_of_one_question_are_bounded() -> None:
    counts = np.full(100, 900)
    chosen = retrieval.choose_terms(np.ones(100, np.float32), counts)
    assert counts[chosen].sum() <= retrieval.POSTINGS_MAX < counts[chosen].sum() + 900


def test_the_rarest_terms_are_chosen_first() -> None:
    assert retrieval.choose_terms(np.ones(3, np.float32), np.array([50, 2, 1])).tolist() == [1, 0]


def test_nothing_in_common_gives_no_candidates() -> None:
    assert len(retrieve(packed("alpha", "beta")).a) == 0
    assert len(retrieve(packed()).a) == 0
