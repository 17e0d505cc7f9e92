"""Tests on document categories and what each profile asks for."""

import re

from clearinghouse.disclosure.intake.sources._csaf.facts import Broken, Check, Facts, Rule
from clearinghouse.disclosure.intake.sources.base import dict_of, list_of, text_of

_PROFILES = frozenset({
    "csaf_base", "csaf_security_incident_response", "csaf_informational_advisory", "csaf_security_advisory", "csaf_vex",
})
_PROFILES_2_1 = frozenset({"csaf_deprecated_security_advisory", "csaf_withdrawn", "csaf_superseded"})
_WORDS = (
    "securityincidentresponse", "informationaladvisory", "securityadvisory", "vex", "deprecatedsecurityadvisory", "withdrawn",
    "superseded",
)
_STRIP = re.compile(r"[\W_]+")
_ENDED = ("csaf_withdrawn", "csaf_superseded")
_ADVISORIES = ("csaf_security_advisory", "csaf_vex", "csaf_deprecated_security_advisory")
_TOLD = ("csaf_security_incident_response", "csaf_informational_advisory")
_REASONS = {
    "csaf_withdrawn": ("Reasoning for Withdrawal", "6.1.27.17"), "csaf_superseded": ("Reasoning for Supersession", "6.1.27.18"),
}
_AFFECTED = frozenset({"known_affected", "first_affected", "last_affected"})


def _category(facts: Facts) -> Broken:
    known = _PROFILES | (_PROFILES_2_1 if facts.version == "2.1" else frozenset())
    category = facts.category
    if not category or category in known:
        return
    plain = _STRIP.sub("", category.lower())
    if facts.version == "2.1" and plain.startswith("csaf") and not category.startswith("csaf_"):
        yield "/document/category", f"{category[:60]!r} looks like a profile and is none"
        return
    words = _WORDS if facts.version == "2.1" else _WORDS[:4]
    if plain.removeprefix("csaf") in (*words, "base") and (plain.removeprefix("csaf") != "base" or plain.startswith("csaf")):
        yield "/document/category", f"{category[:60]!r} looks like a profile and is none"


def _notes(facts: Facts) -> Broken:
    kinds = {text_of(dict_of(note).get("category")) for note in list_of(facts.document.get("notes"))}
    if facts.category in _TOLD and not kinds & {"description", "details", "general", "summary"}:
        yield "/document/notes", "the profile asks for a note that tells what happened"


def _references(facts: Facts) -> Broken:
    references = [dict_of(reference) for reference in list_of(facts.document.get("references"))]
    if facts.category in _TOLD and not any(text_of(r.get("category")) in ("", "external") for r in references):
        yield "/document/references", "the profile asks for an external reference"


def _no_vulnerabilities(facts: Facts) -> Broken:
    ended = facts.version == "2.1" and facts.category in _ENDED
    if (facts.category == "csaf_informational_advisory" or ended) and "vulnerabilities" in facts.raw:
        yield "/vulnerabilities", "the profile allows no vulnerabilities"


def _tree(facts: Facts) -> Broken:
    if facts.category in _ADVISORIES and "product_tree" not in facts.raw:
        yield "/product_tree", "the profile asks for a product tree"


def _vulnerability_notes(facts: Facts) -> Broken:
    if facts.category in _ADVISORIES:
        for place, vulnerability in facts.vulnerabilities:
            if not vulnerability.get("notes"):
                yield f"{place}/notes", "the profile asks for a note on each vulnerability"


def _product_status(facts: Facts) -> Broken:
    if facts.category in ("csaf_security_advisory", "csaf_deprecated_security_advisory"):
        for place, vulnerability in facts.vulnerabilities:
            if not vulnerability.get("product_status"):
                yield f"{place}/product_status", "the profile asks for a product status on each vulnerability"


def _vex_status(facts: Facts) -> Broken:
    if facts.category == "csaf_vex":
        wanted = {"fixed", "known_affected", "known_not_affected", "under_investigation"}
        for place, vulnerability in facts.vulnerabilities:
            if not wanted & set(dict_of(vulnerability.get("product_status"))):
                yield f"{place}/product_status", f"the profile asks for one of {', '.join(sorted(wanted))}"


