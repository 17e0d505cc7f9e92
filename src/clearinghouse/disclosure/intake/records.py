"""What intake speaks of: a finding (what somebody claims) and a report (what we received).

A report is never edited. What a source could not read is a note on the report, not a guess in
a field.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from clearinghouse.core.ids import PartyId, ReportId, SubmissionId
from clearinghouse.core.product import Package


class ReferenceKind(StrEnum):
    """What a link points at; OSV's kinds folded to those that carry evidence."""

    COMMIT = "commit"
    PULL = "pull"
    ISSUE = "issue"
    REPORT = "report"
    ADVISORY = "advisory"
    RELEASE = "release"
    PACKAGE = "package"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Reference:
    """A link of a finding. It is never fetched."""

    url: str
    kind: ReferenceKind = ReferenceKind.OTHER


class IdentifierRole(StrEnum):
    """How a finding uses an identifier."""

    OWN = "own"
    """The identifier of the record itself (`id` in OSV, `cveId` in CVE JSON)."""
    ALIAS = "alias"
    """Another name of the same vulnerability."""
    RELATED = "related"
    """A different vulnerability, or an umbrella over several."""


@dataclass(frozen=True, slots=True)
class Identifier:
    """A public name such as `CVE-2026-1234`, upper case, with how the finding uses it."""

    value: str
    role: IdentifierRole


@dataclass(frozen=True, slots=True)
class VersionRange:
    """Affected versions of one package or product, in the words of the source."""

    package: Package | None = None
    """The package the range belongs to; None where the source does not say."""
    kind: str = ""
    """`semver`, `ecosystem`, `git`, `rpm`, `custom`, or empty where the source does not say."""
    introduced: tuple[str, ...] = ()
    fixed: tuple[str, ...] = ()
    last_affected: tuple[str, ...] = ()
    versions: tuple[str, ...] = ()
    """Enumerated affected versions, and range expressions in prose such as `< 1.2`."""
    repository: str = ""
    """URL of the repository a git range speaks of."""


@dataclass(frozen=True, slots=True)
class CodeLocation:
    """A place in source code or in a running service."""

    path: str = ""
    """Relative to the repository root, `/` as separator; absolute prefixes are cut."""
    line_start: int | None = None
    line_end: int | None = None
    symbol: str = ""
    """Function, method or class, as the source spells it."""
    parameter: str = ""
    """Argument, form field, header or option through which the flaw is reached."""
    url: str = ""
    """Address of the affected endpoint, for findings on running services."""
    snippet: str = ""
    """Hostile text; shown escaped, never executed."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame of a stack, innermost first."""

    function: str
    path: str = ""
    line: int | None = None
    module: str = ""


@dataclass(frozen=True, slots=True)
class Crash:
    """What a sanitizer or runtime said when a program failed."""

    tool: str
    """`AddressSanitizer`, `MemorySanitizer`, `libFuzzer`, `go`, `python`, ..."""
    kind: str
    """The tool's own word: `heap-buffer-overflow`, `SEGV`, `index out of range`, ..."""
    access: str = ""
    """`READ` or `WRITE` where known."""
    size_bytes: int | None = None
    frames: tuple[Frame, ...] = ()
    """The crashing stack, innermost first; runtime-internal frames kept."""
    truncated: bool = False
    reports_in_log: int = 1
    """More than one report in one log is suspicious: the first complete one counts."""


@dataclass(frozen=True, slots=True)
class SeverityClaim:
    """A severity and who claims it; ours is never mixed in."""

    scheme: str
    """`CVSS:2.0`, `CVSS:3.0`, `CVSS:3.1`, `CVSS:4.0`, `label`, or the source's own name."""
    vector: str = ""
    score: float | None = None
    """As published; recomputed scores stand in the report's notes when they differ."""
    label: str = ""
    by: str = ""


@dataclass(frozen=True, slots=True)
class StatusClaim:
    """A VEX statement: product, status, justification, in the standard's words."""

    product: str
    status: str
    """`known_affected`, `known_not_affected`, `fixed`, `under_investigation`, ... as spelt by the source."""
    justification: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Credit:
    """Somebody to thank, with the CVE credit type where one is given."""

    name: str
    role: str = ""
    contact: str = ""


class HumanReview(StrEnum):
    """Whether a person looked at a machine-made finding before it was sent."""

    UNKNOWN = "unknown"
    NONE = "none"
    REVIEWED = "reviewed"
    REPRODUCED = "reproduced"


@dataclass(frozen=True, slots=True)
class Producer:
    """What made the finding: tool, version, model, harness, and the human who looked at it."""

    tool: str = ""
    tool_version: str = ""
    model: str = ""
    harness: str = ""
    reviewer: str = ""
    review: HumanReview = HumanReview.UNKNOWN
    rule: str = ""
    """The tool's rule or template id."""
    fingerprints: tuple[tuple[str, str], ...] = ()
    """(name, value) as the tool wrote them; never trusted before checking that they vary."""


