"""No leak (decisions 1 to 5): every route, asked by every kind of stranger, over a world in which every text is marked.

What is another's neither shows, nor counts, nor answers differently from what is not there; and no deed on it does
anything. New routes are walked by themselves; one that the tables cannot ask fails here.
"""

import base64
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from litestar import Router, get, post
from litestar.exceptions import NotFoundException, PermissionDeniedException
from litestar.params import FromPath
from sqlalchemy import text

import leak_tables as tables
import walking
from clearinghouse.core.events import Event
from clearinghouse.ledger import actions as ledger
from direct_calls import Answer
from walking import Filling, Question, Route
from world import World, opened_world
from world_cases import NOBODIES, add_beside, add_case_c, database_of, populate

FEW = ("desk", "developer", "rival", "outside", "vendor_a", "watcher", "gone", "finder_a", "passer_by")
FEWEST = ("rival", "outside", "vendor_a", "watcher", "passer_by")
STRANGERS = (*FEW, "operator", "former_desk", "admin", "overseer", "hidden", "roomer", "lapsed", "declined", "invited", "finder_b", "outside_c")


@dataclass
class Walked:
    """The world, its routes, and what everybody was shown before a case of others was added."""

    world: World
    routes: list[Route]
    before: dict[tuple[str, str, str], Answer]
    everybody: bool
    """Whether every kind of stranger asks here, or a few: the statements are the same on both databases, and so are the answers."""


@pytest.fixture(scope="module", params=[
    "sqlite", pytest.param("everybody", marks=pytest.mark.long), pytest.param("postgresql", marks=[pytest.mark.postgresql, pytest.mark.long]),
])
def walked(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Walked]:
    """A world on SQLite asked by a few kinds of stranger; for `make test-long` one asked by every kind, and one on PostgreSQL."""
    folder: Path = tmp_path_factory.mktemp("world")
    server = request.getfixturevalue("postgresql_url") if request.param == "postgresql" else ""
    with opened_world(database_of("postgresql" if server else "sqlite", folder, server), folder / "home") as world:
        populate(world)
        routes = walking.routes_of(world.application.app)
        before = shown(world, routes, list(world.people) if request.param == "everybody" else FEW)
        add_case_c(world)
        yield Walked(world, routes, before, request.param == "everybody")


def shown(world: World, routes: list[Route], people: Sequence[str], *, recorded: bool = False) -> dict[tuple[str, str, str], Answer]:
    """What everybody is shown of what is its own, by person, route and address."""
    found: dict[tuple[str, str, str], Answer] = {}
    reading = [route for route in routes if route.method == "GET" and (route.key in tables.RECORDED) == recorded]
    for who in people:
        questions = [(route, each) for route in reading for each in own_questions(world, who, route)]
        answers = walking.asked(world, who, [each for _, each in questions])
        found |= {(who, route.key, each.target): answer for (route, each), answer in zip(questions, answers, strict=True)}
    return found


def nothing_said(said: list[str]) -> None:
    """Fail with all that was found, and not with the first of it."""
    assert not said, f"{len(said)} found:\n" + "\n".join(sorted(said)[:200])


def not_opened(world: World, answers: dict[tuple[str, str, str], Answer]) -> set[str]:
    """The routes that opened for nobody, once no answer tells its asker anything of others."""
    said = []
    opened = set()
    for (who, key, target), answer in answers.items():
        if leaked := world.leaks(answer.everything(), who, target.encode()):
            said.append(f"{who} is shown at {target}: {', '.join(sorted(leaked))}")
        if answer.status >= 500:
            said.append(f"{who} at {target}: {answer.status}")
        if answer.status < 400:
            opened.add(key)
    nothing_said(said)
    return {key for _, key, _ in answers} - opened


def own_questions(world: World, who: str, route: Route) -> Iterator[Question]:
    """A reading route asked with ids of one's own, where it takes any."""
    if route.key in tables.ENDLESS or set(route.parameters) & set(tables.NO_IDS):
        return
    for template in walking.templates_of(route):
        for filling in walking.fillings(world, who, walking.places_of(route, template)):
            if not filling.foreign:
                yield walking.question(route, template, filling)


