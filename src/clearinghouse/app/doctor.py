"""What this machine and this instance have, and what to do about what they lack."""

import platform
import shutil
import sqlite3
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from clearinghouse.app.settings import load_settings
from clearinghouse.core.clock import SystemClock
from clearinghouse.core.errors import ClearinghouseError, Unavailable
from clearinghouse.sandbox import SandboxSettings

if TYPE_CHECKING:  # heavy: imported when an instance is looked at
    from clearinghouse.storage import Database

_FREE_BYTES_WANTED = 1 << 30


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at."""

    name: str
    state: str
    """`ok`, `missing` (something optional is not there) or `broken`."""
    detail: str
    advice: str = ""


def examine(home: Path) -> Iterator[Check]:
    """Look at everything, most basic first; one broken thing does not keep the rest from being looked at."""
    yield _python()
    yield Check("SQLite", "ok" if sqlite3.sqlite_version_info >= (3, 35) else "broken", sqlite3.sqlite_version, "3.35 or later is needed")
    yield _gradient_boosting()
    yield _parser()
    yield from _programs()
    yield _disk(home)
    yield from _sandbox(home)
    yield from _instance(home)


def examine_sandbox(home: Path) -> Iterator[Check]:
    """The sandbox alone, each attack on it by itself."""
    yield from _sandbox(home, each=True)


def _sandbox(home: Path, *, each: bool = False) -> Iterator[Check]:
    from clearinghouse.sandbox import Guard, open_sandbox
    from clearinghouse.sandbox.preflight import ATTACKS, Answer, demand, examine

    try:
        settings = load_settings(home).sandbox
    except ClearinghouseError:
        settings = SandboxSettings()  # what is wrong with the instance is said below
    try:
        sandbox = open_sandbox(settings)
    except Unavailable as error:
        yield Check("sandbox", "missing", str(error), "needed only to validate reports by running reproducers")
        return
    with sandbox:
        level = sandbox.level
        lacking = sorted(set(Guard) - level.guards)
        found = f"{level.kind} {level.version}, cgroups {level.cgroups}, {sandbox.slots} slots; guards: {', '.join(sorted(level.guards))}"
        yield Check("sandbox", "ok", found, f"without {', '.join(lacking)}" if lacking else "")
        findings = list(examine(sandbox, ATTACKS))
    count = {answer: sum(finding.answer is answer for finding in findings) for answer in Answer}
    try:
        demand(findings)
        state, advice = "ok", "" if each or not count[Answer.UNTESTED] else "`clearinghouse doctor --sandbox` shows which"
    except Unavailable as error:
        state, advice = "broken", str(error)
    yield Check("attacks", state, ", ".join(f"{number} {answer}" for answer, number in count.items() if number), advice)
    if each:
        states = {Answer.HELD: "ok", Answer.BROKEN: "broken", Answer.UNTESTED: "missing"}
        for finding in findings:
            yield Check(f"attack {finding.number}", states[finding.answer], f"{finding.title}: {finding.answer}", finding.detail)


def _second_wall(database: "Database") -> Iterator[Check]:
    if not database.url.startswith("sqlite"):
        stands = database.has_wall()
        found = "the database gives a reader only what was granted" if stands else "the database does not check who reads"
        advice = "" if stands else (
            "as a superuser of the database: CREATE ROLE clearinghouse_reader NOLOGIN; GRANT clearinghouse_reader TO the user of "
            "`database_url`; then run `clearinghouse upgrade`"
        )
        yield Check("second wall", "ok" if stands else "missing", found, advice)


def _python() -> Check:
    enough = sys.version_info >= (3, 11)
    return Check("Python", "ok" if enough else "broken", f"{platform.python_version()} on {platform.system()}", "3.11 or later is needed")


def _gradient_boosting() -> Check:
    try:
        import lightgbm
    except (ImportError, OSError) as error:
        advice = "the same trees are evaluated without it, more slowly; on Debian: apt-get install libgomp1"
        return Check("LightGBM", "missing", str(error).splitlines()[0][:120], advice)
    return Check("LightGBM", "ok", str(lightgbm.__version__))


def _parser() -> Check:
    from clearinghouse.app.settings import default_policy_document, parse_policy
    from clearinghouse.disclosure.intake.boundary import ParserProcess

    limits = parse_policy(1, default_policy_document()).intake
    try:
        with ParserProcess(limits) as process:
            answers = list(process.read("probe.ndjson", b'{"title": "probe", "symbols": ["probe"]}\n'))
    except Unavailable as error:
        return Check("parser process", "broken", str(error), "run `python -m clearinghouse.disclosure.intake.parser` to see why")
    good = sum(len(answer.items) for answer in answers) == 1
    return Check("parser process", "ok" if good else "broken", "reads in a child process with limits", "reinstall the package")


def _programs() -> Iterator[Check]:
    for name, use in (("pg_dump", "back up a PostgreSQL database"), ("chromium", "look at pages in the tests")):
        found = shutil.which(name)
        yield Check(name, "ok" if found else "missing", found or "not on the PATH", "" if found else f"needed only to {use}")


def _disk(home: Path) -> Check:
    place = next(folder for folder in (home, *home.parents) if folder.exists())
    free = shutil.disk_usage(place).free
    return Check("disk", "ok" if free >= _FREE_BYTES_WANTED else "broken", f"{free // 1_000_000} MB free at {place}", "free at least 1 GB")


def _instance(home: Path) -> Iterator[Check]:
    from clearinghouse.app.wiring import open_instance
    from clearinghouse.ledger import store as ledger
    from clearinghouse.storage.database import ping

    try:
        instance = open_instance(load_settings(home))
    except Unavailable as error:
        yield Check("instance", "missing", str(error))
        return
    except ClearinghouseError as error:
        yield Check("instance", "broken", str(error))
        return
    try:
        yield Check("instance", "ok", f"{home}, policy version {instance.policy.version}, acting as {instance.actor.name}")
        yield Check("database", "ok", ping(instance.database))
        yield from _second_wall(instance.database)
        for path in (instance.settings.instance_key_path, instance.settings.ledger_key_path):
            private = path.stat().st_mode & 0o077 == 0
            yield Check(f"key {path.name}", "ok" if private else "broken", str(path), "" if private else f"chmod 600 {path}")
        with instance.database.read() as tx:
            latest, size = ledger.latest_instant(tx), ledger.tree_size(tx)
        behind = latest is not None and SystemClock().now() < latest - timedelta(seconds=2)
        advice = "set the clock (NTP); instants of receipt are evidence" if behind else ""
        yield Check("clock", "broken" if behind else "ok", f"last event at {latest}" if behind else "not behind the last event", advice)
        kept = instance.keeper.load()
        same_volume = instance.settings.witness_path.parent.exists() and (
            instance.settings.witness_path.parent.stat().st_dev == home.stat().st_dev
        )
        hint = "set `witness_path` to another volume, so that one backup cannot bring both back" if same_volume else ""
        yield Check("ledger", "ok", f"{size} leaves, {'a checkpoint is kept outside the database' if kept else 'no checkpoint yet'}", hint)
    finally:
        instance.close()

