"""Attacks on the kernel's own ways: tracing, typing for another, nested namespaces, rare and foreign system calls."""

import platform
import signal

from clearinghouse.sandbox.base import Ending, Guard, Ran
from clearinghouse.sandbox.preflight.base import Answer, Attack, told

# By number: a name would say nothing to an interpreter's C library. x86-64, and the others where they are the same for all.
_CALLS = {
    "x86_64": {
        "ptrace": 101, "process_vm_readv": 310, "keyctl": 250, "add_key": 248, "bpf": 321, "perf_event_open": 298, "userfaultfd": 323,
        "io_uring_setup": 425, "syslog": 103, "kexec_load": 246, "mount": 165, "umount2": 166, "pivot_root": 155, "chroot": 161, "fsopen": 430,
        "open_tree": 428, "move_mount": 429, "mount_setattr": 442, "unshare": 272, "setns": 308, "clone3": 435, "open_by_handle_at": 304,
        "init_module": 175, "swapon": 167, "reboot": 169, "acct": 163, "quotactl": 179, "inotify_init1": 294, "fanotify_init": 300,
        "pidfd_getfd": 438, "kcmp": 312, "iopl": 172, "ioperm": 173, "modify_ldt": 154, "landlock_create_ruleset": 444,
        "memfd_secret": 447, "cachestat": 451, "lookup_dcookie": 212, "vmsplice": 278, "remap_file_pages": 216, "clock_settime": 227,
    },
    "aarch64": {
        "ptrace": 117, "process_vm_readv": 270, "keyctl": 219, "add_key": 217, "bpf": 280, "perf_event_open": 241, "userfaultfd": 282,
        "io_uring_setup": 425, "syslog": 116, "kexec_load": 104, "mount": 40, "umount2": 39, "pivot_root": 41, "chroot": 51, "fsopen": 430,
        "open_tree": 428, "move_mount": 429, "mount_setattr": 442, "unshare": 97, "setns": 268, "clone3": 435, "open_by_handle_at": 265,
        "init_module": 105, "reboot": 142, "acct": 89, "quotactl": 60, "inotify_init1": 26, "fanotify_init": 262, "pidfd_getfd": 438,
        "kcmp": 272, "landlock_create_ruleset": 444, "memfd_secret": 447, "cachestat": 451, "vmsplice": 75, "remap_file_pages": 234,
    },
}  # fmt: skip
_MACHINE = platform.machine()


def _foreign(ran: Ran) -> tuple[Answer, str]:
    if _MACHINE != "x86_64":
        return Answer.UNTESTED, f"no foreign calls are known for {_MACHINE}"
    if ran.ending is Ending.SIGNALLED and ran.signal == signal.SIGSYS:
        return Answer.HELD, "killed at the call"
    return told(ran)


def _not_out_of_memory(ran: Ran) -> tuple[Answer, str]:
    right = ran.ending is Ending.SIGNALLED and ran.signal == signal.SIGKILL and ran.memory_kills == 0
    return (Answer.HELD if right else Answer.BROKEN), f"ended by {ran.ending}"


TRICKING = (
    Attack(14, "trace the first process", Guard.SYSTEM_CALLS, """
PTRACE_ATTACH, PTRACE_DETACH = 16, 17
broken = []
if libc.ptrace(PTRACE_ATTACH, 1, 0, 0) == 0:
    broken.append("first process")
    os.waitpid(1, 0x40000000)
    libc.ptrace(PTRACE_DETACH, 1, 0, 0)
if trial(os.open, "/proc/1/mem", os.O_RDWR) == 0:
    broken.append("memory of the first process")
tell(broken)
""", of_kernel=True),
    Attack(20, "type into the terminal of another", Guard.SYSTEM_CALLS, """
import fcntl
try:
    master, slave = os.openpty()
except OSError:
    tell([], "there is no terminal inside")
if os.fork() == 0:
    os.setsid()
    fcntl.ioctl(slave, 0x540E, 0)  # TIOCSCTTY: a terminal of our own, the only one there is
    failed = trial(fcntl.ioctl, slave, 0x5412, b"x"), trial(lambda: open("/dev/tty").close())
    os._exit(1 if failed[0] == 0 else 0)
_, status = os.wait()
tell(["TIOCSTI"] if os.waitstatus_to_exitcode(status) == 1 else [])
""", of_kernel=True),
    Attack(21, "make a namespace inside", Guard.CAPABILITIES, """
kinds = {"user": 0x10000000, "mount": 0x20000, "network": 0x40000000, "process": 0x20000000, "user and mount": 0x10020000}
broken = [name for name, flag in kinds.items() if libc.unshare(flag) == 0]
for name in ("user", "mnt", "net", "pid"):
    try:
        file = os.open(f"/proc/1/ns/{name}", os.O_RDONLY)
    except OSError:
        continue
    broken += [f"entered {name}"] if libc.setns(file, 0) == 0 else []
with open("/proc/self/status") as file:
    state = dict(line.split(":", 1) for line in file)
broken += [name for name in ("CapEff", "CapPrm", "CapInh", "CapAmb") if int(state[name], 16)]
broken += [] if state["NoNewPrivs"].strip() == "1" else ["may gain rights"]
tell(broken)
""", of_kernel=True),
    Attack(22, "rare system calls", Guard.SYSTEM_CALLS, f"""
refused = (errno.EPERM, errno.ENOSYS, errno.EAFNOSUPPORT)
broken = []
for name, number in {_CALLS.get(_MACHINE, {})!r}.items():
    ctypes.set_errno(0)
    # With arguments that no call takes: one that looks at them has been reached.
    if libc.syscall(number, -1, -1, -1, -1, -1, -1) != -1 or ctypes.get_errno() not in refused:
        broken.append(name + " " + errno.errorcode.get(ctypes.get_errno(), "done"))
for name, family in {{"netlink": 16, "packet": 17, "vsock": 40, "alg": 38, "xdp": 44, "bluetooth": 31, "tipc": 30}}.items():
    if trial(socket.socket, family, socket.SOCK_RAW) not in refused:
        broken.append(name)
for name, mode in {{"pipe": 0o010644, "device": 0o020644, "block device": 0o060644}}.items():
    if trial(os.mknod, "/work/special", mode, os.makedev(1, 3)) == 0:
        broken.append(name)
        os.unlink("/work/special")
if libc.personality(0x0040000) != -1:
    broken.append("personality")
tell(broken)
""", of_kernel=True),
    Attack(23, "system calls of another architecture", Guard.SYSTEM_CALLS, """
import mmap
libc.syscall.restype = ctypes.c_long
status = []
if os.fork() == 0:
    os._exit(0 if libc.syscall(0x40000000 + 39) == -1 else 1)  # x32
status.append(os.waitstatus_to_exitcode(os.wait()[1]))
if os.fork() == 0:
    code = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    code.write(bytes.fromhex("53 b8 14 00 00 00 cd 80 5b c3"))  # getpid of i386, by its own gate
    found = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(code)))()
    os._exit(1 if found > 0 else 0)
status.append(os.waitstatus_to_exitcode(os.wait()[1]))
tell([name for name, code in zip(("x32", "i386"), status) if code == 1], f"ended with {status}")
""", judge=_foreign, of_kernel=True),
    Attack(24, "kill itself to look like want of memory", Guard.MEMORY, """
os.kill(os.getpid(), signal.SIGKILL)
""", judge=_not_out_of_memory),
)  # fmt: skip
