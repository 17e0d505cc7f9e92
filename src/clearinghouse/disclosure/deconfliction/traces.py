"""Traces: what a report leaves that can be compared exactly - places, stacks, contents of files, patches, a tool's fingerprints.

Kept beside the signature as one row of keyed hashes, eight bytes each, for the corpus the model learns from has next to none
of them. The lowest byte says what an entry is, the rest is the hash: 0 to 63 is a function with its families of weakness (the
only entries of format 1), see `Sort` for the others. What two rows amount to is said by `weighing`.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from clearinghouse.core.crash_runtime import ENTRY_FUNCTIONS
from clearinghouse.core.diffs import FileChange, find_changes, patch_id
from clearinghouse.core.places import content_id, file_tails
from clearinghouse.core.stacks import Stack, crash_kind, telling_stack
from clearinghouse.disclosure.deconfliction.locus import family_of, functions_of, last_name
from clearinghouse.disclosure.deconfliction.records import Kinship
from clearinghouse.disclosure.deconfliction.signature import Signer
from clearinghouse.disclosure.deconfliction.tokens import Kind
from clearinghouse.disclosure.intake.records import Finding, IdentifierRole

FORMAT = 2
"""Rises when an entry changes its meaning; rows of another format are made again from the reports."""
PLACES_MAX = 3
HUNKS_MAX = 16
TOUCHED_MAX = 8
_FEW = 4
_TEXT_SCANNED = 20_000
_LOW = 0xFF
_FUNCTIONS_BELOW = 0x40
_STATED = re.compile(r"CVE-\d{4}-\d{4,7}|GHSA(?:-[2-9a-z]{4}){3}", re.IGNORECASE)
_STATED_MAX = 12
_BEFORE, _AFTER = 110, 90
_PATCH_NAMES = frozenset({"patch", "diff", "fix", "proposed_patch", "suggested_fix"})
_NAME_MIN = 4
_ACCESS = {"READ": 1, "WRITE": 2}
_ENTRIES = frozenset(name.rsplit(".", 1)[-1].lower() for name in ENTRY_FUNCTIONS)
"""A crash of which nothing but the fuzzer's own function is known points at no place."""


class Sort(IntEnum):
    """What an entry is; stands in its lowest byte. Functions have 0 to 63."""

    FRAME = 0x40
    """A telling frame, plus its place; 16 more where it is the first of the program's own code."""
    CRASH_KIND = 0x60
    TOP_LINE = 0x61
    """The innermost telling frame with its line."""
    CONTENT_AT = 0x62
    """A function, or a line, within a file of this very content."""
    CONTENT_CHANGED = 0x63
    """The same of what a patch changes; meets `CONTENT_AT`, for two patches are compared as patches."""
    PATCH = 0x64
    """A whole patch that changes several stretches of code."""
    ONE_HUNK = 0x65
    """A whole patch of one stretch."""
    HUNK = 0x66
    TOUCHED = 0x67
    """A function that a patch changes; the hash is that of a function pointed at."""
    FINGERPRINT = 0x68
    NAMED = 0x70
    """A public identifier of its own."""
    REGRESSION = 0x71
    """A public identifier of a flaw that this one says it follows from."""
    CHAIN = 0x72
    NAMED_APART = 0x73
    PLACE = 0x80
    """A function in a file: depth of the path and how much of it is in the hash, 4 values each."""
    ACCESS = 0xFD
    """Not a hash: whether the access that failed was a read (1) or a write (2)."""
    FAMILY = 0xFE
    """Not a hash: the families of weakness the report names."""
    MARK = 0xFF
    """Not a hash: the format of the row."""


_LINKS = {Sort.REGRESSION: Kinship.REGRESSION, Sort.CHAIN: Kinship.CHAIN, Sort.NAMED_APART: Kinship.NAMED_APART}
_SAID = (
    (Sort.REGRESSION, re.compile(
        r"\b(?:incomplete|insufficient|improper|partial|bad|inadequate) (?:fix|patch|mitigation|remediation)|\b(?:fix|patch) (?:bypass|was incomplete|"
        r"is incomplete|was insufficient)|\bnot (?:fully|completely|properly|correctly) (?:fixed|patched|addressed|mitigated)|\bregression\b|"
        r"\bre-?introduc|\bbypass(?:es|ed|ing)? (?:of )?(?:the )?(?:fix|patch|mitigation)|\bresidual\b|\bcame back\b")),
    (Sort.CHAIN, re.compile(
        r"\bchain(?:ed|ing|s)?\b|\bin (?:combination|conjunction) with\b|\bcombined with\b|\b(?:used|exploited) together with\b")),
    (Sort.NAMED_APART, re.compile(
        r"\b(?:a )?(?:different|distinct|separate) (?:vulnerability|issue|flaw|bug) (?:than|from|to)\b|\bnot (?:the same as|a duplicate of)\b|"
        r"\bvariant of\b|\bsimilar to\b|\bunlike\b")),
)
_MASK = ~_LOW & (1 << 64) - 1
_INDEXED = np.array([int(sort) for sort in (
    Sort.CONTENT_AT, Sort.CONTENT_CHANGED, Sort.PATCH, Sort.ONE_HUNK, Sort.HUNK, Sort.TOUCHED, Sort.FINGERPRINT, Sort.NAMED, Sort.REGRESSION, Sort.CHAIN,
    Sort.NAMED_APART,
)], np.uint64)


