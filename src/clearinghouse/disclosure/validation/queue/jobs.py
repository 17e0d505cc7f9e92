"""The work of the bench: claim what is due, do it, note it; any number of workers at once, each a process of its own."""

import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from clearinghouse.core.errors import Conflict, Invalid, NotFound, Unavailable
from clearinghouse.core.ids import CaseId, PartyId, ReportId, new_id
from clearinghouse.core.policy import BenchQueuePolicy
from clearinghouse.disclosure.validation.dockets import rules as docket_rules
from clearinghouse.disclosure.validation.dockets import store as dockets
from clearinghouse.disclosure.validation.dockets.records import Docket
from clearinghouse.disclosure.validation.memory.cache import Memory
from clearinghouse.disclosure.validation.observing.records import Cell
from clearinghouse.disclosure.validation.queue import actions, store
from clearinghouse.disclosure.validation.queue.records import Finished, Unit, UnitKind, Validation, ValidationState
from clearinghouse.disclosure.validation.recipes.document import named_digests
from clearinghouse.disclosure.validation.recipes.records import BuildName, BuildPlan, Recipe, Supplier
from clearinghouse.disclosure.validation.workshop.records import Build
from clearinghouse.parties import store as parties
from clearinghouse.storage import Database

BENIGN_RUNS = 2
"""How often a benign input is run on a build, as judging asks for it."""
_TRIES = 3  # claims that found nothing because another worker was faster, before a pause


class Shop(Protocol):
    """What is asked of a workshop."""

    def build(self, recipe: Recipe, plan: BuildPlan) -> Build:
        """A build; `ok` says whether it worked."""
        ...

    def observe(self, recipe: Recipe, build: Build, input_digest: str, *, times: int | None = None) -> Cell:
        """An input on a build."""
        ...


@dataclass(frozen=True, slots=True)
class Opened:
    """A case opened for the bench."""

    docket: Docket
    memory: Memory
    shop: Shop


