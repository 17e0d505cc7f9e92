"""A maintainer's page: how its projects want to be told, what waits, and its answers to what reached it."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from litestar import Response, Router, get, post
from litestar.params import FromPath

from clearinghouse.app.charter_fetch import prove_by_fetch
from clearinghouse.app.views.maintainer import MaintainerPage, Week, read_maintainer
from clearinghouse.app.wiring import Instance
from clearinghouse.core.clock import parse_instant
from clearinghouse.core.errors import ClearinghouseError, Conflict, Invalid, NotFound, NotPermitted, Unavailable
from clearinghouse.core.ids import PartyId
from clearinghouse.core.roles import Scope
from clearinghouse.disclosure.coordination.capacity import Reply, ReplyKind
from clearinghouse.disclosure.coordination.capacity import actions as capacity
from clearinghouse.parties import store as party_store
from clearinghouse.parties.charters import Adopted, Charter, Problem, actions, store
from clearinghouse.parties.charters.document import read_document
from clearinghouse.parties.charters.rendering import render_toml
from clearinghouse.web import pages, rendering
from clearinghouse.web.plots import Bar
from clearinghouse.web.rendering import Flash
from clearinghouse.web.visitor import Form, Sent, Visiting, Visitor

_REFUSALS = (Invalid, Conflict, NotPermitted, Unavailable)
STARTER = """charter = 1

[project]
name = "{name}"
packages = []
repositories = []

[capacity]
per_week = 3
"""
"""A charter to begin with; `name` is to be put in."""
ANSWERS = (
    ("accept", "We take it"), ("more", "We need more"), ("wait", "Later, until the instant below"), ("not_a_vulnerability", "No vulnerability here"),
    ("decline", "We decline it"),
)
"""What a vendor may answer to what was delivered, in its own words."""


@dataclass(frozen=True, slots=True)
class Maintained:
    """One vendor whose page the viewer may see."""

    view: MaintainerPage
    projects: tuple[pages.Project, ...]
    starter: str
    """A charter to begin with, where there is none."""
    weeks: tuple[Bar, ...]


@get("/maintainer", sync_to_thread=True, include_in_schema=False)
def maintainer(visitor: Visiting) -> Response[Any]:
    """One's own vendors: charters, what waits with a forecast, what awaits an answer."""
    return _show(visitor)


@post("/maintainer/{vendor:str}/charter", sync_to_thread=True, include_in_schema=False)
def charter(visitor: Visiting, vendor: FromPath[str], form: Form) -> Response[Any]:
    """Put a charter in force, or send it back with each problem at its line."""
    instance = _of(visitor, vendor)
    now, limits = instance.clock.now(), instance.policy.charters
    text = form.text("charter").encode()
    read = read_document(text, limits, now)
    if read.charter is None:
        return _show(visitor, form, "This charter cannot be put in force; each line that is wrong says why.", vendor, read.problems)
    try:
        with instance.database.write() as tx:
            actions.adopt_charter(tx, PartyId(vendor), text, actor=instance.actor.id, envelope=instance.envelope, limits=limits, now=now)
    except _REFUSALS as error:
        return _show(visitor, form, str(error), vendor, read.problems, _status(error))
    noticed = f" Noticed: {'; '.join(str(problem) for problem in read.problems[:3])}" if read.problems else ""
    return visitor.go("/maintainer", Flash("done", f"In force; it binds every sender from now on.{noticed}"[:380]))


@post("/maintainer/{vendor:str}/claim", sync_to_thread=True, include_in_schema=False)
def claim(visitor: Visiting, vendor: FromPath[str], form: Form) -> Response[Any]:
    """Begin to prove that a repository is one's own."""
    instance = _of(visitor, vendor)
    try:
        with instance.database.write() as tx:
            made = actions.open_claim(
                tx, PartyId(vendor), form.text("repository"), actor=instance.actor.id, envelope=instance.envelope, now=instance.clock.now()
            )
    except _REFUSALS as error:
        return _show(visitor, form, str(error), vendor, http_status=_status(error))
    return visitor.go("/maintainer", Flash("done", f'Write claims = ["{made.id}"] into [project] of the charter in that repository, then fetch it here.'))


