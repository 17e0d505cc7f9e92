"""OpenVAS / Greenbone (XML reports, CSV): one finding a result."""

from collections.abc import Iterator
from xml.etree.ElementTree import Element

from clearinghouse.disclosure.intake.records import CodeLocation, Finding, Note, Producer, SeverityClaim
from clearinghouse.disclosure.intake.sources._prose import find_urls
from clearinghouse.disclosure.intake.sources._reading import read_cvss, read_instant, read_reference
from clearinghouse.disclosure.intake.sources._scan import identifiers_of, kept, label, score_of
from clearinghouse.disclosure.intake.sources._tables import read_columns, read_rows
from clearinghouse.disclosure.intake.sources._xml import read_xml, text_at
from clearinghouse.disclosure.intake.sources.base import Document, Item, Unreadable, refuse

_COLUMNS = frozenset({"nvt name", "nvt oid", "specific result"})
_ROW_EXTRA = ("qod", "solution type", "nvt oid", "task name", "timestamp", "result id", "affected software/os", "vulnerability detection method",
              "product detection result", "bids", "certs", "max severity epss score", "max severity epss percentile")


class OpenVas:
    """The reader; `SOURCE` is its one object."""

    name = "openvas"
    title = "OpenVAS (XML, CSV)"
    version = "1"

    def sniff(self, document: Document) -> float:
        head = document.head
        if head.startswith("<"):
            return 0.95 if "<report" in head and ("<gmp>" in head or "<report_format" in head or 'content_type="text/xml"' in head) else 0.0
        return 0.95 if set(read_columns(document)) >= _COLUMNS else 0.0

    def parse(self, document: Document) -> Iterator[Item]:
        if document.head.startswith("<"):
            root = read_xml(document)
            if root.tag not in ("report", "get_reports_response", "get_results_response"):
                raise Unreadable(f"the root is {root.tag[:40]!r}; `report` would be right", "line 1", "openvas.root")
            for number, result in enumerate(root.iter("result"), 1):
                if result.find("nvt") is not None:
                    yield _of_result(result, f"/result[{number}]")
            return
        if not set(read_columns(document)) >= _COLUMNS:
            raise Unreadable("no table of OpenVAS: `NVT Name`, `NVT OID` and `Specific Result` are missing", "line 1", "openvas.columns")
        for line, row in read_rows(document):
            yield _of_row(row, f"line {line}")


def _of_result(result: Element, place: str) -> Item:
    notes: list[Note] = []
    nvt = result.find("nvt")
    assert nvt is not None, "results without one are left out before"
    tags = dict(part.partition("=")[::2] for part in text_at(nvt, "tags").split("|") if "=" in part)
    title = text_at(result, "name") or text_at(nvt, "name")
    if not title:
        return refuse(place, "a result has a `name`; found none", "openvas.name")
    refs = [(ref.get("type", ""), ref.get("id", "")) for ref in nvt.findall("refs/ref")]
    cves = [name for kind, name in refs if kind == "cve"] + [name.strip() for name in text_at(nvt, "cve").split(",") if name.strip() not in ("", "NOCVE")]
    severities = [
        read_cvss(vector, text_at(claim, "origin"), place, notes, score_of(text_at(claim, "score")))
        for claim in nvt.findall("severities/severity")
        if (vector := text_at(claim, "value"))
    ]
    if not severities and tags.get("cvss_base_vector", "").strip():
        severities.append(read_cvss(tags["cvss_base_vector"].strip(), "", place, notes, score_of(text_at(nvt, "cvss_base"))))
    elif not severities and (score := score_of(text_at(result, "severity"))) is not None:
        severities.append(SeverityClaim("CVSS", "", score))
    host, port = (result.findtext("host") or "").strip(), text_at(result, "port")
    links = [name for kind, name in refs if kind == "url"]
    finding = Finding(
        title=title, description="\n\n".join(part.strip() for part in (tags.get("summary", ""), tags.get("insight", ""), text_at(result, "description")) if part.strip()),
        identifiers=identifiers_of(cves), products=tuple(part for part in (tags.get("affected", "").strip(),) if part),
        references=tuple(read_reference(url) for url in links), severities=(*severities, *label(text_at(result, "threat"), "openvas")),
        locations=(CodeLocation(url=f"{host}:{port}" if port else host),) if host else (), impact=tags.get("impact", "").strip(),
        remediation=tags.get("solution", "").strip() or text_at(nvt, "solution"), producer=Producer("openvas", rule=nvt.get("oid", "")), place=place,
        published_at=None, modified_at=read_instant(text_at(result, "modification_time"), place, notes),
        extra=kept([
            ("hostname", text_at(result, "host/hostname")), ("family", text_at(nvt, "family")), ("qod", text_at(result, "qod/value")), ("vuldetect", tags.get("vuldetect")),
            ("solution_type", tags.get("solution_type")), ("id", result.get("id")), *((kind, name) for kind, name in refs if kind not in ("cve", "url")),
        ]),
    )
    return Item(place, finding, tuple(notes))


def _of_row(row: dict[str, str], place: str) -> Item:
    notes: list[Note] = []
    if not row.get("nvt name"):
        return refuse(place, "a row without `NVT Name`", "openvas.name")
    score = score_of(row.get("cvss", ""))
    if row.get("cvss") and score is None:
        notes.append(Note(place, f"{row['cvss'][:20]!r} is no score from 0 to 10", "severity.score"))
    host = row.get("ip", "") or row.get("hostname", "")
    port = "/".join(part for part in (row.get("port", ""), row.get("port protocol", "")) if part)
    finding = Finding(
        title=row["nvt name"],
        description="\n\n".join(part for part in (row.get("summary", ""), row.get("vulnerability insight", ""), row.get("specific result", "")) if part),
        identifiers=identifiers_of(name.strip() for name in row.get("cves", "").split(",") if name.strip()),
        references=tuple(read_reference(url) for url in find_urls(row.get("other references", ""))),
        severities=(*((SeverityClaim("CVSS", "", score),) if score is not None else ()), *label(row.get("severity", ""), "openvas")),
        locations=(CodeLocation(url=f"{host}:{port}" if port else host),) if host else (), impact=row.get("impact", ""), remediation=row.get("solution", ""),
        producer=Producer("openvas", rule=row.get("nvt oid", "")), modified_at=read_instant(row.get("timestamp", ""), place, notes), place=place,
        extra=kept([("hostname", row.get("hostname", "")), *((name, row.get(name, "")) for name in _ROW_EXTRA)]),
    )
    return Item(place, finding, tuple(notes))


SOURCE = OpenVas()
