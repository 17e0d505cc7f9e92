"""The requests to erase a case that wait for a second person."""

from clearinghouse.app.wiring import Instance
from clearinghouse.disclosure.coordination.rooms import actions
from clearinghouse.disclosure.coordination.rooms.records import Erasure


def list_waiting(instance: Instance) -> list[Erasure]:
    """What waits, for who could be the second person; such a one need not read the cases.

    Raises:
        NotPermitted: whoever acts could not.
    """
    with instance.database.read() as tx:
        return actions.list_erasures(tx, envelope=instance.envelope, viewer=instance.actor.id, now=instance.clock.now())
