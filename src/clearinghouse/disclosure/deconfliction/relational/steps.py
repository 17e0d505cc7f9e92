"""A settling by steps: what is joined and grouped, said once for every engine.

    records -> terms -> vocabulary -> weights               how rare each term is
    weights -> usable -> asked -> best -> pairs              candidates: rarest terms first, the best of each record
    pairs -> ladder -> sides -> first                        what a record stands for alone; the first stage
    first -> kept -> second -> third                         each with the context that the stage before made
    third, rules -> edges -> reached -> linked               components, and average linkage in each

Between the stages goes what `context` needs: of each portion of pairs, all pairs of their records.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clearinghouse.core.policy import DeconflictionThresholds
from clearinghouse.disclosure.deconfliction.evidence import TOLD
from clearinghouse.disclosure.deconfliction.features import LADDER
from clearinghouse.disclosure.deconfliction.graph import Graph
from clearinghouse.disclosure.deconfliction.packing import MASSES, U64, pack
from clearinghouse.disclosure.deconfliction.relational.base import Engine, Table
from clearinghouse.disclosure.deconfliction.retrieval import POSTINGS_MAX
from clearinghouse.disclosure.deconfliction.scoring import Scorer
from clearinghouse.disclosure.deconfliction.settling import Judged, Observer, Ordered, Progress, Settlement, conclude
from clearinghouse.disclosure.deconfliction.signature import KIND_SHIFT, Signature
from clearinghouse.disclosure.deconfliction.tokens import Kind

PORTION_RECORDS = 20_000
"""Records in a portion: what one worker compares at a time."""
ASKING_RECORDS = 100_000
"""Records that ask together: they share the lists of their terms, which are a good part of all lists however few ask."""
_LOAD_RECORDS = 20_000
Pairs = Iterable[tuple[int, int]]

_VOCABULARY = "select term, count(*) as found, cast(abs(term % 16) as int) as part from terms group by term"
_USABLE = """
select t.record, t.term, w.found, w.worth
from (select record, term from terms where {within}) t
join (select term, found, worth from weights where found > 1 and worth > 0) w on t.term = w.term
"""
_ASKED = f"""
select cast(floor(record / {ASKING_RECORDS}.0) as int) as part, record, term, worth
from (
  select record, term, worth, sum(found) over (partition by record order by found, term rows between unbounded preceding and current row) as total
  from usable where {{within}}
) running where total <= {POSTINGS_MAX}
"""  # noqa: S608 - our own numbers
_LISTS = """(
select n.part, u.term, u.record from (select distinct part, term from asked) n join usable u on n.term = u.term
)"""
_PAIRS = f"""
select cast(floor(least(one, other) / {PORTION_RECORDS}.0) as int) as part, least(one, other) as a, greatest(one, other) as b, max(score) as score
from best group by least(one, other), greatest(one, other)
"""  # noqa: S608 - our own numbers
_LADDER = f"""
select record, {", ".join(f"max(case when place = {rank} then score else cast(0 as float) end) as rank_{rank}" for rank in LADDER)}
from (
  select record, score, row_number() over (partition by record order by score desc) as place
  from (select a as record, score from pairs union all select b as record, score from pairs) both_ends
) ranked where place <= {max(LADDER)} group by record
"""  # noqa: S608 - our own numbers
_WEIGHTED = """
select record, {collected} as weights
from (select t.record, w.term, w.weight from (select record, term from terms where {within}) t join weights w on t.term = w.term) each_term
group by record
"""
_RECORDS = f"""(
select r.part, r.record, r.signature, w.weights, {", ".join(f"coalesce(l.rank_{rank}, cast(0 as float)) as rank_{rank}" for rank in LADDER)}
from records r left join weighted w on r.record = w.record left join ladder l on r.record = l.record
)"""  # noqa: S608 - our own numbers
_SIDES = """(
select n.part, s.record, s.signature, s.weights, s.masses, s.ladder
from (select part, a as record from pairs union select part, b as record from pairs) n join sides s on n.record = s.record
)"""
_KEPT = "select * from first_stage where features is not null"


def _around(relation: str, stage: str) -> str:
    """All pairs of the records of a portion's pairs; a pair occurs once for each of its ends."""
    columns = f"a, b, {stage}, catalogue_a, entry_a, catalogue_b, entry_b"
    return f"""(
select n.part, {", ".join("k." + name for name in columns.split(", "))}
from (select part, a as record from {relation} union select part, b as record from {relation}) n
join (select a as record, {columns} from {relation} union all select b as record, {columns} from {relation}) k on n.record = k.record
)"""  # noqa: S608 - our own names


def _dropped(shown: int) -> str:
    """Of the pairs that went no further, those a record may be shown with."""
    return f"""
select distinct a, b, first from (
  select a, b, first, row_number() over (partition by record order by first desc, other) as place
  from (select a as record, b as other, a, b, first from first_stage where features is null
        union all select b as record, a as other, a, b, first from first_stage where features is null) both_ends
) ranked where place <= {int(shown)}
"""  # noqa: S608 - our own names


