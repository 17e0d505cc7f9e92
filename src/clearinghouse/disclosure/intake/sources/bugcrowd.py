"""Bugcrowd: submissions as the API gives them (JSON) and the export of a programme (CSV)."""

import dataclasses
import re
from collections.abc import Iterator
from typing import Any

from clearinghouse.disclosure.intake.records import CodeLocation, Credit, Note, SeverityClaim
from clearinghouse.disclosure.intake.sources._prose import find_urls
from clearinghouse.disclosure.intake.sources._reading import read_instant, read_reference
from clearinghouse.disclosure.intake.sources._tables import read_columns, read_rows
from clearinghouse.disclosure.intake.sources._text_report import Context, read_text
from clearinghouse.disclosure.intake.sources.base import Document, Item, Unreadable, dict_of, list_of, pointer, refuse, text_of

_COLUMNS = frozenset({"reference_number", "bounty_code", "vrt_lineage", "bug_url"})
_URL = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]{0,30}://[^\s]{1,2000}$")
_EXTRA = ("vrt_id", "vrt_version", "vrt_lineage", "source", "substate", "duplicate", "extra_info", "submitted_at", "validated_at", "closed_at", "paid_at",
          "amount", "points", "caption", "bounty_code", "target_category", "last_transitioned_to_informational_at",
          "last_transitioned_to_not_applicable_at", "last_transitioned_to_not_reproducible_at", "last_transitioned_to_out_of_scope_at",
          "last_transitioned_to_resolved_at", "last_transitioned_to_triaged_at", "last_transitioned_to_unresolved_at")
_RELATIONS = ("program", "target", "researcher", "assignee", "duplicate_of", "claim_ticket")


class Bugcrowd:
    """The reader; `SOURCE` is its one object."""

    name = "bugcrowd"
    title = "Bugcrowd submissions (API and export)"
    version = "1"

    def sniff(self, document: Document) -> float:
        if document.head.startswith(("[", "{")):
            if document.head[1:].lstrip().startswith("]"):
                return 0.2  # the empty list: whoever sent it meant nothing, and this source says so
            entries = _entries(document.json)
            return 0.95 if any(dict_of(entry).get("type") == "submission" and "attributes" in dict_of(entry) for entry in entries[:5]) else 0.0
        return 0.95 if set(read_columns(document)) >= _COLUMNS else 0.0

    def parse(self, document: Document) -> Iterator[Item]:
        if document.head.startswith(("[", "{")):
            if document.json_error is not None:
                raise document.json_error
            if not isinstance(document.json, list | dict) or (isinstance(document.json, dict) and "data" not in document.json):
                raise Unreadable("a list of submissions would be right", "", "bugcrowd.shape")
            place = "" if isinstance(document.json, list) else "/data"
            for number, entry in enumerate(_entries(document.json)):
                yield self._of_entry(dict_of(entry), place + pointer(number), document)
            return
        if not set(read_columns(document)) >= _COLUMNS:
            raise Unreadable("no export of Bugcrowd: reference_number, vrt_lineage and bug_url are missing", "line 1", "bugcrowd.columns")
        for line, row in read_rows(document):
            yield _of_values(row, {}, f"line {line}", "", document)

    def _of_entry(self, entry: dict[str, Any], place: str, document: Document) -> Item:
        if entry.get("type") != "submission":
            return refuse(place, "not of type `submission`", "bugcrowd.type")
        relations = {
            name: text_of(dict_of(dict_of(dict_of(entry.get("relationships")).get(name)).get("data")).get("id")) for name in _RELATIONS
        }
        attributes = dict_of(entry.get("attributes"))
        values = {name: value if isinstance(value, str) else "" if value is None else str(value) for name, value in attributes.items()}
        custom = dict_of(attributes.get("custom_fields"))
        values["custom_fields"] = ", ".join(f"{name}: {value}" for name, value in list(custom.items())[:50])[:2_000]
        return _of_values(values, {"id": text_of(entry.get("id")), **relations}, place, "/attributes", document)


def _entries(value: Any) -> list[Any]:
    if isinstance(value, dict):
        data = value.get("data")
        return [data] if isinstance(data, dict) else list_of(data)
    return list_of(value)


def _of_values(values: dict[str, str], relations: dict[str, str], place: str, inside: str, document: Document) -> Item:
    """The item of a submission whose API attributes and CSV columns go by the same names."""
    notes: list[Note] = []
    title = values.get("title") or values.get("caption") or ""
    if not title and not values.get("description"):
        return refuse(place, "a submission without title and description", "bugcrowd.empty")
    finding = read_text(values.get("description", ""), Context(place, document.limits, notes), title=title)
    locations = list(finding.locations)
    if url := values.get("bug_url", "").strip():
        if not _URL.match(url):
            notes.append(Note(f"{place}{inside}/bug_url", f"{url[:80]!r} is no URL; `https://host/path` alone would be right", "location.url"))
            url = next(iter(find_urls(url)), url)
        locations.append(CodeLocation(url=url))
    severity = values.get("severity") or values.get("priority") or ""
    named = [(name, values[name]) for name in _EXTRA if values.get(name)]
    named += [("custom_fields", values["custom_fields"])] if values.get("custom_fields") else []
    number = values.get("reference_number")
    extra = [(name, value) for name, value in relations.items() if value] + ([("id", number)] if number else []) + named
    references = [read_reference(each) for each in find_urls(values.get("vulnerability_references", ""))]
    finder = values.get("username", "")
    finding = dataclasses.replace(
        finding, locations=tuple(dict.fromkeys(locations)), products=(values["target_name"],) if values.get("target_name") else finding.products,
        severities=(*((SeverityClaim("bugcrowd", label=f"P{severity}" if severity.isdecimal() else severity),) if severity else ()), *finding.severities),
        references=tuple(dict.fromkeys((*references, *finding.references))), remediation=values.get("remediation_advice") or finding.remediation,
        reproduction="\n\n".join(part for part in (finding.reproduction, values.get("http_request", "")) if part), state=values.get("state", ""),
        credits=(Credit(finder, "finder"),) if finder else finding.credits, reporter=finder, place=place, extra=(*extra, *finding.extra),
    )
    for name in ("submitted_at", "closed_at"):
        read_instant(values.get(name, "").replace(" UTC", "Z"), f"{place}{inside}/{name}", notes)
    return Item(place, finding, tuple(notes))


SOURCE = Bugcrowd()
