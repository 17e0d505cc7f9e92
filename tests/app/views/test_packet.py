"""The one-screen packet: goldens for what it looks like, properties for what it never does."""

import json
import os
import unicodedata
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clearinghouse.app.views.packet import COLUMNS, LINES_MAX, build_packet, choose_lead, packet_document, parse_packet, render_text
from clearinghouse.core.errors import Invalid
from clearinghouse.core.ids import PartyId, ReportId, SubmissionId
from clearinghouse.core.product import normalise_package
from clearinghouse.disclosure.intake.records import (
    CodeLocation,
    Consents,
    Crash,
    Finding,
    Frame,
    HumanReview,
    Producer,
    Report,
    SeverityClaim,
    VersionRange,
)
from clearinghouse.parties.charters.records import Exclusion

GOLDEN = Path(__file__).resolve().parents[2] / "golden" / "packet"
NOW = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
PACKAGE = normalise_package("pypi", "libexample")
PROSE = "# Executive summary\n\nIn the **rapidly evolving** landscape, `read_strip` trusts a length from the file. " + (
    "It is important to note that this is significant. " * 60
)
BEST = Finding(
    title="Heap overflow in read_strip for strips longer than the buffer",
    description="`read_strip` copies as many bytes as the file says into a buffer of fixed size. A strip longer than that overruns it.",
    packages=(PACKAGE,), ranges=(VersionRange(PACKAGE, introduced=("1.0",), fixed=("1.4.2",)),), weaknesses=("CWE-787",),
    severities=(SeverityClaim("CVSS:3.1", "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"),),
    locations=(CodeLocation("src/strip.c", 142, symbol="read_strip"),),
    reproduction="git checkout v1.4.1\nmake CFLAGS=-fsanitize=address\n./tool long.tif\n# AddressSanitizer: heap-buffer-overflow",
    impact="An attacker who can have a file opened runs code.",
    remediation="diff --git a/src/strip.c b/src/strip.c\n--- a/src/strip.c\n+++ b/src/strip.c\n@@ -140,2 +140,3 @@\n+  if (n > sizeof buf) return -1;\n",
    producer=Producer(tool="afl", tool_version="4.1"), consents=Consents(share_name=True),
)
PROSAIC = Finding(
    title="Critical vulnerability", description=PROSE, packages=(PACKAGE,), severities=(SeverityClaim("label", label="low"),),
    producer=Producer(tool="scanner", model="some-model 3", harness="loop", review=HumanReview.NONE), reporter="Ada <ada@example.org>",
)
CRASHED = Finding(
    packages=(PACKAGE,), commit="0123456789abcdef", exploited=True,
    crash=Crash("AddressSanitizer", "heap-buffer-overflow", "WRITE", 64, (Frame("memcpy"), Frame("read_strip", "src/strip.c", 142), Frame("main"))),
)


def report(finding: Finding, number: int = 1, reporter: str = "", *, public: bool = False) -> Report:
    return Report(
        ReportId(f"rep_{number}"), number, SubmissionId("sub_1"), NOW + timedelta(hours=number), PartyId(reporter or f"pty_{number}"), "test", "1",
        "sha256:0", public, finding,
    )


PACKETS = {
    "full": build_packet(
        [report(PROSAIC, 1), report(BEST, 2), report(CRASHED, 3, "pty_2"), report(replace(BEST, title="PUBLIC"), 4, public=True)],
        confirmed=True, embargo="until 2027-01-15 09:00 UTC, by your charter; 45 days are left", asks=("Accept, decline, or ask for more.",),
        pointed=(Exclusion("local-files", "A crash on a file only its owner can write."),), link="https://clearing.example/cases/case_1",
        names={PartyId("pty_2"): "Grace"},
    ),
    "crash": build_packet([report(CRASHED)], exploited=True),
    "prose": build_packet([report(PROSAIC)], asks=("Accept, decline, or ask for more.",), link="rep_1"),
}


@pytest.mark.parametrize("name", PACKETS)
def test_packet_looks_as_it_did(name: str) -> None:
    path, text = GOLDEN / f"{name}.txt", render_text(PACKETS[name])
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(text, "utf-8")
    assert text == path.read_text("utf-8")


@pytest.mark.parametrize("name", PACKETS)
def test_document_of_a_packet_reads_back(name: str) -> None:
    assert parse_packet(json.loads(json.dumps(packet_document(PACKETS[name])))) == PACKETS[name]


