"""Which accesses stand now, as the gateway last read them, and whether a byte may still be written for one."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from clearinghouse.core.review_policy import GatewayPolicy
from clearinghouse.gateway.accounts import Account
from clearinghouse.gateway.records import Access
from clearinghouse.gateway.rules import Refusal
from clearinghouse.gateway.timekeeping import GatewayClock, nanoseconds

if TYPE_CHECKING:  # a line knows what it is bound to, and the other way round
    from clearinghouse.gateway.lines import Line

_MILLI = 1_000_000


class Cut(Exception):
    """No further byte may be written for this access."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal)
        self.refusal = refusal


@dataclass(frozen=True, slots=True)
class Seen:
    """What the instance says of its accesses at one instant."""

    accesses: tuple[tuple[Access, str], ...]
    """Each with the hash of its key's secret."""
    accepted: frozenset[str] = frozenset()
    """Jumps of this gateway's clock that somebody vouched for."""


class AccessSource(Protocol):
    """Where accesses are read from."""

    async def read(self, since: datetime) -> Seen:
        """Those whose windows reach past `since`. Raises whatever a database raises."""
        ...


@dataclass(slots=True, eq=False)
class Holding:
    """One access as the gateway holds it: its account, and the connections that carry bytes for it."""

    access: Access
    secret_hash: str
    account: Account
    begins_ns: int = 0
    ends_ns: int = 0
    last_ns: int = 0
    """From here on nothing is written: the guard before the end."""
    lines: "set[Line]" = field(default_factory=set)

    def take(self, access: Access, guard_ns: int) -> None:
        """The access as it was read anew."""
        self.access = access
        self.begins_ns, self.ends_ns = nanoseconds(access.begins_at), nanoseconds(access.ends_at)
        self.last_ns = self.ends_ns - guard_ns


class Gate:
    """Says of every access, at every byte, whether it stands."""

    def __init__(self, clock: GatewayClock, policy: GatewayPolicy, accounts: dict[str, Account]) -> None:
        self.clock, self.policy = clock, policy
        self.guard_ns = policy.guard_milliseconds * _MILLI
        self._stale_ns = policy.stale_milliseconds_max * _MILLI
        self._accounts = accounts
        self._holdings: dict[str, Holding] = {}
        self.ending = False
        """The gateway was told to end."""
        self.seen_boot_ns = 0
        """When the reading that counts began; 0 before the first."""

    def holdings(self) -> Iterable[Holding]:
        """All that are held."""
        return self._holdings.values()

    def find(self, access_id: str) -> Holding | None:
        """The holding of an access."""
        return self._holdings.get(access_id)

    def update(self, seen: Seen, began_boot_ns: int) -> None:
        """Take what was read. An access that is not among it any more has ended: its window is long over, or it is gone."""
        found: dict[str, Holding] = {}
        for access, secret_hash in seen.accesses:
            holding = self._holdings.get(access.id)
            if holding is None:
                holding = Holding(access, secret_hash, self._accounts.setdefault(access.id, Account()))
            if holding.access != access or not holding.ends_ns:
                holding.take(access, self.guard_ns)
            holding.secret_hash = secret_hash
            found[access.id] = holding
        for access_id, holding in self._holdings.items():
            if access_id not in found and holding.lines:
                holding.last_ns = 0
                found[access_id] = holding
        self._holdings = found
        self.seen_boot_ns = began_boot_ns

    def closed(self) -> Refusal | None:
        """Why nobody is served now; None where the gateway is open."""
        self.clock.now_ns()
        return self._shut()

    def _shut(self) -> Refusal | None:
        if self.clock.jump_id:
            return Refusal.CLOCK
        if not self.seen_boot_ns or self.clock.boot_ns() - self.seen_boot_ns > self._stale_ns:
            return Refusal.STALE
        return None

    def refusal(self, holding: Holding) -> Refusal | None:
        """Why no call of an access begins now."""
        if self.ending:
            return Refusal.ENDING
        if (closed := self.closed()) is not None:
            return closed
        return self._standing(holding, self.clock.now_ns())

    def refusal_of_open(self, holding: Holding) -> Refusal | None:
        """Why a call of an access that was begun must not go on."""
        return self._standing(holding, self.clock.now_ns())

    def permit(self, holding: Holding) -> None:
        """Raise Cut unless a byte may be written for this access at this very instant."""
        now = self.clock.now_ns()
        if (found := self._shut() or self._standing(holding, now)) is not None:
            raise Cut(found)

    def permits_last_words(self, holding: Holding) -> bool:
        """Whether it may still be said that an access is cut: whatever the cause, not at or after the end."""
        return self.clock.now_ns() < holding.last_ns and not self.clock.jump_id

    def is_over(self, holding: Holding) -> bool:
        """Whether the very end has passed, the guard included."""
        return self.clock.now_ns() >= holding.ends_ns

    def _standing(self, holding: Holding, now: int) -> Refusal | None:
        access = holding.access
        if access.ended_at is not None:
            return Refusal.ENDED
        if now >= holding.last_ns:
            return Refusal.WINDOW_CLOSED
        if now < holding.begins_ns:
            return Refusal.NOT_BEGUN
        return Refusal.SUSPENDED if access.suspended_at is not None else None
