"""Crashes of programs that do not exist, with the flaw behind each known: call graphs from a seed, noise as builds and tools make it.

The traps are the ones known from the field: two flaws of one function, a library function that flaws of many callers crash in,
frames lost to inlining, recursion as deep as the input, and one crash under two names.
"""

import random
from collections.abc import Iterator

from clearinghouse.disclosure.intake.records import Crash, Finding, Frame

_VERBS = ("read", "parse", "copy", "open", "next", "walk", "make", "find", "join", "load", "skip", "take")
_NOUNS = ("tile", "row", "chunk", "node", "name", "table", "glyph", "entry", "block", "style", "color", "frame", "field", "key", "page", "segment")
_KINDS = (("heap-buffer-overflow", "SEGV"), ("heap-use-after-free", "SEGV"), ("stack-overflow", "SEGV"), ("FPE", "integer divide by zero"))
PROGRAMS = 20


def crashes(seed: int) -> Iterator[tuple[str, Finding]]:
    """(flaw, a crash of it) of all programs."""
    for number in range(PROGRAMS):
        yield from _program(random.Random(f"{seed} {number}"), f"program{number}")  # noqa: S311 - a simulation


def _program(chance: random.Random, product: str) -> Iterator[tuple[str, Finding]]:
    def names(count: int, prefix: str) -> list[str]:
        made: dict[str, None] = {}
        while len(made) < count:
            made[f"{prefix}_{chance.choice(_NOUNS)}_{chance.choice(_VERBS)}"] = None
        return list(made)

    outer, parsers, helpers, library = names(3, "app"), names(8, "fmt"), names(14, product[:3] + product[7:]), names(4, "lib")
    places: list[tuple[str, int]] = []
    for flaw in range(6):
        # Now and then a second flaw in the function of an earlier one, some lines further down.
        shared = bool(places) and chance.random() < 0.15
        function = chance.choice(places)[0] if shared else chance.choice(helpers)
        line = chance.randrange(10, 900)
        places.append((function, line))
        callers = chance.sample(parsers, chance.choice((1, 1, 2, 3)))
        below = [None, None, chance.choice(library)] if chance.random() < 0.5 else [None]
        kinds = chance.choice(_KINDS)
        for _ in range(chance.randrange(3, 7)):
            shift = chance.choice((0, 0, 17))
            stack = [Frame(function, f"/src/{product}/lib/{function}.c", line + shift)]
            inner = chance.choice(below)
            if inner is not None:
                stack.insert(0, Frame(inner, "/src/third_party/common/common.c", 40 + shift))
            parser = chance.choice(callers)
            middle = [Frame(parser, f"/src/{product}/fmt.c", 100 + shift)] * chance.choice((1, 1, 3))
            rest = [*middle, Frame(outer[len(parser) % 3], f"/src/{product}/app.c", 7), Frame("LLVMFuzzerTestOneInput"), Frame("main")]
            lost = [frame for frame in rest if frame.function.startswith(("app", "fmt")) and chance.random() < 0.1]
            head = [Frame("__asan_memcpy")] if chance.random() < 0.4 else []
            kind = kinds[chance.random() < 0.15]
            yield f"{product}/{flaw}", Finding(products=(product,), crash=Crash(
                "AddressSanitizer", kind, frames=(*head, *stack, *(frame for frame in rest if frame not in lost)),
            ))
