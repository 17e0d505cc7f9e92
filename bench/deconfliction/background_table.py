"""Counts the terms that many advisories have: the background table shipped with the model."""

from collections import Counter
from collections.abc import Iterable
from itertools import pairwise

from clearinghouse.disclosure.deconfliction.signature import Signer
from clearinghouse.disclosure.deconfliction.terms import PHRASE_WORDS, Vocabulary, prose_words, terms_of
from clearinghouse.disclosure.deconfliction.tokens import Kind
from clearinghouse.disclosure.intake.records import Finding

RECORDS_MIN = 40
_KINDS = {Kind.WORD, Kind.VERSION, Kind.CODE, Kind.CWE, Kind.WEAKNESS}
"""Names of products and repositories are left out: an instance counts its own."""


def background_lines(findings: Iterable[Finding], key: bytes) -> list[str]:
    """`kind count text` for every term that enough records have, in order of kind and text."""
    signer = Signer(key)
    texts: dict[int, tuple[Kind, str]] = {}

    def number(kind: Kind, text: str) -> int:
        found = signer.term(kind, text)
        texts[found] = (kind, text)
        return found

    vocabulary = Vocabulary(number)
    counts: Counter[int] = Counter()
    neighbours: Counter[tuple[int, int]] = Counter()
    for finding in findings:
        counts.update(terms_of(finding, vocabulary).marks.keys())
        title, text = (prose_words(part, vocabulary) for part in (finding.title, finding.description))
        neighbours.update({*pairwise(title), *pairwise(text[:PHRASE_WORDS])})
    lines = [
        (int(texts[term][0]), texts[term][1], count)
        for term, count in counts.items()
        if count >= RECORDS_MIN and term in texts and texts[term][0] in _KINDS
    ]
    lines += [
        (int(Kind.PHRASE), f"{texts[left][1]} {texts[right][1]}", count)
        for (left, right), count in neighbours.items()
        if count >= RECORDS_MIN
    ]
    return [f"{kind} {count} {text}" for kind, text, count in sorted(lines) if "\n" not in text]
