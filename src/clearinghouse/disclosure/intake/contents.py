"""What of use a finding holds: pure, and with nobody's word taken for more than a claim."""

import re

from clearinghouse.disclosure.intake.records import Finding, ReferenceKind

_DIFF = re.compile(r"^(?:diff --git |--- (?:a/|/dev/null)|@@ -\d+(?:,\d+)? \+\d+)", re.MULTILINE)
_PATCH_NAMES = (".patch", ".diff")
_TEXT_SCANNED = 100_000


def is_ai_found(finding: Finding) -> bool:
    """Whether its sender says that an AI system found it."""
    return bool(finding.producer.model or finding.producer.harness)


def has_reproducer(finding: Finding) -> bool:
    """Whether something came along that could be run or followed."""
    return bool(finding.reproduction.strip() or finding.crash)


def has_patch(finding: Finding) -> bool:
    """Whether a change to the code is proposed: a diff, a patch file, a pull request."""
    if _DIFF.search(finding.remediation[:_TEXT_SCANNED]) or _DIFF.search(finding.description[:_TEXT_SCANNED]):
        return True
    return any(name.lower().endswith(_PATCH_NAMES) for name in finding.attachments) or any(
        reference.kind is ReferenceKind.PULL for reference in finding.references
    )


def has_locus(finding: Finding) -> bool:
    """Whether a place in the code is named."""
    return bool(finding.symbols) or any(place.path or place.symbol or place.parameter or place.url for place in finding.locations)


def has_versions(finding: Finding) -> bool:
    """Whether affected versions are named."""
    return any(part.introduced or part.fixed or part.last_affected or part.versions for part in finding.ranges)
