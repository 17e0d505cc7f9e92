"""Patching: a program that answers line by line, and on some lines crashes, or answers what it must not."""

from collections.abc import Sequence
from dataclasses import dataclass

from clearinghouse.evaluation.benchmarks.records import Domain
from clearinghouse.evaluation.benchmarks.suites.base import Case, Draft, Draws, Family, handed
from clearinghouse.evaluation.benchmarks.suites.words import NOUNS

_SOURCE = '''"""Picks from palettes. Every line of standard input is answered by one line.

A line is a palette's name, a colon, and one or more picks with commas between them, at most {limit}. A pick is one or more of the digits 0 to 9 and
counts the palette's entries from 0. The answer is the picked entries with blanks between them; after it, the first entry of the palette becomes
its last. A line that is anything else is answered by `bad`, and changes nothing.
"""

import sys

PALETTES = {palettes!r}


def answer(line, palettes):
    name, colon, rest = line.partition(":")
    palette = palettes.get(name)
    if palette is None or not colon:
        return "bad"
    words = rest.split(",")
    if len(words) > {tested}:
        return "bad"
{early}    picks = []
    for word in words:
{check}
        picks.append(palette[int(word)])
{late}    return " ".join(picks)


def main():
    palettes = {{name: list(entries) for name, entries in PALETTES.items()}}
{loop}


if __name__ == "__main__":
    main()
'''
_LOOP = "    for line in sys.stdin:\n        print(answer(line.rstrip(\"\\n\"), palettes))"
_TURN = "    palette.append(palette.pop(0))\n"
_CHECKS = {
    "": '        if not word.isascii() or not word.isdigit() or int(word) >= len(palette):\n            return "bad"',
    "upper": '        if not word.isascii() or not word.isdigit():\n            return "bad"',
    "below": '        if not word.isascii() or not word.lstrip("-").isdigit() or int(word) >= len(palette):\n            return "bad"',
    "absolute": (
        '        if not word.isascii() or not word.lstrip("-").isdigit() or abs(int(word)) >= len(palette):\n            return "bad"'
    ),
}


@dataclass(frozen=True, slots=True)
class _Picker:
    palettes: dict[str, list[str]]
    limit: int

    def source(self, *flaws: str, loop: str = _LOOP, tested: int | None = None, early: str = "") -> bytes:
        check = next((flaw for flaw in flaws if flaw in _CHECKS), "")
        turned = "turn" in flaws
        return _SOURCE.format(
            limit=self.limit, palettes=self.palettes, tested=tested if tested is not None else self.limit + ("limit" in flaws),
            early=early or (_TURN if turned else ""), check=_CHECKS[check], late="" if turned else _TURN, loop=loop,
        ).encode()

    def answers(self, lines: Sequence[str]) -> str:
        palettes = {name: list(entries) for name, entries in self.palettes.items()}
        return "\n".join(self._answer(line, palettes) for line in lines)

    def _answer(self, line: str, palettes: dict[str, list[str]]) -> str:
        name, colon, rest = line.partition(":")
        words, palette = rest.split(","), palettes.get(name, [])
        right = bool(colon) and all(word.isascii() and word.isdigit() and int(word) < len(palette) for word in words)
        if not right or len(words) > self.limit:
            return "bad"
        said = " ".join(palette[int(word)] for word in words)
        palette.append(palette.pop(0))
        return said


def _draft(draws: Draws, level: int) -> Draft:
    nouns = draws.shuffled(NOUNS)
    names, rest = nouns[:3], nouns[3:]
    palettes = {}
    for name in names:
        size = draws.between(4, 8)
        palettes[name], rest = rest[:size], rest[size:]
    made = _Picker(palettes, draws.between(4, 7))
    second = draws.pick(("upper", "below", "limit"))
    flaws = (("upper",), ("below",), ("limit",), ("turn",), ("turn", second))[level - 1]
    half_turn = '    if not words[0].isascii() or not words[0].isdigit():\n        return "bad"\n' + _TURN
    caught = (
        "    try:\n        for line in sys.stdin:\n            print(answer(line.rstrip(\"\\n\"), palettes))\n    except IndexError:\n        print(\"bad\")"
    )
    negative = {
        1: made.source("upper", loop=caught), 2: made.source("absolute"), 3: made.source(tested=made.limit - 1),
        4: made.source("turn", early=half_turn), 5: made.source("turn"),
    }[level]  # fmt: skip
    documents = [_lines(draws, made) for _ in range(6)]
    return Draft(
        story=(
            "The program does not keep to its own description: on some lines it crashes or answers what it must not. Change it so that it keeps to the "
            f"description at the top for every input. It has {len(flaws)} flaw{'s' if len(flaws) > 1 else ''}. It is judged by what it prints for inputs that are not shown."
        ),
        files={"picker.py": made.source(*flaws), "sample.txt": "\n".join(_good(draws, made) for _ in range(4)).encode()},
        about={"picker.py": "the program", "sample.txt": "an ordinary input"}, hand_in="/work/picker.py, changed in its place.",
        reference=handed(picker__py=made.source()), negative=handed(picker__py=negative), wanted=("picker.py",),
        cases=tuple(Case("submission/picker.py", "\n".join(lines).encode(), out=made.answers(lines), error="") for lines in documents),
    )


def _good(draws: Draws, made: _Picker, number: int = 0) -> str:
    name = draws.pick(list(made.palettes))
    return name + ":" + ",".join(str(draws.below(len(made.palettes[name]))) for _ in range(number or draws.between(1, made.limit)))


def _lines(draws: Draws, made: _Picker) -> list[str]:
    """Ordinary lines, and between them one of each kind that a flaw could answer wrongly."""
    name = draws.pick(list(made.palettes))
    size = len(made.palettes[name])
    strange = [
        f"{name}:0,{size}", f"{name}:{size + draws.below(90)}", f"{name}:-1", f"{name}:-{size - 1},0", f"{name}:1,x", f"{name}:", f"{name}", ":0",
        f"{name}:0,,1", f"{name}:+1", f"{name}:1.0", f"{name}:0,-{size + 3}", _good(draws, made, made.limit + 1), _good(draws, made, made.limit),
        f"{draws.pick(NOUNS)}x:0",
    ]  # fmt: skip
    lines = []
    for line in draws.shuffled(strange):
        lines += [line, f"{name}:0,{size - 1}"] if draws.chance(2, 3) else [line, _good(draws, made)]
    return lines


SUITE = Family("patching_picker", Domain.PATCHING, 1, "a toy program that picks from lists and does not keep to its description", _draft)
