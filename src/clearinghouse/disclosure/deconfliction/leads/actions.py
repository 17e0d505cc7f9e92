"""Leads looked at anew, and one event for each that changed. The lead changes neither credit nor who was first."""

from collections.abc import Sequence
from datetime import datetime

from clearinghouse.core.events import Detail, Event
from clearinghouse.core.ids import PartyId
from clearinghouse.disclosure.deconfliction.leads import rules, store
from clearinghouse.disclosure.intake import store as intake
from clearinghouse.ledger import actions as ledger
from clearinghouse.storage import Database, Envelope, Transaction

_PORTION = 200  # clusters in one transaction


def note_leads(tx: Transaction, clusters: Sequence[int], *, actor: PartyId, envelope: Envelope, now: datetime) -> int:
    """Weigh what members of these clusters hold, and note which leads each, an event where it is another one; gives how many."""
    if not clusters:
        return 0
    waiting = store.system_unweighed(tx, clusters)
    if waiting:
        found = intake.system_findings_of(tx, waiting, envelope)
        store.put_strengths(tx, {number: rules.strength_of(finding) for number, finding in found.items()})
    leads, noted = store.system_leads(tx, clusters), store.system_noted(tx, clusters)
    store.forget_noted(tx, [cluster for cluster in noted if cluster not in leads])
    changed = {cluster: lead for cluster, lead in leads.items() if noted.get(cluster, cluster) != lead.number}
    ids = intake.system_report_ids(tx, sorted({lead.number for lead in changed.values()}))
    for cluster, lead in sorted(changed.items()):
        store.note_lead(tx, cluster, lead.number, now)
        details: dict[str, Detail] = {"because": str(lead.because)}
        # The one that led before is not named: who reads one of the two need not read the other.
        ledger.record(tx, Event("LeadChanged", (ids[lead.number],), details), actor=actor, now=now)
    return len(changed)


def note_all(database: Database, clusters: Sequence[int] | None = None, *, actor: PartyId, envelope: Envelope, now: datetime) -> int:
    """The same for many clusters, or for all of several reports, in portions."""
    if clusters is not None and not clusters:
        return 0
    done = 0
    with database.read() as tx:
        # A report by itself leads itself: nothing is weighed for it, and nothing written.
        several = store.system_several(tx, clusters)
    for start in range(0, len(several), _PORTION):
        with database.write() as tx:
            done += note_leads(tx, several[start : start + _PORTION], actor=actor, envelope=envelope, now=now)
    return done
