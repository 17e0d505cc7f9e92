"""Canaries in memory, and the forms in which one may stand in bytes: as text, in UTF-16, in hexadecimal, in base64, in whatever case."""

import base64
import binascii
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from clearinghouse.evaluation.benchmarks.records import Item
from clearinghouse.evaluation.benchmarks.suites.base import CANARY_PREFIX

CORE_CHARACTERS = 32
OVERLAP_BYTES = 1_024
"""More than any form of one canary takes, line breaks included: portions of a stream must share so much."""
_MARKED = re.compile(re.escape(CANARY_PREFIX.encode()) + rb"[a-z2-7]{%d}" % CORE_CHARACTERS)
_SPACED_HEX = re.compile(rb"(?:[0-9a-fA-F]{2}[ :])+[0-9a-fA-F]{2}")
_URL_SAFE = bytes.maketrans(b"-_", b"+/")
_ZLIB = (b"\x1f\x8b\x08", b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda")
_INFLATED_BYTES_MAX = 4 << 20
_BEGINS_BYTES = 64  # letters of other words may stand right before an encoding
_DEPTH_MAX = 3
_APART = b"\0 "  # between things that were decoded, so that nothing is read across them


def _letters(text: bytes) -> NDArray[np.bool_]:
    table = np.zeros(256, np.bool_)
    table[list(text)] = True
    return table


_CORE = _letters(b"abcdefghijklmnopqrstuvwxyz234567")
_HEX = _letters(b"0123456789abcdefABCDEF")
_HEX_AND_BLANKS = _letters(b"0123456789abcdefABCDEF :")
_BASE64 = _letters(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_")
_PRINTED = _letters(bytes(range(32, 127)))


@dataclass(frozen=True, slots=True)
class Sighting:
    """A canary in some bytes."""

    item_id: str
    """Empty where only its form was known."""
    form: str
    """`text`, `utf-16`, `hex`, `base64`, `deflate`, and one within another: `deflate in base64`."""


@dataclass(frozen=True, slots=True)
class Canaries:
    """The canaries to look for; with none, whatever has the form of one."""

    ids: Mapping[bytes, str] = field(repr=False)
    """The random part of a canary to the item it belongs to."""

    @classmethod
    def of(cls, known: Mapping[str, str]) -> "Canaries":
        """From canary to item id."""
        return cls({canary.removeprefix(CANARY_PREFIX).encode(): item_id for canary, item_id in known.items()})

    @classmethod
    def of_items(cls, items: Iterable[Item]) -> "Canaries":
        """Of items at hand, as a run has them that opened them."""
        return cls.of({item.canary: item.id for item in items})

    @classmethod
    def of_any(cls) -> "Canaries":
        """Whatever begins as all canaries do: for who knows none, as with a published corpus."""
        return cls({})

    def sightings(self, data: bytes) -> set[Sighting]:
        """Every canary in these bytes, in every form."""
        return set(self._within(data, (), _DEPTH_MAX))

    def _within(self, data: bytes, forms: tuple[str, ...], depth: int) -> Iterator[Sighting]:
        yield from self._plain(data, forms)
        # Encoders and terminals break lines, and a document that quotes them writes the breaks as `\n`. What stood on one line stands there still.
        joined = data.replace(b"\\n", b"").replace(b"\\r", b"").translate(None, b"\r\n")
        if len(joined) != len(data):
            yield from self._plain(joined, forms)
        if depth == 0:
            return
        for form, found in (("utf-16", _wide(data)), ("hex", _of_hex(joined)), ("base64", _of_base64(joined)), ("deflate in base64", _packed(joined))):
            for made in found:
                yield from self._within(made, (form, *forms), depth - 1)

    def _plain(self, data: bytes, forms: tuple[str, ...]) -> Iterator[Sighting]:
        form = " in ".join(forms) or "text"
        lowered = data.lower()
        if not self.ids:
            for _ in _MARKED.finditer(lowered):
                yield Sighting("", form)
            return
        for text in _runs(lowered, _CORE, CORE_CHARACTERS):
            for at in range(len(text) - CORE_CHARACTERS + 1):
                if (item_id := self.ids.get(text[at : at + CORE_CHARACTERS])) is not None:
                    yield Sighting(item_id, form)


def _runs(data: bytes, letters: NDArray[np.bool_], least: int) -> list[bytes]:
    """The stretches of so many and more of these letters; what a regular expression would find, many times as fast."""
    if len(data) < least:
        return []
    return [data[start:end] for start, end in _stretches(letters[np.frombuffer(data, np.uint8)], least)]


def _stretches(fits: NDArray[np.bool_], least: int) -> list[tuple[int, int]]:
    breaks = np.concatenate(([-1], np.flatnonzero(~fits), [len(fits)]))
    long = np.flatnonzero(np.diff(breaks) > least)
    return [(int(breaks[at]) + 1, int(breaks[at + 1])) for at in long]


def _wide(data: bytes) -> Iterator[bytes]:
    """Texts of UTF-16, whichever end comes first: every other byte is zero."""
    if data.count(0) < CORE_CHARACTERS:
        return
    whole = np.frombuffer(data, np.uint8)
    printed, zero = _PRINTED[whole], whole == 0
    for first, second, text in ((printed, zero, 0), (zero, printed, 1)):
        pairs = first[:-1] & second[1:]
        for phase in (0, 1):
            found = [data[phase + 2 * start : phase + 2 * end][text::2] for start, end in _stretches(pairs[phase::2], CORE_CHARACTERS)]
            if found:
                yield _APART.join(found)


def _of_hex(data: bytes) -> Iterator[bytes]:
    """What is written in hexadecimal, also with blanks or colons between."""
    runs = _runs(data, _HEX, 2 * CORE_CHARACTERS)
    runs += [
        spaced[0].translate(None, b" :") for run in _runs(data, _HEX_AND_BLANKS, 3 * CORE_CHARACTERS - 1) for spaced in _SPACED_HEX.finditer(run)
    ]
    # A letter right before it may be one of hexadecimal, too: then everything is off by one.
    for start in (0, 1) if runs else ():
        yield _APART.join(binascii.unhexlify(run[start : start + (len(run) - start) // 2 * 2]) for run in runs)


def _of_base64(data: bytes) -> Iterator[bytes]:
    """What is written in base64. Where an encoding began is not known: one of four places is right, and the others give noise."""
    runs = [run.translate(_URL_SAFE) for run in _runs(data, _BASE64, CORE_CHARACTERS * 4 // 3)]
    for start in range(4) if runs else ():
        yield _APART.join(_decoded(run[start:]) for run in runs)


def _packed(data: bytes) -> Iterator[bytes]:
    """What is compressed and written in base64."""
    for run in _runs(data, _BASE64, CORE_CHARACTERS * 4 // 3):
        letters = run.translate(_URL_SAFE)
        for start in range(4):
            begins = _decoded(letters[start : start + 2 * _BEGINS_BYTES])
            for magic in _ZLIB:
                at = begins.find(magic, 0, _BEGINS_BYTES)
                if at >= 0 and (unpacked := inflated(_decoded(letters[start:])[at:])):
                    yield unpacked


def _decoded(letters: bytes) -> bytes:
    # What is left of a group at the end stands for one or two bytes more; a single letter stands for none.
    whole = letters[:-1] if len(letters) % 4 == 1 else letters
    return base64.b64decode(whole + b"=" * (-len(whole) % 4))


def inflated(data: bytes | memoryview) -> bytes:
    """What a stream of gzip or zlib holds, up to a bound; nothing where it is none."""
    try:
        return zlib.decompressobj(47).decompress(data, _INFLATED_BYTES_MAX)
    except zlib.error:
        return b""


def find_marked(untrusted_text: str) -> bool:
    """Whether a text from outside carries anything with the form of a canary: it quotes some benchmark, whichever."""
    return bool(Canaries.of_any().sightings(untrusted_text.encode("utf-8", "replace")))
