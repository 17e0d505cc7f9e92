"""cargo-audit (JSON): vulnerabilities, and warnings about unmaintained, unsound or yanked crates."""

import re
from collections.abc import Iterator
from typing import Any

from clearinghouse.core.product import normalise_package
from clearinghouse.disclosure.intake.records import Finding, Note, Producer, Reference, VersionRange
from clearinghouse.disclosure.intake.sources._reading import read_cvss, read_instant, read_reference
from clearinghouse.disclosure.intake.sources._scan import identifiers_of, kept, texts
from clearinghouse.disclosure.intake.sources.base import Document, Item, Unreadable, dict_of, list_of, pointer, refuse, text_of

_REQUIREMENT = re.compile(r"(?P<sign>>=|<=|>|<|=|\^|~)?\s{0,4}(?P<version>\d[\w.+-]{0,60})")


class CargoAudit:
    """The reader; `SOURCE` is its one object."""

    name = "cargo_audit"
    title = "cargo-audit (JSON)"
    version = "1"

    def sniff(self, document: Document) -> float:
        if not document.head.startswith("{") or not isinstance(value := document.json, dict):
            return 0.0
        return 0.95 if {"database", "lockfile", "vulnerabilities"} <= set(value) else 0.0

    def parse(self, document: Document) -> Iterator[Item]:
        value = document.json
        if not isinstance(value, dict) or not isinstance(value.get("vulnerabilities"), dict):
            raise document.json_error or Unreadable("an object with `vulnerabilities` would be right", "/vulnerabilities", "cargo_audit.shape")
        for number, entry in enumerate(list_of(value["vulnerabilities"].get("list"))):
            yield _item(dict_of(entry), "vulnerability", pointer("vulnerabilities", "list", number))
        warnings = value.get("warnings")
        groups = warnings.items() if isinstance(warnings, dict) else [("", warnings)]
        for kind, entries in groups:
            for number, entry in enumerate(list_of(entries)):
                place = pointer("warnings", kind, number) if kind else pointer("warnings", number)
                yield _item(dict_of(entry), text_of(dict_of(entry).get("kind")) or kind, place)


def _item(entry: dict[str, Any], kind: str, place: str) -> Item:
    notes: list[Note] = []
    advisory, crate = dict_of(entry.get("advisory")), dict_of(entry.get("package"))
    name, version = text_of(crate.get("name")) or text_of(advisory.get("package")), text_of(crate.get("version"))
    if not name:
        return refuse(place, "no package is named", "cargo_audit.package")
    package = normalise_package("crates.io", name)
    versions, affected = dict_of(entry.get("versions")), dict_of(entry.get("affected"))
    fixed = [found["version"] for text in texts(versions.get("patched")) for found in _REQUIREMENT.finditer(text) if found["sign"] not in ("<", "<=")]
    introduced = [found["version"] for text in texts(versions.get("unaffected")) for found in _REQUIREMENT.finditer(text) if found["sign"] in ("<", "<=")]
    vector = text_of(advisory.get("cvss"))
    links = [*texts(advisory.get("url")), *texts(advisory.get("references"))]
    references: tuple[Reference, ...] = tuple(read_reference(url) for url in dict.fromkeys(links))
    finding = Finding(
        title=text_of(advisory.get("title")) or f"{name} {version} was {kind}", description=text_of(advisory.get("description")),
        identifiers=identifiers_of([advisory.get("id"), *texts(advisory.get("aliases"))]), packages=(package,),
        ranges=(VersionRange(package, "semver", tuple(introduced) or (("0",) if fixed else ()), tuple(dict.fromkeys(fixed)), versions=(version,) if version else ()),),
        references=references, severities=(read_cvss(vector, "", f"{place}/advisory/cvss", notes),) if vector else (),
        symbols=tuple(dict_of(affected.get("functions"))), producer=Producer("cargo-audit", rule=text_of(advisory.get("id"))), language="rust",
        published_at=read_instant(advisory.get("date"), f"{place}/advisory/date", notes),
        withdrawn_at=read_instant(advisory.get("withdrawn"), f"{place}/advisory/withdrawn", notes), place=place,
        extra=kept([
            ("kind", kind), ("informational", advisory.get("informational")), ("categories", ", ".join(texts(advisory.get("categories")))),
            ("keywords", ", ".join(texts(advisory.get("keywords")))), ("patched", ", ".join(texts(versions.get("patched")))),
            ("unaffected", ", ".join(texts(versions.get("unaffected")))), ("checksum", crate.get("checksum")), ("related", advisory.get("related")),
            ("arch", affected.get("arch")), ("os", affected.get("os")), ("collection", advisory.get("collection")), ("license", advisory.get("license")),
        ]),
    )
    return Item(place, finding, tuple(notes))


SOURCE = CargoAudit()
