"""Every page with sample records, in a folder or behind a server that sends the content security policy.

    python -m tests.web.gallery FOLDER              pages
    python -m tests.web.gallery FOLDER --pictures   pages and screenshots in Chromium
"""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import segno

from clearinghouse.app.views.appeals import AppealLine, AppealPage, Contested
from clearinghouse.app.views.asks import AskLine
from clearinghouse.app.views.case_room import InvitationLine
from clearinghouse.app.views.cases import Case, CaseLine, DecisionLine, LeadLine
from clearinghouse.app.views.counting import Counting, Named, ReasonLine
from clearinghouse.app.views.credit import CreditLine, CreditOrder
from clearinghouse.app.views.inbox import ANSWERS, Inbox, InboxFilters, InboxLine
from clearinghouse.app.views.maintainer import Delivered, MaintainerPage
from clearinghouse.app.views.matrix import LEGEND, MatrixPage, draw
from clearinghouse.app.views.model import CorrectionLine, Model, ProposalLine, ProposalReport
from clearinghouse.app.views.packet import OneScreen, SeverityLine
from clearinghouse.app.views.queue import Queue, QueueItem, QueueSection
from clearinghouse.app.views.report import CandidateLine, Compared, Comparison, Explained, Opened
from clearinghouse.app.views.reports import ReportLine
from clearinghouse.app.views.search import Found
from clearinghouse.app.views.search_rooms import FoundFlaw, FoundInRooms, FoundMessage, FoundParty, FoundRoom
from clearinghouse.app.views.statistics import Day, Statistics
from clearinghouse.app.views.telling import Telling
from clearinghouse.app.views.trials import ReviewLine, StepLine, TrialLine
from clearinghouse.app.views.validations import VERDICTS, BuildLine, CaseBench, CellLine, ValidationLine, ValidationPage
from clearinghouse.core.ids import CaseId, CommitmentId, EventId, MaterialId, PartyId, ReportId, SubmissionId
from clearinghouse.core.roles import Role
from clearinghouse.core.severity import Band
from clearinghouse.disclosure.coordination.appeals.records import AppealId, AppealState, Question
from clearinghouse.disclosure.coordination.appeals.rules import QUESTIONS as APPEAL_QUESTIONS
from clearinghouse.disclosure.coordination.capacity.records import (
    Delivery,
    DeliveryId,
    Forecast,
    ItemId,
    QueueLine,
    Rates,
    Reply,
    ReplyKind,
)
from clearinghouse.disclosure.coordination.rooms.records import CaseRole
from clearinghouse.disclosure.deconfliction.counting.clauses import CLAUSES
from clearinghouse.disclosure.deconfliction.credit.records import Corroboration, Dependence, Place
from clearinghouse.disclosure.deconfliction.credit.rules import WHY
from clearinghouse.disclosure.deconfliction.execution.records import Strength as Execution
from clearinghouse.disclosure.deconfliction.leads.records import Strength
from clearinghouse.disclosure.deconfliction.learning.records import Effect
from clearinghouse.disclosure.deconfliction.records import KINSHIP_WORDS, Evidence, Kinship, Verdict
from clearinghouse.disclosure.intake.commitments.records import Claim as CommittedTo
from clearinghouse.disclosure.intake.commitments.records import Commitment, CommitmentState, OpenedSection, Tally
from clearinghouse.disclosure.intake.records import (
    CodeLocation,
    Crash,
    Finding,
    Frame,
    HumanReview,
    Identifier,
    IdentifierRole,
    Note,
    Producer,
    Reference,
    Report,
    SeverityClaim,
)
from clearinghouse.disclosure.intake.withdrawals.records import Withdrawal
from clearinghouse.disclosure.validation.dockets.records import Material, MaterialKind
from clearinghouse.disclosure.validation.judging import Control, ControlState
from clearinghouse.disclosure.validation.matrix.kept import KeptColumn, KeptEdge, KeptMatrix
from clearinghouse.disclosure.validation.matrix.records import CellState, Guard, MatrixCell, Reproducer
from clearinghouse.disclosure.validation.recipes.records import Supplier
from clearinghouse.ledger.store import LoggedEvent
from clearinghouse.parties.charters.records import Claim, ClaimBasis, ClaimId, Grade, Kind, Problem, ScopeKey
from clearinghouse.parties.records import Tier
from clearinghouse.web import pages
from clearinghouse.web.charters import ANSWERS as CHARTER_ANSWERS
from clearinghouse.web.charters import Maintained
from clearinghouse.web.commitments import Line as CommitmentLine
from clearinghouse.web.plots import Bar
from clearinghouse.web.rendering import CONTENT_SECURITY_POLICY, STATIC, Flash, Form, Page, Viewer, render
from review_samples import review_samples

NOW = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
WIDTHS = (390, 1280, 1920)
LONG = "Heap buffer overflow in tiff_read_strip when a crafted image declares more rows per strip than the strip holds, reachable from thumbnails"
BODY = """A crafted TIFF declares `RowsPerStrip` larger than the strip. `tiff_read_strip` copies **without a bound**:

```c
memcpy(dst, src, rows * stride);   /* rows comes from the file */
```

- affects every release since 2.1
- reachable from the thumbnailer, see [the code](https://code.example/libpicture/src/read.c)

![stack](https://images.example/stack.png) <script>alert(1)</script> a\u202etxt.exe"""


def model_shown() -> dict[str, Any]:
    """A correction in every state, and a proposal of either kind."""
    shipped = "sha256:" + "1c" * 32
    one = CorrectionLine(
        an_id("cor"), "in_force", shipped, True, ago(days=3), ago(days=2), 31, 2, 118, 74, 0.4131, 0.2987, 14, 9, Effect(41_204, 12, 3, 40, 61),
        (("commit_mass", 1.24), ("name_in_name_most", -0.81), ("second_gap_worst", 0.4)),
    )
    lines = (replace(one, id=an_id("cor", "m"), state="proposed", passed_over=0), one, replace(one, id=an_id("cor", "n"), state="retired", usable=False))
    why = (
        Evidence("identifier", "identifiers: both bear the same name", 1.0, 2.1), Evidence("words", "words: few are shared", 0.12, -1.4),
        Evidence("learned", "what people here decided of pairs like this: more often two flaws", None, -0.6),
    )
    join = ProposalLine(
        an_id("prp"), "join", tuple(ProposalReport(an_id("rep"), LONG) for _ in range(8)), 2, (ProposalReport(an_id("rep", "o"), "Overflow"),), 0,
        0.21, 0.83, (REPORT.id, OTHER.id), why, shipped, "sha256:" + "9a" * 32, ago(hours=5),
    )
    part = replace(join, id=an_id("prp", "p"), kind="part", probability_before=0.9, probability_after=0.08, pair=None, evidence=(), second_held=1)
    return {"model": Model(shipped, "sha256:" + "9a" * 32, shipped, ago(hours=6), lines), "proposals": (join, part), "total": 12, "decides": True}


