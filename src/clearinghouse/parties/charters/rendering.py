"""Writing a charter as the TOML a project can put into its repository."""

import json
from collections.abc import Mapping
from typing import Any

from clearinghouse.parties.charters.document import schema_document

_FREE = frozenset({"openpgp", "threat_model", "words", "reason", "own_scanning"})


def render_toml(document: bytes) -> str:
    """The TOML of a canonical document, in the order of the format; reading it gives the same digest."""
    value: dict[str, Any] = json.loads(document)
    order: dict[str, Any] = schema_document()["properties"]
    parts = [f"charter = {value['charter']}"]
    for name, schema in order.items():
        found = value.get(name)
        if isinstance(found, dict) and found:
            parts.append(_table(f"[{name}]", name, found, schema))
        elif isinstance(found, list):
            parts += [_table(f"[[{name}]]", name, entry, schema["items"]) for entry in found]
    return "\n\n".join(parts) + "\n"


def _table(head: str, path: str, value: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    lines, after = [head], []
    for name, inner in schema["properties"].items():
        found = value.get(name)
        if isinstance(found, list) and found and isinstance(found[0], dict):
            after += [_table(f"[[{path}.{name}]]", f"{path}.{name}", entry, inner["items"]) for entry in found]
        elif found is not None:
            # Instants are written as strings: bare ones would be read back with another spelling.
            lines.append(f"{name} = {_value(name, found)}")
    return "\n".join(lines) + "".join("\n\n" + part for part in after)


def _value(name: str, found: Any) -> str:
    if isinstance(found, bool):
        return "true" if found else "false"
    if isinstance(found, list):
        return "[" + ", ".join(_value("", entry) for entry in found) + "]"
    if isinstance(found, str):
        if name in _FREE and "\n" in found:
            # The first line break after the quotes is not part of the text.
            return '"""\n' + "\n".join(_escape(line) for line in found.split("\n")) + '"""'
        return f'"{_escape(found)}"'
    return str(found)


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\t", "\\t").replace("\n", "\\n")
