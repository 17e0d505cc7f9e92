"""Nessus (XML v2, CSV): one finding a report item. Most of a file is policy; what matters stands under the hosts."""

import re
from collections.abc import Iterator
from xml.etree.ElementTree import Element

from clearinghouse.disclosure.intake.records import CodeLocation, Finding, Note, Producer, SeverityClaim
from clearinghouse.disclosure.intake.sources._prose import find_urls
from clearinghouse.disclosure.intake.sources._reading import read_cvss, read_instant, read_reference
from clearinghouse.disclosure.intake.sources._scan import identifiers_of, kept, label, score_of, weaknesses_of
from clearinghouse.disclosure.intake.sources._tables import read_columns, read_rows
from clearinghouse.disclosure.intake.sources._xml import read_xml, text_at
from clearinghouse.disclosure.intake.sources.base import Document, Item, Unreadable, refuse

_COLUMNS = frozenset({"plugin id", "risk", "host", "plugin output"})
_WORDS = {"0": "None", "1": "Low", "2": "Medium", "3": "High", "4": "Critical"}
_CWE = re.compile(r"^CWE:(\d{1,5})$")
_VECTORS = (("cvss4_vector", "cvss4_base_score"), ("cvss3_vector", "cvss3_base_score"), ("cvss_vector", "cvss_base_score"))
_SCORES = ("cvss v4.0 base score", "cvss v3.0 base score", "cvss v2.0 base score", "cvss")
_ITEM_EXTRA = ("plugin_publication_date", "plugin_modification_date", "plugin_type", "fname", "script_version", "exploit_available", "exploitability_ease",
               "vuln_publication_date", "patch_publication_date", "stig_severity", "vpr_score", "epss_score", "bid", "osvdb", "cpe", "agent")
_ROW_EXTRA = ("synopsis", "stig severity", "vpr score", "epss score", "risk factor", "bid", "xref", "mskb", "plugin publication date", "plugin modification date",
              "metasploit", "core impact", "canvas", "cvss v4.0 base+threat score", "cvss v2.0 temporal score", "cvss v3.0 temporal score")


class Nessus:
    """The reader; `SOURCE` is its one object."""

    name = "nessus"
    title = "Nessus (XML v2, CSV)"
    version = "1"

    def sniff(self, document: Document) -> float:
        if document.head.startswith("<"):
            return 0.97 if "<NessusClientData_v2" in document.head else 0.5 if "<NessusClientData" in document.head else 0.0
        return 0.95 if set(read_columns(document)) >= _COLUMNS else 0.0

    def parse(self, document: Document) -> Iterator[Item]:
        if document.head.startswith("<"):
            root = read_xml(document)
            if root.tag != "NessusClientData_v2":
                raise Unreadable(f"the root is {root.tag[:40]!r}; `NessusClientData_v2` would be right: export again as .nessus", "line 1", "nessus.root")
            for number, host in enumerate(root.iter("ReportHost"), 1):
                for inner, item in enumerate(host.findall("ReportItem"), 1):
                    yield _of_item(item, host, f"/ReportHost[{number}]/ReportItem[{inner}]")
            return
        if not set(read_columns(document)) >= _COLUMNS:
            raise Unreadable("no table of Nessus: `Plugin ID`, `Risk`, `Host` and `Plugin Output` are missing", "line 1", "nessus.columns")
        for line, row in read_rows(document):
            yield _of_row(row, f"line {line}")


