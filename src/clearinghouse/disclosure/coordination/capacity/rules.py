"""What capacity decides: who goes next, how many may go now, when the others can expect to.

A cap is a bucket of as many tokens as the charter says, each coming back exactly seven days after it was spent: so
no window of seven days, wherever it begins, sees more than the cap. A delivery counts at `t` while it was made
after `t - 7 days`; a second bound of the same kind holds over 24 hours. No answer gives a token back early.
"""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from statistics import median

from clearinghouse.core.errors import Conflict, Invalid
from clearinghouse.core.ids import PartyId
from clearinghouse.core.policy import CapacityPolicy
from clearinghouse.core.severity import Band, band_of
from clearinghouse.core.untrusted import clean_text
from clearinghouse.disclosure.coordination.capacity.records import (
    Delivery,
    Facts,
    Forecast,
    Item,
    LaneState,
    Ranked,
    Rates,
    Reply,
    ReplyKind,
    State,
    Terms,
)
from clearinghouse.parties.charters import Adopted, Approach, Charter, Reproducer
from clearinghouse.parties.charters.rules import in_force, is_opted_out

WEEK, DAY = timedelta(days=7), timedelta(hours=24)
_REASON_CHARACTERS_MAX = 4_000
_REPRODUCER = {Reproducer.NONE: 0.0, Reproducer.CLAIMED: 0.5, Reproducer.CONFIRMED: 1.0}

AFTER: dict[ReplyKind, State] = {
    ReplyKind.ACCEPT: State.ACCEPTED, ReplyKind.DECLINE: State.DECLINED, ReplyKind.MORE: State.ASKED,
    ReplyKind.NOT_A_VULNERABILITY: State.NOT_A_VULNERABILITY, ReplyKind.WAIT: State.WAITING,
}
"""A vendor's answer to the state of the item after it."""

_FINAL = frozenset({ReplyKind.ACCEPT, ReplyKind.DECLINE, ReplyKind.NOT_A_VULNERABILITY})
MAY_ANSWER: dict[State, frozenset[ReplyKind]] = {
    State.DELIVERED: frozenset(ReplyKind), State.ASKED: frozenset(ReplyKind),
    # A changed mind is an answer too, and an appeal may be granted; a postponement would hide either.
    State.ACCEPTED: _FINAL - {ReplyKind.ACCEPT}, State.DECLINED: _FINAL - {ReplyKind.DECLINE},
    State.NOT_A_VULNERABILITY: _FINAL - {ReplyKind.NOT_A_VULNERABILITY},
    State.WAITING: frozenset(), State.WITHDRAWN: frozenset(),
}
"""State of an item to the answers its vendor may give."""


def priority(facts: Facts, finders: int, queued_at: datetime, policy: CapacityPolicy, now: datetime) -> float:
    """What an item is worth to a maintainer's next hour; grows with each week of waiting, without end."""
    score = policy.weight_reproducer * _REPRODUCER[facts.reproducer]
    if facts.scores:
        score += (policy.weight_severity_max * max(facts.scores) + policy.weight_severity_median * median(facts.scores)) / 10
    if facts.patch:
        score += policy.weight_patch
    score += policy.weight_corroboration * math.log2(max(1, min(finders, policy.corroboration_finders_max)))
    return score + policy.weight_age * max(0.0, (now - queued_at) / WEEK)


def rank(items: Sequence[Item], served: Mapping[PartyId, int], policy: CapacityPolicy, now: datetime) -> list[Ranked]:
    """The fair order: exploited first, then finder by finder in rounds, the best of each round first.

    A finder's items stand in order of priority; the first is of the round of how many deliveries it had lately, the
    next of the one after. So at most `finders x (r + 1)` items stand before one of round `r`, however many one
    finder sends. An item of several finders takes the earliest of their rounds: joining somebody's flood delays nobody.

    Args:
        served: counted deliveries of the last `fairness_weeks` by the finder on whose turn they went.
    """
    scores = {item.id: priority(item.facts, len(item.finders), item.queued_at, policy, now) for item in items}
    own: dict[PartyId, list[Item]] = defaultdict(list)
    for item in sorted(items, key=lambda item: (-scores[item.id], item.queued_at, item.id)):
        for finder in item.finders:
            own[finder].append(item)
    best: dict[str, tuple[int, PartyId]] = {}
    for finder in sorted(own):
        start = served.get(finder, 0)
        for place, item in enumerate(own[finder]):
            best[item.id] = min(best.get(item.id, (start + place, finder)), (start + place, finder))
    found = []
    for item in items:
        number, turn = best.get(item.id, (0, None))
        found.append(Ranked(item, turn, number, scores[item.id]))
    return sorted(found, key=lambda one: (not one.item.facts.exploited, one.round, -one.score, one.item.queued_at, one.item.id))


