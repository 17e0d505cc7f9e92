"""The inputs of the planted programs: made from a seed, the same each time, named after the flaw they are for."""

import random
from collections.abc import Callable

SEED = 5
WORD = "{{CLEARINGHOUSE-WORD}}"
"""Where the bench puts the word of a run."""
Inputs = dict[str, bytes]
"""Name to content. Those named `benign-...` are to do nothing."""


def make_inputs(program: str) -> Inputs:
    """All inputs of a program.

    Raises:
        KeyError: there is no such program.
    """
    return MAKERS[program](random.Random(f"{SEED} {program}"))  # noqa: S311 - the same inputs each time


def _letters(chance: random.Random, count: int) -> bytes:
    return bytes(chance.choices(b"abcdefghijklmnopqrstuvwxyz", k=count))


def _tiles(chance: random.Random) -> Inputs:
    found: Inputs = {}

    def picture(*parts: list[int], short: int = 0) -> bytes:
        return bytes([ord("T"), ord("L"), width, height, width - short, *(value for part in parts for value in part)])

    def run() -> list[int]:
        start = chance.randrange(width)
        return [1, height - 1, start, width - start + chance.randrange(3, 9), chance.randrange(1, 255)]

    def nest(deep: int) -> list[int]:
        return [value for _ in range(deep) for value in chance.choice([[ord("("), chance.randrange(97, 122)], [ord("[")]])]

    for at in range(1, 5):
        width, height = chance.randrange(9, 40), chance.randrange(3, 20)
        quiet = [1, 0, 0, width // 2, 7]
        found[f"run-{at}"] = picture(nest(at) if at > 2 else [], quiet, run())
        found[f"shift-{at}"] = picture(nest(at), [2, height - 1, 0, width + chance.randrange(9), 9])
        found[f"nest-{at}"] = picture(quiet, nest(chance.randrange(9, 30)))
        found[f"mask-run-nest-{at}"] = picture(run(), nest(12))
        found[f"benign-{at}"] = picture(
            quiet, [2, 1, 1, 1, 5], [3], [ord("("), 98, 4, ord("["), 5, ord(")"), 0, ord(")"), 1, 1, 0, width, 0],
        )
    for name, operation in (("flip", [3]), ("sum", [4]), ("blend", [5])):
        for at in (1, 2):
            width, height = chance.randrange(9, 40), chance.randrange(3, 20)
            found[f"stride-{name}-{at}"] = picture(nest(at), operation, short=chance.randrange(3, 7))
    width, height = 21, 6
    found["stride-store-1"] = picture([1, height - 1, 2, width - 2, 77], short=5)
    found["benign-header"], found["benign-empty"] = b"TX123", b"TL\0\0\0"
    return found


def _records(chance: random.Random) -> Inputs:
    found: Inputs = {}

    def pair(name: int, value: int) -> bytes:
        return b"P" + bytes([name]) + _letters(chance, name) + bytes([value]) + _letters(chance, value)

    def link(target: int) -> bytes:
        return b"L" + bytes([target]) + b"J" + bytes([0, chance.randrange(1, 3)])

    def tally(*classes: int) -> bytes:
        return b"T" + bytes([len(classes), *classes])

    for at in range(1, 4):
        found[f"name-{at}"] = pair(4, 4) * (at - 1) + pair(chance.randrange(14, 31), chance.randrange(16))
        found[f"value-{at}"] = pair(5, 5) * at + pair(chance.randrange(12), chance.randrange(18, 31))
        found[f"link-{at}"] = pair(3, 9) + link(chance.randrange(12, 16))
        found[f"far-{at}"] = tally(1, 2, chance.randrange(16, 22))
        found[f"far-beyond-{at}"] = tally(3, chance.randrange(40, 120))
        found[f"benign-{at}"] = pair(12, 16) + b"L\1L\2J\0\3" + tally(1, 2, 15, 3) + b"L\0" * 12 + pair(at, at)
    for at in (1, 2):
        found[f"mask-name-link-{at}"] = pair(chance.randrange(14, 31), 3) + link(chance.randrange(12, 16))
        found[f"mask-value-link-{at}"] = pair(3, chance.randrange(18, 31)) + link(chance.randrange(12, 16))
    found["mask-name-value-1"] = pair(20, 25)
    return found


def _script(chance: random.Random) -> Inputs:
    found: Inputs = {}

    def number() -> bytes:
        return b"#" + bytes([chance.randrange(1, 200)])

    def named(which: int) -> bytes:
        return b"=" + bytes([which]) + _letters(chance, 1)

    for name, operation in (("add", b"+"), ("multiply", b"*"), ("swap", b"~")):
        for at in (1, 2):
            found[f"pop-{name}-{at}"] = (number() + number() + b"+") * (at - 1) + (b"" if at > 1 else number()) + operation
    for name, operation in (("show", b"?"), ("join", b"&")):
        found[f"stale-set-{name}-1"] = named(0) + named(0) + operation
        found[f"stale-set-{name}-2"] = number() + named(3) + named(1) + named(3) + operation
        found[f"stale-forget-{name}-1"] = named(2) + b"-\2" + operation
    for at in range(1, 4):
        found[f"twice-{at}"] = named(0) + named(at) + b"-" + bytes([at]) + number() * at + b"-" + bytes([at])
    for name, operation in (("divide", b"/"), ("remainder", b"%")):
        for at in (1, 2):
            found[f"zero-{name}-{at}"] = number() * at + b"#\0" + operation
    found["mask-zero-pop-1"] = number() + b"#\0/+"
    found["mask-twice-stale-1"] = named(0) + named(1) + b"-\1-\1" + named(0) + b"?"
    for at in (1, 2):
        sums = number() + number() + b"+" + number() + b"*" + number() + b"~" + number() + b"/" + number() + b"%"
        found[f"benign-{at}"] = sums + named(1) + b"?&" + named(at + 1) + b"-" + bytes([at + 1]) + b"-\0+" + named(at + 1)
    return found


def _tree(chance: random.Random) -> Inputs:
    found: Inputs = {}

    def numbers(count: int) -> bytes:
        return b",".join(b"%d" % chance.randrange(1, 9_999) for _ in range(count))

    def within(inner: bytes, deep: int) -> bytes:
        for _ in range(deep):
            before, after = chance.choice([(b"(", b")"), (b"3+(", b")"), (b"[", b"]"), (b"2*(7+", b")"), (b"!(", b")")])
            inner = before + inner + after
        return inner

    for at in range(1, 4):
        deep = (0, 12, 40)[at - 1]
        found[f"array-{at}"] = within(b"[" + numbers(chance.randrange(9, 14)) + b"]", deep)
        found[f"call-{at}"] = within(b"{" + bytes([chance.randrange(ord("j"), ord("o"))]) + numbers(at) + b"}", deep)
        found[f"digits-{at}"] = within(b"%d" % chance.randrange(10**7, 10**9), deep)
        found[f"benign-{at}"] = within(b"[" + numbers(8) + b"]*{c" + numbers(3) + b"}+!(0)+999999;{f1,2,3,4,5,6}", at * 5)
    found["depth-1"], found["depth-2"] = b"(" * 150_000, b"(!" * 100_000
    found["depth-3"] = b"(1+" * 120_000
    found["mask-digits-array-1"] = b"12345678;[" + numbers(10) + b"]"
    found["mask-call-digits-1"] = within(b"{m1};", 0) + b"87654321"
    return found


def _chunks(chance: random.Random) -> Inputs:
    found: Inputs = {}
    for at in (1, 2):
        tail = b"z" + _letters(chance, 6)
        found[f"doors-{at}"] = b"d\0" + tail
        found[f"clock-{at}"] = b"o\1\2" * at + b"c\7" + tail
        found[f"coin-{at}"] = b"t\1" + tail
        found[f"loop-{at}"] = b"s\0" + b" " * at + tail
        found[f"huge-{at}"] = b"u" + bytes([0x18 + at, 0]) + tail
        found[f"order-{at}"] = b"o" + bytes([chance.randrange(100, 200), chance.randrange(100)]) + tail
        found[f"sum-{at}"] = b"m\xff\3" + bytes(chance.randrange(1, 60) for _ in range(3)) + tail
        found[f"benign-{at}"] = b"s\1   d\1c\0t\0u\0\4o\3\4m\6\3\1\2\3n\5ab9.cn\3..!n\0n\0011" + tail
    found["mask-order-sum-1"] = b"o\x09\1" + b"m\xff\1\5"
    found["order-3"] = b"m\1\1\1o\xfe\1"
    found["sum-3"] = b"o\1\1m\7\2\1\1"
    return found


def _shapes(chance: random.Random) -> Inputs:
    found: Inputs = {}

    def shape(odd: int) -> bytes:
        return b"+" + bytes([chance.randrange(2, 120) * 2 + odd])

    for at in (1, 2, 3):
        found[f"cast-{at}"] = shape(1) * (at - 1) + shape(0) + b"c" + bytes([at - 1])
        found[f"index-area-{at}"] = shape(0) * at + b"a" + bytes([chance.randrange(8, 12)])
        found[f"index-scale-{at}"] = shape(1) * at + b"*" + bytes([chance.randrange(8, 12)])
        found[f"label-show-{at}"] = shape(1) * at + b"n" + bytes([at]) + b"x?"
        found[f"label-compare-{at}"] = b"n" + bytes([at + 3]) + b"x<"
        found[f"throw-{at}"] = shape(1) * at + b"g" + bytes([chance.randrange(9, 99)])
        found[f"benign-{at}"] = shape(1) + shape(0) + b"c\0a\1*\2n\1y?<a\7g\2" + shape(1) + b"c\2" + b"n\2z?"
    found["mask-cast-label-1"] = shape(0) + b"c\0n\1x?"
    return found


def _packets(chance: random.Random) -> Inputs:
    found: Inputs = {}

    def packet(kind: int, body: bytes) -> bytes:
        return bytes([kind, len(body)]) + body

    def within(inner: bytes, deep: int) -> bytes:
        for _ in range(deep):
            inner = packet(ord("q"), inner)
        return inner

    for at in (1, 2, 3):
        for size in (2, 4, 8):
            body = bytes(chance.randrange(256) for _ in range(size * at + chance.randrange(1, size)))
            found[f"short-{size}-{at}"] = within(packet(size, body), (at - 1) * 4)
        found[f"hop-{at}"] = within(packet(ord("h"), bytes([chance.randrange(20, 32), chance.randrange(20, 30)])), at)
        found[f"back-{at}"] = within(packet(ord("b"), bytes([chance.randrange(5), chance.randrange(8, 20)])), at)
        key = chance.randrange(200)
        found[f"erased-{at}"] = within(packet(ord("d"), bytes([key, 1])) + packet(ord("d"), bytes([key, ord("e")])), at - 1)
        whole = b"".join(packet(size, bytes(size * 2)) for size in (2, 4, 8))
        whole += packet(ord("h"), b"\1\3") + packet(ord("b"), b"\x09\4") + packet(ord("d"), b"\1\1") * 2 + packet(1, b"..")
        found[f"benign-{at}"] = within(whole, at)
    found["mask-hop-short-1"] = packet(ord("h"), b"\x1f\x08") + packet(4, b"12345")
    found["mask-erased-back-1"] = packet(ord("d"), b"\1\1") + packet(ord("d"), b"\1e") + packet(ord("b"), b"\0\4")
    return found


def _menus(chance: random.Random) -> Inputs:
    found: Inputs = {}
    for at in (1, 2, 3):
        dish, other, short = (_letters(chance, 6).decode() for _ in range(3))
        start = f"dish {dish}={at * 100}\nalias {short}={dish}\n"
        found[f"unknown-{at}"] = f"{start}order {dish},{other}\n".encode()
        found[f"dangling-{at}"] = f"{start}alias x{other}={other}\nagain x{other}\n".encode()
        found[f"number-{at}"] = f"{start}dish {other}={at}{'-' * at}\n".encode()
        circle = "".join(f"alias c{step}=c{(step + 1) % (at + 1)}\n" for step in range(at + 1))
        found[f"circle-{at}"] = f"{start}{circle}order c0\n".encode()
        found[f"benign-{at}"] = f"{start}alias t{short}={short}\norder {dish},t{short}\nagain {short}\n\nagain zz{at}\n".encode()
    found["benign-dish"], found["benign-alias"], found["benign-verb"] = b"dish soup", b"alias a", b"eat all"
    found["benign-again"] = b"dish a=1\nalias b=a\nagain b\n"
    return found


def _sums(chance: random.Random) -> Inputs:
    found: Inputs = {}
    for at in (1, 2, 3):
        row = [chance.randrange(1, 99) for _ in range(at + 1)]
        start = f"row a {sum(row)} {' '.join(map(str, row))}\n"
        found[f"total-{at}"] = f"{start}row b {sum(row) + at} {' '.join(map(str, row))}\n".encode()
        found[f"empty-mean-{at}"] = f"{start}row e{at} 0\nmean e{at}\n".encode()
        found[f"empty-spread-{at}"] = f"{start}row f{at} 0\nspread f{at}\n".encode()
        place = ("../marker", "../sheets/../marker", "./../marker")[at - 1]
        found[f"outside-{at}"] = f"{start}row {place} {at} {at}\nnote {WORD}\nkeep {place}\n".encode()
        found[f"benign-{at}"] = f"{start}note of {at}\nmean a\nspread a\nkeep a\n\nmean nobody\n".encode()
    found["mask-total-empty-1"] = b"row a 5 1 2\nrow b 0\nmean b\n"
    found["mask-empty-total-1"] = b"row b 0\nspread b\nrow a 5 1 2\n"
    found["benign-digits"], found["benign-line"] = b"row a b c", b"rows"
    return found


def _dates(chance: random.Random) -> Inputs:
    found: Inputs = {}
    for at in (1, 2, 3):
        found[f"month-date-{at}"] = b"date 3/2\n" * at + b"date %d/%d\n" % (at, chance.randrange(9, 99))
        found[f"month-season-{at}"] = b"zone north\n" * at + b"season %d\n" % chance.randrange(5, 40)
        found[f"zone-{at}"] = b"note fog!\n" * at + b"zone " + _letters(chance, 7) + b"\n"
        found[f"benign-{at}"] = b"date 1/8\nseason 4\nzone south\nnote some fog!\nspan %d\nnote fog\n" % (at * 3)
    for at in (1, 2):
        found[f"note-{at}"] = b"note " + _letters(chance, 34 + at) + b"?\n"
        found[f"span-{at}"] = b"span %d\n" % (7_000 + at)
    found["benign-verb"], found["benign-number"], found["benign-day"] = b"day 1", b"span x", b"date 1"
    found["mask-zone-month-1"] = b"zone east\ndate 1/9\n"
    return found


def _query(chance: random.Random) -> Inputs:
    found: Inputs = {}
    for at in (1, 2, 3):
        one, other = (_letters(chance, 5).decode() for _ in range(2))
        start = f"row {one} x={at},y=2\n"
        found[f"row-{at}"] = f"{start}show {one}.x\nshow {other}.y\n".encode()
        found[f"link-{at}"] = f"row {one} x={at} {other}\njoin {one}+x\n".encode()
        found[f"benign-{at}"] = f"{start}row {other} y=1 {one}\nshow {one}.x\njoin {one}+x\njoin {other}+x\nnest (a(b)c)\n".encode()
    found["nest-1"], found["nest-2"] = b"nest " + b"(" * 60_000, b"nest " + b"(a" * 60_000
    found["benign-verb"], found["benign-fields"], found["benign-join"] = b"drop all", b"row a", b"join a+b"
    return found


def _ferry(chance: random.Random) -> Inputs:
    found: Inputs = {}

    def trip() -> bytes:
        return b"t" + bytes([chance.randrange(1, 200)])

    for at in (1, 2, 3):
        calm = b"h" + bytes([at]) + b"m\1"
        found[f"berth-weigh-{at}"] = calm + trip() * 2 + b"c" + bytes([at % 2]) + trip() * at + b"w"
        found[f"berth-stop-{at}"] = trip() * 2 + b"c" + bytes([at % 2]) + trip() * at + calm + b"s"
        boxes = 255 + chance.randrange(3, 9)
        found[f"manifest-{at}"] = trip() * (at - 1) + b"l" + bytes([250, boxes - 250])
        found[f"tide-sail-{at}"] = trip() * (at - 1) + b"h" + bytes([256 - at])
        found[f"tide-moor-{at}"] = trip() * at + b"m" + bytes([at])
        found[f"benign-{at}"] = trip() * 5 + b"c\3ws" + b"l\x10\x10" + b"h\x09m\2m\3h\x0c" + b"l\7\0l\0\0" + bytes([at])
    found["mask-tide-manifest-1"] = b"h\xff" + b"l\xfa\x0a"
    found["mask-berth-tide-1"] = trip() * 2 + b"c\1" + trip() + b"s" + b"m\2"
    return found


MAKERS: dict[str, Callable[[random.Random], Inputs]] = {
    "tiles": _tiles, "records": _records, "script": _script, "tree": _tree, "chunks": _chunks, "shapes": _shapes, "packets": _packets,
    "menus": _menus, "sums": _sums, "dates": _dates, "query": _query, "ferry": _ferry,
}
