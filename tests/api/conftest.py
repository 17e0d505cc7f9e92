"""The application with a client, and tokens of whoever a test needs."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from litestar.testing import TestClient

from api_support import headers_of, party_of
from clearinghouse.app.wiring import Instance
from clearinghouse.core.roles import Role
from clearinghouse.server.application import create_application


@pytest.fixture
def client(instance: Instance) -> Iterator["TestClient[Any]"]:
    """The whole application, its readers and its matcher running."""
    with TestClient(create_application(instance, matcher_process=False), raise_server_exceptions=False) as opened:
        yield opened


@pytest.fixture
def operator(instance: Instance) -> dict[str, str]:
    """The founding person: coordinator, administrator, reporter."""
    return headers_of(instance, instance.actor)


@pytest.fixture
def finder(instance: Instance) -> Callable[[str], dict[str, str]]:
    """A new finder's headers, by name."""

    return lambda name: party_of(instance, name, Role.REPORTER).headers
