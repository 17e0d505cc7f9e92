"""A toy language and a workshop for it: lines of a text are the program, words of an input strike its flaws. Nothing is compiled or run."""

import subprocess
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from clearinghouse.core.errors import NotFound
from clearinghouse.disclosure.validation.observing.records import Cell, Observation, Outcome
from clearinghouse.disclosure.validation.recipes.records import (
    BuildName,
    BuildPlan,
    Effect,
    Expected,
    Harness,
    HarnessKind,
    Language,
    Recipe,
    Source,
    Supplier,
)
from clearinghouse.disclosure.validation.workshop import Build, Cache, MadeMaterials, Materials
from clearinghouse.disclosure.validation.workshop.materials import digest_of
from clearinghouse.sandbox.base import Ending, Level, Ran

LEVEL = Level("toy", "1", frozenset())
PROGRAM = b"""\
start
keep parser
flaw a
line 1
line 2
line 3
line 4
flaw b
line 5
line 6
line 7
line 8
flaw c
say hello
end
"""
"""`flaw X`: the word X of an input crashes here. `refuse`: nothing below is reached. `say X`: printed. `keep X`: what tests ask for."""


class Bytes:
    """Materials in memory."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    def read(self, digest: str) -> bytes:
        if digest not in self.kept:
            raise NotFound(f"nothing kept under {digest}")
        return self.kept[digest]


class ToyWorkshop:
    """Builds and runs the toy language; counts what it does."""

    def __init__(self, made: Materials, cache: Cache | None = None) -> None:
        self.made = made
        self.cache = cache
        self.sandbox = self
        self.level = LEVEL
        self.done: Counter[str] = Counter()
        self._builds: dict[tuple[str, ...], Build] = {}
        self._cells: dict[tuple[str, str], Cell] = {}
        self._turn = 0

    def build(self, recipe: Recipe, plan: BuildPlan) -> Build:
        key = (*(source.digest for source in plan.sources), *plan.patches)
        if key not in self._builds and self.cache is not None and (known := self.cache.find_build(digest_of(repr(key).encode()))) is not None:
            self._builds[key] = known
        if key not in self._builds:
            self.done["builds"] += 1
            program = self.made.read(plan.sources[0].digest)
            stage = "built"
            for digest in plan.patches:
                patched = apply(program, self.made.read(digest))
                if patched is None:
                    stage = "apply"
                    break
                program = patched
            if b"broken" in program:
                stage = "compile"
            self._builds[key] = Build(digest_of(repr(key).encode()), stage == "built", stage, program)
            if self.cache is not None:
                self.cache.keep_build(self._builds[key])
        return self._builds[key]

    def observe(self, recipe: Recipe, build: Build, input_digest: str) -> Cell:
        key = (build.key, input_digest)
        if key not in self._cells and self.cache is not None and (known := self.cache.find_cell(digest_of(repr(key).encode()))) is not None:
            self._cells[key] = known
        if key not in self._cells:
            self.done["cells"] += 1
            content = self.made.read(input_digest)
            runs = tuple(self._run(build, content) for _ in range(5))
            outcome = runs[0].outcome if len({run.outcome for run in runs}) == 1 else Outcome.FLAKY
            self._cells[key] = Cell(digest_of(repr(key).encode()), build.key, input_digest, outcome, runs, LEVEL)
            if self.cache is not None:
                self.cache.keep_cell(self._cells[key])
        return self._cells[key]

    def try_input(self, recipe: Recipe, build: Build, untrusted_input: bytes) -> Observation:
        self.done["tries"] += 1
        return self._run(build, untrusted_input)

    def first_effect(self, recipe: Recipe, build: Build, untrusted_inputs: Sequence[bytes]) -> tuple[int, tuple[int, Observation] | None]:
        for at, content in enumerate(untrusted_inputs):
            if (seen := self.try_input(recipe, build, content)).outcome.is_effect:
                return at, (at, seen)
        return len(untrusted_inputs), None

    def output(self, recipe: Recipe, build: Build, input_digest: str) -> tuple[Observation, bytes]:
        said = b"".join(line[4:] + b"\n" for line in self._reached(build) if line.startswith(b"say "))
        return self._run(build, self.made.read(input_digest)), said

    def coverage(self, recipe: Recipe, build: Build) -> int | None:
        return len(self._reached(build)) if recipe.benign else None

    def run_tests(self, recipe: Recipe, build: Build) -> tuple[Ran, ...]:
        return tuple(
            Ran(Ending.EXITED, LEVEL, 0 if b"keep " + step[1].encode() in build.artefact.splitlines() else 1) for step in recipe.tests
        )

    def _reached(self, build: Build) -> list[bytes]:
        lines = build.artefact.splitlines()
        return lines[: lines.index(b"refuse")] if b"refuse" in lines else lines

    def _run(self, build: Build, content: bytes) -> Observation:
        lines = self._reached(build)
        self._turn += 1
        for word in content.split():
            if b"flaw " + word in lines or (b"sometimes " + word in lines and self._turn % 2):
                name = word.decode("latin-1")
                return Observation(Outcome.CRASH_SANITIZER, "heap-buffer-overflow", frames=(f"in_{name}", f"under_{name}", "run"))
        return Observation(Outcome.CLEAN, reached_end=True)


class Toy:
    """A toy program, its inputs and patches, ready to be put on a bench."""

    def __init__(self, program: bytes = PROGRAM) -> None:
        self.program = program
        self.made = MadeMaterials(Bytes())
        self.workshop = ToyWorkshop(self.made)

    def recipe(self, reproducer: bytes, *, component: str = "pkg:generic/toy", kind: HarnessKind = HarnessKind.FUNCTION) -> Recipe:
        source = Source("program.txt", self.made.add(self.program), supplier=Supplier.PROJECT)
        return Recipe(
            "toy", component, Language.C, {BuildName.VULNERABLE: BuildPlan((source,))}, Harness(kind, Supplier.PROJECT, "program.txt"),
            Expected(Effect.SANITIZER), self.made.add(reproducer), benign=(self.made.add(b"hello"),), tests=(("expect", "parser"),),
            digest=digest_of(reproducer),
        )

    def diff(self, *changes: tuple[bytes, bytes]) -> str:
        """Digest of the diff that replaces lines by others."""
        return self.made.add(diff(self.program, replaced(self.program, *changes)))


def replaced(program: bytes, *changes: tuple[bytes, bytes]) -> bytes:
    for old, new in changes:
        assert old in program
        program = program.replace(old, new)
    return program


def diff(old: bytes, new: bytes, name: str = "program.txt", context: int = 3) -> bytes:
    """A unified diff as `diff -u` writes it."""
    with tempfile.TemporaryDirectory() as folder:
        for side, content in (("a", old), ("b", new)):
            (Path(folder) / side).mkdir()
            (Path(folder) / side / name).write_bytes(content)
        labels = ["--label", f"a/{name}", "--label", f"b/{name}"]
        return subprocess.run(
            ["diff", f"-U{context}", *labels, f"a/{name}", f"b/{name}"], cwd=folder, capture_output=True, check=False
        ).stdout


def apply(old: bytes, patch: bytes, name: str = "program.txt") -> bytes | None:
    """A file with a diff applied as the bench applies it; None where it does not apply."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(old)
        done = subprocess.run(
            ["patch", "-p1", "--batch", "--forward", "--no-backup-if-mismatch"], cwd=folder, input=patch, capture_output=True, check=False
        )
        return path.read_bytes() if done.returncode == 0 else None
