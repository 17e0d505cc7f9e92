"""A report in prose, Markdown or plain: headings, `Name: value` fields and what the text names, as one finding.

Mail, Markdown files and the descriptions inside platform exports are read alike.
"""

import dataclasses
import re
from collections.abc import Iterable
from typing import NamedTuple

from clearinghouse.core.policy import IntakeLimits
from clearinghouse.core.product import Package, normalise_package, parse_purl
from clearinghouse.core.severity import scheme_of
from clearinghouse.core.tlp import parse_tlp
from clearinghouse.core.weakness import parse_weakness
from clearinghouse.disclosure.intake.crashes import has_crash, read_log
from clearinghouse.disclosure.intake.records import (
    CodeLocation,
    Consents,
    Credit,
    Finding,
    HumanReview,
    Identifier,
    IdentifierRole,
    Note,
    Producer,
    SeverityClaim,
    VersionRange,
)
from clearinghouse.disclosure.intake.sources._prose import Named, find_commits, read_named, read_range
from clearinghouse.disclosure.intake.sources._reading import read_cvss, read_instant
from clearinghouse.disclosure.intake.sources._sections import Section, find_code, find_fields, split_sections

_REPRODUCTION = re.compile(r"reproduc|proof[ -]of[ -]concept|\bpoc\b|steps|exploit|test case", re.IGNORECASE)
_IMPACT = re.compile(r"impact|consequence|attack scenario", re.IGNORECASE)
_REMEDIATION = re.compile(r"remediat|mitigat|recommend|solution|workaround|suggested (?:fix|patch)|proposed (?:fix|patch)|^fix|patches|resolution", re.IGNORECASE)
_CREDITS = re.compile(r"credit|acknowledg|thanks", re.IGNORECASE)
_AFFECTED = re.compile(r"affected (?:version|product|package)|versions? affected", re.IGNORECASE)
_CREDIT_LINE = re.compile(r"^\s{0,6}(?:[-*+]\s{1,3})?(?P<role>Reported-by|Patched-by|Found-by|Discovered-by|Reported by|Found by|Discovered by|Fixed-by|Fix by)\s?:\s?(?P<name>\S.{0,160}?)\s{0,4}$", re.IGNORECASE | re.MULTILINE)
_CREDIT_ROLES = {"reported": "reporter", "patched": "remediation developer", "fixed": "remediation developer", "fix": "remediation developer",
                 "found": "finder", "discovered": "finder"}
_QUOTED = re.compile(r"^\s{0,3}>")
_TITLE_CHARACTERS_MAX = 300
# Said to whoever reads, not about the flaw. Kept like all text; the note tells people to look twice.
_ADDRESSES_READER = re.compile(
    r"\b(?:ignore|disregard|forget)\s(?:all\s|any\s|the\s|your\s|every\s){0,2}(?:previous|earlier|prior|above|other|system)?\s?(?:rules|instructions|prompts?|guidelines)\b"
    r"|\bSYSTEM\s?(?:PROMPT)?:\s|<\|im_start\|>|\[INST\]|\byou are (?:now )?(?:an? )?(?:AI|assistant|language model|triage (?:bot|agent))\b"
    r"|\b(?:mark|set|treat)\s(?:this|it|as|the report)?\s?(?:as\s)?(?:verified|valid|critical|severity critical|trusted)\b.{0,80}\b(?:mail|send|forward|publish)\b",
    re.IGNORECASE,
)

