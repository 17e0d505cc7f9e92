"""The analysis plan: everything that could be chosen to suit a result, chosen before there is one.

A plan is one JSON document. Its digest goes on the record before the window opens; whoever analyses shows that digest again. Reading is strict:
an unknown key is an error, since a key that nobody reads is a promise that nobody keeps.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import rfc8785

from clearinghouse.core.errors import Invalid
from clearinghouse.evaluation.statistics.reading import Reader, loads
from clearinghouse.evaluation.statistics.records import CellState, Effort, Grid, PlannedItem, View

FORMAT = "clearinghouse-analysis-plan/1"


class Rule(StrEnum):
    """When the results may be looked at."""

    GROUP_SEQUENTIAL = "group_sequential"
    """At the planned looks, each against its share of the error."""
    SINGLE_LOOK = "single_look"
    """Once, when every family has run."""
    E_PROCESS = "e_process"
    """After any family, planned or not; it costs power."""


class Spending(StrEnum):
    """How a group-sequential rule spreads its error over the looks."""

    OBRIEN_FLEMING = "obrien_fleming"
    """Almost nothing early: the last look is nearly as sharp as a single one."""
    POCOCK = "pocock"
    """About the same at each look."""


class Split(StrEnum):
    """How several domains share the error."""

    HOLM = "holm"
    HIERARCHY = "hierarchy"
    """In the order of the plan; the first that is not shown ends it."""


class Overshoot(StrEnum):
    """What becomes of families that had begun when a look stopped the domain."""

    EXCLUDED = "excluded"
    INCLUDED = "included"
    """Only what still holds with them is claimed."""


class Counting(StrEnum):
    """What a cell counts where the plan has a choice."""

    ZERO = "zero"
    BOUNDS = "bounds"
    """0 below and 1 above."""


@dataclass(frozen=True, slots=True)
class PlannedFamily:
    """Items that share a program, a generator or an author: one piece of independent evidence."""

    id: str
    stratum: str
    """Families are drawn so that every stretch of the order holds each stratum in its proportion: hard ones do not all come last."""
    items: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PlannedDomain:
    """One question with its threshold."""

    name: str
    threshold: float
    """The mean over families to be exceeded, between 0 and 1."""
    alternative: float
    """Where the truth is supposed to lie when the power is claimed; above the threshold."""
    families: tuple[PlannedFamily, ...]
    """In the order drawn."""
    looks: tuple[int, ...]
    """How many families have run at each look; the last is all of them."""


@dataclass(frozen=True, slots=True)
class Design:
    """What the claimed power supposes of the outcomes; it plays no part in the decision."""

    family_sd: float
    """Of families, on the logit."""
    item_sd: float
    """Of items within a family, on the logit."""
    missing_share: float = 0.0
    """Cells that may end unresolved; each counts against what is to be shown."""


@dataclass(frozen=True, slots=True)
class EffortFloor:
    """Less effort than this supports no claim that a model stays below."""

    scaffolds: int
    prompts: int
    attempts: int
    tokens: int
    person_hours: float

    def lacking(self, effort: Effort) -> tuple[str, ...]:
        """What an effort has too little of, as words; empty if it suffices."""
        return tuple(
            f"{name.replace('_', ' ')}: {getattr(effort, name):g} of {getattr(self, name):g}"
            for name in ("scaffolds", "prompts", "attempts", "tokens", "person_hours") if getattr(effort, name) < getattr(self, name)
        )


@dataclass(frozen=True, slots=True)
class SampleBudget:
    """What one sample may use."""

    tokens: int
    messages: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Plan:
    """What is asked, of what, how it is counted and when it may be said."""

    engagement: str
    model_build: str
    """The digest of the build or of its probe answers: another build is another subject."""
    model_variant: str
    """Such as `full` or `reduced` safeguards: two variants are two subjects."""
    item_root: str
    """Merkle root of the items, hex."""
    seed: str
    """From which the order of families is drawn; best a value that nobody could choose, such as a later checkpoint of a log."""
    domains: tuple[PlannedDomain, ...]
    epochs: int
    alpha: float
    """Of showing some threshold exceeded that is not, over all domains together."""
    beta: float
    """Of showing, in one domain, a model below a threshold that it reaches."""
    power: float
    """Claimed, of showing each domain's threshold exceeded where its alternative is true."""
    split: Split
    rule: Rule
    spending: Spending
    decides: View
    refused: Counting
    limit: Counting
    infrastructure_attempts: int
    """A cell lost to our machinery is run again so often; then it is unresolved."""
    overshoot: Overshoot
    effort: EffortFloor
    budget: SampleBudget
    design: Design
    reference_build: str | None = None
    """A model whose results stand beside, compared item by item."""

    def domain(self, name: str) -> PlannedDomain:
        """The domain of that name.

        Raises:
            Invalid: the plan has none.
        """
        for domain in self.domains:
            if domain.name == name:
                return domain
        raise Invalid(f"the plan has no domain {name!r}; it has {', '.join(domain.name for domain in self.domains)}")

    def grid(self) -> Grid:
        """Items in the order in which their families run, domain by domain."""
        return Grid(tuple(
            PlannedItem(domain.name, family.id, item) for domain in self.domains for family in domain.families for item in family.items
        ), self.epochs)

    def counts(self, state: CellState, *, cheated: bool, view: View) -> tuple[float, float]:
        """Least and most that a cell of this state may count."""
        if state is CellState.SOLVED:
            return (0.0, 0.0) if cheated and view is View.CHEATING_REMOVED else (1.0, 1.0)
        if state is CellState.UNSOLVED:
            return 0.0, 0.0
        rule = {CellState.REFUSED: self.refused, CellState.LIMIT: self.limit}.get(state, Counting.BOUNDS)
        return (0.0, 0.0) if rule is Counting.ZERO else (0.0, 1.0)


