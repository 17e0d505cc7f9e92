"""One CSAF document as the tests of the standard look at it, and what a test is."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache, cached_property
from importlib import resources
from typing import Any

from clearinghouse.core.clock import parse_instant
from clearinghouse.disclosure.intake.sources._csaf.tree import Product, Tree, read_tree, walk
from clearinghouse.disclosure.intake.sources.base import dict_of, list_of, text_of

Broken = Iterator[tuple[str, str]]
"""(place, what was found and what would be right)"""

STATUS_GROUPS = {
    "affected": ("known_affected", "first_affected", "last_affected"),
    "not affected": ("known_not_affected",),
    "fixed": ("fixed", "first_fixed"),
    "under investigation": ("under_investigation",),
    "unknown": ("unknown",),
}


Check = Callable[["Facts"], Broken]


@dataclass(frozen=True)
class Rule:
    """One test: its number in the standard, and the check."""

    number: str
    check: Check
    versions: tuple[str, ...] = ("2.0", "2.1")


@dataclass(frozen=True)
class Facts:
    """What the tests ask again and again, worked out once."""

    raw: dict[str, Any]
    version: str
    name: str
    """File name as sent."""
    tree: Tree = field(init=False)
    memory: dict[Any, Any] = field(default_factory=dict)
    """What a topic worked out for a product, by topic and product id."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "tree", read_tree(self.raw))

    @cached_property
    def by_name(self) -> dict[str, list[tuple[str, Any]]]:
        """(place, value) of every member and list entry of the document, by the name of the member."""
        found: dict[str, list[tuple[str, Any]]] = {}
        for place, name, value in walk(self.raw):
            found.setdefault(name, []).append((place, value))
        return found

    def named(self, *names: str) -> Iterator[tuple[str, Any]]:
        """(place, value) of the members with one of these names, and of the entries of those that are lists."""
        for name in names:
            yield from self.by_name.get(name, ())

    @cached_property
    def document(self) -> dict[str, Any]:
        return dict_of(self.raw.get("document"))

    @cached_property
    def tracking(self) -> dict[str, Any]:
        return dict_of(self.document.get("tracking"))

    @cached_property
    def status(self) -> str:
        return text_of(self.tracking.get("status"))

    @cached_property
    def category(self) -> str:
        return text_of(self.document.get("category"))

    @cached_property
    def language(self) -> str:
        return text_of(self.document.get("lang"))

    @cached_property
    def tlp(self) -> str:
        label = text_of(dict_of(dict_of(self.document.get("distribution")).get("tlp")).get("label"))
        return "CLEAR" if label == "WHITE" else label

    @cached_property
    def vulnerabilities(self) -> list[tuple[str, dict[str, Any]]]:
        return [(f"/vulnerabilities/{n}", dict_of(entry)) for n, entry in enumerate(list_of(self.raw.get("vulnerabilities")))]

    @cached_property
    def products(self) -> dict[str, Product]:
        return self.tree.by_id()

    @cached_property
    def groups(self) -> dict[str, tuple[str, ...]]:
        return self.tree.members()

    @cached_property
    def revisions(self) -> list[tuple[str, dict[str, Any]]]:
        history = list_of(self.tracking.get("revision_history"))
        return [(f"/document/tracking/revision_history/{n}", dict_of(entry)) for n, entry in enumerate(history)]

    @cached_property
    def newest_revision(self) -> datetime | None:
        """The date of the newest revision; None where no revision has a readable one."""
        dates = [instant(entry.get("date")) for _, entry in self.revisions]
        return max((date for date in dates if date is not None), default=None)

    @cached_property
    def settled(self) -> bool:
        """Whether the document is out: neither a draft nor of unknown status."""
        return self.status in ("final", "interim")

    def ids_of(self, entry: dict[str, Any]) -> list[str]:
        """The products an entry speaks of, named or by group."""
        ids = [product for product in list_of(entry.get("product_ids")) if text_of(product)]
        return ids + [product for group in list_of(entry.get("group_ids")) for product in self.groups.get(text_of(group), ())]

    def statuses(self, vulnerability: dict[str, Any]) -> dict[str, set[str]]:
        """Product ids by the group their status belongs to."""
        stated = dict_of(vulnerability.get("product_status"))
        return {
            group: {text_of(product) for name in names for product in list_of(stated.get(name)) if text_of(product)}
            for group, names in STATUS_GROUPS.items()
        }

    def metrics(self, vulnerability: dict[str, Any], place: str) -> Iterator[tuple[str, dict[str, Any], list[str], str]]:
        """(place, content, product ids, source) of the scores of 2.0 or the metrics of 2.1."""
        for number, score in enumerate(map(dict_of, list_of(vulnerability.get("scores")))):
            yield f"{place}/scores/{number}", score, [text_of(p) for p in list_of(score.get("products"))], ""
        for number, metric in enumerate(map(dict_of, list_of(vulnerability.get("metrics")))):
            products = [text_of(product) for product in list_of(metric.get("products"))]
            yield f"{place}/metrics/{number}/content", dict_of(metric.get("content")), products, text_of(metric.get("source"))

    def helpers(self) -> Iterator[tuple[str, Product]]:
        """(place, product) of every product with an identification helper."""
        for product in self.tree.products:
            if product.helper:
                yield f"{product.place}/product_identification_helper", product

    def notes(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """(place, note) of the document and of all vulnerabilities."""
        for place, holder in (("/document", self.document), *self.vulnerabilities):
            for number, note in enumerate(list_of(holder.get("notes"))):
                yield f"{place}/notes/{number}", dict_of(note)


def instant(untrusted: Any) -> datetime | None:
    """The instant of a text; None where it is none."""
    try:
        return parse_instant(untrusted) if isinstance(untrusted, str) else None
    except (ValueError, OverflowError):
        return None


_SEMVER = re.compile(r"^(\d{1,9})\.(\d{1,9})\.(\d{1,9})(?:-([0-9A-Za-z.-]{1,80}))?(?:\+([0-9A-Za-z.-]{1,80}))?$")


def version_key(untrusted: Any) -> tuple[Any, ...] | None:
    """How a document version sorts, integer or semantic; None where it is neither."""
    text = text_of(untrusted)
    if text.isascii() and text.isdigit() and len(text) < 10:
        return (int(text), 0, 0, (1,))
    found = _SEMVER.match(text)
    if found is None:
        return None
    before: tuple[Any, ...] = (1,)
    if found[4]:
        parts = tuple((0, int(part), "") if part.isdigit() else (1, 0, part) for part in found[4].split("."))
        before = (0, parts)
    return (int(found[1]), int(found[2]), int(found[3]), before)


def is_semver(untrusted: Any) -> bool:
    """Whether a document version is a semantic one."""
    return _SEMVER.match(text_of(untrusted)) is not None


@cache
def registry(name: str) -> dict[str, Any]:
    """A bundled registry."""
    folder = resources.files("clearinghouse.disclosure.intake.sources._csaf") / "registries"
    value: dict[str, Any] = json.loads((folder / name).read_text(encoding="utf-8"))
    return value
