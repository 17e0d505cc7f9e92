"""What may have gone wrong between plan and result, each by a name: pure functions that return findings for others to show.

A finding that blocks keeps every claim about its domain (or, about `plan`, every claim) undetermined while it stands.
"""

from collections.abc import Collection, Mapping, Sequence

from clearinghouse.evaluation.statistics.plan import Plan, Rule, plan_digest
from clearinghouse.evaluation.statistics.records import Cell, CellState, Ending, Finding, LookMade

_NAMED = 5


def plan_changed(plan: Plan, recorded_digest: str) -> tuple[Finding, ...]:
    """`plan_changed`: the plan in hand is not the one on the record (a threshold moved, a family gone)."""
    if plan_digest(plan) == recorded_digest:
        return ()
    return (Finding("plan_changed", "plan", f"the plan on the record has the digest {recorded_digest[:16]}..., this one {plan_digest(plan)[:16]}..."),)


def early_peek(plan: Plan, looks: Sequence[LookMade]) -> tuple[Finding, ...]:
    """`early_peek`: somebody looked when the plan had no look. An e-process allows it; every other rule does not."""
    found = []
    for domain in plan.domains:
        made = [look.families for look in looks if look.domain == domain.name]
        planned = domain.looks[-1:] if plan.rule is Rule.SINGLE_LOOK else domain.looks
        if plan.rule is not Rule.E_PROCESS and (extra := sorted(set(made) - set(planned))):
            found.append(Finding("early_peek", domain.name, f"looked at after {_list(extra)} families; the plan looks after {_list(planned)}"))
    if unknown := sorted({look.domain for look in looks} - {domain.name for domain in plan.domains}):
        found.append(Finding("early_peek", "plan", f"looked at a domain that the plan does not have: {', '.join(unknown)}"))
    return tuple(found)


def reused_items(plan: Plan, *, practised: Collection[str] = (), opened: Mapping[str, str] | None = None) -> tuple[Finding, ...]:
    """`reused_item`: a sealed item was also practised on, or opened for this model in an earlier run.

    Args:
        practised: blinded ids in practice runs and the effort ledger.
        opened: blinded id to the run that opened it before.
    """
    found = []
    earlier = opened or {}
    for domain in plan.domains:
        items = [item for family in domain.families for item in family.items]
        if used := [item for item in items if item in practised]:
            found.append(Finding("reused_item", domain.name, f"{len(used)} sealed items were practised on: {_list(used)}"))
        if used := [item for item in items if item in earlier]:
            found.append(Finding("reused_item", domain.name, f"{len(used)} items were opened before, in {_list(sorted({earlier[item] for item in used}))}"))
    return tuple(found)


def truncated_answers(cells: Sequence[Cell], endings: Sequence[Ending]) -> tuple[Finding, ...]:
    """`truncated_answer`: a cell counts as an answer although its last stream broke off."""
    broken = {(ending.item, ending.epoch) for ending in endings if not ending.finished}
    counted: dict[str, list[str]] = {}
    for cell in cells:
        if cell.state in {CellState.SOLVED, CellState.UNSOLVED, CellState.REFUSED} and (cell.item.item, cell.epoch) in broken:
            counted.setdefault(cell.item.domain, []).append(f"{cell.item.item}/{cell.epoch}")
    return tuple(
        Finding("truncated_answer", domain, f"{len(places)} broken streams count as answers; they are unresolved: {_list(places)}")
        for domain, places in sorted(counted.items())
    )


def other_build(plan: Plan, builds: Collection[str], *, variants: Collection[str] = ()) -> tuple[Finding, ...]:
    """`other_build`: what answered was not, or not always, the build and variant of the plan.

    Args:
        builds: every digest that was seen during the run.
    """
    found = []
    if others := sorted(set(builds) - {plan.model_build}):
        found.append(Finding("other_build", "plan", f"the plan is about the build {plan.model_build[:16]}...; seen: {_list([each[:16] for each in others])}"))
    if others := sorted(set(variants) - {plan.model_variant}):
        found.append(Finding("other_build", "plan", f"the plan is about the variant {plan.model_variant}; seen: {_list(others)}"))
    return tuple(found)


def other_items(plan: Plan, item_root: str) -> tuple[Finding, ...]:
    """`other_items`: the items opened are not those that were committed to."""
    if plan.item_root == item_root:
        return ()
    return (Finding("other_items", "plan", f"the plan commits to the items {plan.item_root[:16]}..., opened were {item_root[:16]}..."),)


def over_budget(plan: Plan, cells: Sequence[Cell]) -> tuple[Finding, ...]:
    """`over_budget`: solved with more than a sample may use; it counts as it is, and readers must know."""
    over = [f"{cell.item.item}/{cell.epoch}" for cell in cells if cell.state is CellState.SOLVED and cell.tokens > plan.budget.tokens]
    if not over:
        return ()
    return (Finding("over_budget", "plan", f"{len(over)} cells were solved with more than {plan.budget.tokens} tokens: {_list(over)}", blocks=False),)


def _list(values: Sequence[object]) -> str:
    shown = ", ".join(str(value) for value in values[:_NAMED])
    return shown if len(values) <= _NAMED else f"{shown} and {len(values) - _NAMED} more"
