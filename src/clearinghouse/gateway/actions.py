"""Granting an access, suspending, restoring, shortening and ending it; noting a journal's head and what somebody says of a clock."""

import secrets
from collections.abc import Callable
from datetime import datetime

from clearinghouse.core.clock import render_instant
from clearinghouse.core.errors import Conflict, Invalid, NotFound
from clearinghouse.core.events import Detail, Event
from clearinghouse.core.ids import AccessId, PartyId, ReviewCaseId, RunId, has_shape, new_id
from clearinghouse.gateway import rules, store
from clearinghouse.gateway.records import Access, JournalHead
from clearinghouse.ledger import actions as ledger
from clearinghouse.parties import actions as party_actions
from clearinghouse.parties import store as parties
from clearinghouse.parties.records import PartyKind
from clearinghouse.storage import Transaction


def grant_access(
    tx: Transaction, review_id: ReviewCaseId, party: PartyId, purpose: str, upstream: str, begins_at: datetime, ends_at: datetime, *,
    run_id: RunId | None = None, tokens_max: int, calls_max: int, actor: PartyId, now: datetime,
) -> tuple[Access, str]:
    """An access and the key `ch.ID.SECRET` to it, which nobody can read again.

    Whether somebody may have it, and within which window of the review, is the caller's to check.
    Raises:
        Invalid: the purpose is none of ours, the window is empty or past, or there is no budget.
        NotFound: there is no such party.
    """
    rules.check_grant(purpose, upstream, begins_at, ends_at, tokens_max, calls_max, now)
    if not parties.name_parties(tx, [party]):
        raise NotFound(f"nothing found under {party[:40]!r}")
    granted = Access(
        AccessId(new_id("acc")), review_id, party, purpose, run_id, upstream, begins_at, ends_at, tokens_max, calls_max, now
    )
    secret = secrets.token_urlsafe(32)
    store.add_access(tx, granted, rules.hash_secret(secret))
    _leave(tx, "AccessGranted", granted, {
        "party": party, "purpose": purpose, "upstream": upstream, "run": run_id, "begins_at": render_instant(begins_at),
        "ends_at": render_instant(ends_at), "tokens_max": tokens_max, "calls_max": calls_max,
    }, actor, now)
    return granted, rules.render_key(granted.id, secret)


def suspend_access(tx: Transaction, access: Access, cause: str, *, actor: PartyId, now: datetime) -> None:
    """Let an access rest: calls are refused and streams cut within a second, until it is restored.

    Args:
        cause: one word of ours, for the record.
    Raises:
        Conflict: it is suspended already, or has ended.
        Invalid: the cause is more than a word.
    """
    rules.check_cause(cause)
    if not store.suspend(tx, access.id, actor, now):
        raise Conflict("this access is suspended already, or has ended")
    _leave(tx, "AccessSuspended", access, {"cause": cause}, actor, now)


def restore_access(tx: Transaction, access: Access, *, actor: PartyId, now: datetime) -> None:
    """Let an access stand again, within the window it had: its end does not move.

    Raises:
        Conflict: it is not suspended, or has ended.
        NotPermitted: another organisation suspended it.
    """
    by = access.suspended_by
    person = by is not None and party_actions.get_party(tx, by).kind is not PartyKind.PROGRAM
    houses = parties.houses_of(tx, [actor] if by is None else [actor, by])
    rules.check_may_restore(access, houses.get(actor) or actor, (houses.get(by) or by) if person and by is not None else None)
    if not store.restore(tx, access.id, by):
        raise Conflict("this access is not suspended, or by somebody else in the same moment; look again")
    _leave(tx, "AccessRestored", access, {}, actor, now)


def end_access(tx: Transaction, access: Access, cause: str, *, actor: PartyId, now: datetime) -> None:
    """End an access for good.

    Raises:
        Conflict: it has ended before.
        Invalid: the cause is more than a word.
    """
    rules.check_cause(cause)
    if not store.end(tx, access.id, now):
        raise Conflict("this access has ended")
    _leave(tx, "AccessEnded", access, {"cause": cause}, actor, now)


def shorten_access(tx: Transaction, access: Access, ends_at: datetime, *, actor: PartyId, now: datetime) -> None:
    """Move the end of an access to an earlier instant.

    Raises:
        Invalid: that would not be earlier, or not after its begin.
        Conflict: it has ended.
    """
    if not access.begins_at < ends_at < access.ends_at:
        raise Invalid(
            f"an end moves earlier, never later, and stays after the begin: between {access.begins_at.isoformat()} and "
            f"{access.ends_at.isoformat()}; found {ends_at.isoformat()}"
        )
    if not store.shorten(tx, access.id, ends_at):
        raise Conflict("this access has ended, or somebody else moved its end in the same moment; look again")
    _leave(tx, "AccessShortened", access, {"ends_at": render_instant(ends_at)}, actor, now)


def end_all_of_review(tx: Transaction, review_id: ReviewCaseId, cause: str, *, actor: PartyId, now: datetime) -> int:
    """End every access of a review for good; gives how many there were."""
    living = store.system_of_review(tx, review_id)
    for access in living:
        end_access(tx, access, cause, actor=actor, now=now)
    return len(living)