def terms_of(charter: Charter | None, policy: CapacityPolicy, now: datetime) -> Terms:
    """How much a charter lets through at `now`; the instance's numbers where it is silent or over."""
    charter = in_force(charter, now)
    cap = policy.cap_per_week if charter.per_week is None else charter.per_week
    return Terms(cap, charter.burst or max(cap, 1), charter.open_max or max(cap, 1) * policy.open_weeks)


def lane_state(deliveries: Sequence[Delivery], lane: str, policy: CapacityPolicy, now: datetime) -> LaneState:
    """What still counts in a lane. What went to the vendor before any charter governed counts in each of its lanes."""
    mine = sorted(
        (one for one in deliveries if one.counted and one.lane in (lane, str(one.vendor))), key=lambda one: one.delivered_at
    )
    slot = timedelta(days=policy.slot_days)
    return LaneState(
        tuple(one.delivered_at for one in mine if one.delivered_at > now - WEEK),
        tuple(
            one.delivered_at + slot for one in mine
            if one.reply in (None, ReplyKind.MORE) and not one.withdrawn and one.delivered_at + slot > now
        ),
    )


def room(terms: Terms, state: LaneState, now: datetime) -> int:
    """How many may go at `now`."""
    in_week = sum(at > now - WEEK for at in state.spent)
    in_day = sum(at > now - DAY for at in state.spent)
    held = sum(at > now for at in state.held_until)
    return max(0, min(terms.per_week - in_week, terms.burst - in_day, terms.open_max - held))


def next_instants(terms: Terms, state: LaneState, now: datetime, count: int) -> list[datetime]:
    """The instants at which the next ones can go, if every answer to them comes at once; empty where none ever can."""
    if terms.per_week < 1:
        return []
    spent = sorted(state.spent)
    held = sorted(state.held_until, reverse=True)
    at = max(now, held[terms.open_max - 1]) if len(held) >= terms.open_max else now
    found: list[datetime] = []
    for _ in range(count):
        if len(spent) >= terms.per_week:
            at = max(at, spent[-terms.per_week] + WEEK)
        if len(spent) >= terms.burst:
            at = max(at, spent[-terms.burst] + DAY)
        found.append(at)
        # In order already, but where a clock was set back: what was sent "later" still counts.
        spent.append(max(at, spent[-1]) if spent else at)
    return found


def forecasts(
    terms: Terms, state: LaneState, rates: Rates, count: int, policy: CapacityPolicy, now: datetime
) -> list[Forecast]:
    """A forecast for each of the first `count` items of a lane, in order."""
    instants = next_instants(terms, state, now, count)
    factor = slowness(terms, rates, policy)
    return [
        Forecast(position, instants[position - 1] if instants else None, now + (instants[position - 1] - now) * factor if instants else None)
        for position in range(1, count + 1)
    ]


def slowness(terms: Terms, rates: Rates, policy: CapacityPolicy) -> float:
    """How many times longer than by the cap alone it takes, by how much of what was delivered lately was answered.

    Unanswered places lapse after `slot_days`, which bounds how slow a silent vendor makes a queue.
    """
    if rates.delivered < policy.forecast_answers_min:
        return 1.0
    bound = max(1.0, terms.per_week * policy.slot_days / (7 * terms.open_max))
    return min(bound, rates.delivered / max(1, rates.answered))


def recent_rates(deliveries: Sequence[Delivery], policy: CapacityPolicy, now: datetime) -> Rates:
    """How a vendor dealt with the deliveries of the last `forecast_weeks`, but for those of this week, which are too fresh."""
    since, until = now - policy.forecast_weeks * WEEK, now - WEEK
    found = [one for one in deliveries if since < one.delivered_at <= until and not one.withdrawn]
    answered = [one for one in found if one.reply is not None]
    return Rates(len(found), len(answered), sum(one.reply is ReplyKind.ACCEPT for one in answered))


