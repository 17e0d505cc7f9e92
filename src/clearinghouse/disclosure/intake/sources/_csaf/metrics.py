"""Tests on CVSS, EPSS and qualitative ratings."""

from collections import Counter
from typing import Any

from cvss import CVSS2, CVSS3, CVSS4
from cvss.exceptions import CVSSError

from clearinghouse.disclosure.intake.sources._csaf.facts import Broken, Facts, Rule
from clearinghouse.disclosure.intake.sources._reading import score_of
from clearinghouse.disclosure.intake.sources._schema import unlisted_keys
from clearinghouse.disclosure.intake.sources.base import dict_of, list_of, text_of

_CVSS = ("cvss_v2", "cvss_v3", "cvss_v4")
_SCHEMAS = {"2.0": "csaf-2.0.schema.json", "2.1": "csaf-2.1.schema.json"}
# JSON property and metric of a vector (FIRST, CVSS as JSON).
_PROPERTIES = {
    "cvss_v2": {
        "accessVector": "AV", "accessComplexity": "AC", "authentication": "Au", "confidentialityImpact": "C", "integrityImpact": "I",
        "availabilityImpact": "A", "exploitability": "E", "remediationLevel": "RL", "reportConfidence": "RC",
        "collateralDamagePotential": "CDP", "targetDistribution": "TD", "confidentialityRequirement": "CR",
        "integrityRequirement": "IR", "availabilityRequirement": "AR",
    },
    "cvss_v3": {
        "attackVector": "AV", "attackComplexity": "AC", "privilegesRequired": "PR", "userInteraction": "UI", "scope": "S",
        "confidentialityImpact": "C", "integrityImpact": "I", "availabilityImpact": "A", "exploitCodeMaturity": "E",
        "remediationLevel": "RL", "reportConfidence": "RC", "confidentialityRequirement": "CR", "integrityRequirement": "IR",
        "availabilityRequirement": "AR", "modifiedAttackVector": "MAV", "modifiedAttackComplexity": "MAC",
        "modifiedPrivilegesRequired": "MPR", "modifiedUserInteraction": "MUI", "modifiedScope": "MS",
        "modifiedConfidentialityImpact": "MC", "modifiedIntegrityImpact": "MI", "modifiedAvailabilityImpact": "MA",
    },
    "cvss_v4": {
        "attackVector": "AV", "attackComplexity": "AC", "attackRequirements": "AT", "privilegesRequired": "PR", "userInteraction": "UI",
        "vulnConfidentialityImpact": "VC", "vulnIntegrityImpact": "VI", "vulnAvailabilityImpact": "VA",
        "subConfidentialityImpact": "SC", "subIntegrityImpact": "SI", "subAvailabilityImpact": "SA", "exploitMaturity": "E",
        "confidentialityRequirement": "CR", "integrityRequirement": "IR", "availabilityRequirement": "AR",
        "modifiedAttackVector": "MAV", "modifiedAttackComplexity": "MAC", "modifiedAttackRequirements": "MAT",
        "modifiedPrivilegesRequired": "MPR", "modifiedUserInteraction": "MUI", "modifiedVulnConfidentialityImpact": "MVC",
        "modifiedVulnIntegrityImpact": "MVI", "modifiedVulnAvailabilityImpact": "MVA", "modifiedSubConfidentialityImpact": "MSC",
        "modifiedSubIntegrityImpact": "MSI", "modifiedSubAvailabilityImpact": "MSA", "Safety": "S", "Automatable": "AU",
        "Recovery": "R", "valueDensity": "V", "vulnerabilityResponseEffort": "RE", "providerUrgency": "U",
    },
}
# Words whose letter in a vector is not their first.
_LETTERS = {
    "ADJACENT_NETWORK": "A", "MULTIPLE": "M", "SINGLE": "S", "PROOF_OF_CONCEPT": "P", "UNPROVEN": "U", "OFFICIAL_FIX": "OF",
    "TEMPORARY_FIX": "TF", "WORKAROUND": "W", "UNAVAILABLE": "U", "UNCONFIRMED": "UC", "UNCORROBORATED": "UR", "LOW_MEDIUM": "LM",
    "MEDIUM_HIGH": "MH",
}
_UNSET = frozenset({"X", "ND"})


def _scored(facts: Facts) -> Any:
    """(place, name, CVSS object, product ids, source) of every CVSS object."""
    for place, vulnerability in facts.vulnerabilities:
        for where, content, products, source in facts.metrics(vulnerability, place):
            for name in _CVSS:
                stated = dict_of(content.get(name))
                if stated:
                    yield f"{where}/{name}", name, stated, products, source


