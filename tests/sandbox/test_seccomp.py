"""The list of system calls, and a machine that cannot make a filter of it. What the filter does is in `test_attacks.py`."""

import sys
from collections.abc import Iterator

import pytest

from clearinghouse.core.errors import Unavailable
from clearinghouse.sandbox import seccomp


@pytest.fixture(autouse=True)
def made_anew() -> Iterator[None]:
    """Filters are made once for a process."""
    seccomp.filters.cache_clear()
    yield
    seccomp.filters.cache_clear()


def test_filters_are_whole_instructions_that_the_kernel_takes() -> None:
    for program in seccomp.filters():
        assert len(program) % 8 == 0
        assert 8 < len(program) // 8 <= 4096  # BPF_MAXINSNS


def test_list_of_allowed_calls_has_none_that_reaches_others() -> None:
    refused = {
        "ptrace", "process_vm_readv", "process_vm_writev", "mount", "umount2", "unshare", "setns", "clone3", "pivot_root", "chroot", "bpf", "keyctl",
        "add_key", "request_key", "perf_event_open", "userfaultfd", "io_uring_setup", "io_uring_enter", "syslog", "kexec_load", "init_module",
        "open_by_handle_at", "inotify_init", "inotify_init1", "fanotify_init", "pidfd_getfd", "personality", "socket", "reboot", "acct",
    }  # fmt: skip
    # `personality` and `socket` are allowed by what they are asked for, not by name.
    assert refused & set(seccomp._ALLOWED) == set()
    assert len(seccomp._ALLOWED) == len(set(seccomp._ALLOWED))


def test_machine_without_the_library_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyseccomp", None)
    with pytest.raises(Unavailable, match="apt-get install libseccomp2"):
        seccomp.filters()
