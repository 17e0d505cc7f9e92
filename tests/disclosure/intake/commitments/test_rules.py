"""How a commitment is made, what opens it, and what it is worth."""

import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from clearinghouse.app.settings import default_policy_document, parse_policy
from clearinghouse.core.errors import Invalid
from clearinghouse.core.ids import CommitmentId, EventId, PartyId
from clearinghouse.disclosure.intake.commitments import rules
from clearinghouse.disclosure.intake.commitments.records import (
    Claim,
    Commitment,
    CommitmentState,
    OpenedSection,
    Opening,
    SectionOpening,
)

CONTEXT = "log.example/one"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
POLICY = parse_policy(1, default_policy_document()).commitments
BEGAN = datetime(2026, 11, 21, 9, tzinfo=UTC)
NONCES = {"report": b"\1" * 32, "patch": b"\2" * 32}
SECTIONS = {"report": b'{"title": "Overflow in strip_read"}', "patch": b"--- a\n+++ b\n"}


def made(**sections: bytes) -> tuple[Claim, Opening]:
    """A commitment with fixed nonces."""
    parts = sections or SECTIONS
    nonces = {name: NONCES.get(name, b"\3" * 32) for name in parts}
    return rules.make(parts, context=CONTEXT, key=KEY, nonce=b"\0" * 32, section_nonces=nonces)


def canonical(document: Any) -> str:
    """By the library, whatever the type."""
    return rfc8785.dumps(dict(document)).decode()


def test_digest_is_what_the_documentation_says() -> None:
    """The vector of docs/reference/commitments.md, computed here by its words alone."""
    claim, opening = made()

    def section(name: str) -> str:
        data = SECTIONS[name]
        described = f'{{"name":"{name}","sha3_256":"{hashlib.sha3_256(data).hexdigest()}","size":{len(data)}}}'
        return hashlib.sha3_256(b"clearinghouse/commit/section/v1\0" + NONCES[name] + described.encode()).hexdigest()

    key = KEY.public_key().public_bytes_raw().hex()
    document = (
        f'{{"context":"log.example/one","format":"clearinghouse-commitment-1","key":"ed25519:{key}",'
        f'"sections":{{"patch":"{section("patch")}","report":"{section("report")}"}}}}'
    )
    assert canonical(opening.document) == document
    assert claim.digest == hashlib.sha3_256(b"clearinghouse/commit/v1\0" + b"\0" * 32 + document.encode()).digest()
    assert claim.digest.hex() == VECTOR
    KEY.public_key().verify(claim.signature, b"clearinghouse/commit/signature/v1\0" + claim.digest + CONTEXT.encode())


VECTOR = "a2159d834e6bf3f27cbaf19e8e0d4842cdb61baf7eb5ef696193708c4e26b12f"


@given(
    st.dictionaries(st.from_regex(r"[a-z][a-z0-9_]{0,31}", fullmatch=True), st.binary(max_size=200), max_size=5),
    st.binary(max_size=200), st.data(),
)
def test_opening_of_any_sections_opens_its_own_commitment_and_no_other(more: dict[str, bytes], report: bytes, data: st.DataObject) -> None:
    sections = {**more, "report": report}
    nonces = {name: data.draw(st.binary(min_size=32, max_size=32)) for name in sections}
    claim, opening = rules.make(sections, context=CONTEXT, key=KEY, nonce=b"\7" * 32, section_nonces=nonces)
    rules.check_claim(claim, CONTEXT)
    chosen = data.draw(st.sets(st.sampled_from(sorted(sections)), min_size=1))
    shown = replace(opening, sections={name: opening.sections[name] for name in chosen})
    again = rules.parse_opening(json.loads(json.dumps(rules.render_opening(shown))))
    assert set(rules.check_opening(again, claim, CONTEXT)) == set(sections)
    assert {name: section.data for name, section in again.sections.items()} == {name: sections[name] for name in chosen}
    name = min(chosen)
    section = again.sections[name]
    for other in (replace(section, data=section.data + b"x"), replace(section, nonce=b"\x55" * 31 + b"x")):
        with pytest.raises(Invalid, match="not what was committed to"):
            rules.check_opening(replace(again, sections={**again.sections, name: other}), claim, CONTEXT)
    with pytest.raises(Invalid, match="not what was committed to"):
        rules.check_opening(replace(again, nonce=b"\6" * 32), claim, CONTEXT)


