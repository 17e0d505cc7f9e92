"""The one-screen packet and the rows of a comparison."""

from clearinghouse.core.product import Package
from clearinghouse.disclosure.intake.records import CodeLocation, Crash, Finding, Frame, Producer, SeverityClaim, VersionRange
from clearinghouse.web.pages import ComparedRow, Packet, SeverityLine, compared_rows, packet_of, place_words


def test_place_in_words() -> None:
    assert [place_words(place) for place in (
        CodeLocation("src/read.c", 120, symbol="tiff_read_strip"), CodeLocation(url="https://x.example/admin", parameter="sort"), CodeLocation(symbol="main"), CodeLocation(),
    )] == ["tiff_read_strip in src/read.c:120", "https://x.example/admin through sort", "main", ""]


def test_packet_says_what_where_how_and_who_claims() -> None:
    finding = Finding(
        description="It overflows.", packages=(Package("pypi", "pictura"),), ranges=(VersionRange(Package("pypi", "pictura"), "semver", ("2.1",), ("2.3.2",)),),
        locations=(CodeLocation("a.c", 1), CodeLocation("a.c", 1)), reproduction="run it", remediation="check it", impact="bad",
        severities=(SeverityClaim("CVSS:3.1", "CVSS:3.1/x", 8.8, "", "Sharpeye"),), weaknesses=("CWE-122",),
    )
    assert packet_of(finding) == Packet(
        "It overflows.", ("a.c:1",), ("pictura from 2.1, fixed in 2.3.2",), (), ("CWE-122",), "run it", "check it", "bad",
        (SeverityLine("Sharpeye", "CVSS:3.1", 8.8, "", "CVSS:3.1/x"),), None,
    )


def test_comparison_leaves_out_what_neither_says_and_marks_what_both_say() -> None:
    crash = Crash("AddressSanitizer", "SEGV", frames=(Frame("f", "a.c", 3),))
    one = Finding(locations=(CodeLocation("a.c"),), crash=crash, producer=Producer("Sharpeye", "4"))
    other = Finding(locations=(CodeLocation("a.c"),), commit="77aa01b")
    rows = compared_rows(one, other)
    assert rows == (
        ComparedRow("Where", "a.c", "a.c"), ComparedRow("Crash", "AddressSanitizer: SEGV\nf a.c:3", ""), ComparedRow("Commit", "", "77aa01b"),
        ComparedRow("Made by", "Sharpeye, 4", ""),
    )
    assert [row.same for row in rows] == [True, False, False, False]
