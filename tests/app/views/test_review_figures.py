"""Public figures of reviews: nothing small is told, nor what it could be reckoned from."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from clearinghouse.app.views.reviews import figures_of
from clearinghouse.core.ids import ReviewCaseId
from clearinghouse.evaluation.review.records import Window, WindowId

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
MONTH = datetime(2026, 11, 1, tzinfo=UTC)
SMALL = 5


def windows(closed: int, withdrawn: int, live: int) -> list[tuple[Window, bool]]:
    def made(ended: datetime | None) -> Window:
        start = MONTH - timedelta(days=10)
        return Window(WindowId("w"), ReviewCaseId("r"), 1, start, MONTH + timedelta(days=20), 0, ended)

    gone = MONTH - timedelta(days=2)
    return [(made(gone), False)] * closed + [(made(gone), True)] * withdrawn + [(made(None), False)] * live


@given(st.integers(0, 20), st.integers(0, 20), st.integers(0, 20))
def test_no_small_cell_can_be_read_or_reckoned(closed: int, withdrawn: int, live: int) -> None:
    """Rule R34."""
    truth = {"closed": closed, "withdrawn": withdrawn, "open_now": live}
    found = figures_of(windows(closed, withdrawn, live), SMALL, NOW)
    told = {name: getattr(found, name) for name in truth}
    assert all(value is None or value == truth[name] for name, value in told.items())
    assert not [value for value in (*told.values(), found.opened) if value is not None and 0 < value < SMALL]
    unknown = [name for name, value in told.items() if value is None]
    if found.opened is not None and unknown:
        together = found.opened - sum(value for value in told.values() if value is not None)
        assert len(unknown) > 1
        assert together >= SMALL or len(unknown) == len(truth)
    if not any(0 < count < SMALL for count in (*truth.values(), closed + withdrawn + live)):
        assert told == truth, "what is not small is told"


def test_two_looks_within_a_month_tell_the_same() -> None:
    kept = windows(9, 7, 6)
    later = [*kept, (Window(WindowId("w"), ReviewCaseId("r"), 1, MONTH + timedelta(days=3), NOW, 0), False)]
    assert figures_of(kept, SMALL, NOW) == figures_of(later, SMALL, NOW + timedelta(days=5))
    assert figures_of(later, SMALL, NOW + timedelta(days=20)).opened == 23
