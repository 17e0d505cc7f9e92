"""Front matter of Markdown advisories: RustSec's and Haskell's tables, and plain `name: value` mappings."""

import dataclasses
import re
from typing import Any

from clearinghouse.core.product import Package, normalise_package
from clearinghouse.core.weakness import parse_weakness
from clearinghouse.disclosure.intake.records import (
    Finding,
    Identifier,
    IdentifierRole,
    Reference,
    ReferenceKind,
    SeverityClaim,
    VersionRange,
)
from clearinghouse.disclosure.intake.sources._reading import read_cvss, read_instant, read_reference
from clearinghouse.disclosure.intake.sources._text_report import Context, apply_fields
from clearinghouse.disclosure.intake.sources.base import dict_of, list_of, text_of

_KINDS = {
    "FIX": ReferenceKind.COMMIT, "REPORT": ReferenceKind.REPORT, "ADVISORY": ReferenceKind.ADVISORY, "INTRODUCED": ReferenceKind.COMMIT,
    "PACKAGE": ReferenceKind.PACKAGE,
}
_REQUIREMENT = re.compile(r"(?P<sign>>=|<=|>|<|=|\^|~)?\s{0,4}(?P<version>\d[\w.+-]{0,60})")
_READ = frozenset({"id", "package", "aliases", "related", "cvss", "cwe", "date", "url", "references", "withdrawn"})
_NUMBER_BITS_MAX = 256
_DEPTH_SHOWN = 4
_EXTRA_CHARACTERS_MAX = 2_000


def apply_front_matter(finding: Finding, value: dict[str, Any], context: Context) -> Finding:
    """The finding with what its front matter says; the identifiers it declares win over those the text mentions."""
    advisory = dict_of(value.get("advisory"))
    if not advisory:
        return _apply_plain(finding, value, context)
    own = text_of(advisory.get("id")).upper()
    packages, ranges, severities, symbols = _rust(value, advisory, context) if "package" in advisory else _haskell(value, context)
    aliases = [name for name in map(text_of, list_of(advisory.get("aliases"))) if name]
    declared = {own, *(name.upper() for name in aliases)}
    related = [name for name in map(text_of, list_of(advisory.get("related"))) if name]
    identifiers = (
        *((Identifier(own, IdentifierRole.OWN),) if own else ()), *(Identifier(name.upper(), IdentifierRole.ALIAS) for name in aliases),
        *(Identifier(name.upper(), IdentifierRole.RELATED) for name in related),
        # What the text merely mentions is near, but the author had a place for aliases and did not put it there.
        *(Identifier(each.value, IdentifierRole.RELATED) for each in finding.identifiers if each.value not in declared),
    )
    weaknesses = [w for each in _list(advisory.get("cwe")) if (w := parse_weakness(each)) is not None]
    extra = [(name, _text(entry)) for name, entry in advisory.items() if name not in _READ]
    extra += [(f"affected.{name}", _text(entry)) for name, entry in dict_of(value.get("affected")).items() if name != "functions"]
    extra += [(f"versions.{name}", _text(entry)) for name, entry in dict_of(value.get("versions")).items()]
    return dataclasses.replace(
        finding, identifiers=tuple(dict.fromkeys(identifiers)), packages=tuple(dict.fromkeys((*packages, *finding.packages))),
        ranges=(*ranges, *finding.ranges), references=tuple(dict.fromkeys((*_references(value, advisory), *finding.references))),
        weaknesses=tuple(dict.fromkeys((*weaknesses, *finding.weaknesses))),
        severities=tuple(dict.fromkeys((*severities, *finding.severities))), symbols=tuple(dict.fromkeys((*symbols, *finding.symbols))),
        published_at=read_instant(advisory.get("date"), "", context.notes), withdrawn_at=read_instant(advisory.get("withdrawn"), "", context.notes),
        language="rust" if "package" in advisory else "haskell", extra=(*extra, *finding.extra),
    )


_Parts = tuple[list[Package], list[VersionRange], list[SeverityClaim], list[str]]


def _rust(value: dict[str, Any], advisory: dict[str, Any], context: Context) -> _Parts:
    name = text_of(advisory.get("package"))
    package = normalise_package("crates.io", name)
    versions = dict_of(value.get("versions"))
    patched = [text_of(entry) for entry in list_of(versions.get("patched"))]
    unaffected = [text_of(entry) for entry in list_of(versions.get("unaffected"))]
    introduced = [found["version"] for entry in unaffected for found in _REQUIREMENT.finditer(entry) if found["sign"] in ("<", "<=")]
    last = [found["version"] for entry in unaffected for found in _REQUIREMENT.finditer(entry) if found["sign"] in (">", ">=")]
    fixed = [found["version"] for entry in patched for found in _REQUIREMENT.finditer(entry) if found["sign"] not in ("<", "<=")]
    # `>` in `unaffected` names the last affected version, `>=` in either names a version without the flaw.
    ended = [found["version"] for entry in unaffected for found in _REQUIREMENT.finditer(entry) if found["sign"] == ">"]
    fixed += [version for version in last if version not in ended]
    ranges = [VersionRange(package, "semver", tuple(introduced) or ("0",), tuple(dict.fromkeys(fixed)), tuple(ended))]
    symbols = []
    for function, affected in dict_of(dict_of(value.get("affected")).get("functions")).items():
        symbols.append(function)
        ranges.append(VersionRange(package, "semver", versions=tuple(f"{function}: {text_of(entry)}" for entry in list_of(affected))))
    vector = text_of(advisory.get("cvss"))
    return [package], ranges, [read_cvss(vector, "", "line 1", context.notes)] if vector else [], symbols