def horizon(policy: CapacityPolicy, now: datetime) -> datetime:
    """How far back deliveries matter to anything here."""
    return now - max(WEEK, timedelta(days=policy.slot_days), max(policy.fairness_weeks, policy.forecast_weeks) * WEEK)


def served_lately(deliveries: Sequence[Delivery], policy: CapacityPolicy, now: datetime) -> dict[PartyId, int]:
    """Counted deliveries of the last `fairness_weeks` by the finder on whose turn each went."""
    found: dict[PartyId, int] = defaultdict(int)
    for one in deliveries:
        if one.counted and one.turn is not None and one.delivered_at > now - policy.fairness_weeks * WEEK:
            found[one.turn] += 1
    return dict(found)


def band_words(expected_at: datetime | None, policy: CapacityPolicy, now: datetime) -> str:
    """How long a finder is told to wait: bands that double, so that nothing of others can be counted from it."""
    if expected_at is None:
        return "waiting for capacity; the project takes nothing at present"
    weeks = (expected_at - now) / WEEK
    if weeks <= 1:
        return "waiting for capacity, about a week at most"
    low = 1
    while low < policy.band_weeks_max:
        if weeks <= 2 * low:
            return f"waiting for capacity, about {low} to {2 * low} weeks"
        low *= 2
    return f"waiting for capacity, more than {low} weeks"


def highest_band(facts: Facts) -> Band | None:
    """The rating of the highest claim."""
    return band_of(max(facts.scores)) if facts.scores else None


def approach_of(facts: Facts, *, override: bool) -> Approach:
    """What a charter is asked about an item."""
    return Approach(
        ai_found=facts.ai_found, accountable_human=facts.accountable_human, reproducer=facts.reproducer,
        reproducer_language=facts.reproducer_language, reproducer_form=facts.reproducer_form, exploited=facts.exploited,
        override=override, severity=highest_band(facts), holds=frozenset(facts.holds), weaknesses=facts.weaknesses,
        paths=facts.paths, policy_acknowledged=facts.policy_acknowledged,
    )


def governing(charters: Sequence[Adopted], facts: Facts, now: datetime) -> Adopted | None:
    """Of a vendor's charters the one that governs an item: what covers it, else the strictest, so that none is walked around."""
    covering = [one for one in charters if set(one.covers) & set(facts.keys)]

    def strictness(one: Adopted) -> tuple[bool, float, str]:
        cap = in_force(one.charter, now).per_week
        return (not is_opted_out(one.charter.opt_out, now), math.inf if cap is None else cap, one.id)

    return min(covering or charters, key=strictness, default=None)


def check_reply(untrusted_reply: Reply, state: State, charter: Charter | None, policy: CapacityPolicy, now: datetime) -> Reply:
    """An answer with its texts cleaned.

    Raises:
        Invalid: it lacks a reason, names no entry of the charter, or waits into the past or too long.
        Conflict: the item does not stand where this can be answered.
    """
    kind = untrusted_reply.kind
    reason = clean_text(untrusted_reply.reason, _REASON_CHARACTERS_MAX).strip()
    if kind not in MAY_ANSWER[state]:
        raise Conflict(f"this item is {state}, and `{kind}` answers nothing there; answers now: {', '.join(sorted(MAY_ANSWER[state])) or 'none'}")
    if kind in (ReplyKind.DECLINE, ReplyKind.MORE) and not reason:
        raise Invalid("declining and asking for more need a reason in words, so that the finder can do something with it")
    known = [entry.id for entry in charter.exclusions] if charter is not None else []
    if kind is ReplyKind.NOT_A_VULNERABILITY and untrusted_reply.exclusion not in known and not (reason and not untrusted_reply.exclusion):
        listed = f"one of {', '.join(known)}, or " if known else ""
        raise Invalid(f"say why it is no vulnerability: {listed}no id and a reason in words")
    if kind is ReplyKind.WAIT:
        latest = now + timedelta(days=policy.wait_days_max)
        if untrusted_reply.until is None or not now < untrusted_reply.until <= latest:
            raise Invalid(f"name an instant to wait until, later than now and by {latest:%Y-%m-%d}; embargo clocks do not wait along")
    return Reply(
        kind, reason, untrusted_reply.exclusion if kind is ReplyKind.NOT_A_VULNERABILITY else "",
        untrusted_reply.until if kind is ReplyKind.WAIT else None,
    )
