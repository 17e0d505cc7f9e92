"""From a finding to its terms: what two records could have in common, one string each.

A term is a kind and a text (`Kind.CODE`, `ldap_get_attribute_ber`) and carries marks that say
where in the record it stood. Kinds share nothing; marks do not part terms: a product name in
the prose of one record meets the package field of another. Work is linear in the length of
the text, and the texts are bounded by intake.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import IntEnum
from itertools import pairwise

from clearinghouse.disclosure.deconfliction.tokens import (
    Kind,
    link_terms,
    name_terms,
    name_words,
    place_terms,
    stem,
    token_terms,
    version_terms,
)
from clearinghouse.disclosure.deconfliction.weaknesses import WeaknessWords, class_of_cwe, phrase_words
from clearinghouse.disclosure.intake.records import Finding, IdentifierRole


class Mark(IntEnum):
    """Where in a record a term stood."""

    TITLE = 1
    TEXT = 2
    NAME = 4
    """In the name of a package, product or repository."""
    FIXED = 8
    AFFECTED = 16
    """As introduced, last affected or listed version."""
    PLACE = 32
    """Among the locations, symbols and frames, or set as code in the prose."""
    LINK = 64
    LEAD = 128
    """Within the first words of the description."""


CVE_MARK = 1
"""Mark of an identifier that is a CVE number."""
LEAD_TOKENS = 40
_PHRASE_MASK = (1 << 60) - 1
PHRASE_WORDS = 40
"""Words of the description of which neighbours are noted as phrases."""
TEXT_TOKENS = 700
"""Of the description; what follows is advice and credits."""
LIST_ENTRIES = 40
_TOKEN = re.compile(r"[^\s\"'<>\[\]{},;|*=&?!\u2018\u2019\u201c\u201d`]+")
_CODE_SPAN = re.compile(r"`([^`\n]{2,80})`")
_WEAKNESSES = WeaknessWords({word: stem(word) for word in phrase_words()})

@dataclass(slots=True)
class Terms:
    """The terms of one record, each already as the number the vocabulary gave it."""

    marks: dict[int, int] = field(default_factory=dict)
    title_words: int = 0
    text_words: int = 0
    vulnerabilities: int = 0
    """How many the record's own names and aliases name: the most of one scheme, CVE before others. One flaw
    with a CVE, a GHSA and a PYSEC number is one; two CVE numbers are two."""

    def add(self, terms: Iterable[int], mark: int) -> None:
        """Note terms; marks of the same term add up."""
        marks, mark = self.marks, int(mark)
        for term in terms:
            marks[term] = marks.get(term, 0) | mark

class Vocabulary:
    """Gives terms their numbers and remembers what it has seen: words follow Zipf's law.

    What names a term is handed in, so that the same code yields keyed hashes for the database
    and readable terms for a test.
    """

    _memory_max = 300_000

    def __init__(self, number: Callable[[Kind, str], int]) -> None:
        """Number terms with `number`, which must be a pure function."""
        self.number = number
        self._tokens: dict[str, tuple[tuple[int, str], ...]] = {}
        self._parts: dict[tuple[str, str], tuple[int, ...]] = {}

    def token(self, token: str) -> tuple[tuple[int, str], ...]:
        """Terms of one token of prose, each with its stem when it is a word, else an empty text."""
        known = self._tokens.get(token)
        if known is None:
            if len(self._tokens) >= self._memory_max:
                self._tokens.clear()
            known = tuple(
                (self.number(kind, text), text if kind is Kind.WORD else "") for kind, text in token_terms(token)
            )
            self._tokens[token] = known
        return known

    def parts(self, rule: Callable[[str], Iterable[tuple[Kind, str]]], text: str) -> tuple[int, ...]:
        """Terms a rule finds in a name, link, version or place."""
        known = self._parts.get((rule.__name__, text))
        if known is None:
            if len(self._parts) >= self._memory_max:
                self._parts.clear()
            known = tuple(dict.fromkeys(self.number(kind, part) for kind, part in rule(text)))
            self._parts[rule.__name__, text] = known
        return known

def _prose(terms: Terms, vocabulary: Vocabulary, text: str, mark: int, tokens_max: int) -> tuple[list[str], list[int]]:
    """Add the terms of a text and return its stems in order, and their terms."""
    stems: list[str] = []
    words: list[int] = []
    marks, token_terms = terms.marks, vocabulary.token
    mark = int(mark)  # an enumeration is slow to combine, and this runs for every word
    lead = mark | int(Mark.LEAD) if mark == Mark.TEXT else mark
    for count, found in enumerate(_TOKEN.findall(text)):
        if count >= tokens_max:
            break
        flag = lead if count < LEAD_TOKENS else mark
        for term, word in token_terms(found):
            marks[term] = marks.get(term, 0) | flag
            if word:
                stems.append(word)
                words.append(term)
    return stems, words


def prose_words(text: str, vocabulary: Vocabulary) -> list[int]:
    """Terms of the words of a text, in order."""
    return _prose(Terms(), vocabulary, text, Mark.TEXT, TEXT_TOKENS)[1]


def terms_of(finding: Finding, vocabulary: Vocabulary) -> Terms:
    """Every term of a finding, with its marks."""
    terms = Terms()
    title, title_words = _prose(terms, vocabulary, finding.title, Mark.TITLE, 80)
    text, text_words = _prose(terms, vocabulary, finding.description, Mark.TEXT, TEXT_TOKENS)
    for words, mark in ((title_words, Mark.TITLE), (text_words[:PHRASE_WORDS], Mark.LEAD)):
        for left, right in pairwise(words):
            terms.add((phrase(left, right),), mark)
    for extra in (finding.impact, finding.reproduction):
        if extra:
            text += _prose(terms, vocabulary, extra, Mark.TEXT, TEXT_TOKENS // 2)[0]
    terms.title_words, terms.text_words = len(title), len(text)
    for span in _CODE_SPAN.findall(finding.title + "\n" + finding.description)[:LIST_ENTRIES]:
        cut = span.split("(", 1)[0].strip()
        if 2 < len(cut) <= 80 and " " not in cut and not cut.replace(".", "").isdigit():
            terms.add(vocabulary.parts(place_terms, cut), Mark.PLACE | Mark.TEXT)
    for name in _names_of(finding):
        terms.add(vocabulary.parts(name_terms, name), Mark.NAME)
        terms.add(map(phrase, *_neighbours(vocabulary.parts(name_words, name))), Mark.NAME)
    for affected in finding.ranges[:LIST_ENTRIES]:
        for version in affected.fixed[:LIST_ENTRIES]:
            terms.add(vocabulary.parts(version_terms, version), Mark.FIXED)
        for version in (affected.introduced + affected.last_affected + affected.versions)[:LIST_ENTRIES]:
            terms.add(vocabulary.parts(version_terms, version), Mark.AFFECTED)
    for url in [reference.url for reference in finding.references[:LIST_ENTRIES]] + [finding.repository]:
        if url:
            terms.add(vocabulary.parts(link_terms, url), Mark.LINK)
    _weaknesses(terms, vocabulary, finding, {*title, *text[:200]})
    _places(terms, vocabulary, finding)
    schemes: dict[str, set[str]] = {}
    for identifier in finding.identifiers[: 4 * LIST_ENTRIES]:
        value = identifier.value.upper()
        if identifier.role is IdentifierRole.RELATED:
            terms.add((vocabulary.number(Kind.RELATED, value),), 0)
            continue
        scheme = value.split("-", 1)[0]
        schemes.setdefault(scheme, set()).add(value)
        terms.add((vocabulary.number(Kind.IDENTIFIER, value),), CVE_MARK if scheme == "CVE" else 0)
    terms.vulnerabilities = len(schemes["CVE"]) if "CVE" in schemes else max(map(len, schemes.values()), default=0)
    return terms


def phrase(left: int, right: int) -> int:
    """The term of two neighbours. Both are numbers of words already, keyed where the key matters."""
    mixed = (left * 0x9E3779B97F4A7C15 ^ right) * 0xC2B2AE3D27D4EB4F
    return (mixed >> 24) & _PHRASE_MASK | Kind.PHRASE << 60


def _neighbours(words: tuple[int, ...]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    return words[:-1], words[1:]

def _names_of(finding: Finding) -> list[str]:
    names = [package.name for package in finding.packages[:LIST_ENTRIES]]
    names += finding.products[:LIST_ENTRIES]
    names += [part.package.name for part in finding.ranges[:LIST_ENTRIES] if part.package is not None]
    return list(dict.fromkeys(names))


def _weaknesses(terms: Terms, vocabulary: Vocabulary, finding: Finding, stems: set[str]) -> None:
    number = vocabulary.number
    terms.add([number(Kind.WEAKNESS, name) for name in _WEAKNESSES.classes(stems)], Mark.TEXT)
    for weakness in finding.weaknesses[:LIST_ENTRIES]:
        digits = weakness.upper().removeprefix("CWE-")
        if digits.isdigit() and len(digits) <= 5:
            terms.add([number(Kind.CWE, digits)], Mark.PLACE)
            known = class_of_cwe(int(digits))
            if known is not None:
                terms.add([number(Kind.WEAKNESS, known)], Mark.PLACE)


def _places(terms: Terms, vocabulary: Vocabulary, finding: Finding) -> None:
    for symbol in finding.symbols[:LIST_ENTRIES]:
        terms.add(vocabulary.parts(place_terms, symbol), Mark.PLACE)
    for location in finding.locations[:LIST_ENTRIES]:
        for text in (location.path, location.symbol, location.parameter):
            if text:
                terms.add(vocabulary.parts(place_terms, text), Mark.PLACE)
        if location.url:
            terms.add(vocabulary.parts(link_terms, location.url), Mark.PLACE)
    if finding.crash is None:
        return
    for frame in finding.crash.frames[:12]:
        name = frame.function.split("(", 1)[0].strip()[-80:]
        if name:
            terms.add([vocabulary.number(Kind.FRAME, name.lower())], Mark.PLACE)
            terms.add(vocabulary.parts(place_terms, name), Mark.PLACE)
    stems, _ = _prose(terms, vocabulary, finding.crash.kind.replace("-", " "), Mark.TEXT, 10)
    terms.add([vocabulary.number(Kind.WEAKNESS, name) for name in _WEAKNESSES.classes(set(stems))], Mark.PLACE)
