"""Tests on what identifies a product: package URLs, CPE, hashes, numbers."""

import re
from collections.abc import Iterator
from typing import Any

from packageurl import PackageURL

from clearinghouse.disclosure.intake.sources._csaf.facts import Broken, Check, Facts, Rule
from clearinghouse.disclosure.intake.sources.base import dict_of, list_of, text_of

_STARS = re.compile(r"(?:^|[^\\])(?:\\\\)*\*")
_ALGORITHMS = frozenset({
    "blake2b256", "blake2b384", "blake2b512", "blake2s256", "blake3", "gost", "md4", "md5", "md5-sha1", "ripemd", "ripemd160", "rmd160",
    "sha", "sha1", "sha224", "sha256", "sha3-224", "sha3-256", "sha3-384", "sha3-512", "sha384", "sha512", "sha512-224", "sha512-256",
    "shake128", "shake256", "sm3", "ssl3-md5", "ssl3-sha1", "whirlpool",
})
_SHORT = 64
# Types of package URL that have no namespace (purl-spec).
_NO_NAMESPACE = frozenset({"cargo", "cocoapods", "conda", "cran", "hackage", "mlflow", "nuget", "oci", "pub", "pypi"})


def _purls(helper: dict[str, Any]) -> list[tuple[str, str]]:
    single = [("purl", text_of(helper.get("purl")))] if helper.get("purl") else []
    return single + [(f"purls/{n}", text_of(purl)) for n, purl in enumerate(list_of(helper.get("purls")))]


def _purl(text: str) -> PackageURL | None:
    try:
        purl = PackageURL.from_string(text)
    except ValueError:
        return None
    return None if purl.namespace and purl.type in _NO_NAMESPACE else purl


def _purl_valid(facts: Facts) -> Broken:
    for place, product in facts.helpers():
        for name, text in _purls(product.helper):
            if _purl(text) is None:
                yield f"{place}/{name}", f"{text[:80]!r} is no package URL"


def _purl_qualifiers(facts: Facts) -> Broken:
    """Several package URLs of one product differ in their qualifiers alone."""
    for place, product in facts.helpers():
        made = [purl for _, text in _purls(product.helper) if (purl := _purl(text)) is not None]
        if len({(purl.type, purl.namespace, purl.name, purl.version) for purl in made}) > 1:
            yield f"{place}/purls", "the package URLs of one product differ in more than qualifiers"


def _file_hashes(facts: Facts) -> Iterator[tuple[str, list[tuple[str, str, str]]]]:
    """(place, [(place, algorithm, value)]) of each file a product is known by."""
    for place, product in facts.helpers():
        for number, entry in enumerate(map(dict_of, list_of(product.helper.get("hashes")))):
            here = f"{place}/hashes/{number}"
            listed = [dict_of(value) for value in list_of(entry.get("file_hashes"))]
            yield here, [
                (f"{here}/file_hashes/{n}", text_of(value.get("algorithm")).lower(), text_of(value.get("value")))
                for n, value in enumerate(listed)
            ]


def _algorithm_twice(facts: Facts) -> Broken:
    for place, hashes in _file_hashes(facts):
        names = [algorithm for _, algorithm, _ in hashes]
        if len(set(names)) < len(names):
            yield place, "an algorithm is used twice for one file"


def _only(algorithms: tuple[str, ...]) -> Check:
    def check(facts: Facts) -> Broken:
        for place, hashes in _file_hashes(facts):
            if hashes and all(algorithm in algorithms for _, algorithm, _ in hashes):
                yield place, f"{algorithms[0]} is the only algorithm; add sha256 or stronger"

    return check


def _unknown_algorithm(facts: Facts) -> Broken:
    for _, hashes in _file_hashes(facts):
        for place, algorithm, _ in hashes:
            if algorithm not in _ALGORITHMS:
                yield f"{place}/algorithm", f"{algorithm[:40]!r} is no hash algorithm known here"


def _short_hash(facts: Facts) -> Broken:
    for _, hashes in _file_hashes(facts):
        for place, _, value in hashes:
            if len(value) < _SHORT:
                yield f"{place}/value", f"a hash of {len(value)} characters; {_SHORT} or more would be right"