def _haskell(value: dict[str, Any], context: Context) -> _Parts:
    packages: list[Package] = []
    ranges: list[VersionRange] = []
    severities: list[SeverityClaim] = []
    symbols: list[str] = []
    for affected in map(dict_of, list_of(value.get("affected"))):
        component = text_of(affected.get("ghc-component"))
        package = normalise_package("ghc" if component else "hackage", component or text_of(affected.get("package")))
        packages.append(package)
        if vector := text_of(affected.get("cvss")):
            severities.append(read_cvss(vector, "", "line 1", context.notes))
        entries = [dict_of(entry) for entry in list_of(affected.get("versions"))]
        introduced = tuple(text_of(entry["introduced"]) for entry in entries if entry.get("introduced"))
        fixed = tuple(text_of(entry["fixed"]) for entry in entries if entry.get("fixed"))
        ranges.append(VersionRange(package, "ecosystem", introduced, fixed))
        symbols += list(dict_of(affected.get("declarations")))
    return packages, ranges, severities, symbols


def _references(value: dict[str, Any], advisory: dict[str, Any]) -> list[Reference]:
    found = [read_reference(text_of(advisory.get("url")))] if text_of(advisory.get("url")) else []
    found += [read_reference(text_of(url)) for url in list_of(advisory.get("references")) if text_of(url)]
    for entry in map(dict_of, list_of(value.get("references"))):
        if url := text_of(entry.get("url")):
            kind = _KINDS.get(text_of(entry.get("type")).upper())
            # A fix may be a commit or a pull request: the shape of the link knows better.
            shaped = read_reference(url)
            found.append(shaped if shaped.kind is not ReferenceKind.OTHER and kind in (None, ReferenceKind.COMMIT) else read_reference(url, kind))
    return found


def _apply_plain(finding: Finding, value: dict[str, Any], context: Context) -> Finding:
    """Front matter with names of its author's choosing, read like `Name: value` lines."""
    fields: list[tuple[str, str]] = []
    references = [read_reference(text_of(url)) for url in _list(value.get("references")) if text_of(url).startswith("http")]
    own = text_of(value.get("id")).upper()
    title = text_of(value.get("title"))
    for name, entry in value.items():
        cleaned = str(name).lower().replace("_", " ").replace("-", " ").strip()
        if cleaned in ("references", "title", "id", "ecosystem"):
            continue
        joined = cleaned in ("aliases", "cwe") or not isinstance(entry, list)
        fields += [(cleaned, _text(part)) for part in ([entry] if joined else entry[:200])]
    finding = apply_fields(dataclasses.replace(finding, title=title or finding.title), fields, context)
    identifiers = finding.identifiers
    extra = finding.extra
    if re.fullmatch(r"[A-Z]{2,10}-[\w-]{4,40}", own):
        identifiers = (Identifier(own, IdentifierRole.OWN), *(each for each in identifiers if each.value != own))
    elif own or value.get("id") is not None:
        extra = (("id", _text(value.get("id"))), *extra)
    packages = finding.packages
    if (system := text_of(value.get("ecosystem"))) and packages:
        packages = tuple(normalise_package(system, package.as_given or package.name) if not package.ecosystem else package for package in packages)
        finding = dataclasses.replace(finding, ranges=tuple(
            dataclasses.replace(r, package=packages[0]) if r.package is not None and len(packages) == 1 else r for r in finding.ranges
        ))
    return dataclasses.replace(
        finding, identifiers=identifiers, packages=packages, extra=extra, references=tuple(dict.fromkeys((*references, *finding.references))),
    )


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _text(value: Any, depth: int = 0) -> str:
    """A value as display text, bounded in depth and length: what a front matter nests, or how long a number is, is its author's whim."""
    if isinstance(value, str):
        return value
    if isinstance(value, int) and value.bit_length() > _NUMBER_BITS_MAX:
        return "(a number too long to show)"
    if isinstance(value, list | dict) and depth < _DEPTH_SHOWN:
        entries = value[:200] if isinstance(value, list) else [f"{key}: {_text(entry, depth + 1)}" for key, entry in [*value.items()][:200]]
        return ", ".join(_text(entry, depth + 1) for entry in entries)[:_EXTRA_CHARACTERS_MAX]
    return "(nested too deeply to show)" if isinstance(value, list | dict) else str(value)[:_EXTRA_CHARACTERS_MAX]