def test_digest_hides_a_guess_that_is_right() -> None:
    """The same finding twice, and nobody can tell from the digests: the nonce decides."""
    first = rules.make(SECTIONS, context=CONTEXT, key=KEY, nonce=b"\1" * 32, section_nonces=NONCES)[0]
    second = rules.make(SECTIONS, context=CONTEXT, key=KEY, nonce=b"\2" * 32, section_nonces=NONCES)[0]
    assert first.digest != second.digest
    assert rules.commit_section("report", b"x", b"\1" * 32) != rules.commit_section("report", b"x", b"\2" * 32)


def test_copy_of_a_digest_under_another_key_opens_nothing() -> None:
    claim, opening = made()
    thief = Ed25519PrivateKey.from_private_bytes(b"\x0a" * 32)
    copied = Claim(claim.digest, thief.public_key().public_bytes_raw(), thief.sign(rules.signed_bytes(claim.digest, CONTEXT)))
    rules.check_claim(copied, CONTEXT)  # it can be recorded, for nobody knows what is in it
    with pytest.raises(Invalid, match="somebody else's commitment"):
        rules.check_opening(opening, copied, CONTEXT)


def test_commitment_for_another_log_is_neither_recorded_nor_opened_here() -> None:
    claim, opening = made()
    with pytest.raises(Invalid, match="signature does not verify"):
        rules.check_claim(claim, "log.example/two")
    with pytest.raises(Invalid, match="made for another log"):
        rules.check_opening(opening, claim, "log.example/two")


@pytest.mark.parametrize("claim", [
    Claim(b"x" * 31, bytes(32), bytes(64)), Claim(b"x" * 32, bytes(31), bytes(64)), Claim(b"x" * 32, bytes(32), bytes(63)),
    Claim(b"x" * 32, bytes(32), bytes(64)), Claim(b"x" * 32, b"\xff" * 32, b"\xff" * 64),
])
def test_claim_that_is_none_is_refused(claim: Claim) -> None:
    with pytest.raises(Invalid):
        rules.check_claim(claim, CONTEXT)


def spoiled(change: Any) -> dict[str, Any]:
    """An opening with something in it changed."""
    shown = json.loads(json.dumps(rules.render_opening(made()[1])))
    change(shown)
    return dict(shown)


@pytest.mark.parametrize("change", [
    lambda shown: shown.update(format="other"), lambda shown: shown.update(more=1), lambda shown: shown.pop("nonce"),
    lambda shown: shown.update(nonce="zz" * 32), lambda shown: shown.update(nonce="00"), lambda shown: shown.update(sections=[]),
    lambda shown: shown["sections"]["report"].update(data="***"), lambda shown: shown["sections"]["report"].update(data=3),
    lambda shown: shown["sections"]["report"].update(nonce=None), lambda shown: shown["sections"].update(report="x"),
    lambda shown: shown.update(document=[]), lambda shown: shown.update(sections={}), lambda shown: shown["document"].update(more=1),
    lambda shown: shown["document"].update(sections={}), lambda shown: shown["document"].update(sections={"report": "AB" * 32}),
    lambda shown: shown["document"]["sections"].update({"../x": "ab" * 32}), lambda shown: shown["document"].update(context=2**80),
    lambda shown: shown["sections"].update(other={"nonce": "00" * 32, "data": ""}), lambda shown: shown["document"].update(format=None),
    lambda shown: shown["document"].update(context="\ud800"),
])
def test_opening_of_another_form_is_refused_with_a_word(change: Any) -> None:
    with pytest.raises(Invalid) as refused:
        rules.check_opening(rules.parse_opening(spoiled(change)), made()[0], CONTEXT)
    assert len(str(refused.value)) > 20