def suspend_all_of_review(tx: Transaction, review_id: ReviewCaseId, cause: str, *, actor: PartyId, now: datetime) -> int:
    """Suspend every access of a review that is not; gives how many there were. No window's clock stops for it."""
    standing = [access for access in store.system_of_review(tx, review_id) if access.suspended_at is None]
    for access in standing:
        suspend_access(tx, access, cause, actor=actor, now=now)
    return len(standing)


def restore_all_of_review(tx: Transaction, review_id: ReviewCaseId, *, actor: PartyId, now: datetime) -> int:
    """Restore every suspended access of a review; gives how many there were.

    Raises:
        NotPermitted: another organisation suspended one of them.
    """
    resting = [access for access in store.system_of_review(tx, review_id) if access.suspended_at is not None]
    for access in resting:
        restore_access(tx, access, actor=actor, now=now)
    return len(resting)


def shorten_all_of_review(tx: Transaction, review_id: ReviewCaseId, ends_at: datetime, *, actor: PartyId, now: datetime) -> int:
    """Let no access of a review reach past an instant; gives how many were moved. One that had not begun by then is ended."""
    moved = 0
    for access in store.system_of_review(tx, review_id):
        if access.begins_at >= ends_at:
            end_access(tx, access, "window_shortened", actor=actor, now=now)
        elif access.ends_at > ends_at:
            shorten_access(tx, access, ends_at, actor=actor, now=now)
        else:
            continue
        moved += 1
    return moved


def find(tx: Transaction, access_id: str, *, viewer: PartyId, now: datetime) -> Access:
    """An access, for who may read its review and for whom it was given to.

    Raises:
        NotFound: there is none that the viewer may see.
    """
    found = store.find_access(tx, access_id, viewer=viewer, now=now) if has_shape(access_id) else None
    if found is None:
        raise nothing_found(access_id)
    return found


def open_journal(
    tx: Transaction, gateway_id: str, hash_at: Callable[[int], str], *, anew: bool, actor: PartyId, now: datetime
) -> None:
    """Hold a journal against the heads on the ledger before it is written on: budgets are what a journal says was used.

    Args:
        hash_at: the hash of an entry of the journal by its number; empty where there is none.
        anew: begin a journal though there is another one, and begin budgets with it; that stands on the ledger.
    Raises:
        Conflict: it is an older copy, was altered, or takes the place of another one unasked.
    """
    noted = store.list_heads(tx, gateway_id)
    for head in noted[-1:]:
        if hash_at(head.entries) != head.head:
            raise Conflict(
                f"the journal of gateway {gateway_id} is not the one of which {head.entries} entries are on the ledger: it is an older copy or was "
                "altered; put the right one back, or move this one away and serve with --begin-anew"
            )
    others = sorted(store.gateways_noted(tx) - {gateway_id})
    if noted or not others:
        return
    if not anew:
        raise Conflict(
            f"this journal is new, and the ledger has one of gateway {others[0]}: what was used stands there; put it back, or serve with --begin-anew"
        )
    ledger.record(tx, Event("JournalBegunAnew", (gateway_id, *others[:20])), actor=actor, now=now)


def note_journal_head(tx: Transaction, head: JournalHead, *, actor: PartyId, now: datetime) -> bool:
    """Put a journal's head on the ledger, so that its chain cannot be written anew; False where it has not grown since the last one.

    Raises:
        Conflict: a longer journal of this gateway, or another one of this length, was noted: the file is an older copy or was altered.
    """
    noted = store.list_heads(tx, head.gateway_id)
    last = noted[-1] if noted else None
    if last is not None and (head.entries < last.entries or (head.entries == last.entries and head.head != last.head)):
        raise Conflict(
            f"the journal of gateway {head.gateway_id} has {head.entries} entries, but {last.entries} with another head are on the ledger: "
            "it is an older copy or was altered; keep it for whoever looks into it, and let the gateway begin a new one"
        )
    if head.entries == 0 or (last is not None and head.entries == last.entries):
        return False
    store.add_head(tx, head)
    ledger.record(tx, Event("JournalHeadNoted", (head.gateway_id,), {"entries": head.entries, "head": head.head}), actor=actor, now=now)
    return True


def accept_clock(tx: Transaction, gateway_id: str, jump_id: str, *, actor: PartyId, now: datetime) -> None:
    """Vouch for the wall clock of a gateway after it jumped: within a second it admits calls again, by that clock.

    Raises:
        Invalid: these are no ids of a gateway and a jump.
        Conflict: somebody vouched for it before.
    """
    if not has_shape(gateway_id) or not has_shape(jump_id):
        raise Invalid("the id of a jump is as `clearinghouse gateway clock` shows it")
    if jump_id in store.system_accepted(tx, gateway_id):
        raise Conflict("somebody vouched for the clock after this jump before")
    store.accept_clock(tx, jump_id, gateway_id, actor, now)
    ledger.record(tx, Event("GatewayClockAccepted", (gateway_id, jump_id)), actor=actor, now=now)


def nothing_found(untrusted_id: str) -> NotFound:
    """The one answer for what is not there and what is not the viewer's."""
    return NotFound(f"nothing found under {untrusted_id[:40]!r}")


def _leave(tx: Transaction, kind: str, access: Access, details: dict[str, Detail], actor: PartyId, now: datetime) -> None:
    ledger.record(tx, Event(kind, (access.review_id, access.id), details), actor=actor, now=now)
