"""Official JSON Schemas, bundled, and what breaks them as notes with places.

Formats are not asserted on input (published records differ over them), nothing is fetched, and a
document that breaks its schema is read all the same as far as it can be.
"""

import json
from collections.abc import Iterator
from functools import cache
from importlib import resources
from itertools import islice
from typing import Any

import jsonschema_rs

from clearinghouse.disclosure.intake.records import Note
from clearinghouse.disclosure.intake.sources.base import pointer

_NOTES_MAX = 20
_MESSAGE_MAX = 300


# Schemas that others refer to, by the address they are referred to with.
_REFERRED = {
    "https://docs.oasis-open.org/csaf/csaf/v2.1/schema/extension-content.json": "csaf-2.1-extension-content.json",
    "https://docs.oasis-open.org/csaf/csaf/v2.1/schema/extension-metaschema.json": "csaf-2.1-extension-metaschema.json",
    "https://www.first.org/cvss/cvss-v2.0.json": "cvss-v2.0.json",
    "https://www.first.org/cvss/cvss-v3.0.json": "cvss-v3.0.json",
    "https://www.first.org/cvss/cvss-v3.1.json": "cvss-v3.1.json",
    "https://www.first.org/cvss/cvss-v4.0.json": "cvss-v4.0.json",
    "https://certcc.github.io/SSVC/data/schema/v2/SelectionList_2_0_0.schema.json": "ssvc-selection-list-2.0.0.json",
}
_DIALECT = "https://json-schema.org/draft/2020-12/schema"


@cache
def _load(name: str) -> dict[str, Any]:
    folder = resources.files("clearinghouse.disclosure.intake.sources") / "schemas"
    schema: dict[str, Any] = json.loads((folder / name).read_text(encoding="utf-8"))
    # CSAF 2.1 and CVSS 4.0 name dialects of their own, which are 2020-12 with formats asserted.
    if "json-schema.org" not in schema["$schema"]:
        schema["$schema"] = _DIALECT
    return schema


def _no_network(address: str) -> Any:
    raise ValueError(f"{address} is not bundled, and nothing is fetched")


@cache
def _registry() -> Any:
    return jsonschema_rs.Registry([(address, _load(name)) for address, name in _REFERRED.items()], retriever=_no_network)


@cache
def _validator(name: str) -> Any:
    return jsonschema_rs.validator_for(_load(name), validate_formats=False, registry=_registry())


@cache
def _part(name: str, definition: str) -> Any:
    schema = {**_load(name), "$ref": f"#/definitions/{definition}"}
    return jsonschema_rs.validator_for(schema, validate_formats=False, registry=_registry())


def check_schema(schema: str, value: Any, place: str = "") -> tuple[Note, ...]:
    """What of a value breaks a bundled schema; at most twenty notes."""
    return tuple(_notes(_validator(schema), value, place))


def check_definition(schema: str, definition: str, value: Any, place: str) -> tuple[Note, ...]:
    """What of a value breaks one definition of a bundled schema; at most twenty notes."""
    return tuple(_notes(_part(schema, definition), value, place))


def _notes(validator: Any, value: Any, place: str) -> Iterator[Note]:
    try:
        for error in islice(validator.iter_errors(value), _NOTES_MAX):
            yield Note(place + pointer(*error.instance_path), error.message[:_MESSAGE_MAX], "schema")
    except (ValueError, OverflowError, TypeError) as error:
        # Half a surrogate pair or a number of a thousand digits: legal JSON that the validator cannot hold.
        yield Note(place, f"cannot be held against the schema ({type(error).__name__})", "schema")


def unlisted_keys(schema: str, value: Any) -> Iterator[str]:
    """Places of keys that no part of a bundled schema lists, where schema and value can be walked side by side."""
    root = _load(schema)
    waiting: list[tuple[list[tuple[dict[str, Any], dict[str, Any]]], Any, str]] = [([(root, root)], value, "")]
    while waiting:
        nodes, current, place = waiting.pop()
        parts = _resolve(nodes)
        if isinstance(current, dict):
            listed: dict[str, list[tuple[dict[str, Any], dict[str, Any]]]] = {}
            for part, base in parts:
                for key, entry in part.get("properties", {}).items():
                    listed.setdefault(key, []).append((entry, base))
            for key, entry in current.items():
                if key in listed:
                    waiting.append((listed[key], entry, place + pointer(key)))
                elif listed and key != "$schema":
                    yield place + pointer(key)
        elif isinstance(current, list):
            items = [(part["items"], base) for part, base in parts if isinstance(part.get("items"), dict)]
            if items:
                waiting += [(items, entry, place + pointer(number)) for number, entry in enumerate(current)]


def _resolve(nodes: list[tuple[dict[str, Any], dict[str, Any]]]) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """The nodes with what they refer to and what they combine, each with the document it stands in."""
    found: list[tuple[dict[str, Any], dict[str, Any]]] = []
    waiting = list(nodes)
    while waiting and len(found) < 100:
        node, base = waiting.pop()
        found.append((node, base))
        reference = node.get("$ref")
        if isinstance(reference, str):
            address, _, inside = reference.partition("#")
            if address in _REFERRED or not address:
                target = _load(_REFERRED[address]) if address else base
                part: Any = target
                for step in filter(None, inside.split("/")):
                    part = part.get(step, {})
                waiting.append((part, target))
        waiting += [(part, base) for name in ("allOf", "anyOf", "oneOf") for part in node.get(name, ()) if isinstance(part, dict)]
    return found
