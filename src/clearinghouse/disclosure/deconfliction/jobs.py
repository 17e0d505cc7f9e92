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
from clearinghouse.disclosure.deconfliction.signature import FORMAT, Signature, Signer
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
_PLACE_PORTION = 64


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


class Overlay:
    """An index with a few records on top that are not kept yet: newcomers of one portion see those before them."""

    def __init__(self, below: StoredIndex) -> None:
        self._below = below
        self._postings: dict[int, list[int]] = {}
        self._stored: dict[int, Stored] = {}

    def add(self, number: int, terms: NDArray[np.uint64], stored: Stored) -> None:
        """Put a record on top."""
        self._stored[number] = stored
        for term in terms.tolist():
            self._postings.setdefault(term, []).append(number)

    def count(self) -> int:
        """How many records there are."""
        return self._below.count() + len(self._stored)

    def document_frequencies(self, terms: NDArray[np.uint64]) -> NDArray[np.int64]:
        """How many records have each term."""
        above = [len(self._postings.get(term, ())) for term in terms.tolist()]
        return self._below.document_frequencies(terms) + np.array(above, dtype=np.int64)

    def postings(self, terms: NDArray[np.uint64]) -> Sequence[NDArray[np.uint32]]:
        """Numbers of the records that have each term."""
        above = [np.array(self._postings.get(term, ()), np.uint32) for term in terms.tolist()]
        return [np.concatenate((low, high)) if len(high) else low for low, high in zip(self._below.postings(terms), above, strict=True)]

    def stored(self, documents: NDArray[np.uint32]) -> Sequence[Stored]:
        """Signatures and standings, in the order asked."""
        low = np.array([number for number in documents.tolist() if number not in self._stored], np.uint32)
        found = dict(zip(low.tolist(), self._below.stored(low), strict=True)) if len(low) else {}
        return [self._stored.get(number) or found[number] for number in documents.tolist()]


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
        """Sign the reports that have no signature yet, and all of them after an upgrade changed what a signature holds; gives how many."""
        signed = 0
        with self.database.read() as tx:
            stale = store.has_other_format(tx, FORMAT)
        if stale:
            with self.database.write() as tx:
                store.forget_other_formats(tx, FORMAT)
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
                store.mark_indexed(tx, segment, sorted(rows))
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

    def place_new(self, most: int | None = None) -> list[int]:
        """Answer the signed records that are not indexed yet, in order of receipt; provisional until the next settling.

        Any number of processes may call it: each record is placed once. Gives the numbers this call placed, at
        most `most` of them.
        """
        placed: list[int] = []
        while most is None or len(placed) < most:
            with self.database.read() as tx:
                waiting = list(islice(store.stream_signatures(tx, waiting=True), _PLACE_PORTION))
                if not waiting:
                    break
                newcomers = self._compare(tx, waiting)
            with self.database.write() as tx:
                kept = self._keep_placed(tx, newcomers)
            if not kept:
                continue  # another process placed all of them meanwhile
            placed += kept
            self.progress("placing", len(placed), len(placed))
        return placed

    def _compare(self, tx: Transaction, waiting: Sequence[tuple[int, bytes, bytes]]) -> "list[_Newcomer]":
        """Each newcomer against what is indexed and the newcomers before it: a later one is never a candidate."""
        lookup = Overlay(StoredIndex(tx))
        newcomers = []
        for number, stored, locus in waiting:
            signature, pointed = Signature.from_bytes(stored), read_locus(locus)
            answer, standing = place(signature, lookup, self.scorer, self.thresholds, locus=pointed, with_evidence=False)
            terms = _terms(signature, locus)
            lookup.add(number, terms, Stored(stored, standing, locus))
            newcomers.append(_Newcomer(number, answer, standing, terms))
        return newcomers

    def _keep_placed(self, tx: Transaction, newcomers: "Sequence[_Newcomer]") -> list[int]:
        waiting = store.still_waiting(tx, [newcomer.number for newcomer in newcomers])
        fresh = [newcomer for newcomer in newcomers if newcomer.number in waiting]
        if not fresh:
            return []
        joined = {
            newcomer.number: candidate.document
            for newcomer in fresh
            for candidate in [c for c in newcomer.answer.candidates if c.relation is Verdict.DUPLICATE][:1]
        }
        clusters = {number: placement.cluster for number, placement in store.read_placements(tx, sorted(set(joined.values()))).items()}
        rows = []
        for newcomer in fresh:
            found = newcomer.answer
            clusters[newcomer.number] = clusters.get(joined.get(newcomer.number, -1), newcomer.number)
            candidates = store.pack_candidates(
                [candidate.document for candidate in found.candidates], [candidate.probability for candidate in found.candidates],
                [RELATIONS.index(candidate.relation) for candidate in found.candidates],
            )
            rows.append(
                store.Placement(newcomer.number, clusters[newcomer.number], found.verdict, found.probability, False, candidates)
            )
        store.write_placements(tx, rows)
        store.write_standings(tx, [(newcomer.standing, newcomer.number) for newcomer in fresh])
        numbers = [newcomer.number for newcomer in fresh]
        segment = store.add_segment(tx, len(fresh), store.packed_lists({newcomer.number: newcomer.terms for newcomer in fresh}))
        store.mark_indexed(tx, segment, numbers)
        small = [number for number, records in store.list_segments(tx) if records < _SMALL_SEGMENT]
        if len(small) > _SMALL_SEGMENTS_MAX:
            store.merge_segments(tx, small)
        return numbers


@dataclass(frozen=True, slots=True, eq=False)
class _Newcomer:
    """A record compared and about to be kept."""

    number: int
    answer: Answer
    standing: bytes
    terms: NDArray[np.uint64]


def _terms(signature: Signature, locus: bytes) -> NDArray[np.uint64]:
    """What of a record the inverted index holds."""
    return np.concatenate((index_terms(signature), index_locus(read_locus(locus))))


def last_graph(tx: Transaction) -> Graph | None:
    """The judged pairs of the newest settling."""
    stored = store.last_graph(tx)
    return None if stored is None else Graph.from_bytes(stored)
