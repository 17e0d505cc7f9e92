"""Terms of an embargo as data: what a party's policy or charter says about dates, before anybody computes with it.

The instance's policy holds such terms for well-known parties, a project's charter holds its own, and a case
adds what its participants agree on. The calculator (`disclosure/coordination/embargo`) combines them.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

REGIME = re.compile(r"[a-z][a-z0-9-]{1,31}")
"""How a law is named that a vendor may be under, such as `eu-cra`."""
_ZONE = re.compile(r"[A-Za-z]+(?:/[A-Za-z0-9_+-]+){0,2}")


class Milestone(StrEnum):
    """Something that happened to a flaw at an instant, from which a clock can start or at which an embargo ends."""

    REPORTED = "reported"
    VENDOR_CONTACTED = "vendor_contacted"
    ACKNOWLEDGED = "acknowledged"
    POSTED_TO_LIST = "posted_to_list"
    FIX_EXPECTED = "fix_expected"
    """The instant a vendor names for its fix; the only milestone that lies ahead."""
    FIX_READY = "fix_ready"
    PATCH_RELEASED = "patch_released"
    FIX_DEPLOYED = "fix_deployed"
    EXPLOITATION_SUSPECTED = "exploitation_suspected"
    """One party says so and nobody has confirmed it."""
    EXPLOITED_KNOWN = "exploited_known"
    EXPLOIT_PUBLIC = "exploit_public"
    PUBLIC = "public"


CLOCK_STARTS = frozenset({
    Milestone.REPORTED, Milestone.VENDOR_CONTACTED, Milestone.ACKNOWLEDGED, Milestone.POSTED_TO_LIST, Milestone.FIX_READY,
    Milestone.PATCH_RELEASED, Milestone.EXPLOITED_KNOWN,
})
"""Milestones from which a party may count."""
ENDINGS = frozenset({Milestone.PUBLIC, Milestone.EXPLOIT_PUBLIC, Milestone.EXPLOITED_KNOWN})
"""Milestones after which nobody is bound (rank a): the harm silence was to prevent is under way."""


class Rank(StrEnum):
    """Whose word on dates goes before whose; `a` is the first. The letters sort in that order."""

    OVER = "a"
    CHARTER = "b"
    BODY = "c"
    AGREED = "d"
    FINDER = "e"
    DEFAULT = "f"


RANK_WORDS: dict[Rank, str] = {
    Rank.OVER: "already public or exploited: no embargo",
    Rank.CHARTER: "the vendor's or project's charter for its own code",
    Rank.BODY: "the list or body the case was taken to",
    Rank.AGREED: "terms that all present parties accepted",
    Rank.FINDER: "the finder's policy",
    Rank.DEFAULT: "the default of this instance",
}


class Weekend(StrEnum):
    """Which days do not count as business days. Public holidays count: no list of them would hold for all parties."""

    SATURDAY_SUNDAY = "saturday_sunday"
    FRIDAY_SATURDAY = "friday_saturday"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Terms:
    """What one holder says about how long a flaw is kept quiet. A day is 24 hours from the instant its clock starts."""

    id: str
    holder: str
    """Whose terms these are, in words for people."""
    source: str
    """Where the holder publishes them."""
    rank: Rank
    start: Milestone
    days: int | None = None
    """None with `open_ended` or `ends_at`."""
    open_ended: bool = False
    """The holder names no end."""
    ends_at: datetime | None = None
    """A fixed instant, as agreements name one."""
    grace_days: int = 0
    """Added where the fix is expected within them."""
    exploited_days: int | None = None
    """From suspected exploitation on at most so many days; confirmed exploitation ends every embargo."""
    exploited_grace_days: int = 0
    """Added to `exploited_days` where the fix is expected within them."""
    days_max: int | None = None
    """What no agreement can go beyond, counted from the start of the clock."""
    details_days: int | None = None
    """How long details are held back after the patch."""
    public_ai_none: bool = False
    """No embargo for what was found with AI tools open to everybody."""
    zone: str = "UTC"
    """Name of the time zone the holder speaks in (IANA)."""
    party: str = ""
    """Id of the holder where it is a party of this instance and can be asked."""
    why: str = ""
    """Why the numbers stand where they do."""


class DutyKind(StrEnum):
    """What sort of date a duty is. None of them is an embargo."""

    REGULATOR = "regulator"
    RESPONSE = "response"
    NOTICE = "notice"


@dataclass(frozen=True, slots=True)
class Duty:
    """Something owed to somebody by an instant, whatever the embargo says."""

    id: str
    kind: DutyKind
    holder: str
    """Who owes it."""
    what: str
    """What is owed, and to whom."""
    source: str
    start: Milestone
    hours: int | None = None
    business_days: int | None = None
    """Instead of hours."""
    after: Milestone | None = None
    """Owed only once this has happened as well; the later of the two starts the clock."""
    weekend: Weekend = Weekend.SATURDAY_SUNDAY
    zone: str = "UTC"
    in_force_at: datetime | None = None
    """Owed for what happens from this instant on."""
    regime: str = ""
    """Name of the law that asks for it: owed by each vendor of the case that says it is under it, and by nobody else."""
    why: str = ""


def complaint_about_terms(terms: Terms) -> str:
    """What is wrong with terms, in words for whoever wrote them; empty where nothing is."""
    ways = (terms.days is not None) + terms.open_ended + (terms.ends_at is not None)
    if ways != 1:
        return "say exactly one of days, open_ended and ends_at"
    if terms.rank is Rank.OVER:
        return "rank a belongs to what is public or exploited; no terms can claim it"
    if terms.start not in CLOCK_STARTS:
        return f"a clock starts on one of {', '.join(sorted(CLOCK_STARTS))}"
    if terms.days_max is not None and terms.days is not None and terms.days_max < terms.days:
        return "days_max is below days"
    if terms.days_max is not None and terms.days is not None and terms.days + terms.grace_days > terms.days_max:
        return "days and grace_days together go beyond days_max"
    if not _ZONE.fullmatch(terms.zone):
        return "zone is the name of a time zone, such as Europe/Brussels"
    return ""


def complaint_about_duty(duty: Duty) -> str:
    """What is wrong with a duty; empty where nothing is."""
    if (duty.hours is None) == (duty.business_days is None):
        return "say exactly one of hours and business_days"
    if duty.regime and not REGIME.fullmatch(duty.regime):
        return "regime is a short name in small letters, such as eu-cra"
    if not _ZONE.fullmatch(duty.zone):
        return "zone is the name of a time zone, such as Europe/Brussels"
    return ""
