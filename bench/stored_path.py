"""The whole stored path, timed stage by stage: a file in, clusters out, every report an event on the ledger."""

import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from clearinghouse.app import process
from clearinghouse.app.bulk import with_engine
from clearinghouse.app.settings import Settings, default_url
from clearinghouse.app.wiring import Instance, create_instance
from clearinghouse.disclosure.deconfliction import store
from clearinghouse.disclosure.deconfliction.jobs import Matching
from clearinghouse.disclosure.intake import store as intake
from clearinghouse.disclosure.intake.records import Cover


@dataclass
class Stages:
    """Seconds by stage, in order."""

    seconds: dict[str, float] = field(default_factory=dict)
    processor: dict[str, float] = field(default_factory=dict)
    """Of this process alone: what a shared machine cannot stretch."""

    @contextmanager
    def timed(self, name: str) -> Iterator[None]:
        """Add the time of a block to a stage."""
        started, used = time.perf_counter(), time.process_time()
        yield
        self.processor[name] = self.processor.get(name, 0.0) + time.process_time() - used
        self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - started

    @property
    def total(self) -> float:
        """All stages together."""
        return sum(self.seconds.values())


def peak_megabytes() -> float:
    """The largest resident size so far, of this process and of its largest child added up."""
    kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss + resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return kilobytes / 1024


def fresh_instance(folder: Path, engine: str = "memory") -> Instance:
    """An instance on embedded defaults, settled by an engine."""
    settings = Settings(folder, default_url(folder), "bench.example/log", folder / "witness" / "checkpoint", "")
    return with_engine(create_instance(settings, organisation="Benchmark", person="Nobody"), engine)


def run(instance: Instance, records: Path) -> tuple[Stages, Matching]:
    """Take a file of lines in and settle it; the model is loaded within the time."""
    stages, work = Stages(), process.matching(instance)
    with stages.timed("intake"):
        for taken in process.take_in(instance, [(records.name, records)], cover=Cover()):
            if taken.notes:
                raise ValueError(f"{records} was not read whole: {taken.notes[0].message}")
    with stages.timed("sign"):
        work.sign_new()
    with stages.timed("index"):
        work.index_waiting()
    with stages.timed("settle"):
        work.settle()
    with stages.timed("ledger"):
        process.sign_checkpoint(instance)
    return stages, work


def ids_by_number(instance: Instance) -> dict[int, str]:
    """The corpus id of each report, from what the line called itself."""
    found: dict[int, str] = {}
    after = 0
    while True:
        with instance.database.read() as tx:
            portion = intake.system_findings(tx, after, 5000, instance.envelope)
        if not portion:
            return found
        found.update({number: dict(finding.extra).get("id", "") for number, _, finding in portion})
        after = portion[-1][0]


def placements(instance: Instance) -> list[store.Placement]:
    """Where every report stands."""
    with instance.database.read() as tx:
        return list(store.stream_placements(tx))
