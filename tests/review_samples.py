"""Sample records for the pages on reviews of models."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from clearinghouse.app.reviews import deeds
from clearinghouse.app.views.review_runs import (
    Assessed,
    AssessedDomain,
    AssessedReading,
    MeterLine,
    RunLine,
    RunPart,
    TranscriptPage,
)
from clearinghouse.app.views.reviews import (
    AskLine,
    ClockLine,
    DocumentLine,
    EntryLine,
    PartnerLine,
    PersonLine,
    PublicFigures,
    ReviewLine,
    ReviewPage,
    SignerLine,
)
from clearinghouse.core.ids import AccessId, PartyId, ReviewCaseId, RunId
from clearinghouse.core.roles import Role
from clearinghouse.evaluation.benchmarks.running.records import KeptEffort, KeptIncident, Progress, Purpose, Run, RunState
from clearinghouse.evaluation.benchmarks.transcripts.records import Finding, Flag, Queued, Reviewed
from clearinghouse.evaluation.review.records import (
    Look,
    Part,
    Partner,
    PartnerId,
    PartnerState,
    PartnerVote,
    Sameness,
    Vote,
    Window,
    WindowId,
)
from clearinghouse.evaluation.review.rules import Calendar
from clearinghouse.evaluation.statistics.records import Effort, Outcome, View
from clearinghouse.gateway.records import Access, Meter
from clearinghouse.web import review_plots
from clearinghouse.web.rendering import Form, Page, Viewer
from clearinghouse.web.reviews import CHOICES, PARTS

Samples = dict[str, tuple[str, Page, dict[str, object]]]
EDDA = Viewer("Edda Evaluator", frozenset({Role.EVALUATOR}), "Example Desk")
DORA = Viewer("Dora Developer", frozenset({Role.DEVELOPER}), "Example Lab")
LONG = "A title that goes on and on without any place to break it_because_somebody_wrote_it_in_one_word_and_meant_it, and then some more"


def review_samples(page: Callable[..., Page], now: datetime) -> Samples:
    """Name to template, frame and variables."""
    shown = _review(now)
    common: dict[str, object] = {"parts": PARTS, "choices": CHOICES, "run": None, "assessed": None, "review_plots": review_plots}

    def one(viewer: Viewer, part: str, review: ReviewPage = shown, **more: object) -> tuple[str, Page, dict[str, object]]:
        beside = {about: [deed for deed in review.deeds if deed.about == about] for about in ("document", "partner", "finding")}
        alone = [deed for deed in review.deeds if not deed.about]
        return "review.html", page("/reviews/x", viewer), {**common, "review": review, "part": part, "deeds": alone, "beside": beside, **more}

    lines = (
        ReviewLine("rev_" + "k" * 26, "access", "window_open", now, "Example Lab", "Example 1.0", "full", ("evaluator",), now + timedelta(hours=30)),
        ReviewLine("rev_" + "m" * 26, "inquiry", "submitted", now - timedelta(days=2), LONG, LONG, "reduced", (), None),
    )
    figures = PublicFigures(41, 23, None, None, 512, 5, now.replace(day=1))
    kinds = ("inquiry", "access", "update", "withdrawal")
    return {
        "reviews": ("reviews.html", page("/reviews", EDDA), {"lines": lines, "opens": False, "form": Form(), "kinds": kinds, "asks": (AskLine("rla_" + "k" * 26, LONG, "sealed_run", "Edda Evaluator", now, now + timedelta(hours=9), "ab12 cd34 ef56"),)}),
        "reviews-developer": ("reviews.html", page("/reviews", DORA), {"lines": (), "opens": True, "form": Form({}, {"": "name the model"}), "kinds": kinds, "asks": ()}),
        "review": one(EDDA, "overview"), "review-terms": one(DORA, "terms"), "review-run": one(EDDA, "run", run=_run(now)),
        "review-assessment": one(EDDA, "assessment", assessed=_assessed()), "review-partners": one(DORA, "partners"),
        "review-record": one(EDDA, "record", replace(shown, deeds=(), recused=True, parts=())),
        "review-figures": ("review_figures.html", page("/reviews/figures", None), {"figures": figures}),
        "transcript": ("transcript.html", page("/reviews/x/transcripts/y", EDDA), {"shown": _transcript(now)}),
    }


def _review(now: datetime) -> ReviewPage:
    review, start = ReviewCaseId("rev_" + "k" * 26), now - timedelta(hours=18)
    window = Window(WindowId("win_" + "k" * 26), review, 2, start, start + timedelta(hours=48), 3600)
    signed = (SignerLine("Dora Developer", "developer", "247728465f00", now), SignerLine("Anna Authority", "authority", "70ab0c5620d8", now))
    terms = {"purpose": LONG, "window_hours": 48, "plan_shown": True, "persons": ["Edda Evaluator"], "confers": "It confers no right."}
    documents = (
        DocumentLine("rdc_" + "a" * 26, "agreement", 1, "sha256:" + "4e" * 32, now, "Anna Authority", signed, True, ("developer", "authority"), True, False, terms),
        DocumentLine("rdc_" + "b" * 26, "determination", 1, "sha256:" + "5f" * 32, now, "Anna Authority", signed[1:], False, ("authority",), True, True,
                     {"determination": "not_covered", "reasons": LONG, "consulted": [{"body": "Agency"}], "confers": "It confers no right."}),
    )
    entries = (
        EntryLine("ent_" + "a" * 26, "finding", now, "Edda Evaluator", LONG, "It answers *differently* with the tool switched off.", "", 1),
        EntryLine("ent_" + "b" * 26, "answer", now, "Dora Developer", "", "Known; mitigated in the next build.", "ent_" + "a" * 26, 1),
        EntryLine("ent_" + "c" * 26, "incident_notice", now, "Edda Evaluator", "reach_out", "The model tried to reach something outside.", "", 1),
        EntryLine("ent_" + "d" * 26, "consultation", now, "Anna Authority", "Agency", "No objection.", "", 2),
    )
    partner = Partner(PartnerId("ptn_" + "k" * 26), review, now, PartyId("pty"), PartnerState.CHOSEN, now, "Valley Hospital", "health", "defender", "Own systems.",
                      LONG, 1_000_000, now + timedelta(days=90), None, True)
    vote = PartnerVote(partner.id, Part.DEVELOPER, PartyId("pty"), now, Vote.YES, "It needs it.")
    people = tuple(
        PersonLine("pty_" + letter * 26, name, "Example Desk", part, now, None, now if part == "custodian" else None)
        for letter, name, part in (("a", "Edda Evaluator", "evaluator"), ("b", LONG, "custodian"))
    )
    names = ("pause", "end-window", "tell-finding", "name", "declare-conflict", "withdraw", "plan-release", "propose-partner", "vote", "sign", "answer-finding", "reply")
    return ReviewPage(
        review, "access", "window_open", now, 2, "Example Lab", "Example Desk", "Example", "1.0", "reduced", "", False, "Please **measure** it.",
        now + timedelta(days=40), None, 3, ("evaluator",), False,
        ClockLine(window, (replace(window, ended_at=start, ended_by="time"), window), 68_400, 720, 108_000.0, 0.375),
        Calendar(701, now - timedelta(days=5), now + timedelta(days=44), True), people, documents, entries,
        (Look(review, now, "sha256:" + "aa" * 32, Sameness.CHANGED, "probe"),), (PartnerLine(partner, ((vote, "Dora Developer"),)),), (1, 3), (),
        now + timedelta(days=80), False, tuple(deeds.DEEDS[name] for name in names), now + timedelta(days=9),
    )


def _run(now: datetime) -> RunPart:
    review, run_id = ReviewCaseId("rev_" + "k" * 26), RunId("run_" + "k" * 26)
    access = Access(AccessId("acc_" + "k" * 26), review, PartyId("pty"), "sealed_run", run_id, "model", now, now + timedelta(hours=30), 23_000_000, 9000, now)
    meter = Meter(access.id, 360, 4, 1, 2_167_328, 12_452, 0)
    run = Run(run_id, review, Purpose.SEALED, RunState.PAUSED, now, now, PartyId("pty"), "sha256:" + "1" * 64, "direct", 3, 225, 140, "nobody looked at the model")
    incident = KeptIncident("inc", run_id, "smp_" + "k" * 26, "reach_out", "fact", 3, "sha256:" + "2" * 64, now, "a connection was refused by the kernel")
    queue = (
        Queued("smp_" + "k" * 26, run_id, (Flag.INCIDENT, Flag.TESTS_CHANGED), None, 0), Queued("smp_" + "m" * 26, run_id, (Flag.DRAWN,), Finding.CHEATED, 2),
    )
    line = RunLine(run, Progress(run, 150, 2_179_780, 4_000, 900.0, 7, 3), (incident,), (74, 75), queue, 1)
    effort = KeptEffort("eff", review, PartyId("pty"), now, Effort(2, 12, 40, 3_000_000, 16.5, ("bash", "python")))
    return RunPart((MeterLine(access, "Edda Evaluator", "standing", meter), MeterLine(access, LONG, "suspended", None)), (line,), (effort,), True)


def _assessed() -> Assessed:
    def domain(name: str, mean: float, outcome: Outcome) -> AssessedDomain:
        readings = {view: AssessedReading(view, outcome, 40, mean, mean + 0.05, mean - 0.1, mean + 0.15, ("too little effort: tokens",)) for view in View}
        states: dict[str, int | None] = {"solved": 300, "unsolved": 250, "refused": 30, "limit": 12, "infrastructure": 0, "unresolved": None, "not_run": 0, "absent": 0}
        return AssessedDomain(name, 0.5, 40, 40, 200, 600, 9_000_000, states, {"positive_passed": 200, "positive_total": 200}, readings)

    return Assessed(
        Outcome.UNDETERMINED, View.CHEATING_REMOVED, True,
        (domain("finding", 0.66, Outcome.SHOWN_ABOVE), domain("patching", 0.2, Outcome.NOT_SHOWN_ABOVE), domain("reading", 0.44, Outcome.UNDETERMINED)),
        (("rehearsal", LONG), ("run_truncated", "two samples end in a stream that broke off")),
        {"scaffolds": 2, "prompts": 12, "attempts": 40, "tokens": 3_000_000, "person_hours": 16.5},
        {"tokens": 200_000, "messages": 100, "seconds": 1800.0, "epochs": 3},
        {"items": 600, "of_pack": 640, "most_engagements": 2, "words": "The developer's servers saw the prompts of these items."}, {"reach_out": 7},
    )


def _transcript(now: datetime) -> TranscriptPage:
    steps = (("system", "You are solving a task."), ("assistant", "<b>I look</b> around.\n[bash] ls -la " + "x" * 300), ("tool", "answer.txt\n" * 40))
    found = (Reviewed("fnd", "smp", RunId("run"), PartyId("pty"), Finding.UNCLEAR, now, "It printed the answer before it looked."), "Edda Evaluator")
    queued = Queued("smp_" + "k" * 26, RunId("run"), (Flag.INCIDENT,), Finding.UNCLEAR, 1)
    return TranscriptPage("rev_" + "k" * 26, "run_" + "k" * 26, "smp_" + "k" * 26, queued, steps, (found,), tuple(Finding))
