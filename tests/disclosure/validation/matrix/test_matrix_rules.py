"""What execution says of reports, guard by guard, and whatever world the cells come from."""

from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clearinghouse.app.settings import default_policy_document, parse_policy
from clearinghouse.disclosure.deconfliction.execution.records import Strength
from clearinghouse.disclosure.validation.matrix.records import (
    CellState,
    Contradiction,
    Edge,
    Guard,
    MatrixCell,
    Patch,
    Reproducer,
    Weighed,
)
from clearinghouse.disclosure.validation.matrix.rules import group, is_security, missing, state, weigh
from clearinghouse.disclosure.validation.observing.records import Observation, Outcome
from clearinghouse.disclosure.validation.recipes.records import Supplier

POLICY = parse_policy(1, default_policy_document())
TOY = "pkg:generic/toy"
STRONG, MEDIUM, WEAK, DIFFERENT = Strength.STRONG, Strength.MEDIUM, Strength.WEAK, Strength.DIFFERENT
SAME, MOVED, CLEAN, FLAKY, UNKNOWN = CellState.SAME, CellState.MOVED, CellState.CLEAN, CellState.FLAKY, CellState.UNKNOWN


def reproducer(report: str, number: int = 1, **other: object) -> Reproducer:
    plain = Reproducer(f"{report.lower()}{number}", report, TOY, "heap-buffer-overflow", (f"in_{report.lower()}", "parse", "run"))
    return replace(plain, **other)  # type: ignore[arg-type]


def patch(column: str, *reports: str, **other: object) -> Patch:
    plain = Patch(column, TOY, frozenset(reports), tests_equal=True, benign_equal=True, coverage_share=1.0, minimal=True)
    return replace(plain, **other)  # type: ignore[arg-type]


def table(text: str) -> dict[tuple[str, str], MatrixCell]:
    """Cells from a drawing: a head of patches, a line for each reproducer; S, M, C, F, ? and M:frame for what it moved to."""
    head, *lines = text.strip().splitlines()
    letters = {"S": SAME, "M": MOVED, "C": CLEAN, "F": FLAKY, "?": UNKNOWN}
    found = {}
    for line in lines:
        name, *marks = line.split()
        for column, mark in zip(head.split(), marks, strict=True):
            letter, _, moved_to = mark.partition(":")
            frames = (moved_to, "parse", "run") if moved_to else ()
            found[name, column] = MatrixCell(name, column, letters[letter], "heap-buffer-overflow" if frames else "", frames)
    return found


def weighed(reproducers: list[Reproducer], patches: list[Patch], text: str, **other: object) -> Weighed:
    return weigh(reproducers, patches, table(text), POLICY.matrix, coverage_share_min=POLICY.bench.coverage_share_min, **other)  # type: ignore[arg-type]


def said(found: Weighed) -> list[tuple[str, str, Strength]]:
    return [(edge.one, edge.other, edge.strength) for edge in found.edges]


ONE_BUG = """
    p  q
a1  C  C
b1  C  C
"""


def test_two_patches_that_each_quiet_the_other_join() -> None:
    found = weighed([reproducer("A"), reproducer("B")], [patch("p", "A"), patch("q", "B")], ONE_BUG)
    assert found.edges == (Edge("A", "B", STRONG, TOY, ("p", "q"), (("a1", "p"), ("a1", "q"), ("b1", "p"), ("b1", "q"))),)
    assert found.groups == (("A", "B"),)


@pytest.mark.parametrize(("change", "guard"), [
    ({"builds": False}, Guard.BUILD), ({"tests_equal": False}, Guard.TESTS), ({"benign_equal": False}, Guard.BENIGN),
    ({"coverage_share": 0.89}, Guard.COVERAGE),
])
def test_a_patch_that_breaks_something_says_nothing(change: dict[str, object], guard: Guard) -> None:
    found = weighed([reproducer("A"), reproducer("B")], [patch("p", "A", **change), patch("q", "B", **change)], ONE_BUG)
    assert (said(found), found.standings["p"].failures, found.groups) == ([], (guard,), (("A",), ("B",)))


