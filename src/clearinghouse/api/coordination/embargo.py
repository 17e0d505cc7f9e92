"""The embargo of a case: its timetable and what-if, terms, milestones, proposals and consent, leaks.

A deed answers with the clock as its caller may see it: the timetable it computes with names parties nobody may be told of.
"""

from datetime import datetime
from typing import Annotated

import msgspec
from litestar import Router, get, post
from litestar.params import FromPath, JSONBody

from clearinghouse.api.authentication import SCOPE, Acting
from clearinghouse.api.coordination.shapes import Done, Reason
from clearinghouse.app.views import embargo_clock
from clearinghouse.app.views.embargo_clock import EmbargoClock
from clearinghouse.app.wiring import policy_of
from clearinghouse.core.errors import NotFound
from clearinghouse.core.roles import Scope
from clearinghouse.core.terms import Milestone
from clearinghouse.disclosure.coordination.embargo import actions
from clearinghouse.disclosure.coordination.embargo.records import Change, ChangeKind, WhatIf

Moment = Annotated[datetime, msgspec.Meta(tz=True)]
Note = Annotated[str, msgspec.Meta(max_length=4000)]


class NewProposal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An instant before which nothing is to be published."""

    ends_at: Moment
    note: Note = ""


class Word(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A participant's answer to a proposal."""

    accept: bool
    reason: Note = ""
    """Needed where it is declined."""


