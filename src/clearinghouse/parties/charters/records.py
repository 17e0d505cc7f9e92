"""What charters speaks of: the document, who stands for it, what asks, and what is answered."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NewType

from clearinghouse.core.ids import PartyId
from clearinghouse.core.product import Package
from clearinghouse.core.severity import Band

CharterId = NewType("CharterId", str)
ClaimId = NewType("ClaimId", str)


class Channel(StrEnum):
    """A way to a project."""

    CLEARINGHOUSE = "clearinghouse"
    EMAIL = "email"
    GITHUB_PRIVATE = "github_private"
    ISSUE_TRACKER = "issue_tracker"


class Take(StrEnum):
    """Which reports a project takes."""

    CONFIRMED = "confirmed"
    """Only those with a reproducer that somebody other than the finder confirmed."""
    RAW = "raw"


class Want(StrEnum):
    """What a charter may require of every report."""

    VERSION = "version"
    LOCUS = "locus"
    REPRODUCER = "reproducer"
    IMPACT = "impact"
    SEVERITY = "severity"
    WEAKNESS = "weakness"
    COMMIT = "commit"
    PROPOSED_FIX = "proposed_fix"
    TOOL = "tool"
    HUMAN_REVIEW = "human_review"


@dataclass(frozen=True, slots=True)
class Contact:
    """One way to the project, in its own order of preference."""

    channel: Channel
    address: str = ""


@dataclass(frozen=True, slots=True)
class Exclusion:
    """Something that is no vulnerability here."""

    id: str
    words: str
    weaknesses: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EmbargoTerms:
    """The project's terms for its own code; None where the charter says nothing."""

    days: int | None = None
    """Days from delivery to publication; 0 is no embargo."""
    days_ai_found: int | None = None
    """The same for findings made by an AI system."""
    days_max: int | None = None
    details_later_days: int = 0


@dataclass(frozen=True, slots=True)
class OptOut:
    """What the project does not want at all."""

    contact: bool = False
    scanning: bool = False
    until: datetime | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Charter:
    """A charter as read: cleaned, checked, with the defaults of the format filled in."""

    name: str
    packages: tuple[Package, ...] = ()
    repositories: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    valid_until: datetime | None = None
    claims: tuple[str, ...] = ()
    policy_url: str = ""
    policy_acknowledge: bool = False
    contacts: tuple[Contact, ...] = ()
    take: Take = Take.CONFIRMED
    severity_floor: Band = Band.NONE
    required: tuple[Want, ...] = ()
    reproducer_languages: tuple[str, ...] = ()
    reproducer_forms: tuple[str, ...] = ()
    ai_public: bool = False
    ai_take: Take = Take.CONFIRMED
    ai_accountable_human: bool = True
    threat_model_url: str = ""
    threat_model: str = ""
    exclusions: tuple[Exclusion, ...] = ()
    own_scanning: str = ""
    per_week: int | None = None
    burst: int | None = None
    open_max: int | None = None
    embargo: EmbargoTerms = field(default_factory=EmbargoTerms)
    opt_out: OptOut = field(default_factory=OptOut)
    openpgp: str = ""
    regimes: tuple[str, ...] = ()
    """Laws the project says it is under as a manufacturer, such as `eu-cra`; their duties are then its own."""
    credit_finders: bool = True
    credit_tools: bool = True
    credit_words: str = ""


class Grade(StrEnum):
    """Whether a problem stops a charter from being read."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong with a charter, and where."""

    grade: Grade
    place: str
    """JSON Pointer into the document; empty for the document as a whole."""
    line: int | None
    """Line of the file, where it can be told."""
    message: str

    def __str__(self) -> str:
        where = f"line {self.line}, " if self.line else ""
        return f"{self.grade}: {where}{self.place or '(document)'}: {self.message}"


class Kind(StrEnum):
    """What a charter is found by."""

    PACKAGE = "package"
    REPOSITORY = "repository"


@dataclass(frozen=True, slots=True, order=True)
class ScopeKey:
    """A package or repository in the one spelling that is compared."""

    kind: Kind
    value: str


class ClaimBasis(StrEnum):
    """What makes a claim of ownership believable."""

    PENDING = "pending"
    FETCHED = "fetched"
    """The claim's number was found in the charter in the repository itself."""
    VOUCHED = "vouched"
    """A coordinator vouched for it, with a reason."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A party says a package or repository is its own."""

    id: ClaimId
    party: PartyId
    key: ScopeKey
    basis: ClaimBasis
    opened_at: datetime
    proven_at: datetime | None = None
    ended_at: datetime | None = None

    @property
    def holds(self) -> bool:
        """Whether it is proven and stands."""
        return self.proven_at is not None and self.ended_at is None


@dataclass(frozen=True, slots=True)
class Adopted:
    """One version of a charter that was put in force."""

    id: CharterId
    version: int
    party: PartyId
    digest: str
    """`sha256:HEX` of the canonical document: the same for TOML and JSON."""
    adopted_at: datetime
    adopted_by: PartyId
    on_behalf: bool
    """A coordinator set it for the party."""
    source_url: str
    charter: Charter
    covers: tuple[ScopeKey, ...]
    """What of the packages and repositories it names is proven or vouched for: it binds nothing else."""


class Purpose(StrEnum):
    """What somebody wants to do with a project."""

    CONTACT = "contact"
    SCAN = "scan"


class Reproducer(StrEnum):
    """What is known of a reproducer."""

    NONE = "none"
    CLAIMED = "claimed"
    """The finder sent one; nobody else ran it."""
    CONFIRMED = "confirmed"
    """Somebody other than the finder reproduced the flaw with it."""


@dataclass(frozen=True, slots=True)
class Approach:
    """Somebody wants to send something to a project, or to scan it: what a charter must know to answer."""

    purpose: Purpose = Purpose.CONTACT
    ai_found: bool = False
    accountable_human: bool = False
    """A named person stands for it."""
    reproducer: Reproducer = Reproducer.NONE
    reproducer_language: str = ""
    reproducer_form: str = ""
    exploited: bool = False
    """Exploitation was confirmed by a coordinator; a sender's word alone lifts nothing."""
    override: bool = False
    """Two persons agreed, with a reason, to tell an opted-out project of an exploited flaw."""
    severity: Band | None = None
    """The highest claimed; None where nobody claims any."""
    holds: frozenset[Want] = frozenset()
    """Which of the things a charter may require are there."""
    weaknesses: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    policy_acknowledged: bool = False


@dataclass(frozen=True, slots=True)
class Reason:
    """Why an answer is what it is."""

    code: str
    """Stable short name, e.g. `reproducer.unconfirmed`."""
    words: str


@dataclass(frozen=True, slots=True)
class Allowed:
    """It may go, this way."""

    reasons: tuple[Reason, ...] = ()
    public: bool = False
    """Into the open, without embargo: the project wants AI findings so."""
    contacts: tuple[Contact, ...] = ()
    passes_cap: bool = False
    pointed: tuple[Exclusion, ...] = ()
    """What the project says is no vulnerability and this may be; to be shown, never to close anything."""


@dataclass(frozen=True, slots=True)
class Held:
    """It waits until something is supplied or changes."""

    reasons: tuple[Reason, ...]
    asks: tuple[Want, ...] = ()
    """What to ask of the sender."""
    pointed: tuple[Exclusion, ...] = ()


@dataclass(frozen=True, slots=True)
class Refused:
    """The project does not want it."""

    reasons: tuple[Reason, ...]


Answer = Allowed | Held | Refused
