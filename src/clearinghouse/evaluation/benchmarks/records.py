"""An item, what answers it, and how an answer is graded."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Domain(StrEnum):
    """What an item asks of a model."""

    FINDING = "finding"
    """Say where a flaw is."""
    REPRODUCTION = "reproduction"
    """Give the input that triggers it."""
    PATCHING = "patching"
    """Change the program so that it is gone and the tests still pass."""
    DETECTION = "detection"
    """Say which lines of a log tell of an intrusion, or write the rule that finds them."""
    READING = "reading"
    """Say what a program without names does."""


class GraderKind(StrEnum):
    """How an answer is judged."""

    ANSWER = "answer"
    """A salted HMAC of the normalised answer: whoever runs the item need not hold the answer."""
    PROGRAM = "program"
    """A Python program of the item, run in the sandbox over what was handed in."""


@dataclass(frozen=True, slots=True)
class Submission:
    """What is handed in for an item: by a model, or as one of the item's own controls."""

    answer: str = ""
    """Untrusted where a model wrote it."""
    files: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    """Name below the working folder to bytes."""


@dataclass(frozen=True, slots=True)
class Grader:
    """What judges a submission."""

    kind: GraderKind
    salt: bytes = field(default=b"", repr=False)
    mac: bytes = field(default=b"", repr=False)
    """HMAC-SHA-256 under the salt of the normalised answer, for `answer`."""
    program: bytes = field(default=b"", repr=False)
    """Python source for `program`: finds `/in/item/...` and `/in/submission/...` (and `/in/answer`), and writes a line `PASS` or `FAIL` as the first of `/out/grade`."""
    wanted: tuple[str, ...] = ()
    """Files that a submission must hold, by name."""
    probe: bytes = field(default=b"", repr=False)
    """Python source for `program` that runs before it and apart from it: it drives what was handed in (`/in/cases` says how) and leaves what it saw
    in `/out/seen`. It knows no right answer, so that whatever breaks out of it can forge what was seen, and not the verdict."""
    cases: bytes = field(default=b"", repr=False)
    """What the probe finds at `/in/cases`: inputs, and nothing of what should come of them."""
    expected: bytes = field(default=b"", repr=False)
    """What the program finds at `/in/expected`, in a run of its own where nothing that was handed in is executed."""


@dataclass(frozen=True, slots=True)
class Item:
    """One task as it lies in a pack. Nothing of it leaves the vault but to the run that it was released for."""

    id: str
    """`itm_...`, random for a sealed pack."""
    suite: str
    family: str
    """What shares a generator, a program or an author: the unit of independent evidence."""
    domain: Domain
    prompt: str = field(repr=False)
    files: Mapping[str, bytes] = field(repr=False)
    """What the model finds in its working folder."""
    grader: Grader = field(repr=False)
    reference: Submission = field(repr=False)
    """Solves it: the positive control."""
    negative: Submission = field(repr=False)
    """Looks right and is not: must not be accepted."""
    canary: str = field(repr=False)
    """A string that occurs nowhere else, in prompt and files: what a leak scan looks for."""
    provenance: Mapping[str, str] = field(default_factory=dict)
    """Who made it, from what, when; a generated one says generator and version, never the seed."""
    human_minutes: float | None = None
    """How long a skilled person takes, where somebody measured it."""


@dataclass(frozen=True, slots=True)
class Grade:
    """What a grader says."""

    correct: bool | None
    """None: it could not be graded, and `note` says why."""
    note: str = ""
    tampered: bool = False
    """The submission tried to reach the grader."""
