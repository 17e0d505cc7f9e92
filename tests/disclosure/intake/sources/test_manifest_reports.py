"""Every sample of the shared set that belongs to reports, logs, mail, scanners and other documents behaves as its list says."""

import csv
import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from clearinghouse.core.policy import IntakeLimits
from clearinghouse.disclosure.intake.parser import load_sources
from clearinghouse.disclosure.intake.sources.base import Document, Item, NotAReport, Unreadable

SAMPLES = Path(__file__).resolve().parents[4].parent / "shared" / "data" / "samples"
NO_REPORTS = ("spdx", "sigma", "scope", "kev", "epss", "ssvc", "security-txt", "probing-txt", "stix-taxii", "tlp", "purl", "vers", "ocsf", "mal", "eval-logs", "cwe")
# Which source reads what stands in a folder; a tuple where a folder mixes formats.
EXPECTED = {
    "mail": "mail", "mail/keys": "other_documents", "reports/bugcrowd-api": "bugcrowd", "reports/bugcrowd-csv": "bugcrowd", "reports/coordinator-form": "vince",
    "reports/hackerone": "hackerone", "reports/markdown-curl": "markdown", "reports/markdown-haskell": "markdown", "reports/markdown-rustsec": "markdown",
    "scanners/cargo-audit": "cargo_audit", "scanners/garak": "garak", "scanners/govulncheck": "govulncheck", "scanners/grype": "grype", "scanners/masscan": "other_documents",
    "scanners/nessus": "nessus", "scanners/nmap": "other_documents", "scanners/nuclei": "nuclei", "scanners/openvas": "openvas", "scanners/osv-scanner": "osv_scanner",
    "scanners/pip-audit": "pip_audit", "scanners/semgrep-json": "semgrep", "scanners/trivy": "trivy", "scanners/zap": "zap", "exposure/requirements": "other_documents",
}
# An empty list says nothing of the tool that wrote it; SARIF is SARIF whoever wrote it.
ELSEWHERE = {"reports/bugcrowd-api/bugcrowd_empty.json": "pip_audit", "scanners/govulncheck/issue_15033_sarif.json": "sarif", "exposure/expected.csv": "other_documents"}
QUIET = ("no_vuln", "zero", "no_hits", "no_findings", "scheme_2_no", "empty_2.9.0", "license_scheme")
"""In names of valid files that hold no finding."""

pytestmark = pytest.mark.skipif(not (SAMPLES / "MANIFEST.csv").exists(), reason="the shared samples are not here")


def expected_source(path: str) -> str:
    """Name of the source that should read a sample; empty for samples of other tests."""
    folder = path.rsplit("/", 1)[0]
    if path in ELSEWHERE:
        return ELSEWHERE[path]
    if path.startswith("sanitizer/"):
        return "crashlog"
    if path.split("/", 1)[0] in NO_REPORTS:
        return "other_documents"
    return EXPECTED.get(folder, "")


def samples() -> Iterator[tuple[str, str]]:
    """(path, validity) of the samples this test answers for."""
    with (SAMPLES / "MANIFEST.csv").open(newline="") as handle:
        for row in csv.DictReader(handle):
            if expected_source(row["file"]):
                yield row["file"], row["validity"]


def outcome(source: Any, document: Document) -> tuple[list[Item], Unreadable | None]:
    """Items, and why reading ended early."""
    items: list[Item] = []
    try:
        items.extend(source.parse(document))
    except Unreadable as error:
        return items, error
    return items, None


