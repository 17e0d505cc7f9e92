"""The work of a run: controls first, then samples in the order of the plan, each committed when it ends, until all have or something forbids the rest."""

import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from clearinghouse.core.errors import ClearinghouseError, Conflict, NotPermitted, Unavailable
from clearinghouse.core.ids import PartyId, RunId, new_id
from clearinghouse.core.review_policy import BenchmarkPolicy
from clearinghouse.evaluation.benchmarks.engines.base import (
    SYSTEM,
    Ending,
    Endpoint,
    Engine,
    Generation,
    Job,
    Opened,
    SampleLimits,
    SampleResult,
)
from clearinghouse.evaluation.benchmarks.records import Grade, Item, Submission
from clearinghouse.evaluation.benchmarks.running import actions, rules, store
from clearinghouse.evaluation.benchmarks.running.records import (
    Control,
    Fact,
    GradeSubmission,
    OpenItems,
    Run,
    RunPlan,
    RunState,
    Sample,
)
from clearinghouse.evaluation.benchmarks.sessions import limits_of
from clearinghouse.evaluation.benchmarks.transcripts import store as transcripts
from clearinghouse.evaluation.benchmarks.transcripts.records import digest_of
from clearinghouse.evaluation.statistics.records import Cell
from clearinghouse.sandbox import Sandbox
from clearinghouse.storage import Database, Envelope, Transaction

LEASE_SECONDS = 60.0
"""A worker that died is taken over after so long: a bound on waiting, and not a policy."""
_LOOK_SECONDS = 0.5
_TICK_SECONDS = 0.02
_PAUSE_SECONDS = 1.0  # before what our own side failed at is run again
_SILENT_MIN = 3
_ANSWER_FILE = "answer.txt"
"""Where an answer may lie instead of being said."""


@dataclass
class Runner:
    """One worker of runs."""

    database: Database
    envelope: Envelope
    actor: PartyId
    policy: BenchmarkPolicy
    now: Callable[[], datetime]
    sandbox: Sandbox
    items: OpenItems
    grade: GradeSubmission
    report: Callable[[str], None] = lambda line: print(line, file=sys.stderr)
    pause_seconds: float = _PAUSE_SECONDS

    def work(
        self, run_id: str, engine: Engine, endpoint: Endpoint, stop: threading.Event, *, may_go_on: Callable[[], str] = lambda: "",
        progress: Callable[[int, int], None] = lambda done, total: None,
    ) -> Run:
        """Do what is left of a run; gives it as it stands afterwards.

        Args:
            may_go_on: asked before each round and now and then; one of our own words for why not, or nothing. A review that was paused, a model
                nobody looked at for too long.
        Raises:
            NotFound: there is no such run.
            Conflict: another worker has it, or it has ended.
        """
        lease = new_id("lse")
        with self.database.write() as tx:
            run = actions.claim(tx, run_id, lease, until=self._until(), actor=self.actor, now=self.now())
        work = _Work(self, run, lease, engine, endpoint, may_go_on, progress)
        with work.watched(stop):
            try:
                why = work.do()
            except Conflict:
                why = "overtaken"
            except Unavailable as error:
                self.report(f"clearinghouse run: {error}")
                why = "unavailable"
        with self.database.write() as tx:
            actions.leave(tx, run, lease, why, actor=self.actor, now=self.now())
        with self.database.read() as tx:
            found = store.system_run(tx, run.id)
        assert found is not None, "it was there when it was claimed"
        return found

    def _until(self) -> datetime:
        return self.now() + timedelta(seconds=LEASE_SECONDS)


