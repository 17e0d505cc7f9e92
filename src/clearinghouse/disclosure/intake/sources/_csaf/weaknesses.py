"""Tests on CWE entries, held against catalogue 4.17."""

from collections.abc import Iterator
from typing import Any

from clearinghouse.disclosure.intake.sources._csaf.facts import Broken, Check, Facts, Rule, registry
from clearinghouse.disclosure.intake.sources.base import dict_of, list_of, text_of

_CATALOGUE = "cwe-4.17.json"
# Days on which versions of the catalogue came out.
_RELEASES = (
    ("4.10", "2023-01-31"), ("4.11", "2023-04-27"), ("4.12", "2023-06-29"), ("4.13", "2023-10-26"), ("4.14", "2024-02-29"),
    ("4.15", "2024-07-16"), ("4.16", "2024-11-19"), ("4.17", "2025-04-03"),
)


def _entries(facts: Facts) -> Iterator[tuple[str, dict[str, Any]]]:
    for place, vulnerability in facts.vulnerabilities:
        if vulnerability.get("cwe") is not None:
            yield f"{place}/cwe", dict_of(vulnerability.get("cwe"))
        for number, entry in enumerate(list_of(vulnerability.get("cwes"))):
            yield f"{place}/cwes/{number}", dict_of(entry)


def _named(facts: Facts) -> Broken:
    known = registry(_CATALOGUE)
    versions = {version for version, _ in _RELEASES}
    for place, entry in _entries(facts):
        identifier, name, version = (text_of(entry.get(key)) for key in ("id", "name", "version"))
        if identifier not in known:
            yield f"{place}/id", f"{identifier[:20]!r} is no weakness of the catalogue (CWE 4.17)"
        elif known[identifier][0] != name:
            yield f"{place}/name", f"the name of {identifier} is {known[identifier][0]!r} (CWE 4.17)"
        elif version and not version.startswith("4.") and version not in versions:
            yield f"{place}/version", f"{version[:20]!r} is no version of the catalogue known here"


def _missing(facts: Facts) -> Broken:
    for place, vulnerability in facts.vulnerabilities:
        if not vulnerability.get("cwe") and not vulnerability.get("cwes"):
            yield place, "no CWE is given"


def _of_status(word: str, at: int, what: str) -> Check:
    def check(facts: Facts) -> Broken:
        known = registry(_CATALOGUE)
        for place, entry in _entries(facts):
            found = known.get(text_of(entry.get("id")))
            # What an older catalogue said of a weakness is not known here.
            told = text_of(entry.get("version")) in ("", *(version for version, _ in _RELEASES))
            wrong = found is not None and told and (found[at] == word or (word == "Prohibited" and found[at] == "Discouraged"))
            if wrong:
                yield f"{place}/id", f"{text_of(entry.get('id'))} {what} (CWE 4.17)"

    return check


def _latest(facts: Facts) -> Broken:
    if facts.newest_revision is None:
        return
    day = facts.newest_revision.strftime("%Y-%m-%d")
    newest = max((version for version, out in _RELEASES if out <= day), key=lambda v: int(v.split(".")[1]), default="")
    for place, entry in _entries(facts):
        version = text_of(entry.get("version"))
        if newest and version and version != newest:
            yield f"{place}/version", f"catalogue {version[:20]!r} was not the newest at the newest revision, {newest} was"


RULES = (
    Rule("6.1.11", _named), Rule("6.3.4", _missing), Rule("6.2.23", _of_status("Deprecated", 1, "is deprecated"), ("2.1",)),
    Rule("6.2.24", _latest, ("2.1",)), Rule("6.2.25", _of_status("Prohibited", 2, "is not meant for naming a vulnerability"), ("2.1",)),
    Rule("6.2.26", _of_status("Allowed-with-Review", 2, "names a vulnerability only after a closer look"), ("2.1",)),
)