@pytest.mark.parametrize(("change", "guards"), [
    ({"coverage_share": None}, (Guard.UNMEASURED,)), ({"tests_equal": None, "benign_equal": None}, (Guard.UNMEASURED,)),
    ({"minimal": None}, (Guard.UNSPLIT,)), ({"minimal": False}, (Guard.UNSPLIT,)), ({"supplier": Supplier.MODEL}, (Guard.MODEL,)),
])
def test_what_nobody_could_check_proposes(change: dict[str, object], guards: tuple[Guard, ...]) -> None:
    found = weighed([reproducer("A"), reproducer("B")], [patch("p", "A", **change), patch("q", "B")], ONE_BUG)
    assert [(edge.strength, edge.patches, edge.guards) for edge in found.edges] == [(MEDIUM, ("p", "q"), guards)]
    assert found.groups == (("A",), ("B",))


def test_one_direction_proposes_and_shows_both() -> None:
    found = weighed([reproducer("A"), reproducer("B")], [patch("p", "A"), patch("q", "B")], """
            p  q
        a1  C  S
        b1  C  C
        """)
    assert said(found) == [("A", "B", DIFFERENT), ("A", "B", MEDIUM)]
    assert found.groups == (("A",), ("B",))


_PARTIAL = """
    part whole
a1  C    C
b1  S    C
x1  S    S
"""


def test_a_fix_of_one_place_tells_nothing_apart_where_one_change_is_seen_to_remedy_both_places() -> None:
    """Found with planted flaws: one partial fix took a whole group apart."""
    found = weighed([reproducer("A"), reproducer("B"), reproducer("X")], [patch("part", "A"), patch("whole", "A", "B")], _PARTIAL)
    assert found.groups == (("A", "B"), ("X",))
    assert ("A", "B", DIFFERENT) not in said(found)


def test_in_one_and_the_same_place_a_fix_of_a_part_and_a_check_where_two_flaws_meet_look_alike() -> None:
    place: dict[str, Any] = {"frames": ("store", "parse", "run")}
    rows = [reproducer("A", **place), reproducer("B", **place), reproducer("X")]
    found = weighed(rows, [patch("part", "A"), patch("whole", "A", "B")], _PARTIAL)
    assert found.groups == (("A",), ("B",), ("X",))
    assert [one.different for one in found.contradictions] == [("A", "B")]


def test_a_patch_that_leaves_the_other_as_it_was_tells_them_apart() -> None:
    found = weighed([reproducer("A"), reproducer("B")], [patch("p", "A")], """
            p
        a1  C
        b1  S
        """)
    assert [(edge.strength, edge.patches, edge.cells) for edge in found.edges] == [(DIFFERENT, ("p",), (("a1", "p"), ("b1", "p")))]


@pytest.mark.parametrize("mark", ["F", "?", "M"])
def test_a_cell_that_is_not_certain_neither_joins_nor_separates(mark: str) -> None:
    for drawn in (f"    p  q\na1  C  C\nb1  {mark}  C", f"    p\na1  C\nb1  {mark}", f"    p\na1  {mark}\nb1  S"):
        found = weighed([reproducer("A"), reproducer("B")], [patch("p", "A"), patch("q", "B")], drawn)
        assert {strength for *_, strength in said(found)} <= {MEDIUM}


def test_a_reproducer_that_does_not_always_fire_proves_nothing() -> None:
    unstable = [reproducer("A"), reproducer("B", stable=False)]
    assert said(weighed(unstable, [patch("p", "A"), patch("q", "B")], ONE_BUG)) == []
    assert said(weighed(unstable, [patch("p", "A")], "    p\na1  C\nb1  S")) == []


def test_a_partial_patch_does_not_speak_for_its_report() -> None:
    rows = [reproducer("A"), reproducer("A", 2), reproducer("B")]
    assert said(weighed(rows, [patch("p", "A")], "    p\na1  C\na2  S\nb1  S")) == []
    # Nor does one whose report's variants still fire: it would split one flaw in two.
    assert said(weighed([reproducer("A"), reproducer("B")], [patch("p", "A", variants_quiet=False)], "    p\na1  C\nb1  S")) == []


