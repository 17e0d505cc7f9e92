"""The one-screen packet: what a vendor needs to know of one flaw, from all reports of it, in place of pages of prose.

Pure: records in, one record out, and from that a text of at most 40 lines of 100 columns. The most complete report
leads; the others add what it lacks. A report whose sender did not allow sharing with the vendor, or marked it for
named eyes only, adds nothing, not even to a count. Names appear only where their bearer allowed it.
"""

import dataclasses
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from clearinghouse.core.crash import significant_frames
from clearinghouse.core.errors import Invalid
from clearinghouse.core.ids import PartyId
from clearinghouse.core.severity import Band, band_of, bands_apart
from clearinghouse.core.tlp import Tlp, parse_tlp
from clearinghouse.core.untrusted import clean_line, clean_text
from clearinghouse.disclosure.coordination.capacity.facts import score_of
from clearinghouse.disclosure.intake.contents import has_locus, has_patch, has_reproducer, has_versions, is_ai_found
from clearinghouse.disclosure.intake.records import Finding, HumanReview, ReferenceKind, Report
from clearinghouse.parties.charters.records import Exclusion

COLUMNS, LINES_MAX = 100, 40
_LABEL = 11
# Lines a section may take; with the title and the rule below it they add up to 40.
_SECTIONS = {
    "What": 4, "Where": 5, "Reproduce": 10, "Fix": 2, "Severity": 5, "Evidence": 4, "Embargo": 2, "Charter": 2, "Asked": 3, "Originals": 1,
}
_TITLE_LINES = 1
_GIST_CHARACTERS = 340
_MARKUP = re.compile(r"^\s{0,3}(?:#{1,6}\s+|>+\s?|[-*+]\s+|\d{1,3}[.)]\s+)|[*`]{1,3}(?=\S)|(?<=\S)[*`]{1,3}")
_FENCE = re.compile(r"^\s*(?:```|~~~)")
_SENTENCE_END = re.compile(r"[.!?](?=\s)")
_REVIEWS = {
    HumanReview.UNKNOWN: "it is not said whether a person looked at it", HumanReview.NONE: "no person looked at it before it was sent",
    HumanReview.REVIEWED: "a person looked at it", HumanReview.REPRODUCED: "a person reproduced it",
}


@dataclass(frozen=True, slots=True)
class SeverityLine:
    """One claim and who makes it."""

    by: str
    band: Band
    score: float
    vector: str = ""


@dataclass(frozen=True, slots=True)
class OneScreen:
    """A packet. Every text is one harmless line; lists are bounded."""

    title: str
    lead: str
    """Id of the report that leads."""
    what: str
    where: tuple[str, ...]
    reproduction: str
    """`validated` by the bench, `confirmed` by a person, `claimed` or `none`."""
    steps: tuple[str, ...]
    steps_cut: bool
    fix: str
    severities: tuple[SeverityLine, ...]
    apart: bool
    """Two claims are two bands apart or more: judge it together."""
    exploited: bool
    finders: int
    tools: tuple[str, ...]
    provenance: str
    """How much of it AI systems found, and whether people looked."""
    embargo: str
    pointed: tuple[tuple[str, str], ...]
    """What the project says is no vulnerability and this may be: id and words."""
    asks: tuple[str, ...]
    link: str
    """Where the originals are."""
    validation: str = ""
    """Verdict and trust tier of the bench: `validated, T2`; empty where it has not seen the reproducer work."""


def may_go_to_vendor(finding: Finding) -> bool:
    """Whether its sender lets a vendor have a report: not against their word, and not for named eyes only (TLP:RED)."""
    return finding.consents.share_with_vendor is not False and parse_tlp(finding.tlp or "CLEAR") is not Tlp.RED


def build_packet(
    reports: Sequence[Report], *, confirmed: bool = False, validation: str = "", exploited: bool = False, embargo: str = "", asks: Iterable[str] = (),
    pointed: Iterable[Exclusion] = (), link: str = "", names: Mapping[PartyId, str] | None = None,
) -> OneScreen:
    """The packet of the reports of one flaw.

    Args:
        validation: what the bench saw of the reproducer, in words.
        names: of reporters, used only where a report says its sender's name may be shared.
        link: address of the case or the report, where the originals can be read.
    Raises:
        Invalid: none of the reports may go to a vendor.
    """
    # Public records are what the world knows; the packet says what was reported.
    mine = sorted((one for one in reports if not one.public and may_go_to_vendor(one.finding)), key=lambda one: (one.received_at, one.id))
    if not mine:
        raise Invalid("none of these reports may be shared with a vendor: their senders did not allow it")
    lead = choose_lead(mine)
    ordered = [lead, *(one for one in mine if one is not lead)]
    labels = _labels(mine, names or {})
    severities = _severities(ordered, labels)
    bands = [line.band for line in severities]
    steps, cut = _steps(ordered)
    return OneScreen(
        _title(lead.finding), lead.id, _what(ordered), _where(ordered),
        _reproduction(mine, confirmed, validation), steps, cut, _fix(ordered),
        severities, any(bands_apart(one, other) >= 2 for one in bands for other in bands), exploited, len({one.reporter for one in mine}),
        tuple(sorted({tool for one in mine if (tool := _tool(one.finding))}, key=str.casefold)[:6]), _provenance(mine),
        clean_line(embargo, 180), tuple((clean_line(entry.id, 40), clean_line(entry.words, 160)) for entry in pointed),
        tuple(clean_line(ask, 180) for ask in asks), clean_line(link, 300), clean_line(validation, 60),
    )


