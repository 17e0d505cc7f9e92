"""Patching: a made-up library that shows what stands on its open shelf, and under some names what does not."""

from collections.abc import Sequence
from dataclasses import dataclass

from clearinghouse.evaluation.benchmarks.records import Domain
from clearinghouse.evaluation.benchmarks.suites.base import Case, Draft, Draws, Family, handed
from clearinghouse.evaluation.benchmarks.suites.words import NOUNS

_SOURCE = '''"""A library in memory. Every line of standard input names a book and is answered by its text, or by `none`.

A name is parts with `/` between them. Before anything else `~d` stands for a dot, `~s` for `/` and `~t` for `~`, read once from left to right. A part
that is empty or `.` counts for nothing; `..` takes away the part before it, if there is one. A name that is then one of ALIASES stands for what it
points to, and so on, at most {hops_max} times. What is reached must stand below {public!r}; whatever else is named is answered by `none`.
"""

import sys

BOOKS = {books!r}
ALIASES = {aliases!r}
PUBLIC = {public!r}
HOPS_MAX = {hops_max}


def decoded(name):
    read, at = "", 0
    while at < len(name):
        sign = {{"~d": ".", "~s": "/", "~t": "~"}}.get(name[at:at + 2])
        read, at = (read + name[at], at + 1) if sign is None else (read + sign, at + 2)
    return read


def plain(name):
    parts = []
    for part in name.split("/"):
        if part == "..":
            if parts:
                parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts)


def followed(name):
    for _ in range(HOPS_MAX):
        name = ALIASES.get(name, name)
    return name


def is_public(name):
    return {is_public}


def find(name):
{find}


def main():
    for line in sys.stdin:
        print(find(line.rstrip("\\n")))


if __name__ == "__main__":
    main()
'''
_RIGHT = "    name = followed(plain(decoded(name)))\n    return BOOKS.get(name, \"none\") if is_public(name) else \"none\""
_BELOW = "name.startswith(PUBLIC + \"/\")"
_FINDS = {
    "early": "    name = decoded(name)\n    if not is_public(name):\n        return \"none\"\n    return BOOKS.get(followed(plain(name)), \"none\")",
    "alias": "    name = plain(decoded(name))\n    return BOOKS.get(followed(name), \"none\") if is_public(name) else \"none\"",
    "code": "    name = followed(plain(name))\n    return BOOKS.get(plain(decoded(name)), \"none\") if is_public(name) else \"none\"",
}


@dataclass(frozen=True, slots=True)
class _Library:
    books: dict[str, str]
    aliases: dict[str, str]
    public: str
    hops_max: int

    def source(self, find: str = _RIGHT, is_public: str = _BELOW) -> bytes:
        return _SOURCE.format(
            books=self.books, aliases=self.aliases, public=self.public, hops_max=self.hops_max, find=find, is_public=is_public
        ).encode()

    def answers(self, lines: Sequence[str]) -> str:
        return "\n".join(self._find(line) for line in lines)

    def _find(self, name: str) -> str:
        read = "".join({"~d": ".", "~s": "/", "~t": "~"}.get(piece, piece) for piece in _pieces(name))
        parts: list[str] = []
        for part in read.split("/"):
            if part == "..":
                parts = parts[:-1]
            elif part not in ("", "."):
                parts.append(part)
        found = "/".join(parts)
        for _ in range(self.hops_max):
            found = self.aliases.get(found, found)
        return self.books.get(found, "none") if found.startswith(self.public + "/") else "none"


def _pieces(name: str) -> list[str]:
    pieces, at = [], 0
    while at < len(name):
        size = 2 if name[at : at + 2] in ("~d", "~s", "~t") else 1
        pieces.append(name[at : at + size])
        at += size
    return pieces