@dataclass(frozen=True, slots=True)
class Traces:
    """One row, read."""

    functions: frozenset[int] = frozenset()
    family: int = 0
    """Families of weakness the report names, one bit each; 0 where it names none."""
    frames: tuple[int, ...] = ()
    project: int = -1
    """Place of the first frame of the program's own code, -1 where that is not known."""
    crash_kind: int = 0
    access: int = 0
    """1 for a read that failed, 2 for a write, 0 where the log does not say."""
    top_line: int = 0
    contents: frozenset[int] = frozenset()
    changed: frozenset[int] = frozenset()
    """Places in known content that a patch changes."""
    patch: int = 0
    one_hunk: bool = False
    hunks: frozenset[int] = frozenset()
    touched: frozenset[int] = frozenset()
    fingerprints: frozenset[int] = frozenset()
    named: frozenset[int] = frozenset()
    links: dict[int, Kinship] = field(default_factory=dict)
    places: dict[int, tuple[int, int]] = field(default_factory=dict)
    """Hash to (depth of the path, how many of its last parts are in the hash)."""


def sign_traces(finding: Finding, signer: Signer) -> bytes:
    """The row of a finding."""
    family = family_of(finding)
    access = _ACCESS.get(finding.crash.access.upper(), 0) if finding.crash is not None else 0
    facts = ((family, Sort.FAMILY), (access, Sort.ACCESS))
    entries = dict.fromkeys([FORMAT << 8 | Sort.MARK, *(value << 8 | sort for value, sort in facts if value)])
    for sort, text in _entries(finding):
        entries[signer.term(Kind.FRAME, text) & _MASK | (family if sort is None else sort)] = None
    return np.array(list(entries), "<u8").tobytes()


def read_row(stored: bytes | None) -> NDArray[np.uint64]:
    """The entries `sign_traces` made, of this format or the first."""
    return np.frombuffer(stored or b"", "<u8")


def format_of(stored: bytes) -> int:
    """The format of a row; 1 where it bears no mark."""
    first = int.from_bytes(stored[:8], "little")
    return first >> 8 if stored and first & _LOW == Sort.MARK else 1