def _reproduction(reports: Sequence[Report], confirmed: bool, validation: str) -> str:
    if validation:
        return "validated"
    return "confirmed" if confirmed else ("claimed" if any(has_reproducer(one.finding) for one in reports) else "none")


def choose_lead(reports: Sequence[Report]) -> Report:
    """The most complete of some reports: one that can be reproduced, says where, brings a patch; then the earliest."""

    def completeness(report: Report) -> tuple[int, ...]:
        finding = report.finding
        parts = (
            4 * bool(finding.reproduction.strip()) + 3 * bool(finding.crash and finding.crash.frames), 4 * has_locus(finding),
            3 * has_patch(finding), 2 * has_versions(finding), bool(finding.severities), bool(finding.impact.strip()),
            2 * (finding.producer.review in (HumanReview.REVIEWED, HumanReview.REPRODUCED)),
        )
        return (sum(int(part) for part in parts),)

    return min(reports, key=lambda one: (tuple(-part for part in completeness(one)), one.received_at, one.id))


def packet_document(packet: OneScreen) -> dict[str, Any]:
    """The packet as what JSON can hold."""
    return dataclasses.asdict(packet)


def parse_packet(document: Mapping[str, Any]) -> OneScreen:
    """The packet of `packet_document`."""
    values = dict(document)
    values["severities"] = tuple(SeverityLine(one["by"], Band(one["band"]), one["score"], one["vector"]) for one in values["severities"])
    for name in ("where", "steps", "tools", "asks"):
        values[name] = tuple(values[name])
    values["pointed"] = tuple((one, words) for one, words in values["pointed"])
    return OneScreen(**values)


def render_text(packet: OneScreen) -> str:
    """The packet on one screen: at most 40 lines of 100 columns, plain text for a mail or a terminal."""
    lines = _wrap(packet.title, COLUMNS, _TITLE_LINES)
    lines.append("=" * min(COLUMNS, max(8, _width(lines[0]))))
    severity = [
        f"{line.score:.1f} {line.band} claimed by {line.by}{f' ({line.vector})' if line.vector else ''}" for line in packet.severities
    ] or ["nobody claims one"]
    alarms = [
        *(["EXPLOITED: exploitation is confirmed"] if packet.exploited else []),
        *(["CLAIMS LIE TWO BANDS APART: judge it together"] if packet.apart else []),
    ]
    severity = [*([". ".join(alarms)] if alarms else []), *severity]
    repeat = {
        "validated": f"{packet.validation}: run in a sandbox, with controls, by somebody other than the finder",
        "confirmed": "confirmed by somebody other than the finder", "claimed": "as the finder says; nobody else has run it",
        "none": "no reproducer",
    }[packet.reproduction]
    evidence = [f"{packet.finders} independent finder{'s' if packet.finders > 1 else ''}" + (f"; tools: {', '.join(packet.tools)}" if packet.tools else "")]
    steps = [f"  {step}" for step in packet.steps]
    most = _SECTIONS["Reproduce"] - 1
    if packet.steps_cut or len(steps) > most:
        steps = [*steps[: most - 1], "  ... (the rest is in the originals)"]
    sections: list[tuple[str, list[str]]] = [
        ("What", [packet.what]), ("Where", list(packet.where) or ["no place is named"]), ("Reproduce", [repeat, *steps]),
        ("Fix", [packet.fix]), ("Severity", severity), ("Evidence", [*evidence, packet.provenance]),
        ("Embargo", [packet.embargo] if packet.embargo else []),
        ("Charter", [f"may be `{name}`: {words}" for name, words in packet.pointed]),
        ("Asked", list(packet.asks)), ("Originals", [packet.link] if packet.link else []),
    ]
    for label, texts in sections:
        lines += _section(label, texts, _SECTIONS[label])
    assert len(lines) <= LINES_MAX, "the sections' bounds add up to one screen"
    return "\n".join(lines) + "\n"


