"""Reading: from a program without names that changes a text, the program that changes it back."""

from clearinghouse.evaluation.benchmarks.records import Domain
from clearinghouse.evaluation.benchmarks.suites.base import Case, Draft, Draws, Family, handed
from clearinghouse.evaluation.benchmarks.suites.words import NOUNS, VERBS

_ALPHABET = "abcdefghijklmnopqrstuvwxyz ,.-0123456789"
_NAMES = ("a_", "b_", "c_", "d_", "e_", "f_", "g_", "h_")
_FRAME = "import sys\n\n{alphabet} = {letters!r}\n\n\ndef {function}({text}):\n{body}\n    return {text}\n\n\nfor {line} in sys.stdin:\n    print({function}({line}.rstrip('\\n')))\n"


class _Step:
    """One change of a text, as a line of the program, as the line that undoes it, and as we do it ourselves."""

    def __init__(self, draws: Draws, kind: str, letters: str, text: str, alphabet: str, each: str) -> None:
        size, by, step = len(letters), draws.between(1, len(letters) - 1), draws.between(1, 7)
        self.letters, self.kind, self.by, self.step = letters, kind, by, step
        place = f"{alphabet}.index({text}[{each}])"
        forth, back = {
            "shift": (f"({place} + {by} + {each} * {step}) % {size}", f"({place} - {by} - {each} * {step}) % {size}"),
            "chain": ("", ""), "turn": ("", ""), "mirror": ("", ""),
        }[kind]  # fmt: skip
        over = f"for {each} in range(len({text}))"
        self.there, self.back = {
            "shift": (f"    {text} = ''.join({alphabet}[{forth}] {over})", f"    {text} = ''.join({alphabet}[{back}] {over})"),
            "turn": (
                f"    {text} = {text}[{by} % max(1, len({text})):] + {text}[:{by} % max(1, len({text}))]",
                f"    {text} = {text}[len({text}) - {by} % max(1, len({text})):] + {text}[:len({text}) - {by} % max(1, len({text}))]",
            ),
            "mirror": (f"    {text} = {text}[::2] + {text}[1::2][::-1]", (
                f"    {text} = ''.join(({text}[:(len({text}) + 1) // 2][{each} // 2] if {each} % 2 == 0 else "
                f"{text}[(len({text}) + 1) // 2:][::-1][{each} // 2]) {over})"
            )),
            "chain": (
                f"    for {each} in range(1, len({text})):\n        {text} = {text}[:{each}] + {alphabet}[({place} + {alphabet}.index({text}[{each} - 1])) % {size}] + {text}[{each} + 1:]",
                f"    for {each} in range(len({text}) - 1, 0, -1):\n        {text} = {text}[:{each}] + {alphabet}[({place} - {alphabet}.index({text}[{each} - 1])) % {size}] + {text}[{each} + 1:]",
            ),
        }[kind]  # fmt: skip

    def do(self, text: str) -> str:
        letters, size = self.letters, len(self.letters)
        if self.kind == "shift":
            return "".join(letters[(letters.index(letter) + self.by + place * self.step) % size] for place, letter in enumerate(text))
        if self.kind == "turn":
            by = self.by % max(1, len(text))
            return text[by:] + text[:by]
        if self.kind == "mirror":
            return text[::2] + text[1::2][::-1]
        made: list[str] = []
        for letter in text:
            made.append(letters[(letters.index(letter) + letters.index(made[-1])) % size] if made else letter)
        return "".join(made)


def _draft(draws: Draws, level: int) -> Draft:
    letters = "".join(draws.shuffled(_ALPHABET))
    text, alphabet, function, each, line = draws.some(_NAMES, 5)
    kinds = {1: ["shift"], 2: ["shift", "turn"], 3: ["mirror", "shift", "turn"], 4: ["chain", "shift", "mirror"], 5: ["chain", "mirror", "shift", "turn", "chain"]}[level]
    steps = [_Step(draws, kind, letters, text, alphabet, each) for kind in draws.shuffled(kinds)]

    def program(lines: list[str]) -> bytes:
        return _FRAME.format(alphabet=alphabet, letters=letters, function=function, text=text, body="\n".join(lines), line=line).encode()

    def changed(plain: str) -> str:
        for step in steps:
            plain = step.do(plain)
        return plain

    documents = [[_sentence(draws) for _ in range(4)] for _ in range(4)]
    shown = _sentence(draws)
    # Everything undone but the first step; at the first level, undone the wrong way round.
    wrong = [step.back for step in reversed(steps)][:-1] or [steps[0].there]
    return Draft(
        story=(
            "The program, whose names were taken away, changes every line of standard input, made of small letters, digits and a few signs. Write the "
            "program that changes the lines back. It is judged by what it prints for changed lines that are not shown; a changed line may end with blanks, "
            "which belong to it."
        ),
        files={"there.py": program([step.there for step in steps]), "sample.txt": f"{shown}\n{changed(shown)}\n".encode()},
        about={"there.py": "the program", "sample.txt": "a line, and what the program makes of it"}, hand_in="/work/back.py, the program.",
        reference=handed(back__py=program([step.back for step in reversed(steps)])), negative=handed(back__py=program(wrong)), wanted=("back.py",),
        cases=tuple(Case("submission/back.py", "".join(f"{changed(plain)}\n" for plain in lines).encode(), out="\n".join(lines), error="") for lines in documents),
    )


def _sentence(draws: Draws) -> str:
    words = [draws.pick((*NOUNS, *VERBS)) for _ in range(draws.between(3, 7))]
    return f"{' '.join(words)}{draws.pick(('.', '', ', 7'))}"


SUITE = Family("reading_way_back", Domain.READING, 1, "the program that undoes what a program without names does", _draft)
