"""What contact speaks of: a watch over a party that should answer, and the attempts to reach it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class ContactState(StrEnum):
    """Where a watch stands. The last four are the way to a maintainer of last resort."""

    WAITING = "waiting"
    ACKNOWLEDGED = "acknowledged"
    ESCALATED = "escalated"
    """Silent too long: an outside coordinator was brought in."""
    RESORT_BEGUN = "resort_begun"
    """T0 of the clock to a maintainer of last resort."""
    RESORT_FIRST = "resort_first"
    RESORT_SECOND = "resort_second"
    RESORT_THIRD = "resort_third"
    LAST_RESORT = "last_resort"
    """A maintainer of last resort may step in."""
    CLOSED = "closed"


class Channel(StrEnum):
    """How somebody was tried to be reached."""

    MAIL = "mail"
    SECURITY_TXT = "security_txt"
    FORM = "form"
    TRACKER = "tracker"
    """A public tracker, without any detail of the flaw."""
    PHONE = "phone"
    CHAT = "chat"
    SOCIAL = "social"
    POST = "post"
    INTERMEDIARY = "intermediary"
    """Somebody who knows them: a foundation, a distributor, another coordinator."""


class Result(StrEnum):
    """What came of an attempt."""

    SENT = "sent"
    BOUNCED = "bounced"
    NO_ANSWER = "no_answer"
    REFUSED = "refused"
    WRONG_PERSON = "wrong_person"
    ANSWERED = "answered"


class Acted(StrEnum):
    """Steps that are taken by hand, each only with the log that it needs."""

    ESCALATE = "escalate"
    BEGIN_RESORT = "begin_resort"
    FIRST = "first"
    SECOND = "second"
    THIRD = "third"
    STEP_IN = "step_in"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt to reach a party."""

    id: str
    at: datetime
    channel: Channel
    result: Result
    actor: str
    hint: str
    """Part of the address that was tried, enough to tell two apart; sealed."""
    note: str
    """Sealed."""


@dataclass(frozen=True, slots=True)
class Watch:
    """A party that should answer, in one case."""

    id: str
    case_id: str
    party: str
    """Its id where it is a party of this instance; empty for somebody who is none."""
    whom: str
    """Who it is, in words; sealed."""
    begun_at: datetime
    begun_by: str
    state: ContactState
    state_at: datetime
    resort_at: datetime | None = None
    """T0 of the clock to a maintainer of last resort."""
    attempts: tuple[Attempt, ...] = ()
