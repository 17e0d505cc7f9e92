"""What a source is: one file that reads one format, and the document it is handed.

A source is a module in this folder with a `SOURCE` object (see `Source`). It runs in a child
process with limits on time and memory, sees bytes and a file name and nothing else, resolves no
link, and yields one `Item` for each claim it finds, in order. It never raises for one bad claim:
it yields a refused item with the place and goes on. Adding a format is adding a file and its test.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol

import numpy as np

from clearinghouse.core.errors import Invalid
from clearinghouse.core.policy import IntakeLimits
from clearinghouse.disclosure.intake.records import Finding, Note

_STRING = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"?', re.DOTALL)
_OPENING = np.frombuffer(b"{[", dtype=np.uint8)
_CLOSING = np.frombuffer(b"}]", dtype=np.uint8)


class Unreadable(Invalid):
    """The document as a whole cannot be read; `place` says where reading failed."""

    def __init__(self, message: str, place: str = "", code: str = "document.unreadable") -> None:
        super().__init__(message)
        self.note = Note(place, message, code)


class NotAReport(Unreadable):
    """The document is well understood and holds no vulnerability claim; the message says what it is for."""

    def __init__(self, message: str) -> None:
        super().__init__(message, "", "document.not_a_report")


@dataclass(frozen=True, slots=True)
class Item:
    """One claim of a document: a finding, or a refusal whose last note is the reason."""

    place: str
    """JSON Pointer (`/runs/0/results/3`), `line N`, `part 1.2`, or empty for the whole document."""
    finding: Finding | None
    notes: tuple[Note, ...] = ()
    """Warnings where there is a finding, reasons where there is none."""


def refuse(place: str, message: str, code: str = "item.invalid") -> Item:
    """The item of a claim that cannot be taken, with what was found and what would be right."""
    return Item(place, None, (Note(place, message, code),))


@dataclass(frozen=True)
class Document:
    """Bytes as received, with the readings several sources share, each made at most once."""

    name: str
    """File name as sent: display text and a hint, never a path to open."""
    data: bytes
    limits: IntakeLimits
    keys: tuple[bytes, ...] = field(default=(), repr=False)
    """OpenPGP secret keys of the instance, for encrypted mail; empty for all else."""

    @cached_property
    def text(self) -> str:
        """The bytes as text: UTF-8 (with or without a mark), UTF-16 with a mark, else Latin-1."""
        for mark, encoding in ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
            if self.data.startswith(mark):
                return self.data.decode(encoding, errors="replace")
        try:
            return self.data.decode("utf-8")
        except UnicodeDecodeError:
            return self.data.decode("latin-1")

    @cached_property
    def head(self) -> str:
        """The first 4,096 characters without leading white space: what most sniffing needs."""
        return self.text[:16384].lstrip()[:4096]

    @cached_property
    def json(self) -> Any:
        """The JSON value of the document, or None where it is no JSON (ask `json_error` why)."""
        return self._json[0]

    @property
    def json_error(self) -> Unreadable | None:
        """Why the document is no JSON; None where it is."""
        return self._json[1]

    @cached_property
    def _json(self) -> tuple[Any, Unreadable | None]:
        if self.head[:1] not in ("{", "["):
            return None, Unreadable("the document does not begin like JSON (an object or a list)", "line 1", "json.absent")
        if (depth := json_depth(self.text)) > self.limits.json_depth_max:
            return None, Unreadable(
                f"JSON nested {depth} levels deep; at most {self.limits.json_depth_max} are read", "", "json.depth"
            )
        try:
            return json.loads(self.text, parse_constant=_no_constant), None
        except json.JSONDecodeError as error:
            return None, Unreadable(f"not JSON: {error.msg}", f"line {error.lineno} column {error.colno}", "json.syntax")
        except (ValueError, RecursionError) as error:
            return None, Unreadable(f"not JSON: {error}", "", "json.syntax")


class Source(Protocol):
    """One format."""

    name: str
    """Stable short name, the module's own: `sarif`, `osv`."""
    title: str
    """For people: `SARIF 2.1.0`."""
    version: str
    """Of the reader; recorded on each report it yields."""

    def sniff(self, document: Document) -> float:
        """How sure this source is that the document is its own: 0 not at all, 1 certain. Never raises."""
        ...

    def parse(self, document: Document) -> Iterator[Item]:
        """The claims of the document, in order.

        Raises:
            Unreadable: the document as a whole cannot be read; items already yielded stand.
            NotAReport: it is this source's format and holds no claim of a vulnerability.
        """
        ...


def json_depth(text: str) -> int:
    """How deep brackets nest outside strings, in time linear in the text and without recursion."""
    bare = np.frombuffer(_STRING.sub("", text).encode("utf-8", errors="replace"), dtype=np.uint8)
    steps = np.isin(bare, _OPENING).astype(np.int32) - np.isin(bare, _CLOSING).astype(np.int32)
    return int(np.cumsum(steps).max(initial=0))


def pointer(*steps: str | int) -> str:
    """The JSON Pointer of the steps (RFC 6901, section 3); half a surrogate pair is written out, as it fits no encoding."""
    text = "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in steps)
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode("utf-8")


def text_of(value: Any) -> str:
    """A value as text if it is text, else empty: formats in the field hold anything anywhere."""
    return value if isinstance(value, str) else ""


def list_of(value: Any) -> list[Any]:
    """A value as a list if it is one, else empty."""
    return value if isinstance(value, list) else []


def dict_of(value: Any) -> dict[str, Any]:
    """A value as an object if it is one, else empty."""
    return value if isinstance(value, dict) else {}


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is no JSON number (RFC 8259, section 6)")
