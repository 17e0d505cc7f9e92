"""Every file of the sample set that is a structured format: read with its facts, refused, or warned about, as its manifest says."""

import csv
import json
from collections import defaultdict
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from clearinghouse.disclosure.intake.parser import load_sources
from clearinghouse.disclosure.intake.sources.base import Document, Item, NotAReport, Unreadable

SAMPLES = Path(__file__).resolve().parents[4].parent / "shared" / "data" / "samples"
FOLDERS = ("csaf", "cve", "cyclonedx", "ghsa-api", "openvex", "osv", "sarif")
KNOWN = load_sources()
pytestmark = pytest.mark.skipif(not SAMPLES.exists(), reason="the sample set is not beside this repository")
# Whole files that are no JSON, YAML or XML document at all: the counter of an advisory repository.
UNKNOWN = {"osv/pypi/.id-allocator", "osv/ecosystems.json", "openvex/openvex_not_a_document.json"}


@cache
def rows(folder: str) -> tuple[dict[str, str], ...]:
    with (SAMPLES / "MANIFEST.csv").open() as manifest:
        return tuple(row for row in csv.DictReader(manifest) if row["file"].startswith(folder + "/"))


def answer(limits: Any, file: str) -> tuple[str, list[Item], Unreadable | None]:
    document = Document(Path(file).name, (SAMPLES / file).read_bytes(), limits)
    sure, best = max((source.sniff(document), name) for name, source in KNOWN.items())
    if sure <= 0:
        return "", [], Unreadable("no source knows this format")
    items: list[Item] = []
    try:
        for item in KNOWN[best].parse(document):
            items.append(item)
    except Unreadable as error:
        return best, items, error
    return best, items, None


def nothing_to_report(value: Any) -> bool:
    """Whether a document of a reporting format holds no claim, found out apart from any source."""
    if isinstance(value, dict):
        if "runs" in value:
            return not any((run or {}).get("results") for run in value["runs"] or [])
        if "bomFormat" in value:
            return not value.get("vulnerabilities")
        if "data" in value:
            return '"securityVulnerability"' not in json.dumps(value)
        return any(name in value for name in ("feed", "service", "categories", "metadata_version", "aggregator", "resultschema_version"))
    return False


def verdict(limits: Any, row: dict[str, str]) -> str:
    """What is wrong with the answer to one file; empty where nothing is."""
    file, validity = row["file"], row["validity"]
    source, items, error = answer(limits, file)
    notes = [note for item in items for note in item.notes]
    refused = [item for item in items if item.finding is None]
    if file in UNKNOWN:
        return "" if error is not None else "read, and holds nothing"
    if validity in ("valid", "format", "unlisted"):
        if error is None and not items:
            return "no item and no reason"
        if refused:
            return f"refused: {refused[0].notes}"
        if error is None:
            return ""
        try:
            empty = nothing_to_report(json.loads((SAMPLES / file).read_bytes().decode("utf-8-sig")))
        except ValueError:
            empty = b"<vulnerabilit" not in (SAMPLES / file).read_bytes() and b":vulnerability>" not in (SAMPLES / file).read_bytes()
        return "" if isinstance(error, NotAReport) and empty else f"{source}: {error}"
    if validity in ("schema", "list", "stub"):
        return "" if isinstance(error, Unreadable) and not items else f"{source} took it"
    if error is not None:
        return "" if str(error) else "refused without a reason"
    if not notes:
        return "not a word about what is wrong"
    return "" if any(note.place or not item.place for item in items for note in item.notes) else "no place"


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_sample_is_answered_as_the_manifest_says(limits: Any, folder: str) -> None:
    wrong = {row["file"]: said for row in rows(folder) if (said := verdict(limits, row))}
    assert wrong == {}


def test_the_flaws_the_csaf_suites_name_are_named(limits: Any) -> None:
    """The test a suite file was made for fires on it, or the schema does; what needs a network or a dictionary cannot."""
    missed: dict[str, list[str]] = defaultdict(list)
    total = 0
    for version in ("2.0", "2.1"):
        suite = SAMPLES / "csaf" / version / "suite"
        for test in json.loads((suite / "testcases.json").read_text())["tests"]:
            for failure in test.get("failures", []):
                total += 1
                _, items, error = answer(limits, f"csaf/{version}/suite/{failure['name']}")
                codes = {note.code for item in items for note in item.notes}
                if error is None and not codes & {f"csaf.{test['id']}", "schema"}:
                    missed[test["id"]].append(failure["name"].rsplit("/", 1)[1])
    assert total == 593
    assert {number: len(files) for number, files in missed.items()} == {
        "6.1.11": 2, "6.1.27.13": 1, "6.1.50": 1, "6.1.60.2": 2, "6.1.60.3": 2, "6.2.40": 1, "6.2.44": 1,
        "6.3.6": 2, "6.3.8": 4, "6.3.16": 1,
    }


def test_ghsa_nodes_hold_the_facts_of_their_osv_records(limits: Any) -> None:
    """A GraphQL node and the OSV record it must become name the same flaw, packages, weaknesses, links and days."""
    pairs = sorted((SAMPLES / "osv" / "ghsa-pairs").glob("*.osv.json"))
    assert len(pairs) == 11
    for path in pairs:
        (osv,), (ghsa,) = (
            answer(limits, f"osv/ghsa-pairs/{name}")[1] for name in (path.name, path.name.replace(".osv.json", ".json"))
        )
        assert osv.finding is not None
        assert ghsa.finding is not None
        for fact in ("identifiers", "weaknesses", "published_at", "modified_at", "withdrawn_at", "title", "description"):
            assert getattr(ghsa.finding, fact) == getattr(osv.finding, fact), (path.name, fact)
        assert {p.key() for p in ghsa.finding.packages} == {p.key() for p in osv.finding.packages}, path.name
        assert {r.url for r in osv.finding.references} == {r.url for r in ghsa.finding.references}, path.name
