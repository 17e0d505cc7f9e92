"""What a review decides: window arithmetic, who may do what, when a determination may be signed."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from clearinghouse.core.errors import Conflict, Invalid, NotPermitted
from clearinghouse.core.ids import PartyId
from clearinghouse.core.review_policy import ReviewPolicy
from clearinghouse.core.untrusted import clean_line, clean_text
from clearinghouse.evaluation.review.records import (
    DESK_PARTS,
    Engagement,
    Entry,
    EntryKind,
    Part,
    Partner,
    PartnerState,
    PartnerVote,
    Review,
    ReviewKind,
    ReviewState,
    Signature,
    Vote,
    Window,
)

HOURS_CEILING = 720
"""Executive Order 14409, section 3(b)(ii): 30 days. Policy may say less; the database refuses more."""
SIGNERS_FLOOR = 2
"""A determination is never one person's act, whatever a policy says."""
_LINE_CHARACTERS_MAX = 300
_TEXT_CHARACTERS_MAX = 20_000
_SECOND = timedelta(seconds=1)


def length_seconds(starts_at: datetime, ends_at: datetime) -> int:
    """Whole seconds of an interval, a begun one counted."""
    return -((starts_at - ends_at) // _SECOND)


def used_seconds(windows: Sequence[Window], now: datetime | None = None) -> int:
    """What windows of one model version take of its hours: an open one all it may last, an ended one what it lasted.

    Args:
        now: count an open window only so far, for the clock that people see.
    """
    total = 0
    for window in windows:
        end = window.ended_at or window.ends_at
        if now is not None:
            end = max(window.starts_at, min(end, now))
        total += length_seconds(window.starts_at, end)
    return total


def is_open(window: Window, at: datetime) -> bool:
    """Whether an instant lies in a window: from its start on, before its end (half-open)."""
    return window.starts_at <= at < (window.ended_at or window.ends_at)


def end_of_window(
    starts_at: datetime, hours: int, earlier: Sequence[Window], partner_release_at: datetime | None, policy: ReviewPolicy
) -> datetime:
    """When a window that starts now ends.

    Args:
        earlier: all windows of the same model version, whatever review they belong to.
    Raises:
        Invalid: the hours are none, or more than one window may last.
        Conflict: the model version has no such hours left, or it would outlast the planned partner release. Says what is left.
    """
    most = min(policy.window_hours_max, HOURS_CEILING)
    if not 1 <= hours <= most:
        raise Invalid(f"a window lasts 1 to {most} hours; {hours} were asked for")
    left = most * 3600 - used_seconds(earlier)
    if hours * 3600 > left:
        raise Conflict(
            f"the windows of this model version may last {most} hours together; {max(0, left) // 3600} hours are left and {hours} were asked for"
        )
    ends_at = starts_at + timedelta(hours=hours)
    if partner_release_at is not None and ends_at > partner_release_at:
        whole = max(timedelta(), partner_release_at - starts_at) // timedelta(hours=1)
        raise Conflict(f"a window ends before the planned release to partners ({partner_release_at:%Y-%m-%d %H:%M} UTC): at most {whole} hours fit")
    return ends_at


@dataclass(frozen=True, slots=True)
class Calendar:
    """What a developer can plan with."""

    hours_left: int
    """Of the model version's 720, whole ones."""
    latest_submission_at: datetime | None
    """Submitted later, a whole window and a reply do not fit before the planned partner release."""
    earliest_partner_release_at: datetime
    """If a whole window began now: its end and the days for a reply."""
    late: bool
    """The planned release leaves less. It is the developer's to decide what follows; nothing here waits for the desk."""


def calendar(review: Review, windows: Sequence[Window], policy: ReviewPolicy, now: datetime) -> Calendar:
    """A developer's calendar."""
    left = max(0, policy.window_hours_max * 3600 - used_seconds(windows))
    begin = max((window.ends_at for window in windows if window.ended_at is None and window.ends_at > now), default=now + timedelta(seconds=left))
    latest = None if review.partner_release_at is None else review.partner_release_at - timedelta(days=policy.lead_days)
    started = review.state not in (ReviewState.DRAFT, ReviewState.SUBMITTED)
    return Calendar(left // 3600, latest, begin + timedelta(days=policy.reply_days), latest is not None and not started and now > latest)


def check_part(engagement: Engagement, *wanted: Part) -> None:
    """Raise NotPermitted unless the viewer has one of these parts in the review."""
    if not engagement.parts & set(wanted):
        held = " and ".join(sorted(engagement.parts)) or ("recused" if engagement.recused else "no part that acts")
        raise NotPermitted(f"this is for the {' or the '.join(sorted(wanted))} of the review; you are {held}")


def side_of(parts: Collection[Part]) -> Part | None:
    """The side for which somebody signs: the developer's, or the desk's as an authority."""
    if Part.DEVELOPER in parts:
        return Part.DEVELOPER
    return Part.AUTHORITY if Part.AUTHORITY in parts else None


def check_may_join(part: Part, held: Collection[Part], ever: Collection[Part], *, of_developer: bool, of_desk: bool) -> None:
    """Raise where a part does not fit a person.

    Args:
        held: the person's parts now; `ever` with those that ended.
        of_developer, of_desk: the person's organisation.
    Raises:
        NotPermitted: both sides of one table, or a maker who would check.
        Conflict: the person has it.
    """
    if part is Part.DEVELOPER and not of_developer:
        raise NotPermitted("a developer's side is people of the developer's own organisation")
    if part is not Part.DEVELOPER and of_developer and not of_desk:
        raise NotPermitted("nobody of the developer's organisation takes part on the desk's side, nor audits it")
    if part in held:
        raise Conflict("this person has that part already")
    sides = {part, *held}
    if Part.DEVELOPER in sides and sides & (DESK_PARTS | {Part.AUDITOR}):
        raise NotPermitted("nobody sits on both sides of a review")
    if {Part.AUTHORITY, Part.EVALUATOR} <= {part, *ever}:
        raise NotPermitted("who runs an evaluation does not sign what it shows: evaluator and authority are two persons")
    if Part.AUDITOR in sides and len(sides) > 1:
        raise NotPermitted("an auditor of a review does nothing else in it")


def is_shown(engagement: Engagement, kind: EntryKind) -> bool:
    """Whether the viewer is shown entries of a kind: consultations, conflicts and audits of the desk stay with the desk."""
    if engagement.parts <= {Part.DEVELOPER}:
        return kind in {EntryKind.REPLY, EntryKind.FINDING, EntryKind.ANSWER, EntryKind.INCIDENT_NOTICE, EntryKind.REASON, EntryKind.AUDIT}
    return True


def check_may_determine(
    review: Review, entries: Sequence[Entry], previewed_at: datetime | None, *, plan_digest: str, analysed_plan_digest: str, policy: ReviewPolicy,
    now: datetime,
) -> None:
    """Raise Conflict unless people may draw up a determination now.

    Raises:
        Conflict: the analysis followed another plan, bodies were not consulted, or the developer's days to reply are not over.
    """
    if plan_digest != analysed_plan_digest:
        raise Conflict(
            f"the analysis follows the plan {analysed_plan_digest[:19]}…, and the plan that was frozen before the window is {plan_digest[:19]}…; "
            "analyse by the frozen plan"
        )
    bodies = {entry.about.casefold() for entry in entries if entry.kind is EntryKind.CONSULTATION and entry.round == review.round}
    if len(bodies) < policy.consultations_min:
        raise Conflict(f"{policy.consultations_min} bodies are consulted before a determination; {len(bodies)} answers are on record")
    replied = any(entry.kind is EntryKind.REPLY and entry.round == review.round for entry in entries)
    due = None if previewed_at is None else previewed_at + timedelta(days=policy.reply_days)
    if previewed_at is None:
        raise Conflict("the developer has not been shown the assessment")
    if not replied and due is not None and now < due:
        raise Conflict(f"the developer may reply until {due:%Y-%m-%d %H:%M} UTC; after its reply, or then, a determination can be drawn up")


def is_signed(
    signatures: Sequence[Signature], *, sides: Collection[Part], people_min: int, recused: Mapping[PartyId, datetime] | None = None
) -> bool:
    """Whether a document has what it needs: a signature of each side, by so many different persons with different keys.

    Args:
        recused: since when somebody takes no further part: a signature of theirs completes nothing after that. What was complete before stays so.
    """
    since = recused or {}
    for last in signatures:
        counted = [each for each in signatures if each.at <= last.at and (each.party not in since or since[each.party] > last.at)]
        people, keys = {each.party for each in counted}, {each.public_key for each in counted}
        if set(sides) <= {each.side for each in counted} and min(len(people), len(keys)) >= people_min:
            return True
    return False


def outcome_of_votes(votes: Sequence[PartnerVote]) -> PartnerState:
    """Where a candidate stands: chosen when both sides say yes, declined when one says no; the latest word of a side counts.

    Args:
        votes: in the order they were given.
    """
    latest = {vote.side: vote.vote for vote in votes}
    if Vote.NO in latest.values():
        return PartnerState.DECLINED
    both = latest.get(Part.DEVELOPER) is Vote.YES and latest.get(Part.AUTHORITY) is Vote.YES
    return PartnerState.CHOSEN if both else PartnerState.PROPOSED


def share_of_small(partners: Sequence[Partner]) -> tuple[int, int]:
    """How many of the chosen partners are small operators or maintainers, and how many were chosen."""
    chosen = [one for one in partners if one.state in (PartnerState.CHOSEN, PartnerState.SUSPENDED)]
    return sum(one.small_operator for one in chosen), len(chosen)


def check_instant(at: datetime | None, what: str) -> None:
    """Raise Invalid for a day of another millennium: nothing can be reckoned from the ends of a calendar."""
    if at is not None and not 2000 <= at.year < 3000:
        raise Invalid(f"{what} lies between the years 2000 and 2999; found the year {at.year}")


def check_has_window(kind: ReviewKind) -> None:
    """Raise Conflict where a kind of review has no access to a model."""
    if kind not in (ReviewKind.ACCESS, ReviewKind.UPDATE):
        raise Conflict(f"a review of kind {kind} has no access to a model")


def parse_line(untrusted_line: str, what: str) -> str:
    """One line that somebody wrote.

    Raises:
        Invalid: nothing readable is left of it.
    """
    line = clean_line(untrusted_line, _LINE_CHARACTERS_MAX)
    if not line:
        raise Invalid(f"{what} is needed; what was given is empty once unreadable characters are dropped")
    return line


def parse_text(untrusted_text: str, what: str) -> str:
    """What somebody wrote at length.

    Raises:
        Invalid: nothing readable is left of it.
    """
    text = clean_text(untrusted_text, _TEXT_CHARACTERS_MAX).strip()
    if not text:
        raise Invalid(f"{what} is needed; what was given is empty once unreadable characters are dropped")
    return text
