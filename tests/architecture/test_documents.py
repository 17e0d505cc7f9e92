"""The documents: links resolve, what the code knows is told as the code has it, and nothing of a workplace is in them."""

import hashlib
import json
import re
import subprocess
import tomllib
import types
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote

import pytest

import clearinghouse
from clearinghouse.app.settings import default_policy_document, parse_policy
from clearinghouse.disclosure.intake.sources.base import Document, Source
from clearinghouse.disclosure.intake.sources.ndjson import read_line
from clearinghouse.parties.charters.document import read_document, schema_document
from docs.generate import generated_documents, render

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
RECORDS = sorted((ROOT / "docs" / "adr").glob("[0-9]*.md"))
FRAGMENTS = sorted((ROOT / "changelog.d").glob("*"))
APACHE_2_SHA256 = "cfc7749b96f63bd31c3c42b5c471bf756814053e847c10f3eb003417bc523d30"
"""Of the licence's text as its authors publish it."""

_LINK = re.compile(r"\[[^\]\n]*\]\(([^)\s]+)\)")
_CODE = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
# Taken apart, so that this file does not hold what it looks for.
_REGISTRIES = (
    ("pypi", "org"), ("pythonhosted", "org"), ("registry.npmjs", "org"), ("registry.yarnpkg", "com"), ("proxy.golang", "org"),
    ("index.crates", "io"), ("static.crates", "io"), ("rubygems", "org"), ("repo.packagist", "org"), ("api.nuget", "org"),
    ("repo.maven.apache", "org"), ("repo1.maven", "org"), ("registry.hub.docker", "com"), ("conda.anaconda", "org"),
)
_REGISTRY = re.compile("|".join(rf"(?<![\w-]){re.escape('.'.join(parts))}(?![\w-])" for parts in _REGISTRIES))
_WORKPLACE = re.compile(rf"(?<![\w.])(?:/{'work'}/(?:main|shared|\.library)\b|/{'tmp'}/(?:brief|bash_jobs|docs-)|\.\./shared/(?:design|research)\b)")


def _committed() -> Iterator[tuple[str, str]]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if listed.returncode != 0:
        pytest.skip("not a clone: git does not say which files are committed")
    for name in listed.stdout.decode().split("\0"):
        path = ROOT / name
        if name and path.is_file() and not path.is_symlink():
            yield name, path.read_bytes().decode("utf-8", "replace")


def _block(document: str, language: str, number: int) -> str:
    text = (ROOT / "docs" / document).read_text("utf-8")
    return str(re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)[number])


