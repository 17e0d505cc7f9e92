"""Patching: a made-up account book whose commands let somebody end with more than was put in."""

from collections.abc import Sequence
from dataclasses import dataclass

from clearinghouse.evaluation.benchmarks.records import Domain
from clearinghouse.evaluation.benchmarks.suites.base import Case, Draft, Draws, Family, handed
from clearinghouse.evaluation.benchmarks.suites.words import PEOPLE

_SOURCE = '''"""An account book. Every line of standard input is a command, answered by `ok` or `no`; at the end all balances are printed.

  put NAME AMOUNT         adds an amount
  take NAME AMOUNT        takes it away, where there is as much
  move FROM TO AMOUNT     takes the amount and a fee of {fee} from one, where there is as much as both together, and adds the amount to the other;
                          from somebody to himself it takes the fee alone, under the same condition
  undo                    takes back the newest change that was not taken back yet, and all of it; `no` where there is none

An amount is one or more of the digits 0 to 9, at most six. What is anything else is answered by `no` and changes nothing.
"""

import sys

NAMES = {names!r}
FEE = {fee}


def amount(word):
    if word.isascii() and word.isdigit() and len(word) <= 6:
        return int(word)
    return None


def any_number(word):
    try:
        return int(word)
    except ValueError:
        return None


def run(lines):
    held, past = dict.fromkeys(NAMES, 0), []
    for line in lines:
        print(deed(line.split(), held, past))
    for name in NAMES:
        print(name, held[name])


def deed(words, held, past):
    if len(words) == 3 and words[0] == "put" and words[1] in held:
        number = amount(words[2])
        if number is None:
            return "no"
        past.append(dict(held))
        held[words[1]] += number
        return "ok"
    if len(words) == 3 and words[0] == "take" and words[1] in held:
        number = {take_amount}(words[2])
        if number is None or number > held[words[1]]:
            return "no"
        past.append(dict(held))
        held[words[1]] -= number
        return "ok"
    if len(words) == 4 and words[0] == "move" and words[1] in held and words[2] in held:
        number = {move_amount}(words[3])
        if number is None or {too_much}:
            return "no"
{himself}        past.append(dict(held))
{move}
        return "ok"
    if words == ["undo"] and past:
        held.update(past{newest})
{after}        return "ok"
    return "no"


if __name__ == "__main__":
    run(sys.stdin)
'''
_MOVE = "        held[words[1]] -= number + FEE\n        held[words[2]] += number"
_MOVE_BY_COPY = (
    "        left, right = held[words[1]], held[words[2]]\n        held[words[1]] = left - number - FEE\n        held[words[2]] = right + number"
)
_SOUND = {
    "take_amount": "amount", "move_amount": "amount", "too_much": "number + FEE > held[words[1]]", "himself": "", "move": _MOVE, "newest": ".pop()",
    "after": "",
}  # fmt: skip
_FLAWS = {
    "sign": {"take_amount": "any_number", "move_amount": "any_number"},
    "himself": {"move": _MOVE_BY_COPY},
    "fee": {"too_much": "number > held[words[1]]"},
    "undo": {"newest": "[-1]"},
}


@dataclass(frozen=True, slots=True)
class _Book:
    names: list[str]
    fee: int

    def source(self, *flaws: str, **changed: str) -> bytes:
        parts = dict(_SOUND)
        for flaw in flaws:
            parts |= _FLAWS[flaw]
        return _SOURCE.format(names=self.names, fee=self.fee, **(parts | changed)).encode()

    def printed(self, lines: Sequence[str]) -> str:
        held, past = dict.fromkeys(self.names, 0), list[dict[str, int]]()
        said = ["ok" if self._done(line.split(), held, past) else "no" for line in lines]
        return "\n".join(said + [f"{name} {held[name]}" for name in self.names])

    def _done(self, words: list[str], held: dict[str, int], past: list[dict[str, int]]) -> bool:
        if words == ["undo"]:
            if past:
                held.update(past.pop())
                return True
            return False
        size = {"put": 3, "take": 3, "move": 4}.get(words[0] if words else "")
        known = len(words) == size and all(name in held for name in words[1:-1])
        if not known or not (words[-1].isascii() and words[-1].isdigit() and len(words[-1]) <= 6):
            return False
        number, first = int(words[-1]), words[1]
        if (words[0] == "take" and number > held[first]) or (words[0] == "move" and number + self.fee > held[first]):
            return False
        past.append(dict(held))
        if words[0] == "put":
            held[first] += number
        else:
            held[first] -= number + (self.fee if words[0] == "move" else 0)
        if words[0] == "move":
            held[words[2]] += number
        return True


