"""Furnishes the demonstration's first case: a vendor with a charter of its own, a flaw, a word on it, a message, a date."""

from dataclasses import dataclass
from datetime import timedelta

from clearinghouse.app.views.cases import Case
from clearinghouse.app.wiring import Instance, policy_of
from clearinghouse.core.ids import CaseId
from clearinghouse.core.roles import Role
from clearinghouse.disclosure.coordination.embargo import actions as embargo
from clearinghouse.disclosure.coordination.rooms import actions as rooms
from clearinghouse.disclosure.coordination.rooms.records import CaseRole, VendorStatus
from clearinghouse.parties import actions as parties
from clearinghouse.parties.records import PartyKind

_VENDOR = "Picture Library maintainers"
_WORDS = (
    "We can reproduce this on 2.x with the file from the first report. The row size is computed in 32 bits.\n\n"
    "A fix is in review; **please keep the reproducer back** until it is released."
)


@dataclass(frozen=True)
class Furnished:
    """What was made."""

    case_id: CaseId
    vendor: str


def furnish(instance: Instance, case: Case) -> Furnished:
    """A room of the reports that the operator may read, as it would look on its second day."""
    me, envelope, limits, now = instance.actor.id, instance.envelope, instance.policy.rooms, instance.clock.now()
    with instance.database.write() as tx:
        opened = rooms.open_case(
            tx, [line.id for line in case.reports if not line.public], case.line.title,
            summary="Several finders hit the same place within days; their reports stand side by side below.",
            policy_version=instance.policy.version, actor=me, envelope=envelope, limits=limits, now=now,
        )
        vendor = parties.add_party(tx, PartyKind.ORGANISATION, _VENDOR, frozenset({Role.VENDOR}), actor=me, now=now)
        flaw = rooms.add_vulnerability(
            tx, opened, case.line.title, report_ids=[case.reports[0].id], actor=me, envelope=envelope, limits=limits, now=now
        )
        rooms.invite(
            tx, opened, vendor.id, CaseRole.VENDOR, "it is their code", actor=me, envelope=envelope, limits=limits, now=now
        )
        rooms.accept_invitation(tx, opened, actor=vendor.id, now=now)
        rooms.state_status(
            tx, opened, flaw, VendorStatus.KNOWN_AFFECTED, "all releases since 2.0", actor=vendor.id, envelope=envelope, now=now
        )
        rooms.post_message(tx, opened, None, _WORDS, actor=vendor.id, envelope=envelope, limits=limits, now=now)
        embargo.propose_embargo(
            tx, opened, now + timedelta(days=21), note="enough to test the fix on all platforms", actor=vendor.id, envelope=envelope,
            policy_of=policy_of, now=now,
        )
    return Furnished(opened, vendor.id)