@post("/maintainer/{vendor:str}/fetch", sync_to_thread=True, include_in_schema=False)
def fetch(visitor: Visiting, vendor: FromPath[str], form: Form) -> Response[Any]:
    """The charter from a claimed repository; the claim's number in it proves the claim."""
    instance = _of(visitor, vendor)
    with instance.read() as tx:
        mine = next((one for one in store.claims_of(tx, PartyId(vendor)) if one.id == form.text("claim")), None)
    if mine is None:
        raise NotFound(f"no claim {form.text('claim')[:40]!r} stands")
    try:
        adopted, _ = prove_by_fetch(instance, mine.id, mine.key.value)
    except NotFound as error:
        return visitor.go("/maintainer", Flash("problem", str(error)))
    except _REFUSALS as error:
        return visitor.go("/maintainer", Flash("problem", str(error)))
    return visitor.go("/maintainer", Flash("done", f"Fetched from {adopted.source_url}: version {adopted.version} is in force."))


@post("/maintainer/{vendor:str}/opt-out", sync_to_thread=True, include_in_schema=False)
def opt_out(visitor: Visiting, vendor: FromPath[str], form: Form) -> Response[Any]:
    """Nothing is sent any more, as a version of the charter like every other."""
    return _opt(visitor, vendor, form, contact=True)


@post("/maintainer/{vendor:str}/opt-in", sync_to_thread=True, include_in_schema=False)
def opt_in(visitor: Visiting, vendor: FromPath[str], form: Form) -> Response[Any]:
    """Be told again."""
    return _opt(visitor, vendor, form, contact=False)


@post("/maintainer/{vendor:str}/answer", sync_to_thread=True, include_in_schema=False)
def answer(visitor: Visiting, vendor: FromPath[str], form: Form) -> Response[Any]:
    """Say what becomes of what was delivered."""
    instance = _of(visitor, vendor)
    try:
        if form.text("answer") not in set(ReplyKind):
            raise Invalid(f"an answer is one of: {', '.join(ReplyKind)}")
        reply = Reply(ReplyKind(form.text("answer")), form.text("reason"), form.text("exclusion"), _instant(form.text("until")))
        with instance.database.write() as tx:
            capacity.answer_delivery(
                tx, form.text("delivery"), reply, actor=instance.actor.id, envelope=instance.envelope, policy=instance.policy.capacity,
                now=instance.clock.now(),
            )
    except _REFUSALS as error:
        return _show(visitor, form, str(error), vendor, http_status=_status(error), delivery=form.text("delivery"))
    return visitor.go("/maintainer", Flash("done", "Your answer is kept, and the coordinators see it."))


def _of(visitor: Visitor, vendor: str) -> Instance:
    """The instance as somebody who speaks for a vendor sees it.

    Raises:
        NotFound: the viewer does not speak for it.
    """
    instance = visitor.acting(Scope.CASES_READ)
    with instance.read() as tx:
        if not actions.speaks_for(tx, instance.actor.id, PartyId(vendor), instance.clock.now()):
            raise NotFound(f"nothing found under {vendor[:40]!r}")
    return instance


def _opt(visitor: Visitor, vendor: str, form: Sent, *, contact: bool) -> Response[Any]:
    instance = _of(visitor, vendor)
    try:
        with instance.database.write() as tx:
            found = actions.read_charter(tx, form.text("charter"), envelope=instance.envelope)
            body = store.read_document(tx, found.id, found.version, instance.envelope)
            if found.party != vendor or body is None:
                raise NotFound(f"nothing found under {form.text('charter')[:40]!r}")
            document = json.loads(body)
            kept = {name: value for name, value in document.get("opt_out", {}).items() if name == "scanning"}
            said = {"reason": form.text("reason")} if form.text("reason") else {}
            document["opt_out"] = {**kept, "contact": contact, **said}
            actions.adopt_charter(
                tx, PartyId(vendor), json.dumps(document).encode(), actor=instance.actor.id, envelope=instance.envelope,
                limits=instance.policy.charters, now=instance.clock.now(),
            )
    except _REFUSALS as error:
        return visitor.go("/maintainer", Flash("problem", str(error)))
    return visitor.go("/maintainer", Flash("done", "Nobody is sent to you any more." if contact else "You are told again, as your charter says."))


def _status(error: ClearinghouseError) -> int:
    return 409 if isinstance(error, Conflict) else 403 if isinstance(error, NotPermitted) else 503 if isinstance(error, Unavailable) else 422


