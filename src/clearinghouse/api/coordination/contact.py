"""Contact with silent parties: the log of attempts, the clock of silence, and the next step."""

from datetime import datetime
from typing import Annotated

import msgspec
from litestar import Router, get, post
from litestar.params import FromPath, JSONBody

from clearinghouse.api.authentication import SCOPE, Acting
from clearinghouse.app.wiring import policy_of
from clearinghouse.core.roles import Scope
from clearinghouse.disclosure.coordination.contact import actions
from clearinghouse.disclosure.coordination.contact.records import Acted, Channel, Result, Watch

Text = Annotated[str, msgspec.Meta(max_length=4000)]


class NewWatch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """From whom an answer is expected."""

    whom: Annotated[str, msgspec.Meta(min_length=1, max_length=300)]
    """In words: a project, a security address."""
    party: str = ""
    """Its id, where it is a party here."""


class NewAttempt(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One attempt to reach it."""

    channel: Channel
    result: Result
    at: Annotated[datetime, msgspec.Meta(tz=True)]
    hint: Text = ""
    note: Text = ""


class NextStep(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is done about the silence, and why."""

    step: Acted
    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=4000)]


@get("/cases/{case_id:str}/contact", opt={SCOPE: Scope.CASES_READ}, sync_to_thread=True, summary="Who is expected to answer")
def watches(instance: Acting, case_id: FromPath[str]) -> list[Watch]:
    """All of them with their logs for coordinators; for others the one about themselves."""
    with instance.read() as tx:
        return actions.list_watches(tx, case_id, envelope=instance.envelope, viewer=instance.actor.id, now=instance.clock.now())


@post("/cases/{case_id:str}/contact", opt={SCOPE: Scope.CASES_DECIDE}, sync_to_thread=True, summary="Expect an answer")
def begin(instance: Acting, case_id: FromPath[str], data: JSONBody[NewWatch]) -> Watch:
    """Reminders, and the day on which silence is silence, are set."""
    with instance.database.write() as tx:
        return actions.begin_watch(
            tx, case_id, data.whom, party=data.party, actor=instance.actor.id, envelope=instance.envelope, policy_of=policy_of,
            now=instance.clock.now(),
        )


@post("/cases/{case_id:str}/contact/{watch_id:str}/attempts", opt={SCOPE: Scope.CASES_DECIDE}, sync_to_thread=True, summary="Log an attempt")
def attempt(instance: Acting, case_id: FromPath[str], watch_id: FromPath[str], data: JSONBody[NewAttempt]) -> Watch:
    """Later steps rest on this log; an answer acknowledges."""
    with instance.database.write() as tx:
        return actions.log_attempt(
            tx, case_id, watch_id, data.channel, data.result, at=data.at, hint=data.hint, note=data.note, actor=instance.actor.id,
            envelope=instance.envelope, policy_of=policy_of, now=instance.clock.now(),
        )


@post("/cases/{case_id:str}/contact/{watch_id:str}/acknowledge", opt={SCOPE: Scope.CASES_READ}, status_code=200, sync_to_thread=True, summary="It has answered")
def acknowledge(instance: Acting, case_id: FromPath[str], watch_id: FromPath[str]) -> Watch:
    """A coordinator's word, or the party's own."""
    with instance.database.write() as tx:
        return actions.acknowledge(
            tx, case_id, watch_id, actor=instance.actor.id, envelope=instance.envelope, policy_of=policy_of, now=instance.clock.now()
        )


@post("/cases/{case_id:str}/contact/{watch_id:str}/step", opt={SCOPE: Scope.CASES_DECIDE}, status_code=200, sync_to_thread=True, summary="Take the next step")
def step(instance: Acting, case_id: FromPath[str], watch_id: FromPath[str], data: JSONBody[NextStep]) -> Watch:
    """Escalate, or go on to a maintainer of last resort; refused with what the log still lacks."""
    with instance.database.write() as tx:
        return actions.act(
            tx, case_id, watch_id, data.step, data.reason, actor=instance.actor.id, envelope=instance.envelope, policy_of=policy_of,
            now=instance.clock.now(),
        )


@post("/cases/{case_id:str}/contact/{watch_id:str}/close", opt={SCOPE: Scope.CASES_DECIDE}, status_code=200, sync_to_thread=True, summary="Expect nothing more")
def close(instance: Acting, case_id: FromPath[str], watch_id: FromPath[str]) -> Watch:
    """The clock of silence stops."""
    with instance.database.write() as tx:
        return actions.close_watch(
            tx, case_id, watch_id, actor=instance.actor.id, envelope=instance.envelope, policy_of=policy_of, now=instance.clock.now()
        )


ROUTER = Router("/", tags=["contact"], route_handlers=[watches, begin, attempt, acknowledge, step, close])
