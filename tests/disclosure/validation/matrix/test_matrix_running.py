"""The matrix filled through a workshop: what is missing is run, and nothing twice."""

import pytest

from clearinghouse.app.settings import default_policy_document, parse_policy
from clearinghouse.core.errors import NotFound
from clearinghouse.disclosure.deconfliction.execution.records import Strength
from clearinghouse.disclosure.validation.matrix.records import CellState, Guard, Reproducer
from clearinghouse.disclosure.validation.matrix.rules import weigh
from clearinghouse.disclosure.validation.matrix.running import Column, Matrix, MatrixBench, Row
from clearinghouse.disclosure.validation.matrix.statement import digest_of_edge, statement_of_edge
from toy_bench import PROGRAM, Toy

POLICY = parse_policy(1, default_policy_document())
TOY = "pkg:generic/toy"
FIX_A, FIX_B, FIX_C = (b"flaw a\n", b"good a\n"), (b"flaw b\n", b"good b\n"), (b"flaw c\n", b"good c\n")
STUB = (b"start\n", b"start\nrefuse\n")


def bench(toy: Toy) -> MatrixBench:
    return MatrixBench(toy.workshop, toy.made, POLICY.matrix)


def rows(toy: Toy, **inputs: bytes) -> list[Row]:
    return [Row(name, name[0].upper(), toy.recipe(content)) for name, content in inputs.items()]


def column(toy: Toy, name: str, claimed: str, *changes: tuple[bytes, bytes]) -> Column:
    return Column(name, toy.diff(*changes), TOY, frozenset(claimed))


def states(matrix: Matrix) -> dict[tuple[str, str], str]:
    return {key: cell.state.value for key, cell in matrix.cells.items()}


def said(matrix: Matrix) -> list[tuple[str, str, Strength]]:
    found = weigh(matrix.reproducers, matrix.patches, matrix.cells, POLICY.matrix, coverage_share_min=POLICY.bench.coverage_share_min)
    return [(edge.one, edge.other, edge.strength) for edge in found.edges]


def test_cells_say_what_a_patch_does_to_a_reproducer() -> None:
    toy = Toy()
    found = bench(toy).fill(rows(toy, a1=b"a", b1=b"b", m1=b"a c"), [column(toy, "p", "A", FIX_A), column(toy, "q", "B", FIX_B)])
    assert states(found) == {
        ("a1", "p"): "clean", ("a1", "q"): "same", ("b1", "p"): "same", ("b1", "q"): "clean", ("m1", "p"): "moved", ("m1", "q"): "same",
    }
    assert found.cells["m1", "p"].frames == ("in_c", "under_c", "run")
    assert found.reproducers[0] == Reproducer("a1", "A", TOY, "heap-buffer-overflow", ("in_a", "under_a", "run"))


def test_one_more_runs_its_own_row_or_column_and_no_other() -> None:
    toy = Toy()
    two, patches = rows(toy, a1=b"a", b1=b"b"), [column(toy, "p", "A", FIX_A), column(toy, "q", "B", FIX_B)]
    first = bench(toy).fill(two, patches)
    assert toy.workshop.done == {"builds": 3, "cells": 6}
    bench(toy).fill(two, patches)
    assert toy.workshop.done == {"builds": 3, "cells": 6}
    bench(toy).fill([*two, *rows(toy, c1=b"c")], patches)
    assert toy.workshop.done == {"builds": 3, "cells": 9}  # without a patch, and under two
    bench(toy).fill(two, [*patches, column(toy, "r", "A", FIX_A, FIX_C)], first.cells, {patch.id: patch for patch in first.patches})
    # Itself, and the halves it was cut into: one of them is the first patch again, by another name.
    assert toy.workshop.done["builds"] - 3 <= 3


def test_components_are_never_run_against_each_other() -> None:
    toy = Toy()
    elsewhere = Row("x1", "X", toy.recipe(b"a", component="pkg:generic/other"))
    found = bench(toy).fill([*rows(toy, a1=b"a"), elsewhere], [column(toy, "p", "A", FIX_A)])
    assert list(found.cells) == [("a1", "p")]


def test_a_patch_that_does_not_build_leaves_its_column_unknown() -> None:
    toy = Toy()
    found = bench(toy).fill(rows(toy, a1=b"a"), [column(toy, "p", "A", (b"flaw a\n", b"broken\n"))])
    assert found.cells["a1", "p"].state is CellState.UNKNOWN
    assert found.patches[0].builds is False


