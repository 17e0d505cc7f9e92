"""Trivy, in reports of our own."""

import json
from typing import Any

from clearinghouse.core.product import Package
from clearinghouse.disclosure.intake.records import (
    CodeLocation,
    Finding,
    Identifier,
    IdentifierRole,
    Producer,
    Reference,
    SeverityClaim,
    VersionRange,
)
from clearinghouse.disclosure.intake.sources.base import NotAReport

VULNERABILITY = {
    "VulnerabilityID": "CVE-2030-33503", "PkgName": "urllib9", "InstalledVersion": "1.26.3", "FixedVersion": "1.26.5, 2.0.1", "Title": "ReDoS", "Description": "Slow.",
    "Severity": "HIGH", "CweIDs": ["CWE-400"], "CVSS": {"nvd": {"V3Vector": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H", "V3Score": 7.5}},
    "PrimaryURL": "https://example.org/1", "References": ["https://example.org/1"], "Status": "fixed",
}
RESULT = {"Target": "requirements.txt", "Class": "lang-pkgs", "Type": "pip", "Vulnerabilities": [VULNERABILITY]}
CONFIG = {"Target": "Dockerfile", "Class": "config", "Misconfigurations": [{"ID": "DS002", "Title": "Root user", "Message": "Add USER.", "Severity": "HIGH", "Resolution": "USER x",
                                                                         "CauseMetadata": {"StartLine": 3, "EndLine": 4}}]}
SECRET = {"Target": "a.txt", "Class": "secret", "Secrets": [{"RuleID": "token", "Category": "x", "Severity": "CRITICAL", "Title": "Token", "StartLine": 24, "EndLine": 24, "Match": "T=***"}]}


def report(*results: object) -> str:
    """A report of the present form."""
    return json.dumps({"SchemaVersion": 2, "ArtifactName": "app", "ArtifactType": "filesystem", "Trivy": {"Version": "0.69"}, "Results": results})


def test_vulnerability_as_a_whole(read: Any) -> None:
    items, error = read("trivy", report(RESULT))
    package = Package("pypi", "urllib9", "urllib9")
    assert (error, items[0].notes) == (None, ())
    assert items[0].finding == Finding(
        title="ReDoS", description="Slow.", identifiers=(Identifier("CVE-2030-33503", IdentifierRole.ALIAS),), packages=(package,), products=("app",),
        ranges=(VersionRange(package, "", fixed=("1.26.5", "2.0.1"), versions=("1.26.3",)),), references=(Reference("https://example.org/1"),), weaknesses=("CWE-400",),
        severities=(SeverityClaim("CVSS:3.1", "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H", 7.5, by="nvd"), SeverityClaim("label", label="HIGH", by="trivy")),
        locations=(CodeLocation("requirements.txt"),), producer=Producer("trivy", "0.69", rule="CVE-2030-33503"), place="/Results/0/Vulnerabilities/0",
        extra=(("target", "requirements.txt"), ("class", "lang-pkgs"), ("type", "pip"), ("Status", "fixed")),
    )


def test_misconfigurations_and_secrets(read: Any) -> None:
    items, _ = read("trivy", report(CONFIG, SECRET))
    assert [(item.finding.title, item.finding.locations[0].line_start, item.finding.producer.rule) for item in items] == [("Root user", 3, "DS002"), ("Token in a.txt", 24, "token")]


def test_clusters_and_old_lists(read: Any) -> None:
    cluster = {"ClusterName": "c", "Vulnerabilities": [{"Namespace": "n", "Kind": "Deployment", "Name": "d", "Results": [RESULT]}]}
    assert [item.place for item in read("trivy", json.dumps(cluster))[0]] == ["/Vulnerabilities/0/Results/0/Vulnerabilities/0"]
    assert [item.place for item in read("trivy", json.dumps([RESULT]))[0]] == ["/0/Vulnerabilities/0"]


def test_nothing_found_and_nothing_ours(read: Any) -> None:
    assert read("trivy", report({"Target": "x"})) == ([], None)
    assert read("trivy", "null") == ([], None)
    items, error = read("trivy", report({"Target": "x", "Class": "license", "Licenses": [{"Name": "GPL"}]}))
    assert (items, type(error)) == ([], NotAReport)
    assert read("trivy", report({**RESULT, "Vulnerabilities": [{}]}))[0][0].finding is None
    assert read.sniff(report())["trivy"] > 0.9
