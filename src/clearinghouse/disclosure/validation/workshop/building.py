"""How a build is asked for: the script that runs inside, the flags, and the key of what comes out."""

import hashlib
import shlex
import shutil
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path, PurePosixPath

import rfc8785

from clearinghouse.core.errors import Invalid
from clearinghouse.core.policy import BenchPolicy
from clearinghouse.disclosure.validation.drivers import driver_digest, driver_of
from clearinghouse.disclosure.validation.recipes.archives import is_archive, read_archive, safe_path, write_tar
from clearinghouse.disclosure.validation.recipes.records import BuildPlan, HarnessKind, Language, Recipe
from clearinghouse.disclosure.validation.workshop.materials import Materials
from clearinghouse.sandbox.base import Command, Entry, Limits

PROGRAM = "harness"
"""What a build with the bench's driver leaves at its root."""
ARTEFACT = "build.tar"
STAGES = {91: "unpack", 92: "apply", 93: "compile", 94: "collect"}
_SANITIZERS = {
    "address": ("-fsanitize=address",),
    "undefined": ("-fsanitize=undefined,float-divide-by-zero", "-fno-sanitize-recover=all"),
    "memory": ("-fsanitize=memory", "-fsanitize-memory-track-origins"),
    "none": (),
}
_SYMBOLS = {"address": b"__asan_init", "undefined": b"__ubsan_handle", "memory": b"__msan_init"}
_PLAIN = ("-g", "-O1", "-fno-omit-frame-pointer", "-ffile-prefix-map=/work/build=.")
_COVERAGE = "-fsanitize-coverage=trace-pc-guard"
_TOOLS = ("tar", "patch", "sh")


def expand(step: tuple[str, ...], recipe: Recipe) -> list[str]:
    """A build step with `{flags}` and `{driver}` replaced."""
    words: list[str] = []
    driver = driver_of(recipe.harness.kind, recipe.language)
    for word in step:
        if word == "{flags}":
            words += [*_PLAIN, *_SANITIZERS[recipe.sanitizer]]
            if "clang" in PurePosixPath(step[0]).name and recipe.harness.kind is HarnessKind.FUNCTION:
                words.append(_COVERAGE)
        elif word == "{driver}" and driver is not None:
            words.append(f"/in/bench/{driver[0]}")
        else:
            words.append(word)
    return words


def build_key(recipe: Recipe, plan: BuildPlan, toolchain: str) -> str:
    """Digest of everything that a build is made from."""
    return "sha256:" + hashlib.sha256(rfc8785.dumps({
        "sources": [[source.name, source.digest, source.into] for source in plan.sources], "patches": list(plan.patches),
        "steps": [expand(step, recipe) for step in recipe.build_steps], "driver": driver_digest(recipe.harness.kind, recipe.language),
        "environment": dict(recipe.environment), "toolchain": toolchain, "sanitizer": recipe.sanitizer, "harness": recipe.harness.kind,
    })).hexdigest()


def toolchain_of(recipe: Recipe) -> str:
    """The programs that build a recipe, each with the digest of its file, in one line."""
    names = [*_TOOLS, *(step[0] for step in recipe.build_steps)]
    found = [f"{name}={_program_digest(name)}" for name in dict.fromkeys(names) if _program_path(name) is not None]
    return " ".join([*found, *filter(None, [interpreter_of(recipe)])])


def interpreter_of(recipe: Recipe) -> str:
    """The program that runs a recipe's harness, with the digest of its file; empty where the harness is what was built."""
    names = {Language.PYTHON: "python3", Language.NODE: "node", Language.JAVA: "java"}
    name = names.get(recipe.language, "")
    return f"{name}={_program_digest(name)}" if name and _program_path(name) is not None else ""


def build_command(recipe: Recipe, plan: BuildPlan, materials: Materials, policy: BenchPolicy) -> Command:
    """What the sandbox is asked to build.

    Raises:
        Invalid: a source cannot be unpacked, or two of them put a file in the same place.
        NotFound: bytes are missing.
    """
    driver = driver_of(recipe.harness.kind, recipe.language)
    inputs = [
        Entry("sources.tar", gather(plan, materials, policy)),
        *(Entry(f"patches/{number:03}.diff", materials.read(patch)) for number, patch in enumerate(plan.patches)),
        Entry("bench/build.sh", _script(recipe, plan)),
    ]
    if driver is not None:
        inputs.append(Entry(f"bench/{driver[0]}", driver[1]))
    limits = Limits(
        policy.build_wall_seconds, policy.build_cpu_seconds, policy.build_memory_bytes, policy.processes_max, policy.output_bytes_max,
        policy.build_scratch_bytes_max, policy.build_scratch_bytes_max, policy.build_files_max,
    )
    return Command(("/usr/bin/sh", "/in/bench/build.sh"), limits, tuple(inputs), recipe.environment, keep=(ARTEFACT,))


def gather(plan: BuildPlan, materials: Materials, policy: BenchPolicy) -> bytes:
    """The sources of a plan as one tar archive of plain files."""
    tree: dict[str, tuple[bytes, bool]] = {}
    for source in plan.sources:
        content = materials.read(source.digest)
        below = {source.name: (content, False)}
        if is_archive(source.name):
            below = _without_root(read_archive(source.name, content, bytes_max=policy.archive_bytes_max, files_max=policy.archive_files_max))
        for name, each in below.items():
            path = safe_path(f"{source.into}/{name}")
            if path is None:
                raise Invalid(f"the source {source.name!r} puts a file outside of the build")
            if path in tree and tree[path] != each:
                raise Invalid(f"two sources put different files at {path[:100]!r}; give one of them another `into`")
            tree[path] = each
    return write_tar(tree)


def is_instrumented(program: bytes, sanitizer: str) -> bool:
    """Whether a program holds the runtime of the sanitizer it was to be built with."""
    return sanitizer == "none" or _SYMBOLS[sanitizer] in program


def _without_root(tree: Mapping[str, tuple[bytes, bool]]) -> dict[str, tuple[bytes, bool]]:
    """A tree without the one folder that releases put everything in (`name-1.2/`)."""
    roots = {path.split("/", 1)[0] for path in tree}
    if len(roots) == 1 and all("/" in path for path in tree):
        return {path.split("/", 1)[1]: each for path, each in tree.items()}
    return dict(tree)


def _script(recipe: Recipe, plan: BuildPlan) -> bytes:
    lines = ["set -u", "mkdir -p /work/build && cd /work/build || exit 91", "tar -xf /in/sources.tar || exit 91"]
    lines += [
        f"patch -p1 --batch --forward --no-backup-if-mismatch < /in/patches/{number:03}.diff || exit 92" for number in range(len(plan.patches))
    ]
    lines += [f"{_words(expand(step, recipe))} || exit 93" for step in recipe.build_steps]
    lines.append(f"tar -cf /out/{ARTEFACT} . || exit 94")
    return ("\n".join(lines) + "\n").encode()


def _words(argv: Iterable[str]) -> str:
    return " ".join(shlex.quote(word) for word in argv)


def _program_path(name: str) -> Path | None:
    found = shutil.which(name, path="/usr/bin:/usr/local/bin")
    return None if found is None else Path(found).resolve()


def _program_digest(name: str) -> str:
    path = _program_path(name)
    assert path is not None
    seen = path.stat()
    return _file_digest(path, seen.st_mtime_ns, seen.st_size)


@lru_cache(maxsize=64)
def _file_digest(path: Path, _modified: int, _size: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:32]
