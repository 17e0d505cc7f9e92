"""The real sandbox, once for a session of tests."""

from collections.abc import Iterator

import pytest

from clearinghouse.app.settings import default_policy_document, parse_policy
from clearinghouse.core.review_policy import BenchmarkPolicy
from clearinghouse.sandbox import Sandbox
from sandbox_support import real_sandbox


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    """Whatever this machine has."""
    yield from real_sandbox("python3", "bash")


@pytest.fixture(scope="session")
def benchmark_policy() -> BenchmarkPolicy:
    """The numbers of a fresh instance."""
    return parse_policy(1, default_policy_document()).benchmarks
