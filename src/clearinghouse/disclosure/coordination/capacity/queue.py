"""The queue before one vendor, worked out whole: lanes, their order, what each charter answers, what may go now.

Pure, and the one place that puts the rules together, so that what is delivered, what is forecast and what a
finder is told can never say different things.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from clearinghouse.core.ids import PartyId
from clearinghouse.core.policy import CapacityPolicy
from clearinghouse.disclosure.coordination.capacity import rules
from clearinghouse.disclosure.coordination.capacity.records import (
    Delivery,
    Forecast,
    Item,
    ItemId,
    LaneState,
    QueueLine,
    Ranked,
    Rates,
    Terms,
)
from clearinghouse.parties.charters import Adopted, Allowed, Answer, Held, Refused, answer


@dataclass(frozen=True, slots=True)
class Place:
    """An item in its lane, and what its charter answers now."""

    ranked: Ranked
    answer: Answer
    forecast: Forecast | None
    """None where the charter holds or refuses it, or the vendor asked to wait."""

    @property
    def item(self) -> Item:
        """The item itself."""
        return self.ranked.item


@dataclass(frozen=True, slots=True)
class Lane:
    """What one charter governs of a vendor's queue."""

    id: str
    adopted: Adopted | None
    terms: Terms
    state: LaneState
    places: tuple[Place, ...]
    """In the order they will go: first what may go, then what is stopped or postponed."""


@dataclass(frozen=True, slots=True)
class Queue:
    """All that waits before a vendor at one instant."""

    vendor: PartyId
    lanes: tuple[Lane, ...]
    rates: Rates

    def place(self, item_id: ItemId) -> Place | None:
        """Where an item stands."""
        return next((place for lane in self.lanes for place in lane.places if place.item.id == item_id), None)


def assemble(
    vendor: PartyId, items: Sequence[Item], charters: Sequence[Adopted], deliveries: Sequence[Delivery], overridden: Collection[ItemId],
    policy: CapacityPolicy, now: datetime,
) -> Queue:
    """The queue of a vendor at `now`."""
    governed: dict[str, list[Item]] = defaultdict(list)
    by_id = {str(one.id): one for one in charters}
    for item in items:
        adopted = rules.governing(charters, item.facts, now)
        governed[str(vendor) if adopted is None else str(adopted.id)].append(item)
    for lane_id in (*by_id, *(() if charters else (str(vendor),))):
        governed.setdefault(lane_id, [])
    served, rates = rules.served_lately(deliveries, policy, now), rules.recent_rates(deliveries, policy, now)
    lanes = []
    for lane_id in sorted(governed):
        adopted = by_id.get(lane_id)
        charter = None if adopted is None else adopted.charter
        terms, state = rules.terms_of(charter, policy, now), rules.lane_state(deliveries, lane_id, policy, now)
        answers = {
            item.id: answer(charter, rules.approach_of(item.facts, override=item.id in overridden), now) for item in governed[lane_id]
        }
        # Ranked without what cannot go, so that a held report uses up nobody's turn.
        moving = [item for item in governed[lane_id] if isinstance(answers[item.id], Allowed) and not _postponed(item, now)]
        order = rules.rank(moving, served, policy, now)
        free = sum(_passes(answers[one.item.id]) for one in order)
        seen = rules.forecasts(terms, state, rates, len(order) - free, policy, now)
        places = [
            Place(one, answers[one.item.id], Forecast(number + 1, now, now) if number < free else _shifted(seen[number - free], free))
            for number, one in enumerate(order)
        ]
        chosen = {item.id for item in moving}
        stopped = [item for item in governed[lane_id] if item.id not in chosen]
        places += [Place(one, answers[one.item.id], None) for one in rules.rank(stopped, served, policy, now)]
        lanes.append(Lane(lane_id, adopted, terms, state, tuple(places)))
    return Queue(vendor, tuple(lanes), rates)


def due(queue: Queue, now: datetime) -> list[tuple[Lane, Place, Allowed]]:
    """What goes now, in order: what passes the cap, and as many others as there is room for."""
    found = []
    for lane in queue.lanes:
        left = rules.room(lane.terms, lane.state, now)
        for place in lane.places:
            if not isinstance(place.answer, Allowed) or place.forecast is None:
                continue
            if place.answer.passes_cap:
                found.append((lane, place, place.answer))
            elif left:
                left -= 1
                found.append((lane, place, place.answer))
    return found


def lines_of(
    queue: Queue, readable: Collection[str] | None, policy: CapacityPolicy, now: datetime
) -> tuple[QueueLine, ...]:
    """A queue as lines: for its vendor all of it, with forecasts and without ids of what it is about; else what is readable.

    Args:
        readable: ids of the objects the viewer may read; None for the vendor itself.
    """
    own = readable is None
    return tuple(
        QueueLine(
            place.item.id, "" if own else place.item.object_id, place.item.queued_at, rules.highest_band(place.item.facts),
            place.item.facts.exploited, standing(place, policy, now), place.forecast if own else None,
            place.answer if isinstance(place.answer, Held | Refused) else None, place.item.not_before,
        )
        for lane in queue.lanes for place in lane.places if readable is None or place.item.object_id in readable
    )


def standing(place: Place, policy: CapacityPolicy, now: datetime) -> str:
    """How a waiting item stands, in words that count nothing of others."""
    match place.answer:
        case Held():
            return "held until what the project requires is there"
        case Refused():
            return "stopped: the project does not want to be contacted"
    if place.forecast is None:
        return "postponed: the project asked to wait"
    return rules.band_words(place.forecast.expected_at, policy, now)


def _passes(found: Answer) -> bool:
    return isinstance(found, Allowed) and found.passes_cap


def _shifted(forecast: Forecast, by: int) -> Forecast:
    return Forecast(forecast.position + by, forecast.earliest_at, forecast.expected_at)


def _postponed(item: Item, now: datetime) -> bool:
    return item.not_before is not None and item.not_before > now
