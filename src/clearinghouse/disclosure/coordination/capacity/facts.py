"""From the reports of an item to what queue and charter ask of it: pure, and with nobody's word taken for more than a claim."""

from collections.abc import Sequence

from clearinghouse.core.severity import Band, base_score, parse_band
from clearinghouse.disclosure.coordination.capacity.records import Facts
from clearinghouse.disclosure.intake.contents import has_locus, has_patch, has_reproducer, has_versions, is_ai_found
from clearinghouse.disclosure.intake.records import Finding, HumanReview, Report, SeverityClaim
from clearinghouse.parties.charters import Reproducer, ScopeKey, Want
from clearinghouse.parties.charters.matching import keys_of

_MIDDLE = {Band.NONE: 0.0, Band.LOW: 2.0, Band.MEDIUM: 5.5, Band.HIGH: 8.0, Band.CRITICAL: 9.5}


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