def _vex_identifier(facts: Facts) -> Broken:
    if facts.category == "csaf_vex":
        for place, vulnerability in facts.vulnerabilities:
            ids = [dict_of(entry) for entry in list_of(vulnerability.get("ids"))]
            if vulnerability.get("cve") or any(not entry.get("product_ids") and not entry.get("group_ids") for entry in ids):
                continue
            # Ids of 2.1 may hold for some products only; then the others still need one.
            named = {product for entry in ids for product in facts.ids_of(entry)}
            if not ids or any(members - named for members in facts.statuses(vulnerability).values()):
                yield place, "the profile asks for `cve` or `ids`, for each product"


def _impact(facts: Facts) -> Broken:
    if facts.category != "csaf_vex":
        return
    for place, vulnerability in facts.vulnerabilities:
        told: set[str] = set()
        for name in ("threats", "flags"):
            for entry in map(dict_of, list_of(vulnerability.get(name))):
                if name == "flags" or entry.get("category") == "impact":
                    told.update(facts.ids_of(entry))
        for product in sorted(facts.statuses(vulnerability)["not affected"] - told):
            yield f"{place}/product_status", f"nothing says why product {product[:80]!r} is not affected"


def _action(facts: Facts) -> Broken:
    if facts.category == "csaf_vex":
        for place, vulnerability in facts.vulnerabilities:
            told = {p for entry in map(dict_of, list_of(vulnerability.get("remediations"))) for p in facts.ids_of(entry)}
            affected = {text_of(p) for p in list_of(dict_of(vulnerability.get("product_status")).get("known_affected"))}
            for product in sorted(affected - told):
                yield f"{place}/remediations", f"nothing says what to do about product {product[:80]!r}"


def _vulnerabilities(facts: Facts) -> Broken:
    if facts.category in _ADVISORIES and "vulnerabilities" not in facts.raw:
        yield "/vulnerabilities", "the profile asks for vulnerabilities"


def _some_affected(facts: Facts) -> Broken:
    if facts.category == "csaf_security_advisory":
        for place, vulnerability in facts.vulnerabilities:
            if not _AFFECTED & set(dict_of(vulnerability.get("product_status"))):
                yield f"{place}/product_status", "the profile asks for an affected product"


def _product_of(facts: Facts, product_id: str) -> tuple[tuple[str, str], ...]:
    """The branches above the version of a product: what two versions of one product share."""
    product = facts.products.get(product_id)
    branches = product.branches if product is not None else ()
    return tuple(branch for branch in branches if not branch[0].startswith("product_version"))


def _lineage(facts: Facts, product_id: str) -> tuple[object, ...]:
    """What stands for a product apart from its version; of one that is joined from others, what stands for those."""
    product = facts.products.get(product_id)
    if product is not None and product.parts:
        return tuple(_product_of(facts, part) for part in product.parts)
    return _product_of(facts, product_id) or (product_id,)


def _corresponding_affected(facts: Facts) -> Broken:
    if facts.category != "csaf_security_advisory":
        return
    for place, vulnerability in facts.vulnerabilities:
        groups = facts.statuses(vulnerability)
        affected = {_lineage(facts, product) for product in groups["affected"]}
        for product in sorted(groups["fixed"]):
            if _lineage(facts, product) not in affected:
                yield f"{place}/product_status", f"product {product[:80]!r} is fixed, and no version of it is affected"


def _corresponding_fixed(facts: Facts) -> Broken:
    if facts.category != "csaf_security_advisory":
        return
    for place, vulnerability in facts.vulnerabilities:
        groups = facts.statuses(vulnerability)
        fixed = {_product_of(facts, product) for product in groups["fixed"]}
        promised = {
            p for entry in map(dict_of, list_of(vulnerability.get("remediations"))) if entry.get("category") == "vendor_fix"
            for p in facts.ids_of(entry)
        }
        for product in sorted(groups["affected"] & promised):
            if _product_of(facts, product) not in fixed:
                yield f"{place}/product_status", f"a fix is named for product {product[:80]!r}, and no fixed version of it"


def _ended_notes(facts: Facts) -> Broken:
    if facts.category in _ENDED and not any(
        dict_of(note).get("category") == "description" for note in list_of(facts.document.get("notes"))
    ):
        yield "/document/notes", "the profile asks for a description of why"


