"""From one token, name, link, version or place to the terms it stands for.

Pure functions of short texts, remembered by `terms.Vocabulary`. Every pattern is linear in its text.
"""

import re
from collections.abc import Iterator
from enum import IntEnum
from urllib.parse import unquote


class Kind(IntEnum):
    """What a term is; stands in the upper four bits of its hash."""

    WORD = 1
    """Stem of a word of prose or of a name."""
    NUMBER = 2
    """A number of four digits or more that is no year: bug numbers, ports, offsets."""
    VERSION = 3
    CODE = 4
    """Function, method, class, parameter, file or path."""
    NAME = 5
    """A package or product name with everything but letters and digits taken out."""
    COMMIT = 6
    """First seven digits of a commit hash."""
    TRACKER = 7
    """An issue, pull request, bug or report at a tracker: host, project and number."""
    LINK = 8
    """Any other page."""
    REPOSITORY = 9
    CWE = 10
    WEAKNESS = 11
    """Class of weakness; see `weaknesses`."""
    FRAME = 12
    """Function of a crash stack."""
    IDENTIFIER = 13
    """A name of the vulnerability itself: CVE, GHSA, ... (own or alias)."""
    RELATED = 14
    """An identifier the record only relates to."""
    PHRASE = 15
    """Two neighbouring words of the title or of the first words of the description."""

_STOP = frozenset(
    ["a", "an", "and", "are", "as", "at", "be", "been", "but", "by", "can", "could", "did", "do", "does", "for", "from", "had", "has", "have", "how", "if", "in", "into", "is", "it", "its", "may", "might", "more", "most", "not", "of", "on", "or", "other", "our", "out", "over", "own", "s", "so", "some", "such", "t", "than", "that", "the", "their", "them", "then", "there", "these", "they", "this", "those", "through", "to", "too", "under", "until", "up", "was", "we", "were", "what", "when", "where", "which", "while", "who", "will", "with", "would", "you", "your", "also", "any", "via", "all", "allow", "allows", "allowed", "allowing", "attacker", "attackers", "vulnerability", "vulnerabilities", "issue", "issues", "affected", "affects", "affect", "version", "versions", "before", "prior", "use", "used", "using", "user", "users", "exists", "found", "discovered", "due", "lead", "leads", "could", "id", "earlier", "later", "upgrade", "update", "updated", "fixed", "fix", "patch", "patched", "patches", "recommended", "note", "see", "http", "https", "www", "com", "html", "n"]
)
_STRIP = ".:-_/\\~()+@$%^"
_VERSION = re.compile(r"v?(\d{1,8}(?:\.(?:\d{1,8}|x|\*)){1,6})((?:[-+._~]?[0-9a-z]{1,12}){0,4})", re.IGNORECASE)
_HASH = re.compile(r"(?=[0-9a-f]*[0-9])(?=[0-9a-f]*[a-f])[0-9a-f]{7,64}")
_WORDS = re.compile(r"[a-z]+|[0-9]+", re.IGNORECASE)
_IDENTIFIER = re.compile(r"(?:cve-\d{4}-\d{4,7}|ghsa(?:-[2-9a-z]{4}){3}|[a-z]{2,12}-(?:19|20)\d\d-\d{1,7}(?::\d+)?)")
_CALL = re.compile(r"\w\(")
_CAMEL = re.compile(r"[a-z0-9][A-Z]")
_SPLIT_CAMEL = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_FILE = re.compile(r"[\w\-.]{1,80}\.(?:php|c|cc|cpp|h|hpp|py|js|ts|jsx|tsx|java|go|rs|rb|pl|pm|cgi|asp|aspx|jsp|do|"
                   r"action|xml|json|html|htm|sh|lua|swift|kt|cs|ex|erl|scala|so|dll|exe|ini|conf|yml|yaml|jl|phtml|tpl)",
                   re.IGNORECASE)
_CODE_JOINT = re.compile(r"::|->|[./\\#:]")
_VERSION_TOKEN = re.compile(r"[0-9v][\w.\-+~*]{0,40}")
_GENERIC = re.compile(r"\b(plugin|theme|module|library|project|server|jll|framework|package)\b", re.IGNORECASE)
_NOT_ALNUM = re.compile(r"[^a-z0-9]+")
_SUFFIXES = ("ations", "ation", "ating", "ingly", "ings", "ing", "ions", "ion", "edly", "ed", "ers", "er", "ors", "or",
             "ments", "ment", "ables", "able", "ible", "ive", "als", "al", "ies", "es", "s", "e", "ly", "y")


