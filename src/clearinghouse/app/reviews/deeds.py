"""What people can do in a review, as one table that the command line, the API and the pages share.

A deed names its fields, who takes it and from which states; a page offers what its viewer can do now, and nothing else.
"""

import base64
import binascii
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from clearinghouse.app.wiring import Instance, policy_of
from clearinghouse.core.clock import parse_instant
from clearinghouse.core.errors import Conflict, Invalid, NotFound
from clearinghouse.core.ids import PartyId, has_shape
from clearinghouse.core.review_policy import ReviewPolicy
from clearinghouse.core.states import may_step
from clearinghouse.evaluation.review import actions, store
from clearinghouse.evaluation.review.records import DESK_PARTS, Engagement, Part, ReviewKind, ReviewState, Vote
from clearinghouse.evaluation.review.states import REVIEW_TRANSITIONS
from clearinghouse.storage import Envelope, Transaction

S = ReviewState


class Kind(StrEnum):
    """What a field takes."""

    LINE = "line"
    TEXT = "text"
    INSTANT = "instant"
    """RFC 3339; no zone is read as UTC."""
    HOURS = "hours"
    COUNT = "count"
    YES = "yes"
    PARTY = "party"
    PART = "part"
    VOTE = "vote"
    WORD = "word"
    SIGNATURE = "signature"
    """64 bytes in base64 or hexadecimal, as `clearinghouse review sign` makes it."""
    ID = "id"


@dataclass(frozen=True, slots=True)
class Field:
    """One thing to fill in."""

    name: str
    kind: Kind
    label: str
    hint: str = ""
    required: bool = True


@dataclass(frozen=True, slots=True)
class Doing:
    """What every deed needs, and what was filled in."""

    tx: Transaction
    review_id: str
    words: Mapping[str, Any]
    envelope: Envelope
    policy: ReviewPolicy
    actor: PartyId
    now: datetime

    def who(self) -> dict[str, Any]:
        """Who acts, when, and with which keys."""
        return {"envelope": self.envelope, "actor": self.actor, "now": self.now}


@dataclass(frozen=True, slots=True)
class Deed:
    """Something a person can do in a review."""

    name: str
    label: str
    help: str
    parts: frozenset[Part]
    states: frozenset[ReviewState]
    act: Callable[[Doing], object]
    fields: tuple[Field, ...] = ()
    done: str = "Done."
    kinds: frozenset[ReviewKind] = frozenset({ReviewKind.ACCESS, ReviewKind.UPDATE})
    heavy: bool = False
    """It cannot be taken back: a page asks twice."""
    about: str = ""
    """`document`, `partner` or `finding`: a page offers it beside each of those."""


_DEVELOPER, _EVALUATOR, _AUTHORITY = frozenset({Part.DEVELOPER}), frozenset({Part.EVALUATOR}), frozenset({Part.AUTHORITY})
_SIDES = _DEVELOPER | _AUTHORITY
_DESK = frozenset({Part.EVALUATOR, Part.AUTHORITY})
_ANY = frozenset({Part.DEVELOPER, *DESK_PARTS})
_ALL_KINDS = frozenset(ReviewKind)
_LIVING = frozenset(S) - {S.CLOSED, S.WITHDRAWN}
_OPENED = _LIVING - {S.DRAFT}
_PARTNERS = frozenset({S.TERMS_SIGNED, S.PLAN_FROZEN, S.WINDOW_OPEN, S.PAUSED, S.WINDOW_CLOSED, S.ANALYSED, S.PREVIEWED, S.DETERMINED, S.SHARED})
_PARTNERS_HELD = _PARTNERS | {S.CLOSED}
"""What a partner was given outlasts the review: so does the word that stops it."""
_REASON = Field("reason", Kind.TEXT, "Reason", "Others must be able to follow it.")


def _at(verb: str, *kinds: ReviewKind) -> frozenset[ReviewState]:
    return frozenset(S(step.start) for kind in (kinds or tuple(ReviewKind)) for step in REVIEW_TRANSITIONS[kind] if step.verb == verb)


