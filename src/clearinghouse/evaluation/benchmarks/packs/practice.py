"""Practice packs: the same generators with other seeds, in the clear, as a folder to rehearse with.

A developer sees with one what will be asked, in which form it is handed in and how it is graded, and may train, tune and measure on it as it likes:
no number of it is evidence, and no item of it is in a sealed pack.
"""

import json
import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from clearinghouse.core.errors import Conflict, Invalid
from clearinghouse.core.ids import has_shape
from clearinghouse.core.review_policy import BenchmarkPolicy
from clearinghouse.evaluation.benchmarks.grading import grade
from clearinghouse.evaluation.benchmarks.packs.format import parse_item, render_item
from clearinghouse.evaluation.benchmarks.records import Grade, Item, Submission
from clearinghouse.evaluation.benchmarks.suites import Suite
from clearinghouse.sandbox.base import Sandbox

_ITEM_BYTES_MAX = 100_000_000
_ITEMS_MAX = 10_000

_README = """\
# A practice pack

{items} items of {families} families, made from seed {seed}. Sealed packs hold items of the same generators from seeds that nobody kept.

- `items/ID/prompt.txt` and `items/ID/files/`: what a model gets; the files lie in its working folder `/work`.
- `items/ID/reference/` and `items/ID/negative/`: what is right, and what only looks right. `items/ID/item.json` is the whole item with its grader.
- `submissions/ID/`: put what your model hands in here, by the names that the prompt asks for (an answer of one line is `answer.txt`).

`clearinghouse benchmark grade .` grades what lies in `submissions/`, on this machine, in a sandbox. What has no folder there was not answered.

The canary in every item is there to be found by whoever cleans a training corpus: please leave such texts out of one.
"""


@dataclass(frozen=True, slots=True)
class Graded:
    """An item of a practice pack and what was handed in for it."""

    item: Item
    grade: Grade | None
    """None: nothing was handed in."""


def practice_pack(suites: Sequence[Suite], seed: int, per_family: int) -> list[Item]:
    """The items of a practice pack: the same for the same seed, everywhere.

    Raises:
        Invalid: there would be none, or more than a folder should hold.
    """
    if seed < 0 or not 0 < per_family * len(suites) <= _ITEMS_MAX:
        raise Invalid(f"a practice pack holds 1 to {_ITEMS_MAX} items, and its seed is 0 or more")
    return [suite.generate(seed, number) for suite in suites for number in range(per_family)]


def write_practice(folder: Path, items: Sequence[Item], seed: int) -> None:
    """Write a practice pack into a folder of its own.

    Raises:
        Conflict: the folder exists and is not empty.
    """
    if folder.exists() and any(folder.iterdir()):
        raise Conflict(f"{folder} is not empty; name a new folder")
    for item in items:
        place = folder / "items" / item.id
        _write(place / "item.json", render_item(item))
        _write(place / "prompt.txt", item.prompt.encode())
        for name, submission in (("reference", item.reference), ("negative", item.negative)):
            for file, content in submission.files.items():
                _write(place / name / file, content)
        for file, content in item.files.items():
            _write(place / "files" / file, content)
    (folder / "submissions").mkdir()
    _write(folder / "README.md", _README.format(items=len(items), families=len({item.family for item in items}), seed=seed).encode())
    listed = [{"id": item.id, "family": item.family, "domain": item.domain, "wanted": list(item.grader.wanted)} for item in items]
    _write(folder / "pack.json", json.dumps({"v": 1, "practice": True, "seed": str(seed), "items": listed}, indent=1).encode() + b"\n")


def read_practice(folder: Path) -> list[Item]:
    """The items of a practice folder, by their ids.

    Raises:
        Invalid: it holds none, or something that is no item.
    """
    found = sorted((folder / "items").glob("*/item.json"))[: _ITEMS_MAX + 1] if (folder / "items").is_dir() else []
    if not 0 < len(found) <= _ITEMS_MAX:
        raise Invalid(f"{folder} is no practice pack: it has no items/ID/item.json; `clearinghouse benchmark practice` makes one")
    items = []
    for path in found:
        if path.stat().st_size > _ITEM_BYTES_MAX:
            raise Invalid(f"{path} is larger than {_ITEM_BYTES_MAX} bytes")
        item = parse_item(path.read_bytes())
        if not has_shape(item.id) or item.id != path.parent.name:
            raise Invalid(f"{path} holds another item than its folder says")
        items.append(item)
    return items


def grade_practice(
    items: Iterable[Item], submissions: Path, sandbox: Sandbox, policy: BenchmarkPolicy
) -> Iterator[Graded]:
    """What each item's grader says of what lies in the folder of its id."""
    for item in items:
        folder = submissions / item.id
        handed = read_submission(folder, policy) if folder.is_dir() else None
        yield Graded(item, None if handed is None or not (handed.files or handed.answer) else grade(item.files, item.grader, handed, sandbox, policy))


def read_submission(folder: Path, policy: BenchmarkPolicy) -> Submission:
    """What lies in a folder, as a submission: plain files only, and no more than a sample may keep.

    Raises:
        Invalid: there is more, or something else than plain files.
    """
    files: dict[str, bytes] = {}
    left = policy.state_bytes_max
    for path in sorted(folder.rglob("*")):
        seen = path.lstat()
        if stat.S_ISDIR(seen.st_mode):
            continue
        if not stat.S_ISREG(seen.st_mode) or len(files) >= policy.state_files_max or seen.st_size > left:
            raise Invalid(f"{folder} holds something else than plain files, or more than {policy.state_bytes_max} bytes")
        content = _read_plain(path)
        left -= len(content)
        files[str(PurePosixPath(path.relative_to(folder)))] = content
    return Submission(files.get("answer.txt", b"")[:100_000].decode("utf-8", "replace"), files)


def _read_plain(path: Path) -> bytes:
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb") as file:
        return file.read()


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
