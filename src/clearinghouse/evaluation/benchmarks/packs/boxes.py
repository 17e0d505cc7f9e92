"""Boxes that one person opens: X25519 with a fresh key, HKDF-SHA-256, AES-256-GCM; and the file a private key is kept in."""

import os
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256, Hash
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from clearinghouse.core.errors import Invalid, Unavailable

KEY_BYTES = 32
_INFO = b"clearinghouse/box/v1\0"
_NONCE = bytes(12)  # the key of every box is used once


def put_in_box(content: bytes, public_key: bytes, about: str) -> bytes:
    """A box for who holds the private key; `about` must be said again to open it.

    Raises:
        Invalid: it is no public key, or one that every private key opens.
    """
    fresh = X25519PrivateKey.generate()
    shown = fresh.public_key().public_bytes_raw()
    try:
        shared = fresh.exchange(X25519PublicKey.from_public_bytes(public_key))
    except ValueError:
        raise Invalid("that is no public key of X25519: 32 bytes, and not one of the few that hide nothing") from None
    return shown + AESGCM(_derived(shared, shown, public_key, about)).encrypt(_NONCE, content, about.encode())


def open_box(box: bytes, private_key: X25519PrivateKey, about: str) -> bytes:
    """What is in a box.

    Raises:
        Unavailable: it is for another key, about something else, or was altered.
    """
    shown, sealed = box[:KEY_BYTES], box[KEY_BYTES:]
    public = private_key.public_key().public_bytes_raw()
    try:
        shared = private_key.exchange(X25519PublicKey.from_public_bytes(shown))
        return AESGCM(_derived(shared, shown, public, about)).decrypt(_NONCE, sealed, about.encode())
    except (InvalidTag, ValueError):
        raise Unavailable("the box does not open with this key: it is for another one, or was altered") from None


def fingerprint(public_key: bytes) -> str:
    """What two people compare who want to be sure that they mean the same key."""
    digest = Hash(SHA256())
    digest.update(b"clearinghouse/x25519/v1\0" + public_key)
    return digest.finalize()[:16].hex(" ", 2)


def create_private_key(path: Path) -> X25519PrivateKey:
    """A fresh private key in a file of its own, readable by its owner alone.

    Raises:
        Invalid: there is a file already.
    """
    key = X25519PrivateKey.generate()
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise Invalid(f"{path} exists; a private key is not written over anything") from None
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(f"clearinghouse-x25519-{key.private_bytes_raw().hex()}\n")
        file.flush()
        os.fsync(file.fileno())
    return key


def read_private_key(path: Path) -> X25519PrivateKey:
    """The private key of a file that `create_private_key` wrote.

    Raises:
        Unavailable: it cannot be read or holds none.
    """
    try:
        text = path.read_text(encoding="ascii").strip()
        return X25519PrivateKey.from_private_bytes(bytes.fromhex(text.removeprefix("clearinghouse-x25519-")))
    except OSError as error:
        raise Unavailable(f"cannot read the key {path} ({error.strerror})") from error
    except ValueError:
        raise Unavailable(f"{path} holds no key: one line, clearinghouse-x25519- and 64 hexadecimal digits") from None


def _derived(shared: bytes, shown: bytes, public: bytes, about: str) -> bytes:
    return HKDF(SHA256(), KEY_BYTES, shown + public, _INFO + about.encode()).derive(shared)
