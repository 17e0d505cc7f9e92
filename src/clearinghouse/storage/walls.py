"""The second wall, on PostgreSQL: rows of a viewer's read come only from what the viewer was granted, whatever the query says.

The first wall is the join of every store on the read grants. Behind it `Database.read(viewer=...)` sheds its
rights for the length of a transaction and becomes the role `clearinghouse_reader`, which owns nothing; policies
of row-level security on tables with content then repeat the question in the database. A query that forgot its
join gives nothing instead of everything.

A migration that makes a table with content calls `protect`, `protect_own` or `protect_through`; one that makes a table of credentials
calls `hide`.
SQLite has neither roles nor policies; there all of this does nothing.
"""

from collections.abc import Sequence

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

READER = "clearinghouse_reader"
_NAME = frozenset("abcdefghijklmnopqrstuvwxyz_")

# The same questions as `parties.store.own_parties` and `readable_objects`; tests hold them against each other. They run as who owns
# the tables, for the table of grants stands behind the wall too, and a policy may not ask itself.
_SELVES = """
create or replace function clearinghouse_selves() returns setof varchar language sql stable security definer set search_path from current as $$
  select current_setting('clearinghouse.viewer', true)::varchar
  union all
  select organisation_id from parties
  where party_id = current_setting('clearinghouse.viewer', true) and organisation_id is not null
  union all
  select team_id from memberships
  where member_id = current_setting('clearinghouse.viewer', true)
    and since <= current_setting('clearinghouse.now', true)
    and (until is null or until > current_setting('clearinghouse.now', true))
$$
"""
_READABLE = """
create or replace function clearinghouse_readable(tier_min integer) returns setof varchar
language sql stable security definer set search_path from current as $$
  select object_id from read_grants
  where revoked_at is null
    and (until is null or until > current_setting('clearinghouse.now', true))
    and (tier is null or tier >= tier_min)
    and (
      party_id = current_setting('clearinghouse.viewer', true)
      or party_id in (
        select organisation_id from parties
        where party_id = current_setting('clearinghouse.viewer', true) and organisation_id is not null
        union all
        select team_id from memberships
        where member_id = current_setting('clearinghouse.viewer', true)
          and since <= current_setting('clearinghouse.now', true)
          and (until is null or until > current_setting('clearinghouse.now', true))
      )
    )
$$
"""


def protect(connection: Connection, table: str, *columns: str, tier_min: int = 2) -> None:
    """From now on a reader gets only rows of which one of these columns names an object its viewer may read.

    Args:
        columns: ids that read grants are given on: of the row's object, or of what it belongs to.
        tier_min: the least tier of a read-in that shows such rows (2: the room).
    """
    if connection.dialect.name != "postgresql":
        return
    assert columns, "a wall needs an id to ask about"
    assert all(_NAME.issuperset(name) for name in (table, *columns)), "names of ours, written into a statement"
    _make_functions(connection)
    asked = [f"{column} in (select clearinghouse_readable({tier_min:d}))" for column in columns]
    _shield(connection, table, asked)


def protect_own(connection: Connection, table: str, *owners: str, about: str = "") -> None:
    """From now on a reader gets only rows of which one of these columns names itself, its organisation or a team of its.

    Args:
        about: a column with the id of a case or a report; who may read that sees the row as well.
    """
    if connection.dialect.name != "postgresql":
        return
    assert all(_NAME.issuperset(name) for name in (table, about, *owners)), "names of ours, written into a statement"
    _make_functions(connection)
    asked = [f"{column} in (select clearinghouse_selves())" for column in owners]
    if about:
        asked.append(f"{about} in (select clearinghouse_readable(2))")
        # Through the policy of reports: one that came in a submission the viewer may read.
        asked.append(f"exists (select from reports r where r.report_id = {table}.{about})")
    _shield(connection, table, asked)


def protect_numbered(connection: Connection, table: str, numbers: str) -> None:
    """The same for rows with a JSON list of lists of the numbers of reports: a reader of one of those reports gets the row."""
    if connection.dialect.name != "postgresql":
        return
    assert all(_NAME.issuperset(name) for name in (table, numbers)), "names of ours, written into a statement"
    _shield(connection, table, [
        "exists (select from jsonb_path_query("
        f"convert_from({table}.{numbers}, 'UTF8')::jsonb, '$[*][*]') spoken join reports r on r.number = (spoken #>> '{{}}')::bigint)"
    ])


