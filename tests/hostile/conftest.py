"""A small world for whoever means harm: a coordinator, a finder, a vendor, an administrator, and one case among them."""

from collections.abc import Iterator

import pytest

from clearinghouse.core.roles import Role
from clearinghouse.parties import actions as parties
from world import World, opened_world
from world_cases import add_beside


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """On SQLite: what is tried here is decided before the database is asked."""
    folder = tmp_path_factory.mktemp("hostile")
    with opened_world(f"sqlite:///{folder / 'world.db'}", folder / "home") as opened:
        people = ("desk", "finder", "vendor")
        for name, role in (("desk", Role.COORDINATOR), ("finder", Role.REPORTER), ("vendor", Role.VENDOR), ("admin", Role.ADMINISTRATOR)):
            organisation = opened.add_organisation(name, *people, "admin")
            opened.add_person(name, organisation, role, *([Role.REPORTER] if name == "desk" else []), readers=people)
        with opened.instance.database.write() as tx:
            parties.join_team(
                tx, opened.instance.desk, opened.people["desk"].party.id, actor=opened.instance.actor.id, now=opened.clock.now()
            )
        add_beside(opened, "x", *people)
        opened.sign_in(*opened.people)
        yield opened


@pytest.fixture
def case(world: World) -> str:
    """The one case."""
    return next(thing.id for thing in world.things if thing.kind == "case_id")
