"""Reading: the one word that a program without names accepts."""

from clearinghouse.evaluation.benchmarks.records import Domain
from clearinghouse.evaluation.benchmarks.suites.base import Draft, Draws, Family, answer

_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_NAMES = ("o0", "O0", "l1", "I1", "oO", "Oo", "lI", "Il", "ol", "lo", "O1", "l0", "I0", "o1")


def _draft(draws: Draws, level: int) -> Draft:
    size = 5 + 2 * level
    word = "".join(draws.pick(_LETTERS) for _ in range(size))
    check, given, held, each, other = draws.some(_NAMES, 5)
    numbers = [ord(letter) - 97 for letter in word]
    lines = [f"def {check}({given}):", f"    if len({given}) != {size} or not {given}.isascii() or not {given}.islower() or not {given}.isalpha():", "        return False"]
    lines.append(f"    {held} = [ord({each}) - 97 for {each} in {given}]")
    # Each step keeps words apart, so that one word alone is accepted at the end.
    for _ in range(level + 1):
        kind = draws.pick(("turn", "shift", "mix", "scale") if level > 1 else ("turn", "shift"))
        if kind == "turn":
            by = draws.between(1, size - 1)
            lines.append(f"    {held} = {held}[{by}:] + {held}[:{by}]")
            numbers = numbers[by:] + numbers[:by]
        elif kind == "shift":
            by, step = draws.between(1, 25), draws.between(1, 9)
            lines.append(f"    {held} = [({other} + {by} + {each} * {step}) % 26 for {each}, {other} in enumerate({held})]")
            numbers = [(number + by + place * step) % 26 for place, number in enumerate(numbers)]
        elif kind == "scale":
            by = draws.pick((3, 5, 7, 9, 11, 15, 17, 19, 21, 23, 25))
            lines.append(f"    {held} = [{other} * {by} % 26 for {other} in {held}]")
            numbers = [number * by % 26 for number in numbers]
        else:
            lines += [f"    for {each} in range(1, {size}):", f"        {held}[{each}] = ({held}[{each}] + {held}[{each} - 1]) % 26"]
            for place in range(1, size):
                numbers[place] = (numbers[place] + numbers[place - 1]) % 26
    if level >= 4:
        order = draws.shuffled(range(size))
        lines.append(f"    {held} = [{held}[{each}] for {each} in {order}]")
        numbers = [numbers[place] for place in order]
    lines.append(f"    return {held} == {numbers}")
    source = "import sys\n\n\n" + "\n".join(lines) + f"\n\n\nprint('yes' if {check}(sys.argv[1]) else 'no')\n"
    place = draws.below(size)
    wrong = word[:place] + _LETTERS[(ord(word[place]) - 97 + draws.between(1, 25)) % 26] + word[place + 1 :]
    return Draft(
        story="The program, whose names were taken away, prints `yes` for exactly one word and `no` for all others: `python3 lock.py WORD`. Find the word.",
        files={"lock.py": source.encode()}, about={"lock.py": "the program"}, hand_in="/work/answer.txt with one line: the word.",
        reference=answer(word), negative=answer(wrong), answer=word,
    )


SUITE = Family("reading_lock", Domain.READING, 1, "the one word that a program without names accepts", _draft)
