"""Random secrets as text: `KIND.ID.SECRET`, of which only a hash is kept.

256 random bits need no slow hash (NIST SP 800-63B, 5.1.1.2 is for memorised secrets).
"""

import hashlib
import hmac
import secrets

from clearinghouse.core.ids import has_shape

_TEXT_CHARACTERS_MAX = 200  # longer is none of ours; a bound on work, not a policy


def new_secret() -> str:
    """256 random bits."""
    return secrets.token_urlsafe(32)


def hash_secret(secret: str) -> str:
    """What is kept of a secret."""
    return "sha256:" + hashlib.sha256(b"clearinghouse/secret/v1\0" + secret.encode()).hexdigest()


def is_secret(secret: str, stored_hash: str) -> bool:
    """Whether it is the one, in a time that tells nothing."""
    return hmac.compare_digest(hash_secret(secret), stored_hash)


def render(kind: str, identifier: str, secret: str) -> str:
    """The text handed out, once."""
    return f"{kind}.{identifier}.{secret}"


def parse(kind: str, untrusted_text: str) -> tuple[str, str] | None:
    """Id and secret of a text of this kind; None where it is none."""
    parts = untrusted_text[:_TEXT_CHARACTERS_MAX].strip().split(".")
    if len(parts) != 3 or parts[0] != kind or not has_shape(parts[1]) or not parts[2].isascii():
        return None
    return parts[1], parts[2]
