"""The tests of the standard, run over a document: each rule that is broken is a note with its place.

Left out: what needs the network (6.3.6 and 6.3.7 but for names that can never resolve), a dictionary or a
grammar (6.3.8, 6.3.16), and schemas of extensions that are not bundled (6.1.60.2, 6.1.60.3).
"""

from itertools import islice
from typing import Any

from clearinghouse.disclosure.intake.records import Note
from clearinghouse.disclosure.intake.sources._csaf import (
    dates,
    extensions,
    identification,
    languages,
    licences,
    metrics,
    products,
    profiles,
    ranges,
    sharing,
    ssvc,
    statuses,
    tracking,
    weaknesses,
)
from clearinghouse.disclosure.intake.sources._csaf.facts import Facts, Rule

_NOTES_PER_RULE_MAX = 5
_PLACES_COUNTED_MAX = 1_000
_MESSAGE_MAX = 300
_TOPICS = (
    products, tracking, dates, statuses, metrics, weaknesses, identification, languages, licences, profiles, ranges, sharing, ssvc,
    extensions,
)
RULES: tuple[Rule, ...] = tuple(rule for topic in _TOPICS for rule in topic.RULES)
_KINDS = {"1": "mandatory", "2": "recommended", "3": "informative"}


def check_document(document: dict[str, Any], version: str, name: str) -> tuple[Note, ...]:
    """What of a document breaks a test of CSAF `version`, at most five notes a test and one a piece of advice."""
    facts = Facts(document, version, name)
    found = []
    for rule in RULES:
        if version in rule.versions:
            kind = _KINDS.get(rule.number.split(".")[1], "required")
            broken = list(islice(rule.check(facts), _PLACES_COUNTED_MAX))
            # Of advice, one example is enough; what the standard demands is shown place by place, up to a point.
            shown = broken[: 1 if kind in ("recommended", "informative") else _NOTES_PER_RULE_MAX]
            for number, (place, message) in enumerate(shown, 1):
                more = len(broken) - len(shown) if number == len(shown) else 0
                text = f"{message[:_MESSAGE_MAX]} (CSAF {version}, {kind} test {rule.number}{f', and {more} places more' if more else ''})"
                found.append(Note(place, text, f"csaf.{rule.number}"))
    return tuple(found)
