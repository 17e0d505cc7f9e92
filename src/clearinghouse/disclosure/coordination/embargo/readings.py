"""Whether the machine's clock can be believed: each reading is held against the one before and the monotonic clock.

A clock that goes back undoes nothing: what is done stays done, and less is due. A clock that leaps ahead could end every
embargo at once, so a leap is held until a second reading, some seconds of the monotonic clock later, says the same.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from clearinghouse.core.policy import EmbargoPolicy


@dataclass(frozen=True, slots=True)
class Reading:
    """What the clocks of one machine said in one moment."""

    at: datetime
    """The wall clock, UTC."""
    monotonic_seconds: float
    """Seconds of a clock that only goes forward, comparable within one `boot`."""
    boot: str
    """Names the machine's run: readings of another one cannot be compared by their monotonic clocks."""


class Trust(StrEnum):
    """What is thought of a reading."""

    STEADY = "steady"
    BACKWARDS = "backwards"
    DOUBTED = "doubted"
    """It leapt ahead: nothing is done until a second reading confirms it."""
    WAITING = "waiting"
    """The second reading came too soon to say."""
    CONFIRMED = "confirmed"

    @property
    def acts(self) -> bool:
        """Whether deadlines may be handled by this reading."""
        return self in (Trust.STEADY, Trust.BACKWARDS, Trust.CONFIRMED)


def judge_reading(last: Reading | None, held: Reading | None, now: Reading, policy: EmbargoPolicy) -> Trust:
    """What is thought of a reading, after the last one that was believed and the one that is doubted, if any."""
    if last is None:
        return Trust.STEADY
    if now.at < last.at:
        return Trust.BACKWARDS
    if ahead_seconds(last, now) <= policy.clock_jump_seconds_max:
        return Trust.STEADY
    if held is None:
        return Trust.DOUBTED
    between = (now.at - held.at).total_seconds()
    if now.boot == held.boot:
        passed = now.monotonic_seconds - held.monotonic_seconds
        if passed < policy.clock_confirm_seconds:
            return Trust.WAITING
        return Trust.CONFIRMED if abs(between - passed) <= policy.clock_confirm_seconds else Trust.DOUBTED
    # Another machine, or this one after a restart: nothing tells how much time passed, but it should say about the same.
    return Trust.CONFIRMED if 0 <= between <= policy.clock_jump_seconds_max else Trust.DOUBTED


def ahead_seconds(last: Reading, now: Reading) -> float:
    """How much further the wall clock moved than time passed; all of it where nothing tells how much passed."""
    moved = (now.at - last.at).total_seconds()
    return moved - (now.monotonic_seconds - last.monotonic_seconds) if now.boot == last.boot else moved


def is_late(due_at: datetime, now: datetime, policy: EmbargoPolicy) -> bool:
    """Whether a deadline handled at `now` is handled late."""
    return now - due_at > timedelta(seconds=policy.late_seconds)
