"""Which engine settles an instance: in memory while that is quicker and fits, DuckDB or Spark beyond."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from clearinghouse.app.settings import ENGINES, BulkSettings, Settings
from clearinghouse.app.wiring import Instance
from clearinghouse.core.errors import Invalid
from clearinghouse.disclosure.deconfliction.jobs import Bulk
from clearinghouse.disclosure.deconfliction.relational.base import Engine
from clearinghouse.disclosure.deconfliction.relational.steps import PORTION_RECORDS

IN_MEMORY_RECORDS_MAX = 150_000
"""Records up to which `auto` settles in memory: 100,000 take 0.8 GB there, and less time than by steps (record 0031 has the figures)."""


def bulk_of(settings: Settings) -> Bulk:
    """How this instance settles many records."""
    folder = settings.bulk.folder if settings.bulk.folder.is_absolute() else settings.home / settings.bulk.folder
    return Bulk(folder, partial(_choose, settings.bulk))


def with_engine(instance: Instance, engine: str) -> Instance:
    """The same instance, settled by another engine than its settings say.

    Raises:
        Invalid: there is no such engine.
    """
    if engine not in ENGINES:
        raise Invalid(f"no engine is named {engine[:40]!r}; there are: {', '.join(ENGINES)}")
    return replace(instance, settings=replace(instance.settings, bulk=replace(instance.settings.bulk, engine=engine)))


def _choose(settings: BulkSettings, records: int) -> Callable[[Path], Engine] | None:
    """What opens an engine in a folder; None where so many records are settled in memory."""
    engine = settings.engine
    if engine == "auto":
        installed = find_spec("duckdb") is not None and find_spec("pyarrow") is not None
        engine = "duckdb" if installed and records > IN_MEMORY_RECORDS_MAX else "memory"
    if engine == "memory":
        return None
    return partial(_open, settings, engine, records)


def _open(settings: BulkSettings, engine: str, records: int, folder: Path) -> Engine:
    # Imported here: both are extras, and slow to load.
    if engine == "spark":
        from clearinghouse.disclosure.deconfliction.relational.spark import Spark

        return Spark(folder, settings.spark_master, settings.memory_megabytes, max(2, records // PORTION_RECORDS))
    from clearinghouse.disclosure.deconfliction.relational.duckdb import DuckDB

    return DuckDB(folder, settings.memory_megabytes)
