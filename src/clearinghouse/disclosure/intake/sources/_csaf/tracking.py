"""Tests on versions, revision history, document status and the name of the file."""

import re
from datetime import datetime
from itertools import pairwise
from urllib.parse import urlsplit

from clearinghouse.disclosure.intake.sources._csaf.facts import Broken, Facts, Rule, instant, is_semver, version_key
from clearinghouse.disclosure.intake.sources.base import dict_of, list_of, text_of

_NOT_IN_NAMES = re.compile(r"[^+\-a-z0-9]+")


def file_name(tracking_id: str) -> str:
    """The file name an advisory of this id goes by (CSAF 2.0 and 2.1, section 5.1)."""
    return _NOT_IN_NAMES.sub("_", tracking_id.lower()) + ".json"


def _file_name(facts: Facts) -> Broken:
    wanted = file_name(text_of(facts.tracking.get("id")))
    # A name without the ending was given by whoever passed the document on, not by its author.
    if facts.name.lower().endswith(".json") and facts.name != wanted and facts.tracking.get("id"):
        yield "/document/tracking/id", f"the file is named {facts.name[:80]!r}; {wanted[:80]!r} follows from the id"


def _sorted(facts: Facts) -> list[tuple[str, str]]:
    """(place, number) of the revisions by date, then by number."""
    known = [(instant(entry.get("date")), version_key(entry.get("number")), place, text_of(entry.get("number")))
             for place, entry in facts.revisions]
    complete = [entry for entry in known if entry[0] is not None and entry[1] is not None]
    complete.sort(key=lambda entry: (entry[0], entry[1]))
    return [(place, number) for _, _, place, number in complete]


def _order(facts: Facts) -> Broken:
    ordered = _sorted(facts)
    keys = [version_key(number) for _, number in ordered]
    for at in range(1, len(keys)):
        before, after = keys[at - 1], keys[at]
        if before is not None and after is not None and after < before:
            yield f"{ordered[at][0]}/number", "sorted by date, the numbers of the revision history do not rise"
            return


def _translator(facts: Facts) -> Broken:
    publisher = dict_of(facts.document.get("publisher"))
    if publisher.get("category") == "translator" and not facts.document.get("source_lang"):
        yield "/document/source_lang", "a translation says what language it was made from"


def _latest(facts: Facts) -> Broken:
    ordered, version = _sorted(facts), text_of(facts.tracking.get("version"))
    if not ordered or not version:
        return
    last = ordered[-1][1]
    same = last == version
    if is_semver(last) and is_semver(version):
        cut = "+" if facts.status != "draft" else "-"
        same = last.split("+")[0].split(cut)[0] == version.split("+")[0].split(cut)[0]
    if not same:
        yield "/document/tracking/version", f"the version is {version[:40]!r}, the newest revision is {last[:40]!r}"


def _status(facts: Facts) -> Broken:
    key, version = version_key(facts.tracking.get("version")), text_of(facts.tracking.get("version"))
    if key is not None and facts.status in ("final", "interim") and (key[0] == 0 or "-" in version.split("+")[0]):
        yield "/document/tracking/version", f"version {version[:40]!r} is one of a draft, the status is {facts.status!r}"


def _pre_release(facts: Facts) -> Broken:
    version = text_of(facts.tracking.get("version"))
    if facts.status in ("final", "interim") and is_semver(version) and "-" in version.split("+")[0]:
        yield "/document/tracking/version", f"version {version[:40]!r} is a pre-release, the status is {facts.status!r}"


def _no_draft_revisions(facts: Facts) -> Broken:
    if facts.status not in ("final", "interim"):
        return
    for place, entry in facts.revisions:
        key = version_key(entry.get("number"))
        if key is not None and key[0] == 0:
            yield f"{place}/number", f"revision {text_of(entry.get('number'))[:40]!r} is of a draft, the status is {facts.status!r}"


def _no_pre_release(facts: Facts) -> Broken:
    for place, entry in facts.revisions:
        if "-" in text_of(entry.get("number")).split("+")[0]:
            yield f"{place}/number", "the revision history holds no pre-release"


def _gaps(facts: Facts) -> Broken:
    majors = sorted({key[0] for _, entry in facts.revisions if (key := version_key(entry.get("number"))) is not None})
    first = version_key(_sorted(facts)[0][1]) if _sorted(facts) else None
    if (majors and majors[0] > 1) or (first is not None and first[0] > 1):
        yield "/document/tracking/revision_history", "the revision history begins with version 0 or 1"
    elif any(after - before > 1 for before, after in pairwise(majors)):
        yield "/document/tracking/revision_history", "a version is missing in the revision history"


def _twice(facts: Facts) -> Broken:
    seen: set[str] = set()
    for place, entry in facts.revisions:
        number = text_of(entry.get("number"))
        if number in seen:
            yield f"{place}/number", f"revision {number[:40]!r} occurs more than once"
        seen.add(number)


