"""What prose names: links, identifiers, weaknesses, vectors, files, functions, versions.

Text is searched, never obeyed: a sentence that addresses a reader, human or model, is data like the
rest. Every expression is linear and every list is bounded.
"""

import re
from dataclasses import dataclass

from clearinghouse.core.crash import normalise_path
from clearinghouse.core.product import Package
from clearinghouse.core.weakness import find_weaknesses
from clearinghouse.disclosure.intake.records import (
    CodeLocation,
    Identifier,
    IdentifierRole,
    Note,
    Reference,
    SeverityClaim,
    VersionRange,
)
from clearinghouse.disclosure.intake.sources._reading import read_cvss, read_reference

SEARCHED_CHARACTERS = 200_000
_FOUND_MAX = 200
_URL = re.compile(r"https?://[^\s<>\"'`|\\^{}\x00-\x20]{4,1000}")
_IDENTIFIER = re.compile(
    r"\b(?:CVE-\d{4}-\d{4,10}|GHSA(?:-[23456789cfghjmpqrvwx]{4}){3}|(?:PYSEC|RUSTSEC|HSEC|OSV|MAL|JLSEC|RSEC)-\d{4}-\d{1,9}|GO-\d{4}-\d{4,6})\b", re.IGNORECASE
)
_VECTOR = re.compile(r"\bCVSS:[234]\.[01](?:/[A-Za-z]{1,3}:[A-Za-z]{1,9}){4,40}|\bAV:[NAL]/AC:[HML]/Au:[MSN]/C:[NPC]/I:[NPC]/A:[NPC]\b")
_EXTENSIONS = (
    "c|h|cc|cpp|cxx|hpp|hh|inl|rs|go|py|pyx|js|jsx|mjs|cjs|ts|tsx|java|kt|kts|scala|php|rb|pl|pm|cs|fs|vb|swift|m|mm|hs|lhs|ml|mli|erl|ex|exs|"
    "lua|sh|bash|ps1|sql|vue|svelte|sol|asm|s|S|dart|zig|nim|jl|R|tcl|cgi|asp|aspx|jsp|proto|y|l|tf|yml|yaml|cmake"
)
_PATH = re.compile(
    rf"(?<![\w/.@:+-])(?P<path>(?:[\w+@-][\w.+@-]{{0,80}}/){{0,14}}[\w+@-][\w.+@-]{{0,80}}\.(?:{_EXTENSIONS}))(?![\w/-])"
    r"(?::(?P<line>\d{1,7})(?:-(?P<end>\d{1,7}))?|#L(?P<anchor>\d{1,7})(?:-L(?P<anchor_end>\d{1,7}))?|,?\s(?:at\s)?lines?\s(?P<words>\d{1,7})(?:\s?[-–]\s?(?P<words_end>\d{1,7}))?)?"
)
_CALL = re.compile(r"(?<![\w.:$/])(?P<name>[A-Za-z_~][\w$]{1,80}(?:(?:::|\.|->|#)~?[A-Za-z_][\w$]{0,80}){0,8})\(\)")
_SPAN = re.compile(r"(?<!`)`(?P<code>[^`\n]{2,200})`(?!`)")
_NAME = re.compile(r"^(?:[A-Za-z_~$][\w$]*)(?:(?:::|\.|->|#)~?[A-Za-z_$][\w$]*){1,8}(?:\([^()]{0,80}\))?$|^[A-Za-z_$][\w$]*\([^()]{0,80}\)$|^[a-z]\w*_\w{2,}$|^[a-z]{2,}[A-Z]\w{2,}$")
_VERSION = r"v?\d{1,10}(?:[._]\d{1,10}){0,6}(?:[-+~]?[A-Za-z][\w.+-]{0,30})?"
_RANGE = re.compile(rf"(?P<sign><=|>=|<|>|==?|\^|~>?)\s?(?P<version>{_VERSION})")
_SPANNED = re.compile(
    rf"(?P<from>{_VERSION})\s{{1,3}}(?P<word>(?:up )?to and including|through|thru|until|up to|to|before|[-–—])\s{{1,3}}(?:(?:version|and including|including)\s)?(?P<to>{_VERSION})"
)
_BEFORE = re.compile(rf"\b(?P<word>before|prior to|earlier than|up to and including|up to|through|fixed in|patched in|since|introduced in|starting (?:with|from|in))\s(?:version\s)?(?P<version>{_VERSION})", re.IGNORECASE)
_COMMIT = re.compile(r"https?://[^\s<>\"')\]]{4,300}/commit/(?P<commit>[0-9a-f]{7,64})")
_COMMIT_WORD = re.compile(r"\bcommit[: ]{1,2}`?(?P<commit>[0-9a-f]{7,64})\b", re.IGNORECASE)
_REPOSITORY = re.compile(r"^(?P<repository>https?://[^\s/]{3,200}/[^\s/]{1,200}/[^\s/]{1,200})/(?:-/)?(?:commit|blob|tree|issues|pull|merge_requests|security)/")


@dataclass(frozen=True, slots=True)
class Named:
    """What a text names."""

    identifiers: tuple[Identifier, ...] = ()
    references: tuple[Reference, ...] = ()
    weaknesses: tuple[str, ...] = ()
    severities: tuple[SeverityClaim, ...] = ()
    locations: tuple[CodeLocation, ...] = ()
    symbols: tuple[str, ...] = ()
    commit: str = ""
    """The commit the text says it looked at; links to fixes do not count."""


