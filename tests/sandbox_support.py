"""The real sandbox in tests: skipped loudly on a developer's machine that has none, a failure where everything is required."""

import os
import shutil
from collections.abc import Iterator

import pytest

from clearinghouse.core.errors import Unavailable
from clearinghouse.sandbox import Sandbox, open_sandbox


def real_sandbox(*programs: str) -> Iterator[Sandbox]:
    """The sandbox of this machine, with programs that a build needs."""
    missing = [name for name in programs if shutil.which(name, path="/usr/bin:/usr/local/bin") is None]
    if missing:
        _give_up(f"this machine lacks {', '.join(missing)}")
    try:
        sandbox = open_sandbox()
    except Unavailable as error:
        _give_up(f"this machine has no sandbox: {error}")
        raise
    with sandbox:
        yield sandbox


def _give_up(why: str) -> None:
    if os.environ.get("REQUIRE_SYSTEM"):
        pytest.fail(why)
    pytest.skip(f"NOT TESTED: {why}")
