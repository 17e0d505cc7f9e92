"""The process that hostile formats are read in: what it survives, what it may not do, what it says."""

import dataclasses
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from clearinghouse.core.policy import IntakeLimits
from clearinghouse.disclosure.intake import sources
from clearinghouse.disclosure.intake.boundary import ParserProcess
from clearinghouse.disclosure.intake.parser import Answer

_TRAP = '''
"""A source that misbehaves on purpose."""
import os, time
from clearinghouse.disclosure.intake.records import Finding
from clearinghouse.disclosure.intake.sources.base import Item

class Trap:
    name, title, version = "trap", "Trap", "1"

    def sniff(self, document):
        return 1.0 if document.data.startswith(b"TRAP") else 0.0

    def parse(self, document):
        yield Item("first", Finding(title="read before the trap in f()"))
        word = document.text.split()[1]
        if word == "sleep":
            time.sleep(60)
        elif word == "memory":
            filled = bytearray(8_000_000_000)
        elif word == "exit":
            os._exit(3)
        elif word == "environment":
            yield Item("second", Finding(title=" ".join(sorted(os.environ)) + " in f()"))
        elif word == "mistake":
            raise KeyError(word)
        elif word == "write":
            open("/tmp/" + document.text.split()[2], "w").write("x" * 100)

SOURCE = Trap()
'''


@pytest.fixture
def trapped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limits: IntakeLimits) -> Iterator[ParserProcess]:
    """A parser process whose package of sources has one more, which misbehaves."""
    package = tmp_path / "site"
    package.mkdir()
    (package / "trap_source.py").write_text(textwrap.dedent(_TRAP))
    (package / "sitecustomize.py").write_text(
        "import sys, clearinghouse.disclosure.intake.sources as s, trap_source\n"
        f"s.__path__.append({str(package)!r}); sys.modules[s.__name__ + '.trap_source'] = trap_source\n"
    )
    monkeypatch.setattr(sys, "path", [str(package), *sys.path])
    monkeypatch.setenv("SECRET_OF_THE_PARENT", "do not tell")
    tight = dataclasses.replace(limits, parser_seconds_max=2.0, parser_memory_bytes_max=500_000_000)
    with ParserProcess(tight) as process:
        yield process
    assert "trap_source" not in [module.rsplit(".", 1)[-1] for module in sys.modules if module.startswith(sources.__name__)]


def read(process: ParserProcess, text: str) -> tuple[list[str], list[str]]:
    answers: list[Answer] = list(process.read("x", text.encode()))
    titles = [item.finding.title for answer in answers for item in answer.items if item.finding is not None]
    return titles, [note.code for answer in answers for note in answer.notes]


@pytest.mark.parametrize(("word", "code"), [("sleep", "limit.seconds"), ("memory", "limit.memory"), ("exit", "limit.memory")])
def test_document_that_breaks_its_reader_is_answered_and_the_next_one_read(trapped: ParserProcess, word: str, code: str) -> None:
    assert read(trapped, f"TRAP {word}")[1] == [code]
    assert read(trapped, '{"title": "fine in f()"}\n') == (["fine in f()"], [])


def test_reader_inherits_no_secret(trapped: ParserProcess) -> None:
    titles, _ = read(trapped, "TRAP environment")
    assert "PYTHONPATH" in titles[1]
    assert "SECRET_OF_THE_PARENT" not in titles[1]


def test_reader_cannot_fill_a_file(trapped: ParserProcess, tmp_path: Path) -> None:
    name = f"clearinghouse-test-{tmp_path.name}"
    read(trapped, f"TRAP write {name}")
    written = Path("/tmp") / name
    size = written.stat().st_size if written.exists() else 0
    written.unlink(missing_ok=True)
    assert size == 0


def test_unknown_source_is_named_with_those_there_are(limits: IntakeLimits) -> None:
    with ParserProcess(limits) as process:
        [answer] = process.read("x", b"{}", source="nonsense")
    assert (answer.notes[0].code, "sarif" in answer.notes[0].message) == ("source.unknown", True)


def test_mistake_of_a_reader_costs_one_document(trapped: ParserProcess) -> None:
    assert read(trapped, "TRAP mistake") == (["read before the trap in f()"], ["reader.failed"])
