"""The process of one slot: it makes the empty folders of a run, starts the run, and sees that nothing of it stays.

It is started once and lives as long as its slot, inside the slot's cgroups, so that what it starts is bounded from the
first instruction on: moving a process into a cgroup takes some ten milliseconds, being born in one takes nothing. It has
a mount namespace of its own; the folders of a run are file systems in memory that exist there alone, so they vanish with
the process even if it is killed. It is its descendants' reaper: a run is over when it has no child left.

Messages come over a socket (file descriptor 3), one JSON object each, files beside it. When the other end is gone - the
worker was killed - it kills what runs, gives its cgroups back and ends.

Runs on its own (`python -I -S launcher.py`) with the standard library and nothing of ours: it must start fast, hold
nothing secret and stay small.
"""

import contextlib
import ctypes
import fcntl
import json
import os
import resource
import select
import signal
import socket
import sys
from typing import Any, NoReturn

PLACE = "/tmp/sandbox"  # noqa: S108 - in our own mount namespace, on a file system of our own
FOLDERS = ("in", "scratch", "out")
MESSAGE_BYTES_MAX = 1 << 20
STATUS_FD, FILTER_FDS = 3, (4, 5)  # as the program that isolates a run sees them
STACK_BYTES = 8 << 20
_CLONE_NEWNS, _CLONE_NEWUSER = 0x20000, 0x10000000
_MS_NOSUID, _MS_NODEV, _MS_REC, _MS_PRIVATE, _MNT_DETACH = 2, 4, 0x4000, 1 << 18, 2
_PR_SET_CHILD_SUBREAPER, _PR_SET_NO_NEW_PRIVS, _PR_SET_DUMPABLE = 36, 38, 4
_ADDR_NO_RANDOMIZE = 0x40000

_libc = ctypes.CDLL(None, use_errno=True)


def _call(name: str, *arguments: Any) -> int:
    """A call of the C library that does not fail silently."""
    result = int(getattr(_libc, name)(*arguments))
    if result == -1:
        error = ctypes.get_errno()
        raise OSError(error, f"{name}: {os.strerror(error)}")
    return result


def _mount(kind: str, where: str, flags: int, options: str | None = None) -> None:
    _call("mount", kind.encode(), where.encode(), kind.encode(), ctypes.c_ulong(flags), options.encode() if options else None)


def _write(path: str, text: str) -> None:
    with open(path, "w", encoding="ascii") as file:
        file.write(text)


