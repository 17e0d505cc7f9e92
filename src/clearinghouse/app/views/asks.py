"""Who asks to take part in one case, for its coordinators."""

from dataclasses import dataclass
from datetime import datetime

from clearinghouse.app.wiring import Instance
from clearinghouse.disclosure.coordination.asks import store
from clearinghouse.disclosure.coordination.rooms import actions
from clearinghouse.parties.store import name_parties


@dataclass(frozen=True, slots=True)
class AskLine:
    """Somebody who asks to take part."""

    id: str
    name: str
    at: datetime
    words: str


@dataclass(frozen=True, slots=True)
class Asks:
    """What waits in one case."""

    case_id: str
    title: str
    asks: tuple[AskLine, ...]
    """Empty for who does not coordinate the case."""


def read_asks(instance: Instance, case_id: str) -> Asks:
    """Who asks to take part in a case.

    Raises:
        NotFound: there is none that the viewer may see.
    """
    with instance.read() as tx:
        room = actions.enter(tx, case_id, envelope=instance.envelope, viewer=instance.actor.id, now=instance.clock.now())
        found = store.list_open(tx, [room], instance.envelope)
        names = name_parties(tx, sorted({one.asker for one in found}))
    lines = tuple(AskLine(one.id, names.get(one.asker, ("Somebody", None))[0], one.at, one.words) for one in found)
    return Asks(room.id, room.case.title, lines)
