"""Where in the code: paths that are one file in a project, its forks and whoever vendors it, and ids of a file's content."""

import hashlib
import re

from clearinghouse.core.crash import normalise_path

DEPTH_MAX = 4
"""Parts of a path that are compared, from the file outwards."""
_VENDORED = re.compile(
    r"^.*(?:^|/)(?:vendor|vendored|_vendor|third[_-]?party|thirdparty|3rdparty|node_modules|bower_components|deps|external|extern|subprojects)/",
    re.IGNORECASE,
)
_VERSION_AT_END = re.compile(r"[-@_]v?\d+(?:\.\d+)+[\w.+-]{0,30}$")
_MONTAGE = frozenset({"src", "source", "sources", "lib", "main", "java", "python"})
"""Folders in which a project is laid out; a fork or a distribution moves files between them."""
_CONTENT = re.compile(r"(?:(git|sha-?1|sha-?256)[:=-])?([0-9a-f]{7,64})", re.IGNORECASE)
_GIT_DIGITS = 7
"""Patches abbreviate a blob's id; git's shortest is what all can be compared by."""


def file_tails(untrusted_path: str) -> tuple[str, ...]:
    """The last part of a path, the last two, ... up to four, vendored prefixes and versions of folders cut, lower case."""
    path = _VENDORED.sub("", normalise_path(untrusted_path).strip("/"))
    parts = [_VERSION_AT_END.sub("", part) if at else part for at, part in enumerate(reversed(path.lower().split("/")))]
    kept = [part for at, part in enumerate(parts) if part and (not at or part not in _MONTAGE)]
    return tuple("/".join(reversed(kept[: at + 1])) for at in range(min(len(kept), DEPTH_MAX)))


def content_id(untrusted_id: str) -> str:
    """A digest of a file's content in comparable form, `git:1a2b3c4` or `sha-256:HEX`; empty where it is none."""
    found = _CONTENT.fullmatch(untrusted_id.strip())
    if found is None:
        return ""
    kind, digits = (found[1] or "").lower().replace("-", ""), found[2].lower()
    if kind == "sha256" or (not kind and len(digits) == 64):
        return f"sha-256:{digits}" if len(digits) == 64 else ""
    if kind == "sha1":
        return f"sha-1:{digits}" if len(digits) == 40 else ""
    # All zeros stand for "no such file" in a diff.
    return f"git:{digits[:_GIT_DIGITS]}" if len(digits) <= 64 and digits.strip("0") else ""


def git_blob(content: bytes) -> str:
    """The id git gives a file of this content, in comparable form."""
    header = b"blob %d\0" % len(content)
    return content_id("git:" + hashlib.sha1(header + content, usedforsecurity=False).hexdigest())
