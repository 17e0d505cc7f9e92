"""Names for addresses. Runs print addresses, which costs nothing; names are asked for once for all runs of a build.

The symboliser reads what the build made, so it runs in the sandbox like everything else.
"""

import re
import shutil
import threading
from pathlib import Path

from clearinghouse.core.policy import BenchPolicy
from clearinghouse.sandbox.base import Command, Ending, Entry, Limits, Sandbox

_ADDRESS = re.compile(
    r"^(?P<lead>\s{0,12}#)(?P<number>\d{1,4}) (?P<pc>0x[0-9a-f]{1,16})\s{1,4}\((?P<module>/in/build/[^()\s]{1,300})\+(?P<offset>0x[0-9a-f]{1,16})\)"
)
_ADDRESSES_MAX = 5_000
_INLINED_MAX = 16
_SYMBOLISER = "llvm-symbolizer"


class Symbols:
    """Names of one build's addresses, remembered."""

    def __init__(self, sandbox: Sandbox, folder: Path, policy: BenchPolicy) -> None:
        self._sandbox, self._folder, self._policy = sandbox, folder, policy
        self._known: dict[tuple[str, str], tuple[str, ...]] = {}
        self._lock = threading.Lock()

    def name(self, untrusted_log: bytes) -> bytes:
        """A log with names and places where it had addresses; unchanged where there are none or nothing can name them."""
        if b"/in/build/" not in untrusted_log:
            return untrusted_log
        lines = untrusted_log[: self._policy.log_bytes_max].decode("utf-8", "replace").split("\n")
        found = [_ADDRESS.match(line[: self._policy.log_line_bytes_max]) for line in lines]
        wanted = {(match["module"], match["offset"]) for match in found if match is not None}
        if not wanted:
            return untrusted_log
        with self._lock:
            if missing := sorted(wanted - set(self._known))[:_ADDRESSES_MAX]:
                self._ask(missing)
        return _rewritten(lines, found, self._known).encode()

    def _ask(self, addresses: list[tuple[str, str]]) -> None:
        program = shutil.which(_SYMBOLISER, path="/usr/bin:/usr/local/bin")
        if program is None:
            return
        asked = "".join(f'"{module}" {offset}\n' for module, offset in addresses)
        policy = self._policy
        limits = Limits(
            policy.run_wall_seconds_max, policy.run_wall_seconds_max, policy.build_memory_bytes, policy.processes_max,
            policy.output_bytes_max * 4, policy.file_bytes_max, policy.scratch_bytes_max, policy.files_max,
        )
        ran = self._sandbox.run(Command(
            (program, "--demangle", "--inlines"), limits, (Entry("build", self._folder),), stdin=asked.encode()
        ))
        if ran.ending is not Ending.EXITED:
            return
        answers = ran.untrusted_stdout.decode("utf-8", "replace").split("\n\n")
        for address, answer in zip(addresses, answers, strict=False):
            rows = answer.strip("\n").split("\n")[: 2 * _INLINED_MAX]
            frames = [f"{function} {place}" for function, place in zip(rows[::2], rows[1::2], strict=False) if function and function != "??"]
            self._known[address] = tuple(frames)


def _rewritten(lines: list[str], found: list[re.Match[str] | None], known: dict[tuple[str, str], tuple[str, ...]]) -> str:
    """Each address as one frame for every function that was inlined there; frames are numbered anew within their stack."""
    written: list[str] = []
    shift = 0
    for line, match in zip(lines, found, strict=True):
        if match is None:
            if not line.lstrip().startswith("#"):
                shift = 0
                written.append(line)
                continue
            written.append(_renumbered(line, shift))
            continue
        number = int(match["number"])
        if number == 0:
            shift = 0
        frames = known.get((match["module"], match["offset"]), ())
        if not frames:
            written.append(f"{match['lead']}{number + shift} {line[match.start('pc') :]}")
            continue
        written += [f"{match['lead']}{number + shift + at} {match['pc']} in {frame}" for at, frame in enumerate(frames)]
        shift += len(frames) - 1
    return "\n".join(written)


def _renumbered(line: str, shift: int) -> str:
    return re.sub(r"#(\d{1,4})", lambda number: f"#{int(number[1]) + shift}", line, count=1)
