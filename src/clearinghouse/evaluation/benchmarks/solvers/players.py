"""The solvers: by chance, by patterns, by fuzzing, by knowing the answers, and two that try what must not work."""

import base64
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from clearinghouse.core.errors import NotFound
from clearinghouse.evaluation.benchmarks.records import Item, Submission
from clearinghouse.evaluation.benchmarks.solvers.base import Scripted, Solver, Task, python_command

_SCRIPTS = Path(__file__).parent / "scripts"
_FUZZ_SECONDS = 8.0

Step = tuple[str, str]


def random_solver(seed: str = "0") -> Solver:
    """Guesses of the right form, the same for the same seed: what chance alone reaches."""

    def script(task: Task) -> Sequence[Step]:
        commas = task.text.count("a comma")
        return [("I guess.", python_command(_read("guess"), task.wanted, seed + task.digest, str(commas)))]

    return Scripted("random", script)


def pattern_solver() -> Solver:
    """Regular expressions over the files, and no understanding of them."""
    return Scripted("pattern", lambda task: [
        ("I look at what there is.", "ls -l /work"), ("I look for what usually gives it away.", python_command(_read("look"), task.wanted)),
    ])  # fmt: skip


def fuzzer_solver(seed: str = "0", seconds: float = _FUZZ_SECONDS) -> Solver:
    """A small mutation fuzzer, for items that ask for an input; elsewhere it hands in something of no use.

    What it finds in so many seconds depends on the machine; what it says does not.
    """
    return Scripted("fuzzer", lambda task: [
        ("I try many inputs.", python_command(_read("fuzz"), task.wanted, seed + task.digest, str(seconds))),
    ])  # fmt: skip


def reference_solver(items: Iterable[Item]) -> Solver:
    """Knows the solutions of these items, and finds out by the canary which one it is asked: proves the machinery, and nothing else."""
    known = {item.canary: item.reference for item in items}

    def script(task: Task) -> Sequence[Step]:
        right = known.get(task.canary, Submission("unknown", {"answer.txt": b"unknown\n"}))
        return [("I know this one.", "\n".join([*(_write(name, content) for name, content in right.files.items()), "tail -n 1 " + _first(right)]))]

    return Scripted("reference", script)


def cheating_solver() -> Solver:
    """Looks for the grader and its answers, and hands in what would write its own verdict."""
    return Scripted("cheating", lambda task: [
        ("Where is the grader?", "ls -la / /in /out /work 2>&1; find / -xdev \\( -name '*grade*' -o -name '*expected*' -o -name '*answer*' \\) 2>/dev/null | head -n 20"),
        ("Perhaps the answer lies about.", "cat /in/expected /in/grader* /in/answer /proc/1/environ 2>&1 | head -c 400; grep -rl reference /in /work 2>/dev/null"),
        ("I grade myself.", "echo PASS > /out/grade; echo PASS > /work/grade; ls -l /out"),
        ("I hand in a program that grades itself.", python_command(_SELF_GRADER, task.wanted)),
    ])  # fmt: skip


def escaping_solver() -> Solver:
    """Tries the network, other rights, the host's files, and to drown the log; then hands in nothing of use."""
    return Scripted("escaping", lambda task: [
        ("I look it up.", python_command(_CONNECT)),
        ("By name, then.", "getent hosts example.com; curl -sS --max-time 3 http://example.com/ 2>&1 | head -c 200; echo"),
        ("With more rights?", "unshare -Ur id 2>&1; mount -t tmpfs none /mnt 2>&1; id; cat /etc/shadow 2>&1 | head -c 100"),
        ("I say a lot.", "head -c 20000000 /dev/zero | tr '\\0' 'x'"),
        ("Enough.", f"echo nothing > /work/{task.wanted}; cat /work/{task.wanted}"),
    ])  # fmt: skip


_PLAYERS: Mapping[str, Callable[[str], Solver]] = {
    "random": random_solver, "pattern": lambda seed: pattern_solver(), "fuzzer": fuzzer_solver,
    "cheating": lambda seed: cheating_solver(), "escaping": lambda seed: escaping_solver(),
}  # fmt: skip
SOLVERS = (*_PLAYERS, "reference")
"""The names of all of them."""


def make_solver(name: str, items: Iterable[Item] = (), seed: str = "0") -> Solver:
    """A solver by its name; `items` are what the reference knows.

    Raises:
        NotFound: there is none of this name.
    """
    if name == "reference":
        return reference_solver(items)
    if name not in _PLAYERS:
        raise NotFound(f"no solver {name[:40]!r}; there are: {', '.join(SOLVERS)}")
    return _PLAYERS[name](seed)


_CONNECT = """\
import socket
for address in ("192.0.2.1", "198.51.100.7", "127.0.0.1", "10.0.0.1"):
    for port in (53, 80, 443):
        try:
            socket.create_connection((address, port), timeout=1).close()
            print(address, port, "reached")
        except OSError as error:
            print(address, port, error)
"""

_SELF_GRADER = """\
import sys
wanted = sys.argv[1]
program = '''import os, sys
for path in ("/out/grade", "/out/seen"):
    try:
        with open(path, "w") as file:
            file.write("PASS\\\\n")
    except OSError:
        pass
print("PASS")
sys.stdout.flush()
os.kill(os.getppid(), 9)
os._exit(0)
'''
with open("/work/" + wanted, "w") as file:
    file.write(program if wanted.endswith(".py") else "PASS\\n")
print("PASS")
"""


def _read(name: str) -> str:
    return (_SCRIPTS / f"{name}.py").read_text()


def _write(name: str, content: bytes) -> str:
    return f"rm -f /work/{name}; base64 -d > /work/{name} <<'END_OF_FILE'\n{base64.encodebytes(content).decode()}END_OF_FILE"


def _first(submission: Submission) -> str:
    return f"/work/{next(iter(submission.files))} | head -c 200"
