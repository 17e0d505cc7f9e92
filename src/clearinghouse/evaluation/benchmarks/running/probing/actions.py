"""Noting a look at a model."""

from datetime import datetime

from clearinghouse.core.events import Detail, Event
from clearinghouse.core.ids import PartyId, ReviewCaseId, new_id
from clearinghouse.evaluation.benchmarks.running.probing import store
from clearinghouse.evaluation.benchmarks.running.probing.records import Compared, ProbeResult
from clearinghouse.evaluation.benchmarks.running.probing.rules import compare
from clearinghouse.ledger import actions as ledger
from clearinghouse.storage import Transaction


def note_probe(tx: Transaction, review_id: ReviewCaseId, result: ProbeResult, *, actor: PartyId, now: datetime) -> Compared | None:
    """Keep a look at the model of a review; gives what it says against the first, None where it is the first.

    Raises:
        Invalid: it asked other questions than the first.
    """
    first = store.system_first(tx, review_id)
    compared = None if first is None else compare(first, result)
    sameness = "" if compared is None else compared.sameness
    probe_id = new_id("prb")
    store.add_probe(tx, probe_id, review_id, result, sameness, by=actor, at=now)
    details: dict[str, Detail] = {"probe": result.digest, "sameness": sameness or "first"}
    if compared is not None:
        details |= {"agreeing": compared.agreeing, "asked": compared.asked, "build_changed": compared.build_changed}
    ledger.record(tx, Event("ModelProbed", (probe_id, review_id), details), actor=actor, now=now)
    return compared
