"""Fetching a project's charter from its repository: a few fixed places, through the one guard for outgoing connections.

What comes back is data: bounded by the guard, read by `parties.charters`, never executed, no link in it followed.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import quote, urlsplit

from clearinghouse.app.channels.outward import Outward
from clearinghouse.app.wiring import Instance
from clearinghouse.core.errors import Conflict, Invalid, NotFound, Unavailable
from clearinghouse.parties.charters import Adopted, store
from clearinghouse.parties.charters.actions import Fetched, adopt_fetched
from clearinghouse.parties.charters.document import FILE_NAMES, Read, read_document
from clearinghouse.parties.charters.matching import repository_key
from clearinghouse.parties.charters.records import Claim

_FOLDERS = ("", ".github/", "docs/")
_RAW: dict[str, str] = {
    "github.com": "https://raw.githubusercontent.com/{path}/HEAD/{file}",
    "gitlab.com": "https://gitlab.com/{path}/-/raw/HEAD/{file}",
    "codeberg.org": "https://codeberg.org/{path}/raw/HEAD/{file}",
    "bitbucket.org": "https://bitbucket.org/{path}/raw/HEAD/{file}",
}
_ETAG_CHARACTERS_MAX = 200
_FOUND, _UNCHANGED = 200, 304
_NOT_THERE = frozenset({401, 403, 404, 410})


class Answer(Protocol):
    """What a call gives."""

    @property
    def status(self) -> int: ...
    @property
    def url(self) -> str: ...
    @property
    def headers(self) -> Mapping[str, str]: ...
    @property
    def body(self) -> bytes: ...


Fetch = Callable[[str, Mapping[str, str]], Answer]
"""Address and headers to answer: `Outward.get`, or a test's own."""


@dataclass(frozen=True, slots=True)
class Renewed:
    """What became of one look for a newer charter."""

    claim: Claim
    adopted: Adopted | None
    """None where nothing changed."""
    trouble: str = ""


def fetch_of(instance: Instance) -> Fetch:
    """The guarded way out of an instance."""
    return Outward(instance.settings.outward, instance.policy.outward).get


def places_of(repository: str) -> tuple[str, ...]:
    """The addresses at which a repository's charter is looked for, in order.

    On a host that is no forge we know, only the host's own `/.well-known/` is asked: whoever serves it has all
    repositories there in hand anyway.
    Raises:
        Invalid: it is no repository.
    """
    key = repository_key(repository)
    if key is None:
        raise Invalid("no address of a repository; write https://HOST/OWNER/NAME")
    host, _, _ = key.value.partition("/")
    if host not in _RAW:
        return tuple(f"https://{host}/.well-known/{name}" for name in FILE_NAMES)
    # The spelling given is kept: a forge that ignores case in names may still not do so in raw addresses.
    parts = [part for part in urlsplit(repository if "://" in repository else f"https://{repository}").path.split("/") if part]
    path = quote("/".join(parts[:2] if host != "gitlab.com" else parts).split("/-/")[0].removesuffix(".git"), safe="/")
    path = path if repository_key(f"https://{host}/{path}") == key else key.value.partition("/")[2]
    return tuple(_RAW[host].format(path=path, file=folder + name) for name in FILE_NAMES for folder in _FOLDERS)


def fetch_charter(fetch: Fetch, repository: str, etags: Mapping[str, str]) -> Fetched | None:
    """The charter in a repository; None where the one fetched last is still there unchanged.

    Args:
        etags: address to what the server called the copy fetched last.
    Raises:
        NotFound: there is none at any of the places.
        Invalid: it is no repository, or an address this instance does not call.
        Unavailable: the host could not be reached or answered with an error.
    """
    places = places_of(repository)
    for url in places:
        tag = etags.get(url, "")
        answer = fetch(url, {"if-none-match": tag} if tag else {})
        if urlsplit(answer.url).hostname != urlsplit(url).hostname:
            continue  # led elsewhere: somebody else's word
        if answer.status == _UNCHANGED and tag:
            return None
        if answer.status == _FOUND:
            found = answer.headers.get("etag", "")
            return Fetched(repository, url, answer.body, found if len(found) <= _ETAG_CHARACTERS_MAX and found.isprintable() else "")
        if answer.status not in _NOT_THERE:
            raise Unavailable(f"looking for a charter, {urlsplit(url).hostname} answered {answer.status}; try again later")
    raise NotFound(f"no charter at any of {len(places)} places of this repository; the first is {places[0]}")


def look_at(instance: Instance, address: str, fetch: Fetch | None = None) -> tuple[Fetched, Read]:
    """What a repository, or an address of a charter itself, holds, read and not adopted.

    Raises:
        NotFound, Invalid, Unavailable: as for `fetch_charter`.
    """
    fetch = fetch or fetch_of(instance)
    if address.rpartition("/")[2] in FILE_NAMES:
        answer = fetch(address, {})
        if answer.status != _FOUND:
            raise NotFound(f"{urlsplit(address).hostname} answered {answer.status}; there is no charter at this address")
        fetched = Fetched("", address, answer.body)
    else:
        found = fetch_charter(fetch, address, {})
        assert found is not None, "without a tag nothing is unchanged"
        fetched = found
    return fetched, read_document(fetched.body, instance.policy.charters, instance.clock.now())


def prove_by_fetch(instance: Instance, claim_id: str, repository: str, fetch: Fetch | None = None) -> tuple[Adopted, Read]:
    """The charter of a claimed repository fetched and put in force.

    Raises:
        NotFound, Invalid, Unavailable: as for `fetch_charter`.
        NotPermitted, Conflict: as for `adopt_fetched`.
    """
    fetched = fetch_charter(fetch or fetch_of(instance), repository, {})
    assert fetched is not None, "without a tag nothing is unchanged"
    with instance.database.write() as tx:
        return adopt_fetched(
            tx, claim_id, fetched, actor=instance.actor.id, envelope=instance.envelope, limits=instance.policy.charters,
            now=instance.clock.now(),
        )


def renew_charters(instance: Instance, fetch: Fetch | None = None) -> list[Renewed]:
    """A look at every repository whose charter was fetched before; what changed is put in force by this instance's own program."""
    fetch = fetch or fetch_of(instance)
    with instance.database.read() as tx:
        claims = store.system_fetched_claims(tx)
        etags = {url: store.find_etag(tx, url) for claim in claims for url in places_of(claim.key.value)}
    found = []
    for claim in claims:
        try:
            fetched = fetch_charter(fetch, claim.key.value, etags)
            if fetched is None:
                found.append(Renewed(claim, None))
                continue
            with instance.database.write() as tx:
                adopted, _ = adopt_fetched(
                    tx, claim.id, fetched, actor=instance.system, envelope=instance.envelope, limits=instance.policy.charters,
                    now=instance.clock.now(),
                )
            found.append(Renewed(claim, adopted))
        except Conflict:
            found.append(Renewed(claim, None))
        except (Invalid, NotFound, Unavailable) as error:
            # The version in force stays in force: a project that breaks its file has not taken its word back.
            found.append(Renewed(claim, None, str(error)))
    return found
