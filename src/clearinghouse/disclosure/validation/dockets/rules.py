"""What may be believed of who supplied a thing: no more than we saw ourselves."""

from collections.abc import Collection, Mapping
from dataclasses import replace

from clearinghouse.core.errors import Invalid, NotPermitted
from clearinghouse.core.untrusted import clean_line
from clearinghouse.disclosure.validation.dockets.records import Docket, Material, MaterialKind
from clearinghouse.disclosure.validation.recipes.records import BuildPlan, Recipe, Source, Supplier
from clearinghouse.parties.records import Tier

_NAME_CHARACTERS_MAX = 200
_WORTH = {Supplier.MODEL: 0, Supplier.REPORTER: 1, Supplier.DESK: 2, Supplier.PROJECT: 3}


def check_may_add(docket: Docket) -> None:
    """Raise NotPermitted unless the viewer is shown everything: a reproducer is not for less."""
    if docket.tier < Tier.DOCUMENTS:
        raise NotPermitted(f"materials of the bench need tier {int(Tier.DOCUMENTS)}; you are read in to tier {int(docket.tier)}; ask the case's lead")


def parse_kind(untrusted_kind: str) -> MaterialKind:
    """A kind of material by its name.

    Raises:
        Invalid: there is none of this name.
    """
    if untrusted_kind not in set(MaterialKind):
        raise Invalid(f"a material is one of: {', '.join(MaterialKind)}")
    return MaterialKind(untrusted_kind)


def parse_name(untrusted_name: str) -> str:
    """A file's name for display: the last part of a path, on one line."""
    name = clean_line(untrusted_name.replace("\\", "/").rsplit("/", 1)[-1], _NAME_CHARACTERS_MAX)
    return name if name.strip(".") else "material"


def supplier_of(*, by_finder: bool, fetched: bool, by_model: bool = False) -> Supplier:
    """Who made a material, by what we know: we fetched it, a model made it, a finder of this case handed it in, or somebody here did."""
    if by_model:
        return Supplier.MODEL
    if by_finder:  # what a finder has us fetch may be the finder's own
        return Supplier.REPORTER
    return Supplier.PROJECT if fetched else Supplier.DESK


def believed(recipe: Recipe, recipe_supplier: Supplier, held: Mapping[str, Collection[Material]]) -> Recipe:
    """A recipe that says no more of its suppliers than we know.

    A source counts as the project's only where we fetched these very bytes. A harness counts for what the least of the
    sources is that it could come from, and never for more than the recipe itself, whose steps can write any file.
    """
    builds = {
        name: BuildPlan(tuple(_believed_source(source, held) for source in plan.sources), plan.patches) for name, plan in recipe.builds.items()
    }
    suppliers = [recipe.harness.supplier, recipe_supplier, *(source.supplier for plan in builds.values() for source in plan.sources)]
    least = min(suppliers, key=lambda supplier: _WORTH[supplier])
    # Written here around fetched sources, a harness is the desk's; that the recipe is, does not make less of a harness in the project's archive.
    if recipe_supplier is Supplier.DESK and recipe.harness.supplier is Supplier.PROJECT:
        least = min(suppliers[2:], key=lambda supplier: _WORTH[supplier])
    return replace(recipe, builds=builds, harness=replace(recipe.harness, supplier=least))


def _believed_source(source: Source, held: Mapping[str, Collection[Material]]) -> Source:
    known = held.get(source.digest, ())
    # The same bytes may have come by several ways; the best of them is true of all.
    best = max((material.supplier for material in known), key=lambda supplier: _WORTH[supplier], default=Supplier.REPORTER)
    fetched = next((material.origin for material in known if material.origin), "")
    supplier = min(best, source.supplier, key=lambda supplier: _WORTH[supplier])
    return replace(source, supplier=supplier, origin=fetched if supplier is Supplier.PROJECT else source.origin)
