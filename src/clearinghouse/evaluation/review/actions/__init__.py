"""What a review does: one function a verb, each in the caller's transaction and with its event."""

from clearinghouse.evaluation.review.actions.agreeing import draft_agreement, freeze_plan, grant_window, register_key, sign
from clearinghouse.evaluation.review.actions.assessing import (
    correct,
    draw_up_assessment,
    draw_up_determination,
    frozen_plan,
    keep_analysis,
    reply,
    share,
)
from clearinghouse.evaluation.review.actions.ending import certify_destruction, close, lapse, withdraw
from clearinghouse.evaluation.review.actions.entering import enter, take_part
from clearinghouse.evaluation.review.actions.opening import end_part, name_participant, open_review, plan_partner_release, submit
from clearinghouse.evaluation.review.actions.partners import give_access, propose_partner, restore_partner, suspend_partner, vote
from clearinghouse.evaluation.review.actions.telling import answer, consult, declare_conflict, give_notice, note_audit, tell_finding
from clearinghouse.evaluation.review.actions.watching import note_look
from clearinghouse.evaluation.review.actions.windows import end_over, end_window, open_window, pause, resume

__all__ = [
    "answer",
    "certify_destruction",
    "close",
    "consult",
    "correct",
    "declare_conflict",
    "draft_agreement",
    "draw_up_assessment",
    "draw_up_determination",
    "end_over",
    "end_part",
    "end_window",
    "enter",
    "freeze_plan",
    "frozen_plan",
    "give_access",
    "give_notice",
    "grant_window",
    "keep_analysis",
    "lapse",
    "name_participant",
    "note_audit",
    "note_look",
    "open_review",
    "open_window",
    "pause",
    "plan_partner_release",
    "propose_partner",
    "register_key",
    "reply",
    "restore_partner",
    "resume",
    "share",
    "sign",
    "submit",
    "suspend_partner",
    "take_part",
    "tell_finding",
    "vote",
    "withdraw",
]
