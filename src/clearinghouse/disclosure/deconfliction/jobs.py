"""Long work of deconfliction: sign new reports, index them, settle everything, place single newcomers.

All of it is derived and can be interrupted at any point: what is signed stays signed, what is
indexed stays indexed, and settling starts again from what is there.

Any number of processes may place at once. Where the database locks rows they share the work: each claims records, compares them,
and lands them in order of number, after another look at those that waited before them when it began to compare. So of two
reports of one flaw the later one always finds the earlier, however many workers there are.
"""

import hashlib
import math
from collections.abc import Callable, Collection, Container, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from clearinghouse.core.clock import Clock
from clearinghouse.core.events import Detail, Event
from clearinghouse.core.ids import PartyId, new_id
from clearinghouse.core.policy import DeconflictionThresholds, LearningPolicy
from clearinghouse.disclosure.deconfliction import placements, store
from clearinghouse.disclosure.deconfliction.asking import Overlay, StoredIndex
from clearinghouse.disclosure.deconfliction.execution import store as execution
from clearinghouse.disclosure.deconfliction.execution.records import ExecutionEdge
from clearinghouse.disclosure.deconfliction.graph import Graph
from clearinghouse.disclosure.deconfliction.learning import store as learning
from clearinghouse.disclosure.deconfliction.learning.keeping import keep_correction, keep_proposals
from clearinghouse.disclosure.deconfliction.learning.learner import Learner
from clearinghouse.disclosure.deconfliction.learning.rules import Word, countable, decided_pairs
from clearinghouse.disclosure.deconfliction.placements import Bounds, Pairs
from clearinghouse.disclosure.deconfliction.placing import Placed, Stored, place
from clearinghouse.disclosure.deconfliction.records import Verdict
from clearinghouse.disclosure.deconfliction.relational import steps
from clearinghouse.disclosure.deconfliction.relational.base import Engine
from clearinghouse.disclosure.deconfliction.relational.workplace import workplace
from clearinghouse.disclosure.deconfliction.retrieval import index_terms
from clearinghouse.disclosure.deconfliction.scoring import Scorer
from clearinghouse.disclosure.deconfliction.settling import RELATIONS, Settlement, settle
from clearinghouse.disclosure.deconfliction.signature import FORMAT, Signature, Signer
from clearinghouse.disclosure.deconfliction.tokens import Kind
from clearinghouse.disclosure.deconfliction.traces import FORMAT as TRACES_FORMAT
from clearinghouse.disclosure.deconfliction.traces import format_of, indexed, read_row, sign_traces
from clearinghouse.disclosure.intake import store as intake
from clearinghouse.ledger import actions as ledger
from clearinghouse.storage import Database, Envelope, Transaction

Progress = Callable[[str, int, int], None]
"""Told the stage, how much is done and of how much."""

# How work is cut; none of it changes an outcome.
_SIGN_PORTION = 2_000
_SEGMENT_RECORDS = 100_000
_SMALL_SEGMENT = 10_000
_ALIKE_SEGMENTS_MAX = 8
_WRITE_PORTION = 20_000
_PLACE_PORTION = 64
_CLAIM_PORTION = 16  # of several workers: what one of them claims, the others wait for


@dataclass(frozen=True, slots=True)
class Bulk:
    """How many records are settled at once."""

    folder: Path
    """Where engines work."""
    choose: Callable[[int], Callable[[Path], Engine] | None]
    """For so many records what opens an engine; None for those that are settled in memory."""


