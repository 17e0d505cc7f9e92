"""Where a page of a list ended, as a text that tells its reader nothing: neither numbers, nor their order, nor how many there are."""

import base64
import binascii
import hashlib

from clearinghouse.app.wiring import Instance
from clearinghouse.core.errors import Invalid, Unavailable
from clearinghouse.storage.sealing import open_with, seal_with


def seal_cursor(instance: Instance, screen: str, number: int) -> str:
    """The cursor of a place in a list, for this viewer and this screen alone."""
    sealed = seal_with(_key(instance), number.to_bytes(8, "big"), _about(instance, screen))
    return base64.urlsafe_b64encode(sealed).decode().rstrip("=")


def open_cursor(instance: Instance, screen: str, untrusted_cursor: str) -> int | None:
    """The place a cursor stands for; None for an empty one.

    Raises:
        Invalid: this instance made no such cursor for this viewer and screen.
    """
    if not untrusted_cursor:
        return None
    try:
        sealed = base64.urlsafe_b64decode(untrusted_cursor[:200] + "=" * (-len(untrusted_cursor[:200]) % 4))
        return int.from_bytes(open_with(_key(instance), sealed, _about(instance, screen)), "big")
    except (binascii.Error, ValueError, Unavailable):
        raise Invalid("this link to an older page is not valid (any more); begin again with the newest") from None


def _key(instance: Instance) -> bytes:
    return hashlib.blake2b(key=instance.envelope.index_key(), digest_size=32, person=b"page-cursor").digest()


def _about(instance: Instance, screen: str) -> str:
    return f"{screen}/{instance.actor.id}"
