"""An event loop whose time passes only when nobody has anything left to do: hours in milliseconds, the same every time."""

import asyncio
import selectors
from collections.abc import Callable
from typing import Any


class _Selector(selectors.SelectSelector):
    """Never waits: where nothing is ready, time passes instead."""

    def __init__(self, pass_time: Callable[[float | None], None]) -> None:
        super().__init__()
        self._pass_time = pass_time

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(0)
        if not ready and (timeout is None or timeout > 0):
            self._pass_time(timeout)
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """A loop with a clock of its own, in nanoseconds since it was made."""

    def __init__(self) -> None:
        self.elapsed_ns = 0
        super().__init__(_Selector(self._pass))

    def time(self) -> float:
        return self.elapsed_ns / 1e9

    def stall(self, seconds: float) -> None:
        """Time that goes by while nothing runs."""
        self.elapsed_ns += int(seconds * 1e9)

    def _pass(self, timeout: float | None) -> None:
        assert timeout is not None, "everybody waits for something that never comes"
        # Never a nanosecond short of the next timer, or nothing would ever be due.
        self.elapsed_ns += int(timeout * 1e9) + 1_000