@dataclass(frozen=True, slots=True)
class Consents:
    """What the sender allows; None where the sender did not say."""

    share_with_vendor: bool | None = None
    share_name: bool | None = None
    train_models: bool | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """One claimed flaw, parsed from whatever format it came in.

    Every text in here is hostile: bounded in length and free of control characters once built
    by `intake.rules.clean_finding`, and still never trusted in HTML, a shell or a prompt.
    """

    title: str = ""
    description: str = ""
    """Prose as sent: plain text or Markdown. Never rendered unescaped."""
    identifiers: tuple[Identifier, ...] = ()
    packages: tuple[Package, ...] = ()
    products: tuple[str, ...] = ()
    """Free text, `vendor:product` where both are known."""
    ranges: tuple[VersionRange, ...] = ()
    references: tuple[Reference, ...] = ()
    weaknesses: tuple[str, ...] = ()
    """`CWE-79` and the like."""
    severities: tuple[SeverityClaim, ...] = ()
    statuses: tuple[StatusClaim, ...] = ()
    locations: tuple[CodeLocation, ...] = ()
    symbols: tuple[str, ...] = ()
    """Affected functions a source lists apart from places (Go imports, CVE program routines)."""
    crash: Crash | None = None
    reproduction: str = ""
    impact: str = ""
    remediation: str = ""
    credits: tuple[Credit, ...] = ()
    producer: Producer = field(default_factory=Producer)
    consents: Consents = field(default_factory=Consents)
    repository: str = ""
    """URL of the code the finding speaks of."""
    commit: str = ""
    """The commit the finder looked at, as claimed."""
    published_at: datetime | None = None
    modified_at: datetime | None = None
    withdrawn_at: datetime | None = None
    proposed_disclosure_at: datetime | None = None
    publicly_known: bool | None = None
    exploited: bool | None = None
    language: str = ""
    tlp: str = ""
    """The label as the source spells it, mapped to TLP 2.0 (`WHITE` is `CLEAR`)."""
    state: str = ""
    """Life of the claim in the sender's system (`open`, `resolved`, `suppressed`, `rejected`, ...)."""
    reporter: str = ""
    attachments: tuple[str, ...] = ()
    """`sha256:HEX name` of each file that came with the finding; names are display text."""
    place: str = ""
    """Where in the submitted file the finding stands: a JSON Pointer, a line or a part number."""
    extra: tuple[tuple[str, str], ...] = ()
    """(name, text) of what the source holds and no field above fits; shown, never matched."""
    catalogue: str = ""
    """Name of the database the claim is an entry of; empty for a report. A database enters a flaw once."""
    entry: str = ""
    """What the database calls the entry."""
    blobs: tuple[tuple[str, str], ...] = ()
    """(path, digest of its content) of files the finding points into: `git:HEX`, `sha-256:HEX`."""


class Outcome(StrEnum):
    """What became of one item of a submission."""

    ACCEPTED = "accepted"
    ACCEPTED_WITH_WARNINGS = "accepted_with_warnings"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Note:
    """Something the sender should know, and where."""

    place: str
    """JSON Pointer, `line N`, `part 1.2`, or empty for the whole file."""
    message: str
    """What was found and what would be right; no content beyond what the sender sent."""
    code: str = ""
    """Stable short name, e.g. `locus.missing`."""


@dataclass(frozen=True, slots=True)
class Cover:
    """What the sender says about a whole submission; it fills only what a finding leaves open."""

    producer: Producer = field(default_factory=Producer)
    consents: Consents = field(default_factory=Consents)
    repository: str = ""
    commit: str = ""
    proposed_disclosure_at: datetime | None = None
    public: bool = False
    """The submission holds records that are public already: compared against, never a case."""


@dataclass(frozen=True, slots=True)
class ReceiptItem:
    """One item of a submission and what became of it."""

    place: str
    outcome: Outcome
    report_id: ReportId | None
    """The report that answers for the item; None where it was refused."""
    notes: tuple[Note, ...] = ()
    earlier: bool = False
    """True when the very same item was received before and the earlier report answers for it."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the sender gets back: one submission, an outcome per item."""

    submission_id: SubmissionId
    received_at: datetime
    digest: str
    """`sha256:HEX` of the bytes as received."""
    name: str
    """File name as sent, for display."""
    source: str
    """Name of the source that read it, e.g. `sarif`; empty when none could."""
    finished: bool
    """False while it is being read, or after an interruption: sending it again goes on."""
    items: tuple[ReceiptItem, ...]
    notes: tuple[Note, ...] = ()
    """About the file as a whole; with no item, the last one says why."""

    def count(self, outcome: Outcome) -> int:
        """How many items ended so."""
        return sum(item.outcome is outcome for item in self.items)


@dataclass(frozen=True, slots=True)
class Report:
    """What was received, never edited."""

    id: ReportId
    number: int
    """Order of receipt within this instance; never shown to anybody outside it."""
    submission_id: SubmissionId
    received_at: datetime
    reporter: PartyId
    """The party that sent it."""
    source: str
    parser_version: str
    digest: str
    """`sha256:HEX` of the finding in canonical form: the same claim sent twice has the same digest."""
    public: bool
    """True for imported public records: compared against, never a case (decision 11)."""
    finding: Finding
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True, slots=True)
class Sent:
    """How much somebody sent within a window."""

    submissions: int
    size_bytes: int
    oldest_at: datetime
    """When the first of it came."""
