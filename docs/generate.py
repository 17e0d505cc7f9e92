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
from clearinghouse.core.terms import DutyKind
from clearinghouse.disclosure.coordination.appeals.states import APPEAL_TRANSITIONS
from clearinghouse.disclosure.coordination.contact.rules import CONTACT_TRANSITIONS
from clearinghouse.disclosure.coordination.embargo.calendar import render_in
from clearinghouse.disclosure.coordination.embargo.rules import MILESTONE_WORDS, compute_timetable
from clearinghouse.disclosure.coordination.embargo.scenarios import what_if
from clearinghouse.disclosure.coordination.embargo.states import (
    CONSENT_TRANSITIONS,
    CONSEQUENCES,
    EMBARGO_TRANSITIONS,
    PUBLIC_TRANSITIONS,
    VENDOR_TRANSITIONS,
)
from clearinghouse.disclosure.coordination.rooms.states import (
    CASE_TRANSITIONS,
    PARTICIPATION_TRANSITIONS,
    REPORT_TRANSITIONS,
    render_table,
)
from clearinghouse.disclosure.intake.parser import load_sources
from clearinghouse.disclosure.validation.queue.states import VALIDATION_TRANSITIONS
from clearinghouse.evaluation.benchmarks.running.states import RUN_TRANSITIONS
from clearinghouse.evaluation.review.records import ReviewKind
from clearinghouse.evaluation.review.states import REVIEW_TRANSITIONS
from clearinghouse.parties.charters.document import schema_document
from docs.embargo_examples import EXAMPLES, POLICY

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


def charter() -> str:
    """Tables of every field of a charter, from its schema."""
    schema = schema_document()
    plain = {name: part for name, part in schema["properties"].items() if part.get("type") not in ("object", "array")}
    parts = ["| Field | Values | Says |", "|---|---|---|", *(_field(name, part, name in schema["required"]) for name, part in plain.items())]
    for name, part in schema["properties"].items():
        if name not in plain:
            parts += _charter_table(name, part)
    return "\n".join(parts) + "\n"


def _charter_table(path: str, part: dict[str, Any]) -> list[str]:
    many = part.get("type") == "array"
    inner = part["items"] if many else part
    lines = ["", f"### {f'[[{path}]]' if many else f'[{path}]'}", "", part["description"], "", "| Field | Values | Says |", "|---|---|---|"]
    tables = {name: one for name, one in inner["properties"].items() if one.get("items", {}).get("type") == "object"}
    lines += [_field(name, one, name in inner.get("required", ())) for name, one in inner["properties"].items() if name not in tables]
    for name, one in tables.items():
        lines += _charter_table(f"{path}.{name}", one)
    return lines


def _field(name: str, part: dict[str, Any], needed: bool) -> str:
    inner = part.get("items", part)
    if "const" in inner:
        values = f"`{inner['const']}`"
    elif "enum" in inner:
        values = " ".join(f"`{value}`" for value in inner["enum"])
    elif inner.get("format") == "date-time":
        values = "an instant (RFC 3339)"
    elif inner.get("type") == "integer":
        values = f"{inner['minimum']} to {inner['maximum']}"
    elif inner.get("type") == "boolean":
        values = "`true` `false`"
    else:
        pattern = f", as `{inner['pattern']}`".replace("|", "\\|") if "pattern" in inner else ""
        values = "text" + pattern + (f", at most {inner['maxLength']} characters" if "maxLength" in inner else "")
    many = f"list of at most {part['maxItems']}: " if part.get("type") == "array" else ""
    return f"| `{name}`{' (needed)' if needed else ''} | {many}{values} | {part['description']} |"


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
             "the clusters, before calibration. Hard pairs say the same in other words. *Entries*: the database of every record is known, as "
             "of imported lists. *Reports*: of none, as between finders' reports.\n",
             "| Read as | Threshold | Five folds, all pairs: precision, recall, F1 | Five folds, hard pairs | Left-out sources, hard pairs, pooled "
             "| F1, 95 % of resamplings | F1, mean of sources |",
             "|---|---|---|---|---|---|---|"]
    for view in ("entries", "reports"):
        for threshold, fold in sorted(found[view]["five_folds"].items()):
            apart = found[view]["left_out_sources"][threshold]
            cells = [" ".join(f"{fold[name][f'pair_{what}']:.3f}" for what in ("precision", "recall", "f1")) for name in ("all", "hard")]
            cells.append(" ".join(f"{apart[what]:.3f}" for what in ("precision", "recall", "f1")))
            lines.append(f"| {view} | {threshold} | {' | '.join(cells)} | {apart['f1_low']:.3f} to {apart['f1_high']:.3f} "
                         f"| {apart['f1_mean_of_sources']:.3f} |")
    lines += ["", "Joining without a person, hard pairs of left-out sources:", "", "| Precision of at least | Recall, entries | Recall, reports |",
              "|---|---|---|"]
    lines += [f"| {one['precision_min']:.2f} | {one['recall']:.3f} | {other['recall']:.3f} |"
              for one, other in zip(found["entries"]["left_out_joins"], found["reports"]["left_out_joins"], strict=True)]
    lines += ["", "Calibration, each left-out source by a calibration that did not see it:", "",
              "| Read as | Expected error, all pairs judged | where .05 or more is said |", "|---|---|---|"]
    lines += [f"| {view} | {one['ece']:.4f} | {one['ece_doubtful']:.4f} |" for view, one in found["calibration"].items()]
    return "\n".join(lines) + "\n"