def indexed(row: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """What of a row the inverted index holds: whatever alone is a reason to compare, without its lowest byte."""
    low = row & np.uint64(_LOW)
    return np.unique(row[(low < _FUNCTIONS_BELOW) | np.isin(low, _INDEXED)] & np.uint64(_MASK))


def read_traces(row: NDArray[np.uint64]) -> Traces:
    """A row taken apart."""
    sets: dict[int, set[int]] = {}
    frames: dict[int, int] = {}
    links: dict[int, Kinship] = {}
    places: dict[int, tuple[int, int]] = {}
    project = -1
    family = access = 0
    for entry in row.tolist():
        low, hashed = entry & _LOW, entry >> 8
        if low < _FUNCTIONS_BELOW:
            sets.setdefault(0, set()).add(hashed)
            family |= low
        elif low < Sort.CRASH_KIND:
            frames[low & 15] = hashed
            project = low & 15 if low & 16 else project
        elif low in _LINKS:
            links[hashed] = _LINKS[Sort(low)]
        elif Sort.PLACE <= low < Sort.PLACE + 16:
            places[hashed] = (low >> 2 & 3) + 1, (low & 3) + 1
        elif low == Sort.FAMILY:
            family = hashed
        elif low == Sort.ACCESS:
            access = hashed
        else:
            sets.setdefault(low, set()).add(hashed)

    def found(sort: int) -> frozenset[int]:
        return frozenset(sets.get(sort, ()))

    def one(sort: int) -> int:
        return next(iter(sets.get(sort, ())), 0)

    return Traces(
        found(0), family, tuple(frames[at] for at in sorted(frames)), project, one(Sort.CRASH_KIND), access, one(Sort.TOP_LINE),
        found(Sort.CONTENT_AT), found(Sort.CONTENT_CHANGED), one(Sort.PATCH) or one(Sort.ONE_HUNK), bool(one(Sort.ONE_HUNK)), found(Sort.HUNK), found(Sort.TOUCHED),
        found(Sort.FINGERPRINT), found(Sort.NAMED), links, places,
    )


def stack_of(finding: Finding) -> Stack:
    """The telling frames of a finding's crash; none where it has no crash."""
    if finding.crash is None:
        return Stack(())
    frames = finding.crash.frames
    return telling_stack([f.function for f in frames], [f.path for f in frames], [f.line for f in frames])


def changes_of(finding: Finding) -> tuple[FileChange, ...]:
    """What the patches change that stand in a finding's texts."""
    texts = [finding.remediation, finding.description, finding.reproduction, *(text for name, text in finding.extra if name in _PATCH_NAMES)]
    return tuple(change for text in texts if text for change in find_changes(text))


def links_of(finding: Finding) -> dict[str, Sort]:
    """Public identifiers of other flaws a finding speaks of, with what it says of them in the same sentence."""
    own = {one.value.upper() for one in finding.identifiers if one.role is not IdentifierRole.RELATED}
    found: dict[str, Sort] = {}
    text = f"{finding.title}. {finding.description[:_TEXT_SCANNED]}"
    for number, stated in enumerate(_STATED.finditer(text)):
        value = stated[0].upper()
        if number >= _STATED_MAX or len(found) >= _FEW:
            break
        if value in own or value in found:
            continue
        before = text[max(0, stated.start() - _BEFORE) : stated.start()].rsplit(". ", 1)[-1]
        around = (before + " " + text[stated.end() : stated.end() + _AFTER].split(". ", 1)[0]).lower()
        said = next((sort for sort, words in _SAID if words.search(around)), None)
        if said is not None:
            found[value] = said
    return found


def _entries(finding: Finding) -> Iterator[tuple[int | None, str]]:
    """(sort, text) of each entry; None for the sort of functions, whose lowest byte holds the families."""
    stack = stack_of(finding)
    functions = dict.fromkeys(name for name in functions_of(finding) if name not in _ENTRIES)
    if stack.project > 0:
        # Where the crash is inside a library, whoever reads the code points at the caller.
        functions |= dict.fromkeys(name for name in (last_name(stack.frames[stack.project]),) if len(name) >= _NAME_MIN)
    yield from ((None, "points at " + name) for name in functions)
    for at, frame in enumerate(stack.frames):
        yield Sort.FRAME + at + 16 * (at == stack.project), "frame " + frame.lower()
    if stack.frames and finding.crash is not None:
        yield Sort.CRASH_KIND, "crash " + crash_kind(finding.crash.kind)
        if stack.line is not None:
            yield Sort.TOP_LINE, f"line {stack.line} of {stack.frames[0].lower()}"
    yield from _places(finding)
    yield from _patches(changes_of(finding))
    producer = finding.producer
    for name, value in producer.fingerprints[:_FEW]:
        # A hash of a line alone is the same in every file that has the line.
        file = next((tails[0] for place in finding.locations if (tails := file_tails(place.path))), "")
        yield Sort.FINGERPRINT, f"fingerprint {producer.tool.lower()} {producer.rule.lower()} {name.lower()} {value} {file}"
    own = [one.value.upper() for one in finding.identifiers if one.role is not IdentifierRole.RELATED and _STATED.fullmatch(one.value)]
    yield from ((Sort.NAMED, "names " + value) for value in own[:_FEW])
    yield from ((sort, "names " + value) for value, sort in links_of(finding).items())


def _places(finding: Finding) -> Iterator[tuple[int, str]]:
    contents = {path: known for path, value in finding.blobs if (known := content_id(value))}
    pointed = [place for place in finding.locations if place.path and (place.symbol or place.path in contents)]
    if len(pointed) > 2 * PLACES_MAX:
        return  # a report that points everywhere points nowhere
    for place in pointed:
        name = last_name(place.symbol) if last_name(place.symbol) not in _ENTRIES else ""
        content = contents.get(place.path, "")
        if content and name:
            yield Sort.CONTENT_AT, f"content {content} function {name}"
        if content and place.line_start is not None:
            # Within the very same content a line's number is a place; anywhere else it is not.
            yield Sort.CONTENT_AT, f"content {content} line {place.line_start}"
        tails = file_tails(place.path) if len(name) >= _NAME_MIN else ()
        for at, tail in enumerate(tails):
            yield Sort.PLACE + (len(tails) - 1) * 4 + at, f"place {tail} {name}"


def _patches(changes: tuple[FileChange, ...]) -> Iterator[tuple[int, str]]:
    whole = patch_id(changes)
    code = [change for change in changes if change.code]
    stretches = [(change, hunk) for change in code for hunk in change.hunks]
    if whole:
        yield (Sort.ONE_HUNK if len(stretches) == 1 else Sort.PATCH), "patch " + whole
    yield from ((Sort.HUNK, "hunk " + hunk.id) for _, hunk in stretches[:HUNKS_MAX] if hunk.id)
    touched = dict.fromkeys(name for _, hunk in stretches if len(name := last_name(hunk.function)) >= _NAME_MIN)
    if len(touched) <= TOUCHED_MAX:
        yield from ((Sort.TOUCHED, "points at " + name) for name in touched)
    for change, hunk in stretches[:HUNKS_MAX]:
        if change.old and hunk.function:
            yield Sort.CONTENT_CHANGED, f"content {change.old} function {last_name(hunk.function)}"
