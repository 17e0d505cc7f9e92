"""The matrix of a component over all cases that are about it: filled by the machine, kept by each case, handed to deconfliction.

What a case is given of another is what `matrix.kept` lets through. Builds and cells of a case's own patches are kept with the case;
those of another's patch are not: they live as long as the run, and only the cell's word is kept.
"""

import sys
import threading
from collections.abc import Callable, Iterable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta

from clearinghouse.app.bench import digest_of_statement, host_name
from clearinghouse.app.validating import builds_folder, system_docket
from clearinghouse.app.views.matrix import read_matrix
from clearinghouse.app.wiring import Instance
from clearinghouse.core.errors import ClearinghouseError, NotFound, Unavailable
from clearinghouse.core.events import Detail, Event
from clearinghouse.core.ids import CaseId, new_id
from clearinghouse.core.roles import Scope
from clearinghouse.disclosure.deconfliction import store as deconfliction
from clearinghouse.disclosure.deconfliction.execution.actions import Kept, keep_edges
from clearinghouse.disclosure.deconfliction.execution.records import Said, Strength
from clearinghouse.disclosure.intake import store as intake
from clearinghouse.disclosure.validation.dockets import store as dockets
from clearinghouse.disclosure.validation.dockets.records import Docket, MaterialKind
from clearinghouse.disclosure.validation.judging import TrustTier, Verdict
from clearinghouse.disclosure.validation.matrix import store
from clearinghouse.disclosure.validation.matrix.kept import KeptMatrix, column_key, kept_of, known_cells
from clearinghouse.disclosure.validation.matrix.records import Weighed
from clearinghouse.disclosure.validation.matrix.rules import weigh
from clearinghouse.disclosure.validation.matrix.running import Column, Matrix, MatrixBench, Progress, Row, Shop
from clearinghouse.disclosure.validation.matrix.statement import statement_of_edge
from clearinghouse.disclosure.validation.memory.cache import Memory
from clearinghouse.disclosure.validation.memory.folder import Folder
from clearinghouse.disclosure.validation.observing.records import Cell, Observation
from clearinghouse.disclosure.validation.queue import store as queue
from clearinghouse.disclosure.validation.queue.actions import component_term
from clearinghouse.disclosure.validation.queue.records import ValidationState
from clearinghouse.disclosure.validation.recipes.document import read_recipe
from clearinghouse.disclosure.validation.recipes.records import BuildName, BuildPlan, Recipe, Supplier
from clearinghouse.disclosure.validation.trials.actions import supplier_of_patch
from clearinghouse.disclosure.validation.workshop import Build, Cache, MadeMaterials, Materials, MemoryCache, Stopped, Workshop
from clearinghouse.ledger import actions as ledger
from clearinghouse.ledger import outbox
from clearinghouse.parties import rules as party_rules
from clearinghouse.sandbox.base import Ran, Sandbox
from clearinghouse.storage import Transaction

_TURN = "matrix"
OpenShop = Callable[[Materials, Cache], Shop]
"""Opens a workshop over materials and a cache; whoever gave it closes what it opened."""


@dataclass(frozen=True, slots=True)
class Filled:
    """What filling a component's matrix gave."""

    component: str
    matrix: Matrix
    weighed: Weighed
    kept: Kept
    """What it changed of the edges that stand."""


@dataclass(frozen=True, slots=True)
class _Case:
    """What the bench knows of one case about a component."""

    docket: Docket
    memory: Memory
    rows: tuple[Row, ...]
    columns: tuple[Column, ...]
    untrusted: frozenset[str]
    """Reports whose evidence is no better than tier T0."""


def fill_case(instance: Instance, case_id: str, open_shop: OpenShop, progress: Progress = lambda stage, done, total: None) -> list[Filled]:
    """Fill the matrices of all components that a case has confirmed reproducers of; for the machine, which shows it to nobody.

    Raises:
        NotFound: there is no such case, or it was erased.
        Stopped: we were asked to stop.
    """
    with instance.database.read() as tx:
        docket = system_docket(tx, instance, case_id)
        if docket is None:
            raise NotFound(f"nothing found under {case_id[:40]!r}")
        components = sorted({recipe.component for _, _, recipe in _confirmed(tx, instance, docket)})
    return [fill_component(instance, component, open_shop, progress) for component in components]


