"""Fixtures every test may use: limits, databases of both kinds, an instance of one's own."""

import os
import shutil
import socket
import sqlite3
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path

import hypothesis
import pytest

from clearinghouse.app.settings import Settings, default_policy_document, default_url, parse_policy
from clearinghouse.app.wiring import Instance, create_instance
from clearinghouse.core.clock import FixedClock
from clearinghouse.core.policy import IntakeLimits
from clearinghouse.storage import Database
from clearinghouse.storage.migrate import upgrade
from tests_support import Command, lacking

NOW = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)

# Machines are noisy: no property fails for being slow.
hypothesis.settings.register_profile("unhurried", deadline=None)
hypothesis.settings.load_profile("unhurried")


@pytest.fixture
def limits() -> IntakeLimits:
    """The limits of a fresh instance."""
    return parse_policy(1, default_policy_document()).intake


@pytest.fixture
def clock() -> FixedClock:
    """A clock that stands still until a test moves it."""
    return FixedClock(NOW)


def fast_folder() -> str | None:
    """Where databases of tests lie in memory, if the machine has that to spare: making one is mostly making files."""
    place, wanted = Path("/dev/shm"), 3 << 30
    try:
        available = next(int(line.split()[1]) << 10 for line in Path("/proc/meminfo").read_text().splitlines() if line.startswith("MemAvailable"))
        return str(place) if shutil.disk_usage(place).free > wanted and available > 2 * wanted and os.access(place, os.W_OK) else None
    except (OSError, StopIteration):
        return None


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    """A PostgreSQL server of this test run's own, on a free loopback port; stopped by the process that started it."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin")) if Path("/usr/lib/postgresql").is_dir() else []
    found = shutil.which("initdb")
    programs = folders[-1] if folders else (Path(found).parent if found else None)
    if programs is None or not (programs / "initdb").exists():
        lacking("PostgreSQL's server programs (initdb, postgres) were not found")
    # Not below pytest's own folder: another run of the suite clears that of older runs, a living server's with it.
    folder = Path(tempfile.mkdtemp(prefix="clearinghouse-postgresql-", dir=fast_folder()))
    as_user: list[str] = []
    if os.geteuid() == 0:
        # The server refuses to run as root.
        shutil.chown(folder, "postgres", "postgres")
        as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    data = folder / "data"
    subprocess.run(
        [*as_user, programs / "initdb", "-D", data, "-U", "clearinghouse", "-A", "trust", "-E", "UTF8", "--no-sync"],
        check=True, capture_output=True, cwd=folder,
    )
    server = subprocess.Popen(
        [*as_user, programs / "postgres", "-D", data, "-p", str(port), "-c", "listen_addresses=127.0.0.1",
         "-c", f"unix_socket_directories={folder}", "-c", "fsync=off", "-c", "timezone=Asia/Kathmandu"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder,
    )
    try:
        _wait_for(port)
        yield f"postgresql://clearinghouse@127.0.0.1:{port}/"
    finally:
        server.terminate()
        with suppress(subprocess.TimeoutExpired):
            server.wait(20)
        server.kill()
        server.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _wait_for(port: int) -> None:
    import time

    for _ in range(200):
        with suppress(OSError), closing(socket.create_connection(("127.0.0.1", port), 1)):
            time.sleep(0.3)
            return
        time.sleep(0.1)
    raise TimeoutError(f"PostgreSQL did not come up on port {port}")


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty database: once of each kind, for every test that asks."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'test.db'}"
        return
    server = request.getfixturevalue("postgresql_url")
    import psycopg

    name = "t" + os.urandom(8).hex()
    with psycopg.connect(server + "postgres", autocommit=True) as connection:
        connection.execute(f"create database {name}".encode())
    yield server + name
    with psycopg.connect(server + "postgres", autocommit=True) as connection:
        connection.execute(f"drop database {name} with (force)".encode())


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with the schema in place, to be copied: migrations take longer than most tests."""
    path = tmp_path_factory.mktemp("template") / "template.db"
    with Database(f"sqlite:///{path}") as made:
        upgrade(made)
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("pragma wal_checkpoint(truncate)")
    return path


@pytest.fixture(scope="session")
def postgresql_template(postgresql_url: str) -> str:
    """The name of a database with the schema in place, for the same purpose."""
    import psycopg

    with psycopg.connect(postgresql_url + "postgres", autocommit=True) as connection:
        connection.execute("create database template_of_tests")
    with Database(postgresql_url + "template_of_tests") as made:
        upgrade(made)
    return "template_of_tests"


@pytest.fixture
def fast_path(tmp_path: Path) -> Iterator[Path]:
    """A folder of the test's own, in memory if the machine has that to spare."""
    with tempfile.TemporaryDirectory(prefix="clearinghouse-test-", dir=fast_folder() or tmp_path) as folder:
        yield Path(folder)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def migrated_url(request: pytest.FixtureRequest, fast_path: Path) -> Iterator[str]:
    """The URL of a database with the schema in place and nothing in it: once of each kind, for every test that asks."""
    if request.param == "sqlite":
        shutil.copyfile(request.getfixturevalue("sqlite_template"), fast_path / "test.db")
        yield f"sqlite:///{fast_path / 'test.db'}"
        return
    server, template = request.getfixturevalue("postgresql_url"), request.getfixturevalue("postgresql_template")
    import psycopg

    name = "t" + os.urandom(8).hex()
    with psycopg.connect(server + "postgres", autocommit=True) as connection:
        connection.execute(f"create database {name} template {template} strategy file_copy".encode())
    yield server + name
    with psycopg.connect(server + "postgres", autocommit=True) as connection:
        connection.execute(f"drop database {name} with (force)".encode())


@pytest.fixture
def database(migrated_url: str) -> Iterator[Database]:
    """A database with the schema in place."""
    with Database(migrated_url) as opened:
        yield opened


@pytest.fixture
def instance(migrated_url: str, fast_path: Path, clock: FixedClock) -> Iterator[Instance]:
    """An instance of one's own, on either database."""
    home = fast_path / "home"
    settings = Settings(home, migrated_url, "test.example/log", home / "witness" / "checkpoint", "")
    made = create_instance(settings, organisation="Example CERT", person="Operator", clock=clock)
    # Whether there is a wall is asked once in the life of a process; a test that counts statements shall not be the one.
    made.database.has_wall()
    yield made
    made.close()


@pytest.fixture
def sqlite_instance(sqlite_template: Path, fast_path: Path, clock: FixedClock) -> Iterator[Instance]:
    """An instance on SQLite alone, for what does not depend on the database."""
    home = fast_path / "home"
    home.mkdir(mode=0o700)
    shutil.copyfile(sqlite_template, home / "clearinghouse.db")
    settings = Settings(home, default_url(home), "test.example/log", home / "witness" / "checkpoint", "")
    made = create_instance(settings, organisation="Example CERT", person="Operator", clock=clock)
    yield made
    made.close()


@pytest.fixture
def command(tmp_path: Path) -> Command:
    """The `clearinghouse` program as a user runs it, with a home of its own."""
    return Command(tmp_path / "home")
