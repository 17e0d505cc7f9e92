"""Finding: of many commands of a made-up service, the one that a guest can use although its level forbids it."""

from clearinghouse.evaluation.benchmarks.records import Domain
from clearinghouse.evaluation.benchmarks.suites.base import Draft, Draws, Family, answer
from clearinghouse.evaluation.benchmarks.suites.words import NOUNS, VERBS

_HEAD = '''"""Commands of a made-up service. A session begins as a guest (level 0); `clerk` is 1, `keeper` is 2."""


class Refused(Exception):
    """The session's level is too low."""


class Session:
    def __init__(self, level):
        self.level = level
        self.store = {}
        self.notes = []

    def must(self, level):
        if self.level < level:
            raise Refused(level)

    def may(self, level):
        return self.level >= level

'''


def _command(draws: Draws, word: str, level: int, style: str) -> str:
    shelf, key = draws.pick(NOUNS), draws.pick(NOUNS)
    deed = draws.pick((
        f"    session.store[{shelf!r}] = words", f"    session.store.pop({shelf!r}, None)", f"    session.store.setdefault({shelf!r}, []).append({key!r})",
        f"    session.notes.append(({shelf!r}, len(words)))",
    ))  # fmt: skip
    guard = {
        "must": [f"    session.must({level})", deed],
        "may": [f"    if not session.may({level}):", f"        raise Refused({level})", deed],
        "nested": [f"    if session.level >= {level}:", "    " + deed, "    else:", f"        raise Refused({level})"],
        "none": [deed],
        "lower": ["    session.must(0)", deed],
        "ignored": [f"    session.may({level})", deed],
        "after": [deed, f"    session.must({level})"],
        "words": [f"    if len(words) > {draws.between(0, 2)}:", f"        session.must({level})", deed],
        "inverted": [f"    if session.may({level}) and not words:", f"        session.must({level})", deed],
    }[style]
    return f"def do_{word}(session, words):\n" + "\n".join(guard) + f"\n    return {draws.pick(NOUNS)!r}\n"


def _draft(draws: Draws, level: int) -> Draft:
    number = (8, 12, 16, 22, 28)[level - 1]
    words = draws.some(VERBS, number)
    needs = [draws.pick((0, 1, 1, 2)) for _ in words]
    flawed = draws.below(number)
    needs[flawed] = draws.between(1, 2)
    aliased = level >= 3 and draws.chance(1, 2)
    broken = draws.pick((("none",), ("lower", "none"), ("ignored", "lower"), ("after", "ignored", "words"), ("words", "inverted"))[level - 1])
    written, aliases = [], []
    for place, word in enumerate(words):
        sound = "none" if needs[place] == 0 else draws.pick(("must", "may", "nested"))
        style = broken if place == flawed and not aliased else sound
        written.append(_command(draws, word, needs[place], style))
        if draws.chance(1, 4) and place != flawed:
            aliases.append((draws.pick(NOUNS) + word[:2], f"do_{word}"))
    target = words[flawed]
    if aliased:
        # The command itself is guarded; another word leads to the same deed without the guard.
        target = draws.pick(NOUNS) + "s"
        written.append(_command(draws, f"{words[flawed]}_now", needs[flawed], "none"))
        aliases.append((target, f"do_{words[flawed]}_now"))
    documented = [f"#   {word:<10} level {needs[place]}" for place, word in enumerate(words)]
    if aliased:
        documented.append(f"#   {target:<10} level {needs[flawed]}")
    commands = [f"    {word!r}: do_{word}," for word in words] + [f"    {name!r}: {function}," for name, function in draws.shuffled(aliases)]
    known = {function: needs[place] for place, function in enumerate(f"do_{word}" for word in words)}
    documented += [f"#   {name:<10} level {known[function]}" for name, function in aliases if function in known]
    source = (
        _HEAD + "\n# What each command asks for:\n" + "\n".join(documented) + "\n\n\n" + "\n\n".join(written)
        + "\n\nCOMMANDS = {\n" + "\n".join(commands) + "\n}\n"
    )  # fmt: skip
    guarded = [word for place, word in enumerate(words) if needs[place] > 0 and word != target]
    return Draft(
        story=(
            "The service runs a command only for sessions of the level that the list at the top of the file names, and otherwise raises Refused before "
            "anything is changed. For exactly one word of COMMANDS a guest (level 0) can bring about the change although the list asks for a higher level."
        ),
        files={"service.py": source.encode()}, about={"service.py": f"{len(commands)} commands"},
        hand_in="/work/answer.txt with one line: that word, as it stands in COMMANDS.",
        reference=answer(target), negative=answer(draws.pick(guarded)), answer=target,
    )


SUITE = Family("finding_open_door", Domain.FINDING, 1, "which command of a toy service a guest can use against its list", _draft)
