"""The second wall: what the database itself keeps from a reader. On SQLite only that asking for a viewer does no harm."""

from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from clearinghouse.app.wiring import Instance
from clearinghouse.core.clock import FixedClock
from clearinghouse.core.ids import DecisionId, new_id
from clearinghouse.disclosure.intake.records import Cover
from clearinghouse.ledger import actions as ledger
from clearinghouse.parties import actions as parties
from clearinghouse.parties import store
from clearinghouse.parties.records import Basis, Grant, Party, Tier
from clearinghouse.storage import Database, walls
from clearinghouse.storage.migrate import upgrade
from party_factories import add, give

CONTENT = ("submissions", "original_parts", "submission_items", "reports")
WITHOUT = {
    "parties": "names of who takes part, which every page shows beside what they did",
    "roles": "what a party may do; no content",
    "memberships": "who is in a team; the wall itself asks it",
    "policies": "the policy, which is everybody's",
    "charters": "a project says to everybody how it wants to be told",
    "charter_versions": "a project says to everybody how it wants to be told; sealed against who holds the database alone",
    "charter_scopes": "a project says to everybody what it covers",
    "charter_fetches": "addresses of public files",
    "events": "kinds, ids and digests; the pages show those about objects that were read first",
    "checkpoints": "signed hashes, which are public",
    "ledger_tiles": "signed hashes, which are public",
    "index_postings": "keyed hashes and numbers of records",
    "index_segments": "keyed hashes and numbers of records",
    "report_signatures": "keyed hashes and numbers of records",
    "placements": "numbers and probabilities; pages show those of reports that were read first",
    "settlements": "numbers and probabilities",
    "corrections": "weights of the pair model over everything decided here; no record and no report",
    "report_strengths": "numbers: of how much use a report is to work from; pages show none of them",
    "execution_edges": "numbers, words and digests; pages show those between reports that were read first, else a held finding",
    "cluster_leads": "numbers; pages name a lead to who reads it",
    "gateway_heads": "hashes and lengths of journals, which are on the ledger",
    "gateway_clock_words": "opaque ids: who vouched for a clock, and when",
    "outbox_actions": "ids of events and names of follow-ups",
    "outbox_consumers": "the place of a reader on the ledger",
    "clock_readings": "instants",
    "case_handles": "handles of imported cases; ids",
    "thread_members": "ids; joined on threads, which are walled",
    "thread_reads": "ids and instants; joined on threads, which are walled",
    "vulnerability_reports": "pairs of ids; joined on vulnerabilities, which are walled",
    "custodian_keys": "public keys of custodians, which whoever seals a pack needs",
    "review_keys": "public keys of people who sign",
    "alembic_version": "the schema's revision",
}
"""Tables any viewer's read can see whole, each with the reason; every other one is walled or no right is given to it."""


def taken_in(instance: Instance) -> str:
    """A report of the acting party; gives its id."""
    from clearinghouse.app.process import take_in

    path = instance.settings.home / "probe.ndjson"
    path.write_text('{"title": "Marked heap overflow", "symbols": ["probe"]}\n')
    taken = list(take_in(instance, [("probe.ndjson", path)], cover=Cover()))
    assert len(taken) == 1
    with instance.database.read() as tx:
        return str(tx.value(text("select report_id from reports")))


def rows_seen(instance: Instance, viewer: Party, after: timedelta = timedelta()) -> dict[str, int]:
    with instance.database.read(viewer=viewer.id, now=instance.clock.now() + after) as tx:
        return {table: len(tx.rows(text(f"select * from {table}"))) for table in CONTENT}


@pytest.fixture
def walled(instance: Instance) -> Instance:
    if instance.database.url.startswith("sqlite"):
        assert not instance.database.has_wall()
        pytest.skip("SQLite has no roles: the joins of the stores stand alone there")
    assert instance.database.has_wall()
    return instance


def test_reading_as_a_viewer_is_harmless_on_both_databases(instance: Instance) -> None:
    report = taken_in(instance)
    from clearinghouse.disclosure.intake import store as intake

    stranger = add(instance, "Stranger")
    for viewer, expected in ((instance.actor, [report]), (stranger, [])):
        with instance.acting_as(viewer).read() as tx:
            found = intake.list_reports(tx, instance.envelope, viewer=viewer.id, now=instance.clock.now(), newest=10)
        assert [each.id for each in found] == expected