def test_a_flaky_reproducer_is_called_flaky() -> None:
    toy = Toy(PROGRAM.replace(b"flaw a", b"sometimes a"))
    found = bench(toy).fill(rows(toy, a1=b"a"), [column(toy, "q", "B", FIX_B)])
    assert (found.reproducers[0].stable, found.cells["a1", "q"].state) == (False, CellState.FLAKY)


def test_what_else_a_patch_changes_is_measured() -> None:
    toy = Toy()
    changes = {
        "good": (FIX_A,), "stub": (STUB,), "deaf": (FIX_A, (b"say hello", b"say nothing")), "careless": (FIX_A, (b"keep parser", b"drop parser")),
    }
    found = bench(toy).fill(rows(toy, a1=b"a"), [column(toy, name, "A", *change) for name, change in changes.items()])
    measured = {patch.id: (patch.tests_equal, patch.benign_equal, round(patch.coverage_share or 0, 2)) for patch in found.patches if not patch.part_of}
    assert measured == {
        "good": (True, True, 1.0), "stub": (True, False, 0.07), "deaf": (True, False, 1.0), "careless": (False, True, 1.0),
    }


def test_a_release_is_cut_in_parts_and_a_part_joins_what_it_quiets() -> None:
    toy = Toy()
    everything = [*rows(toy, a1=b"a", b1=b"b", c1=b"c"), Row("d1", "D", toy.recipe(b"x a"))]
    found = bench(toy).fill(everything, [column(toy, "release", "ABCD", FIX_A, FIX_B, FIX_C)])
    by_name = {patch.id: patch for patch in found.patches}
    cores = {tuple(sorted(patch.claimed_for)) for patch in found.patches if patch.minimal}
    assert (by_name["release"].minimal, cores) == (False, {("A", "D"), ("B",), ("C",)})
    weighed = weigh(found.reproducers, found.patches, found.cells, POLICY.matrix, coverage_share_min=POLICY.bench.coverage_share_min)
    assert Guard.COMPOSITE in weighed.standings["release"].failures
    assert weighed.groups == (("A", "D"), ("B",), ("C",))


def test_a_fix_of_two_places_that_both_count_is_minimal() -> None:
    toy = Toy(PROGRAM.replace(b"flaw b\n", b"flaw a\n"))
    fix = Column("p", toy.diff((b"flaw a\n", b"good a\n")), TOY, frozenset("A"))
    assert bench(toy).take_apart(fix, rows(toy, a1=b"a")) == (True, ())


def test_a_patch_of_too_many_builds_is_left_untried() -> None:
    toy = Toy()
    policy = parse_policy(1, default_policy_document().replace("split_builds_max = 48", "split_builds_max = 2"))
    narrow = MatrixBench(toy.workshop, toy.made, policy.matrix)
    assert narrow.take_apart(column(toy, "p", "A", FIX_A, FIX_B, FIX_C), rows(toy, a1=b"a")) == (None, ())


def test_two_patches_for_one_flaw_join_its_reports_with_stub_and_release_in_the_set() -> None:
    toy = Toy()
    guard = (b"flaw a\n", b"checked a\n")
    patches = [
        column(toy, "p", "A", FIX_A), column(toy, "q", "D", guard), column(toy, "b", "B", FIX_B), column(toy, "stub", "ABD", STUB),
        column(toy, "release", "ABD", FIX_A, FIX_B, FIX_C),
    ]
    found = bench(toy).fill([*rows(toy, a1=b"a", b1=b"b"), Row("d1", "D", toy.recipe(b"x a"))], patches)
    assert said(found) == [
        ("A", "B", Strength.DIFFERENT), ("A", "D", Strength.STRONG), ("B", "D", Strength.DIFFERENT),
    ]


def test_the_statement_of_an_edge_is_a_function_of_what_was_run() -> None:
    digests = []
    for _ in range(2):
        toy = Toy()
        found = bench(toy).fill(rows(toy, a1=b"a", b1=b"b"), [column(toy, "p", "A", FIX_A)])
        weighed = weigh(found.reproducers, found.patches, found.cells, POLICY.matrix, coverage_share_min=POLICY.bench.coverage_share_min)
        digests.append([digest_of_edge(edge, found) for edge in weighed.edges])
    assert digests[0] == digests[1]
    predicate = statement_of_edge(weighed.edges[0], found)["predicate"]
    assert [(cell["reproducer"], cell["state"]) for cell in predicate["cells"]] == [("a1", "clean"), ("b1", "same")]


def test_missing_bytes_are_not_taken_for_an_answer() -> None:
    toy = Toy()
    with pytest.raises(NotFound):
        bench(toy).fill(rows(toy, a1=b"a"), [Column("p", "sha256:" + "0" * 64, TOY, frozenset("A"))])
