"""A case among a coordinator (`lead`), a finder and a vendor, on either database or on SQLite alone."""

from datetime import timedelta

import pytest

from clearinghouse.app.wiring import Instance
from clearinghouse.core.ids import CaseId
from clearinghouse.disclosure.intake.records import Finding
from room_cast import Cast

FINDING = Finding(title="Overflow in tiff_read_strip", description="A long strip overflows.")
DAY = timedelta(days=1)


@pytest.fixture
def cast(instance: Instance) -> Cast:
    """People around an instance on either database."""
    return Cast(instance)


@pytest.fixture
def case_id(cast: Cast) -> CaseId:
    """A case of `finder`'s report with a vendor in it."""
    opened = cast.open(cast.report(FINDING))
    cast.join(opened, "vendor")
    return opened


@pytest.fixture
def sqlite_cast(sqlite_instance: Instance) -> Cast:
    """People around an instance on SQLite."""
    return Cast(sqlite_instance)


@pytest.fixture
def sqlite_case(sqlite_cast: Cast) -> CaseId:
    """The same on SQLite."""
    opened = sqlite_cast.open(sqlite_cast.report(FINDING))
    sqlite_cast.join(opened, "vendor")
    return opened
