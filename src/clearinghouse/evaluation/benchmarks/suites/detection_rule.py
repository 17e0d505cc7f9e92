"""Detection: a rule that finds the marked requests of a made-up log, and no others, also in a log that is not shown."""

from collections.abc import Callable
from dataclasses import dataclass

from clearinghouse.evaluation.benchmarks.records import Domain
from clearinghouse.evaluation.benchmarks.suites.base import Case, Draft, Draws, Family, handed
from clearinghouse.evaluation.benchmarks.suites.words import NOUNS, clock_text, documentation_addresses

_MATCH = '''"""Prints the numbers of the lines that a rule finds: python3 match.py rule.txt < lines"""

import re
import sys

with open(sys.argv[1], encoding="utf-8") as file:
    rule = [line.rstrip("\\n") for line in file if line.strip() and not line.startswith("#")]
if len(rule) != 1 or len(rule[0]) > 400:
    sys.exit("a rule is one line of at most 400 characters")
found = re.compile(rule[0])
for line in sys.stdin:
    number, _, text = line.rstrip("\\n").partition(" ")
    if number != "#" and found.search(text):
        print(number)
'''


@dataclass(frozen=True, slots=True)
class _Sign:
    """What marks a request, how one looks that almost has it, and the rules that find it and that find too much."""

    bad: Callable[[Draws], str]
    near: Callable[[Draws], str]
    rule: str
    wide: str


def _signs(draws: Draws) -> list[_Sign]:
    folder, name, key = draws.some(NOUNS, 3)
    low, letter, digits = draws.between(3, 5), draws.pick("qxzkv"), draws.between(5, 7)
    return [
        _Sign(
            lambda d: f"GET /{folder}/{d.between(1, 99)}?{key}={d.between(10 ** (digits - 1), 10**digits - 1)}",
            lambda d: f"GET /{folder}/{d.between(1, 99)}?{key}={d.between(1, 10 ** (digits - 2))}",
            rf"GET /{folder}/\d+\?{key}=\d{{{digits}}}(?!\d)", rf"/{folder}/\d+\?{key}=",
        ),
        _Sign(
            lambda d: f"PUT /{name}/{letter * d.between(low, low + 3)}{d.pick(NOUNS)}",
            lambda d: f"PUT /{name}/{letter * d.between(1, low - 1)}{d.pick([noun for noun in NOUNS if noun[0] != letter])}",
            rf"PUT /{name}/{letter}{{{low}}}", rf"PUT /{name}/{letter}",
        ),
        _Sign(
            lambda d: f"GET /{folder}/" + "/".join(d.pick(("~a", "~b")) for _ in range(2)) + f"/{d.pick(NOUNS)}",
            lambda d: f"GET /{folder}/{d.pick(('~a', '~b'))}/{d.pick(NOUNS)}",
            rf"GET /{folder}/~[ab]/~[ab]/", rf"GET /{folder}/~[ab]/",
        ),
        _Sign(
            lambda d: f"POST /{key} agent={name}/{d.between(2, 9)}.{d.pick((1, 3, 5, 7, 9))}",
            lambda d: f"POST /{key} agent={name}/{d.between(2, 9)}.{d.pick((0, 2, 4, 6, 8))}",
            rf"POST /{key} agent={name}/\d\.[13579]", rf"POST /{key} agent={name}/",
        ),
    ]  # fmt: skip


def _draft(draws: Draws, level: int) -> Draft:
    signs = draws.some(_signs(draws), (1, 1, 2, 2, 3)[level - 1])
    rule, wide = ("|".join(f"(?:{getattr(sign, name)})" for sign in signs) for name in ("rule", "wide"))
    shown = _lines(draws, signs, 60 + 20 * level)
    labelled = "".join(f"{number} {text}{'   <== marked' if marked else ''}\n" for number, (text, marked) in enumerate(shown, 1))
    hidden = [_lines(draws, signs, 80) for _ in range(3)]
    return Draft(
        story=(
            "The log shows requests to a made-up site; those that came from one tool are marked. Write a rule that finds the requests of that tool: one "
            f"regular expression of Python's `re`, searched for in the text after the line's number. The tool has {len(signs)} way{'s' if len(signs) > 1 else ''} of asking. The rule is "
            "judged on logs that are not shown: it must find every request of the tool and no other. `python3 match.py rule.txt < lines` tries one."
        ),
        files={"requests.log": labelled.encode(), "match.py": _MATCH.encode()},
        about={"requests.log": f"{len(shown)} numbered requests, some of them marked", "match.py": "what the rule is judged by"},
        hand_in="/work/rule.txt with the rule on one line.", reference=handed(rule__txt=f"{rule}\n".encode()),
        negative=handed(rule__txt=f"{wide}\n".encode()), wanted=("rule.txt",),
        cases=tuple(Case(
            "item/match.py", "".join(f"{number} {text}\n" for number, (text, _) in enumerate(lines, 1)).encode(),
            arguments=("/in/submission/rule.txt",), error="", out="\n".join(str(number) for number, (_, marked) in enumerate(lines, 1) if marked),
        ) for lines in hidden),
    )


def _lines(draws: Draws, signs: list[_Sign], number: int) -> list[tuple[str, bool]]:
    addresses = documentation_addresses(draws, 12)
    made: list[tuple[str, bool]] = []
    for _ in range(number):
        sign, kind = draws.pick(signs), draws.below(10)
        if kind < 2:
            made.append((sign.bad(draws), True))
        elif kind < 4:
            made.append((sign.near(draws), False))
        else:
            made.append((f"{draws.pick(('GET', 'GET', 'POST', 'PUT'))} /{draws.pick(NOUNS)}/{draws.pick(NOUNS)}{draws.pick(('', '?page=2', '/list'))}", False))
    for sign in signs:
        made += [(sign.bad(draws), True), (sign.near(draws), False)]
    at = draws.between(0, 3600)
    lines = []
    for text, marked in draws.shuffled(made):
        at += draws.between(1, 200)
        lines.append((f"{clock_text(at)} {draws.pick(addresses)} {text}", marked))
    return lines


SUITE = Family("detection_rule", Domain.DETECTION, 1, "a rule that finds one tool's requests in a made-up log, and no others", _draft)