DEEDS: Mapping[str, Deed] = {deed.name: deed for deed in (
    Deed("submit", "Submit", "Hand the draft to the desk: its evaluators and authorities see it from then on.", _DEVELOPER, _at("submit"),
         lambda do: actions.submit(do.tx, do.review_id, **do.who()), done="Submitted.", kinds=_ALL_KINDS),
    Deed("draft-agreement", "Draft the terms", "An agreement in TOML, for both sides to sign; a later draft takes the place of an unsigned one.",
         _DEVELOPER | _DESK, frozenset({S.SUBMITTED}),
         lambda do: actions.draft_agreement(do.tx, do.review_id, do.words["document"], policy=do.policy, **do.who()),
         (Field("document", Kind.TEXT, "Agreement", "TOML, as docs/reference/agreement.md says."),), "Drafted. Both sides sign it next."),
    Deed("sign", "Sign", "Your signature under a document, made with your own key on your own machine.", _SIDES, _LIVING | {S.CLOSED, S.WITHDRAWN},
         lambda do: actions.sign(do.tx, do.review_id, do.words["document"], do.words["signature"], policy=do.policy, **do.who()),
         (Field("document", Kind.ID, "Document"), Field("signature", Kind.SIGNATURE, "Signature", "As `clearinghouse review sign --print` gives it.")),
         "Signed.", about="document"),
    Deed("open-window", "Open the window", "From this instant on, for the hours the developer signed.", _EVALUATOR, _at("open_window"),
         lambda do: actions.open_window(do.tx, do.review_id, policy=do.policy, **do.who()), done="The window is open.", heavy=True),
    Deed("pause", "Pause", "Nothing is asked of the model; the window's clock goes on.", _ANY - {Part.CUSTODIAN}, _at("pause"),
         lambda do: actions.pause(do.tx, do.review_id, do.words["reason"], **do.who()), (_REASON,), "Paused: every access rests."),
    Deed("resume", "Go on", "After a pause, by the side that paused.", _DEVELOPER | _EVALUATOR, _at("resume"),
         lambda do: actions.resume(do.tx, do.review_id, **do.who()), done="Going on."),
    Deed("end-window", "End the window", "Now, for good: every access ends with it.", _DEVELOPER | _DESK, _at("end_window"),
         lambda do: actions.end_window(do.tx, do.review_id, do.words["reason"], **do.who()),
         (Field("reason", Kind.TEXT, "Reason", "A developer need not give one.", required=False),), "The window has ended.", heavy=True),
    Deed("grant-window", "Grant a further window", "Within the same 720 hours; it counts once you signed it.", _DEVELOPER, frozenset({S.WINDOW_CLOSED}),
         lambda do: actions.grant_window(do.tx, do.review_id, do.words["hours"], **do.who()),
         (Field("hours", Kind.HOURS, "Hours"),), "Drawn up. Sign it, and the evaluators can open the window."),
    Deed("plan-release", "Set the planned partner release", "When you plan to release to other trusted partners: yours alone to set. A window never outlasts it.",
         _DEVELOPER, _LIVING, lambda do: actions.plan_partner_release(do.tx, do.review_id, do.words["at"], **do.who()),
         (Field("at", Kind.INSTANT, "Planned release (UTC)", "Empty: none is planned.", required=False),), "Noted."),
    Deed("name", "Name a person", "Who takes part, in which part. Each side names its own people.", _DEVELOPER | _DESK, _LIVING,
         lambda do: actions.name_participant(do.tx, do.review_id, do.words["party"], do.words["part"], **do.who()),
         (Field("party", Kind.PARTY, "Person", "Id of a person (pty_...)."), Field("part", Kind.PART, "Part")), "Named.", kinds=_ALL_KINDS),
    Deed("end-part", "End a person's part", "What it could read here it cannot read any more.", _ANY, _LIVING,
         lambda do: actions.end_part(do.tx, do.review_id, do.words["party"], do.words["part"], **do.who()),
         (Field("party", Kind.PARTY, "Person"), Field("part", Kind.PART, "Part")), "Ended.", kinds=_ALL_KINDS),
    Deed("declare-conflict", "Declare a conflict of interest", "Whom you are bound to, and how. Recused, you decide and run nothing more here.",
         DESK_PARTS, _OPENED,
         lambda do: actions.declare_conflict(do.tx, do.review_id, do.words["entity"], do.words["words"], recuse=do.words["recuse"], **do.who()),
         (Field("entity", Kind.LINE, "Bound to"), Field("words", Kind.TEXT, "How"), Field("recuse", Kind.YES, "I take no further part", required=False)),
         "On the register."),
    Deed("tell-finding", "Tell the developer a finding", "While the engagement lasts.", _EVALUATOR, _OPENED - {S.SUBMITTED},
         lambda do: actions.tell_finding(do.tx, do.review_id, do.words["title"], do.words["words"], **do.who()),
         (Field("title", Kind.LINE, "Title"), Field("words", Kind.TEXT, "What was found")), "The developer can read it."),
    Deed("answer-finding", "Answer a finding", "What you say to a finding of the evaluators.", _DEVELOPER, _OPENED,
         lambda do: actions.answer(do.tx, do.review_id, do.words["words"], subject=do.words["finding"], **do.who()),
         (Field("finding", Kind.ID, "Finding"), Field("words", Kind.TEXT, "Answer")), "Answered.", about="finding"),
    Deed("answer-inquiry", "Answer the inquiry", "What the desk says to the question; the developer reads it at once.", _DESK, frozenset({S.SUBMITTED}),
         lambda do: actions.answer(do.tx, do.review_id, do.words["words"], **do.who()), (Field("words", Kind.TEXT, "Answer"),), "Answered.",
         kinds=frozenset({ReviewKind.INQUIRY})),
    Deed("consult", "Record a consultation", "What a body said when it was asked; you answer for the record.", _AUTHORITY, frozenset({S.ANALYSED, S.PREVIEWED}),
         lambda do: actions.consult(do.tx, do.review_id, do.words["body"], do.words["words"], **do.who()),
         (Field("body", Kind.LINE, "Body"), Field("words", Kind.TEXT, "What it said")), "On record."),
    Deed("reply", "Reply to the assessment", "Your reply goes wherever the assessment goes.", _DEVELOPER, frozenset({S.PREVIEWED, S.DETERMINED, S.SHARED}),
         lambda do: actions.reply(do.tx, do.review_id, do.words["words"], **do.who()), (Field("words", Kind.TEXT, "Reply"),), "Your reply is on record."),
    Deed("determine", "Draw up a determination", "The word is people's, whatever the engine found; as many authorities as policy says sign it.",
         _AUTHORITY, frozenset({S.PREVIEWED}),
         lambda do: actions.draw_up_determination(do.tx, do.review_id, do.words["word"], do.words["reasons"], policy=do.policy, **do.who()),
         (Field("word", Kind.WORD, "Determination"), Field("reasons", Kind.TEXT, "Reasons")), "Drawn up. Two persons sign it next."),
    Deed("share", "Share", "Let the developer see the signed determination.", _AUTHORITY, _at("share", ReviewKind.ACCESS),
         lambda do: actions.share(do.tx, do.review_id, **do.who()), done="Shared with the developer."),
    Deed("correct", "Correct", "Begin a new round: a new analysis, preview and determination, which supersede and never edit.", _DESK, _at("correct"),
         lambda do: actions.correct(do.tx, do.review_id, do.words["reason"], **do.who()), (_REASON,), "A new round has begun."),
    Deed("propose-partner", "Propose a trusted partner", "Either side proposes; both choose.", _SIDES, _PARTNERS,
         lambda do: actions.propose_partner(
             do.tx, do.review_id, name=do.words["name"], sector=do.words["sector"], tier=do.words["tier"], terms=do.words["terms"],
             why=do.words["why"], tokens_max=do.words["tokens"], ends_at=do.words["ends"], small_operator=do.words["small"],
             party=do.words["party"], **do.who(),
         ),
         (Field("name", Kind.LINE, "Name"), Field("sector", Kind.LINE, "Sector"), Field("tier", Kind.LINE, "Tier"), Field("terms", Kind.TEXT, "Terms"),
          Field("why", Kind.TEXT, "Why this one"), Field("tokens", Kind.COUNT, "Quota of tokens"), Field("ends", Kind.INSTANT, "Until (UTC)"),
          Field("small", Kind.YES, "A small operator or an open-source maintainer", required=False),
          Field("party", Kind.PARTY, "Its party here", "Where it is to use the gateway.", required=False)), "Proposed."),
    Deed("vote", "Say yes or no to a partner", "With a reason; the latest word of a side counts.", _SIDES, _PARTNERS_HELD,
         lambda do: actions.vote(do.tx, do.review_id, do.words["partner"], do.words["vote"], do.words["reason"], **do.who()),
         (Field("partner", Kind.ID, "Partner"), Field("vote", Kind.VOTE, "Answer"), _REASON), "On record.", about="partner"),
    Deed("suspend-partner", "Suspend a partner", "One side is enough; its access rests within a second.", _SIDES, _PARTNERS_HELD,
         lambda do: actions.suspend_partner(do.tx, do.review_id, do.words["partner"], do.words["reason"], **do.who()),
         (Field("partner", Kind.ID, "Partner"), _REASON), "Suspended.", about="partner"),
    Deed("restore-partner", "Restore a partner", "By the side that suspended it.", _SIDES, _PARTNERS_HELD,
         lambda do: actions.restore_partner(do.tx, do.review_id, do.words["partner"], **do.who()), (Field("partner", Kind.ID, "Partner"),),
         "Restored.", about="partner"),
    Deed("destroy", "Destroy the materials", "Transcripts and the analysis record, for good: their keys are destroyed. Authorities sign the certificate.",
         _DESK | {Part.CUSTODIAN}, _LIVING | {S.CLOSED, S.WITHDRAWN}, lambda do: actions.certify_destruction(do.tx, do.review_id, do.words["how"], **do.who()),
         (Field("how", Kind.TEXT, "How copies outside were destroyed, and by whom"),), "Destroyed. The certificate waits for signatures.", heavy=True),
    Deed("withdraw", "Withdraw", "At once, without a reason and without a mark; every access ends in the same moment.", _DEVELOPER, _at("withdraw"),
         lambda do: actions.withdraw(do.tx, do.review_id, **do.who()), done="Withdrawn.", kinds=_ALL_KINDS, heavy=True),
    Deed("lapse", "End without a statement", "It says nothing about the model.", _DESK | {Part.CUSTODIAN}, _at("lapse"),
         lambda do: actions.lapse(do.tx, do.review_id, **do.who()), done="Ended without a statement.", kinds=_ALL_KINDS, heavy=True),
    Deed("close", "Close", "The work is done.", _DESK, _at("close"), lambda do: actions.close(do.tx, do.review_id, **do.who()), done="Closed.",
         kinds=_ALL_KINDS, heavy=True),
)}
"""Every deed by its name. What freezes a plan, analyses, shows an assessment or destroys needs more than words: see `plans`, `analysing`, `ending`."""