def fill_in(instance: Instance, sandbox: Sandbox, case_id: str, progress: Progress = lambda stage, done, total: None) -> list[Filled]:
    """`fill_case` in a sandbox, as a person asks for it: one who may decide about the case.

    Raises:
        NotPermitted: the actor is no coordinator.
        NotFound: the case is not the actor's to see.
        Stopped: we were asked to stop.
    """
    party_rules.check_may(instance.actor, Scope.CASES_DECIDE)
    read_matrix(instance, case_id)
    with ExitStack() as opened:
        def open_shop(materials: Materials, cache: Cache) -> Shop:
            return opened.enter_context(Workshop(sandbox, materials, instance.policy.bench, cache=cache))

        return fill_case(instance, case_id, open_shop, progress)


def fill_component(
    instance: Instance, component: str, open_shop: OpenShop, progress: Progress = lambda stage, done, total: None
) -> Filled:
    """Fill a component's matrix over all its cases, let each keep what is its own, and bring deconfliction's edges to what was seen.

    Raises:
        Stopped: we were asked to stop.
    """
    secret, term = instance.envelope.index_key(), component_term(instance.envelope, component)
    # What is confirmed or handed in from here on is not in it, and makes it due again.
    began = instance.clock.now()
    with instance.database.read() as tx:
        opened = [_case(tx, instance, case_id, component) for case_id in queue.system_cases_of_component(tx, term)]
        cases = [case for case in opened if case is not None]
        before = [kept for case in cases if (kept := store.system_find(tx, case.docket, term)) is not None]
    columns = _together(cases)
    made = MadeMaterials(_AllOf([case.memory for case in cases]))
    shop = _Routed(cases, made, open_shop)
    keys = {column_key(secret, column.id): column.id for column in columns}
    rows = [row for case in cases for row in case.rows]
    bench = MatrixBench(shop, made, instance.policy.matrix, progress)
    matrix = bench.fill(rows, columns, known_cells(before, keys))
    weighed = weigh(
        matrix.reproducers, matrix.patches, matrix.cells, instance.policy.matrix, coverage_share_min=instance.policy.bench.coverage_share_min
    )
    now = instance.clock.now()
    with instance.database.write() as tx:
        for case in cases:
            case.memory.write(tx)
            kept = kept_of(component, matrix, weighed, _alone(instance, matrix, case), {row.report for row in case.rows}, _suppliers(case), secret)
            store.put(tx, case.docket, term, kept, began)
            # Of the case's own alone: how much there is of others is nobody's to count here.
            own: dict[str, Detail] = {"reproducers": len(kept.rows), "patches": sum(column.own for column in kept.columns)}
            ledger.record(tx, Event("MatrixFilled", (case.docket.case_id,), own), actor=instance.system, now=now)
        edges = _hand_over(tx, instance, matrix, weighed, frozenset(row.report for case in cases for row in case.rows if row.report in case.untrusted))
    for case in cases:
        case.memory.forget_new()
    return Filled(component, matrix, weighed, edges)


def _alone(instance: Instance, matrix: Matrix, case: "_Case") -> Weighed:
    """What a case's own reproducers and patches amount to without those of others: what its room may be told."""
    mine, own = {row.report for row in case.rows}, {column.id for column in case.columns}
    rows = [row for row in matrix.reproducers if row.report in mine]
    patches = [replace(patch, claimed_for=patch.claimed_for & mine) for patch in matrix.patches if (patch.part_of or patch.id) in own]
    patches = [patch for patch in patches if not patch.part_of or patch.claimed_for]
    ids, columns = {row.id for row in rows}, {patch.id for patch in patches}
    cells = {key: cell for key, cell in matrix.cells.items() if key[0] in ids and key[1] in columns}
    return weigh(rows, patches, cells, instance.policy.matrix, coverage_share_min=instance.policy.bench.coverage_share_min)


def _suppliers(case: "_Case") -> dict[str, Supplier]:
    return {column.id: column.supplier for column in case.columns}


