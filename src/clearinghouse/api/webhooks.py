"""Webhooks: subscriptions of the calling party, and their secrets (Standard Webhooks 1.0)."""

from datetime import datetime
from typing import Annotated

import msgspec
from litestar import Router, delete, get, post
from litestar.params import FromPath, JSONBody

from clearinghouse.api.authentication import SCOPE, Acting
from clearinghouse.api.coordination.shapes import Done
from clearinghouse.app.channels.sender import outward_of
from clearinghouse.core.roles import Scope
from clearinghouse.parties.notices import actions
from clearinghouse.parties.notices.records import Hook, NoticeKind
from clearinghouse.parties.notices.store import hooks


class NewHook(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is to be posted where."""

    url: Annotated[str, msgspec.Meta(min_length=8, max_length=2000)]
    kinds: Annotated[tuple[NoticeKind, ...], msgspec.Meta(min_length=1, max_length=40)]


class HookLine(msgspec.Struct, frozen=True):
    """A subscription without its secrets."""

    id: str
    url: str
    kinds: list[NoticeKind]
    active: bool
    failures: int
    created_at: datetime


class HookMade(msgspec.Struct, frozen=True):
    """A subscription and the secret that signs its deliveries, shown this once."""

    hook: HookLine
    secret: str


class Secret(msgspec.Struct, frozen=True):
    """The new secret, shown this once; the one before signs along for some days."""

    secret: str


def _line(hook: Hook) -> HookLine:
    return HookLine(hook.id, hook.url, sorted(hook.kinds), hook.active, hook.failures, hook.created_at)


@get("/webhooks", opt={SCOPE: Scope.WEBHOOKS_MANAGE}, sync_to_thread=True, summary="One's webhooks")
def list_hooks(instance: Acting) -> list[HookLine]:
    """Those of the calling party."""
    with instance.read() as tx:
        return [_line(hook) for hook in hooks.list_hooks(tx, instance.envelope, viewer=instance.actor.id)]


@post("/webhooks", opt={SCOPE: Scope.WEBHOOKS_MANAGE}, sync_to_thread=True, summary="Subscribe")
def subscribe(instance: Acting, data: JSONBody[NewHook]) -> HookMade:
    """Deliveries say what happened to which object and nothing of its content; the receiver asks for the rest with its own rights."""
    with instance.database.write() as tx:
        hook, secret = actions.subscribe(
            tx, data.url, data.kinds, party=instance.actor.id, check_url=outward_of(instance).check, envelope=instance.envelope,
            actor=instance.actor.id, now=instance.clock.now(),
        )
    return HookMade(_line(hook), secret)


@post("/webhooks/{hook_id:str}/secret", opt={SCOPE: Scope.WEBHOOKS_MANAGE}, status_code=200, sync_to_thread=True, summary="Rotate the secret")
def rotate(instance: Acting, hook_id: FromPath[str]) -> Secret:
    """Both secrets sign until the old one runs out."""
    with instance.database.write() as tx:
        return Secret(actions.rotate_secret(
            tx, hook_id, policy=instance.policy.notices, envelope=instance.envelope, actor=instance.actor.id, now=instance.clock.now()
        ))


@post("/webhooks/{hook_id:str}/resume", opt={SCOPE: Scope.WEBHOOKS_MANAGE}, status_code=200, sync_to_thread=True, summary="Switch on again")
def resume(instance: Acting, hook_id: FromPath[str]) -> HookLine:
    """After too many failures it was switched off; what happened meanwhile is not posted."""
    with instance.database.write() as tx:
        return _line(actions.resume_hook(
            tx, hook_id, envelope=instance.envelope, actor=instance.actor.id, now=instance.clock.now()
        ))


@delete("/webhooks/{hook_id:str}", opt={SCOPE: Scope.WEBHOOKS_MANAGE}, status_code=200, sync_to_thread=True, summary="Unsubscribe")
def unsubscribe(instance: Acting, hook_id: FromPath[str]) -> Done:
    """Its address and secrets are forgotten."""
    with instance.database.write() as tx:
        actions.unsubscribe(tx, hook_id, envelope=instance.envelope, actor=instance.actor.id, now=instance.clock.now())
    return Done()


ROUTER = Router("/", tags=["webhooks"], route_handlers=[list_hooks, subscribe, rotate, resume, unsubscribe])
