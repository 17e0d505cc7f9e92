"""Who takes part in a case: invitations, answers to them, tiers, the lead, and each one's report state."""

from datetime import datetime
from typing import Annotated

import msgspec
from litestar import Router, post
from litestar.params import FromPath, JSONBody

from clearinghouse.api.authentication import SCOPE, Acting
from clearinghouse.api.coordination.shapes import Done, Reason
from clearinghouse.core.roles import Scope
from clearinghouse.disclosure.coordination.rooms import actions
from clearinghouse.disclosure.coordination.rooms.records import CaseRole

TierNumber = Annotated[int, msgspec.Meta(ge=0, le=3)]
Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class Invitation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whom to invite, as what, and why."""

    party: str
    role: CaseRole
    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=4000)]
    tier: TierNumber | None = None
    until: Moment | None = None


class TierChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How far a participant is read in from now on."""

    tier: TierNumber
    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=4000)]
    until: Moment | None = None


class Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A step of report management."""

    verb: Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
    """`receive`, `validate`, `invalidate`, `accept`, `defer` or `close`."""
    reason: Annotated[str, msgspec.Meta(max_length=4000)] = ""
    party: str | None = None
    """The participant whose step it is; the caller where left out."""


@post("/cases/{case_id:str}/participants", opt={SCOPE: Scope.CASES_DECIDE}, sync_to_thread=True, summary="Invite a party")
def invite(instance: Acting, case_id: FromPath[str], data: JSONBody[Invitation]) -> Done:
    """It reads nothing but the invitation until somebody of it accepts."""
    with instance.database.write() as tx:
        found = actions.invite(
            tx, case_id, data.party, data.role, data.reason, tier=data.tier, until=data.until, actor=instance.actor.id,
            envelope=instance.envelope, limits=instance.policy.rooms, now=instance.clock.now(),
        )
    return Done(found.state)


@post("/cases/{case_id:str}/accept", opt={SCOPE: Scope.CASES_READ}, status_code=200, sync_to_thread=True, summary="Accept an invitation")
def accept(instance: Acting, case_id: FromPath[str]) -> Done:
    """Take part, for oneself, one's organisation or one's team."""
    with instance.database.write() as tx:
        return Done(actions.accept_invitation(tx, case_id, actor=instance.actor.id, now=instance.clock.now()).state)


@post("/cases/{case_id:str}/refuse", opt={SCOPE: Scope.CASES_READ}, status_code=200, sync_to_thread=True, summary="Decline an invitation")
def refuse(instance: Acting, case_id: FromPath[str], data: JSONBody[Reason]) -> Done:
    """Say no to an invitation, with a reason."""
    with instance.database.write() as tx:
        actions.decline_invitation(
            tx, case_id, data.reason, actor=instance.actor.id, envelope=instance.envelope, now=instance.clock.now()
        )
    return Done()


@post("/cases/{case_id:str}/decline", opt={SCOPE: Scope.CASES_READ}, status_code=200, sync_to_thread=True, summary="Decline the case as its vendor")
def decline(instance: Acting, case_id: FromPath[str], data: JSONBody[Reason]) -> Done:
    """The vendor will not work on it: its report state closes and its place in the queue is free."""
    with instance.database.write() as tx:
        actions.decline_case(tx, case_id, data.reason, actor=instance.actor.id, envelope=instance.envelope, now=instance.clock.now())
    return Done()


@post("/cases/{case_id:str}/leave", opt={SCOPE: Scope.CASES_READ}, status_code=200, sync_to_thread=True, summary="Leave a case")
def leave(instance: Acting, case_id: FromPath[str], data: JSONBody[Reason]) -> Done:
    """Stop taking part; what one said stays."""
    with instance.database.write() as tx:
        actions.leave(tx, case_id, data.reason, actor=instance.actor.id, envelope=instance.envelope, now=instance.clock.now())
    return Done()


@post("/cases/{case_id:str}/participants/{party_id:str}/remove", opt={SCOPE: Scope.CASES_DECIDE}, status_code=200, sync_to_thread=True, summary="Remove a participant")
def remove(instance: Acting, case_id: FromPath[str], party_id: FromPath[str], data: JSONBody[Reason]) -> Done:
    """From now on it reads nothing of the case."""
    with instance.database.write() as tx:
        actions.remove_participant(
            tx, case_id, party_id, data.reason, actor=instance.actor.id, envelope=instance.envelope, now=instance.clock.now()
        )
    return Done()


@post("/cases/{case_id:str}/participants/{party_id:str}/tier", opt={SCOPE: Scope.CASES_DECIDE}, status_code=200, sync_to_thread=True, summary="Read a participant in")
def tier(instance: Acting, case_id: FromPath[str], party_id: FromPath[str], data: JSONBody[TierChange]) -> Done:
    """Further or less far, until an instant or until its part ends."""
    with instance.database.write() as tx:
        actions.change_tier(
            tx, case_id, party_id, data.tier, data.reason, until=data.until, actor=instance.actor.id, envelope=instance.envelope,
            now=instance.clock.now(),
        )
    return Done()


@post("/cases/{case_id:str}/participants/{party_id:str}/lead", opt={SCOPE: Scope.CASES_DECIDE}, status_code=200, sync_to_thread=True, summary="Hand the lead over")
def lead(instance: Acting, case_id: FromPath[str], party_id: FromPath[str], data: JSONBody[Reason]) -> Done:
    """Another coordinator of the case answers for it."""
    with instance.database.write() as tx:
        actions.hand_over(
            tx, case_id, party_id, data.reason, actor=instance.actor.id, envelope=instance.envelope, now=instance.clock.now()
        )
    return Done()


@post("/cases/{case_id:str}/report-state", opt={SCOPE: Scope.CASES_READ}, status_code=200, sync_to_thread=True, summary="Take a step of report management")
def step(instance: Acting, case_id: FromPath[str], data: JSONBody[Step]) -> Done:
    """Vultron's report management, for oneself or, as a coordinator, for a silent participant."""
    with instance.database.write() as tx:
        return Done(actions.move_report_state(
            tx, case_id, data.verb, party_id=data.party, reason=data.reason, actor=instance.actor.id, envelope=instance.envelope,
            now=instance.clock.now(),
        ))


ROUTER = Router("/", tags=["participants"], route_handlers=[invite, accept, refuse, decline, leave, remove, tier, lead, step])
