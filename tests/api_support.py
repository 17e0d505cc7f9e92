"""Parties with tokens, for tests that speak HTTP."""

from dataclasses import dataclass
from datetime import timedelta

from clearinghouse.app.wiring import Instance
from clearinghouse.core.roles import MAY, Role, Scope
from clearinghouse.parties import actions as parties
from clearinghouse.parties import records


@dataclass(frozen=True)
class Party:
    """Somebody who can call."""

    id: str
    headers: dict[str, str]


def headers_of(instance: Instance, party: records.Party) -> dict[str, str]:
    """Headers that speak for a party, with every scope its roles allow."""
    scopes = frozenset(scope for scope in Scope if party.roles & MAY[scope])
    now = instance.clock.now()
    with instance.database.write() as tx:
        _, text = parties.issue_token(tx, party.id, scopes, now + timedelta(days=1), actor=instance.actor.id, now=now)
    return {"Authorization": f"Bearer {text}"}


def party_of(instance: Instance, name: str, *roles: Role) -> Party:
    """A new organisation with a token."""
    with instance.database.write() as tx:
        party = parties.add_party(
            tx, records.PartyKind.ORGANISATION, name, frozenset(roles), actor=instance.actor.id, now=instance.clock.now()
        )
    return Party(party.id, headers_of(instance, party))
