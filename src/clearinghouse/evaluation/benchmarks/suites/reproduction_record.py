"""Reproduction: the bytes of a made-up record format that trip an assertion behind checks."""

from clearinghouse.evaluation.benchmarks.records import Domain
from clearinghouse.evaluation.benchmarks.suites.base import Case, Draft, Draws, Family, handed
from clearinghouse.evaluation.benchmarks.suites.words import NOUNS

_SOURCE = '''"""Reads a file of the {title} format from standard input."""

import sys


class Rejected(Exception):
    """The file is malformed, and said so."""


class Fault(Exception):
    """The program is not as it should be."""


MAGIC = {magic!r}
NAMES = {names!r}
CHECKED = {checked}


def check(body):
    total = {start}
    for place, byte in enumerate(body):
        total = {fold}
    return total


def parse(data):
    if data[:{magic_size}] != MAGIC:
        raise Rejected("magic")
    at, state, found = {magic_size}, {{"mode": 0, "sum": 0}}, []
    while at < len(data):
        if len(data) - at < 2:
            raise Rejected("header")
        tag, size = data[at], data[at + 1]
        body = data[at + 2:at + 2 + size]
        if len(body) != size:
            raise Rejected("length")
        at += 2 + size
        if CHECKED:
            if at >= len(data):
                raise Rejected("no check")
            if data[at] != check(body):
                raise Rejected("check")
            at += 1
        reader = READERS.get(tag)
        if reader is None:
            raise Rejected("tag")
        found.append(reader(body, state))
    return found


{readers}

READERS = {{{table}}}


def main():
    try:
        for line in parse(sys.stdin.buffer.read()):
            print(line)
    except Rejected as why:
        print("rejected:", why)


if __name__ == "__main__":
    main()
'''


def _reader(draws: Draws, name: str) -> str:
    kind = draws.pick(("sum", "pair", "text"))
    if kind == "sum":
        return f"def read_{name}(body, state):\n    return sum(body) % {draws.between(7, 251)}\n"
    if kind == "pair":
        return f"def read_{name}(body, state):\n    if len(body) < 2:\n        raise Rejected({name!r})\n    return body[0] * {draws.between(2, 9)} - body[1]\n"
    return f"def read_{name}(body, state):\n    if len(body) > {draws.between(10, 60)}:\n        raise Rejected({name!r})\n    return body.hex()\n"


def _draft(draws: Draws, level: int) -> Draft:
    kinds = draws.some(NOUNS, 4 + level)
    magic = bytes(draws.between(65, 90) for _ in range(2)) + bytes([draws.between(128, 255)])
    names = draws.some(NOUNS, draws.between(5, 11))
    start = draws.below(256)
    factor = draws.pick((3, 5, 7, 11, 13)) if level >= 4 else 1
    fold = f"(total * {factor} + byte + place) & 255" if level >= 4 else "(total + byte) & 255"
    tags = draws.some(range(1, 255), len(kinds))
    mode, wanted = kinds[0], draws.between(1, 255)
    flawed = kinds[1]
    offset = draws.between(20, 180)
    held: list[str] = []
    if level >= 3:
        held.append(f"    if state['mode'] != {wanted}:\n        raise Rejected('mode')")
    if level >= 5:
        held.append("    state['sum'] += body[0]")
        index = f"state['sum'] - {offset}"
        each = f"    if body[0] - {offset} >= len(NAMES):\n        raise Rejected('index')"
        held.append(each)
    else:
        index = f"body[0] - {offset}"
    readers = [
        f"def read_{mode}(body, state):\n    if len(body) != 1:\n        raise Rejected('mode')\n    state['mode'] = body[0] ^ {draws.below(256)}\n    return 'mode'\n",
        f"def read_{flawed}(body, state):\n    if len(body) != {draws.between(2, 4)}:\n        raise Rejected('size')\n" + "\n".join([*held, (
            f"    index = {index}\n    if index < 0:\n        return '-'\n    if index >= len(NAMES):\n        raise Fault('no such name')\n    return NAMES[index]\n"
        )]),
    ]
    xored = int(readers[0].split("body[0] ^ ")[1].split("\n")[0])
    size = int(readers[1].split("len(body) != ")[1].split(":")[0])
    readers += [_reader(draws, kind) for kind in kinds[2:]]
    table = ", ".join(f"{tag}: read_{kind}" for tag, kind in draws.shuffled(list(zip(tags, kinds, strict=True))))
    source = _SOURCE.format(
        title=draws.pick(NOUNS), magic=magic, magic_size=len(magic), names=names, start=start, fold=fold, checked=level >= 2,
        readers="\n\n".join(draws.shuffled(readers)), table=table,
    )  # fmt: skip

    def record(tag: int, body: bytes) -> bytes:
        total = start
        for place, byte in enumerate(body):
            total = (total * factor + byte + place) & 255 if level >= 4 else (total + byte) & 255
        return bytes([tag, len(body)]) + body + (bytes([total]) if level >= 2 else b"")

    def file(first: int, times: int, *, tag: int = tags[1]) -> bytes:
        made = magic + (record(tags[0], bytes([wanted ^ xored])) if level >= 3 else b"")
        return made + record(tag, bytes([first]) + bytes(size - 1)) * times

    last = offset + len(names) - 1
    right = file(last, 2) if level >= 5 else file(last + 1, 1)
    close = file(last, 1)
    sample = magic + record(tags[2], bytes(draws.between(1, 9) for _ in range(3)))
    return Draft(
        story=(
            "The program reads a file of a made-up format. Files that are malformed are rejected with a message. One way of filling a file makes the program "
            f"raise Fault in the function read_{flawed}. Make such a file, of at most 512 bytes. The program can be run on a file by "
            "`python3 reader.py < input.bin`."
        ),
        files={"reader.py": source.encode(), "sample.bin": sample},
        about={"reader.py": "the program", "sample.bin": "a file that the program takes or rejects in an orderly way"},
        hand_in="/work/input.bin, the file.", reference=handed(input__bin=right), negative=handed(input__bin=close), wanted=("input.bin",),
        cases=(Case("item/reader.py", stdin_from="submission/input.bin", error=f"Fault@read_{flawed}", size_max=512),),
    )


SUITE = Family("reproduction_record", Domain.REPRODUCTION, 1, "bytes of a toy record format that trip an assertion behind its checks", _draft)