def _stars(name: str) -> Check:
    def check(facts: Facts) -> Broken:
        for place, product in facts.helpers():
            for number, value in enumerate(list_of(product.helper.get(name))):
                if len(_STARS.findall(text_of(value))) > 1:
                    yield f"{place}/{name}/{number}", "more than one unescaped star"

    return check


def _missing(facts: Facts) -> Broken:
    for product in facts.tree.products:
        if not product.helper and not product.parts:
            yield product.place, "nothing identifies the product beside its name (`product_identification_helper`)"


_HARDWARE = ("serial_numbers", "model_numbers")
_SOFTWARE = ("hashes", "purl", "purls", "sbom_urls")


def _hardware_software(facts: Facts) -> Broken:
    joined = {step for relation in facts.tree.relationships for _, step in relation.steps}
    for place, product in facts.helpers():
        helper = product.helper
        hard = any(helper.get(name) for name in _HARDWARE) or text_of(helper.get("cpe")).startswith(("cpe:2.3:h:", "cpe:/h:"))
        soft = any(helper.get(name) for name in _SOFTWARE) or text_of(helper.get("cpe")).startswith(("cpe:2.3:o:", "cpe:/o:"))
        versioned = product.branch("product_version") or product.branch("product_version_range")
        if hard and (soft or (versioned and product.id not in joined)):
            yield place, "hardware and software are one product; two products and a relationship would be right"


def _same_helper(facts: Facts) -> Broken:
    seen: dict[tuple[str, str], str] = {}
    for place, product in facts.helpers():
        for name, value in product.helper.items():
            for entry in value if isinstance(value, list) else [value]:
                key = (name.rstrip("s"), repr(entry))
                if seen.setdefault(key, product.id) != product.id and name != "sbom_urls":
                    yield f"{place}/{name}", f"the same value identifies product {seen[key][:80]!r} as well"


def _inconsistent(facts: Facts) -> Broken:
    """A version or language that a helper names is not that of the branches."""
    for place, product in facts.helpers():
        version = product.branch("product_version")
        cpe = text_of(product.helper.get("cpe")).split(":")
        if version and len(cpe) >= 7 and cpe[1] == "2.3":
            named = cpe[5].replace("\\", "")
            update = cpe[6]
            branch_language, language = product.branch("language"), cpe[8] if len(cpe) > 8 else "*"
            if named not in ("*", "-", version) and named not in version:
                yield f"{place}/cpe", "the CPE names another version than the branches"
            elif update not in ("*", "-") and not product.branch("patch_level") and update.lower() not in version.lower():
                yield f"{place}/cpe", "the CPE names an update that no branch names"
            elif language not in ("*", "-") and language != branch_language:
                yield f"{place}/cpe", "the CPE names a language that no branch names"
        for name, text in _purls(product.helper):
            purl = _purl(text)
            if purl is None:
                continue
            architecture = dict(purl.qualifiers or {}).get("arch", "")
            if version and purl.version != version:
                yield f"{place}/{name}", "the package URL names another version than the branches, or none"
            elif architecture and product.branch("architecture") not in ("", architecture):
                yield f"{place}/{name}", "the package URL names another architecture than the branches"


RULES = (
    Rule("6.1.13", _purl_valid), Rule("6.1.42", _purl_qualifiers, ("2.1",)), Rule("6.1.25", _algorithm_twice),
    Rule("6.1.43", _stars("model_numbers"), ("2.1",)), Rule("6.1.44", _stars("serial_numbers"), ("2.1",)),
    Rule("6.1.61", _stars("skus"), ("2.1",)), Rule("6.2.8", _only(("md5",))), Rule("6.2.9", _only(("sha1",))), Rule("6.2.16", _missing),
    Rule("6.2.31", _hardware_software, ("2.1",)), Rule("6.2.32", _same_helper, ("2.1",)), Rule("6.2.42", _inconsistent, ("2.1",)),
    Rule("6.2.52", _unknown_algorithm, ("2.1",)), Rule("6.3.5", _short_hash),
)