def test_query_without_a_join_gives_a_stranger_nothing_and_the_owner_of_the_database_everything(walled: Instance) -> None:
    taken_in(walled)
    stranger = add(walled, "Stranger")
    with walled.database.read() as tx:
        everything = {table: len(tx.rows(text(f"select * from {table}"))) for table in CONTENT}
    assert all(everything.values()), "something could leak"
    assert rows_seen(walled, stranger) == dict.fromkeys(CONTENT, 0)
    assert rows_seen(walled, walled.actor) == everything


def test_wall_and_join_give_one_answer_for_every_way_to_a_grant(walled: Instance, clock: FixedClock) -> None:
    taken_in(walled)
    with walled.database.read() as tx:
        submission = str(tx.value(text("select submission_id from submissions")))
    person, member, colleague = add(walled, "Person"), add(walled, "Member"), add(walled, "Colleague")
    with walled.database.write() as tx:
        parties.join_team(tx, walled.desk, member.id, until=clock.now() + timedelta(hours=2), actor=walled.actor.id, now=clock.now())
    assert colleague.organisation is not None
    give(
        walled, Grant(submission, person.id, Basis.READ_IN, clock.now() + timedelta(hours=1), Tier.ROOM),
        Grant(submission, walled.desk, Basis.DESK), Grant(submission, colleague.organisation, Basis.PARTICIPANT),
    )
    seen = []
    for viewer in (person, member, colleague):
        for hours in (-1, 0, 1, 2):
            at = clock.now() + timedelta(hours=hours)
            with walled.database.read() as tx:
                joined = len(tx.rows(store.readable_objects(viewer.id, at).distinct()))
            seen.append((rows_seen(walled, viewer, timedelta(hours=hours))["submissions"], joined))
    assert [wall for wall, _ in seen] == [join for _, join in seen]
    assert {wall for wall, _ in seen} == {0, 1}


def test_revoked_and_too_narrow_grants_show_nothing(walled: Instance, clock: FixedClock) -> None:
    report = taken_in(walled)
    narrow, revoked = add(walled, "Narrow"), add(walled, "Revoked")
    give(walled, Grant(report, narrow.id, Basis.READ_IN, None, Tier.SUMMARY), Grant(report, revoked.id, Basis.PARTICIPANT))
    assert rows_seen(walled, revoked)["reports"] == 1
    with walled.database.write() as tx:
        store.end_grant(tx, report, revoked.id, Basis.PARTICIPANT, at=clock.now(), wrapped_key=b"", sealed_revocation=b"")
        from clearinghouse.core.events import Event

        ledger.record(tx, Event("Tested", (report,)), actor=walled.actor.id, now=clock.now())
    assert [rows_seen(walled, viewer)["reports"] for viewer in (narrow, revoked)] == [0, 0]


@pytest.mark.parametrize("table", ["passwords", "sessions", "tokens", "model_access_keys", "contacts", "links", "invitations", "glass_requests"])
def test_reader_has_no_right_to_credentials(walled: Instance, table: str) -> None:
    with pytest.raises(ProgrammingError, match="permission denied"), walled.database.read(viewer=walled.actor.id, now=walled.clock.now()) as tx:
        tx.rows(text(f"select * from {table}"))


def test_reader_writes_nothing_and_is_gone_with_its_transaction(walled: Instance) -> None:
    with pytest.raises(ProgrammingError, match="permission denied"), walled.database.read(viewer=walled.actor.id, now=walled.clock.now()) as tx:
        tx.rows(text("delete from reports returning report_id"))
    taken_in(walled)
    with walled.acting_as(add(walled, "Stranger")).read() as tx:
        assert tx.value(text("select current_user")) == walls.READER
    with walled.database.read() as tx:
        assert tx.value(text("select current_user")) != walls.READER
        assert tx.value(text("select coalesce(current_setting('clearinghouse.viewer', true), '')")) == ""
        assert len(tx.rows(text("select * from reports"))) == 1


def test_nobody_behind_the_wall_sees_nothing(walled: Instance) -> None:
    taken_in(walled)
    with walled.database.read(viewer="", now=walled.clock.now()) as tx:
        assert tx.rows(text("select * from reports")) == []
    with walled.database.read(viewer=new_id("pty"), now=walled.clock.now()) as tx:
        assert tx.rows(text("select * from reports")) == []


def test_every_table_with_sealed_content_stands_behind_the_wall(walled: Instance) -> None:
    with walled.database.read() as tx:
        columns = text("select table_name from information_schema.columns where table_schema = 'public' and column_name like 'sealed%'")
        sealed = {row[0] for row in tx.rows(columns)}
        secured = {row[0] for row in tx.rows(text("select relname from pg_class where relrowsecurity"))}
    assert sealed - secured == {"charter_versions"}, "a charter is public; it is sealed as all text from outside is"
    assert {*CONTENT, "cases", "messages", "document_bodies", "read_grants", "decisions", "notices", "deliveries"} <= secured


