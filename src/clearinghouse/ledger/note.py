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
_NAME = re.compile(r"[^\s+]+")
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
    parts = untrusted_text.strip().split("+", 2)
    wrong = "a verifier key has the form name+hash+base64 (c2sp.org/signed-note)"
    if len(parts) != 3 or not _NAME.fullmatch(parts[0]):
        raise Invalid(f"{wrong}; found {len(parts)} parts")
    try:
        key = base64.b64decode(parts[2], validate=True)
    except (binascii.Error, ValueError):
        raise Invalid(f"{wrong}; the third part is no base64") from None
    if len(key) != 33 or key[:1] != _ED25519:
        raise Invalid("only Ed25519 verifier keys are read: a 01 byte and 32 bytes of key")
    verifier = NoteVerifier(parts[0], key[1:])
    if verifier.key_id.hex() != parts[1].lower():
        raise Invalid(f"the key's hash is {verifier.key_id.hex()}, the text says {parts[1][:16]}: it was altered or mistyped")
    return verifier


@dataclass(frozen=True)
class Ed25519Signer:
    """A signer with its private key in memory."""

    name: str
    seed: bytes = field(repr=False)

    @property
    def verifier(self) -> NoteVerifier:
        return NoteVerifier(self.name, self._key().public_key().public_bytes_raw())

    def sign(self, text: bytes) -> bytes:
        return self._key().sign(text)

    def _key(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(self.seed)


@dataclass(frozen=True, slots=True)
class Note:
    """A text and the signatures under it: (name, key id, signature)."""

    text: str
    """Ends with a line feed."""
    signatures: tuple[tuple[str, bytes, bytes], ...]


def sign_note(text: str, signers: Iterable[NoteSigner]) -> str:
    """The note of a text, signed.

    Raises:
        Invalid: the text does not end in a line feed, or holds control characters.
    """
    if not text.endswith("\n") or any(ord(character) < 32 and character != "\n" for character in text):
        raise Invalid("the text of a note ends with a line feed and holds no other control characters")
    lines = []
    for signer in signers:
        verifier = signer.verifier
        blob = base64.b64encode(verifier.key_id + signer.sign(text.encode())).decode()
        lines.append(f"\u2014 {verifier.name} {blob}\n")
    return text + "\n" + "".join(lines)


def parse_note(untrusted_note: str) -> Note:
    """The text and signatures of a note; nothing is verified yet.

    Raises:
        Invalid: it has another form.
    """
    if len(untrusted_note) > _NOTE_BYTES_MAX:
        raise Invalid(f"a note of {len(untrusted_note)} characters is not read; at most {_NOTE_BYTES_MAX}")
    text, separator, tail = untrusted_note.rpartition("\n\n")
    if not separator or not tail.endswith("\n"):
        raise Invalid("a signed note is a text, an empty line and one or more signature lines")
    signatures = []
    for line in tail[:-1].split("\n"):
        parts = line.split(" ")
        if len(parts) != 3 or parts[0] != "\u2014" or not _NAME.fullmatch(parts[1]):
            raise Invalid(f"a signature line reads `\u2014 name base64`; found {line[:60]!r}")
        try:
            blob = base64.b64decode(parts[2], validate=True)
        except (binascii.Error, ValueError):
            raise Invalid(f"the signature of {parts[1]} is no base64") from None
        if len(blob) < 5:
            raise Invalid(f"the signature of {parts[1]} is {len(blob)} bytes long; 5 or more are needed")
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
        names = ", ".join(name for name, _, _ in note.signatures)
        raise Invalid(f"signed by {names}, none of which is a key that was given")
    return note.text
