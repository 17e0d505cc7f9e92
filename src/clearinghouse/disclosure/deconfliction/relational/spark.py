"""The relational steps on a cluster: Spark, which cuts the same queries and portions over its executors."""

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from clearinghouse.core.errors import Unavailable
from clearinghouse.disclosure.deconfliction.relational.base import Engine, Portion, Progress, Schema, Table, arrow_schema

_COLLECTED = "transform(array_sort(collect_list(struct(term, weight))), one -> one.weight)"
_KINDS = {"int": "int", "long": "bigint", "float": "float", "double": "double", "binary": "binary"}


class Spark(Engine):
    """Relations as views over their files, in a folder that every executor reads and writes under the same path."""

    def __init__(self, folder: Path, master: str, memory_megabytes: int, partitions: int) -> None:
        """Start a session, or join the one this process has.

        Args:
            master: as Spark names it: `local[2]`, `spark://HOST:PORT`, `yarn`.
            partitions: into how many parts rows are dealt when they are grouped.
        """
        super().__init__(folder)
        try:
            from pyspark.sql import SparkSession
        except ImportError:
            raise Unavailable("Spark is not installed: install `open-clearinghouse[spark]`, or choose another engine") from None
        made = (
            SparkSession.builder.master(master).appName("clearinghouse settling").config("spark.driver.memory", f"{memory_megabytes}m")
            .config("spark.ui.enabled", "false").config("spark.sql.session.timeZone", "UTC").config("spark.ui.showConsoleProgress", "false")
        )
        if master.startswith("local"):
            # Nobody else need reach it; and its workers are Pythons like this one.
            made = made.config("spark.driver.host", "127.0.0.1").config("spark.driver.bindAddress", "127.0.0.1")
            os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
        try:
            self._session: Any = made.getOrCreate()
        except Exception as error:  # it raises whatever its Java gateway does
            raise Unavailable(f"Spark could not be started ({type(error).__name__}): is Java installed, and is {master!r} reachable?") from error
        self._session.sparkContext.setLogLevel("ERROR")
        self._session.conf.set("spark.sql.shuffle.partitions", str(partitions))

    def close(self) -> None:
        self._session.stop()

    def show(self, name: str) -> None:
        self._session.read.parquet(str(self.files(name))).createOrReplaceTempView(name)

    def query(self, name: str, sql: str, *, ranges: Iterable[tuple[int, int]] = (), progress: Progress | None = None) -> None:
        # Spark cuts the work itself.
        self._keep(name, lambda: self._session.sql(sql.format(within="true", collected=_COLLECTED)), progress)

    def apply(
        self, name: str, function: Portion, left: str, right: str | None = None, *, schema: Schema, progress: Progress | None = None
    ) -> None:
        ddl = ", ".join(f"{column} {_KINDS[kind]}" for column, kind in schema.items())

        def made() -> Any:
            ours = self._session.sql(f"select * from {left}").groupBy("part")  # noqa: S608 - our own names
            if right is None:
                return ours.applyInArrow(_alone(function, schema), ddl)
            theirs = self._session.sql(f"select * from {right}")  # noqa: S608 - our own names
            # Named anew: a column that both sides have from one relation could not be told apart.
            return ours.cogroup(theirs.toDF(*theirs.columns).groupBy("part")).applyInArrow(_together(function, schema), ddl)

        self._keep(name, made, progress)

    def read(self, sql: str) -> Iterator[Table]:
        yield self._session.sql(sql).toArrow()

    def _keep(self, name: str, made: Callable[[], Any], progress: Progress | None) -> None:
        if not self.has(name):
            made().write.mode("overwrite").parquet(str(self.files(name)))
            self.finish(name)
        if progress is not None:
            progress(1, 1)
        self.show(name)


def _alone(function: Portion, schema: Schema) -> Callable[[Table], Table]:
    def made(left: Table) -> Table:
        return function(left, None).select(list(schema)).cast(arrow_schema(schema))

    return made


def _together(function: Portion, schema: Schema) -> Callable[[Table, Table], Table]:
    def made(left: Table, right: Table) -> Table:
        if not left.num_rows:
            return arrow_schema(schema).empty_table()
        return function(left, right).select(list(schema)).cast(arrow_schema(schema))

    return made
