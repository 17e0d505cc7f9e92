"""What intake keeps of a finding, bounds, and asks back."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearinghouse.core.policy import IntakeLimits
from clearinghouse.core.product import Package
from clearinghouse.disclosure.intake import rules
from clearinghouse.disclosure.intake.records import (
    CodeLocation,
    Consents,
    Cover,
    Crash,
    Finding,
    Frame,
    HumanReview,
    Identifier,
    IdentifierRole,
    Note,
    Outcome,
    Producer,
    Reference,
    VersionRange,
)


def test_hostile_characters_are_dropped_everywhere(limits: IntakeLimits) -> None:
    finding = Finding(
        title="a\x1b[31mb\u202ec\u200b", references=(Reference("http://x.example/\x00y"),),
        locations=(CodeLocation(path="src/\u2066a.c"),), crash=Crash("t", "k\x07", frames=(Frame("f\x00"),)),
    )
    cleaned, notes = rules.clean_finding(finding, limits)
    assert cleaned == Finding(
        title="a[31mbc", references=(Reference("http://x.example/y"),), locations=(CodeLocation(path="src/a.c"),),
        crash=Crash("t", "k", frames=(Frame("f"),)),
    )
    assert notes == ()


def test_long_text_and_lists_are_cut_and_said(limits: IntakeLimits) -> None:
    tight = dataclasses.replace(limits, text_characters_max=10, list_entries_max=2)
    finding = Finding(title="x" * 11, symbols=("a", "b", "c"), place="/0")
    cleaned, notes = rules.clean_finding(finding, tight)
    assert cleaned == Finding(title="x" * 10, symbols=("a", "b"), place="/0")
    assert [(note.place, note.code, note.message.split()[0]) for note in notes] == [("/0", "limit.cut", "title"), ("/0", "limit.cut", "symbols")]


@given(st.text(max_size=300))
def test_cleaning_twice_changes_nothing(text: str) -> None:
    limits = IntakeLimits(1, 1, 1, 1, 1, 200, 10, 1, 1, 1, 1, 1.0, 1, 1, 1)
    once, _ = rules.clean_finding(Finding(title=text, description=text), limits)
    assert rules.clean_finding(once, limits)[0] == once


@pytest.mark.parametrize("finding", [
    Finding(title="Overflow in parse_header()"),
    Finding(description="the file src/png.c does not check"),
    Finding(title="t", symbols=("f",)),
    Finding(title="t", locations=(CodeLocation(path="a.c"),)),
    Finding(title="t", crash=Crash("AddressSanitizer", "SEGV", frames=(Frame("f"),))),
    Finding(title="t", ranges=(VersionRange(fixed=("1.2",)),)),
    Finding(description="versions before 1.2.3 are affected"),
    Finding(description="through the `q` parameter"),
])
def test_finding_with_a_locus_is_not_asked(finding: Finding) -> None:
    assert rules.ask_for_locus(finding) is None


@pytest.mark.parametrize("finding", [
    Finding(title="Critical vulnerability", description="An attacker could do bad things."),
    Finding(title="XSS in product", packages=(Package("npm", "x"),), identifiers=(Identifier("CVE-2026-1234", IdentifierRole.OWN),)),
])
def test_finding_without_a_locus_is_asked_for_one(finding: Finding) -> None:
    note = rules.ask_for_locus(finding)
    assert note is not None
    assert (note.code, "function, file, parameter or version" in note.message) == ("locus.missing", True)


def test_empty_finding_cannot_be_taken() -> None:
    assert rules.check_content(Finding(references=(Reference("https://x.example"),))) is not None
    assert rules.check_content(Finding(title="t")) is None


def test_cover_fills_only_what_is_open() -> None:
    cover = Cover(Producer(tool="cover", model="m", review=HumanReview.REVIEWED), Consents(True, True), "https://r.example", "abc")
    finding = Finding(title="t", producer=Producer(tool="own"), consents=Consents(share_name=False), commit="def")
    assert rules.cover_finding(finding, cover) == Finding(
        title="t", producer=Producer(tool="own", model="m", review=HumanReview.REVIEWED),
        consents=Consents(True, False), repository="https://r.example", commit="def",
    )


def test_digest_is_of_the_claim_not_of_its_place() -> None:
    one, other = Finding(title="t", place="line 1"), Finding(title="t", place="line 9")
    assert rules.digest_finding(one) == rules.digest_finding(other)
    assert rules.digest_finding(one) != rules.digest_finding(Finding(title="u"))


def test_digest_of_a_claim_without_blobs_is_the_one_it_had_before_there_were_any() -> None:
    claim = Finding(title="t", locations=(CodeLocation("a.c", 3),))
    assert rules.digest_finding(claim) == "sha256:e081721992277812ba02d64e05d7ca0b7a249008d5b266c833c58884e1e0082f"
    assert rules.digest_finding(dataclasses.replace(claim, blobs=(("a.c", "git:0123456"),))) != rules.digest_finding(claim)


def test_outcome_follows_from_notes() -> None:
    note = Note("", "m")
    assert [rules.outcome_of(None, (note,)), rules.outcome_of(Finding(), (note,)), rules.outcome_of(Finding(), ())] == [
        Outcome.REFUSED, Outcome.ACCEPTED_WITH_WARNINGS, Outcome.ACCEPTED,
    ]


@given(st.text(max_size=300))
def test_idempotency_key_of_any_length_fits_and_stays_itself(key: str) -> None:
    bound = rules.bound_key(key)
    assert len(bound) <= 72
    assert rules.bound_key(key) == bound
    assert rules.bound_key(key + "x") != bound
