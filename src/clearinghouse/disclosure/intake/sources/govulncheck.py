"""govulncheck (JSON): a stream or list of messages, where findings refer to OSV records; and the one object of its first version.

The tool reports one flaw for the module, the package and each call that reaches it: here that is one
finding, with every function that was found.
"""

import dataclasses
from collections.abc import Iterator
from typing import Any

from clearinghouse.core.crash import normalise_path
from clearinghouse.core.product import normalise_package
from clearinghouse.disclosure.intake.records import CodeLocation, Finding, Note, Producer, VersionRange
from clearinghouse.disclosure.intake.sources._scan import first_record, identifiers_of, kept, line_of, read_osv, stream_records
from clearinghouse.disclosure.intake.sources.base import Document, Item, Unreadable, dict_of, list_of, pointer, text_of

_MESSAGES = frozenset({"config", "progress", "osv", "finding", "SBOM", "vulnerability"})


class Govulncheck:
    """The reader; `SOURCE` is its one object."""

    name = "govulncheck"
    title = "govulncheck (JSON)"
    version = "1"

    def sniff(self, document: Document) -> float:
        head = document.head
        if not head.startswith(("{", "[")):
            return 0.0
        first = first_record(document)
        if isinstance(first, dict):
            if {"Calls", "Imports", "Requires"} <= set(first):
                return 0.95
            return 0.95 if len(first) == 1 and set(first) <= _MESSAGES and isinstance(next(iter(first.values())), dict) else 0.0
        # A stream of indented objects: neither one value nor one a line.
        return 0.9 if '"scanner_name"' in head and '"config"' in head[:40] else 0.0

    def parse(self, document: Document) -> Iterator[Item]:
        if not document.data.strip():
            return
        first = first_record(document)
        if isinstance(first, dict) and "Calls" in first and "Requires" in first:
            yield from _first_version(first, document)
            return
        tool: dict[str, Any] = {}
        records: dict[str, tuple[str, dict[str, Any]]] = {}
        findings: dict[tuple[str, str], list[tuple[str, dict[str, Any]]]] = {}
        for place, message in stream_records(document):
            value = dict_of(message)
            if not value.keys() & _MESSAGES:
                raise Unreadable("a message of `config`, `progress`, `osv` or `finding` would be right", place, "govulncheck.message")
            tool = dict_of(value.get("config")) or tool
            if record := dict_of(value.get("osv")):
                records[text_of(record.get("id"))] = (place, record)
            if found := dict_of(value.get("finding")):
                module = text_of(dict_of(next(iter(list_of(found.get("trace"))), None)).get("module"))
                findings.setdefault((text_of(found.get("osv")), module), []).append((place, found))
        for (name, module), group in findings.items():
            yield _item(name, module, group, records.get(name), tool, document)


def _item(
    name: str, module: str, group: list[tuple[str, dict[str, Any]]], record: tuple[str, dict[str, Any]] | None, tool: dict[str, Any], document: Document
) -> Item:
    place = group[0][0]
    finding = Finding()
    notes: tuple[Note, ...] = (Note(place, f"no record {name[:60]!r} in the file", "govulncheck.record"),)
    if record is not None:
        read, notes = read_osv(record[1], f"{record[0]}/osv", document)
        finding = read or Finding()
    traces = [[dict_of(frame) for frame in list_of(found.get("trace"))] for _, found in group]
    vulnerable = [trace[0] for trace in traces if trace]
    package = normalise_package("go", module)
    symbols = dict.fromkeys(_symbol(frame) for frame in vulnerable if frame.get("function"))
    fixed = dict.fromkeys(text_of(found.get("fixed_version")).removeprefix("v") for _, found in group if found.get("fixed_version"))
    versions = dict.fromkeys(text_of(frame.get("version")).removeprefix("v") for frame in vulnerable if frame.get("version"))
    # The end of a trace is the scanned program's own call: where to look, if anywhere.
    calls = dict.fromkeys(call for trace in traces if trace and (call := _position(trace[-1])) is not None)
    finding = dataclasses.replace(
        finding, title=finding.title or name, identifiers=tuple(dict.fromkeys((*finding.identifiers, *identifiers_of([name])))),
        packages=tuple(dict.fromkeys((package, *finding.packages))) if module else finding.packages,
        ranges=(*finding.ranges, VersionRange(package, "semver", fixed=tuple(fixed), versions=tuple(versions))),
        symbols=tuple(dict.fromkeys((*symbols, *finding.symbols))), locations=tuple(calls), language="go", place=place,
        producer=Producer("govulncheck", text_of(tool.get("scanner_version")), rule=name),
        extra=(*finding.extra, *kept([("go_version", tool.get("go_version")), ("scan_level", tool.get("scan_level")), ("db", tool.get("db")),
                                      ("db_last_modified", tool.get("db_last_modified")),
                                      ("called", "yes" if symbols else "no: the module or package is required, no call was found")])),
    )
    return Item(place, finding, notes)


def _symbol(frame: dict[str, Any]) -> str:
    receiver = text_of(frame.get("receiver")).lstrip("*")
    return ".".join(part for part in (text_of(frame.get("package")), receiver, text_of(frame.get("function"))) if part)


def _position(frame: dict[str, Any]) -> CodeLocation | None:
    position = dict_of(frame.get("position"))
    path, line = text_of(position.get("filename")), position.get("line")
    return CodeLocation(normalise_path(path), line_of(line), symbol=_symbol(frame)) if path else None


def _first_version(value: dict[str, Any], document: Document) -> Iterator[Item]:
    for number, vuln in enumerate(list_of(value.get("Vulns"))):
        place, entry = pointer("Vulns", number), dict_of(vuln)
        record = dict_of(entry.get("OSV")) or dict_of(entry.get("osv"))
        found = {"trace": [{"module": text_of(entry.get("ModPath")), "package": text_of(entry.get("PkgPath")), "function": text_of(entry.get("Symbol"))}]}
        name = text_of(record.get("id"))
        yield _item(name, text_of(entry.get("ModPath")), [(place, found)], (place, record) if record else None, {}, document)


SOURCE = Govulncheck()
