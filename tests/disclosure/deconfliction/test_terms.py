"""What is taken from a finding: names that meet in spite of spelling, places, links and versions."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearinghouse.disclosure.deconfliction.terms import Mark, Vocabulary, terms_of
from clearinghouse.disclosure.deconfliction.tokens import Kind, link_terms, name_terms, normalise_version, stem
from clearinghouse.disclosure.intake.records import CodeLocation, Crash, Finding, Frame, Reference, ReferenceKind, VersionRange


def read(finding: Finding) -> dict[tuple[Kind, str], int]:
    names: dict[tuple[Kind, str], int] = {}

    def number(kind: Kind, text: str) -> int:
        return names.setdefault((kind, text), len(names))

    found = terms_of(finding, Vocabulary(number))
    back = {value: key for key, value in names.items()}
    return {back[term]: mark for term, mark in found.marks.items() if term in back}


@pytest.mark.parametrize(("given_", "wanted"), [
    ("v1.2.0", "1.2"), ("1.2.0+0", "1.2"), ("4.4.0-rc1", "4.4-rc1"), ("2.x", "2"), ("0.0.13", "0.0.13"),
    ("banana", None), ("12", None),
])
def test_versions_are_levelled(given_: str, wanted: str | None) -> None:
    assert normalise_version(given_) == wanted


def test_endings_fall() -> None:
    assert stem("parsing") == stem("parser") == stem("parsed")
    assert stem("access") == "access"


def test_a_name_meets_its_spellings() -> None:
    names = [{text for kind, text in name_terms(name) if kind is Kind.NAME} for name in
             ("vmware:Spring_Data REST", "spring-data-rest", "org.springframework/spring-data-rest")]
    assert set.intersection(*names) == {"springdatarest"}


def test_places_in_prose_and_in_fields_are_one_term() -> None:
    prose = read(Finding(description="An overflow in `ldap_get_attribute_ber()` of lib/ldap.c."))
    field = read(Finding(locations=(CodeLocation(path="src/lib/ldap.c", symbol="ldap_get_attribute_ber"),)))
    assert {(Kind.CODE, "ldap_get_attribute_ber"), (Kind.CODE, "ldap.c")} <= prose.keys() & field.keys()
    assert prose[Kind.CODE, "ldap_get_attribute_ber"] & Mark.PLACE


def test_links_fold_to_what_they_point_at() -> None:
    found = read(Finding(description="Fixed in 2ca42b6e4e098af2d17e4878.", references=(
        Reference("https://github.com/Example/Specimen/commit/2ca42b6e4e098af2d17e487814a91d05f6ae4987", ReferenceKind.COMMIT),
        Reference("https://github.com/example/specimen/issues/4242#issuecomment-1", ReferenceKind.ISSUE),
    )))
    assert found[Kind.COMMIT, "2ca42b6"] & Mark.LINK
    assert found[Kind.COMMIT, "2ca42b6"] & Mark.TEXT
    assert (Kind.TRACKER, "github.com/example/specimen#4242") in found
    assert (Kind.REPOSITORY, "github.com/example/specimen") in found
    assert list(link_terms("https://")) == []


def test_ranges_give_fixed_and_affected_versions() -> None:
    found = read(Finding(ranges=(VersionRange(fixed=("2.2.15",), versions=(">= 2.3.0, < 2.5.3",)),)))
    assert found == {(Kind.VERSION, "2.2.15"): Mark.FIXED, (Kind.VERSION, "2.3"): Mark.AFFECTED, (Kind.VERSION, "2.5.3"): Mark.AFFECTED}


def test_weakness_classes_from_words_and_numbers_meet() -> None:
    words = read(Finding(title="SQL injections in the report page"))
    number = read(Finding(weaknesses=("CWE-89",)))
    assert (Kind.WEAKNESS, "sqli") in words.keys() & number.keys()


def test_frames_of_a_crash_are_places() -> None:
    crash = Crash("AddressSanitizer", "heap-buffer-overflow", frames=(Frame("png_read_row", "src/png.c", 42),))
    found = read(Finding(crash=crash))
    assert {(Kind.FRAME, "png_read_row"), (Kind.CODE, "png_read_row"), (Kind.WEAKNESS, "overflow")} <= found.keys()


@given(st.text(max_size=400))
def test_any_text_can_be_read(text: str) -> None:
    read(Finding(title=text, description=text, products=(text,), references=(Reference(text),), symbols=(text,)))


@pytest.mark.parametrize("piece", ["a", "a.", "a-", "1.", "((", "::", "/", "A_", "`a", "cve-", "0x1f"])
def test_hostile_lengths_take_linear_time(piece: str) -> None:
    started = time.perf_counter()
    read(Finding(title=piece * 20_000, description=piece * 20_000, products=(piece * 1_000,)))
    assert time.perf_counter() - started < 2.0