@dataclass
class _Work:
    """A run while a worker has it."""

    runner: Runner
    run: Run
    lease: str
    engine: Engine
    endpoint: Endpoint
    may_go_on: Callable[[], str]
    progress: Callable[[int, int], None]
    stop: threading.Event = field(default_factory=threading.Event)
    why: str = ""
    key: bytes = field(default=b"", repr=False)
    _samples: dict[str, Sample] = field(default_factory=dict)
    _items: dict[str, Item] = field(default_factory=dict, repr=False)
    _begun: set[str] = field(default_factory=set)
    _over: bool = False
    _silent: int = 0
    _released: bool = True

    def do(self) -> str:
        """Everything; gives why not everything was done.

        Raises:
            Conflict: the run is another worker's by now, or was ended.
            Unavailable: the engine, the database or an item cannot be had now.
        """
        runner = self.runner
        with runner.database.read() as tx:
            plan, self.key = store.system_plan(tx, self.run.id, runner.envelope)
        if why := self.may_go_on():
            return why
        try:
            self._try_controls(plan)
        except NotPermitted:
            return "not released"
        first = True
        while not self.stop.is_set():
            waiting = self._waiting()
            if not waiting:
                return ""
            if not first:
                self.stop.wait(runner.pause_seconds)
            first = False
            if self.stop.is_set() or (why := self.may_go_on()):
                return self.why or why or "stopped"
            self._samples = {sample.id: sample for sample in waiting}
            self.engine.run(self._job(plan, waiting), lambda result: self._note(plan, result), self.stop)
            if self._over:
                return "no access"
            if not self._released:
                return "not released"
        return self.why or "stopped"

    def _waiting(self) -> list[Sample]:
        """What has not ended, in the order of the plan; what was begun as often as it may be ends here."""
        runner, waiting = self.runner, []
        with runner.database.read() as tx:
            samples = store.system_samples(tx, self.run.id)
        for sample in samples:
            if sample.outcome is not None:
                continue
            if sample.attempts < runner.policy.infrastructure_attempts_max:
                waiting.append(sample)
                continue
            with runner.database.write() as tx:
                actions.give_up_sample(tx, sample, self.lease, key=self.key, actor=runner.actor, now=runner.now())
        self.progress(len(samples) - len(waiting), len(samples))
        return waiting

    def _job(self, plan: RunPlan, waiting: list[Sample]) -> Job:
        generation = Generation(
            plan.completion_tokens_max, plan.temperature, plan.stream, plan.prompt_microdollars, plan.completion_microdollars
        )
        limits = SampleLimits(plan.tokens, plan.messages, plan.seconds, limits_of(self.runner.policy))
        return Job(
            self.run.id, tuple(sample.id for sample in waiting), lambda sample_id: self._open(plan, sample_id), replace(self.endpoint, model=plan.model),
            generation, limits, self.runner.sandbox, plan.at_once, plan.system or SYSTEM, self._keep_log,
        )

    def _keep_log(self, log: bytes, records: bytes) -> None:
        runner = self.runner
        with runner.database.write() as tx:
            actions.keep_log(tx, self.run, log, records, key=self.key, actor=runner.actor, now=runner.now())

    def _open(self, plan: RunPlan, sample_id: str) -> Opened:
        runner, sample = self.runner, self._samples[sample_id]
        with runner.database.write() as tx:
            actions.begin_sample(tx, sample, self.lease, actor=runner.actor, now=runner.now())
        self._samples[sample_id] = replace(sample, attempts=sample.attempts + 1)
        self._begun.add(sample_id)
        try:
            item = runner.items.open_item(plan.items[sample.item], run_id=self.run.id, about=sample_id)
        except NotPermitted:
            self._released = False
            self.stop.set()
            raise
        self._items[sample_id] = item
        return Opened(item.prompt, item.files, tuple(dict.fromkeys((*item.grader.wanted, _ANSWER_FILE))))

    def _note(self, plan: RunPlan, result: SampleResult) -> None:
        runner, sample, item = self.runner, self._samples[result.sample_id], self._items.pop(result.sample_id, None)
        if result.access_over:
            self._over = True
        if result.sample_id not in self._begun:
            return
        self._begun.discard(result.sample_id)
        # One sample that fails again and again is that sample's trouble; several in a row that never heard the model are the model's.
        self._silent = self._silent + 1 if result.ending is Ending.INFRASTRUCTURE and not result.usage.calls else 0
        if self._silent >= max(_SILENT_MIN, 2 * plan.at_once):
            self._end("unavailable")
        grade = None
        if result.ending is Ending.SUBMITTED and item is not None:
            grade = self._grade(item, result.submission)
        with runner.database.write() as tx:
            outcome = actions.note_sample(
                tx, sample, result, grade, self.lease, seed=bytes.fromhex(plan.seed), share=plan.reviewed_share,
                attempts_max=runner.policy.infrastructure_attempts_max, key=self.key, actor=runner.actor, now=runner.now(),
            )
        self._samples[sample.id] = replace(sample, outcome=outcome)
        done = sum(each.outcome is not None for each in self._samples.values())
        self.progress(self.run.total - len(self._samples) + done, self.run.total)

    def _grade(self, item: Item, submission: Submission) -> Grade:
        try:
            return self.runner.grade(item.files, item.grader, submission, self.runner.sandbox, self.runner.policy)
        except ClearinghouseError as error:
            return Grade(None, f"the grader failed ({type(error).__name__})")

    def _try_controls(self, plan: RunPlan) -> None:
        """Grade the item's own solutions by the grader that grades the model, once in a run for each item, before the model sees any."""
        runner = self.runner
        with runner.database.read() as tx:
            known = store.system_controls(tx, self.run.id)
        for planned in plan.grid.items:
            if planned.item in known:
                continue
            if self.stop.is_set():
                return
            item = runner.items.open_item(plan.items[planned.item], run_id=self.run.id, about="control")
            positive = self._grade(item, item.reference).correct
            refused = [self._grade(item, submission).correct for submission in (item.negative, Submission())]
            negative = None if None in refused else not any(refused)
            with runner.database.write() as tx:
                now = runner.now()
                actions.note_control(tx, self.run.id, Control(planned.item, positive, negative, now), self.lease, actor=runner.actor, now=now)

    @contextmanager
    def watched(self, stop: threading.Event) -> Iterator[None]:
        """Keep the lease, and end what runs when somebody says so or something forbids it."""
        over = threading.Event()
        watcher = threading.Thread(target=self._watch, args=(stop, over), name="run-watch", daemon=True)
        watcher.start()
        try:
            yield
        finally:
            over.set()
            watcher.join()

    def _watch(self, stop: threading.Event, over: threading.Event) -> None:
        renewed = looked = time.monotonic()
        while not over.wait(_TICK_SECONDS):
            if stop.is_set():
                self._end("stopped")
            if time.monotonic() - looked < _LOOK_SECONDS:
                continue
            looked = time.monotonic()
            try:
                renewed = self._look(renewed)
            except Exception:
                # Whatever it was, a database that was restarted: looked at again, as long as the lease may be ours.
                if time.monotonic() - renewed > LEASE_SECONDS:
                    self._end("unavailable")

    def _look(self, renewed: float) -> float:
        if why := self.may_go_on():
            self._end(why)
        with self.runner.database.read() as tx:
            found = store.system_run(tx, self.run.id)
        if found is None or found.state is not RunState.RUNNING:
            self._end("ended")
        elif found.stop_wanted:
            self._end("stopped")
        if time.monotonic() - renewed <= LEASE_SECONDS / 4:
            return renewed
        with self.runner.database.write() as tx:
            if not store.renew_run(tx, self.run.id, self.lease, self.runner._until()):
                self._end("overtaken")
        return time.monotonic()

    def _end(self, why: str) -> None:
        if not self.stop.is_set():
            self.why = why
            self.stop.set()


