"""A unified diff taken apart, so that a part of it can be applied alone. Pure; hostile text is kept as bytes and never read into."""

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

_HEAD = re.compile(rb"@@ -(\d{1,9})(?:,(\d{1,7}))? \+(\d{1,9})(?:,(\d{1,7}))? @@(.*)", re.DOTALL)
_LINES_MAX = 200_000  # bounds the work on one diff, not a policy


@dataclass(frozen=True, slots=True)
class _Hunk:
    start: int
    """Line of the old file."""
    after: int
    """Line of the new one, as the diff says."""
    heading: bytes
    lines: tuple[bytes, ...]
    """With their signs; a `\\ No newline` stands behind the line it belongs to, in one entry."""
    runs: tuple[int, ...]
    """For each line, the run of changed lines it is of; -1 for context."""


@dataclass(frozen=True, slots=True)
class _File:
    head: bytes
    """Everything before the first hunk."""
    hunks: tuple[_Hunk, ...]
    whole: bool
    """It is applied whole or not at all: made, removed, renamed, binary."""


Part = tuple[int, int, int]
"""File, hunk and run of changed lines; -1 for all of them."""


@dataclass(frozen=True, slots=True)
class Diff:
    """A unified diff by parts."""

    files: tuple[_File, ...]

    def parts(self, most: int) -> tuple[Part, ...]:
        """What can be applied alone: runs of changed lines, else hunks, else files, whichever are at most so many; none where even those are more."""
        runs = self._runs()
        hunks = tuple(dict.fromkeys((file, hunk, -1) for file, hunk, _ in runs))
        files = tuple(dict.fromkeys((file, -1, -1) for file, _, _ in hunks))
        return next((found for found in (runs, hunks, files) if len(found) <= most), ())

    def render(self, chosen: Collection[Part]) -> bytes:
        """The diff with these parts alone. What is left out of a hunk stands in it as context, unchanged."""
        out = []
        for number, file in enumerate(self.files):
            mine = [part for part in chosen if part[0] == number]
            if not mine:
                continue
            if file.whole or (number, -1, -1) in mine:
                out.append(file.head + b"".join(_render_hunk(hunk, hunk.lines, None) for hunk in file.hunks))
                continue
            shift, hunks = 0, []
            for at, hunk in enumerate(file.hunks):
                kept = {run for _, of, run in mine if of in (at, -1)}
                if kept:
                    lines = _chosen(hunk, None if -1 in kept else kept)
                    hunks.append(_render_hunk(hunk, lines, shift, self._depth))
                    shift += sum(line.startswith(b"+") for line in lines) - sum(line.startswith(b"-") for line in lines)
            out.append(file.head + b"".join(hunks))
        return b"".join(out)

    @property
    def _depth(self) -> int:
        """Lines of context that the diff was made with."""
        return max((_context(lines) for file in self.files for hunk in file.hunks for lines in (hunk.lines, hunk.lines[::-1])), default=0)

    def _runs(self) -> tuple[Part, ...]:
        found: list[Part] = []
        for number, file in enumerate(self.files):
            if file.whole:
                found.append((number, -1, -1))
                continue
            found += [(number, at, run) for at, hunk in enumerate(file.hunks) for run in range(max(hunk.runs, default=-1) + 1)]
        return tuple(found)


def parse_diff(untrusted_diff: bytes) -> Diff:
    """The parts of a unified diff; what is none has none."""
    lines = untrusted_diff.splitlines(keepends=True)[:_LINES_MAX]
    files: list[_File] = []
    head: list[bytes] = []
    hunks: list[_Hunk] = []
    at = 0

    def close() -> None:
        if head and (hunks or any(line.startswith((b"rename ", b"new file", b"deleted file", b"GIT binary")) for line in head)):
            names = [line[4:].split(b"\t", 1)[0].strip() for line in head if line.startswith((b"--- ", b"+++ "))]
            marks = (b"new file", b"deleted file", b"rename ", b"copy ", b"GIT binary")
            whole = not hunks or b"/dev/null" in names or any(line.startswith(marks) for line in head)
            files.append(_File(b"".join(head), tuple(hunks), whole))

    while at < len(lines):
        line = lines[at]
        found = _HEAD.match(line)
        if found is not None and head:
            hunk, at = _hunk(lines, at + 1, found)
            hunks.append(hunk)
            continue
        if line.startswith(b"diff ") or (line.startswith(b"--- ") and at + 1 < len(lines) and lines[at + 1].startswith(b"+++ ") and hunks):
            close()
            head, hunks = [], []
        if not hunks:
            head.append(line)
        at += 1
    close()
    return Diff(tuple(files))


