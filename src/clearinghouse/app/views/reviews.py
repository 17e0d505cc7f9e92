"""Reviews of models as one viewer may see them: the list, one review with its clock, people, documents, words and partners, and the figures."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from clearinghouse.app.reviews import deeds
from clearinghouse.app.reviews.opening import is_shown, plan_is_shown
from clearinghouse.app.views.review_runs import standing
from clearinghouse.app.wiring import Instance, policy_of
from clearinghouse.core.ids import PartyId
from clearinghouse.core.review_policy import ReviewPolicy
from clearinghouse.core.roles import Role, Scope
from clearinghouse.evaluation.benchmarks.custody import store as custody_store
from clearinghouse.evaluation.benchmarks.packs import store as pack_store
from clearinghouse.evaluation.benchmarks.packs.boxes import fingerprint
from clearinghouse.evaluation.review import documents, rules, store
from clearinghouse.evaluation.review.actions.agreeing import SIGNING_SIDES, is_complete
from clearinghouse.evaluation.review.actions.ending import destruction_due
from clearinghouse.evaluation.review.documents import version_key
from clearinghouse.evaluation.review.records import (
    Document,
    DocumentKind,
    Engagement,
    Entry,
    Look,
    Partner,
    PartnerVote,
    ReviewState,
    Window,
)
from clearinghouse.gateway import store as gateway_store
from clearinghouse.gateway.records import Access
from clearinghouse.parties import store as party_store
from clearinghouse.parties.rules import check_may
from clearinghouse.storage import Transaction

LISTED = 200


@dataclass(frozen=True, slots=True)
class ReviewLine:
    """One review in a list."""

    id: str
    kind: str
    state: str
    state_at: datetime
    developer: str
    model: str
    variant: str
    parts: tuple[str, ...]
    window_ends_at: datetime | None
    """Of the window that is open."""


@dataclass(frozen=True, slots=True)
class PersonLine:
    """A person in a review."""

    id: str
    name: str
    organisation: str
    part: str
    since: datetime
    until: datetime | None
    recused_at: datetime | None


@dataclass(frozen=True, slots=True)
class SignerLine:
    """Who signed."""

    name: str
    side: str
    key: str
    at: datetime


@dataclass(frozen=True, slots=True)
class DocumentLine:
    """A document and where its signatures stand."""

    id: str
    kind: str
    round: int
    digest: str
    made_at: datetime
    made_by: str
    signers: tuple[SignerLine, ...]
    complete: bool
    signed_by_sides: tuple[str, ...]
    """Sides that sign this kind; empty: it is frozen, not signed."""
    newest: bool
    may_sign: bool
    """Whether the viewer could sign it now."""
    predicate: dict[str, Any]


@dataclass(frozen=True, slots=True)
class EntryLine:
    """A word in the record."""

    id: str
    kind: str
    at: datetime
    by: str
    about: str
    text: str
    subject: str
    round: int


@dataclass(frozen=True, slots=True)
class PartnerLine:
    """A candidate and what both sides said."""

    partner: Partner
    votes: tuple[tuple[PartnerVote, str], ...]
    """Each with the name of who said it."""


@dataclass(frozen=True, slots=True)
class AccessLine:
    """An access to the model, without its key."""

    access: Access
    name: str
    standing: str


@dataclass(frozen=True, slots=True)
class ClockLine:
    """The window's clock as both sides see it."""

    open: Window | None
    windows: tuple[Window, ...]
    used_seconds: int
    """Of the model version, so far."""
    hours_max: int
    seconds_left: float
    """Of the open window; 0 where none is open."""
    share_passed: float


@dataclass(frozen=True, slots=True)
class ReviewPage:
    """One review as the viewer may see it."""

    id: str
    kind: str
    state: str
    state_at: datetime
    round: int
    developer: str
    desk: str
    model: str
    version: str
    variant: str
    build_digest: str
    open_weights: bool
    question: str
    partner_release_at: datetime | None
    concerns: str | None
    policy_version: int
    parts: tuple[str, ...]
    recused: bool
    clock: ClockLine
    calendar: rules.Calendar
    people: tuple[PersonLine, ...]
    documents: tuple[DocumentLine, ...]
    entries: tuple[EntryLine, ...]
    looks: tuple[Look, ...]
    partners: tuple[PartnerLine, ...]
    small_partners: tuple[int, int]
    accesses: tuple[AccessLine, ...]
    destruction_due: datetime | None
    materials_destroyed: bool
    deeds: tuple[deeds.Deed, ...]
    reply_due: datetime | None
    """Until when the developer may reply before a determination is drawn up."""


