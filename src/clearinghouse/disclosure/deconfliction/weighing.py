"""What the traces of two reports amount to: rules with stated worth, beside the learned model (ADR 9).

Evidence comes in three groups - where the flaw is, what fixes it, what a tool calls it. Within a group only the strongest
counts, because a function, its file and its stack are one observation; groups add to each other and to the model as
independent evidence would. What each is worth is policy (`[evidence]`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log

import numpy as np
from numpy.typing import NDArray

from clearinghouse.core.policy import DeconflictionThresholds, EvidenceWorth
from clearinghouse.core.stacks import stack_similarity
from clearinghouse.disclosure.deconfliction.identifiers import Edges
from clearinghouse.disclosure.deconfliction.locus import GROUP_MAX, agree
from clearinghouse.disclosure.deconfliction.records import LINKS, Evidence, Kinship
from clearinghouse.disclosure.deconfliction.signature import Signature
from clearinghouse.disclosure.deconfliction.traces import Traces, indexed, read_traces

LINKED_PROBABILITY = 0.05
"""What is left where one report itself says that it follows from the other: below asking and joining, above nothing."""
COPY_RANKING = 0.009
"""Where a copy in another product stands among the candidates shown: too weak an edge to count for clusters."""
_TAILS_MIN = 2
_SURE = 1e-6


@dataclass(frozen=True, slots=True)
class Spoken:
    """What the rules say of one pair."""

    evidence: tuple[Evidence, ...] = ()
    """Of each group the strongest, with its worth as log-odds."""
    left: float = 1.0
    """What is left of the doubt: the product of one minus each worth."""
    place: bool = False
    """Whether both say where the flaw is, and it is the same place."""
    kinship: Kinship | None = None
    """Set where one report names the other as another flaw, or where the same code stands in another product."""
    most: float = 1.0
    """What the probability is at most."""

    def add_to(self, probability: float) -> float:
        """A probability with this said besides."""
        if self.kinship is Kinship.COPY:
            return max(probability, COPY_RANKING)
        return min(1.0 - (1.0 - probability) * self.left, self.most)


SILENT = Spoken()


def weigh(ours: Traces, theirs: Traces, one: Signature, other: Signature, thresholds: DeconflictionThresholds) -> Spoken:
    """What two reports have in common exactly; `SILENT` where nothing.

    The order of the two does not matter.
    """
    kinship = _link(ours, theirs)
    if kinship is not None and kinship is not Kinship.NAMED_APART:
        return Spoken(kinship=kinship, most=LINKED_PROBABILITY)
    allied = bool(ours.family & theirs.family) or not ours.family or not theirs.family
    products: bool | None = None
    found: list[Evidence] = []
    worth = thresholds.evidence
    if allied and _same_content(ours, theirs):
        found.append(_said("content", "place: the same function or line of a file with the very same content", worth.content_probability))
    place = _same_place(ours, theirs)
    where = _where(ours, theirs, allied, place, thresholds)
    if where is not None:
        products = agree(one, other)
        if products:
            found.append(where)
    strongest = max(found, key=_contribution, default=None)
    said = [] if strongest is None else [strongest]
    fix = _fix(ours, theirs, thresholds)
    if fix is None and allied and _touches(ours, theirs):
        products = agree(one, other) if products is None else products
        if products:
            fix = _said("fix", "fix: a patch changes the function that the other report points at or changes", worth.touched_probability)
    if fix is not None:
        said.append(fix)
    if not ours.fingerprints.isdisjoint(theirs.fingerprints):
        products = agree(one, other) if products is None else products
        if products:
            said.append(_said("fingerprint", "fingerprint: the same tool and rule gave both the same, and it varies between results",
                              worth.fingerprint_probability))
    if not said and kinship is not None:
        return Spoken(kinship=kinship, most=LINKED_PROBABILITY)
    if not said:
        copied = place and bool(ours.family & theirs.family) and products is False
        return Spoken(kinship=Kinship.COPY) if copied else SILENT
    # Whoever says that theirs is another flaw, and shows the same place or fix, is asked about and not joined.
    most = 1.0 if kinship is None else (thresholds.ask_probability_min + thresholds.cluster_probability_min) / 2
    left = 1.0
    for entry in said:
        left *= 1.0 / (1.0 + exp(entry.contribution))
    return Spoken(tuple(said), left, strongest is not None and strongest.contribution > 0, kinship, most)


def with_traces(
    edges: Edges, signatures: Sequence[Signature], rows: Sequence[NDArray[np.uint64]], thresholds: DeconflictionThresholds
) -> tuple[Edges, dict[tuple[int, int], Spoken]]:
    """The model's edges with what the rules say added, and what they said of which pair.

    Args:
        signatures, rows: by place, the same places that the edges name; rows as `traces.sign_traces` made them.
    """
    owners: dict[int, list[int]] = {}
    for place, row in enumerate(rows):
        for hashed in indexed(row).tolist():
            owners.setdefault(hashed, []).append(place)
    crowds = [group for group in owners.values() if 1 < len(group) <= GROUP_MAX]
    members = sorted({place for group in crowds for place in group})
    read = {place: read_traces(rows[place]) for place in members}
    spoken: dict[tuple[int, int], Spoken] = {}
    for pair in sorted({(one, other) for group in crowds for at, one in enumerate(group) for other in group[at + 1 :]}):
        one, other = pair
        said = weigh(read[one], read[other], signatures[one], signatures[other], thresholds)
        if said is not SILENT:
            spoken[pair] = said
    if not spoken:
        return edges, spoken
    records = len(signatures)
    named = np.array([one * records + other for one, other in spoken], np.int64)
    known = edges.a.astype(np.int64) * records + edges.b
    keys = np.union1d(known, named)
    probabilities = np.zeros(len(keys), np.float64)
    probabilities[np.searchsorted(keys, known)] = edges.probabilities
    at = np.searchsorted(keys, named)
    probabilities[at] = [said.add_to(float(value)) for said, value in zip(spoken.values(), probabilities[at], strict=True)]
    a, b = (keys // records).astype(np.int32), (keys % records).astype(np.int32)
    return Edges(a, b, probabilities.astype(np.float32)), spoken


def _where(ours: Traces, theirs: Traces, allied: bool, place: bool, thresholds: DeconflictionThresholds) -> Evidence | None:
    """What stacks, files and functions say of where; stacks have the word where both reports have one."""
    worth = thresholds.evidence
    if ours.frames and theirs.frames:
        return _stacks(ours, theirs, worth)
    if not allied:
        return None
    if place:
        return _said("place", "place: both point at the same function of the same file", worth.place_probability)
    if not ours.functions.isdisjoint(theirs.functions):
        return _said("locus", "place: both point at the same function, for the same kind of weakness", thresholds.locus_probability)
    return None


def _stacks(ours: Traces, theirs: Traces, worth: EvidenceWorth) -> Evidence | None:
    kinds_differ = bool(ours.crash_kind and theirs.crash_kind and ours.crash_kind != theirs.crash_kind)
    differ = kinds_differ or ours.access | theirs.access == 3
    first = ours.frames[0] == theirs.frames[0]
    if ours.frames == theirs.frames and ours.crash_kind and not differ and len(ours.frames) >= worth.stack_frames_min:
        if ours.top_line and ours.top_line == theirs.top_line:
            wording = "stack: the same kind of crash, all telling frames and the line of the innermost"
            return _said("stack", wording, worth.stack_exact_probability)
        return _said("stack", "stack: the same kind of crash and all telling frames", worth.stack_same_probability)
    alike = stack_similarity(ours.frames, theirs.frames, ours.project, theirs.project)
    # Of one frame alone it must be the first: further out it is what drives the program.
    if alike >= worth.stack_similarity_min and (first or min(len(ours.frames), len(theirs.frames)) > 1):
        if differ:
            return _said("stack", "stack: most of the telling frames, and another kind of crash or access", worth.stack_apart_probability, alike)
        return _said("stack", "stack: most of the telling frames, the inner ones above all", worth.stack_alike_probability, alike)
    if first:
        return _said("stack", "stack: the same innermost frame, reached on other ways", worth.stack_apart_probability, alike)
    return None


def _same_content(ours: Traces, theirs: Traces) -> bool:
    return not (
        ours.contents.isdisjoint(theirs.contents) and ours.contents.isdisjoint(theirs.changed) and theirs.contents.isdisjoint(ours.changed)
    )


def _same_place(ours: Traces, theirs: Traces) -> bool:
    """Whether both name a function in a file whose paths end alike: to the end of the shorter one, or in two parts."""
    for hashed, (our_depth, part) in ours.places.items():
        if hashed in theirs.places and part >= min(our_depth, theirs.places[hashed][0], _TAILS_MIN):
            return True
    return False


def _fix(ours: Traces, theirs: Traces, thresholds: DeconflictionThresholds) -> Evidence | None:
    """What patches say. Forks and backports have other names, so products are not asked."""
    worth = thresholds.evidence
    if ours.patch and ours.patch == theirs.patch:
        if ours.one_hunk:
            return _said("fix", "fix: the same change of one stretch of code", worth.hunk_probability)
        return _said("fix", "fix: the same patch, which changes several stretches of code", worth.patch_probability)
    shared = ours.hunks & theirs.hunks
    if shared:
        part = len(shared) / min(len(ours.hunks), len(theirs.hunks))
        return _said("fix", "fix: the same lines are changed in the same way", worth.hunk_probability if part > 0.5 else worth.patch_probability, part)
    return None


def _touches(ours: Traces, theirs: Traces) -> bool:
    return not (
        ours.touched.isdisjoint(theirs.functions) and theirs.touched.isdisjoint(ours.functions) and ours.touched.isdisjoint(theirs.touched)
    )


def _link(ours: Traces, theirs: Traces) -> Kinship | None:
    """What one report says of the other by its name, where they do not bear a common one."""
    if not ours.named.isdisjoint(theirs.named):
        return None
    said = [ours.links[name] for name in theirs.named if name in ours.links]
    said += [theirs.links[name] for name in ours.named if name in theirs.links]
    return min(said, key=LINKS.index, default=None)


def _said(name: str, wording: str, probability: float, value: float = 1.0) -> Evidence:
    sure = min(max(probability, _SURE), 1.0 - _SURE)
    return Evidence(name, wording, round(value, 4), log(sure / (1.0 - sure)))


def _contribution(entry: Evidence) -> float:
    return entry.contribution
