"""The bench of a machine: its sandbox, by the settings of an instance or, where there is none, by the defaults."""

from pathlib import Path

from clearinghouse.app.settings import default_policy_document, parse_policy
from clearinghouse.core.policy import Policy
from clearinghouse.sandbox import Sandbox, SandboxSettings, open_sandbox


def bench_policy() -> Policy:
    """The numbers of a fresh instance: what a folder is tried by, so that two machines say the same of it."""
    return parse_policy(1, default_policy_document())


def bench_sandbox(home: Path) -> Sandbox:
    """The sandbox of the instance in a folder; of this machine where there is no instance.

    Raises:
        Unavailable: this machine has none; the message says what is missing.
    """
    return open_sandbox(_settings(home))


def _settings(home: Path) -> SandboxSettings:
    return SandboxSettings()
