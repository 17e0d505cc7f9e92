"""The analysis plan of a review over a sealed pack: proposed, checked against what it must promise, and frozen."""

import hashlib
import hmac
import itertools
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from clearinghouse.app.wiring import Instance, policy_of
from clearinghouse.core.errors import Conflict, Invalid
from clearinghouse.core.review_policy import BenchmarkPolicy
from clearinghouse.evaluation.benchmarks.packs import actions as packs
from clearinghouse.evaluation.benchmarks.packs import store as pack_store
from clearinghouse.evaluation.benchmarks.packs.records import Pack, PackedItem
from clearinghouse.evaluation.review import actions, store
from clearinghouse.evaluation.review.documents import identity_digest
from clearinghouse.evaluation.review.records import Document, DocumentKind, Engagement
from clearinghouse.evaluation.statistics.plan import (
    Counting,
    Design,
    EffortFloor,
    Overshoot,
    Plan,
    PlannedDomain,
    PlannedFamily,
    Rule,
    SampleBudget,
    Spending,
    Split,
    draw_order,
    parse_plan,
    plan_digest,
    render_plan,
)
from clearinghouse.evaluation.statistics.power import check_plan
from clearinghouse.evaluation.statistics.records import View
from clearinghouse.storage import Transaction

_LOOK_SHARES = (0.2, 0.4, 0.6, 0.8)
_SEQUENTIAL_MIN = 10
"""With fewer families a look in between shows nothing."""


@dataclass(frozen=True, slots=True)
class Choices:
    """What an evaluator chooses of a proposed plan; the rest follows from the pack, the review and policy."""

    threshold: float = 0.5
    alternative: float = 0.7
    epochs: int = 3
    tokens: int | None = None
    messages: int | None = None
    seconds: float | None = None
    effort: EffortFloor = field(default_factory=lambda: EffortFloor(2, 5, 20, 1_000_000, 8.0))


@dataclass(frozen=True, slots=True)
class Blinding:
    """A pack's items under names made for one engagement, which tell the developer nothing of the pack."""

    item_of: Mapping[str, str]
    """Blinded id to the item's own."""
    family_of: Mapping[str, str]
    """Blinded item to blinded family."""
    domain_of: Mapping[str, str]
    """Blinded item to domain."""


def blind(instance: Instance, engagement: Engagement, items: list[PackedItem]) -> Blinding:
    """The names: keyed hashes, the same whenever they are asked for in this engagement and others in every other."""
    named = {one.id: "i-" + _keyed(instance, engagement, "item", one.id) for one in items}
    return Blinding(
        {name: item for item, name in named.items()},
        {named[one.id]: "f-" + _keyed(instance, engagement, "family", one.family) for one in items},
        {named[one.id]: one.domain.value for one in items},
    )


def propose_plan(instance: Instance, review_id: str, pack_id: str, choices: Choices | None = None) -> Plan:
    """A plan over everything in a pack that is not retired, for an evaluator to change before it is frozen.

    Raises:
        NotFound: there is no such review or pack for the actor.
        Conflict: the terms are not signed, or the pack is retired.
    """
    choices = choices or Choices()
    now, viewer = instance.clock.now(), instance.actor.id
    with instance.read() as tx:
        engagement = actions.enter(tx, review_id, envelope=instance.envelope, viewer=viewer, now=now)
        pack, items = _pack(tx, instance, pack_id)
        agreement = store.documents.latest(tx, engagement, DocumentKind.AGREEMENT)
        policy = policy_of(tx, engagement.review.policy_version)
    if agreement is None:
        raise Conflict("a plan follows on signed terms; there are none")
    blinding = blind(instance, engagement, items)
    # Both sides signed it and neither chose its digest: nobody could choose the order of the families by it.
    seed = agreement.digest
    domains = tuple(
        replace(domain, families=draw_order(domain.families, seed, domain.name)) for domain in _domains(blinding, choices)
    )
    short = min(len(domain.families) for domain in domains) < _SEQUENTIAL_MIN
    bounds = policy.benchmarks
    return Plan(
        engagement.id, identity_digest(engagement.review.model), engagement.review.model.variant.value, pack.root.hex(), seed, domains,
        choices.epochs, policy.analysis.alpha_max, 0.2, policy.analysis.power_share_min, Split.HOLM,
        Rule.SINGLE_LOOK if short else Rule.GROUP_SEQUENTIAL, Spending.OBRIEN_FLEMING, View.CHEATING_REMOVED, Counting.ZERO, Counting.ZERO,
        bounds.infrastructure_attempts_max, Overshoot.EXCLUDED, choices.effort,
        SampleBudget(choices.tokens or bounds.sample_tokens_max, choices.messages or bounds.sample_messages_max, choices.seconds or bounds.sample_seconds_max),
        Design(1.5, 1.0, 0.0),
    )


