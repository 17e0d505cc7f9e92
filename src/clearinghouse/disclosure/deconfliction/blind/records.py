"""What the blind check speaks of: epochs with their published key, and batches that were evaluated."""

from dataclasses import dataclass, field
from datetime import datetime

from clearinghouse.core.ids import EpochId, EventId


@dataclass(frozen=True, slots=True)
class Epoch:
    """A time in which one key stands."""

    id: EpochId
    began_at: datetime
    ends_at: datetime
    public_key: bytes
    event: EventId
    """The event that published the key; its leaf holds the key."""
    through: int = 0
    """Number of the newest report whose forms were tagged; a name of ours, told to nobody."""

    @property
    def key(self) -> str:
        """As it stands in the leaf."""
        return "ristretto255:" + self.public_key.hex()


@dataclass(frozen=True, slots=True)
class OpenEpoch:
    """An epoch with its secret, for the length of one action."""

    epoch: Epoch
    seed: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Spent:
    """What an organisation asked so far."""

    today: int
    epoch: int
    """Batches."""
    refused: int
    """Refusals within the day."""