def list_reviews(instance: Instance) -> list[ReviewLine]:
    """The reviews the viewer takes part in, newest first."""
    check_may(instance.actor, Scope.REVIEWS_READ)
    now = instance.clock.now()
    with instance.read() as tx:
        found = store.reviews.list_seen(tx, instance.envelope, viewer=instance.actor.id, now=now, limit=LISTED)
        names = party_store.name_parties(tx, sorted({one.review.developer for one in found}))
        windows = {one.id: store.windows.list_of(tx, one) for one in found}
    return [_line(one, names[one.review.developer][0], windows[one.id], now) for one in found]


@dataclass(frozen=True, slots=True)
class AskLine:
    """An ask that waits for the viewer's share."""

    id: str
    pack: str
    purpose: str
    asked_by: str
    asked_at: datetime
    until: datetime
    fingerprint: str
    """Of the run's key: compared by another way before one releases."""


def list_asks(instance: Instance) -> list[AskLine]:
    """What custodians of a pack are asked for and have not released, soonest over first."""
    if Role.CUSTODIAN not in instance.actor.roles:
        return []
    now, viewer = instance.clock.now(), instance.actor.id
    with instance.read() as tx:
        asks = [one for one in custody_store.list_asks(tx, viewer=viewer, now=now) if one.ended_at is None and one.until > now]
        mine = {one.ask_id for one in custody_store.list_releases(tx, [one.id for one in asks], viewer=viewer, now=now) if one.party == viewer}
        held = {pack.id: pack for pack in pack_store.list_packs(tx, viewer=viewer, now=now)}
        names = party_store.name_parties(tx, sorted({one.asked_by for one in asks}))
    return [
        AskLine(one.id, held[one.pack_id].name, one.purpose, names[one.asked_by][0], one.asked_at, one.until, fingerprint(one.recipient))
        for one in sorted(asks, key=lambda one: one.until) if one.id not in mine and one.pack_id in held
    ]


def read_review(instance: Instance, review_id: str) -> ReviewPage:
    """One review.

    Raises:
        NotFound: there is none that the viewer may see.
    """
    check_may(instance.actor, Scope.REVIEWS_READ)
    engagement = deeds.find(instance, review_id)
    now = instance.clock.now()
    with instance.read() as tx:
        return _page(tx, instance, engagement, now)


def _page(tx: Transaction, instance: Instance, engagement: Engagement, now: datetime) -> ReviewPage:
    review = engagement.review
    policy = policy_of(tx, review.policy_version).review
    people = store.reviews.list_participants(tx, engagement)
    entries = [one for one in store.entries.list_of(tx, engagement) if rules.is_shown(engagement, one.kind)]
    kept = store.documents.list_of(tx, engagement)
    plan = plan_is_shown(tx, engagement)
    signed = {one.id for one in kept if one.kind is DocumentKind.DETERMINATION and is_complete(tx, engagement, one, policy)}
    shown = [one for one in kept if is_shown(engagement, one, complete=one.id in signed, plan_shown=plan)]
    partners, votes = store.partners.list_of(tx, engagement), store.partners.votes_of(tx, engagement)
    accesses = gateway_store.list_of_review(tx, [review.id], viewer=engagement.viewer, now=now)
    named = {
        review.developer, review.desk, *(one.party for one in people), *(one.by for one in entries), *(one.made_by for one in kept),
        *(one.by for one in votes), *(one.party for one in accesses),
    }
    signatures = store.documents.signatures(tx, engagement)
    named |= {one.party for found in signatures.values() for one in found}
    names = party_store.name_parties(tx, sorted(named))
    houses = party_store.name_parties(tx, sorted({house for _, house in names.values() if house is not None}))

    def name(party: PartyId) -> str:
        return names[party][0] if party in names else ""

    def house(party: PartyId) -> str:
        own = names[party][1] if party in names else None
        return houses[own][0] if own is not None else ""

    # A developer sees who sits on the desk's side by part and organisation: its people are named in the agreement.
    newest = {one.kind: one.id for one in kept}
    document_lines = tuple(
        _document(tx, engagement, one, policy, signatures.get(one.id, []), name, newest=newest[one.kind] == one.id) for one in shown
    )
    windows = store.windows.list_of(tx, engagement)
    # The machine reckons the hours of a version over all its reviews; the viewer is shown sums.
    with tx.beyond_wall():
        of_version = store.windows.system_of_version(tx, version_key(review.model, review.developer))
    preview = [one for one in kept if one.kind is DocumentKind.ASSESSMENT]
    return ReviewPage(
        review.id, review.kind, review.state, review.state_at, review.round, name(review.developer), name(review.desk), review.model.name,
        review.model.version, review.model.variant, review.model.build_digest, review.model.open_weights, review.question,
        review.partner_release_at, review.concerns, review.policy_version, tuple(sorted(engagement.parts)), engagement.recused,
        _clock(windows, of_version, policy, now), rules.calendar(review, of_version, policy, now),
        tuple(PersonLine(one.party, name(one.party), house(one.party), one.part, one.since, one.until, one.recused_at) for one in people),
        document_lines, tuple(_entry(one, name(one.by)) for one in entries), tuple(store.looks.list_of(tx, engagement)),
        tuple(PartnerLine(one, tuple((vote, name(vote.by)) for vote in votes if vote.partner_id == one.id)) for one in partners),
        rules.share_of_small(partners), tuple(AccessLine(one, name(one.party), standing(one, now)) for one in accesses),
        destruction_due(tx, engagement), not engagement.materials_key, tuple(deeds.offered(engagement)),
        preview[-1].made_at + timedelta(days=policy.reply_days) if preview and review.state is ReviewState.PREVIEWED else None,
    )


