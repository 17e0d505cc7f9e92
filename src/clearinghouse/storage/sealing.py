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
KEY_ID_BYTES = 8
_INDEX = "index:"  # before the key of index terms, in the key file

_Signature = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class SealedBody:
    """A sealed body and the wrapped key that opens it."""

    wrapped_key: bytes
    body: bytes


@dataclass(frozen=True, slots=True)
class InstanceKeys:
    """The instance's keys as its key file holds them: one in use, earlier ones kept to open what they wrapped."""

    current: bytes = field(repr=False)
    earlier: Mapping[bytes, bytes] = field(default_factory=dict, repr=False)
    """Key id (8 bytes) to key, for keys rotated out, oldest first."""
    index: bytes | None = field(default=None, repr=False)
    """Key of index terms, kept by itself once the oldest instance key was forgotten; None: derived from the oldest."""


class Envelope:
    """What seals and opens under the instance's keys; thread-safe.

    An envelope of a key file notices that the file was replaced: what it seals goes under the key in use by then, and a key it
    does not know is looked for there. So a server goes on while `clearinghouse key rotate` runs.
    """

    def __init__(self, current: bytes, earlier: Mapping[bytes, bytes] | None = None, index: bytes | None = None) -> None:
        """An envelope of keys at hand, without a file."""
        self._keys = InstanceKeys(current, earlier or {}, index)
        self._path: Path | None = None
        self._seen: _Signature | None = None

    @classmethod
    def of_file(cls, path: Path) -> "Envelope":
        """The envelope of a key file.

        Raises:
            Unavailable: as for `read_keys`.
        """
        # Before the reading: a file replaced between the two is read once more, never once too few.
        seen = _signature(path)
        keys = read_keys(path)
        made = cls(keys.current, keys.earlier, keys.index)
        made._path, made._seen = path, seen
        return made

    @property
    def keys(self) -> InstanceKeys:
        """The keys as last read."""
        return self._keys

    @property
    def current(self) -> bytes:
        """The key in use, as last read."""
        return self._keys.current

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
        key = self._newest().current
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return key_id(key) + nonce + _cipher(key).encrypt(nonce, data_key, b"key:" + about.encode())

    def unwrap(self, wrapped: bytes, about: str) -> bytes:
        """The data key.

        Raises:
            Unavailable: as for `open`.
        """
        if not wrapped:
            raise Unavailable(f"{about} was erased: its key is destroyed")
        named, nonce, body = wrapped[:KEY_ID_BYTES], wrapped[KEY_ID_BYTES : KEY_ID_BYTES + _NONCE_BYTES], wrapped[KEY_ID_BYTES + _NONCE_BYTES :]
        key = _named(self._keys, named) or _named(self._newest(), named)
        if key is None:
            raise Unavailable(
                f"{about} is sealed under instance key {named.hex()}, which is not among this instance's keys; bring keys/instance.key "
                "from where the key was rotated, or back from a copy of that time"
            )
        try:
            return _cipher(key).decrypt(nonce, body, b"key:" + about.encode())
        except InvalidTag:
            raise Unavailable(f"the key of {about} does not open: it was altered or belongs to another object") from None

    def index_key(self) -> bytes:
        """The key of index terms: derived from the oldest instance key, or kept by itself, so that rotation keeps the index valid."""
        return index_key_of(self._keys)

    def _newest(self) -> InstanceKeys:
        if self._path is not None and (seen := _signature(self._path)) is not None and seen != self._seen:
            self._keys, self._seen = read_keys(self._path), seen
        return self._keys


def index_key_of(keys: InstanceKeys) -> bytes:
    """The key of index terms that belongs to these keys."""
    if keys.index is not None:
        return keys.index
    oldest = next(iter(keys.earlier.values()), keys.current)
    return HKDF(SHA256(), _KEY_BYTES, None, b"clearinghouse/index-terms/v1").derive(oldest)


def _named(keys: InstanceKeys, named: bytes) -> bytes | None:
    return keys.current if named == key_id(keys.current) else keys.earlier.get(named)


def _cipher(key: bytes) -> AESGCM:
    if (cached := _CIPHERS.get(key)) is None:
        cached = _CIPHERS[key] = AESGCM(HKDF(SHA256(), _KEY_BYTES, None, b"clearinghouse/wrap/v1").derive(key))
    return cached


def _signature(path: Path) -> _Signature | None:
    try:
        found = path.stat()
    except OSError:
        # A server goes on with the keys it holds; whoever opens the instance anew is told.
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


_CIPHERS: dict[bytes, AESGCM] = {}


def seal_with(data_key: bytes, plaintext: bytes, about: str) -> bytes:
    """Seal one part of an object under the object's data key: nonce, then ciphertext.

    Raises:
        Unavailable: the object was erased, so it has no key.
    """
    _check_there(data_key, about)
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return nonce + AESGCM(data_key).encrypt(nonce, plaintext, about.encode())


def open_with(data_key: bytes, body: bytes, about: str) -> bytes:
    """Open what `seal_with` sealed.

    Raises:
        Unavailable: the body was altered or belongs to another object, or its key is destroyed.
    """
    _check_there(data_key, about)
    try:
        return AESGCM(data_key).decrypt(body[:_NONCE_BYTES], body[_NONCE_BYTES:], about.encode())
    except InvalidTag:
        raise Unavailable(f"the body of {about} does not open: it was altered or belongs to another object") from None


def _check_there(data_key: bytes, about: str) -> None:
    if not data_key:
        raise Unavailable(f"{about} was erased: its key is destroyed")


def key_id(key: bytes) -> bytes:
    """Eight bytes that name a key without telling it."""
    return hashlib.sha256(b"clearinghouse/key-id/v1\0" + key).digest()[:KEY_ID_BYTES]


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


def replace_key_file(path: Path, keys: InstanceKeys) -> None:
    """Write these keys in place of a key file, at once and durably: whoever reads finds the file of before or the whole new one."""
    lines = [f"{_INDEX}{keys.index.hex()}"] if keys.index is not None else []
    lines += [key.hex() for key in (*keys.earlier.values(), keys.current)]
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write("\n".join(lines) + "\n")
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def fresh_key() -> bytes:
    """A new instance key."""
    return secrets.token_bytes(_KEY_BYTES)


def read_keys(path: Path) -> InstanceKeys:
    """The keys of a key file: one a line in hexadecimal, oldest first, the last one in use; perhaps `index:` and the key of the index.

    Raises:
        Unavailable: the file is missing or a line is no 32-byte key.
    """
    try:
        lines = path.read_text().split()
    except OSError as error:
        advice = "run `clearinghouse init` or restore it"
        raise Unavailable(f"cannot read the instance key {path} ({error.strerror}); {advice}") from error
    kept = [line.removeprefix(_INDEX) for line in lines if line.startswith(_INDEX)]
    try:
        keys = [bytes.fromhex(line) for line in lines if not line.startswith(_INDEX)]
        index = [bytes.fromhex(line) for line in kept]
    except ValueError:
        keys = index = []
    if not keys or len(index) > 1 or any(len(key) != _KEY_BYTES for key in (*keys, *index)):
        raise Unavailable(f"{path} must hold one or more keys of 64 hexadecimal digits, one a line; restore it from a backup")
    return InstanceKeys(keys[-1], {key_id(key): key for key in keys[:-1]}, index[0] if index else None)


def read_envelope(path: Path) -> Envelope:
    """The envelope of a key file.

    Raises:
        Unavailable: as for `read_keys`.
    """
    return Envelope.of_file(path)