RELEASE = """
    p  q  r
a1  C  S  C
b1  S  C  C
c1  S  S  C
"""


def test_a_release_that_holds_several_fixes_is_set_aside() -> None:
    rows = [reproducer("A"), reproducer("B"), reproducer("C")]
    patches = [patch("p", "A"), patch("q", "B"), patch("r", "A", "B", "C", minimal=None)]
    found = weighed(rows, patches, RELEASE)
    assert found.standings["r"].failures == (Guard.COMPOSITE, Guard.PROMISCUOUS, Guard.UNSPLIT)
    assert found.standings["r"].set_aside
    assert said(found) == [("A", "B", DIFFERENT), ("A", "C", DIFFERENT), ("B", "C", DIFFERENT)]


def test_a_release_nobody_can_compare_only_proposes() -> None:
    found = weighed([reproducer("A"), reproducer("B")], [patch("r", "A", "B", minimal=None)], "    r\na1  C\nb1  C")
    assert [(edge.strength, edge.guards) for edge in found.edges] == [(MEDIUM, (Guard.UNSPLIT,))]


def test_a_release_cut_in_parts_joins_what_one_part_quiets_and_no_more() -> None:
    rows = [reproducer("A"), reproducer("B"), reproducer("C")]
    patches = [
        patch("r", "A", "B", "C", minimal=False), patch("r-1", "A", "B", part_of="r"), patch("r-2", "C", part_of="r"),
    ]
    found = weighed(rows, patches, """
            r  r-1  r-2
        a1  C  C    S
        b1  C  C    S
        c1  C  S    C
        """)
    assert found.standings["r"].failures == (Guard.COMPOSITE, Guard.UNSPLIT)
    assert said(found) == [("A", "B", STRONG)]  # what the bench cut out tells nothing apart: it may be half a fix


def test_a_patch_that_stops_two_patches_apart_and_cannot_be_cut_proposes() -> None:
    # A root cause beside two partial fixes looks like a refusal beside two flaws: a person looks.
    rows = [reproducer("A"), reproducer("B"), reproducer("C"), reproducer("D")]
    found = weighed(rows, [patch("p", "A"), patch("q", "B"), patch("r", "A", "B"), patch("s", "D")], """
            p  q  r  s
        a1  C  S  C  S
        b1  S  C  C  S
        c1  S  S  S  S
        d1  S  S  S  C
        """)
    assert found.standings["r"].failures == (Guard.COMPOSITE,)
    assert [edge.guards for edge in found.edges if edge.strength is MEDIUM] == [(Guard.COMPOSITE,)]


def test_one_patch_for_both_must_leave_something_firing() -> None:
    both = [patch("p", "A", "B")]
    alone = weighed([reproducer("A"), reproducer("B")], both, "    p\na1  C\nb1  C")
    assert [(edge.strength, edge.guards) for edge in alone.edges] == [(MEDIUM, (Guard.INDISCRIMINATE,))]
    beside = weighed([reproducer("A"), reproducer("B"), reproducer("C")], both, "    p\na1  C\nb1  C\nc1  S")
    assert ("A", "B", STRONG) in said(beside)


def test_a_patch_that_stops_most_of_what_is_known_to_be_distinct_is_set_aside() -> None:
    rows = [reproducer(report) for report in "ABCD"]
    found = weighed(rows, [patch("s", "A")], "    s\na1  C\nb1  C\nc1  C\nd1  S", apart=list(combinations("ABCD", 2)))
    assert found.standings["s"].failures == (Guard.PROMISCUOUS,)
    assert said(found) == []


def test_an_input_that_holds_two_flaws_joins_neither_and_is_not_held_apart_from_what_it_hides() -> None:
    rows = [reproducer("A"), reproducer("C"), replace(reproducer("M"), frames=("in_a", "parse", "run"))]
    found = weighed(rows, [patch("p", "A"), patch("q", "C")], """
            p       q
        a1  C       S
        c1  S       C
        m1  M:in_c  S
        """)
    assert said(found) == [("A", "C", DIFFERENT), ("A", "M", WEAK), ("C", "M", WEAK)]


