"""How commands speak: tables and progress for people on the terminal, one JSON value for programs.

Text from reports is printed without markup and without control characters; results go to standard
output, progress and messages to standard error.
"""

import dataclasses
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from clearinghouse.core.clock import render_instant
from clearinghouse.core.untrusted import clean_line, clean_text

_MESSAGE_CHARACTERS_MAX = 20_000
_ID_COLUMNS = frozenset({"id", "report", "case", "submission", "event"})
# A pipe has no width to fit into: tables for it are as wide as they need to be.
_PIPE_COLUMNS = 240
out = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() or "COLUMNS" in os.environ else _PIPE_COLUMNS)
err = Console(stderr=True, highlight=False)


def print_json(value: Any) -> None:
    """One JSON value on standard output."""
    json.dump(plain(value), sys.stdout, indent=2, ensure_ascii=False)
    sys.stdout.write("\n")


def plain(value: Any) -> Any:
    """A record as what JSON can hold."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, datetime):
        return render_instant(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, dict):
        return {str(key): plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(entry) for entry in (sorted(value) if isinstance(value, set | frozenset) else value)]
    if isinstance(value, bytes):
        return value.hex()
    return value


def table(title: str, *columns: str, caption: str = "") -> Table:
    """An empty table in the house's look."""
    made = Table(title=title, caption=caption or None, title_justify="left", caption_justify="left", box=None, pad_edge=False)
    for column in columns:
        # An id that breaks over two lines cannot be copied.
        made.add_column(column, overflow="fold", no_wrap=column in _ID_COLUMNS)
    return made


def untrusted(text: str, width: int = 200, style: str = "") -> Text:
    """Text from outside as one harmless line."""
    return Text(clean_line(text, width), style=style)


def say(message: str, style: str = "") -> None:
    """A message for a person, on standard error; never markup."""
    err.print(Text(clean_text(message, _MESSAGE_CHARACTERS_MAX), style=style), soft_wrap=True)


@contextmanager
def progress(quiet: bool) -> Iterator[Progress]:
    """Progress bars on standard error; nothing where quiet or where nobody looks."""
    bars = Progress(
        SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
        TimeRemainingColumn(), console=err, disable=quiet or not err.is_terminal, transient=True,
    )
    with bars:
        yield bars
