"""The child process in which hostile formats are read: `python -m clearinghouse.disclosure.intake.parser`.

It holds no key of the database and no database, gets a bounded amount of memory, opens no file and
no connection, and answers in frames: a length of four bytes, then one msgpack value. Its parent
(`boundary.ParserProcess`) measures the time and ends it when it is up.
"""

import dataclasses
import importlib
import itertools
import pkgutil
import re
import resource
import struct
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec

from clearinghouse.core.policy import IntakeLimits
from clearinghouse.core.untrusted import clean_line
from clearinghouse.disclosure.intake import rules, sources
from clearinghouse.disclosure.intake.records import Cover, Finding, Note
from clearinghouse.disclosure.intake.sources.base import Document, Item, Source, Unreadable

_PLACE_CHARACTERS_MAX = 500
_MESSAGE_CHARACTERS_MAX = 1000
PORTION = 500
"""Items in one frame: small enough for a steady progress bar, large enough to cost little."""


class Request(msgspec.Struct, frozen=True):
    """What the parent asks: read these bytes."""

    name: str
    source: str
    """Name of the source to use; empty to find out by sniffing."""
    limits: IntakeLimits
    cover: Cover
    size_bytes: int
    """Length of the document, which follows the frame as it is."""
    first_line: int = 1
    """Number of the document's first line in the file it was cut from."""
    keys: tuple[bytes, ...] = ()


class ReadItem(msgspec.Struct, frozen=True):
    """One item, cleaned, with its digest."""

    place: str
    finding: Finding | None
    notes: tuple[Note, ...]
    digest: str


class Answer(msgspec.Struct, frozen=True):
    """One frame of an answer; the last one says so."""

    source: str
    version: str
    items: tuple[ReadItem, ...]
    notes: tuple[Note, ...] = ()
    last: bool = False


def load_sources() -> dict[str, Source]:
    """Every source of the package `sources`, by name."""
    found: dict[str, Source] = {}
    for module_info in sorted(pkgutil.iter_modules(sources.__path__), key=lambda info: info.name):
        if not module_info.name.startswith("_"):
            source = getattr(importlib.import_module(f"{sources.__name__}.{module_info.name}"), "SOURCE", None)
            if source is not None:
                found[source.name] = source
    return found


def choose(known: dict[str, Source], document: Document, named: str) -> Source:
    """The source for a document.

    Raises:
        Unreadable: no source by that name, or none that knows the format.
    """
    if named:
        if named not in known:
            raise Unreadable(f"no source is named {named!r}; there are: {', '.join(sorted(known))}", "", "source.unknown")
        return known[named]
    if not document.data.strip():
        advice = "send the report as JSON, YAML, XML, CSV, Markdown, mail or a crash log"
        raise Unreadable(f"the file is empty; {advice}", "", "document.empty")
    sure, best = max(((source.sniff(document), name) for name, source in known.items()), default=(0.0, ""))
    if sure <= 0 and document.json_error is not None and document.head[:1] in ("{", "["):
        raise document.json_error
    if sure <= 0:
        advice = "name its source with --source, or send SARIF, OSV, CVE JSON, CSAF, Markdown or our own NDJSON"
        raise Unreadable(f"no source knows this format; {advice}", "", "source.not_found")
    return known[best]


def read(known: dict[str, Source], request: Request, data: bytes) -> Iterator[Answer]:
    """The answer to a request, portion by portion. Whatever the bytes, it ends with an answer whose `last` is set."""
    document = Document(request.name, data, request.limits, request.keys)
    name, version = request.source, ""
    ended: Unreadable | None = None
    try:
        source = choose(known, document, request.source)
    except Exception as error:
        ended = _reason(error, name)
    else:
        name, version = source.name, source.version
        prepared = (_prepare(item, request) for item in _bounded(source.parse(document), request.limits))
        while ended is None and (portion := tuple(_until_ended(prepared, name))):
            ended = next((entry for entry in portion if isinstance(entry, Unreadable)), None)
            yield Answer(name, version, tuple(entry for entry in portion if isinstance(entry, ReadItem)))
    notes = () if ended is None else (_clean_note(ended.note, request.first_line),)
    yield Answer(name, version, (), notes, last=True)


