"""Finding: through several files, the one handler whose size reaches the store without being bounded on its way."""

from collections.abc import Mapping

from clearinghouse.evaluation.benchmarks.records import Domain
from clearinghouse.evaluation.benchmarks.suites.base import Draft, Draws, Family, answer
from clearinghouse.evaluation.benchmarks.suites.words import NOUNS, VERBS

_STORE = '''"""Where room is made."""

LIMIT = {limit}


def reserve(size):
    """Make room for `size` cells; whoever calls it has made sure that it is at most LIMIT."""
    return [0] * size


def bounded(size):
    return min(max(size, 0), LIMIT)
'''


def _draft(draws: Draws, level: int) -> Draft:
    number, depth = (5, 7, 9, 12, 15)[level - 1], (2, 2, 3, 4, 5)[level - 1]
    limit = draws.between(100, 4_000)
    handlers = [f"on_{noun}" for noun in draws.some(NOUNS, number)]
    flawed = draws.below(number)
    files = [f"part_{letter}" for letter in "abcd"[: 2 + level // 2]]
    bodies: dict[str, list[str]] = {name: [] for name in files}
    homes: dict[str, str] = {}
    spare = iter(draws.shuffled([f"{verb}_{noun}" for verb in VERBS for noun in NOUNS])[: number * depth])
    lines = []
    for place, handler in enumerate(handlers):
        chain = [next(spare) for _ in range(depth)]
        homes.update({function: draws.pick(files) for function in chain})
        bounded_at = draws.below(depth)
        for step, function in enumerate(chain):
            size, other = draws.pick(("size", "count", "length")), draws.pick(("kind", "colour", "label"))
            following = f"reserve({size})" if step + 1 == depth else f"{_named(chain[step + 1], homes, homes[function])}({size}, {other})"
            body = [f"    {other} = {other} * {draws.between(2, 9)} % {draws.between(50, 99)}"] if draws.chance(1, 2) else []
            if draws.chance(1, 3):
                # Before the bound a size may grow; after it, only shrink.
                body.append(f"    {size} = {size} + {draws.between(1, 4)}" if step <= bounded_at or place == flawed else f"    {size} = {size} // 2")
            if step == bounded_at and place != flawed:
                body.append(draws.pick((
                    f"    {size} = bounded({size})", f"    if {size} > LIMIT:\n        raise ValueError({size})", f"    {size} = min({size}, LIMIT)",
                )))  # fmt: skip
            elif step == bounded_at and level >= 2:
                # It looks like a bound: of the other value, of a copy, or the wrong way round.
                body.append(draws.pick((
                    f"    {other} = bounded({other})", f"    bounded({size})", f"    {size} = max({size}, LIMIT)",
                    f"    if {other} > LIMIT:\n        raise ValueError({other})",
                )[: 1 if level == 2 else 4]))  # fmt: skip
            bodies[homes[function]].append(f"def {function}({size}, {other}):\n" + "\n".join([*body, f"    return {following}"]) + "\n")
        first = _named(chain[0], homes, "handlers")
        lines.append(f"def {handler}(packet):\n    return {first}(int.from_bytes(packet[0:2], 'big'), packet[2])\n")
    shipped = {"store.py": _STORE.format(limit=limit).encode()}
    for name in files:
        imports = "".join(f"import {other}\n" for other in files if other != name)
        shipped[f"{name}.py"] = (
            f'"""Steps of the made-up service, {name[-1].upper()}."""\n\n{imports}from store import LIMIT, bounded, reserve\n\n\n'
            + "\n\n".join(draws.shuffled(bodies[name]))
        ).encode()  # fmt: skip
    imports = "".join(f"import {name}\n" for name in files)
    shipped["handlers.py"] = (f'"""What packets begin with."""\n\n{imports}\n\n' + "\n\n".join(lines)).encode()
    about = {name: "what packets begin with" if name == "handlers.py" else "the store" if name == "store.py" else "steps in between" for name in shipped}
    other = handlers[(flawed + draws.between(1, number - 1)) % number]
    return Draft(
        story=(
            "Two bytes of every packet are a size. On its way from a handler to `reserve` in store.py a size must be bounded by LIMIT, by whichever step. "
            "For exactly one handler nothing on the way bounds the size."
        ),
        files=shipped, about=about, hand_in="/work/answer.txt with one line: the name of that handler, a function of handlers.py.",
        reference=answer(handlers[flawed]), negative=answer(other), answer=handlers[flawed],
    )


def _named(function: str, homes: Mapping[str, str], seen_from: str) -> str:
    return function if homes[function] == seen_from else f"{homes[function]}.{function}"


SUITE = Family("finding_unbounded_size", Domain.FINDING, 1, "which handler's size reaches the store of a toy service unbounded", _draft)