def fill_next(instance: Instance, sandbox: Sandbox, stop: threading.Event) -> bool:
    """Fill the matrix that is due longest, as no other worker does just now; False where none is.

    What cannot be filled is put aside until something new of it is confirmed or handed in: it holds up no other.
    Raises:
        Unavailable: something this needs is not there now.
    """
    with instance.database.read() as tx:
        due = store.system_due(tx)
    if due is None:
        return False
    case_id, term = due
    lease, began = new_id("lse"), instance.clock.now()
    if not _take_turn(instance, lease):
        return False
    ended = threading.Event()
    keeper = threading.Thread(target=_keep_turn, args=(instance, lease, ended), name="matrix-turn", daemon=True)
    keeper.start()
    try:
        with instance.database.read() as tx:
            docket = system_docket(tx, instance, case_id)
        if docket is None:
            return False  # the case was erased a moment ago
        _fill_due(instance, sandbox, docket, term, stop)
    except Stopped:
        return False
    except Unavailable:
        raise
    except Exception as error:
        sys.stderr.write(f"clearinghouse bench: a matrix of {case_id} cannot be filled ({type(error).__name__}); the next report or patch has it tried again\n")
        with instance.database.write() as tx:
            if (docket := system_docket(tx, instance, case_id)) is not None:
                store.put(tx, docket, term, store.system_find(tx, docket, term) or KeptMatrix("", (), (), (), ()), began)
    finally:
        ended.set()
        keeper.join()
        with instance.database.write() as tx:
            outbox.end_turn(tx, _TURN, lease)
    return True


def _fill_due(instance: Instance, sandbox: Sandbox, docket: Docket, term: str, stop: threading.Event) -> None:
    with instance.database.read() as tx:
        found = [recipe.component for _, _, recipe in _confirmed(tx, instance, docket)]
    component = next((one for one in found if component_term(instance.envelope, one) == term), None)
    if component is None:
        raise NotFound("no recipe of the case is of this component any more")
    with ExitStack() as opened:
        def open_shop(materials: Materials, cache: Cache) -> Workshop:
            return opened.enter_context(Workshop(sandbox, materials, instance.policy.bench, cache=cache, stop=stop, place=host_name()))

        fill_component(instance, component, open_shop)


def _take_turn(instance: Instance, lease: str) -> bool:
    now = instance.clock.now()
    with instance.database.write() as tx:
        return outbox.take_turn(tx, _TURN, lease, until=now + timedelta(seconds=instance.policy.bench_queue.lease_seconds), now=now)


def _keep_turn(instance: Instance, lease: str, ended: threading.Event) -> None:
    """Hold the turn while a matrix is being filled: a build may take longer than a lease."""
    while not ended.wait(instance.policy.bench_queue.lease_seconds / 3):
        with suppress(ClearinghouseError):
            _take_turn(instance, lease)


def _believed(strength: Strength, *, untrusted: bool) -> Strength | None:
    """What an edge may do: where a report's sources came with the report, whoever made them made the crash, and a person has to look."""
    if not untrusted:
        return strength
    return {Strength.STRONG: Strength.MEDIUM, Strength.DIFFERENT: None}.get(strength, strength)


def _hand_over(tx: Transaction, instance: Instance, matrix: Matrix, weighed: Weighed, untrusted: frozenset[str]) -> Kept:
    numbers = {row.report: intake.system_number(tx, row.report) for row in matrix.reproducers}
    placed = deconfliction.read_placements(tx, sorted(number for number in numbers.values() if number is not None) or [0])
    known = {report: number for report, number in numbers.items() if number is not None and number in placed}
    said = []
    for edge in weighed.edges:
        strength = _believed(edge.strength, untrusted=bool({edge.one, edge.other} & untrusted))
        if strength is not None and edge.one in known and edge.other in known:
            one, other = sorted((known[edge.one], known[edge.other]))
            said.append(Said(one, other, strength, digest_of_statement(statement_of_edge(edge, matrix))))
    return keep_edges(
        tx, said, among=known.values(), actor=instance.system, envelope=instance.envelope, thresholds=instance.policy.deconfliction,
        now=instance.clock.now(),
    )


def _confirmed(tx: Transaction, instance: Instance, docket: Docket) -> list[tuple[str, str, Recipe]]:
    """(validation, report, recipe) of what a case's bench confirmed, the newest of each report and recipe."""
    found: dict[tuple[str, str], tuple[str, str, Recipe]] = {}
    for one in queue.system_validations(tx, docket):
        if one.state is not ValidationState.DONE or not Verdict(one.verdict).confirms:
            continue
        body = dockets.system_body(tx, docket, one.recipe)
        if body is not None:
            found[one.report_id, one.recipe] = (f"{one.report_id}/{one.recipe[7:19]}", one.report_id, read_recipe(body, instance.policy.bench))
    return list(found.values())


