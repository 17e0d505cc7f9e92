"""Handling marks: nobody reads above the label, nothing is wider than its parts, and nothing is shown after its time."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearinghouse.core.errors import Conflict, NotPermitted
from clearinghouse.core.marks import Audience, Marks, Purpose, Reach, check_may_export, check_may_show, may_show, narrowest
from clearinghouse.core.tlp import Tlp

NOW = datetime(2026, 11, 21, tzinfo=UTC)
instants = st.none() | st.integers(-5, 5).map(lambda hours: NOW + timedelta(hours=hours))
marks = st.builds(
    Marks, tlp=st.sampled_from(Tlp), no_training=st.booleans(), no_regulatory_use=st.booleans(), legal_basis=st.sampled_from(["", "a", "b"]),
    legal_basis_until=instants, expires_at=instants,
)
audiences = st.builds(Audience, st.sampled_from(Reach), st.sampled_from(Purpose))


def exported(found: Marks, audience: Audience) -> bool:
    try:
        check_may_export(found, audience, NOW)
    except (NotPermitted, Conflict):
        return False
    return True


@pytest.mark.parametrize(("tlp", "told"), [
    (Tlp.RED, {"named"}), (Tlp.AMBER_STRICT, {"named", "organisation"}), (Tlp.AMBER, {"named", "organisation", "client"}),
    (Tlp.GREEN, {"named", "organisation", "client", "community"}), (Tlp.CLEAR, set(Reach)),
])
def test_label_reaches_exactly_whom_the_standard_says(tlp: Tlp, told: set[str]) -> None:
    assert {reach for reach in Reach if may_show(Marks(tlp), reach, NOW)} == told


@given(one=marks, other=marks, audience=audiences)
def test_what_holds_two_things_goes_nowhere_either_may_not(one: Marks, other: Marks, audience: Audience) -> None:
    both = narrowest(one, other)
    assert not may_show(both, audience.reach, NOW) or (may_show(one, audience.reach, NOW) and may_show(other, audience.reach, NOW))
    assert not exported(both, audience) or (exported(one, audience) and exported(other, audience))


@given(found=marks, audience=audiences)
def test_nothing_is_exported_that_may_not_be_shown(found: Marks, audience: Audience) -> None:
    assert not exported(found, audience) or may_show(found, audience.reach, NOW)


def test_expiry_ends_showing_at_its_instant() -> None:
    ends = Marks(Tlp.CLEAR, expires_at=NOW)
    assert may_show(ends, Reach.PUBLIC, NOW - timedelta(microseconds=1))
    with pytest.raises(Conflict, match="expired at 2026-11-21 00:00 UTC"):
        check_may_show(ends, Reach.NAMED, NOW)


def test_refusal_says_whom_the_label_is_for() -> None:
    with pytest.raises(NotPermitted, match="recipients' own organisations"):
        check_may_show(Marks(), Reach.CLIENT, NOW)
