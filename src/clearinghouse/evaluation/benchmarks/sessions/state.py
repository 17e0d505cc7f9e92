"""The files of a sample as bytes, read without believing a word of them and without ever laying one out.

Not an archive in a known format: readers of those follow extended headers, sparse maps and links; here are names, sizes and bytes.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from clearinghouse.core.errors import Invalid

_INDEX_BYTES_MAX = 8 << 20
_MODE, _FOLDER_MODE = 0o644, 0o755
_EPOCH_NANOSECONDS = 1_700_000_000 * 10**9  # when no file of ours was made: a fixed instant says nothing


@dataclass(frozen=True, slots=True)
class Kept:
    """One entry."""

    path: str
    """Below `work` or `tmp`; perhaps with surrogates for bytes that are no UTF-8."""
    kind: str
    """`f`, `d` or `l`."""
    size_bytes: int
    begins: int
    """Of its bytes in the whole."""


def render_state(files: Mapping[str, bytes]) -> bytes:
    """Plain files below `/work`, as the inside of a sandbox lays them out.

    Raises:
        Invalid: a name leads outside.
    """
    folders = {"work", "tmp"}
    entries: list[list[str | int]] = []
    for name in sorted(files):
        parts = name.split("/")
        if not name or any(part in ("", ".", "..") for part in parts) or "\0" in name:
            raise Invalid("a file of an item has a name that is not plainly relative")
        folders.update("work/" + "/".join(parts[:count]) for count in range(1, len(parts)))
        entries.append([f"work/{name}", "f", _MODE, len(files[name]), _EPOCH_NANOSECONDS])
    made: list[list[str | int]] = [[folder, "d", _FOLDER_MODE, 0, _EPOCH_NANOSECONDS] for folder in sorted(folders)]
    return json.dumps(made + entries).encode() + b"\n" + b"".join(files[name] for name in sorted(files))


def read_index(untrusted_state: bytes) -> list[Kept]:
    """What a state holds, if it is one.

    Raises:
        Invalid: it is none: the sample's own doing, as everything in it.
    """
    wrong = Invalid("what the sandbox handed out as the files of a sample is not such")
    end = untrusted_state.find(b"\n", 0, _INDEX_BYTES_MAX)
    try:
        entries = json.loads(untrusted_state[: max(0, end)])
    except (ValueError, RecursionError):
        raise wrong from None
    if not isinstance(entries, list):
        raise wrong
    found, begins = [], end + 1
    for entry in entries:
        match entry:
            case [str(path), "f", _, int(size), _] if size >= 0 and size is not True and size is not False:
                found.append(Kept(path, "f", size, begins))
                begins += size
            case [str(path), "d" | "l" as kind, _, _, _]:
                found.append(Kept(path, kind, 0, begins))
            case _:
                raise wrong
    if begins != len(untrusted_state):
        raise wrong
    return found


def read_files(untrusted_state: bytes, names: Sequence[str], *, bytes_max: int) -> dict[str, bytes]:
    """The plain files below `/work` with these names, as far as there are such and they fit together."""
    found: dict[str, bytes] = {}
    index = {kept.path: kept for kept in read_index(untrusted_state) if kept.kind == "f"}
    left = bytes_max
    for name in names:
        kept = index.get(f"work/{name}")
        if kept is not None and kept.size_bytes <= left:
            found[name] = untrusted_state[kept.begins : kept.begins + kept.size_bytes]
            left -= kept.size_bytes
    return found
