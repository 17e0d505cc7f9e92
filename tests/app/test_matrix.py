"""The matrix of a component over its cases: filled once, kept by each case as its own, handed to deconfliction."""

import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from clearinghouse.app import process, validating
from clearinghouse.app.bench import bench_of, digest_of_statement
from clearinghouse.app.matrix import Filled, fill_case, fill_next
from clearinghouse.app.validating import system_docket
from clearinghouse.app.views import report as report_views
from clearinghouse.app.views.matrix import read_matrix
from clearinghouse.app.wiring import Instance
from clearinghouse.core.clock import FixedClock
from clearinghouse.core.errors import NotFound, NotPermitted
from clearinghouse.core.events import Event
from clearinghouse.core.ids import CaseId, ReportId
from clearinghouse.disclosure.coordination.rooms.records import CaseRole
from clearinghouse.disclosure.deconfliction import store as deconfliction
from clearinghouse.disclosure.deconfliction.execution import store as execution
from clearinghouse.disclosure.deconfliction.execution.records import Strength
from clearinghouse.disclosure.intake import store as intake
from clearinghouse.disclosure.intake.records import Finding
from clearinghouse.disclosure.validation.dockets.records import MaterialKind
from clearinghouse.disclosure.validation.matrix import store as matrices
from clearinghouse.disclosure.validation.queue import store as queue
from clearinghouse.disclosure.validation.queue.actions import component_term
from clearinghouse.disclosure.validation.queue.records import Finished, ValidationState
from clearinghouse.disclosure.validation.recipes.document import example_files, pin_document
from clearinghouse.disclosure.validation.workshop import Cache, Materials
from clearinghouse.disclosure.validation.workshop.materials import digest_of
from clearinghouse.ledger import actions as ledger
from clearinghouse.sandbox import Sandbox
from room_cast import Cast
from sandbox_support import real_sandbox
from toy_bench import PROGRAM, ToyWorkshop, diff, replaced

FIX_A = diff(PROGRAM, replaced(PROGRAM, (b"flaw a\n", b"good a\n")))
CHECK_A = diff(PROGRAM, replaced(PROGRAM, (b"flaw a\n", b"checked a\n")))
FIX_B = diff(PROGRAM, replaced(PROGRAM, (b"flaw b\n", b"good b\n")))


def recipe_text(reproducer: bytes, patch: bytes) -> bytes:
    return f"""
format = "clearinghouse-recipe/1"
title = "A toy"
component = "pkg:generic/toy"
language = "c"
reproducer = "{digest_of(reproducer)}"
benign = ["{digest_of(b"hello")}"]
build = [["cc", "{{flags}}", "{{driver}}", "program.txt"]]
tests = [["expect", "parser"]]

[[sources]]
name = "program.txt"
digest = "{digest_of(PROGRAM)}"

[builds.fixed]
patches = ["{digest_of(patch)}"]

[harness]
kind = "function"
file = "program.txt"

[expected]
effect = "sanitizer"
""".encode()


class Benches:
    """Toy workshops, and what all of them did."""

    def __init__(self) -> None:
        self.shops: list[ToyWorkshop] = []

    def open(self, materials: Materials, cache: Cache) -> ToyWorkshop:
        self.shops.append(ToyWorkshop(materials, cache))
        return self.shops[-1]

    def done(self) -> Counter[str]:
        found = Counter[str]()
        for shop in self.shops:
            found += shop.done
        return found


def validated(cast: Cast, title: str, reproducer: bytes, patch: bytes, finder: str) -> tuple[CaseId, ReportId]:
    """A case with a report whose reproducer the bench has confirmed."""
    bodies = ((MaterialKind.SOURCE, PROGRAM), (MaterialKind.PATCH, patch), (MaterialKind.REPRODUCER, reproducer), (MaterialKind.BENIGN, b"hello"))
    return confirmed(cast, title, bodies, recipe_text(reproducer, patch), finder)


