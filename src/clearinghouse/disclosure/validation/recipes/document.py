"""Reading a recipe: TOML in, a checked recipe out, or every problem with its place.

Nothing of a recipe is executed, fetched or opened here. A key the format does not know is an error: a recipe that is
understood in part would be evidence for something else than its author meant.
"""

import hashlib
import json
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib import resources
from typing import Any

import jsonschema_rs
import rfc8785

from clearinghouse.core.errors import Invalid
from clearinghouse.core.policy import BenchPolicy
from clearinghouse.core.product import parse_purl
from clearinghouse.core.untrusted import clean_line
from clearinghouse.disclosure.validation.recipes.records import (
    BuildName,
    BuildPlan,
    Effect,
    Expected,
    Harness,
    HarnessKind,
    Language,
    Recipe,
    RunLimits,
    Source,
    Supplier,
)

FILE_NAME = "recipe.toml"
_PROBLEMS_MAX = 20
_DOTTED_KEY = re.compile(r"(?<![\w\"'-])(?:[\w-]{1,80}[ \t]{0,9}\.[ \t]{0,9}){6}")
_DRIVEN = {HarnessKind.FUNCTION: (Language.C, Language.CXX), HarnessKind.MODULE: (Language.PYTHON, Language.NODE)}
_MEGABYTE = 1 << 20


def read_recipe(untrusted_bytes: bytes, policy: BenchPolicy) -> Recipe:
    """The recipe of a document.

    Raises:
        Invalid: it is none, or asks for more than policy allows; every problem is named with its place.
    """
    if len(untrusted_bytes) > policy.recipe_bytes_max:
        raise Invalid(f"a recipe is at most {policy.recipe_bytes_max} bytes long; this one has {len(untrusted_bytes)}")
    try:
        text = untrusted_bytes.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise Invalid(f"a recipe is UTF-8 text; byte {error.start} is not") from None
    if _DOTTED_KEY.search(text) is not None:
        raise Invalid("the recipe has a name of more than six parts between dots; the format has none")
    try:
        value = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Invalid(f"the recipe is no TOML: {clean_line(str(error), 200)}") from None
    except RecursionError:
        raise Invalid("the recipe is nested too deeply; the format needs four levels") from None
    problems = list(_first(_broken(value)))
    if not problems:
        problems = list(_first(_contradictions(value, policy)))
    if problems:
        raise Invalid("the recipe cannot be used: " + "; ".join(problems))
    return build_recipe(rfc8785.dumps(value))


def build_recipe(document: bytes) -> Recipe:
    """The recipe of a canonical document that was checked before."""
    value = json.loads(document)
    language = Language(value["language"])
    sources = tuple(
        Source(one["name"], one["digest"], one.get("into", "."), Supplier(one.get("supplier", "reporter")), clean_line(one.get("origin", ""), 400))
        for one in value["sources"]
    )
    by_name = {source.name: source for source in sources}
    plans = {BuildName.VULNERABLE: BuildPlan(sources)}
    for name, plan in value.get("builds", {}).items():
        chosen = tuple(by_name[each] for each in plan["sources"]) if "sources" in plan else sources
        plans[BuildName(name)] = BuildPlan(chosen, tuple(plan.get("patches", ())))
    harness, expected, limits = value["harness"], value["expected"], value.get("limits", {})
    return Recipe(
        clean_line(value["title"], 200), value["component"], language, plans,
        Harness(
            HarnessKind(harness["kind"]), Supplier(harness.get("supplier", "reporter")), harness.get("file", ""),
            tuple(harness.get("argv", ())), harness.get("end_marker", ""),
        ),
        Expected(Effect(expected["effect"]), expected.get("name", ""), expected.get("function", "")),
        value["reproducer"], tuple(map(tuple, value.get("build", ()))),
        value.get("sanitizer", "none" if language.memory_safe else "address"), tuple(value.get("benign", ())),
        tuple(map(tuple, value.get("tests", ()))), value.get("environment", {}), value.get("options", {}),
        value.get("fixed_addresses", False), RunLimits(limits.get("wall_seconds"), limits.get("memory_megabytes")),
        "sha256:" + hashlib.sha256(document).hexdigest(),
    )


def canonical_document(untrusted_bytes: bytes, policy: BenchPolicy) -> bytes:
    """Canonical JSON (RFC 8785) of a recipe: what its digest is over, and what is kept.

    Raises:
        Invalid: as `read_recipe`.
    """
    read_recipe(untrusted_bytes, policy)
    return rfc8785.dumps(tomllib.loads(untrusted_bytes.decode("utf-8-sig").replace("\r\n", "\n")))