def foreign_pairs(world: World, who: str, route: Route) -> Iterator[tuple[Filling, Question, Question]]:
    """A route asked with an id of others, and with one of nothing in its place."""
    for template in walking.templates_of(route):
        for filling in walking.fillings(world, who, walking.places_of(route, template)):
            if filling.foreign and not (who == "invited" and route.key in tables.INVITEE):
                more = tables.form_fields(world, who)
                yield (
                    filling, walking.question(route, template, filling, more=more),
                    walking.question(route, template, walking.replaced(filling), more=more),
                )


def test_every_route_is_known_to_the_walk(walked: Walked) -> None:
    assert walking.unknown_to_the_tables(walked.routes) == []
    known = {route.key for route in walked.routes}
    listed = {*tables.BODIES, *tables.QUERIES, *tables.EXEMPT_DEEDS, *tables.PUBLIC_RECORD, *tables.WEIGHED, *tables.INVITEE, *tables.OPEN}
    assert listed - known == set(), "the tables speak of routes that are gone"


def test_nobody_is_shown_what_is_anothers(walked: Walked) -> None:
    nothing = tables.NOTHING if walked.everybody else tables.NOTHING | tables.OF_ADMINISTRATORS
    assert not_opened(walked.world, walked.before) == nothing, "nobody was shown anything there, so nothing was checked"


def test_what_is_anothers_answers_as_what_is_not_there(walked: Walked) -> None:
    world, said = walked.world, []
    not_found: set[str] = set()
    asked_at: set[str] = set()
    for who in STRANGERS if walked.everybody else FEWEST:
        for route in walked.routes:
            pairs = list(foreign_pairs(world, who, route))
            if not pairs or route.key in tables.PUBLIC_RECORD:
                continue
            asked_at.add(route.key)
            events = world.application.events()
            # Whom the route is not for at all is asked once.
            if walking.asked(world, who, [pairs[0][1]])[0].status in (401, 403):
                del pairs[1:]
            answers = walking.asked(world, who, [each for _, one, other in pairs for each in (one, other)])
            for place, (filling, one, other) in enumerate(pairs):
                theirs, nothing = answers[2 * place], answers[2 * place + 1]
                about = f"{who}, {route.method} {one.target} ({', '.join(sorted(filling.foreign))} of others)"
                said += [f"{about}: {difference}" for difference in walking.same(theirs, nothing, one, other)]
                leaked = world.leaks(theirs.everything(), who, one.target.encode() + one.body)
                said += [f"{about} tells: {', '.join(sorted(leaked))}"] if leaked else []
                empty = route.reads and theirs.status == 200 and tables.may_be_empty(route.key, filling.foreign)
                if theirs.status not in (401, 403, 404, 409) and not empty:
                    said.append(f"{about}: answered {theirs.status} {theirs.text[:200]}")
                if theirs.status == 404 or theirs.status == 200:
                    not_found.add(route.key)
            if world.application.events() != events:
                said.append(f"{who}, {route.key}: something was done to an object of others, or noted about it")
    nothing_said(said)
    assert asked_at - not_found == set(), "nobody got as far as the object there, so nothing was checked"


def test_case_of_others_changes_nothing_that_is_shown(walked: Walked) -> None:
    people = sorted({who for who, _, _ in walked.before})
    after = shown(walked.world, walked.routes, people)
    said = []
    for place, answer in walked.before.items():
        if place[1] in {**tables.PUBLIC_RECORD, **tables.WEIGHED, **tables.MANAGING}:
            continue
        later = after[place]
        if (answer.status, answer.headers, answer.body) != (later.status, later.headers, later.body):
            said.append(f"{place}: {answer.text[:400]} became {later.text[:400]}")
        if len(answer.statements) != len(later.statements) and place[1] not in tables.NOTING:
            said.append(f"{place}: {len(answer.statements)} statements became {len(later.statements)}")
    nothing_said(said)


def test_what_is_handed_out_on_the_record_tells_nothing_of_others(walked: Walked) -> None:
    asked = shown(walked.world, walked.routes, sorted({who for who, _, _ in walked.before}), recorded=True)
    assert asked
    assert not_opened(walked.world, asked) == set()


