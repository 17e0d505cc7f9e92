"""Long work of deconfliction: sign new reports, index them, settle everything, place single newcomers.

All of it is derived and can be interrupted at any point: what is signed stays signed, what is
indexed stays indexed, and settling starts again from what is there.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from clearinghouse.core.clock import Clock
from clearinghouse.core.events import Detail, Event
from clearinghouse.core.ids import PartyId, new_id
from clearinghouse.core.policy import DeconflictionThresholds
from clearinghouse.disclosure.deconfliction import placements, store
from clearinghouse.disclosure.deconfliction.graph import Graph
from clearinghouse.disclosure.deconfliction.locus import index_locus, read_locus, sign_locus
from clearinghouse.disclosure.deconfliction.placing import Stored, place
from clearinghouse.disclosure.deconfliction.records import Answer, Verdict
from clearinghouse.disclosure.deconfliction.retrieval import index_terms
from clearinghouse.disclosure.deconfliction.scoring import Scorer
from clearinghouse.disclosure.deconfliction.settling import RELATIONS, Settlement, settle
from clearinghouse.disclosure.deconfliction.signature import Signature, Signer
from clearinghouse.disclosure.intake import store as intake
from clearinghouse.ledger import actions as ledger
from clearinghouse.storage import Database, Envelope, Transaction

Progress = Callable[[str, int, int], None]
"""Told the stage, how much is done and of how much."""

# How work is cut; none of it changes an outcome.
_SIGN_PORTION = 2_000
_SEGMENT_RECORDS = 100_000
_SMALL_SEGMENT = 10_000
_SMALL_SEGMENTS_MAX = 8
_WRITE_PORTION = 20_000


class StoredIndex:
    """The index in the database, as `placing.place` asks it."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    @cached_property
    def _count(self) -> int:
        return store.count_indexed(self._tx)

    def count(self) -> int:
        """How many records are indexed."""
        return self._count

    def document_frequencies(self, terms: NDArray[np.uint64]) -> NDArray[np.int64]:
        """How many records have each term."""
        return store.document_frequencies(self._tx, terms)

    def postings(self, terms: NDArray[np.uint64]) -> Sequence[NDArray[np.uint32]]:
        """Numbers of the records that have each term."""
        return store.read_postings(self._tx, terms)

    def stored(self, documents: NDArray[np.uint32]) -> Sequence[Stored]:
        """Signatures and standings, in the order asked."""
        found = store.read_signatures(self._tx, documents.tolist())
        return [Stored(*found[number]) for number in documents.tolist()]