def perform(instance: Instance, review_id: str, name: str, untrusted_words: Mapping[str, str]) -> tuple[Deed, object]:
    """Do a deed as the instance's party; gives it and what came of it.

    Raises:
        NotFound: there is no such deed, or no such review for the actor.
        Invalid: a word is missing, unknown or of another kind. Says which.
        NotPermitted, Conflict: as the action says.
    """
    deed = DEEDS.get(name)
    if deed is None:
        raise NotFound(f"nothing can be done under {name[:40]!r}; known are {', '.join(DEEDS)}")
    now = instance.clock.now()
    with instance.database.write() as tx:
        if has_shape(review_id):
            store.reviews.lock(tx, review_id)
        engagement = actions.enter(tx, review_id, envelope=instance.envelope, viewer=instance.actor.id, now=now)
        # A review keeps the policy it began under.
        policy = policy_of(tx, engagement.review.policy_version).review
        if engagement.review.kind not in deed.kinds and deed.about != "document":
            raise Invalid(f"a review of kind {engagement.review.kind} knows no {name}")
        words = read_words(deed, untrusted_words)
        if engagement.review.state not in deed.states:
            known = ", ".join(sorted(state.replace("_", " ") for state in deed.states))
            raise Conflict(f"{name} is for a review that is {known}; this one is {engagement.review.state.replace('_', ' ')}")
        doing = Doing(tx, review_id, words, instance.envelope, policy, instance.actor.id, now)
        return deed, deed.act(doing)