def _line(engagement: Engagement, developer: str, windows: Sequence[Window], now: datetime) -> ReviewLine:
    review = engagement.review
    ends = next((window.ends_at for window in windows if rules.is_open(window, now)), None)
    return ReviewLine(
        review.id, review.kind, review.state, review.state_at, developer, f"{review.model.name} {review.model.version}", review.model.variant,
        tuple(sorted(engagement.parts)), ends,
    )


def _document(
    tx: Transaction, engagement: Engagement, document: Document, policy: ReviewPolicy, signed: Sequence[Any], name: Any, *, newest: bool
) -> DocumentLine:
    sides = SIGNING_SIDES.get(document.kind, ())
    side = rules.side_of(engagement.parts)
    may_sign = (
        newest and side in sides and all(one.party != engagement.viewer for one in signed)
        and (engagement.review.state not in (ReviewState.CLOSED, ReviewState.WITHDRAWN) or document.kind is DocumentKind.DESTRUCTION)
    )
    return DocumentLine(
        document.id, document.kind, document.round, document.digest, document.made_at, name(document.made_by),
        tuple(SignerLine(name(one.party), one.side, documents.digest_of(one.public_key)[7:19], one.at) for one in signed),
        not sides or is_complete(tx, engagement, document, policy), tuple(sides), newest, may_sign, documents.predicate_of(document),
    )


def _entry(entry: Entry, by: str) -> EntryLine:
    return EntryLine(entry.id, entry.kind, entry.at, by, entry.about, entry.text, entry.subject, entry.round)


def _clock(windows: Sequence[Window], of_version: Sequence[Window], policy: ReviewPolicy, now: datetime) -> ClockLine:
    current = next((window for window in windows if rules.is_open(window, now)), None)
    left = max(0.0, (current.ends_at - now).total_seconds()) if current is not None else 0.0
    whole = (current.ends_at - current.starts_at).total_seconds() if current is not None else 1.0
    return ClockLine(
        current, tuple(windows), rules.used_seconds(of_version, now), policy.window_hours_max, left, 1 - left / whole if current is not None else 0.0
    )


@dataclass(frozen=True, slots=True)
class PublicFigures:
    """What the public is told of reviews: counts, small ones not. None: too few to tell."""

    opened: int | None
    closed: int | None
    withdrawn: int | None
    open_now: int | None
    days_used: int | None
    """By all windows together, whole days."""
    small_cell_min: int
    as_of: datetime


def public_figures(instance: Instance) -> PublicFigures:
    """Windows opened, closed and withdrawn, and the days they used: for everybody, naming nobody."""
    with instance.database.read() as tx:
        windows = store.windows.system_figures(tx)
    return figures_of(windows, instance.policy.review.small_cell_min, instance.clock.now())


def figures_of(windows: Sequence[tuple[Window, bool]], small: int, now: datetime) -> PublicFigures:
    """The figures over all windows, each with whether its review was withdrawn, as they stood when the month began.

    By the month, so that two looks a day apart do not tell of one window. A figure below the least cell is not told, nor so many others that
    it could be reckoned from: closed, withdrawn and open add up to opened.
    """
    as_of = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    begun = [(window, gone) for window, gone in windows if window.starts_at < as_of]
    live = sum((window.ended_at or window.ends_at) >= as_of for window, _ in begun)
    withdrawn = sum(gone and (window.ended_at or window.ends_at) < as_of for window, gone in begun)
    cells = {"open": live, "withdrawn": withdrawn, "closed": len(begun) - live - withdrawn}
    hidden = {name for name, count in cells.items() if 0 < count < small}
    # One hidden cell, or several that are few together, could be had from the total and the others: the smallest told one goes with them.
    while hidden and len(hidden) < len(cells) and (len(hidden) == 1 or sum(cells[name] for name in hidden) < small):
        hidden.add(min((name for name in cells if name not in hidden), key=lambda name: cells[name]))
    few = 0 < len(begun) < small
    told = {name: None if few or name in hidden else count for name, count in cells.items()}
    days = rules.used_seconds([window for window, _ in begun], as_of) // 86_400
    return PublicFigures(
        None if few else len(begun), told["closed"], told["withdrawn"], told["open"], None if few else days, small, as_of
    )