def _anchors(path: Path) -> set[str]:
    headings = re.findall(r"^#+ +(.+?)\s*$", _CODE.sub("", path.read_text("utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_of_a_document_lead_somewhere(path: Path) -> None:
    lost = []
    for target in _LINK.findall(_CODE.sub("", path.read_text("utf-8"))):
        if re.match(r"[a-z]+:", target):
            continue
        place, _, anchor = target.partition("#")
        aimed = (path.parent / unquote(place)).resolve() if place else path
        if not aimed.exists() or (anchor and aimed.suffix == ".md" and anchor not in _anchors(aimed)):
            lost.append(target)
    assert lost == []


@pytest.mark.parametrize("path", generated_documents(), ids=lambda path: path.name)
def test_generated_parts_are_current(path: Path) -> None:
    assert render(path) == path.read_text("utf-8"), "run: python -m docs.generate"


def test_what_is_to_be_generated_is_marked() -> None:
    assert [path.name for path in generated_documents()] == [
        "deconfliction.md", "charter.md", "cli.md", "embargo.md", "exit-codes.md", "formats.md", "runner.md", "states.md",
    ]


def test_policy_page_explains_every_number_of_a_fresh_instance() -> None:
    page = (ROOT / "docs/reference/policy.md").read_text("utf-8")
    told = re.findall(r"^\| `(\w+)` \| ([\d_.]+|true|false) \| \S.{20,} \|$", page, re.MULTILINE)
    tables = tomllib.loads(default_policy_document())
    assert [(name, value.capitalize() if value in ("true", "false") else float(value)) for name, value in told] == [
        (name, str(value) if isinstance(value, bool) else float(value)) for table in tables.values() for name, value in table.items()
        if not isinstance(value, dict)
    ]


def test_example_of_our_own_lines_is_read_without_a_note() -> None:
    line = json.dumps(json.loads(_block("reference/formats.md", "json", 0))).encode()
    item = read_line(line, "line 1", 2_000_000)
    assert item.finding is not None
    assert item.notes == ()
    assert item.finding.locations[0].symbol == "tiff_read_strip"


def test_example_of_a_charter_is_read_without_a_note_and_says_everything() -> None:
    text = _block("how-to/write-a-charter.md", "toml", 0)
    read = read_document(text.encode(), parse_policy(1, default_policy_document()).charters, datetime(2026, 11, 21, tzinfo=UTC))
    assert read.problems == ()
    assert read.charter is not None
    said = set(tomllib.loads(text))
    assert set(schema_document()["properties"]) - said == {"keys"}, "a key of nobody's would be a bad example"


def test_example_of_a_source_reads_its_sample() -> None:
    module = types.ModuleType("probe")
    exec(_block("how-to/add-a-source.md", "python", 0), module.__dict__)
    source: Source = module.__dict__["SOURCE"]
    limits = parse_policy(1, default_policy_document()).intake
    document = Document("probe.json", _block("how-to/add-a-source.md", "json", 0).encode(), limits)
    items = list(source.parse(document))
    assert source.sniff(document) > 0.5
    assert [(item.place, item.notes) for item in items] == [("/hits/0", ())]
    assert items[0].finding is not None
    assert items[0].finding.weaknesses == ("CWE-787",)

    def read(name: str, data: str) -> tuple[list[object], None]:
        assert name == source.name
        return list(source.parse(Document("x", data.encode(), limits))), None

    tests: dict[str, object] = {}
    exec(_block("how-to/add-a-source.md", "python", 1), tests)
    run = [test for name, test in tests.items() if name.startswith("test_") and callable(test)]
    for test in run:
        test(read)
    assert len(run) == 2


def test_decisions_are_numbered_without_gaps_and_all_in_the_index() -> None:
    index = (ROOT / "docs/adr/README.md").read_text("utf-8")
    assert [int(path.name[:4]) for path in RECORDS] == list(range(1, len(RECORDS) + 1))
    assert [path.name for path in RECORDS if f"({path.name})" not in index] == []


@pytest.mark.parametrize("path", RECORDS, ids=lambda path: path.name[:4])
def test_decision_says_what_was_weighed_and_what_is_given_up(path: Path) -> None:
    text = path.read_text("utf-8")
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == ["Context", "Options", "Outcome", "What we give up"]
    assert text.startswith(f"# {path.name[:4]}: ")


def test_changelog_fragments_have_a_kind_and_say_something() -> None:
    shape = re.compile(r"[a-z0-9-]+\.(added|changed|deprecated|fixed|removed|security)\.md")
    assert [path.name for path in FRAGMENTS if not shape.fullmatch(path.name) or len(path.read_text("utf-8").strip()) < 20] == []


def test_committed_files_name_no_package_registry() -> None:
    assert [(name, found[0]) for name, text in _committed() if (found := _REGISTRY.search(text))] == []


def test_committed_files_name_no_place_of_work() -> None:
    assert [(name, found[0]) for name, text in _committed() if (found := _WORKPLACE.search(text))] == []


def test_lock_file_has_a_hash_for_everything_and_no_address() -> None:
    text = (ROOT / "requirements.lock").read_text("utf-8")
    entries = [" ".join(entry.split()) for entry in text.replace("\\\n", " ").splitlines() if entry.strip()]
    shape = re.compile(r"[a-z0-9][a-z0-9._-]*(?:\[[a-z0-9,_-]+\])?==[\w.+!-]+(?: ; [^\\]+?)?(?: --hash=sha256:[0-9a-f]{64})+")
    assert [entry[:80] for entry in entries if not shape.fullmatch(entry)] == []
    assert "//" not in text


def test_lock_file_has_every_dependency() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    wanted = [*project["project"]["dependencies"], *project["dependency-groups"]["dev"]]
    locked = set(re.findall(r"^([a-z0-9._-]+)(?:\[[^\]]*\])?==", (ROOT / "requirements.lock").read_text("utf-8"), re.MULTILINE))
    assert [name for name in wanted if re.split(r"[\[<>=!~; ]", name, maxsplit=1)[0].lower() not in locked] == []


def test_versions_agree() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["version"] == clearinghouse.__version__


def test_licence_is_the_published_text() -> None:
    assert hashlib.sha256((ROOT / "LICENSE").read_bytes()).hexdigest() == APACHE_2_SHA256


def test_notice_names_every_schema_and_registry_of_others() -> None:
    notice = (ROOT / "NOTICE").read_text("utf-8")
    bundled = [path.name for path in (ROOT / "src/clearinghouse/disclosure/intake").rglob("*.json")]
    assert bundled != []
    assert [name for name in bundled if not name.startswith("clearinghouse-") and name not in notice] == []
