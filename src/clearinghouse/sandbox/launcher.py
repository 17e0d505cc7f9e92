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
import gc
import json
import os
import resource
import select
import signal
import socket
import stat
import struct
import sys
import time
from typing import Any

PLACE = "/tmp/sandbox"
ROOT = f"{PLACE}/root"
"""What a run sees as `/`."""
ROOT_LINKS = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")
DEVICES = ("null", "zero", "full", "random", "urandom")
MESSAGE_BYTES_MAX = 1 << 20
STATUS_FD, FILTER_FDS = 3, (4, 5)  # as the program that isolates a run sees them
STACK_BYTES = 8 << 20
_LIMIT_ATTEMPTS = 20_000  # two seconds
_LEAVE_ATTEMPTS = 50  # half a second
_OUT_OF_THE_WAY = 16  # of the numbers that files get in the new program
_BOX_BYTES, _BOX_FILES = 1 << 20, 64
_CLONE_NEWNS, _CLONE_NEWCGROUP, _CLONE_NEWUTS, _CLONE_NEWUSER, _CLONE_NEWNET = 0x20000, 0x2000000, 0x4000000, 0x10000000, 0x40000000
_MS_NOSUID, _MS_NODEV, _MS_BIND, _MS_REC, _MS_PRIVATE, _MNT_DETACH = 2, 4, 0x1000, 0x4000, 1 << 18, 2
_MOUNT_SETATTR = 442  # on every architecture
_AT_FDCWD, _AT_RECURSIVE = -100, 0x8000
_ATTR_RDONLY, _ATTR_NOSUID, _ATTR_NODEV = 1, 2, 4
_PR_SET_CHILD_SUBREAPER = 36
_SIOCSIFFLAGS, _IFF_UP = 0x8914, 1
_ADDR_NO_RANDOMIZE = 0x40000

_libc = ctypes.CDLL(None, use_errno=True)


def _call(name: str, *arguments: Any) -> int:
    """A call of the C library that does not fail silently."""
    result = int(getattr(_libc, name)(*arguments))
    if result == -1:
        error = ctypes.get_errno()
        raise OSError(error, f"{name}: {os.strerror(error)}")
    return result


def _mount(source: str, where: str, flags: int, options: str | None = None) -> None:
    """A file system of a kind, or with `_MS_BIND` what is already somewhere."""
    _call("mount", source.encode(), where.encode(), source.encode(), ctypes.c_ulong(flags), options.encode() if options else None)


def _set(where: str, attributes: int, *, recursively: bool = False) -> None:
    """Give a mount attributes, besides those it has; of another user namespace's mounts none can be taken away."""
    wanted = struct.pack("QQQQ", attributes, 0, 0, 0)
    flags = _AT_RECURSIVE if recursively else 0
    _call("syscall", ctypes.c_long(_MOUNT_SETATTR), _AT_FDCWD, where.encode(), flags, wanted, ctypes.c_size_t(len(wanted)))


def _copy_readable(source: str, target: str) -> None:
    """Links, folders, and files that everybody may read."""
    mode = os.lstat(source).st_mode
    if stat.S_ISLNK(mode):
        os.symlink(os.readlink(source), target)
    elif stat.S_ISDIR(mode):
        os.mkdir(target, 0o755)
        for name in os.listdir(source):
            _copy_readable(f"{source}/{name}", f"{target}/{name}")
    elif stat.S_ISREG(mode) and mode & 0o004:
        with open(source, "rb") as old, open(target, "wb") as new:
            new.write(old.read())
        os.chmod(target, 0o444)


def _write(path: str, text: str) -> None:
    with open(path, "w", encoding="ascii") as file:
        file.write(text)


