"""Looking for a text that must not be there: as it is, turned round, and in the encodings things travel in."""

import base64
import binascii
import html
import re
from collections.abc import Iterator
from urllib.parse import unquote_to_bytes

_HEX = re.compile(rb"(?:[0-9a-f]{2}){8,}")
_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{12,}")
_ESCAPE = re.compile(rb"\\u00([0-9a-f]{2})|\\x([0-9a-f]{2})|=([0-9A-F]{2})", re.IGNORECASE)
_STANDARD = bytes.maketrans(b"-_", b"+/")


def unfolded(data: bytes) -> Iterator[bytes]:
    """The data in every reading in which somebody could find a text in it, in lower case."""
    lower = data.lower()
    yield lower
    yield lower[::-1]
    if b"%" in data:
        yield unquote_to_bytes(data).lower()
    if b"&" in data:
        yield html.unescape(data.decode("utf-8", "replace")).encode().lower()
    if b"\\" in data or b"=" in data:
        yield _ESCAPE.sub(_unescaped, data).lower()
    hexed = [binascii.unhexlify(found) for found in _HEX.findall(lower)]
    if hexed:
        yield b"\n".join(hexed).lower()
    based = []
    for token in _BASE64.findall(data):
        standard = token.translate(_STANDARD)
        for start in range(4):
            piece = standard[start:]
            if len(piece) % 4 != 1:
                based.append(base64.b64decode(piece + b"=" * (-len(piece) % 4)))
            else:
                based.append(base64.b64decode(piece[:-1]))
    if based:
        joined = b"\n".join(based).lower()
        yield joined
        yield joined[::-1]


def _unescaped(found: "re.Match[bytes]") -> bytes:
    return bytes([int(found[1] or found[2] or found[3], 16)])