@dataclass(frozen=True, slots=True)
class Records:
    """What is settled, for who cannot hold it all: in any order, each with its place in the order of sort keys."""

    numbers: NDArray[np.uint32]
    """Document number of each place."""
    rows: Iterable[tuple[int, bytes, NDArray[np.uint64]]]
    """Place, signature and locus of each; gone through once."""


def settle(
    engine: Engine, records: Records, scorer: Scorer, thresholds: DeconflictionThresholds, must: Pairs = (), cannot: Pairs = (),
    progress: Progress | None = None, observer: Observer | None = None,
) -> Settlement:
    """What `settling.settle` gives, in the order of sort keys, by an engine.

    Steps that are whole in the engine's folder are not done again: who uses a folder twice says with its name that all it
    depends on is the same.
    """
    thin = _Thin(len(records.numbers))
    portions = thin.seen(records.rows)
    if engine.has("records"):
        for _ in portions:
            pass  # kept before; the rules need to have seen them
    engine.keep("records", portions)
    judged = _judge(engine, thin, scorer, thresholds, progress)
    must, cannot = list(must), list(cannot)
    ordered = thin.ordered(records.numbers)
    return conclude(
        ordered, judged, scorer, thresholds, must, cannot, progress,
        partial(_clustered, engine, thresholds.cluster_probability_min, must, cannot, progress), observer,
    )


def _judge(engine: Engine, thin: "_Thin", scorer: Scorer, thresholds: DeconflictionThresholds, progress: Progress | None) -> Judged:
    # Imported here: what runs on portions needs the engines' packages.
    from clearinghouse.disclosure.deconfliction.relational import portions

    count = thin.count
    ranges = [(low, min(low + PORTION_RECORDS, count) - 1) for low in range(0, count, PORTION_RECORDS)]

    def told(stage: str) -> partial[None] | None:
        return None if progress is None else partial(progress, stage)

    engine.apply("terms", portions.explode, "records", schema=portions.TERMS, progress=told("terms"))
    engine.query("vocabulary", _VOCABULARY)
    engine.apply("weights", portions.Weigh(scorer.background, count), "vocabulary", schema=portions.WEIGHTS)
    engine.query("usable", _USABLE, ranges=ranges)
    engine.query("asked", _ASKED, ranges=ranges)
    engine.apply("best", portions.Best(count), "asked", _LISTS, schema=portions.BEST, progress=told("retrieve"))
    engine.query("pairs", _PAIRS)
    engine.query("ladder", _LADDER)
    engine.query("weighted", _WEIGHTED, ranges=ranges)
    engine.apply("sides", portions.profile, _RECORDS, schema=portions.SIDES)
    engine.apply("first_stage", portions.First(scorer), "pairs", _SIDES, schema=portions.FIRST, progress=told("compare"))
    engine.query("kept", _KEPT)
    engine.apply("second_stage", portions.Second(scorer), "kept", _around("kept", "first"), schema=portions.SECOND, progress=told("judge"))
    engine.apply(
        "third_stage", portions.Third(scorer), "second_stage", _around("second_stage", "second"), schema=portions.THIRD, progress=told("appeal")
    )
    sides = _gathered(engine.read("select record, masses, ladder from sides"))
    order = np.argsort(sides["record"])
    kept, dropped = _gathered(engine.read("select * from third_stage")), _gathered(engine.read(_dropped(2 * thresholds.candidates_shown_max)))
    a, b = (np.concatenate((kept[end], dropped[end])).astype(np.int32) for end in ("a", "b"))
    rank = np.lexsort((b, a))
    places = np.empty(len(a), np.int64)
    places[rank] = np.arange(len(a))
    chosen = places[: len(kept["a"])]
    along = np.argsort(chosen)
    return Judged(
        a[rank], b[rank], np.concatenate((kept["first"], dropped["first"])).astype(np.float32)[rank], chosen[along],
        kept["second"][along].astype(np.float32), kept["raw"][along].astype(np.float64), kept["probability"][along].astype(np.float32),
        _floats(kept["told"], len(TOLD))[along], _floats(sides["masses"], len(MASSES))[order], _floats(sides["ladder"], len(LADDER))[order],
    )


class _Thin:
    """What the rules need of every record: identifiers, names, locus. Gathered while records go by."""

    def __init__(self, count: int) -> None:
        self.count = count
        self._signatures: list[Signature] = [Signature(np.zeros(0, np.uint64), np.zeros(0, np.uint8))] * count
        self._loci: list[U64] = [np.zeros(0, np.uint64)] * count
        self._says_where = [False] * count

    def seen(self, rows: Iterable[tuple[int, bytes, U64]]) -> Iterator[Table]:
        """The same rows as a relation's portions."""
        import pyarrow as pa

        places: list[int] = []
        stored: list[bytes] = []
        for place, body, locus in rows:
            self._note(place, body, locus)
            places.append(place)
            stored.append(body)
            if len(places) == _LOAD_RECORDS:
                yield _portion(pa, places, stored)
                places, stored = [], []
        yield _portion(pa, places, stored)

    def _note(self, place: int, body: bytes, locus: U64) -> None:
        whole = Signature.from_bytes(body)
        kinds = whole.terms >> np.uint64(KIND_SHIFT)
        chosen = (kinds == Kind.IDENTIFIER) | (kinds == Kind.NAME)
        self._signatures[place] = Signature(
            whole.terms[chosen], whole.marks[chosen], whole.days, whole.metrics, whole.title_words, whole.text_words, whole.vulnerabilities,
            whole.catalogue, whole.entry,
        )
        self._says_where[place] = whole.has_locus()
        if len(locus):
            self._loci[place] = locus

    def ordered(self, numbers: NDArray[np.uint32]) -> Ordered:
        """The records as the rules see them."""
        return Ordered(numbers, self._signatures, pack(self._signatures), self._says_where, self._loci)


