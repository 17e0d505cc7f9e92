"""Asking to take part in the case of a flaw one has reported, without being told whether there is a case (decision 1)."""

from datetime import datetime

from clearinghouse.app.views.telling import read_tellings
from clearinghouse.app.wiring import Instance
from clearinghouse.core.errors import Conflict
from clearinghouse.disclosure.coordination.asks import actions
from clearinghouse.disclosure.coordination.rooms.store import cases
from clearinghouse.disclosure.deconfliction import store as deconfliction
from clearinghouse.disclosure.deconfliction.execution import store as execution
from clearinghouse.disclosure.deconfliction.records import DecisionKind
from clearinghouse.disclosure.intake import actions as intake
from clearinghouse.disclosure.intake import store as intake_store
from clearinghouse.parties import store as parties


def ask_to_join(instance: Instance, report_id: str, untrusted_words: str) -> datetime:
    """Bring the wish of the actor to the coordinators of whatever case handles the flaw of this report; gives when.

    The same answer and as many statements where there is no such case.
    Raises:
        NotFound: the report is not there for the actor.
        Invalid: nothing is said.
        Conflict: the actor is not told yet that a person has looked, or it asked lately, or twice.
    """
    with instance.database.write() as tx:
        viewer, envelope, now = instance.actor.id, instance.envelope, instance.clock.now()
        report = intake.read_report(tx, report_id, envelope=envelope, viewer=viewer, now=now)
        told = read_tellings(tx, instance, [report.number])[report.number]
        if not (told.everything or told.looked):
            raise Conflict("nobody has looked at this report yet; ask once you are told that a person has")
        placement = deconfliction.read_placements(tx, [report.number]).get(report.number)
        beside = set(deconfliction.cluster_members(tx, [placement.cluster if placement else 0]).get(placement.cluster if placement else 0, ()))
        beside.update(
            number for word in deconfliction.standing_words(tx) if word.kind == DecisionKind.MERGE
            for group in word.groups if report.number in group for number in group
        )
        if placement is not None and told.everything:
            # Who coordinates is shown what it was compared with, held findings among them, and may ask about those.
            beside.update(number for number, _, _ in deconfliction.unpack_candidates(placement.candidates))
            beside.update(number for edge in execution.system_of(tx, [report.number]) for number in edge.pair)
        ids = intake_store.system_report_ids(tx, sorted(beside) or [0])
        found = cases.system_cases_of_reports(tx, sorted(ids.values()))
        # Whoever takes part in a case already needs no way into it.
        known = parties.readable_among(tx, found, viewer, now)
        foreign = [case_id for case_id in found if case_id not in known]
        return actions.ask_to_join(
            tx, report, foreign, untrusted_words, actor=viewer, envelope=envelope, policy=instance.policy.joining, now=now
        )


__all__ = ["ask_to_join"]