def _calculate(name: str, stated: dict[str, Any]) -> Any:
    vector = text_of(stated.get("vectorString"))
    try:
        return CVSS2(vector) if name == "cvss_v2" else CVSS3(vector) if name == "cvss_v3" else CVSS4(vector)
    except (CVSSError, KeyError, ValueError, ArithmeticError):
        return None


def _twice(facts: Facts) -> Broken:
    for place, vulnerability in facts.vulnerabilities:
        counted: Counter[tuple[str, str, str]] = Counter()
        for _, content, products, source in facts.metrics(vulnerability, place):
            kinds = [
                f"CVSS {text_of(dict_of(content[name]).get('version')) or name}" for name in _CVSS if dict_of(content.get(name))
            ]
            kinds += [name for name in ("ssvc_v2", "epss", "qualitative_severity_rating") if content.get(name)]
            counted.update((product, kind, source) for product in set(products) for kind in kinds)
        for (product, kind, _), count in sorted(counted.items()):
            if count > 1:
                yield place, f"product {product[:80]!r} has more than one {kind} score of the same source"


def _invalid(facts: Facts) -> Broken:
    for place, name, stated, _, _ in _scored(facts):
        if _calculate(name, stated) is None:
            yield f"{place}/vectorString", "the vector is none of its version of CVSS"


def _severity(score: float) -> str:
    return "NONE" if score == 0 else "LOW" if score < 4 else "MEDIUM" if score < 7 else "HIGH" if score < 9 else "CRITICAL"


def _computed(facts: Facts) -> Broken:
    for place, name, stated, _, _ in _scored(facts):
        made = _calculate(name, stated)
        if made is None:
            continue
        scores = (made.base_score, None, None) if name == "cvss_v4" else made.scores()
        for what, follows in zip(("base", "temporal", "environmental"), scores, strict=True):
            score, label = score_of(stated.get(f"{what}Score")), text_of(stated.get(f"{what}Severity"))
            if follows is None:
                follows = made.base_score if what != "base" and name != "cvss_v4" else None
            if score is None or follows is None:
                continue
            if abs(float(follows) - score) > 0.05:
                yield f"{place}/{what}Score", f"score {score} does not follow from the vector, which gives {follows}"
            elif name != "cvss_v2" and label and label != _severity(score):
                yield f"{place}/{what}Severity", f"{label[:20]} is not the severity of {score}, which is {_severity(score)}"


def _consistent(facts: Facts) -> Broken:
    for place, name, stated, _, _ in _scored(facts):
        parts = [part.partition(":") for part in text_of(stated.get("vectorString")).split("/")]
        vector = {metric: value for metric, _, value in parts if metric != "CVSS"}
        version = text_of(stated.get("vectorString")).partition("/")[0].removeprefix("CVSS:")
        if name != "cvss_v2" and text_of(stated.get("version")) != version:
            yield f"{place}/version", "the version is not that of the vector"
        for key, metric in _PROPERTIES[name].items():
            said = text_of(stated.get(key))
            written = vector.get(metric, "X")
            if said and not _same(said, written):
                yield f"{place}/{key}", f"{said[:30]} is not what the vector says ({metric}:{written[:10]})"
                break


def _same(said: str, written: str) -> bool:
    if said == "NOT_DEFINED":
        return written in _UNSET
    if written in _UNSET:
        return False
    letters = {said[0], _LETTERS.get(said, said[0]), said.replace("_", "")[: len(written)], "".join(w[0] for w in said.split("_"))}
    return written in letters or written.upper() == said


def _missing(facts: Facts) -> Broken:
    for place, vulnerability in facts.vulnerabilities:
        scored = {product for _, _, products, _ in facts.metrics(vulnerability, place) for product in products}
        for product in sorted(facts.statuses(vulnerability)["affected"] - scored):
            yield place, f"product {product[:80]!r} is affected and has no score"


def _fixed(facts: Facts) -> Broken:
    for place, vulnerability in facts.vulnerabilities:
        fixed = facts.statuses(vulnerability)["fixed"]
        for where, content, products, _ in facts.metrics(vulnerability, place):
            hit = sorted(fixed & set(products))
            for name in _CVSS:
                stated = dict_of(content.get(name))
                if hit and stated and not _harmless(name, stated):
                    yield f"{where}/{name}", f"product {hit[0][:80]!r} is fixed and scored as if it were not"


