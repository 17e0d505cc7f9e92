"""Sealing at rest: each object has a data key of its own, wrapped by the instance's key.

The instance key lives outside the database, so that a stolen database alone opens nothing, and
destroying one wrapped data key erases one object for good (crypto-shredding) while its digest and
its place on the ledger stay. AES-256-GCM throughout (NIST SP 800-38D), random 96-bit nonces; the
object's id is authenticated with the body, so that a body cannot be moved under another id.
"""

import hashlib
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from clearinghouse.core.errors import Unavailable

_KEY_BYTES = 32
_NONCE_BYTES = 12


@dataclass(frozen=True, slots=True)
class SealedBody:
    """A sealed body and the wrapped key that opens it."""

    wrapped_key: bytes
    body: bytes


@dataclass(frozen=True)
class Envelope:
    """The instance's keys: one in use, earlier ones kept to open what they wrapped."""

    current: bytes = field(repr=False)
    earlier: Mapping[bytes, bytes] = field(default_factory=dict, repr=False)
    """Key id (8 bytes) to key, for keys rotated out."""

    def seal(self, plaintext: bytes, about: str) -> SealedBody:
        """Seal a body under a fresh data key; `about` is the object's id and must be given again to open."""
        data_key = secrets.token_bytes(_KEY_BYTES)
        bound = about.encode()
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return SealedBody(self.wrap(data_key, about), nonce + AESGCM(data_key).encrypt(nonce, plaintext, bound))

    def open(self, sealed: SealedBody, about: str) -> bytes:
        """The body.

        Raises:
            Unavailable: the key was destroyed or is not this instance's, or the body was altered.
        """
        return open_with(self.unwrap(sealed.wrapped_key, about), sealed.body, about)

    def wrap(self, data_key: bytes, about: str) -> bytes:
        """A data key under the instance's current key: key id, nonce, ciphertext."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return key_id(self.current) + nonce + self._cipher(self.current).encrypt(nonce, data_key, b"key:" + about.encode())

    def unwrap(self, wrapped: bytes, about: str) -> bytes:
        """The data key.

        Raises:
            Unavailable: as for `open`.
        """
        if not wrapped:
            raise Unavailable(f"{about} was erased: its key is destroyed")
        named, nonce, body = wrapped[:8], wrapped[8 : 8 + _NONCE_BYTES], wrapped[8 + _NONCE_BYTES :]
        key = self.current if named == key_id(self.current) else self.earlier.get(named)
        if key is None:
            raise Unavailable(f"{about} is sealed under instance key {named.hex()}, which is not among this instance's keys")
        try:
            return self._cipher(key).decrypt(nonce, body, b"key:" + about.encode())
        except InvalidTag:
            raise Unavailable(f"the key of {about} does not open: it was altered or belongs to another object") from None

    def index_key(self) -> bytes:
        """The key of index terms: derived from the oldest instance key, so that rotation keeps the index valid."""
        oldest = next(iter(self.earlier.values()), self.current)
        return HKDF(SHA256(), _KEY_BYTES, None, b"clearinghouse/index-terms/v1").derive(oldest)

    def _cipher(self, key: bytes) -> AESGCM:
        if (cached := _CIPHERS.get(key)) is None:
            cached = _CIPHERS[key] = AESGCM(HKDF(SHA256(), _KEY_BYTES, None, b"clearinghouse/wrap/v1").derive(key))
        return cached


_CIPHERS: dict[bytes, AESGCM] = {}


def seal_with(data_key: bytes, plaintext: bytes, about: str) -> bytes:
    """Seal one part of an object under the object's data key: nonce, then ciphertext."""
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return nonce + AESGCM(data_key).encrypt(nonce, plaintext, about.encode())


def open_with(data_key: bytes, body: bytes, about: str) -> bytes:
    """Open what `seal_with` sealed.

    Raises:
        Unavailable: the body was altered or belongs to another object.
    """
    try:
        return AESGCM(data_key).decrypt(body[:_NONCE_BYTES], body[_NONCE_BYTES:], about.encode())
    except InvalidTag:
        raise Unavailable(f"the body of {about} does not open: it was altered or belongs to another object") from None


def key_id(key: bytes) -> bytes:
    """Eight bytes that name a key without telling it."""
    return hashlib.sha256(b"clearinghouse/key-id/v1\0" + key).digest()[:8]


def create_key_file(path: Path) -> None:
    """Write a fresh 32-byte key, readable by its owner alone; an existing file is left as it is."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    with os.fdopen(handle, "w") as file:
        file.write(secrets.token_bytes(_KEY_BYTES).hex() + "\n")
        file.flush()
        os.fsync(file.fileno())


def read_envelope(path: Path) -> Envelope:
    """The envelope of a key file: one key a line in hexadecimal, oldest first, the last one in use.

    Raises:
        Unavailable: the file is missing or a line is no 32-byte key.
    """
    try:
        lines = path.read_text().split()
    except OSError as error:
        advice = "run `clearinghouse init` or restore it"
        raise Unavailable(f"cannot read the instance key {path} ({error.strerror}); {advice}") from error
    try:
        keys = [bytes.fromhex(line) for line in lines]
    except ValueError:
        keys = []
    if not keys or any(len(key) != _KEY_BYTES for key in keys):
        raise Unavailable(f"{path} must hold one or more keys of 64 hexadecimal digits, one a line; restore it from a backup")
    return Envelope(keys[-1], {key_id(key): key for key in keys[:-1]})