def embargo_terms() -> str:
    """The terms and duties of a fresh instance's policy, each with its reason."""
    lines = ["| `[terms.ID]` | Holder | Rank | Clock | Why |", "|---|---|---|---|---|"]
    for terms in sorted(POLICY.terms, key=lambda one: (one.rank, one.id)):
        clock = "no end" if terms.open_ended else f"{terms.days} days after {MILESTONE_WORDS[terms.start]}"
        more = [text for text, there in (
            (f"+{terms.grace_days} if the fix comes within them", terms.grace_days),
            (f"{terms.exploited_days} (+{terms.exploited_grace_days}) if exploitation is suspected", terms.exploited_days),
            (f"at most {terms.days_max}", terms.days_max), (f"details {terms.details_days} days after the patch", terms.details_days),
            ("none if found with public AI tools", terms.public_ai_none),
        ) if there]
        lines.append(f"| `{terms.id}` | [{terms.holder}]({terms.source}) | {terms.rank} | {'; '.join([clock, *more])} | {terms.why} |")
    lines += ["", "| `[duties.ID]` | Who owes what | Clock | Why |", "|---|---|---|---|"]
    for duty in sorted(POLICY.duties, key=lambda one: (list(DutyKind).index(one.kind), one.id)):
        length = f"{duty.hours} hours" if duty.hours is not None else f"{duty.business_days} business days ({duty.weekend.replace('_', ' and ')} off)"
        also = "" if duty.after is None else f", once {MILESTONE_WORDS[duty.after]}"
        also += f"; of vendors that say they are under `{duty.regime}`" if duty.regime else ""
        lines.append(f"| `{duty.id}` | {duty.holder}: [{duty.what}]({duty.source}) | {length} after {MILESTONE_WORDS[duty.start]}{also} | {duty.why} |")
    return "\n".join(lines) + "\n"


def embargo_examples() -> str:
    """The worked examples, as the calculator answers them today."""
    parts = []
    for number, example in enumerate(EXAMPLES, 1):
        found = compute_timetable(example.facts, example.terms, example.now)
        lines = [f"### {number}. {example.title}", "", example.story, "", f"Asked at {render_in(example.now, 'UTC')}: {found.words}.", "",
                 "| Rank | Holder | Instant | Why |", "|---|---|---|---|"]
        for clock in found.clocks:
            instant = "none" if clock.instant is None else render_in(clock.instant, clock.terms.zone)
            lines.append(f"| {clock.terms.rank} | {clock.terms.holder} | {instant} | {clock.why} |")
        lines += ["", *(f"- Conflict: {conflict.words}." for conflict in found.conflicts)]
        assert example.change is not None, "every example asks a what-if"
        supposed = what_if(example.facts, example.terms, example.change, example.now)
        assert example.change.at is not None, "and names its instant"
        asked = f"What if: {example.change.kind.replace('_', ' ')}, {render_in(example.change.at, 'UTC')}?"
        lines += ["", asked, "", *(f"- {words[0].upper()}{words[1:]}." for words in supposed.difference)]
        parts.append("\n".join(lines))
    return re.sub(r"\n{3,}", "\n\n", "\n\n".join(parts)) + "\n"


def embargo_states() -> str:
    """The state machines of embargo and contact, and what follows on their steps."""
    tables = (
        ("The agreement of a case", EMBARGO_TRANSITIONS), ("One participant's consent", CONSENT_TRANSITIONS),
        ("What one vendor knows and has done", VENDOR_TRANSITIONS), ("What the world knows", PUBLIC_TRANSITIONS),
        ("A silent party", CONTACT_TRANSITIONS),
    )
    parts = [f"### {title}\n\n{render_table(table)}" for title, table in tables]
    lines = ["### What follows on a step", "", "| Step | What follows |", "|---|---|"]
    lines += [f"| {verb} | {words} |" for verb, words in CONSEQUENCES.items()]
    return "\n".join([*parts, *lines]) + "\n"


PARTS: dict[str, Callable[[], str]] = {
    "case_states": lambda: render_table(CASE_TRANSITIONS), "participation_states": lambda: render_table(PARTICIPATION_TRANSITIONS),
    "appeal_states": lambda: render_table(APPEAL_TRANSITIONS), "validation_states": lambda: render_table(VALIDATION_TRANSITIONS), "run_states": lambda: render_table(RUN_TRANSITIONS), "report_states": lambda: render_table(REPORT_TRANSITIONS),
    "embargo_states": embargo_states,
    "review_access_states": lambda: render_table(REVIEW_TRANSITIONS[ReviewKind.ACCESS]),
    "review_inquiry_states": lambda: render_table(REVIEW_TRANSITIONS[ReviewKind.INQUIRY]),
    "review_withdrawal_states": lambda: render_table(REVIEW_TRANSITIONS[ReviewKind.WITHDRAWAL]),
    "embargo_terms": embargo_terms, "embargo_examples": embargo_examples,
    "charter": charter, "commands": commands, "sources": sources, "exit_codes": exit_codes, "measured": measured}


def _leaves() -> list[list[str]]:
    """The words of every command, groups before their members."""
    return _below(get_command(app), [])


def _below(command: Any, words: list[str]) -> list[list[str]]:
    found: list[list[str]] = []
    for name, member in getattr(command, "commands", {}).items():
        found += [[*words, name], *_below(member, [*words, name])]
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