def _ended_tree(facts: Facts) -> Broken:
    if facts.category in _ENDED and "product_tree" in facts.raw:
        yield "/product_tree", "the profile allows no product tree"


def _ended_history(facts: Facts) -> Broken:
    if facts.category in _ENDED and len(facts.revisions) < 2:
        yield "/document/tracking/revision_history", "a document that ended has at least two revisions"


def _is_english(facts: Facts) -> bool:
    return not facts.language or facts.language.lower().split("-")[0] == "en"


def _reason(category: str) -> Check:
    title = _REASONS[category][0]

    def check(facts: Facts) -> Broken:
        if facts.category == category and _is_english(facts):
            notes = [dict_of(note) for note in list_of(facts.document.get("notes"))]
            titled = [note.get("category") for note in notes if note.get("title") == title]
            if titled != ["description"]:
                yield "/document/notes", f"exactly one note of category description is titled {title!r}"

    return check


def _reason_elsewhere(category: str) -> Check:
    def check(facts: Facts) -> Broken:
        if facts.category == category and not _is_english(facts):
            notes = [dict_of(note) for note in list_of(facts.document.get("notes"))]
            if not any(note.get("category") == "description" for note in notes):
                yield "/document/notes", "no note of category description says why, in the language of the document"

    return check


def _superseding(facts: Facts) -> Broken:
    if facts.category == "csaf_superseded" and _is_english(facts):
        references = [dict_of(reference) for reference in list_of(facts.document.get("references"))]
        named = [r for r in references if text_of(r.get("summary")).startswith("Superseding Document")]
        if not any(reference.get("category") == "external" for reference in named):
            yield "/document/references", "an external reference `Superseding Document` leads to what came after"


def _superseding_elsewhere(facts: Facts) -> Broken:
    if facts.category == "csaf_superseded" and not _is_english(facts):
        references = [dict_of(reference) for reference in list_of(facts.document.get("references"))]
        if not any(text_of(reference.get("category")) in ("", "external") for reference in references):
            yield "/document/references", "no external reference leads to what came after"


def _ended_extensions(facts: Facts) -> Broken:
    if facts.category in _ENDED:
        for place, holder in (("", facts.raw), ("/document", facts.document)):
            if holder.get("x_extensions"):
                yield f"{place}/x_extensions", "a document that ended needs no extension"


def _deprecated_profile(facts: Facts) -> Broken:
    if facts.category.startswith("csaf_deprecated_"):
        yield "/document/category", "the profile is deprecated"


RULES = (
    Rule("6.1.26", _category), Rule("6.1.27.1", _notes), Rule("6.1.27.2", _references), Rule("6.1.27.3", _no_vulnerabilities),
    Rule("6.1.27.4", _tree), Rule("6.1.27.5", _vulnerability_notes), Rule("6.1.27.6", _product_status), Rule("6.1.27.7", _vex_status),
    Rule("6.1.27.8", _vex_identifier), Rule("6.1.27.9", _impact), Rule("6.1.27.10", _action), Rule("6.1.27.11", _vulnerabilities),
    Rule("6.1.27.12", _some_affected, ("2.1",)), Rule("6.1.27.13", _corresponding_affected, ("2.1",)),
    Rule("6.1.27.14", _ended_notes, ("2.1",)), Rule("6.1.27.15", _ended_tree, ("2.1",)), Rule("6.1.27.16", _ended_history, ("2.1",)),
    Rule("6.1.27.17", _reason("csaf_withdrawn"), ("2.1",)),
    Rule("6.1.27.18", _reason("csaf_superseded"), ("2.1",)),
    Rule("6.1.27.19", _superseding, ("2.1",)), Rule("6.2.38", _deprecated_profile, ("2.1",)),
    Rule("6.2.39.1", _corresponding_fixed, ("2.1",)),
    Rule("6.2.39.2", _reason_elsewhere("csaf_withdrawn"), ("2.1",)),
    Rule("6.2.39.3", _reason_elsewhere("csaf_superseded"), ("2.1",)),
    Rule("6.2.39.4", _superseding_elsewhere, ("2.1",)), Rule("6.2.39.5", _ended_extensions, ("2.1",)),
)