@dataclass(frozen=True)
class Matching:
    """Everything deconfliction needs to work on an instance."""

    database: Database
    envelope: Envelope
    clock: Clock
    actor: PartyId
    """The matcher's own party."""
    thresholds: DeconflictionThresholds
    progress: Progress = field(default=lambda stage, done, total: None)

    @cached_property
    def signer(self) -> Signer:
        """Signs under the instance's index key; remembers terms it has hashed."""
        return Signer(self.envelope.index_key())

    @cached_property
    def scorer(self) -> Scorer:
        """The shipped model."""
        return Scorer.load(self.envelope.index_key())

    def sign_new(self) -> int:
        """Sign the reports that have no signature yet; gives how many."""
        signed = 0
        with self.database.read() as tx:
            after, waiting = store.signed_up_to(tx), intake.count_after(tx, store.signed_up_to(tx))
        while True:
            with self.database.read() as tx:
                portion = intake.system_findings(tx, after, _SIGN_PORTION, self.envelope)
            if not portion:
                return signed
            rows = [
                (number, self.signer.sign(finding).to_bytes(), sign_locus(finding, self.signer)) for number, _, finding in portion
            ]
            with self.database.write() as tx:
                # Another process may have signed them meanwhile.
                done = store.signed_up_to(tx)
                store.add_signatures(tx, [row for row in rows if row[0] > done])
            after = portion[-1][0]
            signed += len(portion)
            self.progress("signing", signed, waiting)

    def index_waiting(self) -> int:
        """Put signed records into the index; gives how many."""
        indexed = 0
        while True:
            with self.database.write() as tx:
                rows = {
                    number: _terms(Signature.from_bytes(stored), locus)
                    for number, stored, locus in islice(store.stream_signatures(tx, waiting=True), _SEGMENT_RECORDS)
                }
                if not rows:
                    break
                segment = store.add_segment(tx, len(rows), store.packed_lists(rows))
                store.mark_indexed(tx, segment, min(rows), max(rows))
                indexed += len(rows)
                small = [number for number, records in store.list_segments(tx) if records < _SMALL_SEGMENT]
                if len(small) > _SMALL_SEGMENTS_MAX:
                    store.merge_segments(tx, small)
            self.progress("indexing", indexed, indexed)
        return indexed

    def settle(self) -> Settlement:
        """Compare everything with everything worth comparing, cluster, and keep who stands where."""
        with self.database.read() as tx:
            receivals = {receival.number: receival for receival in intake.system_receivals(tx)}
            # A signature whose report is gone says nothing any more.
            stored = [row for row in store.stream_signatures(tx) if row[0] in receivals]
            decisions = store.list_decisions(tx, self.envelope, standing_only=True)
        signatures = [Signature.from_bytes(body) for _, body, _ in stored]
        loci = [read_locus(locus) for _, _, locus in stored]
        numbers = np.fromiter((number for number, _, _ in stored), np.uint32, len(stored))
        # Two reporters may send the very same claim: the id tells such records apart, and either order is the same.
        keys = [receivals[number].digest + receivals[number].report_id for number in numbers.tolist()]
        must, cannot = placements.bounds(decisions)
        settled = settle(signatures, numbers, self.scorer, self.thresholds, keys, must, cannot, self.progress, loci)
        with self.database.write() as tx:
            if [decision.id for decision in store.list_decisions(tx, self.envelope, standing_only=True)] != [d.id for d in decisions]:
                decisions = store.list_decisions(tx, self.envelope, standing_only=True)
                must, cannot = placements.bounds(decisions)
            self._keep(tx, numbers, settled, must, cannot)
        return settled

    def _keep(
        self, tx: Transaction, numbers: NDArray[np.uint32], settled: Settlement, must: set[tuple[int, int]],
        cannot: set[tuple[int, int]],
    ) -> None:
        clusters = settled.clusters.tolist()
        counts = settled.candidates_count.tolist()
        rows, standings = [], []
        for at, number in enumerate(numbers.tolist()):
            count = counts[at]
            candidates = store.pack_candidates(
                settled.candidates[at, :count], settled.probabilities[at, :count], settled.relations[at, :count]
            )
            word, probability = placements.word(number, clusters[at], store.unpack_candidates(candidates), must, cannot)
            rows.append(store.Placement(number, clusters[at], word, probability, True, candidates))
            standings.append((settled.standings[at].tobytes(), number))
            if len(rows) == _WRITE_PORTION:
                store.write_placements(tx, rows)
                store.write_standings(tx, standings)
                rows, standings = [], []
        store.write_placements(tx, rows)
        store.write_standings(tx, standings)
        now = self.clock.now()
        store.replace_settlement(tx, records=len(numbers), model=self.scorer.digest, graph=settled.graph.to_bytes(), at=now)
        partition = hashlib.sha256(settled.clusters.astype("<u4").tobytes()).hexdigest()
        details: dict[str, Detail] = {
            "records": len(numbers), "clusters": len(set(clusters)), "model": self.scorer.digest, "partition_sha256": partition,
        }
        ledger.record(tx, Event("ClustersSettled", (new_id("stl"),), details), actor=self.actor, now=now)

    def place_new(self) -> list[tuple[int, Answer]]:
        """Answer the signed records that are not indexed yet, one by one; provisional until the next settling."""
        answers: list[tuple[int, Answer]] = []
        with self.database.read() as tx:
            waiting = list(store.stream_signatures(tx, waiting=True))
        for number, stored, locus in waiting:
            answers.append((number, self.place(number, Signature.from_bytes(stored), read_locus(locus))))
            self.progress("placing", len(answers), len(waiting))
        return answers

    def place(self, number: int, signature: Signature, locus: NDArray[np.uint64]) -> Answer:
        """Answer one record and add it to the index."""
        with self.database.read() as tx:
            answer, standing = place(signature, StoredIndex(tx), self.scorer, self.thresholds, locus=locus)
        joined = [candidate.document for candidate in answer.candidates if candidate.relation is Verdict.DUPLICATE][:1]
        with self.database.write() as tx:
            known = store.read_placements(tx, joined)
            cluster = known[joined[0]].cluster if joined and joined[0] in known else number
            candidates = store.pack_candidates(
                [candidate.document for candidate in answer.candidates],
                [candidate.probability for candidate in answer.candidates],
                [RELATIONS.index(candidate.relation) for candidate in answer.candidates],
            )
            store.write_placements(tx, [store.Placement(number, cluster, answer.verdict, answer.probability, False, candidates)])
            store.write_standings(tx, [(standing, number)])
            segment = store.add_segment(tx, 1, store.packed_lists({number: _terms(signature, locus.tobytes())}))
            store.mark_indexed(tx, segment, number, number)
            small = [found for found, records in store.list_segments(tx) if records < _SMALL_SEGMENT]
            if len(small) > _SMALL_SEGMENTS_MAX:
                store.merge_segments(tx, small)
        return answer


def _terms(signature: Signature, locus: bytes) -> NDArray[np.uint64]:
    """What of a record the inverted index holds."""
    return np.concatenate((index_terms(signature), index_locus(read_locus(locus))))


def last_graph(tx: Transaction) -> Graph | None:
    """The judged pairs of the newest settling."""
    stored = store.last_graph(tx)
    return None if stored is None else Graph.from_bytes(stored)
