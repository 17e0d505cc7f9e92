"""A block of provenance as bytes: read with suspicion, never rewritten, and longer by one hop when it leaves.

Pure. The bytes a sender handed over stay what they were: `append_hop` puts a hop before the bracket that ends the chain
and touches nothing else, so that whoever takes the last hop off again holds what that hop was given.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

import jsonschema_rs
import rfc8785

from clearinghouse.core.errors import Invalid
from clearinghouse.core.policy import RelayPolicy
from clearinghouse.core.untrusted import clean_line
from clearinghouse.disclosure.intake.provenance.records import AlteredBlock, Block, Hop
from clearinghouse.disclosure.intake.provenance.rules import credit_role
from clearinghouse.disclosure.intake.records import Credit
from clearinghouse.disclosure.intake.sources.base import pointer

_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.DOTALL)
_CONTACT_MAX = 500
_MESSAGE_MAX = 300


def parse_block(untrusted_block: bytes, policy: RelayPolicy) -> Block:
    """A block that may be passed on.

    Raises:
        Invalid: it is too large or too deep, names a member twice, or breaks the schema.
        AlteredBlock: a hop says what it was given, and that is not what stands before it.
    """
    if len(untrusted_block) > policy.block_bytes_max:
        raise Invalid(f"the provenance has {len(untrusted_block)} bytes; a block has at most {policy.block_bytes_max}")
    value = _decode(untrusted_block, policy.depth_max)
    _check_schema(value)
    chain = tuple(_hop(entry) for entry in value["chain"])
    if len(chain) >= policy.hops_max:
        raise Invalid(f"the chain has {len(chain)} hops; with this one it may have {policy.hops_max}")
    if len({(hop.by, hop.handling_id) for hop in chain}) != len(chain):
        raise Invalid("one hop stands twice in the chain; each acceptance has a handling identifier of its own")
    links = _links(value)
    for number, hop in enumerate(chain):
        if hop.received and hop.received != links[number]:
            raise AlteredBlock(f"hop {number + 1} of the chain was given something else than what stands before it now: the block was altered")
    origin, embargo = value["origin"], value.get("embargo")
    return Block(
        untrusted_block, origin["by"], origin["id"], tuple(origin.get("references", ())),
        tuple(_credit(entry) for entry in value["credits"]), chain, links, embargo, tuple(value.get("deduplication", ())),
    )


def render_block(
    finders: tuple[Credit, ...], origin_by: str, origin_id: str, references: tuple[str, ...], embargo: Mapping[str, object] | None
) -> bytes:
    """The block of a report that begins its way here, without any hop yet."""
    value: dict[str, Any] = {
        "credits": [
            {"name": credit.name} | ({"type": credit.role} if credit.role else {}) | ({"contact": credit.contact} if credit.contact else {})
            for credit in finders
        ],
        "origin": {"by": origin_by, "id": origin_id, "references": list(references)},
        "embargo": None if embargo is None else dict(embargo),
        "deduplication": [], "chain": [],
    }
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def render_hop(hop: Hop) -> bytes:
    """A hop as it stands in a chain."""
    value = {
        "by": hop.by, "handling_id": hop.handling_id, "functions": list(hop.functions), "may_end": list(hop.may_end),
        "accepted_at": hop.accepted_at, "received": hop.received,
    }
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def parse_own_hop(rendered: bytes) -> Hop:
    """A hop of ours as it was kept."""
    return _hop(json.loads(rendered))


def append_hop(block: Block, rendered_hop: bytes) -> bytes:
    """The block with one more hop; every byte of what came stays in its place."""
    at = _end_of_chain(block.raw)
    return block.raw[:at] + (b"," if block.chain else b"") + rendered_hop + block.raw[at:]


def link_after(block: Block, rendered_hop: bytes) -> str:
    """The digest over a block and one more hop."""
    return _link(block.links[-1], json.loads(rendered_hop))


def _decode(untrusted_block: bytes, depth_max: int) -> dict[str, Any]:
    try:
        value = json.loads(untrusted_block.decode("utf-8"), object_pairs_hook=_once, parse_constant=_no_constant)
        # What is JSON has an end to each of its strings, so that this scan is one pass.
        _check_depth(untrusted_block, depth_max)
        rfc8785.dumps(value)
    except Invalid:
        raise
    except (ValueError, RecursionError, rfc8785.CanonicalizationError) as error:
        raise Invalid(f"the provenance is no JSON that every hop reads alike ({type(error).__name__})") from None
    if not isinstance(value, dict):
        raise Invalid("the provenance is a JSON object")
    return value


def _check_depth(block: bytes, depth_max: int) -> None:
    depth = 0
    for token in _TOKEN.finditer(block):
        depth += {b"[": 1, b"{": 1, b"]": -1, b"}": -1}.get(token[0], 0)
        if depth > depth_max:
            raise Invalid(f"the provenance nests deeper than {depth_max} levels")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Invalid("the provenance names a member of an object twice; who reads it could not say which one counts")
    return found


def _no_constant(name: str) -> None:
    raise ValueError(name)


@cache
def _validator() -> Any:
    text = (resources.files("clearinghouse.disclosure.intake.provenance") / "schemas" / "clearinghouse-relay-1.schema.json").read_text("utf-8")
    return jsonschema_rs.validator_for(json.loads(text))


def _check_schema(value: dict[str, Any]) -> None:
    try:
        error = next(iter(_validator().iter_errors(value)), None)
    except (ValueError, OverflowError, TypeError):
        raise Invalid("the provenance cannot be held against its schema") from None
    if error is not None:
        raise Invalid(clean_line(f"provenance{pointer(*error.instance_path)}: {error.message}", _MESSAGE_MAX))


def _hop(value: dict[str, Any]) -> Hop:
    return Hop(
        value["by"], value["handling_id"], tuple(value["functions"]), tuple(value.get("may_end", ())), value["accepted_at"],
        value.get("received", ""),
    )


def _credit(value: dict[str, Any]) -> Credit:
    name = str(value["name"])
    return Credit(name, credit_role(value.get("type", ""), value.get("kind", ""), name), str(value.get("contact", ""))[:_CONTACT_MAX])


def _links(value: dict[str, Any]) -> tuple[str, ...]:
    rest = {name: entry for name, entry in value.items() if name != "chain"}
    links = ["sha256:" + hashlib.sha256(rfc8785.dumps(rest)).hexdigest()]
    for hop in value["chain"]:
        links.append(_link(links[-1], hop))
    return tuple(links)


def _link(before: str, hop: dict[str, Any]) -> str:
    return "sha256:" + hashlib.sha256(before.encode() + b"\n" + rfc8785.dumps(hop)).hexdigest()


def _end_of_chain(block: bytes) -> int:
    """Where the bracket stands that ends the chain of a block that was read before."""
    depth = 0
    inside = False
    previous = b""
    for token in _TOKEN.finditer(block):
        mark = token[0]
        if mark in (b"[", b"{"):
            if depth == 1 and mark == b"[" and previous[:1] == b'"' and json.loads(previous) == "chain":
                inside = True
            depth += 1
        elif mark in (b"]", b"}"):
            depth -= 1
            if inside and depth == 1:
                return token.start()
        previous = mark
    raise AssertionError("a block that was read has a chain")
