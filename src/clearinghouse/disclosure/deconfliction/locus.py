"""The locus rule: two reports that point at the same function for the same kind of weakness.

Beside the learned model, like identifiers, because the corpus it learns from has next to no structured places,
while what scanners, fuzzers and agents send has little else. Only places a report *points at* count (its locations,
a short list of symbols, the first telling frame of a crash); a function merely mentioned in prose agrees by
chance half the time, which was measured and is why prose is left out.

The rule needs the function, no product that contradicts, and no kind of weakness that contradicts. It adds to the
model's probability as independent evidence would, and is worth `locus_probability` of the policy: what equal top
frame and crash type were worth where that was measured (pair precision .83).
"""

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from clearinghouse.core.crash import normalise_function, significant_frames
from clearinghouse.disclosure.deconfliction.identifiers import Edges
from clearinghouse.disclosure.deconfliction.packing import F32
from clearinghouse.disclosure.deconfliction.signature import Signature, Signer
from clearinghouse.disclosure.deconfliction.terms import Kind
from clearinghouse.disclosure.intake.records import Finding

GROUP_MAX = 400
"""A function that more reports point at is a crossroads, not a flaw."""
_POINTED_MAX = 3
"""A report that points at more functions than this points at none."""
_LAST = re.compile(r"[^:.#/>-]+$")
_KIND = np.uint64(60)


def functions_of(finding: Finding) -> tuple[str, ...]:
    """The functions a finding points at, normalised; none where it points at many."""
    named = [location.symbol for location in finding.locations if location.symbol]
    symbols = list(dict.fromkeys([*named, *finding.symbols]))
    found = {_last(normalise_function(symbol)) for symbol in symbols} if len(symbols) <= _POINTED_MAX else set()
    if finding.crash is not None:
        frames = finding.crash.frames
        found |= {_last(name) for name in significant_frames([f.function for f in frames], [f.path for f in frames], 1)}
    return tuple(sorted(name for name in found if len(name) >= 4))[: _POINTED_MAX + 1]


def sign_locus(finding: Finding, signer: Signer) -> bytes:
    """The functions a finding points at as keyed hashes, eight bytes each."""
    return np.array([signer.term(Kind.FRAME, "points at " + name) for name in functions_of(finding)], "<u8").tobytes()


def read_locus(stored: bytes | None) -> NDArray[np.uint64]:
    """The hashes `sign_locus` made."""
    return np.frombuffer(stored or b"", "<u8")


def agree(one: Signature, other: Signature) -> bool:
    """Whether nothing the two say of product and weakness contradicts one flaw."""
    for kind in (Kind.NAME, Kind.WEAKNESS):
        ours, theirs = _of(one, kind), _of(other, kind)
        if len(ours) and len(theirs) and not len(np.intersect1d(ours, theirs, assume_unique=True)):
            return False
    return True


def add(probability: float, locus_probability: float) -> float:
    """A probability with the locus rule added to it."""
    return 1.0 - (1.0 - probability) * (1.0 - locus_probability)


def with_locus(
    edges: Edges, signatures: Sequence[Signature], loci: Sequence[NDArray[np.uint64]], locus_probability: float
) -> tuple[Edges, frozenset[tuple[int, int]]]:
    """The model's edges with the rule added, and the pairs it spoke for.

    Args:
        signatures, loci: by place, the same places that the edges name.
    """
    owners: dict[int, list[int]] = {}
    for place, hashes in enumerate(loci):
        for hashed in hashes.tolist():
            owners.setdefault(hashed, []).append(place)
    pairs = sorted({
        (one, other)
        for group in owners.values() if 1 < len(group) <= GROUP_MAX
        for position, one in enumerate(group) for other in group[position + 1 :]
        if agree(signatures[one], signatures[other])
    })
    if not pairs:
        return edges, frozenset()
    records = len(signatures)
    spoken = np.array([one * records + other for one, other in pairs], np.int64)
    known = edges.a.astype(np.int64) * records + edges.b
    keys = np.union1d(known, spoken)
    probabilities = np.zeros(len(keys), np.float64)
    probabilities[np.searchsorted(keys, known)] = edges.probabilities
    at = np.searchsorted(keys, spoken)
    probabilities[at] = 1.0 - (1.0 - probabilities[at]) * (1.0 - locus_probability)
    a, b = (keys // records).astype(np.int32), (keys % records).astype(np.int32)
    return Edges(a, b, _f32(probabilities)), frozenset(pairs)


def _f32(values: NDArray[np.float64]) -> F32:
    return values.astype(np.float32)


def _of(signature: Signature, kind: Kind) -> NDArray[np.uint64]:
    chosen: NDArray[np.uint64] = signature.terms[(signature.terms >> _KIND) == kind]
    return chosen


def _last(name: str) -> str:
    found = _LAST.search(name.strip())
    return found[0].lower() if found else ""


__all__ = ["GROUP_MAX", "add", "agree", "functions_of", "read_locus", "sign_locus", "with_locus"]
