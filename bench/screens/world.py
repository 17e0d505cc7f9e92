"""A case room of a given size, made through the same actions as a real one."""

from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from bench.growth.synthesis import read_donors, synthesise
from clearinghouse.app import process
from clearinghouse.app.wiring import Instance
from clearinghouse.core.ids import CaseId
from clearinghouse.core.roles import Role
from clearinghouse.disclosure.coordination.rooms import actions
from clearinghouse.disclosure.coordination.rooms.records import CaseRole, VendorStatus
from clearinghouse.disclosure.intake import store as intake
from clearinghouse.disclosure.intake.records import Cover
from clearinghouse.parties import actions as parties
from clearinghouse.parties.records import PartyKind


@dataclass(frozen=True)
class Size:
    """How much there is in the room."""

    participants: int
    reports: int
    messages: int


def take_in(instance: Instance, folder: Path, count: int, seed: int) -> None:
    """Store made-up reports; nothing is compared."""
    corpus = Path(__file__).resolve().parents[3] / "shared" / "data" / "deconfliction" / "dev.jsonl.gz"
    donors = read_donors(corpus if corpus.exists() else None)
    path = folder / f"{seed}.ndjson"
    with path.open("wb") as file:
        for line in synthesise(donors, count, seed):
            file.write(line + b"\n")
    for taken in process.take_in(instance, [(path.name, path)], cover=Cover()):
        assert taken.submission_id, "the file was not read"
    path.unlink()


def open_room(instance: Instance, folder: Path, size: Size) -> CaseId:
    """A case with so many participants (a tenth of them vendors that answered), reports and messages."""
    me, envelope, limits, clock = instance.actor.id, instance.envelope, instance.policy.rooms, instance.clock
    take_in(instance, folder, size.reports, size.reports + size.messages)
    with instance.database.read() as tx:
        reports = intake.list_reports(tx, envelope, viewer=me, now=clock.now(), newest=size.reports)
    with instance.database.write() as tx:
        case = actions.open_case(
            tx, [report.id for report in reports], "A very large case", policy_version=1, actor=me, envelope=envelope, limits=limits,
            now=clock.now(),
        )
        flaw = actions.add_vulnerability(tx, case, "The flaw", actor=me, envelope=envelope, limits=limits, now=clock.now())
    members = []
    for number in range(size.participants - 1):
        with instance.database.write() as tx:
            party = parties.add_party(
                tx, PartyKind.ORGANISATION, f"Vendor {number}", frozenset({Role.VENDOR}), actor=me, now=clock.now()
            )
            actions.invite(tx, case, party.id, CaseRole.VENDOR, "its product", actor=me, envelope=envelope, limits=limits, now=clock.now())
            actions.accept_invitation(tx, case, actor=party.id, now=clock.now())
            if number % 10 == 0:
                actions.state_status(
                    tx, case, flaw, VendorStatus.KNOWN_AFFECTED, "we look", actor=party.id, envelope=envelope, now=clock.now()
                )
        members.append(party.id)
    for start in range(0, size.messages, 100):
        with instance.database.write() as tx:
            for number in islice(range(start, size.messages), 100):
                author = members[number % len(members)]
                actions.post_message(
                    tx, case, None, f"Message {number}. " + "We looked at this again. " * 20, actor=author, envelope=envelope, limits=limits,
                    now=clock.now(),
                )
    return case