def protect_through(connection: Connection, table: str, column: str, parent: str) -> None:
    """The same for rows that belong to rows of another protected table, which have a column of the same name."""
    if connection.dialect.name != "postgresql":
        return
    assert all(_NAME.issuperset(name) for name in (table, column, parent)), "names of ours, written into a statement"
    _shield(connection, table, [f"{column} in (select {column} from {parent})"])  # noqa: S608 - names of ours, held above


def unprotect(connection: Connection, table: str) -> None:
    """Take a policy back, for a migration that puts a better one in its place."""
    if connection.dialect.name == "postgresql":
        assert _NAME.issuperset(table), "a name of ours, written into a statement"
        connection.execute(text(f"drop policy if exists granted on {table}"))


def hide(connection: Connection, *tables: str) -> None:
    """From now on a reader gets nothing of these tables: to ask for it is an error."""
    if connection.dialect.name != "postgresql":
        return
    for table in tables:
        assert _NAME.issuperset(table), "a name of ours, written into a statement"
        connection.execute(text(f"alter table {table} enable row level security"))


def raise_wall(connection: Connection) -> None:
    """Make the reader where it is missing and let it read what may be read; called after migrations, as often as one likes.

    Where this database user may not make roles, the wall stays down and `doctor` says so.
    """
    if connection.dialect.name != "postgresql":
        return
    if not _exists(connection):
        # Another database of the same server may be making it at this instant: then it is there.
        _try(connection, f"create role {READER} nologin")
    if _exists(connection) and not _is_member(connection):
        _try(connection, f"grant {READER} to current_user")
    if not (_exists(connection) and _is_member(connection)):
        return
    # A table whose rows no policy shows is one of credentials: no right to it at all, so that a mistake is loud.
    shown = """
        select c.oid::regclass::text from pg_class c
        where c.relnamespace = current_schema()::regnamespace and c.relkind = 'r'
          and (not c.relrowsecurity or exists (select from pg_policy p where p.polrelid = c.oid))
    """
    names = [row[0] for row in connection.execute(text(shown))]
    schema = connection.execute(text("select quote_ident(current_schema())")).scalar_one()
    _try(connection, f"grant usage on schema {schema} to {READER}")
    for name in names:
        _try(connection, f"grant select on {name} to {READER}")


def stands(connection: Connection) -> bool:
    """Whether this database user can become the reader, and the reader reads grants and no passwords."""
    if connection.dialect.name != "postgresql" or not (_exists(connection) and _is_member(connection)):
        return False
    rights = f"select has_table_privilege('{READER}', 'read_grants', 'select') and not has_table_privilege('{READER}', 'passwords', 'select')"
    return bool(connection.execute(text(rights)).scalar_one())


def become_reader(connection: Connection, viewer: str, now: str) -> None:
    """For the rest of this transaction only what the viewer was granted can be read."""
    connection.execute(
        text("select set_config('clearinghouse.viewer', :viewer, true), set_config('clearinghouse.now', :now, true), "
             "set_config('role', :reader, true)"),
        {"viewer": viewer, "now": now, "reader": READER},
    )


def leave_reader(connection: Connection) -> None:
    """Back to the owner of the tables, within the same transaction."""
    connection.execute(text("select set_config('role', 'none', true)"))


def return_to_reader(connection: Connection) -> None:
    """Behind the wall again, as the viewer of before."""
    connection.execute(text("select set_config('role', :reader, true)"), {"reader": READER})


def _make_functions(connection: Connection) -> None:
    connection.execute(text(_SELVES))
    connection.execute(text(_READABLE))


def _shield(connection: Connection, table: str, asked: Sequence[str]) -> None:
    connection.execute(text(f"alter table {table} enable row level security"))
    connection.execute(text(f"create policy granted on {table} for select using ({' or '.join(asked)})"))


def _exists(connection: Connection) -> bool:
    return connection.execute(text("select 1 from pg_roles where rolname = :name"), {"name": READER}).first() is not None


def _is_member(connection: Connection) -> bool:
    return bool(connection.execute(text("select pg_has_role(current_user, :name, 'member')"), {"name": READER}).scalar_one())


def _try(connection: Connection, statement: str) -> None:
    """Run a statement that this database user may lack the right to, without losing the transaction."""
    try:
        with connection.begin_nested():
            connection.execute(text(statement))
    except DBAPIError:
        return
