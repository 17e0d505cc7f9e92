"""A proposed diff, line by line: plain changes to plain files, counted as their headings say, and nothing between or around."""

import re
from collections.abc import Sequence

from clearinghouse.disclosure.validation.proposing.records import Refusal

_HUNK = re.compile(r"@@ -\d{1,9}(?:,(?P<old>\d{1,7}))? \+\d{1,9}(?:,(?P<new>\d{1,7}))? @@(?: .*)?")
_PATH = re.compile(r"(?P<side>[ab])/(?P<path>[A-Za-z0-9_][A-Za-z0-9_.+-]{0,99}(?:/[A-Za-z0-9_][A-Za-z0-9_.+-]{0,99}){0,19})")
_NO_FILE = "/dev/null"
_LINES_MAX = 5_000  # of a change that a person is to read; not a policy


def check_diff(untrusted_text: str) -> str:
    """The diff, with nothing in it but file headings and hunks.

    Raises:
        Refusal: it holds anything else, or does not add up.
    """
    lines = untrusted_text.split("\n")
    if len(lines) > _LINES_MAX:
        raise Refusal(f"the proposed diff has {len(lines)} lines; at most {_LINES_MAX} are taken")
    if any(sign != "\t" and not sign.isprintable() for line in lines for sign in line):
        raise Refusal("the proposed diff holds signs that nobody sees; a person could not check it")
    at, kept, files = 0, list[str](), 0
    while at < len(lines):
        if lines[at].startswith(("diff --git ", "index ")):
            # Said again, and better, by the headings.
            at += 1
            continue
        at = _file(lines, at, kept)
        files += 1
    if not files:
        raise Refusal("the answer is no unified diff: it begins with no `--- a/PATH`")
    return "\n".join(kept) + "\n"


def _file(lines: Sequence[str], at: int, kept: list[str]) -> int:
    """Take one file's changes over; gives the line after them."""
    if at + 2 >= len(lines) or not lines[at].startswith("--- ") or not lines[at + 1].startswith("+++ ") or not lines[at + 2].startswith("@@ "):
        raise Refusal(f"the answer is no unified diff: line {at + 1} is neither a heading of a file nor part of a change")
    old, new = _path(lines[at][4:], "a"), _path(lines[at + 1][4:], "b")
    if old == new == _NO_FILE or (_NO_FILE not in (old, new) and old != new):
        raise Refusal("the proposed diff changes one file under two names")
    kept += [f"--- {old if old == _NO_FILE else 'a/' + old}", f"+++ {new if new == _NO_FILE else 'b/' + new}"]
    at += 2
    while at < len(lines) and lines[at].startswith("@@ "):
        at = _hunk(lines, at, kept)
    return at


def _hunk(lines: Sequence[str], at: int, kept: list[str]) -> int:
    found = _HUNK.fullmatch(lines[at])
    if found is None:
        raise Refusal(f"line {at + 1} of the proposed diff begins a change and does not say which lines")
    old, new = (int(found[side] if found[side] is not None else 1) for side in ("old", "new"))
    kept.append(lines[at])
    at += 1
    while (old > 0 or new > 0) and at < len(lines):
        # An empty line of context loses its blank on the way now and then.
        sign = lines[at][:1] or " "
        if sign not in (" ", "+", "-"):
            break
        old, new = old - (sign in " -"), new - (sign in " +")
        kept.append(lines[at] or " ")
        at += 1
    if old or new:
        raise Refusal(f"a change of the proposed diff ends at line {at} and has not as many lines as it says")
    if at < len(lines) and lines[at].startswith("\\ No newline"):
        kept.append("\\ No newline at end of file")
        at += 1
    return at


def _path(untrusted_name: str, side: str) -> str:
    name = untrusted_name.split("\t", 1)[0].strip()
    if name == _NO_FILE:
        return name
    found = _PATH.fullmatch(name)
    if found is None or found["side"] != side:
        raise Refusal("the proposed diff names a file in a way that is not taken; `a/PATH` and `b/PATH` of plain letters would be right")
    return found["path"]
