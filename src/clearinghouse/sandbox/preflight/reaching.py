"""Attacks that reach for something outside: the network, files, processes, what was left open."""

import os
import socket
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from clearinghouse.sandbox.base import Guard, Ran
from clearinghouse.sandbox.preflight.base import Answer, Attack, told


@contextmanager
def _loopback() -> Iterator[Mapping[str, str]]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield {"TARGET": str(server.getsockname()[1])}


@contextmanager
def _abstract() -> Iterator[Mapping[str, str]]:
    name = f"clearinghouse-{os.getpid()}-{id(object())}"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("\0" + name)
        server.listen()
        yield {"TARGET": name}


@contextmanager
def _by_path() -> Iterator[Mapping[str, str]]:
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as server:
        Path(folder).chmod(0o755)
        path = Path(folder, "socket")
        server.bind(str(path))
        path.chmod(0o666)
        server.listen()
        yield {"TARGET": str(path)}


@contextmanager
def _readable_file() -> Iterator[Mapping[str, str]]:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        path = Path(folder, "secret")
        path.write_text("a secret that everybody on this machine may read")
        path.chmod(0o644)
        yield {"TARGET": str(path)}


@contextmanager
def _left_open() -> Iterator[Mapping[str, str]]:
    with tempfile.TemporaryFile() as file:
        os.set_inheritable(file.fileno(), True)
        yield {}


def _no_daemon(ran: Ran) -> tuple[Answer, str]:
    """Whether what it left behind, asleep for the odd number of seconds it told, still runs on this machine."""
    answer, detail = told(ran)
    if answer is not Answer.HELD or not detail:
        return answer, detail
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if detail.encode() in path.read_bytes().split(b"\0"):
                return Answer.BROKEN, "a process outlived its run"
        except OSError:
            continue
    return answer, ""


REACHING = (
    Attack(1, "connect to a port of this machine", Guard.NETWORK, """
broken = [place for place in ("127.0.0.1", "::1", "10.0.2.2")
          if trial(socket.create_connection, (place, int(os.environ["TARGET"])), 0.5) == 0]
with open("/proc/net/dev") as file:
    names = [line.split(":")[0].strip() for line in file.readlines()[2:]]
tell(broken + [name for name in names if name not in ("lo", "tunl0", "sit0", "ip6tnl0", "gre0", "gretap0", "erspan0", "ip_vti0", "ip6_vti0", "ip6gre0")])
""", arrange=_loopback),
    Attack(2, "connect to an abstract socket", Guard.NETWORK, """
tell(["abstract socket"] if trial(socket.socket(socket.AF_UNIX).connect, "\\0" + os.environ["TARGET"]) == 0 else [])
""", arrange=_abstract),
    Attack(3, "connect to a socket by its path", Guard.FILES, """
places = [os.environ["TARGET"], "/var/run/docker.sock", "/run/docker.sock", "/run/containerd/containerd.sock", "/run/systemd/private",
          "/run/dbus/system_bus_socket", "/var/run/postgresql/.s.PGSQL.5432"]
tell([place for place in places if trial(socket.socket(socket.AF_UNIX).connect, place) == 0])
""", arrange=_by_path),
    Attack(4, "read what this machine holds", Guard.FILES, """
places = [os.environ["TARGET"], "/proc/1/root" + os.environ["TARGET"], "/etc/shadow", "/etc/passwd", "/etc/hostname", "/proc/1/root/etc/shadow",
          "/dev/vda", "/dev/sda", "/dev/nvme0n1", "/dev/mem", "/dev/kmsg", "/proc/kcore", "/proc/kmsg", "/home", "/var", "/run"]
def look(place):
    os.listdir(place) if os.path.isdir(place) else open(place, "rb").read(1)
tell([place for place in [*places, "/root"] if trial(look, place) == 0])
""", arrange=_readable_file),
    Attack(5, "find secrets in the environment", Guard.FILES, """
tell(sorted(set(os.environ) - {"PATH", "HOME", "LANG", "PWD", "LC_CTYPE", "SHLVL", "_", "OLDPWD"}))
"""),
    Attack(6, "find secrets in the environment of other processes", Guard.PROCESSES, """
broken = []
for number in filter(str.isdigit, os.listdir("/proc")):
    try:
        with open(f"/proc/{number}/environ", "rb") as file:
            names = {entry.partition(b"=")[0].decode() for entry in file.read().split(b"\\0") if entry}
    except OSError:
        continue
    broken += sorted(names - {"PATH", "HOME", "LANG", "PWD", "LC_CTYPE"})
tell(broken)
"""),
    Attack(7, "use a file that was left open", Guard.FILES, """
broken = []
for number in os.listdir("/proc/self/fd"):
    try:
        target = os.readlink(f"/proc/self/fd/{number}")
    except OSError:
        continue  # the listing itself
    if int(number) > 2:
        broken.append(number + " " + target)
tell(broken)
""", arrange=_left_open),
    Attack(13, "write outside", Guard.FILES, """
places = ["/", "/usr", "/usr/bin", "/usr/local", "/etc", "/in", "/dev", "/proc", "/proc/sys/kernel", "/sys", "/root", "/home", "/var", "/run", "/bin"]
def put(place):
    with open(place + "/written", "w") as file:
        file.write("x")
files = ["/proc/sys/kernel/core_pattern", "/proc/sysrq-trigger", "/proc/sys/kernel/hostname", "/usr/bin/env", "/proc/1/mem"]
def change(place):
    os.close(os.open(place, os.O_WRONLY))
tell([place for place in places if trial(put, place) == 0] + [place for place in files if trial(change, place) == 0]
     + (["remount"] if trial(os.chmod, "/usr/bin/env", 0o777) == 0 else []))
""", of_kernel=True),
    Attack(15, "signal everything", Guard.PROCESSES, """
seen = [number for number in os.listdir("/proc") if number.isdigit()]
signal.signal(signal.SIGTERM, signal.SIG_IGN)
trial(os.kill, 1, signal.SIGKILL)
trial(os.kill, os.getppid(), signal.SIGKILL)
trial(os.kill, -1, signal.SIGTERM)
tell([f"{len(seen)} processes seen"] if len(seen) > 4 else [], f"saw {len(seen)} processes")
""", of_kernel=True),
    Attack(18, "leave a process behind", Guard.PROCESSES, """
seconds = "4242." + str(int.from_bytes(os.urandom(6), "big"))
for _ in range(2):
    if os.fork():
        tell([], seconds) if _ == 0 else os._exit(0)
    os.setsid()
os.execv("/usr/bin/sleep", ["sleep", seconds])
""", judge=_no_daemon),
)  # fmt: skip
