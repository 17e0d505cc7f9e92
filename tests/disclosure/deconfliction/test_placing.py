"""Settling and placing: order does not matter, and one newcomer is seen as the settling sees it."""

import random
from dataclasses import replace

import numpy as np
import pytest

from clearinghouse.app.settings import default_policy_document, parse_policy
from clearinghouse.disclosure.deconfliction.placing import compare, place
from clearinghouse.disclosure.deconfliction.records import Verdict
from clearinghouse.disclosure.deconfliction.scoring import Scorer
from clearinghouse.disclosure.deconfliction.settling import Settlement, settle
from clearinghouse.disclosure.deconfliction.signature import Signature, Signer
from clearinghouse.disclosure.intake.records import Finding, Reference, ReferenceKind, VersionRange
from memory_index import Memory

KEY = b"an instance's secret for terms"
SIGNER, SCORER = Signer(KEY), Scorer.load(KEY)
THRESHOLDS = parse_policy(1, default_policy_document()).deconfliction
FLAWS = (
    ("heap buffer overflow", "chunk_read", "chunk.c"), ("integer overflow", "grid_alloc", "grid.c"),
    ("use after free", "node_detach", "tree.c"), ("path traversal", "unpack_entry", "archive.c"),
    ("infinite loop", "next_token", "lexer.c"), ("null pointer dereference", "find_style", "style.c"),
)
PRODUCTS = ("wombat", "quokka", "numbat", "bilby", "potoroo")


def flood() -> list[Finding]:
    """Two wordings of each of thirty flaws, the second half of them with a shared commit."""
    found = []
    for one, product in enumerate(PRODUCTS):
        for other, (kind, function, file) in enumerate(FLAWS):
            version = f"{one + 1}.{other + 2}.7"
            commit = f"{(one * 7 + other + 11) * 123456789012345678901:040x}"[:40]
            link = (Reference(f"https://github.com/example/{product}/commit/{commit}", ReferenceKind.COMMIT),)
            found.append(Finding(
                title=f"{product}: {kind} in {function}()", description=f"A {kind} exists in {function} ({file}) of {product} "
                f"before {version}. A crafted input file causes a crash.", products=(product,),
                ranges=(VersionRange(fixed=(version,)),), references=link,
            ))
            found.append(Finding(
                description=f"{product} up to {version} mishandles lengths: {function} in {file} can be led to a {kind}, "
                "which an unauthenticated party may use for denial of service.", products=(f"example:{product}",), references=link,
            ))
    return found


@pytest.fixture(scope="module")
def signed() -> list[Signature]:
    return [SIGNER.sign(finding) for finding in flood()]


@pytest.fixture(scope="module")
def settled(signed: list[Signature]) -> Settlement:
    return settle(signed, np.arange(len(signed), dtype=np.uint32), SCORER, THRESHOLDS, [f"{at:04}" for at in range(len(signed))])


@pytest.fixture(scope="module")
def memory(signed: list[Signature], settled: Settlement) -> Memory:
    return Memory(signed, [settled.standings[at].tobytes() for at in range(len(signed))])


def test_the_two_wordings_of_a_flaw_find_each_other(signed: list[Signature], settled: Settlement) -> None:
    first = [int(settled.candidates[at][0]) for at in range(len(signed))]
    assert sum(partner == at ^ 1 for at, partner in enumerate(first)) >= 0.9 * len(signed)


def test_order_of_arrival_does_not_matter(signed: list[Signature], settled: Settlement) -> None:
    order = list(range(len(signed)))
    for seed in range(3):
        random.Random(seed).shuffle(order)
        again = settle([signed[at] for at in order], np.array(order, np.uint32), SCORER, THRESHOLDS, [f"{at:04}" for at in order])
        back = np.argsort(order)
        assert again.clusters[back].tolist() == settled.clusters.tolist()
        assert again.probabilities[back].tolist() == settled.probabilities.tolist()
        assert again.standings[back].tobytes() == settled.standings.tobytes()