def test_every_table_is_walled_or_named_here_with_the_reason(walled: Instance) -> None:
    with walled.database.read() as tx:
        query = "select relname, relrowsecurity from pg_class where relkind = 'r' and relnamespace = current_schema()::regnamespace"
        tables: dict[str, bool] = {row.relname: row.relrowsecurity for row in tx.rows(text(query))}
    assert {name for name, secured in tables.items() if not secured} == set(WITHOUT)
    assert all(WITHOUT.values())


def test_grants_notices_and_hooks_of_others_are_not_there(walled: Instance) -> None:
    report = taken_in(walled)
    friend, stranger = add(walled, "Friend"), add(walled, "Stranger")
    give(walled, Grant(report, friend.id, Basis.PARTICIPANT))
    with walled.acting_as(friend).read() as tx:
        assert {row[0] for row in tx.rows(text("select distinct party_id from read_grants"))} == {friend.id}
        assert len(tx.rows(text("select * from reports"))) == 1
        with tx.beyond_wall():
            assert len(tx.rows(text("select * from read_grants"))) > 1
        assert tx.value(text("select current_user")) == walls.READER
    with walled.acting_as(stranger).read() as tx:
        assert tx.rows(text("select * from read_grants")) == []


def test_decision_is_there_for_who_reads_one_of_its_reports(walled: Instance) -> None:
    from clearinghouse.core.events import Event
    from clearinghouse.disclosure.deconfliction import store as deconfliction

    report = taken_in(walled)
    friend, stranger = add(walled, "Friend"), add(walled, "Stranger")
    give(walled, Grant(report, friend.id, Basis.PARTICIPANT))
    with walled.database.write() as tx:
        number = int(tx.value(text("select number from reports")))
        kept = deconfliction.KeptDecision(DecisionId(new_id("dec")), "merge", walled.actor.id, walled.clock.now(), ((number, number + 1),), "Marked reason")
        deconfliction.add_decision(tx, kept, walled.envelope)
        ledger.record(tx, Event("Tested", (kept.id,)), actor=walled.actor.id, now=walled.clock.now())
    seen = {}
    for viewer in (walled.actor, friend, stranger):
        with walled.acting_as(viewer).read() as tx:
            seen[viewer.name] = [each.reason for each in deconfliction.list_decisions(tx, walled.envelope, standing_only=True)]
    assert seen == {walled.actor.name: ["Marked reason"], friend.name: ["Marked reason"], stranger.name: []}


def test_look_beyond_the_wall_ends_also_when_something_is_refused_in_it(walled: Instance) -> None:
    from clearinghouse.core.errors import NotFound

    taken_in(walled)
    with walled.acting_as(add(walled, "Stranger")).read() as tx:
        with pytest.raises(NotFound), tx.beyond_wall():
            assert len(tx.rows(text("select * from reports"))) == 1
            raise NotFound("refused")
        assert tx.rows(text("select * from reports")) == []


def test_looking_beyond_the_wall_is_harmless_where_there_is_none(instance: Instance) -> None:
    report = taken_in(instance)
    for read in (instance.read, instance.database.read):
        with read() as tx, tx.beyond_wall():
            assert tx.value(text("select report_id from reports")) == report


@pytest.mark.postgresql
def test_database_user_that_may_make_no_role_goes_without_the_wall(postgresql_url: str) -> None:
    import os

    import psycopg

    name = "u" + os.urandom(6).hex()
    with psycopg.connect(postgresql_url + "postgres", autocommit=True) as admin:
        admin.execute(f"create role {name} login nosuperuser nocreaterole".encode())
        admin.execute(f"create database {name} owner {name}".encode())
    with Database(postgresql_url.replace("clearinghouse@", f"{name}@") + name) as database:
        upgrade(database)
        assert not database.has_wall()
        from datetime import UTC, datetime

        with database.read(viewer="pty_x", now=datetime(2026, 1, 1, tzinfo=UTC)) as tx:
            assert tx.rows(text("select * from reports")) == []
            assert tx.value(text("select current_user")) == name
        with psycopg.connect(postgresql_url + "postgres", autocommit=True) as admin:
            admin.execute(f"grant {walls.READER} to {name}".encode())
        upgrade(database)
        assert database.has_wall(), "raised once somebody who may did what doctor says"
    with psycopg.connect(postgresql_url + "postgres", autocommit=True) as admin:
        admin.execute(f"drop database {name} with (force)".encode())
        admin.execute(f"drop role {name}".encode())
