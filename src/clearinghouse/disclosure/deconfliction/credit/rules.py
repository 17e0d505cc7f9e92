"""Who was first, who found it independently, who came later: decided by instants and by what a finder could have known.

1. What counts is the instant of receipt, or that of an earlier commitment which opened to the report.
2. The oldest claim that stands is the first. The same instant is a tie, and said to be one: order of arrival decides nothing.
3. A later claim is independent unless, before its instant, its own organisation had reported the flaw, an earlier report came over
   one chain of relays with it, said the same word for word, a public record was held, or its organisation took part in the case.
4. What was withdrawn keeps its instant. Whether others depend on it is asked all the same, for it was there to be known.

A submission has one sender, so that two reports of one submission are of one organisation.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import groupby

from clearinghouse.disclosure.deconfliction.credit.records import Claim, Corroboration, Credit, Dependence, Place

WHY = {
    Dependence.SAME_SENDER: "the same organisation had reported it before",
    Dependence.SAME_CHAIN: "it came over the same chain of relays as an earlier one",
    Dependence.SAME_CLAIM: "it says the same as an earlier one, word for word",
    Dependence.PUBLIC: "a public record of the flaw was held by then",
    Dependence.TOOK_PART: "its organisation took part in the case by then",
}
"""For people."""


def credit_order(claims: Iterable[Claim], public_at: datetime | None = None) -> tuple[Credit, ...]:
    """The claims in order of credit, oldest first, ties by id; a function of the set of claims.

    Args:
        public_at: when the first public record of the flaw came to be held; None where there is none.
    """
    ordered = sorted(claims, key=lambda claim: (claim.since, claim.report))
    houses: set[str] = set()
    digests: set[str] = set()
    chains: set[str] = set()
    found: list[Credit] = []
    standing_before = False
    for since, same in groupby(ordered, key=lambda claim: claim.since):
        group = list(same)
        standing = [claim for claim in group if not claim.withdrawn]
        for claim in group:
            tied = not claim.withdrawn and len(standing) > 1
            if claim.withdrawn:
                found.append(Credit(claim, Place.WITHDRAWN))
            elif not standing_before:
                found.append(Credit(claim, Place.FIRST, tied))
            else:
                asked = (
                    (Dependence.SAME_SENDER, claim.house in houses), (Dependence.SAME_CHAIN, not chains.isdisjoint(claim.chain)),
                    (Dependence.SAME_CLAIM, bool(claim.digest) and claim.digest in digests),
                    (Dependence.PUBLIC, public_at is not None and public_at < since),
                    (Dependence.TOOK_PART, claim.told_at is not None and claim.told_at < since),
                )
                because = tuple(reason for reason, holds in asked if holds)
                found.append(Credit(claim, Place.LATER if because else Place.INDEPENDENT, tied, because))
        standing_before = standing_before or bool(standing)
        houses.update(claim.house for claim in group)
        digests.update(claim.digest for claim in group if claim.digest)
        for claim in group:
            chains |= claim.chain
    return tuple(found)


def corroborate(order: Sequence[Credit]) -> Corroboration | None:
    """Who found the flaw each without the others; None unless at least two organisations did.

    Args:
        order: as `credit_order` gives it.
    """
    houses: set[str] = set()
    loners: set[str] = set()
    counted: list[Claim] = []
    for credit in order:
        claim = credit.claim
        if credit.place not in (Place.FIRST, Place.INDEPENDENT) or any(_depends(claim, other) for other in counted):
            continue
        counted.append(claim)
        (loners if claim.organisation is None else houses).add(claim.house)
    told = [claim.since for claim in counted if claim.organisation is not None]
    return None if len(houses) < 2 else Corroboration(len(houses), len(loners), min(told), max(told))


def known_since(own: Claim, others: Iterable[Claim]) -> datetime | None:
    """The instant that a finder is told its flaw was known at: of the oldest claim before its own that stands; None where it is the oldest.

    Nothing else of the others goes into it (decision 2).
    """
    before = [claim.since for claim in others if not claim.withdrawn and claim.report != own.report and claim.since < own.since]
    return min(before, default=None)


def _depends(claim: Claim, other: Claim) -> bool:
    """Of two that were counted at one instant, whether one may be the other's copy."""
    return claim.house == other.house or not claim.chain.isdisjoint(other.chain) or bool(claim.digest and claim.digest == other.digest)
