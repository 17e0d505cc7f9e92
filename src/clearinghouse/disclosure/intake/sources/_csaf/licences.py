"""Tests on the licence of a 2.1 document (SPDX licence expressions)."""

import re

from clearinghouse.disclosure.intake.sources._csaf.facts import Broken, Facts, Rule, registry
from clearinghouse.disclosure.intake.sources.base import dict_of, list_of, text_of

_WORD = re.compile(r"\(|\)|[^\s()]+")
_ID = re.compile(r"^[A-Za-z0-9.-]+\+?$")
_REFERENCE = re.compile(r"^LicenseRef-[A-Za-z0-9.-]+$")
_ADDITION = re.compile(r"^(?:AdditionRef-)?[A-Za-z0-9.-]+$")
_PLACE = "/document/license_expression"
_SCANCODE = "LicenseRef-scancode-"
_WORDS_MAX = 200


def _expression(facts: Facts) -> str:
    return text_of(facts.document.get("license_expression"))


def _names(expression: str) -> list[str] | None:
    """The licences an expression names; None where it is none (SPDX 2.3, annex D, and no documents referred to)."""
    words = _WORD.findall(expression)[:_WORDS_MAX]
    names: list[str] = []
    depth, wanted, excepting = 0, True, False
    for word in words:
        if excepting:
            if not _ADDITION.match(word):
                return None
            excepting = False
        elif wanted and word == "(":
            depth += 1
        elif wanted:
            like_reference = word.lower().startswith("licenseref-")
            if not (_REFERENCE.match(word) if like_reference else _ID.match(word)) or word in ("AND", "OR", "WITH"):
                return None
            names.append(word)
            wanted = False
        elif word == ")":
            depth -= 1
            if depth < 0:
                return None
        elif word in ("AND", "OR"):
            wanted = True
        elif word == "WITH":
            excepting = True
        else:
            return None
    return None if wanted or excepting or depth else names


def _valid(facts: Facts) -> Broken:
    if _expression(facts) and _names(_expression(facts)) is None:
        yield _PLACE, f"{_expression(facts)[:60]!r} is no SPDX licence expression without references to other documents"


def _english(facts: Facts) -> bool:
    return not facts.language or facts.language.lower().split("-")[0] == "en"


def _own(facts: Facts) -> list[str]:
    """References to licences whose text the document has to bring along."""
    names = _names(_expression(facts)) or []
    return [name for name in names if name.startswith("LicenseRef-") and not name.startswith(_SCANCODE)]


def _text(facts: Facts) -> Broken:
    if _own(facts) and _english(facts):
        notes = [dict_of(note) for note in list_of(facts.document.get("notes"))]
        if not any(note.get("title") == "License" and note.get("category") == "legal_disclaimer" for note in notes):
            yield "/document/notes", "a note `License` of category legal_disclaimer holds the text of a licence of one's own"


def _text_elsewhere(facts: Facts) -> Broken:
    if _own(facts) and not _english(facts):
        notes = [dict_of(note) for note in list_of(facts.document.get("notes"))]
        if not any(note.get("category") == "legal_disclaimer" for note in notes):
            yield "/document/notes", "no note of category legal_disclaimer holds the text of the licence"


def _missing(facts: Facts) -> Broken:
    if not _expression(facts):
        yield _PLACE, "the document does not say under which licence it may be used"


def _deprecated(facts: Facts) -> Broken:
    for name in _names(_expression(facts)) or []:
        gone = name.rstrip("+") in registry("spdx-licenses.json")["deprecated"] or name in registry("spdx-licenses.json")["deprecated"]
        if gone:
            yield _PLACE, f"licence {name[:60]!r} is deprecated"


def _unknown(facts: Facts) -> Broken:
    known = registry("spdx-licenses.json")
    for name in _names(_expression(facts)) or []:
        plain = name.rstrip("+")
        if not name.startswith("LicenseRef-") and not any(n in known[k] for n in (name, plain) for k in ("licenses", "deprecated")):
            yield _PLACE, f"{name[:60]!r} is no licence of the SPDX list"
        elif name.startswith(_SCANCODE) and not name.removeprefix(_SCANCODE).islower():
            yield _PLACE, f"{name[:60]!r} is no licence of the ScanCode list, whose keys are lower case"


def _unregistered(facts: Facts) -> Broken:
    for name in _own(facts):
        yield _PLACE, f"licence {name[:60]!r} is registered nowhere"


RULES = (
    Rule("6.1.54", _valid, ("2.1",)), Rule("6.1.55", _text, ("2.1",)), Rule("6.2.43", _missing, ("2.1",)),
    Rule("6.2.44", _deprecated, ("2.1",)), Rule("6.2.45", _unknown, ("2.1",)), Rule("6.2.46", _text_elsewhere, ("2.1",)),
    Rule("6.3.17", _unregistered, ("2.1",)),
)
