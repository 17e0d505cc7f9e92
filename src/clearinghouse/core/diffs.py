"""Unified diffs found in a text: what a patch changes, in a form that survives a cherry-pick or a backport.

Hostile input: every count is bounded, every pattern linear, nothing is applied. Like `git patch-id --stable` the id of a patch
ignores line numbers, white space and the order of files; unlike it, it ignores folders too, because a vendored copy has others.
"""

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from clearinghouse.core.places import content_id, file_tails

CHARACTERS_MAX = 400_000
LINES_MAX = 20_000
_LINE_CHARACTERS_MAX = 2_000
FILES_MAX = 100
HUNKS_MAX = 300
CHANGE_CHARACTERS_MIN = 24
"""A hunk that changes less (a brace, a return) is found in patches of unrelated flaws."""
_HUNK = re.compile(r"@@ -(\d{1,9})(?:,(\d{1,7}))? \+(\d{1,9})(?:,(\d{1,7}))? @@ ?(.*)")
_INDEX = re.compile(r"index ([0-9a-f]{7,64})\.\.([0-9a-f]{7,64})")
_PREFIXED = re.compile(r"^[abciow]/")
_NOT_CODE = re.compile(
    r"(?:^|/)(?:change(?:s|log)|news|readme|license|copying|authors|version|configure|makefile|cargo|go|package(?:-lock)?|yarn)(?:\.\w{1,10})*$"
    r"|\.(?:md|rst|txt|adoc|lock|po|pot|sum|html?|svg|json|ya?ml|toml|cfg|spec|ac|am|cmake|patch|diff)$",
    re.IGNORECASE,
)
"""Files whose hunks repeat in every release."""
_HEADING = re.compile(r"([A-Za-z_~$][\w$]*)\s*\(|\b(?:def|func|fn|class|sub|function|impl|interface|struct)\s+([A-Za-z_$][\w$]*)")
_NO_FUNCTION = frozenset({
    "if", "for", "while", "switch", "return", "sizeof", "catch", "defined", "define", "func", "fn", "class", "struct", "__attribute__", "public",
})
_SPACE = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Hunk:
    """One stretch of changed lines."""

    function: str
    """What git names as the function around it; empty where it names none."""
    line: int
    """Where it begins in the old file."""
    id: str
    """Digest of what is taken out and put in, white space aside; empty where that is too little to tell."""


@dataclass(frozen=True, slots=True)
class FileChange:
    """What a patch does to one file."""

    path: str
    old: str
    """Id of the content before, comparable (`core.places.content_id`); empty where the patch does not say."""
    hunks: tuple[Hunk, ...]
    digest: int
    code: bool
    """False for change logs, version files and the like."""


def find_changes(untrusted_text: str) -> tuple[FileChange, ...]:
    """The changes of all unified diffs in a text, in the order they stand; none where there is no diff."""
    if "@@ -" not in untrusted_text[:CHARACTERS_MAX]:
        return ()
    lines = [line[:_LINE_CHARACTERS_MAX].rstrip("\r") for line in untrusted_text[:CHARACTERS_MAX].split("\n", LINES_MAX)[:LINES_MAX]]
    found: list[FileChange] = []
    path, old, hunks, digests, left = "", "", list[Hunk](), list[str](), HUNKS_MAX
    at = 0

    def close() -> None:
        if path and hunks and len(found) < FILES_MAX:
            name = file_tails(path)
            digest = hashlib.sha256("\0".join([name[0] if name else "", *digests]).encode("utf-8", "replace")).digest()
            found.append(FileChange(path, old, tuple(hunks), int.from_bytes(digest[:16], "big"), not _NOT_CODE.search(path)))

    while at < len(lines):
        line = lines[at]
        at += 1
        if line.startswith("diff --git "):
            close()
            path, old, hunks, digests = "", "", [], []
        elif index := _INDEX.match(line):
            old = content_id("git:" + index[1])
        elif line.startswith("--- ") and at < len(lines) and lines[at].startswith("+++ "):
            if hunks:
                close()
                old, hunks, digests = "", [], []
            before, after = _path(line), _path(lines[at])
            path = after if after and after != "dev/null" else before
            at += 1
        elif path and left > 0 and (head := _HUNK.match(line)):
            left -= 1
            body, at = _body(lines, at, int(head[2] or 1), int(head[4] or 1))
            hunks.append(Hunk(function_of(head[5]), int(head[1]), _digest_of_change(body)))
            digests.append("\n".join(sign + _SPACE.sub("", text) for sign, text in body))
    close()
    return tuple(found)


def patch_id(changes: Sequence[FileChange]) -> str:
    """One id for a whole patch, the same for any order of its files; empty where it changes no code."""
    code = [change for change in changes if change.code and any(hunk.id for hunk in change.hunks)]
    return f"{sum(change.digest for change in code) % (1 << 128):032x}" if code else ""


def function_of(untrusted_heading: str) -> str:
    """The function a hunk's heading names, as git prints it behind the second `@@`."""
    for found in _HEADING.finditer(untrusted_heading[:300]):
        name = found[1] or found[2]
        if name and name not in _NO_FUNCTION:
            return name
    return ""


def _path(line: str) -> str:
    return _PREFIXED.sub("", line[4:].split("\t", 1)[0].strip().strip('"'))


def _body(lines: Sequence[str], at: int, old: int, new: int) -> tuple[list[tuple[str, str]], int]:
    """The lines of a hunk, each with its sign, and where the next line stands; the counts of the head say where it ends."""
    body: list[tuple[str, str]] = []
    while at < len(lines) and (old > 0 or new > 0):
        line = lines[at]
        sign = line[:1] or " "  # an empty line of context loses its blank in mail
        if sign == "\\":
            at += 1
            continue
        if sign not in " +-" or line.startswith("diff --git "):
            break
        old -= sign != "+"
        new -= sign != "-"
        body.append((sign, line[1:]))
        at += 1
    return body, at


def _digest_of_change(body: Sequence[tuple[str, str]]) -> str:
    changed = list(_changed(body))
    if sum(len(text) - 1 for text in changed) < CHANGE_CHARACTERS_MIN:
        return ""
    return hashlib.sha256("\n".join(changed).encode("utf-8", "replace")).hexdigest()[:32]


def _changed(body: Sequence[tuple[str, str]]) -> Iterator[str]:
    for sign, text in body:
        bare = _SPACE.sub("", text)
        if sign != " " and bare:
            yield sign + bare
