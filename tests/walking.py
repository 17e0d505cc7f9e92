"""The walk: every route there is, asked by everybody, with ids of its own, of others, of nobody, and no ids at all."""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice, product
from typing import Any
from urllib.parse import urlencode

from litestar import Litestar
from litestar.routes import HTTPRoute

import leak_tables as tables
from direct_calls import Answer
from leak_tables import Template
from world import EVERYBODY, Thing, World, mark_of

_PLACE = re.compile(r"\{([a-z_]+)\}")
_PARAMETER = re.compile(r"\{([a-z_]+):[a-z]+\}")
_READS = ("GET", "HEAD")
MALFORMED = (
    "zzz", "case_", "CASE_" + "A" * 26, "rep_" + "a" * 27, "rep_" + "1" * 26, "%2e%2e%2f%2e%2e%2fetc%2fpasswd", "..%5c..%5cboot.ini", "%00",
    "a%0d%0aSet-Cookie:%20a=b", "%27%20or%201=1--", "%F0%9F%92%A9", "%ff%fe", "x" * 3000, "{}", "*", "~", "%252e%252e", "-1", "0", "null",
)


@dataclass(frozen=True)
class Route:
    """One method of one address."""

    method: str
    path: str

    @property
    def key(self) -> str:
        """As the tables name it."""
        return f"{self.method} {self.path}"

    @property
    def reads(self) -> bool:
        """Whether it only reads."""
        return self.method in _READS

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names of what stands in its path."""
        return tuple(_PLACE.findall(self.path))


@dataclass(frozen=True)
class Filling:
    """What stands in the places of a template for somebody."""

    values: dict[str, str]
    foreign: frozenset[str] = frozenset()
    """The places whose objects are not to be seen by who asks."""


@dataclass(frozen=True)
class Question:
    """A request ready to be sent."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    said: tuple[str, ...] = field(repr=False, default=())
    """What of it may stand in the answer, because it was sent."""


def routes_of(app: Litestar) -> list[Route]:
    """Every method of every address of the application, as the tables name them."""
    found = set()
    for route in app.routes:
        if not isinstance(route, HTTPRoute):
            found.add(Route(type(route).__name__, route.path))
            continue
        path = _PARAMETER.sub(r"{\1}", route.path)
        found |= {Route(method, path) for method in route.methods if method != "OPTIONS"}
    return sorted(found, key=lambda route: (route.path, route.method))


def templates_of(route: Route) -> list[Template]:
    """The ways to ask a route; none for a deed that is let off."""
    if any(tables.ALIASES.get(name, name) not in tables.PARAMETERS for name in route.parameters):
        return []  # `unknown_to_the_tables` says so
    if route.reads:
        return [*([] if route.key in tables.NEED_QUERY else [Template()]), *tables.QUERIES.get(route.key, [])]
    return tables.BODIES.get(route.key, [])


def unknown_to_the_tables(routes: Iterable[Route]) -> list[str]:
    """Routes that the walk cannot ask: a parameter it has no ids for, or a deed without a body."""
    said = []
    for route in routes:
        for name in route.parameters:
            if tables.ALIASES.get(name, name) not in tables.PARAMETERS and route.key not in tables.PUBLIC_RECORD and name not in tables.NO_IDS:
                said.append(f"{route.key}: no ids are known for the parameter {name!r}")
        if not route.reads and route.key not in tables.BODIES and route.key not in tables.EXEMPT_DEEDS:
            said.append(f"{route.key}: a deed without a body in the table and without a reason to be let off")
        if not route.reads and route.key in tables.BODIES and route.key in tables.EXEMPT_DEEDS:
            said.append(f"{route.key}: both asked and let off")
    return said


def question(route: Route, template: Template, filling: Filling, *, more: dict[str, str] | None = None) -> Question:
    """A request of a template; `more` are form fields that every form of who asks carries."""
    target = route.path + ("?" + template.query if template.query else "")
    headers, body = dict(template.headers), template.body
    if template.json is not None:
        body = _fill(json.dumps(template.json), filling).encode()
        headers["Content-Type"] = "application/json"
    elif template.form is not None:
        body = _fill(urlencode({**template.form, **(more or {})}, safe="{}"), filling).encode()
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    for name, value in (more or {}).items():
        body = body.replace(f"{{{name}}}".encode(), value.encode())
    return Question(route.method, _fill(target, filling), headers, body, tuple(filling.values.values()))


def places_of(route: Route, template: Template) -> tuple[str, ...]:
    """The names of everything that is to be filled in."""
    whole = route.path + template.query + json.dumps([template.json, template.form])
    return tuple(dict.fromkeys(_PLACE.findall(whole)))


def fillings(world: World, who: str, places: Sequence[str]) -> Iterator[Filling]:
    """What to ask with: one's own things, and those of others one place at a time, in one's own cases and in theirs."""
    if not places:
        yield Filling({})
        return
    if "case_id" not in places:
        yield from _together(world, who, places, None)
        return
    rest = [place for place in places if place != "case_id"]
    cases = [thing for thing in world.things if thing.kind == "case_id"]
    for case in [*_some(cases, who, 1, own=True), *_some(cases, who, 3, own=False)]:
        foreign = frozenset({"case_id"}) if who not in case.readers else frozenset[str]()
        for filling in _together(world, who, rest, case):
            yield Filling({"case_id": case.id, **filling.values}, foreign | filling.foreign)


