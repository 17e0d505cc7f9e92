"""Signatures survive storage, hide the words, and meet only under one key."""

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearinghouse.core.product import normalise_package
from clearinghouse.disclosure.deconfliction.signature import Signature, Signer, sign
from clearinghouse.disclosure.deconfliction.tokens import Kind
from clearinghouse.disclosure.intake.records import Finding, Identifier, IdentifierRole, SeverityClaim

KEY = b"an instance's secret for terms"
FINDING = Finding(
    title="Heap overflow in png_read_row()", description="libspecimen 1.2.0 reads past the row in src/png.c",
    packages=(normalise_package("PyPI", "Libspecimen"),),
    severities=(SeverityClaim("CVSS:3.1", vector="CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:U/C:H/I:N/A:H"),),
    published_at=datetime(2026, 1, 2, tzinfo=UTC),
)


@given(st.text(max_size=300), st.text(max_size=60), st.lists(st.text(max_size=20), max_size=4))
def test_stored_form_gives_the_same_signature(description: str, title: str, products: list[str]) -> None:
    signature = sign(Finding(title=title, description=description, products=tuple(products)), KEY)
    again = Signature.from_bytes(signature.to_bytes())
    assert again.to_bytes() == signature.to_bytes()
    assert (np.diff(signature.terms.astype(object)) > 0).all()


def test_no_word_stands_in_the_stored_form() -> None:
    stored = sign(FINDING, KEY).to_bytes()
    for word in (b"overflow", b"libspecimen", b"png", b"row"):
        assert word not in stored


def test_two_keys_share_no_term() -> None:
    one, other = sign(FINDING, KEY), sign(FINDING, b"the secret of another instance")
    assert not set(one.terms.tolist()) & set(other.terms.tolist())


def test_a_signer_that_has_seen_much_signs_alike() -> None:
    signer = Signer(KEY)
    signer.sign(Finding(description="other words entirely, png_read_row() among them"))
    assert signer.sign(FINDING).to_bytes() == sign(FINDING, KEY).to_bytes()


def test_numbers_beside_the_terms() -> None:
    signature = sign(FINDING, KEY)
    assert signature.days == (datetime(2026, 1, 2, tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)).days
    assert signature.metrics == (0, 2, 0, 5, 6, 4, 0, 4)
    assert signature.has_locus()


def test_one_flaw_under_three_names_counts_once_and_two_cves_twice() -> None:
    def count(*names: str) -> int:
        given_ = tuple(Identifier(name, IdentifierRole.ALIAS) for name in names)
        return sign(Finding(identifiers=given_), KEY).vulnerabilities

    assert count("CVE-2026-1000", "GHSA-2222-3333-4444", "PYSEC-2026-1") == 1
    assert count("CVE-2026-1000", "CVE-2026-1001") == 2
    assert count() == 0


def test_an_identifier_in_prose_is_no_name_of_the_record() -> None:
    signer = Signer(KEY)
    signature = signer.sign(Finding(description="An incomplete fix of CVE-2025-4242."))
    assert signature.vulnerabilities == 0
    assert signer.term(Kind.IDENTIFIER, "CVE-2025-4242") not in signature.terms
    assert signer.term(Kind.RELATED, "CVE-2025-4242") in signature.terms


def test_a_short_key_is_refused() -> None:
    with pytest.raises(ValueError, match="16 to 64 bytes"):
        Signer(b"short")


def test_another_format_is_refused() -> None:
    with pytest.raises(ValueError, match="sign the records again"):
        Signature.from_bytes(b"\xff" + sign(FINDING, KEY).to_bytes()[1:])


def test_a_database_and_its_entry_are_kept_without_their_names() -> None:
    signer = Signer(KEY)
    one, other = (signer.sign(Finding(title="t", catalogue="Specimen DB", entry=entry)) for entry in ("S-1", "S-2"))
    assert one.catalogue == other.catalogue != 0
    assert 0 != one.entry != other.entry
    assert Signature.from_bytes(one.to_bytes()).to_bytes() == one.to_bytes()
    assert (Signature.from_bytes(one.to_bytes()).catalogue, Signature.from_bytes(one.to_bytes()).entry) == (one.catalogue, one.entry)
    assert b"specimen" not in one.to_bytes().lower()


@pytest.mark.parametrize(("value", "role", "known"), [
    ("CVE-2026-1234", IdentifierRole.OWN, True), ("GHSA-2222-3333-4444", IdentifierRole.OWN, True),
    ("CVE-2026-1234", IdentifierRole.ALIAS, False), ("ACME-2026-1", IdentifierRole.OWN, False),
])
def test_a_public_identifier_of_its_own_names_the_database(value: str, role: IdentifierRole, known: bool) -> None:
    signature = sign(Finding(title="t", identifiers=(Identifier(value, role),)), KEY)
    assert (signature.catalogue != 0, signature.entry != 0) == (known, known)


def test_a_report_is_an_entry_of_nothing() -> None:
    assert (sign(FINDING, KEY).catalogue, sign(FINDING, KEY).entry) == (0, 0)