def offered(engagement: Engagement) -> list[Deed]:
    """What the viewer can do now, by part, kind and state; what an action refuses besides, it says."""
    review = engagement.review
    return [
        deed for deed in DEEDS.values()
        if engagement.parts & deed.parts and review.kind in deed.kinds and review.state in deed.states and _steps(engagement, deed)
        and (deed.name != "destroy" or engagement.materials_key)
    ]


def _steps(engagement: Engagement, deed: Deed) -> bool:
    verb = deed.name.replace("-", "_")
    table = REVIEW_TRANSITIONS[engagement.review.kind]
    stepping = any(step.verb == verb for step in table)
    return not stepping or may_step(table, verb, engagement.review.state)


def read_words(deed: Deed, untrusted_words: Mapping[str, str]) -> dict[str, Any]:
    """What was filled in, each of its kind.

    Raises:
        Invalid: a word is missing, unknown or of another kind.
    """
    unknown = sorted(set(untrusted_words) - {field.name for field in deed.fields})
    if unknown:
        known = ", ".join(field.name for field in deed.fields) or "none"
        raise Invalid(f"{deed.name} takes no {', '.join(one[:40] for one in unknown)}; it takes {known}")
    return {field.name: _read(field, untrusted_words.get(field.name, "")) for field in deed.fields}


