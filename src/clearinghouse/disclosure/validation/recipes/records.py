"""What a recipe says. Format and examples: docs/reference/recipe.md."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

FORMAT = "clearinghouse-recipe/1"


class Language(StrEnum):
    """What the program is written in; it decides which driver the bench brings, and which effects there are."""

    C = "c"
    CXX = "c++"
    PYTHON = "python"
    NODE = "node"
    JAVA = "java"
    GO = "go"

    @property
    def memory_safe(self) -> bool:
        """Whether a flaw shows as an exception, an assertion or a file rather than as a sanitizer's report."""
        return self not in (Language.C, Language.CXX)


class Supplier(StrEnum):
    """Who made a thing that the evidence rests on."""

    REPORTER = "reporter"
    DESK = "desk"
    """Written here, for this validation."""
    PROJECT = "project"
    """The project's own, fetched by us or checked against its release."""
    MODEL = "model"
    """Proposed by an AI model; as far as trust goes, like a reporter's."""


class HarnessKind(StrEnum):
    """How a reproducer reaches the code."""

    FUNCTION = "function"
    """C or C++ with `LLVMFuzzerTestOneInput`: the bench links its own driver, which marks the end and counts edges."""
    MODULE = "module"
    """A Python or Node file with `reproduce(data)`: run by the bench's own driver."""
    PROGRAM = "program"
    """A program of its own, started with `{input}` among its arguments."""


class Effect(StrEnum):
    """What a reproducer is expected to do."""

    SANITIZER = "sanitizer"
    SIGNAL = "signal"
    EXCEPTION = "exception"
    """One that the code lets out, by name."""
    ASSERTION = "assertion"
    MARKER = "marker"
    """A file appears that only the flaw can make: `/out/marker`, holding the word of this run."""
    TIMEOUT = "timeout"
    MEMORY = "memory"


class BuildName(StrEnum):
    """Builds a recipe may have. `vulnerable` is always there."""

    VULNERABLE = "vulnerable"
    FIXED = "fixed"
    HEAD = "head"
    INTRODUCING = "introducing"
    """The commit that brought the flaw in."""
    PARENT = "parent"
    """The commit before that one."""


@dataclass(frozen=True, slots=True)
class Source:
    """Bytes that go into a build."""

    name: str
    """File name. `.tar`, `.tar.gz`, `.tgz`, `.tar.xz`, `.tar.bz2` and `.zip` are unpacked."""
    digest: str
    """`sha256:HEX`."""
    into: str = "."
    """Folder of the build it goes to, relative."""
    supplier: Supplier = Supplier.REPORTER
    origin: str = ""
    """Where it was fetched from and at which commit; said, and checked only where we fetched it."""


@dataclass(frozen=True, slots=True)
class BuildPlan:
    """One build of a recipe."""

    sources: tuple[Source, ...]
    patches: tuple[str, ...] = ()
    """Digests of unified diffs, applied in order with `patch -p1`."""


@dataclass(frozen=True, slots=True)
class Harness:
    """How the code is reached."""

    kind: HarnessKind
    supplier: Supplier
    file: str = ""
    """FUNCTION, MODULE: the file of the build that holds it, relative."""
    argv: tuple[str, ...] = ()
    """PROGRAM: arguments, with `{build}` for the folder of the build and `{input}` for the file of the input."""
    end_marker: str = ""
    """PROGRAM: what its standard output ends with when it came to its end."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What is claimed to happen; empty texts claim nothing."""

    effect: Effect
    name: str = ""
    """Kind of sanitizer report, signal or exception: `heap-buffer-overflow`, `SIGSEGV`, `ValueError`."""
    function: str = ""
    """A function among the telling frames."""


@dataclass(frozen=True, slots=True)
class RunLimits:
    """What a recipe asks for; never more than policy allows."""

    wall_seconds: float | None = None
    memory_megabytes: int | None = None


@dataclass(frozen=True, slots=True)
class Recipe:
    """A claim that can be run."""

    title: str
    component: str
    """Package URL, without a version where several are built."""
    language: Language
    builds: Mapping[BuildName, BuildPlan]
    harness: Harness
    expected: Expected
    reproducer: str
    """Digest of the input."""
    build_steps: tuple[tuple[str, ...], ...] = ()
    """Commands run in the folder of the build. `{flags}` as an argument of its own stands for the bench's instrumentation,
    `{driver}` for the driver to be compiled and linked."""
    sanitizer: str = "address"
    """What `{flags}` switches on: `address`, `undefined`, `memory` or `none`."""
    benign: tuple[str, ...] = ()
    """Digests of inputs that must do nothing on any build."""
    tests: tuple[tuple[str, ...], ...] = ()
    """Commands of the project's own tests, run in the folder of a build; all must exit with 0."""
    environment: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, str] = field(default_factory=dict)
    """Sanitizer options by name, of those the bench knows: `detect_leaks`, `detect_stack_use_after_return`, ..."""
    fixed_addresses: bool = False
    limits: RunLimits = RunLimits()
    digest: str = ""
    """`sha256:HEX` of the canonical document it was read from."""
