"""Running a whole recipe: every build, the reproducer on each, and the controls."""

from collections.abc import Callable

from clearinghouse.core.policy import BenchPolicy
from clearinghouse.disclosure.validation.drivers import driver_of
from clearinghouse.disclosure.validation.judging.records import Assessment, Observed
from clearinghouse.disclosure.validation.judging.rules import judge
from clearinghouse.disclosure.validation.observing.records import Cell
from clearinghouse.disclosure.validation.recipes.records import BuildName, Recipe
from clearinghouse.disclosure.validation.workshop import Build, Workshop

_COMPARED = (BuildName.VULNERABLE, BuildName.FIXED)


def assess(
    workshop: Workshop, recipe: Recipe, policy: BenchPolicy, progress: Callable[[str, int, int], None] = lambda stage, done, total: None
) -> Assessment:
    """What a recipe shows. Interrupted and called again it goes on, as far as the workshop's cache remembers.

    Raises:
        NotFound: bytes that the recipe names are missing.
        Stopped: we were asked to stop.
    """
    driven = driver_of(recipe.harness.kind, recipe.language) is not None
    compared = [name for name in _COMPARED if name in recipe.builds]
    total = 2 * len(recipe.builds) + len(compared) * (driven + len(recipe.benign) + 1)
    done = 0

    def step(stage: str) -> None:
        nonlocal done
        progress(stage, done, total)
        done += 1

    builds: dict[BuildName, Build] = {}
    reproducer: dict[BuildName, Cell] = {}
    for name, plan in recipe.builds.items():
        step(f"build {name.value}")
        builds[name] = workshop.build(recipe, plan)
        step(f"reproducer on {name.value}")
        if builds[name].ok:
            reproducer[name] = workshop.observe(recipe, builds[name], recipe.reproducer)
    canaries: dict[BuildName, Cell] = {}
    benign: dict[BuildName, tuple[Cell, ...]] = {}
    edges: dict[BuildName, int | None] = {}
    for name in compared:
        build = builds[name]
        if not build.ok:
            continue
        if driven:
            step(f"canary of {name.value}")
            canaries[name] = workshop.canary(recipe, build)
        cells = []
        for digest in recipe.benign:
            step(f"benign inputs on {name.value}")
            cells.append(workshop.observe(recipe, build, digest, times=2))
        benign[name] = tuple(cells)
        step(f"coverage of {name.value}")
        edges[name] = workshop.coverage(recipe, build)
    progress("judging", total, total)
    return judge(recipe, Observed(builds, reproducer, canaries, benign, edges, workshop.sandbox.level), policy)
