"""Evidence in words and numbers: what the model's contributions amount to, family by family."""

import numpy as np
from numpy.typing import NDArray

from clearinghouse.disclosure.deconfliction.context import ALL_FEATURES
from clearinghouse.disclosure.deconfliction.correction import FEATURES_USED
from clearinghouse.disclosure.deconfliction.features import FAMILIES
from clearinghouse.disclosure.deconfliction.packing import F32
from clearinghouse.disclosure.deconfliction.records import Evidence, Kinship
from clearinghouse.disclosure.deconfliction.rules import Agreement

_COLUMN = {name: place for place, name in enumerate(ALL_FEATURES)}
_TELLING = {
    "words": "cosine", "title": "title_in_record_most", "lead": "lead_in_record_most", "product": "name_word_in_record_most",
    "code": "code_most", "version": "version_most", "commit": "commit_most", "tracker": "tracker_most", "link": "link_most",
    "repository": "repository_most", "weakness": "weakness_most", "phrase": "phrase_most", "rare": "rarest_shared",
}
"""The feature whose value is shown for a family."""
_SILENT = 0.05
"""Contributions below are not worth a line."""
FAMILY_OF = tuple(feature.family for feature in ALL_FEATURES.values())


_RULED = (
    "name_word_in_record_most", "name_most", "weakness_most", "weakness_least", "code_most", "code_least", "commit_mass", "tracker_mass",
)
TOLD = tuple(dict.fromkeys((*_RULED, *FEATURES_USED)))
"""What rules and corrections read of a row of features: a settling keeps no more of the rows it judged."""
_TOLD_COLUMNS = [_COLUMN[name] for name in TOLD]


def value(row: F32, feature: str) -> float:
    """One feature of a row."""
    return float(row[_COLUMN[feature]])


def told(rows: F32) -> F32:
    """Of rows of features the columns `TOLD`."""
    return rows[:, _TOLD_COLUMNS]


def widened(kept: F32) -> F32:
    """Rows of all features of which those that `told` keeps are there, the others 0."""
    found = np.zeros((len(kept), len(ALL_FEATURES)), np.float32)
    found[:, _TOLD_COLUMNS] = kept
    return found


def agreement(
    row: F32, *, same_identifier: bool | None, shares_name: bool, umbrella: bool, locus: bool, kinship: Kinship | None = None
) -> Agreement:
    """What the rules look at, from a row of `told`."""
    known = dict(zip(TOLD, row.tolist(), strict=True))
    return Agreement(
        same_identifier, shares_name, umbrella,
        product=max(known["name_word_in_record_most"], known["name_most"]),
        weakness=known["weakness_most"] if known["weakness_least"] >= 0 else -1.0,
        place=known["code_most"] if known["code_least"] >= 0 else -1.0,
        exact=known["commit_mass"] > 0 or known["tracker_mass"] > 0,
        locus=locus, kinship=kinship,
    )


def evidence(row: F32, contributions: NDArray[np.float64]) -> tuple[Evidence, ...]:
    """The families that counted, strongest first.

    The first stage's own log-odds are one of the second's features; what they contributed is spread over
    the families in proportion to what each contributed besides, because "the first stage thought so" explains nothing.
    """
    sums = dict.fromkeys(FAMILIES, 0.0)
    carried = 0.0
    for of, amount in zip(FAMILY_OF, contributions.tolist(), strict=True):
        if of in sums:
            sums[of] += amount
        else:
            carried += amount
    same_sign = sum(amount for amount in sums.values() if amount * carried > 0)
    if same_sign:
        sums = {name: amount * (1 + carried / same_sign) if amount * carried > 0 else amount for name, amount in sums.items()}
    found = []
    for name, amount in sorted(sums.items(), key=lambda item: (-abs(item[1]), item[0])):
        telling = _TELLING.get(name)
        shown = value(row, telling) if telling is not None else None
        if abs(amount) < _SILENT:
            continue
        family = FAMILIES[name]
        wording = family.agrees if amount > 0 else family.differs
        if shown is not None and amount < 0 and shown >= 0.5:
            wording = "shared, yet less than the same flaw would share"
        elif shown is not None and amount > 0 and 0 <= shown < 0.1:
            wording = "little in common, which the rest outweighs"
        found.append(Evidence(name, f"{family.topic}: {wording}",
                              shown if shown is not None and shown >= 0 else None, round(amount, 3)))
    return tuple(found)


