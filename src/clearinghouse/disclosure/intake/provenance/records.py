"""What a relay speaks of: a block of provenance with its chain of hops, what we hold of it, and what happened since."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NewType

from clearinghouse.core.errors import Conflict
from clearinghouse.core.ids import PartyId, ReportId
from clearinghouse.disclosure.intake.records import Credit

RelayId = NewType("RelayId", str)

FORMAT = "clearinghouse-relay-1"


class AlteredBlock(Conflict):
    """A block says something else of the past than what is known of it."""


class HopFunction(StrEnum):
    """What a hop does with a report that passes it."""

    ROUTING = "routing"
    """It brings the report to whoever owns the code."""
    ASSESSMENT = "assessment"
    """It looks whether the report holds; that is an opinion and never the verdict."""
    DEDUPLICATION = "deduplication"
    """It says which reports are the same flaw."""
    BOOKKEEPING = "bookkeeping"
    """It keeps who was told what, and when."""


class EndReason(StrEnum):
    """Why a hop handles a report no further."""

    OUT_OF_SCOPE = "out_of_scope"
    """It does not route reports on this code."""
    UNREACHABLE = "unreachable"
    """Nobody who owns the code could be found or answered."""
    DUPLICATE = "duplicate"
    """The owner has it through another report already."""
    WITHDRAWN = "withdrawn"
    """The finder took it back."""
    PUBLIC = "public"
    """It is public; there is nothing left to coordinate."""
    OWNER_DECIDED = "owner_decided"
    """The owner gave its verdict."""
    HARDENED = "hardened"
    """No vulnerability but worth a change, which a public issue now holds."""


class Verdict(StrEnum):
    """What the owner of the code says; nobody else can."""

    UNDER_INVESTIGATION = "under_investigation"
    KNOWN_AFFECTED = "known_affected"
    KNOWN_NOT_AFFECTED = "known_not_affected"
    FIXED = "fixed"
    HARDENING = "hardening"
    """No vulnerability, and still worth a change."""


class Class(StrEnum):
    """How a report that was handed over stands to what is held, as far as its sender may know."""

    NEW = "new"
    """This sender had not sent it before. It says nothing of what others sent."""
    MIRROR = "mirror"
    """It came by another route before; told only to those who may know what others sent."""
    KNOWN_TO_YOU = "known-to-you"
    """This sender sent it before, over the same chain."""


class MirrorBasis(StrEnum):
    """By what a mirror was recognised."""

    ORIGIN = "origin"
    """The same handling at its origin, and other words: worth a look."""
    CONTENT = "content"
    """The very same claim."""
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class Hop:
    """One coordinator of a chain and what it may do."""

    by: str
    """Name of the coordinator's instance, as it calls itself."""
    handling_id: str
    """What it calls the report when speaking to others: opaque, and fit for the reporter's eyes."""
    functions: tuple[str, ...]
    may_end: tuple[str, ...] = ()
    """Reasons for which it may end the handling itself; anything else is the owner's."""
    accepted_at: str = ""
    received: str = ""
    """`sha256:HEX` over everything before this hop, so that whoever comes later can check it; empty where it is not said."""


@dataclass(frozen=True, slots=True)
class Block:
    """A block of provenance that has the form it must have."""

    raw: bytes
    """As it came."""
    origin_by: str
    origin_id: str
    references: tuple[str, ...]
    credits: tuple[Credit, ...]
    """Of the finder's side. The role is CVE's credit type; what no person is, is a `tool`."""
    chain: tuple[Hop, ...]
    links: tuple[str, ...]
    """A digest over all but the chain, then one after each hop: each covers everything before it."""
    embargo: Mapping[str, object] | None
    claims: tuple[Mapping[str, object], ...]
    """What hops before us say about duplicates: a hint."""


@dataclass(frozen=True, slots=True)
class HardeningRef:
    """Which hop sees to it that a hardening ends in a public issue."""

    by: str
    handling_id: str
    public_issue: str = ""
    """Where the public issue is; empty while it is still to be made."""


class StepKind(StrEnum):
    """What happened to a relayed report after it was accepted."""

    ASSESSED = "assessed"
    VERDICT = "verdict"
    HARDENING = "hardening"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happened; steps are only added."""

    kind: StepKind
    at: datetime
    actor: PartyId
    word: str
    """Verdict, reason of the end, or what is responsible for a hardening (`this hop` or `another hop`)."""
    text: str = ""
    owner: str = ""
    reference: str = ""
    """Where it can be read: a message id, an address."""
    responsible: HardeningRef | None = None


@dataclass(frozen=True, slots=True)
class Status:
    """What became of a relayed report so far."""

    state: str
    """`received`, `assessed` or `ended`."""
    assessed_at: datetime | None = None
    verdict: Step | None = None
    """The owner's newest word."""
    ended: Step | None = None
    hardening: HardeningRef | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """Of what is held already, as much as a new arrival is compared with; digests only."""

    id: RelayId
    report_id: ReportId
    sender: PartyId
    received_at: datetime
    envelope: str
    origin_hash: str
    content: str
    hops: tuple[str, ...]
    """Keyed hash of each hop's name and handling identifier."""
    links: tuple[str, ...]
    """Keyed hash of each of the block's links."""
    own_hash: str
    """Keyed hash of the handling identifier we gave."""
    own_link: str
    """Keyed hash of the link after our own hop."""


@dataclass(frozen=True, slots=True)
class Judged:
    """How an arrival stands to what is held."""

    as_class: Class
    earlier: Known | None = None
    """What answers for it where nothing new is to be kept."""
    mirror_of: str = ""
    """Relay or report that came first."""
    basis: MirrorBasis | None = None
    disputed: bool = False
    """Another sender's block tells the same past differently; somebody has to look."""


@dataclass(frozen=True, slots=True)
class Relay:
    """A relayed report as kept."""

    id: RelayId
    """Its handling identifier for those who may read it here."""
    report_id: ReportId
    sender: PartyId
    """Who handed it to us; for a report that begins its way here, who sent it."""
    received_at: datetime
    as_class: Class
    mirror_of: str
    basis: MirrorBasis | None
    disputed: bool
    block: bytes
    """As it came."""
    hop: bytes
    """Ours, as it goes out."""
    safe_id: str
    """Its handling identifier for everybody else: opaque, and linked to nothing."""
