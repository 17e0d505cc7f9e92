"""An item as bytes: written the same way every time, sealed under a key of its own, and committed to with a salt."""

import base64
import hashlib
import json
import secrets
from collections.abc import Mapping
from typing import Any

import rfc8785
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from clearinghouse.core.errors import Invalid, Unavailable
from clearinghouse.evaluation.benchmarks.packs.boxes import KEY_BYTES
from clearinghouse.evaluation.benchmarks.records import Domain, Grader, GraderKind, Item, Submission
from clearinghouse.storage.sealing import open_with, seal_with

FORMAT = 1
SALT_BYTES = 32
_NONCE_BYTES = 12
_COMMITTED = b"clearinghouse/pack-item/v1\0"


def render_item(item: Item) -> bytes:
    """An item as canonical JSON (RFC 8785), bytes in base64."""
    return rfc8785.dumps({
        "v": FORMAT, "id": item.id, "suite": item.suite, "family": item.family, "domain": str(item.domain), "prompt": item.prompt,
        "files": _files(item.files), "canary": item.canary, "provenance": dict(item.provenance), "human_minutes": item.human_minutes,
        "grader": {
            "kind": str(item.grader.kind), "salt": _text(item.grader.salt), "mac": _text(item.grader.mac), "program": _text(item.grader.program),
            "wanted": list(item.grader.wanted), "probe": _text(item.grader.probe), "cases": _text(item.grader.cases),
            "expected": _text(item.grader.expected),
        },
        "reference": {"answer": item.reference.answer, "files": _files(item.reference.files)},
        "negative": {"answer": item.negative.answer, "files": _files(item.negative.files)},
    })


def parse_item(data: bytes) -> Item:
    """The item of such bytes.

    Raises:
        Invalid: they are something else, or of a later format.
    """
    try:
        read = json.loads(data)
        if read["v"] != FORMAT:
            raise Invalid(f"an item of format {read['v']!r}; this version reads format {FORMAT}")
        grader = read["grader"]
        return Item(
            read["id"], read["suite"], read["family"], Domain(read["domain"]), read["prompt"], _parsed(read["files"]),
            Grader(
                GraderKind(grader["kind"]), _bytes(grader["salt"]), _bytes(grader["mac"]), _bytes(grader["program"]), tuple(grader["wanted"]),
                _bytes(grader["probe"]), _bytes(grader["cases"]), _bytes(grader["expected"]),
            ),
            Submission(read["reference"]["answer"], _parsed(read["reference"]["files"])),
            Submission(read["negative"]["answer"], _parsed(read["negative"]["files"])),
            read["canary"], read["provenance"], read["human_minutes"],
        )  # fmt: skip
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Invalid(f"these bytes are no item ({type(error).__name__})") from None


def commitment_of(salt: bytes, item: bytes) -> bytes:
    """What binds a pack to an item and tells nothing of it."""
    return hashlib.sha256(_COMMITTED + salt + item).digest()


def seal_item(item: Item, pack_key: bytes) -> tuple[bytes, bytes, bytes]:
    """An item under a key of its own: the key under the pack's key, the sealed body, and the commitment."""
    salt, key, nonce = secrets.token_bytes(SALT_BYTES), secrets.token_bytes(KEY_BYTES), secrets.token_bytes(_NONCE_BYTES)
    data = render_item(item)
    item_key = nonce + AESGCM(pack_key).encrypt(nonce, key, _about_key(item.id))
    return item_key, seal_with(key, salt + data, item.id), commitment_of(salt, data)


def open_item(item_id: str, item_key: bytes, body: bytes, commitment: bytes, pack_key: bytes) -> tuple[Item, bytes]:
    """The item, and the salt of its commitment.

    Raises:
        Unavailable: the pack's key is another, or key, body or commitment were altered or belong to another item.
    """
    try:
        key = AESGCM(pack_key).decrypt(item_key[:_NONCE_BYTES], item_key[_NONCE_BYTES:], _about_key(item_id))
    except InvalidTag:
        raise Unavailable(f"the key of {item_id} does not open with what was released") from None
    opened = open_with(key, body, item_id)
    salt, data = opened[:SALT_BYTES], opened[SALT_BYTES:]
    if commitment_of(salt, data) != commitment:
        raise Unavailable(f"{item_id} is not the item that the pack was committed to")
    return parse_item(data), salt


def _about_key(item_id: str) -> bytes:
    return b"item-key:" + item_id.encode()


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _bytes(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


def _files(files: Mapping[str, bytes]) -> dict[str, str]:
    return {name: _text(content) for name, content in files.items()}


def _parsed(files: Mapping[str, Any]) -> dict[str, bytes]:
    return {name: _bytes(content) for name, content in files.items()}