def test_a_person_outranks_the_model(signed: list[Signature]) -> None:
    documents, keys = np.arange(len(signed), dtype=np.uint32), [f"{at:04}" for at in range(len(signed))]
    found = settle(signed, documents, SCORER, THRESHOLDS, keys, must=[(0, 59)], cannot=[(2, 3)]).clusters
    assert found[0] == found[59]
    assert found[2] != found[3]


def test_placing_sees_what_settling_sees(signed: list[Signature], settled: Settlement, memory: Memory) -> None:
    for at in range(0, len(signed), 5):
        found = place(signed[at], memory, SCORER, THRESHOLDS, own=at)
        answer, standing = found.answer, found.standing
        assert answer.candidates[0].document == settled.candidates[at][0]
        assert answer.candidates[0].probability == pytest.approx(float(settled.probabilities[at][0]), abs=0.15)
        np.testing.assert_allclose(
            np.frombuffer(standing, settled.standings.dtype)["masses"][0], settled.standings[at]["masses"], rtol=1e-4
        )


def test_entries_of_databases_are_placed_as_they_are_settled() -> None:
    found = [
        SIGNER.sign(replace(finding, catalogue=("one list", "another")[at % 2], entry=f"E-{at}")) for at, finding in enumerate(flood())
    ]
    keys = [f"{at:04}" for at in range(len(found))]
    settled_ = settle(found, np.arange(len(found), dtype=np.uint32), SCORER, THRESHOLDS, keys)
    lists = Memory(found, [settled_.standings[at].tobytes() for at in range(len(found))])
    for at in range(0, len(found), 7):
        placed = place(found[at], lists, SCORER, THRESHOLDS, own=at)
        answer, standing = placed.answer, placed.standing
        assert answer.candidates[0].document == settled_.candidates[at][0] == at ^ 1
        assert answer.candidates[0].probability == pytest.approx(float(settled_.probabilities[at][0]), abs=0.15)
        near = np.frombuffer(standing, settled_.standings.dtype)[0]
        known = {int(one.entry) for one in found}
        assert set(near["near_entry"].tolist()) <= known | {0}
    # Two entries of one list about one module are held apart; their partners in the other list are not.
    assert len({int(label) for label in settled_.clusters}) >= len(FLAWS) * len(PRODUCTS) * 0.9


def test_a_newcomer_is_placed_with_its_flaw(signed: list[Signature], memory: Memory) -> None:
    without = Memory(signed[:-1], memory.standings[:-1])
    answer = place(signed[-1], without, SCORER, THRESHOLDS).answer
    assert answer.candidates[0].document == len(signed) - 2
    assert answer.candidates[0].evidence
    assert answer.known == len(signed) - 1


def test_the_first_finding_of_all_is_new() -> None:
    placed = place(SIGNER.sign(flood()[0]), Memory([], []), SCORER, THRESHOLDS)
    answer = placed.answer
    assert (answer.verdict, answer.candidates, answer.probability) == (Verdict.NEW, (), 0.0)
    assert placed.standing


def test_an_empty_finding_is_new(memory: Memory) -> None:
    answer = place(SIGNER.sign(Finding()), memory, SCORER, THRESHOLDS).answer
    assert answer.verdict is Verdict.NEW


def test_records_never_settled_can_be_compared(signed: list[Signature]) -> None:
    blank = Memory(signed, [b""] * len(signed))
    assert place(signed[0], blank, SCORER, THRESHOLDS, own=0).answer.candidates[0].document == 1


def test_any_two_records_can_be_compared(signed: list[Signature], memory: Memory) -> None:
    same, strangers = compare(signed[0], 1, memory, SCORER, THRESHOLDS, own=0), compare(signed[0], 59, memory, SCORER, THRESHOLDS, own=0)
    assert same.probability > strangers.probability
    assert strangers.relation is Verdict.NEW
