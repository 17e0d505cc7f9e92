"""Reproduction: a session of commands after which a made-up desk has lent more than it ever had."""

from clearinghouse.evaluation.benchmarks.records import Domain
from clearinghouse.evaluation.benchmarks.suites.base import Case, Draft, Draws, Family, handed
from clearinghouse.evaluation.benchmarks.suites.words import NOUNS, PEOPLE, VERBS

_SOURCE = '''"""A made-up lending desk: one command a line on standard input."""

import sys


class Fault(Exception):
    """The desk's books do not add up."""


def greet(name):
    total = {start}
    for letter in name:
        total = (total * {factor} + ord(letter)) % {modulus}
    return total


class Desk:
    def __init__(self):
        self.open = {opened}
        self.there = {{}}
        self.lent = {{}}

    def do_{hello}(self, name, number):
        if not number.isdigit() or int(number) != greet(name):
            return "no"
        self.open = True
        return "welcome"

    def do_{make}(self, thing, count):
        if thing in self.there or not count.isdigit() or not 0 < int(count) <= {count_max}:
            return "no"
        self.there[thing] = int(count)
        self.lent[thing] = 0
        return "made"

    def do_{lend}(self, thing):
        if self.there.get(thing, 0) <= self.lent.get(thing, 0):
            return "no"
        self.lent[thing] += 1
        return "lent"

    def do_{back}(self, thing):
        if self.lent.get(thing, 0) == 0:
            return "no"
        self.lent[thing] -= 1
        return "back"

    def do_{join}(self, first, second):
        if first not in self.there or second not in self.there{join_guard}:
            return "no"
{join_deed}
        return "joined"

    def do_{end}(self, thing):
        if thing not in self.there{end_guard}:
            return "no"
{end_deed}
        return "ended"

    def do_{audit}(self):
        for thing, lent in self.lent.items():
            if lent > self.there.get(thing, 0):
                raise Fault(thing)
        return "in order"


def main():
    desk = Desk()
    for number, line in enumerate(sys.stdin):
        words = line.split()
        if number >= {lines_max} or not words:
            break
        deed = getattr(desk, "do_" + words[0], None)
        if not desk.open and words[0] != {hello!r}:
            deed = None
        try:
            print(deed(*words[1:]) if deed else "unknown")
        except TypeError:
            print("unknown")


if __name__ == "__main__":
    main()
'''

_JOIN = "        self.there[second] += self.there.pop(first)\n        self.lent[second] += self.lent.pop(first)"
_END = "        del self.there[thing]\n        del self.lent[thing]"
_GUARD = " or first == second"
_LENT = " or self.lent[thing] > 0"


def _draft(draws: Draws, level: int) -> Draft:
    hello, make, lend, back, join, end, audit = draws.some(VERBS, 7)
    a, b, c = draws.some(NOUNS, 3)
    # (guard of join, what join does, guard of end, what end does, the session that shows it)
    flaws = {
        "end keeps what is lent": (
            _GUARD, _JOIN, "", "        del self.there[thing]", [f"{make} {a} 3", f"{lend} {a}", f"{end} {a}", audit],
        ),
        "join forgets what there is": (
            _GUARD, "        self.there.pop(first)\n        self.lent[second] += self.lent.pop(first)", _LENT, _END,
            [f"{make} {a} 2", f"{make} {b} 1", f"{lend} {a}", f"{lend} {a}", f"{join} {a} {b}", audit],
        ),
        "join takes the larger": (
            _GUARD, "        self.there[second] = max(self.there[second], self.there.pop(first))\n        self.lent[second] += self.lent.pop(first)", _LENT, _END,
            [f"{make} {a} 2", f"{make} {b} 2", f"{lend} {a}", f"{lend} {a}", f"{lend} {b}", f"{join} {a} {b}", audit],
        ),
        "join wraps around": (
            _GUARD, "        self.there[second] = (self.there[second] + self.there.pop(first)) % {wrap}\n        self.lent[second] += self.lent.pop(first)", _LENT, _END,
            [],
        ),
    }  # fmt: skip
    kind = ("end keeps what is lent", "join forgets what there is", "join takes the larger", "join takes the larger", "join wraps around")[level - 1]
    join_guard, join_deed, end_guard, end_deed, session = flaws[kind]
    count_max = draws.between(5, 9)
    if level == 5:
        wrap = 2 * count_max + draws.between(1, count_max - 1)
        join_deed = join_deed.format(wrap=wrap)
        # Three of them must be joined before the count wraps around, with more lent than is left.
        session = [f"{make} {thing} {count_max}" for thing in (a, b, c)]
        session += [f"{lend} {thing}" for thing in (a, b, c) for _ in range(count_max)] + [f"{join} {a} {b}", f"{join} {b} {c}", audit]
    start, factor, modulus = draws.below(50), draws.pick((3, 7, 11, 13)), draws.between(500, 999)
    name = draws.pick(PEOPLE)
    if level >= 4:
        total = start
        for letter in name:
            total = (total * factor + ord(letter)) % modulus
        session = [f"{hello} {name} {total}", *session]
    source = _SOURCE.format(
        hello=hello, make=make, lend=lend, back=back, join=join, end=end, audit=audit, start=start, factor=factor, modulus=modulus,
        opened=level < 4, count_max=count_max, join_guard=join_guard, join_deed=join_deed, end_guard=end_guard, end_deed=end_deed,
        lines_max=len(session) + draws.between(2, 6),
    )  # fmt: skip
    # The same without the step that matters: the books still add up.
    wrong = [line for line in session if not line.startswith((f"{join} ", f"{end} "))]
    return Draft(
        story=(
            f"The desk keeps books of what is there and what is lent. `{audit}` raises Fault where more of a thing is lent than there is; by the rules that "
            "never happens. One command breaks the rule. Write a session, within the number of lines that the desk reads, after which Fault is raised. "
            "Try one by `python3 desk.py < session.txt`."
        ),
        files={"desk.py": source.encode(), "sample.txt": f"{make} {a} 2\n{lend} {a}\n{back} {a}\n{audit}\n".encode()},
        about={"desk.py": "the desk", "sample.txt": "an ordinary session"}, hand_in="/work/session.txt, the session.",
        reference=handed(session__txt="\n".join([*session, ""]).encode()), negative=handed(session__txt="\n".join([*wrong, ""]).encode()),
        wanted=("session.txt",), cases=(Case("item/desk.py", stdin_from="submission/session.txt", error=f"Fault@do_{audit}", size_max=8_192),),
    )


SUITE = Family("reproduction_session", Domain.REPRODUCTION, 1, "a session that breaks the books of a toy lending desk", _draft)