# Names people write before a colon, and the field each one means.
_FIELDS = {
    "title": "title", "summary": "title", "vulnerability": "title", "name": "title",
    "severity": "severity", "risk": "severity", "priority": "severity", "severity level": "severity",
    "cvss": "cvss", "cvss score": "cvss", "cvss vector": "cvss", "cvss v3": "cvss", "cvss v3.1": "cvss", "cvss v4": "cvss", "vector": "cvss",
    "cwe": "cwe", "weakness": "cwe", "cwe id": "cwe", "weakness type": "cwe", "vulnerability type": "type", "class": "type", "category": "type",
    "package": "package", "crate": "crates.io", "npm package": "npm", "pypi package": "pypi", "module": "package", "library": "package",
    "purl": "purl", "package url": "purl",
    "product": "product", "component": "component", "vendor": "vendor", "project": "product", "target": "product", "software": "product",
    "version": "version", "versions": "version", "affected version": "affected", "affected versions": "affected", "versions affected": "affected",
    "affected": "affected", "vulnerable versions": "affected", "vulnerable version": "affected", "tested version": "version",
    "not affected versions": "unaffected", "unaffected versions": "unaffected",
    "patched": "fixed", "patched versions": "fixed", "patched version": "fixed", "fixed version": "fixed", "fixed versions": "fixed",
    "fixed in": "fixed", "fixed": "fixed",
    "introduced-in": "introduced_commit", "fixed-in": "fixed_commit", "introduced in": "introduced",
    "file": "path", "path": "path", "location": "path", "source file": "path", "affected file": "path", "affected files": "path", "files": "path",
    "line": "line", "lines": "line",
    "function": "function", "method": "function", "affected function": "function", "affected functions": "function", "functions": "function",
    "symbol": "function", "parameter": "parameter", "vulnerable parameter": "parameter", "header": "parameter",
    "url": "url", "endpoint": "url", "affected url": "url", "affected endpoint": "url",
    "repository": "repository", "repo": "repository", "commit": "commit", "commit hash": "commit", "revision": "commit", "git commit": "commit",
    "language": "language",
    "tool": "tool", "scanner": "tool", "found by tool": "tool", "tool version": "tool_version", "model": "model", "ai model": "model",
    "harness": "harness", "agent": "harness", "reviewer": "reviewer", "reviewed by": "reviewer", "human reviewer": "reviewer",
    "validated by": "reviewer", "human review": "review", "review": "review",
    "reporter": "reporter", "credit": "credit", "credits": "credit", "researcher": "credit", "finder": "credit",
    # Lines that `_CREDIT_LINE` reads with their roles.
    "reported by": "credited", "reported-by": "credited", "discovered by": "credited", "found by": "credited", "patched-by": "credited",
    "fixed-by": "credited", "fix by": "credited", "found-by": "credited", "discovered-by": "credited",
    "published": "published", "date": "published", "reported": "published", "disclosure date": "disclosure", "disclosure": "disclosure",
    "proposed disclosure": "disclosure", "proposed disclosure date": "disclosure", "embargo": "disclosure", "embargo until": "disclosure",
    "tlp": "tlp", "status": "state", "state": "state", "cve": "identifier", "cve id": "identifier", "ghsa": "identifier", "id": "id",
    "alias": "identifier", "aliases": "identifier", "exploited": "exploited", "exploited in the wild": "exploited", "public": "public",
    "publicly known": "public", "share with vendor": "share_vendor", "share report with vendor": "share_vendor", "share name": "share_name",
    "share my name": "share_name", "credit me": "share_name", "train models": "train", "may train models": "train", "impact": "impact", "remediation": "remediation", "recommendation": "remediation", "fix": "remediation",
}


class Context(NamedTuple):
    """Where a text stands and how much of it is looked at."""

    place: str
    limits: IntakeLimits
    notes: list[Note]


def read_text(untrusted_text: str, context: Context, *, title: str = "", first_line: int = 1) -> Finding:
    """The finding of a report in prose.

    Args:
        title: where it does not stand in the text, as in mail; a heading does not replace it.
        first_line: number of the text's first line in its file.
    """
    sections = split_sections(untrusted_text.split("\n"), first_line)
    heading = next((section for section in sections if section.heading and section.level <= 2), None)
    named = read_named(untrusted_text, context.place, context.notes)
    finding = _of_named(named)
    for section in sections:
        finding = _add_section(finding, section, section is heading and not title)
    fields = find_fields(untrusted_text)
    finding = dataclasses.replace(finding, title=title or (heading.heading if heading else ""), place=context.place)
    finding = apply_fields(finding, fields, context)
    credits_found = [
        Credit(found["name"].rstrip("."), _CREDIT_ROLES.get(re.split(r"[- ]", found["role"].lower())[0], ""))
        for found in list(_CREDIT_LINE.finditer(untrusted_text[:200_000]))[:50]
    ]
    finding = dataclasses.replace(finding, credits=tuple(dict.fromkeys((*finding.credits, *credits_found))))
    if not finding.title:
        finding = dataclasses.replace(finding, title=first_sentence(untrusted_text))
    if addressed := _ADDRESSES_READER.search(untrusted_text[:200_000]):
        line = first_line + untrusted_text.count("\n", 0, addressed.start())
        message = "the text addresses its reader, as instructions to a model do; it is kept as data and obeyed by nobody"
        context.notes.append(Note(f"{context.place} line {line}".strip() if not context.place.startswith("line") else f"line {line}", message, "text.addresses_reader"))
    return _add_crash(finding, untrusted_text, context)


