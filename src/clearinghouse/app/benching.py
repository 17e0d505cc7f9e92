"""The bench of a machine: its sandbox and its numbers, for those who run a recipe from a folder."""

from pathlib import Path

from clearinghouse.app.settings import SETTINGS_NAME, default_policy_document, load_settings, parse_policy
from clearinghouse.core.policy import Policy
from clearinghouse.sandbox import Sandbox, open_sandbox


def bench_policy() -> Policy:
    """The numbers of a fresh instance: what a folder is tried by, so that two machines say the same of it."""
    return parse_policy(1, default_policy_document())


def bench_sandbox(home: Path) -> Sandbox:
    """The sandbox that the settings of the instance in a folder ask for; that of this machine where there is no instance.

    Raises:
        Unavailable: this machine has none; the message says what is missing.
        Invalid: the settings cannot be read.
    """
    return open_sandbox(load_settings(home).sandbox if (home / SETTINGS_NAME).exists() else None)
