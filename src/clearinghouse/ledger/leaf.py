"""A leaf: what the world may see of an event - opaque ids, a minute, and a commitment.

The commitment hides the details behind 32 random bytes, so that a guessed report cannot be
confirmed from the log, and binds them, so that they can be opened to whoever may see them.
Erasing nonce and details later leaves the leaf, and the tree, as they are.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime

import rfc8785

from clearinghouse.core.errors import Invalid
from clearinghouse.core.events import Detail

_DOMAIN = b"clearinghouse/event/v1\0"
NONCE_BYTES = 32


def render_details(details: Mapping[str, Detail]) -> str:
    """The details in canonical form (RFC 8785).

    Raises:
        Invalid: they hold a number beyond 2^53, no number at all (NaN), or text that is no UTF-8.
    """
    try:
        return rfc8785.dumps(dict(details)).decode() if details else "{}"
    except (rfc8785.CanonicalizationError, UnicodeEncodeError) as error:
        raise Invalid(f"the details of an event have no canonical form (RFC 8785): {type(error).__name__}") from error


def commit(details: str, nonce: bytes) -> bytes:
    """The commitment to canonical details: SHA3-256 over domain, nonce and details; the lengths are fixed but the last."""
    assert len(nonce) == NONCE_BYTES, "a commitment needs a nonce of 32 bytes"
    return hashlib.sha3_256(_DOMAIN + nonce + details.encode()).digest()


def open_commitment(commitment: bytes, details: str, nonce: bytes) -> bool:
    """Whether these details and this nonce are what was committed to."""
    return len(nonce) == NONCE_BYTES and hmac.compare_digest(commit(details, nonce), commitment)


def render_leaf(event_id: str, kind: str, at: datetime, actor: str, subjects: tuple[str, ...], commitment: bytes) -> bytes:
    """The bytes of a leaf: canonical JSON (RFC 8785) of exactly these fields.

    The instant is cut to the minute: the order of leaves is public, the second of a report is not.
    """
    assert at.tzinfo is not None, "the instant of a leaf needs a zone"
    leaf = {
        "actor": actor,
        "at": at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:00Z"),
        "commitment": base64.b64encode(commitment).decode(),
        "event": event_id,
        "kind": kind,
        "subjects": list(subjects),
        "v": 1,
    }
    # Keys above stand in canonical order and every value is text or a small integer, so this is
    # RFC 8785 (a property test holds it to that); the library takes several times as long.
    return json.dumps(leaf, separators=(",", ":"), ensure_ascii=False).encode()
