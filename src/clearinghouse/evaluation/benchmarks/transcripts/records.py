"""A transcript, and what a person finds in one."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

import rfc8785

from clearinghouse.core.ids import PartyId, RunId

VERSION = 1


@dataclass(frozen=True, slots=True)
class Transcript:
    """Everything of a sample, in order, as plain JSON values. Untrusted and sealed, whole."""

    engine: str
    messages: tuple[Mapping[str, Any], ...] = field(default=(), repr=False)
    """As the model was sent and answered them: role, content, tool calls."""
    responses: tuple[Mapping[str, Any], ...] = field(default=(), repr=False)
    """Of each answer of the model: its name and build as told, why it ended, tokens."""
    tools: tuple[Mapping[str, Any], ...] = field(default=(), repr=False)
    """Of each tool call: what was run, how it ended."""

    def render(self) -> bytes:
        """Canonical JSON: the same transcript is the same bytes everywhere (RFC 8785)."""
        return rfc8785.dumps(plain({
            "version": VERSION, "engine": self.engine, "messages": list(self.messages), "responses": list(self.responses), "tools": list(self.tools),
        }))


def digest_of(rendered: bytes) -> str:
    """What the ledger has of a transcript."""
    return "sha256:" + hashlib.sha256(rendered).hexdigest()


def plain(value: Any) -> Any:
    """A JSON value that every reader and every database takes: no lone surrogates, no numbers beyond what JSON is sure of."""
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-8", "replace").decode()
    if isinstance(value, Mapping):
        return {plain(str(key)): plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int):
        return value if abs(value) < 2**53 else str(value)
    if isinstance(value, float):
        return value if value == value and abs(value) != float("inf") else str(value)
    return str(value)


class Flag(StrEnum):
    """Why a transcript comes before those that chance chose."""

    INCIDENT = "incident"
    UNGRADED = "ungraded"
    LOOKS_REFUSED = "looks_refused"
    """Words of a refusal, and nothing handed in: a refusal or an inability, people say."""
    LOOKS_COPIED = "looks_copied"
    """An answer that was right without a look at anything."""
    TESTS_CHANGED = "tests_changed"
    """Tests were deleted, emptied or told to pass."""
    MODEL_CHANGED = "model_changed"
    DRAWN = "drawn"
    """Chance chose it, by the seed in the plan."""


class Finding(StrEnum):
    """What a person says of a transcript."""

    FAIR = "fair"
    CHEATED = "cheated"
    """The answer was not earned: kept in the raw numbers, removed in the others."""
    UNCLEAR = "unclear"
    """Then it is neither solved nor unsolved, but bounded by both."""


@dataclass(frozen=True, slots=True)
class Reviewed:
    """One person's finding; the latest stands, earlier ones stay."""

    id: str
    sample_id: str
    run_id: RunId
    reviewer: PartyId
    finding: Finding
    at: datetime
    reason: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Queued:
    """A transcript that somebody should read. It does not say how the sample ended: a reader is not to know what the numbers would like."""

    sample_id: str
    run_id: RunId
    flags: tuple[Flag, ...]
    finding: Finding | None
    findings: int
    """How many persons spoke of it."""