def reduce_parts(parts: Sequence[Part], enough: Callable[[tuple[Part, ...]], bool]) -> tuple[Part, ...]:
    """Of parts that are enough together, some of which none can be left out; delta debugging (Zeller and Hildebrandt, ddmin)."""
    chosen, pieces = tuple(parts), 2
    while len(chosen) > 1:
        size = -(-len(chosen) // pieces)
        cut = [chosen[start : start + size] for start in range(0, len(chosen), size)]
        rests = [tuple(part for part in chosen if part not in piece) for piece in cut]
        smaller = next((piece for piece in cut if enough(piece)), None)
        if smaller is not None:
            chosen, pieces = smaller, 2
            continue
        rest = None if len(cut) == 2 else next((each for each in rests if enough(each)), None)
        if rest is not None:
            chosen, pieces = rest, max(pieces - 1, 2)
        elif size == 1:
            break
        else:
            pieces = min(pieces * 2, len(chosen))
    return chosen


def _hunk(lines: Sequence[bytes], at: int, head: re.Match[bytes]) -> tuple[_Hunk, int]:
    old = int(head[2]) if head[2] is not None else 1
    new = int(head[4]) if head[4] is not None else 1
    body: list[bytes] = []
    runs: list[int] = []
    run, inside = -1, False
    while at < len(lines):
        line = lines[at]
        if line.startswith(b"\\") and body:
            # One such line belongs to a line ("No newline at end of file"); more of them are noise, and glueing them costs their number squared.
            if not lines[at - 1].startswith(b"\\"):
                body[-1] += line
            at += 1
            continue
        sign = b" " if line in (b"\n", b"\r\n") else line[:1]
        if (old <= 0 and new <= 0) or sign not in (b" ", b"+", b"-"):
            break
        if sign == b" ":
            inside = False
        elif not inside:
            run, inside = run + 1, True
        old -= sign != b"+"
        new -= sign != b"-"
        body.append(line if line[:1] == sign else sign + line)
        runs.append(run if inside else -1)
        at += 1
    return _Hunk(int(head[1]), int(head[3]), head[5], tuple(body), tuple(runs)), at


def _chosen(hunk: _Hunk, kept: Collection[int] | None) -> tuple[bytes, ...]:
    lines = []
    for line, run in zip(hunk.lines, hunk.runs, strict=True):
        if kept is None or run == -1 or run in kept:
            lines.append(line)
        elif line.startswith(b"-"):
            lines.append(b" " + line[1:])
    return tuple(lines)


def _context(lines: Sequence[bytes]) -> int:
    """How many lines of context stand first."""
    return next((at for at, line in enumerate(lines) if not line.startswith(b" ")), len(lines))


def _render_hunk(hunk: _Hunk, lines: Sequence[bytes], shift: int | None, depth: int = 0) -> bytes:
    """A hunk's text; with a shift its place is computed anew and context beyond a depth is cut away.

    What was a change and is context now may not stay: `patch` takes a hunk with more context on one side for one that ends the file.
    """
    start, after = hunk.start, hunk.after
    if shift is not None:
        first = max(_context(lines) - depth, 0)
        last = max(_context(lines[::-1]) - depth, 0)
        lines = lines[first : len(lines) - last]
        # Of a hunk without old lines the head names the line before it.
        start += first + (not any(line.startswith((b"-", b" ")) for line in hunk.lines))
        after = start + shift
    old, new = (sum(not line.startswith(sign) for line in lines) for sign in (b"+", b"-"))
    if shift is not None:
        start, after = start - (old == 0), after - (new == 0)
    return b"@@ -%d,%d +%d,%d @@" % (start, old, after, new) + hunk.heading + b"".join(lines)
