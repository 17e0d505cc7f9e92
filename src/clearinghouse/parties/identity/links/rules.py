"""What links decides: whether one is good for a purpose, and what a receipt code looks like."""

import hashlib
import re
import secrets
from datetime import datetime

from clearinghouse.core.errors import NotPermitted
from clearinghouse.parties.identity.links.records import Link, LinkPurpose

_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"  # RFC 4648 base32 in small letters
_CODE_CHARACTERS = 28  # 140 random bits
_GROUP = 4
_LOOKS_LIKE = str.maketrans("018", "olb")  # as read off a printout; base32 has none of the three
_REFUSED = "this link is not valid (any more), or is for something else; ask whoever sent it for a new one"


class LinkRefused(NotPermitted):
    """No link of this text is good for this: who sent it is not known."""

    def __init__(self) -> None:
        super().__init__(_REFUSED)


def is_good(link: Link, purpose: LinkPurpose, now: datetime) -> bool:
    """Whether a link may be followed for a purpose at `now`."""
    spent = link.once and link.used_at is not None
    return link.purpose is purpose and not spent and link.revoked_at is None and now < link.expires_at


def new_receipt_code() -> str:
    """A code such as `k7qd-2mzx-...`: 140 random bits, to be written down."""
    signs = "".join(secrets.choice(_ALPHABET) for _ in range(_CODE_CHARACTERS))
    return "-".join(signs[start : start + _GROUP] for start in range(0, _CODE_CHARACTERS, _GROUP))


def hash_receipt_code(untrusted_code: str) -> str:
    """What is kept of a code, and how one is found; case, spaces and dashes do not count."""
    plain = re.sub(r"[^a-z0-9]", "", untrusted_code[:200].lower()).translate(_LOOKS_LIKE)
    return "sha256:" + hashlib.sha256(b"clearinghouse/receipt/v1\0" + plain.encode()).hexdigest()
