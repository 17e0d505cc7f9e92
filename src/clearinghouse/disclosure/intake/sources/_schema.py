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


@cache
def _validator(name: str) -> Any:
    folder = resources.files("clearinghouse.disclosure.intake.sources") / "schemas"
    return jsonschema_rs.validator_for(json.loads((folder / name).read_text()), validate_formats=False)


@cache
def _part(name: str, definition: str) -> Any:
    folder = resources.files("clearinghouse.disclosure.intake.sources") / "schemas"
    schema = json.loads((folder / name).read_text())
    return jsonschema_rs.validator_for({**schema, "$ref": f"#/definitions/{definition}"}, validate_formats=False)


def check_schema(schema: str, value: Any, place: str = "") -> tuple[Note, ...]:
    """What of a value breaks a bundled schema; at most twenty notes."""
    return tuple(_notes(_validator(schema).iter_errors(value), place))


def check_definition(schema: str, definition: str, value: Any, place: str) -> tuple[Note, ...]:
    """What of a value breaks one definition of a bundled schema; at most twenty notes."""
    return tuple(_notes(_part(schema, definition).iter_errors(value), place))


def _notes(errors: Iterator[Any], place: str) -> Iterator[Note]:
    for error in islice(errors, _NOTES_MAX):
        yield Note(place + pointer(*error.instance_path), error.message[:_MESSAGE_MAX], "schema")
