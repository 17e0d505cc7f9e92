"""Detection: in a made-up log of connections, the one machine that calls out to a place of its own, evenly, all day."""

from clearinghouse.evaluation.benchmarks.records import Domain
from clearinghouse.evaluation.benchmarks.suites.base import Draft, Draws, Family, answer
from clearinghouse.evaluation.benchmarks.suites.words import NOUNS, SERVICES, clock_text

_DAY = 86_400


def _draft(draws: Draws, level: int) -> Draft:
    machines = [f"{noun}-{number:02d}" for number, noun in enumerate(draws.some(NOUNS, 8 + 2 * level), 1)]
    sites = [f"{word}.example.{ending}" for word in draws.some(NOUNS, 14) for ending in draws.some(("com", "net", "org"), 1)]
    everybody = [f"time.example.{draws.pick(('com', 'net'))}", f"{draws.pick(SERVICES)}.example.org"]
    calling = draws.pick(machines)
    called, irregular, busy, common = draws.some(sites, 4)
    period = draws.between(240, 900)
    jitter = (2, 8, 20, 45, 80)[level - 1] * period // 1000
    events: list[tuple[int, str, str, int]] = []
    for machine in machines:
        # What every machine does evenly is no sign: the clock, and a service of the house.
        for site, every in zip(everybody, (1024, 1800), strict=True):
            events += [(at, machine, site, draws.between(80, 120)) for at in range(draws.below(every), _DAY, every)]
        for _ in range(draws.between(20, 40)):
            site, at = draws.pick([site for site in sites if site != called]), draws.between(7 * 3600, 19 * 3600)
            for _ in range(draws.between(1, 5)):
                events.append((at, machine, site, draws.between(300, 90_000)))
                at += draws.between(1, 400)
    others = [machine for machine in machines if machine != calling]
    # As many calls by others, and not even: one in office hours, one by fits and starts.
    worker, jumper = draws.some(others, 2)
    number = _DAY // period
    events += [(draws.between(8 * 3600, 18 * 3600), worker, busy, draws.between(200, 900)) for _ in range(number)]
    events += [(draws.below(_DAY), jumper, irregular, draws.between(100, 200)) for _ in range(number)]
    if level >= 3:
        # Some machines, not all, run a program that calls its maker, and more evenly than the one that is looked for.
        for machine in draws.some(others, 3 + level):
            every = draws.between(300, 900)
            events += [(at + draws.between(0, 1), machine, common, draws.between(100, 160)) for at in range(draws.below(every), _DAY, every)]
    at = draws.below(period)
    while at < _DAY:
        if level < 4 or not draws.chance(1, 12):
            events.append((at, calling, called, draws.between(100, 200 if level < 3 else 4_000)))
        at += period + draws.between(-jitter, jitter)
    # A few people do visit that place, so that the name alone tells nothing.
    events += [(draws.between(9 * 3600, 17 * 3600), draws.pick(others), called, draws.between(500, 9_000)) for _ in range(2 + level)]
    said = [f"{clock_text(at)} {machine} -> {site} bytes={size}" for at, machine, site, size in sorted(events) if 0 <= at < _DAY]
    right = f"{calling},{called}"
    return Draft(
        story=(
            "A day's log of connections of an office. One machine calls one place at even intervals, day and night, as a program does that reports to "
            "somebody; no other machine calls that place evenly. (What several machines do evenly is a program that the office knows.)"
        ),
        files={"connections.log": ("\n".join(said) + "\n").encode()}, about={"connections.log": f"{len(said)} lines"},
        hand_in="/work/answer.txt with one line: the machine, a comma, and the place it calls.",
        reference=answer(right), negative=answer(f"{worker},{busy}"), answer=right,
    )


SUITE = Family("detection_beacon", Domain.DETECTION, 2, "which machine of a made-up office calls out evenly", _draft)
