"""What deconfliction speaks of: answers, the evidence for them, and what people decide."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from clearinghouse.core.ids import DecisionId, PartyId, ReportId


class Verdict(StrEnum):
    """What may be said of a finding next to what is known."""

    NEW = "new"
    DUPLICATE = "duplicate"
    """The same flaw as a known one, sure enough to join without a person."""
    VARIANT = "variant"
    """The same product and kind of weakness at another place: a sibling."""
    RELATED = "related"
    """Names or touches a known flaw without being it: an umbrella, a follow-up."""
    UNSURE = "unsure"
    """A person should look; the candidates say at what."""


class Kinship(StrEnum):
    """Why two reports are related, or variants of each other, without being one flaw."""

    UMBRELLA = "umbrella"
    """One names several vulnerabilities, the other is among them."""
    REGRESSION = "regression"
    """One says that it is what an earlier flaw's fix left open, or brought back."""
    CHAIN = "chain"
    """Steps of one attack: used together, fixed apart."""
    NAMED_APART = "named apart"
    """One names the other as a different flaw."""
    OTHER_NUMBER = "other number"
    """Two CVE numbers, and words that would have made a person look."""
    SAME_FIX = "same fix"
    """One change fixes both, at different places."""
    COPY = "copy"
    """The same function of the same file in another product: one root cause, copied."""
    ELSEWHERE = "elsewhere"
    """The same product and kind of weakness at another place."""


KINSHIP_WORDS: dict[Kinship, str] = {
    Kinship.UMBRELLA: "umbrella - one names several vulnerabilities, the other is among them",
    Kinship.REGRESSION: "regression - one says that it is what the fix of the other left open or brought back",
    Kinship.CHAIN: "chain - one says that it is used together with the other; each is fixed by itself",
    Kinship.NAMED_APART: "named apart - one names the other as a different flaw",
    Kinship.OTHER_NUMBER: "other number - alike, and known under two CVE numbers",
    Kinship.SAME_FIX: "same fix - one change fixes both, and they are at different places",
    Kinship.COPY: "copy - the same function of the same file in another product: one root cause, copied",
    Kinship.ELSEWHERE: "elsewhere - the same product and kind of weakness at another place",
}
"""How people are told; quotes nothing."""
LINKS = (Kinship.REGRESSION, Kinship.CHAIN, Kinship.NAMED_APART)
"""What one report itself says of another, by its name; the first of them is what counts where several are said."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """One thing that spoke for or against a pair."""

    name: str
    """Name of a feature family or of a rule: `identifier`, `locus`, `place`, `stack`, `content`, `fix`, `fingerprint`, `relation`, `execution`."""
    wording: str
    """For people: what agreed or differed. Quotes nothing."""
    value: float | None
    """The family's telling number, 0 to 1; None where it has none."""
    contribution: float
    """Log-odds it added (above 0) or took."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A known record a finding was compared with."""

    document: int
    """Number the index knows the record by."""
    probability: float
    """Calibrated: of pairs with this number, that part is the same flaw."""
    relation: Verdict
    """What this one pair amounts to."""
    evidence: tuple[Evidence, ...] = ()
    """Strongest first."""
    kinship: Kinship | None = None
    """Of a variant and of what is related: why."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What deconfliction says of one finding; provisional until the next settling."""

    verdict: Verdict
    probability: float
    """Of the best candidate; 0 where there is none."""
    candidates: tuple[Candidate, ...]
    """Best first, at most as many as policy shows."""
    compared: int
    """How many records were looked at closely."""
    known: int
    """How many records the index held."""
    model: str
    """Digest of the model that answered."""


class DecisionKind(StrEnum):
    """What a person can decide about records."""

    MERGE = "merge"
    SPLIT = "split"
    NOT_SAME = "not_same"
    LEAD = "lead"
    """Which report leads those of its flaw; it moves none of them."""


SAMENESS = frozenset({DecisionKind.MERGE, DecisionKind.SPLIT, DecisionKind.NOT_SAME})
"""Kinds that say what is one flaw. Of what they speak a person has looked, and its sender is told so."""


@dataclass(frozen=True, slots=True)
class Decision:
    """A person's word, with its reason. It outranks every probability until it is undone."""

    id: DecisionId
    kind: DecisionKind
    groups: tuple[tuple[ReportId, ...], ...]
    """MERGE: one group. SPLIT and NOT_SAME: the groups held apart from each other. LEAD: the one that leads, and those it leads."""
    reason: str
    actor: PartyId
    at: datetime
    undone_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Cluster:
    """Reports of one flaw."""

    members: tuple[ReportId, ...]
    """In order of receipt: the first is the first to have told."""
    settled: bool
    """False while a member's place is provisional."""