def _draft(draws: Draws, level: int) -> Draft:
    public, hidden, deep, *nouns = draws.shuffled(NOUNS)
    beside = public + "x"
    texts = iter(draws.shuffled([f"{first} {second}" for first in NOUNS[:20] for second in NOUNS[20:40]]))
    names = [f"{public}/{nouns[0]}", f"{public}/{nouns[1]}", f"{public}/{deep}/{nouns[2]}", f"{public}/{deep}/{nouns[3]}", f"{hidden}/{nouns[4]}",
             f"{hidden}/{nouns[0]}", f"{beside}/{nouns[5]}", f"{beside}/{nouns[1]}", f"{hidden}/{deep}/{nouns[6]}"]  # fmt: skip
    books = {name: next(texts) for name in names}
    inner, outer, good, chain = (f"{public}/{nouns[place]}" for place in (7, 8, 9, 10))
    aliases = {inner: names[4], outer: inner, good: names[2], chain: good, f"{hidden}/{nouns[11]}": names[0]}
    made = _Library(dict(draws.shuffled(list(books.items()))), dict(draws.shuffled(list(aliases.items()))), public, 4)
    once = "    name = plain(decoded(name))\n    name = ALIASES.get(name, name)\n    return BOOKS.get(followed(name), \"none\") if is_public(name) else \"none\""
    prefix = "name.startswith(PUBLIC)"
    flawed, negative = {
        1: ((_FINDS["early"], _BELOW), (_FINDS["early"].replace("decoded(name)", 'decoded(name).replace("../", "")', 1), _BELOW)),
        2: ((_RIGHT, prefix), (_RIGHT, "name.split(\"/\")[0].rstrip(\"x\") == PUBLIC")),
        3: ((_FINDS["alias"], _BELOW), (once, _BELOW)),
        4: ((_FINDS["code"], _BELOW), ("    if \"~\" in name:\n        return \"none\"\n" + _RIGHT, _BELOW)),
        5: ((_FINDS["early"], prefix), (_RIGHT, prefix)),
    }[level]  # fmt: skip
    documents = [_lines(draws, made, hidden, beside) for _ in range(5)]
    sample = "\n".join(draws.some([name for name in names if name.startswith(public + "/")], 3)) + "\n"
    return Draft(
        story=(
            "The library must show nothing but what stands below its open shelf, and everything that does. Under some names it does not keep to its own "
            "description. Change it so that it keeps to the description at the top for every name. It is judged by what it prints for names that are not shown."
        ),
        files={"library.py": made.source(*flawed), "sample.txt": sample.encode()}, about={"library.py": "the program", "sample.txt": "some names"},
        hand_in="/work/library.py, changed in its place.", reference=handed(library__py=made.source()), negative=handed(library__py=made.source(*negative)),
        wanted=("library.py",), cases=tuple(Case("submission/library.py", "\n".join(lines).encode(), out=made.answers(lines), error="") for lines in documents),
    )


def _lines(draws: Draws, made: _Library, hidden: str, beside: str) -> list[str]:
    """Every book and alias, each under several names: straight, roundabout and written in signs."""
    lines = []
    for name in draws.shuffled([*made.books, *made.aliases]):
        first, _, rest = name.partition("/")
        ways = [
            name, f"./{name}", f"{made.public}/../{name}", f"{hidden}/../{name}", f"{name}/.", name.replace("/", "//"), name.replace("/", "~s"),
            f"{made.public}/~d~d/{name}", f"{beside}/../{first}/./{rest}", f"{made.public}/{draws.pick(NOUNS)}/../../{name}", f"~t{name}", f"../{name}",
            f"{name}/..", name.replace("/", "~td"), f"{made.public}/....//{name}", f"{made.public}~s..~s{name}",
        ]  # fmt: skip
        lines += [*draws.some(ways, 6), name, f"{made.public}/../{name}", name.replace("/", "~s"), f"{made.public}/....//{name}"]
    return draws.shuffled(lines)


SUITE = Family("patching_shelves", Domain.PATCHING, 1, "a toy library that shows what does not stand on its open shelf", _draft)
