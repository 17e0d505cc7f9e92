"""Times the case room and the inbox: python -m bench.screens [--reports 100000] [--json].

Each screen is timed at two sizes, with the number of SQL statements beside it: what must not grow.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import event

from bench.screens.world import Size, open_room, take_in
from bench.stored_path import fresh_instance
from clearinghouse.app.views.case_room import read_room
from clearinghouse.app.views.inbox import list_inbox
from clearinghouse.app.wiring import Instance

_TIMES = 25


def timed(instance: Instance, look: Callable[[], object]) -> dict[str, Any]:
    """Median and 95 % of a look in milliseconds, and the statements one look makes."""
    statements = 0

    def count(*_: object) -> None:
        nonlocal statements
        statements += 1

    look()
    event.listen(instance.database.engine, "before_cursor_execute", count)
    look()
    event.remove(instance.database.engine, "before_cursor_execute", count)
    took = []
    for _ in range(_TIMES):
        started = time.perf_counter()
        look()
        took.append((time.perf_counter() - started) * 1000)
    return {"ms_median": round(statistics.median(took), 1), "ms_95": round(sorted(took)[int(0.95 * _TIMES)], 1), "statements": statements}


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.screens", description=__doc__)
    parser.add_argument("--reports", type=int, default=100_000, help="reports in the large inbox")
    parser.add_argument("--participants", type=int, default=500)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    results: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        instance = fresh_instance(Path(folder) / "home")
        for size in (Size(asked.participants // 10, 20, 200), Size(asked.participants, 200, 2000)):
            case = open_room(instance, Path(folder), size)
            key = f"room, {size.participants} participants, {size.reports} reports, {size.messages} messages"
            results[key] = timed(instance, lambda case=case: read_room(instance, case))  # type: ignore[misc]
        for count in (asked.reports // 10, asked.reports - asked.reports // 10):
            take_in(instance, Path(folder), count, count)
            page = list_inbox(instance)
            results[f"inbox, first page, {count} more reports"] = timed(instance, lambda: list_inbox(instance))
            results[f"inbox, next page, {count} more reports"] = timed(
                instance, lambda page=page: list_inbox(instance, before=page.after)  # type: ignore[misc]
            )
        instance.close()
    if asked.json:
        print(json.dumps(results))
    else:
        for name, value in results.items():
            print(f"{name:70} {value}")


if __name__ == "__main__":
    main()