def read_named(untrusted_text: str, place: str, notes: list[Note], *, own: str = "") -> Named:
    """What a text names.

    Args:
        own: the identifier of the record itself, which is no alias of itself.
    """
    text = untrusted_text[:SEARCHED_CHARACTERS]
    urls = find_urls(text)
    bare = _URL.sub(" ", text)
    names = dict.fromkeys(found.upper() for found in _IDENTIFIER.findall(bare)[:_FOUND_MAX])
    vectors = dict.fromkeys(_VECTOR.findall(bare)[:20])
    commit = _COMMIT_WORD.search(bare)
    locations = find_locations(bare)
    return Named(
        tuple(Identifier(name, IdentifierRole.ALIAS) for name in names if name != own.upper()),
        tuple(read_reference(url) for url in urls), find_weaknesses(bare),
        tuple(read_cvss(vector, "", place, notes) for vector in vectors), locations, find_symbols(bare),
        commit["commit"] if commit else "",
    )


def find_urls(untrusted_text: str) -> tuple[str, ...]:
    """The links of a text, without the punctuation a sentence or Markdown puts after them."""
    found = (_trim(url) for url in _URL.findall(untrusted_text[:SEARCHED_CHARACTERS])[:_FOUND_MAX])
    return tuple(dict.fromkeys(url for url in found if len(url) > 10))


def _trim(url: str) -> str:
    for closing, opening in ((")", "("), ("]", "[")):
        depth = 0
        for position, sign in enumerate(url):
            depth += (sign == opening) - (sign == closing)
            if depth < 0:
                url = url[:position]  # a bracket that was not opened belongs to the text around the link
                break
    return url.rstrip(".,;:!?*_'\"")


def find_locations(untrusted_text: str) -> tuple[CodeLocation, ...]:
    """The source files a text names, with lines where it gives them."""
    places: dict[CodeLocation, None] = {}
    for found in list(_PATH.finditer(untrusted_text[:SEARCHED_CHARACTERS]))[:_FOUND_MAX]:
        if "/" not in found["path"] and found["path"].split(".", 1)[0].lower() in ("node", "next", "vue", "express", "e", "i", "react", "nuxt", "d3"):
            continue  # products named like files
        line = found["line"] or found["anchor"] or found["words"]
        end = found["end"] or found["anchor_end"] or found["words_end"]
        places[CodeLocation(normalise_path(found["path"]), int(line) if line else None, int(end) if end else None)] = None
    lined = {place.path for place in places if place.line_start is not None}
    return tuple(place for place in places if place.line_start is not None or place.path not in lined)


def find_symbols(untrusted_text: str) -> tuple[str, ...]:
    """The functions a text names: `name()` in prose, and code spans that look like a qualified name or a call."""
    text = untrusted_text[:SEARCHED_CHARACTERS]
    names = [found["name"] for found in list(_CALL.finditer(text))[:_FOUND_MAX]]
    for found in list(_SPAN.finditer(text))[:_FOUND_MAX]:
        code = found["code"].strip()
        if _NAME.match(code) and not _PATH.fullmatch(code) and not code.replace(".", "").isdigit():
            names.append(code.split("(", 1)[0])
    return tuple(dict.fromkeys(names))


def find_repository(url: str) -> str:
    """The repository a link to a commit, an issue or a file points into; empty where it is none."""
    found = _REPOSITORY.match(url)
    return found["repository"] if found else ""


def find_commits(untrusted_text: str) -> tuple[tuple[str, str], ...]:
    """(repository, commit) of the links to commits in a text."""
    return tuple((find_repository(found[0]), found["commit"]) for found in _COMMIT.finditer(untrusted_text[:SEARCHED_CHARACTERS]))


def read_range(untrusted_text: str, package: Package | None = None, kind: str = "") -> VersionRange | None:
    """A range as prose has it (`1.2 to and including 1.9`, `>= 1.2, < 2.0`, `before 3.1`), with the words kept; None without a version."""
    text = " ".join(untrusted_text[:500].replace("`", "").split())
    introduced: list[str] = []
    fixed: list[str] = []
    last: list[str] = []
    exact: list[str] = []
    rest = text
    if spans := list(_SPANNED.finditer(text)):
        for found in spans:
            introduced.append(_plain(found["from"]))
            (fixed if found["word"] in ("before", "until") else last).append(_plain(found["to"]))
        rest = _SPANNED.sub(" ", text)
    for found in _RANGE.finditer(rest):
        version = _plain(found["version"])
        {"<": fixed, "<=": last, ">=": introduced, ">": introduced, "=": exact, "==": exact}.get(found["sign"], exact).append(version)
    if not (introduced or fixed or last or exact):
        for found in _BEFORE.finditer(rest):
            word, version = found["word"].lower(), _plain(found["version"])
            target = last if word in ("up to and including", "up to", "through") else introduced if ("in" in word and "fixed" not in word and "patched" not in word) or word == "since" else fixed
            target.append(version)
    if not (introduced or fixed or last or exact) and re.fullmatch(rf"(?:versions?\s)?{_VERSION}(?:,\s?{_VERSION}){{0,50}}", text):
        exact = [_plain(version) for version in re.findall(_VERSION, text)]
    if not (introduced or fixed or last or exact):
        return None
    # Enumerated versions stand as they are; an expression is kept in its own words beside what was read from it.
    return VersionRange(package, kind, tuple(introduced), tuple(fixed), tuple(last), tuple(exact) if exact else (text,))


def _plain(version: str) -> str:
    return version.rstrip(".,;").removeprefix("v")