def _section(label: str, texts: Sequence[str], most: int) -> list[str]:
    found: list[str] = []
    for number, text in enumerate(texts):
        left = most - len(found) - (len(texts) - number - 1 if label == "Severity" else 0)
        if left < 1 and len(found) >= most:
            break
        indent = text[: len(text) - len(text.lstrip())] if text.startswith("  ") else ""
        # A command is cut, never folded: half of one is another command.
        wrapped = _wrap(text.lstrip(), COLUMNS - _LABEL - len(indent), 1 if label in ("Reproduce", "Originals") else max(1, left))
        found += [indent + line for line in wrapped]
    return [f"{label if not number else '':<{_LABEL}}{line}" for number, line in enumerate(found[:most])]


def _title(finding: Finding) -> str:
    if finding.title.strip():
        return clean_line(finding.title, 160)
    if finding.crash is not None:
        return clean_line(f"{finding.crash.tool}: {finding.crash.kind}", 160)
    return clean_line(_gist(finding.description, 120), 160) or "A flaw without a title"


def _what(reports: Sequence[Report]) -> str:
    lead = reports[0].finding
    weaknesses = list(dict.fromkeys(weakness for one in reports for weakness in one.finding.weaknesses))[:3]
    said = next((gist for one in reports if (gist := _gist(one.finding.description, _GIST_CHARACTERS - 120))), "")
    said = said or ("not described beyond the title" if lead.title.strip() else "not described; see the crash below")
    impact = next((gist for one in reports if (gist := _gist(one.finding.impact, 110))), "")
    return clean_line(" ".join(part for part in (said, f"Impact: {impact}" if impact else "", f"[{', '.join(weaknesses)}]" if weaknesses else "") if part), _GIST_CHARACTERS)


def _where(reports: Sequence[Report]) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for one in reports:
        finding = one.finding
        versions = _versions(finding)
        packages = list(dict.fromkeys(package.key() for package in finding.packages)) or [
            part.package.key() for part in finding.ranges if part.package is not None
        ][:1]
        for ecosystem, name in packages[:2]:
            found.setdefault(clean_line(f"{ecosystem + '/' if ecosystem else ''}{name}{f' {versions}' if versions else ''}", 180), None)
        if not packages:
            for product in finding.products[:1]:
                found.setdefault(clean_line(f"{product}{f' {versions}' if versions else ''}", 180), None)
            if not finding.products and versions:
                found.setdefault(clean_line(versions, 180), None)
        for place in finding.locations[:3]:
            spot = place.path + (f":{place.line_start}" if place.path and place.line_start else "")
            text = " ".join(part for part in (spot, place.symbol, f"parameter {place.parameter}" if place.parameter else "", place.url) if part)
            if text:
                found.setdefault(clean_line(text, 180), None)
        if not finding.locations and finding.crash is not None:
            frames = significant_frames([frame.function for frame in finding.crash.frames[:50]], [frame.path for frame in finding.crash.frames[:50]], 3)
            if frames:
                found.setdefault(clean_line("stack: " + " < ".join(frames), 180), None)
        if finding.commit:
            found.setdefault(clean_line(f"seen at commit {finding.commit}", 100), None)
    # A package named without versions says nothing where another report names it with them.
    bare = {text for text in found if any(other != text and other.startswith(text + " ") for other in found)}
    return tuple(text for text in found if text not in bare)[:5]


def _versions(finding: Finding) -> str:
    for part in finding.ranges:
        said = [f"from {value}" for value in part.introduced[:1] if value not in ("", "0")]
        said += [f"up to {value}" for value in part.last_affected[:1]] + [f"fixed in {value}" for value in part.fixed[:2]]
        said += [", ".join(part.versions[:3])] if part.versions and not said else []
        if said:
            return ", ".join(said)
    return ""


def _steps(reports: Sequence[Report]) -> tuple[tuple[str, ...], bool]:
    for one in reports:
        lines = [
            cleaned for line in clean_text(one.finding.reproduction, 20_000).split("\n")
            if (cleaned := clean_line(line, 400)) and not _FENCE.match(line)
        ]
        if lines:
            return tuple(lines[:9]), len(lines) > 9
    crash = next((one.finding.crash for one in reports if one.finding.crash is not None), None)
    if crash is None:
        return (), False
    frames = significant_frames([frame.function for frame in crash.frames[:50]], [frame.path for frame in crash.frames[:50]], 6)
    head = " ".join(part for part in (f"{crash.tool}: {crash.kind}", crash.access, f"of {crash.size_bytes} bytes" if crash.size_bytes else "") if part)
    return (clean_line(head, 200), *(clean_line(f"#{number} {frame}", 200) for number, frame in enumerate(frames))), False


