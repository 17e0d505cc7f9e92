"""What a report leaves that can be compared exactly, as keyed hashes."""

from dataclasses import replace

import numpy as np
import pytest

from clearinghouse.disclosure.deconfliction.signature import Signer
from clearinghouse.disclosure.deconfliction.traces import (
    FORMAT,
    Sort,
    format_of,
    indexed,
    links_of,
    read_row,
    read_traces,
    sign_traces,
)
from clearinghouse.disclosure.intake.records import CodeLocation, Crash, Finding, Frame, Identifier, IdentifierRole, Producer
from patch_samples import BACKPORT, PATCH

SIGNER = Signer(b"an instance's secret for terms")
CRASH = Crash("AddressSanitizer", "heap-buffer-overflow", "READ", 4, (
    Frame("__interceptor_memcpy"), Frame("tile_read", "/src/lib/tile.c", 10), Frame("image_open", "/src/lib/image.c", 20), Frame("main"),
))
FULL = Finding(
    title="Overflow in tile_read()", crash=CRASH, remediation=PATCH, weaknesses=("CWE-125",),
    identifiers=(Identifier("CVE-2026-1000", IdentifierRole.OWN),),
    locations=(CodeLocation("lib/tile.c", 10, None, "tile_read"),), blobs=(("lib/tile.c", "git:0123456789abcdef"),),
    producer=Producer("Checker", rule="R1", fingerprints=(("primary", "abc"),)),
    description="An incomplete fix for CVE-2025-0001 left this open.",
)


def test_traces_of_a_full_report() -> None:
    row = read_row(sign_traces(FULL, SIGNER))
    found = read_traces(row)
    assert (len(found.functions), len(found.frames), found.project) == (1, 2, 0)
    assert len(found.changed) == 1
    assert (len(found.contents), len(found.hunks), len(found.touched), len(found.fingerprints)) == (2, 1, 1, 1)
    assert (bool(found.patch), found.one_hunk, bool(found.crash_kind), bool(found.top_line)) == (True, True, True, True)
    assert (found.access, read_traces(read_row(sign_traces(Finding(), SIGNER))).access) == (1, 0)
    assert (len(found.named), list(found.links.values()), found.family) == (1, ["regression"], 1)
    assert sorted(found.places.values()) == [(1, 1)]


def test_a_row_bears_its_format_and_rows_of_the_first_stay_readable() -> None:
    stored = sign_traces(FULL, SIGNER)
    function = SIGNER.term(12, "points at tile_read") & ~0xFF | 1  # type: ignore[arg-type]
    old = np.array([function], "<u8").tobytes()
    assert (format_of(stored), format_of(old), format_of(b"")) == (FORMAT, 1, 1)
    assert read_traces(read_row(old)).functions == read_traces(read_row(stored)).functions
    assert indexed(read_row(old)).tolist() == [function & ~0xFF]


def test_an_empty_report_leaves_only_its_format() -> None:
    assert sign_traces(Finding(), SIGNER) == np.array([FORMAT << 8 | Sort.MARK], "<u8").tobytes()
    assert indexed(read_row(sign_traces(Finding(), SIGNER))).tolist() == []


def test_another_key_gives_other_traces() -> None:
    other = sign_traces(FULL, Signer(b"another secret of the same length"))
    assert not set(indexed(read_row(other)).tolist()) & set(indexed(read_row(sign_traces(FULL, SIGNER))).tolist())


def test_the_row_holds_no_word() -> None:
    assert all(word not in sign_traces(FULL, SIGNER) for word in (b"tile", b"CVE", b"chunk", b"abc"))


def test_lines_alone_leave_nothing() -> None:
    alone = Finding(title="x", locations=(CodeLocation("lib/tile.c", 10),))
    assert len(read_row(sign_traces(alone, SIGNER))) == 1


def test_a_line_of_known_content_is_a_place() -> None:
    one = Finding(locations=(CodeLocation("lib/tile.c", 10),), blobs=(("lib/tile.c", "git:0123456789"),))
    fork = Finding(locations=(CodeLocation("vendor/picture/tile.c", 10),), blobs=(("vendor/picture/tile.c", "git:0123456ffff"),))
    assert read_traces(read_row(sign_traces(one, SIGNER))).contents == read_traces(read_row(sign_traces(fork, SIGNER))).contents != frozenset()


def test_a_report_that_points_everywhere_points_nowhere() -> None:
    many = replace(Finding(), locations=tuple(CodeLocation(f"lib/{n}.c", n, None, f"function_{n}") for n in range(1, 9)))
    assert len(read_row(sign_traces(many, SIGNER))) == 1


def test_the_function_of_a_backport_is_a_place_by_the_old_content() -> None:
    found = read_traces(read_row(sign_traces(Finding(description=BACKPORT), SIGNER)))
    pointing = Finding(locations=(CodeLocation("c.c", 1, None, "chunk_read"),), blobs=(("c.c", "git:7777777"),))
    assert found.changed & read_traces(read_row(sign_traces(pointing, SIGNER))).contents


@pytest.mark.parametrize(("text", "expected"), [
    ("This exists because of an incomplete fix for CVE-2025-1111.", {"CVE-2025-1111": Sort.REGRESSION}),
    ("The patch for CVE-2025-1111 was bypassed: not fully fixed in 2.0.", {"CVE-2025-1111": Sort.REGRESSION}),
    ("Regression of CVE-2025-1111", {"CVE-2025-1111": Sort.REGRESSION}),
    ("Can be chained with CVE-2025-1111 to run code.", {"CVE-2025-1111": Sort.CHAIN}),
    ("A different vulnerability than CVE-2025-1111 and CVE-2025-2222.", {"CVE-2025-1111": Sort.NAMED_APART, "CVE-2025-2222": Sort.NAMED_APART}),
    ("Affects the parser. See CVE-2025-1111.", {}),
    ("A regression was feared. CVE-2025-1111 is the number.", {}),
    ("An incomplete fix for CVE-2026-1000.", {}),
])
def test_links_to_other_flaws(text: str, expected: dict[str, Sort]) -> None:
    own = (Identifier("CVE-2026-1000", IdentifierRole.ALIAS),)
    assert links_of(Finding(description=text, identifiers=own)) == expected
