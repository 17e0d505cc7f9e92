"""Parties made up for a test, what they are granted, and what they then see."""

from datetime import timedelta

from clearinghouse.app.wiring import Instance
from clearinghouse.core.events import Event
from clearinghouse.core.ids import PartyId
from clearinghouse.core.roles import Role
from clearinghouse.ledger import actions as ledger
from clearinghouse.parties import actions, store
from clearinghouse.parties.records import Grant, Party, PartyKind, Tier


def add(instance: Instance, name: str, *roles: Role, kind: PartyKind = PartyKind.PERSON) -> Party:
    """Somebody of an organisation of their own."""
    with instance.database.write() as tx:
        organisation = actions.add_party(
            tx, PartyKind.ORGANISATION, name, frozenset(), actor=instance.actor.id, now=instance.clock.now()
        )
        return actions.add_party(
            tx, kind, name + "'s", frozenset(roles), organisation=organisation.id, actor=instance.actor.id, now=instance.clock.now()
        )


def give(instance: Instance, *given_: Grant) -> None:
    """Grant, as a capability would."""
    with instance.database.write() as tx:
        store.add_grants(tx, given_)
        ledger.record(tx, Event("Tested", (given_[0].object_id,)), actor=instance.actor.id, now=instance.clock.now())


def sees(instance: Instance, viewer: PartyId, *, tier_min: Tier = Tier.ROOM, after: timedelta = timedelta()) -> list[str]:
    """The objects a viewer may read, asked both ways."""
    at = instance.clock.now() + after
    with instance.database.read() as tx:
        listed = sorted({row[0] for row in tx.rows(store.readable_objects(viewer, at, tier_min=tier_min))})
        asked = [object_id for object_id in listed if store.may_read(tx, object_id, viewer, at, tier_min=tier_min)]
    assert asked == listed, "both forms of the question must have one answer"
    return listed
