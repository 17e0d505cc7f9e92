"""How a commitment is made and what opens it. Pure; the construction is written out in docs/reference/commitments.md.

    section   = SHA3-256("clearinghouse/commit/section/v1" 00 nonce JCS({"name", "sha3_256", "size"}))
    digest    = SHA3-256("clearinghouse/commit/v1" 00 nonce JCS({"context", "format", "key", "sections": {name: section}}))
    signature = Ed25519("clearinghouse/commit/signature/v1" 00 digest context)

Each nonce is 32 random bytes and each digest 32, so that the last part alone has a length that varies: what is hashed
can be read in one way only. JCS is RFC 8785. The finder's key stands inside: whoever repeats another's digest can never
open it as its own. The context is the origin of the log it is meant for.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import rfc8785
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from clearinghouse.core.errors import Invalid
from clearinghouse.core.policy import CommitmentPolicy
from clearinghouse.disclosure.intake.commitments.records import (
    COMMITMENT_FORMAT,
    OPENING_FORMAT,
    REPORT,
    Claim,
    Commitment,
    CommitmentState,
    Opening,
    SectionOpening,
)

NONCE_BYTES = 32
_DIGEST_BYTES = 32
_SECTION_DOMAIN = b"clearinghouse/commit/section/v1\0"
_DOMAIN = b"clearinghouse/commit/v1\0"
_SIGNATURE_DOMAIN = b"clearinghouse/commit/signature/v1\0"
_NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")
_HEX = re.compile(r"[0-9a-f]{64}")


def commit_section(name: str, data: bytes, nonce: bytes) -> bytes:
    """The digest of one section."""
    _check_nonce(nonce)
    described: dict[str, Any] = {"name": name, "sha3_256": hashlib.sha3_256(data).hexdigest(), "size": len(data)}
    return hashlib.sha3_256(_SECTION_DOMAIN + nonce + rfc8785.dumps(described)).digest()


def commit(document: Mapping[str, Any], nonce: bytes) -> bytes:
    """The digest that goes on the record.

    Raises:
        Invalid: the document has no canonical form (RFC 8785).
    """
    _check_nonce(nonce)
    try:
        return hashlib.sha3_256(_DOMAIN + nonce + rfc8785.dumps(dict(document))).digest()
    except (rfc8785.CanonicalizationError, UnicodeEncodeError, RecursionError) as error:
        raise Invalid(f"the document of a commitment has no canonical form (RFC 8785): {type(error).__name__}") from error


def render_document(context: str, public_key: bytes, sections: Mapping[str, bytes]) -> dict[str, Any]:
    """The document that is committed to, from the digests of its sections."""
    return {
        "context": context, "format": COMMITMENT_FORMAT, "key": "ed25519:" + public_key.hex(),
        "sections": {name: digest.hex() for name, digest in sections.items()},
    }


def signed_bytes(digest: bytes, context: str) -> bytes:
    """What the finder's key signs."""
    return _SIGNATURE_DOMAIN + digest + context.encode()


def make(
    sections: Mapping[str, bytes], *, context: str, key: Ed25519PrivateKey, nonce: bytes, section_nonces: Mapping[str, bytes]
) -> tuple[Claim, Opening]:
    """What goes on the record now, and what its finder keeps to open it with.

    Args:
        sections: the bytes of each by name; `report` is among them.
        nonce: 32 random bytes, as is each of `section_nonces`; the caller draws them.
    Raises:
        Invalid: a name is none, or there is no `report`.
    """
    _check_names(sections)
    public_key = key.public_key().public_bytes_raw()
    digests = {name: commit_section(name, data, section_nonces[name]) for name, data in sections.items()}
    document = render_document(context, public_key, digests)
    digest = commit(document, nonce)
    opening = Opening(document, nonce, {name: SectionOpening(section_nonces[name], data) for name, data in sections.items()})
    return Claim(digest, public_key, key.sign(signed_bytes(digest, context))), opening


def check_claim(claim: Claim, context: str) -> None:
    """Raise Invalid unless a claim has the right lengths and its key signed it for this log."""
    if len(claim.digest) != _DIGEST_BYTES or len(claim.public_key) != 32 or len(claim.signature) != 64:
        raise Invalid("a commitment is a digest of 32 bytes, an Ed25519 key of 32 and a signature of 64, each in hexadecimal")
    try:
        Ed25519PublicKey.from_public_bytes(claim.public_key).verify(claim.signature, signed_bytes(claim.digest, context))
    except (InvalidSignature, ValueError):
        raise Invalid(f"the signature does not verify: sign digest and context with the key you name; the context here is {context!r}") from None


def check_opening(opening: Opening, commitment: Claim, context: str) -> dict[str, str]:
    """The digest of every section in hexadecimal, once the opening is found to be one of this commitment.

    Raises:
        Invalid: it opens something else, is meant for another log or key, or a section is not what was committed to.
    """
    document = opening.document
    if set(document) != {"context", "format", "key", "sections"} or document["format"] != COMMITMENT_FORMAT:
        raise Invalid(f"the document of a commitment has the members context, format ({COMMITMENT_FORMAT}), key and sections, and no others")
    sections = document["sections"]
    if not isinstance(sections, Mapping):
        raise Invalid("`sections` is an object: names, each with the digest of its section in hexadecimal")
    _check_names(sections)
    named = {str(name): value for name, value in sections.items() if isinstance(value, str) and _HEX.fullmatch(value)}
    if len(named) != len(sections):
        raise Invalid("every digest under `sections` is 64 hexadecimal digits, in lower case")
    if len(opening.nonce) != NONCE_BYTES or not hmac.compare_digest(commit(document, opening.nonce), commitment.digest):
        raise Invalid("this document and nonce are not what was committed to; nothing was kept")
    if document["context"] != context:
        raise Invalid(f"it was made for another log; the one here is {context!r}")
    if document["key"] != "ed25519:" + commitment.public_key.hex():
        raise Invalid("another key stands inside: it is somebody else's commitment, recorded again")
    if not opening.sections:
        raise Invalid("no section is opened; open `report` first, or all of them")
    for name, section in opening.sections.items():
        expected = named.get(name)
        if expected is None:
            raise Invalid(f"there is no section {name[:32]!r} in it; there are: {', '.join(sorted(named))}")
        if len(section.nonce) != NONCE_BYTES or not hmac.compare_digest(commit_section(name, section.data, section.nonce).hex(), expected):
            raise Invalid(f"the section {name!r} is not what was committed to; nothing was kept")
    return named


