"""The signature of a record: everything matching may know of it, with no word of its text.

A term becomes a 64-bit number: its kind in the upper four bits, and 60 bits of a BLAKE2b keyed
with the instance's secret. Two signatures made with the same key can be compared; without
the key a guess at a word cannot be checked. What remains visible to somebody who holds
the database alone is which records share terms and how often a term occurs.
"""

import hashlib
import re
import struct
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from clearinghouse.disclosure.deconfliction.terms import Mark, Vocabulary, terms_of
from clearinghouse.disclosure.deconfliction.tokens import Kind
from clearinghouse.disclosure.intake.records import Finding, IdentifierRole

FORMAT = 2
"""First byte of a stored signature; rises when terms change their meaning."""
KIND_SHIFT = 60
METRICS = 8
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_HEAD = struct.Struct("<BBHHHi8bQQ")
_METRIC_VALUES = {"N": 0, "A": 1, "L": 2, "P": 3, "H": 4, "R": 5, "U": 6, "C": 7}
_METRIC_NAMES = {name: place for place, name in enumerate(("AV", "AC", "PR", "UI", "S", "C", "I", "A"))}
_VECTOR_4 = {"VC": "C", "VI": "I", "VA": "A"}
_CATALOGUES = frozenset({"CVE", "GHSA", "PYSEC", "RUSTSEC", "GO", "OSV", "HSEC", "CPANSA", "JLSEC", "BIT", "PSF", "MAL"})
"""Schemes of identifiers whose issuer enters a flaw once."""
_VECTOR = re.compile(r"([A-Za-z]{1,3}):([A-Za-z]{1,2})")


@dataclass(frozen=True, slots=True, eq=False)
class Signature:
    """One record, ready to be compared. Two equal records have equal `to_bytes()`."""

    terms: NDArray[np.uint64]
    """Sorted, without repetition."""
    marks: NDArray[np.uint8]
    """`Mark` of each term."""
    days: int = -1
    """Day of publication since 1970, -1 where unknown."""
    metrics: tuple[int, ...] = (-1,) * METRICS
    """AV AC PR UI S C I A of the CVSS 3 or 4 vector, -1 where unknown."""
    title_words: int = 0
    text_words: int = 0
    vulnerabilities: int = 0
    """How many the record's identifiers name, at most 255; 0 where it has none."""
    catalogue: int = 0
    """The database the record is an entry of, hashed; 0 for a report and wherever that is not said."""
    entry: int = 0
    """What that database calls the entry, hashed; 0 where it is not said."""

    def has_locus(self) -> bool:
        """Whether the record says where: a function, file, parameter or version."""
        kinds = self.terms >> np.uint64(KIND_SHIFT)
        return bool(np.isin(kinds, (Kind.CODE, Kind.VERSION, Kind.FRAME)).any())

    def to_bytes(self) -> bytes:
        """The stored form: about nine bytes a term."""
        head = _HEAD.pack(FORMAT, min(self.vulnerabilities, 255), len(self.terms), min(self.title_words, 65535),
                          min(self.text_words, 65535), self.days, *self.metrics, self.catalogue, self.entry)
        return head + self.terms.astype("<u8").tobytes() + self.marks.tobytes()

    @staticmethod
    def from_bytes(stored: bytes) -> "Signature":
        """The signature of its stored form, without copying the terms."""
        if stored[0] != FORMAT:
            raise ValueError(f"signature format {stored[0]}, expected {FORMAT}: sign the records again")
        _, vulnerabilities, count, title_words, text_words, days, *metrics, catalogue, entry = _HEAD.unpack_from(stored)
        terms = np.frombuffer(stored, "<u8", count, _HEAD.size)
        marks = np.frombuffer(stored, np.uint8, count, _HEAD.size + 8 * count)
        return Signature(terms, marks, days, tuple(metrics), title_words, text_words, vulnerabilities, catalogue, entry)


class Signer:
    """Signs findings under one key; keeps what it hashed, so that many cost little more than few."""

    def __init__(self, key: bytes) -> None:
        """Take the instance's secret for terms, 16 to 64 bytes."""
        if not 16 <= len(key) <= 64:
            raise ValueError("the key for terms must have 16 to 64 bytes")
        self._keyed = hashlib.blake2b(key=key, digest_size=8, person=b"deconfl-term")
        self._vocabulary = Vocabulary(self.term)

    def term(self, kind: Kind, text: str) -> int:
        """The number of one term."""
        mac = self._keyed.copy()
        mac.update(bytes((kind,)) + text.encode("utf-8", "replace"))
        return (int.from_bytes(mac.digest(), "little") & ((1 << KIND_SHIFT) - 1)) | kind << KIND_SHIFT

    def sign(self, finding: Finding) -> Signature:
        """The signature of a finding."""
        found = terms_of(finding, self._vocabulary)
        count = len(found.marks)
        terms = np.fromiter(found.marks.keys(), np.uint64, count)
        marks = np.fromiter(found.marks.values(), np.uint8, count)
        order = np.argsort(terms)
        return Signature(terms[order], marks[order], _days(finding.published_at), _metrics(finding),
                         found.title_words, found.text_words, found.vulnerabilities, *self._catalogue(finding))

    def _catalogue(self, finding: Finding) -> tuple[int, int]:
        """The database a finding is an entry of and the entry's name there, hashed; a public identifier of its own names both."""
        name, entry = finding.catalogue.strip().lower(), finding.entry.strip().upper()
        if not name:
            owned = sorted(one.value.upper() for one in finding.identifiers if one.role is IdentifierRole.OWN)
            entry = next((value for value in owned if value.split("-", 1)[0] in _CATALOGUES), "")
            name = entry.split("-", 1)[0].lower()
        if not name:
            return 0, 0
        return self.term(Kind.RELATED, "catalogue " + name), self.term(Kind.RELATED, f"entry {name} {entry}") if entry else 0


def sign(finding: Finding, key: bytes) -> Signature:
    """The signature of one finding; for many under one key keep a `Signer`."""
    return Signer(key).sign(finding)


def _days(instant: datetime | None) -> int:
    return -1 if instant is None else max(-1, (instant - _EPOCH).days)


def _metrics(finding: Finding) -> tuple[int, ...]:
    """Metrics of the first CVSS vector; version 4's vulnerable-system impacts stand for C, I and A."""
    found = [-1] * METRICS
    for claim in finding.severities:
        for name, value in _VECTOR.findall(claim.vector[:200].upper()):
            place = _METRIC_NAMES.get(_VECTOR_4.get(name, name))
            if place is not None and value[0] in _METRIC_VALUES:
                found[place] = _METRIC_VALUES[value[0]]
        if max(found) >= 0:
            break
    return tuple(found)


__all__ = ["FORMAT", "Kind", "Mark", "Signature", "Signer", "sign"]
