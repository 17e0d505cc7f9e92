"""Attempts to send something out are counted by the kernel, and nothing inside can keep from being counted."""

from collections.abc import Callable

import pytest

from clearinghouse.sandbox import Ending, Ran

_TRY = "import socket\ntry:\n {}\nexcept OSError as error: print(error)"


@pytest.mark.parametrize(
    ("code", "counted"),
    [
        ("socket.create_connection(('192.0.2.1', 80), 2)", True),
        ("socket.socket(socket.AF_INET6).connect(('2001:db8::1', 80))", True),
        ("socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('192.0.2.1', 53))", True),
        ("socket.getaddrinfo('example.org', 80)", True),
        ("a = socket.create_server(('127.0.0.1', 0)); socket.create_connection(a.getsockname()).sendall(b'x')", False),
        ("pass", False),
    ],
)
def test_attempts_to_send_out_are_counted_and_talking_to_oneself_is_not(run: Callable[..., Ran], code: str, counted: bool) -> None:
    ran = run("python3", "-I", "-S", "-c", _TRY.format(code))
    assert ran.ending is Ending.EXITED, ran.untrusted_stderr
    assert ran.unreachable is not None
    assert (ran.unreachable > 0) is counted
