"""Search in the rooms a viewer takes part in: titles, flaws and their CVE ids, who takes part, and what was said.

Text of rooms is sealed and has no index (decision 4): what is searched is opened for the search, and how much that is, policy says.
The number of statements is the same whoever asks for what.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from clearinghouse.app.wiring import Instance
from clearinghouse.core.roles import Role
from clearinghouse.disclosure.coordination.rooms import rules
from clearinghouse.disclosure.coordination.rooms.records import Participant, Room, Standing
from clearinghouse.disclosure.coordination.rooms.store import cases, participants, threads, vulnerabilities
from clearinghouse.parties import store as party_store
from clearinghouse.storage import Transaction

_WORDS_MAX = 8
_WORD_CHARACTERS_MIN = 2
_EXCERPT = 80
"""Characters before and after the first word found."""


@dataclass(frozen=True, slots=True)
class FoundRoom:
    """A case by its title or summary."""

    id: str
    title: str
    state: str


@dataclass(frozen=True, slots=True)
class FoundFlaw:
    """A vulnerability by its name or identifier."""

    id: str
    case_id: str
    case_title: str
    title: str
    identifiers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FoundMessage:
    """A message by its words."""

    id: str
    case_id: str
    case_title: str
    thread_id: str
    at: datetime
    excerpt: str
    """Around the first word; text from outside."""


@dataclass(frozen=True, slots=True)
class FoundParty:
    """A party by its name."""

    id: str
    name: str
    where: str
    """Title of a case it takes part in; empty where an administrator found it in the list of all."""
    case_id: str = ""


@dataclass(frozen=True, slots=True)
class FoundInRooms:
    """What was found, by kind, newest first, and how far was looked."""

    rooms: tuple[FoundRoom, ...] = ()
    flaws: tuple[FoundFlaw, ...] = ()
    parties: tuple[FoundParty, ...] = ()
    messages: tuple[FoundMessage, ...] = ()
    rooms_max: int = 0
    messages_max: int = 0

    @property
    def anything(self) -> bool:
        """Whether there is anything to show."""
        return bool(self.rooms or self.flaws or self.parties or self.messages)


def search_rooms(instance: Instance, text: str) -> FoundInRooms:
    """What of the viewer's newest rooms has every word of a text; a text without words finds nothing."""
    viewer, now, limits = instance.actor.id, instance.clock.now(), instance.policy.search
    words = tuple(word for word in text.casefold().split() if len(word) >= _WORD_CHARACTERS_MIN)[:_WORDS_MAX]
    with instance.read() as tx:
        rooms = cases.list_rooms(tx, instance.envelope, viewer=viewer, now=now, limit=limits.rooms_max)
        flaws = vulnerabilities.list_over(tx, rooms)
        said = threads.list_over(tx, rooms, now=now, limit=limits.messages_max)
        people = _people(tx, instance, rooms, text if words else "", limits.shown_max)
    of = {room.id: room for room in rooms}
    return FoundInRooms(
        tuple(
            FoundRoom(room.id, room.case.title, str(room.case.state))
            for room in rooms if _has(words, f"{room.case.title}\n{room.case.summary}\n{room.id}")
        )[: limits.shown_max],
        tuple(
            FoundFlaw(flaw.id, case_id, of[case_id].case.title, flaw.title, flaw.identifiers)
            for case_id, flaw in flaws if _has(words, "\n".join((flaw.title, *flaw.identifiers)))
        )[: limits.shown_max],
        people,
        tuple(
            FoundMessage(message.id, case_id, of[case_id].case.title, message.thread, message.at, _excerpt(message.body, words))
            for case_id, message in said if _has(words, message.body)
        )[: limits.shown_max],
        limits.rooms_max, limits.messages_max,
    )


def _people(tx: Transaction, instance: Instance, rooms: Sequence[Room], text: str, most: int) -> tuple[FoundParty, ...]:
    """Who is named to the viewer in one of its rooms; an administrator, who keeps the list, finds everybody."""
    everybody = Role.ADMINISTRATOR in instance.actor.roles
    listed = party_store.list_named_like(tx, text if everybody else "", most)
    found = participants.system_named_like(tx, [room.id for room in rooms], text)
    houses = sorted({organisation for _, _, _, organisation in found if organisation is not None})
    beside = participants.system_beside(tx, [room.id for room in rooms], houses)
    of = {room.id: room for room in rooms}
    shown: dict[str, FoundParty] = {}
    for case_id, one, name, organisation in found:
        house = beside.get((case_id, organisation or ""))
        if all(_is_named(part, of[case_id].standing) for part in (one, house) if part is not None):
            shown.setdefault(one.party, FoundParty(one.party, name, of[case_id].case.title, case_id))
    for party_id, name in listed:
        shown.setdefault(party_id, FoundParty(party_id, name, ""))
    return tuple(sorted(shown.values(), key=lambda one: (one.name.casefold(), one.id)))[:most]


def _is_named(one: Participant, standing: Standing) -> bool:
    # One at a time is enough: whether somebody is hidden never depends on who else takes part.
    return rules.is_told_of(one, standing) and not rules.hidden_parties((one,), standing)


def _has(words: Iterable[str], text: str) -> bool:
    folded = text.casefold()
    wanted = tuple(words)
    return bool(wanted) and all(word in folded for word in wanted)


def _excerpt(body: str, words: Sequence[str]) -> str:
    line = " ".join(body.split())
    place = max(line.casefold().find(words[0]), 0)
    first, last = max(place - _EXCERPT, 0), place + len(words[0]) + _EXCERPT
    return ("…" if first else "") + line[first:last] + ("…" if last < len(line) else "")
