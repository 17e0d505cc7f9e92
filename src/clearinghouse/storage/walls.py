"""The second wall, on PostgreSQL: rows of a viewer's read come only from what the viewer was granted, whatever the query says.

The first wall is the join of every store on the read grants. Behind it `Database.read(viewer=...)` sheds its
rights for the length of a transaction and becomes the role `clearinghouse_reader`, which owns nothing; policies
of row-level security on tables with content then repeat the question in the database. A query that forgot its
join gives nothing instead of everything.

A migration that makes a table with content calls `protect` or `protect_through`; one that makes a table of credentials calls `hide`.
SQLite has neither roles nor policies; there all of this does nothing.
"""

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

READER = "clearinghouse_reader"
_NAME = frozenset("abcdefghijklmnopqrstuvwxyz_")

# The same question as `parties.store.readable_objects`; a test holds the two against each other.
_READABLE = """
create or replace function clearinghouse_readable(tier_min integer) returns setof varchar language sql stable as $$
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
    connection.execute(text(_READABLE))
    asked = " or ".join(f"{column} in (select clearinghouse_readable({tier_min:d}))" for column in columns)
    connection.execute(text(f"alter table {table} enable row level security"))
    connection.execute(text(f"create policy granted on {table} for select using ({asked})"))


def protect_through(connection: Connection, table: str, column: str, parent: str) -> None:
    """The same for rows that belong to rows of another protected table, which have a column of the same name."""
    if connection.dialect.name != "postgresql":
        return
    assert all(_NAME.issuperset(name) for name in (table, column, parent)), "names of ours, written into a statement"
    connection.execute(text(f"alter table {table} enable row level security"))
    through = f"{column} in (select {column} from {parent})"  # noqa: S608 - names of ours, held above
    connection.execute(text(f"create policy granted on {table} for select using ({through})"))


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
