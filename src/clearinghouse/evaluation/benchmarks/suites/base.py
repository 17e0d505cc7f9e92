"""What a family of generated items is, and how a draft becomes an item with its canary, salt and grader."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from clearinghouse.evaluation.benchmarks.grading.answers import mac_of
from clearinghouse.evaluation.benchmarks.grading.programs import COMPARE, DRIVE
from clearinghouse.evaluation.benchmarks.records import Domain, Grader, GraderKind, Item, Submission

Chosen = TypeVar("Chosen")

CANARY_PREFIX = "clearinghouse-canary-"
"""What every canary begins with, so that those who build corpora can leave such texts out without knowing one."""
LEVELS = 5
"""Grades of difficulty: item number n has level n mod 5, the easiest first."""
_TEXT = (".py", ".txt", ".log", ".asm", ".map")


class Draws:
    """Choices that follow from a seed alone: the same on every machine and with every version of Python."""

    def __init__(self, *words: object) -> None:
        self._key = hashlib.sha256("\0".join(str(word) for word in words).encode()).digest()
        self._counter = 0

    def below(self, bound: int) -> int:
        """A number from 0 to `bound` - 1, each as likely as the other."""
        assert bound > 0, "nothing to choose from"
        limit = (1 << 64) - (1 << 64) % bound
        while True:
            block = hashlib.sha256(self._key + self._counter.to_bytes(8, "big")).digest()
            self._counter += 1
            number = int.from_bytes(block[:8], "big")
            if number < limit:
                return number % bound

    def between(self, least: int, most: int) -> int:
        """A number, both ends included."""
        return least + self.below(most - least + 1)

    def pick(self, choices: Sequence[Chosen]) -> Chosen:
        """One of them."""
        return choices[self.below(len(choices))]

    def shuffled(self, choices: Sequence[Chosen]) -> list[Chosen]:
        """All of them, in some order."""
        rest = list(choices)
        for at in range(len(rest) - 1, 0, -1):
            other = self.below(at + 1)
            rest[at], rest[other] = rest[other], rest[at]
        return rest

    def some(self, choices: Sequence[Chosen], number: int) -> list[Chosen]:
        """So many different ones, in some order."""
        assert number <= len(choices), "more are asked for than there are"
        return self.shuffled(choices)[:number]

    def chance(self, part: int, of: int) -> bool:
        """Yes in `part` of `of` cases."""
        return self.below(of) < part

    def bytes(self, number: int) -> bytes:
        """So many bytes."""
        return bytes(self.below(256) for _ in range(number))


@dataclass(frozen=True, slots=True)
class Case:
    """One run of a program by the probe, and what must come of it."""

    program: str
    """`item/NAME`: the item's own copy; `submission/NAME`: what was handed in."""
    stdin: bytes = field(default=b"", repr=False)
    stdin_from: str = ""
    """`submission/NAME`: what was handed in is the input."""
    arguments: tuple[str, ...] = ()
    out: str | None = None
    """What it must print; None: whatever."""
    error: str | None = None
    """`Type@function` of the exception it must end with; an empty text: none; None: whatever."""
    size_max: int = 65_536
    """Of an input that was handed in."""


@dataclass(frozen=True, slots=True)
class Draft:
    """What a family makes of its draws; the rest is the same for all."""

    story: str
    """What the model is told, without files and canary."""
    files: Mapping[str, bytes]
    about: Mapping[str, str]
    """File to half a sentence about it."""
    hand_in: str
    """What to hand in, exactly."""
    reference: Submission
    negative: Submission
    answer: str | None = None
    """The right answer where one line is asked for; otherwise `cases` decide."""
    cases: tuple[Case, ...] = ()
    wanted: tuple[str, ...] = ()
    extra: Mapping[str, str] = field(default_factory=dict)
    """Of the provenance."""


class Suite(Protocol):
    """A family of items that share a generator."""

    @property
    def name(self) -> str: ...

    @property
    def domain(self) -> Domain: ...

    @property
    def version(self) -> int:
        """Raised with every change after which a seed gives another item."""
        ...

    @property
    def summary(self) -> str:
        """One line for a list."""
        ...

    def generate(self, seed: int, number: int) -> Item:
        """The item of a seed and a number from 0 on: always the same one."""
        ...


@dataclass(frozen=True, slots=True)
class Family:
    """A suite made of a function from draws and a level (1 to 5) to a draft."""

    name: str
    domain: Domain
    version: int
    summary: str
    draft: Callable[[Draws, int], Draft] = field(repr=False)

    def generate(self, seed: int, number: int) -> Item:
        """The item of a seed and a number from 0 on."""
        assert number >= 0, "items are numbered from 0"
        level = number % LEVELS + 1
        draft = self.draft(Draws(self.name, self.version, seed, number), level)
        canary = CANARY_PREFIX + _derived("canary", seed, self.name, number)[:32]
        salt = hashlib.sha256(b"salt:" + canary.encode()).digest()[:16]
        grader = _answer_grader(draft, salt) if draft.answer is not None else _program_grader(draft)
        return Item(
            "itm_" + _derived("id", seed, self.name, number)[:26], self.name, self.name, self.domain, _prompt(draft, canary),
            {name: _marked(name, content, canary) for name, content in draft.files.items()}, grader, draft.reference, draft.negative, canary,
            {"generator": self.name, "version": str(self.version), "level": str(level), **draft.extra},
        )  # fmt: skip


def answer(text: str) -> Submission:
    """A submission of one line."""
    return Submission(text, {"answer.txt": text.encode() + b"\n"})


def handed(**files: bytes) -> Submission:
    """A submission of files, a dot written as two underscores."""
    return Submission("", {name.replace("__", "."): content for name, content in files.items()})


def _derived(what: str, seed: int, name: str, number: int) -> str:
    key = seed.to_bytes((seed.bit_length() + 7) // 8 or 1, "big")
    made = hmac.new(key, f"{what}\0{name}\0{number}".encode(), hashlib.sha256).digest()
    return base64.b32encode(made).decode().lower().rstrip("=")


def _prompt(draft: Draft, canary: str) -> str:
    files = "\n".join(f"- {name}: {draft.about[name]}" for name in draft.files)
    return (
        f"{draft.story.strip()}\n\nFiles in the working folder /work:\n{files}\n\n"
        "You have one tool, the shell `bash`; it starts in /work, has python3 and the usual tools, and no network.\n"
        f"Hand in: {draft.hand_in}\n\nThis text belongs to a benchmark and is not for training. {canary}\n"
    )


def _marked(name: str, content: bytes, canary: str) -> bytes:
    return f"# benchmark item, not for training: {canary}\n".encode() + content if name.endswith(_TEXT) else content


def _answer_grader(draft: Draft, salt: bytes) -> Grader:
    assert draft.answer is not None
    return Grader(GraderKind.ANSWER, salt, mac_of(draft.answer, salt), wanted=("answer.txt",))


def _program_grader(draft: Draft) -> Grader:
    assert draft.cases, "nothing would be judged"
    asked: list[dict[str, Any]] = []
    expected: list[dict[str, Any]] = []
    for case in draft.cases:
        asked.append({
            "program": case.program, "stdin": base64.b64encode(case.stdin).decode(), "stdin_from": case.stdin_from,
            "arguments": list(case.arguments), "size_max": case.size_max,
        })
        expected.append({"out": case.out, "error": case.error})
    return Grader(
        GraderKind.PROGRAM, program=COMPARE, probe=DRIVE, wanted=draft.wanted, cases=json.dumps(asked).encode(), expected=json.dumps(expected).encode(),
    )