def complaint(path: str, validity: str, expected: str, items: list[Item], error: Unreadable | None) -> str:
    """What is wrong with how a sample was answered; empty where nothing is."""
    notes = [*(note for item in items for note in item.notes), *([error.note] if error is not None else [])]
    accepted = [item for item in items if item.finding is not None]
    if expected == "other_documents" or validity == "list":
        return "" if isinstance(error, NotAReport) else "not answered with what it is"
    if validity in ("invalid", "hostile"):
        told = [note for note in notes if note.message and (note.place or error is not None or note.code.startswith("mail."))]
        return "" if told else "neither refused nor warned about with a place"
    if validity == "empty":
        return f"an empty file was answered with {notes or items}" if items or error is not None else ""
    if path.endswith(("auto_reply.eml", "license_scheme.json")):
        return "" if isinstance(error, NotAReport) else "taken for a report"
    if error is not None:
        return f"refused: {error.note}"
    if any(item.finding is None for item in items):
        return f"items refused: {[item.notes for item in items if item.finding is None][:3]}"
    if not accepted and not any(word in path for word in QUIET):
        return "no finding"
    empty = [item.place for item in accepted if item.finding is not None and not (item.finding.title or item.finding.crash)]
    return f"findings without a title: {empty[:3]}" if empty else ""


def test_every_sample_behaves_as_the_manifest_says(limits: IntakeLimits) -> None:
    sources, failures = load_sources(), []
    for path, validity in samples():
        document = Document(path.rsplit("/", 1)[-1], (SAMPLES / path).read_bytes(), limits)
        expected = expected_source(path)
        if not document.data and expected == "other_documents":
            continue  # no byte says what kind of nothing it is; intake answers that the file is empty
        items, error = outcome(sources[expected], document)
        if wrong := complaint(path, validity, expected, items, error):
            failures.append(f"{path} ({validity}): {wrong}")
    assert not failures, "\n".join(failures)


def test_the_right_source_is_the_surest(limits: IntakeLimits) -> None:
    sources, failures = load_sources(), []
    for path, _ in samples():
        document = Document(path.rsplit("/", 1)[-1], (SAMPLES / path).read_bytes(), limits)
        if not document.data.strip():
            continue  # nothing to tell a source by; intake answers that the file is empty
        sure = {name: source.sniff(document) for name, source in sources.items()}
        best = max(sure, key=lambda name: (sure[name], name))
        ties = [name for name in sure if name != best and sure[name] == sure[best]]
        if expected_source(path) == "other_documents" and isinstance(outcome(sources[best], document)[1], NotAReport) and not ties:
            continue  # some schemas are told apart by the format they belong to; the answer is the same
        if best != expected_source(path) or ties:
            failures.append(f"{path}: {sorted(((value, name) for name, value in sure.items() if value), reverse=True)[:3]}")
    assert not failures, "\n".join(failures)


def keys() -> tuple[bytes, ...]:
    """The throw-away keys made for the samples."""
    folder = SAMPLES / "mail" / "keys"
    secret = gzip.decompress((folder / "intake_secret_TEST_ONLY.asc.gz").read_bytes())
    return secret, (folder / "finder_public.asc").read_bytes()


@pytest.mark.parametrize(("name", "codes", "said"), [
    ("pgp_clearsigned.eml", [], "signature good"), ("pgp_clearsigned_tampered.eml", ["pgp.signature_bad"], "signature bad"),
    ("pgp_inline_encrypted.eml", [], "encrypted"), ("pgp_mime_encrypted.eml", [], "encrypted"),
])
def test_mail_with_the_keys_of_the_samples(limits: IntakeLimits, name: str, codes: list[str], said: str) -> None:
    document = Document(name, (SAMPLES / "mail" / name).read_bytes(), limits, keys())
    (item,) = load_sources()["mail"].parse(document)
    assert item.finding is not None
    assert [note.code for note in item.notes] == codes
    assert any(field == "openpgp" and value.startswith(said) for field, value in item.finding.extra)
    assert item.finding.symbols == ("parse_header",)


def test_crash_reports_made_for_clustering_fall_into_about_the_groups_they_were_made_for(limits: IntakeLimits) -> None:
    folder, source = SAMPLES / "sanitizer" / "casr" / "test_clustering_small", load_sources()["crashlog"]
    stacks = set()
    for path in sorted(folder.iterdir()):
        (item,) = source.parse(Document(path.name, path.read_bytes(), limits))
        assert item.finding is not None
        stacks.add(item.finding.symbols[:3])
    # Their source expects nine groups of these twelve; one pair differs in a frame that one build inlined.
    assert 9 <= len(stacks) <= 10
