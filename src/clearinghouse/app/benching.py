"""The bench of a machine: its sandbox, by the settings of an instance or, where there is none, by the defaults."""

from pathlib import Path

from clearinghouse.sandbox import Sandbox, SandboxSettings, open_sandbox


def bench_sandbox(home: Path) -> Sandbox:
    """The sandbox of the instance in a folder; of this machine where there is no instance.

    Raises:
        Unavailable: this machine has none; the message says what is missing.
    """
    return open_sandbox(_settings(home))


def _settings(home: Path) -> SandboxSettings:
    return SandboxSettings()
