"""The transaction: what it refuses, what it keeps, on both databases."""

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import insert, select

import clearinghouse.disclosure.coordination.appeals.store
import clearinghouse.disclosure.coordination.asks.store
import clearinghouse.disclosure.coordination.capacity.store
import clearinghouse.disclosure.coordination.contact.store
import clearinghouse.disclosure.coordination.embargo.store
import clearinghouse.disclosure.coordination.rooms.store
import clearinghouse.disclosure.deconfliction.blind.store
import clearinghouse.disclosure.deconfliction.execution.store
import clearinghouse.disclosure.deconfliction.leads.store
import clearinghouse.disclosure.deconfliction.learning.store
import clearinghouse.disclosure.deconfliction.store
import clearinghouse.disclosure.deconfliction.telling.store
import clearinghouse.disclosure.intake.commitments.store
import clearinghouse.disclosure.intake.provenance.store
import clearinghouse.disclosure.intake.store
import clearinghouse.disclosure.intake.withdrawals.store
import clearinghouse.disclosure.validation.dockets.store
import clearinghouse.disclosure.validation.matrix.store
import clearinghouse.disclosure.validation.memory.store
import clearinghouse.disclosure.validation.queue.store
import clearinghouse.disclosure.validation.trials.store
import clearinghouse.evaluation.benchmarks.custody.store
import clearinghouse.evaluation.benchmarks.packs.store
import clearinghouse.evaluation.benchmarks.running.probing.store
import clearinghouse.evaluation.benchmarks.running.store
import clearinghouse.evaluation.benchmarks.transcripts.store
import clearinghouse.evaluation.review.store
import clearinghouse.gateway.store
import clearinghouse.ledger.outbox
import clearinghouse.ledger.store
import clearinghouse.parties.charters.store
import clearinghouse.parties.contacts.store
import clearinghouse.parties.glass.store
import clearinghouse.parties.identity.credentials.store
import clearinghouse.parties.identity.enrolment.store
import clearinghouse.parties.identity.links.store
import clearinghouse.parties.identity.sessions.store
import clearinghouse.parties.notices.store
import clearinghouse.parties.store
from clearinghouse.core.clock import FixedClock
from clearinghouse.core.errors import Unavailable
from clearinghouse.core.events import Event
from clearinghouse.core.ids import PartyId
from clearinghouse.ledger import actions as ledger
from clearinghouse.parties.store import policies
from clearinghouse.storage import Database, UnloggedWrite, metadata
from clearinghouse.storage.migrate import HEAD, check_schema, current_revision, upgrade

ROW = {"version": 1, "document": "x"}


def test_write_without_event_is_refused_and_leaves_nothing(database: Database, clock: FixedClock) -> None:
    with pytest.raises(UnloggedWrite, match="no event"), database.write() as tx:
        tx.write(insert(policies), {**ROW, "in_force_at": clock.now()})
    with database.read() as tx:
        assert tx.rows(select(policies)) == []


def test_write_with_event_is_kept_with_it(database: Database, clock: FixedClock) -> None:
    with database.write() as tx:
        tx.write(insert(policies), {**ROW, "in_force_at": clock.now()})
        ledger.record(tx, Event("Tested", ("obj_1",)), actor=PartyId("pty_1"), now=clock.now())
    with database.read() as tx:
        assert [tuple(row) for row in tx.rows(select(policies))] == [(1, "x", clock.now())]
        assert [event.kind for event in clearinghouse.ledger.store.events_about(tx, "obj_1")] == ["Tested"]


def test_event_is_lost_with_the_write_it_belongs_to(database: Database, clock: FixedClock) -> None:
    with pytest.raises(RuntimeError, match="midway"), database.write() as tx:
        ledger.record(tx, Event("Tested", ("obj_1",)), actor=PartyId("pty_1"), now=clock.now())
        raise RuntimeError("midway")
    with database.read() as tx:
        assert clearinghouse.ledger.store.count_events(tx) == {}


def test_read_transaction_refuses_to_write(database: Database, clock: FixedClock) -> None:
    with pytest.raises(AssertionError, match="read transaction"), database.read() as tx:
        tx.write(insert(policies), {**ROW, "in_force_at": clock.now()})


def test_migrations_lead_to_the_declared_tables(database: Database) -> None:
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
    assert current_revision(database) == HEAD


def test_upgrade_twice_changes_nothing(database: Database) -> None:
    upgrade(database)
    check_schema(database)


def test_empty_database_says_what_to_do(tmp_path: Path) -> None:
    with Database(f"sqlite:///{tmp_path / 'empty.db'}") as empty, pytest.raises(Unavailable, match="clearinghouse init"):
        check_schema(empty)


def test_unknown_kind_of_database_is_named() -> None:
    with pytest.raises(Unavailable, match="'mysql'"):
        Database("mysql://host/name")


def test_unreachable_database_is_unavailable() -> None:
    with Database("postgresql://nobody@127.0.0.1:1/none") as gone, pytest.raises(Unavailable, match="database_url"), gone.read():
        pass