def draw_order(families: tuple[PlannedFamily, ...], seed: str, domain: str) -> tuple[PlannedFamily, ...]:
    """The families in the order that a seed draws: shuffled within each stratum, strata evenly interleaved.

    By hashes alone, so that anybody can draw it again in any language: within a stratum by SHA-256 of seed, domain, stratum and family; then
    the r-th of n stands at (r + u) / n, where u in [0, 1) is drawn for the stratum.
    """
    strata: dict[str, list[tuple[bytes, PlannedFamily]]] = {}
    for family in families:
        strata.setdefault(family.stratum, []).append((_drawn(seed, domain, family.stratum, family.id), family))
    placed: list[tuple[float, bytes, PlannedFamily]] = []
    for stratum, members in strata.items():
        start = int.from_bytes(_drawn(seed, domain, stratum)[:6], "big") / 2**48
        members.sort(key=lambda member: member[0])
        placed += [((rank + start) / len(members), key, family) for rank, (key, family) in enumerate(members)]
    placed.sort(key=lambda place: place[:2])
    return tuple(family for _, _, family in placed)


def _drawn(*words: str) -> bytes:
    return hashlib.sha256(json.dumps(words, ensure_ascii=True).encode("ascii")).digest()


def parse_plan(document: bytes | str | Mapping[str, Any]) -> Plan:
    """The plan that a document states.

    Raises:
        Invalid: it is no JSON, a key is unknown, missing or of another form, or an id occurs twice; the message says where.
    """
    top = Reader(loads(document, "the analysis plan") if isinstance(document, bytes | str) else document, "plan")
    if top.text("format") != FORMAT:
        raise Invalid(f"plan.format is {top.text('format')!r}; this reads {FORMAT!r}")
    model, errors, missing = top.object("model"), top.object("errors"), top.object("missing")
    effort, budget, design = top.object("effort_min"), top.object("sample_budget"), top.object("design")
    reference = top.object("reference") if top.has("reference") else None
    plan = Plan(
        engagement=top.text("engagement"), model_build=model.text("build"), model_variant=model.text("variant"),
        item_root=top.hexadecimal("item_root"), seed=top.text("seed"),
        domains=tuple(_domain(each) for each in top.objects("domains")), epochs=top.whole("epochs", 1),
        alpha=errors.number("alpha", above=0, below=0.5), beta=errors.number("beta", above=0, below=0.5),
        power=errors.number("power", above=0, below=1), split=errors.word("split", Split),
        rule=top.word("rule", Rule), spending=top.word("spending", Spending), decides=top.word("decides", View),
        refused=missing.word("refused", Counting), limit=missing.word("limit", Counting),
        infrastructure_attempts=missing.whole("infrastructure_attempts", 0), overshoot=top.word("overshoot", Overshoot),
        effort=EffortFloor(effort.whole("scaffolds", 0), effort.whole("prompts", 0), effort.whole("attempts", 0),
                           effort.whole("tokens", 0), effort.number("person_hours", least=0)),
        budget=SampleBudget(budget.whole("tokens", 1), budget.whole("messages", 1), budget.number("seconds", above=0)),
        design=Design(design.number("family_sd", least=0, below=10), design.number("item_sd", least=0, below=10),
                      design.number("missing_share", least=0, below=1)),
        reference_build=reference.text("build") if reference else None,
    )
    if missing.word("unresolved", Counting) is not Counting.BOUNDS:
        raise Invalid("plan.missing.unresolved must be 'bounds': what nobody knows is never counted as known")
    for reader in (top, model, errors, missing, effort, budget, design, *([reference] if reference else [])):
        reader.close()
    _check_ids(plan)
    return plan


