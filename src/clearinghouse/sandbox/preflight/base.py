"""One attack, what it found, and all of them on one sandbox."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from clearinghouse.core.errors import Unavailable
from clearinghouse.sandbox.base import Command, Ending, Guard, Limits, Ran, Sandbox

LIMITS = Limits(
    wall_seconds=8.0, cpu_seconds=6.0, memory_bytes=128 << 20, processes_max=32, output_bytes_max=64 << 10, file_bytes_max=8 << 20,
    scratch_bytes_max=16 << 20, files_max=500,
)  # fmt: skip
PRELUDE = """
import ctypes, errno, json, os, signal, socket, sys, time
libc = ctypes.CDLL(None, use_errno=True)
def tell(broken, note=""):
    print(json.dumps({"broken": list(broken), "note": note}), flush=True)
    sys.exit(0)
def trial(action, *arguments):
    try:
        action(*arguments)
    except OSError as error:
        return error.errno or -1
    return 0
"""
_INTERPRETERS = ("/usr/bin/python3", "/usr/local/bin/python3")
"""Where a run can see one: nothing but `/usr` is there."""
_FOUND_CHARACTERS_MAX = 200


class Answer(StrEnum):
    """What became of an attack."""

    HELD = "held"
    BROKEN = "broken"
    UNTESTED = "cannot be tested here"


@dataclass(frozen=True, slots=True)
class Finding:
    """One attack on one sandbox."""

    number: int
    title: str
    guard: Guard
    answer: Answer
    detail: str = ""


Judge = Callable[[Ran], tuple[Answer, str]]


def told(ran: Ran) -> tuple[Answer, str]:
    """By what the program says: it lists what it got at."""
    if ran.ending is not Ending.EXITED or ran.exit_code != 0:
        return Answer.UNTESTED, f"the attacking program {ran.ending} {ran.note or ran.untrusted_stderr.decode('utf-8', 'replace').strip()[-120:]}".strip()
    try:
        document = json.loads(ran.untrusted_stdout)
        broken, note = [str(entry) for entry in document["broken"]], str(document["note"])
    except (ValueError, TypeError, KeyError):
        return Answer.UNTESTED, "the attacking program said nothing"
    return (Answer.BROKEN, ", ".join(broken)) if broken else (Answer.HELD, note)


@contextmanager
def _nothing() -> Iterator[Mapping[str, str]]:
    yield {}


@dataclass(frozen=True, slots=True)
class Attack:
    """What a payload tries."""

    number: int
    title: str
    guard: Guard
    """The wall it runs against."""
    script: str
    """Python, after `PRELUDE`."""
    judge: Judge = told
    limits: Limits = LIMITS
    of_kernel: bool = False
    """What it gets at belongs to the kernel that answers; where that is not the host's, it shows nothing of the host."""
    arrange: Callable[[], AbstractContextManager[Mapping[str, str]]] = _nothing
    """Something outside for it to get at; what it must know goes into its environment."""


def attempt(sandbox: Sandbox, attack: Attack) -> Finding:
    """Run one attack."""
    if attack.guard not in sandbox.level.guards:  # nothing would stop it, so it is not tried
        return Finding(attack.number, attack.title, attack.guard, Answer.UNTESTED, "this sandbox does not have the guard")
    interpreter = next((path for path in _INTERPRETERS if Path(path).exists()), None)
    if interpreter is None:
        return Finding(attack.number, attack.title, attack.guard, Answer.UNTESTED, "there is no python3 below /usr to attack with")
    with attack.arrange() as environment:
        ran = sandbox.run(Command((interpreter, "-I", "-S", "-c", PRELUDE + attack.script), attack.limits, environment=environment))
        if ran.ending is Ending.NO_RUN:
            answer, detail = Answer.UNTESTED, ran.note
        else:
            answer, detail = attack.judge(ran)
    if answer is not Answer.HELD and attack.of_kernel and Guard.KERNEL in sandbox.level.guards:
        answer, detail = Answer.UNTESTED, f"it reached a kernel of its own: {detail}"
    return Finding(attack.number, attack.title, attack.guard, answer, detail[:_FOUND_CHARACTERS_MAX])


def examine(sandbox: Sandbox, attacks: Iterable[Attack]) -> Iterator[Finding]:
    """Run attacks, as many at once as there are slots; findings come in the attacks' order."""
    with ThreadPoolExecutor(max_workers=sandbox.slots) as pool:
        yield from pool.map(lambda attack: attempt(sandbox, attack), attacks)


def demand(findings: Iterable[Finding]) -> None:
    """Nothing, if no attack succeeded.

    Raises:
        Unavailable: one did.
    """
    broken = [finding for finding in findings if finding.answer is Answer.BROKEN]
    if broken:
        listed = "; ".join(f"attack {finding.number} ({finding.title}): {finding.detail}" for finding in broken)
        raise Unavailable(f"nothing is run: the sandbox does not hold - {listed}; `clearinghouse doctor --sandbox` shows all of it")


def within(**changed: float) -> Limits:
    """The limits of an attack, some of them changed."""
    return replace(LIMITS, **changed)  # type: ignore[arg-type]
