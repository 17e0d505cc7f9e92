"""Finding: of many functions that read fields of a record, the one that reads past what it made sure of."""

from clearinghouse.evaluation.benchmarks.records import Domain
from clearinghouse.evaluation.benchmarks.suites.base import Draft, Draws, Family, answer
from clearinghouse.evaluation.benchmarks.suites.words import NOUNS, VERBS

_HEAD = '''"""Reads records of the {title} format. Every reader gets the bytes and the place of its record."""


class Short(Exception):
    """The bytes end before the record does."""


def need(data, at, size):
    if at < 0 or len(data) - at < size:
        raise Short(f"{{size}} bytes wanted at {{at}}")


def take(data, at, size):
    need(data, at, size)
    return data[at:at + size]

'''


def _reads(draws: Draws, size: int, name: str, sliced: bool) -> list[str]:
    lines = []
    for at in (*draws.shuffled(range(size))[: draws.between(1, min(3, size))], size - 1):
        where = f"part[{at}]" if sliced else f"data[at + {at}]"
        lines.append(f"    {name} = ({name} * {draws.between(3, 31)} + {where}) & 0xFFFF")
    return lines


def _reader(draws: Draws, function: str, style: str, size: int, promised: int) -> str:
    held = draws.pick(("total", "mark", "state", "value"))
    body = [f"    {held} = {draws.between(1, 99)}"]
    reads = _reads(draws, size, held, sliced=style == "take")
    if style == "inline":
        body += [f"    if len(data) - at < {promised}:", "        raise Short(at)", *reads]
    elif style == "inverse":
        body += [f"    if at + {promised} <= len(data):", *["    " + line for line in reads], "    else:", "        raise Short(at)"]
    elif style == "need":
        body += [f"    need(data, at, {promised})", *reads]
    elif style == "loop":
        body += [
            f"    need(data, at, {promised})", f"    for step in range({size}):", f"        {held} = ({held} * 5 + data[at + step]) & 0xFFFF",
        ]
    elif style == "late":
        body += [*reads, f"    need(data, at, {promised})"]
    elif style == "unchecked":
        body += reads
    else:
        body += [f"    part = take(data, at, {promised})", *reads]
    body.append(f"    return {held}, at + {size}")
    return f"def {function}(data, at):\n" + "\n".join(body) + "\n"


def _draft(draws: Draws, level: int) -> Draft:
    number = (7, 10, 14, 20, 28)[level - 1]
    kinds = draws.some(NOUNS, number)
    functions = [f"{draws.pick(VERBS)}_{kind}" for kind in kinds]
    flawed = draws.below(number)
    subtle = (("unchecked",), ("unchecked", "late"), ("inline", "need"), ("need", "inverse", "loop"), ("take", "inverse", "loop"))[level - 1]
    written = []
    for place, function in enumerate(functions):
        size = draws.between(3, 9)
        if place == flawed:
            style = draws.pick(subtle)
            missing = 0 if style in ("unchecked", "late") else (draws.between(1, 2) if level < 4 else 1)
            written.append(_reader(draws, function, style, size, size - missing))
        else:
            # Some make sure of more than they read: odd, and no flaw.
            spare = draws.between(1, 2) if draws.chance(1, 6) else 0
            written.append(_reader(draws, function, draws.pick(("inline", "inverse", "need", "loop", "take")), size, size + spare))
    table = "READERS = {\n" + "".join(f"    {10 + place}: {function},\n" for place, function in enumerate(functions)) + "}\n"
    source = _HEAD.format(title=draws.pick(NOUNS)) + "\n\n" + "\n\n".join(written) + "\n\n" + table
    other = functions[(flawed + draws.between(1, number - 1)) % number]
    return Draft(
        story=(
            "The program reads records from bytes. Each reader must make sure that the bytes it uses are there and raise Short if they are not, before "
            "it uses any. Exactly one reader can be made to raise IndexError by a record that is cut short."
        ),
        files={"readers.py": source.encode()}, about={"readers.py": f"{number} readers and the table that names them"},
        hand_in="/work/answer.txt with one line: the name of that function.",
        reference=answer(functions[flawed]), negative=answer(other), answer=functions[flawed],
    )


SUITE = Family("finding_missing_check", Domain.FINDING, 1, "which reader of a toy format uses bytes it did not make sure of", _draft)