def _harmless(name: str, stated: dict[str, Any]) -> bool:
    """Whether a score says that nothing is left of the flaw in this product."""
    if score_of(stated.get("environmentalScore")) == 0:
        return True
    vector = set(text_of(stated.get("vectorString")).split("/"))
    if name == "cvss_v2":
        return "TD:N" in vector or stated.get("targetDistribution") == "NONE"
    metrics = ("MC", "MI", "MA") if name == "cvss_v3" else ("MVC", "MVI", "MVA", "MSC", "MSI", "MSA")
    keys = [key for key, metric in _PROPERTIES[name].items() if metric in metrics]
    return {f"{metric}:N" for metric in metrics} <= vector or all(stated.get(key) in ("NONE", "NEGLIGIBLE") for key in keys)


def _additional(facts: Facts) -> Broken:
    for place in unlisted_keys(_SCHEMAS[facts.version], facts.raw):
        yield place, "the standard knows no such property"


def _rating_beside_cvss(facts: Facts) -> Broken:
    for place, vulnerability in facts.vulnerabilities:
        rated: dict[str, set[tuple[str, str]]] = {"cvss": set(), "rating": set()}
        for _, content, products, source in facts.metrics(vulnerability, place):
            kinds = [kind for kind, there in (
                ("cvss", any(content.get(name) for name in _CVSS)), ("rating", content.get("qualitative_severity_rating"))
            ) if there]
            for kind in kinds:
                rated[kind].update((product, source) for product in products)
        for product, _ in sorted(rated["cvss"] & rated["rating"]):
            yield place, f"product {product[:80]!r} has both CVSS and a qualitative rating of the same source"


def _rating(facts: Facts) -> Broken:
    for place, vulnerability in facts.vulnerabilities:
        for where, content, _, source in facts.metrics(vulnerability, place):
            if content.get("qualitative_severity_rating") and source:
                yield f"{where}/qualitative_severity_rating", "a qualitative rating is used; a vector would say more"


def _own_rating(facts: Facts) -> Broken:
    references = [dict_of(reference) for reference in list_of(facts.document.get("references"))]
    selves = {text_of(reference.get("url")) for reference in references if reference.get("category") == "self"}
    for place, vulnerability in facts.vulnerabilities:
        for where, content, _, source in facts.metrics(vulnerability, place):
            if content.get("qualitative_severity_rating") and (not source or source in selves):
                yield f"{where}/qualitative_severity_rating", "the issuing party gives a word; a vector would be right"


def _by_products(facts: Facts) -> Any:
    """(place, scheme names by product) of each vulnerability with metrics."""
    for place, vulnerability in facts.vulnerabilities:
        kinds: dict[str, set[str]] = {}
        for _, content, products, _ in facts.metrics(vulnerability, place):
            names = {name for name in (*_CVSS, "ssvc_v2", "epss", "qualitative_severity_rating") if content.get(name)}
            for product in products:
                kinds.setdefault(product, set()).update(names)
        if kinds:
            yield place, kinds


def _only_v2(facts: Facts) -> Broken:
    for place, kinds in _by_products(facts):
        for product, names in sorted(kinds.items()):
            if names == {"cvss_v2"}:
                yield place, f"CVSS 2 is the only score of product {product[:80]!r}"


def _v3_0(facts: Facts) -> Broken:
    for place, name, stated, _, _ in _scored(facts):
        if name == "cvss_v3" and (stated.get("version") == "3.0" or text_of(stated.get("vectorString")).startswith("CVSS:3.0/")):
            yield f"{place}/version", "CVSS 3.0 is used; 3.1 or 4.0 would be right"


def _no_v4(facts: Facts) -> Broken:
    for place, kinds in _by_products(facts):
        for product, names in sorted(kinds.items()):
            if names & {"cvss_v2", "cvss_v3"} and "cvss_v4" not in names:
                yield place, f"product {product[:80]!r} has no CVSS 4.0 score"


RULES = (
    Rule("6.1.7", _twice), Rule("6.1.8", _invalid), Rule("6.1.9", _computed), Rule("6.1.10", _consistent), Rule("6.2.3", _missing),
    Rule("6.2.19", _fixed), Rule("6.2.20", _additional), Rule("6.1.56", _rating_beside_cvss, ("2.1",)),
    Rule("6.2.47", _own_rating, ("2.1",)), Rule("6.3.1", _only_v2), Rule("6.3.2", _v3_0), Rule("6.3.12", _no_v4, ("2.1",)),
    Rule("6.3.18", _rating, ("2.1",)),
)
