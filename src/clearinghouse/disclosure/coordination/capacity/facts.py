"""From the reports of an item to what queue and charter ask of it: pure, and with nobody's word taken for more than a claim."""

import re
from collections.abc import Sequence

from clearinghouse.core.severity import Band, base_score, parse_band
from clearinghouse.disclosure.coordination.capacity.records import Facts
from clearinghouse.disclosure.intake.records import Finding, HumanReview, ReferenceKind, Report, SeverityClaim
from clearinghouse.parties.charters import Reproducer, ScopeKey, Want
from clearinghouse.parties.charters.matching import keys_of

_MIDDLE = {Band.NONE: 0.0, Band.LOW: 2.0, Band.MEDIUM: 5.5, Band.HIGH: 8.0, Band.CRITICAL: 9.5}
_DIFF = re.compile(r"^(?:diff --git |--- (?:a/|/dev/null)|@@ -\d+(?:,\d+)? \+\d+)", re.MULTILINE)
_PATCH_NAMES = (".patch", ".diff")
_TEXT_SCANNED = 100_000


def facts_of(
    reports: Sequence[Report], *, exploited: bool = False, reproducer_confirmed: bool = False, accountable_human: bool = False,
    policy_acknowledged: bool = False, reproducer_language: str = "", reproducer_form: str = "",
) -> Facts:
    """What the reports of an item amount to.

    Args:
        exploited: a coordinator confirmed exploitation; the senders' own word for it is not read.
        reproducer_confirmed: somebody other than the finders reproduced it.
    """
    findings = [report.finding for report in reports]
    claimed = any(has_reproducer(finding) for finding in findings)
    return Facts(
        keys_named(findings),
        tuple(score for finding in findings for claim in finding.severities if (score := score_of(claim)) is not None),
        exploited, all_ai_found(findings),
        accountable_human or any(
            finding.producer.reviewer and finding.producer.review in (HumanReview.REVIEWED, HumanReview.REPRODUCED) for finding in findings
        ),
        Reproducer.CONFIRMED if reproducer_confirmed else (Reproducer.CLAIMED if claimed else Reproducer.NONE),
        reproducer_language, reproducer_form, any(has_patch(finding) for finding in findings),
        tuple(sorted({want for finding in findings for want in held_wants(finding)})),
        tuple(sorted({weakness for finding in findings for weakness in finding.weaknesses})),
        tuple(sorted({place.path for finding in findings for place in finding.locations if place.path})),
        policy_acknowledged,
    )


def keys_named(findings: Sequence[Finding]) -> tuple[ScopeKey, ...]:
    """The packages and repositories that findings are about."""
    packages = [package for finding in findings for package in finding.packages]
    packages += [part.package for finding in findings for part in finding.ranges if part.package is not None]
    return tuple(sorted(keys_of(packages, [finding.repository for finding in findings])))


def all_ai_found(findings: Sequence[Finding]) -> bool:
    """Whether AI systems found it and nobody else did."""
    return bool(findings) and all(is_ai_found(finding) for finding in findings)


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


def score_of(claim: SeverityClaim) -> float | None:
    """A claim as a number from 0 to 10: what follows from its vector, else the score, else the middle of its word."""
    score = base_score(claim.vector) if claim.vector else None
    if score is None and claim.score is not None and 0 <= claim.score <= 10:
        score = float(claim.score)
    if score is None and (band := parse_band(claim.label)) is not None:
        score = _MIDDLE[band]
    return score


def held_wants(finding: Finding) -> frozenset[Want]:
    """Which of the things a charter may require a finding holds."""
    there = {
        Want.VERSION: has_versions(finding), Want.LOCUS: has_locus(finding) or bool(finding.crash and finding.crash.frames),
        Want.REPRODUCER: has_reproducer(finding), Want.IMPACT: bool(finding.impact.strip()), Want.SEVERITY: bool(finding.severities),
        Want.WEAKNESS: bool(finding.weaknesses), Want.COMMIT: bool(finding.commit),
        Want.PROPOSED_FIX: has_patch(finding) or bool(finding.remediation.strip()), Want.TOOL: bool(finding.producer.tool or finding.producer.model),
        Want.HUMAN_REVIEW: finding.producer.review in (HumanReview.REVIEWED, HumanReview.REPRODUCED),
    }
    return frozenset(want for want, held in there.items() if held)