class Launcher:
    """One slot."""

    def __init__(self, control: socket.socket) -> None:
        self.control = control
        self.user: int | None = None
        self.cgroups: list[tuple[str, str]] = []
        """Folder of ours, and the one to go back to before it is removed."""
        self.child: int | None = None
        self.mounted: list[str] = []

    def serve(self) -> None:
        """Answer until the other end is gone."""
        try:
            while True:
                message, files = self._receive()
                if message is None:
                    return
                if message["do"] == "kill":
                    continue  # it had ended on its own by then
                try:
                    answer, sent = getattr(self, f"do_{message['do']}")(message, files)
                except OSError as error:
                    answer, sent = {"failed": str(error)}, []
                finally:
                    for file in files:
                        os.close(file)
                socket.send_fds(self.control, [json.dumps(answer).encode()], sent)
                for file in sent:
                    os.close(file)
        except (BrokenPipeError, ConnectionResetError):
            return
        finally:
            self._kill()
            self._leave()

    def _receive(self) -> tuple[dict[str, Any] | None, list[int]]:
        data, files, _, _ = socket.recv_fds(self.control, MESSAGE_BYTES_MAX, 8)
        return (json.loads(data) if data else None), files

    def do_begin(self, message: dict[str, Any], _files: list[int]) -> tuple[dict[str, Any], list[int]]:
        """Enter a mount namespace, as root of a user namespace where we are not root outside."""
        self.user, self.cgroups = message["user"], message["cgroups"]
        if self.user is not None:
            with contextlib.suppress(OSError):
                _write("/proc/self/oom_score_adj", "-1000")  # what the kernel ends for want of memory is the run
        _call("prctl", _PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        flags = _CLONE_NEWNS
        owner, group = os.geteuid(), os.getegid()
        if self.user is None:
            flags |= _CLONE_NEWUSER
        _call("unshare", flags)
        if self.user is None:
            _write("/proc/self/setgroups", "deny")
            _write("/proc/self/uid_map", f"{owner} {owner} 1")
            _write("/proc/self/gid_map", f"{group} {group} 1")
        _mount("none", "/", _MS_REC | _MS_PRIVATE)
        _mount("tmpfs", os.path.dirname(PLACE), _MS_NOSUID | _MS_NODEV, "size=64k,mode=755")
        os.mkdir(PLACE)
        for name in FOLDERS:
            os.mkdir(f"{PLACE}/{name}")
        return {"ready": True}, []

    def do_prepare(self, message: dict[str, Any], _files: list[int]) -> tuple[dict[str, Any], list[int]]:
        """Fresh folders of the sizes wanted; back go the one for inputs and the one whose files may be kept."""
        owner = os.geteuid() if self.user is None else self.user
        group = os.getegid() if self.user is None else self.user
        modes = {"in": f"mode=755,uid={os.geteuid()},gid={os.getegid()}", "out": f"mode=700,uid={owner},gid={group}", "scratch": "mode=755"}
        for name in FOLDERS:
            size, files = message[name]
            where = f"{PLACE}/{name}"
            _mount("tmpfs", where, _MS_NOSUID | _MS_NODEV, f"size={size},nr_inodes={files},{modes[name]}")
            self.mounted.append(where)
        for name in ("work", "tmp"):
            where = f"{PLACE}/scratch/{name}"
            os.mkdir(where, 0o700)
            os.chown(where, owner, group)
        return {"ready": True}, [os.open(f"{PLACE}/{name}", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC) for name in ("in", "out")]

    def do_run(self, message: dict[str, Any], files: list[int]) -> tuple[dict[str, Any], list[int]]:
        """Start it, wait until it and all it started are gone, and say how its first process ended."""
        self.child = os.fork()
        if self.child == 0:
            self._become(message, files)
        while files:
            os.close(files.pop())  # else the pipes would never end
        status, gone = None, os.pidfd_open(self.child)
        poll = select.poll()
        poll.register(gone, select.POLLIN)
        poll.register(self.control, select.POLLIN)
        try:
            while status is None:
                for ready, _ in poll.poll():
                    if ready == gone:
                        _, status = os.waitpid(self.child, 0)
                    elif self._receive()[0] is None:
                        raise BrokenPipeError
                    else:
                        os.kill(self.child, signal.SIGKILL)  # not yet waited for: the number is still its own
        finally:
            os.close(gone)
        self.child = None
        self._kill()
        self._unmount()
        return {"ended": status}, []

    def _become(self, message: dict[str, Any], files: list[int]) -> NoReturn:
        """In the child: nothing of ours but five files, limits, no rights; then the program."""
        try:
            os.setsid()
            for one in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
                signal.signal(one, signal.SIG_DFL)  # what is ignored stays so in a new program: by us, and by the interpreter
            wanted = [fcntl.fcntl(file, fcntl.F_DUPFD, len(files)) for file in files]  # out of each other's way
            for number, file in enumerate(wanted):
                os.dup2(file, number)
            os.closerange(len(wanted), 65_536)
            with contextlib.suppress(OSError):
                _write("/proc/self/oom_score_adj", "1000")
            for name, value in message["rlimits"].items():
                resource.setrlimit(getattr(resource, name), tuple(value))
            if message["fixed_addresses"]:
                _call("personality", _ADDR_NO_RANDOMIZE)
            if self.user is not None:
                os.setgroups([])
                os.setresgid(self.user, self.user, self.user)
                os.setresuid(self.user, self.user, self.user)
            os.umask(0o077)
            os.chdir("/")
            os.execve(message["program"], message["argv"], {})  # noqa: S606 - nothing of a shell is wanted
        except BaseException as error:
            with contextlib.suppress(OSError):
                os.write(2, f"launcher: {error}\n".encode())
        os._exit(1)

    def _kill(self) -> None:
        """End every descendant. The first process of a run's namespace takes all the others with it."""
        while True:
            with contextlib.suppress(OSError), open(f"/proc/self/task/{os.getpid()}/children", encoding="ascii") as file:
                for number in file.read().split():
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(int(number), signal.SIGKILL)  # a child of ours, dead or alive: the number cannot be another's
            try:
                os.waitpid(-1, 0)
            except ChildProcessError:
                self.child = None
                return

    def _unmount(self) -> None:
        while self.mounted:
            _call("umount2", self.mounted[-1].encode(), _MNT_DETACH)
            self.mounted.pop()

    def _leave(self) -> None:
        """Give the cgroups back: nobody else is left to do it."""
        for _, back in self.cgroups:
            with contextlib.suppress(OSError):
                _write(f"{back}/cgroup.procs", str(os.getpid()))
        for ours, _ in self.cgroups:
            for folder in (ours, os.path.dirname(ours)):
                with contextlib.suppress(OSError):
                    os.rmdir(folder)  # of the folder of all slots, only the last one succeeds


def _main() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # it ends when its worker does
    Launcher(socket.socket(fileno=3)).serve()


if __name__ == "__main__":
    _main()
    sys.stdout.flush()
