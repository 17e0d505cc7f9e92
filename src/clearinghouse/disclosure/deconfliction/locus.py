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
from clearinghouse.disclosure.deconfliction.terms import Mark
from clearinghouse.disclosure.deconfliction.tokens import Kind
from clearinghouse.disclosure.deconfliction.weaknesses import class_of_cwe
from clearinghouse.disclosure.intake.records import Finding

GROUP_MAX = 400
"""A function that more reports point at is a crossroads, not a flaw."""
_POINTED_MAX = 3
"""A report that points at more functions than this points at none."""
_FAMILIES = {
    # What goes wrong in memory is named by whoever saw it: the overflow, the crash, the hang or the leak that follows.
    1: ("overflow", "memory", "overread", "bounds", "uaf", "integer", "nullptr", "uninit", "typeconf", "zerodiv", "assert", "loop",
        "resource", "dos", "race", "leak", "format", "rce"),
    2: ("xss", "sqli", "command", "code", "injection", "crlf", "csv", "deserial", "prototype", "rce", "redos"),
    4: ("traversal", "link", "upload", "searchpath"),
    8: ("auth", "authz", "csrf", "session", "credential", "privesc", "brute", "clickjack"),
    16: ("ssrf", "xxe", "redirect", "smuggling", "origin", "cache"),
    32: ("clear", "cert", "signature", "mitm", "spoof", "timing", "random", "leak"),
}
"""Coarse families of weakness, one bit each; two reports contradict each other only when both name one and share none."""
_FAMILY_BITS = np.uint64(0xFF)
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


def family_of(finding: Finding) -> int:
    """The families of weakness a finding names by CWE number or by crashing; 0 where it names none."""
    classes = {
        known for weakness in finding.weaknesses
        if weakness.removeprefix("CWE-").isdigit() and (known := class_of_cwe(int(weakness.removeprefix("CWE-")))) is not None
    }
    crash = 1 if finding.crash is not None else 0
    return crash | sum(bit for bit, names in _FAMILIES.items() if classes & set(names) and bit != crash)


def sign_locus(finding: Finding, signer: Signer) -> bytes:
    """The functions a finding points at as keyed hashes, eight bytes each; the lowest byte holds the family bits."""
    family = family_of(finding)
    hashes = [signer.term(Kind.FRAME, "points at " + name) & ~0xFF | family for name in functions_of(finding)]
    return np.array(hashes, "<u8").tobytes()


def index_locus(locus: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The hashes without the family bits: what the inverted index holds."""
    return locus & ~_FAMILY_BITS


def point_alike(ours: NDArray[np.uint64], theirs: NDArray[np.uint64]) -> bool:
    """Whether two lists name a common function, with families of weakness that do not contradict each other."""
    for one in ours.tolist():
        for other in theirs.tolist():
            if one >> 8 == other >> 8 and (one & other & 0xFF or not one & 0xFF or not other & 0xFF):
                return True
    return False


def read_locus(stored: bytes | None) -> NDArray[np.uint64]:
    """The hashes `sign_locus` made."""
    return np.frombuffer(stored or b"", "<u8")


def agree(one: Signature, other: Signature) -> bool:
    """Whether the products two reports name do not contradict each other: a common one, or one names none."""
    ours, theirs = _names(one), _names(other)
    return not len(ours) or not len(theirs) or bool(len(np.intersect1d(ours, theirs, assume_unique=True)))


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
        for hashed in index_locus(hashes).tolist():
            owners.setdefault(hashed, []).append(place)
    pairs = sorted({
        (one, other)
        for group in owners.values() if 1 < len(group) <= GROUP_MAX
        for position, one in enumerate(group) for other in group[position + 1 :]
        if point_alike(loci[one], loci[other]) and agree(signatures[one], signatures[other])
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


def _names(signature: Signature) -> NDArray[np.uint64]:
    chosen: NDArray[np.uint64] = signature.terms[((signature.terms >> _KIND) == Kind.NAME) & (signature.marks & Mark.NAME > 0)]
    return chosen


def _last(name: str) -> str:
    found = _LAST.search(name.strip())
    return found[0].lower() if found else ""