@pytest.mark.parametrize("sections", [{"patch": b""}, {"report": b"", "Patch": b""}, {"report": b"", "a" * 33: b""}, {}])
def test_commitment_without_a_report_or_with_a_bad_name_is_not_made(sections: dict[str, bytes]) -> None:
    with pytest.raises(Invalid):
        rules.make(sections, context=CONTEXT, key=KEY, nonce=b"\0" * 32, section_nonces=dict.fromkeys(sections, b"\0" * 32))


def test_short_nonce_is_refused() -> None:
    with pytest.raises(Invalid, match="32 random bytes"):
        rules.commit_section("report", b"", b"\0" * 31)
    with pytest.raises(Invalid, match="32 random bytes"):
        rules.commit({}, b"")


def at(days: float) -> datetime:
    """So many days after the record."""
    return BEGAN + timedelta(days=days)


def kept(*opened: tuple[str, float, bool], total: int = 2, withdrawn: float | None = None) -> Commitment:
    """A commitment due after ten days, with sections opened after so many days, late or not."""
    sections = tuple(OpenedSection(name, at(days), late, 1, "sha3-256:00") for name, days, late in opened)
    return Commitment(
        CommitmentId("cmt_a"), BEGAN, PartyId("pty_a"), PartyId("pty_a"), made()[0], at(10), EventId("evt_a"), False,
        total if opened else 0, sections, None, None, None, None if withdrawn is None else at(withdrawn),
    )


@pytest.mark.parametrize(("commitment", "days", "state"), [
    (kept(), 9.99, CommitmentState.HELD),
    (kept(), 10, CommitmentState.OVERDUE),
    (kept(("patch", 1, False)), 2, CommitmentState.PARTLY),
    (kept(("patch", 1, False)), 10, CommitmentState.OVERDUE),
    (kept(("report", 1, False)), 11, CommitmentState.PARTLY),
    (kept(("patch", 1, False), ("report", 11, True)), 12, CommitmentState.OPENED),
    (kept(("report", 1, False), total=1), 2, CommitmentState.OPENED),
    (kept(withdrawn=1), 11, CommitmentState.WITHDRAWN),
])
def test_state_follows_from_what_was_opened_and_when(commitment: Commitment, days: float, state: CommitmentState) -> None:
    assert rules.state_of(commitment, at(days)) is state


@pytest.mark.parametrize(("commitment", "reports", "earlier"), [
    (kept(("report", 1, False)), 1, True),
    (kept(("report", 1, False)), POLICY.findings_max + 1, False),
    (kept(("report", 1, False)), 0, False),
    (kept(("report", 11, True)), 1, False),
    (kept(("patch", 1, False)), 1, False),
    (kept(), 1, False),
])
def test_commitment_counts_only_if_opened_in_time_and_of_one_finding(commitment: Commitment, reports: int, earlier: bool) -> None:
    assert rules.counts_from(commitment, reports, POLICY) == (BEGAN if earlier else None)


def test_due_instant_lies_in_bounds() -> None:
    assert rules.due_at(None, BEGAN, POLICY) == at(POLICY.open_days)
    assert rules.due_at(at(POLICY.open_days_max), BEGAN, POLICY) == at(POLICY.open_days_max)
    for asked in (BEGAN, at(-1), at(POLICY.open_days_max + 0.001)):
        with pytest.raises(Invalid, match="is opened within"):
            rules.due_at(asked, BEGAN, POLICY)


def test_section_knows_its_name() -> None:
    """What was committed to as a patch opens no other section, though bytes and nonce are the same."""
    claim, opening = made(report=b"same", patch=b"same")
    swapped = {"report": SectionOpening(opening.sections["patch"].nonce, b"same")}
    with pytest.raises(Invalid, match="not what was committed to"):
        rules.check_opening(replace(opening, sections=swapped), claim, CONTEXT)
