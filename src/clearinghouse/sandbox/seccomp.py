"""Which system calls a run may make, as two programs that the kernel runs before each.

The first names what is allowed: what compilers, linkers, interpreters and their build tools need. Anything else, calls
that do not exist yet included, is answered as by a kernel that does not know it (ENOSYS), for which C libraries have
another way. The second looks at arguments. Whatever is stricter holds. Calls of another processor architecture end the
process.

File locks are granted without being taken. Locks on a file that two sandboxes both see (all of `/usr`) would let them
talk, though they belong to rival cases; refusing them breaks build tools, which lock only against themselves. For the
same reason nobody may watch files (inotify, fanotify).
"""

import errno
import os
import tempfile
from functools import cache
from types import ModuleType

from clearinghouse.core.errors import Unavailable

ADVICE = "install the library libseccomp2 (on Debian: apt-get install libseccomp2) and the Python package pyseccomp"
_WORD = 0xFFFF_FFFF  # the kernel reads 32 bits of such an argument; a comparison of 64 could be stepped around

_ALLOWED = [
    "access", "alarm", "arch_prctl", "brk", "capget", "capset", "chdir", "chmod", "chown", "clock_getres", "clock_gettime",
    "clock_nanosleep", "clone", "close", "close_range", "copy_file_range", "creat", "dup", "dup2", "dup3", "epoll_create",
    "epoll_create1", "epoll_ctl", "epoll_ctl_old", "epoll_pwait", "epoll_pwait2", "epoll_wait", "epoll_wait_old", "eventfd",
    "eventfd2", "execve", "execveat", "exit", "exit_group", "faccessat", "faccessat2", "fadvise64", "fallocate", "fchdir",
    "fchmod", "fchmodat", "fchmodat2", "fchown", "fchownat", "fcntl", "fdatasync", "fgetxattr", "flistxattr", "flock", "fork",
    "fremovexattr", "fsetxattr", "fstat", "fstatfs", "fsync", "ftruncate", "futex", "futex_requeue", "futex_wait",
    "futex_waitv", "futex_wake", "futimesat", "get_mempolicy", "get_robust_list", "get_thread_area", "getcpu", "getcwd",
    "getdents", "getdents64", "getegid", "geteuid", "getgid", "getgroups", "getitimer", "getpeername", "getpgid", "getpgrp",
    "getpid", "getppid", "getpriority", "getrandom", "getresgid", "getresuid", "getrlimit", "getrusage", "getsid",
    "getsockname", "getsockopt", "gettid", "gettimeofday", "getuid", "getxattr", "ioctl", "ioprio_get", "ioprio_set", "kill",
    "lchown", "lgetxattr", "link", "linkat", "listxattr", "llistxattr", "lremovexattr", "lseek", "lsetxattr", "lstat",
    "madvise", "mbind", "membarrier", "memfd_create", "mincore", "mkdir", "mkdirat", "mknod", "mknodat", "mlock", "mlock2",
    "mlockall", "mmap", "mprotect", "mremap", "msgctl", "msgget", "msgrcv", "msgsnd", "msync", "munlock", "munlockall",
    "munmap", "nanosleep", "newfstatat", "open", "openat", "openat2", "pause", "pidfd_open", "pidfd_send_signal", "pipe",
    "pipe2", "pkey_alloc", "pkey_free", "pkey_mprotect", "poll", "ppoll", "prctl", "pread64", "preadv", "preadv2", "prlimit64",
    "pselect6", "pwrite64", "pwritev", "pwritev2", "read", "readahead", "readlink", "readlinkat", "readv", "recv", "recvfrom",
    "recvmmsg", "recvmsg", "removexattr", "rename", "renameat", "renameat2", "restart_syscall", "rmdir", "rseq", "rt_sigaction",
    "rt_sigpending", "rt_sigprocmask", "rt_sigqueueinfo", "rt_sigreturn", "rt_sigsuspend", "rt_sigtimedwait",
    "rt_tgsigqueueinfo", "sched_get_priority_max", "sched_get_priority_min", "sched_getaffinity", "sched_getattr",
    "sched_getparam", "sched_getscheduler", "sched_rr_get_interval", "sched_setaffinity", "sched_setattr", "sched_setparam",
    "sched_setscheduler", "sched_yield", "select", "semctl", "semget", "semop", "semtimedop", "send", "sendfile", "sendmmsg",
    "sendmsg", "sendto", "set_mempolicy", "set_robust_list", "set_thread_area", "set_tid_address", "setfsgid", "setfsuid",
    "setgid", "setgroups", "setitimer", "setpgid", "setpriority", "setregid", "setresgid", "setresuid", "setreuid", "setrlimit",
    "setsid", "setsockopt", "setuid", "setxattr", "shmat", "shmctl", "shmdt", "shmget", "shutdown", "sigaltstack", "signalfd",
    "signalfd4", "splice", "stat", "statfs", "statx", "symlink", "symlinkat", "sync", "sync_file_range", "syncfs", "sysinfo",
    "tee", "tgkill", "time", "timer_create", "timer_delete", "timer_getoverrun", "timer_gettime", "timer_settime",
    "timerfd_create", "timerfd_gettime", "timerfd_settime", "times", "tkill", "truncate", "umask", "uname", "unlink",
    "unlinkat", "utime", "utimensat", "utimes", "vfork", "wait4", "waitid", "waitpid", "write", "writev", "accept", "accept4",
    "bind", "connect", "listen", "riscv_flush_icache", "riscv_hwprobe",
]
"""By name, on whatever processor; names that it or its libseccomp does not know are passed over, and so are refused."""

