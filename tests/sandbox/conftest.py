"""One sandbox for all tests of a module, and a run with small bounds."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from clearinghouse.core.errors import Unavailable
from clearinghouse.sandbox import Command, Limits, Ran, Sandbox, SandboxSettings, open_sandbox
from tests_support import lacking

SMALL = Limits(
    wall_seconds=20, cpu_seconds=15, memory_bytes=512 << 20, processes_max=64, output_bytes_max=1 << 20, file_bytes_max=64 << 20,
    scratch_bytes_max=64 << 20, files_max=1000,
)  # fmt: skip


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    """Whatever this machine has."""
    try:
        opened = open_sandbox(SandboxSettings(slots=2, required=frozenset()))
    except Unavailable as error:
        lacking(str(error))
    with opened:
        yield opened


@pytest.fixture(scope="session", params=["bubblewrap", "runsc"])
def any_kind(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    """Each kind in turn: what they promise is the same."""
    if request.param == "bubblewrap":
        yield request.getfixturevalue("sandbox")
        return
    try:
        opened = open_sandbox(SandboxSettings(kind="runsc", slots=2, required=frozenset()))
    except Unavailable as error:
        pytest.skip(f"SKIPPED FOR WANT OF A PROGRAM THAT NOT EVERY VALIDATOR HAS: {error}")
    with opened:
        yield opened


@pytest.fixture
def run_any(any_kind: Sandbox) -> Callable[..., Ran]:
    """A command of a few words, on each kind."""

    def running(*argv: str, limits: Limits = SMALL, **others: Any) -> Ran:
        return any_kind.run(Command(argv, limits, **others))

    return running


@pytest.fixture
def run(sandbox: Sandbox) -> Callable[..., Ran]:
    """A command of a few words."""

    def running(*argv: str, limits: Limits = SMALL, **others: Any) -> Ran:
        return sandbox.run(Command(argv, limits, **others))

    return running