def first_sentence(text: str) -> str:
    """The first line that says something, as a title where none was given."""
    for line in text.split("\n")[:200]:
        bare = line.strip().strip("#*_`>-= ").strip()
        if len(bare) > 3 and not _QUOTED.match(line) and bare.rstrip(",!").lower() not in ("hello", "hi", "dear team", "dear security team", "hi team"):
            return bare[:_TITLE_CHARACTERS_MAX]
    return ""


def _of_named(named: Named) -> Finding:
    return Finding(
        identifiers=named.identifiers, references=named.references, weaknesses=named.weaknesses, severities=named.severities,
        locations=named.locations, symbols=named.symbols, commit=named.commit,
    )


def _add_section(finding: Finding, section: Section, is_title: bool) -> Finding:
    """The finding with a section in the field its heading names, or in the description under its heading."""
    text = section.text
    if not text.strip() and (is_title or not section.heading):
        return finding
    if _REPRODUCTION.search(section.heading) and not is_title:
        return dataclasses.replace(finding, reproduction=_join(finding.reproduction, text))
    if _IMPACT.search(section.heading) and not is_title:
        return dataclasses.replace(finding, impact=_join(finding.impact, text))
    if _REMEDIATION.search(section.heading) and not is_title:
        return dataclasses.replace(finding, remediation=_join(finding.remediation, text))
    if _CREDITS.search(section.heading) and not is_title:
        return dataclasses.replace(finding, extra=(*finding.extra, ("credits", text[:5_000])))
    if _AFFECTED.search(section.heading) and not is_title and not any(name in ("affected", "version") for name, _ in _known(find_fields(text))):
        ranges = tuple(r for line in text.split("\n")[:100] if (r := read_range(line.lstrip("-*+ "))) is not None)
        finding = dataclasses.replace(finding, ranges=(*finding.ranges, *ranges))
    heading = "" if is_title or not section.heading else f"{'#' * section.level} {section.heading}\n\n"
    return dataclasses.replace(finding, description=_join(finding.description, heading + text))


def _join(first: str, second: str) -> str:
    return f"{first}\n\n{second}" if first and second else first or second


def _known(fields: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(_FIELDS[name], value) for name, value in fields if name in _FIELDS]


