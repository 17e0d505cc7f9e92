"""What a charter answers."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearinghouse.core.ids import PartyId
from clearinghouse.core.severity import Band
from clearinghouse.core.terms import Rank, complaint_about_terms
from clearinghouse.parties.charters.records import (
    Adopted,
    Allowed,
    Answer,
    Approach,
    Channel,
    Charter,
    CharterId,
    Contact,
    EmbargoTerms,
    Exclusion,
    Held,
    OptOut,
    Purpose,
    Refused,
    Reproducer,
    Take,
    Want,
)
from clearinghouse.parties.charters.rules import answer, embargo_terms, is_opted_out

NOW = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
READY = Approach(reproducer=Reproducer.CONFIRMED, accountable_human=True, severity=Band.HIGH)
CLOSED = Charter("x", opt_out=OptOut(contact=True, scanning=True))


def codes(found: Answer) -> tuple[str, list[str]]:
    return type(found).__name__, [reason.code for reason in found.reasons]


@pytest.mark.parametrize(("charter", "approach", "expected"), [
    (None, READY, ("Allowed", [])),
    (None, replace(READY, reproducer=Reproducer.CLAIMED), ("Held", ["reproducer.unconfirmed"])),
    (None, replace(READY, reproducer=Reproducer.NONE), ("Held", ["reproducer.missing"])),
    (None, replace(READY, ai_found=True), ("Allowed", [])),
    (None, replace(READY, ai_found=True, accountable_human=False), ("Held", ["human.missing"])),
    (Charter("x", ai_accountable_human=False), replace(READY, ai_found=True, accountable_human=False), ("Allowed", [])),
    (Charter("x", ai_take=Take.RAW), replace(READY, ai_found=True, reproducer=Reproducer.NONE), ("Allowed", [])),
    (Charter("x", ai_take=Take.RAW), replace(READY, reproducer=Reproducer.NONE), ("Held", ["reproducer.missing"])),
    (Charter("x", take=Take.RAW), replace(READY, reproducer=Reproducer.NONE), ("Allowed", [])),
    (Charter("x", take=Take.RAW), replace(READY, ai_found=True, reproducer=Reproducer.NONE), ("Held", ["reproducer.missing"])),
    (Charter("x", severity_floor=Band.CRITICAL), READY, ("Held", ["severity.below_floor"])),
    (Charter("x", severity_floor=Band.HIGH), READY, ("Allowed", [])),
    (Charter("x", severity_floor=Band.HIGH), replace(READY, severity=None), ("Allowed", ["severity.unclaimed"])),
    (Charter("x", required=(Want.LOCUS, Want.IMPACT)), replace(READY, holds=frozenset({Want.LOCUS})), ("Held", ["required.missing"])),
    (Charter("x", reproducer_languages=("Rust",)), replace(READY, reproducer_language="c"), ("Held", ["reproducer.language"])),
    (Charter("x", reproducer_languages=("Rust",)), replace(READY, reproducer_language="rust"), ("Allowed", [])),
    (Charter("x", reproducer_languages=("Rust",)), READY, ("Allowed", [])),
    (Charter("x", policy_acknowledge=True), READY, ("Held", ["policy.unread"])),
    (Charter("x", severity_floor=Band.CRITICAL, required=(Want.IMPACT,)), replace(READY, exploited=True, reproducer=Reproducer.NONE), ("Allowed", ["exploited"])),
    (CLOSED, READY, ("Refused", ["opt_out.contact"])),
    (CLOSED, replace(READY, exploited=True), ("Refused", ["opt_out.contact"])),
    (CLOSED, replace(READY, exploited=True, override=True), ("Allowed", ["exploited", "opt_out.overridden"])),
    (CLOSED, replace(READY, override=True), ("Refused", ["opt_out.contact"])),
    (CLOSED, replace(READY, purpose=Purpose.SCAN, exploited=True, override=True), ("Refused", ["opt_out.scanning"])),
    (Charter("x", own_scanning="nightly"), Approach(Purpose.SCAN), ("Allowed", ["scan.own"])),
    (Charter("x", opt_out=OptOut(scanning=True)), READY, ("Allowed", [])),
])
def test_answer_of_a_charter(charter: Charter | None, approach: Approach, expected: tuple[str, list[str]]) -> None:
    assert codes(answer(charter, approach, NOW)) == expected


def test_what_is_missing_is_asked_back() -> None:
    found = answer(Charter("x", required=(Want.IMPACT, Want.REPRODUCER)), replace(READY, reproducer=Reproducer.NONE), NOW)
    assert isinstance(found, Held)
    assert found.asks == (Want.REPRODUCER, Want.IMPACT)


def test_ai_finding_is_public_only_where_the_charter_says_so() -> None:
    charter = Charter("x", ai_public=True, contacts=(Contact(Channel.ISSUE_TRACKER, "https://example.org/issues"),))
    ai = replace(READY, ai_found=True)
    assert answer(charter, ai, NOW) == Allowed((), True, charter.contacts)
    assert answer(charter, READY, NOW) == Allowed((), False, charter.contacts)
    assert answer(None, ai, NOW) == Allowed((), False, (Contact(Channel.CLEARINGHOUSE),))


@pytest.mark.parametrize(("approach", "points"), [
    (replace(READY, weaknesses=("CWE-617",)), True), (replace(READY, paths=("tools/x.c",)), True), (replace(READY, paths=("/tools",)), True),
    (replace(READY, paths=("toolset/x.c",)), False), (READY, False),
])
def test_exclusion_is_pointed_at_and_closes_nothing(approach: Approach, points: bool) -> None:
    entry = Exclusion("asserts", "An assertion.", ("CWE-617",), ("tools/",))
    found = answer(Charter("x", exclusions=(entry,)), approach, NOW)
    assert isinstance(found, Allowed)
    assert found.pointed == ((entry,) if points else ())


def test_opt_out_ends_at_its_instant_and_not_before() -> None:
    charter = Charter("x", opt_out=OptOut(contact=True, until=NOW))
    assert codes(answer(charter, READY, NOW - timedelta(microseconds=1)))[0] == "Refused"
    assert codes(answer(charter, READY, NOW))[0] == "Allowed"


def test_lapsed_charter_leaves_the_defaults_and_the_opt_out() -> None:
    lapsed = Charter("x", valid_until=NOW, take=Take.RAW, required=(Want.IMPACT,))
    raw = replace(READY, reproducer=Reproducer.NONE)
    assert codes(answer(lapsed, raw, NOW - timedelta(seconds=1))) == ("Held", ["required.missing"])
    assert codes(answer(lapsed, raw, NOW)) == ("Held", ["reproducer.missing"])
    assert codes(answer(replace(CLOSED, valid_until=NOW), READY, NOW)) == ("Refused", ["opt_out.contact"])


APPROACHES = st.builds(
    Approach, st.sampled_from(Purpose), st.booleans(), st.booleans(), st.sampled_from(Reproducer), st.sampled_from(["", "c"]), st.just(""),
    st.booleans(), st.booleans(), st.none() | st.sampled_from(Band), st.frozensets(st.sampled_from(Want)), st.just(()), st.just(()), st.booleans(),
)
CHARTERS = st.builds(
    Charter, st.just("x"), take=st.sampled_from(Take), severity_floor=st.sampled_from(Band), required=st.lists(st.sampled_from(Want)).map(tuple),
    reproducer_languages=st.sampled_from([(), ("c",), ("go",)]), ai_take=st.sampled_from(Take), ai_accountable_human=st.booleans(),
    opt_out=st.builds(OptOut, st.booleans(), st.booleans(), st.none() | st.sampled_from([NOW, NOW + timedelta(days=1)])),
    valid_until=st.none() | st.sampled_from([NOW, NOW + timedelta(days=1)]), policy_acknowledge=st.booleans(),
)


@given(CHARTERS, APPROACHES)
def test_opt_out_stops_everything_but_an_override_for_an_exploited_flaw(charter: Charter, approach: Approach) -> None:
    found = answer(charter, approach, NOW)
    stands = is_opted_out(charter.opt_out, NOW, approach.purpose)
    passes = approach.purpose is Purpose.CONTACT and approach.exploited and approach.override
    assert isinstance(found, Refused) == (stands and not passes)


@given(CHARTERS, APPROACHES)
def test_nothing_unconfirmed_reaches_a_maintainer_unless_raw_reports_are_taken(charter: Charter, approach: Approach) -> None:
    found = answer(charter, approach, NOW)
    if isinstance(found, Allowed) and approach.purpose is Purpose.CONTACT and not approach.exploited:
        alive = charter.valid_until is None or charter.valid_until > NOW
        raw = alive and (charter.ai_take if approach.ai_found else charter.take) is Take.RAW
        assert raw or approach.reproducer is Reproducer.CONFIRMED


@given(CHARTERS, APPROACHES)
def test_supplying_what_is_asked_never_makes_the_answer_worse(charter: Charter, approach: Approach) -> None:
    rank = {Refused: 0, Held: 1, Allowed: 2}
    better = replace(approach, reproducer=Reproducer.CONFIRMED, accountable_human=True, holds=frozenset(Want), policy_acknowledged=True)
    assert rank[type(answer(charter, better, NOW))] >= rank[type(answer(charter, approach, NOW))]


@pytest.mark.parametrize(("terms", "ai_found", "expected"), [
    (EmbargoTerms(60, 0, 90, 14), False, (60, 90, 14, True)), (EmbargoTerms(60, 0, 90, 14), True, (0, 90, 14, True)),
    (EmbargoTerms(60), True, (60, None, None, False)), (EmbargoTerms(), False, None), (EmbargoTerms(None, 30), False, None),
])
def test_charters_dates_become_terms_for_the_calculator(
    terms: EmbargoTerms, ai_found: bool, expected: tuple[int, int | None, int | None, bool] | None
) -> None:
    adopted = Adopted(CharterId("chr_1"), 1, PartyId("pty_1"), "", NOW, PartyId("pty_1"), False, "", Charter("x", embargo=terms), ())
    found = embargo_terms(adopted, ai_found=ai_found, now=NOW)
    assert (None if found is None else (found.days, found.days_max, found.details_days, found.public_ai_none)) == expected
    assert found is None or (found.rank, complaint_about_terms(found)) == (Rank.CHARTER, "")
