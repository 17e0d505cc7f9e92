"""What a charter is found by: packages and repositories in the one spelling that is compared."""

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from clearinghouse.core.product import Package, parse_purl
from clearinghouse.parties.charters.records import Kind, ScopeKey

# Hosts where owner and repository are the first two parts of a path and case says nothing.
_TWO_PARTS = frozenset({"github.com", "codeberg.org", "bitbucket.org"})
_CASELESS = _TWO_PARTS | {"gitlab.com"}
_SSH = re.compile(r"^(?:ssh://)?(?:[\w.-]{1,64}@)([\w.-]{1,253}):(?!\d+/)(.+)$")
_CHARACTERS_MAX = 400  # of a key: the longest that both databases keep in an index


def repository_key(untrusted_address: str) -> ScopeKey | None:
    """The key of a repository's address, however it is spelt; None where it names no repository on a host.

    `git@github.com:O/R.git`, `git+https://github.com/o/r`, `https://www.github.com/O/R/tree/main` are one.
    """
    text = untrusted_address.strip()
    if len(text) > _CHARACTERS_MAX * 2 or any(sign.isspace() for sign in text):
        return None
    if (ssh := _SSH.match(text)) is not None:
        text = f"https://{ssh[1]}/{ssh[2]}"
    elif "://" not in text:
        text = f"https://{text}"
    try:
        parts = urlsplit(text.removeprefix("git+"))
        host = (parts.hostname or "").rstrip(".").removeprefix("www.")
        port = parts.port
    except ValueError:
        return None
    path = parts.path.split("/-/", 1)[0].strip("/")
    segments = [segment for segment in path.split("/") if segment]
    if "." not in host or not segments or ".." in segments:
        return None
    if host in _TWO_PARTS:
        if len(segments) < 2:
            return None
        segments = segments[:2]
    segments[-1] = segments[-1].removesuffix(".git")
    path = "/".join(segments)
    if host in _CASELESS:
        path = path.lower()
    value = f"{host}{f':{port}' if port not in (None, 22, 80, 443) else ''}/{path}"
    return ScopeKey(Kind.REPOSITORY, value) if segments[-1] and len(value) <= _CHARACTERS_MAX else None


def package_key(package: Package) -> ScopeKey | None:
    """The key of a normalised package; None where its ecosystem or name is not known."""
    value = f"{package.ecosystem}/{package.name}"
    if not package.ecosystem or not package.name or len(value) > _CHARACTERS_MAX:
        return None
    return ScopeKey(Kind.PACKAGE, value)


def implied_repository(package: Package) -> ScopeKey | None:
    """The repository a package's own name spells (GitHub, Go and Swift packages); None for all others."""
    if package.ecosystem in ("github", "github actions"):
        return repository_key(f"github.com/{package.name}")
    if package.ecosystem in ("go", "swift") and package.name.split("/", 1)[0].lower() in _CASELESS:
        return repository_key(package.name)
    return None


def keys_of(packages: Iterable[Package], repositories: Iterable[str] = ()) -> frozenset[ScopeKey]:
    """Every key under which a charter for these may be kept."""
    found = [repository_key(address) for address in repositories if address]
    for package in packages:
        found += [package_key(package), implied_repository(package)]
    return frozenset(key for key in found if key is not None)


def parse_scope(untrusted_text: str) -> ScopeKey | None:
    """The key of a package URL or a repository's address as somebody types it; None where it is neither."""
    text = untrusted_text.strip()
    if not text.startswith("pkg:"):
        return repository_key(text)
    try:
        package, _ = parse_purl(text)
    except ValueError:
        return None
    return package_key(package)
