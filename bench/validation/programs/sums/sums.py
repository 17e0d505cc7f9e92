"""Sheets of sums made up for measuring; nobody runs it. Its flaws are planted, each with a canary."""

from pathlib import Path

CANARIES: list[str] | None = None
"""Where a test wants to know which flaws are triggered."""
FOLDER = Path("/out/sheets")
"""Where sheets are kept; nothing else is to be written."""


class SheetError(Exception):
    """What a document that is no sheet is answered with."""


def _canary(flaw: str, triggered: bool) -> None:
    if CANARIES is not None and triggered:
        CANARIES.append(flaw)


class Sheet:
    """Rows of numbers with their sum beside them."""

    def __init__(self) -> None:
        self.rows: dict[str, list[int]] = {}
        self.note = ""

    def read(self, text: str) -> None:
        """Read one line: `row NAME SUM NUMBERS`, `mean NAME`, `spread NAME`, `keep NAME`, `note TEXT`."""
        words = text.split(" ")
        if words[0] == "row" and len(words) > 2:
            self._row(words[1], words[2], words[3:])
        elif words[0] in ("mean", "spread", "keep") and len(words) == 2:
            row = self.rows.get(words[1])
            if row is None:
                raise SheetError("no such row")
            getattr(self, "_" + words[0])(words[1], row)
        elif words[0] == "note":
            self.note = " ".join(words[1:])
        elif text:
            raise SheetError("no such line")

    def _row(self, name: str, total: str, numbers: list[str]) -> None:
        if not all(number.isdecimal() and number.isascii() for number in [total, *numbers]):
            raise SheetError("numbers are of digits")
        row = [int(number) for number in numbers]
        self._check(row, int(total))
        self.rows[name] = row

    def _check(self, row: list[int], total: int) -> None:
        _canary("sums/total", sum(row) != total)
        assert sum(row) == total, "the sum beside a row is that of the row"

    def _mean(self, name: str, row: list[int]) -> int:
        _canary("sums/empty", not row)
        return sum(row) // len(row)

    def _spread(self, name: str, row: list[int]) -> float:
        _canary("sums/empty", not row)
        middle = sum(row) / len(row)
        return float(sum((number - middle) ** 2 for number in row))

    def _keep(self, name: str, row: list[int]) -> None:
        _canary("sums/outside", ".." in name or name.startswith("/"))
        self._write(FOLDER / name, row)

    def _write(self, path: Path, row: list[int]) -> None:
        FOLDER.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{self.note} {row}")


def reproduce(data: bytes) -> None:
    """Read a sheet."""
    sheet = Sheet()
    try:
        for line in data.decode("ascii", "replace").splitlines():
            sheet.read(line)
    except SheetError:
        return