@dataclass(frozen=True)
class Matching:
    """Everything deconfliction needs to work on an instance."""

    database: Database
    envelope: Envelope
    clock: Clock
    actor: PartyId
    """The matcher's own party."""
    thresholds: DeconflictionThresholds
    learning: LearningPolicy
    progress: Progress = field(default=lambda stage, done, total: None)
    embargoed: Callable[[Transaction], Collection[int]] = field(default=lambda tx: ())
    """Numbers of the reports under embargo; decisions about them teach nothing."""
    taken_up: Callable[[Transaction], Collection[int]] = field(default=lambda tx: ())
    """Numbers of the reports that people have taken into a case; a newer model moves none of their clusters by itself."""
    bulk: Bulk | None = None
    """How many records are settled; None: in memory."""

    @cached_property
    def signer(self) -> Signer:
        """Signs under the instance's index key; remembers terms it has hashed."""
        return Signer(self.envelope.index_key())

    @cached_property
    def scorer(self) -> Scorer:
        """The shipped model."""
        return Scorer.load(self.envelope.index_key())

    @cached_property
    def _corrected(self) -> dict[str, Scorer]:
        return {}

    def model(self, tx: Transaction) -> Scorer:
        """The shipped model with the correction in force, where there is one."""
        version = learning.in_force(tx, self.scorer.digest)
        if version is None:
            return self.scorer
        if version.id not in self._corrected:
            self._corrected.clear()
            self._corrected[version.id] = self.scorer.corrected(version.correction)
        return self._corrected[version.id]

    def sign_new(self) -> int:
        """Sign the reports that have no signature yet, and all of them after an upgrade changed what a signature holds; gives how many."""
        signed = 0
        with self.database.read() as tx:
            stale = self._stale(tx)
        if stale:
            with self.database.write() as tx:
                if self._stale(tx):
                    store.forget_signatures(tx)
        with self.database.read() as tx:
            after, waiting = store.signed_up_to(tx), intake.count_after(tx, store.signed_up_to(tx))
        while True:
            with self.database.read() as tx:
                portion = intake.system_findings(tx, after, _SIGN_PORTION, self.envelope)
            if not portion:
                return signed
            rows = [
                (number, self.signer.sign(finding).to_bytes(), sign_traces(finding, self.signer)) for number, _, finding in portion
            ]
            with self.database.write() as tx:
                # Another process may have signed them meanwhile.
                done = store.signed_up_to(tx)
                store.add_signatures(tx, [row for row in rows if row[0] > done])
            after = portion[-1][0]
            signed += len(portion)
            self.progress("signing", signed, waiting)

    def _stale(self, tx: Transaction) -> bool:
        """Whether the newest of what was signed has not the form it has today."""
        newest = store.newest_signature(tx)
        return newest is not None and (newest[0][0] != FORMAT or format_of(newest[1]) != TRACES_FORMAT)

    def index_waiting(self) -> int:
        """Put signed records into the index; gives how many."""
        indexed = 0
        while True:
            with self.database.write() as tx:
                claimed = _without_gap(store.claim_waiting(tx, _SEGMENT_RECORDS), tx)
                if not claimed:
                    break  # what other workers are at, they index
                if not self._wait_for_earlier(claimed[0][0]):
                    continue
                rows = {number: _terms(Signature.from_bytes(stored), locus) for number, stored, locus in claimed}
                store.lock_index(tx)
                self._index(tx, rows)
                indexed += len(rows)
            self.progress("indexing", indexed, indexed)
        return indexed

    def _wait_for_earlier(self, number: int) -> bool:
        """Wait until nothing below a number waits; False where something does that nobody is at.

        In a transaction of its own for each record waited for, so that who waits holds nothing but what it claimed itself; and
        everybody waits for lower numbers only. So nobody waits in a circle.
        """
        while True:
            with self.database.read() as tx:
                first = store.first_waiting(tx)
            if first is None or first >= number:
                return True
            with self.database.write() as tx:
                if store.was_left(tx, first):
                    return False

    def _index(self, tx: Transaction, rows: Mapping[int, NDArray[np.uint64]]) -> None:
        segment = store.add_segment(tx, len(rows), store.packed_lists(rows))
        store.mark_indexed(tx, segment, sorted(rows))
        # Segments of a size are merged with each other: each record is copied a few times however many come one by one.
        alike: dict[int, list[int]] = {}
        for number, records in store.list_segments(tx):
            if records < _SMALL_SEGMENT:
                alike.setdefault(int(math.log(records, _ALIKE_SEGMENTS_MAX)), []).append(number)
        for numbers in alike.values():
            if len(numbers) >= _ALIKE_SEGMENTS_MAX:
                store.merge_segments(tx, numbers)

    def settle(self) -> Settlement:
        """Compare everything with everything worth comparing, cluster, and keep who stands where."""
        with self.database.read() as tx:
            # What waits is left to be placed, at the latest when this is done: another worker may be at it.
            indexed = set(store.numbers_indexed(tx))
            # A signature whose report is gone says nothing any more.
            keys = {number: key for number, key in intake.system_sort_keys(tx) if number in indexed}
            decisions = store.list_decisions(tx, self.envelope, standing_only=True)
            model, last = self.model(tx), store.last_settlement(tx)
            # What an earlier model proposed and nobody answered is worth nothing under another.
            changed = last is not None and last[2] != model.digest
            waiting = [] if changed else learning.open_proposals(tx)
            countable_words = countable(placements.words(decisions), self.embargoed(tx))
            bounds = placements.all_bounds(decisions, waiting, execution.system_standing(tx))
        must, cannot = bounds.together, bounds.cannot
        numbers = np.fromiter(keys, np.uint32, len(keys))
        learner = Learner(self.scorer, decided_pairs(countable_words, self.learning.decision_pairs_max), self.learning, self.thresholds)
        opened = None if self.bulk is None else self.bulk.choose(len(keys))
        if self.bulk is None or opened is None:
            settled = self._settle_in_memory(numbers, keys, model, must, cannot, learner)
        else:
            settled = self._settle_by_steps(self.bulk.folder, opened, numbers, keys, model, must, cannot, learner)
        with self.database.write() as tx:
            store.lock_decisions(tx)
            # Another settling that ended meanwhile may have seen more than this one, or another model.
            overtaken = store.last_settlement(tx) != last or self.model(tx).digest != model.digest
            if not overtaken:
                self._conclude(tx, numbers, settled, model, learner, countable_words, changed=changed)
        return self.settle() if overtaken else settled

    def _conclude(
        self, tx: Transaction, numbers: NDArray[np.uint32], settled: Settlement, model: Scorer, learner: Learner, learned_from: Sequence[Word],
        *, changed: bool,
    ) -> None:
        # Somebody may have decided meanwhile: the clusters are computed from what stands now.
        standing, edges = store.list_decisions(tx, self.envelope, standing_only=True), execution.system_standing(tx)
        founding = self._held(tx, settled, standing, edges, model, changed=changed)
        place_of = {number: place for place, number in enumerate(settled.graph.documents.tolist())}
        clusters = founding[[place_of[number] for number in numbers.tolist()]]
        self._keep(tx, numbers, settled, clusters, model, placements.all_bounds(standing, (), edges))
        # What was undone meanwhile, or came under an embargo, must not be learned from: the next settling fits anew.
        if countable(placements.words(standing), self.embargoed(tx)) == learned_from:
            keep_correction(
                tx, learner, self.learning, decisions=len(learned_from), passed_over=len(placements.words(standing)) - len(learned_from), actor=self.actor,
                now=self.clock.now(),
            )

    def _settle_in_memory(
        self, numbers: NDArray[np.uint32], keys: Mapping[int, str], model: Scorer, must: Pairs, cannot: Pairs, learner: Learner
    ) -> Settlement:
        signatures: list[Signature] = []
        loci: list[NDArray[np.uint64]] = []
        for number, body, locus in self._stored(keys):
            assert number == numbers[len(loci)]
            signatures.append(Signature.from_bytes(body))
            loci.append(read_row(locus))
        return settle(signatures, numbers, model, self.thresholds, list(keys.values()), must, cannot, self.progress, loci, learner)

    def _settle_by_steps(
        self, folder: Path, opened: Callable[[Path], Engine], numbers: NDArray[np.uint32], keys: dict[int, str], model: Scorer,
        must: Pairs, cannot: Pairs, learner: Learner,
    ) -> Settlement:
        rising = list(keys.values())
        order = np.array(sorted(range(len(rising)), key=rising.__getitem__), np.int64)
        place = np.empty(len(order), np.int64)
        place[order] = np.arange(len(order))
        # Numbers alone would do on one instance; after a restored backup the same numbers are other reports.
        content = hashlib.sha256("\n".join(rising).encode()).digest()
        # Of no more use, and at a million records worth having back.
        rising.clear()
        keys.clear()
        # All that the steps before the rules depend on: the same records in the same form, judged by the same model.
        name = hashlib.sha256(f"{FORMAT} {model.digest} ".encode() + numbers.astype("<u4").tobytes() + content + self.signer.term(Kind.WORD, "workplace").to_bytes(8, "big")).hexdigest()[:32]
        with workplace(folder, name) as inside, closing(opened(inside)) as engine:
            rows = ((at, body, read_row(locus)) for at, (_, body, locus) in zip(place.tolist(), self._stored(set(numbers.tolist())), strict=True))
            settled = steps.settle(engine, steps.Records(numbers[order], rows), model, self.thresholds, must, cannot, self.progress, learner)
        return settled.arranged(order)

    def _stored(self, numbers: Container[int]) -> Iterator[tuple[int, bytes, bytes]]:
        """What is stored of records, rising."""
        with self.database.read() as tx:
            yield from (row for row in store.stream_signatures(tx, waiting=False) if row[0] in numbers)

    def _held(
        self, tx: Transaction, settled: Settlement, decisions: Sequence[store.KeptDecision], edges: Sequence[ExecutionEdge], model: Scorer,
        *, changed: bool,
    ) -> NDArray[np.uint32]:
        """The clusters of a settled graph, with what people have had their hands on as it was if the model changed since the last time."""
        touched = {number for decision in decisions for group in decision.groups for number in group} | set(self.taken_up(tx))
        found = keep_proposals(
            tx, settled.graph, decisions, edges, touched, self.thresholds.cluster_probability_min, model.digest, changed=changed,
            actor=self.actor, now=self.clock.now(),
        )
        bounds = placements.all_bounds(decisions, found, edges)
        return settled.graph.clusters(self.thresholds.cluster_probability_min, bounds.must, bounds.cannot, bounds.joined)

    def _keep(
        self, tx: Transaction, numbers: NDArray[np.uint32], settled: Settlement, founding: NDArray[np.uint32], model: Scorer,
        bounds: Bounds,
    ) -> None:
        clusters, reading = founding.tolist(), bounds.reading()
        counts = settled.candidates_count.tolist()
        rows, standings = [], []
        for at, number in enumerate(numbers.tolist()):
            count = counts[at]
            candidates = store.pack_candidates(
                settled.candidates[at, :count], settled.probabilities[at, :count], settled.relations[at, :count]
            )
            read = reading.of(number, store.unpack_candidates(candidates))
            word, probability = placements.word(number, clusters[at], read, bounds.must, bounds.cannot)
            rows.append(store.Placement(number, clusters[at], word, probability, True, candidates))
            standings.append((settled.standings[at].tobytes(), number))
            if len(rows) == _WRITE_PORTION:
                store.write_placements(tx, rows)
                store.write_standings(tx, standings)
                rows, standings = [], []
        store.write_placements(tx, rows)
        store.write_standings(tx, standings)
        # From here on nobody else lands: who was placed meanwhile joined a cluster as it stood before.
        store.lock_index(tx)
        self._follow(tx, dict(zip(numbers.tolist(), clusters, strict=True)), bounds)
        now = self.clock.now()
        store.replace_settlement(tx, records=len(numbers), model=model.digest, graph=settled.graph.to_bytes(), at=now)
        partition = hashlib.sha256(founding.astype("<u4").tobytes()).hexdigest()
        details: dict[str, Detail] = {
            "records": len(numbers), "clusters": len(set(clusters)), "model": model.digest, "partition_sha256": partition,
        }
        ledger.record(tx, Event("ClustersSettled", (new_id("stl"),), details), actor=self.actor, now=now)

    def _follow(self, tx: Transaction, clusters: dict[int, int], bounds: Bounds) -> None:
        """Let those placed while everything was settled stand with whom they were found to repeat."""
        rows, told, apart, reading = [], placements.partners(bounds.together), placements.partners(bounds.cannot), bounds.reading()
        for kept in store.stream_placements(tx, max(clusters, default=-1)):
            candidates = store.unpack_candidates(kept.candidates)
            cluster = clusters[kept.number] = placements.provisional(kept.number, candidates, clusters, told, apart)
            word, probability = placements.word(kept.number, cluster, reading.of(kept.number, candidates), bounds.must, bounds.cannot)
            if (cluster, word) != (kept.cluster, kept.verdict):
                rows.append(store.Placement(kept.number, cluster, word, probability, False, kept.candidates))
        store.write_placements(tx, rows)

    def any_waiting(self) -> bool:
        """Whether a signed record is not placed yet, by us or by another worker that is at it."""
        with self.database.read() as tx:
            return store.first_waiting(tx) is not None

    def placed_up_to(self) -> int:
        """The highest number that is placed, by whichever worker; those below it are."""
        with self.database.read() as tx:
            return store.placed_up_to(tx)

    def place_new(self, most: int | None = None) -> list[int]:
        """Answer the signed records that are not indexed yet, in order of receipt; provisional until the next settling.

        Any number of processes may call it: each record is placed once. Gives the numbers this call placed, at
        most some more than `most` of them; what another worker is at is left to it.
        """
        placed: list[int] = []
        while most is None or len(placed) < most:
            with self.database.read() as tx:
                waiting, shared = store.first_waiting(tx), store.claims_rows(tx)
            kept = None if waiting is None else self._place_claimed() if shared else self._place_portion()
            if kept is None:
                break
            placed += kept
            if kept:
                self.progress("placing", len(placed), len(placed))
        return placed

    def _place_claimed(self) -> list[int] | None:
        """Place what this worker could claim; nothing where an earlier record was left waiting, None where all is claimed."""
        _ = self.scorer  # loaded before anything is held
        with self.database.write() as tx:
            claimed = store.claim_waiting(tx, _CLAIM_PORTION)
            if not claimed:
                return None
            with self.database.read() as then:
                claimed = _without_gap(claimed, then)
                newcomers = self._compare(then, claimed)
                unseen = store.numbers_waiting(then, claimed[0][0])
            if not self._wait_for_earlier(claimed[0][0]):
                return []  # its worker is gone; given back, all of them are claimed again in order
            store.lock_index(tx)
            self._keep_placed(tx, self._look_again(tx, newcomers, unseen))
        return [newcomer.number for newcomer in newcomers]

    def _place_portion(self) -> list[int] | None:
        """Place the first that wait, where a writer holds the whole database: compared before, kept unless another was quicker."""
        with self.database.read() as tx:
            waiting = list(islice(store.stream_signatures(tx, waiting=True), _PLACE_PORTION))
            newcomers = self._compare(tx, waiting)
        with self.database.write() as tx:
            left = store.still_waiting(tx, [newcomer.number for newcomer in newcomers])
            fresh = [newcomer for newcomer in newcomers if newcomer.number in left]
            if fresh:
                self._keep_placed(tx, fresh)
        return [newcomer.number for newcomer in fresh]

    def _compare(self, tx: Transaction, waiting: Sequence[tuple[int, bytes, bytes]]) -> "list[_Newcomer]":
        """Each newcomer against what is indexed and the newcomers before it: a later one is never a candidate."""
        lookup, model = Overlay(StoredIndex(tx)), self.model(tx)
        return [self._place_over(lookup, model, number, stored, locus) for number, stored, locus in waiting]

    def _place_over(self, lookup: Overlay, model: Scorer, number: int, stored: bytes, locus: bytes) -> "_Newcomer":
        signature, traced = Signature.from_bytes(stored), read_row(locus)
        placed = place(signature, lookup, model, self.thresholds, locus=traced, with_evidence=False)
        terms = _terms(signature, locus)
        kept = Stored(stored, placed.standing, locus)
        lookup.add(number, terms, kept)
        return _Newcomer(number, placed, kept, terms)

    def _look_again(self, tx: Transaction, newcomers: "Sequence[_Newcomer]", unseen: Sequence[int]) -> "list[_Newcomer]":
        """The newcomers, each compared anew if a record before it that was not indexed when it was compared could be a candidate."""
        stored = store.read_signatures(tx, unseen)
        terms = {number: _terms(Signature.from_bytes(signature), locus) for number, (signature, _, locus) in stored.items()}
        lookup, model, again = Overlay(StoredIndex(tx)), self.model(tx), []
        together = np.concatenate([np.zeros(0, np.uint64), *terms.values()])
        sizes = np.array([len(one) for one in terms.values()], np.int64)
        for newcomer in newcomers:
            if newcomer.placed.asked.would_meet(together, sizes):
                again.append(self._place_over(lookup, model, newcomer.number, newcomer.stored.signature, newcomer.stored.locus))
                continue
            lookup.add(newcomer.number, newcomer.terms, newcomer.stored)
            again.append(newcomer)
        return again

    def _keep_placed(self, tx: Transaction, fresh: "Sequence[_Newcomer]") -> None:
        joined = {
            newcomer.number: candidate.document
            for newcomer in fresh
            for candidate in [c for c in newcomer.placed.answer.candidates if c.relation is Verdict.DUPLICATE][:1]
        }
        clusters = {number: placement.cluster for number, placement in store.read_placements(tx, sorted(set(joined.values()))).items()}
        rows = []
        for newcomer in fresh:
            found = newcomer.placed.answer
            clusters[newcomer.number] = clusters.get(joined.get(newcomer.number, -1), newcomer.number)
            candidates = store.pack_candidates(
                [candidate.document for candidate in found.candidates], [candidate.probability for candidate in found.candidates],
                [RELATIONS.index(candidate.relation) for candidate in found.candidates],
            )
            rows.append(
                store.Placement(newcomer.number, clusters[newcomer.number], found.verdict, found.probability, False, candidates)
            )
        store.write_placements(tx, rows)
        store.write_standings(tx, [(newcomer.placed.standing, newcomer.number) for newcomer in fresh])
        self._index(tx, {newcomer.number: newcomer.terms for newcomer in fresh})


@dataclass(frozen=True, slots=True, eq=False)
class _Newcomer:
    """A record compared and about to be kept."""

    number: int
    placed: Placed
    stored: Stored
    terms: NDArray[np.uint64]


def _terms(signature: Signature, locus: bytes) -> NDArray[np.uint64]:
    """What of a record the inverted index holds."""
    return np.concatenate((index_terms(signature), indexed(read_row(locus))))


def _without_gap(claimed: list[tuple[int, bytes, bytes]], tx: Transaction) -> list[tuple[int, bytes, bytes]]:
    """Of claimed records the first, up to where another worker has claimed one between them."""
    if not claimed:
        return claimed
    own = {number for number, _, _ in claimed}
    gap = next((number for number in store.numbers_waiting(tx, claimed[-1][0]) if number > claimed[0][0] and number not in own), None)
    return claimed if gap is None else [one for one in claimed if one[0] < gap]


def last_graph(tx: Transaction) -> Graph | None:
    """The judged pairs of the newest settling."""
    stored = store.last_graph(tx)
    return None if stored is None else Graph.from_bytes(stored)
