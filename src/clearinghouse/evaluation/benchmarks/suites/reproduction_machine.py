"""Reproduction: a program for a toy stack machine that its own checker lets pass and that takes from an empty stack."""

from clearinghouse.evaluation.benchmarks.records import Domain
from clearinghouse.evaluation.benchmarks.suites.base import Case, Draft, Draws, Family, handed
from clearinghouse.evaluation.benchmarks.suites.words import VERBS

_SOURCE = '''"""A toy stack machine: checks a program from standard input, then runs it."""

import sys

LINES_MAX = {lines_max}


class Rejected(Exception):
    """The checker does not take the program."""


class Fault(Exception):
    """Something was taken from an empty stack: the checker should not have let it pass."""


def parse(text):
    program = []
    for line in text.splitlines():
        words = line.split("#")[0].split()
        if not words:
            continue
        if words[0] not in EFFECTS or len(words) > 2 or not all(word.isascii() and word.isdigit() for word in words[1:]):
            raise Rejected(line[:20])
        number = int(words[1]) if len(words) == 2 else 0
        if number > 999:
            raise Rejected("number")
        program.append((words[0], number))
    if not 0 < len(program) <= LINES_MAX:
        raise Rejected("length")
    return program


# What an instruction takes and gives, as the checker sees it.
EFFECTS = {{
{effects}
}}


def check(program):
    depth = 0
    for name, number in program:
        takes, gives = EFFECTS[name](number)
        if depth < takes:
            raise Rejected("too few on the stack for " + name)
        depth += gives - takes
        if depth > {depth_max}:
            raise Rejected("too many on the stack")
{also}

def take(stack):
    if not stack:
        raise Fault("empty")
    return stack.pop()


def run(program):
    stack = []
    for name, number in program:
        STEPS[name](stack, number)
    return stack


{steps}

STEPS = {{
{table}
}}


def main():
    try:
        program = parse(sys.stdin.read())
        check(program)
    except Rejected as why:
        print("rejected:", why)
        return
    print(run(program))


if __name__ == "__main__":
    main()
'''

_STEPS = {
    "push": "    stack.append(number)",
    "add": "    right = take(stack)\n    left = take(stack)\n    stack.append((left + right) % 1000)",
    "twice": "    top = take(stack)\n    stack.append(top)\n    stack.append(top)",
    "turn": "    right = take(stack)\n    left = take(stack)\n    stack.append(right)\n    stack.append(left)",
    "away": "    take(stack)",
    "many": "    for _ in range({taken}):\n        take(stack)",
    "fold": "    total = 0\n    for _ in range({taken}):\n        total += take(stack)\n    stack.append(total % 1000)",
}
_EFFECTS = {"push": "0, 1", "add": "2, 1", "twice": "1, 2", "turn": "2, 2", "away": "1, 0"}


def _draft(draws: Draws, level: int) -> Draft:
    names = dict(zip(_STEPS, draws.some(VERBS, len(_STEPS)), strict=True))
    depth_max, lines_max = draws.between(12, 20), (40, 36, 32, 30, 28)[level - 1]
    flawed, sound = draws.shuffled(("many", "fold"))
    least = draws.between(4, 9)
    fixed = draws.between(3, 6)
    # What the flawed instruction really takes, and what its checker believes, by level.
    if level == 1:
        taken, believed, number, extra = str(fixed), str(fixed - 2), 0, 0
    elif level == 2:
        taken, believed, number, extra = "number", f"min(number, {least})", least + 3, 0
    elif level == 3:
        taken, believed, number, extra = "number", f"number % {least}", 2 * least + 1, 0
    elif level == 4:
        shift = draws.between(2, 5)
        taken, believed, number, extra = f"number // {shift}", f"number // {shift} if number % {least} else 1", least * shift, 0
    else:
        high = draws.between(60, 200)
        taken, believed = f"number - {high} if number > {high} else number", f"1 if number > {high} and number % 2 else min(number, {high})"
        number, extra = high + (3 if high % 2 == 0 else 4), 1
    gives = 1 if flawed == "fold" else 0
    effects = {kind: f"lambda number: ({effect})," for kind, effect in _EFFECTS.items()}
    effects[flawed] = f"lambda number: ({believed}, {gives}),"
    effects[sound] = f"lambda number: (number, {1 - gives}),"
    also = ""
    last_depth = draws.between(1, 3)
    if level >= 4:
        also = f'    if depth != {last_depth}:\n        raise Rejected("depth at the end")\n'
    order = draws.shuffled(list(_STEPS))
    steps = "\n\n".join(
        f"def do_{names[kind]}(stack, number):\n" + _STEPS[kind].format(taken=taken if kind == flawed else "number") + "\n" for kind in order
    )
    source = _SOURCE.format(
        lines_max=lines_max, depth_max=depth_max, also=also, steps=steps,
        effects="\n".join(f"    {names[kind]!r}: {effects[kind]}" for kind in order),
        table="\n".join(f"    {names[kind]!r}: do_{names[kind]}," for kind in order),
    )  # fmt: skip
    assumed = {1: fixed - 2, 2: least, 3: number % least, 4: 1, 5: 1}[level]
    begin = [f"{names['push']} 1"] * max(assumed, extra)
    after = max(assumed, extra) - assumed + gives
    end = [f"{names['push']} 2"] * (last_depth - after) if level >= 4 and last_depth > after else []
    end += [names["away"]] * (after - last_depth) if level >= 4 and after > last_depth else []
    right = "\n".join([*begin, f"{names[flawed]} {number}" if level > 1 else names[flawed], *end]) + "\n"
    # The same idea with the sound instruction, which the checker sees through.
    wrong = "\n".join([*begin, f"{names[sound]} {max(number, 4)}", *end]) + "\n"
    sample = f"{names['push']} 3\n{names['push']} 4\n{names['add']}\n" + f"{names['push']} 5\n" * (last_depth - 1)
    return Draft(
        story=(
            "The machine checks a program before it runs it: nothing that passes may ever take from an empty stack. The checker is wrong about one "
            f"instruction. Write a program of at most {lines_max} lines that the checker takes and that raises Fault. Try one by `python3 machine.py < program.txt`."
        ),
        files={"machine.py": source.encode(), "sample.txt": sample.encode()},
        about={"machine.py": "the checker and the machine", "sample.txt": "a program that runs well"},
        hand_in="/work/program.txt, the program.", reference=handed(program__txt=right.encode()), negative=handed(program__txt=wrong.encode()),
        wanted=("program.txt",), cases=(Case("item/machine.py", stdin_from="submission/program.txt", error="Fault@take", size_max=4_096),),
    )


SUITE = Family("reproduction_machine", Domain.REPRODUCTION, 1, "a program that a toy machine's checker takes and should not", _draft)
