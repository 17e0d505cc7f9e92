"""HackerOne: reports as the API gives them (JSON:API), and the two exports of a programme (JSON, CSV)."""

import dataclasses
from collections.abc import Iterator
from typing import Any

from clearinghouse.core.weakness import parse_weakness
from clearinghouse.disclosure.intake.records import (
    CodeLocation,
    Credit,
    Finding,
    Identifier,
    IdentifierRole,
    Note,
    Producer,
    Reference,
    SeverityClaim,
)
from clearinghouse.disclosure.intake.sources._reading import read_cvss, read_instant, read_reference
from clearinghouse.disclosure.intake.sources._scan import score_of
from clearinghouse.disclosure.intake.sources._tables import read_columns, read_rows
from clearinghouse.disclosure.intake.sources._text_report import Context, read_text
from clearinghouse.disclosure.intake.sources.base import Document, Item, Unreadable, dict_of, list_of, pointer, refuse, text_of

_COLUMNS = frozenset({"severity_rating", "substate", "weakness", "reported_at", "structured_scope"})
_METRICS = (
    ("AV", "attack_vector", {"network": "N", "adjacent": "A", "local": "L", "physical": "P"}), ("AC", "attack_complexity", {"low": "L", "high": "H"}),
    ("PR", "privileges_required", {"none": "N", "low": "L", "high": "H"}), ("UI", "user_interaction", {"none": "N", "required": "R"}),
    ("S", "scope", {"unchanged": "U", "changed": "C"}), ("C", "confidentiality", {"none": "N", "low": "L", "high": "H"}),
    ("I", "integrity", {"none": "N", "low": "L", "high": "H"}), ("A", "availability", {"none": "N", "low": "L", "high": "H"}),
)
_TIMES = ("triaged_at", "closed_at", "first_program_activity_at", "last_activity_at", "bounty_awarded_at", "disclosed_at",
          "reporter_agreed_on_going_public_at", "last_reporter_activity_at", "last_program_activity_at", "last_public_activity_at", "swag_awarded_at", "source")
_ROW_EXTRA = ("weakness", "substate", "first_response_at", "triaged_at", "closed_at", "awarded_at", "assigned", "source", "bounty", "bonus", "reference",
              "structured_scope", "structured_scope_reference", "original_report_id", "collaborating_users", "duplicate_report_ids")


class HackerOne:
    """The reader; `SOURCE` is its one object."""

    name = "hackerone"
    title = "HackerOne reports (API and exports)"
    version = "1"

    def sniff(self, document: Document) -> float:
        if document.head.startswith("{") and isinstance(value := document.json, dict):
            data = value.get("data")
            entries = data if isinstance(data, list) else [data]
            if "data" in value and any(dict_of(entry).get("type") == "report" for entry in entries):
                return 0.95
            if data == [] and "hackerone" in text_of(dict_of(value.get("links")).get("self")):
                return 0.95
            findings = value.get("findings")
            if isinstance(findings, list) and set(value) == {"findings"}:
                return 0.9 if findings and set(dict_of(findings[0])) >= _COLUMNS else 0.3 if not findings else 0.0
        return 0.95 if set(read_columns(document)) >= _COLUMNS else 0.0

    def parse(self, document: Document) -> Iterator[Item]:
        if document.head.startswith(("{", "[")):
            yield from self._json(document)
            return
        if not set(read_columns(document)) >= _COLUMNS:
            raise Unreadable("no export of HackerOne: severity_rating, substate and reported_at are missing", "line 1", "hackerone.columns")
        for line, row in read_rows(document):
            yield _of_row(row, f"line {line}", document)

    def _json(self, document: Document) -> Iterator[Item]:
        value = document.json
        if not isinstance(value, dict):
            raise document.json_error or Unreadable("an object with `data` or `findings` would be right", "", "hackerone.shape")
        if isinstance(value.get("findings"), list):
            for number, entry in enumerate(value["findings"]):
                row = {str(name).lower(): "" if cell is None else str(cell) for name, cell in dict_of(entry).items()}
                yield _of_row(row, pointer("findings", number), document)
            return
        data = value.get("data")
        if not isinstance(data, list | dict):
            raise Unreadable("an object with `data` (a report or a list of reports) would be right", "/data", "hackerone.shape")
        for number, entry in enumerate(data if isinstance(data, list) else [data]):
            place = pointer("data", number) if isinstance(data, list) else "/data"
            if dict_of(entry).get("type") != "report":
                yield refuse(place, "not of type `report`", "hackerone.type")
            else:
                yield _of_report(dict_of(entry), place, document)


