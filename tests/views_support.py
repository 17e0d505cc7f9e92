"""Reports straight into an instance, sent by whom a test says, without files and parsers."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from sqlalchemy import event

from clearinghouse.app.wiring import Instance
from clearinghouse.core.ids import ReportId, new_id
from clearinghouse.core.roles import Role
from clearinghouse.disclosure.intake import actions, rules
from clearinghouse.disclosure.intake.parser import ReadItem
from clearinghouse.disclosure.intake.records import CodeLocation, Cover, Finding, Identifier, IdentifierRole, Producer
from clearinghouse.parties import actions as parties
from clearinghouse.parties.records import Party, PartyKind


def flaw(title: str, description: str = "", *, symbol: str = "", cve: str = "", package: str = "") -> Finding:
    """A finding with a place in the code."""
    return Finding(
        title=title, description=description or title, locations=(CodeLocation(symbol=symbol, path="src/read.c"),) if symbol else (),
        identifiers=(Identifier(cve, IdentifierRole.OWN),) if cve else (), products=(package,) if package else (),
        producer=Producer(tool="Sharpeye"),
    )


def new_party(instance: Instance, name: str, *roles: Role) -> Party:
    """A person of an organisation of its own."""
    with instance.database.write() as tx:
        organisation = parties.add_party(tx, PartyKind.ORGANISATION, name, frozenset(), actor=instance.actor.id, now=instance.clock.now())
        return parties.add_party(
            tx, PartyKind.PERSON, name + "'s person", frozenset(roles), organisation=organisation.id, actor=instance.actor.id,
            now=instance.clock.now(),
        )


def send_as(instance: Instance, reporter: Party, findings: Sequence[Finding], *, coordinator: Party | None = None) -> list[ReportId]:
    """Send findings as a party; with a coordinator at hand, who may read them too. Gives the reports' ids in order."""
    with instance.database.write() as tx:
        now = instance.clock.now()
        submission = actions.begin_submission(
            tx, name="x", digest="sha256:" + "0" * 64, size_bytes=1, cover=Cover(), idempotency_key=new_id("key"), reporter=reporter.id,
            actor=(coordinator or reporter).id, envelope=instance.envelope, now=now,
        )
        read = [ReadItem(str(place), finding, (), rules.digest_finding(finding)) for place, finding in enumerate(findings)]
        _, outcomes = actions.take_in(
            tx, submission, read, source="ndjson", version="1", actor=(coordinator or reporter).id, envelope=instance.envelope, now=now
        )
    return [item.report_id for item in outcomes if item.report_id is not None]


@contextmanager
def counted(instance: Instance) -> Iterator[list[str]]:
    """The statements a block sends to the database."""
    # Whether there is a wall is asked once in the life of a process.
    instance.database.has_wall()
    seen: list[str] = []

    def note(connection: object, cursor: object, statement: str, *rest: object) -> None:
        seen.append(statement)

    event.listen(instance.database.engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(instance.database.engine, "before_cursor_execute", note)
