"""From probabilities to words, and from people's decisions to bounds on the clusters.

The order of the rules for one pair:

1. One of the two names several vulnerabilities: `related` when they share a name, or when the words
   would have made it a candidate for a person; else `new`.
2. Two different CVE numbers: never `duplicate`; `variant` for the same product and kind of
   weakness, `related` when the model would have asked, else `new`.
3. One says of the other, by its name, that it follows from it, is used together with it, or is another flaw: `related`; where the
   last is said and the place or the fix is the same all the same, a person should look: `unsure`.
4. At or above `join_probability_min`: `duplicate`, unless one side gives no locus and nothing
   exact (commit, tracker entry, identifier) agrees: then `unsure`, because boilerplate resembles boilerplate.
5. At or above `ask_probability_min`: `unsure`.
6. Below, the same product and kind of weakness at a place that both name and that differs, or the same function of the same
   file in another product: `variant`.
7. Else `new`.

A finding's verdict is that of its best candidate, except that `new` yields to a `variant` or
`related` further down.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations, product

from clearinghouse.core.policy import DeconflictionThresholds
from clearinghouse.disclosure.deconfliction.records import LINKS, Candidate, DecisionKind, Kinship, Verdict

SAME_NAME_MIN = 0.6
"""Part of the product names, by rarity, that must agree for "the same product"."""
OTHER_PLACE_MAX = 0.05
"""Part of the code terms that may agree for "another place"."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """What of a pair the rules look at, apart from its probability."""

    same_identifier: bool | None = None
    """False: two different CVE numbers; None: identifiers do not say."""
    shares_name: bool = False
    """Whether any identifier is common to both, umbrellas included."""
    umbrella: bool = False
    """Whether either record names several vulnerabilities."""
    product: float = -1.0
    """Part of the product names that agree, -1 where one names none."""
    weakness: float = -1.0
    """Part of the weakness classes that agree, -1 where one names none."""
    place: float = -1.0
    """Part of functions, files and parameters that agree, -1 where one names none."""
    exact: bool = False
    """Whether a commit, issue or report agrees."""
    locus: bool = True
    """Whether both say where: a function, file, parameter or version."""
    kinship: Kinship | None = None
    """What one report says of the other by its name, or that the same code stands in another product."""


def relation(probability: float, agreement: Agreement, thresholds: DeconflictionThresholds) -> Verdict:
    """What one pair amounts to, by the rules above."""
    asks = probability >= thresholds.ask_probability_min
    sibling = agreement.product >= SAME_NAME_MIN and agreement.weakness > 0
    if agreement.umbrella:
        return Verdict.RELATED if agreement.shares_name or asks else Verdict.NEW
    if agreement.same_identifier is False:
        return Verdict.VARIANT if sibling else Verdict.RELATED if asks else Verdict.NEW
    if agreement.kinship in LINKS and agreement.same_identifier is None:
        return Verdict.UNSURE if agreement.kinship is Kinship.NAMED_APART and asks else Verdict.RELATED
    if probability >= thresholds.join_probability_min:
        sure = agreement.locus or agreement.exact or agreement.same_identifier is True
        return Verdict.DUPLICATE if sure else Verdict.UNSURE
    if asks:
        return Verdict.UNSURE
    if agreement.kinship is Kinship.COPY or (sibling and 0 <= agreement.place <= OTHER_PLACE_MAX):
        return Verdict.VARIANT
    return Verdict.NEW


def kinship(verdict: Verdict, agreement: Agreement) -> Kinship | None:
    """Why a pair is related or a variant, or what one says of the other where a person should look; None for every other verdict."""
    if verdict is Verdict.UNSURE and agreement.kinship in LINKS:
        return agreement.kinship
    if verdict is Verdict.RELATED:
        if agreement.umbrella:
            return Kinship.UMBRELLA
        return agreement.kinship if agreement.kinship in LINKS else Kinship.OTHER_NUMBER
    if verdict is not Verdict.VARIANT:
        return None
    if agreement.kinship is Kinship.COPY:
        return Kinship.COPY
    return Kinship.SAME_FIX if agreement.exact else Kinship.ELSEWHERE


def verdict(candidates: Sequence[Candidate]) -> Verdict:
    """What a finding amounts to, from its candidates, best first."""
    found = [candidate.relation for candidate in candidates]
    for word in (Verdict.DUPLICATE, Verdict.UNSURE, Verdict.VARIANT, Verdict.RELATED):
        if word in found:
            return word
    return Verdict.NEW


def bounds(
    decisions: Iterable[tuple[DecisionKind, Sequence[Sequence[int]]]],
) -> tuple[set[tuple[int, int]], set[tuple[int, int]]]:
    """Pairs that decisions, oldest first, join and hold apart; the last word on a pair counts."""
    must: set[tuple[int, int]] = set()
    cannot: set[tuple[int, int]] = set()
    for kind, groups in decisions:
        if kind is DecisionKind.MERGE:
            members = sorted({one for group in groups for one in group})
            pairs = set(combinations(members, 2))
            must |= pairs
            cannot -= pairs
            continue
        apart = {
            (min(one, other), max(one, other))
            for left, right in combinations(groups, 2)
            for one, other in product(left, right)
            if one != other
        }
        cannot |= apart
        must -= apart
    return must, cannot
