"""Which decided pairs count, where two clusterings depart from each other, and what an unanswered proposal holds."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence

from clearinghouse.disclosure.deconfliction import rules
from clearinghouse.disclosure.deconfliction.learning.records import Difference, Proposal, ProposalKind
from clearinghouse.disclosure.deconfliction.records import DecisionKind

Word = tuple[DecisionKind, Sequence[Sequence[int]]]
"""A decision without its reason: what it says, and of which groups of report numbers."""


def countable(words: Iterable[Word], closed: Collection[int]) -> list[Word]:
    """The decisions that may be learned from: none that speaks of a closed report.

    Args:
        closed: numbers of the reports under embargo. A decision across that boundary is left out whole: what it says of
            its other reports was decided with the closed ones in view.
    """
    return [(kind, groups) for kind, groups in words if not any(number in closed for group in groups for number in group)]


def decided_pairs(words: Sequence[Word], pairs_max: int) -> dict[tuple[int, int], tuple[bool, int]]:
    """Pairs that decisions, oldest first, call the same (True) or hold apart, each with the place of its decision; the last word counts.

    Args:
        pairs_max: what one decision counts for at most, spread evenly over its pairs.
    """
    must, cannot = rules.bounds(words)
    found: dict[tuple[int, int], tuple[bool, int]] = {}
    for place, word in enumerate(words):
        joined, apart = rules.bounds([word])
        pairs = sorted(joined | apart)
        for at in range(min(pairs_max, len(pairs))):
            pair = pairs[at * len(pairs) // min(pairs_max, len(pairs))]
            # A later word may have turned this pair round, or taken it back.
            if pair in must or pair in cannot:
                found[pair] = (pair in must, place)
    return found


def differences(before: Mapping[int, int], after: Mapping[int, int], touched: Collection[int]) -> list[Difference]:
    """What of clusters that people have had their hands on would change from one clustering to the other.

    Args:
        before, after: from report number to cluster, over reports that stood before; others are newcomers and no difference.
        touched: numbers of reports that a person has decided about or taken into a case; each speaks for its whole cluster.
    """
    known = before.keys() & after.keys()
    old: dict[int, list[int]] = defaultdict(list)
    new: dict[int, list[int]] = defaultdict(list)
    for number in sorted(known):
        old[before[number]].append(number)
        new[after[number]].append(number)
    found: dict[tuple[tuple[int, ...], tuple[int, ...]], Difference] = {}
    for cluster in sorted({before[number] for number in touched if number in known}):
        members = old[cluster]
        pieces: dict[int, list[int]] = defaultdict(list)
        for number in members:
            pieces[after[number]].append(number)
        for label, piece in pieces.items():
            if piece[0] != members[0]:
                rest = tuple(number for number in members if after[number] != label)
                groups = (tuple(piece), rest)
                found[groups] = Difference(ProposalKind.PART, groups)
            for other in sorted({before[number] for number in new[label]} - {cluster}):
                first, second = sorted((tuple(members), tuple(old[other])))
                found[first, second] = Difference(ProposalKind.JOIN, (first, second))
    return [found[key] for key in sorted(found)]


def narrowed(difference: Difference, clusters: Mapping[int, int]) -> Difference | None:
    """What of a difference is still to be decided as the clusters stand now; None where nothing is.

    People may have moved some of its reports since: each group counts with those that are still with its first.
    """
    left, right = difference.groups
    if difference.kind is ProposalKind.JOIN:
        one, other = (tuple(n for n in group if clusters.get(n) == clusters.get(group[0])) for group in (left, right))
        return None if clusters.get(left[0]) == clusters.get(right[0]) else Difference(difference.kind, (one, other))
    for cluster in dict.fromkeys(clusters.get(number) for number in right):
        one, other = (tuple(n for n in group if clusters.get(n) == cluster) for group in (left, right))
        if cluster is not None and one and other:
            return Difference(difference.kind, (one, other))
    return None


def held(proposals: Iterable[Proposal | Difference]) -> list[Word]:
    """What unanswered proposals hold: as decisions older than all of people's, which therefore outrank them."""
    found: list[Word] = []
    for each in proposals:
        difference = each.difference if isinstance(each, Proposal) else each
        if difference.kind is ProposalKind.JOIN:
            found.append((DecisionKind.NOT_SAME, difference.groups))
        else:
            found.append((DecisionKind.MERGE, ((*difference.groups[0], *difference.groups[1]),)))
    return found