_FAMILIES = (1, 2, 10)
"""AF_UNIX, AF_INET, AF_INET6: in a network namespace of its own."""
_PERSONALITIES = (0, 0xFFFF_FFFF)
"""Linux as it is, and the question which it is. Address randomisation is decided before."""
_NAMESPACES = (0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000)
_LOCKS = (6, 7, 37, 38)
"""F_SETLK, F_SETLKW, F_OFD_SETLK, F_OFD_SETLKW."""
_LOCK_QUESTIONS = (5, 36)
"""F_GETLK, F_OFD_GETLK."""
_LEASES = (1024, 1026)
"""F_SETLEASE, F_NOTIFY."""
_TERMINALS = (0x5412, 0x541C, 0x541D)
"""TIOCSTI and TIOCLINUX type into a terminal; TIOCCONS takes the console's output."""
_SPECIAL_FILES = (0o010000, 0o020000, 0o060000)
_FILE_KIND = 0o170000


@cache
def filters() -> tuple[bytes, bytes]:
    """Both programs, as `bwrap` takes them: first the one to load first.

    Raises:
        Unavailable: the library that makes them is not here.
    """
    library = _library()
    first = library.SyscallFilter(library.ERRNO(errno.ENOSYS))
    second = library.SyscallFilter(library.ALLOW)
    for each in (first, second):
        each.set_attr(library.Attr.ACT_BADARCH, library.KILL_PROCESS)
    for name in _ALLOWED:
        _rule(library, first, library.ALLOW, name)
    for family in _FAMILIES:
        _rule(library, first, library.ALLOW, "socket", library.Arg(0, library.EQ, family))
    _rule(library, first, library.ERRNO(errno.EAFNOSUPPORT), "socket", library.Arg(0, library.GT, max(_FAMILIES)))
    _rule(library, first, library.ALLOW, "socketpair", library.Arg(0, library.EQ, 1))
    for value in _PERSONALITIES:
        _rule(library, first, library.ALLOW, "personality", library.Arg(0, library.EQ, value))
    for flag in _NAMESPACES:
        _rule(library, second, library.ERRNO(errno.EPERM), "clone", library.Arg(0, library.MASKED_EQ, flag, flag))
    granted = library.ERRNO(0)
    for name in ("flock", "sync", "syncfs"):  # sync: what another run has to write is not waited for
        _rule(library, second, granted, name)
    for numbers, answer in ((_LOCKS, granted), (_LOCK_QUESTIONS, library.ERRNO(errno.ENOLCK)), (_LEASES, library.ERRNO(errno.EINVAL))):
        for number in numbers:
            _rule(library, second, answer, "fcntl", library.Arg(1, library.MASKED_EQ, _WORD, number))
    for number in _TERMINALS:
        _rule(library, second, library.ERRNO(errno.EPERM), "ioctl", library.Arg(1, library.MASKED_EQ, _WORD, number))
    for kind in _SPECIAL_FILES:
        _rule(library, second, library.ERRNO(errno.EPERM), "mknod", library.Arg(1, library.MASKED_EQ, _FILE_KIND, kind))
        _rule(library, second, library.ERRNO(errno.EPERM), "mknodat", library.Arg(2, library.MASKED_EQ, _FILE_KIND, kind))
    for name in ("setxattr", "lsetxattr", "fsetxattr"):  # kernel memory that no bound of ours counts as files
        _rule(library, second, library.ERRNO(errno.EOPNOTSUPP), name)
    return _program(first), _program(second)


def _library() -> ModuleType:
    try:
        import pyseccomp
    except (ImportError, RuntimeError, OSError) as error:
        raise Unavailable(f"system calls cannot be filtered: {error}; {ADVICE}") from None
    return pyseccomp  # type: ignore[no-any-return]


def _rule(library: ModuleType, target: object, action: int, name: str, *arguments: object) -> None:
    try:
        number = library.resolve_syscall(library.system_arch(), name)
    except (OSError, ValueError):
        return
    if number >= 0:  # negative: this processor has no such call
        target.add_rule(action, name, *arguments)  # type: ignore[attr-defined]


def _program(source: object) -> bytes:
    with tempfile.TemporaryFile() as file:
        source.export_bpf(file)  # type: ignore[attr-defined]
        file.flush()
        return os.pread(file.fileno(), 1 << 20, 0)
