"""The plan: strict reading, the same bytes for the same plan, an order anybody can draw again, a power that holds."""

import hashlib
import json
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearinghouse.app.settings import default_policy_document, parse_policy
from clearinghouse.core.errors import Invalid
from clearinghouse.evaluation.statistics import checks, grid
from clearinghouse.evaluation.statistics.plan import (
    Plan,
    PlannedFamily,
    Rule,
    Split,
    draw_order,
    parse_plan,
    plan_bytes,
    plan_digest,
    render_plan,
)
from clearinghouse.evaluation.statistics.power import check_plan, operating
from evaluation_support import made_plan, planned_domain

POLICY = parse_policy(1, default_policy_document()).analysis


@pytest.mark.parametrize("plan", [made_plan(), made_plan(reference_build="c" * 64, rule=Rule.E_PROCESS, split=Split.HIERARCHY)], ids=["plain", "reference"])
def test_plan_is_read_back_from_its_bytes(plan: Plan) -> None:
    assert parse_plan(plan_bytes(plan)) == plan
    assert plan_bytes(parse_plan(json.dumps(render_plan(plan), indent=3))) == plan_bytes(plan)


def test_digest_changes_with_any_leaf_of_the_document() -> None:
    document = render_plan(made_plan(planned_domain(families=2, items=1, looks=(2,)), reference_build="c" * 64))
    digests = {plan_digest(parse_plan(document))}
    changed = 0
    for path in _leaves(document):
        other = json.loads(json.dumps(document))
        at: Any = other
        for step in path[:-1]:
            at = at[step]
        old = at[path[-1]]
        at[path[-1]] = old + 1 if isinstance(old, int) else old / 2 + 0.001 if isinstance(old, float) else _other_word(old)
        try:
            digests.add(plan_digest(parse_plan(other)))
            changed += 1
        except Invalid:
            continue
    assert len(digests) == changed + 1
    assert changed > 25


