"""What happens by itself: follow-ups of events, notices that are due, instants that have come, mail that waits.

Any number of workers may run at once, on either database. Each step is claimed under a lease and noted in the
transaction of what it does; a worker that dies leaves what it held to the others when its lease ends.
"""

import sys
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from clearinghouse.app import process
from clearinghouse.app.announcements import still_told, text_of
from clearinghouse.app.channels.base import LinkMaker
from clearinghouse.app.channels.links import PersonalLinks
from clearinghouse.app.channels.sender import Sender, carrier_of, outward_of
from clearinghouse.app.wiring import Instance
from clearinghouse.core.errors import ClearinghouseError, Unavailable
from clearinghouse.core.ids import new_id
from clearinghouse.core.roles import Scope
from clearinghouse.disclosure.deconfliction import store as deconfliction
from clearinghouse.disclosure.intake import store as intake
from clearinghouse.ledger import actions as ledger
from clearinghouse.ledger import outbox
from clearinghouse.ledger import store as ledger_store
from clearinghouse.parties.actions import get_party
from clearinghouse.parties.notices.rules import retry_at
from clearinghouse.parties.notices.store import notices
from clearinghouse.parties.rules import check_may
from clearinghouse.storage import Transaction

CONSUMER = "process"
_PORTION = 50  # follow-ups claimed at a time
_ROUNDS_MAX = 10_000  # of one visit: an event that makes an event that makes an event is a mistake, not work


@dataclass(slots=True)
class Done:
    """What one visit did."""

    events: int = 0
    actions: int = 0
    notices: int = 0
    mails: int = 0
    swept: int = 0

    def __bool__(self) -> bool:
        return bool(self.events or self.actions or self.notices or self.mails or self.swept)

    def add(self, other: "Done") -> None:
        """Count another visit in."""
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))