def apply_fields(finding: Finding, fields: Iterable[tuple[str, str]], context: Context) -> Finding:
    """The finding with what its fields say, as (name as written in lower case, value). What none of its fields holds goes to `extra`."""
    fields = list(fields)
    known: dict[str, list[str]] = {}
    for name, value in _known(fields):
        known.setdefault(name, []).append(value)
    extra = [(name, value) for name, value in fields if name not in _FIELDS]

    def first(name: str) -> str:
        return next(iter(known.get(name, ())), "")

    packages = _packages(known, context)
    ranges = _ranges(known, packages[0] if len(packages) == 1 else None)
    products = tuple(f"{first('vendor')}:{product}" if first("vendor") else product for product in known.get("product", ()))
    if not products and first("vendor"):
        products = (f"{first('vendor')}:",)
    weaknesses = [weakness for value in known.get("cwe", ()) if (weakness := parse_weakness(value)) is not None]
    extra += [("type", value) for value in known.get("type", ())]
    extra += [(name, value) for name in ("component",) for value in known.get(name, ())]
    producer = Producer(
        tool=first("tool"), tool_version=first("tool_version"), model=first("model"), harness=first("harness"), reviewer=first("reviewer"),
        review=_review(first("review"), first("reviewer")),
    )
    tlp = parse_tlp(first("tlp").split()[0]) if first("tlp").split() else None
    symbols = (*finding.symbols, *(name.strip("` ()") for value in known.get("function", ()) for name in value.split(",")[:20]))
    identifiers = [
        Identifier(name.upper(), IdentifierRole.ALIAS)
        for value in known.get("identifier", ()) for name in re.split(r"[,\s]+", value)[:50] if re.fullmatch(r"[A-Za-z]{2,10}-[\w-]{4,40}", name)
    ]
    place, notes = context.place, context.notes
    return dataclasses.replace(
        finding,
        title=finding.title or first("title"), packages=(*finding.packages, *packages), products=(*finding.products, *products),
        ranges=(*finding.ranges, *ranges), weaknesses=tuple(dict.fromkeys((*finding.weaknesses, *weaknesses))),
        severities=tuple(dict.fromkeys((*finding.severities, *_severities(known, context)))),
        locations=_locations(finding.locations, known), symbols=tuple(dict.fromkeys(name for name in symbols if name)),
        repository=finding.repository or first("repository"), commit=first("commit").strip("`") or finding.commit,
        language=finding.language or first("language"), producer=producer if producer != Producer() else finding.producer,
        reporter=finding.reporter or first("reporter"),
        credits=(*finding.credits, *(Credit(value, "finder") for value in known.get("credit", ()))),
        published_at=finding.published_at or (read_instant(first("published"), place, []) if first("published") else None),
        proposed_disclosure_at=finding.proposed_disclosure_at or (read_instant(first("disclosure"), place, []) if first("disclosure") else None),
        tlp=tlp or finding.tlp, state=finding.state or first("state"), exploited=_answer(first("exploited"), finding.exploited),
        consents=Consents(
            _answer(first("share_vendor"), finding.consents.share_with_vendor), _answer(first("share_name"), finding.consents.share_name),
            _answer(first("train"), finding.consents.train_models),
        ),
        publicly_known=_answer(first("public"), finding.publicly_known), impact=finding.impact or first("impact"),
        remediation=finding.remediation or first("remediation"),
        identifiers=tuple(dict.fromkeys((*finding.identifiers, *identifiers))), extra=(*finding.extra, *extra, *_unread(known, tlp, notes, place)),
    )


def _unread(known: dict[str, list[str]], tlp: object, notes: list[Note], place: str) -> list[tuple[str, str]]:
    """Values that were understood by name only: kept as text, so that nothing is lost."""
    if known.get("tlp") and tlp is None:
        notes.append(Note(place, f"{known['tlp'][0][:20]!r} is no TLP 2.0 label", "tlp.unknown"))
    kept = [("id", value) for value in known.get("id", ())]
    kept += [("disclosure", value) for value in known.get("disclosure", ())]
    return kept + [("date", value) for value in known.get("published", ())]


def _answer(word: str, otherwise: bool | None) -> bool | None:
    cleaned = word.strip().lower().rstrip(".")
    if cleaned.startswith(("yes", "true")):
        return True
    return False if cleaned.startswith(("no", "false")) else otherwise


def _review(word: str, reviewer: str) -> HumanReview:
    cleaned = word.lower()
    if "reproduc" in cleaned:
        return HumanReview.REPRODUCED
    if cleaned.startswith(("none", "no", "not ")):
        return HumanReview.NONE
    return HumanReview.REVIEWED if cleaned.startswith(("yes", "review", "true")) or reviewer else HumanReview.UNKNOWN


def _packages(known: dict[str, list[str]], context: Context) -> tuple[Package, ...]:
    packages = [normalise_package("", value) for value in known.get("package", ())]
    packages += [normalise_package(system, value) for system in ("crates.io", "npm", "pypi") for value in known.get(system, ())]
    for value in known.get("purl", ()):
        try:
            packages.append(parse_purl(value)[0])
        except ValueError as error:
            context.notes.append(Note(context.place, f"not a package URL: {error}", "package.purl"))
    return tuple(dict.fromkeys(packages))


