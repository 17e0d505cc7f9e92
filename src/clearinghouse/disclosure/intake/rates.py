"""How much one sender may hand in within a while: by submissions and bytes, never by what they hold.

The counts are rows in the database, so that all processes of a server agree; those of a party are its submissions themselves, and cost
one statement in the commit that keeps them.
"""

import hashlib
import hmac
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from clearinghouse.core.errors import Unavailable
from clearinghouse.core.ids import PartyId
from clearinghouse.core.policy import RatePolicy
from clearinghouse.disclosure.intake import store
from clearinghouse.disclosure.intake.records import Sent
from clearinghouse.storage import Envelope, Transaction

_MEGABYTE = 1_000_000


class TooManySubmissions(Unavailable):
    """A sender has to wait before it sends more; nothing of this submission was kept."""

    def __init__(self, retry_at: datetime, now: datetime) -> None:
        self.seconds = max(1, -int(-(retry_at - now).total_seconds() // 1))
        super().__init__(
            f"more was sent within a short while than one sender may; nothing of this submission was kept: send it again in {self.seconds} "
            "seconds, and many findings in one file"
        )

    @property
    def headers(self) -> dict[str, str]:
        """What says so to a program (RFC 9110, 10.2.3)."""
        return {"Retry-After": str(self.seconds)}


@dataclass(slots=True)
class Allowance:
    """What the senders of one transaction may still hand in."""

    policy: RatePolicy
    now: datetime
    sent: dict[str, Sent]

    def check(self, reporter: PartyId, size_bytes: int) -> None:
        """Count one submission of a party.

        Raises:
            TooManySubmissions: the party has sent as much as it may.
        """
        so_far = self.sent.get(reporter, Sent(0, 0, self.now))
        check_may_send(so_far, self.policy.submissions_max, self.policy.megabytes_max, self.policy, self.now)
        self.sent[reporter] = Sent(so_far.submissions + 1, so_far.size_bytes + size_bytes, so_far.oldest_at)


def read_allowance(tx: Transaction, reporters: Collection[PartyId], policy: RatePolicy, now: datetime) -> Allowance:
    """What these parties may still send, in one statement.

    Two processes that commit in the same moment may let a few more through; what they kept counts from then on.
    """
    return Allowance(policy, now, store.sent_since(tx, reporters, now - timedelta(minutes=policy.window_minutes)))


def check_may_send(sent: Sent, submissions_max: int, megabytes_max: int, policy: RatePolicy, now: datetime) -> None:
    """Raise TooManySubmissions where as much was sent within a window as may be."""
    if sent.submissions >= submissions_max or sent.size_bytes >= megabytes_max * _MEGABYTE:
        raise TooManySubmissions(sent.oldest_at + timedelta(minutes=policy.window_minutes), now)


def count_anonymous(tx: Transaction, source: str, size_bytes: int, *, envelope: Envelope, policy: RatePolicy, now: datetime) -> None:
    """Count a submission of a stranger at an address, in the transaction that makes its receipt.

    Args:
        source: the address as it is counted (an IPv6 network of 64 bits as one); kept as a keyed hash.
    Raises:
        TooManySubmissions: strangers at this address have sent as much as they may.
    """
    length = policy.window_minutes * 60
    began_at = datetime.fromtimestamp(now.timestamp() // length * length, UTC)
    key = "sha256:" + hmac.new(envelope.index_key(), b"clearinghouse/intake-source/v1\0" + source.encode(), hashlib.sha256).hexdigest()
    sent = store.count_in_window(tx, key, began_at, size_bytes)
    before = Sent(sent.submissions - 1, sent.size_bytes - size_bytes, began_at)
    check_may_send(before, policy.anonymous_submissions_max, policy.anonymous_megabytes_max, policy, now)
