"""A cast around one instance, on either database or on SQLite alone."""

import pytest

from clearinghouse.app.wiring import Instance
from clearinghouse.core.ids import CaseId
from clearinghouse.disclosure.intake.records import Finding
from room_cast import Cast

FINDING = Finding(title="Overflow in tiff_read_strip", description="A long strip overflows.", reproduction="run it with a.tif")


@pytest.fixture
def cast(instance: Instance) -> Cast:
    """People around an instance on either database."""
    return Cast(instance)


@pytest.fixture
def sqlite_cast(sqlite_instance: Instance) -> Cast:
    """People around an instance on SQLite."""
    return Cast(sqlite_instance)


@pytest.fixture
def case_id(cast: Cast) -> CaseId:
    """A case led by the operator from a report of `finder`."""
    return cast.open(cast.report(FINDING))


@pytest.fixture
def sqlite_case(sqlite_cast: Cast) -> CaseId:
    """The same on SQLite."""
    return sqlite_cast.open(sqlite_cast.report(FINDING))
