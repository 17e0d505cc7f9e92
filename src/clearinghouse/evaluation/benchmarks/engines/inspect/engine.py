"""Running samples by Inspect: its process in its venue, our desk at the other end of two sockets."""

import json
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from clearinghouse.core.errors import Unavailable
from clearinghouse.evaluation.benchmarks.engines.base import Job, SampleResult
from clearinghouse.evaluation.benchmarks.engines.client import Client
from clearinghouse.evaluation.benchmarks.engines.inspect import venue as venues
from clearinghouse.evaluation.benchmarks.engines.inspect.desk import Desk
from clearinghouse.evaluation.benchmarks.engines.inspect.relay import Relay
from clearinghouse.evaluation.benchmarks.engines.inspect.venue import Running, Venue
from clearinghouse.evaluation.benchmarks.sessions.broker import Broker, Reply

_LOOK_SECONDS = 0.05
_LEAVE_SECONDS = 20.0  # for the engine to write down what it has, once it is told to stop
_BODY_BYTES_MAX = 128 << 20


class InspectEngine:
    """Runs samples in a process of Inspect's own environment."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue
        self.untrusted_said = b""
        """What the last process wrote to standard error, cut: for whoever looks for a fault, and never logged. It may quote an item."""

    @property
    def name(self) -> str:
        """As runs record it."""
        return f"inspect-ai/{self._venue.version}"

    def run(self, job: Job, on_sample: Callable[[SampleResult], None], stop: threading.Event) -> None:
        """As the protocol says.

        Raises:
            Unavailable: the process ended without a word.
        """
        with Client(job.endpoint, job.generation) as client, _folder() as folder:
            desk = Desk(self.name, job, client, on_sample, stop)
            with Broker(folder / "tools.sock", desk.handlers(), body_bytes_max=_BODY_BYTES_MAX), Relay(folder / "model.sock", desk.ask):
                running, _ = venues.start(self._venue, ["run"], sockets=folder)
                try:
                    code = _wait(running, desk, stop)
                finally:
                    running.kill()
                    self.untrusted_said = bytes(running.untrusted_said)
                desk.finish()
        if desk.failure is not None:
            raise desk.failure
        if code not in (0, None) and not stop.is_set():
            raise Unavailable(f"the engine ended with code {code}; what it began is run again")

    def conformance(self, job: Job) -> dict[str, str]:
        """Inspect's own checks of a sandbox, tried on ours: name to nothing where it holds, else our words for what was found instead.

        Args:
            job: of which each sample is one check's sandbox; the model is never asked.
        """
        with Client(job.endpoint, job.generation) as client, _folder() as folder:
            desk = Desk(self.name, job, client, lambda result: None, threading.Event())
            found: list[bytes] = []

            def checked(_words: Mapping[str, Any], body: bytes) -> Reply:
                found.append(body)
                return Reply({})

            with Broker(folder / "tools.sock", {**desk.handlers(), "checked": checked}, body_bytes_max=_BODY_BYTES_MAX):
                running, _ = venues.start(self._venue, ["check"], sockets=folder)
                code = running.wait(600.0)
                running.kill()
                self.untrusted_said = bytes(running.untrusted_said)
            desk.finish()
        if code != 0 or not found:
            raise Unavailable(f"the checks ended with code {code}")
        return {str(name): str(said) for name, said in json.loads(found[0]).items()}


def _wait(running: Running, desk: Desk, stop: threading.Event) -> int | None:
    asked = False
    while True:
        code = running.wait(_LEAVE_SECONDS if asked else _LOOK_SECONDS)
        if code is not None or asked:
            return code
        # Told to stop, its samples are answered no more and end by themselves; it has a little time to hand over what it wrote down.
        asked = stop.is_set() or desk.failure is not None


@contextmanager
def _folder() -> Iterator[Path]:
    """A place for two sockets that only we can enter; no content is ever in it."""
    folder = Path(tempfile.mkdtemp(prefix="clearinghouse-engine-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
