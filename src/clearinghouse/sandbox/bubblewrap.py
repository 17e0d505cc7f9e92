"""Isolation by bubblewrap: namespaces of the host's kernel, a filter on system calls, and nothing of the host but `/usr`.

The order of things is the point. The launcher (`launcher.py`) is in the slot's cgroups before anything of the run exists.
It takes away its own environment, files and rights before bubblewrap starts, because what bubblewrap itself holds can be
seen from inside: its environment stands in `/proc/1/environ` whatever `--clearenv` says, and started by root it is root
outside.
"""

import json
import re
import shutil
import subprocess

from clearinghouse.core.errors import Unavailable
from clearinghouse.sandbox import launcher
from clearinghouse.sandbox.base import Command, Guard
from clearinghouse.sandbox.cgroups import Cgroups
from clearinghouse.sandbox.seccomp import filters
from clearinghouse.sandbox.slots import Seen, Started, rlimits
from clearinghouse.sandbox.slotted import SlottedSandbox, environment_of, line_of

USER_INSIDE = 1000
GUARDS = frozenset((Guard.NETWORK, Guard.PROCESSES, Guard.FILES, Guard.CAPABILITIES, Guard.SYSTEM_CALLS))
_VERSION_MIN = (0, 8, 0)
ADVICE = (
    "install bubblewrap 0.8 or later (on Debian: apt-get install bubblewrap); where user namespaces are switched off for "
    "unprivileged programs (Ubuntu: AppArmor, kernel.apparmor_restrict_unprivileged_userns), load a profile that lets bwrap make them; "
    "inside a container, run the worker on a host or virtual machine of its own"
)


class BubblewrapSandbox(SlottedSandbox):
    """Runs are processes of the host's kernel, in namespaces of their own."""

    def __init__(self, *, slots: int, first_uid: int | None, cgroups: Cgroups | None = None) -> None:
        """Find the program, and make the filters.

        Raises:
            Unavailable: the program or the library for filters is missing.
        """
        self._program, version = _find()
        self._filters = filters()
        super().__init__("bubblewrap", version, GUARDS, slots=slots, first_uid=first_uid, cgroups=cgroups)

    def _options(self) -> list[str]:
        return options()

    def _started(self, command: Command) -> Started:
        line = ["bwrap", *self._options()]
        for name, value in environment_of(command).items():
            line += ["--setenv", name, value]
        return Started(
            self._program, (*line, "--", *line_of(command)), command.stdin, command.limits, rlimits(command.limits), filters=self._filters,
            fixed_addresses=command.fixed_addresses,
        )  # fmt: skip

    def _exit_code(self, seen: Seen) -> int | None:
        return exit_code(seen.status)

    def _said(self, stderr: bytes) -> str:
        lines = stderr.decode("utf-8", "replace").splitlines()
        return next((line for line in reversed(lines) if line.startswith(("bwrap: ", "launcher: "))), "")


def options() -> list[str]:
    """Everything bubblewrap is told that is the same for every command. The rest of the walls the launcher has built before."""
    told = [
        "--unshare-user", "--unshare-pid", "--unshare-ipc", "--disable-userns", "--uid", str(USER_INSIDE), "--gid", str(USER_INSIDE),
        "--cap-drop", "ALL", "--new-session", "--die-with-parent", "--clearenv",
        "--dev-bind", launcher.ROOT, "/", "--proc", "/proc",
        # The first process is bubblewrap's own: with the same user it could be written to through its memory file.
        "--ro-bind", f"{launcher.PLACE}/empty", "/proc/1",
        "--chdir", "/work", "--json-status-fd", str(launcher.STATUS_FD),
    ]  # fmt: skip
    for number in launcher.FILTER_FDS:
        told += ["--add-seccomp-fd", str(number)]
    return told


def exit_code(status: bytes) -> int | None:
    """The code, if bubblewrap says that the command ran: its own failures give none."""
    found = None
    for line in status.splitlines():
        try:
            document = json.loads(line)
        except ValueError:
            continue
        if isinstance(document, dict) and isinstance(document.get("exit-code"), int):
            found = document["exit-code"]
    return found


def _find() -> tuple[str, str]:
    program = shutil.which("bwrap", path="/usr/bin:/usr/local/bin:/bin")
    if program is None:
        raise Unavailable(f"the program bwrap is not here; {ADVICE}")
    said = subprocess.run([program, "--version"], capture_output=True, text=True, env={}, timeout=20, check=False).stdout  # noqa: S603 - found above
    found = re.search(r"(\d+)\.(\d+)\.(\d+)", said)
    if found is None or tuple(map(int, found.groups())) < _VERSION_MIN:
        raise Unavailable(f"bubblewrap {said.strip()[-20:] or 'of unknown version'} cannot switch off user namespaces inside; {ADVICE}")
    return program, found[0]