def _draft(draws: Draws, level: int) -> Draft:
    book = _Book(draws.some(PEOPLE, draws.between(3, 5)), draws.between(1, 9))
    both = draws.some(("sign", "himself", "fee", "undo"), 2)
    flaws = [["sign"], ["himself"], ["fee"], ["undo"], both][level - 1]
    refused = '        if words[1] == words[2]:\n            return "no"\n'
    negative = {
        1: book.source(move_amount="any_number"), 2: book.source(himself=refused), 3: book.source(too_much="number + FEE >= held[words[1]]"),
        4: book.source(newest="[-1]", after="        past.clear()\n"), 5: book.source(both[1]),
    }[level]  # fmt: skip
    documents = [_lines(draws, book) for _ in range(6)]
    sample = "\n".join([f"put {book.names[0]} 100", f"move {book.names[0]} {book.names[1]} 20", f"take {book.names[1]} 5"]) + "\n"
    return Draft(
        story=(
            f"The account book does not keep to its own description; it has {len(flaws)} flaw{'s' if len(flaws) > 1 else ''}, and a flaw may show at several places. "
            "Change it so that it keeps to the description at the top for every input. It is judged by what it prints for inputs that are not shown."
        ),
        files={"book.py": book.source(*flaws), "sample.txt": sample.encode()}, about={"book.py": "the program", "sample.txt": "an ordinary input"},
        hand_in="/work/book.py, changed in its place.", reference=handed(book__py=book.source()), negative=handed(book__py=negative),
        wanted=("book.py",), cases=tuple(Case("submission/book.py", "\n".join(lines).encode(), out=book.printed(lines), error="") for lines in documents),
    )


def _lines(draws: Draws, book: _Book) -> list[str]:
    """An ordinary day, and in it whatever shows one of the flaws."""
    a, b = draws.some(book.names, 2)
    lines = [f"put {name} {draws.between(20, 90)}" for name in draws.shuffled(book.names)]
    full, part = draws.between(50, 90), draws.between(5, 19)
    strange = [
        [f"take {a} -{part}"], [f"move {a} {b} -{part}"], [f"move {a} {a} {part}"], [f"put {b} +{part}", f"put {b} {part}.0"], ["undo", "undo"],
        [f"take {b} 1_0"], [f"put {a} 1000000", "undo"], [f"move {a} {b} {part}", "undo", "undo", "undo"],
        # Exactly as much as there is, and one more.
        [f"put {a} {full}", "undo", f"take {a} 999999", f"move {a} nobody {part}"], ["jump", "", f"put {a}"],
    ]  # fmt: skip
    for group in draws.shuffled(strange):
        lines += group
    # So that there is something left, whatever was undone before.
    lines += [f"put {b} {full}", f"move {b} {b} {part}"]
    held: dict[str, int] = dict.fromkeys(book.names, 0)
    past: list[dict[str, int]] = []
    for line in lines:
        book._done(line.split(), held, past)
    left = held[b]
    lines += [f"move {b} {a} {max(0, left - book.fee + 1)}", f"move {b} {a} {max(0, left - book.fee)}", "undo"]
    return lines


SUITE = Family("patching_accounts", Domain.PATCHING, 1, "a toy account book that lets somebody end with more than was put in", _draft)
