"""What several tests use and is no fixture: running the program, and skipping only where that is allowed."""

import os
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

import pytest

REQUIRED = os.environ.get("REQUIRE_SYSTEM") == "1"


def lacking(reason: str) -> NoReturn:
    """Skip loudly on a developer's machine; fail where everything must be there."""
    if REQUIRED:
        pytest.fail(f"REQUIRE_SYSTEM=1 and {reason}")
    pytest.skip(f"SKIPPED FOR WANT OF A PROGRAM: {reason}")


def lacking_feature(name: str, reason: str) -> NoReturn:
    """Skip loudly; where everything must be there, only if the machine is known to lack this."""
    listed = (Path(__file__).resolve().parents[1] / ".ci" / "kernel-features-lacking").read_text().splitlines()
    if REQUIRED and name not in listed:
        pytest.fail(f"REQUIRE_SYSTEM=1, {name} is not listed in .ci/kernel-features-lacking, and {reason}")
    pytest.skip(f"SKIPPED FOR WANT OF A KERNEL FEATURE, {name}: {reason}")


class Command:
    """Runs the program in a process of its own."""

    def __init__(self, home: Path) -> None:
        self.home = home

    def __call__(self, *arguments: str | Path, code: int = 0) -> str:
        """Standard output of a run that must end with `code`."""
        done = self.run(*arguments)
        assert done.returncode == code, f"{arguments} ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def run(self, *arguments: str | Path) -> "subprocess.CompletedProcess[str]":
        """A run, however it ends."""
        environment = {**os.environ, "CLEARINGHOUSE_HOME": str(self.home), "COLUMNS": "200", "NO_COLOR": "1"}
        return subprocess.run(
            [sys.executable, "-m", "clearinghouse", *map(str, arguments)], capture_output=True, text=True, env=environment, timeout=300, check=False
        )


def shared_folder() -> Path | None:
    """The corpora beside the checkout, where there are any."""
    folder = Path(__file__).resolve().parents[2] / "shared" / "data"
    return folder if folder.is_dir() else None
