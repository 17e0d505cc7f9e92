"""OpenPGP in mail: opening what was encrypted to this instance, checking what was signed.

A signature that does not fit is a fact about the mail, never a reason to drop it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import pysequoia

MESSAGE = re.compile(rb"-----BEGIN PGP MESSAGE-----")
_CLEARSIGNED = "-----BEGIN PGP SIGNED MESSAGE-----"
_SIGNATURE = "-----BEGIN PGP SIGNATURE-----"
_SIGNATURE_END = "-----END PGP SIGNATURE-----"
_MESSAGE_BEGIN, _MESSAGE_END = b"-----BEGIN PGP MESSAGE-----", b"-----END PGP MESSAGE-----"


class Signature(StrEnum):
    """What a check of a signature gave."""

    GOOD = "good"
    BAD = "bad"
    """A key that could have made it is here, and it does not fit the text."""
    UNKNOWN = "unknown"
    """No key is here to check it with."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A decrypted message."""

    data: bytes
    signers: tuple[str, ...]
    """Fingerprints of the keys whose signature inside was good."""


class Keyring:
    """The keys of the instance (secret) and of senders (public), as far as they are known."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        self._secrets: list[Any] = []
        self._certificates: list[tuple[Any, tuple[str, ...]]] = []
        for key in keys:
            secret = _quietly(pysequoia.Tsk.from_bytes, key)
            if secret is not None:
                self._secrets.append(secret)
            certificate = _quietly(secret.extract_certificate) if secret is not None else _quietly(pysequoia.Cert.from_bytes, key)
            if certificate is not None:
                self._certificates.append((certificate, _fingerprints(certificate)))

    @property
    def can_open(self) -> bool:
        """Whether there is a secret key at all."""
        return bool(self._secrets)

    def open(self, data: bytes) -> Opened | None:
        """The content of an encrypted message; None where no key of this instance opens it."""
        for secret in self._secrets:
            decryptor = _quietly(secret.decryptor)
            if decryptor is None:
                continue
            # Asking for signatures fails on a message that has none, so the second try asks for none.
            opened = _quietly(pysequoia.decrypt, data, decryptor=decryptor, store=self._store) or _quietly(
                pysequoia.decrypt, data, decryptor=decryptor
            )
            if opened is not None:
                return Opened(bytes(opened.bytes), tuple(str(signature.certificate) for signature in opened.valid_sigs))
        return None

    def check_clear(self, data: bytes) -> Signature:
        """Whether the signature of a clear-signed text fits it."""
        return self._check(data, None)

    def check_detached(self, data: bytes, signature: bytes) -> Signature:
        """Whether a detached signature fits the bytes it was made over."""
        parsed = _quietly(pysequoia.Sig.from_bytes, signature)
        return Signature.BAD if parsed is None else self._check(data, parsed)

    def _check(self, data: bytes, signature: Any) -> Signature:
        asked: list[bool] = []

        def store(ids: list[str]) -> list[Any]:
            found = self._store(ids)
            asked.append(bool(found))
            return found

        arguments = {} if signature is None else {"signature": signature}
        verified = _quietly(pysequoia.verify, data, store=store, **arguments)
        if verified is not None and verified.valid_sigs:
            return Signature.GOOD
        return Signature.BAD if any(asked) else Signature.UNKNOWN

    def _store(self, ids: list[str]) -> list[Any]:
        wanted = [str(each).lower() for each in ids]
        return [key for key, prints in self._certificates if any(own.endswith(each) for own in prints for each in wanted)]


def _fingerprints(certificate: Any) -> tuple[str, ...]:
    """Of the key and its subkeys: a signature names the one that made it."""
    packets = _quietly(pysequoia.packet.PacketPile.from_bytes, str(certificate).encode()) or ()
    found = [str(print_) for packet in packets if (print_ := _quietly(lambda entry: entry.fingerprint, packet))]
    return tuple(each.lower() for each in dict.fromkeys((str(certificate.fingerprint), *found)))


def _quietly(function: Any, *arguments: Any, **named: Any) -> Any:
    """The result, or None: the library raises plain RuntimeErrors, and a panic of its own is no Exception at all."""
    try:
        return function(*arguments, **named)
    except (KeyboardInterrupt, SystemExit, MemoryError):
        raise
    except BaseException:
        return None


def split_clearsigned(text: str) -> tuple[str, str, str] | None:
    """(before, signed block with its signature, after) of a text with a clear-signed part; None where there is none."""
    begin = text.find(_CLEARSIGNED)
    if begin < 0 or (begin > 0 and text[begin - 1] != "\n"):
        return None
    end = text.find(_SIGNATURE_END, begin)
    if end < 0:
        return text[:begin], text[begin:], ""
    end += len(_SIGNATURE_END)
    return text[:begin], text[begin:end], text[end:]


def signed_text(block: str) -> str:
    """What a clear-signed block says: headers, signature and dash escapes taken off."""
    body = block.split(_SIGNATURE, 1)[0]
    _, _, rest = body.partition("\n\n")
    return "\n".join(line.removeprefix("- ") for line in rest.rstrip("\n").split("\n"))


def armoured_message(data: bytes) -> bytes | None:
    """The armoured encrypted message in some bytes; None where there is none."""
    begin = data.find(_MESSAGE_BEGIN)
    end = data.find(_MESSAGE_END, begin)
    return data[begin : end + len(_MESSAGE_END)] + b"\n" if 0 <= begin < end else None