def matrix_shown() -> MatrixPage:
    """Every state of a cell, guards that failed, a part, a patch of another case, a contradiction."""
    component = "pkg:generic/libpicture"
    rows = tuple(
        Reproducer(f"r{place}", f"rep_{place}", component, kind, (frame, "decode"), place != 3)
        for place, (kind, frame) in enumerate((
            ("heap-buffer-overflow", "tiff_read_strip"), ("heap-buffer-overflow", "tiff_fill_strip"), ("heap-use-after-free", "icc_profile_close"),
            ("SEGV", "a_function_with_a_rather_long_name_that_must_wrap_somewhere"),
        ))
    )
    columns = (
        KeptColumn("p1", True, "sha256:" + "4e" * 32, Supplier.PROJECT, ("rep_0",)),
        KeptColumn("p2", True, "sha256:" + "5f" * 32, Supplier.MODEL, ("rep_1", "rep_2"), (Guard.UNMEASURED, Guard.MODEL)),
        KeptColumn("p3", True, "sha256:" + "6a" * 32, Supplier.REPORTER, ("rep_0", "rep_1", "rep_2"), (Guard.COMPOSITE, Guard.UNSPLIT), True),
        KeptColumn("p4", True, "sha256:" + "7b" * 32, Supplier.REPORTER, ("rep_2",), (), False, True),
        KeptColumn("p5", False),
    )
    clean, same, moved, flaky, unknown = CellState.CLEAN, CellState.SAME, CellState.MOVED, CellState.FLAKY, CellState.UNKNOWN
    states = ((clean, clean, clean, same, clean), (clean, clean, clean, moved, same), (same, same, clean, clean, unknown), (flaky,) * 5)
    cells = tuple(
        MatrixCell(row.id, column.key, state, "heap-use-after-free", ("icc_profile_close",))
        for row, line in zip(rows, states, strict=True) for column, state in zip(columns, line, strict=True)
    )
    edges = (
        KeptEdge("rep_0", "rep_1", Execution.STRONG), KeptEdge("rep_0", "rep_1", Execution.DIFFERENT), KeptEdge("rep_0", "rep_2", Execution.DIFFERENT),
        KeptEdge("rep_0", "", Execution.MEDIUM), KeptEdge("rep_1", "rep_2", Execution.MEDIUM, (Guard.MODEL, Guard.UNMEASURED)),
        KeptEdge("rep_1", "rep_3", Execution.WEAK),
    )
    kept = KeptMatrix(component, rows, columns, cells, edges, (("rep_0", "rep_1"),))
    titles = {"rep_0": LONG, "rep_1": "Strip is filled past its end", "rep_2": "Profile used after it was closed"}
    return MatrixPage(an_id("cas"), LONG, (draw(kept, ago(hours=2), titles, held=True),))


def commitments_shown() -> dict[str, object]:
    """Commitments in every state."""
    claim = CommittedTo(bytes(range(32)), bytes(32), bytes(64))
    held = Commitment(
        CommitmentId(an_id("cmt")), ago(days=9), PartyId(an_id("pty")), PartyId(an_id("pty")), claim, NOW + timedelta(days=111),
        EventId(an_id("evt")), False,
    )
    report = OpenedSection("report", ago(days=1), False, 812, "sha3-256:" + "4e" * 32)
    kept = (
        (held, "held"), (replace(held, repeats=True, sections=(replace(report, name="patch"),), sections_total=2), "partly opened"),
        (replace(held, sections=(report,), sections_total=1), "opened"), (replace(held, due_at=ago(days=1)), "overdue"),
        (replace(held, sections=(replace(report, late=True),), sections_total=1), "opened"), (replace(held, withdrawn_at=ago(hours=1)), "withdrawn"),
    )
    lines = tuple(
        CommitmentLine(one, CommitmentState(state), place != 4, state not in ("opened", "withdrawn")) for place, (one, state) in enumerate(kept)
    )
    return {
        "lines": lines, "after": an_id("cmt"), "first": True, "tally": Tally(12, 1204, 3, 1, 2), "form": FORM, "may_commit": True,
        "origin": "clearinghouse.example/log",
    }


def an_id(prefix: str, letter: str = "k") -> str:
    """An id with the shape of one."""
    return f"{prefix}_{letter * 4}3q7hx2mvd5tnw4ra6yce{letter * 2}"


def ago(**length: float) -> datetime:
    """An instant before the gallery's present."""
    return NOW - timedelta(**length)


FINDING = Finding(
    title=LONG, description=BODY, identifiers=(Identifier("CVE-2026-41234", IdentifierRole.OWN),), products=("acme:libpicture 2.3.1",),
    references=(Reference("https://code.example/libpicture/issues/812"), Reference("javascript:alert(1)")), weaknesses=("CWE-122",),
    severities=(SeverityClaim("CVSS:3.1", "CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:U/C:H/I:H/A:H", 8.8, "", "Sharpeye"), SeverityClaim("label", label="medium", by="libpicture maintainers")),
    locations=(CodeLocation("src/read.c", 120, 140, "tiff_read_strip"), CodeLocation("src/thumbnail.c", symbol="make_thumbnail")),
    crash=Crash("AddressSanitizer", "heap-buffer-overflow", "WRITE", 4096, (Frame("tiff_read_strip", "src/read.c", 131), Frame("read_image", "src/image.c", 88), Frame("main", "tools/thumb.c", 20))),
    reproduction="`thumb poc.tiff` with the attached file, built with `-fsanitize=address`.", remediation="Compare `rows` with what the strip holds before copying.",
    impact="Code execution in whoever makes thumbnails.", tlp="AMBER+STRICT", repository="https://code.example/libpicture", commit="9f1c2d7",
    producer=Producer("Sharpeye", "4.2", "atlas-3", "harness 1.9", "M. Reviewer", HumanReview.REPRODUCED, "heap-oob"),
)
REPORT = Report(
    ReportId(an_id("rep")), 7, SubmissionId(an_id("sub")), ago(hours=3), PartyId(an_id("pty")), "sarif", "1", "sha256:" + "4e" * 32, False, FINDING,
    (Note("/runs/0/results/3", "no version is named; the commit stands in its place", "version.missing"),),
)
OTHER = replace(
    REPORT, id=ReportId(an_id("rep", "z")), received_at=ago(days=2), source="crashlog",
    finding=replace(FINDING, title="ASan: heap-buffer-overflow in tiff_read_strip", description="Seen by a fuzzer after nine hours.", remediation="", commit="77aa01b", crash=replace(FINDING.crash, size_bytes=1) if FINDING.crash else None),
)
EVIDENCE = tuple(
    Evidence(name, wording, None, amount) for name, wording, amount in (
        ("code", "the same function, tiff_read_strip, in the same file", 3.41), ("crash", "the three innermost frames agree", 2.77), ("product", "the same product", 1.20),
        ("weakness", "the same class of weakness: out-of-bounds write", 0.84), ("version", "different versions are named as fixed", -1.36), ("words", "few words in common", -0.52),
    )
)
LINE = ReportLine(REPORT.id, REPORT.received_at, "sarif", LONG, False, "unsure", False, 0.74, an_id("case"))
OTHER_LINE = ReportLine(OTHER.id, OTHER.received_at, "crashlog", OTHER.finding.title, False, "new", True, 0.02, an_id("case"))


