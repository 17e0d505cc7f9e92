"""Tests on instants: how they are written, and which cannot lie after which."""

import re
from datetime import UTC, datetime, timedelta

from clearinghouse.disclosure.intake.sources._csaf.facts import Broken, Check, Facts, Rule, instant
from clearinghouse.disclosure.intake.sources.base import dict_of, list_of, text_of

_DATES = (
    "date", "current_release_date", "initial_release_date", "discovery_date", "disclosure_date", "release_date", "timestamp",
    "exploitation_date",
)
_WRITTEN = re.compile(
    r"^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(?:\.\d{1,30})?(Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)$"
)

# 9999 says that nothing is planned.
_NEVER = datetime(9999, 1, 1, tzinfo=UTC)


def is_instant(text: str) -> bool:
    """Whether a text is a date-time of RFC 3339 with capital T and Z that ever was: no 30 February, no leap second."""
    found = _WRITTEN.match(text)
    if found is None:
        return False
    try:
        datetime.fromisoformat(found[1] + ("+00:00" if found[2] == "Z" else found[2]))
    except ValueError:
        return False
    return True


def _written(facts: Facts) -> Broken:
    for place, value in facts.named(*_DATES):
        if isinstance(value, str) and not is_instant(value):
            yield place, f"{value[:40]!r} is no date-time of RFC 3339 such as 2026-11-21T08:00:00.000Z"


def _against_newest(facts: Facts, place: str, text: object, what: str) -> Broken:
    at = instant(text)
    if at is not None and facts.newest_revision is not None and facts.settled and at > facts.newest_revision:
        yield place, f"{what} lies after the newest revision of a document that is out"


def _disclosure(facts: Facts) -> Broken:
    for place, vulnerability in facts.vulnerabilities:
        if facts.tlp == "CLEAR":
            yield from _against_newest(facts, f"{place}/disclosure_date", vulnerability.get("disclosure_date"), "the disclosure date")


def _disclosure_elsewhere(facts: Facts) -> Broken:
    for place, vulnerability in facts.vulnerabilities:
        at = instant(vulnerability.get("disclosure_date"))
        if at is not None and facts.newest_revision is not None and facts.tlp != "CLEAR" and facts.newest_revision < at < _NEVER:
            yield f"{place}/disclosure_date", "the disclosure date lies after the newest revision"


def _timestamps(name: str) -> Check:
    def check(facts: Facts) -> Broken:
        for place, vulnerability in facts.vulnerabilities:
            for where, content, _, _ in facts.metrics(vulnerability, place):
                yield from _against_newest(
                    facts, f"{where}/{name}/timestamp", dict_of(content.get(name)).get("timestamp"), f"the timestamp of {name}"
                )

    return check


def _old_epss(facts: Facts) -> Broken:
    for place, vulnerability in facts.vulnerabilities:
        stated = [
            (f"{where}/epss/timestamp", at) for where, content, _, _ in facts.metrics(vulnerability, place)
            if (at := instant(dict_of(content.get("epss")).get("timestamp"))) is not None
        ]
        if stated and facts.newest_revision is not None:
            where, at = max(stated, key=lambda entry: entry[1])
            if facts.newest_revision - at > timedelta(days=15):
                yield where, "the newest EPSS value is more than 15 days older than the newest revision"


def _exploitation(facts: Facts) -> Broken:
    for place, vulnerability in facts.vulnerabilities:
        for number, entry in enumerate(map(dict_of, list_of(vulnerability.get("first_known_exploitation_dates")))):
            here = f"{place}/first_known_exploitation_dates/{number}"
            yield from _against_newest(facts, f"{here}/date", entry.get("date"), "the date")
            yield from _against_newest(facts, f"{here}/exploitation_date", entry.get("exploitation_date"), "the exploitation date")


def _exploited_before_known(facts: Facts) -> Broken:
    for place, vulnerability in facts.vulnerabilities:
        for number, entry in enumerate(map(dict_of, list_of(vulnerability.get("first_known_exploitation_dates")))):
            known, exploited = instant(entry.get("date")), instant(entry.get("exploitation_date"))
            if known is not None and exploited is not None and exploited > known:
                here = f"{place}/first_known_exploitation_dates/{number}/exploitation_date"
                yield here, "the exploitation lies after the date on which it was known"


def _unreadable(facts: Facts) -> Broken:
    """2.0 has no test of its own for what is no date; the schema asks for a format that is not asserted."""
    for place, value in facts.named(*_DATES):
        if isinstance(value, str) and instant(value) is None:
            yield place, f"{text_of(value)[:40]!r} is no date-time of RFC 3339"


RULES = (
    Rule("6.1.37", _written, ("2.1",)), Rule("6.1.45", _disclosure, ("2.1",)),
    Rule("6.1.49", _timestamps("ssvc_v2"), ("2.1",)), Rule("6.1.51", _timestamps("epss"), ("2.1",)),
    Rule("6.1.52", _exploitation, ("2.1",)), Rule("6.1.53", _exploited_before_known, ("2.1",)),
    Rule("6.2.33", _disclosure_elsewhere, ("2.1",)), Rule("6.2.41", _old_epss, ("2.1",)), Rule("3.2", _unreadable, ("2.0",)),
)
