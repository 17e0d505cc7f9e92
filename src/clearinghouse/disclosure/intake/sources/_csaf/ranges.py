"""Tests on version ranges: how they are written, whether they end, whether two overlap."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, combinations, islice, product
from typing import Any

from clearinghouse.disclosure.intake.sources._csaf.facts import Broken, Check, Facts, Rule
from clearinghouse.disclosure.intake.sources._csaf.tree import Branch

_RANGE_SIGN = re.compile(r"[<>]")
_RANGE_WORD = re.compile(r"(?<!\S)(?:after|all|before|earlier|later|prior|versions)(?!\S)", re.IGNORECASE)
_VERS = re.compile(r"^vers:[a-z][a-z0-9.+-]*/(.+)$")
_ALL = re.compile(r"^vers:(?:all)?/(?:\*|all)$|^vers:all/\*$")
_CONSTRAINT = re.compile(r"^(<=|>=|<|>|!=|=)?([^<>=!|\s][^<>=!|\s]*)$")
# Types of the VERS specification and its registry.
_TYPES = frozenset({
    "all", "alpine", "alpm", "apache", "cargo", "composer", "conan", "cpan", "datetime", "deb", "ebuild", "gem", "generic", "github",
    "golang", "hex", "intdot", "lexicographic", "mattermost", "maven", "mozilla", "nginx", "none", "npm", "nuget", "openssl", "pypi",
    "rpm", "semver",
})
_PAIRS_MAX = 500
_AFFECTED_AND = (("affected", "not affected"), ("affected", "fixed"), ("not affected", "fixed"), ("affected", "under investigation"),
                 ("not affected", "under investigation"), ("fixed", "under investigation"))


@dataclass(frozen=True)
class Span:
    """A version or a range of a product, as intervals of sortable keys."""

    kind: str
    """`vers`, `vls` (the short form without a scheme) or `version`."""
    intervals: tuple[tuple[Any, bool, Any, bool], ...]
    """(low, low included, high, high included); None for no end."""
    without: tuple[Any, ...] = ()
    """Keys that are taken out again (`!=`)."""


def _key(version: str) -> tuple[tuple[int, int, str], ...]:
    """How a version sorts where its scheme is not known: numbers as numbers, words before numbers."""
    parts = re.findall(r"\d{1,18}|[A-Za-z]{1,40}", version.removeprefix("v").removeprefix("V"))
    return tuple((1, int(part), "") if part.isdigit() else (0, 0, part) for part in parts[:32])


def read_span(category: str, name: str) -> Span | None:
    """The span of a version branch; None where it cannot be read."""
    if category == "product_version":
        key = _key(name)
        return Span("version", ((key, True, key, True),))
    found = _VERS.match(name)
    kind, text = ("vers", found[1]) if found else ("vls", name)
    if found is None and name.startswith("vers:"):
        return None
    bounds = []
    for part in text.split("|"):
        constraint = _CONSTRAINT.match(part.strip())
        if constraint is None:
            return None
        bounds.append((constraint[1] or "=", _key(constraint[2])))
    intervals: list[tuple[Any, bool, Any, bool]] = []
    low: tuple[Any, bool] | None = None
    for sign, key in bounds:
        if sign in (">", ">="):
            if low is not None:
                intervals.append((*low, None, False))
            low = (key, sign == ">=")
        elif sign in ("<", "<="):
            start = low or (None, False)
            intervals.append((*start, key, sign == "<="))
            low = None
        elif sign == "=":
            intervals.append((key, True, key, True))
    if low is not None:
        intervals.append((*low, None, False))
    return Span(kind, tuple(intervals), tuple(key for sign, key in bounds if sign == "!="))


def _overlap(one: Span, other: Span) -> bool:
    for a, b in ((one, other), (other, one)):
        if a.kind == "version" and a.intervals[0][0] in b.without:
            return False
    return any(_meet(a, b) for a in one.intervals for b in other.intervals)


def _meet(a: tuple[Any, bool, Any, bool], b: tuple[Any, bool, Any, bool]) -> bool:
    return _begins_before_end(a, b) and _begins_before_end(b, a)


def _begins_before_end(a: tuple[Any, bool, Any, bool], b: tuple[Any, bool, Any, bool]) -> bool:
    low, low_in, high, high_in = a[0], a[1], b[2], b[3]
    if low is None or high is None:
        return True
    return bool(low < high or (low == high and low_in and high_in))


def _ranges(facts: Facts) -> Iterator[Branch]:
    return (branch for branch in facts.tree.branches if branch.category == "product_version_range")


def _range_as_version(facts: Facts) -> Broken:
    for branch in facts.tree.branches:
        if branch.category == "product_version" and (_RANGE_SIGN.search(branch.name) or _RANGE_WORD.search(branch.name)):
            yield f"{branch.place}/name", f"{branch.name[:60]!r} is a range; `product_version_range` would be right"


def _written(facts: Facts) -> Broken:
    for branch in _ranges(facts):
        if not _ALL.match(branch.name) and read_span(branch.category, branch.name) is None:
            yield f"{branch.place}/name", f"{branch.name[:60]!r} is neither `vers:type/constraints` nor constraints such as `>=1.2|<1.4`"


def _no_vers(facts: Facts) -> Broken:
    for branch in _ranges(facts):
        if not branch.name.startswith("vers:"):
            yield f"{branch.place}/name", f"{branch.name[:60]!r} is not in the form `vers:type/constraints`"


def _single(facts: Facts) -> Broken:
    for branch in _ranges(facts):
        span = read_span(branch.category, branch.name)
        alone = span is not None and len(span.intervals) == 1 and span.intervals[0][0] == span.intervals[0][2]
        if alone and not _ALL.match(branch.name):
            yield f"{branch.place}/category", f"{branch.name[:60]!r} is one version; `product_version` would be right"


def _open(facts: Facts) -> Broken:
    for branch in _ranges(facts):
        span = read_span(branch.category, branch.name)
        if span is not None and any(high is None for _, _, high, _ in span.intervals):
            yield f"{branch.place}/name", f"{branch.name[:60]!r} has no upper end, so it speaks of versions not yet made"


def _type(facts: Facts) -> Broken:
    for branch in _ranges(facts):
        scheme = branch.name.removeprefix("vers:").partition("/")[0]
        if branch.name.startswith("vers:") and scheme and scheme not in _TYPES:
            yield f"{branch.place}/name", f"{scheme[:40]!r} is no version type known here"


def _any_range(facts: Facts) -> Broken:
    for branch in _ranges(facts):
        yield f"{branch.place}/category", "a range is used; the versions one by one would be easier to match"


def _v_prefix(facts: Facts) -> Broken:
    for branch in facts.tree.branches:
        if branch.category == "product_version" and re.match(r"^[vV][0-9]", branch.name):
            yield f"{branch.place}/name", f"{branch.name[:40]!r} begins with a v that is no part of the version"


def _spans(facts: Facts, ids: set[str]) -> list[tuple[str, tuple[tuple[str, str], ...], Span]]:
    """(product id, branches but the version, span) of products that have a version."""
    found = []
    for product_id in sorted(ids):
        key = ("span", product_id)
        if key not in facts.memory:
            facts.memory[key] = _span_of(facts, product_id)
        if facts.memory[key] is not None:
            found.append((product_id, *facts.memory[key]))
    return found


def _span_of(facts: Facts, product_id: str) -> tuple[tuple[tuple[str, str], ...], Span] | None:
    known = facts.products.get(product_id)
    branches = known.branches if known is not None else ()
    for category, name in reversed(branches):
        if category.startswith("product_version"):
            span = read_span(category, name)
            return None if span is None else (tuple(branch for branch in branches if branch[0] != category), span)
    return None


def _kinds_of(one: Span, other: Span) -> str:
    kinds = {one.kind, other.kind}
    return "version" if "version" in kinds else "vls" if "vls" in kinds else "vers"


def _in_status(kind: str, *, same: bool) -> Check:
    def check(facts: Facts) -> Broken:
        for place, vulnerability in facts.vulnerabilities:
            groups = facts.statuses(vulnerability)
            spans = {group: _spans(facts, members) for group, members in groups.items()}
            pairs = (
                chain.from_iterable(combinations(members, 2) for members in spans.values()) if same else
                chain.from_iterable(product(spans[one], spans[other]) for one, other in _AFFECTED_AND)
            )
            for (id_a, rest_a, a), (id_b, rest_b, b) in islice(pairs, _PAIRS_MAX):
                if rest_a == rest_b and _kinds_of(a, b) == kind and (a.kind, b.kind) != ("version", "version") and _overlap(a, b):
                    yield f"{place}/product_status", f"the versions of {id_a[:60]!r} and {id_b[:60]!r} overlap"

    return check


def _in_branch(kind: str) -> Check:
    def check(facts: Facts) -> Broken:
        siblings: dict[str, list[tuple[Branch, Span]]] = {}
        for branch in facts.tree.branches:
            if branch.category in ("product_version", "product_version_range"):
                span = read_span(branch.category, branch.name)
                if span is not None:
                    siblings.setdefault(branch.place.rpartition("/branches/")[0], []).append((branch, span))
        for members in siblings.values():
            for (one, a), (other, b) in islice(combinations(members, 2), _PAIRS_MAX):
                mixed = {one.category, other.category} == {"product_version", "product_version_range"}
                both = one.category == other.category == "product_version_range"
                if (mixed if kind == "version" else both) and _overlap(a, b):
                    yield other.place, f"{one.name[:60]!r} and {other.name[:60]!r} overlap"

    return check


RULES = (
    Rule("6.1.31", _range_as_version), Rule("6.1.50", _written, ("2.1",)), Rule("6.1.59", _single, ("2.1",)), Rule("6.2.18", _no_vers),
    Rule("6.2.49", _open, ("2.1",)), Rule("6.2.50.1", _in_status("vers", same=False), ("2.1",)),
    Rule("6.2.50.2", _in_status("vls", same=False), ("2.1",)), Rule("6.2.50.3", _in_status("version", same=False), ("2.1",)),
    Rule("6.2.51", _type, ("2.1",)), Rule("6.3.10", _any_range), Rule("6.3.11", _v_prefix),
    Rule("6.3.19.1", _in_status("vers", same=True), ("2.1",)), Rule("6.3.19.2", _in_status("vls", same=True), ("2.1",)),
    Rule("6.3.19.3", _in_status("version", same=True), ("2.1",)), Rule("6.3.19.4", _in_branch("range"), ("2.1",)),
    Rule("6.3.19.5", _in_branch("version"), ("2.1",)),
)