def test_most_complete_report_leads_and_the_earliest_of_equals() -> None:
    found = [report(PROSAIC, 1), report(CRASHED, 2), report(BEST, 3), report(BEST, 4)]
    assert (choose_lead(found).id, choose_lead(found[::-1]).id, choose_lead(found[:2]).id) == ("rep_3", "rep_3", "rep_2")


def test_claims_two_bands_apart_are_flagged() -> None:
    assert PACKETS["full"].apart
    assert not PACKETS["prose"].apart
    near = [report(replace(PROSAIC, severities=(SeverityClaim("label", label=label),)), number) for number, label in enumerate(["high", "critical"])]
    assert not build_packet(near).apart


def test_report_whose_sender_does_not_share_adds_nothing() -> None:
    closed = [
        report(replace(BEST, title="MARKED", description="MARKED", consents=Consents(share_with_vendor=False)), 2),
        report(replace(BEST, title="MARKED", description="MARKED", tlp="RED"), 3),
    ]
    assert build_packet([report(PROSAIC), *closed]) == build_packet([report(PROSAIC)])
    with pytest.raises(Invalid, match="did not allow"):
        build_packet(closed)


def test_names_appear_only_where_their_bearer_allows_it() -> None:
    named = build_packet([report(BEST)], names={PartyId("pty_1"): "Grace"})
    unnamed = build_packet([report(replace(BEST, consents=Consents()))], names={PartyId("pty_1"): "Grace"})
    assert ([line.by for line in named.severities], [line.by for line in unnamed.severities]) == (["Grace"], ["finder 1"])
    assert "ada@" not in render_text(PACKETS["full"]) + json.dumps(packet_document(PACKETS["full"]))


def test_finders_word_for_exploitation_is_not_taken() -> None:
    assert "EXPLOITED" not in render_text(build_packet([report(CRASHED)]))


def test_two_reports_of_one_finder_are_one_finder() -> None:
    assert build_packet([report(BEST, 1, "pty_x"), report(PROSAIC, 2, "pty_x")]).finders == 1


def width(line: str) -> int:
    return sum(0 if unicodedata.combining(sign) else 2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in line)


TEXT = st.text(max_size=400) | st.lists(st.sampled_from(["\u6f0f", "a", " ", "\n", "x" * 90, "```\n", "# t\n", "\x1b[2J", "\u202e", "e\u0301", ". "]), max_size=60).map("".join)
FINDINGS = st.builds(
    Finding, title=TEXT, description=TEXT, reproduction=TEXT, impact=TEXT, remediation=TEXT, commit=TEXT, tlp=st.sampled_from(["", "GREEN"]),
    products=st.lists(TEXT, max_size=3).map(tuple), weaknesses=st.lists(TEXT, max_size=3).map(tuple),
    severities=st.lists(st.builds(SeverityClaim, st.just("x"), TEXT, st.none() | st.floats(), TEXT, TEXT), max_size=4).map(tuple),
    locations=st.lists(st.builds(CodeLocation, TEXT, st.none() | st.integers(), symbol=TEXT, url=TEXT), max_size=3).map(tuple),
    ranges=st.lists(st.builds(VersionRange, introduced=st.lists(TEXT, max_size=2).map(tuple), versions=st.lists(TEXT, max_size=2).map(tuple)), max_size=2).map(tuple),
    crash=st.none() | st.builds(Crash, TEXT, TEXT, frames=st.lists(st.builds(Frame, TEXT, TEXT), max_size=4).map(tuple)),
    producer=st.builds(Producer, tool=TEXT, model=TEXT, review=st.sampled_from(HumanReview)),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(FINDINGS, min_size=1, max_size=4), TEXT, st.lists(TEXT, max_size=5), st.lists(st.builds(Exclusion, TEXT, TEXT), max_size=3), st.booleans())
def test_packet_fits_one_screen_and_holds_nothing_unseen(
    findings: list[Finding], line: str, asks: list[str], pointed: list[Exclusion], flag: bool
) -> None:
    found = [report(finding, number) for number, finding in enumerate(findings)]
    text = render_text(build_packet(found, confirmed=flag, exploited=flag, embargo=line, asks=asks, pointed=pointed, link=line))
    lines = text.split("\n")[:-1]
    assert len(lines) <= LINES_MAX
    assert max(map(width, lines)) <= COLUMNS
    assert not any(sign in text for sign in "\x1b\u202e\r")
    assert text == render_text(build_packet(found[::-1], confirmed=flag, exploited=flag, embargo=line, asks=asks, pointed=pointed, link=line))
