"""pip-audit, in a file of our own."""

import json
from typing import Any

from clearinghouse.core.product import Package
from clearinghouse.disclosure.intake.records import Finding, Identifier, IdentifierRole, Producer, VersionRange

DEPENDENCIES = [
    {"name": "Http_Lib", "version": "3.6.2", "vulns": [{"id": "PYSEC-2030-76", "fix_versions": ["3.7.4"], "aliases": ["CVE-2030-21330"], "description": "Open redirect."}]},
    {"name": "fine", "version": "1.0", "vulns": []}, {"name": "skipped", "skip_reason": "not on the index"},
]


def test_both_forms_say_the_same(read: Any) -> None:
    old, _ = read("pip_audit", json.dumps(DEPENDENCIES))
    new, _ = read("pip_audit", json.dumps({"dependencies": DEPENDENCIES}))
    package = Package("pypi", "http-lib", "Http_Lib")
    expected = Finding(
        title="PYSEC-2030-76 in Http_Lib 3.6.2", description="Open redirect.",
        identifiers=(Identifier("PYSEC-2030-76", IdentifierRole.ALIAS), Identifier("CVE-2030-21330", IdentifierRole.ALIAS)), packages=(package,),
        ranges=(VersionRange(package, "ecosystem", fixed=("3.7.4",), versions=("3.6.2",)),), producer=Producer("pip-audit", rule="PYSEC-2030-76"), language="python",
        place="/0/vulns/0",
    )
    assert [item.finding for item in old] == [expected]
    assert [item.place for item in new] == ["/dependencies/0/vulns/0"]


def test_nothing_found_and_nothing_ours(read: Any) -> None:
    assert read("pip_audit", "[]") == ([], None)
    assert read("pip_audit", '{"dependencies": []}') == ([], None)
    assert read("pip_audit", '{"dependencies": 3}')[1].note.place == "/dependencies"
    assert read("pip_audit", '[{"vulns": [{}]}]')[0][0].notes[0].code == "pip_audit.id"
