"""Tests on product status, remediations, threats, flags and vulnerability ids."""

import re
from collections import Counter

from clearinghouse.disclosure.intake.sources._csaf.facts import Broken, Check, Facts, Rule
from clearinghouse.disclosure.intake.sources.base import dict_of, list_of, text_of

# Remedies that cannot stand beside each other for one product.
_SETTLED = frozenset({"no_fix_planned", "none_available"})
_HELP = frozenset({"workaround", "mitigation"})
_FIX = frozenset({"fix_planned", "vendor_fix", "optional_patch"})
# Remedies that make no sense for a product of a status.
_CONTRADICTING = {
    "affected": frozenset({"optional_patch"}),
    "not affected": frozenset({"no_fix_planned", "vendor_fix", "workaround", "mitigation", "none_available"}),
    "fixed": frozenset({"no_fix_planned", "fix_planned", "vendor_fix", "workaround", "mitigation", "none_available"}),
}
_DISCOURAGED = {"not affected": frozenset({"fix_planned"}), "fixed": frozenset({"optional_patch"}), "unknown": frozenset({"fix_planned"})}
_CVE = re.compile(r"^CVE-[0-9]{4}-[0-9]{4,}$")


def _contradicting(facts: Facts) -> Broken:
    for place, vulnerability in facts.vulnerabilities:
        groups = facts.statuses(vulnerability)
        if facts.version == "2.0":
            groups.pop("unknown", None)
        counted = Counter(product for members in groups.values() for product in members)
        for product in sorted(product for product, count in counted.items() if count > 1):
            names = " and ".join(name for name, members in groups.items() if product in members)
            yield f"{place}/product_status", f"product {product[:80]!r} is said to be {names} at once"


def _same_cve(facts: Facts) -> Broken:
    seen: set[str] = set()
    for place, vulnerability in facts.vulnerabilities:
        cve = text_of(vulnerability.get("cve"))
        if cve and cve in seen:
            yield f"{place}/cve", f"{cve[:40]} stands for more than one vulnerability of the document"
        seen.add(cve)


def _remediation_products(facts: Facts) -> Broken:
    for place, vulnerability in facts.vulnerabilities:
        for number, entry in enumerate(map(dict_of, list_of(vulnerability.get("remediations")))):
            if not entry.get("product_ids") and not entry.get("group_ids"):
                yield f"{place}/remediations/{number}", "the remediation says for no product that it helps (`product_ids`, `group_ids`)"


def _flag_products(facts: Facts) -> Broken:
    for place, vulnerability in facts.vulnerabilities:
        for number, entry in enumerate(map(dict_of, list_of(vulnerability.get("flags")))):
            if not entry.get("product_ids") and not entry.get("group_ids"):
                yield f"{place}/flags/{number}", "the flag names no product (`product_ids`, `group_ids`)"


def _flags_twice(facts: Facts) -> Broken:
    for place, vulnerability in facts.vulnerabilities:
        counted: Counter[str] = Counter()
        for entry in map(dict_of, list_of(vulnerability.get("flags"))):
            counted.update(set(facts.ids_of(entry)))
        for product in sorted(product for product, count in counted.items() if count > 1):
            yield f"{place}/flags", f"product {product[:80]!r} has more than one justification"


def _missing_remediation(facts: Facts) -> Broken:
    for place, vulnerability in facts.vulnerabilities:
        groups = facts.statuses(vulnerability)
        helped = {p for entry in map(dict_of, list_of(vulnerability.get("remediations"))) for p in facts.ids_of(entry)}
        for product in sorted((groups["affected"] | groups["under investigation"]) - helped):
            yield f"{place}/remediations", f"nothing says what to do about product {product[:80]!r}"


def _remedies(facts: Facts, vulnerability: dict[str, object]) -> dict[str, set[str]]:
    """Categories of remediation by product."""
    found: dict[str, set[str]] = {}
    for entry in map(dict_of, list_of(vulnerability.get("remediations"))):
        for product in facts.ids_of(entry):
            found.setdefault(product, set()).add(text_of(entry.get("category")))
    return found


def _contradicting_remedies(facts: Facts) -> Broken:
    for place, vulnerability in facts.vulnerabilities:
        for product, remedies in sorted(_remedies(facts, vulnerability).items()):
            settled, fix = remedies & _SETTLED, remedies & _FIX
            if (settled and fix) or ("none_available" in remedies and remedies & (_HELP | {"no_fix_planned"})) or (
                "fix_planned" in remedies and "vendor_fix" in remedies
            ) or ("optional_patch" in remedies and remedies & {"vendor_fix", "fix_planned"}):
                both = " and ".join(sorted(remedies))
                yield f"{place}/remediations", f"for product {product[:80]!r} the remediations contradict each other: {both}"


def _status_and_remedy(table: dict[str, frozenset[str]]) -> Check:
    def check(facts: Facts) -> Broken:
        for place, vulnerability in facts.vulnerabilities:
            groups = facts.statuses(vulnerability)
            for product, remedies in sorted(_remedies(facts, vulnerability).items()):
                for group, wrong in table.items():
                    if product in groups[group] and remedies & wrong:
                        word = ", ".join(sorted(remedies & wrong))
                        yield f"{place}/remediations", f"product {product[:80]!r} is {group}, and {word} is offered for it"

    return check


def _cve_in_ids(facts: Facts) -> Broken:
    for place, vulnerability in facts.vulnerabilities:
        for number, entry in enumerate(map(dict_of, list_of(vulnerability.get("ids")))):
            if _CVE.match(text_of(entry.get("text"))):
                yield f"{place}/ids/{number}", "a CVE id belongs in `cve`"


def _missing_cve(facts: Facts) -> Broken:
    for place, vulnerability in facts.vulnerabilities:
        if not vulnerability.get("cve"):
            yield f"{place}/cve", "no CVE id is given"


# Registered systems, and how an id of theirs is written; from the public registry, as far as it is known here.
_SYSTEMS = {
    re.compile(r"^https://github\.com/[\w.-]+/[\w.-]+$"): re.compile(r"^#\d+$"),
}


def _id_text(facts: Facts) -> Broken:
    for place, vulnerability in facts.vulnerabilities:
        for number, entry in enumerate(map(dict_of, list_of(vulnerability.get("ids")))):
            for system, written in _SYSTEMS.items():
                if system.match(text_of(entry.get("system_name"))) and not written.match(text_of(entry.get("text"))):
                    yield f"{place}/ids/{number}/text", "the text does not look like an id of that system"


def _id_system(facts: Facts) -> Broken:
    for place, vulnerability in facts.vulnerabilities:
        for number, entry in enumerate(map(dict_of, list_of(vulnerability.get("ids")))):
            name = text_of(entry.get("system_name"))
            if name and not any(system.match(name) for system in _SYSTEMS):
                yield f"{place}/ids/{number}/system_name", f"{name[:80]!r} is no registered id system known here"


RULES = (
    Rule("6.1.6", _contradicting), Rule("6.1.23", _same_cve), Rule("6.1.29", _remediation_products), Rule("6.1.32", _flag_products),
    Rule("6.1.33", _flags_twice), Rule("6.1.35", _contradicting_remedies, ("2.1",)),
    Rule("6.1.36", _status_and_remedy(_CONTRADICTING), ("2.1",)),
    Rule("6.2.2", _missing_remediation), Rule("6.2.17", _cve_in_ids),
    Rule("6.2.27", _status_and_remedy(_DISCOURAGED), ("2.1",)),
    Rule("6.2.53", _id_text, ("2.1",)), Rule("6.3.3", _missing_cve), Rule("6.3.20", _id_system, ("2.1",)),
)