@pytest.mark.parametrize("who", NOBODIES)
def test_nobody_gets_the_same_answer_everywhere(walked: Walked, who: str) -> None:
    world, said = walked.world, []
    for route in walked.routes:
        if route.key in tables.OPEN or tables.is_page(route.key) or set(route.parameters) & set(tables.NO_IDS):
            continue
        if route.key in tables.EXEMPT_DEEDS:
            continue
        questions = [
            walking.question(route, template, filling)
            for template in walking.templates_of(route) or [tables.Template()]
            for filling in walking.fillings(world, who, walking.places_of(route, template))
        ][:6]
        answers = walking.asked(world, who, questions)
        said += [
            f"{each.method} {each.target}: {answer.status}" for each, answer in zip(questions, answers, strict=True) if answer.status != 401
        ]
        if len({(answer.headers, answer.body, len(answer.statements)) for answer in answers}) > 1:
            said.append(f"{route.key}: answers differ")
    nothing_said(said)


def test_ids_that_are_none_are_not_there(walked: Walked) -> None:
    world, said = walked.world, []
    for who in ("desk", "finder_a") if walked.everybody else ("finder_a",):
        for route in walked.routes:
            if not route.parameters or set(route.parameters) & set(tables.NO_IDS):
                continue
            templates = walking.templates_of(route)[:1]
            questions = []
            for template in templates:
                own = next(walking.fillings(world, who, walking.places_of(route, template)))
                questions += [
                    walking.question(route, template, Filling({**own.values, name: bad}), more=tables.form_fields(world, who))
                    for name in route.parameters for bad in walking.MALFORMED
                ]
            events = world.application.events()
            for each, answer in zip(questions, walking.asked(world, who, questions), strict=True):
                if answer.status not in (401, 403, 404, 405):
                    said.append(f"{who} {each.method} {each.target[:120]}: {answer.status} {answer.text[:200]}")
                if leaked := world.leaks(answer.everything(), who, each.target.encode()):
                    said.append(f"{who} {each.method} {each.target[:120]} tells {leaked}")
            assert world.application.events() == events, route.key
    nothing_said(said)


def test_what_a_deed_answers_tells_nothing_of_others(walked: Walked) -> None:
    """The last of the walk, for it changes the world: everybody does to its own things all there is to do."""
    world, said = walked.world, []
    done: set[str] = set()
    for who in ("roomer", "watcher", "second", "finder_a", "colleague_a", "vendor_a", "vendor_b", "finder_b", "outside", "desk"):
        for route in sorted(walked.routes, key=lambda route: ("leave" in route.path or "decline" in route.path, route.path)):
            for template in [] if route.reads or route.key in tables.WIDENING else walking.templates_of(route):
                own = next(walking.fillings(world, who, walking.places_of(route, template)))
                asked = walking.question(route, template, own, more=tables.form_fields(world, who))
                [answer] = walking.asked(world, who, [asked])
                done |= {route.key} if answer.status < 400 else set()
                if leaked := world.leaks(answer.everything(), who, asked.target.encode() + asked.body):
                    said.append(f"{who}, {route.method} {asked.target} tells: {', '.join(sorted(leaked))}")
                if answer.status >= 500 or answer.status in (400, 413, 415):
                    said.append(f"{who}, {route.method} {asked.target}: {answer.status} {answer.text[:300]}")
    nothing_said(said)
    assert len(done) > 40, sorted(done)


# Before asserting that nothing leaks, arrange something that could.


