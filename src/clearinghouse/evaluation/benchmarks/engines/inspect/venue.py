"""Where a program of Inspect's environment runs: namespaces of its own, no network but a loopback, everything it can write in memory.

It is no hostile program, it is one whose habits we do not answer for: it writes logs, caches and traces, and reaches for the network where it wants a table.
None of that can leave, and nothing is left.
"""

import contextlib
import os
import shutil
import subprocess
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from clearinghouse.core.errors import Unavailable

INSIDE = Path(__file__).parent / "inside"
LOCK = Path(__file__).parent / "requirements.lock"
FOLDER = ".venv-inspect"
"""Beside the checkout, made by `make inspect`."""
_ADVICE = f"make it with `make inspect`, or name the interpreter of an environment made from its {LOCK.name}"
_SAID_BYTES_MAX = 65_536
_ADDRESS_BYTES_MAX = 8 << 30
_BOUNDED = 'ulimit -c 0; ulimit -v "$1"; ulimit -t "$2"; shift 2; exec "$@"'
"""Bounds of each process, in force before the program begins; a shell, since nothing of ours may run between fork and exec of a process with threads."""
_ENVIRONMENT = {
    "PATH": "/usr/bin", "HOME": "/tmp/home", "XDG_DATA_HOME": "/tmp/home/data", "XDG_CACHE_HOME": "/tmp/home/cache", "XDG_CONFIG_HOME": "/tmp/home/config",
    "XDG_RUNTIME_DIR": "/tmp/home/run", "TMPDIR": "/tmp", "LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1", "NO_COLOR": "1",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Venue:
    """An environment with Inspect in it."""

    python: Path
    """Its interpreter, as the environment names it."""
    version: str
    """Of Inspect."""
    shown: tuple[Path, ...]
    """Folders that the interpreter needs besides `/usr`."""
    bwrap: str


def find_venue(python: Path | None = None) -> Venue:
    """The environment.

    Args:
        python: its interpreter; None: that of the checkout this is part of.
    Raises:
        Unavailable: it is not there, holds another version than the lock, or bubblewrap is missing.
    """
    bwrap = shutil.which("bwrap", path="/usr/bin:/usr/local/bin:/bin")
    if bwrap is None:
        raise Unavailable("the program bwrap is not here; install bubblewrap 0.8 or later")
    place = python if python is not None else Path(__file__).resolve().parents[6] / FOLDER / "bin" / "python"
    if not place.exists():
        raise Unavailable(f"there is no environment with Inspect at {place}; {_ADVICE}")
    asked = "import sys, importlib.metadata as m; print(sys.prefix); print(sys.base_prefix); print(m.version('inspect_ai'))"
    done = subprocess.run([str(place), "-I", "-c", asked], capture_output=True, text=True, env={"PATH": "/usr/bin"}, timeout=60, check=False)  # noqa: S603 - ours
    lines = done.stdout.splitlines()
    if done.returncode or len(lines) != 3:
        raise Unavailable(f"the environment at {place} has no Inspect; {_ADVICE}")
    if lines[2] != pinned():
        raise Unavailable(f"the environment at {place} has Inspect {lines[2]}, and this engine is for {pinned()}; {_ADVICE}")
    shown = tuple(dict.fromkeys(Path(line) for line in lines[:2] if not line.startswith("/usr/") and line != "/usr"))
    return Venue(place, lines[2], shown, bwrap)


def pinned() -> str:
    """The version that the lock names."""
    for line in LOCK.read_text(encoding="utf-8").splitlines():
        if line.startswith("inspect-ai=="):
            return line.removeprefix("inspect-ai==").split()[0].rstrip("\\")
    raise Unavailable(f"{LOCK.name} names no Inspect")


class Running:
    """A program that was started there."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self._process = process
        self.untrusted_said = bytearray()
        self._reader = threading.Thread(target=self._read, name="venue-said", daemon=True)
        self._reader.start()

    def wait(self, seconds: float | None = None) -> int | None:
        """How it ended; None: it has not, within the time."""
        try:
            code = self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None
        self._reader.join()
        return code

    def kill(self) -> None:
        """End it and all it started: the namespace of processes goes with its first."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        self._process.wait()
        self._reader.join()

    def _read(self) -> None:
        assert self._process.stderr is not None, "it was started with a pipe"
        with self._process.stderr as said:
            while chunk := os.read(said.fileno(), _SAID_BYTES_MAX):
                self.untrusted_said += chunk[: max(0, _SAID_BYTES_MAX - len(self.untrusted_said))]


def start(
    venue: Venue, arguments: Sequence[str], *, sockets: Path | None = None, given: int | None = None, stdout: int = subprocess.DEVNULL,
    cpu_seconds: int | None = None, memory_bytes: int | None = None,
) -> tuple[Running, "subprocess.Popen[bytes]"]:
    """Start a program of `inside/`.

    Args:
        arguments: the name of the program, and what it is told.
        sockets: folder with the sockets it finds at `/run/desk`.
        given: an open file whose content, from where it stands, it finds at `/given.eval`, read-only and in memory.
        memory_bytes: of address space, for each process.
    """
    line = [
        venue.bwrap, "--unshare-all", "--unshare-user", "--uid", "1000", "--gid", "1000", "--cap-drop", "ALL", "--new-session", "--die-with-parent", "--clearenv",
        "--ro-bind", "/usr", "/usr", "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "--dir", "/run", "--dir", "/tmp/home", "--hostname", "engine",
    ]  # fmt: skip
    for name in ("bin", "sbin", "lib", "lib32", "lib64", "libx32"):
        if Path(f"/{name}").is_symlink():
            line += ["--symlink", str(Path(f"/{name}").readlink()), f"/{name}"]
        elif Path(f"/{name}").is_dir():
            line += ["--ro-bind", f"/{name}", f"/{name}"]
    for folder in venue.shown:
        line += ["--ro-bind", str(folder), str(folder)]
    line += ["--ro-bind", str(INSIDE), "/engine"]
    if sockets is not None:
        line += ["--bind", str(sockets), "/run/desk"]
    if given is not None:
        line += ["--ro-bind-data", str(given), "/given.eval"]
    for name, value in _ENVIRONMENT.items():
        line += ["--setenv", name, value]
    program, *told = arguments
    line += ["--chdir", "/tmp", "--", str(venue.python), "-I", f"/engine/{program}.py", *told]

    bounds = [str((memory_bytes or _ADDRESS_BYTES_MAX) >> 10), "unlimited" if cpu_seconds is None else str(cpu_seconds)]
    process = subprocess.Popen(  # noqa: S603 - found by us
        ["/bin/sh", "-c", _BOUNDED, "sh", *bounds, *line], env={}, stdin=subprocess.DEVNULL, stdout=stdout, stderr=subprocess.PIPE, cwd="/",
        start_new_session=True, pass_fds=() if given is None else (given,),
    )
    return Running(process), process
