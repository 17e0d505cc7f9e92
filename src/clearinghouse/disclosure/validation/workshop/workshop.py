"""Building and running, each with its cache."""

import fcntl
import hashlib
import os
import secrets
import shutil
import tempfile
import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Self

import rfc8785

from clearinghouse.core.errors import Conflict, Invalid
from clearinghouse.core.ids import new_id
from clearinghouse.core.policy import BenchPolicy
from clearinghouse.disclosure.validation.drivers import driver_digest, driver_of
from clearinghouse.disclosure.validation.observing.ladder import MARKER, SANITIZER_EXIT, Asked, observe
from clearinghouse.disclosure.validation.observing.records import Cell, Observation, Outcome
from clearinghouse.disclosure.validation.observing.rules import agree, is_settled
from clearinghouse.disclosure.validation.recipes.archives import lay_out, read_archive, write_tar
from clearinghouse.disclosure.validation.recipes.records import BuildPlan, Effect, HarnessKind, Language, Recipe
from clearinghouse.disclosure.validation.workshop.building import (
    ARTEFACT,
    PROGRAM,
    STAGES,
    build_command,
    build_key,
    interpreter_of,
    is_instrumented,
    toolchain_of,
)
from clearinghouse.disclosure.validation.workshop.materials import Cache, Materials, MemoryCache
from clearinghouse.disclosure.validation.workshop.records import Build, Stopped
from clearinghouse.disclosure.validation.workshop.symbols import Symbols
from clearinghouse.sandbox.base import Command, Ending, Entry, Limits, Ran, Sandbox

WORD_PLACE = b"{{CLEARINGHOUSE-WORD}}"
"""Stands in an input for the word of the run: a marker that holds it was made in this run."""
_RULES = 2  # of the ladder and of cells: another number where the same runs would be called otherwise
AGAIN = 3
"""How many times more often an input is run whose first runs disagreed."""
_LAID_OUT_MAX = 32  # unpacked builds at once
_PROGRAMS = {Language.PYTHON: ("/usr/bin/python3", "/usr/local/bin/python3"), Language.NODE: ("/usr/bin/node", "/usr/local/bin/node")}
_OPTIONS = {
    "exitcode": str(SANITIZER_EXIT), "symbolize": "0", "abort_on_error": "0", "handle_abort": "1", "handle_segv": "1", "handle_sigbus": "1",
    "handle_sigfpe": "1", "handle_sigill": "1", "detect_leaks": "0", "print_stacktrace": "1", "halt_on_error": "1",
    "allocator_may_return_null": "0", "color": "never", "print_summary": "1",
}
_Progress = Callable[[str, int, int], None]


