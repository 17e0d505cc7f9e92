"""The states of a review, one table for each kind; the documents draw the same. Every ending is `closed` or `withdrawn` (decision 17)."""

from clearinghouse.core.states import Transition
from clearinghouse.evaluation.review.records import ReviewKind
from clearinghouse.evaluation.review.records import ReviewState as S

_DEVELOPER, _EVALUATOR, _AUTHORITY, _CLOCK = "developer", "evaluator", "authority", "clock"
_DESK = (_EVALUATOR, _AUTHORITY)
_OURS, _ORDER = "ours", "EO 14409, 3(b)"

_BEFORE_SIGNING = (
    S.DRAFT, S.SUBMITTED, S.TERMS_SIGNED, S.PLAN_FROZEN, S.WINDOW_OPEN, S.PAUSED, S.WINDOW_CLOSED, S.ANALYSED, S.PREVIEWED,
)
_WITHDRAW = tuple(Transition("withdraw", state, S.WITHDRAWN, (_DEVELOPER,), "EO 14409, 3(b); R4") for state in _BEFORE_SIGNING)

_ACCESS = (
    Transition("submit", S.DRAFT, S.SUBMITTED, (_DEVELOPER,), _ORDER),
    Transition("sign_terms", S.SUBMITTED, S.TERMS_SIGNED, (_DEVELOPER, _AUTHORITY), "EO 14409, 3(b)(ii)"),
    Transition("freeze_plan", S.TERMS_SIGNED, S.PLAN_FROZEN, (_EVALUATOR,), "NIST AI 800-2 ipd; ours"),
    Transition("open_window", S.PLAN_FROZEN, S.WINDOW_OPEN, (_EVALUATOR,), "EO 14409, 3(b)(ii)"),
    Transition("pause", S.WINDOW_OPEN, S.PAUSED, (_DEVELOPER, *_DESK), _OURS),
    Transition("resume", S.PAUSED, S.WINDOW_OPEN, (_EVALUATOR, _DEVELOPER), _OURS),
    Transition("end_window", S.WINDOW_OPEN, S.WINDOW_CLOSED, (_CLOCK, _DEVELOPER, *_DESK), "EO 14409, 3(b)(ii)"),
    Transition("end_window", S.PAUSED, S.WINDOW_CLOSED, (_CLOCK, _DEVELOPER, *_DESK), "EO 14409, 3(b)(ii)"),
    Transition("open_window", S.WINDOW_CLOSED, S.WINDOW_OPEN, (_EVALUATOR,), "R1: within the same 720 hours"),
    Transition("analyse", S.WINDOW_CLOSED, S.ANALYSED, (_EVALUATOR,), _OURS),
    Transition("preview", S.ANALYSED, S.PREVIEWED, (_EVALUATOR,), "EO 14409, 3(a)"),
    Transition("determine", S.PREVIEWED, S.DETERMINED, (_AUTHORITY,), "EO 14409, 3(a); R7"),
    Transition("share", S.DETERMINED, S.SHARED, (_AUTHORITY,), "EO 14409, 3(a)"),
    Transition("correct", S.SHARED, S.ANALYSED, (_EVALUATOR, _AUTHORITY), "ours: a new determination supersedes, none is edited"),
    Transition("close", S.SHARED, S.CLOSED, (_EVALUATOR, _AUTHORITY, _CLOCK), _OURS),
    *(Transition("lapse", state, S.CLOSED, (_CLOCK, *_DESK), "R5: silence is no statement") for state in (
        S.SUBMITTED, S.TERMS_SIGNED, S.PLAN_FROZEN, S.WINDOW_CLOSED, S.ANALYSED, S.PREVIEWED
    )),
    *_WITHDRAW,
)

REVIEW_TRANSITIONS: dict[ReviewKind, tuple[Transition, ...]] = {
    ReviewKind.INQUIRY: (
        Transition("submit", S.DRAFT, S.SUBMITTED, (_DEVELOPER,), "EO 14409, 3(b)(i)"),
        Transition("share", S.SUBMITTED, S.SHARED, _DESK, "EO 14409, 3(b)(i)"),
        Transition("close", S.SHARED, S.CLOSED, (_EVALUATOR, _AUTHORITY, _CLOCK), _OURS),
        Transition("lapse", S.SUBMITTED, S.CLOSED, (_CLOCK, *_DESK), "R5: silence is no statement"),
        Transition("withdraw", S.DRAFT, S.WITHDRAWN, (_DEVELOPER,), "R4"),
        Transition("withdraw", S.SUBMITTED, S.WITHDRAWN, (_DEVELOPER,), "R4"),
    ),
    ReviewKind.ACCESS: _ACCESS,
    ReviewKind.UPDATE: _ACCESS,
    ReviewKind.WITHDRAWAL: (
        Transition("submit", S.DRAFT, S.SUBMITTED, (_DEVELOPER,), "R4"),
        Transition("close", S.SUBMITTED, S.CLOSED, (*_DESK, _CLOCK), "R4, R11"),
        Transition("withdraw", S.DRAFT, S.WITHDRAWN, (_DEVELOPER,), "R4"),
    ),
}
"""What may be done with a review of each kind, by whom."""
