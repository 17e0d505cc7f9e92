"""The product tree of a CSAF document: every product id with its name, version, helpers and place.

Walks with a stack of its own, so that a deep tree costs memory and no recursion.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from clearinghouse.disclosure.intake.sources.base import dict_of, list_of, pointer, text_of


@dataclass(frozen=True)
class Product:
    """One full product name, with the branches that lead to it."""

    id: str
    name: str
    place: str
    helper: dict[str, Any]
    branches: tuple[tuple[str, str], ...] = ()
    """(category, name) from the root down."""
    parts: tuple[str, ...] = ()
    """Ids of the products a relationship joins; empty for a product of its own."""

    def branch(self, category: str) -> str:
        """The name of the innermost branch of a category; empty where there is none."""
        return next((name for known, name in reversed(self.branches) if known == category), "")


@dataclass(frozen=True)
class Branch:
    """One branch, for the tests that speak of branches."""

    category: str
    name: str
    place: str
    ancestors: tuple[str, ...]
    children: int
    product: dict[str, Any]


@dataclass(frozen=True)
class Relationship:
    """One relationship or, in 2.1, one product path."""

    id: str
    place: str
    steps: tuple[tuple[str, str], ...]
    """(category, product id); the first with an empty category."""


@dataclass
class Tree:
    """What the product tree defines and refers to."""

    products: list[Product] = field(default_factory=list)
    branches: list[Branch] = field(default_factory=list)
    relationships: list[Relationship] = field(default_factory=list)
    groups: list[tuple[str, str, tuple[str, ...]]] = field(default_factory=list)
    """(group id, place, product ids)"""

    def by_id(self) -> dict[str, Product]:
        """Products by id; of one defined twice, the first."""
        found: dict[str, Product] = {}
        for product in self.products:
            found.setdefault(product.id, product)
        return found

    def members(self) -> dict[str, tuple[str, ...]]:
        """Product ids by group id."""
        found: dict[str, tuple[str, ...]] = {}
        for group, _, ids in self.groups:
            found.setdefault(group, ids)
        return found


def read_tree(document: dict[str, Any]) -> Tree:
    """The product tree of a whole CSAF document."""
    tree = Tree()
    root = dict_of(document.get("product_tree"))
    _branches(root, tree)
    for number, untrusted in enumerate(list_of(root.get("full_product_names"))):
        _product(dict_of(untrusted), f"/product_tree/full_product_names/{number}", (), tree)
    for number, relation in enumerate(map(dict_of, list_of(root.get("relationships")))):
        place = f"/product_tree/relationships/{number}"
        steps = (
            ("", text_of(relation.get("product_reference"))),
            (text_of(relation.get("category")), text_of(relation.get("relates_to_product_reference"))),
        )
        _joined(dict_of(relation.get("full_product_name")), place, steps, tree)
    for number, path in enumerate(map(dict_of, list_of(root.get("product_paths")))):
        steps_list = [("", text_of(path.get("beginning_product_reference")))]
        steps_list += [
            (text_of(step.get("category")), text_of(step.get("next_product_reference")))
            for step in map(dict_of, list_of(path.get("subpaths")))
        ]
        place = f"/product_tree/product_paths/{number}"
        _joined(dict_of(path.get("full_product_name")), place, tuple(steps_list), tree)
    for number, group in enumerate(map(dict_of, list_of(root.get("product_groups")))):
        ids = tuple(text_of(product) for product in list_of(group.get("product_ids")))
        tree.groups.append((text_of(group.get("group_id")), f"/product_tree/product_groups/{number}", ids))
    return tree


def _branches(root: dict[str, Any], tree: Tree) -> None:
    waiting: list[tuple[Any, str, tuple[tuple[str, str], ...]]] = [
        (branch, f"/product_tree/branches/{number}", ()) for number, branch in enumerate(list_of(root.get("branches")))
    ]
    waiting.reverse()
    while waiting:
        untrusted, place, above = waiting.pop()
        branch = dict_of(untrusted)
        category, name = text_of(branch.get("category")), text_of(branch.get("name"))
        path = (*above, (category, name))
        children = list_of(branch.get("branches"))
        product = dict_of(branch.get("product"))
        tree.branches.append(Branch(category, name, place, tuple(known for known, _ in above), len(children), product))
        if product:
            _product(product, f"{place}/product", path, tree)
        # The path is copied at each level: quadratic in depth, and depth is bounded by the limit on JSON.
        waiting += [(child, place + pointer("branches", number), path) for number, child in reversed(list(enumerate(children)))]


def _product(entry: dict[str, Any], place: str, branches: tuple[tuple[str, str], ...], tree: Tree) -> None:
    if entry:
        helper = dict_of(entry.get("product_identification_helper"))
        tree.products.append(Product(text_of(entry.get("product_id")), text_of(entry.get("name")), place, helper, branches))


def _joined(entry: dict[str, Any], place: str, steps: tuple[tuple[str, str], ...], tree: Tree) -> None:
    product = text_of(entry.get("product_id"))
    tree.relationships.append(Relationship(product, place, steps))
    helper = dict_of(entry.get("product_identification_helper"))
    tree.products.append(Product(
        product, text_of(entry.get("name")), f"{place}/full_product_name", helper, (), tuple(step for _, step in steps if step)
    ))


def walk(value: Any, place: str = "") -> Iterator[tuple[str, str, Any]]:
    """(place, name, value) of every member and entry below a value, without recursion."""
    waiting = [(place, "", value)]
    while waiting:
        here, name, current = waiting.pop()
        yield here, name, current
        if isinstance(current, dict):
            waiting += [(here + pointer(key), key, entry) for key, entry in current.items()]
        elif isinstance(current, list):
            waiting += [(here + pointer(number), name, entry) for number, entry in enumerate(current)]
