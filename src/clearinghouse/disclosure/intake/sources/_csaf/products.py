"""Tests on the product tree and on references into it."""

from collections import Counter

from clearinghouse.disclosure.intake.sources._csaf.facts import Broken, Facts, Rule
from clearinghouse.disclosure.intake.sources.base import dict_of, list_of, text_of

_DEPTH_MAX = 30
_PATH = ("vendor", "product_name", "product_version")


def _references(facts: Facts) -> Broken:
    """(place, product id) wherever one is referred to."""
    for relation in facts.tree.relationships:
        for number, (_, product) in enumerate(relation.steps):
            yield f"{relation.place}/{number}", product
    for _, place, ids in facts.tree.groups:
        for number, product in enumerate(ids):
            yield f"{place}/product_ids/{number}", product
    holders = [(f"/document/notes/{n}", "notes", dict_of(e)) for n, e in enumerate(list_of(facts.document.get("notes")))]
    for place, _, entry in holders:
        for number, product in enumerate(list_of(entry.get("product_ids"))):
            yield f"{place}/product_ids/{number}", text_of(product)
    for place, vulnerability in facts.vulnerabilities:
        for status, ids in dict_of(vulnerability.get("product_status")).items():
            for number, product in enumerate(list_of(ids)):
                yield f"{place}/product_status/{status}/{number}", text_of(product)
        for name, entries in vulnerability.items():
            for at, entry in enumerate(list_of(entries)):
                for key in ("product_ids", "products"):
                    for number, product in enumerate(list_of(dict_of(entry).get(key))):
                        yield f"{place}/{name}/{at}/{key}/{number}", text_of(product)


def _defined(facts: Facts) -> Broken:
    for place, product in _references(facts):
        if product and product not in facts.products:
            yield place, f"product id {product[:80]!r} is not defined in the product tree"


def _unique_products(facts: Facts) -> Broken:
    seen: set[str] = set()
    for product in facts.tree.products:
        if product.id and product.id in seen:
            yield f"{product.place}/product_id", f"product id {product.id[:80]!r} is defined more than once"
        seen.add(product.id)


def _circles(facts: Facts) -> Broken:
    joined = {relation.id: relation for relation in facts.tree.relationships}
    # Take away what rests on nothing that is joined, then what rested on that; what stays rests on itself.
    resting: dict[str, list[str]] = {}
    waits = dict.fromkeys(joined, 0)
    for relation in facts.tree.relationships:
        for step in {step for _, step in relation.steps if step in joined}:
            resting.setdefault(step, []).append(relation.id)
            waits[relation.id] += 1
    free = [identifier for identifier, count in waits.items() if count == 0]
    while free:
        for above in resting.get(free.pop(), ()):
            waits[above] -= 1
            if waits[above] == 0:
                free.append(above)
    for identifier, count in waits.items():
        if count > 0:
            yield joined[identifier].place, f"product id {identifier[:80]!r} is defined by way of itself"
            return


def _group_references(facts: Facts) -> Broken:
    for place, value in facts.named("group_ids"):
        if isinstance(value, list):
            for number, group in enumerate(value):
                if text_of(group) and text_of(group) not in facts.groups:
                    yield f"{place}/{number}", f"product group {text_of(group)[:80]!r} is not defined"


def _unique_groups(facts: Facts) -> Broken:
    counted = Counter(group for group, _, _ in facts.tree.groups)
    for group, place, _ in facts.tree.groups:
        if counted[group] > 1:
            yield f"{place}/group_id", f"product group {group[:80]!r} is defined more than once"


def _unused(facts: Facts) -> Broken:
    # Informational documents and withdrawn ones may describe products without saying more about them.
    if facts.category in ("csaf_informational_advisory", "csaf_security_incident_response"):
        return
    used = {product for _, product in _references(facts)}
    for product in facts.tree.products:
        if product.id and product.id not in used:
            yield f"{product.place}/product_id", f"product id {product.id[:80]!r} is defined and never used"


def _deep(facts: Facts) -> Broken:
    for branch in facts.tree.branches:
        if len(branch.ancestors) == _DEPTH_MAX:
            yield branch.place, f"branches nest more than {_DEPTH_MAX} levels deep"
            return


def _stacked(facts: Facts) -> Broken:
    for branch in facts.tree.branches:
        if branch.category != "product_family" and branch.category in branch.ancestors:
            yield f"{branch.place}/category", f"category {branch.category[:40]!r} occurs twice on one path"


def _version_and_range(facts: Facts) -> Broken:
    pair = {"product_version", "product_version_range"}
    for branch in facts.tree.branches:
        if branch.category in pair and (pair - {branch.category}) & set(branch.ancestors):
            yield f"{branch.place}/category", "`product_version` and `product_version_range` stand on one path; one of them would be right"


def _path(facts: Facts) -> Broken:
    for product in facts.tree.products:
        if product.branches:
            categories = [category for category, _ in product.branches]
            at = 0
            for category in categories:
                at += at < len(_PATH) and category == _PATH[at]
            if at < len(_PATH):
                yield product.place, "the branches above a product go vendor, product_name, product_version in that order"


def _vendor_name(facts: Facts) -> Broken:
    for branch in facts.tree.branches:
        if branch.category == "vendor" and branch.name.lower().replace("-", "").replace(" ", "") in ("opensource", "unknown", "foss"):
            yield f"{branch.place}/name", f"{branch.name!r} is no vendor; name the project or the people behind it"


def _description_products(facts: Facts) -> Broken:
    for place, note in facts.notes():
        described = text_of(note.get("title")).lower().startswith("product description") and note.get("category") == "description"
        if described and not note.get("product_ids") and not note.get("group_ids"):
            yield place, "a product description says which products it describes (`product_ids` or `group_ids`)"


def _nested_path(facts: Facts) -> Broken:
    joined = {relation.id for relation in facts.tree.relationships}
    for relation in facts.tree.relationships:
        if any(step in joined for _, step in relation.steps):
            yield relation.place, "the product path is built on another path; a single path with several steps would be right"


RULES = (
    Rule("6.1.1", _defined), Rule("6.1.2", _unique_products), Rule("6.1.3", _circles), Rule("6.1.4", _group_references),
    Rule("6.1.5", _unique_groups), Rule("6.2.1", _unused), Rule("6.1.34", _deep, ("2.1",)), Rule("6.1.57", _stacked, ("2.1",)),
    Rule("6.1.58", _version_and_range, ("2.1",)), Rule("6.3.9", _path), Rule("6.2.48", _vendor_name, ("2.1",)),
    Rule("6.2.40", _description_products, ("2.1",)), Rule("6.3.22", _nested_path, ("2.1",)),
)
