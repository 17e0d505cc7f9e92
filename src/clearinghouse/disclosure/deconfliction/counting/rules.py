"""Keep, split or merge: what the counting rule says of reports that were put together, and on which facts.

For two reports, the first that applies:

1. Each bears one CVE number: the same number, one flaw; different numbers, two (4.2.6).
2. One says that it is what the fix of the other left open: a person must say (4.2.8).
3. One says that it is used together with the other: two (4.2.11).
4. Products that differ: one where the code is shared (4.2.13(1)), else two (4.2.13(3)).
5. The same change of code, the same place in the same content, the same function of the same file for kinds of weakness that go
   together, or most of a stack: one (4.1.10; 4.1.11 where the kinds are different and go together).
6. Patches that change other functions: two (4.2.11). Other functions and other kinds of weakness: two. Other functions and other
   versions with the fix: two.
7. Else nothing is known of the pair; one id stands (4.2.12).

Reports that are one with a common third are one. Two that are apart inside what is one contradict each other: a person must say.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations

from clearinghouse.core.stacks import stack_similarity
from clearinghouse.disclosure.deconfliction.counting.facts import Facts

_TAILS_MIN = 2


class Count(StrEnum):
    """What is proposed."""

    KEEP = "keep"
    SPLIT = "split"
    MERGE = "merge"
    PERSON = "a person must say"


class Says(StrEnum):
    """What a reason speaks for."""

    ONE = "one flaw"
    TWO = "flaws of their own"
    PERSON = "a person must say"
    OPEN = "not known"


@dataclass(frozen=True, slots=True)
class Reason:
    """One clause, the fact it rests on, and the reports that bear the fact."""

    clause: str
    """Number of the clause; see `clauses.CLAUSES`."""
    says: Says
    fact: str
    """In our words; quotes nothing."""
    reports: tuple[str, ...]
    """Ids, sorted."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """What the counting rule would have a person do. Nobody did it yet."""

    count: Count
    groups: tuple[tuple[str, ...], ...]
    """SPLIT: reports that belong together, sorted; those not named stay undecided. Else one group: all members."""
    others: tuple[str, ...]
    """MERGE: reports of other clusters that are the same flaw."""
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class _Word:
    says: Says
    clause: str
    fact: str


def propose(members: Iterable[Facts], neighbours: Iterable[Facts], alike_min: float) -> Proposal:
    """Keep, split or merge a cluster, with every reason; the order of the reports does not matter.

    Args:
        neighbours: reports of other clusters that were compared with a member.
        alike_min: part of what two stacks could have in common from which on they are alike.
    """
    facts = sorted(members, key=lambda one: one.report)
    near = sorted(neighbours, key=lambda one: one.report)
    everybody = tuple(one.report for one in facts)
    if not any(one.speaks() for one in facts):
        nothing = Reason("4.4", Says.PERSON, "no report names a number, a function, a patch or a stack that could be compared", everybody)
        return Proposal(Count.PERSON, (everybody,), (), (nothing,))
    words = {(a.report, b.report): word for a, b in combinations(facts, 2) if (word := weigh_pair(a, b, alike_min)) is not None}
    reasons = _gather(words)
    several = [one for one in facts if len(one.numbers) > 1]
    reasons += [
        Reason("4.2.6", Says.TWO, f"one report bears {len(one.numbers)} CVE numbers; each is counted by itself", (one.report,)) for one in several
    ]
    merged = {(a.report, b.report): word for a in facts for b in near if (word := weigh_pair(a, b, alike_min)) is not None and word.says is Says.ONE}
    others = tuple(sorted({other for _, other in merged}))
    group_of = _components(everybody, [pair for pair, word in words.items() if word.says is Says.ONE])
    apart = [pair for pair, word in words.items() if word.says is Says.TWO]
    if any(group_of[a] == group_of[b] for a, b in apart):
        reasons.append(Reason("4.4", Says.PERSON, "some reports are one flaw with a third that they are apart from each other in", tuple(
            sorted({one for pair in apart if group_of[pair[0]] == group_of[pair[1]] for one in pair}))))
        return Proposal(Count.PERSON, (everybody,), others, tuple(reasons))
    if any(word.says is Says.PERSON for word in words.values()):
        return Proposal(Count.PERSON, (everybody,), others, tuple(reasons))
    if apart:
        told = {group_of[one] for pair in apart for one in pair}
        groups = sorted(tuple(one for one in everybody if group_of[one] == group) for group in told)
        rest = tuple(one for one in everybody if group_of[one] not in told)
        if rest:
            reasons.append(Reason("4.2.12", Says.OPEN, "nothing tells which of these flaws they are about", rest))
        return Proposal(Count.SPLIT, tuple(groups), others, tuple(reasons))
    if others:
        return Proposal(Count.MERGE, (everybody,), others, (*reasons, *_gather(merged)))
    if several:
        return Proposal(Count.PERSON if len(facts) > 1 else Count.SPLIT, (everybody,), (), tuple(reasons))
    if len(set(group_of.values())) > 1:
        reasons.append(Reason("4.2.12", Says.OPEN, "whether these are fixed independently cannot be told from what they say", everybody))
    elif len(facts) == 1:
        reasons.append(Reason("4.1.10", Says.ONE, "one report about one place", everybody))
    return Proposal(Count.KEEP, (everybody,), (), tuple(reasons))


def weigh_pair(one: Facts, other: Facts, alike_min: float) -> _Word | None:
    """What the rule says of two reports; None where their facts do not meet. The order of the two does not matter."""
    if len(one.numbers) == 1 and len(other.numbers) == 1:
        if one.numbers == other.numbers:
            return _Word(Says.ONE, "4.2.6", "they bear the same CVE number")
        return _Word(Says.TWO, "4.2.6", "they bear different CVE numbers")
    if not one.follows.isdisjoint(other.numbers) or not other.follows.isdisjoint(one.numbers):
        return _Word(Says.PERSON, "4.2.8", "one says that it is what the fix of the other left open")
    if not one.chained.isdisjoint(other.numbers) or not other.chained.isdisjoint(one.numbers):
        return _Word(Says.TWO, "4.2.11", "one says that it is used together with the other; each is fixed by itself")
    allied = bool(one.family & other.family) or not one.family or not other.family
    # Where both bring a stack, the function on top is what any two ways into it share: the stacks have the word.
    stacked = bool(one.stack.frames and other.stack.frames)
    code = _same_code(one, other, allied, stacked)
    if one.products and other.products and one.products.isdisjoint(other.products):
        if code:
            return _Word(Says.ONE, "4.2.13(1)", f"the products differ and share the code: {code}")
        return _Word(Says.TWO, "4.2.13(3)", "they name different products, and nothing shows that these share the code")
    if not code and stacked and _alike(one, other, alike_min):
        code = "the same kind of crash with most of the stack"
    if not code and not stacked and allied and not one.functions.isdisjoint(other.functions) and not _files_differ(one, other):
        code = "both point at the same function"
    if code:
        if one.weaknesses and other.weaknesses and one.weaknesses.isdisjoint(other.weaknesses):
            return _Word(Says.ONE, "4.1.11", f"{code}, for kinds of weakness that follow from each other")
        return _Word(Says.ONE, "4.1.10", code)
    return _apart(one, other)


def _apart(one: Facts, other: Facts) -> _Word | None:
    if one.touched and other.touched and one.touched.isdisjoint(other.touched):
        return _Word(Says.TWO, "4.2.11", "their patches change other functions")
    if not one.functions or not other.functions or not one.functions.isdisjoint(other.functions):
        return None
    if one.family and other.family and not one.family & other.family:
        return _Word(Says.TWO, "4.2.11", "they point at other functions, for other kinds of weakness")
    if one.fixed and other.fixed and one.fixed.isdisjoint(other.fixed):
        return _Word(Says.TWO, "4.2.11", "they point at other functions, and other versions hold the fix")
    if not one.commits.isdisjoint(other.commits):
        return _Word(Says.OPEN, "4.2.7", "one commit fixes both at other functions; that alone does not make them one")
    return None


def _same_code(one: Facts, other: Facts, allied: bool, stacked: bool) -> str:
    """How it shows that both are about the same code; empty where it does not."""
    if one.patch and one.patch == other.patch:
        return "the same patch"
    if not one.hunks.isdisjoint(other.hunks):
        return "the same change of the same lines"
    if allied and not one.contents.isdisjoint(other.contents):
        return "the same place in a file of the same content"
    if allied and not stacked and any(ours == theirs and _same_file(a, b) for a, ours in one.places for b, theirs in other.places):
        return "the same function of the same file"
    return ""


def _same_file(one: Sequence[str], other: Sequence[str]) -> bool:
    least = min(len(one), len(other), _TAILS_MIN)
    return bool(least) and one[least - 1] == other[least - 1]


def _files_differ(one: Facts, other: Facts) -> bool:
    """Whether both name a file for each function in common, and never the same one."""
    shared = {name for _, name in one.places} & {name for _, name in other.places} & one.functions & other.functions
    return bool(shared) and not any(
        ours == theirs and _same_file(a, b) for a, ours in one.places for b, theirs in other.places if ours in shared
    )


def _alike(one: Facts, other: Facts, alike_min: float) -> bool:
    return one.crash == other.crash and stack_similarity(
        one.stack.frames, other.stack.frames, one.stack.project, other.stack.project
    ) >= alike_min


def _components(reports: Sequence[str], pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """For each report the smallest report it is one with."""
    group_of = {one: one for one in reports}
    for a, b in sorted(pairs):
        kept, gone = sorted((group_of[a], group_of[b]))
        group_of = {one: kept if group == gone else group for one, group in group_of.items()}
    return group_of


def _gather(words: dict[tuple[str, str], _Word]) -> list[Reason]:
    """The reasons of all pairs, each said once with every report it was said of."""
    found: dict[_Word, set[str]] = {}
    for pair, word in words.items():
        found.setdefault(word, set()).update(pair)
    order = list(Says)
    return [
        Reason(word.clause, word.says, word.fact, tuple(sorted(reports)))
        for word, reports in sorted(found.items(), key=lambda item: (order.index(item[0].says), item[0].clause, item[0].fact))
    ]
