"""An authenticator as a browser would speak for it: makes ES256 passkeys and answers challenges, rightly or not."""

import json
import secrets
import struct
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from webauthn.helpers import bytes_to_base64url

_PRESENT, _VERIFIED, _ATTESTED = 0x01, 0x04, 0x40


@dataclass
class Authenticator:
    """One device with one passkey."""

    origin: str
    counts: bool = True
    """Whether it counts its signatures; many do not and always say 0."""
    verifies: bool = True
    """Whether it asks who is there before it signs."""
    sign_count: int = 0
    credential_id: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def register(self, options: str) -> str:
        """The answer to options of a registration."""
        asked: dict[str, Any] = json.loads(options)
        numbers = self.key.public_key().public_numbers()
        cose = cbor2.dumps({1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")})
        attested = bytes(16) + struct.pack(">H", len(self.credential_id)) + self.credential_id + cose
        data = self._data(asked["rp"]["id"], _ATTESTED) + attested
        response = {
            "clientDataJSON": self._client("webauthn.create", asked["challenge"]),
            "attestationObject": bytes_to_base64url(cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})),
        }
        return self._answer(response)

    def sign_in(self, options: str) -> str:
        """The answer to options of a sign-in."""
        asked: dict[str, Any] = json.loads(options)
        client = self._client("webauthn.get", asked["challenge"])
        data = self._data(asked["rpId"], 0)
        from webauthn.helpers import base64url_to_bytes

        signed = self.key.sign(data + sha256(base64url_to_bytes(client)).digest(), ec.ECDSA(SHA256()))
        response = {
            "clientDataJSON": client, "authenticatorData": bytes_to_base64url(data), "signature": bytes_to_base64url(signed),
            "userHandle": None,
        }
        return self._answer(response)

    def _data(self, relying: str, flags: int) -> bytes:
        self.sign_count += self.counts
        flags |= _PRESENT | (_VERIFIED if self.verifies else 0)
        return sha256(relying.encode()).digest() + bytes([flags]) + struct.pack(">I", self.sign_count)

    def _client(self, kind: str, challenge: str) -> str:
        said = {"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False}
        return bytes_to_base64url(json.dumps(said).encode())

    def _answer(self, response: dict[str, Any]) -> str:
        named = bytes_to_base64url(self.credential_id)
        return json.dumps({
            "id": named, "rawId": named, "type": "public-key", "response": response, "clientExtensionResults": {},
        })
