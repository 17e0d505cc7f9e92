"""Signed notes: a text with lines that sign it (c2sp.org/signed-note), Ed25519 (algorithm byte 01)."""

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from clearinghouse.core.errors import Invalid

_ED25519 = b"\x01"
_SECRET = "PRIVATE+KEY+"  # noqa: S105 - how a signer key begins, no key
_NAME = re.compile(r"[^\s+\x00-\x1f\ud800-\udfff]+")
_UNWRITTEN = re.compile(r"[\x00-\x09\x0b-\x1f\ud800-\udfff]")  # controls but the line feed, and what is no UTF-8
_NOTE_BYTES_MAX = 1_000_000  # a bound on what a parser of the format reads, not a policy
_SIGNATURES_MAX = 100


class NoteSigner(Protocol):
    """Whoever can sign a note."""

    @property
    def verifier(self) -> "NoteVerifier":
        """What checks this signer's signatures."""
        ...

    def sign(self, text: bytes) -> bytes:
        """The signature bytes that follow the key id."""
        ...


@dataclass(frozen=True, slots=True)
class NoteVerifier:
    """A name and a public key; written `name+hash+base64`."""

    name: str
    public_key: bytes

    @property
    def key_id(self) -> bytes:
        """The first four bytes of SHA-256 over name, line feed, algorithm and key."""
        return hashlib.sha256(self.name.encode() + b"\n" + _ED25519 + self.public_key).digest()[:4]

    def render(self) -> str:
        """The verifier key as text, for configuration and for handing to others."""
        return f"{self.name}+{self.key_id.hex()}+{base64.b64encode(_ED25519 + self.public_key).decode()}"

    def verify(self, text: bytes, signature: bytes) -> bool:
        """Whether the signature over the text is this key's."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public_key).verify(signature, text)
        except (InvalidSignature, ValueError):
            return False
        return True


def parse_verifier(untrusted_text: str) -> NoteVerifier:
    """The verifier of a `name+hash+base64` text.

    Raises:
        Invalid: it has another form, another algorithm, or a hash that is not the key's.
    """
    name, hashed, key = _parse_key(untrusted_text.strip(), "a verifier key has the form name+hash+base64")
    verifier = NoteVerifier(name, key)
    _check_key_id(verifier, hashed)
    return verifier


@dataclass(frozen=True)
class Ed25519Signer:
    """A signer with its private key in memory; written `PRIVATE+KEY+name+hash+base64`."""

    name: str
    seed: bytes = field(repr=False)

    def render_secret(self) -> str:
        """The signer key as text: whoever reads it can sign."""
        return f"{_SECRET}{self.name}+{self.verifier.key_id.hex()}+{base64.b64encode(_ED25519 + self.seed).decode()}"

    @property
    def verifier(self) -> NoteVerifier:
        return NoteVerifier(self.name, self._key().public_key().public_bytes_raw())

    def sign(self, text: bytes) -> bytes:
        return self._key().sign(text)

    def _key(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(self.seed)


def parse_signer(untrusted_text: str) -> Ed25519Signer:
    """The signer of a `PRIVATE+KEY+name+hash+base64` text.

    Raises:
        Invalid: it has another form, another algorithm, or a hash that is not the key's.
    """
    wrong = f"a signer key has the form {_SECRET}name+hash+base64"
    text = untrusted_text.strip()
    if not text.startswith(_SECRET):
        raise Invalid(f"{wrong}; it does not begin so")
    name, hashed, seed = _parse_key(text.removeprefix(_SECRET), wrong)
    signer = Ed25519Signer(name, seed)
    _check_key_id(signer.verifier, hashed)
    return signer


@dataclass(frozen=True, slots=True)
class Note:
    """A text and the signatures under it: (name, key id, signature)."""

    text: str
    """Ends with a line feed."""
    signatures: tuple[tuple[str, bytes, bytes], ...]


def sign_note(text: str, signers: Iterable[NoteSigner]) -> str:
    """The note of a text, signed.

    Raises:
        Invalid: the text does not end in a line feed or holds control characters, nobody signs, or a
            signer's name could not be read back.
    """
    if not text.endswith("\n") or _UNWRITTEN.search(text):
        raise Invalid("the text of a note ends with a line feed and holds no other control characters")
    lines = []
    for signer in signers:
        verifier = signer.verifier
        if not _NAME.fullmatch(verifier.name):
            raise Invalid(f"the name of a key is not empty and holds no spaces, `+` or control characters; found {verifier.name!r}")
        blob = base64.b64encode(verifier.key_id + signer.sign(text.encode())).decode()
        lines.append(f"\u2014 {verifier.name} {blob}\n")
    if not lines:
        raise Invalid("a note needs one signer or more; none was given")
    return text + "\n" + "".join(lines)


def parse_note(untrusted_note: str) -> Note:
    """The text and signatures of a note; nothing is verified yet.

    Raises:
        Invalid: it has another form.
    """
    if len(untrusted_note) > _NOTE_BYTES_MAX:
        raise Invalid(f"a note of {len(untrusted_note)} characters is not read; at most {_NOTE_BYTES_MAX}")
    if found := _UNWRITTEN.search(untrusted_note):
        raise Invalid(f"a note holds no control character but the line feed; found U+{ord(found[0]):04X} at {found.start()}")
    text, separator, tail = untrusted_note.rpartition("\n\n")
    if not separator or not tail.endswith("\n"):
        raise Invalid("a signed note is a text, an empty line and one or more signature lines")
    signatures = []
    for line in tail[:-1].split("\n"):
        parts = line.split(" ")
        if len(parts) != 3 or parts[0] != "\u2014" or not _NAME.fullmatch(parts[1]):
            raise Invalid(f"a signature line reads `\u2014 name base64`; found {line[:60]!r}")
        blob = parse_base64(parts[2], f"the signature of {parts[1][:60]}")
        if len(blob) < 5:
            raise Invalid(f"the signature of {parts[1][:60]} is {len(blob)} bytes long; 5 or more are needed")
        signatures.append((parts[1], blob[:4], blob[4:]))
    if len(signatures) > _SIGNATURES_MAX:
        raise Invalid(f"{len(signatures)} signatures; at most {_SIGNATURES_MAX} are read")
    return Note(text + "\n", tuple(signatures))


def verify_note(untrusted_note: str, verifiers: Iterable[NoteVerifier]) -> str:
    """The text of a note that at least one of the verifiers signed.

    Raises:
        Invalid: none did, or a signature that claims to be theirs is wrong.
    """
    note = parse_note(untrusted_note)
    known = {(verifier.name, verifier.key_id): verifier for verifier in verifiers}
    good = 0
    for name, identity, signature in note.signatures:
        verifier = known.get((name, identity))
        if verifier is None:
            continue  # Signatures by unknown keys are ignored (c2sp.org/signed-note).
        if not verifier.verify(note.text.encode(), signature):
            raise Invalid(f"the signature of {name} does not fit the text: one of the two was altered")
        good += 1
    if not good:
        names = ", ".join(f"{name[:60]} ({identity.hex()})" for name, identity, _ in note.signatures[:5])
        expected = ", ".join(f"{name} ({identity.hex()})" for name, identity in known) or "none"
        raise Invalid(f"signed by {names}, none of which is a key that was given: {expected}")
    return note.text


def parse_base64(untrusted_text: str, what: str) -> bytes:
    """The bytes of a base64 text in its one right spelling (RFC 4648, 4, with 3.5: no stray bits in the padding).

    Raises:
        Invalid: it is none; the message begins with `what`.
    """
    try:
        decoded = base64.b64decode(untrusted_text, validate=True)
    except (binascii.Error, ValueError):
        raise Invalid(f"{what} is no base64") from None
    if base64.b64encode(decoded).decode() != untrusted_text:
        # One proof, one text: stray padding bits would let an altered file pass as the same.
        raise Invalid(f"{what} is no canonical base64")
    return decoded


def _parse_key(untrusted_text: str, wrong: str) -> tuple[str, str, bytes]:
    parts = untrusted_text.split("+", 2)
    if len(parts) != 3 or not _NAME.fullmatch(parts[0]):
        raise Invalid(f"{wrong} (c2sp.org/signed-note); found {len(parts)} parts")
    key = parse_base64(parts[2], "the last part of a key")
    if len(key) != 33 or key[:1] != _ED25519:
        raise Invalid(f"only Ed25519 keys are read: a 01 byte and 32 bytes of key; found {len(key)} bytes")
    return parts[0], parts[1], key[1:]


def _check_key_id(verifier: NoteVerifier, hashed: str) -> None:
    if verifier.key_id.hex() != hashed:
        raise Invalid(f"the key's hash is {verifier.key_id.hex()}, the text says {hashed[:16]!r}: it was altered or mistyped")
