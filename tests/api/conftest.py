"""The application with a client, and tokens of whoever a test needs."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from litestar.testing import TestClient

from clearinghouse.app.wiring import Instance
from clearinghouse.core.roles import MAY, Role, Scope
from clearinghouse.parties import actions as parties
from clearinghouse.parties.records import Party, PartyKind
from clearinghouse.server.application import create_application


@pytest.fixture
def client(instance: Instance) -> Iterator["TestClient[Any]"]:
    """The whole application, its readers and its matcher running."""
    with TestClient(create_application(instance), raise_server_exceptions=False) as opened:
        yield opened


def token_of(instance: Instance, party: Party) -> dict[str, str]:
    """Headers that speak for a party, with every scope its roles allow."""
    scopes = frozenset(scope for scope in Scope if party.roles & MAY[scope])
    now = instance.clock.now()
    with instance.database.write() as tx:
        _, text = parties.issue_token(tx, party.id, scopes, now + timedelta(days=1), actor=party.id, now=now)
    return {"Authorization": f"Bearer {text}"}


@pytest.fixture
def operator(instance: Instance) -> dict[str, str]:
    """The founding person: coordinator, administrator, reporter."""
    return token_of(instance, instance.actor)


@pytest.fixture
def finder(instance: Instance) -> Callable[[str], dict[str, str]]:
    """A new finder's headers, by name."""

    def make(name: str) -> dict[str, str]:
        with instance.database.write() as tx:
            party = parties.add_party(
                tx, PartyKind.ORGANISATION, name, frozenset({Role.REPORTER}), actor=instance.actor.id, now=instance.clock.now()
            )
        return token_of(instance, party)

    return make
