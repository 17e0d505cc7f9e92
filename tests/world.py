"""A seeded world for whoever checks that nothing leaks: people of every kind, cases among them, every text marked.

Each text carries a mark of its own, and each mark and each id says who may see it. What a person is shown that is not
its to see is a leak, wherever in an answer it stands and however it is written.
"""

import hashlib
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from api_support import headers_of
from clearinghouse.app.settings import Settings
from clearinghouse.app.wiring import Instance, create_instance
from clearinghouse.core.clock import FixedClock
from clearinghouse.core.roles import Role
from clearinghouse.disclosure.deconfliction import store as deconfliction
from clearinghouse.disclosure.intake import store as intake
from clearinghouse.disclosure.intake.records import CodeLocation, Consents, Finding
from clearinghouse.parties import actions as parties
from clearinghouse.parties.identity.sessions.actions import start_session
from clearinghouse.parties.identity.sessions.records import SignInMethod
from clearinghouse.parties.records import Party, PartyKind
from clearinghouse.server.application import create_application
from clearinghouse.web.rendering import CSRF_FIELD
from clearinghouse.web.visitor import BROWSER, SESSION
from direct_calls import Answer, Application
from looking import unfolded
from views_support import send_as

API = "/api/v1"
EVERYBODY = "*"
# Who by standing sees the names of parties: whoever invites and whoever manages them.
DIRECTORY = ("operator", "desk", "former_desk", "outside", "outside_c", "admin")
_MARK = re.compile(rb"zq[bcdfghjklmnpqrtv]{12}")
# Hexadecimal digits as consonants: what a search takes for one word, with no ending to cut off.
_LETTERS = str.maketrans("0123456789abcdef", "bcdfghjklmnpqrtv")
_ID = re.compile(rb"\b[a-z]{2,4}_[a-z2-7]{26}")


def mark_of(what: str) -> str:
    """The mark of a thing, the same in every run."""
    return "zq" + hashlib.sha256(what.encode()).hexdigest()[:12].translate(_LETTERS)


@dataclass(frozen=True)
class Person:
    """Somebody who asks, and what it asks with."""

    name: str
    party: Party
    headers: dict[str, str]
    """A token for programs, and once signed in the cookies of a browser."""
    form: dict[str, str] = field(default_factory=dict)
    """What every form of that browser carries."""


@dataclass(frozen=True)
class Thing:
    """An object with an id."""

    kind: str
    """The name of the path parameter that takes it."""
    id: str
    readers: frozenset[str]
    parent: str = ""
    """The case it is in."""


