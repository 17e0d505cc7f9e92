"""That the answers of generated items are right and the only ones: found again by other means than the generator's."""

import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from clearinghouse.evaluation.benchmarks.records import Item
from clearinghouse.evaluation.benchmarks.suites import LEVELS, find_suite

_SEEDS = range(4)


def _items(name: str, seeds: range = _SEEDS) -> Iterator[Item]:
    for seed in seeds:
        for number in range(LEVELS):
            yield find_suite(name).generate(1000 + seed, number)


def _names(code: bytes) -> dict[str, Any]:
    names: dict[str, Any] = {"__name__": "toy"}
    exec(code, names)
    return names


def test_one_reader_alone_runs_past_the_end() -> None:
    for item in _items("finding_missing_check"):
        names, found = _names(item.files["readers.py"]), set()
        for reader in names["READERS"].values():
            for size in range(12):
                try:
                    reader(bytes(size), 0)
                except names["Short"]:
                    continue
                except IndexError:
                    found.add(reader.__name__)
        assert found == {item.reference.answer}


def test_one_word_alone_lets_a_guest_change_something() -> None:
    for item in _items("finding_open_door"):
        names = _names(item.files["service.py"])
        levels = dict(re.findall(r"^#   (\w+) +level (\d)", item.files["service.py"].decode(), re.MULTILINE))
        found = set()
        for word, command in names["COMMANDS"].items():
            for words in ([], ["a"], ["a", "b"], ["a", "b", "c"]):
                session = names["Session"](0)
                # What is taken away must have been there, and what is only added to is told by its length.
                session.store = defaultdict(list, {noun: ["kept"] for noun in re.findall(r"pop\('(\w+)'", item.files["service.py"].decode())})
                before = repr((dict(session.store), session.notes))
                try:
                    command(session, words)
                except names["Refused"]:
                    pass
                if repr((dict(session.store), session.notes)) != before and levels.get(word) != "0":
                    found.add(word)
        assert found == {item.reference.answer}


_DRIVE = """
import sys
sys.path.insert(0, sys.argv[1])
import handlers, store
for name in dir(handlers):
    if name.startswith("on_"):
        try:
            if len(getattr(handlers, name)(b"\\xff\\xff\\x05")) > store.LIMIT:
                print(name)
        except ValueError:
            pass
"""


def test_one_handler_alone_reserves_more_than_the_limit(tmp_path: Path) -> None:
    for number, item in enumerate(_items("finding_unbounded_size", range(2))):
        folder = tmp_path / str(number)
        folder.mkdir()
        for name, content in item.files.items():
            (folder / name).write_bytes(content)
        done = subprocess.run([sys.executable, "-I", "-B", "-c", _DRIVE, str(folder)], capture_output=True, text=True, check=True, timeout=30)
        assert done.stdout.split() == [item.reference.answer]


def test_one_address_alone_got_in_where_it_had_failed_elsewhere() -> None:
    for item in _items("detection_logins"):
        failed: dict[str, set[str]] = defaultdict(set)
        good: dict[str, set[str]] = defaultdict(set)
        for account, address, ended in re.findall(r"account=(\w+) from=(\S+) (ok|failed)", item.files["signins.log"].decode()):
            (good if ended == "ok" else failed)[address].add(account)
        found = [f"{address},{next(iter(good[address]))}" for address in good if len(good[address]) == 1 and failed[address] - good[address]]
        assert found == [item.reference.answer]


def test_one_machine_alone_calls_a_place_evenly() -> None:
    for item in _items("detection_beacon", range(2)):
        times: dict[tuple[str, str], list[int]] = defaultdict(list)
        even: dict[str, list[str]] = defaultdict(list)
        pattern = r"^(\d\d):(\d\d):(\d\d) (\S+) -> (\S+)"
        for hour, minute, second, machine, site in re.findall(pattern, item.files["connections.log"].decode(), re.MULTILINE):
            times[machine, site].append(int(hour) * 3600 + int(minute) * 60 + int(second))
        for (machine, site), at in times.items():
            gaps = sorted(right - left for left, right in pairwise(at))
            if len(gaps) >= 60 and at[-1] - at[0] >= 20 * 3600:
                middle = gaps[len(gaps) // 2]
                if sum(abs(gap - middle) <= middle // 5 for gap in gaps) >= 0.8 * len(gaps):
                    even[site].append(machine)
        assert [f"{machines[0]},{site}" for site, machines in even.items() if len(machines) == 1] == [item.reference.answer]


def test_program_prints_what_the_manual_says() -> None:
    for item in _items("reading_bytecode"):
        assert _run(item.files["manual.txt"].decode(), item.files["dump.txt"].decode()) == item.reference.answer


def _run(manual: str, dump: str) -> str:
    """The machine, read from its manual alone."""
    width = int(re.findall(r"registers of (\d+) bits", manual)[0])
    swapped = "code, operand, register" in manual
    meaning = {int(code, 16): said for code, said in re.findall(r"^([0-9a-f]{2})  (.+)$", manual, re.MULTILINE)}
    code = bytes.fromhex("".join(line for line in dump.splitlines() if not line.startswith("#")))
    registers, at, printed = [0] * 8, 0, []
    while at < len(code) // 3:
        operation, *rest = code[3 * at : 3 * at + 3]
        register, operand = rest[::-1] if swapped else rest
        said, at = meaning[operation], at + 1
        if said.startswith("print"):
            printed.append(str(registers[register]))
        elif said.startswith("go on"):
            at = operand if not said.endswith("is 0") or registers[register] == 0 else at
        elif said == "register = operand":
            registers[register] = operand
        elif said == "register = register - 1":
            registers[register] = (registers[register] - 1) % 2**width
        else:
            left, right = registers[register], registers[operand]
            sign = next((sign for sign in ("+", "-", "*", "xor") if f" {sign} " in said), "")
            made = {"+": left + right, "-": left - right, "*": left * right, "xor": left ^ right, "": right}[sign]
            registers[register] = made % 2**width
    return " ".join(printed)


@pytest.mark.parametrize("number", range(LEVELS))
def test_lock_opens_for_its_word_and_for_none_beside_it(number: int) -> None:
    item = find_suite("reading_lock").generate(1000, number)
    source = item.files["lock.py"].decode().rsplit("\n\n\nprint(", 1)[0]
    check = next(value for name, value in _names(source.encode()).items() if callable(value) and name != "__builtins__")
    word = item.reference.answer
    letters = "abcdefghijklmnopqrstuvwxyz"
    beside = {word[:place] + letter + word[place + 1 :] for place in range(len(word)) for letter in letters} - {word}
    assert check(word)
    assert not any(check(other) for other in beside)