def stem(word: str) -> str:
    """A word without its ending, crudely: enough that "parsing", "parser" and "parses" meet."""
    if len(word) < 5:
        return word[:-1] if len(word) == 4 and word[-1] == "s" and word[-2] not in "sui" else word
    if word.endswith(("ss", "us")):
        return word
    for suffix in _SUFFIXES:
        if word.endswith(suffix) and len(word) - len(suffix) >= 4:
            return word[: -len(suffix)]
    return word

def squash(name: str) -> str:
    """A name's letters and digits alone, lower case: `Spring_Data REST` and `spring-data-rest` meet."""
    return _NOT_ALNUM.sub("", name.lower())


def normalise_version(untrusted_version: str) -> str | None:
    """A version without `v`, build and trailing zeros, or None when the text is no version."""
    found = _VERSION.fullmatch(untrusted_version.strip().rstrip(".,)"))
    if found is None:
        return None
    parts = found.group(1).lower().split(".")
    rest = found.group(2).lower().split("+", 1)[0].strip("-._~")
    while len(parts) > 1 and parts[-1] in ("0", "x", "*"):
        parts.pop()
    return ".".join(part.lstrip("0") or "0" for part in parts) + ("-" + rest if rest else "")

def token_terms(token: str) -> Iterator[tuple[Kind, str]]:
    """Terms of one token of prose, the stems of its words last."""
    called = _CALL.search(token) is not None
    bare = token.strip(_STRIP)
    if not bare or len(bare) > 200:
        return
    lower = bare.lower()
    if _IDENTIFIER.fullmatch(lower):
        # In prose an identifier often names another flaw ("incomplete fix of ..."): no evidence of sameness.
        yield Kind.RELATED, lower.upper()
        return
    if lower.isalpha():
        if bare.isascii() and lower in _STOP:
            return
        if called or _CAMEL.search(bare):
            yield Kind.CODE, lower
        yield Kind.WORD, stem(lower)
        return
    if lower.isdigit():
        if len(lower) >= 4 and not (len(lower) == 4 and lower[:2] in ("19", "20")):
            yield Kind.NUMBER, lower
        return
    version = normalise_version(bare)
    if version is not None:
        yield Kind.VERSION, version
        return
    if _HASH.fullmatch(lower):
        yield Kind.COMMIT, lower[:7]
        return
    if "://" in token:
        yield from link_terms(token)
        return
    yield from _code(bare, lower, called)


def _code(bare: str, lower: str, called: bool) -> Iterator[tuple[Kind, str]]:
    looks = called or "_" in bare or "::" in bare or "->" in bare or _CAMEL.search(bare) or _FILE.fullmatch(bare)
    dotted = "." in bare and not bare.replace(".", "").isdigit()
    slashed = "/" in bare and (lower.count("/") >= 2 or "." in bare)
    if looks or dotted or slashed:
        cut = lower.split("(", 1)[0].strip(_STRIP)
        last = _last_part(cut)
        if cut:
            yield Kind.CODE, cut[-80:]
        if len(last) >= 3 and last != cut:
            yield Kind.CODE, last[-80:]
    elif "-" in bare:
        joined = squash(bare)
        if 4 <= len(joined) <= 60:
            yield Kind.NAME, joined
    for part in _WORDS.findall(" ".join(_SPLIT_CAMEL.findall(bare)))[:12]:
        word = part.lower()
        if word.isdigit():
            if len(word) >= 4 and not (len(word) == 4 and word[:2] in ("19", "20")):
                yield Kind.NUMBER, word
        elif len(word) > 1 and word not in _STOP:
            yield Kind.WORD, stem(word)


_TRACKER = re.compile(r"(?:issues?|pull|pulls|merge_requests|bugs?|bug|ticket|tickets|browse|reports|bounties|"
                      r"questions|show_bug\.cgi|viewtopic|vulnerability|exploits|files)[/?=]+(?:id=)?([\w\-]{3,80})")
