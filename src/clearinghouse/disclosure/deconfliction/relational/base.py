"""What a settling asks of an engine: keep a relation, make one of others by SQL, make one by a function over portions."""

import shutil
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Literal

from clearinghouse.core.errors import Unavailable

Table = Any
"""A `pyarrow.Table`: the form in which both engines hand portions over without copying."""
Kind = Literal["int", "long", "float", "double", "binary"]
Schema = dict[str, Kind]
Portion = Callable[[Table, Table | None], Table]
"""From the rows of one portion of a relation, and those of another for the same portion, to rows of a new one."""
Progress = Callable[[int, int], None]


class Engine(ABC):
    """Relations by name, each kept as Parquet files in a folder of its own; what is whole has a mark beside it."""

    def __init__(self, folder: Path) -> None:
        """Work in a folder; relations that are whole in it are taken as they are."""
        try:
            import pyarrow as pa  # noqa: F401 - an extra: whoever settles in memory does without
        except ImportError:
            raise Unavailable(
                "settling by relational steps needs further packages: install `open-clearinghouse[bulk]` (DuckDB) or "
                "`open-clearinghouse[spark]`, or set engine = \"memory\" in [settling] of the settings"
            ) from None
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def has(self, name: str) -> bool:
        """Whether a relation is whole."""
        return self._mark(name).exists()

    def keep(self, name: str, portions: Iterable[Table]) -> None:
        """Keep rows that come from outside as a relation."""
        import pyarrow.parquet as parquet

        if not self.has(name):
            folder = self.files(name)
            folder.mkdir(exist_ok=True)
            for number, portion in enumerate(portions):
                parquet.write_table(portion, folder / f"part-{number:05}.parquet")
            self.finish(name)
        self.show(name)

    def forget(self, *names: str) -> None:
        """Let go of relations, whole or not."""
        for name in names:
            self._mark(name).unlink(missing_ok=True)
            shutil.rmtree(self.files(name), ignore_errors=True)

    def files(self, name: str) -> Path:
        """Folder of a relation's files."""
        return self.folder / name

    def finish(self, name: str) -> None:
        """Note that a relation is whole."""
        self._mark(name).touch()

    def _mark(self, name: str) -> Path:
        return self.folder / f"{name}.whole"

    @abstractmethod
    def show(self, name: str) -> None:
        """Let queries use a relation that is whole."""

    @abstractmethod
    def query(self, name: str, sql: str, *, ranges: Iterable[tuple[int, int]] = (), progress: Progress | None = None) -> None:
        """Keep what a query gives, unless that is there.

        Args:
            sql: `{within}` stands for a condition on `record`; `{collected}` for the weights of a group in the order of their terms.
            ranges: first and last records by which an engine may cut the work.
        """

    @abstractmethod
    def apply(
        self, name: str, function: Portion, left: str, right: str | None = None, *, schema: Schema, progress: Progress | None = None
    ) -> None:
        """Keep what a function makes of each portion, unless that is there; portions have equal values of the column `part`.

        Args:
            left, right: a relation's name or a query in parentheses; a portion without rows on the left is left out.
        """

    @abstractmethod
    def read(self, sql: str) -> Iterator[Table]:
        """The rows of a query, in portions."""

    @abstractmethod
    def close(self) -> None:
        """Let go of everything that is held."""


def arrow_schema(schema: Schema) -> Any:
    """The schema as `pyarrow` has it."""
    import pyarrow as pa

    kinds = {"int": pa.int32(), "long": pa.int64(), "float": pa.float32(), "double": pa.float64(), "binary": pa.binary()}
    return pa.schema([(name, kinds[kind]) for name, kind in schema.items()])