def _until_ended(prepared: Iterator[ReadItem], source: str) -> Iterator[ReadItem | Unreadable]:
    """The next portion; an error of the document ends it but does not take the items before it along."""
    try:
        yield from itertools.islice(prepared, PORTION)
    except Exception as error:
        yield _reason(error, source)


def _reason(error: Exception, source: str) -> Unreadable:
    """Why reading ended. A mistake of a reader costs its document, never those behind it: the original is kept."""
    if isinstance(error, Unreadable):
        return error
    if isinstance(error, MemoryError):
        return Unreadable("reading it needs more memory than this instance allows", "", "limit.memory")
    message = f"the reader {source or 'of this format'} failed ({type(error).__name__}), a mistake of ours: the original is kept"
    return Unreadable(message, "", "reader.failed")


def _bounded(parsed: Iterator[Item], limits: IntakeLimits) -> Iterator[Item]:
    for count, item in enumerate(parsed):
        if count >= limits.items_max:
            message = f"more than {limits.items_max} items in one file; what follows was not read: send the rest in another file"
            raise Unreadable(message, item.place, "limit.items")
        yield item


def _prepare(item: Item, request: Request) -> ReadItem:
    place = _clean_place(item.place, request.first_line)
    said = tuple(_clean_note(note, request.first_line) for note in item.notes)
    if item.finding is None:
        return ReadItem(place, None, said, "")
    finding, cuts = rules.clean_finding(dataclasses.replace(item.finding, place=place), request.limits)
    finding = rules.cover_finding(finding, request.cover)
    if (reason := rules.check_content(finding)) is not None:
        return ReadItem(place, None, (*said, reason), "")
    asked = rules.ask_for_locus(finding)
    notes = (*said, *cuts, *(() if asked is None else (asked,)))
    return ReadItem(place, finding, notes, rules.digest_finding(finding))


def _clean_place(untrusted_place: str, first_line: int) -> str:
    # A place is spelled with the document's own keys, so it is as hostile as they are.
    return clean_line(_shift(untrusted_place, first_line), _PLACE_CHARACTERS_MAX)


def _clean_note(note: Note, first_line: int) -> Note:
    return Note(_clean_place(note.place, first_line), clean_line(note.message, _MESSAGE_CHARACTERS_MAX), note.code)


_LINE = re.compile(r"^line (\d{1,9})")


def _shift(place: str, first_line: int) -> str:
    """A place in a segment of a file as a place in the whole file."""
    if first_line == 1:
        return place
    return _LINE.sub(lambda found: f"line {int(found[1]) + first_line - 1}", place)


def write_frame(stream: BinaryIO, payload: bytes) -> None:
    """One frame: length, then payload."""
    stream.write(struct.pack(">I", len(payload)) + payload)
    stream.flush()


def main() -> None:
    """Answer requests until the parent closes the pipe."""
    requests, answers = sys.stdin.buffer, sys.stdout.buffer
    sys.stdout = sys.stderr  # A stray print must not fall into the frames.
    known = load_sources()
    decoder, encoder = msgspec.msgpack.Decoder(Request), msgspec.msgpack.Encoder()
    write_frame(answers, b"")  # Ready: imports are paid for before the first document's time begins.
    while len(header := requests.read(4)) == 4:
        request = decoder.decode(requests.read(struct.unpack(">I", header)[0]))
        data = requests.read(request.size_bytes)
        # The soft limit only: what the document needs on top of what the readers themselves take.
        resource.setrlimit(resource.RLIMIT_AS, (_address_space() + request.limits.parser_memory_bytes_max, resource.RLIM_INFINITY))
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
        for answer in read(known, request, data):
            try:
                frame = encoder.encode(answer)
            except (UnicodeEncodeError, OverflowError) as error:
                # A lone surrogate or a number beyond 64 bits that a reader let through.
                ended = Answer(answer.source, answer.version, (), (_reason(error, answer.source).note,), last=True)
                write_frame(answers, encoder.encode(ended))
                break
            write_frame(answers, frame)


def _address_space() -> int:
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()


if __name__ == "__main__":
    main()
