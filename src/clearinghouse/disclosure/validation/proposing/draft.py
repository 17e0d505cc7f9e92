"""A recipe draft written out as TOML, from values alone: no comment, order or spelling of an answer survives."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

FILE = re.compile(r'"file:([A-Za-z0-9][A-Za-z0-9._-]{0,99})"')
"""A file that a person will supply, as a draft names it."""
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_ESCAPED = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}


def render_draft(value: Mapping[str, Any]) -> str:
    """The TOML text of a recipe's values."""
    return "\n".join(_table(value, ())) + "\n"


def _table(table: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[str]:
    deep = [(name, each) for name, each in table.items() if isinstance(each, dict) or (isinstance(each, list) and each and isinstance(each[0], dict))]
    for name, each in table.items():
        if (name, each) not in deep:
            yield f"{_key(name)} = {_plain(each)}"
    for name, each in deep:
        below = (*path, name)
        title = ".".join(map(_key, below))
        if isinstance(each, dict):
            yield f"\n[{title}]"
            yield from _table(each, below)
            continue
        for entry in each:
            yield f"\n[[{title}]]"
            yield from _table(entry, below)


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else _text(name)


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return "[" + ", ".join(map(_plain, value)) + "]"
    return _text(value) if isinstance(value, str) else repr(value)


def _text(text: str) -> str:
    return '"' + "".join(_ESCAPED.get(sign) or (f"\\u{ord(sign):04x}" if ord(sign) < 0x20 or ord(sign) == 0x7F else sign) for sign in text) + '"'
