"""pip-audit (JSON): a list of dependencies, or an object that holds one."""

from collections.abc import Iterator
from typing import Any

from clearinghouse.core.product import normalise_package
from clearinghouse.disclosure.intake.records import Finding, Note, Producer, VersionRange
from clearinghouse.disclosure.intake.sources._prose import find_urls
from clearinghouse.disclosure.intake.sources._reading import read_reference
from clearinghouse.disclosure.intake.sources._scan import identifiers_of, texts
from clearinghouse.disclosure.intake.sources.base import Document, Item, Unreadable, dict_of, list_of, pointer, refuse, text_of


class PipAudit:
    """The reader; `SOURCE` is its one object."""

    name = "pip_audit"
    title = "pip-audit (JSON)"
    version = "1"

    def sniff(self, document: Document) -> float:
        if not document.head.startswith(("{", "[")):
            return 0.0
        value = document.json
        entries = value.get("dependencies") if isinstance(value, dict) and set(value) <= {"dependencies", "fixes"} else value
        if not isinstance(entries, list):
            return 0.0
        if not entries:
            return 0.7 if isinstance(value, dict) else 0.25
        return 0.95 if all("name" in dict_of(entry) and ("vulns" in dict_of(entry) or "skip_reason" in dict_of(entry)) for entry in entries[:20]) else 0.0

    def parse(self, document: Document) -> Iterator[Item]:
        if document.json_error is not None:
            raise document.json_error
        value, root = document.json, ""
        if isinstance(value, dict):
            value, root = value.get("dependencies"), "/dependencies"
        if not isinstance(value, list):
            raise Unreadable("a list of dependencies would be right", root, "pip_audit.shape")
        for number, entry in enumerate(value):
            dependency = dict_of(entry)
            for inner, vuln in enumerate(list_of(dependency.get("vulns"))):
                place = root + pointer(number, "vulns", inner)
                if not text_of(dict_of(vuln).get("id")):
                    yield refuse(place, "a vulnerability has an `id`; found none", "pip_audit.id")
                else:
                    yield _item(dependency, dict_of(vuln), place)


def _item(dependency: dict[str, Any], vuln: dict[str, Any], place: str) -> Item:
    notes: list[Note] = []
    name, version = text_of(dependency.get("name")), text_of(dependency.get("version"))
    package = normalise_package("pypi", name)
    description = text_of(vuln.get("description"))
    finding = Finding(
        title=f"{text_of(vuln['id'])} in {name} {version}".strip(), description=description, identifiers=identifiers_of([vuln["id"], *texts(vuln.get("aliases"))]),
        packages=(package,), ranges=(VersionRange(package, "ecosystem", fixed=tuple(texts(vuln.get("fix_versions"))), versions=(version,) if version else ()),),
        references=tuple(read_reference(url) for url in find_urls(description)), producer=Producer("pip-audit", rule=text_of(vuln["id"])), language="python", place=place,
    )
    return Item(place, finding, tuple(notes))


SOURCE = PipAudit()
