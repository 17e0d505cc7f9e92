"""Products and packages: one normalised name for what three formats spell three ways.

Package URLs are never compared as text (upstream implementations disagree on 14 % of the
conformance cases): they are taken apart, normalised per ecosystem, and compared as
`(ecosystem, name)`.
"""

import re
from dataclasses import dataclass

from packageurl import PackageURL

_PURL_ECOSYSTEM = {
    "cargo": "crates.io", "composer": "packagist", "cran": "cran", "deb": "debian", "apk": "alpine",
    "gem": "rubygems", "golang": "go", "hackage": "hackage", "hex": "hex", "julia": "julia",
    "maven": "maven", "npm": "npm", "nuget": "nuget", "pub": "pub", "pypi": "pypi", "rpm": "rpm",
    "swift": "swift", "cpan": "cpan", "conan": "conan", "bitnami": "bitnami", "github": "github",
    "githubactions": "github actions", "generic": "generic",
}


@dataclass(frozen=True, slots=True, order=True)
class Package:
    """A package as its ecosystem knows it, normalised: compare two of these with `==`."""

    ecosystem: str
    """Lower case, OSV's spelling without the release suffix (`debian`, `pypi`); empty if unknown."""
    name: str
    """Normalised within the ecosystem: PEP 503 for PyPI, `group:artifact` for Maven, and so on."""
    as_given: str = ""
    """The text the sender wrote, for display only."""

    def key(self) -> tuple[str, str]:
        """What equality of packages means; ignores `as_given`."""
        return (self.ecosystem, self.name)


def normalise_package(ecosystem: str, name: str, as_given: str = "") -> Package:
    """The package of an ecosystem and a name as an advisory spells them."""
    given = as_given or name
    system = ecosystem.split(":", 1)[0].strip().lower()
    cleaned = name.strip()
    if system in ("pypi", "npm", "nuget", "packagist", "crates.io", "rubygems", "cpan", "julia", "bitnami"):
        cleaned = cleaned.lower()
    if system == "pypi":
        cleaned = re.sub(r"[-_.]+", "-", cleaned)  # PEP 503
    if system == "crates.io":
        cleaned = cleaned.replace("_", "-")  # the registry treats the two as one name
    if system == "go":
        cleaned = re.sub(r"/v\d+$", "", cleaned)  # the major version is no other module to a reader
    return Package(system, cleaned, given)


def parse_purl(untrusted_purl: str) -> tuple[Package, str | None]:
    """The package of a package URL and its version, if it names one.

    Raises:
        ValueError: the text is no package URL.
    Source: ECMA-427 (Package-URL).
    """
    purl = PackageURL.from_string(untrusted_purl.strip())
    namespace, name = purl.namespace or "", purl.name
    system = _PURL_ECOSYSTEM.get(purl.type, purl.type)
    if purl.type == "maven":
        full = f"{namespace}:{name}"
    elif purl.type in ("deb", "rpm", "apk"):
        # Distributions fix source packages; the qualifier names it where the binary differs.
        upstream = dict(purl.qualifiers or {}).get("upstream", "")
        full = upstream.split("@", 1)[0] or name
        system = namespace.lower() if purl.type == "rpm" and namespace else system
    else:
        full = f"{namespace}/{name}" if namespace else name
    return normalise_package(system, full, untrusted_purl), purl.version
