"""Writes the parts of the documents that the code already knows: `python -m docs.generate`.

A document holds them between two marks, `<!-- generated: NAME -->` and `<!-- end -->`; what stands around
them is written by hand. A test holds every document against what this would write.
"""

import importlib
import json
import re
import sys
import textwrap
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any

from typer.main import get_command
from typer.testing import CliRunner

from clearinghouse.cli import exits
from clearinghouse.cli.main import app
from clearinghouse.disclosure.intake.parser import load_sources

DOCUMENTS = Path(__file__).resolve().parent
_COLUMNS = 100
_MARKED = re.compile(r"(<!-- generated: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def main() -> int:
    """Write every document that is not current, and say which."""
    for path in generated_documents():
        current = render(path)
        if current != path.read_text("utf-8"):
            path.write_text(current, "utf-8")
            sys.stdout.write(f"{path.relative_to(DOCUMENTS.parent)}\n")
    return 0


def generated_documents() -> list[Path]:
    """The documents with generated parts."""
    return [path for path in sorted(DOCUMENTS.rglob("*.md")) if _MARKED.search(path.read_text("utf-8"))]


def render(path: Path) -> str:
    """A document as it should be."""
    return _MARKED.sub(lambda found: f"{found[1]}\n{PARTS[found[2]]()}\n{found[3]}", path.read_text("utf-8"))


def commands() -> str:
    """`--help` of every command, in the order the program lists them."""
    parts = []
    for words in ([], *_leaves()):
        title = " ".join(("clearinghouse", *words))
        parts.append(f"## {title}\n\n```\n{_help(words)}\n```\n")
    return "\n".join(parts)


def sources() -> str:
    """A table of the formats that can be read."""
    lines = ["| `--source` | Format | What is read |", "|---|---|---|"]
    for name, source in sorted(load_sources().items()):
        lines.append(f"| `{name}` | {source.title} | {_first_sentence(type(source).__module__)} |")
    return "\n".join(lines) + "\n"


def exit_codes() -> str:
    """The exit codes, as the module that gives them tells them."""
    found = re.findall(r"^ +(\d+)  (.+)$", exits.__doc__ or "", re.MULTILINE)
    return "\n".join(["| Code | Means |", "|---|---|", *(f"| {code} | {meaning} |" for code, meaning in found)]) + "\n"


def measured() -> str:
    """What the training of the shipped model measured, from its provenance."""
    text = (resources.files("clearinghouse.disclosure.deconfliction") / "model" / "provenance.json").read_text("utf-8")
    provenance: dict[str, Any] = json.loads(text)
    found = provenance["measured"]
    if not found:
        return "The shipped model was trained by the quick path: nothing was measured and its numbers are not calibrated.\n"
    lines = [f"Of the corpus with {provenance['records']} records, whose SHA-256 begins {provenance['corpus_digest'][7:19]}. The threshold is that of "
             "the clusters, before calibration. Hard pairs say the same in other words.\n",
             "| Threshold | Five folds, all pairs: precision, recall, F1 | Five folds, hard pairs | Left-out sources, hard pairs | F1, 95 % of resamplings |",
             "|---|---|---|---|---|"]
    for threshold, fold in sorted(found["five_folds"].items()):
        apart = found["left_out_sources"][threshold]
        cells = [" ".join(f"{fold[name][f'pair_{what}']:.3f}" for what in ("precision", "recall", "f1")) for name in ("all", "hard")]
        cells.append(" ".join(f"{apart[what]:.3f}" for what in ("precision", "recall", "f1")))
        lines.append(f"| {threshold} | {' | '.join(cells)} | {apart['f1_low']:.3f} to {apart['f1_high']:.3f} |")
    lines += ["", "Joining without a person, hard pairs of left-out sources:", "", "| Precision of at least | Recall |", "|---|---|"]
    lines += [f"| {point['precision_min']:.2f} | {point['recall']:.3f} |" for point in found["left_out_joins"]]
    return "\n".join(lines) + "\n"


PARTS: dict[str, Callable[[], str]] = {"commands": commands, "sources": sources, "exit_codes": exit_codes, "measured": measured}


def _leaves() -> list[list[str]]:
    """The words of every command, groups before their members."""
    found: list[list[str]] = []
    for name, command in getattr(get_command(app), "commands", {}).items():
        found.append([name])
        found += [[name, member] for member in getattr(command, "commands", {})]
    return found


def _help(words: list[str]) -> str:
    result = CliRunner().invoke(app, [*words, "--help"], terminal_width=_COLUMNS, prog_name="clearinghouse")
    assert result.exit_code == 0, f"--help of {words} ended with {result.exit_code}"
    return "\n".join(line.rstrip() for line in result.output.strip().splitlines())


def _first_sentence(module: str) -> str:
    """The first sentence of a module's docstring, fit for a cell of a table."""
    documentation = textwrap.dedent(importlib.import_module(module).__doc__ or "").strip()
    paragraph = " ".join(documentation.split("\n\n", 1)[0].split())
    sentence = re.split(r"(?<=\.)\s", paragraph, maxsplit=1)[0].rstrip(".")
    return sentence.replace("|", "\\|")


if __name__ == "__main__":
    raise SystemExit(main())
