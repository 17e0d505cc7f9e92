"""What public identifiers say, as rules outside the learned model.

The corpus the model learns from has its identifiers taken out, so it knows nothing of them. The rules,
on records that each name one vulnerability:

- one shared identifier: the same vulnerability, unless the next rule objects;
- two different CVE numbers: two vulnerabilities, whatever the words say.

A record that names several vulnerabilities joins nothing: one bulletin over forty flaws would weld
forty strangers together. It is `related` to each of them.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from clearinghouse.disclosure.deconfliction.packing import F32, I32, Pack
from clearinghouse.disclosure.deconfliction.signature import Signature
from clearinghouse.disclosure.deconfliction.terms import CVE_MARK
from clearinghouse.disclosure.deconfliction.tokens import Kind

SAME_PROBABILITY = 0.995
"""What a shared identifier is worth: databases do mistype them."""
GROUP_MAX = 64
"""An identifier that more records call their own names no single vulnerability."""


@dataclass(frozen=True, slots=True, eq=False)
class Edges:
    """Pairs of places with a probability each."""

    a: I32
    b: I32
    probabilities: F32


def numbers_of(signature: Signature) -> NDArray[np.uint64]:
    """The identifiers a record calls its own, hashed."""
    chosen: NDArray[np.uint64] = signature.terms[(signature.terms >> np.uint64(60)) == Kind.IDENTIFIER]
    return chosen


def cve_of(signature: Signature) -> int | None:
    """The CVE number of a record that names exactly one vulnerability, hashed."""
    chosen = ((signature.terms >> np.uint64(60)) == Kind.IDENTIFIER) & (signature.marks & CVE_MARK > 0)
    return int(signature.terms[chosen][0]) if signature.vulnerabilities == 1 and chosen.sum() == 1 else None


def compare(one: Signature, other: Signature) -> bool | None:
    """True: the same by identifier; False: different by CVE number; None: identifiers do not say."""
    if one.vulnerabilities != 1 or other.vulnerabilities != 1:
        return None
    ours, theirs = cve_of(one), cve_of(other)
    if ours is not None and theirs is not None:
        return ours == theirs
    return True if len(np.intersect1d(numbers_of(one), numbers_of(other))) else None


def share(one: Signature, other: Signature) -> bool:
    """Whether the two name a common vulnerability, umbrellas included."""
    if not one.vulnerabilities or not other.vulnerabilities:
        return False
    return bool(len(np.intersect1d(numbers_of(one), numbers_of(other))))


def labels(pack: Pack) -> I32:
    """For each record the place of its one CVE number in the vocabulary, -1 where it has none or several."""
    rows = pack.rows()
    chosen = (pack.kinds[pack.terms] == Kind.IDENTIFIER) & (pack.marks & CVE_MARK > 0) & (pack.vulnerabilities[rows] == 1)
    found = np.full(len(pack), -1, np.int32)
    found[rows[chosen]] = pack.terms[chosen]
    return found


def same_edges(pack: Pack, named: I32) -> Edges:
    """Every pair of records, each of one vulnerability, that share an identifier.

    Args:
        named: what `labels` says of the pack.
    """
    rows = pack.rows()
    chosen = np.flatnonzero((pack.kinds[pack.terms] == Kind.IDENTIFIER) & (pack.vulnerabilities[rows] == 1))
    chosen = chosen[(pack.counts[pack.terms[chosen]] > 1) & (pack.counts[pack.terms[chosen]] <= GROUP_MAX)]
    order = np.lexsort((rows[chosen], pack.terms[chosen]))
    terms, owners = pack.terms[chosen][order], rows[chosen][order].tolist()
    cuts = [0, *(np.flatnonzero(np.diff(terms)) + 1).tolist(), len(owners)]
    pairs = {
        (one, other)
        for begin, end in pairwise(cuts)
        for place, one in enumerate(owners[begin:end])
        for other in owners[begin + place + 1 : end]
        if named[one] < 0 or named[other] < 0 or named[one] == named[other]
    }
    both = np.array(sorted(pairs), np.int32).reshape(-1, 2)
    return Edges(both[:, 0], both[:, 1], np.full(len(both), SAME_PROBABILITY, np.float32))


def umbrella_pairs(pack: Pack, umbrella_identifiers_min: int) -> NDArray[np.int64]:
    """Pairs of which one names several vulnerabilities and the other one of them, as `a * len(pack) + b` with `a < b`, sorted."""
    rows, records = pack.rows(), len(pack)
    umbrella = pack.vulnerabilities >= umbrella_identifiers_min
    if not umbrella.any():
        return np.zeros(0, np.int64)
    chosen = np.flatnonzero(pack.kinds[pack.terms] == Kind.IDENTIFIER)
    chosen = chosen[(pack.counts[pack.terms[chosen]] > 1) & (pack.counts[pack.terms[chosen]] <= GROUP_MAX)]
    order = np.lexsort((rows[chosen], pack.terms[chosen]))
    terms, owners = pack.terms[chosen][order], rows[chosen][order].tolist()
    cuts = [0, *(np.flatnonzero(np.diff(terms)) + 1).tolist(), len(owners)]
    found = {
        one * records + other
        for begin, end in pairwise(cuts)
        for place, one in enumerate(owners[begin:end])
        for other in owners[begin + place + 1 : end]
        if umbrella[one] or umbrella[other]
    }
    return np.array(sorted(found), np.int64)


def with_identifiers(pack: Pack, edges: Edges, umbrella_identifiers_min: int) -> tuple[Edges, I32]:
    """The model's edges corrected by identifiers, and the labels that keep CVE numbers apart."""
    named = labels(pack)
    same = same_edges(pack, named)
    a, b = np.concatenate((same.a, edges.a)), np.concatenate((same.b, edges.b))
    values = np.concatenate((same.probabilities, edges.probabilities))
    _, first = np.unique(a.astype(np.int64) * len(pack) + b, return_index=True)  # the identifier's edge stands first
    a, b, values = a[first], b[first], values[first].copy()
    apart = (named[a] >= 0) & (named[b] >= 0) & (named[a] != named[b])
    umbrella = pack.vulnerabilities >= umbrella_identifiers_min
    values[apart | umbrella[a] | umbrella[b]] = 0.0
    return Edges(a, b, values), named
