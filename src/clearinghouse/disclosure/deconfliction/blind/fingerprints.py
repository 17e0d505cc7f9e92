"""Canonical forms of a finding that two who found the same flaw are likely to share. Pure; docs/reference/blind-check.md.

Both sides must make the same forms of the same finding, whatever version they run: a change of anything in here is a new
`FORMAT`, and forms of different formats never meet.
"""

import re

from clearinghouse.core.crash import normalise_path, significant_frames
from clearinghouse.disclosure.deconfliction.locus import family_of, functions_of
from clearinghouse.disclosure.deconfliction.tokens import squash
from clearinghouse.disclosure.intake.records import Finding, IdentifierRole

FORMAT = "clearinghouse/fingerprint/v1"
FORMS_MAX = 8
"""Forms of one finding; part of the format, since both sides leave out the same ones."""
_NAMES_MAX = 2
_PLACES_MAX = 2
_FRAMES = 3
_CVE = re.compile(r"CVE-\d{4}-\d{4,}")


def fingerprints(finding: Finding) -> tuple[bytes, ...]:
    """The forms of a finding, most telling first; none where it names neither product and place, nor a crash, nor a CVE id.

    A form is `FORMAT|kind|part|part...`. Without a product's name a place is no form: a function called `parse` is everywhere.
    """
    found: dict[str, None] = {}
    names, functions, families = _names(finding), functions_of(finding), _families(finding)
    if finding.crash is not None:
        frames = significant_frames(
            [frame.function for frame in finding.crash.frames], [frame.path for frame in finding.crash.frames], _FRAMES
        )
        if len(frames) == _FRAMES:
            found[f"crash|{squash(finding.crash.kind)}|{'|'.join(frames)}"] = None
    found |= dict.fromkeys(f"function|{name}|{function}|{family}" for name in names for function in functions for family in families)
    found |= dict.fromkeys(f"function|{name}|{function}" for name in names for function in functions)
    found |= dict.fromkeys(f"place|{name}|{path}|{family}" for name in names for path in _paths(finding) for family in families)
    found |= dict.fromkeys(f"id|{value}" for value in _ids(finding))
    return tuple(f"{FORMAT}|{form}".encode() for form in list(found)[:FORMS_MAX])


def _names(finding: Finding) -> list[str]:
    """Last parts of the names of packages, products and repositories: the one part that different spellings share."""
    given = [package.name for package in finding.packages] + list(finding.products) + [finding.repository.removesuffix("/").removesuffix(".git")]
    found = sorted({squash(re.split(r"[/:]", name)[-1]) for name in given if name})
    return [name for name in found if len(name) > 1][:_NAMES_MAX]


def _paths(finding: Finding) -> list[str]:
    return sorted({normalise_path(location.path) for location in finding.locations if location.path})[:_PLACES_MAX]


def _families(finding: Finding) -> list[int]:
    bits = family_of(finding)
    return [1 << place for place in range(8) if bits & 1 << place]


def _ids(finding: Finding) -> list[str]:
    own = (each.value.upper() for each in finding.identifiers if each.role is not IdentifierRole.RELATED)
    return sorted({value for value in own if _CVE.fullmatch(value)})