def _limit(child: int, which: int, value: tuple[int, int]) -> None:
    """Bound a child that may be in the middle of becoming its program: until that has its user, it is not ours to bound."""
    for _ in range(_LIMIT_ATTEMPTS):
        try:
            resource.prlimit(child, which, value)
        except PermissionError:
            time.sleep(0.0001)
        except ProcessLookupError:
            return  # over already, by a failure of its own
        else:
            return
    raise PermissionError(1, "the program cannot be bounded")


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
        for file in files:
            os.set_inheritable(file, False)  # they come without; nobody else starts programs meanwhile
        return (json.loads(data) if data else None), files

    def do_begin(self, message: dict[str, Any], _files: list[int]) -> tuple[dict[str, Any], list[int]]:
        """Enter namespaces of our own, as root of a user namespace where we are not root outside, and make the root of a run.

        What holds for every run is done here, once: an unconnected network, a name, a tree of mounts that are read-only.
        """
        self.user, self.cgroups = message["user"], message["cgroups"]
        if self.user is not None:
            os.setgroups([])
            with contextlib.suppress(OSError):
                _write("/proc/self/oom_score_adj", "-1000")  # where we may: what the kernel ends for want of memory is the run
        _call("prctl", _PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        owner, group = os.geteuid(), os.getegid()
        flags = _CLONE_NEWNS | _CLONE_NEWUTS | _CLONE_NEWCGROUP
        _call("unshare", flags | (_CLONE_NEWNET if message["apart"] else 0) | (_CLONE_NEWUSER if self.user is None else 0))
        if self.user is None:
            _write("/proc/self/setgroups", "deny")
            _write("/proc/self/uid_map", f"{owner} {owner} 1")
            _write("/proc/self/gid_map", f"{group} {group} 1")
        socket.sethostname("sandbox")
        if message["apart"]:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
                fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", _IFF_UP))
        _mount("none", "/", _MS_REC | _MS_PRIVATE)
        _mount("tmpfs", os.path.dirname(PLACE), _MS_NOSUID | _MS_NODEV, "size=64k,mode=755")
        for folder in (PLACE, ROOT, f"{PLACE}/empty", f"{PLACE}/scratch", f"{PLACE}/box"):
            os.mkdir(folder)
        self._make_root(message["copied"])
        return {"ready": True}, []

    def _make_root(self, copied: list[str]) -> None:
        """The host's programs, what of `/etc` they refer to, a few devices, and empty places."""
        _mount("tmpfs", ROOT, _MS_NOSUID, "size=8m,mode=755")
        for name in ("usr", "etc", "in", "work", "tmp", "out", "proc", "dev"):
            os.mkdir(f"{ROOT}/{name}")
        _mount("/usr", f"{ROOT}/usr", _MS_BIND | _MS_REC)
        _set(f"{ROOT}/usr", _ATTR_RDONLY | _ATTR_NOSUID | _ATTR_NODEV, recursively=True)
        for name in ROOT_LINKS:
            if os.path.islink(f"/{name}"):
                os.symlink(os.readlink(f"/{name}"), f"{ROOT}/{name}")
            elif os.path.isdir(f"/{name}"):
                os.mkdir(f"{ROOT}/{name}")
                _mount(f"/{name}", f"{ROOT}/{name}", _MS_BIND | _MS_REC)
                _set(f"{ROOT}/{name}", _ATTR_RDONLY | _ATTR_NOSUID | _ATTR_NODEV, recursively=True)
        for path in copied:
            _copy_readable(path, ROOT + path)
        _mount("tmpfs", f"{ROOT}/dev", _MS_NOSUID, "size=64k,mode=755")
        for name in DEVICES:
            os.close(os.open(f"{ROOT}/dev/{name}", os.O_CREAT | os.O_WRONLY, 0o666))
            _mount(f"/dev/{name}", f"{ROOT}/dev/{name}", _MS_BIND)
        for name, target in (("fd", "fd"), ("stdin", "fd/0"), ("stdout", "fd/1"), ("stderr", "fd/2")):
            os.symlink(f"/proc/self/{target}", f"{ROOT}/dev/{name}")
        os.mkdir(f"{ROOT}/dev/shm")
        _set(f"{ROOT}/dev", _ATTR_RDONLY)
        _set(ROOT, _ATTR_RDONLY)

    def do_prepare(self, message: dict[str, Any], _files: list[int]) -> tuple[dict[str, Any], list[int]]:
        """Fresh folders of the sizes wanted; back go the one for inputs and the one whose files may be kept."""
        owner = os.geteuid() if self.user is None else self.user
        group = os.getegid() if self.user is None else self.user
        ours, theirs = f"mode=755,uid={os.geteuid()},gid={os.getegid()}", f"mode=700,uid={owner},gid={group}"
        places = [("in", f"{ROOT}/in", ours), ("scratch", f"{PLACE}/scratch", ours), ("out", f"{ROOT}/out", theirs), ("shm", f"{ROOT}/dev/shm", theirs)]
        if message["bundle"]:
            places.append(("box", f"{PLACE}/box", theirs))
            message["box"] = [_BOX_BYTES, _BOX_FILES]
        for name, where, mode in places:
            size, files = message[name]
            _mount("tmpfs", where, _MS_NOSUID | _MS_NODEV, f"size={size},nr_inodes={files},{mode}")
            self.mounted.append(where)
        for name in ("work", "tmp"):  # of one size together
            where = f"{PLACE}/scratch/{name}"
            os.mkdir(where, 0o700)
            os.chown(where, owner, group)
            _mount(where, f"{ROOT}/{name}", _MS_BIND)
            self.mounted.append(f"{ROOT}/{name}")
        if message["bundle"]:
            _write(f"{PLACE}/box/config.json", message["bundle"])
            os.chmod(f"{PLACE}/box/config.json", 0o644)
            os.mkdir(f"{PLACE}/box/state", 0o700)
            os.chown(f"{PLACE}/box/state", owner, group)
        return {"ready": True}, [os.open(f"{ROOT}/{name}", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC) for name in ("in", "out")]

    def do_run(self, message: dict[str, Any], files: list[int]) -> tuple[dict[str, Any], list[int]]:
        """Start it, wait until it and all it started are gone, and say how its first process ended."""
        _set(f"{ROOT}/in", _ATTR_RDONLY)
        self.child = self._start(message, files)
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

    def _start(self, message: dict[str, Any], files: list[int]) -> int:
        """Start the program as the slot's user, and let it go on when its limits are in force.

        Not by a fork, which would copy an interpreter's tables of pages and cost as much as all that bubblewrap does. For this moment we are that
        user ourselves; the saved user that lets us go back is gone in the new program, and with it all capabilities (execve(2),
        capabilities(7)). It cannot run ahead of its limits: it first reads its filters to their end, and the last one ends when we say so.
        """
        wanted = [fcntl.fcntl(file, fcntl.F_DUPFD_CLOEXEC, _OUT_OF_THE_WAY) for file in files]
        child, gate, last_filter = None, None, b""
        if len(wanted) > FILTER_FDS[0]:
            last_filter = os.pread(wanted[-1], MESSAGE_BYTES_MAX, 0)
            read_end, gate = os.pipe()
            os.close(wanted[-1])
            wanted[-1] = fcntl.fcntl(read_end, fcntl.F_DUPFD_CLOEXEC, _OUT_OF_THE_WAY)
            os.close(read_end)
        try:
            if message["fixed_addresses"]:
                _call("personality", _ADDR_NO_RANDOMIZE)
            os.umask(0o077)
            if self.user is not None:
                os.setresgid(self.user, self.user, 0)
                os.setresuid(self.user, self.user, 0)
            actions = [(os.POSIX_SPAWN_DUP2, file, number) for number, file in enumerate(wanted)]
            # What we inherited as ignored (a worker started in the background ignores two) would stay so in the run.
            defaults = signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}
            child = os.posix_spawn(message["program"], message["argv"], {}, file_actions=actions, setsid=True, setsigdef=defaults)
            for name, value in message["rlimits"].items():
                _limit(child, getattr(resource, name), tuple(value))
            with contextlib.suppress(OSError):  # where it failed already, it says why itself
                _write(f"/proc/{child}/oom_score_adj", "1000")  # before the launcher, which holds what is known of the run
            if gate is not None:
                with contextlib.suppress(BrokenPipeError):
                    os.write(gate, last_filter)  # far less than a pipe takes at once
        except BaseException:
            if child is not None:
                os.kill(child, signal.SIGKILL)  # before the gate opens
            raise
        finally:
            if self.user is not None:
                os.setresuid(0, 0, 0)
                os.setresgid(0, 0, 0)
            os.umask(0o022)
            if message["fixed_addresses"]:
                _call("personality", 0)
            for file in (*wanted, *([] if gate is None else [gate])):
                os.close(file)
        return child

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
            for attempt in range(_LEAVE_ATTEMPTS):
                try:
                    os.rmdir(ours)
                except FileNotFoundError:
                    break
                except OSError:
                    time.sleep(0.01 if attempt else 0.001)  # the last to die is counted a moment longer
                else:
                    break
            with contextlib.suppress(OSError):
                os.rmdir(os.path.dirname(ours))  # the folder of all slots: only the last one succeeds


def _main() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE, signal.SIGXFSZ):
        # It ends when its worker does. Not SIG_IGN, which every program started from here would inherit: a function is forgotten.
        signal.signal(number, lambda *_: None)
    gc.disable()  # what is never collected is not copied either, when it forks
    os.umask(0o022)
    os.set_inheritable(3, False)
    Launcher(socket.socket(fileno=3)).serve()


if __name__ == "__main__":
    _main()
    sys.stdout.flush()