def replaced(filling: Filling) -> Filling:
    """The same with ids of nothing in the place of foreign ones."""
    return Filling({place: _nothing(place, value) if place in filling.foreign else value for place, value in filling.values.items()})


def same(one: Answer, other: Answer, sent: Question, replaced_by: Question) -> list[str]:
    """In what two answers differ that must not; what was sent may come back."""
    said = []
    if one.status != other.status:
        said.append(f"status {one.status} and {other.status}")
    first, second = _without(one, sent), _without(other, replaced_by)
    if first[0] != second[0]:
        said.append(f"headers {first[0]} and {second[0]}")
    if first[1] != second[1]:
        said.append(f"bodies {first[1][:300]!r} and {second[1][:300]!r}")
    if len(one.statements) != len(other.statements):
        said.append(f"statements {len(one.statements)} and {len(other.statements)}")
    return said


def asked(world: World, who: str, questions: Sequence[Question]) -> list[Answer]:
    """Answers to many questions of one person, some at a time."""
    answers: list[Answer] = []
    waiting = iter(questions)
    while portion := list(islice(waiting, 12)):
        answers += world.application.call_all(*(
            (each.method, each.target, {**world.headers(who), **each.headers}, each.body) for each in portion
        ))
    return answers


def _together(world: World, who: str, places: Sequence[str], case: Thing | None) -> Iterator[Filling]:
    if not places:
        yield Filling({})
        return
    own: dict[str, str] = {}
    foreign: dict[str, list[str]] = {}
    theirs = case is not None and who not in case.readers
    for place in places:
        kind = tables.ALIASES.get(place, place)
        if kind == "word":
            own[place], foreign[place] = _words(world, who)
            continue
        things = [thing for thing in world.things if thing.kind == kind]
        # A report has readers of its own, and others in a case: a route below a case asks about the latter.
        within = case is not None and any(thing.parent for thing in things)
        things = [thing for thing in things if bool(thing.parent) == within] or things
        inside = [thing for thing in things if case is not None and thing.parent == case.id]
        here = inside or things
        mine = _some(here, who, 1, own=True) or ([] if theirs else _some(things, who, 1, own=True))
        if theirs:
            mine = mine or here[:1]
        own[place] = mine[-1].id if mine else _nothing(place, tables.PARAMETERS[kind] + "_")
        held = {thing.id for thing in inside}
        others = _some([thing for thing in things if thing.id not in held], who, 2 if case is None else 1, own=False)
        foreign[place] = [] if theirs else [thing.id for thing in [*_some(inside, who, 2, own=False), *others]]
    if len(set(own.values())) < len(own):  # two places of one kind: two things of it
        for place in list(own)[1:]:
            kind = tables.ALIASES.get(place, place)
            spare = [thing.id for thing in world.things if thing.kind == kind and who in thing.readers and thing.id not in own.values()]
            own[place] = spare[0] if spare else _nothing(place, own[place])
    yield Filling(dict(own))
    for place in places:
        for value in foreign[place]:
            if value in own.values():
                continue
            yield Filling({**own, place: value}, frozenset({place}))


def _words(world: World, who: str) -> tuple[str, list[str]]:
    mine = [core.decode() for core, (_, readers) in world.marks.items() if who in readers]
    others = [core.decode() for core, (what, readers) in world.marks.items() if who not in readers and "title" in what]
    return (mine[0] if mine else "nothing"), others[:3]


def _some(things: Sequence[Thing], who: str, most: int, *, own: bool) -> list[Thing]:
    """Things of one's own or of others, of different cases first."""
    found: dict[str, list[Thing]] = {}
    for thing in things:
        if (who in thing.readers or EVERYBODY in thing.readers) == own:
            found.setdefault(thing.parent, []).append(thing)
    mixed = [thing for row in product(range(3), found.values()) for thing in row[1][row[0] : row[0] + 1]]
    return mixed[:most]


def _nothing(place: str, value: str) -> str:
    """A well-formed id that nothing has, as long as the one it stands for."""
    alphabet = "abcdefghijklmnopqrstuvwxyz234567"
    digest = hashlib.sha256(f"{place}/{value}".encode()).digest()
    if place == "word":
        return mark_of("nothing like " + value)
    prefix = value.split("_", 1)[0]
    return f"{prefix}_" + "".join(alphabet[byte % 32] for byte in digest[:26])


def _fill(text: str, filling: Filling) -> str:
    return _PLACE.sub(lambda found: filling.values.get(found[1], found[0]), text)


def _without(answer: Answer, sent: Question) -> tuple[Any, bytes]:
    """Headers and body with what was sent taken out, and without the date."""
    body = answer.body
    for value in sent.said:
        body = body.replace(value.encode(), b"<sent>")
    heads = sorted((name, _cut(value, sent)) for name, value in answer.headers if name != "date")
    return heads, body


def _cut(value: str, sent: Question) -> str:
    for said in sent.said:
        value = value.replace(said, "<sent>")
    return value
