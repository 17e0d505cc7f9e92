"""An entry of the journal, and the chain of hashes that binds each to all before it."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import msgspec

from clearinghouse.core.errors import Invalid


class Kind(StrEnum):
    """What an entry tells of."""

    OPENED = "opened"
    """A gateway took the journal up."""
    ADMITTED = "admitted"
    """A call is about to be forwarded: durable before its first byte leaves. Tokens are those reserved."""
    SETTLED = "settled"
    """A call is over. Tokens are those charged."""
    LOST = "lost"
    """A call that was open when the gateway was stopped: charged with all it had reserved."""
    REFUSED = "refused"
    """Calls not admitted, counted together over a short while."""
    LATE = "late"
    """A byte was handed to the system before the end, and the system came back after it."""
    CLOCK_JUMPED = "clock_jumped"
    CLOCK_ACCEPTED = "clock_accepted"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the journal."""

    at_ns: int
    """By the gateway's clock, since 1970."""
    kind: Kind
    access_id: str = ""
    call_id: str = ""
    sample: str = ""
    """A runner's own opaque id."""
    upstream: str = ""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    calls: int = 0
    """How many calls the entry counts: 1 where one is admitted, more where refusals are counted together."""
    outcome: str = ""
    """One of our own words."""
    request_digest: str = ""
    """Keyed: who holds the journal alone cannot try out guesses."""
    answer_digest: str = ""
    details: str = ""
    """Canonical JSON of further numbers and words of ours; empty where there are none."""

    def values(self) -> tuple[Any, ...]:
        """The fields in their order, as they are kept and hashed."""
        return (
            self.at_ns, self.kind, self.access_id, self.call_id, self.sample, self.upstream, self.prompt_tokens, self.completion_tokens,
            self.calls, self.outcome, self.request_digest, self.answer_digest, self.details,
        )


COLUMNS = (
    "at_ns", "kind", "access_id", "call_id", "sample", "upstream", "prompt_tokens", "completion_tokens", "calls", "outcome",
    "request_digest", "answer_digest", "details",
)


def render_details(**found: int | str | bool | None) -> str:
    """Further numbers and words in one form: what is empty is left out."""
    kept = {name: value for name, value in sorted(found.items()) if value not in (None, "", False)}
    return msgspec.json.encode(kept).decode() if kept else ""


def first_hash(gateway_id: str) -> str:
    """What the chain of a gateway begins with."""
    return hashlib.sha256(b"clearinghouse/gateway/journal/v1\0" + gateway_id.encode()).hexdigest()


def next_hash(before: str, number: int, values: Iterable[Any]) -> str:
    """The hash of an entry: over the one before it, its number and all its fields."""
    return hashlib.sha256(bytes.fromhex(before) + msgspec.json.encode([number, *values])).hexdigest()


class Chain:
    """Walks a journal and holds every entry against the ones before it."""

    def __init__(self, gateway_id: str) -> None:
        self.entries, self.head = 0, first_hash(gateway_id)

    def follow(self, number: int, values: tuple[Any, ...], kept_hash: str) -> None:
        """Take the next entry.

        Raises:
            Invalid: one is missing before it, or it is not as it was written.
        """
        if number != self.entries + 1:
            raise Invalid(f"entry {self.entries + 1} of the journal is missing: the next one found is {number}")
        found = next_hash(self.head, number, values)
        if found != kept_hash:
            raise Invalid(f"entry {number} of the journal, or one before it, is not as it was written")
        self.entries, self.head = number, found