def _ranges(known: dict[str, list[str]], package: Package | None) -> tuple[VersionRange, ...]:
    stated = [*known.get("affected", ()), *known.get("version", ())]
    affected = [read_range(value, package) or VersionRange(package, versions=(value,)) for value in stated]
    fixed = [version for value in known.get("fixed", ()) for version in _versions(value)]
    # `Not affected: < 7.33.0 and >= 7.83.0` says where the fix is, in the words of those who made it.
    for value in known.get("unaffected", ()):
        if (free := read_range(value)) is not None:
            fixed += free.introduced
    introduced = [version for value in known.get("introduced", ()) for version in _versions(value)]
    if (fixed or introduced) and len(affected) == 1:
        one = affected[0]
        affected = [dataclasses.replace(one, fixed=tuple(dict.fromkeys((*one.fixed, *fixed))), introduced=tuple(dict.fromkeys((*one.introduced, *introduced))))]
    elif fixed or introduced:
        affected.append(VersionRange(package, introduced=tuple(introduced), fixed=tuple(dict.fromkeys(fixed))))
    begun = [commit for value in known.get("introduced_commit", ()) for commit in find_commits(value)]
    ended = [commit for value in known.get("fixed_commit", ()) for commit in find_commits(value)]
    if begun or ended:
        repository = next((repository for repository, _ in (*begun, *ended)), "")
        affected.append(VersionRange(package, "git", tuple(commit for _, commit in begun), tuple(commit for _, commit in ended), repository=repository))
    return tuple(affected)


def _versions(value: str) -> tuple[str, ...]:
    found = read_range(value)
    if found is None:
        return ()
    return found.introduced or found.fixed or found.last_affected or found.versions


def _severities(known: dict[str, list[str]], context: Context) -> list[SeverityClaim]:
    claims = []
    for value in known.get("cvss", ()):
        vector = re.search(r"(?:CVSS:[34]\.[01]/)?AV:[A-Za-z](?:/[A-Za-z]{1,3}:[A-Za-z]{1,9}){4,40}", value)
        score = re.search(r"(?<![\w.:/])(?:10(?:\.0)?|\d(?:\.\d)?)(?![\w.:/])", value)
        number = float(score[0]) if score else None
        if vector:
            scheme = scheme_of(vector[0])
            if scheme == "CVSS:2.0" and "Au:" not in vector[0]:
                context.notes.append(Note(context.place, "a CVSS vector without its version; CVSS:3.1/... would be right", "severity.vector"))
                claims.append(SeverityClaim("CVSS", vector[0], number))
            else:
                claims.append(read_cvss(vector[0], "", context.place, context.notes, number))
        elif number is not None:
            claims.append(SeverityClaim("CVSS", "", number))
    claims += [SeverityClaim("label", label=value[:60]) for value in known.get("severity", ())]
    return claims


def _locations(named: tuple[CodeLocation, ...], known: dict[str, list[str]]) -> tuple[CodeLocation, ...]:
    """Places from fields; where a report names one file, one function and one line in fields, they are one place."""
    places = list(named)
    line = re.search(r"\d{1,7}", next(iter(known.get("line", ())), ""))
    function = known.get("function", ())
    if len(known.get("path", ())) == 1 and len(places) == 1 and places[0].path:
        one = places[0]
        places = [dataclasses.replace(
            one, line_start=one.line_start or (int(line[0]) if line else None),
            symbol=function[0].strip("` ()") if len(function) == 1 and "," not in function[0] else one.symbol,
        )]
    places += [CodeLocation(url=value) for value in known.get("url", ())]
    parameters = known.get("parameter", ())
    if len(parameters) == 1 and len(places) == 1:
        places = [dataclasses.replace(places[0], parameter=parameters[0].strip("`"))]
    else:
        places += [CodeLocation(parameter=value.strip("`")) for value in parameters]
    return tuple(dict.fromkeys(places))


def _add_crash(finding: Finding, text: str, context: Context) -> Finding:
    """The finding with the crash its text quotes, in a code block or in the open."""
    if not has_crash(text):
        return finding
    for quoted in (*(block.text for block in find_code(text)), text):
        log = read_log(quoted, context.limits.log_line_bytes_max, context.limits.log_bytes_max) if has_crash(quoted) else None
        if log is not None:
            place = () if log.place is None else (log.place,)
            return dataclasses.replace(
                finding, crash=log.crash, locations=tuple(dict.fromkeys((*finding.locations, *place))),
                symbols=tuple(dict.fromkeys((*finding.symbols, *log.symbols))),
            )
    return finding
