"""The application with a client, and browsers of whoever a test needs."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from litestar.testing import TestClient

from clearinghouse.app.wiring import Instance
from clearinghouse.server.application import create_application
from web_support import Browser, signed_in


@pytest.fixture
def client(instance: Instance) -> Iterator["TestClient[Any]"]:
    """The whole application."""
    with TestClient(create_application(instance, matcher_process=False), raise_server_exceptions=False) as opened:
        yield opened


@pytest.fixture
def stranger(client: "TestClient[Any]") -> Browser:
    """A browser nobody is signed in with."""
    return Browser(client, httpx.Cookies())


@pytest.fixture
def coordinator(client: "TestClient[Any]", instance: Instance) -> Browser:
    """The founding person, signed in."""
    return signed_in(client, instance, instance.actor)