def _leaves(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if isinstance(value, dict):
        return [leaf for key, each in value.items() for leaf in _leaves(each, (*path, key))]
    if isinstance(value, list):
        return [leaf for place, each in enumerate(value) for leaf in _leaves(each, (*path, place))]
    return [path]


def _other_word(word: str) -> str:
    pairs = {"holm": "hierarchy", "group_sequential": "single_look", "obrien_fleming": "pocock", "cheating_removed": "raw", "zero": "bounds",
             "excluded": "included", "a" * 64: "d" * 64}
    return pairs.get(word, word + "x")


@pytest.mark.parametrize(("change", "said"), [
    ({"extra": 1}, "'extra'"), ({"epochs": True}, "plan.epochs"), ({"epochs": 2.0}, "plan.epochs"), ({"item_root": "A" * 64}, "plan.item_root"),
    ({"rule": "peek"}, "group_sequential"), ({"domains": []}, "plan.domains"), ({"format": "other/1"}, "clearinghouse-analysis-plan/1"),
    ({"engagement": "two\nlines"}, "plan.engagement"), ({"seed": ""}, "plan.seed"),
])
def test_plan_of_another_form_is_refused_by_the_name_of_the_place(change: dict[str, Any], said: str) -> None:
    with pytest.raises(Invalid, match=said.replace(".", r"\.")):
        parse_plan(render_plan(made_plan()) | change)


def test_plan_that_would_count_the_unresolved_as_known_is_refused() -> None:
    document = render_plan(made_plan())
    with pytest.raises(Invalid, match="what nobody knows"):
        parse_plan(document | {"missing": document["missing"] | {"unresolved": "zero"}})


@pytest.mark.parametrize("text", [b"{", b"[1]", b'{"format": "a", "format": "b"}', b'{"alpha": NaN}', b"\xff", b"[" * 5000], ids=str)
def test_what_is_no_document_is_refused(text: bytes) -> None:
    with pytest.raises(Invalid):
        parse_plan(text)


def test_item_that_stands_in_two_domains_is_refused() -> None:
    domain = planned_domain(families=2, items=1, looks=(2,))
    with pytest.raises(Invalid, match="twice"):
        parse_plan(render_plan(made_plan(domain, replace(domain, name="patching"))))


def test_same_families_may_serve_two_domains_with_items_of_their_own() -> None:
    domain = planned_domain(families=2, items=1, looks=(2,))
    other = replace(domain, name="patching", families=tuple(replace(family, items=(family.items[0] + "p",)) for family in domain.families))
    assert parse_plan(plan_bytes(made_plan(domain, other))).domains == (domain, other)


@given(st.integers(2, 60), st.integers(1, 4), st.text(min_size=1, max_size=8))
def test_order_is_drawn_whatever_the_order_of_writing_and_spreads_the_strata(count: int, strata: int, seed: str) -> None:
    families = tuple(PlannedFamily(f"f{place}", f"s{place % strata}", (f"i{place}",)) for place in range(count))
    drawn = draw_order(families, seed, "d")
    assert draw_order(families[::-1], seed, "d") == drawn
    assert sorted(drawn, key=lambda family: family.id) == sorted(families, key=lambda family: family.id)
    sizes = Counter(family.stratum for family in families)
    for end in range(1, count + 1):
        seen = Counter(family.stratum for family in drawn[:end])
        # Each stratum is as far along as the whole, within less than two families.
        assert all(abs(seen[stratum] - size * end / count) < strata + 1 for stratum, size in sizes.items())


def test_orders_differ_by_seed_and_by_domain() -> None:
    families = planned_domain().families
    assert len({draw_order(families, seed, domain) for seed in ("a", "b") for domain in ("finding", "patching")}) == 4


@pytest.mark.parametrize(("plan", "said"), [
    (made_plan(alpha=0.1), "policy allows 0.05"),
    (made_plan(power=0.5), "policy asks for 0.7"),
    (made_plan(epochs=21), "21 epochs"),
    (made_plan(planned_domain(families=39, looks=(39,))), "39 families; a determination needs at least 40"),
    (made_plan(planned_domain(looks=(8, 8, 40))), "must rise"),
    (made_plan(planned_domain(looks=(8, 16))), "end with all 40"),
    (made_plan(planned_domain(looks=(1, 40))), "fewer than 2"),
    (made_plan(planned_domain(looks=tuple(range(30, 41)))), "11 times"),
    (made_plan(planned_domain(alternative=0.5)), "must lie above"),
    (made_plan(seed="another"), "order that the seed draws"),
    (made_plan(power=0.9), r"simulations find 7\d\.\d%"),
    (made_plan(planned_domain(alternative=0.52)), r"simulations find \d+\.\d% with 40 families"),
])
def test_plan_that_promises_too_little_or_too_much_is_refused(plan: Plan, said: str) -> None:
    with pytest.raises(Invalid, match=said):
        check_plan(plan, POLICY)


def test_plan_that_keeps_its_word_is_accepted_with_the_power_found() -> None:
    found = check_plan(made_plan(), POLICY)["finding"]
    assert 0.68 < found.shown_above < 0.76
    assert found.families < 40
    assert check_plan(made_plan(), POLICY)["finding"] == found


@pytest.mark.parametrize("threshold", [0.3, 0.5, 0.7])
@pytest.mark.parametrize("rule", list(Rule))
def test_rule_errs_no_more_often_than_its_plan_says(threshold: float, rule: Rule) -> None:
    plan = made_plan(planned_domain(threshold=threshold, alternative=threshold + 0.1), rule=rule)
    found = operating(plan, plan.domains[0], threshold, simulations=4000)
    allowed = 0.05 + 3 * (0.05 * 0.95 / 4000) ** 0.5
    assert found.shown_above <= allowed
    assert found.shown_below <= allowed


def test_missing_cells_that_the_design_expects_cost_power() -> None:
    full, holed = made_plan(), made_plan(design=replace(made_plan().design, missing_share=0.1))
    powers = [operating(plan, plan.domains[0], 0.65, simulations=2000).shown_above for plan in (full, holed)]
    assert powers[1] < powers[0] - 0.2


def test_example_of_the_reference_is_a_plan() -> None:
    text = (Path(__file__).parents[3] / "docs" / "reference" / "analysis.md").read_text("utf-8")
    plan = parse_plan(text.split("```json\n")[1].split("```")[0])
    assert plan.domain("finding").looks == (2,)
    assert parse_plan(plan_bytes(plan)) == plan


def test_order_is_drawn_as_the_reference_says() -> None:
    # The words of docs/reference/analysis.md, done by hand.
    families = tuple(PlannedFamily(f"f{place}", f"s{place % 3}", (f"i{place}",)) for place in range(11))
    placed = []
    for stratum in ("s0", "s1", "s2"):
        hashed = sorted(
            (hashlib.sha256(f'["seed", "d", "{stratum}", "{family.id}"]'.encode()).digest(), family) for family in families if family.stratum == stratum
        )
        start = int.from_bytes(hashlib.sha256(f'["seed", "d", "{stratum}"]'.encode()).digest()[:6], "big") / 2**48
        placed += [((rank + start) / len(hashed), key, family) for rank, (key, family) in enumerate(hashed)]
    assert draw_order(families, "seed", "d") == tuple(family for _, _, family in sorted(placed, key=lambda each: each[:2]))


def test_every_finding_has_its_row_in_the_reference() -> None:
    text = (Path(__file__).parents[3] / "docs" / "reference" / "analysis.md").read_text("utf-8")
    source = Path(checks.__file__).read_text("utf-8") + Path(grid.__file__).read_text("utf-8")
    names = set(re.findall(r'Finding\(\s*"([a-z_]+)"', source))
    assert len(names) >= 9
    assert {name for name in names if f"`{name}`" not in text} == set()