class Workshop:
    """Builds and runs recipes in one sandbox. Threads may share it."""

    def __init__(
        self, sandbox: Sandbox, materials: Materials, policy: BenchPolicy, *, cache: Cache | None = None, stop: threading.Event | None = None,
        progress: _Progress = lambda stage, done, total: None, place: str = "",
    ) -> None:
        """Work in a sandbox.

        Args:
            place: a name of this host, where cells are shared with others: what was seen on one is not taken for seen on another.
        """
        self._sandbox, self._materials, self._policy = sandbox, materials, policy
        self._cache: Cache = MemoryCache() if cache is None else cache
        self._stop = stop or threading.Event()
        self._progress, self._place = progress, place
        self._folder, self._lock_file = _own_folder()
        self._laid_out: OrderedDict[str, tuple[Path, Symbols]] = OrderedDict()
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(max(1, sandbox.slots), thread_name_prefix="bench")
        self._end = weakref.finalize(self, _clear_away, self._folder, self._lock_file, self._pool)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Take the unpacked builds away."""
        self._end()

    @property
    def sandbox(self) -> Sandbox:
        """Where everything runs."""
        return self._sandbox

    def build(self, recipe: Recipe, plan: BuildPlan) -> Build:
        """What a plan builds to, from the cache where it was built before.

        Raises:
            NotFound: bytes are missing.
            Stopped: we were asked to stop.
        """
        toolchain = toolchain_of(recipe)
        key = build_key(recipe, plan, toolchain)
        if (known := self._cache.find_build(key)) is not None:
            return known
        try:
            command = build_command(recipe, plan, self._materials, self._policy)
        except Invalid as error:
            return Build(key, False, "unpack", toolchain=toolchain, note=str(error))
        ran = self._run(command)
        made = self._built(recipe, key, toolchain, ran)
        if ran.ending is Ending.EXITED:  # what ran out of time or memory may do better another day
            self._cache.keep_build(made)
        return made

    def observe(self, recipe: Recipe, build: Build, input_digest: str, *, times: int | None = None, symbolise: bool = True) -> Cell:
        """An input on a build, run several times; from the cache where the same was seen before.

        Args:
            times: as policy says where it is None. Where the first runs disagree, three times as many more follow.
            symbolise: name the functions of crashes.
        Raises:
            Conflict: the build did not work.
            NotFound: the input is missing.
            Stopped: we were asked to stop.
        """
        times = times or self._policy.runs
        key = self._cell_key(recipe, build, [input_digest], times, symbolise)
        if (known := self._cache.find_cell(key)) is not None:
            return known
        cell = self._cell(recipe, build, key, input_digest, [self._materials.read(input_digest)], times, symbolise)
        if cell.outcome is not Outcome.NO_RUN:
            self._cache.keep_cell(cell)
        return cell

    def try_input(self, recipe: Recipe, build: Build, untrusted_input: bytes) -> Observation:
        """One run of an input that is nobody's material: a variant, a step of fuzzing. Nothing is remembered.

        Raises:
            Conflict, Stopped: as `observe`.
        """
        return self._observed(recipe, build, [untrusted_input], symbolise=True)

    def first_effect(self, recipe: Recipe, build: Build, untrusted_inputs: Sequence[bytes]) -> tuple[int, tuple[int, Observation] | None]:
        """How many of some inputs came to the end and did nothing, and the first that did something by itself, with what. Nothing is remembered.

        Inputs that do nothing share a run, so that a search costs little more than the code under test does. One that ends
        the program otherwise (an exit of its own) counts as neither.
        Raises:
            Conflict, Stopped: as `observe`.
        """
        shared = driver_of(recipe.harness.kind, recipe.language) is not None
        waiting = [range(len(untrusted_inputs))] if shared else [range(at, at + 1) for at in range(len(untrusted_inputs))]
        clean = 0
        while waiting:
            batch = waiting.pop(0)
            if not batch:
                continue
            seen = self._observed(recipe, build, [untrusted_inputs[at] for at in batch], symbolise=len(batch) == 1)
            if seen.outcome is Outcome.CLEAN:
                clean += len(batch)
                continue
            if len(batch) == 1:
                if seen.outcome.is_effect:
                    return clean, (batch[0], seen)
                continue
            # Halves, the earlier first. What only a row of inputs brings about is found in no half, and is no input's doing.
            middle = len(batch) // 2
            waiting[:0] = [batch[:middle], batch[middle:]]
        return clean, None

    def canary(self, recipe: Recipe, build: Build) -> Cell:
        """The driver's own planted mistake on a build: a build that notices crashes crashes here.

        Raises:
            Conflict: the build did not work, or the harness has no driver of ours.
            Stopped: we were asked to stop.
        """
        if driver_of(recipe.harness.kind, recipe.language) is None:
            raise Conflict("a program that is started by itself has no canary")
        key = self._cell_key(recipe, build, ["--canary"], 1, True)
        if (known := self._cache.find_cell(key)) is not None:
            return known
        cell = self._cell(recipe, build, key, "canary", None, 1, True)
        self._cache.keep_cell(cell)
        return cell

    def coverage(self, recipe: Recipe, build: Build) -> int | None:
        """Edges (lines, for Python) of the code under test that all benign inputs reach together; None where nothing counts them.

        Raises:
            Conflict, NotFound, Stopped: as `observe`.
        """
        if not recipe.benign or driver_of(recipe.harness.kind, recipe.language) is None or recipe.language is Language.NODE:
            return None
        key = self._cell_key(recipe, build, ["coverage", *recipe.benign], 1, False)
        if (known := self._cache.find_cell(key)) is not None:
            return known.agreed.edges
        inputs = [self._materials.read(digest) for digest in recipe.benign]
        cell = self._cell(recipe, build, key, "benign", inputs, 1, False, {"CLEARINGHOUSE_COVERAGE": "1"})
        if cell.outcome is not Outcome.NO_RUN:
            self._cache.keep_cell(cell)
        return cell.agreed.edges

    def output(self, recipe: Recipe, build: Build, input_digest: str) -> tuple[Observation, bytes]:
        """One run of an input, and what the code under test wrote to standard output, without the driver's end.

        Raises:
            Conflict, NotFound, Stopped: as `observe`.
        """
        command, asked = self._command(recipe, build, [self._materials.read(input_digest)], {})
        ran = self._run(command)
        return observe(ran, asked, self._policy), ran.untrusted_stdout.replace(asked.word.encode(), b"").rsplit(b"\nCLEARINGHOUSE END ", 1)[0]

    def run_tests(self, recipe: Recipe, build: Build) -> tuple[Ran, ...]:
        """The project's own tests on a build, each command by itself in a writable copy.

        Raises:
            Conflict, Stopped: as `observe`.
        """
        folder, _ = self._lay_out(build)
        policy = self._policy
        limits = Limits(
            policy.build_wall_seconds, policy.build_cpu_seconds, policy.build_memory_bytes, policy.processes_max, policy.output_bytes_max,
            policy.build_scratch_bytes_max, policy.build_scratch_bytes_max, policy.build_files_max,
        )
        script = b'cp -r /in/build /work/build && cd /work/build && exec "$@"\n'
        inputs = (Entry("build", folder), Entry("bench/test.sh", script))
        environment = {"ASAN_OPTIONS": "detect_leaks=0", **recipe.environment}
        return tuple(
            self._run(Command(("/usr/bin/sh", "/in/bench/test.sh", *step), limits, inputs, environment)) for step in recipe.tests
        )

    def _built(self, recipe: Recipe, key: str, toolchain: str, ran: Ran) -> Build:
        log = (ran.untrusted_stdout + ran.untrusted_stderr)[-self._policy.log_bytes_max :]
        if ran.ending is Ending.NO_RUN:
            return Build(key, False, "no run", toolchain=toolchain, note=ran.note)
        if ran.ending is not Ending.EXITED:
            return Build(key, False, "limits", toolchain=toolchain, untrusted_log=log, note=f"the build was ended: {ran.ending.value}")
        if ran.exit_code != 0 or ARTEFACT not in ran.kept:
            stage = STAGES.get(ran.exit_code or 0, "collect")
            return Build(key, False, stage, toolchain=toolchain, untrusted_log=log, note=ran.refused.get(ARTEFACT, ""))
        try:
            tree = read_archive(
                ARTEFACT, ran.kept[ARTEFACT], bytes_max=self._policy.build_scratch_bytes_max, files_max=self._policy.build_files_max
            )
        except Invalid as error:
            return Build(key, False, "collect", toolchain=toolchain, untrusted_log=log, note=str(error))
        if recipe.harness.kind is HarnessKind.FUNCTION and PROGRAM not in tree:
            note = f"the build left no program {PROGRAM!r} in its folder; the step with {{driver}} makes it"
            return Build(key, False, "collect", toolchain=toolchain, untrusted_log=log, note=note)
        programs = [tree[PROGRAM]] if PROGRAM in tree else list(tree.values())
        instrumented = any(is_instrumented(content, recipe.sanitizer) for content, _ in programs)
        return Build(key, True, "built", write_tar(tree), instrumented, toolchain, log)

    def _cell(
        self, recipe: Recipe, build: Build, key: str, named: str, inputs: list[bytes] | None, times: int, symbolise: bool,
        environment: dict[str, str] | None = None,
    ) -> Cell:
        def once(_: int) -> Observation:
            return self._observed(recipe, build, inputs, symbolise=symbolise, environment=environment)

        self._lay_out(build)
        runs = list(self._pool.map(once, range(times)))
        if not is_settled(runs) and times > 1:
            runs += self._pool.map(once, range(AGAIN * times))
        return Cell(key, build.key, named, agree(runs, self._policy.agreeing_share_min), tuple(runs), self._sandbox.level)

    def _observed(
        self, recipe: Recipe, build: Build, inputs: list[bytes] | None, *, symbolise: bool, environment: dict[str, str] | None = None
    ) -> Observation:
        command, asked = self._command(recipe, build, inputs, environment or {})
        ran = self._run(command)
        log = self._lay_out(build)[1].name(ran.untrusted_stderr) if symbolise else None
        return observe(ran, asked, self._policy, log)

    def _command(self, recipe: Recipe, build: Build, inputs: list[bytes] | None, environment: dict[str, str]) -> tuple[Command, Asked]:
        folder, _ = self._lay_out(build)
        word = secrets.token_hex(16)
        entries = [Entry("build", folder)]
        names = ["--canary"]
        if inputs is not None:
            entries += [Entry(f"input/{number:04}", content.replace(WORD_PLACE, word.encode())) for number, content in enumerate(inputs)]
            names = [f"/in/{entry.name}" for entry in entries[1:]]
        if recipe.harness.kind is HarnessKind.MODULE and (driver := driver_of(recipe.harness.kind, recipe.language)) is not None:
            entries.append(Entry(f"bench/{driver[0]}", driver[1]))
        options = ":".join(f"{name}={value}" for name, value in {**_OPTIONS, **recipe.options}.items())
        limits, policy = recipe.limits, self._policy
        wall = min(limits.wall_seconds or policy.run_wall_seconds, policy.run_wall_seconds_max)
        asked = Asked(
            word, recipe.expected.effect, recipe.harness.end_marker if recipe.harness.kind is HarnessKind.PROGRAM else "",
            any(WORD_PLACE in content for content in inputs or ()),
        )
        return Command(
            self._argv(recipe, names),
            Limits(
                wall, max(policy.run_cpu_seconds, wall),
                min((limits.memory_megabytes or 0) << 20 or policy.run_memory_bytes, policy.run_memory_bytes_max), policy.processes_max,
                policy.output_bytes_max, policy.file_bytes_max, policy.scratch_bytes_max, policy.files_max,
            ),
            tuple(entries),
            {
                **recipe.environment, **environment, "CLEARINGHOUSE_WORD": word, "CLEARINGHOUSE_BUILD": "/in/build", "ASAN_OPTIONS": options,
                "UBSAN_OPTIONS": options, "MSAN_OPTIONS": options, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONHASHSEED": "0",
            },
            keep=(MARKER,) if recipe.expected.effect is Effect.MARKER else (), fixed_addresses=recipe.fixed_addresses,
        ), asked

    def _argv(self, recipe: Recipe, names: list[str]) -> tuple[str, ...]:
        harness = recipe.harness
        if harness.kind is HarnessKind.FUNCTION:
            return (f"/in/build/{PROGRAM}", *names)
        if harness.kind is HarnessKind.MODULE:
            found = next((path for path in _PROGRAMS[recipe.language] if Path(path).exists()), _PROGRAMS[recipe.language][0])
            driver = driver_of(harness.kind, recipe.language)
            assert driver is not None
            return (found, f"/in/bench/{driver[0]}", f"/in/build/{harness.file}", *names)
        return tuple(word.replace("{build}", "/in/build").replace("{input}", names[0]) for word in harness.argv)

    def _run(self, command: Command) -> Ran:
        if self._stop.is_set():
            raise Stopped("stopped as asked; the same command goes on from here")
        ran = self._sandbox.run(command, stop=self._stop)
        if ran.ending is Ending.STOPPED:
            raise Stopped("stopped as asked; the same command goes on from here")
        return ran

    def _lay_out(self, build: Build) -> tuple[Path, Symbols]:
        """The unpacked folder of a build, and its names."""
        if not build.ok:
            raise Conflict(f"there is nothing to run: the build ended at {build.stage!r}")
        with self._lock:
            if (known := self._laid_out.get(build.key)) is not None:
                self._laid_out.move_to_end(build.key)
                return known
            folder = self._folder / secrets.token_hex(16)
            folder.mkdir(mode=0o755)
            tree = read_archive(
                ARTEFACT, build.artefact, bytes_max=self._policy.build_scratch_bytes_max, files_max=self._policy.build_files_max
            )
            lay_out(tree, folder)
            made = self._laid_out[build.key] = (folder, Symbols(self._sandbox, folder, self._policy))
            if len(self._laid_out) > _LAID_OUT_MAX:
                _, (oldest, _) = self._laid_out.popitem(last=False)
                shutil.rmtree(oldest, ignore_errors=True)
            return made

    def _cell_key(self, recipe: Recipe, build: Build, inputs: Iterable[str], times: int, symbolise: bool) -> str:
        harness = recipe.harness
        return "sha256:" + hashlib.sha256(rfc8785.dumps({
            "build": build.key, "inputs": list(inputs), "harness": [harness.kind, harness.file, *harness.argv, harness.end_marker],
            "driver": driver_digest(harness.kind, recipe.language), "environment": dict(recipe.environment),
            "options": {**_OPTIONS, **recipe.options}, "effect": recipe.expected.effect, "fixed_addresses": recipe.fixed_addresses,
            "limits": [recipe.limits.wall_seconds or self._policy.run_wall_seconds, recipe.limits.memory_megabytes or self._policy.run_memory_bytes],
            "times": times, "symbolise": symbolise, "level": self._sandbox.level.render(), "place": self._place, "rules": _RULES,
            "interpreter": interpreter_of(recipe),
            "policy": [
                self._policy.run_cpu_seconds, self._policy.processes_max, self._policy.output_bytes_max, self._policy.file_bytes_max,
                self._policy.scratch_bytes_max, self._policy.agreeing_share_min,
            ],
        })).hexdigest()


def _own_folder() -> tuple[Path, int]:
    """A folder of this process alone, held by a lock; what a process that died left behind is cleared away."""
    base = Path(tempfile.gettempdir()) / f"clearinghouse-bench-{os.getuid()}"
    # Others may enter, as the sandbox's users must, and cannot list: names below are random.
    base.mkdir(mode=0o711, exist_ok=True)
    found = base.lstat()
    if base.is_symlink() or found.st_uid != os.getuid() or found.st_mode & 0o022:
        raise Conflict(f"{base} belongs to somebody else or may be written by others; remove it")
    base.chmod(0o711)
    for left in base.glob("*.lock"):
        with suppress(OSError), left.open("r+b") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(base / left.stem, ignore_errors=True)
            left.unlink()
    while True:
        name = new_id("wsh")
        lock_file = os.open(base / f"{name}.lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        fcntl.flock(lock_file, fcntl.LOCK_EX)
        # Somebody who clears away may have had it between the two.
        if os.fstat(lock_file).st_nlink:
            break
        os.close(lock_file)
    folder = base / name
    folder.mkdir(mode=0o711)
    folder.chmod(0o711)
    return folder, lock_file


def _clear_away(folder: Path, lock_file: int, pool: ThreadPoolExecutor) -> None:
    pool.shutdown(wait=True, cancel_futures=True)
    shutil.rmtree(folder, ignore_errors=True)
    with suppress(OSError):
        folder.with_name(folder.name + ".lock").unlink()
    os.close(lock_file)
