"""DSSE envelopes (Dead Simple Signing Envelope, protocol v1.0.2), signed with Ed25519."""

import base64
import binascii
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import rfc8785
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from clearinghouse.core.errors import Invalid

PAYLOAD_TYPE = "application/vnd.in-toto+json"
_ENVELOPE_BYTES_MAX = 20_000_000  # a bound on what a reader of the format takes, not a policy
_SIGNATURES_MAX = 100


@dataclass(frozen=True, slots=True)
class Signed:
    """A statement and who signed it."""

    statement: dict[str, Any]
    digest: str
    """`sha256:HEX` of the envelope's payload."""
    keys: tuple[bytes, ...]
    """Raw public keys, of those asked about, whose signature holds."""


def key_id(public_key: bytes) -> str:
    """The id of a key: SHA-256 of its raw bytes, in hexadecimal."""
    return hashlib.sha256(public_key).hexdigest()


def sign_statement(statement: dict[str, Any], signer: Ed25519PrivateKey) -> bytes:
    """The envelope of a statement, as bytes to keep: canonical JSON within, so that the same statement has the same digest."""
    payload = rfc8785.dumps(statement)
    return render_envelope(payload, {signer.public_key().public_bytes_raw(): sign_payload(payload, signer)})


def sign_payload(payload: bytes, signer: Ed25519PrivateKey) -> bytes:
    """The raw signature over a payload, for who signs what others sign too."""
    return signer.sign(pre_authentication(PAYLOAD_TYPE, payload))


def signature_holds(payload: bytes, public_key: bytes, untrusted_signature: bytes) -> bool:
    """Whether a raw signature over a payload is this key's."""
    return _holds(public_key, pre_authentication(PAYLOAD_TYPE, payload), untrusted_signature)


def render_envelope(payload: bytes, signatures: Mapping[bytes, bytes]) -> bytes:
    """One envelope of a payload and everybody's signatures, by raw public key."""
    envelope: dict[str, Any] = {
        "payloadType": PAYLOAD_TYPE, "payload": base64.b64encode(payload).decode(),
        "signatures": [{"keyid": key_id(key), "sig": base64.b64encode(made).decode()} for key, made in signatures.items()],
    }
    return rfc8785.dumps(envelope)


def check_envelope(untrusted_bytes: bytes, public_keys: Iterable[bytes]) -> Signed:
    """The statement of an envelope that at least one of these keys signed.

    Raises:
        Invalid: it is no envelope of an in-toto statement, or none of these keys signed it.
    """
    wrong = "a DSSE envelope is a JSON object with payloadType, payload and signatures"
    if len(untrusted_bytes) > _ENVELOPE_BYTES_MAX:
        raise Invalid(f"an envelope is at most {_ENVELOPE_BYTES_MAX} bytes long; this one has {len(untrusted_bytes)}")
    try:
        envelope = json.loads(untrusted_bytes)
        payload_type, signatures = envelope["payloadType"], envelope["signatures"]
        payload = _decoded(envelope["payload"])
        signed = [_decoded(each["sig"]) for each in signatures[:_SIGNATURES_MAX]]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise Invalid(f"{wrong}; found something else ({type(error).__name__})") from None
    if payload_type != PAYLOAD_TYPE:
        raise Invalid(f"the envelope holds another kind of payload than {PAYLOAD_TYPE}")
    text = pre_authentication(PAYLOAD_TYPE, payload)
    held = tuple(key for key in public_keys if any(_holds(key, text, signature) for signature in signed))
    if not held:
        raise Invalid("none of the keys that were given signed this envelope")
    # Only now: what nobody vouches for is not read.
    try:
        statement = json.loads(payload)
    except (ValueError, RecursionError):
        raise Invalid("the payload is signed and is no JSON") from None
    if not isinstance(statement, dict) or statement.get("_type") != "https://in-toto.io/Statement/v1":
        raise Invalid("the payload is signed and is no in-toto statement of version 1")
    return Signed(statement, "sha256:" + hashlib.sha256(payload).hexdigest(), held)


def pre_authentication(payload_type: str, payload: bytes) -> bytes:
    """What is signed (DSSE, "PAE")."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        # The protocol lets an envelope use either alphabet.
        return base64.b64decode(text.encode().translate(bytes.maketrans(b"-_", b"+/")) + b"=" * (-len(text) % 4), validate=True)


def _holds(key: bytes, text: bytes, signature: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, text)
    except (InvalidSignature, ValueError):
        return False
    return True
