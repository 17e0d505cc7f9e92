"""Fixtures of the views' tests."""

from collections.abc import Callable

import pytest

from clearinghouse.app.process import matching
from clearinghouse.app.wiring import Instance
from clearinghouse.core.roles import Role
from clearinghouse.parties.records import Party
from views_support import new_party


@pytest.fixture
def settle(instance: Instance) -> Callable[[], None]:
    """Compare everything that was sent."""

    def run() -> None:
        work = matching(instance)
        work.sign_new()
        work.index_waiting()
        work.settle()

    return run


@pytest.fixture
def finder(instance: Instance) -> Party:
    """A mere reporter."""
    return new_party(instance, "Finder Ltd", Role.REPORTER)
