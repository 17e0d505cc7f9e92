"""The state tables: every state is reached, none is left by mistake, and the case state follows from facts."""

from datetime import UTC, datetime

import pytest

from clearinghouse.core.terms import Milestone
from clearinghouse.disclosure.coordination.embargo.records import Consent, EmbargoState, Facts
from clearinghouse.disclosure.coordination.embargo.states import (
    CONSENT_TRANSITIONS,
    CONSEQUENCES,
    EMBARGO_TRANSITIONS,
    PUBLIC_TRANSITIONS,
    VENDOR_TRANSITIONS,
    PublicState,
    VendorPath,
    public_state,
    vendor_path,
)
from clearinghouse.disclosure.coordination.rooms.states import Transition

NOW = datetime(2026, 10, 1, tzinfo=UTC)
TABLES = {"embargo": EMBARGO_TRANSITIONS, "consent": CONSENT_TRANSITIONS, "vendor": VENDOR_TRANSITIONS, "public": PUBLIC_TRANSITIONS}


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_step_leads_to_one_state_and_every_state_is_reached(table: tuple[Transition, ...]) -> None:
    steps = [(one.verb, one.start) for one in table]
    assert len(steps) == len(set(steps))
    kind = type(table[0].start)
    reached = {next(iter(kind))}
    for _ in kind:
        reached |= {one.end for one in table if one.start in reached}
    assert reached == set(kind)


def test_what_exited_never_comes_back() -> None:
    assert [one for one in EMBARGO_TRANSITIONS if one.start is EmbargoState.EXITED] == []
    assert {one.start for one in EMBARGO_TRANSITIONS if one.end is EmbargoState.EXITED} == set(EmbargoState) - {EmbargoState.EXITED}


def test_nobody_is_bound_without_a_word_of_its_own() -> None:
    assert {one.verb for one in CONSENT_TRANSITIONS if one.end is Consent.SIGNATORY} == {"accept"}


def test_what_the_world_knows_is_never_forgotten() -> None:
    for one in PUBLIC_TRANSITIONS:
        gained = [(before, after) for before, after in zip(one.start, one.end, strict=True) if before != after]
        assert gained
        assert all(before.islower() and after.isupper() for before, after in gained)
    assert {one.verb for one in PUBLIC_TRANSITIONS} | {one.verb for one in VENDOR_TRANSITIONS} <= set(CONSEQUENCES)


@pytest.mark.parametrize(("known", "world", "path"), [
    (set(), "pxa", "vfd"), ({Milestone.VENDOR_CONTACTED}, "pxa", "Vfd"), ({Milestone.PUBLIC}, "Pxa", "Vfd"),
    ({Milestone.EXPLOIT_PUBLIC}, "PXa", "Vfd"), ({Milestone.EXPLOITED_KNOWN}, "pxA", "vfd"),
    ({Milestone.VENDOR_CONTACTED, Milestone.FIX_READY}, "pxa", "VFd"),
    ({Milestone.VENDOR_CONTACTED, Milestone.FIX_READY, Milestone.FIX_DEPLOYED, Milestone.PUBLIC, Milestone.EXPLOITED_KNOWN}, "PxA", "VFD"),
])
def test_case_state_follows_from_the_facts(known: set[Milestone], world: str, path: str) -> None:
    facts = Facts(dict.fromkeys(known, NOW))
    assert (public_state(facts), vendor_path(facts, "pty_v")) == (PublicState(world), VendorPath(path))