_COMMIT = re.compile(r"(?:commit|commits|rev|revision|changeset|/c|/\+|h|id)[/=:]+([0-9a-f]{7,64})(?![0-9a-z])", re.IGNORECASE)
_FORGE = re.compile(r"(?:^|\.)(github\.com|gitlab\.com|bitbucket\.org|codeberg\.org|gitee\.com|sourceforge\.net)$")


def link_terms(untrusted_url: str) -> Iterator[tuple[Kind, str]]:
    """Terms of a link: commit, tracker entry or page, and the repository it lies in."""
    url = unquote(untrusted_url.strip().strip("\"'<>().,")).lower()
    rest = url.split("://", 1)[-1].split("#", 1)[0].removeprefix("www.").rstrip("/")[:300]
    if not rest:
        return
    host, _, path = rest.partition("/")
    parts = path.split("/")
    commit = _COMMIT.search(rest)
    if commit is not None:
        yield Kind.COMMIT, commit.group(1)[:7]
    if _FORGE.search(host) and len(parts) >= 2:
        project = squash(parts[1].removesuffix(".git"))
        yield Kind.REPOSITORY, f"{host}/{parts[0]}/{parts[1].removesuffix('.git')}"
        if project:
            yield Kind.NAME, project
        for word in _WORDS.findall(parts[1])[:6]:
            if len(word) > 1:
                yield Kind.WORD, stem(word)
    if commit is not None:
        return
    tracker = _TRACKER.search(rest)
    if tracker is not None:
        owner = "/".join(parts[:2]) if _FORGE.search(host) else ""
        yield Kind.TRACKER, f"{host}/{owner}#{tracker.group(1)}"
        if tracker.group(1).isdigit() and len(tracker.group(1)) >= 4:
            yield Kind.NUMBER, tracker.group(1)
    elif len(parts) > 1 or "?" in path or len(path) > 12:
        yield Kind.LINK, rest
        for word in _WORDS.findall(parts[-1] if len(parts[-1]) > 8 else path)[-12:]:
            if len(word) > 3 and word not in _STOP:
                yield Kind.WORD, stem(word)


def name_terms(name: str) -> Iterator[tuple[Kind, str]]:
    """Terms of a package or product name; owner and vendor parts count as words only."""
    last = re.split(r"[/:]", name.strip())[-1] or name
    for text in (squash(name), squash(last), squash(_GENERIC.sub("", last.replace("_", " ")))):
        if len(text) >= 2:
            yield Kind.NAME, text[:60]
    for part in _WORDS.findall(name)[:12] + _WORDS.findall(" ".join(_SPLIT_CAMEL.findall(name)))[:12]:
        word = part.lower()
        if not word.isdigit() and len(word) > 1 and word not in _STOP:
            yield Kind.WORD, stem(word)


def version_terms(text: str) -> Iterator[tuple[Kind, str]]:
    """Terms of a version or of a range expression such as `>= 2.3.0, < 2.5.3`."""
    for token in _VERSION_TOKEN.findall(text)[:6]:
        normal = normalise_version(token)
        if normal is None and token.isdigit() and len(token) <= 4:
            normal = token
        if normal is not None and normal != "0":
            yield Kind.VERSION, normal


def place_terms(text: str) -> Iterator[tuple[Kind, str]]:
    """Terms of a path, function, parameter or header."""
    lower = text.strip().lower()
    yield Kind.CODE, lower[-80:]
    last = _last_part(lower)
    if len(last) >= 2:
        yield Kind.CODE, last[-80:]
    for part in _WORDS.findall(" ".join(_SPLIT_CAMEL.findall(text)))[:12]:
        if not part.isdigit() and len(part) > 1:
            yield Kind.WORD, stem(part.lower())


def _last_part(lower: str) -> str:
    base = lower.rsplit("/", 1)[-1]
    return base if _FILE.fullmatch(base) else _CODE_JOINT.split(lower)[-1]


def name_words(name: str) -> Iterator[tuple[Kind, str]]:
    """The words of a product's own name in order, without vendor or owner."""
    for part in _WORDS.findall(re.split(r"[/:]", name.strip())[-1])[:8]:
        if len(part) > 1 and part.isalpha() and part.lower() not in _STOP:
            yield Kind.WORD, stem(part.lower())