def confirmed(
    cast: Cast, title: str, bodies: Sequence[tuple[MaterialKind, bytes]], recipe_body: bytes, finder: str
) -> tuple[CaseId, ReportId]:
    """The same of any materials."""
    instance = cast.instance
    report = cast.report(Finding(title=title, description=f"{title} in the toy", reproduction="run it"), finder)
    case = cast.open(report, title=title)
    for kind, body in bodies:
        validating.add_material(instance, case, kind, f"a {kind}", body)
    recipe = validating.add_material(instance, case, MaterialKind.RECIPE, "recipe.toml", recipe_body)
    asked = validating.ask(instance, case, report, recipe.id)
    with instance.database.write() as tx:
        docket = system_docket(tx, instance, case)
        assert docket is not None
        queue.change_state(tx, asked.id, ValidationState.QUEUED, ValidationState.RUNNING, instance.clock.now())
        finished = Finished("reproduced", "T1", "toy", b"{}", b"{}", digest_of_statement({}))
        assert queue.put_result(tx, docket, asked.id, finished, instance.actor.id, instance.clock.now())
        ledger.record(tx, Event("Tested", (asked.id,)), actor=instance.actor.id, now=instance.clock.now())
    return case, report


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    yield from real_sandbox("clang", "patch", "llvm-symbolizer")


@pytest.fixture
def cast(sqlite_instance: Instance) -> Cast:
    return Cast(sqlite_instance)


def three(cast: Cast) -> list[tuple[CaseId, ReportId]]:
    """Two cases of one flaw with patches of their own, and one of another."""
    found = [
        validated(cast, "Overflow in the reader", b"a", FIX_A, "finder"), validated(cast, "Crash on a crafted page", b"x a", CHECK_A, "second"),
        validated(cast, "Use after free in the writer", b"b", FIX_B, "third"),
    ]
    process.deconflict(cast.instance, settle=True)
    return found


def numbers_of(cast: Cast, found: list[tuple[CaseId, ReportId]]) -> dict[int, int]:
    with cast.instance.database.read() as tx:
        return {intake.system_number(tx, report) or 0: place for place, (_, report) in enumerate(found)}


def filled(cast: Cast, case: CaseId, benches: Benches) -> Filled:
    [one] = fill_case(cast.instance, case, benches.open)
    return one


def test_two_cases_of_one_flaw_are_joined_by_execution_and_the_third_is_held_apart(cast: Cast) -> None:
    found = three(cast)
    filled(cast, found[0][0], Benches())
    place = numbers_of(cast, found)
    with cast.instance.database.read() as tx:
        said = {(place[edge.said.one], place[edge.said.other]): edge.said.strength for edge in execution.system_standing(tx)}
    assert said == {(0, 1): Strength.STRONG, (0, 2): Strength.DIFFERENT, (1, 2): Strength.DIFFERENT}
    shown = report_views.explain(cast.instance, found[0][1], found[1][1]).candidate
    assert (shown.relation, shown.evidence[0].name) == ("duplicate", "execution")


def test_filling_again_runs_nothing_of_a_case_s_own_twice_and_says_the_same(cast: Cast) -> None:
    found = three(cast)
    first, again = Benches(), Benches()
    filled(cast, found[0][0], first)
    second = filled(cast, found[1][0], again)
    # The case's own builds and cells come out of what it keeps, another's cells as words; only guards over two cases are measured anew.
    assert again.done()["cells"] < first.done()["cells"]
    assert second.kept.added == second.kept.withdrawn == ()


def test_a_case_keeps_nothing_of_another_s_that_could_be_shown(cast: Cast) -> None:
    found = three(cast)
    filled(cast, found[0][0], Benches())
    picture = read_matrix(cast.instance, found[0][0]).pictures[0]
    assert [(head.name, head.held, head.digest) for head in picture.heads] == [
        ("patch 1", False, digest_of(FIX_A)), ("held 1", True, ""), ("held 2", True, ""),
    ]
    assert [row.title for row in picture.rows] == ["Overflow in the reader"]
    text = repr(picture)
    others = (digest_of(CHECK_A), digest_of(FIX_B), found[1][1], found[2][1], "crafted page", "writer")
    assert not [one for one in others if one in text]
    assert [(line.other, line.strength) for line in picture.said] == [("a held finding", "strong")]


