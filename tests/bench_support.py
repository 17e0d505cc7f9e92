"""A case with something to validate, and a workshop that runs nothing: for tests of the queue, the pages and the walls."""

import hashlib
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from clearinghouse.app import validating
from clearinghouse.app.bench import digest_of_statement
from clearinghouse.app.kept_verdicts import kept_of, render_kept
from clearinghouse.app.wiring import Instance
from clearinghouse.core.errors import Conflict
from clearinghouse.core.ids import CaseId, PartyId, ReportId, new_id
from clearinghouse.disclosure.intake.records import Finding
from clearinghouse.disclosure.validation.dockets.records import MaterialKind
from clearinghouse.disclosure.validation.evidence import sign_statement, statement_of
from clearinghouse.disclosure.validation.judging import judge
from clearinghouse.disclosure.validation.judging.records import Observed
from clearinghouse.disclosure.validation.memory.cache import Memory
from clearinghouse.disclosure.validation.memory.folder import Folder
from clearinghouse.disclosure.validation.observing.records import Cell, Observation, Outcome
from clearinghouse.disclosure.validation.patches.records import Climb, Reason, Rung
from clearinghouse.disclosure.validation.patches.rules import completed, step
from clearinghouse.disclosure.validation.queue.jobs import Bench, Opened
from clearinghouse.disclosure.validation.queue.records import Finished, Validation
from clearinghouse.disclosure.validation.recipes.document import read_recipe
from clearinghouse.disclosure.validation.recipes.records import BuildName, BuildPlan, Recipe
from clearinghouse.disclosure.validation.trials import actions as trials
from clearinghouse.disclosure.validation.trials.records import Trial, Tried
from clearinghouse.disclosure.validation.workshop import Build
from clearinghouse.parties.records import Party
from clearinghouse.sandbox.base import Guard, Level
from room_cast import Cast

LEVEL = Level("pretended", "1", frozenset({Guard.NETWORK, Guard.FILES}))
SOURCE = b"int main(void) { return 0; }\n"
PATCH = b"--- a/reader.c\n+++ b/reader.c\n@@ -1 +1 @@\n-int main(void) { return 0; }\n+int main(void) { return 1; }\n"
REPRODUCER = b"a marked reproducer"
BENIGN = b"hello"


def digest_of(body: bytes) -> str:
    return "sha256:" + hashlib.sha256(body).hexdigest()


def recipe_text(title: str = "Overflow in the reader", benign: int = 1) -> bytes:
    """A recipe over the materials of this module."""
    more = "".join(f', "{digest_of(BENIGN + b"!" * number)}"' for number in range(1, benign))
    return f"""
format = "clearinghouse-recipe/1"
title = "{title}"
component = "pkg:generic/reader"
language = "c"
reproducer = "{digest_of(REPRODUCER)}"
benign = ["{digest_of(BENIGN)}"{more}]
build = [["cc", "{{flags}}", "{{driver}}", "reader.c"]]

[[sources]]
name = "reader.c"
digest = "{digest_of(SOURCE)}"

[builds.fixed]
patches = ["{digest_of(PATCH)}"]

[harness]
kind = "function"
file = "reader.c"

[expected]
effect = "sanitizer"
name = "heap-buffer-overflow"
""".encode()


@dataclass
class Desk:
    """A case, its report by a finder, a recipe that can be asked for, and somebody else's bench."""

    cast: Cast
    case: CaseId
    report: ReportId
    recipe: str
    verifier: Party

    @property
    def instance(self) -> Instance:
        return self.cast.instance

    def ask(self, recipe: str = "") -> Validation:
        return validating.ask(self.instance, self.case, self.report, recipe or self.recipe)


def desk_of(instance: Instance, *, benign: int = 1, cast: Cast | None = None, title: str = "Overflow in the reader") -> Desk:
    """A case with everything a validation needs, the materials handed in by the desk."""
    cast = cast or Cast(instance)
    report = cast.report(Finding(title=title, description="The reader overflows", reproduction="run it"), "finder")
    case = cast.open(report, title=title)
    bodies = [(MaterialKind.SOURCE, SOURCE), (MaterialKind.PATCH, PATCH), (MaterialKind.REPRODUCER, REPRODUCER)]
    bodies += [(MaterialKind.BENIGN, BENIGN + b"!" * number) for number in range(benign)]
    for kind, body in bodies:
        validating.add_material(instance, case, kind, f"a {kind}.bin", body)
    recipe = validating.add_material(instance, case, MaterialKind.RECIPE, "recipe.toml", recipe_text(title, benign))
    return Desk(cast, case, report, recipe.id, cast.party("coordinator_bench"))


def tried_as_it_seems(instance: Instance, trial: Trial) -> None:
    """Let a trial come to an end without running anything: it applies and builds, and the reproducer still fires."""
    steps = completed((step(Rung.APPLIES), step(Rung.BUILDS), step(Rung.QUIET, Reason.STILL_FIRES, tried=5)))
    climb = Climb(trial.patch, trial.recipe, trial.supplier, steps, LEVEL, 1)
    now = instance.clock.now()
    with instance.database.write() as tx:
        docket = validating.system_docket(tx, instance, trial.case_id)
        assert docket is not None
        claimed = trials.claim(tx, new_id("lse"), actor=instance.actor.id, policy=instance.policy.bench_queue, now=now)
        assert claimed is not None
        assert trials.finish(tx, docket, claimed, Tried(climb, b"{}", digest_of(b"{}")), actor=instance.actor.id, now=now)


