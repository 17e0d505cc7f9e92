"""Opening a transcript, on the record before its bytes, and saying what one found in it."""

import json
from datetime import datetime
from typing import Any

from clearinghouse.core.errors import Invalid, NotFound, Unavailable
from clearinghouse.core.events import Event
from clearinghouse.core.ids import PartyId, has_shape, new_id
from clearinghouse.core.untrusted import clean_text
from clearinghouse.evaluation.benchmarks.running import store as runs
from clearinghouse.evaluation.benchmarks.transcripts import store
from clearinghouse.evaluation.benchmarks.transcripts.records import Finding, Reviewed, digest_of
from clearinghouse.ledger import actions as ledger
from clearinghouse.storage import Database, Envelope, Transaction

_REASON_CHARACTERS_MAX = 2_000


def open_transcript(database: Database, sample_id: str, envelope: Envelope, *, actor: PartyId, now: datetime) -> dict[str, Any]:
    """A transcript, after the record says who opened it: the event is committed before a byte is given.

    Raises:
        NotFound: there is none that the actor may read.
        Unavailable: it does not have the digest on the record, or its key is destroyed.
    """
    with database.write() as tx:
        found = _find(tx, sample_id, envelope, actor, now)
        ledger.record(tx, Event("TranscriptOpened", (sample_id, found[0]), {"transcript": found[1]}), actor=actor, now=now)
    if digest_of(found[2]) != found[1]:
        raise Unavailable("this transcript does not have the digest that is on the record; somebody altered one of them")
    document: dict[str, Any] = json.loads(found[2])
    return document


def record_finding(
    tx: Transaction, sample_id: str, finding: Finding, untrusted_reason: str, envelope: Envelope, *, actor: PartyId, now: datetime
) -> Reviewed:
    """What a person found in a transcript. Anybody who reads it may say so, again or against another; the latest stands, all stay.

    Raises:
        NotFound: there is none that the actor may read.
        Invalid: no reason is given.
    """
    run_id, _, _ = _find(tx, sample_id, envelope, actor, now)
    reason = clean_text(untrusted_reason, _REASON_CHARACTERS_MAX).strip()
    if not reason:
        raise Invalid("say what in the transcript the finding rests on")
    new = Reviewed(new_id("fnd"), sample_id, run_id, actor, finding, now, reason)
    store.add_finding(tx, new, runs.system_key(tx, run_id, envelope))
    ledger.record(tx, Event("TranscriptReviewed", (new.id, sample_id, run_id), {"finding": finding}), actor=actor, now=now)
    return new


def _find(tx: Transaction, sample_id: str, envelope: Envelope, actor: PartyId, now: datetime) -> tuple[Any, str, bytes]:
    found = store.find_transcript(tx, sample_id, envelope, viewer=actor, now=now) if has_shape(sample_id) else None
    if found is None:
        raise NotFound("no such transcript")
    return found
