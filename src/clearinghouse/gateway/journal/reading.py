"""What others read from a journal while its gateway writes: the meter of an access, its hours and days, its samples, whether the chain holds."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from clearinghouse.core.clock import render_instant
from clearinghouse.core.errors import Invalid
from clearinghouse.core.ids import AccessId
from clearinghouse.gateway.journal import store
from clearinghouse.gateway.journal.entries import Chain
from clearinghouse.gateway.records import JournalHead, Meter, Portion
from clearinghouse.gateway.timekeeping import KeptTime, instant, nanoseconds


@dataclass(frozen=True, slots=True)
class JournalState:
    """What a journal says of itself."""

    gateway_id: str
    entries: int
    head: str
    time: KeptTime | None
    """The last reading of the gateway's clock."""


@contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """A journal, open to be read while its gateway may be writing.

    Raises:
        Unavailable: there is none, or it cannot be read.
    """
    with closing(store.connect_reading(path)) as connection:
        yield connection


def meter_of(journal: Path, access_id: AccessId) -> Meter:
    """What one access used so far.

    Raises:
        Unavailable: the journal cannot be read.
    """
    with reading(journal) as connection:
        calls, refused, cut, truncated, prompt, completion, first, last = store.figures(connection, access_id)
        held = sum(row[4] + row[5] for row in store.unsettled(connection, access_id))
    return Meter(
        access_id, calls, refused, cut, prompt, completion, held, None if first is None else instant(first),
        None if last is None else instant(last), truncated,
    )


def hours_of(journal: Path, access_id: AccessId, since: datetime, *, days: bool = False) -> list[Portion]:
    """What an access used by the hour, or by the day, UTC; what nothing happened in is left out.

    Raises:
        Unavailable: the journal cannot be read.
    """
    with reading(journal) as connection:
        rows = store.by_time(connection, access_id, nanoseconds(since), days=days)
    return [Portion(render_instant(instant(start))[: 10 if days else 13], *figures) for start, *figures in rows]


def samples_of(journal: Path, access_id: AccessId) -> list[Portion]:
    """What an access used by sample, as its runner named them; calls without a name under an empty one.

    Raises:
        Unavailable: the journal cannot be read.
    """
    with reading(journal) as connection:
        return [Portion(*row) for row in store.by_sample(connection, access_id)]


def state_of(journal: Path) -> JournalState:
    """How far a journal reaches, and what its gateway last took for the time.

    Raises:
        Unavailable: the journal cannot be read.
    """
    with reading(journal) as connection:
        gateway = store.gateway_of(connection)
        entries, head = store.head(connection, gateway)
        return JournalState(gateway, entries, head, store.kept_time(connection))


def verify(journal: Path, noted: Sequence[JournalHead]) -> JournalState:
    """Walk the whole chain and hold it against the heads that stand on the ledger.

    Raises:
        Invalid: an entry is missing or altered, or the journal is not the one whose heads were noted.
        Unavailable: the journal cannot be read.
    """
    expected = {head.entries: head.head for head in noted}
    with reading(journal) as connection:
        connection.execute("begin")  # one state of the file, however much is written meanwhile
        gateway = store.gateway_of(connection)
        chain = Chain(gateway)
        for number, values, kept_hash in store.stream(connection):
            chain.follow(number, values, kept_hash)
            if expected.pop(number, chain.head) != chain.head:
                raise Invalid(f"entry {number} of the journal is another one than the ledger has: the journal was written anew")
    if expected:
        raise Invalid(
            f"the ledger has a head at {max(expected)} entries, the journal has {chain.entries}: entries were cut off, or this is an older copy"
        )
    return JournalState(gateway, chain.entries, chain.head, None)
