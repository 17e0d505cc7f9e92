"""The boundary for untrusted code: builds, reproducers, patches and tests run behind it, or not at all.

`base` says what goes in and what comes out, one file each is a kind of isolation; `open_sandbox` gives the one this machine
has. Which walls stand is part of what comes out (`Level`), and so of every piece of evidence. There is no kind that only
starts a process.

Does not belong here: what a run means (validation), which runs are wanted.
"""

from clearinghouse.sandbox.base import Command, Ending, Entry, Guard, Level, Limits, Ran, Sandbox
from clearinghouse.sandbox.opening import SandboxSettings, open_sandbox

__all__ = ["Command", "Ending", "Entry", "Guard", "Level", "Limits", "Ran", "Sandbox", "SandboxSettings", "open_sandbox"]