def _portion(pa: Table, places: Sequence[int], stored: Sequence[bytes]) -> Table:
    record = np.array(places, np.int32)
    return pa.table({"part": record // np.int32(PORTION_RECORDS), "record": record, "signature": pa.array(stored, pa.binary())})


def _clustered(
    engine: Engine, threshold: float, must: Sequence[tuple[int, int]], cannot: Sequence[tuple[int, int]], progress: Progress | None, graph: Graph
) -> NDArray[np.uint32]:
    """The clusters of a graph: components by rounds of least neighbours, then average linkage in each."""
    import pyarrow as pa

    from clearinghouse.disclosure.deconfliction.relational import portions

    place_of = {number: place for place, number in enumerate(graph.documents.tolist())}
    joined, apart = (
        frozenset((place_of[one], place_of[other]) for one, other in pairs if one in place_of and other in place_of) for pairs in (must, cannot)
    )
    # A pair joined by hand is an edge of no weight, so that both its ends are in one component.
    hand = np.array(sorted(joined), np.int32).reshape(-1, 2)
    a, b = np.concatenate((graph.a, hand[:, 0])), np.concatenate((graph.b, hand[:, 1]))
    edges = pa.table({
        "a": a, "b": b, "probability": np.concatenate((graph.probabilities, np.zeros(len(hand), np.float32))),
        "named_a": graph.named[a], "named_b": graph.named[b],
        "joins": np.concatenate((graph.probabilities >= threshold, np.ones(len(hand), bool))).astype(np.int32),
    })
    # Rules and decisions may have changed since an attempt that was interrupted.
    engine.forget("edges", "reached_0", "inside", "linked")
    engine.keep("edges", [edges])
    reached = _components(engine)
    engine.query("inside", f"""
        select e.a, e.b, e.probability, e.named_a, e.named_b, cast(x.label % 16 as int) as part
        from edges e join {reached} x on e.a = x.record join {reached} y on e.b = y.record where x.label = y.label
    """)  # noqa: S608 - our own names
    engine.apply("linked", portions.Link(threshold, joined, apart), "inside", schema=portions.LINKED,
                 progress=None if progress is None else partial(progress, "link"))
    found = _gathered(engine.read("select record, cluster from linked"))
    labels = np.arange(len(graph.documents))
    labels[found["record"]] = found["cluster"]
    founding = np.full(len(graph.documents), np.iinfo(np.uint32).max, np.uint32)
    np.minimum.at(founding, labels, graph.documents)
    return np.asarray(founding[labels])


def _components(engine: Engine) -> str:
    """Name of a relation with the component of each record that an edge joins to another: the least place it reaches."""
    engine.query("reached_0", """
        select record, min(other) as label from (
          select a as record, b as other from edges where joins = 1 union all select b, a from edges where joins = 1
          union all select a, a from edges where joins = 1 union all select b, b from edges where joins = 1
        ) ends group by record
    """)
    # As many rounds as it takes, few but for a long chain: a label travels at least one edge a round, and mostly leaps.
    for number in count():
        before, after = f"reached_{number}", f"reached_{number + 1}"
        engine.forget(after)
        # The least of what the neighbours reach, and then of what that one reaches itself.
        engine.query(after, f"""
            select n.record, min(l.label) as label from (
              select record, min(label) as label from (
                select e.a as record, r.label from edges e join {before} r on e.b = r.record where e.joins = 1
                union all select e.b, r.label from edges e join {before} r on e.a = r.record where e.joins = 1
                union all select record, label from {before}
              ) near group by record
            ) n join {before} l on n.label = l.record group by n.record
        """)  # noqa: S608 - our own names
        changed = _gathered(engine.read(
            f"select count(*) as changed from {before} x join {after} y on x.record = y.record where x.label <> y.label"  # noqa: S608 - our own names
        ))["changed"]
        if not int(changed[0]):
            return after
    raise AssertionError("counting does not end")


def _gathered(portions: Iterable[Table]) -> dict[str, NDArray[Any]]:
    """The columns of a relation; of an empty one, empty."""
    import pyarrow as pa

    whole = pa.concat_tables(list(portions))
    return {name: np.asarray(whole[name].to_numpy(zero_copy_only=False)) for name in whole.column_names}


def _floats(column: NDArray[Any], width: int) -> NDArray[np.float32]:
    return np.frombuffer(b"".join(column.tolist()), np.float32).reshape(-1, width)