def due_at(asked: datetime | None, now: datetime, policy: CommitmentPolicy) -> datetime:
    """The instant by which it has to be opened.

    Raises:
        Invalid: the instant asked for is past or too far off.
    """
    if asked is None:
        return now + timedelta(days=policy.open_days)
    if not now < asked <= now + timedelta(days=policy.open_days_max):
        raise Invalid(f"a commitment is opened within {policy.open_days_max} days of its record; name an instant in that time, or none")
    return asked


def state_of(commitment: Commitment, now: datetime) -> CommitmentState:
    """Where a commitment stands at an instant."""
    names = {section.name for section in commitment.sections}
    if commitment.sections and len(names) == commitment.sections_total:
        return CommitmentState.OPENED
    if commitment.withdrawn_at is not None:
        return CommitmentState.WITHDRAWN
    if REPORT not in names and now >= commitment.due_at:
        return CommitmentState.OVERDUE
    return CommitmentState.PARTLY if names else CommitmentState.HELD


def counts_from(commitment: Commitment, reports: int, policy: CommitmentPolicy) -> datetime | None:
    """The instant a report counts as known to its finder from, by its commitment; None where it gives no earlier one.

    A commitment opened late, or one that holds many guesses at once, is worth no more than the receipt.
    """
    opened = next((section for section in commitment.sections if section.name == REPORT), None)
    if opened is None or opened.late or commitment.withdrawn_at is not None or not 1 <= reports <= policy.findings_max:
        return None
    return commitment.at


def render_opening(opening: Opening) -> dict[str, Any]:
    """The JSON object of an opening, bytes in hexadecimal and base64."""
    return {
        "format": OPENING_FORMAT, "document": dict(opening.document), "nonce": opening.nonce.hex(),
        "sections": {
            name: {"nonce": section.nonce.hex(), "data": base64.b64encode(section.data).decode()} for name, section in opening.sections.items()
        },
    }


def parse_claim(untrusted: Mapping[str, Any]) -> Claim:
    """A claim from its JSON object; nothing of it is believed yet.

    Raises:
        Invalid: it has another form.
    """
    return Claim(
        parse_hex(untrusted.get("digest"), _DIGEST_BYTES, "`digest`"), parse_hex(untrusted.get("public_key"), 32, "`public_key`"),
        parse_hex(untrusted.get("signature"), 64, "`signature`"),
    )


def parse_opening(untrusted: object) -> Opening:
    """An opening from its JSON object; nothing of it is believed yet.

    Raises:
        Invalid: it has another form.
    """
    if not isinstance(untrusted, Mapping) or untrusted.get("format") != OPENING_FORMAT:
        raise Invalid(f"an opening is a JSON object whose `format` is {OPENING_FORMAT!r}")
    document, sections = untrusted.get("document"), untrusted.get("sections")
    if not isinstance(document, Mapping) or not isinstance(sections, Mapping) or set(untrusted) != {"format", "document", "nonce", "sections"}:
        raise Invalid("an opening has the members format, document, nonce and sections, and no others")
    opened = {}
    for name, section in sections.items():
        if not isinstance(section, Mapping) or set(section) != {"nonce", "data"}:
            raise Invalid("each section of an opening has a nonce and its data")
        opened[str(name)] = SectionOpening(parse_hex(section["nonce"], NONCE_BYTES, "a nonce"), _parse_base64(section["data"]))
    return Opening(dict(document), parse_hex(untrusted["nonce"], NONCE_BYTES, "the nonce"), opened)


def parse_hex(untrusted: object, size: int, what: str) -> bytes:
    """Bytes from hexadecimal digits.

    Raises:
        Invalid: they are none, or not so many.
    """
    if not isinstance(untrusted, str) or len(untrusted) != 2 * size or not re.fullmatch(r"[0-9a-fA-F]+", untrusted):
        raise Invalid(f"{what} is {2 * size} hexadecimal digits")
    return bytes.fromhex(untrusted)


def _parse_base64(untrusted: object) -> bytes:
    try:
        return base64.b64decode(untrusted, validate=True) if isinstance(untrusted, str) else _no_base64()
    except (binascii.Error, ValueError):
        return _no_base64()


def _no_base64() -> bytes:
    raise Invalid("the data of a section is base64 (RFC 4648, section 4)")


def _check_nonce(nonce: bytes) -> None:
    if len(nonce) != NONCE_BYTES:
        raise Invalid(f"a nonce is {NONCE_BYTES} random bytes; without them a guess could be checked against the digest")


def _check_names(sections: Mapping[Any, object]) -> None:
    bad = next((name for name in sections if not isinstance(name, str) or not _NAME.fullmatch(name)), None)
    if bad is not None:
        raise Invalid(f"{str(bad)[:40]!r} is no name of a section: lower-case letters, digits and _, at most 32")
    if REPORT not in sections:
        raise Invalid("a commitment has a section `report`: the document that is handed in when it is opened")
