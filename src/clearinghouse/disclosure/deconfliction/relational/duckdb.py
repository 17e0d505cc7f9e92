"""The relational steps on one machine: DuckDB, which spills to disk what does not fit the memory it was given."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from clearinghouse.core.errors import Unavailable
from clearinghouse.disclosure.deconfliction.relational.base import Engine, Portion, Progress, Schema, Table, arrow_schema

_COLLECTED = "list(weight order by term)"


class DuckDB(Engine):
    """Relations as views over their files."""

    def __init__(self, folder: Path, memory_megabytes: int) -> None:
        """Work in a folder, with so much memory for joins and groups; portions need theirs besides."""
        super().__init__(folder)
        try:
            import duckdb
        except ImportError:
            raise Unavailable("DuckDB is not installed: install `open-clearinghouse[bulk]`, or set engine = \"memory\"") from None
        # No extension is fetched, and no file opened but those named here.
        self._connection: Any = duckdb.connect(config={"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"})
        self._connection.execute(f"set memory_limit = '{int(memory_megabytes)}MB'")
        self._connection.execute("set preserve_insertion_order = false")
        self._connection.execute(f"set temp_directory = {_quoted(folder / 'spill')}")
        self._connection.execute("set enable_progress_bar = false")

    def close(self) -> None:
        self._connection.close()

    def show(self, name: str) -> None:
        pattern = self.files(name) / "*.parquet"
        self._connection.execute(f"create or replace view {name} as select * from read_parquet({_quoted(pattern)})")  # noqa: S608 - our own names

    def query(self, name: str, sql: str, *, ranges: Iterable[tuple[int, int]] = (), progress: Progress | None = None) -> None:
        if not self.has(name):
            conditions = [f"record between {low} and {high}" for low, high in ranges] or ["true"]
            for number, within in enumerate(conditions):
                cut = sql.format(within=within, collected=_COLLECTED)
                self._write(name, number, lambda path, cut=cut: self._connection.execute(f"copy ({cut}) to {_quoted(path)} (format parquet)"))
                if progress is not None:
                    progress(number + 1, len(conditions))
            self.finish(name)
        self.show(name)

    def apply(
        self, name: str, function: Portion, left: str, right: str | None = None, *, schema: Schema, progress: Progress | None = None
    ) -> None:
        import pyarrow.parquet as parquet

        if not self.has(name):
            parts = [row[0] for row in self._connection.execute(f"select distinct part from {left} order by part").fetchall()]  # noqa: S608 - our own names
            for done, part in enumerate(parts):
                def write(path: Path, part: int = part) -> None:
                    found = function(self._portion(left, part), None if right is None else self._portion(right, part))
                    parquet.write_table(found.select(list(schema)).cast(arrow_schema(schema)), path)

                self._write(name, part, write)
                if progress is not None:
                    progress(done + 1, len(parts))
            if not parts:
                parquet_path = self.files(name)
                parquet_path.mkdir(exist_ok=True)
                parquet.write_table(arrow_schema(schema).empty_table(), parquet_path / "part-00000.parquet")
            self.finish(name)
        self.show(name)

    def read(self, sql: str) -> Iterator[Table]:
        import pyarrow as pa

        reader = self._connection.sql(sql).to_arrow_reader(100_000)
        yield reader.schema.empty_table()
        for batch in reader:
            yield pa.Table.from_batches([batch])

    def _portion(self, relation: str, part: int) -> Table:
        return self._connection.sql(f"select * from {relation} where part = {int(part)}").to_arrow_table()  # noqa: S608 - our own names

    def _write(self, name: str, number: int, write: Any) -> None:
        """One file of a relation, whole or not there."""
        folder = self.files(name)
        folder.mkdir(exist_ok=True)
        path = folder / f"part-{number:05}.parquet"
        if not path.exists():
            unfinished = self.folder / f"{name}-{number:05}.unfinished"
            write(unfinished)
            unfinished.rename(path)


def _quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"