class NewFact(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A milestone that was reached."""

    milestone: Milestone
    at: Moment
    party: str = ""
    note: Note = ""


class NewLeak(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Something of the case seen where it should not be."""

    where: Annotated[str, msgspec.Meta(min_length=1, max_length=4000)]
    seen_at: Moment


class LeakWord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a suspected leak turned out to be."""

    is_leak: bool
    public: bool = False
    """Everybody can see it: the embargo ends for all."""


class Question(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A change to try out."""

    kind: ChangeKind
    at: Moment | None = None
    party: str = ""


class Law(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whether a vendor is under a law that puts duties on it."""

    regime: Annotated[str, msgspec.Meta(max_length=32)]
    applies: bool
    party: str = ""
    """The vendor; left out where a vendor speaks of itself."""


class DutyMet(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A duty beside the embargo that was met."""

    at: Moment
    party: str = ""
    """Whose it was, where several vendors have it."""


class ChosenTerms(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Terms of the policy, by their id."""

    terms: str


class Origin(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the flaw was found, as far as it decides about an embargo."""

    found_with_public_ai: bool


@get("/cases/{case_id:str}/embargo", opt={SCOPE: Scope.CASES_READ}, sync_to_thread=True, summary="The embargo's timetable")
def clock(instance: Acting, case_id: FromPath[str]) -> EmbargoClock:
    """The binding instant, who bound it, every other date and why it does not bind, conflicts, duties, consents."""
    return embargo_clock.read_embargo(instance, case_id)


@post("/cases/{case_id:str}/embargo/what-if", opt={SCOPE: Scope.CASES_READ}, status_code=200, sync_to_thread=True, summary="What if")
def what_if(instance: Acting, case_id: FromPath[str], data: JSONBody[Question]) -> WhatIf:
    """Both timetables and the difference in words; nothing is kept and nobody is told."""
    return embargo_clock.ask_what_if(instance, case_id, Change(data.kind, data.at, data.party))


@post("/cases/{case_id:str}/embargo/proposals", opt={SCOPE: Scope.CASES_READ}, sync_to_thread=True, summary="Propose an instant")
def propose(instance: Acting, case_id: FromPath[str], data: JSONBody[NewProposal]) -> Done:
    """Offered to all present participants; where one is agreed on already, a revision of it."""
    with instance.database.write() as tx:
        made = actions.propose_embargo(
            tx, case_id, data.ends_at, note=data.note, actor=instance.actor.id, envelope=instance.envelope, policy_of=policy_of,
            now=instance.clock.now(),
        )
    return Done(made.id)


@post("/cases/{case_id:str}/embargo/proposals/{proposal_id:str}", opt={SCOPE: Scope.CASES_READ}, status_code=200, sync_to_thread=True, summary="Answer a proposal")
def answer(instance: Acting, case_id: FromPath[str], proposal_id: FromPath[str], data: JSONBody[Word]) -> EmbargoClock:
    """Accepting a proposal accepts every shorter one that waits."""
    now = instance.clock.now()
    with instance.database.write() as tx:
        if data.accept:
            actions.accept_embargo(
                tx, case_id, proposal_id, actor=instance.actor.id, envelope=instance.envelope, policy_of=policy_of, now=now
            )
        else:
            actions.decline_embargo(
                tx, case_id, proposal_id, data.reason, actor=instance.actor.id, envelope=instance.envelope, policy_of=policy_of, now=now
            )
    return embargo_clock.read_embargo(instance, case_id)


@post("/cases/{case_id:str}/embargo/withdraw", opt={SCOPE: Scope.CASES_READ}, status_code=200, sync_to_thread=True, summary="Take one's consent back")
def withdraw(instance: Acting, case_id: FromPath[str], data: JSONBody[Reason]) -> EmbargoClock:
    """It stands among the others, who are told that one is not bound."""
    with instance.database.write() as tx:
        actions.withdraw_consent(
            tx, case_id, data.reason, actor=instance.actor.id, envelope=instance.envelope, policy_of=policy_of, now=instance.clock.now()
        )
    return embargo_clock.read_embargo(instance, case_id)


@post("/cases/{case_id:str}/embargo/exit", opt={SCOPE: Scope.CASES_DECIDE}, status_code=200, sync_to_thread=True, summary="End the embargo")
def end(instance: Acting, case_id: FromPath[str], data: JSONBody[Reason]) -> EmbargoClock:
    """Now, for all; a coordinator's word with its reason."""
    with instance.database.write() as tx:
        actions.exit_embargo(
            tx, case_id, data.reason, actor=instance.actor.id, envelope=instance.envelope, policy_of=policy_of, now=instance.clock.now()
        )
    return embargo_clock.read_embargo(instance, case_id)


@post("/cases/{case_id:str}/embargo/facts", opt={SCOPE: Scope.CASES_READ}, sync_to_thread=True, summary="Record a milestone")
def fact(instance: Acting, case_id: FromPath[str], data: JSONBody[NewFact]) -> EmbargoClock:
    """Publication, a public exploit and known exploitation end the embargo for all at once."""
    with instance.database.write() as tx:
        actions.record_fact(
            tx, case_id, data.milestone, data.at, party=data.party, note=data.note, actor=instance.actor.id, envelope=instance.envelope,
            policy_of=policy_of, now=instance.clock.now(),
        )
    return embargo_clock.read_embargo(instance, case_id)


@post("/cases/{case_id:str}/embargo/facts/{fact_id:str}/withdraw", opt={SCOPE: Scope.CASES_DECIDE}, status_code=200, sync_to_thread=True, summary="Withdraw a milestone")
def withdraw_fact(instance: Acting, case_id: FromPath[str], fact_id: FromPath[str]) -> EmbargoClock:
    """Recorded by mistake; what it ended stays ended."""
    with instance.database.write() as tx:
        actions.withdraw_fact(
            tx, case_id, fact_id, actor=instance.actor.id, envelope=instance.envelope, policy_of=policy_of, now=instance.clock.now()
        )
    return embargo_clock.read_embargo(instance, case_id)


@post("/cases/{case_id:str}/embargo/terms", opt={SCOPE: Scope.CASES_DECIDE}, sync_to_thread=True, summary="Apply terms of the policy")
def apply(instance: Acting, case_id: FromPath[str], data: JSONBody[ChosenTerms]) -> EmbargoClock:
    """For example those of the list a case was taken to."""
    known = {terms.id: terms for terms in embargo_clock.known_terms(instance, case_id)}
    if data.terms not in known:
        raise NotFound(f"no terms are called {data.terms[:40]!r}")
    with instance.database.write() as tx:
        actions.apply_terms(
            tx, case_id, known[data.terms], actor=instance.actor.id, envelope=instance.envelope, policy_of=policy_of,
            now=instance.clock.now(),
        )
    return embargo_clock.read_embargo(instance, case_id)


@post("/cases/{case_id:str}/embargo/origin", opt={SCOPE: Scope.CASES_DECIDE}, status_code=200, sync_to_thread=True, summary="Say how it was found")
def origin(instance: Acting, case_id: FromPath[str], data: JSONBody[Origin]) -> EmbargoClock:
    """Found with AI tools open to everybody: some terms then know no embargo."""
    with instance.database.write() as tx:
        actions.record_origin(
            tx, case_id, found_with_public_ai=data.found_with_public_ai, actor=instance.actor.id, envelope=instance.envelope,
            policy_of=policy_of, now=instance.clock.now(),
        )
    return embargo_clock.read_embargo(instance, case_id)


@post("/cases/{case_id:str}/embargo/regimes", opt={SCOPE: Scope.CASES_ACT}, status_code=200, sync_to_thread=True, summary="Say which law a vendor is under")
def regime(instance: Acting, case_id: FromPath[str], data: JSONBody[Law]) -> EmbargoClock:
    """A vendor says it of itself, a coordinator of any vendor; the law's duties run for whoever is under it."""
    with instance.database.write() as tx:
        actions.record_regime(
            tx, case_id, data.regime, applies=data.applies, party=data.party, actor=instance.actor.id, envelope=instance.envelope,
            policy_of=policy_of, now=instance.clock.now(),
        )
    return embargo_clock.read_embargo(instance, case_id)


@post("/cases/{case_id:str}/embargo/duties/{duty_id:str}", opt={SCOPE: Scope.CASES_ACT}, status_code=200, sync_to_thread=True, summary="A duty was met")
def duty_met(instance: Acting, case_id: FromPath[str], duty_id: FromPath[str], data: JSONBody[DutyMet]) -> EmbargoClock:
    """By a vendor of its own duty, or by a coordinator."""
    with instance.database.write() as tx:
        actions.record_duty_met(
            tx, case_id, duty_id, data.at, party=data.party, actor=instance.actor.id, envelope=instance.envelope, policy_of=policy_of,
            now=instance.clock.now(),
        )
    return embargo_clock.read_embargo(instance, case_id)


@post("/cases/{case_id:str}/embargo/leaks", opt={SCOPE: Scope.CASES_READ}, sync_to_thread=True, summary="Report a leak")
def leak(instance: Acting, case_id: FromPath[str], data: JSONBody[NewLeak]) -> Done:
    """Every participant may say so; a coordinator judges it within hours."""
    with instance.database.write() as tx:
        return Done(actions.record_leak(
            tx, case_id, data.where, data.seen_at, actor=instance.actor.id, envelope=instance.envelope, policy_of=policy_of,
            now=instance.clock.now(),
        ).id)


@post("/cases/{case_id:str}/embargo/leaks/{leak_id:str}", opt={SCOPE: Scope.CASES_DECIDE}, status_code=200, sync_to_thread=True, summary="Judge a leak")
def judge(instance: Acting, case_id: FromPath[str], leak_id: FromPath[str], data: JSONBody[LeakWord]) -> Done:
    """Confirmed and public: the embargo ends for all from the instant it was seen."""
    now = instance.clock.now()
    with instance.database.write() as tx:
        if not data.is_leak:
            actions.dismiss_leak(tx, case_id, leak_id, actor=instance.actor.id, envelope=instance.envelope, now=now)
            return Done("dismissed")
        actions.confirm_leak(
            tx, case_id, leak_id, public=data.public, actor=instance.actor.id, envelope=instance.envelope, policy_of=policy_of, now=now
        )
    return Done("confirmed")


ROUTER = Router("/", tags=["embargo"], route_handlers=[
    clock, what_if, propose, answer, withdraw, end, fact, withdraw_fact, apply, origin, regime, duty_met, leak, judge,
])