@dataclass
class Worker:
    """One worker of an instance."""

    instance: Instance
    sender: Sender
    matching: bool = True
    """Compare new reports as well; False where a server has a matcher of its own."""
    lease: str = field(default_factory=lambda: new_id("lse"))
    _started: bool = False
    report: Callable[[str], None] = lambda line: print(line, file=sys.stderr)

    def run(self, stop: threading.Event) -> None:
        """Work until told to stop. What is not there now (a database that restarts) is waited for."""
        pause = self.instance.policy.worker.pause_seconds
        while not stop.is_set():
            try:
                busy = bool(self.visit())
            except Unavailable as error:
                self.report(f"clearinghouse worker: {error}; trying again")
                busy = False
            if not busy:
                stop.wait(pause)

    def run_once(self) -> Done:
        """Work until there is nothing left to do now; gives what was done."""
        total = Done()
        for _ in range(_ROUNDS_MAX):
            done = self.visit()
            total.add(done)
            if not done:
                return total
        raise Unavailable("the worker found no end of things to do; see `clearinghouse worker status`")

    def visit(self) -> Done:
        """One look at everything."""
        done = Done(events=self._hand_out(), actions=self._follow_up(), notices=self.sender.send_due(self.lease), mails=self._read_mail())
        if self.matching and self._reports_wait():
            done.swept += self._in_turn("matching", self._compare)
        done.swept += self._once_a_minute()
        return done

    def _hand_out(self) -> int:
        database = self.instance.database
        with database.read() as tx:
            unnumbered, waiting = bool(ledger_store.unnumbered(tx, 1)), outbox.waiting_leaves(tx, CONSUMER)
        if unnumbered:
            ledger.sequence(database)
        elif waiting <= 0:
            return 0
        with database.write() as tx:
            limit = self.instance.policy.worker.batch_events
            return outbox.hand_out(tx, CONSUMER, process.FOLLOW_UPS, limit=limit, now=self.instance.clock.now())

    def _follow_up(self) -> int:
        instance = self.instance
        now = instance.clock.now()
        until = now + timedelta(seconds=instance.policy.notices.lease_seconds)
        with instance.database.read() as tx:
            if not outbox.any_due(tx, until=until, now=now):
                return 0
        with instance.database.write() as tx:
            claimed = outbox.claim(tx, self.lease, limit=_PORTION, until=until, now=now)
        for each in claimed:
            self._do(each)
        return len(claimed)

    def _do(self, each: outbox.FollowUp) -> None:
        instance = self.instance
        try:
            with instance.database.write() as tx:
                process.follow_up(instance, tx, each.event, each.action)
                _complete(tx, each, instance.clock.now())
        except _Overtaken:
            return  # Another worker has it; nothing of ours was kept.
        except Exception as error:
            # One action that fails does not cost the others; it is tried again, and at last waits for a person.
            if not isinstance(error, ClearinghouseError):
                self.report(f"clearinghouse worker: {each.action} on {each.event.event_id} failed\n{traceback.format_exc()}")
            policy, now = instance.policy, instance.clock.now()
            due_at = retry_at(each.attempts, policy.notices, now) if each.attempts < policy.worker.actions_attempts_max else None
            with instance.database.write() as tx:
                outbox.postpone(tx, each, type(error).__name__, due_at)

    def _read_mail(self) -> int:
        from clearinghouse.app.channels import incoming

        folder = self.instance.settings.mail_folder / "in"
        if not incoming.any_waiting(folder):
            return 0
        return self._in_turn("mail", lambda: incoming.read_folder(self.instance, folder))

    def _reports_wait(self) -> bool:
        with self.instance.database.read() as tx:
            return deconfliction.first_waiting(tx) is not None or intake.count_after(tx, deconfliction.signed_up_to(tx)) > 0

    def _compare(self) -> int:
        process.deconflict(self.instance)
        return 0

    def _in_turn(self, turn: str, work: Callable[[], int]) -> int:
        """What only one worker at a time does."""
        instance = self.instance
        now = instance.clock.now()
        until = now + timedelta(seconds=instance.policy.notices.lease_seconds)
        with instance.database.write() as tx:
            if not outbox.take_turn(tx, turn, self.lease, until=until, now=now):
                return 0
        try:
            return work()
        finally:
            with instance.database.write() as tx:
                outbox.end_turn(tx, turn, self.lease)

    def _once_a_minute(self) -> int:
        """Whatever falls due, a checkpoint over new leaves, and what was done long ago; whose turn it was keeps it until the minute is over."""
        instance, policy = self.instance, self.instance.policy.worker
        now = instance.clock.now()
        until = now + timedelta(seconds=policy.checkpoint_seconds)
        if self._started:
            with instance.database.read() as tx:
                if not outbox.turn_is_free(tx, "minute", until=until, now=now):
                    return 0
            with instance.database.write() as tx:
                if not outbox.take_turn(tx, "minute", new_id("lse"), until=until, now=now):
                    return 0
        else:
            # On start at once, whoever had the last turn: a date may have passed while nobody worked.
            self._started = True
            with instance.database.write() as tx:
                outbox.take_turn(tx, "minute", new_id("lse"), until=until, now=now)
        swept = sum(sweep(instance) for sweep in process.SWEEPS)
        with instance.database.write() as tx:
            outbox.forget_done(tx, now - timedelta(days=policy.done_days))
        process.sign_checkpoint(instance)
        return swept


class _Overtaken(Exception):
    """A lease ended before its work did."""


def _complete(tx: Transaction, each: outbox.FollowUp, now: datetime) -> None:
    """Note an action as done, or undo it with its transaction where another worker holds it by now."""
    if not outbox.complete(tx, each, now=now):
        raise _Overtaken


def worker_of(instance: Instance, *, matching: bool = True, make_link: LinkMaker | None = None) -> Worker:
    """A worker of an instance, acting as the instance's own party."""
    with instance.database.read() as tx:
        system = instance.acting_as(get_party(tx, instance.system))
    sender = Sender(
        system, carrier_of(instance), outward_of(instance), make_link or PersonalLinks(system),
        partial(still_told, system), partial(text_of, system),
    )
    return Worker(system, sender, matching)


def retry_failed(instance: Instance) -> int:
    """Let actions and notices that failed be tried again at once; gives how many.

    Raises:
        NotPermitted: the actor may not manage parties.
    """
    check_may(instance.actor, Scope.PARTIES_MANAGE)
    now = instance.clock.now()
    with instance.database.write() as tx:
        return outbox.retry_failed(tx, now=now) + notices.try_again(tx, now)


def run_in_thread(instance: Instance, stop: threading.Event) -> threading.Thread:
    """A worker beside a server that has a matcher of its own; ends some time after `stop` is set."""
    thread = threading.Thread(target=lambda: worker_of(instance, matching=False).run(stop), name="worker", daemon=True)
    thread.start()
    return thread