def freeze_plan(instance: Instance, review_id: str, pack_id: str, untrusted_plan: bytes, *, rehearsal: bool = False) -> tuple[Document, Plan]:
    """Freeze a plan: it promises what policy asks, or says of itself that it is a rehearsal.

    Raises:
        NotFound, NotPermitted, Conflict: as for `actions.freeze_plan`.
        Invalid: the plan is not of this review, variant, build or pack, or does not hold what it claims. Says which.
    """
    plan = parse_plan(untrusted_plan)
    now, viewer = instance.clock.now(), instance.actor.id
    with instance.database.write() as tx:
        engagement = actions.enter(tx, review_id, envelope=instance.envelope, viewer=viewer, now=now)
        pack, items = _pack(tx, instance, pack_id)
        policy = policy_of(tx, engagement.review.policy_version)
        agreement = store.documents.latest(tx, engagement, DocumentKind.AGREEMENT)
        if agreement is None:
            raise Conflict("a plan follows on signed terms; there are none")
        _check_subject(plan, engagement, pack, blind(instance, engagement, items))
        _check_drawn(plan, agreement.digest)
        _check_runnable(plan, policy.benchmarks)
        if not rehearsal:
            check_plan(plan, policy.analysis)
        digest = plan_digest(plan)
        document = actions.freeze_plan(
            tx, review_id, render_plan(plan), digest, plan.item_root, thresholds={one.name: one.threshold for one in plan.domains},
            pack=pack.id, rehearsal=rehearsal, envelope=instance.envelope, actor=viewer, now=now,
        )
    return document, plan


def frozen(tx: Transaction, engagement: Engagement) -> tuple[Plan, dict[str, Any]]:
    """The frozen plan and the whole of what was frozen with it.

    Raises:
        Conflict: there is none.
    """
    predicate = actions.frozen_plan(tx, engagement)
    return parse_plan(predicate["plan"]), predicate


def _pack(tx: Transaction, instance: Instance, pack_id: str) -> tuple[Pack, list[PackedItem]]:
    now, viewer = instance.clock.now(), instance.actor.id
    pack = packs.find(tx, pack_id, viewer=viewer, now=now)
    if pack.retired_at is not None:
        raise Conflict(f"pack {pack.id} is retired; nothing of it is opened any more")
    return pack, [one for one in pack_store.list_items(tx, pack.id, viewer=viewer, now=now) if one.retired_at is None]


def _domains(blinding: Blinding, choices: Choices) -> list[PlannedDomain]:
    grouped: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for item, family in blinding.family_of.items():
        grouped[blinding.domain_of[item]][family].append(item)
    made = []
    for domain, families in sorted(grouped.items()):
        count = len(families)
        looks = sorted({*(max(2, round(share * count)) for share in _LOOK_SHARES if count >= _SEQUENTIAL_MIN), count})
        planned = tuple(PlannedFamily(name, domain, tuple(sorted(items))) for name, items in sorted(families.items()))
        made.append(PlannedDomain(domain, choices.threshold, choices.alternative, planned, tuple(looks)))
    return made


def _check_subject(plan: Plan, engagement: Engagement, pack: Pack, blinding: Blinding) -> None:
    review = engagement.review
    for what, found, right in (
        ("engagement", plan.engagement, review.id), ("model.variant", plan.model_variant, review.model.variant.value),
        ("model.build", plan.model_build, identity_digest(review.model)), ("item_root", plan.item_root, pack.root.hex()),
    ):
        if found != right:
            raise Invalid(f"plan.{what} is {found[:80]!r}; for this review and pack it is {right!r}")
    for planned in plan.grid().items:
        if blinding.family_of.get(planned.item) != planned.family or blinding.domain_of.get(planned.item) != planned.domain:
            raise Invalid(f"the plan names {planned.item[:40]!r} in {planned.family[:40]!r} of {planned.domain[:40]!r}; the pack has no such item there")


def _check_drawn(plan: Plan, seed: str) -> None:
    # A look stops a domain early: who chose the order of its families, or the looks, would choose what is looked at.
    if plan.seed != seed:
        raise Invalid(f"plan.seed is {plan.seed[:80]!r}; it is the digest of the signed agreement, {seed!r}, which neither side could choose")
    for domain in plan.domains:
        if domain.families != draw_order(domain.families, seed, domain.name):
            raise Invalid(f"the families of {domain.name[:40]!r} do not stand in the order that the seed draws")
        if any(later <= earlier for earlier, later in itertools.pairwise(domain.looks)) or domain.looks[-1:] != (len(domain.families),):
            raise Invalid(f"the looks of {domain.name[:40]!r} must rise and end with all {len(domain.families)} families")


def _check_runnable(plan: Plan, policy: BenchmarkPolicy) -> None:
    # What is frozen cannot be changed: a plan that no run can keep is refused before.
    for what, found, most in (
        ("tokens", plan.budget.tokens, policy.sample_tokens_max), ("messages", plan.budget.messages, policy.sample_messages_max),
        ("seconds", plan.budget.seconds, policy.sample_seconds_max),
    ):
        if found > most:
            raise Invalid(f"plan.sample_budget.{what} is {found:g}; policy lets a sample have at most {most:g}")
    if plan.infrastructure_attempts != policy.infrastructure_attempts_max:
        raise Invalid(
            f"plan.missing.infrastructure_attempts is {plan.infrastructure_attempts}; a cell lost to our machinery is tried "
            f"{policy.infrastructure_attempts_max} times by policy"
        )


def _keyed(instance: Instance, engagement: Engagement, kind: str, name: str) -> str:
    text = f"clearinghouse/blinded-{kind}/v1\0{engagement.id}\0{name}".encode()
    return hmac.new(instance.envelope.index_key(), text, hashlib.sha256).hexdigest()[:12]
