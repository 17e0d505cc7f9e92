"""Tests on TLP labels, sharing groups and addresses."""

import re
from typing import Any
from urllib.parse import urlsplit

from clearinghouse.disclosure.intake.sources._csaf.facts import Broken, Check, Facts, Rule
from clearinghouse.disclosure.intake.sources.base import dict_of, list_of, text_of

_MAX = "ffffffff-ffff-ffff-ffff-ffffffffffff"
_NIL = "00000000-0000-0000-0000-000000000000"
_NAMES = {_MAX: "Public", _NIL: "No sharing allowed"}
_PLACE = "/document/distribution/sharing_group"
# Names that are promised never to resolve (RFC 6761); anything else needs a network, which readers have not.
_NEVER = re.compile(r"\.invalid$")


def _group(facts: Facts) -> dict[str, Any] | None:
    group = dict_of(facts.document.get("distribution")).get("sharing_group")
    return group if isinstance(group, dict) else None


def _max_not_public(facts: Facts) -> Broken:
    group = _group(facts)
    if group is not None and group.get("id") == _MAX and facts.tlp != "CLEAR":
        yield f"{_PLACE}/id", "the id of the public stands in a document that is not TLP:CLEAR"


def _public_not_max(facts: Facts) -> Broken:
    group = _group(facts)
    if group is not None and facts.tlp == "CLEAR" and group.get("id") != _MAX and not (
        group.get("id") == _NIL and facts.status == "draft"
    ):
        yield f"{_PLACE}/id", f"a TLP:CLEAR document is shared with the public: {_MAX}"


def _reserved_name(facts: Facts) -> Broken:
    group = _group(facts)
    if group is not None:
        for identifier, name in _NAMES.items():
            if group.get("name") == name and group.get("id") != identifier:
                yield f"{_PLACE}/name", f"{name!r} is the name of {identifier} alone"


def _missing_name(facts: Facts) -> Broken:
    group = _group(facts)
    if group is not None:
        wanted = _NAMES.get(text_of(group.get("id")))
        if wanted is not None and group.get("name") != wanted:
            yield f"{_PLACE}/name", f"the name of this id is {wanted!r}"


def _uses(identifier: str, what: str) -> Check:
    def check(facts: Facts) -> Broken:
        group = _group(facts)
        if group is not None and group.get("id") == identifier:
            yield f"{_PLACE}/id", f"the {what} id is used; leaving the group out would be right"

    return check


def _group_on_clear(facts: Facts) -> Broken:
    if _group(facts) is not None and facts.tlp == "CLEAR":
        yield _PLACE, "a TLP:CLEAR document needs no sharing group"


def _missing_tlp(facts: Facts) -> Broken:
    if not facts.tlp:
        yield "/document/distribution/tlp/label", "the document has no TLP label"


def _never_resolves(*, itself: bool) -> Check:
    def check(facts: Facts) -> Broken:
        selves = set()
        for place, holder in (("/document", facts.document), *facts.vulnerabilities):
            for number, reference in enumerate(map(dict_of, list_of(holder.get("references")))):
                if reference.get("category") == "self":
                    selves.add(f"{place}/references/{number}/url")
        for place, value in facts.named("url", "urls", "namespace", "uri", "sbom_urls"):
            if isinstance(value, str) and (place in selves) == itself:
                try:
                    host = urlsplit(value).hostname or ""
                except ValueError:
                    host = ""
                if _NEVER.search("." + host):
                    yield place, "the host of this address never resolves (RFC 6761)"

    return check


RULES = (
    Rule("6.1.38", _max_not_public, ("2.1",)), Rule("6.1.39", _public_not_max, ("2.1",)), Rule("6.1.40", _reserved_name, ("2.1",)),
    Rule("6.1.41", _missing_name, ("2.1",)), Rule("6.2.10", _missing_tlp, ("2.0",)), Rule("6.2.28", _uses(_MAX, "public"), ("2.1",)),
    Rule("6.2.29", _uses(_NIL, "nil"), ("2.1",)), Rule("6.2.30", _group_on_clear, ("2.1",)),
    Rule("6.3.6", _never_resolves(itself=False)), Rule("6.3.7", _never_resolves(itself=True)),
)
