"""What the gateway decides: who holds which key, whether a call may begin, what it reserves and what it is charged."""

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from clearinghouse.core.errors import Conflict, Invalid, NotPermitted
from clearinghouse.core.ids import PartyId, has_shape
from clearinghouse.gateway.records import Access

PURPOSES = ("probe", "practice", "sealed_run", "partner")
_UPSTREAM = re.compile(r"[a-z0-9-]{1,32}")
_CAUSE = re.compile(r"[a-z_]{1,40}")
_SAMPLE = re.compile(r"[A-Za-z0-9._:-]{1,64}")
_KEY_BYTES_MAX = 200


class Refusal(StrEnum):
    """Why a call is not forwarded; the code that a client reads."""

    UNKNOWN_KEY = "unknown_key"
    NOT_BEGUN = "window_not_open"
    WINDOW_CLOSED = "window_closed"
    SUSPENDED = "suspended"
    ENDED = "ended"
    PURPOSE = "purpose_not_served"
    BUDGET = "budget_exhausted"
    AT_ONCE = "too_many_at_once"
    CLOCK = "clock_jumped"
    STALE = "accesses_unreadable"
    JOURNAL = "journal_unavailable"
    UPSTREAM = "upstream_unavailable"
    ENDING = "gateway_ending"


STATUS: Mapping[Refusal, int] = {
    Refusal.UNKNOWN_KEY: 401, Refusal.NOT_BEGUN: 403, Refusal.WINDOW_CLOSED: 403, Refusal.SUSPENDED: 403, Refusal.ENDED: 403,
    Refusal.PURPOSE: 403, Refusal.BUDGET: 402, Refusal.AT_ONCE: 429, Refusal.CLOCK: 503, Refusal.STALE: 503, Refusal.JOURNAL: 503,
    Refusal.UPSTREAM: 503, Refusal.ENDING: 503,
}
"""Refusal to the status of its answer (RFC 9110, 15)."""

WORDS: Mapping[Refusal, str] = {
    Refusal.UNKNOWN_KEY: "this key opens nothing here (any more)",
    Refusal.NOT_BEGUN: "the window of this access has not begun",
    Refusal.WINDOW_CLOSED: "the window of this access is over",
    Refusal.SUSPENDED: "this access is suspended",
    Refusal.ENDED: "this access was ended",
    Refusal.PURPOSE: "the upstream of this access does not serve its purpose",
    Refusal.BUDGET: "what this call could use is more than is left of the access",
    Refusal.AT_ONCE: "this access has as many calls open as it may have; wait for one to end",
    Refusal.CLOCK: "the gateway does not know what time it is; its operator has to say so",
    Refusal.STALE: "the gateway cannot read which accesses stand; it serves none meanwhile",
    Refusal.JOURNAL: "the gateway cannot keep its journal; it forwards nothing meanwhile",
    Refusal.UPSTREAM: "the model cannot be reached",
    Refusal.ENDING: "the gateway is ending",
}


@dataclass(frozen=True, slots=True)
class Charge:
    """What a call is charged, of what it had reserved."""

    prompt_tokens: int
    completion_tokens: int
    truncated: bool


def render_key(access_id: str, secret: str) -> str:
    """A key as its holder gets it, once."""
    return f"ch.{access_id}.{secret}"


def read_key(untrusted: str) -> tuple[str, str]:
    """The access a key names, and its secret; two empty texts where it is of another shape."""
    start, _, rest = untrusted.partition(".")
    access_id, _, secret = rest.partition(".")
    if start != "ch" or not secret or len(untrusted) > _KEY_BYTES_MAX or not has_shape(access_id):
        return "", ""
    return access_id, secret


def hash_secret(secret: str) -> str:
    """What is kept of a key's secret: 256 random bits need no slow hash."""
    return hashlib.sha256(b"clearinghouse/access/v1\0" + secret.encode("utf-8", "replace")).hexdigest()


def opens(secret: str, kept_hash: str) -> bool:
    """Whether a secret is the one a hash was kept of."""
    return hmac.compare_digest(hash_secret(secret), kept_hash)


def standing(access: Access, now: datetime) -> Refusal | None:
    """Why an access does not stand at `now`; None where it does. The end itself is outside: `[begins_at, ends_at)`."""
    if access.ended_at is not None:
        return Refusal.ENDED
    if now >= access.ends_at:
        return Refusal.WINDOW_CLOSED
    if now < access.begins_at:
        return Refusal.NOT_BEGUN
    return Refusal.SUSPENDED if access.suspended_at is not None else None


def reservation(body_bytes: int, completion_tokens: int, tokens_per_byte: float) -> tuple[int, int]:
    """Tokens held for a prompt of so many bytes and for the longest answer it may get."""
    return int(body_bytes * tokens_per_byte) + 1, completion_tokens


def charge(reserved: tuple[int, int], reported: tuple[int, int] | None, *, whole: bool) -> Charge:
    """What a call is charged: what the upstream says it used, never more than was reserved.

    Args:
        reported: prompt and completion tokens as the upstream counts them; None where it did not say.
        whole: whether the answer came to its own end.
    """
    prompt, completion = reserved
    if reported is None or not whole:
        return Charge(prompt, completion, truncated=True)
    # An account above the reservation would let a budget be exceeded after the fact; what was said is kept in the journal beside.
    used_completion = min(reported[1], completion)
    return Charge(min(reported[0], prompt), used_completion, truncated=False)


def check_grant(
    purpose: str, upstream: str, begins_at: datetime, ends_at: datetime, tokens_max: int, calls_max: int, now: datetime
) -> None:
    """Raise Invalid unless an access can be granted so."""
    if purpose not in PURPOSES:
        raise Invalid(f"an access is for one of {', '.join(PURPOSES)}; found {purpose[:40]!r}")
    if not _UPSTREAM.fullmatch(upstream):
        raise Invalid(f"an upstream's name is 1 to 32 small letters, digits and dashes; found {upstream[:40]!r}")
    if not begins_at < ends_at:
        raise Invalid(f"an access begins before it ends; found {begins_at.isoformat()} and {ends_at.isoformat()}")
    if ends_at <= now:
        raise Invalid(f"an access ends in the future; {ends_at.isoformat()} is past")
    if not 0 < tokens_max <= 2**53 or not 0 < calls_max <= 2**53:
        raise Invalid("an access has a budget: tokens_max and calls_max are above 0")


def check_cause(cause: str) -> None:
    """Raise Invalid unless a cause is one word of ours; it stands on the record."""
    if not _CAUSE.fullmatch(cause):
        raise Invalid("a cause is one word of small letters and underscores, such as `incident`")


def check_may_restore(access: Access, house: PartyId, suspender: PartyId | None) -> None:
    """Raise unless a suspended access may be restored by somebody of this house.

    Args:
        house: organisation of who asks, or who asks where it belongs to none.
        suspender: the same of who suspended; None where a program did.
    Raises:
        Conflict: it is not suspended, or has ended.
        NotPermitted: another house suspended it, and only that one restores.
    """
    if access.ended_at is not None or access.suspended_at is None:
        raise Conflict("this access is not suspended" if access.ended_at is None else "this access has ended; what ended does not come back")
    if suspender is not None and suspender != house:
        raise NotPermitted("another organisation suspended this access; who suspends restores")


def read_sample(untrusted: str) -> str:
    """The opaque id a runner counts by; empty where there is none.

    Raises:
        Invalid: it has another shape.
    """
    if untrusted and not _SAMPLE.fullmatch(untrusted):
        raise Invalid("X-Clearinghouse-Sample takes 1 to 64 letters, digits and . _ : -")
    return untrusted