@dataclass
class World:
    """One instance, who is there, and what each may see."""

    instance: Instance
    application: Application
    clock: FixedClock
    people: dict[str, Person] = field(default_factory=dict)
    organisations: dict[str, Party] = field(default_factory=dict)
    things: list[Thing] = field(default_factory=list)
    marks: dict[bytes, tuple[str, frozenset[str]]] = field(default_factory=dict)
    knows: dict[bytes, tuple[str, frozenset[str]]] = field(default_factory=dict)
    """The ids: what each is, and who may come across it."""
    tokens: dict[str, dict[str, str]] = field(default_factory=dict)
    """Headers that are worth nothing, by what is wrong with them."""

    def mark(self, what: str, *readers: str) -> str:
        """A text that only these may see."""
        core = mark_of(what)
        self.marks[core.encode()] = (what, frozenset(readers))
        return f"mk-{core}"

    def thing(self, kind: str, identifier: str, readers: Sequence[str], *, parent: str = "", known: Sequence[str] = ()) -> str:
        """Note an object: who may read it, and who else may know that there is such an id."""
        self.things.append(Thing(kind, identifier, frozenset(readers), parent))
        name, before = self.knows.get(identifier.encode(), (f"{kind} {parent}", frozenset[str]()))
        self.knows[identifier.encode()] = (name, before | frozenset(readers) | frozenset(known))
        return identifier

    def leaks(self, data: bytes, viewer: str, said: bytes = b"") -> set[str]:
        """What of others stands in an answer; `said` is what the viewer itself sent."""
        found = set()
        for text in unfolded(data):
            for pattern, known in ((_MARK, self.marks), (_ID, self.knows)):
                for core in set(pattern.findall(text)):
                    what, readers = known.get(core, ("", frozenset({EVERYBODY})))
                    if viewer not in readers and EVERYBODY not in readers and core not in said:
                        found.add(what)
        return found

    def call(self, who: str, method: str, target: str, json: Any = None, *, body: bytes = b"", headers: dict[str, str] | None = None) -> Answer:
        """One request of somebody; nobody, or a token that is worth nothing, goes by its name as well."""
        sent = {**self.headers(who), **(headers or {})}
        if json is not None:
            body = msgspec.json.encode(json)
            sent["Content-Type"] = "application/json"
        return self.application.call(method, target, sent, body)

    def sign_in(self, *names: str) -> None:
        """Give people a browser with a session, and the token of its forms."""
        for name in names:
            person = self.people[name]
            with self.instance.database.write() as tx:
                session = start_session(
                    tx, person.party, SignInMethod.PASSKEY, user_agent="test", policy=self.instance.policy.identity, now=self.clock.now()
                )
            browser = hashlib.sha256(name.encode()).hexdigest()[:43]
            headers = headers_of(self.instance, person.party) | {"Cookie": f"{SESSION}={session.text}; {BROWSER}={browser}"}
            page = self.application.call("GET", "/account", headers)
            token = re.search(rf'name="{CSRF_FIELD}" value="([0-9a-f]+)"', page.text)
            assert token is not None, page.text[:500]
            self.people[name] = replace(person, headers=headers, form={CSRF_FIELD: token[1]})

    def headers(self, who: str) -> dict[str, str]:
        """What somebody asks with."""
        return self.people[who].headers if who in self.people else self.tokens[who]

    def do(self, who: str, method: str, target: str, json: Any = None, *, body: bytes = b"") -> Any:
        """A request that must succeed; gives its body."""
        answer = self.call(who, method, API + target, json, body=body)
        assert 200 <= answer.status < 300, f"{who} {method} {target}: {answer.status} {answer.text}"
        return msgspec.json.decode(answer.body) if answer.body else None

    def add_organisation(self, name: str, *readers: str) -> Party:
        """An organisation whose name is marked."""
        with self.instance.database.write() as tx:
            marked = f"{name} {self.mark(f'name of organisation {name}', *readers)}"
            made = parties.add_party(
                tx, PartyKind.ORGANISATION, marked, frozenset(), actor=self.instance.actor.id, now=self.clock.now()
            )
        self.organisations[name] = made
        self.thing("party_id", made.id, readers)
        return made

    def add_person(self, name: str, organisation: Party, *roles: Role, readers: Sequence[str] = ()) -> Person:
        """Somebody of an organisation, with a token of every scope its roles allow."""
        told = (name, *readers, *DIRECTORY)
        with self.instance.database.write() as tx:
            party = parties.add_party(
                tx, PartyKind.PERSON, f"{name} {self.mark(f'name of {name}', *told)}", frozenset(roles), organisation=organisation.id,
                actor=self.instance.actor.id, now=self.clock.now(),
            )
        self.thing("party_id", party.id, told)
        self.people[name] = Person(name, party, headers_of(self.instance, party))
        return self.people[name]

    def id(self, name: str) -> str:
        """The party of a name; `NAME's` is its organisation."""
        return self.organisations[name[:-2]].id if name.endswith("'s") else self.people[name].party.id

    def finding(self, case: str, readers: Sequence[str], deep: Sequence[str], *, name: str = "report", **options: Any) -> Finding:
        """What somebody found; the way to reproduce it is for the deeper read in."""
        return Finding(
            title=f"Overflow in {case}_{name} {self.mark(f'{case} {name} title', *readers)}",
            description=f"A strip overflows {self.mark(f'{case} {name} description', *readers)}",
            reproduction=f"run it {self.mark(f'{case} {name} reproduction', *deep)}",
            locations=(CodeLocation(symbol=f"{case}_{name}_read", path=f"src/{case}/{name}.c"),), **options,
        )

    def send(self, sender: str, finding: Finding, *, readers: Sequence[str], known: Sequence[str] = ()) -> str:
        """Send a report over HTTP; the desk reads along. Gives the report's id."""
        from clearinghouse.disclosure.intake.sources.ndjson import render_line

        sent = self.do(sender, "POST", "/submissions?wait=10", body=render_line(finding) + b"\n")
        report = str(sent["items"][0]["report_id"])
        self.note_report(report, str(sent["submission_id"]), readers, known)
        return report

    def send_beside(self, sender: str, coordinator: str, finding: Finding, *, readers: Sequence[str], known: Sequence[str] = ()) -> str:
        """Send a report with a coordinator at hand: no desk reads it."""
        report = send_as(self.instance, self.people[sender].party, [finding], coordinator=self.people[coordinator].party)[0]
        self.note_report(report, "", readers, known)
        self.wait_for_placement()
        return report

    def wait_for_placement(self) -> None:
        """Until the matcher has placed every report."""
        for _ in range(400):
            with self.instance.database.read() as tx:
                numbers = intake.system_numbers(tx, [thing.id for thing in self.things if thing.kind == "report_id"])
                if len(deconfliction.read_placements(tx, list(numbers))) == len(set(numbers)):
                    return
            time.sleep(0.05)
        raise TimeoutError("the matcher did not place the reports of the world")

    def note_report(self, report: str, submission: str, readers: Sequence[str], known: Sequence[str]) -> None:
        """Note a report, what it came with, and the cluster it began."""
        self.thing("report_id", report, readers, known=known)
        self.thing("cluster_id", "case_" + report.partition("_")[2], [name for name in readers if name in DIRECTORY])
        if submission:
            self.thing("submission_id", submission, readers)


@contextmanager
def opened_world(database_url: str, home: Path) -> Iterator[World]:
    """An empty world: an instance, its application started, and the founding person."""
    clock = FixedClock(datetime(2026, 11, 21, 8, 0, tzinfo=UTC))
    settings = Settings(home, database_url, "test.example/log", home / "witness" / "checkpoint", "")
    instance = create_instance(settings, organisation="Example CERT", person="Operator", clock=clock)
    try:
        with Application(create_application(instance), instance) as application:
            world = World(instance, application, clock)
            world.people["operator"] = Person("operator", instance.actor, headers_of(instance, instance.actor))
            yield world
    finally:
        instance.close()


UNNAMED = Consents(share_name=False)
