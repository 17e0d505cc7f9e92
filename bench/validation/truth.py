"""What is true of the planted flaws, read from `truth.toml`, and whether it holds together."""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from bench.validation.inputs import MAKERS, Inputs, make_inputs
from clearinghouse.disclosure.validation.recipes.records import Effect, Language

HERE = Path(__file__).resolve().parent
_KINDS = ("fix", "second", "partial", "release", "stub")
_STABLE = ("stable", "flaky", "coin")


@dataclass(frozen=True, slots=True)
class Flaw:
    """A planted flaw."""

    name: str
    effect: Effect
    kind: str
    """Of crash or exception, where only one is right."""
    stable: str
    """`stable`, `flaky` (to be called so), `coin` (in every other run: what it is called is counted apart)."""
    why: str


@dataclass(frozen=True, slots=True)
class Change:
    """A patch, and what it is."""

    name: str
    kind: str
    """`fix`, `second` (another way to mend the same), `partial`, `release` (several at once), `stub` (the code is gone)."""
    fixes: tuple[str, ...]
    stops: tuple[str, ...]
    """Inputs that a partial patch stops."""
    path: Path

    @property
    def content(self) -> bytes:
        """The unified diff."""
        return self.path.read_bytes()


@dataclass(frozen=True, slots=True)
class Program:
    """A program with its flaws, inputs and patches."""

    name: str
    path: Path
    language: Language
    flaws: Mapping[str, Flaw]
    triggers: Mapping[str, tuple[str, ...]]
    """Input to flaws, in the order in which it comes to them."""
    silent: frozenset[str]
    """Inputs that trigger their flaw and show nothing."""
    changes: Mapping[str, Change]
    unseen: bool
    """Whoever wrote the grouping did not look at it."""
    wall_seconds: float | None
    memory_megabytes: int | None
    inputs: Inputs

    @property
    def benign(self) -> Inputs:
        """Inputs that are to do nothing."""
        return {name: content for name, content in self.inputs.items() if name.startswith("benign-")}

    def mended(self, input_name: str, change: str | None) -> tuple[str, ...]:
        """The flaws that an input still comes to with a patch, in order.

        Raises:
            KeyError: the patch is a stub, of which only the runs can tell.
        """
        left = self.triggers[input_name]
        if change is None:
            return left
        patch = self.changes[change]
        if patch.kind == "stub":
            raise KeyError(change)
        if patch.kind == "partial":
            return tuple(flaw for flaw in left if flaw not in patch.fixes or input_name not in patch.stops)
        return tuple(flaw for flaw in left if flaw not in patch.fixes)


@cache
def programs() -> Mapping[str, Program]:
    """All programs, by name."""
    document = tomllib.loads((HERE / "truth.toml").read_text())
    return {name: _program(name, table) for name, table in document["programs"].items()}


def _program(name: str, table: dict[str, object]) -> Program:
    folder = HERE / "programs" / name
    flaws, inputs, patches = (_table(table[key]) for key in ("flaws", "inputs", "patches"))
    limits = table.get("wall_seconds"), table.get("memory_megabytes")
    return Program(
        name, folder / str(table["file"]), Language(str(table["language"])),
        {flaw: Flaw(flaw, Effect(one["effect"]), one.get("name", ""), one.get("stable", "stable"), one["why"]) for flaw, one in flaws.items()},
        {each: tuple(found) for each, found in inputs.items()}, frozenset(map(str, _list(table.get("silent")))),
        {
            patch: Change(patch, one["kind"], tuple(one.get("fixes", ())), tuple(one.get("stops", ())), folder / "patches" / f"{patch}.diff")
            for patch, one in patches.items()
        },
        bool(table.get("unseen")), limits[0] if isinstance(limits[0], float) else None, limits[1] if isinstance(limits[1], int) else None,
        make_inputs(name),
    )


def _table(found: object) -> dict[str, dict[str, str]]:
    assert isinstance(found, dict)
    return found


def _list(found: object) -> list[object]:
    return found if isinstance(found, list) else []


def contradictions(program: Program) -> Iterator[str]:
    """What in the truth of a program does not hold together."""
    if program.name not in MAKERS:
        yield "nothing makes its inputs"
    made = set(program.inputs) - set(program.benign)
    if made != set(program.triggers):
        yield f"inputs made and inputs told differ: {sorted(made ^ set(program.triggers))}"
    for name, found in program.triggers.items():
        if unknown := set(found) - set(program.flaws):
            yield f"{name}: no such flaw: {sorted(unknown)}"
    for flaw in program.flaws.values():
        alone = [name for name, found in program.triggers.items() if found == (flaw.name,)]
        if len(alone) < 2:
            yield f"{flaw.name}: {len(alone)} inputs of its own; at least two would be right"
        if not any(change.kind == "fix" and change.fixes == (flaw.name,) for change in program.changes.values()):
            yield f"{flaw.name}: no patch mends it alone"
        if flaw.stable not in _STABLE:
            yield f"{flaw.name}: stable must be one of {_STABLE}"
    for change in program.changes.values():
        if change.kind not in _KINDS or not change.path.is_file():
            yield f"{change.name}: no such kind, or no such file"
        if (change.kind == "stub") != (not change.fixes) or set(change.fixes) - set(program.flaws):
            yield f"{change.name}: says what it mends unless it is a stub"
        if (change.kind == "partial") != bool(change.stops) or set(change.stops) - set(program.triggers):
            yield f"{change.name}: says what it stops where it is partial, and only there"
    for path in sorted((program.path.parent / "patches").iterdir()):
        if path.stem not in program.changes:
            yield f"{path.name}: nobody says what it is"
    if program.silent - set(program.triggers):
        yield "a silent input that is none"
    if not program.benign:
        yield "no benign input"