def test_the_worked_example_of_the_explanation_holds() -> None:
    rows = [reproducer("A"), reproducer("B"), reproducer("C"), replace(reproducer("M"), frames=("in_a", "parse", "run"))]
    patches = [patch("p", "A"), patch("q", "B"), patch("r", "C"), patch("release", "A", "B", "C", minimal=False)]
    found = weighed(rows, patches, """
            p       q       r  release
        a1  C       C       S  C
        b1  C       C       S  C
        c1  S       S       C  C
        m1  M:in_c  M:in_c  S  C
        """)
    assert said(found) == [
        ("A", "B", STRONG), ("A", "C", DIFFERENT), ("A", "M", WEAK), ("B", "C", DIFFERENT), ("C", "M", WEAK),
    ]
    assert (found.groups, found.standings["release"].set_aside) == ((("A", "B"), ("C",), ("M",)), True)
    alone = weighed(
        rows[:3], [patch("release", "A", "B", "C", minimal=False), patch("ab", "A", "B", part_of="release"), patch("c", "C", part_of="release")],
        """
            release  ab  c
        a1  C        C   S
        b1  C        C   S
        c1  C        S   C
        """,
    )
    assert (said(alone), alone.groups) == ([("A", "B", STRONG)], (("A", "B"), ("C",)))


def test_a_security_crash_is_never_joined_with_another() -> None:
    rows = [reproducer("A"), replace(reproducer("B"), security=False)]
    found = weighed(rows, [patch("p", "A"), patch("q", "B")], ONE_BUG)
    assert [(edge.strength, edge.patches) for edge in found.edges] == [(WEAK, ("p", "q"))]


def test_components_never_meet() -> None:
    elsewhere = replace(reproducer("B"), component="pkg:generic/other")
    assert said(weighed([reproducer("A"), elsewhere], [patch("p", "A"), patch("q", "B")], ONE_BUG)) == []
    assert missing([reproducer("A"), elsewhere], [patch("p"), patch("q")], {}) == [("a1", "p"), ("a1", "q")]


def test_only_what_nobody_ran_is_missing() -> None:
    assert missing([reproducer("A"), reproducer("B")], [patch("p"), patch("q")], table("    p\na1  C\nb1  S")) == [("a1", "q"), ("b1", "q")]


def test_a_chain_that_leads_to_something_different_joins_nothing_between_and_all_that_hangs_on() -> None:
    strong = [Edge(one, other, STRONG, TOY) for one, other in ("AB", "BC", "BX", "CY", "YZ")]
    groups, contradictions = group("ABCXYZ", [*strong, Edge("A", "C", DIFFERENT, TOY)])
    assert contradictions == (Contradiction(("A", "B", "C"), (("A", "B"), ("B", "C")), ("A", "C")),)
    assert groups == (("A",), ("B", "X"), ("C", "Y", "Z"))


def test_a_contradiction_of_two_is_not_joined() -> None:
    groups, contradictions = group("AB", [Edge("A", "B", STRONG, TOY), Edge("A", "B", DIFFERENT, TOY)])
    assert (groups, contradictions) == ((("A",), ("B",)), (Contradiction(("A", "B"), (("A", "B"),), ("A", "B")),))


def seen(outcome: Outcome, kind: str = "heap-buffer-overflow", frames: tuple[str, ...] = ("copy", "parse", "run")) -> Observation:
    return Observation(outcome, kind, frames=frames)


CRASH = seen(Outcome.CRASH_SANITIZER)


