"""Comma-separated files: rows as mappings, with the line each begins on."""

import csv
import io
from collections.abc import Iterator

from clearinghouse.disclosure.intake.sources.base import Document, Unreadable

_COLUMNS_MAX = 500


def read_columns(document: Document) -> tuple[str, ...]:
    """The column names of a table, lower case and trimmed; empty where the first line is no row."""
    first = document.head.removeprefix("\ufeff").split("\n", 1)[0]
    if "," not in first and ";" not in first and "\t" not in first:
        return ()
    try:
        row = next(csv.reader([first], delimiter=_delimiter(first)), [])
    except csv.Error:
        return ()
    return tuple(name.strip().lower() for name in row[:_COLUMNS_MAX])


def read_rows(document: Document) -> Iterator[tuple[int, dict[str, str]]]:
    """(line, row by lower-case column name); missing cells are empty, cells beyond the columns are left out.

    Raises:
        Unreadable: the table breaks off in the middle of a row, or holds NUL bytes.
    """
    text = document.text.removeprefix("\ufeff").lstrip("\r\n")
    columns = read_columns(document)
    if not columns:
        raise Unreadable("a table with column names in its first line would be right", "line 1", "csv.header")
    csv.field_size_limit(max(document.limits.line_bytes_max, 131_072))
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text.split("\n", 1)[0]))
    try:
        next(reader, None)
        begun = reader.line_num + 1
        for row in reader:
            if any(cell.strip() for cell in row):
                padded = [*row[: len(columns)], *[""] * (len(columns) - len(row))]
                yield begun, {name: cell.strip() for name, cell in zip(columns, padded, strict=False) if name}
            begun = reader.line_num + 1
    except csv.Error as error:
        raise Unreadable(f"not a table from here on: {error}", f"line {reader.line_num}", "csv.syntax") from None


def _delimiter(line: str) -> str:
    return max((",", ";", "\t"), key=line.count)
