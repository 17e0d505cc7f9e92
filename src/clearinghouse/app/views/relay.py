"""A relayed report: to whoever handed it over what became of it, to those who handle it also what speaks for and against."""

from dataclasses import dataclass
from datetime import datetime

from clearinghouse.app.views.answers import read_answers
from clearinghouse.app.views.telling import Telling, read_tellings
from clearinghouse.app.wiring import Instance
from clearinghouse.core.ids import ReportId
from clearinghouse.disclosure.intake import store as intake
from clearinghouse.disclosure.intake.provenance import actions
from clearinghouse.disclosure.intake.provenance.records import Class, HardeningRef, Relay, RelayId, Status, Step


@dataclass(frozen=True, slots=True)
class ForTheDesk:
    """What those who handle it see beside what its sender sees."""

    answer: str
    """What our own deconfliction says; what hops before us say stands in the block and never decides."""
    mirror_of: str
    """Relay or report that came first; empty where this is no mirror."""
    basis: str
    disputed: bool
    """Another sender's block tells the same past differently."""
    block: bytes
    """As it came."""


@dataclass(frozen=True, slots=True)
class RelayView:
    """A relayed report as the viewer may know it."""

    id: RelayId
    safe_id: str
    report_id: ReportId
    received_at: datetime
    as_class: Class
    state: str
    assessed_at: datetime | None
    verdict: Step | None
    ended: Step | None
    hardening: HardeningRef | None
    known_since: datetime | None
    """When the same flaw was first reported, once a person has said that it is the same."""
    desk: ForTheDesk | None


def read_relay(instance: Instance, relay_id: str) -> RelayView:
    """A relayed report.

    Raises:
        NotFound: there is none that the viewer may see.
    """
    viewer, now = instance.actor.id, instance.clock.now()
    with instance.read() as tx:
        relay, status, handles = actions.read_relay(tx, relay_id, envelope=instance.envelope, viewer=viewer, now=now)
        number = intake.system_number(tx, relay.report_id)
        assert number is not None, "a relay has a report"
        told = read_tellings(tx, instance, [number])[number]
    desk = None
    if handles:
        answers = read_answers(instance, [relay.report_id])
        desk = ForTheDesk(
            answers[0].answer if answers else "", relay.mirror_of, "" if relay.basis is None else str(relay.basis), relay.disputed, relay.block
        )
    return view_of(relay, status, told, desk)


def view_of(relay: Relay, status: Status, told: Telling, desk: ForTheDesk | None) -> RelayView:
    """A relay with as much of its class as may be told.

    That a report is a mirror says what somebody else sent: a mere sender learns it once a person has looked (decision 2).
    """
    tellable = desk is not None or told.everything or told.looked or status.state != "received"
    hidden = relay.as_class is Class.MIRROR and not tellable
    return RelayView(
        relay.id, relay.safe_id, relay.report_id, relay.received_at, Class.NEW if hidden else relay.as_class, status.state,
        status.assessed_at, status.verdict, status.ended, status.hardening, told.known_since, desk,
    )