def test_who_does_not_coordinate_is_not_told_that_anybody_else_holds_something(cast: Cast) -> None:
    found = three(cast)
    filled(cast, found[0][0], Benches())
    cast.join(found[0][0], "vendor", CaseRole.VENDOR)
    seen = read_matrix(cast.instance.acting_as(cast.party("vendor")), found[0][0]).pictures
    assert [[head.held for head in picture.heads] for picture in seen] == [[False]]
    assert [picture.said for picture in seen] == [()]


def test_the_finder_of_a_report_is_shown_no_matrix_and_a_stranger_no_case(cast: Cast) -> None:
    found = three(cast)
    filled(cast, found[0][0], Benches())
    assert read_matrix(cast.instance.acting_as(cast.party("finder")), found[0][0]).pictures == ()
    stranger = cast.instance.acting_as(cast.party("stranger"))
    with pytest.raises(NotFound):
        read_matrix(stranger, found[0][0])


def test_the_ledger_counts_a_case_s_own_alone(cast: Cast) -> None:
    from clearinghouse.ledger.store import events_about

    found = three(cast)
    filled(cast, found[0][0], Benches())
    with cast.instance.database.read() as tx:
        events = [event for event in events_about(tx, found[0][0]) if event.kind == "MatrixFilled"]
    assert [event.details for event in events] == ['{"patches":1,"reproducers":1}']


def test_a_stub_and_a_release_change_nothing(cast: Cast) -> None:
    found = three(cast)
    stub = diff(PROGRAM, replaced(PROGRAM, (b"start\n", b"start\nrefuse\n")))
    release = diff(PROGRAM, replaced(PROGRAM, (b"flaw a\n", b"good a\n"), (b"flaw b\n", b"good b\n"), (b"flaw c\n", b"good c\n")))
    for name, body in (("stub.diff", stub), ("release.diff", release)):
        validating.add_material(cast.instance, found[2][0], MaterialKind.PATCH, name, body)
    filled(cast, found[2][0], Benches())
    place = numbers_of(cast, found)
    with cast.instance.database.read() as tx:
        said = {(place[edge.said.one], place[edge.said.other]): edge.said.strength for edge in execution.system_standing(tx)}
    assert said == {(0, 1): Strength.STRONG, (0, 2): Strength.DIFFERENT, (1, 2): Strength.DIFFERENT}




PYTHON = b'def reproduce(data):\n    if data.startswith(b"A"):\n        return [][len(data)]\n    return 0\n'


def python_recipe(reproducer: bytes, patch: bytes) -> bytes:
    return f"""
format = "clearinghouse-recipe/1"
title = "A list is read past its end"
component = "pkg:pypi/toy"
language = "python"
sanitizer = "none"
reproducer = "{digest_of(reproducer)}"
benign = ["{digest_of(b"hello")}"]

[[sources]]
name = "toy.py"
digest = "{digest_of(PYTHON)}"

[builds.fixed]
patches = ["{digest_of(patch)}"]

[harness]
kind = "module"
file = "toy.py"

[expected]
effect = "exception"
name = "IndexError"
""".encode()


def test_in_the_real_sandbox_two_fixes_of_one_flaw_join_its_reports(cast: Cast) -> None:
    from clearinghouse.app.matrix import fill_in
    from sandbox_support import real_sandbox

    changes = ((b'return [][len(data)]', b'return 1'), (b'if data.startswith(b"A")', b'if data.startswith(b"A") and len(data) > 900'))
    reports = []
    for place, change in enumerate(changes):
        patch = diff(PYTHON, replaced(PYTHON, change), "toy.py")
        bodies = ((MaterialKind.SOURCE, PYTHON), (MaterialKind.PATCH, patch), (MaterialKind.REPRODUCER, b"A" * (place + 1)), (MaterialKind.BENIGN, b"hello"))
        reports.append(confirmed(cast, f"Report {place}", bodies, python_recipe(b"A" * (place + 1), patch), f"finder{place}"))
    process.deconflict(cast.instance, settle=True)
    for sandbox in real_sandbox("python3", "patch"):
        [found] = fill_in(cast.instance, sandbox, reports[0][0])
    assert {cell.state.value for cell in found.matrix.cells.values()} == {"clean"}
    with cast.instance.database.read() as tx:
        assert [edge.said.strength for edge in execution.system_standing(tx)] == [Strength.STRONG]