def _of_report(entry: dict[str, Any], place: str, document: Document) -> Item:
    notes: list[Note] = []
    attributes, relations = dict_of(entry.get("attributes")), dict_of(entry.get("relationships"))

    def related(name: str) -> dict[str, Any]:
        return dict_of(dict_of(dict_of(relations.get(name)).get("data")).get("attributes"))

    finding = _read(text_of(attributes.get("title")), text_of(attributes.get("vulnerability_information")), place, document, notes)
    weakness, scope, reporter = related("weakness"), related("structured_scope"), related("reporter")
    extra: list[tuple[str, str]] = [("id", str(entry.get("id", "")))]
    extra += [(name, str(attributes[name])) for name in _TIMES if attributes.get(name)]
    extra += [("program", text_of(related("program").get("handle")))] if related("program") else []
    extra += [("weakness", text_of(weakness.get("name")))] if weakness.get("name") else []
    extra += [(f"scope.{name}", str(scope[name])) for name in ("asset_type", "asset_identifier", "max_severity", "reference", "instruction") if scope.get(name)]
    assignee = related("assignee")
    extra += [("assignee", text_of(assignee.get("username")) or text_of(assignee.get("name")))] if assignee else []
    for number, each in enumerate(list_of(dict_of(relations.get("bounties")).get("data"))[:50]):
        extra.append((f"bounty.{number}", text_of(dict_of(dict_of(each).get("attributes")).get("amount"))))
    for number, each in enumerate(list_of(dict_of(relations.get("custom_field_values")).get("data"))[:50]):
        extra.append((f"custom.{number}", str(dict_of(dict_of(each).get("attributes")).get("value", ""))[:1_000]))
    name = text_of(reporter.get("name")) or text_of(reporter.get("username"))
    identifiers = [Identifier(text_of(cve).upper(), IdentifierRole.ALIAS) for cve in list_of(attributes.get("cve_ids")) if text_of(cve)]
    weaknesses = [found for found in (parse_weakness(weakness.get("external_id")),) if found is not None]
    locations, products, repository = _scope(text_of(scope.get("asset_type")), text_of(scope.get("asset_identifier")))
    finding = dataclasses.replace(
        finding, identifiers=tuple(dict.fromkeys((*identifiers, *finding.identifiers))),
        weaknesses=tuple(dict.fromkeys((*weaknesses, *finding.weaknesses))), severities=(*_severity(related("severity"), place, notes), *finding.severities),
        locations=(*finding.locations, *locations), products=(*finding.products, *products), repository=finding.repository or repository,
        credits=(Credit(name, "finder", text_of(reporter.get("username"))),) if name else (), reporter=text_of(reporter.get("username")),
        state=text_of(attributes.get("state")), published_at=read_instant(attributes.get("disclosed_at"), place, notes),
        publicly_known=True if attributes.get("disclosed_at") else None, extra=(("created_at", text_of(attributes.get("created_at"))), *extra),
    )
    return Item(place, finding, tuple(notes))


def _read(title: str, text: str, place: str, document: Document, notes: list[Note]) -> Finding:
    return dataclasses.replace(read_text(text, Context(place, document.limits, notes), title=title), producer=Producer(), place=place)


def _severity(attributes: dict[str, Any], place: str, notes: list[Note]) -> list[SeverityClaim]:
    claims = []
    number = score_of(attributes.get("score"))
    parts = [f"{metric}:{letters.get(text_of(attributes.get(name)).lower(), '')}" for metric, name, letters in _METRICS]
    by = text_of(attributes.get("author_type"))
    if all(not part.endswith(":") for part in parts):
        method = text_of(attributes.get("calculation_method"))
        vector = ("CVSS:3.1/" if "3.1" in method else "CVSS:3.0/") + "/".join(parts)
        claims.append(read_cvss(vector, by, pointer_in(place, "relationships/severity"), notes, number))
    elif number is not None:
        claims.append(SeverityClaim("CVSS", "", number, by=by))
    if rating := text_of(attributes.get("rating")):
        claims.append(SeverityClaim("label", label=rating, by=by))
    return claims


def pointer_in(place: str, rest: str) -> str:
    """A place inside a place."""
    return f"{place}/{rest}"


def _scope(kind: str, identifier: str) -> tuple[tuple[CodeLocation, ...], tuple[str, ...], str]:
    """What an asset is here: an address, a product, or a repository."""
    if not identifier:
        return (), (), ""
    if kind.lower() in ("url", "wildcard", "domain", "cidr", "ip_address", "api"):
        return (CodeLocation(url=identifier),), (), ""
    if kind.lower() == "source_code" and identifier.startswith("http"):
        return (), (), identifier
    return (), (identifier,), ""


def _of_row(row: dict[str, str], place: str, document: Document) -> Item:
    notes: list[Note] = []
    if not row.get("title"):
        return refuse(place, "a report without a title; the column `title` names the flaw", "hackerone.title")
    severities = [SeverityClaim("label", label=row["severity_rating"])] if row.get("severity_rating") else []
    if row.get("severity_score"):
        if (score := score_of(row["severity_score"])) is not None:
            severities.append(SeverityClaim("CVSS", "", score))
        else:
            notes.append(Note(place, f"{row['severity_score'][:20]!r} is no score from 0 to 10", "severity.score"))
    identifiers = tuple(
        Identifier(name.strip().upper(), IdentifierRole.ALIAS) for name in row.get("cve_ids", "").replace(";", ",").split(",") if name.strip(" \"'")
    )
    scope = row.get("structured_scope", "")
    references: tuple[Reference, ...] = (read_reference(row["reference_url"]),) if row.get("reference_url") else ()
    extra = [("id", row.get("id", "")), ("reported_at", row.get("reported_at", ""))]
    extra += [(name, row[name]) for name in _ROW_EXTRA if row.get(name)]
    weakness = parse_weakness(row.get("weakness", "")) if "cwe" in row.get("weakness", "").lower() else None
    finding = _read(row["title"], row["title"], place, document, notes)
    finding = dataclasses.replace(
        finding, description="", identifiers=tuple(dict.fromkeys((*identifiers, *finding.identifiers))), severities=tuple(severities), references=references,
        weaknesses=tuple(dict.fromkeys((*((weakness,) if weakness else ()), *finding.weaknesses))), state=row.get("state", ""),
        reporter=row.get("reporter", ""), publicly_known={"yes": True, "true": True, "no": False, "false": False}.get(row.get("public", "").lower()),
        locations=(*finding.locations, *((CodeLocation(url=scope),) if "." in scope else ())), extra=tuple(extra),
    )
    for name in ("reported_at", "closed_at"):
        read_instant(row.get(name, "").replace(" UTC", "Z"), f"{place} /{name}", notes)
    return Item(place, finding, tuple(notes))


SOURCE = HackerOne()