def _domain(reader: Reader) -> PlannedDomain:
    families = []
    for each in reader.objects("families"):
        families.append(PlannedFamily(each.text("id"), each.text("stratum"), tuple(each.texts("items"))))
        each.close()
    domain = PlannedDomain(
        reader.text("name"), reader.number("threshold", above=0, below=1), reader.number("alternative", above=0, below=1),
        tuple(families), tuple(reader.wholes("looks", 1)),
    )
    reader.close()
    return domain


def _check_ids(plan: Plan) -> None:
    names = [domain.name for domain in plan.domains]
    items = [item.item for item in plan.grid().items]
    for what, ids in (("domain", names), ("item", items), *(
        (f"family of {domain.name}", [family.id for family in domain.families]) for domain in plan.domains
    )):
        if len(set(ids)) != len(ids):
            twice = next(one for one in ids if ids.count(one) > 1)
            raise Invalid(f"the plan names the {what} {twice!r} twice; every one stands once")


def render_plan(plan: Plan) -> dict[str, Any]:
    """The plan as the document says it; `parse_plan` reads it back."""
    document: dict[str, Any] = {
        "format": FORMAT, "engagement": plan.engagement, "model": {"build": plan.model_build, "variant": plan.model_variant},
        "item_root": plan.item_root, "seed": plan.seed, "epochs": plan.epochs,
        "domains": [{
            "name": domain.name, "threshold": domain.threshold, "alternative": domain.alternative, "looks": list(domain.looks),
            "families": [{"id": family.id, "stratum": family.stratum, "items": list(family.items)} for family in domain.families],
        } for domain in plan.domains],
        "errors": {"alpha": plan.alpha, "beta": plan.beta, "power": plan.power, "split": plan.split.value},
        "rule": plan.rule.value, "spending": plan.spending.value, "decides": plan.decides.value,
        "missing": {"refused": plan.refused.value, "limit": plan.limit.value, "unresolved": Counting.BOUNDS.value,
                    "infrastructure_attempts": plan.infrastructure_attempts},
        "overshoot": plan.overshoot.value,
        "effort_min": {name: getattr(plan.effort, name) for name in ("scaffolds", "prompts", "attempts", "tokens", "person_hours")},
        "sample_budget": {"tokens": plan.budget.tokens, "messages": plan.budget.messages, "seconds": plan.budget.seconds},
        "design": {"family_sd": plan.design.family_sd, "item_sd": plan.design.item_sd, "missing_share": plan.design.missing_share},
    }
    if plan.reference_build is not None:
        document["reference"] = {"build": plan.reference_build}
    return document


def plan_bytes(plan: Plan) -> bytes:
    """The plan in the one form that is hashed (RFC 8785)."""
    return rfc8785.dumps(render_plan(plan))


def plan_digest(plan: Plan) -> str:
    """SHA-256 of `plan_bytes`, hex: what goes on the record before the window opens."""
    return hashlib.sha256(plan_bytes(plan)).hexdigest()