def inbox_line(place: int) -> InboxLine:
    """A line of the inbox, each a little different."""
    answer = ("unsure", "duplicate", "new", "variant", "waiting", "related", "public")[place % 7]
    known = answer in ("unsure", "duplicate", "variant")
    return InboxLine(
        an_id("rep", "abcdefghijklmn"[place % 14]), ago(hours=place * 5 + 0.2), ("sarif", "crashlog", "csaf", "mail", "ndjson")[place % 5],
        (LONG, "Use after free in palette parsing", "Path traversal in archive extraction: <b>../..</b>", "SQL injection through the sort parameter of /admin/list")[place % 4],
        ("pypi/pictura", "acme:libpicture", "", "github.com/acme/httpd")[place % 4], ("atlas-3", "Sharpeye", "", "Ada Finder")[place % 4], answer == "public", answer, place % 3 > 0,
        None if answer in ("waiting", "public") else 0.31 + 0.09 * (place % 7), None, None, an_id("rep", "z") if known and place % 2 else None,
        "Heap overflow in strip reader" if known and place % 2 else "", known and not place % 2, 1 + place % 5,
    )


LINES = tuple(inbox_line(place) for place in range(14))
ADA = Viewer("Ada Coordinator", frozenset({Role.COORDINATOR, Role.REPORTER}), "Example CERT", waiting=4)
ROOT = Viewer("Root Operator", frozenset({Role.ADMINISTRATOR}), "Example CERT")
FINN = Viewer("Finn Finder", frozenset({Role.REPORTER}), "Finder Ltd")
MAY = Viewer("May Maintainer", frozenset({Role.REPORTER}), "libpicture", maintains=True, waiting=1)
ROOMS = tuple(
    pages.RoomLine(an_id("case", letter), title, state, "AMBER+STRICT", "coordinator", "Ada Coordinator", unread, ago(hours=hours))
    for letter, title, state, unread, hours in (
        ("a", LONG, "open", 3, 1), ("b", "Use after free in palette parsing", "open", 0, 50), ("c", "Path traversal", "closed", 0, 900),
    )
)
INVITED = (
    InvitationLine(
        CaseId(an_id("case", "e")), CaseRole.VENDOR, Tier.ROOM, PartyId(an_id("pty")), "libpicture", "Example CERT", ago(hours=5), "it is your parser",
    ),
)
SENT = OneScreen(
    LONG, REPORT.id, "A copy without a bound.", ("src/read.c:120 tiff_read_strip",), "confirmed", ("build with ASan", "thumb poc.tiff"), False, "Compare rows with the strip.",
    (SeverityLine("Sharpeye", Band.HIGH, 8.8),), False, True, 2, ("Sharpeye",), "One of two was found by an AI system; a person reproduced it.", "until 2027-02-01", (("tools", "Anything in the tools."),), (), "",
)
DELIVERY = Delivery(DeliveryId(an_id("dlv")), ItemId(an_id("itm")), PartyId(an_id("pty")), an_id("case"), an_id("chr"), ago(hours=5), True)
MAINTAINED = MaintainerPage(
    PartyId(an_id("pty")), "libpicture project", (), (
        Claim(ClaimId(an_id("clm")), PartyId(an_id("pty")), ScopeKey(Kind.REPOSITORY, "code.example/libpicture"), ClaimBasis.PENDING, ago(days=2)),
        Claim(ClaimId(an_id("clm", "z")), PartyId(an_id("pty")), ScopeKey(Kind.PACKAGE, "pkg:pypi/pictura"), ClaimBasis.VOUCHED, ago(days=2), ago(days=2))),
    (QueueLine(ItemId(an_id("itm", "w")), "", ago(days=3), Band.HIGH, False, "waiting for capacity", Forecast(1, NOW, NOW + timedelta(days=4))), QueueLine(ItemId(an_id("itm", "x")), "", ago(days=1), None, True, "goes next")),
    (Delivered(DELIVERY, SENT, "text", None),), (Delivered(replace(DELIVERY, id=DeliveryId(an_id("dlv", "z")), replied_at=ago(days=1)), SENT, "text", Reply(ReplyKind.DECLINE, "Not ours.")),), Rates(4, 3, 2), (),
)
CLUSTER = CaseLine(an_id("case"), LONG, ago(days=2), 4, 2, 1, 3, ("Sharpeye", "atlas-3"), 1, False)
COUNTING = Counting(an_id("case"), "split", (
    (Named(an_id("rep"), LONG), Named(an_id("rep", "b"), "Overflow in the strip reader")), (Named(an_id("rep", "y"), "Use after free in palette parsing"),)),
    (Named(an_id("rep", "w"), "Overflow in tile reader"),), (
    ReasonLine("4.1.10", CLAUSES["4.1.10"].says, "one flaw", "the same function of the same file", (Named(an_id("rep"), LONG), Named(an_id("rep", "b"), "x"))),
    ReasonLine("4.2.11", CLAUSES["4.2.11"].says, "flaws of their own", "they point at other functions, for other kinds of weakness", (Named(an_id("rep"), LONG), Named(an_id("rep", "y"), "x"))),
    ), 3, 2)
