"""Nuclei: JSON or one JSON object a line, in the three spellings its versions have used."""

from collections.abc import Iterator
from typing import Any

from clearinghouse.disclosure.intake.records import CodeLocation, Finding, Note, Producer, SeverityClaim
from clearinghouse.disclosure.intake.sources._prose import find_urls
from clearinghouse.disclosure.intake.sources._reading import read_cvss, read_records, read_reference
from clearinghouse.disclosure.intake.sources._scan import first_record, identifiers_of, kept, label, score_of, texts, weaknesses_of
from clearinghouse.disclosure.intake.sources.base import Document, Item, dict_of, refuse, text_of

_EXTRA = ("template", "template-url", "template-path", "matcher-name", "extractor-name", "type", "host", "port", "scheme", "path", "ip", "timestamp",
          "extracted-results", "matched-line", "matcher-status", "meta")


class Nuclei:
    """The reader; `SOURCE` is its one object."""

    name = "nuclei"
    title = "Nuclei (JSON, JSON lines)"
    version = "1"

    def sniff(self, document: Document) -> float:
        first = first_record(document)
        return 0.95 if isinstance(first, dict) and isinstance(first.get("info"), dict) and ("template-id" in first or "templateID" in first) else 0.0

    def parse(self, document: Document) -> Iterator[Item]:
        if not document.data.strip():
            return  # an empty file is how the tool says that it found nothing
        for place, value in read_records(document):
            if isinstance(value, Note):
                yield Item(place, None, (value,))
                continue
            info = dict_of(dict_of(value).get("info"))
            rule = text_of(dict_of(value).get("template-id")) or text_of(dict_of(value).get("templateID"))
            if not rule or not info:
                yield refuse(place, "a result has `template-id` and `info`; found neither", "nuclei.result")
            else:
                yield _item(dict_of(value), info, rule, place)


def _item(value: dict[str, Any], info: dict[str, Any], rule: str, place: str) -> Item:
    notes: list[Note] = []
    classes = dict_of(info.get("classification"))
    severities: list[SeverityClaim] = list(label(info.get("severity"), "nuclei"))
    score = classes.get("cvss-score")
    if vector := text_of(classes.get("cvss-metrics")):
        severities.insert(0, read_cvss(vector, "", f"{place}/info/classification/cvss-metrics", notes, score_of(score)))
    references = [url for text in texts(info.get("reference")) for url in find_urls(text)]
    where = text_of(value.get("matched-at")) or text_of(value.get("matched")) or text_of(value.get("url"))
    names = [*texts(classes.get("cve-id")), *([rule] if rule.upper().startswith("CVE-") else [])]
    finding = Finding(
        title=text_of(info.get("name")) or rule, description=text_of(info.get("description")), identifiers=identifiers_of(names),
        references=tuple(read_reference(url) for url in dict.fromkeys(references)),
        weaknesses=weaknesses_of(texts(classes.get("cwe-id")), f"{place}/info/classification/cwe-id", notes), severities=tuple(severities),
        locations=(CodeLocation(url=where),) if where else (), reproduction=text_of(value.get("curl-command")) or text_of(value.get("request")),
        impact=text_of(info.get("impact")), remediation=text_of(info.get("remediation")), producer=Producer("nuclei", rule=rule), place=place,
        extra=kept([
            *((name, value.get(name)) for name in _EXTRA), ("author", ", ".join(texts(info.get("author")))), ("tags", ", ".join(texts(info.get("tags")))),
            ("metadata", info.get("metadata")), ("cpe", classes.get("cpe")), ("epss-score", classes.get("epss-score")), ("response", value.get("response")),
            ("request", value.get("request")),
        ]),
    )
    return Item(place, finding, tuple(notes))


SOURCE = Nuclei()
