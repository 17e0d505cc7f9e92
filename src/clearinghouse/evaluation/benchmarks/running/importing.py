"""What the records of a log made elsewhere come to as cells of a grid: pure, and believing nothing but what can be counted."""

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from clearinghouse.core.errors import Invalid
from clearinghouse.core.untrusted import clean_line
from clearinghouse.evaluation.statistics.records import Cell, CellState, Grid, PlannedItem

_CELLS_MAX = 200_000
_WORD_CHARACTERS_MAX = 64
_UNFINISHED = frozenset({"", "unknown"})


@dataclass(frozen=True, slots=True)
class LogMap:
    """How somebody else's samples are read as items: written by whoever imports, kept with the record."""

    scorer: str
    """Whose value counts."""
    correct: tuple[str, ...]
    """Values that mean solved, as text; all others mean unsolved."""
    domain: str
    family_key: str
    """Key of the samples' metadata that names their family; a sample without it is a family of its own."""


@dataclass(frozen=True, slots=True)
class ImportedLog:
    """A log as a grid."""

    engine: str
    model: str
    status: str
    """As the log says of itself: it says `success` with samples missing, too."""
    grid: Grid
    items: Mapping[str, str]
    """Blinded id to the id in the log."""
    cells: tuple[Cell, ...]
    """Of those samples that are there."""


class _Score(msgspec.Struct):
    value: Any = None


class _Sample(msgspec.Struct):
    id: str
    epoch: int
    error: bool
    limit: str
    stop_reason: str
    scores: dict[str, _Score]
    metadata: dict[str, Any]
    prompt_tokens: int
    completion_tokens: int
    seconds: float


class _Records(msgspec.Struct):
    version: int
    status: str
    model: str
    packages: dict[str, Any]
    planned_ids: list[str]
    epochs: int
    samples: list[_Sample]


def parse_map(document: bytes) -> LogMap:
    """A map from its TOML.

    Raises:
        Invalid: it is none.
    """
    try:
        table = tomllib.loads(document.decode())["map"]
        found = LogMap(table["scorer"], tuple(map(str, table["correct"])), table["domain"], table.get("family", ""))
    except (KeyError, TypeError, ValueError):
        raise Invalid("a map is a table [map] with scorer, correct (a list), domain, and perhaps family (a key of the samples' metadata)") from None
    if not found.correct or not all(isinstance(word, str) for word in (found.scorer, found.domain, found.family_key)) or not found.domain:
        raise Invalid("a map names a scorer, at least one value that is correct, and a domain")
    return found


def read_records(untrusted_records: bytes, how: LogMap) -> ImportedLog:
    """The cells of a log. The denominator is what it planned: samples that it lost are missing cells, and one that failed is a failed cell.

    Raises:
        Invalid: they are no records, name a sample twice, or one that was not planned.
    """
    try:
        records = msgspec.json.decode(untrusted_records, type=_Records)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Invalid("what the reader of logs wrote is no record of a log") from None
    if records.version != 1 or not 1 <= records.epochs <= _CELLS_MAX:
        raise Invalid(f"records of version {records.version} are not known here; version 1 is")
    planned = list(dict.fromkeys(records.planned_ids or [sample.id for sample in records.samples]))
    if not planned or len(planned) * records.epochs > _CELLS_MAX:
        raise Invalid(f"a log has at least one sample and at most {_CELLS_MAX}")
    families = {sample.id: clean_line(str(sample.metadata.get(how.family_key) or ""), _WORD_CHARACTERS_MAX) for sample in records.samples}
    items = {name: PlannedItem(how.domain[:_WORD_CHARACTERS_MAX], families.get(name) or _blind(name), _blind(name)) for name in planned}
    seen: set[tuple[str, int]] = set()
    cells = []
    for sample in records.samples:
        if sample.id not in items or not 1 <= sample.epoch <= records.epochs or (sample.id, sample.epoch) in seen:
            raise Invalid("the log holds a sample that it did not plan, or one twice")
        seen.add((sample.id, sample.epoch))
        tokens, seconds = max(0, sample.prompt_tokens) + max(0, sample.completion_tokens), max(0.0, sample.seconds)
        cells.append(Cell(items[sample.id], sample.epoch, state_of(sample, how), False, tokens, seconds))
    blinded = {item.item: name for name, item in items.items()}
    if len(blinded) != len(items):
        raise Invalid("two samples of the log have one name")
    engine = f"inspect-ai/{clean_line(str(records.packages.get('inspect_ai', 'unknown')), 30)}"
    ordered = tuple(sorted(items.values()))
    return ImportedLog(engine, clean_line(records.model, 200), clean_line(records.status, 40), Grid(ordered, records.epochs), blinded, tuple(cells))


def state_of(sample: _Sample, how: LogMap) -> CellState:
    """How one of its samples ended, in our words: an error is a failed cell and not a missing one, and what was not scored is not unsolved."""
    if sample.error:
        return CellState.INFRASTRUCTURE
    if sample.stop_reason == "content_filter":
        return CellState.REFUSED
    if sample.limit:
        return CellState.LIMIT
    score = sample.scores.get(how.scorer)
    if score is None or score.value is None or str(score.value).lower() == "nan" or sample.stop_reason in _UNFINISHED:
        return CellState.UNRESOLVED
    return CellState.SOLVED if str(score.value) in how.correct else CellState.UNSOLVED


def _blind(name: str) -> str:
    return "i" + hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()[:20]
