"""osv-scanner (JSON): OSV records under the packages of each lock file."""

import dataclasses
from collections.abc import Iterator

from clearinghouse.core.crash import normalise_path
from clearinghouse.core.product import normalise_package
from clearinghouse.disclosure.intake.records import CodeLocation, Producer, VersionRange
from clearinghouse.disclosure.intake.sources._scan import identifiers_of, kept, read_osv, texts
from clearinghouse.disclosure.intake.sources.base import Document, Item, Unreadable, dict_of, list_of, pointer, refuse, text_of


class OsvScanner:
    """The reader; `SOURCE` is its one object."""

    name = "osv_scanner"
    title = "osv-scanner (JSON)"
    version = "1"

    def sniff(self, document: Document) -> float:
        if not document.head.startswith("{") or not isinstance(value := document.json, dict) or not isinstance(value.get("results"), list):
            return 0.0
        results = value["results"]
        if not results:
            return 0.7 if "experimental_config" in value else 0.0
        return 0.95 if {"source", "packages"} <= set(dict_of(results[0])) else 0.0

    def parse(self, document: Document) -> Iterator[Item]:
        if not document.data.strip():
            return  # the tool writes nothing where it finds nothing
        value = document.json
        if not isinstance(value, dict) or not isinstance(value.get("results"), list):
            raise document.json_error or Unreadable("an object with `results` would be right", "/results", "osv_scanner.shape")
        for number, result in enumerate(value["results"]):
            source = dict_of(dict_of(result).get("source"))
            for inner, entry in enumerate(list_of(dict_of(result).get("packages"))):
                place = pointer("results", number, "packages", inner)
                for last, record in enumerate(list_of(dict_of(entry).get("vulnerabilities"))):
                    yield _item(dict_of(record), dict_of(entry), source, place + pointer("vulnerabilities", last), document)


def _item(record: dict[str, object], entry: dict[str, object], source: dict[str, object], place: str, document: Document) -> Item:
    finding, notes = read_osv(record, place, document)
    if finding is None:
        return refuse(place, notes[-1].message if notes else "no OSV record", "osv_scanner.record")
    scanned = dict_of(entry.get("package"))
    version = text_of(scanned.get("version"))
    package = normalise_package(text_of(scanned.get("ecosystem")), text_of(scanned.get("name")))
    groups = [dict_of(group) for group in list_of(entry.get("groups"))]
    group = next((group for group in groups if text_of(record.get("id")) in texts(group.get("ids"))), {})
    path = text_of(source.get("path"))
    finding = dataclasses.replace(
        finding, title=finding.title or f"{text_of(record.get('id'))} in {package.name} {version}".strip(),
        identifiers=tuple(dict.fromkeys((*finding.identifiers, *identifiers_of([*texts(group.get("ids")), *texts(group.get("aliases"))])))),
        packages=tuple(dict.fromkeys((package, *finding.packages))),
        ranges=(*finding.ranges, VersionRange(package, "ecosystem", versions=(version,))) if version else finding.ranges,
        locations=(CodeLocation(normalise_path(path)),) if path else (), producer=Producer("osv-scanner", rule=text_of(record.get("id"))),
        extra=(*finding.extra, *kept([("scanned_version", version), ("source_type", source.get("type")), ("max_severity", group.get("max_severity")),
                                      ("experimentalAnalysis", group.get("experimentalAnalysis"))])),
    )
    return Item(place, finding, notes)


SOURCE = OsvScanner()
