"""What packs speak of."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from clearinghouse.core.ids import PackId, PartyId
from clearinghouse.evaluation.benchmarks.records import Domain


class RetiredFor(StrEnum):
    """Why an item or a pack is opened no more."""

    EXPOSURE = "exposure"
    """It was opened for as many engagements as policy allows; the last of them goes on."""
    LEAK = "leak"
    """Its canary was found outside the vault."""
    PERSON = "person"
    """Somebody said so, with a reason."""


@dataclass(frozen=True, slots=True)
class CustodianKey:
    """A custodian's public key; the private one never leaves the custodian's own file."""

    id: str
    party: PartyId
    public_key: bytes
    """Raw X25519."""
    registered_at: datetime
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Pack:
    """A sealed pack, as those may know it who may know that it exists."""

    id: PackId
    name: str
    version: int
    """Among packs of this name, from 1 on."""
    sealed_at: datetime
    sealed_by: PartyId
    root: bytes
    """RFC 6962 root over the commitments to its items, in their order; on the ledger since `sealed_at`."""
    items: int
    threshold: int
    """So many custodians must release before an item opens."""
    shares: int
    retired_at: datetime | None = None
    retired_for: RetiredFor | None = None


@dataclass(frozen=True, slots=True)
class PackedItem:
    """What stands beside a sealed item in the clear."""

    id: str
    pack_id: PackId
    place: int
    """Of its leaf, from 0 on."""
    family: str
    domain: Domain
    commitment: bytes
    """SHA-256 over salt and item; the salt is sealed with the item."""
    exposures: int = 0
    """Engagements that it was opened for."""
    retired_at: datetime | None = None
    retired_for: RetiredFor | None = None


@dataclass(frozen=True, slots=True)
class SealedItem:
    """An item as it lies in the database."""

    item: PackedItem
    item_key: bytes = field(repr=False)
    """Its own key, under the pack's key."""
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class SealedShare:
    """A share of a pack's key, in a box that only its custodian opens."""

    pack_id: PackId
    party: PartyId
    number: int
    """Where the sharing polynomial was read, from 1 on."""
    key_id: str
    """The custodian's key that the box is for."""
    box: bytes = field(repr=False)
    digest: bytes = field(repr=False)
    """SHA-256 of the share, so that a wrong one can be named."""


@dataclass(frozen=True, slots=True)
class Made:
    """A pack as it was made, before it is kept."""

    pack: Pack
    items: tuple[SealedItem, ...]
    shares: tuple[SealedShare, ...]
    ids: Mapping[str, str] = field(default_factory=dict)
    """Id of the item that was handed in to its id in the pack."""
