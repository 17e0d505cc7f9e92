"""The matcher in a process of its own: places what comes in while the server answers, and says when it has.

    python -m clearinghouse.app.matcher HOME

Woken by a byte on its input, it answers with the numbers it placed, a line of JSON each time; and with a number alone, up to
which all is placed, for another server's matcher may have been quicker. When its input ends, it ends. Comparing is arithmetic
that would hold up every answer of the process it runs in.
"""

import json
import os
import select
import subprocess
import sys
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from clearinghouse.app.settings import Settings, load_settings
from clearinghouse.core.errors import Unavailable

_AT_LEAST_EVERY_SECONDS = 2.0  # somebody else may have taken reports in without waking us
_WHILE_OTHERS_PLACE_SECONDS = 0.05
_PORTION = 64


class MatcherProcess:
    """The matcher's child process and who waits for it; started again should it end."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._placed = threading.Condition()
        self._recent: dict[int, None] = {}
        self._up_to = 0
        self._closed = False
        self._child = self._start()
        self._listener = threading.Thread(target=self._listen, name="matcher-listener", daemon=True)
        self._listener.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """End the child; what it has placed is kept, what waits is placed by the next one."""
        self._closed = True
        self._child.kill()
        self._child.wait()
        self._listener.join()
        for pipe in (self._child.stdin, self._child.stdout):
            if pipe is not None:
                pipe.close()

    def wake(self) -> None:
        """Something came in."""
        stdin = self._child.stdin
        assert stdin is not None
        with suppress(OSError):  # The listener starts another one, which looks by itself.
            os.write(stdin.fileno(), b"\n")

    def wait_for(self, numbers: Iterable[int], seconds: float) -> bool:
        """Wait until all of these reports were placed; False where that takes longer than `seconds`."""
        wanted = set(numbers)
        with self._placed:
            return self._placed.wait_for(lambda: all(one <= self._up_to or one in self._recent for one in wanted), seconds)

    def _start(self) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(  # noqa: S603 - our own module, a path of our own settings
            [sys.executable, "-m", "clearinghouse.app.matcher", str(self._settings.home)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry),
                 "CLEARINGHOUSE_DATABASE_URL": self._settings.database_url},
        )

    def _listen(self) -> None:
        while not self._closed:
            assert self._child.stdout is not None
            for line in self._child.stdout:
                told = json.loads(line)
                with self._placed:
                    if isinstance(told, int):
                        self._up_to = told
                    else:
                        self._recent.update(dict.fromkeys(told))
                    # Who waits, waits for seconds: older ones are of no use to anybody.
                    for number in list(self._recent)[:-100_000]:
                        del self._recent[number]
                    self._placed.notify_all()
            if not self._closed:
                self._child.wait()
                time.sleep(1)
                self._child = self._start()


def main(home: str) -> None:
    """Place until the input ends."""
    from clearinghouse.app.process import matching, note_leads
    from clearinghouse.app.wiring import open_instance

    instance = open_instance(load_settings(Path(home)))
    work = matching(instance)
    told, pause = 0, _AT_LEAST_EVERY_SECONDS
    while True:
        readable, _, _ = select.select([0], [], [], pause)
        if readable and not os.read(0, 65536):
            return
        try:
            work.sign_new()
            fresh: list[int] = []
            while placed := work.place_new(_PORTION):
                fresh += placed
                os.write(1, json.dumps(placed).encode() + b"\n")
            # Asked in this order: what is placed between the two questions is told next time.
            up_to = work.placed_up_to()
            pause = _WHILE_OTHERS_PLACE_SECONDS if work.any_waiting() else _AT_LEAST_EVERY_SECONDS
            if up_to != told:
                told = up_to
                os.write(1, json.dumps(up_to).encode() + b"\n")
            # After the answers: who waits for one waits for no lead.
            note_leads(instance, fresh)
        except Unavailable as error:
            sys.stderr.write(f"clearinghouse matcher: {error}; trying again\n")


if __name__ == "__main__":
    main(sys.argv[1])