@pytest.fixture(scope="module")
def leaking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A small world whose application has five routes that leak, each in its own way."""
    folder: Path = tmp_path_factory.mktemp("leaking")
    with opened_world(database_of("sqlite", folder, ""), folder / "home") as world:
        from clearinghouse.core.roles import Role

        for name in ("outside", "finder_b", "vendor_b", "passer_by"):
            role = {"outside": Role.COORDINATOR, "vendor_b": Role.VENDOR}.get(name, Role.REPORTER)
            world.add_person(name, world.add_organisation(name, name), role, readers=("outside", "finder_b", "vendor_b"))
        add_beside(world, "b", "outside", "finder_b", "vendor_b")
        case = next(thing.id for thing in world.things if thing.kind == "case_id")
        title = next(core.decode() for core, (what, _) in world.marks.items() if what == "b title")

        @get("/tell", sync_to_thread=False)
        def tell() -> dict[str, str]:
            return {"hint": base64.b64encode(f"see {title}".encode()).decode()}

        @get("/count", sync_to_thread=True)
        def count() -> int:
            with world.instance.database.read() as tx:
                return int(tx.value(text("select count(*) from cases")))

        @get("/status/{case_id:str}", sync_to_thread=False)
        def status(case_id: FromPath[str]) -> None:
            raise NotFoundException if case_id != case else PermissionDeniedException

        @get("/slow/{case_id:str}", sync_to_thread=True)
        def slow(case_id: FromPath[str]) -> None:
            with world.instance.database.read() as tx:
                if tx.value(text("select 1 from cases where case_id = :id"), {"id": case_id}):
                    tx.value(text("select count(*) from cases"))
            raise NotFoundException

        @post("/deed/{case_id:str}", sync_to_thread=True)
        def deed(case_id: FromPath[str]) -> None:
            with world.instance.database.write() as tx:
                ledger.record(tx, Event("Tested", (case_id,)), actor=world.instance.actor.id, now=world.clock.now())
            raise NotFoundException

        @post("/unknown/{shoe_id:str}", sync_to_thread=False)
        def unknown(shoe_id: FromPath[str]) -> None:
            """Takes an id that no table knows."""

        world.application.app.register(Router("/leaks", route_handlers=[tell, count, status, slow, deed, unknown]))
        yield world


def leaks_routes(world: World, ending: str) -> list[Route]:
    """The leaking route of a name."""
    return [route for route in walking.routes_of(world.application.app) if route.path.startswith(f"/leaks/{ending}")]


def test_walk_finds_a_text_told_in_disguise(leaking: World) -> None:
    answers = shown(leaking, leaks_routes(leaking, "tell"), ["passer_by", "vendor_b"])
    assert {who: leaking.leaks(answer.everything(), who) for (who, _, _), answer in answers.items()} == {
        "passer_by": {"b title"}, "vendor_b": set(),
    }


@pytest.mark.parametrize(("ending", "difference"), [("status", "status 403 and 404"), ("slow", "statements 3 and 2")])
def test_walk_finds_what_answers_otherwise_than_what_is_not_there(leaking: World, ending: str, difference: str) -> None:
    [route] = leaks_routes(leaking, ending)
    [(_, one, other)] = list(foreign_pairs(leaking, "passer_by", route))
    theirs, nothing = walking.asked(leaking, "passer_by", [one, other])
    assert difference in walking.same(theirs, nothing, one, other)


def test_walk_finds_a_deed_on_what_is_anothers(leaking: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(tables.BODIES, "POST /leaks/deed/{case_id}", [tables.Template()])
    [route] = leaks_routes(leaking, "deed")
    [(_, one, _)] = list(foreign_pairs(leaking, "passer_by", route))
    before = leaking.application.events()
    assert walking.asked(leaking, "passer_by", [one])[0].status == 404
    assert leaking.application.events() == before + 1


def test_walk_finds_a_count_that_changes_with_others(leaking: World) -> None:
    routes = leaks_routes(leaking, "count")
    before = shown(leaking, routes, ["passer_by"])
    add_case_c(leaking)
    assert before != shown(leaking, routes, ["passer_by"])


def test_walk_refuses_a_route_it_cannot_ask(leaking: World) -> None:
    assert walking.unknown_to_the_tables(leaks_routes(leaking, "unknown")) == [
        "POST /leaks/unknown/{shoe_id}: no ids are known for the parameter 'shoe_id'",
        "POST /leaks/unknown/{shoe_id}: a deed without a body in the table and without a reason to be let off",
    ]


@pytest.mark.parametrize("disguise", [
    lambda text: text, lambda text: text[::-1], lambda text: text.upper(), lambda text: text.encode().hex(),
    lambda text: base64.b64encode(text.encode()).decode(), lambda text: base64.urlsafe_b64encode(b"x" + text.encode()).decode(),
    lambda text: base64.b64encode(b"xy" + text.encode()).decode().rstrip("="), lambda text: "".join(f"%{ord(c):02x}" for c in text),
    lambda text: "".join(f"\\u{ord(c):04x}" for c in text), lambda text: "".join(f"&#{ord(c)};" for c in text),
    lambda text: base64.b64encode(text[::-1].encode()).decode(),
])
def test_text_is_found_in_every_disguise(leaking: World, disguise: Callable[[str], str]) -> None:
    mark = leaking.mark("something of b", "finder_b")
    assert leaking.leaks(f'{{"a": "{disguise(mark)}"}}'.encode(), "passer_by") == {"something of b"}
    assert leaking.leaks(f'{{"a": "{disguise(mark)}"}}'.encode(), "finder_b") == set()
