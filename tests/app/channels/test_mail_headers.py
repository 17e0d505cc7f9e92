"""The outside of a mail: headers, words that lead home, machines, quotes; hostile bytes cost bounded work."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearinghouse.app.channels.mail_headers import (
    machine_reason,
    read_headers,
    reply_tokens,
    returned_tokens,
    split_mbox,
    strip_quoted,
)

ONE, TWO, THREE = "a" * 26, "b" * 26, "c" * 26
OWN = "cases@example.net"


def test_headers_are_unfolded_and_repeated_ones_kept() -> None:
    found = read_headers(b"To: a,\r\n\tb\r\nTo: c\r\nnonsense\r\n d\r\nSubject:x\r\n\r\nFrom: body\r\n")
    assert found == {"to": ("a, b", "c"), "subject": ("x",)}


def test_word_in_the_address_comes_before_that_in_the_references() -> None:
    headers = read_headers(
        f"References: <{THREE}@x> <{TWO}@x>\r\nIn-Reply-To: <x@y>\r\nTo: Cases <cases+{ONE.upper()}@x>, <{'d' * 25}@x>\r\n\r\n".encode()
    )
    assert reply_tokens(headers) == [ONE, TWO, THREE]


@pytest.mark.parametrize(("lines", "reason"), [
    ("Auto-Submitted: auto-replied", "automatic"), ("auto-submitted: AUTO-GENERATED; x=y", "automatic"), ("Auto-Submitted: no", ""),
    ("X-Autoreply: yes", "automatic"), ("Precedence: auto_reply", "automatic"), ("Return-Path: <>", "automatic"),
    ("Precedence: bulk", "bulk"), ("List-Id: <a.b>", "bulk"), (f"From: {OWN}", "loop"), (f"From: <cases+{ONE}@example.net>", "loop"),
    ("From: notcases@example.org", ""), ("From: MAILER-DAEMON@mx", "bounce"),
    ('Content-Type: multipart/report; report-type=delivery-status; boundary="b"', "bounce"), ("Content-Type: multipart/report", ""), ("From: a@b", ""),
])
def test_machine_is_known_by_what_it_says(lines: str, reason: str) -> None:
    assert machine_reason(read_headers(lines.encode() + b"\r\n\r\n"), OWN) == reason


def test_delivery_notice_names_our_mail_and_whether_it_is_over() -> None:
    over = f"Action: failed\r\n\r\nMessage-ID: <{ONE}@example.net>\r\n".encode()
    late = f"Action: delayed\r\n\r\nMessage-ID: <{ONE}@example.net>\r\n".encode()
    assert (returned_tokens(over), returned_tokens(late)) == (([ONE], True), ([ONE], False))


@pytest.mark.parametrize(("text", "own"), [
    ("Yes.\n\nOn Mon, 3 Nov 2026, A wrote:\n> No?\n> x", "Yes."), ("Yes.\n-- \nA. Person", "Yes."), ("> q\nanswer\n> q2\nmore", "answer\nmore"),
    ("Yes.\n\n-----Original Message-----\nFrom: x\nsecret", "Yes."), ("Am 3.11.2026 um 8:00 schrieb A:\n> x\n\nJa.", "Ja."),
    ("Yes.\n________________________________\nFrom: x", "Yes."), ("On the whole he wrote:\nmuch", "On the whole he wrote:\nmuch"),
])
def test_quotes_and_signatures_are_left_out(text: str, own: str) -> None:
    assert strip_quoted(text) == (own, own != text)


def test_letter_that_is_all_quotes_is_shown_as_it_is() -> None:
    assert strip_quoted("> a\n> b") == ("> a\n> b", False)


def test_mbox_is_taken_apart_and_its_escapes_undone() -> None:
    mbox = b"From a@b Mon\nSubject: 1\n\nx\n>From here\n\nFrom c@d Tue\nSubject: 2\n\ny\nFrom not a separator\n"
    assert list(split_mbox(mbox)) == [b"Subject: 1\n\nx\nFrom here\n\n", b"Subject: 2\n\ny\nFrom not a separator\n"]
    assert list(split_mbox(b"Subject: 1\n\nFrom a\n")) == [b"Subject: 1\n\nFrom a\n"]


@given(st.binary(max_size=3000))
def test_any_bytes_are_read_without_an_error(data: bytes) -> None:
    headers = read_headers(data)
    reply_tokens(headers)
    machine_reason(headers, OWN)
    returned_tokens(data)
    strip_quoted(data.decode("latin-1"))
    assert list(split_mbox(data)) is not None


@pytest.mark.parametrize("data", [
    b"To: " + b"+" * 2_000_000, b"A: b\r\n" * 300_000, b"To: x\r\n" + b" y\r\n" * 300_000, b"From " * 400_000, b"\nFrom x\n" * 300_000,
    b"on " + b"x" * 2_000_000 + b" wrote:", b"_" * 2_000_000, b"> \n" * 500_000, b"\n" * 1_000_000, (b"On x wrote:\n" * 100_000),
])
def test_large_and_odd_mail_costs_bounded_time(data: bytes) -> None:
    begun = time.process_time()
    headers = read_headers(data)
    reply_tokens(headers)
    machine_reason(headers, OWN)
    returned_tokens(data)
    strip_quoted(data.decode("latin-1"))
    list(split_mbox(data))
    assert time.process_time() - begun < 5