def _read(field: Field, untrusted_text: str) -> Any:
    text = untrusted_text.strip()
    if not text:
        if field.kind is Kind.YES:
            return False
        if field.required:
            raise Invalid(f"{field.name} is needed")
        return "" if field.kind in (Kind.LINE, Kind.TEXT) else None
    try:
        return _READERS[field.kind](text)
    except (ValueError, binascii.Error):
        raise Invalid(f"{field.name} must be {_SHAPES[field.kind]}; found {text[:60]!r}") from None


def _instant(text: str) -> datetime:
    return parse_instant(text).astimezone(UTC)


def _count(text: str) -> int:
    number = int(text.replace("_", "").replace(",", ""))
    if not 0 < number < 2**53:
        raise ValueError(text)
    return number


def _yes(text: str) -> bool:
    if text.lower() not in ("yes", "no", "true", "false"):
        raise ValueError(text)
    return text.lower() in ("yes", "true")


def _id(text: str) -> str:
    if not has_shape(text):
        raise ValueError(text)
    return text


def _signature(text: str) -> bytes:
    made = bytes.fromhex(text) if len(text) == 128 else base64.b64decode(text, validate=True)
    if len(made) != 64:
        raise ValueError(text)
    return made


_READERS: Mapping[Kind, Callable[[str], Any]] = {
    Kind.LINE: str, Kind.TEXT: str, Kind.INSTANT: _instant, Kind.HOURS: _count, Kind.COUNT: _count, Kind.YES: _yes, Kind.PARTY: _id,
    Kind.PART: Part, Kind.VOTE: Vote, Kind.WORD: str, Kind.SIGNATURE: _signature, Kind.ID: _id,
}
_SHAPES: Mapping[Kind, str] = {
    Kind.LINE: "one line", Kind.TEXT: "text", Kind.INSTANT: "an instant such as 2026-12-01T00:00:00Z", Kind.HOURS: "a whole number of hours",
    Kind.COUNT: "a whole number above 0", Kind.YES: "yes or no", Kind.PARTY: "the id of a party (pty_...)",
    Kind.PART: f"one of {', '.join(Part)}", Kind.VOTE: f"one of {', '.join(Vote)}", Kind.WORD: "a word",
    Kind.SIGNATURE: "64 bytes in base64 or 128 hexadecimal digits", Kind.ID: "an id as the page shows it",
}


def find(instance: Instance, review_id: str) -> Engagement:
    """A review as the instance's party may see it; an auditor's look is on the record first.

    Raises:
        NotFound: there is none that the party may see.
    """
    now, viewer = instance.clock.now(), instance.actor.id
    with instance.read() as tx:
        engagement = actions.enter(tx, review_id, envelope=instance.envelope, viewer=viewer, now=now)
    if Part.AUDITOR not in engagement.parts:
        return engagement
    with instance.database.write() as tx:
        return actions.note_audit(tx, review_id, "the review", envelope=instance.envelope, viewer=viewer, now=now)


def state_of(tx: Transaction, instance: Instance, review_id: str) -> str:
    """Where a review stands for who just did something in it; a person that ended its own part is told no more.

    Returns an empty text there.
    """
    found = store.reviews.find(tx, review_id, instance.envelope, viewer=instance.actor.id, now=instance.clock.now())
    return "" if found is None else found.review.state


def sweep(instance: Instance) -> int:
    """What the clock does: windows that ran out are noted as ended."""
    with instance.database.read() as tx:
        if not store.windows.system_over(tx, instance.clock.now(), 1):
            return 0
    with instance.database.write() as tx:
        return actions.end_over(tx, envelope=instance.envelope, actor=instance.system, now=instance.clock.now())
