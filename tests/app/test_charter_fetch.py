"""Fetching a charter: where it is looked for, what is sent, and that trouble changes nothing."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from clearinghouse.app import charter_fetch
from clearinghouse.app.charter_fetch import fetch_charter, look_at, places_of, prove_by_fetch, renew_charters
from clearinghouse.app.wiring import Instance
from clearinghouse.core.errors import Invalid, NotFound, Unavailable
from clearinghouse.core.ids import PartyId
from clearinghouse.core.roles import Role
from clearinghouse.parties import actions as parties
from clearinghouse.parties.charters import actions
from clearinghouse.parties.records import PartyKind

REPOSITORY = "https://github.com/Example/Lib"
PLACE = "https://raw.githubusercontent.com/Example/Lib/HEAD/.github/disclosure-charter.toml"
TEXT = 'charter = 1\n[project]\nname = "lib"\nrepositories = ["https://github.com/example/lib"]\nclaims = ["{}"]\n'


@dataclass
class Page:
    status: int
    url: str
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Web:
    """A web of a few pages, and what was asked of it."""

    pages: dict[str, Page]
    asked: list[tuple[str, str]] = field(default_factory=list)

    def __call__(self, url: str, headers: Mapping[str, str]) -> Page:
        tag = headers.get("if-none-match", "")
        self.asked.append((url, tag))
        page = self.pages.get(url, Page(404, url))
        return Page(304, url) if tag and tag == page.headers.get("etag") else page


def vendor(instance: Instance) -> tuple[PartyId, str]:
    now, actor = instance.clock.now(), instance.actor.id
    with instance.database.write() as tx:
        organisation = parties.add_party(tx, PartyKind.ORGANISATION, "Lib", frozenset(), actor=actor, now=now)
        parties.add_party(tx, PartyKind.PERSON, "Maintainer", frozenset({Role.VENDOR}), organisation=organisation.id, actor=actor, now=now)
        claim = actions.open_claim(tx, organisation.id, REPOSITORY, actor=actor, envelope=instance.envelope, now=now)
    return organisation.id, claim.id


def test_places_are_looked_at_in_order() -> None:
    web = Web({})
    with pytest.raises(NotFound, match="no charter at any of 6 places"):
        fetch_charter(web, REPOSITORY, {})
    start = "https://raw.githubusercontent.com/Example/Lib/HEAD/"
    assert [url.removeprefix(start) for url, _ in web.asked] == [
        folder + name for name in ("disclosure-charter.toml", "disclosure-charter.json") for folder in ("", ".github/", "docs/")
    ]


@pytest.mark.parametrize(("repository", "first"), [
    ("git@github.com:o/r.git", "https://raw.githubusercontent.com/o/r/HEAD/disclosure-charter.toml"),
    ("https://gitlab.com/g/s/r/-/tree/main", "https://gitlab.com/g/s/r/-/raw/HEAD/disclosure-charter.toml"),
    ("https://git.example.org/o/r", "https://git.example.org/.well-known/disclosure-charter.toml"),
])
def test_first_place_of_a_host(repository: str, first: str) -> None:
    assert places_of(repository)[0] == first


@pytest.mark.parametrize("repository", ["", "https://localhost/x", "file:///etc/passwd", "https://github.com/only-owner"])
def test_what_is_no_repository_is_not_asked(repository: str) -> None:
    with pytest.raises(Invalid):
        places_of(repository)


def test_claim_is_proven_by_a_fetch_and_a_missing_file_takes_nothing_back(instance: Instance) -> None:
    party, claim = vendor(instance)
    web = Web({PLACE: Page(200, PLACE, TEXT.format(claim).encode(), {"etag": '"one"'})})
    adopted, _ = prove_by_fetch(instance, claim, REPOSITORY, web)
    assert (adopted.party, adopted.version, adopted.source_url) == (party, 1, PLACE)
    assert [(one.adopted, bool(one.trouble)) for one in renew_charters(instance, Web({}))] == [(None, True)]


def test_changed_charter_is_adopted_and_a_broken_one_is_not(instance: Instance) -> None:
    _, claim = vendor(instance)
    place = PLACE.replace("Example/Lib", "example/lib")
    web = Web({place: Page(200, place, TEXT.format(claim).encode(), {"etag": '"one"'})})
    prove_by_fetch(instance, claim, "https://github.com/example/lib", web)
    web.asked.clear()
    assert [(one.adopted, one.trouble) for one in renew_charters(instance, web)] == [(None, "")]
    assert web.asked[-1] == (place, '"one"')
    web.pages[place] = Page(200, place, (TEXT.format(claim) + "[capacity]\nper_week = 2\n").encode(), {"etag": '"two"'})
    renewed = renew_charters(instance, web)[0].adopted
    assert renewed is not None
    assert (renewed.version, renewed.charter.per_week) == (2, 2)
    web.pages[place] = Page(200, place, b"charter = 9", {"etag": '"three"'})
    assert "cannot be put in force" in renew_charters(instance, web)[0].trouble
    web.pages[place] = Page(503, place)
    assert "503" in renew_charters(instance, web)[0].trouble
    with instance.database.read() as tx:
        assert actions.read_charter(tx, renewed.id, envelope=instance.envelope).version == 2


def test_answer_of_another_host_is_nobodys_word() -> None:
    web = Web({PLACE: Page(200, "https://evil.example/x", b"charter = 1")})
    with pytest.raises(NotFound):
        fetch_charter(web, REPOSITORY, {})


def test_server_in_trouble_is_not_read_as_no_charter() -> None:
    first = places_of(REPOSITORY)[0]
    with pytest.raises(Unavailable, match="502"):
        fetch_charter(Web({first: Page(502, first), PLACE: Page(200, PLACE, b"x")}), REPOSITORY, {})


def test_hostile_tag_is_not_kept() -> None:
    web = Web({PLACE: Page(200, PLACE, b"x", {"etag": "a\nb: c"})})
    found = fetch_charter(web, REPOSITORY, {})
    assert found is not None
    assert found.etag == ""


def test_look_reads_and_adopts_nothing(instance: Instance) -> None:
    web = Web({PLACE: Page(200, PLACE, TEXT.format("clm_" + "a" * 26).encode())})
    for address in (REPOSITORY, PLACE):
        _, read = look_at(instance, address, web)
        assert read.charter is not None
    with instance.database.read() as tx, pytest.raises(NotFound):
        actions.find_project(tx, "lib", envelope=instance.envelope)


def test_guard_is_the_only_way_out(instance: Instance) -> None:
    with pytest.raises(Invalid, match="only https"):
        charter_fetch.fetch_of(instance)("http://169.254.169.254/disclosure-charter.toml", {})
