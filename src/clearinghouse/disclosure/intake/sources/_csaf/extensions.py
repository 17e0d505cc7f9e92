"""Tests on extensions of 2.1: where they stand, and how sure a reader can be to understand them."""

import re
from collections.abc import Iterator
from typing import Any

from clearinghouse.disclosure.intake.sources._csaf.facts import Broken, Check, Facts, Rule
from clearinghouse.disclosure.intake.sources.base import dict_of, list_of, text_of

_OFFICIAL = "https://docs.oasis-open.org/csaf/"
_EXPERIMENTAL = re.compile(r"/(?:documentation|experimental|x)[-_]", re.IGNORECASE)
_LEVELS = (
    ("6.3.21.3", re.compile(r"^/document/x_extensions/"), "of the document"),
    ("6.3.21.4", re.compile(r"^/product_tree/branches/.*/x_extensions/"), "of the branches"),
    ("6.3.21.5", re.compile(r"^/product_tree/full_product_names/.*/x_extensions/"), "of the full product names"),
    ("6.3.21.6", re.compile(r"^/product_tree/product_paths/.*/x_extensions/"), "of the product paths"),
    ("6.3.21.7", re.compile(r"^/vulnerabilities/\d+/metrics/.*/x_extensions/"), "of the metrics"),
    ("6.3.21.8", re.compile(r"^/vulnerabilities/\d+/x_extensions/"), "of a vulnerability"),
    ("6.3.21.9", re.compile(r"^/x_extensions/"), "of the root"),
)


def _extensions(facts: Facts) -> Iterator[tuple[str, dict[str, Any]]]:
    for place, value in facts.named("x_extensions"):
        if isinstance(value, list) and place.endswith("/x_extensions"):
            for number, entry in enumerate(list_of(value)):
                yield f"{place}/{number}", dict_of(entry)


def _at(where: re.Pattern[str], what: str) -> Check:
    def check(facts: Facts) -> Broken:
        for place, _ in _extensions(facts):
            if where.search(place):
                yield place, f"an extension {what} is used"

    return check


def _registered(facts: Facts) -> Broken:
    for place, entry in _extensions(facts):
        if not text_of(entry.get("$schema")).startswith(_OFFICIAL):
            yield f"{place}/$schema", "the extension is registered nowhere known here"


def _official(facts: Facts) -> Broken:
    for place, entry in _extensions(facts):
        if not text_of(entry.get("$schema")).startswith(_OFFICIAL):
            yield f"{place}/$schema", "the extension is not one of the technical committee"


def _critical(facts: Facts) -> Broken:
    for place, entry in _extensions(facts):
        if entry.get("critical") is True:
            yield f"{place}/critical", "whoever does not know this extension cannot understand the document"


def _essential(facts: Facts) -> Broken:
    for place, entry in _extensions(facts):
        if entry.get("category") == "essential":
            yield f"{place}/category", "the extension is essential to understand the document"


def _experimental(*, clear: bool) -> Check:
    def check(facts: Facts) -> Broken:
        for place, entry in _extensions(facts):
            if _EXPERIMENTAL.search(text_of(entry.get("$schema"))) and (facts.tlp == "CLEAR") == clear:
                yield f"{place}/$schema", "the extension is experimental"

    return check


RULES = (
    Rule("6.2.54.1", _registered, ("2.1",)), Rule("6.2.54.2", _official, ("2.1",)), Rule("6.2.54.3", _critical, ("2.1",)),
    Rule("6.2.54.4", _experimental(clear=True), ("2.1",)), Rule("6.3.21.1", _essential, ("2.1",)),
    Rule("6.3.21.2", _experimental(clear=False), ("2.1",)),
    *(Rule(number, _at(where, what), ("2.1",)) for number, where, what in _LEVELS),
)
