"""Severity as others state it: CVSS vectors read and recomputed, never trusted as published.

Nearly one in a hundred published base scores does not follow from its vector.
"""

import re
from enum import StrEnum

from cvss import CVSS2, CVSS3, CVSS4
from cvss.exceptions import CVSSError


class Band(StrEnum):
    """The qualitative rating of a score, in order (FIRST, CVSS v3.1 section 5, v4.0 section 6)."""

    NONE = "none"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


_LABELS = {
    "none": Band.NONE, "informational": Band.NONE, "info": Band.NONE, "note": Band.NONE, "negligible": Band.LOW, "low": Band.LOW,
    "minor": Band.LOW, "moderate": Band.MEDIUM, "medium": Band.MEDIUM, "warning": Band.MEDIUM, "important": Band.HIGH, "major": Band.HIGH,
    "high": Band.HIGH, "error": Band.HIGH, "severe": Band.HIGH, "critical": Band.CRITICAL, "blocker": Band.CRITICAL,
}
_STARTS = ((9.0, Band.CRITICAL), (7.0, Band.HIGH), (4.0, Band.MEDIUM), (0.1, Band.LOW))

_START = re.compile(r"CVSS:(3\.0|3\.1|4\.0)/", re.IGNORECASE)
_IN_TEXT = re.compile(r"CVSS:(?:3\.[01]|4\.0)(?:/[A-Z]{1,3}:[A-Z]{1,2}){5,40}")


def scheme_of(untrusted_vector: str) -> str:
    """`CVSS:3.1` and the like, from how a vector begins; version 2 vectors have no mark of their own."""
    found = _START.match(untrusted_vector.strip())
    return f"CVSS:{found[1]}" if found else "CVSS:2.0"


def band_of(score: float) -> Band:
    """The rating of a score from 0 to 10."""
    return next((band for start, band in _STARTS if score >= start), Band.NONE)


def parse_band(untrusted_label: str) -> Band | None:
    """The rating that a tool's or project's word stands for; None where it stands for none."""
    return _LABELS.get(untrusted_label.strip().lower())


def bands_apart(one: Band, other: Band) -> int:
    """How many steps lie between two ratings."""
    order = list(Band)
    return abs(order.index(one) - order.index(other))


def base_score(untrusted_vector: str) -> float | None:
    """The base score that follows from a vector (version 2.0, 3.0, 3.1 or 4.0); None where it is no vector.

    Source: FIRST, CVSS v2.0 to v4.0 specifications.
    """
    vector = untrusted_vector.strip().strip("()")
    try:
        match scheme_of(vector):
            case "CVSS:4.0":
                return float(CVSS4(vector).base_score)
            case "CVSS:3.0" | "CVSS:3.1":
                return float(CVSS3(vector).base_score)
            case _:
                return float(CVSS2(vector).base_score)
    except (CVSSError, KeyError, ValueError, ArithmeticError):
        return None


def possible_scores(untrusted_vector: str) -> frozenset[float]:
    """Every score a vector gives, base, temporal and environmental; empty where it is no vector."""
    vector = untrusted_vector.strip().strip("()")
    try:
        match scheme_of(vector):
            case "CVSS:4.0":
                scores = [CVSS4(vector).base_score]
            case "CVSS:3.0" | "CVSS:3.1":
                scores = list(CVSS3(vector).scores())
            case _:
                scores = list(CVSS2(vector).scores())
    except (CVSSError, KeyError, ValueError, ArithmeticError):
        return frozenset()
    return frozenset(float(score) for score in scores if score is not None)


def find_vectors(untrusted_text: str) -> tuple[str, ...]:
    """The CVSS 3 and 4 vectors a text holds, in order, each once."""
    return tuple(dict.fromkeys(_IN_TEXT.findall(untrusted_text)))