def named_digests(recipe: Recipe) -> tuple[str, ...]:
    """Every digest a recipe names, each once, in order of appearance."""
    plans = recipe.builds.values()
    found = [
        recipe.reproducer, *(source.digest for plan in plans for source in plan.sources),
        *(patch for plan in plans for patch in plan.patches), *recipe.benign,
    ]
    return tuple(dict.fromkeys(found))


def pin_document(draft: str, files: Mapping[str, bytes]) -> str:
    """A draft in which files are named by `file:NAME`, with their digests in place of the names.

    Raises:
        Invalid: a name is not among the files.
    """
    def digest_of(found: re.Match[str]) -> str:
        name = found[1]
        if name not in files:
            raise Invalid(f"the draft names the file {clean_line(name, 100)!r}, which is not there; there are: {', '.join(sorted(files)[:20])}")
        return f'"sha256:{hashlib.sha256(files[name]).hexdigest()}"'

    return re.sub(r'"file:([^"\n]{1,200})"', digest_of, draft)


def example_files() -> dict[str, bytes]:
    """A small made-up program with a planted flaw, its draft recipe, an input that fires, one that does not, and a fix; by file name."""
    folder = resources.files("clearinghouse.disclosure.validation.recipes") / "example"
    return {entry.name: entry.read_bytes() for entry in sorted(folder.iterdir(), key=lambda entry: entry.name) if entry.is_file()}


def schema_document() -> dict[str, Any]:
    """The JSON Schema of the format, as shipped."""
    return json.loads(json.dumps(_schema()))  # type: ignore[no-any-return]  # a schema is an object


def _first(problems: Iterable[str]) -> Iterator[str]:
    for number, problem in enumerate(problems):
        if number == _PROBLEMS_MAX:
            yield "and more"
            return
        yield clean_line(problem, 300)


@cache
def _schema() -> dict[str, Any]:
    name = "clearinghouse-recipe-1.schema.json"
    schema: dict[str, Any] = json.loads((resources.files("clearinghouse.disclosure.validation.recipes") / name).read_text("utf-8"))
    return schema


@cache
def _validator() -> Any:
    return jsonschema_rs.validator_for(_schema())


def _broken(value: Any) -> Iterator[str]:
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        yield "a value is a date or no finite number; the format has neither"
        return
    for error in _validator().iter_errors(value):
        place = "".join("/" + str(step) for step in error.instance_path)
        yield f"{place or 'document'}: {error.message[:200]}"


def _contradictions(value: dict[str, Any], policy: BenchPolicy) -> Iterator[str]:
    """What the schema cannot say."""
    try:
        parse_purl(value["component"])
    except ValueError as error:
        yield f"/component: no package URL: {error}"
    names = [one["name"] for one in value["sources"]]
    if len(set(names)) < len(names):
        yield "/sources: two have the same name; a build could not tell them apart"
    for build, plan in value.get("builds", {}).items():
        for name in plan.get("sources", ()):
            if name not in names:
                yield f"/builds/{build}/sources: there is no source {name!r}; there are: {', '.join(names)}"
    harness, language = value["harness"], Language(value["language"])
    kind = HarnessKind(harness["kind"])
    if language not in _DRIVEN.get(kind, Language):
        yield f"/harness/kind: {kind.value} is for {' and '.join(_DRIVEN[kind])}; a {language.value} program is started as `program`"
    if kind is HarnessKind.PROGRAM and not any("{input}" in word for word in harness["argv"]):
        yield "/harness/argv: one of the words must hold `{input}`, where the file of the input goes"
    if kind is HarnessKind.FUNCTION and not any("{driver}" in step for step in value.get("build", ())):
        yield "/build: one step must have the word `{driver}`, which brings the bench's main function; it leaves the program as `harness`"
    if language.memory_safe and value.get("sanitizer", "none") != "none":
        yield f"/sanitizer: a {language.value} program has none"
    if value.get("limits", {}).get("wall_seconds", 0) > policy.run_wall_seconds_max:
        yield f"/limits/wall_seconds: at most {policy.run_wall_seconds_max:g}, as policy says"
    if value.get("limits", {}).get("memory_megabytes", 0) * _MEGABYTE > policy.run_memory_bytes_max:
        yield f"/limits/memory_megabytes: at most {policy.run_memory_bytes_max // _MEGABYTE}, as policy says"
