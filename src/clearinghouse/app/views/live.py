"""What a page that stays open asks every few seconds: how much is there for this viewer by now, in few and cheap statements.

What is not the viewer's costs the same and says nothing: a case that is not there and one of somebody else are one silence.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from clearinghouse.app.views.timeline import is_told
from clearinghouse.app.wiring import Instance
from clearinghouse.core.ids import has_shape
from clearinghouse.disclosure.coordination.rooms.records import CaseState, Room
from clearinghouse.disclosure.coordination.rooms.store import cases, participants, threads
from clearinghouse.disclosure.intake import store as intake
from clearinghouse.disclosure.validation.queue import store as validations
from clearinghouse.ledger import store as ledger
from clearinghouse.storage import Transaction

MESSAGE, STEP = "message", "step"
"""What is counted in a case; elsewhere things are counted without a word for them."""
_CASE = "case:"
_VALIDATION = "validation:"
_CASES_MAX = 4
"""Of one page: a page shows one room; bounds what one stream may cost."""
_ROOMS_MAX = 50
"""Cases looked through for messages: as many as the list of cases shows."""
_EVENTS_MAX = 100


@dataclass(frozen=True, slots=True)
class Change:
    """How much more there is of something than before."""

    topic: str
    count: int
    kind: str = ""
    """In a case `message` or `step`; empty elsewhere."""


@dataclass(frozen=True, slots=True)
class Watch:
    """How much the viewer may see of each topic it asked for."""

    counts: Mapping[tuple[str, str], int]
    """By topic and kind."""
    marks: Mapping[str, int] = field(default_factory=dict)
    """Of each case, the newest event that was looked at; never shown."""

    def since(self, earlier: "Watch") -> list[Change]:
        """What there is more of than before, and how much."""
        return [
            Change(topic, count - earlier.counts.get((topic, kind), 0), kind)
            for (topic, kind), count in self.counts.items() if count > earlier.counts.get((topic, kind), 0)
        ]


def parse_topics(untrusted_topics: str) -> tuple[str, ...]:
    """The topics of an address, without what is none."""
    asked = dict.fromkeys(untrusted_topics[:1_000].split(","))
    known = [topic for topic in asked if topic in ("inbox", "queue", "cases")]
    named = [topic for topic in asked if topic.startswith((_CASE, _VALIDATION)) and has_shape(topic.partition(":")[2])]
    return (*known, *named[:_CASES_MAX])


def watch(instance: Instance, topics: Sequence[str], earlier: Watch | None = None) -> Watch:
    """The counts as of now; how many statements that takes depends on the topics alone.

    Args:
        earlier: what was seen last; steps of a case are counted from it on.
    """
    viewer, now = instance.actor.id, instance.clock.now()
    counts: dict[tuple[str, str], int] = {}
    marks: dict[str, int] = {}
    with instance.read() as tx:
        reports = intake.count_reports(tx, viewer=viewer, now=now) if {"inbox", "queue"} & {*topics} else 0
        rooms = unread = invited = 0
        if {"cases", "queue"} & {*topics}:
            # Who is invited may not read the case yet: the wall would hide the invitation with it.
            with tx.beyond_wall():
                invited = participants.count_invitations(tx, viewer=viewer, now=now)
            rooms = cases.count_rooms(tx, viewer=viewer, now=now)
            open_rooms = cases.list_rooms(tx, instance.envelope, viewer=viewer, now=now, limit=_ROOMS_MAX, state=CaseState.OPEN)
            unread = sum(threads.count_unread(tx, open_rooms, now=now).values())
        for topic in topics:
            if topic.startswith(_VALIDATION):
                # Pieces of work that are done: a step each.
                counts[topic, STEP] = validations.count_done(tx, topic.removeprefix(_VALIDATION), viewer=viewer, now=now)
            if topic.startswith(_CASE):
                messages, steps, marks[topic] = _case(tx, instance, topic.removeprefix(_CASE), (earlier.marks if earlier else {}).get(topic))
                counts[topic, MESSAGE] = messages
                counts[topic, STEP] = steps + (earlier.counts.get((topic, STEP), 0) if earlier else 0)
    known = {"inbox": reports, "queue": reports + invited + unread, "cases": rooms + invited + unread}
    return Watch({**{(topic, ""): known[topic] for topic in topics if topic in known}, **counts}, marks)


def _case(tx: Transaction, instance: Instance, case_id: str, since: int | None) -> tuple[int, int, int]:
    """Messages not read, steps since an event, and the newest event by now; nothing of nothing where the case is not the viewer's."""
    now = instance.clock.now()
    room = cases.find_room(tx, case_id, instance.envelope, viewer=instance.actor.id, now=now)
    asked = "" if room is None else room.id
    own = cases.own_report_ids(tx, asked, () if room is None else sorted(room.standing.parties))
    unread = threads.count_unread(tx, () if room is None else (room,), now=now)
    newest = ledger.newest_about(tx, asked, 1 if since is None else _EVENTS_MAX)
    if room is None:
        return 0, 0, 0
    mark = newest[0].number if newest else 0
    fresh = [event for event in newest if since is not None and event.number > since]
    return unread.get(room.id, 0), count_steps(fresh, room, own), mark


def count_steps(events: Sequence[ledger.LoggedEvent], room: Room, own: frozenset[str], *, after: datetime | None = None) -> int:
    """How many of these events somebody else made and the viewer is told of."""
    told = frozenset({*room.standing.parties, *own})
    return sum(
        event.actor not in room.standing.parties and (after is None or event.at > after) and is_told(event, room, told) for event in events
    )


def words_of(counts: Mapping[str, int]) -> str:
    """`3 new messages, 1 new step`, by kind; empty where nothing is new."""
    held = Counter({kind: count for kind, count in counts.items() if count > 0})
    return ", ".join(
        f"{held[kind]} new {kind}{'' if held[kind] == 1 else 's'}" if kind else f"{held[kind]} new" for kind in (MESSAGE, STEP, "") if held[kind]
    )
