"""Strict reading of JSON documents: every key is asked for by its form, and none may be left over."""

import json
import math
import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, NoReturn, TypeVar

from clearinghouse.core.errors import Invalid

_TEXT_MOST = 400
_LONG_MOST = 10_000
_E = TypeVar("_E", bound=StrEnum)


def loads(document: bytes | str, what: str) -> Mapping[str, Any]:
    """The object that a JSON text holds.

    Raises:
        Invalid: it is no JSON, holds a key twice, a number that is none, or something else than an object at its top.
    """
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            raise Invalid(f"{what} has an object with a key twice; which one would count?")
        return found

    def none(word: str) -> NoReturn:
        raise Invalid(f"{what} holds {word}, which is no number of JSON")

    try:
        value = json.loads(document, object_pairs_hook=once, parse_constant=none)
    except (ValueError, RecursionError) as error:
        raise Invalid(f"{what} is no JSON document") from error
    if not isinstance(value, dict):
        raise Invalid(f"{what} is no JSON object")
    return value


class Reader:
    """One object of a document, read key by key; `close` refuses what nobody asked for."""

    def __init__(self, untrusted_value: Any, path: str) -> None:
        if not isinstance(untrusted_value, Mapping):
            raise Invalid(f"{path} must be an object")
        self._value, self._path, self._asked = untrusted_value, path, set[str]()

    def close(self) -> None:
        """Raises Invalid if a key is left that was not asked for."""
        if left := sorted(str(key) for key in self._value if key not in self._asked):
            raise Invalid(f"{self._path} has a key that is not known: {left[0][:60]!r}")

    def has(self, key: str) -> bool:
        """Whether the key is there."""
        return key in self._value

    def filled(self, key: str) -> bool:
        """Whether the key is there with something in it: neither null nor empty."""
        self._asked.add(key)
        return bool(self._value.get(key))

    def long_text(self, key: str) -> str:
        """Any text of up to 10,000 characters."""
        value = self._get(key)
        if not isinstance(value, str) or len(value) > _LONG_MOST:
            raise Invalid(f"{self._path}.{key} must be text of at most {_LONG_MOST} characters")
        return value

    def words(self, key: str) -> dict[str, str]:
        """An object whose values are all text."""
        inner = self.object(key)
        return {str(name): inner.long_text(name) for name in inner._value}

    def text(self, key: str) -> str:
        """Printable text of up to 400 characters, not empty."""
        return self._text(self._get(key), f"{self._path}.{key}")

    def hexadecimal(self, key: str) -> str:
        """32 bytes as lower-case hex."""
        value = self.text(key)
        if not re.fullmatch(r"[0-9a-f]{64}", value):
            raise Invalid(f"{self._path}.{key} must be 64 hexadecimal digits, lower case")
        return value

    def word(self, key: str, words: type[_E]) -> _E:
        """One of an enumeration's words."""
        value = self._get(key)
        if not isinstance(value, str) or value not in tuple(words):
            raise Invalid(f"{self._path}.{key} must be one of {', '.join(words)}")
        return words(value)

    def truth(self, key: str) -> bool:
        """true or false."""
        value = self._get(key)
        if not isinstance(value, bool):
            raise Invalid(f"{self._path}.{key} must be true or false")
        return value

    def whole(self, key: str, least: int) -> int:
        """A whole number from `least` up to 2^53 - 1."""
        return self._whole(self._get(key), f"{self._path}.{key}", least)

    def number(self, key: str, *, least: float = -math.inf, above: float = -math.inf, below: float = math.inf) -> float:
        """A finite number within bounds; whole ones become floats."""
        value = self._get(key)
        if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > 1e300 or not math.isfinite(value):
            raise Invalid(f"{self._path}.{key} must be a number")
        if not (value >= least and above < value < below):
            raise Invalid(f"{self._path}.{key} is {value:g}, which is out of bounds")
        return float(value)

    def object(self, key: str) -> "Reader":
        """An object within."""
        return Reader(self._get(key), f"{self._path}.{key}")

    def objects(self, key: str) -> list["Reader"]:
        """A list of objects, at least one."""
        return [Reader(value, f"{self._path}.{key}[{place}]") for place, value in enumerate(self._list(key))]

    def texts(self, key: str) -> list[str]:
        """A list of texts, at least one."""
        return [self._text(value, f"{self._path}.{key}[{place}]") for place, value in enumerate(self._list(key))]

    def wholes(self, key: str, least: int) -> list[int]:
        """A list of whole numbers, at least one."""
        return [self._whole(value, f"{self._path}.{key}[{place}]", least) for place, value in enumerate(self._list(key))]

    def _get(self, key: str) -> Any:
        self._asked.add(key)
        if key not in self._value:
            raise Invalid(f"{self._path} lacks {key!r}")
        return self._value[key]

    def _list(self, key: str) -> list[Any] | tuple[Any, ...]:
        value = self._get(key)
        if not isinstance(value, list | tuple) or not value:
            raise Invalid(f"{self._path}.{key} must be a list with at least one entry")
        return value

    @staticmethod
    def _text(value: Any, path: str) -> str:
        if not isinstance(value, str) or not value or len(value) > _TEXT_MOST or not value.isprintable():
            raise Invalid(f"{path} must be printable text of 1 to {_TEXT_MOST} characters")
        return value

    @staticmethod
    def _whole(value: Any, path: str, least: int) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value < 2**53:
            raise Invalid(f"{path} must be a whole number from {least}")
        return value