def _fix(reports: Sequence[Report]) -> str:
    for one in reports:
        if has_patch(one.finding):
            lines = (one.finding.remediation + "\n" + one.finding.description).split("\n")
            plus = sum(line.startswith("+") and not line.startswith("+++") for line in lines)
            minus = sum(line.startswith("-") and not line.startswith("---") for line in lines)
            pulls = [reference.url for reference in one.finding.references if reference.kind is ReferenceKind.PULL]
            if plus + minus:
                return f"a patch is proposed (+{plus} -{minus} lines; not proven), in the originals"
            return clean_line(f"a patch is proposed (not proven): {pulls[0] if pulls else 'a file with the originals'}", 180)
    words = next((gist for one in reports if (gist := _gist(one.finding.remediation, 140))), "")
    return f"in words: {words}" if words else "none proposed"


def _severities(reports: Sequence[Report], labels: Mapping[str, str]) -> tuple[SeverityLine, ...]:
    found: dict[tuple[str, float], SeverityLine] = {}
    for one in reports:
        for claim in one.finding.severities:
            score = score_of(claim)
            if score is None:
                continue
            by = labels[one.id]
            if claim.by and claim.by != one.finding.reporter:
                by = clean_line(claim.by.rpartition("@")[2], 40)  # an address is a person's, its domain an organisation's
            found.setdefault((by, score), SeverityLine(by, band_of(score), score, clean_line(claim.vector, 80)))
    ordered = sorted(found.values(), key=lambda line: (-line.score, line.by))
    # The extremes stay: that claims differ is what a maintainer must see.
    return tuple(ordered if len(ordered) <= 4 else [*ordered[:2], *ordered[-2:]])


def _labels(reports: Sequence[Report], names: Mapping[PartyId, str]) -> dict[str, str]:
    """What each report's sender is called: by name where they allow it, else by number in order of receipt."""
    numbers: dict[PartyId, int] = {}
    for one in reports:
        numbers.setdefault(one.reporter, len(numbers) + 1)
    return {
        one.id: clean_line(names.get(one.reporter, ""), 40) if one.finding.consents.share_name is True and names.get(one.reporter)
        else f"finder {numbers[one.reporter]}"
        for one in reports
    }


def _tool(finding: Finding) -> str:
    return clean_line(" ".join(part for part in (finding.producer.tool, finding.producer.tool_version) if part), 40)


def _provenance(reports: Sequence[Report]) -> str:
    ai = [one for one in reports if is_ai_found(one.finding)]
    if not ai:
        return "no report says that an AI system found it"
    models = list(dict.fromkeys(clean_line(one.finding.producer.model or one.finding.producer.harness, 40) for one in ai))[:3]
    order = list(HumanReview)
    review = max((one.finding.producer.review for one in ai), key=order.index)
    many = f"{len(ai)} of {len(reports)} reports AI-FOUND" if len(reports) > 1 else "AI-FOUND"
    return clean_line(f"{many} ({', '.join(models)}); {_REVIEWS[review]}", 180)


def _gist(text: str, most: int) -> str:
    """The first sentences of prose, without mark-up and code, ending where a sentence does if that is not too early."""
    said: list[str] = []
    fenced = False
    for line in clean_text(text, 8_000).split("\n"):
        if _FENCE.match(line):
            fenced = not fenced
        elif not fenced and line.strip():
            if line.lstrip().startswith("#") and len(line) < 80:
                continue
            said.append(_MARKUP.sub("", line).strip())
        if sum(map(len, said)) > most:
            break
    found = clean_line(" ".join(said), most * 2)
    if len(found) <= most:
        return found
    ends = [end.end() for end in _SENTENCE_END.finditer(found) if most // 3 <= end.end() <= most]
    return found[: ends[-1]] if ends else found[: most - 3].rsplit(" ", 1)[0] + "..."


def _width(text: str) -> int:
    """Columns of a terminal a text takes: wide characters take two, combining ones none."""
    if text.isascii():
        return len(text)
    return sum(0 if unicodedata.combining(sign) else 2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text)


def _wrap(text: str, columns: int, most: int) -> list[str]:
    """A text folded at spaces into at most so many lines; what is cut ends in three dots."""
    lines, current = [], ""
    words = text.split(" ")
    for number, given in enumerate(words):
        word = given
        while word:
            joined = f"{current} {word}" if current else word
            if _width(joined) <= columns:
                current, word = joined, ""
            elif (current and _width(word) <= columns) or current:
                lines.append(current)
                current = ""
            else:
                cut = len(word)
                while _width(word[:cut]) > columns:
                    cut -= 1
                lines.append(word[:cut])
                word = word[cut:]
            if len(lines) >= most and (current or word or number < len(words) - 1):
                return [*lines[: most - 1], _cut(lines[most - 1] if len(lines) >= most else "", columns)]
    if current:
        lines.append(current)
    if len(lines) > most:
        return [*lines[: most - 1], _cut(lines[most - 1], columns)]
    return lines or [""]


def _cut(line: str, columns: int) -> str:
    while _width(line) > columns - 3:
        line = line[:-1]
    return line.rstrip() + "..."
