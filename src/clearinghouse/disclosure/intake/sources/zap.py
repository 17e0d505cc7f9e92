"""ZAP (XML, with or without requests): one finding an alert, with every place it was raised."""

from collections.abc import Iterator
from xml.etree.ElementTree import Element

from clearinghouse.disclosure.intake.records import CodeLocation, Finding, Note, Producer
from clearinghouse.disclosure.intake.sources._html_text import read_html
from clearinghouse.disclosure.intake.sources._prose import find_urls
from clearinghouse.disclosure.intake.sources._reading import read_reference
from clearinghouse.disclosure.intake.sources._scan import kept, label, weaknesses_of
from clearinghouse.disclosure.intake.sources._xml import read_xml, text_at
from clearinghouse.disclosure.intake.sources.base import Document, Item, Unreadable, refuse

_ALERTS = ("alerts/alertitem", "alertitem")


class Zap:
    """The reader; `SOURCE` is its one object."""

    name = "zap"
    title = "ZAP (XML)"
    version = "1"

    def sniff(self, document: Document) -> float:
        return 0.97 if "<OWASPZAPReport" in document.head else 0.0

    def parse(self, document: Document) -> Iterator[Item]:
        root = read_xml(document)
        if root.tag != "OWASPZAPReport":
            raise Unreadable(f"the root is {root.tag[:40]!r}; `OWASPZAPReport` would be right", "line 1", "zap.root")
        version = root.get("version", "")
        for number, site in enumerate(root.iter("site"), 1):
            alerts = [alert for path in _ALERTS for alert in site.findall(path)]
            for inner, alert in enumerate(alerts, 1):
                yield _item(alert, site, f"/site[{number}]/alertitem[{inner}]", version)


def _item(alert: Element, site: Element, place: str, version: str) -> Item:
    notes: list[Note] = []
    title = text_at(alert, "name") or text_at(alert, "alert")
    if not title:
        return refuse(place, "an alert has a `name`; found none", "zap.name")
    instances = alert.findall("instances/instance") or [alert]
    locations = tuple(dict.fromkeys(
        CodeLocation(url=text_at(each, "uri"), parameter=text_at(each, "param"), snippet=text_at(each, "evidence")) for each in instances if text_at(each, "uri")
    ))
    requests = [f"{text_at(each, 'method')} {text_at(each, 'uri')}".strip() + (f"\n{text_at(each, 'attack')}" if text_at(each, "attack") else "") for each in instances]
    description, solution = read_html(text_at(alert, "desc")).text, read_html(text_at(alert, "solution")).text
    headers = [text_at(each, "requestheader") for each in instances[:5]]
    finding = Finding(
        title=title, description=description, products=(site.get("name", ""),) if site.get("name") else (), locations=locations,
        references=tuple(read_reference(url) for url in find_urls(read_html(text_at(alert, "reference")).text)),
        weaknesses=weaknesses_of([code for code in (text_at(alert, "cweid"),) if code not in ("", "-1", "0")], place, notes),
        severities=label(text_at(alert, "riskdesc").split(" (", 1)[0] or {"0": "Informational", "1": "Low", "2": "Medium", "3": "High"}.get(text_at(alert, "riskcode"), ""), "zap"),
        reproduction="\n".join(line for line in dict.fromkeys(requests) if line), remediation=solution,
        producer=Producer("zap", version, rule=text_at(alert, "alertRef") or text_at(alert, "pluginid")), place=place,
        extra=kept([
            ("confidence", text_at(alert, "confidencedesc") or text_at(alert, "confidence")), ("wascid", text_at(alert, "wascid")), ("count", text_at(alert, "count")),
            ("sourceid", text_at(alert, "sourceid")), ("otherinfo", read_html(text_at(alert, "otherinfo")).text), ("request", "\n\n".join(text for text in headers if text)),
        ]),
    )
    return Item(place, finding, tuple(notes))


SOURCE = Zap()
