"""What custody speaks of."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NewType

from clearinghouse.core.ids import PackId, PartyId, ReviewCaseId, RunId

ReleaseAskId = NewType("ReleaseAskId", str)


class Purpose(StrEnum):
    """What items are opened for. Nothing opens without one."""

    SEALED_RUN = "sealed_run"
    """To be asked of a model in an engagement: counts as an exposure."""
    LEAK_SCAN = "leak_scan"
    """Canaries alone, to be looked for; no item leaves the process."""
    AUDIT = "audit"
    """To show that an item is the committed one, or that its controls hold."""


@dataclass(frozen=True, slots=True)
class ReleaseAsk:
    """Somebody asks custodians for their shares."""

    id: ReleaseAskId
    pack_id: PackId
    purpose: Purpose
    recipient: bytes
    """The run's own public key (X25519), made for this ask; the private one is in the runner's memory alone."""
    asked_by: PartyId
    asked_at: datetime
    until: datetime
    """No release lasts longer."""
    run_id: RunId | None = None
    review_id: ReviewCaseId | None = None
    """The engagement: what an exposure is counted for."""
    developer: PartyId | None = None
    """Whose model is asked: nobody of it is a custodian here."""
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Release:
    """A custodian's word, and its share in a box for the run."""

    ask_id: ReleaseAskId
    party: PartyId
    number: int
    box: bytes = field(repr=False)
    released_at: datetime
    until: datetime
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Exposure:
    """That an item was opened for an engagement, once however often it was opened."""

    item_id: str
    pack_id: PackId
    review_id: ReviewCaseId
    run_id: RunId
    first_at: datetime
