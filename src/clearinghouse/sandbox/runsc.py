"""Isolation by gVisor's `runsc`: system calls are answered by a kernel of its own, a program without rights.

For whoever may run what reporters sent and has the time: a start costs some tenths of a second. It runs as the slot's user,
in the launcher's namespaces and in the slot's cgroups, so the host's bounds hold for that kernel as a whole: where a
payload starts too many processes, the kernel that plays its host is refused threads and ends with it.
"""

import json
import re
import shutil
import subprocess

from clearinghouse.core.errors import Unavailable
from clearinghouse.sandbox import launcher
from clearinghouse.sandbox.base import Command, Guard
from clearinghouse.sandbox.cgroups import Cgroups
from clearinghouse.sandbox.slots import Seen, Started, rlimits
from clearinghouse.sandbox.slotted import SlottedSandbox, environment_of, line_of

ADVICE = "install gVisor (on Debian: apt-get install runsc)"
GUARDS = frozenset((Guard.NETWORK, Guard.PROCESSES, Guard.FILES, Guard.CAPABILITIES, Guard.SYSTEM_CALLS, Guard.KERNEL))
_MEMORY_BYTES = 192 << 20
_PROCESSES = 192
_FAILED = 128
_OUTER = frozenset(("RLIMIT_CORE",))
"""For the program itself; the others are the inner kernel's to keep."""


class RunscSandbox(SlottedSandbox):
    """Runs are processes of a kernel of their own."""

    def __init__(self, *, slots: int, first_uid: int | None, cgroups: Cgroups | None = None) -> None:
        """Find the program.

        Raises:
            Unavailable: it is not here.
        """
        self._program, version = _find()
        super().__init__("runsc", version, GUARDS, slots=slots, first_uid=first_uid, cgroups=cgroups)

    def _started(self, command: Command) -> Started:
        box = f"{launcher.PLACE}/box"
        line = ("runsc", "--rootless", "--network=none", f"--root={box}/state", "run", f"--bundle={box}", "run")
        outer = {name: value for name, value in rlimits(command.limits).items() if name in _OUTER}
        return Started(
            self._program, line, command.stdin, command.limits, outer, bundle=_describe(command), own_memory_bytes=_MEMORY_BYTES,
            own_processes=_PROCESSES,
        )  # fmt: skip

    def _exit_code(self, seen: Seen) -> int | None:
        never = seen.ended < 0 or (seen.ended == _FAILED and bool(self._said(seen.stderr)))
        return None if never else seen.ended

    def _said(self, stderr: bytes) -> str:
        lines = stderr.decode("utf-8", "replace").splitlines()
        return next((line for line in reversed(lines) if line.startswith(("running container: ", "launcher: "))), "")


def _describe(command: Command) -> str:
    """The run as the Open Container Initiative's runtime specification (1.0.2) has it.

    Inside it is user 0 without any capability: files of the slot's user have that number there.
    """
    bounds = [{"type": name, "soft": low, "hard": high if high >= 0 else 2**64 - 1} for name, (low, high) in rlimits(command.limits).items()]
    root = launcher.ROOT
    mounts = [{"destination": "/proc", "type": "proc", "source": "proc"}, {"destination": "/dev", "type": "dev", "source": "dev"}]
    for name, mode in (("usr", "ro"), ("in", "ro"), ("work", "rw"), ("tmp", "rw"), ("out", "rw")):
        mounts.append({"destination": f"/{name}", "type": "bind", "source": f"{root}/{name}", "options": [mode, "rbind", "nosuid"]})  # type: ignore[dict-item]
    return json.dumps({
        "ociVersion": "1.0.2",
        "process": {
            "user": {"uid": 0, "gid": 0}, "args": line_of(command), "cwd": "/work", "noNewPrivileges": True, "capabilities": {}, "rlimits": bounds,
            "env": [f"{name}={value}" for name, value in environment_of(command).items()],
        },
        "root": {"path": root, "readonly": False},  # it is, and may not be told so again in a user namespace
        "hostname": "sandbox", "mounts": mounts,
        "linux": {"namespaces": [{"type": kind} for kind in ("pid", "network", "ipc", "uts", "mount")]},
    })  # fmt: skip


def _find() -> tuple[str, str]:
    program = shutil.which("runsc", path="/usr/bin:/usr/local/bin:/bin")
    if program is None:
        raise Unavailable(f"the program runsc is not here; {ADVICE}")
    said = subprocess.run([program, "--version"], capture_output=True, text=True, env={}, timeout=20, check=False).stdout  # noqa: S603 - found above
    found = re.search(r"version (\S+)", said)
    return program, found[1] if found else "unknown"
