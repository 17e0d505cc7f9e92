"""Opening, pausing and ending windows."""

from datetime import datetime

from clearinghouse.core.clock import render_instant
from clearinghouse.core.errors import Conflict, NotPermitted
from clearinghouse.core.ids import PartyId, new_id
from clearinghouse.core.review_policy import ReviewPolicy
from clearinghouse.evaluation.review import documents, rules, store
from clearinghouse.evaluation.review.access import end_access, restore_access, suspend_access
from clearinghouse.evaluation.review.actions.agreeing import is_complete
from clearinghouse.evaluation.review.actions.entering import leave, move, take_part, write_entry
from clearinghouse.evaluation.review.records import (
    DocumentKind,
    Engagement,
    EntryKind,
    Part,
    ReviewState,
    Sameness,
    Window,
    WindowId,
)
from clearinghouse.storage import Envelope, Transaction

_SWEPT_MAX = 200


def open_window(tx: Transaction, review_id: str, *, envelope: Envelope, policy: ReviewPolicy, actor: PartyId, now: datetime) -> Window:
    """The window, from this instant on; the hours are those that the developer signed.

    Raises:
        NotFound, NotPermitted: as for `take_part`; opening is the evaluators'.
        Conflict: there is no frozen plan, no signed hours, too few hours left, it would outlast the planned partner release, or the materials
            were destroyed.
    """
    engagement = take_part(tx, review_id, Part.EVALUATOR, envelope=envelope, actor=actor, now=now)
    review = engagement.review
    rules.check_has_window(review.kind)
    if not engagement.materials_key:
        raise Conflict("the materials of this review were destroyed, and with them the key for new ones; an update begins anew")
    hours = _hours_signed(tx, engagement, policy)
    version_key = documents.version_key(review.model, review.developer)
    earlier = store.windows.system_of_version(tx, version_key)
    if any(rules.is_open(window, now) for window in earlier):
        raise Conflict("a window of this model version is open; it ends first")
    ends_at = rules.end_of_window(now, hours, earlier, review.partner_release_at, policy)
    moved = move(tx, engagement, "open_window", now=now)
    window = Window(
        WindowId(new_id("win")), review.id, len(earlier) + 1, now, ends_at, rules.used_seconds(earlier)
    )
    if not store.windows.add(tx, window, version_key, review.partner_release_at):
        raise Conflict("another window of this model version was opened in the same moment; look again")
    leave(
        tx, moved, "WindowOpened", {"starts_at": render_instant(now), "ends_at": render_instant(ends_at), "hours": hours,
        "used_before_seconds": window.used_before_seconds}, subjects=(window.id,), actor=actor, now=now,
    )
    return window


def pause(tx: Transaction, review_id: str, untrusted_reason: str, *, envelope: Envelope, actor: PartyId, now: datetime) -> None:
    """Nothing is asked of the model until it goes on; the window's clock does not stop.

    Raises:
        NotFound, NotPermitted: as for `take_part`.
        Invalid: there is no reason.
        Conflict: no window is open.
    """
    engagement = take_part(tx, review_id, envelope=envelope, actor=actor, now=now)
    moved = move(tx, engagement, "pause", now=now)
    write_entry(tx, moved, EntryKind.REASON, "pause", rules.parse_text(untrusted_reason, "a reason"), actor=actor, now=now)
    suspend_access(tx, moved, "paused", actor=actor, now=now)
    leave(tx, moved, "WindowPaused", actor=actor, now=now)


def resume(tx: Transaction, review_id: str, *, envelope: Envelope, actor: PartyId, now: datetime) -> None:
    """Go on after a pause: the side that paused says so. After the model was seen to have changed, the developer's side alone does.

    Raises:
        NotFound, NotPermitted: as for `take_part`, and where the other side paused or has to answer for the change.
        Conflict: it is not paused, or its window has run out.
    """
    engagement = take_part(tx, review_id, Part.DEVELOPER, Part.EVALUATOR, envelope=envelope, actor=actor, now=now)
    if not any(rules.is_open(window, now) for window in store.windows.list_of(tx, engagement)):
        raise Conflict("the window has run out; a pause never stops its clock")
    since = _check_may_resume(tx, engagement)
    moved = move(tx, engagement, "resume", now=now)
    restore_access(tx, moved, since, actor=actor, now=now)
    leave(tx, moved, "WindowResumed", actor=actor, now=now)


