"""Who is told now: within the budget at once, beyond it as soon as the budget renews."""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta

from clearinghouse.core.events import Event
from clearinghouse.core.ids import PartyId
from clearinghouse.core.policy import BlindPolicy
from clearinghouse.disclosure.deconfliction.blind import store as blind
from clearinghouse.disclosure.deconfliction.telling import rules, store
from clearinghouse.disclosure.deconfliction.telling.records import Used, Waiting
from clearinghouse.ledger import actions as ledger
from clearinghouse.parties import store as parties
from clearinghouse.storage import Transaction


def system_held_back(tx: Transaction, report_ids: Sequence[str], *, policy: BlindPolicy, now: datetime) -> frozenset[str]:
    """Of these reports, those whose senders are told no more than "received", for the budget is used up. As many statements either way."""
    untold = store.system_untold(tx, report_ids)
    houses = sorted(set(untold.values()))
    # What waits and fits is told already, though the sweep that notes it comes within the minute.
    fits = {one.report for one in system_fitting(tx, houses, policy, now)}
    return frozenset(report for report in untold if report not in fits)


def tell_waiting(
    tx: Transaction, told_of: Callable[[Collection[Waiting]], Collection[str]], *, actor: PartyId, policy: BlindPolicy, now: datetime
) -> int:
    """Tell the senders of what waits as far as their budgets go, each an event; gives how many reports.

    Args:
        told_of: of these, the reports there is something to tell of; the rest is let go.
    """
    done = 0
    for house in sorted({one.organisation for one in store.system_waiting(tx, None, 1)}):
        # Spent as in the blind check: one at a time for each organisation.
        parties.lock_party(tx, house)
        chosen = system_fitting(tx, [house], policy, now)
        standing = told_of(chosen)
        for one in chosen:
            if one.report not in standing:
                store.system_forget(tx, one.report)
            elif store.tell(tx, one.report, now):
                ledger.record(tx, Event("FinderTold", (one.report, one.submission)), actor=actor, now=now)
                done += 1
    return done


def system_fitting(tx: Transaction, houses: Sequence[PartyId], policy: BlindPolicy, now: datetime) -> list[Waiting]:
    """What waits and fits the budgets of these organisations; shown as told already, so it counts as spent."""
    epoch = blind.current_epoch(tx, now)
    day, since = now - timedelta(days=1), now - timedelta(days=policy.epoch_days) if epoch is None else epoch.began_at
    asked = blind.system_batches(tx, houses, day, since)
    told = store.system_told(tx, houses, day, since)
    left = {
        house: rules.tellings_left(Used(*asked.get(house, (0, 0)), *told.get(house, (0, 0))), policy) for house in houses
    }
    waiting = store.system_waiting(tx, houses, policy.batches_per_day * policy.batch_findings)
    place: dict[PartyId, int] = {}
    found = []
    for one in waiting:
        place[one.organisation] = place.get(one.organisation, 0) + 1
        if place[one.organisation] <= left[one.organisation]:
            found.append(one)
    return found