def test_only_who_may_decide_about_a_case_fills_its_matrix(cast: Cast) -> None:
    from clearinghouse.app.matrix import fill_in

    found = three(cast)
    for name, error in (("vendor", NotPermitted), ("coordinator_elsewhere", NotFound)):
        with pytest.raises(error):
            fill_in(cast.instance.acting_as(cast.party(name)), None, found[0][0])  # type: ignore[arg-type]


def test_matrix_is_due_until_it_is_filled_and_again_with_the_next_patch(cast: Cast, clock: FixedClock) -> None:
    instance, found = cast.instance, three(cast)
    with instance.database.read() as tx:
        assert matrices.system_due(tx) is not None
    clock.at += timedelta(seconds=1)
    filled(cast, found[0][0], Benches())
    with instance.database.read() as tx:
        assert matrices.system_due(tx) is None
    clock.at += timedelta(seconds=1)
    validating.add_material(instance, found[1][0], MaterialKind.PATCH, "another", FIX_A + b"\n")
    with instance.database.read() as tx:
        assert matrices.system_due(tx) == (found[1][0], component_term(instance.envelope, "pkg:generic/toy"))


def test_bench_fills_what_is_due_in_the_real_sandbox(instance: Instance, sandbox: Sandbox) -> None:
    """From two cases of one planted flaw to one cluster, by nothing but what was run."""
    cast, files = Cast(replace(instance, policy=replace(instance.policy, bench=replace(instance.policy.bench, runs=2)))), example_files()
    other = files["fix.diff"].replace(b"  if ((size_t)count + 2 > size) return -2;", b"  if (size < 2u + count) count = 0;")
    cases: list[CaseId] = []
    mine_of: list[ReportId] = []
    for finder, fix in (("finder", files["fix.diff"]), ("second", other)):
        mine = files | {"fix.diff": fix, "crash.bin": b"S\xf0" + finder.encode()}
        report = cast.report(Finding(title=f"Sent by {finder}", description=f"{finder} saw it read past", reproduction="run it"), finder)
        case = cast.open(report, title=f"Sent by {finder}")
        for name, body in mine.items():
            kind = {"fix.diff": MaterialKind.PATCH, "crash.bin": MaterialKind.REPRODUCER, "good.bin": MaterialKind.BENIGN}.get(name, MaterialKind.SOURCE)
            if name != "draft.toml":
                validating.add_material(cast.instance, case, kind, name, body)
        text = pin_document(files["draft.toml"].decode().replace('digest = "file:', 'supplier = "desk"\ndigest = "file:'), mine).encode()
        recipe = validating.add_material(cast.instance, case, MaterialKind.RECIPE, "recipe.toml", text)
        validating.ask(cast.instance, case, report, recipe.id)
        cases.append(case)
        mine_of.append(report)
    process.deconflict(cast.instance, settle=True)
    before = [group for group in clusters_of(cast.instance) if set(mine_of) & group]
    assert [len(group) for group in before] == [1, 1]
    bench = bench_of(cast.instance, sandbox, lambda stop: fill_next(cast.instance, sandbox, stop))
    bench.run_once()
    assert [group for group in clusters_of(cast.instance) if set(mine_of) & group] == [set(mine_of)]
    assert [len(view.pictures) for view in (read_matrix(cast.instance, case) for case in cases)] == [1, 1]
    assert not fill_next(cast.instance, sandbox, threading.Event()), "what is filled is not due"


def clusters_of(instance: Instance) -> list[set[ReportId]]:
    """Reports by cluster."""
    with instance.database.read() as tx:
        found = intake.list_reports(tx, instance.envelope, viewer=instance.actor.id, now=instance.clock.now(), newest=100)
        ids = {report.number: report.id for report in found}
        groups: dict[int, set[ReportId]] = {}
        for number, cluster in deconfliction.cluster_of_each(tx):
            groups.setdefault(cluster, set()).add(ids[number])
    return [groups[cluster] for cluster in sorted(groups)]