def _of_item(item: Element, host: Element, place: str) -> Item:
    notes: list[Note] = []
    title = item.get("pluginName", "") or text_at(item, "plugin_name")
    if not title:
        return refuse(place, "a report item has a `pluginName`; found none", "nessus.name")
    severities: list[SeverityClaim] = []
    for vector, score in _VECTORS:
        text = text_at(item, vector).removeprefix("CVSS2#")
        if text:
            severities.append(read_cvss(text, "nessus", f"{place}/{vector}", notes, score_of(text_at(item, score))))
    for scheme, name in (("CVSS:2.0", "cvss"), ("CVSS:3.0", "cvssv3")):
        if (number := score_of(text_at(item, name))) is not None:
            severities.append(SeverityClaim(scheme, "", number))
    xrefs = [(element.text or "").strip() for element in item.findall("xref")]
    codes = [found[1] for xref in xrefs if (found := _CWE.match(xref))] + [(element.text or "").strip() for element in item.findall("cwe")]
    tags = {tag.get("name", ""): (tag.text or "").strip() for tag in host.findall("HostProperties/tag")}
    output, name = text_at(item, "plugin_output"), host.get("name", "")
    url = next((found for found in find_urls(output) if item.get("svc_name") in ("http", "https", "www")), "")
    port = f"{name}:{item.get('port', '0')}/{item.get('protocol', '').lower()}"
    finding = Finding(
        title=title, description="\n\n".join(part for part in (text_at(item, "synopsis"), text_at(item, "description")) if part),
        identifiers=identifiers_of((element.text or "") for element in item.findall("cve")),
        references=tuple(read_reference(each) for element in item.findall("see_also") for each in find_urls(element.text or "")),
        weaknesses=weaknesses_of(codes, place, notes),
        severities=(*severities, *label(text_at(item, "risk_factor") or _WORDS.get(item.get("severity", ""), ""), "nessus")),
        locations=(CodeLocation(url=url or port),), reproduction=output, remediation=_given(text_at(item, "solution")),
        producer=Producer("nessus", rule=item.get("pluginID", "")), place=place,
        published_at=read_instant(text_at(item, "vuln_publication_date").replace("/", "-"), place, notes),
        extra=kept([
            ("host", name), ("service", item.get("svc_name")), ("family", item.get("pluginFamily")), ("operating-system", tags.get("operating-system")),
            ("host-ip", tags.get("host-ip")), ("host-fqdn", tags.get("host-fqdn")), ("scan_end", tags.get("HOST_END")), ("port", port),
            ("xref", ", ".join(xref for xref in xrefs if xref)), *((field, text_at(item, field)) for field in _ITEM_EXTRA),
        ]),
    )
    return Item(place, finding, tuple(notes))


def _given(text: str) -> str:
    return "" if text.lower() == "n/a" else text


def _of_row(row: dict[str, str], place: str) -> Item:
    notes: list[Note] = []
    if not row.get("name"):
        return refuse(place, "a row without `Name`", "nessus.name")
    severities = []
    for column in _SCORES:
        if not row.get(column):
            continue
        number = score_of(row[column])
        if number is None:
            notes.append(Note(place, f"{row[column][:20]!r} in {column!r} is no score from 0 to 10", "severity.score"))
        else:
            scheme = "CVSS:4.0" if "v4" in column else "CVSS:3.0" if "v3" in column else "CVSS:2.0"
            severities.append(SeverityClaim(scheme, "", number))
    finding = Finding(
        title=row["name"], description="\n\n".join(part for part in (row.get("synopsis", ""), row.get("description", "")) if part),
        identifiers=identifiers_of(name.strip() for name in row.get("cve", "").replace(";", ",").split(",") if name.strip()),
        references=tuple(read_reference(url) for url in find_urls(row.get("see also", ""))), severities=(*severities, *label(row.get("risk", ""), "nessus")),
        locations=(CodeLocation(url=f"{row.get('host', '')}:{row.get('port', '0')}/{row.get('protocol', '')}"),), reproduction=row.get("plugin output", ""),
        remediation=_given(row.get("solution", "")), producer=Producer("nessus", rule=row.get("plugin id", "")), place=place,
        extra=kept((name, row.get(name, "")) for name in _ROW_EXTRA),
    )
    return Item(place, finding, tuple(notes))


SOURCE = Nessus()
