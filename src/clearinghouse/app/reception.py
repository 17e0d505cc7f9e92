"""Where documents arrive over a wire: taken in together with others, spooled when they are large, matched meanwhile."""

import hashlib
import os
import queue
import threading
from collections.abc import AsyncIterable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from clearinghouse.app.matcher import MatcherProcess
from clearinghouse.app.process import matching
from clearinghouse.app.wiring import Instance
from clearinghouse.core.errors import ClearinghouseError, Invalid
from clearinghouse.core.ids import PartyId
from clearinghouse.core.untrusted import clean_line
from clearinghouse.disclosure.intake import actions, rules, store
from clearinghouse.disclosure.intake.jobs import Incoming, IntakeJob
from clearinghouse.disclosure.intake.online import Arrived, OnlineIntake
from clearinghouse.disclosure.intake.rates import read_allowance
from clearinghouse.disclosure.intake.records import Cover, Receipt

_NAME_CHARACTERS_MAX = 1000


@dataclass(frozen=True, slots=True)
class _Large:
    """A large document whose reading was promised: kept beside it on disk, so that a restart goes on with it."""

    reporter: PartyId
    idempotency_key: str
    cover: Cover


@dataclass(frozen=True, slots=True)
class Spooled:
    """A large document on this machine's disk, hashed."""

    path: Path
    digest: str
    size_bytes: int


class Reception:
    """What a server holds open for intake; safe to use from many threads."""

    def __init__(self, instance: Instance, *, readers: int = 1, matcher_process: bool = True) -> None:
        """Open it.

        Args:
            matcher_process: False compares in this process, and only where a sender waits for the answer: enough for a single user.
        """
        self._instance = instance
        self.online = OnlineIntake(
            instance.database, instance.envelope, instance.policy.intake, instance.clock, desk=instance.desk,
            openpgp_keys=instance.openpgp_keys, readers=readers, rates=instance.policy.rates,
        )
        self.matcher = MatcherProcess(instance.settings) if matcher_process else None
        self._spool = instance.settings.home / "spool"
        self._spool.mkdir(mode=0o700, exist_ok=True)
        self._large: queue.Queue[Path | None] = queue.Queue()
        for promise in sorted(self._spool.glob("*.json")):
            self._large.put(promise)
        self._reader = threading.Thread(target=self._read_large, name="bulk-intake", daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Finish what is being kept; a large document that is cut off is gone on with when its sender sends it again."""
        self.online.close()
        self._large.put(None)
        self._reader.join()
        if self.matcher is not None:
            self.matcher.close()

    def take(
        self, data: bytes, *, name: str, reporter: PartyId, cover: Cover, source: str = "", idempotency_key: str = "",
        wait_seconds: float = 0.0, single: bool = False,
    ) -> tuple[Receipt, bool]:
        """Keep one document; gives its receipt and whether all its reports were compared within `wait_seconds`.

        Raises:
            Invalid: it is too large, or with `single` not one report. Conflict: its key was used for other bytes. Unavailable: it cannot be kept now.
        """
        receipt = self.online.take(Arrived(data, name, reporter, reporter, cover, source, idempotency_key, single))
        self._wake()
        ids = [item.report_id for item in receipt.items if item.report_id is not None]
        if not ids or wait_seconds <= 0:
            return receipt, not ids
        if self.matcher is None:
            work = matching(self._instance)
            work.sign_new()
            work.place_new()
            return receipt, True
        with self._instance.database.read() as tx:
            numbers = store.system_numbers(tx, ids)
        return receipt, self.matcher.wait_for(numbers, wait_seconds)

    async def spool(self, portions: AsyncIterable[bytes]) -> Spooled:
        """Write a large document to disk while it arrives.

        Raises:
            Invalid: it is larger than a bulk document may be; nothing of it is left.
        """
        limit = self._instance.policy.intake.bulk_bytes_max
        path = self._spool / os.urandom(16).hex()
        hashed, size = hashlib.sha256(), 0
        try:
            with path.open("xb") as file:
                async for portion in portions:
                    size += len(portion)
                    _check_size(size, limit)
                    hashed.update(portion)
                    file.write(portion)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        return Spooled(path, "sha256:" + hashed.hexdigest(), size)

    def take_spooled(self, spooled: Spooled, *, name: str, reporter: PartyId, cover: Cover, idempotency_key: str = "") -> Receipt:
        """Begin the submission of a large document and leave the reading to a thread; its receipt grows.

        Raises:
            Conflict: the key was used before for other bytes.
            TooManySubmissions: its sender has to wait.
        """
        instance = self._instance
        try:
            with instance.database.write() as tx:
                key, now = rules.bound_key(idempotency_key or spooled.digest), instance.clock.now()
                if (reporter, key) not in store.used_keys(tx, [key]):
                    read_allowance(tx, {reporter}, instance.policy.rates, now).check(reporter, spooled.size_bytes)
                submission = actions.begin_submission(
                    tx, name=clean_line(name, _NAME_CHARACTERS_MAX), digest=spooled.digest, size_bytes=spooled.size_bytes,
                    cover=cover, idempotency_key=idempotency_key or spooled.digest, reporter=reporter, actor=reporter,
                    desk=instance.desk, envelope=instance.envelope, now=instance.clock.now(),
                )
                receipt = actions.receipt_of(tx, submission)
        except BaseException:
            spooled.path.unlink(missing_ok=True)
            raise
        if submission.finished:
            spooled.path.unlink(missing_ok=True)
        else:
            promise = spooled.path.with_suffix(".json")
            promise.write_bytes(msgspec.json.encode(_Large(reporter, idempotency_key, cover)))
            self._large.put(promise)
        return receipt

    def _wake(self) -> None:
        if self.matcher is not None:
            self.matcher.wake()

    def _read_large(self) -> None:
        while (promise := self._large.get()) is not None:
            path, instance = promise.with_suffix(""), self._instance
            try:
                large = msgspec.json.decode(promise.read_bytes(), type=_Large)
                job = IntakeJob(
                    instance.database, instance.envelope, instance.policy.intake, instance.clock, large.reporter, large.reporter,
                    large.cover, instance.openpgp_keys, desk=instance.desk,
                )
                for _ in job.run([Incoming(path.name, path, "", large.idempotency_key)]):
                    self._wake()
            except (ClearinghouseError, OSError, msgspec.DecodeError):
                continue  # The promise stays on disk: the next start, or the same bytes sent again, goes on with it.
            path.unlink(missing_ok=True)
            promise.unlink(missing_ok=True)


def _check_size(size: int, limit: int) -> None:
    if size > limit:
        raise Invalid(f"more than {limit} bytes, the most a bulk file may have; send several files")
