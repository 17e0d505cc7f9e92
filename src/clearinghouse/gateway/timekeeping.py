"""The gateway's clock: never goes back by itself, closes when the wall clock jumps, and goes on across a restart where it was.

Time since the machine started, sleep included (CLOCK_BOOTTIME), anchored to the wall clock once. The wall clock is looked at beside it at
every reading: the later of the two counts, so no access outlives its end by either; when they part by more than the policy allows, one
of them is wrong and nobody here can say which.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from clearinghouse.core.ids import new_id

_BOOT = Path("/proc/sys/kernel/random/boot_id")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_KEPT_EVERY_NS = 2_000_000_000  # how far the kept reading may lie behind: the journal keeps one about every second


@dataclass(frozen=True, slots=True)
class KeptTime:
    """A reading as the journal keeps it, for the next start."""

    wall_ns: int
    """What the gateway took for the time, since 1970."""
    boot_ns: int
    """Since the machine started."""
    boot_id: str
    """Which start of the machine that was; empty where the machine does not tell."""
    jump_id: str = ""
    """A jump nobody vouched for yet."""


def nanoseconds(at: datetime) -> int:
    """An instant as nanoseconds since 1970, exactly."""
    return (at - _EPOCH) // timedelta(microseconds=1) * 1000


def instant(at_ns: int) -> datetime:
    """The instant of so many nanoseconds, cut to microseconds."""
    return _EPOCH + timedelta(microseconds=at_ns // 1000)


def this_boot() -> str:
    """What names this start of the machine; empty where nothing does, and then no two readings are compared by it."""
    try:
        return _BOOT.read_text().strip()[:64]
    except OSError:
        return ""


def since_boot_ns() -> int:
    """Nanoseconds since the machine started, those it slept included."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


class GatewayClock:
    """What time it is for the gateway."""

    def __init__(
        self, jump_milliseconds_max: int, kept: KeptTime | None = None, *, wall_ns: Callable[[], int] = time.time_ns,
        boot_ns: Callable[[], int] = since_boot_ns, boot_id: str | None = None,
    ) -> None:
        """Start from what the journal kept of the last reading, if it kept one."""
        self._wall_ns, self.boot_ns = wall_ns, boot_ns
        self._boot_id = this_boot() if boot_id is None else boot_id
        self._jump_ns_max = jump_milliseconds_max * 1_000_000
        self.jump_id = "" if kept is None else kept.jump_id
        wall, boot = wall_ns(), boot_ns()
        if kept is None:
            least = wall
        elif kept.boot_id and kept.boot_id == self._boot_id and boot >= kept.boot_ns:
            least = kept.wall_ns + boot - kept.boot_ns
            if abs(wall - least) > self._jump_ns_max:
                self._jump()
        else:
            # Another start of the machine, or another machine: nothing but the wall clock says how much time went by.
            least = kept.wall_ns + _KEPT_EVERY_NS
            if kept.wall_ns - wall > self._jump_ns_max:
                self._jump()
        self._anchor_wall, self._anchor_boot = least if self.jump_id else max(least, wall), boot
        self._high = self._anchor_wall

    def now_ns(self) -> int:
        """The present instant in nanoseconds since 1970; a jump is seen here."""
        anchored = self._anchor_wall + self.boot_ns() - self._anchor_boot
        wall = self._wall_ns()
        if abs(wall - anchored) > self._jump_ns_max:
            self._jump()
            found = anchored
        else:
            found = max(wall, anchored)
        if found > self._high:
            self._high = found
        return self._high

    @property
    def differs_ns(self) -> int:
        """How far the wall clock is ahead of the anchored one."""
        return self._wall_ns() - (self._anchor_wall + self.boot_ns() - self._anchor_boot)

    def accept(self) -> None:
        """Take the wall clock's word from here on, forwards or back: somebody vouches for it."""
        self._anchor_wall, self._anchor_boot = self._wall_ns(), self.boot_ns()
        self._high, self.jump_id = self._anchor_wall, ""

    def keep(self) -> KeptTime:
        """What the journal is to keep of this reading."""
        return KeptTime(self.now_ns(), self.boot_ns(), self._boot_id, self.jump_id)

    def _jump(self) -> None:
        # One jump until somebody vouches, however often it is seen and the gateway starts again.
        self.jump_id = self.jump_id or new_id("jmp")


def advanced(kept: KeptTime, wall_ns: int) -> KeptTime:
    """A kept reading, not earlier than an entry that was written after it."""
    return kept if wall_ns <= kept.wall_ns else replace(kept, wall_ns=wall_ns, boot_id="")


__all__ = ["GatewayClock", "KeptTime", "advanced", "instant", "nanoseconds", "since_boot_ns", "this_boot"]