PEOPLE = tuple(
    pages.RoomParticipant(an_id("pty", "abcdefgh"[n % 8]), name, role, "joined" if n != 3 else "invited", ("signatory", "signatory", "invited", "declined")[n % 4], "everything", None)
    for n, (name, role) in enumerate((("Example CERT", "coordinator"), ("libpicture", "vendor"), ("Distro Nine", "vendor"), ("Imaging GmbH", "vendor"), ("Ada Finder", "finder"), ("Finder Ltd", "reporter")))
)
THREADS = (
    pages.RoomThread(an_id("thr", "a"), "Everybody", False, 214, 3), pages.RoomThread(an_id("thr", "b"), "Reproducer on big-endian", True, 6, 0, ("Example CERT", "Distro Nine")),
)
MESSAGES = (
    pages.RoomMessage(an_id("msg", "a"), "libpicture", ago(hours=30), "We can reproduce it on `main`. A fix is in review; **please hold the reproducer**.", "mail"),
    pages.RoomMessage(an_id("msg", "b"), "Ada Coordinator", ago(hours=29), "Thank you. Distributions are invited below; the instant is the one you proposed.", mine=True),
    pages.RoomMessage(an_id("msg", "c"), "Distro Nine", ago(minutes=20), BODY, tlp="RED"),
)
CLOCK = pages.EmbargoClock(
    "active", NOW + timedelta(days=12, hours=4), "linux-distros", "The list it was taken to allows 14 days from posting; nobody with a better rank ends earlier.",
    (pages.TimetableRow("linux-distros", "14 days from posting", NOW + timedelta(days=12, hours=4), True, "third rank, earliest"), pages.TimetableRow("libpicture", "charter: 30 days", NOW + timedelta(days=28)),
     pages.TimetableRow("Finder Ltd", "90 days, 14 more if a fix is near", NOW + timedelta(days=88)), pages.TimetableRow("kernel", "7 days from the fix", None, False, "has not started: there is no fix yet")),
    ("Finder Ltd wants silence for 90 days; the list allows 14.",),
    (pages.TimelineEntry(NOW + timedelta(hours=20), "CRA: early warning by the vendor, if it is exploited", state="coming"),),
    (pages.Proposal(an_id("trm"), NOW + timedelta(days=10), "libpicture", 3, 5, True),), ("linux-distros would end its embargo at once.", "Everybody who takes part is told within the minute."),
)
CREDIT = CreditOrder(
    (CreditLine(OTHER.id, Place.FIRST, False, ago(days=9), ago(days=2), ago(days=9), ()),
     CreditLine(REPORT.id, Place.INDEPENDENT, True, ago(hours=3), ago(hours=3), None, ()),
     CreditLine(ReportId(an_id("rep", "y")), Place.LATER, True, ago(hours=3), ago(hours=3), None, (WHY[Dependence.SAME_CHAIN], WHY[Dependence.PUBLIC]))),
    Corroboration(2, 1, ago(days=9), ago(hours=3)),
)
APPEAL = AppealPage(
    AppealLine(AppealId(an_id("apl")), REPORT.id, LONG, Question.DUPLICATE, ago(days=3), NOW + timedelta(days=11), AppealState.OPEN, BODY, None, "", False), True,
    (Contested(an_id("dec"), "merge", ago(days=4), "Ada Coordinator", "The same copy without a bound; one fix for both."),),
)
ANSWERED = replace(APPEAL.line, own=True, state=AppealState.REJECTED, answered_at=ago(hours=4), answer="Both paths end in the same copy; the fix of one is the fix of the other.")
QUESTIONS = tuple((str(each), words) for each, words in APPEAL_QUESTIONS.items())
FLAWS = tuple(pages.Flaw(an_id("vul", "abcd"[n]), f"{title} ", (f"CVE-2026-4123{n}",)) for n, title in enumerate(("Overflow in strip reader", "Overflow in tile reader", "Leak of palette", "Loop in directory")))
MATRIX = tuple(
    pages.MatrixRow(vendor, tuple(pages.Cell(("known_affected", "fixed", "", "known_not_affected", "under_investigation")[(n + k) % 5], ago(days=k + 1) if (n + k) % 5 != 2 else None, "fixed in 2.3.2" if (n + k) % 5 == 1 else "") for k in range(4)), ago(days=9) if n == 2 else None)
    for n, vendor in enumerate(("libpicture", "Distro Nine", "Imaging GmbH", "Very Long Name of a Vendor of Medical Imaging Devices AG"))
)
ROOM = pages.Room(
    an_id("case", "a"), LONG, "open", "One copy without a bound, in two readers.", "AMBER+STRICT", ("no training",), ago(days=3), "Ada Coordinator", "coordinator", 4,
    frozenset({"message", "invite", "status", "document", "propose", "decide", "close", "leave", "edit"}), pages.packet_of(FINDING),
    (pages.RoomReport(REPORT.id, LONG, REPORT.received_at, "Finder Ltd", "sarif"), pages.RoomReport(OTHER.id, OTHER.finding.title, OTHER.received_at, "Ada Finder", "crashlog", ago(days=1))),
    FLAWS, MATRIX, PEOPLE, 500, THREADS, THREADS[0], MESSAGES, "cursor",
    (pages.RoomDocument(an_id("doc"), "reproducer", "poc\u202e.tiff.exe", 48_211, "sha256:" + "ab" * 32, ago(days=2), "Finder Ltd", "RED"),),
    (pages.RoomDecision(an_id("dec"), "Severity is high", "Reachable without interaction from the mail client's preview.", ago(days=1), "Ada Coordinator"),),
    (pages.TimelineEntry(ago(days=3), "Case opened", "Ada Coordinator"), pages.TimelineEntry(ago(hours=5), "libpicture says: affected", "May Maintainer")), CLOCK,
    {"message": 3, "step": 1}, "3 new messages, 1 new step", REPORT.id, replace(CREDIT, lines=CREDIT.lines[:2]),
    {REPORT.id: ("/cases/x", LONG, "Finder Ltd"), OTHER.id: ("/cases/x", OTHER.finding.title, "Ada Finder")},
)
STATUSES = (("known_affected", "affected"), ("known_not_affected", "not affected"), ("fixed", "fixed"), ("under_investigation", "still looking"))
EVENT = LoggedEvent(1, EventId(an_id("evt")), "ReportReceived", REPORT.received_at, PartyId(an_id("pty")), (REPORT.id,), "{}", b"", b"", 4)
OPENED = Opened(REPORT, LINE, (CandidateLine(OTHER.id, OTHER.finding.title, 0.74, "unsure"), CandidateLine(None, "a held finding", 0.41, "related"), CandidateLine(an_id("rep", "w"), "Overflow in tile reader", 0.22, "variant")), (EVENT,), Telling(True))
FIGURES = Statistics(
    tuple(Day(date(2026, 10, 23) + timedelta(days=n), (n * 37) % 90 + 8, ((n * 37) % 90) // 2) for n in range(30)),
    1_523, 702, 41, (("under 1 day", 18), ("1 to 3 days", 11), ("3 to 7 days", 7), ("7 to 14 days", 4), ("14 to 30 days", 1), ("over 30 days", 0)), 5.4,
    (("under 1 day", 96), ("1 to 3 days", 21), ("3 to 7 days", None), ("7 to 14 days", 6), ("14 to 30 days", 0), ("over 30 days", 0)),
    21.5, (("under 7 days", 3), ("7 to 30 days", 9), ("30 to 90 days", 4), ("over 90 days", 1)),
)
QUEUE = Queue((
    QueueSection("deadlines", "Dates that come near", "Sorted by how little is left.", (
        QueueItem("/cases/x", "Use after free in palette parsing", "say whether the embargo is extended", due_at=NOW + timedelta(hours=20)),
        QueueItem("/cases/y", "Path traversal in archive extraction", "Imaging GmbH has been silent for 30 days: escalate", due_at=ago(days=1)))),
    QueueSection("proposals", "Same flaw or not?", "Deconfliction is not sure; the evidence is one key away.", tuple(
        QueueItem(f"/reports/{n}", line.title, "compare, then merge or hold apart", line.received_at, None, "unsure") for n, line in enumerate(LINES[:4])), "/inbox?answer=unsure"),
))
WITHIN = FoundInRooms(
    (FoundRoom(an_id("case"), LONG, "open"),), (FoundFlaw(an_id("vul"), an_id("case"), LONG, "Overflow in tiff_read_strip", ("CVE-2026-41234",)),),
    (FoundParty(an_id("pty"), "Distro Nine", LONG, an_id("case")), FoundParty(an_id("pty", "z"), "Tiff & <b>Sons</b>", "")),
    (FoundMessage(an_id("msg"), an_id("case"), LONG, an_id("thr"), ago(hours=3), "…we reproduce it in tiff_read_strip with <script>alert(1)</script> on `main`…"),), 200, 1_000,
)
FORM = Form()
BAD = Form({"product": "libpicture", "what": "", "where": ""}, {"what": "say in a sentence what is wrong", "file": "this file is larger than 64 MiB"})


def page(path: str, viewer: Viewer | None, **changes: object) -> Page:
    """The frame of a page."""
    return Page(**{"now": NOW, "path": path, "viewer": viewer, "csrf": "token", "instance": "Example CERT", **changes})  # type: ignore[arg-type]


def validation_line(letter: str, verdict: str = "validated", state: str = "done") -> ValidationLine:
    return ValidationLine(
        an_id("val", letter), REPORT.id, LONG, "Rows past the strip, under AddressSanitizer", "sha256:" + "4e" * 32, state, {"done": "done", "running": "runs", "failed": "could not be judged", "queued": "waits for the bench"}[state],
        ago(hours=5), "Ada Lovelace", ago(hours=4) if state in ("done", "failed") else None, "Example CERT's bench" if state == "done" else "", 7 if verdict else 3, 7, verdict,
        VERDICTS.get(verdict, ""), "T2" if verdict else "", "bubblewrap" if verdict else "", 6 if verdict else 0, 1 if verdict == "unproven" else 0, 1 if verdict else 0,
        "a piece of it (cell vulnerable) was begun 3 times and never came to its end" if state == "failed" else "",
    )


def validation_shown() -> ValidationPage:
    """A validation with everything on it, hostile where it came from outside."""
    cell = CellLine(
        "reproducer on vulnerable", "crash_sanitizer", 5, 5, "heap-buffer-overflow READ", ("tiff_read_strip", "thumb_make", "main", "<script>alert(1)</script>"),
        "read.c:412", "", ("sha256:" + "ab" * 32,), 31,
    )
    quiet = replace(cell, label="reproducer on fixed", outcome="clean", kind="", frames=(), place="")
    benign = replace(quiet, label="benign input 1 on fixed", agreeing=2, runs=2)
    build = BuildLine("vulnerable", True, "built", True, "", "sha256:" + "9a" * 32, "read.c:412: warning: <script>alert(1)</script>\n" * 3)
    return ValidationPage(
        an_id("case"), LONG, validation_line("a"), (), (
            Control("instrumented", ControlState.HELD, "the vulnerable build holds the runtime of the address sanitizer"),
            Control("benign", ControlState.FAILED, "1 of 2 benign inputs did nothing on the vulnerable build"),
            Control("coverage", ControlState.NOT_MADE, "nothing counts what benign inputs reach on both builds"),
        ), (cell, quiet, benign), (build, replace(build, name="fixed", ok=False, stage="apply", note="the patch does not apply")), {"vulnerable": 212, "fixed": 209},
        ("capabilities", "cpu", "files", "memory", "network", "pids", "processes", "system calls", "user"), "bubblewrap 0.8.0, control groups v1",
        "5 runs of the reproducer on each build, each of at most 10 s and 1024 MiB", "sha256:" + "77" * 32, frozenset({"open"}),
    )


BENCH = CaseBench(
    (validation_line("d", "", "running"), validation_line("a"), validation_line("b", "unproven"), validation_line("c", "not_reproduced"), validation_line("e", "", "failed")),
    tuple(
        Material(MaterialId(an_id("mat", letter)), kind, "sha256:" + letter * 64, 4_812, ago(days=1), PartyId(an_id("pty")), supplier, name)
        for letter, kind, supplier, name in (
            ("a", MaterialKind.RECIPE, Supplier.DESK, "recipe.toml"), ("b", MaterialKind.SOURCE, Supplier.PROJECT, "libpicture-2.1.tar.gz"),
            ("c", MaterialKind.REPRODUCER, Supplier.REPORTER, "crash <b>a very long name of a file that goes on and on and on and on</b>.tiff"),
        )
    ),
    ((str(REPORT.id), LONG),), frozenset({"ask", "add"}),
)


TRIALS = (
    TrialLine(
        an_id("trl", "a"), "fix-strip-count.diff", "sha256:" + "c1" * 32, "sha256:" + "a" * 64, "done", ago(hours=3), "", "behaviour unchanged",
        "it applies; it builds; it stops the reproducer; it stops variants of the reproducer; then: nobody has reviewed it", "",
        (
            StepLine("applies", "held", "", 0, 0), StepLine("variants quiet", "held", "", 31, 31), StepLine("regression test", "not made", "no new test came with it", 0, 0),
            StepLine("reviewed", "not made", "nobody has reviewed it", 0, 0),
        ),
        (ReviewLine(PartyId(an_id("pty")), False, ago(hours=1), "It hides <script>alert(1)</script> the length"),), True, "sha256:" + "d4" * 32,
    ),
    TrialLine(
        an_id("trl", "b"), "a proposal <b>of a model with a very long name that goes on and on</b>.diff", "sha256:" + "c2" * 32, "sha256:" + "a" * 64, "waiting",
        ago(minutes=4), "proposed by a model", "", "", "", (), (), False, "",
    ),
)


def samples() -> dict[str, tuple[str, Page, dict[str, object]]]:
    """Name to template, frame and variables of every page."""
    room: partial[dict[str, object]] = partial(dict, room=ROOM, form=FORM, statuses=STATUSES, kinds=(("reproducer", "reproducer"), ("patch", "patch")), tlps=(("AMBER+STRICT", "TLP:AMBER+STRICT"), ("RED", "TLP:RED")), asked_at="", bench=BENCH, trials=TRIALS, patches=BENCH.materials[:1], material_kinds=(("recipe", "recipe"), ("reproducer", "reproducer")))
    inbox = Inbox(LINES, InboxFilters(), True, "cursor", True)
    rows = pages.compared_rows(REPORT.finding, OTHER.finding)
    undo = Flash("done", "Merged: 4 reports are one flaw.", "/decisions/undo", {"decision": an_id("dec")})
    account = pages.Account("Ada Coordinator", "ada@cert.example", "Example CERT", ("Intake desk",), (
        pages.SessionLine("s1", "Firefox on Linux", ago(hours=2), ago(minutes=1), None, True), pages.SessionLine("s2", "Safari on iPhone", ago(days=4), ago(days=1), None)),
        (pages.PasskeyLine("k1", "Laptop", ago(days=90), ago(hours=2)),), (pages.SessionLine(an_id("tok"), "reports:submit, reports:read", ago(days=10), None, NOW + timedelta(days=80)),),
        ("reports:submit", "reports:read"), True)
    act = pages.ToAct("libpicture", LONG, "AMBER+STRICT", pages.packet_of(FINDING), FLAWS, CLOCK.ends_at, NOW + timedelta(days=14), MESSAGES[:2])
    admin = pages.Administration(
        (pages.Check("database", "ok", "sqlite 3.46, 1.2 GiB"), pages.Check("worker", "broken", "no sign of life for 12 minutes: start it with `clearinghouse worker`"), pages.Check("mail", "missing", "no server is set; notices go to the local mailbox")),
        (pages.PolicyLine(4, ago(days=5), "Root Operator", "[intake]\ndocument_bytes_max = 67108864\n"), pages.PolicyLine(3, ago(days=50), "Root Operator")),
        (pages.PartyLine(an_id("pty"), "person", "Ada Coordinator", "Example CERT", ("coordinator", "reporter"), ago(days=300)),), (pages.SessionLine("s1", "Ada Coordinator, Firefox on Linux", ago(hours=2), ago(minutes=1), None),),
        (("parties", "41"), ("reports", "100,212"), ("events", "1,204,881"), ("events waiting for the worker", "0")))
    ledger = pages.LedgerPage("clearinghouse.example/log", "clearinghouse.example/log+5b1c+AXfJ", 1_204_881, "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA=", ago(minutes=3), "clearinghouse.example/log\n1204881\nq83v...\n\n\u2014 clearinghouse.example/log ...", (pages.LeafLine(1_204_880, an_id("evt"), "ReportReceived", ago(minutes=4)),))
    project = pages.Project(an_id("prj"), "libpicture", "from https://code.example/libpicture, fetched 2026-11-20", {"Channel": "by mail, OpenPGP", "AI reports": "only those a person reproduced", "Cap": "5 a week; exploited flaws pass"}, 3, 5, 11, "At this pace the last of them reaches you in three weeks.", editor='cap_per_week = 5\nai = "confirmed"\n')
    status = pages.StatusPage("4KQF-9Z2M-TTRA", ago(days=2), True, "sha256:" + "4e" * 32, (pages.ReceiptItemLine("item 1", "accepted", LONG, "duplicate", ago(days=9)), pages.ReceiptItemLine("item 2", "accepted", "Use after free", "received"), pages.ReceiptItemLine("item 3", "refused", "(no title)", "", notes=("nothing says what is wrong",))), MESSAGES[:2])
    cluster = Case(CLUSTER, (OTHER_LINE, LINE, replace(LINE, id=an_id("rep", "y"), answer="duplicate", settled=True, probability=0.97)), (
        DecisionLine(an_id("dec"), "merge", ago(hours=3), an_id("pty"), "The same copy without a bound; one fix for both.", None), DecisionLine(an_id("dec", "o"), "not_same", ago(days=1), an_id("pty"), "Other function.", ago(hours=5))),
        LeadLine(OTHER.id, Strength.REPRODUCER), CREDIT, 2)
    credited = {line.id: (f"/reports/{line.id}", line.title, "Finder Ltd") for line in cluster.reports}
    compared = Compared(REPORT, OTHER, Explained(LINE, OTHER_LINE, Comparison(0.742, Verdict.UNSURE, EVIDENCE)))
    variant = replace(compared, explained=replace(compared.explained, candidate=Comparison(0.062, Verdict.VARIANT, EVIDENCE, "copy", KINSHIP_WORDS[Kinship.COPY])))
    mine = replace(OPENED, line=replace(LINE, answer="duplicate", probability=None, case_id=None, known_since=ago(days=9)), candidates=(), told=Telling(False, True, ago(days=9)))
    opened = {"packet": pages.packet_of(FINDING), "product": "acme:libpicture", "finder": "atlas-3", "badge": "validated, T2", "lead_id": OTHER.id, "room_id": "", "room_title": "", "downloads": True, "questions": ()}
    return {
        "home": ("home.html", page("/", None), {"home": pages.Home(1523, 702, "security@cert.example")}),
        "sign-in": ("sign_in.html", page("/sign-in", None), {"form": Form({"name": "ada"}, {"code": "this code is not right (any more); send the next one"}), "providers": (("sso", "Example SSO"),), "back": "/"}),
        "enrol": ("enrol.html", page("/enrol", None), {"form": FORM, "invitation": "secret", "organisation": "libpicture", "mail": "may@libpicture.example", "roles": ("reporter",)}),
        "submit": ("submit.html", page("/submit", None), {"form": FORM, "receipt": None, "formats": (), "size_max": 67_108_864}),
        "submit-errors": ("submit.html", page("/submit", None), {"form": BAD, "receipt": None, "formats": (), "size_max": 67_108_864}),
        "receipt": ("submit.html", page("/submit", None), {"form": FORM, "receipt": SimpleNamespace(code="4KQF-9Z2M-TTRA-W6YC", received_at=NOW, items=3), "formats": (), "size_max": 1}),
        "status": ("status.html", page("/status", None), {"form": FORM, "status": status}),
        "status-withdrawn": ("status.html", page("/status", None), {"form": FORM, "status": replace(status, messages=(), case_id="", items=(replace(status.items[1], withdrawn_at=ago(hours=3)),), may_reinstate=True)}),
        "report-withdrawn": ("report.html", page("/reports/x", ADA), {"opened": replace(OPENED, line=replace(LINE, withdrawn_at=ago(hours=3)), withdrawal=Withdrawal(REPORT.id, ago(hours=3), REPORT.reporter, LONG)), **opened}),
        "asks": ("asks.html", page("/cases/x/asks", ADA), {"case_id": an_id("case"), "title": LONG, "asks": (AskLine(an_id("ask"), LONG, ago(days=1), LONG), AskLine(an_id("ask", "m"), "Finder Ltd", ago(days=2), "We hold a reproducer for the same place."))}),
        "appeal": ("appeal.html", page("/appeals/x", ADA), {"appeal": APPEAL, "question": "It is not the same flaw"}),
        "appeal-leave": ("appeal.html", page("/appeals/x", ADA), {"appeal": replace(APPEAL, others=True, line=replace(APPEAL.line, due_at=ago(days=1))), "question": "The order of credit"}),
        "appeal-own": ("appeal.html", page("/appeals/x", FINN), {"appeal": AppealPage(replace(APPEAL.line, own=True), False), "question": "It is not the same flaw"}),
        "appeal-answered": ("appeal.html", page("/appeals/x", FINN), {"appeal": AppealPage(ANSWERED, False), "question": "It is not the same flaw"}),
        "report-appeals": ("report.html", page("/reports/x", FINN), {"opened": replace(mine, own=True, appeals=(APPEAL.line, ANSWERED)), **opened, "questions": QUESTIONS}),
        "status-appeals": ("status.html", page("/status", None), {"form": FORM, "status": replace(status, may_withdraw=True, items=(replace(status.items[0], report_id=REPORT.id, questions=QUESTIONS, appeals=(ANSWERED,)), *status.items[1:]))}),
        "status-ask": ("status.html", page("/status", None), {"form": FORM, "status": None}),
        "queue": ("queue.html", page("/queue", ADA, flashes=(undo,)), {"queue": QUEUE, "hello": "Ada"}),
        "queue-empty": ("queue.html", page("/queue", FINN), {"queue": Queue(()), "hello": ""}),
        "inbox": ("inbox.html", page("/inbox", ADA), {"inbox": inbox, "answers": ANSWERS, "sources": ("csaf", "sarif")}),
        "inbox-reporter": ("inbox.html", page("/inbox", FINN), {"inbox": Inbox(tuple(replace(line, answer="received", probability=None, lead_held=False, lead_id=None, lead_title="", reports=1) for line in LINES[:3]), InboxFilters(), True, "", False), "answers": ANSWERS, "sources": ("csaf",)}),
        "inbox-empty": ("inbox.html", page("/inbox", ADA), {"inbox": Inbox((), InboxFilters(), True, "", True), "answers": ANSWERS, "sources": ()}),
        "report": ("report.html", page("/reports/x", ADA), {"opened": OPENED, **opened}),
        "report-reporter": ("report.html", page("/reports/x", FINN), {"opened": mine, **opened}),
        "compare": ("compare.html", page("/reports/x/compare/y", ADA), {"compared": compared, "rows": rows, "same_cluster": False, "decision": ""}),
        "compare-variant": ("compare.html", page("/reports/x/compare/y", ADA), {"compared": variant, "rows": rows, "same_cluster": False, "decision": ""}),
        "compare-joined": ("compare.html", page("/reports/x/compare/y", ADA, flashes=(undo,)), {"compared": compared, "rows": rows, "same_cluster": True, "decision": an_id("dec")}),
        "cluster": ("cluster.html", page("/clusters/x", ADA), {"cluster": cluster, "room_id": "", "why_leads": "it says how to reproduce the flaw", "credited": credited, "counting": COUNTING}),
        "cluster-held": ("cluster.html", page("/clusters/x", ADA), {"cluster": replace(cluster, lead=LeadLine(None, None), credit=CreditOrder(), decisions=(), reports=cluster.reports[:1]), "room_id": "", "why_leads": "", "credited": credited, "counting": COUNTING}),
        "matrix": ("matrix.html", page("/cases/x/matrix", ADA), {"found": matrix_shown(), "legend": LEGEND}),
        "matrix-empty": ("matrix.html", page("/cases/x/matrix", ADA), {"found": replace(matrix_shown(), pictures=()), "legend": LEGEND}),
        **review_samples(page, NOW),
        "model": ("model.html", page("/model", ADA), model_shown()),
        "model-none": ("model.html", page("/model", ADA), {"model": replace(model_shown()["model"], corrections=(), in_force="sha256:" + "1c" * 32), "proposals": (), "total": 0, "decides": True}),
        "commitments": ("commitments.html", page("/commitments", FINN), commitments_shown()),
        "commitments-none": ("commitments.html", page("/commitments", FINN), {**commitments_shown(), "lines": (), "after": ""}),
        "cases": ("cases.html", page("/cases", ADA), {"rooms": ROOMS, "invitations": INVITED, "clusters": [CLUSTER, replace(CLUSTER, hidden=0, public=0, settled=True, title="SQL injection")], "total": 61}),
        **{f"case-{part}": ("case.html", page("/cases/x", ADA), room(part=part)) for part in ("summary", "validation", "threads", "people", "documents", "record")},
        "case-validation-empty": ("case.html", page("/cases/x", ADA), room(part="validation", bench=CaseBench((), (), (), frozenset()), trials=(), patches=())),
        "validation": ("validation.html", page("/cases/x/validations/y", ADA), {"found": validation_shown()}),
        "validation-not-reproduced": ("validation.html", page("/cases/x/validations/y", FINN), {"found": replace(
            validation_shown(), line=replace(validation_line("c", "not_reproduced"), failed=0), reasons=("nothing happened in 5 runs",), may=frozenset())}),
        "validation-running": ("validation.html", page("/cases/x/validations/y", ADA), {"found": replace(
            validation_shown(), line=validation_line("d", "", "running"), controls=(), cells=(), builds=(), reasons=(), statement_digest="", may=frozenset({"cancel"}))}),
        "validation-log": ("validation_log.html", page("/cases/x/validations/y/logs/z", ADA), {
            "case_id": an_id("case"), "validation_id": an_id("val"), "digest": "sha256:" + "ab" * 32, "log": BODY * 20, "cut": True, "size_bytes": 90_000}),
        "attached": ("attached.html", page("/cases/x", ADA), {
            "case_id": an_id("case"), "case_title": LONG, "packet": pages.packet_of(FINDING), "finding": FINDING,
            "line": SimpleNamespace(
                report=SimpleNamespace(title=LONG, source="sarif", received_at=ago(days=1), marks=SimpleNamespace(tlp="AMBER")),
                reporter_name="Finder Ltd", mine=False,
            ),
        }),
        "sign-in-link": ("sign_in_link.html", page("/sign-in", None), {"name": "Ada Coordinator", "text": "clh.lnk_x.y"}),
        "search": ("search.html", page("/search", ADA), {"found": Found("tiff_read_strip", "", (), True, "cursor", WITHIN), "lines": LINES[:3]}),
        "search-nothing": ("search.html", page("/search", ADA), {"found": Found("nosuchword", "", (), True, "", FoundInRooms(rooms_max=200, messages_max=1_000)), "lines": ()}),
        "statistics": ("statistics.html", page("/statistics", ADA), {"figures": FIGURES, "days": 30, "scope": "Over the reports you coordinate"}),
        "account": ("account.html", page("/account", ADA), {"account": account, "form": FORM}),
        "account-setup": ("account.html", page("/account", FINN), {"account": replace(account, has_totp=False, totp_setup_key="JBSW Y3DP EHPK 3PXP", passkeys=(), tokens=(), new_token="ch.tok_kkkk3q7hx2.secretsecretsecret"), "form": FORM}),
        "maintainer": ("maintainer.html", page("/maintainer", MAY), {"vendors": (Maintained(MAINTAINED, (project, replace(project, id=an_id("chr", "o"), name="picture-tools", opted_out=True)), "", tuple(Bar(f"11-{day:02}", day % 4) for day in range(1, 13))),), "problems": (), "wrong": "", "wrong_delivery": "", "answers": CHARTER_ANSWERS, "form": FORM, "untyped": FORM}),
        "maintainer-problems": ("maintainer.html", page("/maintainer", MAY), {"vendors": (Maintained(replace(MAINTAINED, open=(), waiting=(), claims=()), (), "charter = 1", ()),), "problems": (Problem(Grade.ERROR, "/capacity/per_week", 7, "-3 is less than the minimum of 0"),), "wrong": an_id("pty"), "wrong_delivery": "", "answers": CHARTER_ANSWERS, "form": Form({"charter": "charter = 1"}, {"": "This charter cannot be put in force."}), "untyped": FORM}),
        "link-packet": ("packet_link.html", page("/packet/token", None), {"delivered": MAINTAINED.open[0], "party": "libpicture", "link_ends_at": NOW + timedelta(days=30), "token": "token", "form": Form({}, {"": "a reason is needed"})}),
        "link-packet-answered": ("packet_link.html", page("/packet/token", None), {"delivered": MAINTAINED.decided[0], "party": "libpicture", "link_ends_at": NOW + timedelta(days=30), "token": "token", "form": FORM}),
        "link-charter": ("charter_link.html", page("/charter/token", None), {"party": "libpicture", "charters": (("libpicture", 2, "charter = 1"),), "claims": MAINTAINED.claims, "problems": (Problem(Grade.ERROR, "/capacity/per_week", 7, "-3 is less than the minimum of 0"),), "starter": "", "link_ends_at": NOW + timedelta(days=30), "token": "token", "form": Form({"charter": "charter = 1"}, {"": "This charter cannot be put in force."}), "untyped": FORM}),
        "link-charter-first": ("charter_link.html", page("/charter/token", None), {"party": "libpicture", "charters": (), "claims": (), "problems": (), "starter": "charter = 1", "link_ends_at": NOW + timedelta(days=30), "token": "token", "form": FORM, "untyped": FORM}),
        "link-contact": ("contact_link.html", page("/contact/token", None), {"party": "libpicture", "address": "security@example.org", "token": "token", "form": FORM}),
        "link-action": ("link_action.html", page("/act/token", None), {"act": act, "token": "token", "form": FORM, "statuses": STATUSES}),
        "link-invitation": ("link_action.html", page("/act/token", None), {"act": pages.ToAct("libpicture", "You are asked to take part in a case", "", None, (), None, NOW + timedelta(days=14), may=frozenset({"accept", "refuse"}), invitation=pages.Asked("vendor", "Example CERT", ago(hours=3), "your parser <b>")), "token": "token", "form": Form({}, {"": "there is no reason"}), "statuses": STATUSES}),
        "admin": ("admin.html", page("/admin", ROOT), {"admin": admin, "form": FORM, "manages": True, "kinds": (("person", "person"),), "roles": ("reporter", "coordinator"), "invitation": ("https://cert.example/enrol?invitation=chi.inv_" + "k" * 60, NOW + timedelta(days=7)), "glass": (
            pages.GlassLine(an_id("brk"), an_id("case"), "Ada Coordinator", ago(hours=1), NOW + timedelta(hours=3), "court order <7>", False), pages.GlassLine(an_id("brk", "z"), an_id("rep"), "Root Operator", ago(hours=1), NOW + timedelta(hours=3), "leak", True))}),
        "admin-glass": ("admin.html", page("/admin", ADA), {"admin": pages.Administration((), (), (), ()), "form": Form({}, {"": "no id"}), "manages": False, "kinds": (), "roles": (), "invitation": None, "glass": ()}),
        "ledger": ("ledger.html", page("/ledger", None), {"ledger": ledger, "asked": ""}),
        "message-404": ("message.html", page("/x", ADA), {"status": 404, "heading": "Nothing here", "words": "There is nothing under this address that you may see. It may have been moved, or it is not yours.", "actions": (("/queue", "What needs me"), ("/search", "Search"))}),
        "message-429": ("message.html", page("/x", None), {"status": 429, "heading": "Slowly, please", "words": "Too many attempts came from here. Try again in two minutes.", "actions": (("/", "First page"),)}),
    }


def write(folder: Path, theme: str = "auto") -> list[str]:
    """Write every page and the static files below a folder; gives the names of the pages."""
    (folder / "static").mkdir(parents=True, exist_ok=True)
    for name in ("workbench.css", "mark.svg", "keys.js", "live.js", "times.js", "copy.js", "passkeys.js"):
        (folder / "static" / name).write_bytes((STATIC / name).read_bytes())
    (folder / "account").mkdir(exist_ok=True)
    segno.make("otpauth://totp/sample").save(str(folder / "account" / "totp.svg"))
    found = samples()
    for name, (template, frame, variables) in found.items():
        (folder / f"{name}.html").write_text(render(template, replace(frame, theme=theme), **variables), "utf-8")
    return list(found)


class _Handler(SimpleHTTPRequestHandler):
    def do_GET(self) -> None:
        """A file, or a stream that says nothing."""
        if not self.path.startswith("/live?"):
            super().do_GET()
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        self.wfile.write(b": nothing new\n\n")

    def end_headers(self) -> None:
        self.send_header("Content-Security-Policy", CONTENT_SECURITY_POLICY)
        super().end_headers()

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The folder behind a loopback server with the policy of the real one; gives its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def photograph(folder: Path, names: list[str], schemes: tuple[str, ...] = ("light", "dark"), widths: tuple[int, ...] = WIDTHS) -> None:
    """Screenshots of pages, at every width, light and dark."""
    from playwright.sync_api import sync_playwright

    with served(folder) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium")
        for scheme in schemes:
            for width in widths:
                opened = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)  # type: ignore[arg-type]
                for name in names:
                    opened.goto(f"{address}/{name}.html")
                    opened.screenshot(path=folder / f"{name}-{width}-{scheme}.png", full_page=True)
                opened.close()
        browser.close()


if __name__ == "__main__":
    target = Path(sys.argv[1])
    written = write(target)
    if "--pictures" in sys.argv:
        chosen = [argument for argument in sys.argv[2:] if not argument.startswith("--")]
        photograph(target, chosen or written)
