"""What commitments speak of: a digest on the record, what opens it, and what became of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from clearinghouse.core.ids import CommitmentId, EventId, PartyId, SubmissionId

REPORT = "report"
"""The section that every commitment has: the document that is handed in when it is opened."""
OPENING_FORMAT = "clearinghouse-opening-1"
COMMITMENT_FORMAT = "clearinghouse-commitment-1"


class CommitmentState(StrEnum):
    """Where a commitment stands."""

    HELD = "held"
    """Recorded, and nothing of it shown."""
    PARTLY = "partly opened"
    OPENED = "opened"
    """Every section is open."""
    OVERDUE = "overdue"
    """Its day has passed and its report is not open."""
    WITHDRAWN = "withdrawn"
    """Its finder will not open it."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What a finder hands over to be put on the record; it tells nothing of the finding."""

    digest: bytes
    """SHA3-256, 32 bytes."""
    public_key: bytes
    """Ed25519, 32 bytes; its name stands inside the commitment."""
    signature: bytes
    """64 bytes, by that key over `rules.signed_bytes`."""


@dataclass(frozen=True, slots=True)
class SectionOpening:
    """What opens one section."""

    nonce: bytes = field(repr=False)
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Opening:
    """What opens a commitment: its document, the nonce, and as many sections as are to be opened."""

    document: Mapping[str, object]
    """`format`, `context`, `key`, and under `sections` a digest by name; canonical as RFC 8785 has it."""
    nonce: bytes = field(repr=False)
    sections: Mapping[str, SectionOpening] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OpenedSection:
    """A section that was opened."""

    name: str
    at: datetime
    late: bool
    size_bytes: int
    digest: str
    """`sha3-256:HEX` of its bytes."""


@dataclass(frozen=True, slots=True)
class Commitment:
    """A commitment on the record."""

    id: CommitmentId
    at: datetime
    """By this instance's clock when it was recorded; no date of the finder's counts."""
    party: PartyId
    organisation: PartyId
    """Whom its budget is charged to: the party's organisation, or itself."""
    claim: Claim
    due_at: datetime
    event: EventId
    """The event of the record, for an inclusion proof."""
    repeats: bool
    """The same digest had been recorded under another key: a copy, or the copied."""
    sections_total: int = 0
    """How many sections there are; known from the first opening on."""
    sections: tuple[OpenedSection, ...] = ()
    submission: SubmissionId | None = None
    """What the report became when it was opened."""
    warned_at: datetime | None = None
    overdue_at: datetime | None = None
    withdrawn_at: datetime | None = None

    @property
    def digest(self) -> str:
        """`sha3-256:HEX`."""
        return "sha3-256:" + self.claim.digest.hex()

    @property
    def key(self) -> str:
        """`ed25519:HEX`."""
        return "ed25519:" + self.claim.public_key.hex()


@dataclass(frozen=True, slots=True)
class Tally:
    """How many commitments were followed through, of one organisation or of all."""

    held: int
    """Not due yet, and nothing of the report shown."""
    opened: int
    """In time."""
    late: int
    never: int
    """Past their day and shut."""
    withdrawn: int

    @property
    def total(self) -> int:
        """All that were ever recorded."""
        return self.held + self.opened + self.late + self.never + self.withdrawn