@dataclass
class Pretended:
    """A workshop that runs nothing: what is built works, what is run crashes on the vulnerable build alone."""

    memory: Memory
    stop: threading.Event
    builds: list[str] = field(default_factory=list)
    cells: list[str] = field(default_factory=list)
    before: Callable[[str], None] = lambda what: None
    broken: frozenset[str] = frozenset()

    def build(self, recipe: Recipe, plan: BuildPlan) -> Build:
        name = next(name.value for name, one in recipe.builds.items() if one == plan)
        key = digest_of(f"{recipe.digest}/{name}".encode())
        if (known := self.memory.find_build(key)) is not None:
            return known
        self._wait(f"build {name}")
        self.builds.append(name)
        made = Build(key, name not in self.broken, "built", b"" if name in self.broken else b"the files of " + name.encode(), True, "", b"compiled\n")
        self.memory.keep_build(made)
        return made

    def observe(self, recipe: Recipe, build: Build, input_digest: str, *, times: int | None = None) -> Cell:
        key = digest_of(f"{build.key}/{input_digest}".encode())
        if (known := self.memory.find_cell(key)) is not None:
            return known
        self.memory.read(input_digest)
        self._wait(f"cell {input_digest}")
        self.cells.append(key)
        fires = input_digest == recipe.reproducer and build.key == digest_of(f"{recipe.digest}/vulnerable".encode())
        log = b"==1==ERROR: AddressSanitizer: heap-buffer-overflow <script>alert(1)</script>\n" if fires else b"quiet\n"
        outcome = Outcome.CRASH_SANITIZER if fires else Outcome.CLEAN
        run = Observation(
            outcome, "heap-buffer-overflow" if fires else "", "READ 1" if fires else "", ("read_row", "main") if fires else (),
            "reader.c:12" if fires else "", int(fires), 77 if fires else 0, reached_end=not fires, wall_seconds=0.02,
            log_digest=digest_of(log), untrusted_log=log,
        )
        cell = Cell(key, build.key, input_digest, outcome, (run,) * (times or 5), LEVEL)
        self.memory.keep_cell(cell)
        return cell

    def _wait(self, what: str) -> None:
        self.before(what)
        if self.stop.is_set():
            raise Conflict("stopped as asked")


@dataclass
class Benches:
    """Workers over pretended workshops; says what was built and run by all of them."""

    instance: Instance
    before: Callable[[str], None] = lambda what: None
    broken: frozenset[str] = frozenset()
    shops: list[Pretended] = field(default_factory=list)

    def of(self, party: Party | PartyId, **more: Any) -> Bench:
        """A worker of somebody."""
        actor = party if isinstance(party, str) else party.id
        instance = self.instance

        def opened(case_id: CaseId, stop: threading.Event) -> Opened | None:
            with instance.database.read() as tx:
                docket = validating.system_docket(tx, instance, case_id)
            if docket is None:
                return None
            memory = Memory(instance.database, docket, Folder(instance.settings.home / "bench", 10**9), instance.clock.now)
            shop = Pretended(memory, stop, before=self.before, broken=self.broken)
            self.shops.append(shop)
            return Opened(docket, memory, shop)

        return Bench(
            instance.database, actor, more.pop("policy", instance.policy.bench_queue), instance.clock.now, opened,
            lambda document: read_recipe(document, instance.policy.bench), lambda *asked: finished_of(instance, *asked), **more,
        )

    @property
    def built(self) -> list[str]:
        return [name for shop in self.shops for name in shop.builds]

    @property
    def ran(self) -> list[str]:
        return [cell for shop in self.shops for cell in shop.cells]


def finished_of(instance: Instance, docket: Any, validation: Validation, recipe: Recipe, shop: Any) -> Finished:
    """What judging gives, from what the pretended workshop saw."""
    builds = {name: shop.build(recipe, plan) for name, plan in recipe.builds.items()}
    working = {name: build for name, build in builds.items() if build.ok}
    observed = Observed(
        builds, {name: shop.observe(recipe, build, recipe.reproducer) for name, build in working.items()}, {},
        {name: tuple(shop.observe(recipe, build, digest, times=2) for digest in recipe.benign) for name, build in working.items()},
        dict.fromkeys((BuildName.VULNERABLE, BuildName.FIXED), 10), LEVEL,
    )
    assessment = judge(recipe, observed, instance.policy.bench)
    statement = statement_of(recipe, assessment, validator="pty_bench", about=(validation.report_id,), now=instance.clock.now())
    envelope = sign_statement(statement, Ed25519PrivateKey.from_private_bytes(bytes(32)))
    kept = render_kept(kept_of(recipe, assessment, "host", instance.policy.bench))
    return Finished(assessment.verdict.value, assessment.tier.value, LEVEL.kind, kept, envelope, digest_of_statement(statement))
