"""What one report says, on one screen or beside another: the packet and the rows of a comparison."""

from dataclasses import dataclass

from clearinghouse.disclosure.intake.records import CodeLocation, Crash, Finding


@dataclass(frozen=True, slots=True)
class SeverityLine:
    """One severity and who claims it."""

    by: str
    scheme: str
    score: float | None
    label: str
    vector: str


@dataclass(frozen=True, slots=True)
class Packet:
    """The one-screen packet: what, where, how to reproduce, proposed fix, severity as claimed by whom."""

    what: str
    where: tuple[str, ...]
    affected: tuple[str, ...]
    identifiers: tuple[str, ...]
    weaknesses: tuple[str, ...]
    reproduce: str
    fix: str
    impact: str
    severities: tuple[SeverityLine, ...]
    crash: Crash | None = None


@dataclass(frozen=True, slots=True)
class ComparedRow:
    """One thing two reports say, side by side."""

    name: str
    one: str
    other: str

    @property
    def same(self) -> bool:
        """Whether both say the same and say something."""
        return bool(self.one) and self.one == self.other


def packet_of(finding: Finding) -> Packet:
    """The one-screen packet of a finding as its reporter tells it."""
    affected = []
    for part in finding.ranges:
        name = part.package.name if part.package is not None else ""
        said = ", ".join([*part.versions, *(f"from {version}" for version in part.introduced), *(f"fixed in {version}" for version in part.fixed)])
        affected.append(f"{name} {said}".strip())
    names = [package.as_given or package.name for package in finding.packages] + list(finding.products)
    return Packet(
        finding.description, tuple(dict.fromkeys(place_words(place) for place in finding.locations)) or finding.symbols,
        tuple(dict.fromkeys([*affected, *([] if affected else names)])), tuple(identifier.value for identifier in finding.identifiers),
        finding.weaknesses, finding.reproduction, finding.remediation, finding.impact,
        tuple(SeverityLine(claim.by, claim.scheme, claim.score, claim.label, claim.vector) for claim in finding.severities), finding.crash,
    )


def place_words(place: CodeLocation) -> str:
    """A place in code in words: `tiff_read_strip in src/read.c:120`."""
    line = "" if place.line_start is None else f":{place.line_start}"
    where = f"{place.path}{line}" if place.path else place.url
    parts = [place.symbol, f"in {where}" if place.symbol and where else where, f"through {place.parameter}" if place.parameter else ""]
    return " ".join(part for part in parts if part)


def compared_rows(one: Finding, other: Finding) -> tuple[ComparedRow, ...]:
    """What two findings say, row by row; rows where neither says anything are left out."""
    first, second = packet_of(one), packet_of(other)
    rows = (
        ComparedRow("Where", "\n".join(first.where), "\n".join(second.where)),
        ComparedRow("Affected", "\n".join(first.affected), "\n".join(second.affected)),
        ComparedRow("Identifiers", ", ".join(first.identifiers), ", ".join(second.identifiers)),
        ComparedRow("Weakness", ", ".join(first.weaknesses), ", ".join(second.weaknesses)),
        ComparedRow("Crash", _crash_words(one.crash), _crash_words(other.crash)),
        ComparedRow("Proposed fix", one.remediation, other.remediation),
        ComparedRow("Repository", one.repository, other.repository),
        ComparedRow("Commit", one.commit, other.commit),
        ComparedRow("Made by", _producer_words(one), _producer_words(other)),
    )
    return tuple(row for row in rows if row.one or row.other)


def _crash_words(crash: Crash | None) -> str:
    if crash is None:
        return ""
    frames = "\n".join(f"{frame.function} {frame.path}{'' if frame.line is None else f':{frame.line}'}".strip() for frame in crash.frames[:5])
    return f"{crash.tool}: {crash.kind} {crash.access}".strip() + (f"\n{frames}" if frames else "")


def _producer_words(finding: Finding) -> str:
    producer = finding.producer
    return ", ".join(part for part in (producer.tool, producer.tool_version, producer.model, producer.harness) if part)