def _mixed(facts: Facts) -> Broken:
    numbers = [("/document/tracking/version", facts.tracking.get("version"))]
    numbers += [(f"{place}/number", entry.get("number")) for place, entry in facts.revisions]
    kinds = {is_semver(number) for _, number in numbers if version_key(number) is not None}
    if len(kinds) > 1:
        yield "/document/tracking/version", "integer and semantic versions are mixed; one kind would be right"


def _build_metadata(facts: Facts) -> Broken:
    for place, entry in facts.revisions:
        if "+" in text_of(entry.get("number")):
            yield f"{place}/number", "build metadata says nothing in a revision history"


def _initial_date(facts: Facts) -> Broken:
    dates = [date for _, entry in facts.revisions if (date := instant(entry.get("date"))) is not None]
    first = instant(facts.tracking.get("initial_release_date"))
    if dates and first is not None and first < min(dates):
        yield "/document/tracking/initial_release_date", "older than the oldest revision"
    elif dates and first is not None and facts.version == "2.1" and facts.settled and _released(facts) not in (None, first):
        yield "/document/tracking/initial_release_date", "not the date of the revision that was released first"


def _released(facts: Facts) -> datetime | None:
    """The date of the first revision with a number of at least 1."""
    dates = [
        date for _, entry in facts.revisions
        if (key := version_key(entry.get("number"))) is not None and key[0] >= 1 and (date := instant(entry.get("date"))) is not None
    ]
    return min(dates, default=None)


def _current_date(facts: Facts) -> Broken:
    current, newest = instant(facts.tracking.get("current_release_date")), facts.newest_revision
    if current is None or newest is None:
        return
    if current < newest:
        yield "/document/tracking/current_release_date", "older than the newest revision"
    elif facts.version == "2.1" and facts.settled and current > newest:
        yield "/document/tracking/current_release_date", "newer than the newest revision"


def _same_time(facts: Facts) -> Broken:
    seen = set()
    for place, entry in facts.revisions:
        date = instant(entry.get("date"))
        if date is not None and date in seen:
            yield f"{place}/date", "two revisions have the same date"
        seen.add(date)


def _id_in_title(facts: Facts) -> Broken:
    identifier, title = text_of(facts.tracking.get("id")), text_of(facts.document.get("title"))
    if identifier and identifier.lower() in title.lower():
        yield "/document/title", "the title repeats the tracking id"


def _canonical(facts: Facts) -> Broken:
    wanted = file_name(text_of(facts.tracking.get("id")))
    references = [dict_of(reference) for reference in list_of(facts.document.get("references"))]
    for reference in references:
        url = text_of(reference.get("url"))
        try:
            path = urlsplit(url).path
        except ValueError:
            continue
        if reference.get("category") == "self" and url.startswith("https://") and path.endswith("/" + wanted):
            return
    yield "/document/references", f"no reference of the document itself is its canonical address, which ends in {wanted[:80]!r}"


def _sorting(facts: Facts) -> Broken:
    waiting: list[tuple[str, object]] = [("", facts.raw)]
    while waiting:
        place, value = waiting.pop()
        if isinstance(value, dict):
            if list(value) != sorted(value):
                yield place, "the keys are not in alphabetical order"
                return
            waiting += [(f"{place}/{key}", entry) for key, entry in value.items()]
        elif isinstance(value, list):
            waiting += [(f"{place}/{number}", entry) for number, entry in enumerate(value)]


def _involvements(facts: Facts) -> Broken:
    for place, vulnerability in facts.vulnerabilities:
        seen = set()
        for number, entry in enumerate(map(dict_of, list_of(vulnerability.get("involvements")))):
            here = f"{place}/involvements/{number}"
            date = instant(entry.get("date"))
            if date is None:
                continue
            named = facts.ids_of(entry) or [""]
            for product in named:
                key = (text_of(entry.get("party")), date, product)
                if key in seen:
                    yield here, "the same party is involved twice at the same time"
                    break
                seen.add(key)


def _involvement_date(facts: Facts) -> Broken:
    for place, vulnerability in facts.vulnerabilities:
        for number, entry in enumerate(map(dict_of, list_of(vulnerability.get("involvements")))):
            if not entry.get("date"):
                yield f"{place}/involvements/{number}", "the involvement has no date"


RULES = (
    Rule("5.1", _file_name), Rule("6.1.14", _order), Rule("6.1.15", _translator), Rule("6.1.16", _latest), Rule("6.1.17", _status),
    Rule("6.1.18", _no_draft_revisions), Rule("6.1.19", _no_pre_release), Rule("6.1.20", _pre_release), Rule("6.1.21", _gaps), Rule("6.1.22", _twice),
    Rule("6.1.24", _involvements), Rule("6.1.30", _mixed), Rule("6.2.4", _build_metadata), Rule("6.2.5", _initial_date),
    Rule("6.2.6", _current_date), Rule("6.2.7", _involvement_date), Rule("6.2.11", _canonical), Rule("6.2.13", _sorting),
    Rule("6.2.21", _same_time, ("2.1",)), Rule("6.2.22", _id_in_title, ("2.1",)),
)
