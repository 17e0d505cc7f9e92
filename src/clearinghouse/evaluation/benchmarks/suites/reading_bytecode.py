"""Reading: what a short program for a machine that does not exist prints."""

from dataclasses import dataclass

from clearinghouse.evaluation.benchmarks.records import Domain
from clearinghouse.evaluation.benchmarks.suites.base import Draft, Draws, Family, answer

_OPS = ("set", "copy", "add", "less", "times", "xor", "jump", "jump if zero", "count down", "print")
_STEPS_MAX = 200_000


@dataclass(frozen=True, slots=True)
class _Machine:
    codes: dict[str, int]
    width: int
    """Of the registers, in bits."""
    backwards: bool
    """Whether the operand comes before the register in an instruction."""

    def encode(self, program: list[tuple[str, int, int]]) -> bytes:
        return b"".join(bytes([self.codes[name], *((value, register) if self.backwards else (register, value))]) for name, register, value in program)

    def run(self, program: list[tuple[str, int, int]]) -> str:
        mask, registers, at = (1 << self.width) - 1, [0] * 8, 0
        printed: list[str] = []
        for _ in range(_STEPS_MAX):
            if at >= len(program):
                return " ".join(printed)
            name, register, value = program[at]
            at += 1
            if name == "set":
                registers[register] = value
            elif name in ("copy", "add", "less", "times", "xor"):
                left, right = registers[register], registers[value]
                made = {"copy": right, "add": left + right, "less": left - right, "times": left * right, "xor": left ^ right}[name]
                registers[register] = made & mask
            elif name == "jump" or (name == "jump if zero" and registers[register] == 0):
                at = value
            elif name == "count down":
                registers[register] = (registers[register] - 1) & mask
            elif name == "print":
                printed.append(str(registers[register]))
        raise AssertionError("a program of ours did not end")


def _program(draws: Draws, level: int) -> tuple[list[tuple[str, int, int]], int]:
    """A program with one loop within another from level 4 on, and the place of the number whose change makes a near miss."""
    total, step, outer, inner, spare, zero = draws.shuffled(range(8))[:6]
    rounds = draws.between(3, 6 + 6 * level)
    program = [("set", total, draws.between(1, 200)), ("set", step, draws.between(2, 60)), ("set", outer, rounds), ("set", spare, draws.between(1, 99))]
    near = 2
    head = len(program)
    pairs = ((total, step), (step, spare), (total, spare), (spare, total))
    body: list[tuple[str, int, int]] = [(draws.pick(("add", "xor", "less", "times")), *draws.pick(pairs)) for _ in range(1 + level)]
    body.append(("add", total, step))
    if level >= 4:
        inside = head + 1 + len(body) + 1
        body += [("set", inner, draws.between(2, 5)), ("jump if zero", inner, inside + 4), ("xor", total, inner), ("count down", inner, 0), ("jump", zero, inside)]
    program += [("jump if zero", outer, head + 1 + len(body) + 2), *body, ("count down", outer, 0), ("jump", zero, head)]
    program += [("print", total, 0)] + ([("print", spare, 0)] if level >= 3 else [])
    return program, near


def _draft(draws: Draws, level: int) -> Draft:
    codes = dict(zip(_OPS, draws.some(range(256), len(_OPS)), strict=True))
    machine = _Machine(codes, draws.pick((8, 16)) if level >= 2 else 16, draws.chance(1, 2))
    program, near = _program(draws, level)
    right = machine.run(program)
    name, register, value = program[near]
    changed = machine.run([*program[:near], (name, register, value + 1), *program[near + 1 :]])
    wrong = changed if changed != right else right + " 0"
    meaning = {
        "set": "register = operand", "copy": "register = register[operand]", "add": "register = register + register[operand]",
        "less": "register = register - register[operand]", "times": "register = register * register[operand]",
        "xor": "register = register xor register[operand]", "jump": "go on at instruction number operand",
        "jump if zero": "go on at instruction number operand, if the register is 0", "count down": "register = register - 1", "print": "print the register in decimal",
    }  # fmt: skip
    order = "code, operand, register" if machine.backwards else "code, register, operand"
    table = [f"{code:02x}  {meaning[name]}" for name, code in sorted(codes.items(), key=lambda each: each[1])]
    manual = (
        f"The machine has 8 registers of {machine.width} bits, all 0 at first; what does not fit is cut off at the top.\n"
        f"An instruction is three bytes: {order}. They are numbered from 0. Beyond the last one the machine stops.\n\n" + "\n".join(table) + "\n"
    )
    code = machine.encode(program)
    dump = "\n".join(code[at : at + 24].hex(" ") for at in range(0, len(code), 24)) + "\n"
    return Draft(
        story="The manual describes a machine that does not exist, the dump is a program for it. Say what the program prints.",
        files={"manual.txt": manual.encode(), "dump.txt": dump.encode()}, about={"manual.txt": "the machine", "dump.txt": "the program, in hexadecimal"},
        hand_in="/work/answer.txt with one line: the numbers printed, with a blank between them.",
        reference=answer(right), negative=answer(wrong), answer=right,
    )


SUITE = Family("reading_bytecode", Domain.READING, 1, "what a program for a machine that does not exist prints", _draft)
