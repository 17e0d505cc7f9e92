"""Recipes for the planted flaws, and what the bench is to say of each."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from bench.validation.truth import HERE, Program
from clearinghouse.core.errors import NotFound
from clearinghouse.core.policy import BenchPolicy
from clearinghouse.disclosure.validation.judging import Verdict
from clearinghouse.disclosure.validation.recipes.document import read_recipe
from clearinghouse.disclosure.validation.recipes.records import Effect, Language, Recipe
from clearinghouse.disclosure.validation.workshop.materials import digest_of

_STEPS = {Language.C: ["clang", "{flags}", "{file}", "{driver}", "-o", "harness"],
          Language.CXX: ["clang++", "{flags}", "-std=c++17", "{file}", "-x", "c++", "{driver}", "-o", "harness"]}


class Case(StrEnum):
    """What a trial is about."""

    FIX = "right fix"
    MASKED = "two flaws, one mended"
    MENDED = "two flaws, both mended"
    OTHER_FIX = "fix of another flaw"
    PARTIAL = "partial fix"
    STUB = "code taken out"
    ILL_FITTING = "patch of another program"
    WRONG_CLAIM = "another effect claimed"
    HARMLESS = "input that does nothing"
    SILENT = "triggered, not seen"
    FLAKY = "flaky"
    COIN = "in every other run"


@dataclass(frozen=True, slots=True)
class Trial:
    """A recipe, and the verdicts that are right for it."""

    name: str
    case: Case
    recipe: Recipe
    right: frozenset[Verdict]
    """Empty where only chance decides."""


class PlantedMaterials:
    """Sources, inputs and patches of programs, by digest."""

    def __init__(self, *programs: Program) -> None:
        self._bytes: dict[str, bytes] = {}
        for program in programs:
            self.add(program.path.read_bytes())
            for content in (*program.inputs.values(), *(change.content for change in program.changes.values())):
                self.add(content)
        self.add((HERE / "programs" / "canary.h").read_bytes())

    def add(self, content: bytes) -> str:
        """The digest of bytes that can be read from now on."""
        digest = digest_of(content)
        self._bytes[digest] = content
        return digest

    def read(self, digest: str) -> bytes:
        if digest not in self._bytes:
            raise NotFound(f"no planted file has the digest {digest}")
        return self._bytes[digest]


def recipe_of(
    program: Program, input_name: str, patch: bytes | None, policy: BenchPolicy, *, effect: Effect | None = None, kind: str | None = None
) -> Recipe:
    """The recipe of an input, read as any other is.

    Args:
        patch: a unified diff that makes the fixed build; None: there is none.
        effect, kind: claimed; as the truth says of the first flaw it comes to where they are None.
    """
    found = program.triggers.get(input_name, ())
    flaw = program.flaws[found[0]] if found else next(iter(program.flaws.values()))
    source = program.path.read_bytes()
    lines = [
        'format = "clearinghouse-recipe/1"', f'title = "{program.name}: {input_name}"', f'component = "pkg:generic/planted-{program.name}"',
        f'language = "{program.language.value}"', f'reproducer = "{digest_of(program.inputs[input_name])}"',
        "benign = [" + ", ".join(f'"{digest_of(content)}"' for content in program.benign.values()) + "]",
    ]
    if program.language in _STEPS:
        step = [word.replace("{file}", program.path.name) for word in _STEPS[program.language]]
        lines.append(f"build = [[{', '.join(_quoted(word) for word in step)}]]")
    lines += [f'[[sources]]\nname = "{program.path.name}"\ndigest = "{digest_of(source)}"\nsupplier = "project"']
    if program.language in _STEPS:
        header = digest_of((HERE / "programs" / "canary.h").read_bytes())
        lines.append(f'[[sources]]\nname = "canary.h"\ndigest = "{header}"\nsupplier = "project"')
    harness = "function" if program.language in _STEPS else "module"
    lines.append(f'[harness]\nkind = "{harness}"\nsupplier = "project"\nfile = "{program.path.name}"')
    chosen, name = effect or flaw.effect, flaw.kind if kind is None else kind
    lines.append(f'[expected]\neffect = "{chosen.value}"' + (f'\nname = "{name}"' if name else ""))
    if program.wall_seconds is not None:
        lines.append(f"[limits]\nwall_seconds = {program.wall_seconds}\nmemory_megabytes = {program.memory_megabytes}")
    if patch is not None:
        lines.append(f'[builds.fixed]\npatches = ["{digest_of(patch)}"]')
    return read_recipe("\n".join(lines).encode(), policy)


def _quoted(word: str) -> str:
    return f'"{word}"'


def trials(program: Program, others: Sequence[Program], policy: BenchPolicy) -> Iterator[Trial]:
    """Every trial of a program: all inputs with their fix, and what may go wrong beside it.

    Args:
        others: programs whose patches do not fit this one.
    """
    fixes = {change.fixes[0]: change for change in program.changes.values() if change.kind == "fix"}

    def trial(name: str, case: Case, input_name: str, patch: bytes | None, *right: Verdict, **claimed: object) -> Trial:
        effect, kind = claimed.get("effect"), claimed.get("kind")
        recipe = recipe_of(
            program, input_name, patch, policy, effect=effect if isinstance(effect, Effect) else None, kind=kind if isinstance(kind, str) else None
        )
        return Trial(f"{program.name}: {input_name} {name}", case, recipe, frozenset(right))

    for input_name, found in program.triggers.items():
        fix = fixes[found[0]].content
        stable = program.flaws[found[0]].stable
        if stable != "stable":
            yield trial("with its fix", Case.FLAKY if stable == "flaky" else Case.COIN, input_name, fix, *({Verdict.FLAKY} if stable == "flaky" else ()))
        elif input_name in program.silent:
            yield trial("with its fix", Case.SILENT, input_name, fix, Verdict.NOT_REPRODUCED)
        elif len(found) > 1:
            yield trial("with one fix", Case.MASKED, input_name, fix, Verdict.STILL_FIRES)
            for change in program.changes.values():
                if change.kind == "release" and set(found) <= set(change.fixes):
                    yield trial(f"with {change.name}", Case.MENDED, input_name, change.content, Verdict.VALIDATED)
        else:
            yield trial("with its fix", Case.FIX, input_name, fix, Verdict.VALIDATED)
        for change in program.changes.values():
            if change.kind == "partial" and set(found) <= set(change.fixes):
                yield trial(f"with {change.name}", Case.PARTIAL, input_name, change.content, Verdict.VALIDATED if input_name in change.stops else Verdict.STILL_FIRES)
    stable_flaws = [flaw for flaw in program.flaws.values() if flaw.stable == "stable"]
    for number, flaw in enumerate(stable_flaws):
        first = next(name for name, found in program.triggers.items() if found == (flaw.name,) and name not in program.silent)
        other = stable_flaws[(number + 1) % len(stable_flaws)]
        yield trial(f"with the fix of {other.name}", Case.OTHER_FIX, first, fixes[other.name].content, Verdict.STILL_FIRES)
        wrong = Effect.SIGNAL if flaw.effect is not Effect.SANITIZER else Effect.TIMEOUT
        # A marker is looked for only where one is claimed.
        seen = Verdict.NOT_REPRODUCED if flaw.effect is Effect.MARKER else Verdict.OTHER_EFFECT
        yield trial("with another effect claimed", Case.WRONG_CLAIM, first, fixes[flaw.name].content, seen, effect=wrong, kind="")
        if flaw.kind:
            claimed = {"effect": flaw.effect, "kind": "use-after-poison" if flaw.effect is Effect.SANITIZER else "UnicodeError"}
            if flaw.effect in (Effect.SANITIZER, Effect.EXCEPTION):
                yield trial("with another kind claimed", Case.WRONG_CLAIM, first, fixes[flaw.name].content, Verdict.OTHER_EFFECT, **claimed)
        for change in program.changes.values():
            if change.kind == "stub" and change.name == "stub-all":
                # Quiet on the build with nothing in it: the coverage of benign inputs must tell. Node has no count of it.
                right = Verdict.VALIDATED if program.language is Language.NODE else Verdict.UNPROVEN
                yield trial(f"with {change.name}", Case.STUB, first, change.content, right)
    foreign = next((change for each in others if each.language is not program.language for change in each.changes.values()), None)
    first = next(name for name, found in program.triggers.items() if len(found) == 1 and program.flaws[found[0]].stable == "stable")
    if foreign is not None:
        yield trial("with a patch of another program", Case.ILL_FITTING, first, foreign.content, Verdict.UNPROVEN)
    benign = next(iter(program.benign))
    yield trial("claimed to do something", Case.HARMLESS, benign, next(iter(fixes.values())).content, Verdict.NOT_REPRODUCED)
