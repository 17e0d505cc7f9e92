"""What the traces of two reports amount to, by themselves and in settling and placing."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearinghouse.app.settings import default_policy_document, parse_policy
from clearinghouse.disclosure.deconfliction.placing import Stored, place
from clearinghouse.disclosure.deconfliction.records import Kinship, Verdict
from clearinghouse.disclosure.deconfliction.scoring import Scorer
from clearinghouse.disclosure.deconfliction.settling import RELATIONS, settle
from clearinghouse.disclosure.deconfliction.signature import Signer
from clearinghouse.disclosure.deconfliction.traces import indexed, read_row, read_traces, sign_traces
from clearinghouse.disclosure.deconfliction.weighing import SILENT, Spoken, weigh
from clearinghouse.disclosure.intake.records import CodeLocation, Crash, Finding, Frame, Identifier, IdentifierRole, Producer
from memory_index import Memory
from patch_samples import BACKPORT, PATCH

KEY = b"an instance's secret for terms"
SIGNER, SCORER = Signer(KEY), Scorer.load(KEY)
THRESHOLDS = parse_policy(1, default_policy_document()).deconfliction
FRAMES = ("tile_read", "tile_next", "image_rows", "image_open", "load_file")


def said(one: Finding, other: Finding) -> Spoken:
    """What the rules say of two findings, the same from both sides."""
    ours, theirs = (read_traces(read_row(sign_traces(finding, SIGNER))) for finding in (one, other))
    a, b = SIGNER.sign(one), SIGNER.sign(other)
    found = weigh(ours, theirs, a, b, THRESHOLDS)
    assert found == weigh(theirs, ours, b, a, THRESHOLDS)
    return found


def names(one: Finding, other: Finding) -> list[tuple[str, float]]:
    """Name and worth, as a probability, of what is said."""
    return [(entry.name, round(1 / (1 + np.exp(-entry.contribution)), 3)) for entry in said(one, other).evidence]


def crash(*frames: str, kind: str = "heap-buffer-overflow", line: int | None = 7, product: str = "picture") -> Finding:
    return Finding(products=(product,), crash=Crash("AddressSanitizer", kind, frames=tuple(
        Frame(name, "/src/picture/x.c", line if at == 0 else 99) for at, name in enumerate(frames)
    )))


def at(path: str, symbol: str, product: str = "picture", cwe: str = "CWE-125", **more: object) -> Finding:
    return replace(Finding(products=(product,), weaknesses=(cwe,), locations=(CodeLocation(path, 5, None, symbol),)), **more)  # type: ignore[arg-type]


def test_stacks_say_more_the_more_they_share() -> None:
    whole = crash(*FRAMES)
    assert names(whole, crash(*FRAMES)) == [("stack", 0.97)]
    assert names(whole, crash(*FRAMES, line=8)) == [("stack", 0.9)]
    assert names(whole, crash(*FRAMES, kind="SEGV")) == [("stack", 0.25)]
    assert names(whole, crash(*FRAMES[:3], "other_open", "other_load")) == [("stack", 0.83)]
    assert names(whole, crash(FRAMES[0], "palette", "header", "decode", "run")) == [("stack", 0.25)]
    assert said(whole, crash("elsewhere", "palette", "header", "decode", "run")) is SILENT


def test_a_short_stack_is_no_more_than_alike() -> None:
    assert names(crash(*FRAMES[:3]), crash(*FRAMES[:3])) == [("stack", 0.83)]
    assert names(crash(FRAMES[0]), crash(*FRAMES)) == [("stack", 0.83)]
    assert said(crash(FRAMES[1]), crash(*FRAMES)) is SILENT


def test_a_read_and_a_write_at_one_place_are_looked_at() -> None:
    def access(how: str) -> Finding:
        whole = crash(*FRAMES)
        assert whole.crash is not None
        return replace(whole, crash=replace(whole.crash, access=how))

    assert names(access("READ"), access("WRITE")) == [("stack", 0.25)]
    assert names(access("READ"), access("")) == [("stack", 0.97)]


def test_the_fuzzers_own_function_is_no_place() -> None:
    bare = Finding(crash=Crash("libFuzzer", "deadly signal", frames=(Frame("abort"), Frame("LLVMFuzzerTestOneInput"))),
                   symbols=("LLVMFuzzerTestOneInput",), locations=(CodeLocation("fuzz.cc", 3, None, "LLVMFuzzerTestOneInput"),))
    assert said(bare, replace(bare, crash=replace(bare.crash, kind="SEGV") if bare.crash else None)) is SILENT


def test_a_stack_and_a_place_in_prose_meet_in_the_function() -> None:
    assert names(crash(*FRAMES), at("", "tile_read")) == [("locus", 0.83)]


def test_the_same_stack_in_two_products_says_nothing() -> None:
    assert said(crash(*FRAMES), crash(*FRAMES, product="heron")) is SILENT


def test_a_file_adds_to_a_function() -> None:
    assert names(at("lib/tile.c", "tile_read"), at("/build/x-ab12cd/picture/lib/tile.c", "tile_read")) == [("place", 0.86)]
    assert names(at("net/a/main.c", "probe_it"), at("net/b/main.c", "probe_it")) == [("locus", 0.83)]


def test_weaknesses_that_contradict_each_other_are_two_flaws_in_one_place() -> None:
    assert said(at("lib/tile.c", "tile_read"), at("lib/tile.c", "tile_read", cwe="CWE-287")) is SILENT


def test_the_same_content_is_the_same_code_in_any_product() -> None:
    one = at("lib/tile.c", "tile_read", blobs=(("lib/tile.c", "git:0123456789"),))
    fork = at("vendor/p/t.c", "tile_read", "heron", blobs=(("vendor/p/t.c", "git:0123456"),))
    assert names(one, fork) == [("content", 0.93)]


def test_a_copy_in_another_product_is_a_variant_and_adds_nothing() -> None:
    found = said(at("lib/tile.c", "tile_read"), at("third_party/picture/lib/tile.c", "tile_read", "heron"))
    assert (found.kinship, found.evidence, found.place) == (Kinship.COPY, (), False)
    assert found.add_to(0.5) == 0.5


def test_patches_agree_across_products_as_far_as_they_say_the_same() -> None:
    one, two_stretches = Finding(remediation=PATCH, products=("wombat",)), PATCH + PATCH[PATCH.index("diff --git") :].replace(
        "chunk.c", "grid.c").replace("CHUNK_TOO_LONG", "GRID_TOO_LONG")
    assert names(one, Finding(description="fixed by\n" + PATCH, products=("heron",))) == [("fix", 0.85)]
    assert names(one, Finding(remediation=BACKPORT, products=("heron",))) == [("fix", 0.85)]
    assert names(Finding(remediation=two_stretches), Finding(remediation=two_stretches)) == [("fix", 0.7)]


def test_a_patch_that_changes_the_function_pointed_at() -> None:
    assert names(Finding(remediation=PATCH, products=("picture",)), at("", "chunk_read")) == [("fix", 0.6)]
    assert said(Finding(remediation=PATCH, products=("picture",)), at("", "chunk_read", "heron")) is SILENT
    known = at("c.c", "chunk_read", "heron", blobs=(("c.c", "git:3b18e51"),))
    assert names(Finding(remediation=PATCH, products=("picture",)), known) == [("content", 0.93)]


def test_where_and_fix_add_to_each_other() -> None:
    one, other = at("lib/chunk.c", "chunk_read", remediation=PATCH), at("lib/chunk.c", "chunk_read", remediation=BACKPORT)
    assert names(one, other) == [("place", 0.86), ("fix", 0.85)]
    assert said(one, other).add_to(0.5) == pytest.approx(1 - 0.5 * 0.14 * 0.15)


def test_fingerprints_are_of_one_tool_and_rule_and_file() -> None:
    producer = Producer("Checker", rule="R1", fingerprints=(("primary", "abc"),))
    one = Finding(products=("picture",), producer=producer, locations=(CodeLocation("lib/a.c", 3),))
    assert names(one, replace(one, locations=(CodeLocation("old/lib/a.c", 90),))) == [("fingerprint", 0.9)]
    assert said(one, replace(one, locations=(CodeLocation("lib/b.c", 3),))) is SILENT
    assert said(one, replace(one, producer=replace(producer, tool="Other"))) is SILENT


def test_what_names_another_flaw_is_related_and_never_joined() -> None:
    old = at("lib/tile.c", "tile_read", identifiers=(Identifier("CVE-2025-1111", IdentifierRole.OWN),))
    new = at("lib/tile.c", "tile_read", description="Exists because of an incomplete fix for CVE-2025-1111.")
    found = said(old, new)
    assert (found.kinship, found.evidence) == (Kinship.REGRESSION, ())
    assert found.add_to(0.99) < THRESHOLDS.ask_probability_min
    assert said(old, replace(new, identifiers=old.identifiers)).kinship is None


def test_whoever_names_the_same_place_another_flaw_is_asked_about() -> None:
    old = at("lib/tile.c", "tile_read", identifiers=(Identifier("CVE-2025-1111", IdentifierRole.OWN),))
    claim = "This is a different vulnerability than CVE-2025-1111."
    found = said(old, at("lib/tile.c", "tile_read", description=claim))
    assert found.kinship is Kinship.NAMED_APART
    assert THRESHOLDS.ask_probability_min < found.add_to(0.99) < THRESHOLDS.cluster_probability_min
    apart = said(old, at("lib/row.c", "row_copy", description=claim))
    assert (apart.kinship, apart.evidence, apart.add_to(0.99) < THRESHOLDS.ask_probability_min) == (Kinship.NAMED_APART, (), True)


TRACED = st.builds(
    lambda path, symbol, product, frames, patch, text: Finding(
        products=(product,), weaknesses=("CWE-787",), description=text, remediation=patch,
        locations=(CodeLocation(path, 3, None, symbol),), blobs=((path, "git:0123456"),) if path == "a/x.c" else (),
        crash=Crash("a", "SEGV", frames=tuple(Frame(name) for name in frames)) if frames else None,
        identifiers=(Identifier("CVE-2026-1000", IdentifierRole.OWN),) if path == "b/x.c" else (),
    ),
    st.sampled_from(["a/x.c", "b/x.c", ""]), st.sampled_from(["read_it", "write_it", ""]), st.sampled_from(["picture", "heron"]),
    st.lists(st.sampled_from(FRAMES), unique=True, max_size=5), st.sampled_from(["", PATCH, BACKPORT]),
    st.sampled_from(["", "a regression of CVE-2026-1000"]),
)


@given(TRACED, TRACED, st.floats(0, 1))
def test_both_sides_hear_the_same_and_only_links_take_away(one: Finding, other: Finding, probability: float) -> None:
    found = said(one, other)
    if found.kinship in (None, Kinship.COPY):
        assert probability - 1e-12 <= found.add_to(probability) <= 1.0
    else:
        assert found.add_to(probability) <= max(probability, THRESHOLDS.cluster_probability_min)


@given(TRACED, TRACED)
def test_what_speaks_for_a_pair_is_in_the_index(one: Finding, other: Finding) -> None:
    if said(one, other) is not SILENT:
        ours, theirs = (set(indexed(read_row(sign_traces(finding, SIGNER))).tolist()) for finding in (one, other))
        # Else placing would not meet what settling sees; equal stacks meet in the innermost function.
        assert ours & theirs


@pytest.mark.parametrize("seed", range(3))
def test_settling_and_placing_agree_on_traces_in_any_order(seed: int) -> None:
    findings = [
        crash(*FRAMES), crash(*FRAMES), crash(*FRAMES[:3], "other"), crash(FRAMES[0], "palette", "header", "decode"),
        at("lib/chunk.c", "chunk_read", remediation=PATCH), at("chunk.c", "chunk_read", "heron", remediation=BACKPORT),
        at("lib/grid.c", "grid_make", identifiers=(Identifier("CVE-2025-1111", IdentifierRole.OWN),)),
        at("lib/grid.c", "grid_make", description="Because of an incomplete fix for CVE-2025-1111."),
        at("lib/node.c", "node_drop"), at("deps/picture/lib/node.c", "node_drop", "heron"),
    ]
    order = np.random.default_rng(seed).permutation(len(findings)).tolist()
    signed = [SIGNER.sign(findings[n]) for n in order]
    rows = [read_row(sign_traces(findings[n], SIGNER)) for n in order]
    numbers = np.array(order, np.uint32)
    found = settle(signed, numbers, SCORER, THRESHOLDS, [f"{n:03}" for n in order], loci=rows)
    by_number = {n: [
        (int(c), round(float(p), 3), RELATIONS[int(r)])
        for c, p, r in zip(found.candidates[k], found.probabilities[k], found.relations[k], strict=True)
    ][: int(found.candidates_count[k])] for k, n in enumerate(order)}
    assert {n: by_number[n][0] for n in (0, 4)} == {0: (1, by_number[0][0][1], Verdict.DUPLICATE), 4: (5, by_number[4][0][1], Verdict.UNSURE)}
    words = {(n, other): word for n, rest in by_number.items() for other, _, word in rest}
    assert (words[6, 7], words[8, 9]) == (Verdict.RELATED, Verdict.VARIANT)
    memory = Indexed([SIGNER.sign(finding) for finding in findings], [b""] * len(findings), [sign_traces(finding, SIGNER) for finding in findings])
    for n, finding in enumerate(findings):
        answer = place(SIGNER.sign(finding), memory, SCORER, THRESHOLDS, own=n, locus=read_row(sign_traces(finding, SIGNER))).answer
        told = {candidate.document: candidate for candidate in answer.candidates}
        for other in (other for a, other in words if a == n and words[n, other] in (Verdict.RELATED, Verdict.VARIANT, Verdict.DUPLICATE)):
            assert told[other].relation is words[n, other]
            kin = told[other].kinship
            assert (kin is None) is (words[n, other] is Verdict.DUPLICATE)
            if kin is not None:
                assert told[other].evidence[0].wording.startswith(f"relation: {kin}")


class Indexed(Memory):
    """The index in memory, traces included."""

    def __init__(self, signatures: list, standings: list[bytes], rows: list[bytes]) -> None:  # type: ignore[type-arg]
        super().__init__(signatures, standings)
        self.rows = rows

    def postings(self, terms: np.typing.NDArray[np.uint64]) -> list[np.typing.NDArray[np.uint32]]:
        traced = [set(indexed(read_row(row)).tolist()) for row in self.rows]
        return [
            np.array([n for n, one in enumerate(self.signatures) if term in one.terms or int(term) in traced[n]], np.uint32) for term in terms
        ]

    def stored(self, documents: np.typing.NDArray[np.uint32]) -> list[Stored]:
        return [Stored(self.signatures[n].to_bytes(), self.standings[n], self.rows[n]) for n in documents.tolist()]
