"""Tests on language tags (RFC 5646), held against the two-letter codes of ISO 639-1 and ISO 3166-1."""

import re

from clearinghouse.disclosure.intake.sources._csaf.facts import Broken, Facts, Rule
from clearinghouse.disclosure.intake.sources.base import text_of

_LANGUAGES = frozenset({
    "aa", "ab", "ae", "af", "ak", "am", "an", "ar", "as", "av", "ay", "az", "ba", "be", "bg", "bh", "bi", "bm", "bn", "bo",
    "br", "bs", "ca", "ce", "ch", "co", "cr", "cs", "cu", "cv", "cy", "da", "de", "dv", "dz", "ee", "el", "en", "eo", "es",
    "et", "eu", "fa", "ff", "fi", "fj", "fo", "fr", "fy", "ga", "gd", "gl", "gn", "gu", "gv", "ha", "he", "hi", "ho", "hr",
    "ht", "hu", "hy", "hz", "ia", "id", "ie", "ig", "ii", "ik", "io", "is", "it", "iu", "ja", "jv", "ka", "kg", "ki", "kj",
    "kk", "kl", "km", "kn", "ko", "kr", "ks", "ku", "kv", "kw", "ky", "la", "lb", "lg", "li", "ln", "lo", "lt", "lu", "lv",
    "mg", "mh", "mi", "mk", "ml", "mn", "mr", "ms", "mt", "my", "na", "nb", "nd", "ne", "ng", "nl", "nn", "no", "nr", "nv",
    "ny", "oc", "oj", "om", "or", "os", "pa", "pi", "pl", "ps", "pt", "qu", "rm", "rn", "ro", "ru", "rw", "sa", "sc", "sd",
    "se", "sg", "sh", "si", "sk", "sl", "sm", "sn", "so", "sq", "sr", "ss", "st", "su", "sv", "sw", "ta", "te", "tg", "th",
    "ti", "tk", "tl", "tn", "to", "tr", "ts", "tt", "tw", "ty", "ug", "uk", "ur", "uz", "ve", "vi", "vo", "wa", "wo", "xh",
    "yi", "yo", "za", "zh", "zu",
})
_TAG = re.compile(r"^[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8}){0,8}$")
_PRIVATE_LANGUAGE = re.compile(r"^q[a-t][a-z]$")
_PRIVATE_SCRIPT = re.compile(r"^qa(?:a[a-z]|b[a-x])$")
_PRIVATE_REGION = re.compile(r"^(?:aa|q[m-z]|x[a-z]|zz)$")
_FIELDS = ("lang", "source_lang")


def _tags(facts: Facts) -> list[tuple[str, str]]:
    return [(f"/document/{name}", text_of(facts.document[name])) for name in _FIELDS if text_of(facts.document.get(name))]


def _valid(facts: Facts) -> Broken:
    for place, tag in _tags(facts):
        first = tag.lower().split("-")[0]
        irregular = first in ("i", "x")
        if not irregular and (not _TAG.match(tag) or (len(first) == 2 and first not in _LANGUAGES)):
            yield place, f"{tag[:20]!r} is no language tag (RFC 5646)"


def _same(facts: Facts) -> Broken:
    if facts.language and facts.language == facts.document.get("source_lang"):
        yield "/document/source_lang", "a translation is not in the language it was made from"


def _missing(facts: Facts) -> Broken:
    if not facts.language:
        yield "/document/lang", "the document does not say its language"


def _private(facts: Facts) -> Broken:
    for place, tag in _tags(facts):
        first, *rest = tag.lower().split("-")
        private = _PRIVATE_LANGUAGE.match(first) or first == "x" or "x" in rest
        if private or any(_PRIVATE_SCRIPT.match(part) or _PRIVATE_REGION.match(part) for part in rest):
            yield place, f"{tag[:20]!r} is for private use"


def _default(facts: Facts) -> Broken:
    for place, tag in _tags(facts):
        if tag.lower() == "i-default":
            yield place, "`i-default` names no language"


RULES = (
    Rule("6.1.12", _valid), Rule("6.1.28", _same), Rule("6.2.12", _missing), Rule("6.2.14", _private), Rule("6.2.15", _default),
)
