"""Tests on SSVC selections, held against the decision points of CERT/CC."""

from collections.abc import Iterator
from typing import Any

from clearinghouse.disclosure.intake.sources._csaf.facts import Broken, Check, Facts, Rule, registry
from clearinghouse.disclosure.intake.sources.base import dict_of, list_of, text_of

_POINTS = "ssvc-decision-points.json"
# Namespaces that are registered with CERT/CC; decision points of those but `ssvc` are not bundled.
_REGISTERED = frozenset({"ssvc", "cvss", "cisa", "basic", "nist"})
# Values of CVSS metrics that are decision points as well, from the least to the most severe and then the unknown.
_CVSS_VALUES = {
    "AC": (("L", "Low"), ("H", "High")),
    "E": (("U", "Unreported"), ("P", "Proof-of-Concept"), ("A", "Attacked"), ("X", "Not Defined")),
}
# Set aside for examples and tests; nobody needs to be told about them.
_RESERVED = frozenset({"example", "test"})


def _lists(facts: Facts) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """(place, selection list, vulnerability)"""
    for place, vulnerability in facts.vulnerabilities:
        for where, content, _, _ in facts.metrics(vulnerability, place):
            stated = dict_of(content.get("ssvc_v2"))
            if stated:
                yield f"{where}/ssvc_v2", stated, vulnerability


def _selections(facts: Facts) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """(place, selection, selection list)"""
    for place, stated, _ in _lists(facts):
        for number, selection in enumerate(list_of(stated.get("selections"))):
            yield f"{place}/selections/{number}", dict_of(selection), stated


def _base(namespace: str) -> str:
    return namespace.split("/")[0].split("$")[0]


def _targets(facts: Facts) -> Broken:
    # The id of the document names a flaw only where the document speaks of one flaw.
    document = text_of(facts.tracking.get("id")) if len(facts.vulnerabilities) > 1 else ""
    for place, stated, vulnerability in _lists(facts):
        own = {text_of(vulnerability.get("cve"))}
        own |= {text_of(dict_of(entry).get("text")) for entry in list_of(vulnerability.get("ids"))}
        for number, target in enumerate(map(text_of, list_of(stated.get("target_ids")))):
            if target not in own or target == document:
                yield f"{place}/target_ids/{number}", f"{target[:60]!r} is no id of the vulnerability"


def _points(facts: Facts) -> Broken:
    points = registry(_POINTS)
    for place, selection, _ in _selections(facts):
        namespace, key, version = (text_of(selection.get(name)) for name in ("namespace", "key", "version"))
        base, language = _base(namespace), namespace.partition("$")[2].lower()
        known = points.get(f"ssvc:{key}", {})
        values = known[version]["values"] if version in known else ()
        if base == "cvss":
            values = _CVSS_VALUES.get(key, ())
        elif base == "ssvc" and key and not known:
            yield f"{place}/key", f"{key[:20]!r} is no decision point of {base}"
        elif base == "ssvc" and not values:
            yield f"{place}/version", f"decision point {key[:20]!r} has no version {version[:20]!r}"
        elif base not in _REGISTERED and base not in _RESERVED and not base.startswith("x_"):
            yield f"{place}/namespace", f"namespace {base[:40]!r} is neither registered nor begins with x_"
        # A translation may name and order the values its own way.
        if values and (not language or language.startswith("en")) and not _ordered(selection, values):
            yield f"{place}/values", "the values are not those of the decision point, in their order"


def _ordered(selection: dict[str, Any], values: Any) -> bool:
    """Whether the selected values are values of the decision point and stand in its order."""
    keys = [value[0] for value in values]
    names = {value[0]: value[1] for value in values}
    chosen = [dict_of(value) for value in list_of(selection.get("values"))]
    if not all(text_of(value.get("key")) in names for value in chosen):
        return False
    if not all(text_of(value.get("name")) in ("", names[text_of(value.get("key"))]) for value in chosen):
        return False
    places = [keys.index(text_of(value.get("key"))) for value in chosen]
    return places == sorted(places)


def _latest(facts: Facts) -> Broken:
    points = registry(_POINTS)
    for place, selection, _ in _selections(facts):
        versions = points.get(f"ssvc:{text_of(selection.get('key'))}", {})
        if _base(text_of(selection.get("namespace"))) != "ssvc" or not versions:
            continue
        newest = max(versions, key=lambda v: tuple(int(part) for part in v.split(".")))
        if text_of(selection.get("version")) in versions and selection.get("version") != newest:
            yield f"{place}/version", f"version {newest} of the decision point is newer"


def _unknown_base(facts: Facts) -> Broken:
    for place, selection, _ in _selections(facts):
        base = _base(text_of(selection.get("namespace")))
        if base not in _REGISTERED and base not in _RESERVED:
            yield f"{place}/namespace", f"namespace {base[:60]!r} is not known here"


def _resource(stated: dict[str, Any], namespace: str) -> bool:
    listed = [dict_of(entry) for entry in list_of(stated.get("decision_point_resources"))]
    return any(namespace in f"{text_of(entry.get('summary'))} {text_of(entry.get('uri'))}" for entry in listed)


def _unregistered(*, clear: bool) -> Check:
    def check(facts: Facts) -> Broken:
        for place, selection, _ in _selections(facts):
            namespace = text_of(selection.get("namespace"))
            if namespace.startswith("x_") and (facts.tlp == "CLEAR") == clear:
                yield f"{place}/namespace", f"namespace {_base(namespace)[:60]!r} is not registered; not every reader may know it"

    return check


def _extended(*, clear: bool) -> Check:
    def check(facts: Facts) -> Broken:
        for place, selection, _ in _selections(facts):
            namespace = text_of(selection.get("namespace"))
            if "/" in namespace and (facts.tlp == "CLEAR") == clear:
                yield f"{place}/namespace", f"namespace {namespace[:60]!r} has an extension; not every reader may know it"

    return check


def _without_resource(facts: Facts) -> Broken:
    for place, selection, stated in _selections(facts):
        namespace = text_of(selection.get("namespace"))
        plain = namespace.split("$")[0]
        base = _base(namespace)
        if base.startswith("x_") and not _resource(stated, base) and not _resource(stated, plain):
            yield f"{place}/namespace", f"nothing says where namespace {base[:60]!r} is described (`decision_point_resources`)"


RULES = (
    Rule("6.1.47", _targets, ("2.1",)), Rule("6.1.48", _points, ("2.1",)), Rule("6.2.34", _unknown_base, ("2.1",)),
    Rule("6.2.35", _unregistered(clear=True), ("2.1",)), Rule("6.2.36", _extended(clear=True), ("2.1",)),
    Rule("6.2.37", _without_resource, ("2.1",)), Rule("6.3.13", _latest, ("2.1",)), Rule("6.3.14", _unregistered(clear=False), ("2.1",)),
    Rule("6.3.15", _extended(clear=False), ("2.1",)),
)
