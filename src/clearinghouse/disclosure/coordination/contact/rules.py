"""What contact decides: when silence is silence, and what must have been tried before the next step may be taken.

The clock to a maintainer of last resort (T0, 5, 10 and 15 business days, 30 days) and its contact log follow the process
that the shared response team of Akrites publishes.
"""

from datetime import datetime, timedelta
from typing import cast

from clearinghouse.core.errors import Conflict
from clearinghouse.core.policy import ContactPolicy
from clearinghouse.core.terms import Weekend
from clearinghouse.disclosure.coordination.contact.records import Acted, Attempt, ContactState, Result, Watch
from clearinghouse.disclosure.coordination.embargo.calendar import business_days_after, days_after, render_in
from clearinghouse.disclosure.coordination.embargo.records import DeadlineKind
from clearinghouse.disclosure.coordination.rooms.states import Transition, step

_S = ContactState
_BY, _OURS, _AKRITES = ("coordinator",), "ours", "Akrites"

CONTACT_TRANSITIONS: tuple[Transition, ...] = (
    Transition(Acted.ESCALATE, _S.WAITING, _S.ESCALATED, _BY, _OURS),
    Transition(Acted.BEGIN_RESORT, _S.ESCALATED, _S.RESORT_BEGUN, _BY, _AKRITES),
    Transition(Acted.FIRST, _S.RESORT_BEGUN, _S.RESORT_FIRST, _BY, _AKRITES),
    Transition(Acted.SECOND, _S.RESORT_FIRST, _S.RESORT_SECOND, _BY, _AKRITES),
    Transition(Acted.THIRD, _S.RESORT_SECOND, _S.RESORT_THIRD, _BY, _AKRITES),
    Transition(Acted.STEP_IN, _S.RESORT_THIRD, _S.LAST_RESORT, _BY, _AKRITES),
    *(Transition("acknowledge", state, _S.ACKNOWLEDGED, ("coordinator", "vendor"), _OURS)
      for state in (_S.WAITING, _S.ESCALATED, _S.RESORT_BEGUN, _S.RESORT_FIRST, _S.RESORT_SECOND, _S.RESORT_THIRD, _S.LAST_RESORT)),
    Transition("wait again", _S.ACKNOWLEDGED, _S.WAITING, _BY, _OURS),
    *(Transition("close", state, _S.CLOSED, _BY, _OURS) for state in ContactState if state is not _S.CLOSED),
)
"""A watch over one silent party. An answer, however late, takes it off the way to a maintainer of last resort."""

_RESORT = (Acted.FIRST, Acted.SECOND, Acted.THIRD, Acted.STEP_IN)
_WEEKEND, _ZONE = Weekend.SATURDAY_SUNDAY, "UTC"


def resort_dates(begun_at: datetime, policy: ContactPolicy) -> dict[Acted, datetime]:
    """From which instant each step towards a maintainer of last resort may be taken."""
    business = (policy.resort_first_business_days, policy.resort_second_business_days, policy.resort_third_business_days)
    dates = {acted: business_days_after(begun_at, days, _WEEKEND, _ZONE) for acted, days in zip(_RESORT, business, strict=False)}
    return {**dates, Acted.STEP_IN: days_after(begun_at, policy.resort_days)}


def deadlines_of(watch: Watch, policy: ContactPolicy) -> set[tuple[DeadlineKind, str, datetime]]:
    """What falls due while a party is silent."""
    if watch.state is _S.WAITING:
        silent_at = watch.state_at + timedelta(days=policy.silent_days)
        reminders = {
            (DeadlineKind.CONTACT_REMINDER, str(number), at)
            for number in range(1, policy.silent_days // policy.reminder_days + 1)
            if (at := watch.state_at + timedelta(days=number * policy.reminder_days)) < silent_at
        }
        return reminders | {(DeadlineKind.CONTACT_SILENCE, "", silent_at)}
    following = _next_resort(watch.state)
    if following is None or watch.resort_at is None:
        return set()
    return {(DeadlineKind.CONTACT_RESORT, str(following), resort_dates(watch.resort_at, policy)[following])}


def check_may_act(watch: Watch, acted: Acted, now: datetime, policy: ContactPolicy) -> ContactState:
    """The state a step leads to.

    Raises:
        Conflict: it is not the next one, its day has not come, or the log lacks attempts; the message says what is missing.
    """
    state = cast("ContactState", step(CONTACT_TRANSITIONS, acted, watch.state, _BY))
    missing: list[str] = []
    if acted is Acted.ESCALATE:
        silent_at = watch.state_at + timedelta(days=policy.silent_days)
        if now < silent_at:
            missing.append(f"{policy.silent_days} days of silence, which end {render_in(silent_at, _ZONE)}")
    elif acted in _RESORT:
        assert watch.resort_at is not None, "T0 is kept when the clock begins"
        due_at = resort_dates(watch.resort_at, policy)[acted]
        if now < due_at:
            missing.append(f"the day itself, {render_in(due_at, _ZONE)}")
    recent = [attempt for attempt in watch.attempts if attempt.at > watch.state_at or (acted is Acted.ESCALATE and attempt.at >= watch.begun_at)]
    if len(recent) < policy.attempts_min:
        missing.append(f"{policy.attempts_min - len(recent)} more logged attempt(s) since {render_in(watch.state_at, _ZONE)}")
    if acted is Acted.STEP_IN:
        channels = {attempt.channel for attempt in watch.attempts}
        if len(channels) < policy.channels_min:
            missing.append(f"attempts by {policy.channels_min - len(channels)} more channel(s) than {', '.join(sorted(channels)) or 'none'}")
    if missing:
        raise Conflict(f"cannot {acted.replace('_', ' ')} yet: still missing are {'; and '.join(missing)}")
    return state


def answers(attempt: Attempt) -> bool:
    """Whether an attempt brought an answer."""
    return attempt.result is Result.ANSWERED


def _next_resort(state: ContactState) -> Acted | None:
    return next((Acted(one.verb) for one in CONTACT_TRANSITIONS if one.start is state and one.verb in _RESORT), None)