def end_window(tx: Transaction, review_id: str, untrusted_reason: str = "", *, envelope: Envelope, actor: PartyId, now: datetime) -> None:
    """End the window now; every access of the review ends with it. The developer gives no reason unless it wants to.

    Raises:
        NotFound, NotPermitted: as for `take_part`.
        Conflict: no window is open.
    """
    engagement = take_part(tx, review_id, envelope=envelope, actor=actor, now=now)
    by = "developer" if Part.DEVELOPER in engagement.parts else "desk"
    if untrusted_reason.strip():
        write_entry(tx, engagement, EntryKind.REASON, "end", rules.parse_text(untrusted_reason, "a reason"), actor=actor, now=now)
    _end(tx, move(tx, engagement, "end_window", now=now), by, actor=actor, now=now)


def end_over(tx: Transaction, *, envelope: Envelope, actor: PartyId, now: datetime) -> int:
    """Note the windows that have run out, each once, and end what was granted for them; gives how many. The gateway cut them off before."""
    over = store.windows.system_over(tx, now, _SWEPT_MAX)
    for review_id in over:
        store.reviews.lock(tx, review_id)
        engagement = store.reviews.system_find(tx, review_id, envelope, actor)
        assert engagement is not None, "a window belongs to a review"
        # Another worker may have noted it while this one waited, and a further window may be open since.
        if not any(window.ended_at is None and window.ends_at <= now for window in store.windows.list_of(tx, engagement)):
            continue
        if engagement.review.state in (ReviewState.WINDOW_OPEN, ReviewState.PAUSED):
            engagement = move(tx, engagement, "end_window", now=now, by="clock")
        _end(tx, engagement, "time", actor=actor, now=now)
    return len(over)


def close_windows(tx: Transaction, engagement: Engagement, by: str, *, partners: bool = False, actor: PartyId, now: datetime) -> None:
    """End what is open of a review that ends for another reason; with `partners`, what partners were given ends, too."""
    _end(tx, engagement, by, partners=partners, actor=actor, now=now)


def _check_may_resume(tx: Transaction, engagement: Engagement) -> datetime:
    """When the pause began that the viewer's side may lift."""
    pauses = [one for one in store.entries.list_of(tx, engagement) if one.kind is EntryKind.REASON and one.about == "pause"]
    if engagement.review.state is not ReviewState.PAUSED or not pauses:
        raise Conflict(f"only a paused review goes on; this one is {engagement.review.state}")
    last = pauses[-1]
    # That the model changed, in the moment of the pause or during it, is the developer's to answer for.
    changed = any(look.outcome is Sameness.CHANGED and look.at >= last.at for look in store.looks.list_of(tx, engagement))
    developers = {one.party for one in store.reviews.list_participants(tx, engagement) if one.part is Part.DEVELOPER}
    if (changed or last.by in developers) != (Part.DEVELOPER in engagement.parts):
        raise NotPermitted("the developer's side goes on after a change of the model" if changed else "the side that paused goes on")
    return last.at


def _end(tx: Transaction, engagement: Engagement, by: str, *, partners: bool = False, actor: PartyId, now: datetime) -> None:
    for window in store.windows.list_of(tx, engagement):
        if window.ended_at is None and store.windows.end(tx, window, now, by):
            at = max(window.starts_at, min(now, window.ends_at))
            used = rules.length_seconds(window.starts_at, at)
            leave(tx, engagement, "WindowEnded", {"by": by, "ended_at": render_instant(at), "used_seconds": used}, subjects=(window.id,),
                  actor=actor, now=now)
    end_access(tx, engagement, "window_ended", partners=partners, actor=actor, now=now)


def _hours_signed(tx: Transaction, engagement: Engagement, policy: ReviewPolicy) -> int:
    first = engagement.review.state is ReviewState.PLAN_FROZEN
    kind = DocumentKind.AGREEMENT if first else DocumentKind.WINDOW_GRANT
    found = store.documents.latest(tx, engagement, kind)
    if found is None or not is_complete(tx, engagement, found, policy):
        raise Conflict("a further window takes the developer's signed leave: clearinghouse review grant-window, then sign it")
    earlier = [window for window in store.windows.list_of(tx, engagement) if window.starts_at >= found.made_at]
    if not first and earlier:
        raise Conflict("the developer's leave for a further window was used; a new one is needed")
    return int(documents.predicate_of(found)["window_hours" if first else "hours"])
