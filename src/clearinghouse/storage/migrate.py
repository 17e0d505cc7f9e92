"""Bringing a database to the schema this version speaks, and saying when it is not there."""

from importlib import resources
from pathlib import Path

from sqlalchemy import inspect, text

from clearinghouse.core.errors import Conflict, Unavailable
from clearinghouse.storage.database import Database
from clearinghouse.storage.walls import raise_wall

HEAD = "0028"
"""Revision this version of the software speaks; a test holds it against the newest migration."""


def current_revision(database: Database) -> str | None:
    """The revision of the database's schema; None where it is empty."""
    with database.read() as tx:
        if not inspect(tx._connection).has_table("alembic_version"):
            return None
        revision: str | None = tx.value(text("select version_num from alembic_version"))
        return revision


def check_schema(database: Database) -> None:
    """Raise unless the database has the schema this version speaks.

    Raises:
        Unavailable: it is empty or older.
        Conflict: it is newer than this software.
    """
    found = current_revision(database)
    if found is None:
        raise Unavailable("the database is empty; run `clearinghouse init`")
    if found < HEAD:
        raise Unavailable(f"the database has schema {found}, this version needs {HEAD}; run `clearinghouse upgrade`")
    if found > HEAD:
        raise Conflict(f"the database has schema {found}, newer than {HEAD}, which this version knows; use a newer version")


def upgrade(database: Database) -> None:
    """Bring the schema to this version's revision; does nothing where it is there already."""
    # Imported here: it takes a tenth of a second that no other command should pay.
    from alembic import command
    from alembic.config import Config

    with resources.as_file(resources.files("clearinghouse.storage") / "migrations") as folder:
        config = Config()
        config.set_main_option("script_location", str(Path(folder)).replace("%", "%%"))
        with database.engine.connect().execution_options(clearinghouse_write=True) as connection, connection.begin():
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            raise_wall(connection)
