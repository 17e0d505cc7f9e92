"""An event: what happened to what, in ids and digests, never in embargoed words.

The row of an event is three things at once: the audit entry of the write it was committed with,
the leaf of the ledger, and the outbox from which later work starts (decision 8).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

Detail = str | int | float | bool | None | list["Detail"] | dict[str, "Detail"]


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened; `kind` is a past-tense name such as `ReportReceived`."""

    kind: str
    subjects: tuple[str, ...]
    """Opaque ids, the one it is about first. They appear in the public leaf."""
    details: Mapping[str, Detail] = field(default_factory=dict)
    """Digests, ids and words of ours. Kept beside the leaf, which holds only a commitment to them."""