def _case(tx: Transaction, instance: Instance, case_id: CaseId, component: str) -> _Case | None:
    docket = system_docket(tx, instance, case_id)
    if docket is None:
        return None
    confirmed = [one for one in _confirmed(tx, instance, docket) if one[2].component == component]
    if not confirmed:
        return None
    rows = tuple(Row(name, report, recipe) for name, report, recipe in confirmed)
    handed_in = {material.digest for material in dockets.system_materials(tx, docket, (MaterialKind.PATCH,))}
    claims: dict[str, set[str]] = {}
    for _, report, recipe in confirmed:
        if (digest := _own_fix(recipe)) is not None:
            claims.setdefault(digest, set()).add(report)
    for digest in handed_in - claims.keys():
        # Handed in without a recipe that names it: for what the case is about.
        claims[digest] = {report for _, report, _ in confirmed}
    columns = tuple(
        Column(digest, digest, component, frozenset(reports), supplier_of_patch(tx, docket, digest)) for digest, reports in sorted(claims.items())
    )
    folder = Folder(builds_folder(instance), instance.policy.bench_queue.artefact_bytes_max)
    trusted = {one.report_id for one in queue.system_validations(tx, docket) if one.trust not in ("", TrustTier.T0.value)}
    untrusted = frozenset(row.report for row in rows if row.report not in trusted)
    return _Case(docket, Memory(instance.database, docket, folder, instance.clock.now), rows, columns, untrusted)


def _own_fix(recipe: Recipe) -> str | None:
    """The one patch that a recipe's fixed build has on top of the vulnerable one."""
    fixed, vulnerable = recipe.builds.get(BuildName.FIXED), recipe.builds[BuildName.VULNERABLE]
    if fixed is None or fixed.sources != vulnerable.sources or fixed.patches[:-1] != vulnerable.patches or not fixed.patches:
        return None
    return fixed.patches[-1]


def _together(cases: Iterable[_Case]) -> list[Column]:
    """The patches of all cases; one that several hold is one column, and worth as much as the least of its suppliers."""
    found: dict[str, Column] = {}
    for case in cases:
        for column in case.columns:
            other = found.get(column.id)
            found[column.id] = column if other is None else replace(
                other, claimed_for=other.claimed_for | column.claimed_for,
                supplier=Supplier.MODEL if Supplier.MODEL in (other.supplier, column.supplier) else other.supplier,
            )
    return list(found.values())


@dataclass(frozen=True, slots=True)
class _AllOf:
    """The materials of several cases, for the bench alone."""

    memories: list[Memory]

    def read(self, digest: str) -> bytes:
        for memory in self.memories:
            try:
                return memory.read(digest)
            except NotFound:
                continue
        raise NotFound(f"no case about this component holds a material {digest[:20]}...")


@dataclass
class _Routed:
    """A workshop for each case over what the case keeps, and one that keeps nothing, for a case's recipe under another case's patch."""

    cases: list[_Case]
    made: MadeMaterials
    open_shop: OpenShop
    _of_case: dict[str, Shop] = field(default_factory=dict)
    _passing: list[Shop] = field(default_factory=list)
    _route: dict[str, Shop] = field(default_factory=dict)

    def build(self, recipe: Recipe, plan: BuildPlan) -> Build:
        shop = self._shop(recipe, plan)
        build = shop.build(recipe, plan)
        self._route[build.key] = shop
        return build

    def observe(self, recipe: Recipe, build: Build, input_digest: str) -> Cell:
        return self._route[build.key].observe(recipe, build, input_digest)

    def output(self, recipe: Recipe, build: Build, input_digest: str) -> tuple[Observation, bytes]:
        return self._route[build.key].output(recipe, build, input_digest)

    def coverage(self, recipe: Recipe, build: Build) -> int | None:
        return self._route[build.key].coverage(recipe, build)

    def run_tests(self, recipe: Recipe, build: Build) -> tuple[Ran, ...]:
        return self._route[build.key].run_tests(recipe, build)

    def _shop(self, recipe: Recipe, plan: BuildPlan) -> Shop:
        before = recipe.builds[BuildName.VULNERABLE].patches
        added = set(plan.patches[len(before) :])
        case = next((case for case in self.cases if any(row.recipe.digest == recipe.digest for row in case.rows)), None)
        if case is not None and added <= {column.digest for column in case.columns}:
            if case.docket.case_id not in self._of_case:
                self._of_case[case.docket.case_id] = self.open_shop(self.made, case.memory)
            return self._of_case[case.docket.case_id]
        if not self._passing:
            self._passing.append(self.open_shop(self.made, MemoryCache()))
        return self._passing[0]