@dataclass
class Bench:
    """One worker. It acts for a party: work on reports of that party or its organisation is left to others."""

    database: Database
    actor: PartyId
    policy: BenchQueuePolicy
    now: Callable[[], datetime]
    open_case: Callable[[CaseId, threading.Event], Opened | None]
    """A case with its key and a workshop that ends its runs when the event is set, the same one each time; None where it was erased."""
    read_recipe: Callable[[bytes], Recipe]
    judge: Callable[[Docket, Validation, Recipe, Shop], Finished]
    otherwise: Callable[[threading.Event], bool] = lambda stop: False
    """What is done where no validation waits; gives whether something was."""
    report: Callable[[str], None] = lambda line: print(line, file=sys.stderr)
    _stop: threading.Event = field(default_factory=threading.Event)

    def run(self, stop: threading.Event, pause_seconds: float) -> None:
        """Work until told to stop. What is not there now (a database that restarts, a full disk) is waited for."""
        while not stop.is_set():
            try:
                busy = self.visit(stop)
            except Unavailable as error:
                self.report(f"clearinghouse bench: {error}; trying again")
                busy = False
            if not busy:
                stop.wait(pause_seconds)

    def run_once(self, stop: threading.Event | None = None) -> int:
        """Work until there is nothing left to do now; gives how many claims were worked on."""
        done, stop = 0, stop or threading.Event()
        while not stop.is_set() and self.visit(stop):
            done += 1
        return done

    def visit(self, stop: threading.Event) -> bool:
        """Claim what is due and do it; False where there is nothing for this worker.

        Raises:
            Unavailable: something this needs is not there now; what was claimed waits again.
        """
        lease = new_id("lse")
        units = self._claim(lease)
        if not units:
            return self.otherwise(stop)
        first = units[0]
        self._stop.clear()
        with self._watched(first, stop):
            opened = self.open_case(first.case_id, self._stop)
            if opened is None or first.attempts > self.policy.attempts_max:
                words = f"a piece of it ({first.kind} {first.build}) was begun {self.policy.attempts_max} times and never came to its end"
                self._fail(first, None if opened is None else opened.docket, words)
                return True
            self._work(units, opened)
        return True

    def _claim(self, lease: str) -> list[Unit]:
        for _ in range(_TRIES):
            now = self.now()
            with self.database.read() as tx:
                selves, house = parties.selves_of(tx, self.actor, now), parties.houses_of(tx, [self.actor]).get(self.actor)
                if not store.any_ready(tx, selves=selves, house=house, policy=self.policy, now=now):
                    return []
            with self.database.write() as tx:
                units = actions.claim(tx, lease, selves=selves, house=house, actor=self.actor, policy=self.policy, now=now)
            if units:
                return units
        return []

    def _work(self, units: list[Unit], opened: Opened) -> None:
        left = list(units)
        try:
            validation, recipe = self._asked(units[0], opened)
            while left:
                self._do(left[0], opened, validation, recipe)
                left.pop(0)
        except _Overtaken:
            opened.memory.forget_new()  # Another worker has it, or it was cancelled; nothing of ours was kept.
        except (Invalid, NotFound) as error:
            opened.memory.forget_new()
            self._fail(left[0], opened.docket, str(error))
        except Conflict:
            opened.memory.forget_new()
            if not self._stop.is_set():
                raise
            self._release(left)
        except Unavailable:
            opened.memory.forget_new()
            self._release(left)
            raise
        except Exception:
            opened.memory.forget_new()
            self.report(f"clearinghouse bench: {left[0].kind} of {left[0].validation_id} failed\n{traceback.format_exc()}")
            self._release(left[:1], counts=True)
            self._release(left[1:])

    def _asked(self, unit: Unit, opened: Opened) -> tuple[Validation, Recipe]:
        with self.database.read() as tx:
            validation = store.system_validation(tx, opened.docket, unit.validation_id)
            if validation is None:
                raise _Overtaken
            recipes = dockets.system_held(tx, opened.docket, [validation.recipe]).get(validation.recipe, [])
        recipe = self.read_recipe(opened.memory.read(validation.recipe))
        with self.database.read() as tx:
            held = dockets.system_held(tx, opened.docket, named_digests(recipe))
        # The same recipe from two hands counts for the worse: its author may be either.
        by_desk = bool(recipes) and all(material.supplier is Supplier.DESK for material in recipes)
        return validation, docket_rules.believed(recipe, Supplier.DESK if by_desk else Supplier.REPORTER, held)

    def _do(self, unit: Unit, opened: Opened, validation: Validation, recipe: Recipe) -> None:
        began = time.monotonic()
        if self._stop.is_set():
            raise Conflict("stopped as asked")
        finished, built = None, True
        if unit.kind is UnitKind.JUDGE:
            finished = self.judge(opened.docket, validation, recipe, opened.shop)
        else:
            build = opened.shop.build(recipe, recipe.builds[BuildName(unit.build)])
            built = build.ok
            if unit.kind is UnitKind.CELL and built:
                opened.shop.observe(recipe, build, unit.input, times=None if unit.input == recipe.reproducer else BENIGN_RUNS)
        if self._stop.is_set():
            raise Conflict("stopped as asked")
        seconds, now = time.monotonic() - began, self.now()
        with self.database.write() as tx:
            opened.memory.write(tx)
            done = actions.end_unit(tx, unit, built=built, seconds=seconds, policy=self.policy, now=now) if finished is None else actions.finish(
                tx, opened.docket, unit, finished, validation.report_id, seconds=seconds, actor=self.actor, policy=self.policy, now=now
            )
            if not done:
                raise _Overtaken
        opened.memory.forget_new()

    def _fail(self, unit: Unit, docket: Docket | None, words: str) -> None:
        with self.database.write() as tx:
            found = None if docket is None else store.system_validation(tx, docket, unit.validation_id)
            report: ReportId | None = None if found is None else found.report_id
            actions.fail(tx, docket, unit, report, words, actor=self.actor, now=self.now())

    def _release(self, units: list[Unit], *, counts: bool = False) -> None:
        # Best effort: what is not put back waits for the end of its lease.
        with suppress(Unavailable), self.database.write() as tx:
            for unit in units:
                store.release_unit(tx, unit, counts=counts)

    @contextmanager
    def _watched(self, unit: Unit, stop: threading.Event) -> Iterator[None]:
        """Keep the lease, and end what runs when the validation is cancelled or the worker is to end."""
        over = threading.Event()
        watcher = threading.Thread(target=self._watch, args=(unit, stop, over), name="bench-watch", daemon=True)
        watcher.start()
        try:
            yield
        finally:
            over.set()
            watcher.join()

    def _watch(self, unit: Unit, stop: threading.Event, over: threading.Event) -> None:
        renewed = time.monotonic()
        while not over.wait(self.policy.look_seconds):
            if stop.is_set():
                self._stop.set()
            with suppress(Unavailable):
                with self.database.read() as tx:
                    if store.system_state(tx, unit.validation_id) is not ValidationState.RUNNING:
                        self._stop.set()
                if time.monotonic() - renewed > self.policy.lease_seconds / 3:
                    with self.database.write() as tx:
                        store.renew(tx, unit.lease, self.now() + timedelta(seconds=self.policy.lease_seconds))
                    renewed = time.monotonic()


class _Overtaken(Exception):
    """A lease ended before its work did, or the validation was ended."""