@pytest.mark.parametrize(("before", "after", "expected"), [
    (CRASH, seen(Outcome.CLEAN, "", ()), CLEAN),
    (CRASH, CRASH, SAME),
    (CRASH, seen(Outcome.CRASH_SANITIZER, frames=("copy", "parse")), SAME),
    (CRASH, seen(Outcome.CRASH_SANITIZER, frames=("parse", "run")), MOVED),
    (CRASH, seen(Outcome.CRASH_SANITIZER, "stack-buffer-overflow"), MOVED),
    (CRASH, seen(Outcome.TIMEOUT_WALL, "", ()), MOVED),
    (CRASH, seen(Outcome.FAILED, "", ()), UNKNOWN),
    (CRASH, seen(Outcome.NO_RUN, "", ()), UNKNOWN),
    (CRASH, seen(Outcome.FLAKY), FLAKY),
    (seen(Outcome.CRASH_SANITIZER, "stack-overflow", ("a", "b")), seen(Outcome.CRASH_SANITIZER, "stack-overflow", ()), SAME),
    (seen(Outcome.TIMEOUT_CPU, "", ()), seen(Outcome.TIMEOUT_CPU, "", ()), SAME),
])
def test_a_cell_next_to_the_run_without_the_patch(before: Observation, after: Observation, expected: CellState) -> None:
    assert state(before, after, flaky=False, policy=POLICY.matrix) is expected
    assert state(before, after, flaky=True, policy=POLICY.matrix) is FLAKY


@pytest.mark.parametrize(("outcome", "kind", "expected"), [
    (Outcome.CRASH_SANITIZER, "heap-use-after-free", True), (Outcome.CRASH_SIGNAL, "SIGSEGV", True), (Outcome.MARKER, "", True),
    (Outcome.CRASH_SIGNAL, "SIGABRT", False), (Outcome.CRASH_SANITIZER, "allocation-size-too-big", False), (Outcome.TIMEOUT_WALL, "", False),
    (Outcome.EXCEPTION, "IndexError", False), (Outcome.OUT_OF_MEMORY, "", False), (Outcome.CRASH_SANITIZER, "stack-overflow", False),
])
def test_what_is_a_breach(outcome: Outcome, kind: str, expected: bool) -> None:
    assert is_security(outcome, kind) is expected


# ---------------------------------------------------------------------------------------- any world

@dataclass(frozen=True)
class World:
    """Flaws are sets of hunks, reports hold flaws in the order they strike, patches are sets of hunks or stubs."""

    flaws: tuple[frozenset[int], ...]
    reports: dict[str, tuple[int, ...]]
    patches: dict[str, tuple[frozenset[int], frozenset[str], bool]]
    """Hunks, what it is claimed for, whether it is a stub."""

    def strikes(self, report: str, hunks: frozenset[int], *, stub: bool = False) -> int | None:
        return None if stub else next((flaw for flaw in self.reports[report] if not self.flaws[flaw] <= hunks), None)

    def cell(self, report: str, column: str) -> MatrixCell:
        hunks, _, stub = self.patches[column]
        before, after = self.strikes(report, frozenset()), self.strikes(report, hunks, stub=stub)
        found = CLEAN if after is None else SAME if after == before else MOVED
        frames = () if after is None else (f"in_{after}", f"under_{after}")
        return MatrixCell(f"{report}1", column, found, "heap-buffer-overflow" if frames else "", frames)

    def minimal(self, column: str) -> bool:
        hunks, claimed, _ = self.patches[column]
        return all(self.strikes(report, hunks - {hunk}) is not None for report in claimed for hunk in hunks)

    def parts(self) -> tuple[list[Reproducer], list[Patch], dict[tuple[str, str], MatrixCell]]:
        rows = [
            Reproducer(f"{report}1", report, TOY, "heap-buffer-overflow", (f"in_{flaws[0]}", f"under_{flaws[0]}"))
            for report, flaws in self.reports.items()
        ]
        columns = [
            patch(column, *claimed, minimal=self.minimal(column), coverage_share=0.1 if stub else 0.97)
            for column, (_, claimed, stub) in self.patches.items()
        ]
        return rows, columns, {(f"{report}1", column): self.cell(report, column) for report in self.reports for column in self.patches}