def _instant(untrusted_text: str) -> datetime | None:
    try:
        return parse_instant(untrusted_text) if untrusted_text else None
    except (ValueError, OverflowError):
        raise Invalid("that is no date and time; write it as 2026-12-01T10:00, in UTC") from None


def _show(
    visitor: Visitor, form: Sent | None = None, problem: str = "", vendor: str = "", problems: tuple[Problem, ...] = (),
    http_status: int = 0, delivery: str = "",
) -> Response[Any]:
    """The page; with a form that is sent back, for which vendor or delivery it was, and why."""
    instance = visitor.acting(Scope.CASES_READ)
    me = instance.actor
    with instance.read() as tx:
        teams = [membership.team for membership in party_store.list_memberships(tx, me.id)]
        teams = [team for team in teams if store.claims_of(tx, team) and actions.speaks_for(tx, me.id, team, instance.clock.now())]
    own = me.id if me.organisation is None else me.organisation
    vendors = tuple(_maintained(instance, party) for party in dict.fromkeys((own, *teams)))
    return visitor.render(
        "maintainer.html", http_status=http_status or (422 if problem else 200), vendors=vendors, problems=problems, wrong=vendor,
        wrong_delivery=delivery, answers=ANSWERS, untyped=rendering.Form(), form=(form or Sent({}, {})).back({"": problem} if problem else {}),
    )


def _maintained(instance: Instance, party: PartyId) -> Maintained:
    view = read_maintainer(instance, party)
    with instance.read() as tx:
        texts = {one.id: store.read_document(tx, one.id, one.version, instance.envelope) for one in view.charters}
    past = view.weeks[: len(view.weeks) // 2]
    return Maintained(
        view, tuple(_project(view, one, texts[one.id] or b"", past, instance.clock.now()) for one in view.charters),
        STARTER.format(name=view.name.replace("\\", "").replace('"', "")[:80]),
        tuple(Bar(f"{week.starts_at:%m-%d}", week.delivered) for week in view.weeks),
    )


def _project(view: MaintainerPage, adopted: Adopted, document: bytes, past: tuple[Week, ...], now: datetime) -> pages.Project:
    found = adopted.charter
    source = f"Version {adopted.version}, " + (f"from {adopted.source_url}" if adopted.source_url else "written here")
    if adopted.on_behalf:
        source += ", put in force by a coordinator for you"
    expected = [line.forecast.expected_at for line in view.waiting if line.forecast is not None]
    known = [at for at in expected if at is not None]
    forecast = "Nothing waits." if not view.waiting else (
        f"As you answered lately, the last that nothing stops reaches you by {max(known):%Y-%m-%d}." if known
        else "What waits is stopped by your charter or waits for its sender."
    )
    out = found.opt_out
    return pages.Project(
        adopted.id, found.name, source, terms_of(found), past[-1].delivered if past else 0, found.per_week, len(view.waiting), forecast,
        out.contact and (out.until is None or now < out.until), render_toml(document) if document else "",
    )


def terms_of(charter: Charter) -> dict[str, str]:
    """A charter in short sentences, by what each is about."""
    terms = {
        "For": ", ".join((*(str(package) for package in charter.packages), *charter.repositories)),
        "Told by": ", ".join(f"{contact.channel.replace('_', ' ')} {contact.address}".strip() for contact in charter.contacts) or "this clearinghouse",
        "Reports": f"{charter.take} ones" + (f", with {', '.join(want.replace('_', ' ') for want in charter.required)}" if charter.required else ""),
        "Found by AI": f"{charter.ai_take} ones" + (", a named person standing for each" if charter.ai_accountable_human else "") + (", in public" if charter.ai_public else ""),
    }
    if charter.per_week is not None:
        terms["Cap"] = f"{charter.per_week} a week; exploited flaws pass"
    if charter.embargo.days is not None:
        terms["Embargo"] = f"{charter.embargo.days} days from delivery"
    if charter.regimes:
        terms["Under the law"] = ", ".join(charter.regimes)
    if charter.exclusions:
        terms["No vulnerability"] = "; ".join(entry.words for entry in charter.exclusions)
    return terms


ROUTER = Router("/", route_handlers=[maintainer, charter, claim, fetch, opt_out, opt_in, answer])