def cells_of(tx: Transaction, run_id: RunId) -> tuple[Cell, ...]:
    """Every cell of the plan as the statistics take it, for an analysis by the machine.

    Who asks before the plan says so peeks; the caller's own event says that it asked.
    """
    findings = transcripts.system_standing(tx, run_id)
    return tuple(rules.cell_of(sample, findings.get(sample.id)) for sample in store.system_samples(tx, run_id))


def check(tx: Transaction, run: Run, envelope: Envelope, *, deep: bool = False) -> tuple[Fact, ...]:
    """What the named checks find wrong with a run.

    Args:
        deep: open every transcript and hold it against its digest.
    """
    samples = store.system_samples(tx, run.id)
    wrong: set[str] = set()
    if deep:
        digests: Mapping[str, str] = {sample.id: sample.transcript_digest for sample in samples if sample.transcript_digest}
        try:
            opened = store.system_transcripts(tx, run.id, store.system_key(tx, run.id, envelope))
        except Unavailable:
            opened = {}
        wrong = {sample for sample, digest in digests.items() if sample not in opened or digest_of(opened[sample]) != digest}
    return rules.check_run(rules.Seen(run.total, samples, store.system_controls(tx, run.id), store.system_reused(tx, run.id), wrong))


__all__ = ["LEASE_SECONDS", "Runner", "cells_of", "check"]