@st.composite
def worlds(draw: st.DrawFn) -> World:
    flaws = tuple(draw(st.lists(st.frozensets(st.integers(0, 5), min_size=1, max_size=2), min_size=1, max_size=4, unique=True)))
    several = st.lists(st.integers(0, len(flaws) - 1), min_size=1, max_size=2, unique=True).map(tuple)
    reports = {f"R{number}": draw(several) for number in range(draw(st.integers(2, 5)))}
    claims = st.frozensets(st.sampled_from(sorted(reports)), max_size=3)
    fixes = st.frozensets(st.sampled_from(flaws), max_size=len(flaws)).map(lambda chosen: frozenset().union(*chosen))
    patches = draw(st.lists(st.tuples(fixes, claims, st.booleans()), min_size=1, max_size=6))
    return World(flaws, reports, {f"p{number}": one for number, one in enumerate(patches)})


def weigh_world(world: World) -> Weighed:
    return weigh(*world.parts(), POLICY.matrix, coverage_share_min=POLICY.bench.coverage_share_min)


@settings(max_examples=300)
@given(worlds())
def test_whatever_patches_there_are_only_reports_of_the_same_flaws_are_joined(world: World) -> None:
    found = weigh_world(world)
    for edge in found.edges:
        if edge.strength is STRONG:
            hunks = [frozenset().union(*(world.flaws[flaw] for flaw in world.reports[end])) for end in (edge.one, edge.other)]
            assert hunks[0] == hunks[1]
    for members in found.groups:
        assert len({frozenset().union(*(world.flaws[flaw] for flaw in world.reports[one])) for one in members}) == 1


@settings(max_examples=200)
@given(worlds(), st.randoms(use_true_random=False))
def test_the_order_of_arrival_does_not_matter(world: World, random: object) -> None:
    rows, columns, cells = world.parts()
    shuffled = [list(rows), list(columns), list(cells.items())]
    for each in shuffled:
        random.shuffle(each)  # type: ignore[attr-defined]
    cells_again: list[tuple[tuple[str, str], MatrixCell]] = shuffled[2]  # type: ignore[assignment]
    again = weigh(shuffled[0], shuffled[1], dict(cells_again), POLICY.matrix, coverage_share_min=POLICY.bench.coverage_share_min)  # type: ignore[arg-type]
    assert again == weigh_world(world)


@settings(max_examples=200)
@given(worlds(), st.booleans(), st.data())
def test_a_release_or_a_stub_added_to_any_set_adds_no_strong_edge(world: World, stub: bool, data: st.DataObject) -> None:
    claimed = data.draw(st.frozensets(st.sampled_from(sorted(world.reports)), max_size=5))
    everything = frozenset().union(*world.flaws) | {99}  # a release holds something besides, too
    more = World(world.flaws, world.reports, {**world.patches, "added": (everything, claimed, stub)})

    def strong(found: Weighed) -> set[tuple[str, str]]:
        return {(edge.one, edge.other) for edge in found.edges if edge.strength is STRONG}

    assert strong(weigh_world(more)) <= strong(weigh_world(world))


@settings(max_examples=200)
@given(worlds(), st.sampled_from([FLAKY, UNKNOWN]), st.data())
def test_a_report_whose_cells_are_uncertain_is_neither_joined_nor_held_apart(world: World, uncertain: CellState, data: st.DataObject) -> None:
    rows, columns, cells = world.parts()
    report = data.draw(st.sampled_from(sorted(world.reports)))
    blurred = {key: replace(cell, state=uncertain) if key[0] == f"{report}1" else cell for key, cell in cells.items()}
    found = weigh(rows, columns, blurred, POLICY.matrix, coverage_share_min=POLICY.bench.coverage_share_min)
    assert not [edge for edge in found.edges if report in (edge.one, edge.other) and edge.strength in (STRONG, DIFFERENT)]


@settings(max_examples=200)
@given(worlds())
def test_what_is_joined_is_never_held_apart(world: World) -> None:
    found = weigh_world(world)
    together = {pair for members in found.groups for pair in combinations(sorted(members), 2)}
    assert together.isdisjoint({(edge.one, edge.other) for edge in found.edges if edge.strength is DIFFERENT})
