"""Semgrep's own JSON. Its Community edition writes one constant where a fingerprint should be: flagged, never kept."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from clearinghouse.core.crash import normalise_path
from clearinghouse.disclosure.intake.records import CodeLocation, Finding, Note, Producer
from clearinghouse.disclosure.intake.sources._reading import read_reference
from clearinghouse.disclosure.intake.sources._scan import kept, label, line_of, texts, weaknesses_of
from clearinghouse.disclosure.intake.sources.base import Document, Item, Unreadable, dict_of, list_of, pointer, refuse, text_of

_PLACEHOLDER = "requires login"
_EXTRA = ("category", "technology", "confidence", "likelihood", "impact", "subcategory", "owasp", "asvs", "license", "source", "shortlink", "vulnerability_class",
          "source-rule-url")


class Semgrep:
    """The reader; `SOURCE` is its one object."""

    name = "semgrep"
    title = "Semgrep (JSON)"
    version = "1"

    def sniff(self, document: Document) -> float:
        if not document.head.startswith("{") or not isinstance(value := document.json, dict) or not isinstance(value.get("results"), list):
            return 0.0
        results = value["results"]
        if results:
            return 0.95 if {"check_id", "path", "extra"} <= set(dict_of(results[0])) else 0.0
        return 0.6 if "errors" in value else 0.0

    def parse(self, document: Document) -> Iterator[Item]:
        value = document.json
        if not isinstance(value, dict) or not isinstance(value.get("results"), list):
            raise document.json_error or Unreadable("an object with `results` would be right", "/results", "semgrep.results")
        prints = Counter(text_of(dict_of(dict_of(result).get("extra")).get("fingerprint")) for result in value["results"])
        sites = {(text_of(dict_of(result).get("path")), text_of(dict_of(result).get("check_id"))) for result in value["results"]}
        constant = {name for name, count in prints.items() if name == _PLACEHOLDER or (count > 1 and len(prints) == 1 and len(sites) > 1)}
        for number, result in enumerate(value["results"]):
            place = pointer("results", number)
            if not text_of(dict_of(result).get("check_id")):
                yield refuse(place, "a result has a `check_id`; found none", "semgrep.result")
            else:
                yield _item(dict_of(result), place, text_of(value.get("version")), constant)


def _item(result: dict[str, Any], place: str, version: str, constant: set[str]) -> Item:
    notes: list[Note] = []
    extra, rule = dict_of(result.get("extra")), text_of(result["check_id"])
    metadata = dict_of(extra.get("metadata"))
    start, end = dict_of(result.get("start")).get("line"), dict_of(result.get("end")).get("line")
    fingerprint = text_of(extra.get("fingerprint"))
    if fingerprint and fingerprint in constant:
        message = f"the fingerprint {fingerprint[:40]!r} is the same for different findings; it was not kept"
        notes.append(Note(f"{place}/extra/fingerprint", message, "fingerprint.constant"))
        fingerprint = ""
    snippet = text_of(extra.get("lines"))
    location = CodeLocation(
        normalise_path(text_of(result.get("path"))), line_of(start), line_of(end),
        snippet="" if snippet == _PLACEHOLDER else snippet,
    )
    finding = Finding(
        title=rule.rsplit(".", 1)[-1].replace("-", " "), description=text_of(extra.get("message")), locations=(location,),
        references=tuple(read_reference(url) for url in texts(metadata.get("references"))),
        weaknesses=weaknesses_of(list_of(metadata["cwe"]) if isinstance(metadata.get("cwe"), list) else texts(metadata.get("cwe")), f"{place}/extra/metadata/cwe", notes),
        severities=label(extra.get("severity"), "semgrep"), remediation=text_of(extra.get("fix")),
        producer=Producer("semgrep", version, rule=rule, fingerprints=(("fingerprint", fingerprint),) if fingerprint else ()),
        state="suppressed" if extra.get("is_ignored") is True else "", place=place,
        extra=kept([*((name, metadata.get(name)) for name in _EXTRA), ("metavars", extra.get("metavars"))]),
    )
    return Item(place, finding, tuple(notes))


SOURCE = Semgrep()
