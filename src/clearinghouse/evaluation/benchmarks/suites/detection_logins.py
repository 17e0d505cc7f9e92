"""Detection: in a made-up log of sign-ins, the source that guessed until it was in, and whose account it has."""

from clearinghouse.evaluation.benchmarks.records import Domain
from clearinghouse.evaluation.benchmarks.suites.base import Draft, Draws, Family, answer
from clearinghouse.evaluation.benchmarks.suites.words import PEOPLE, SERVICES, clock_text, documentation_addresses

_DAY = 86_400


def _draft(draws: Draws, level: int) -> Draft:
    people = draws.some(PEOPLE, 12 + 2 * level)
    service = draws.pick(SERVICES)
    ways = (1, 1, 1, 5, 7)[level - 1]
    stuck, shared, *rest = documentation_addresses(draws, 2 + ways + len(people))
    guessers, homes = rest[:ways], rest[ways:]
    home = dict(zip(people, homes, strict=True))
    victim, forgetful, other = draws.some(people, 3)
    events: list[tuple[int, str, str, bool]] = []
    for person in people:
        for _ in range(draws.between(3, 6 + level)):
            at = draws.between(6 * 3600, 22 * 3600)
            if draws.chance(1, 6):
                events.append((at - draws.between(5, 40), person, home[person], False))
            events.append((at, person, home[person], True))
    # Somebody at home who has forgotten a password, and gets in at last.
    at = draws.between(8 * 3600, 20 * 3600)
    events += [(at + 20 * turn, forgetful, home[forgetful], turn == 5) for turn in range(6)]
    # A program with an old password: many failures of one account, and never a success.
    events += [(at, other, stuck, False) for at in range(draws.between(0, 600), _DAY, (1800, 1200, 900, 600, 420)[level - 1])]
    # An office behind one address: many accounts, each with an odd failure, and all of them get in.
    for person in draws.some(people, 6):
        at = draws.between(8 * 3600, 18 * 3600)
        events += [(at, person, shared, False), (at + draws.between(4, 30), person, shared, True)]
    # The one that is looked for: a few guesses for each of many accounts, and one that fits.
    tries, gap = (4, 3, 2, 2, 1)[level - 1], (20, 60, 300, 900, 2400)[level - 1]
    guessed = [person for person in draws.shuffled(people) for _ in range(tries)]
    if ways > 1:
        guessed = draws.shuffled(guessed)
    at = draws.between(0, max(1, _DAY - gap * len(guessed) - 1))
    last = len(guessed) - 1
    while guessed[last] != victim:
        last -= 1
    for turn, person in enumerate(guessed):
        # From level 4 on by several addresses in turn, none of which stands out by what it failed at.
        events.append((min(at, _DAY - 1), person, guessers[turn % ways], turn == last))
        at += gap + draws.between(-gap // 3, gap // 3)
    said = [f"{clock_text(at)} {service} sign-in account={person} from={address} {'ok' if good else 'failed'}" for at, person, address, good in sorted(events)]
    right = f"{guessers[last % ways]},{victim}"
    several = " It came by several addresses in turn." if ways > 1 else ""
    return Draft(
        story=(
            f"A day's log of sign-ins. Somebody tried passwords on other people's accounts and got into exactly one of them.{several} "
            "Accounts also fail for harmless reasons: forgotten passwords, programs with an old one, an office behind one address."
        ),
        files={"signins.log": ("\n".join(said) + "\n").encode()}, about={"signins.log": f"{len(said)} lines"},
        hand_in="/work/answer.txt with one line: the address that got in, a comma, and the account it got into.",
        reference=answer(right), negative=answer(f"{shared},{forgetful}"), answer=right,
    )


SUITE = Family("detection_logins", Domain.DETECTION, 2, "who guessed passwords in a made-up log until one fitted", _draft)
