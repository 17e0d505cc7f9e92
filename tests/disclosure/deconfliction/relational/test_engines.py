"""Settling by steps: DuckDB and Spark find what a settling in memory finds, to the last bit, and go on where they were interrupted."""

import fcntl
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from clearinghouse.app import process
from clearinghouse.app.bulk import IN_MEMORY_RECORDS_MAX, bulk_of, with_engine
from clearinghouse.app.settings import Settings, default_policy_document, parse_policy
from clearinghouse.app.wiring import Instance
from clearinghouse.core.errors import Invalid, Unavailable
from clearinghouse.core.roles import Role
from clearinghouse.disclosure.deconfliction import store
from clearinghouse.disclosure.deconfliction.relational import steps
from clearinghouse.disclosure.deconfliction.relational.base import Engine
from clearinghouse.disclosure.deconfliction.relational.workplace import workplace
from clearinghouse.disclosure.deconfliction.scoring import Scorer
from clearinghouse.disclosure.deconfliction.settling import Settlement, settle
from clearinghouse.disclosure.deconfliction.signature import Signature, Signer
from clearinghouse.disclosure.deconfliction.traces import read_row, sign_traces
from clearinghouse.disclosure.intake.records import Finding, Identifier, IdentifierRole
from party_factories import add
from tests_support import lacking, shared_folder
from told_twice import told
from views_support import send_as

KEY = b"an instance's secret for terms"
SIGNER, SCORER = Signer(KEY), Scorer.load(KEY)
THRESHOLDS = parse_policy(1, default_policy_document()).deconfliction
Stored = list[tuple[bytes, bytes, str]]
Opened = Callable[[Path], Engine]


def duckdb(folder: Path) -> Engine:
    pytest.importorskip("pyarrow")
    try:
        from clearinghouse.disclosure.deconfliction.relational.duckdb import DuckDB
    except ImportError:
        lacking("DuckDB is not installed")
    return DuckDB(folder, 500)


@pytest.fixture(scope="session")
def spark() -> Iterator[Opened]:
    """Opens engines of one session of Spark; stopped at the end."""
    if shutil.which("java") is None:
        lacking("Java was not found")
    from clearinghouse.disclosure.deconfliction.relational.spark import Spark

    engines: list[Spark] = []

    def opened(folder: Path) -> Engine:
        engines.append(Spark(folder, "local[2]", 800, 2))
        return engines[-1]

    yield opened
    for engine in engines[:1]:
        engine.close()


def test_components_of_a_chain_that_agreed_on_the_wrong_end_are_found(tmp_path: Path) -> None:
    """A hundred that know each other's least number already, and one end of theirs knows a smaller one: it travels edge by edge."""
    pa = pytest.importorskip("pyarrow")
    chain = [5, *range(100, 200), 3]
    engine = duckdb(tmp_path)
    ends = list(pairwise(chain))
    engine.keep("edges", [pa.table({
        "a": pa.array([min(pair) for pair in ends], pa.int32()), "b": pa.array([max(pair) for pair in ends], pa.int32()),
        "joins": pa.array([1] * len(ends), pa.int32()),
    })])
    found = {
        int(record): int(label) for portion in engine.read(f"select record, label from {steps._components(engine)}")
        for record, label in zip(portion["record"].to_pylist(), portion["label"].to_pylist(), strict=True)
    }
    engine.close()
    assert found == dict.fromkeys(chain, 3)


def test_lock_that_was_removed_after_it_was_opened_is_no_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process ended and removed the file between our opening it and our locking it."""
    real, path = fcntl.flock, tmp_path / "one.lock"
    times = []

    def removed_once(file: object, how: int) -> None:
        times.append(how)
        if len(times) == 1:
            path.unlink()
        real(file, how)  # type: ignore[arg-type]

    monkeypatch.setattr(fcntl, "flock", removed_once)
    with workplace(tmp_path, "one"):
        monkeypatch.undo()
        assert path.exists()
        with pytest.raises(Unavailable), workplace(tmp_path, "one"):
            pass
    assert len(times) == 2


@pytest.fixture(params=["duckdb", pytest.param("spark", marks=pytest.mark.long)])
def opened(request: pytest.FixtureRequest) -> Opened:
    for package in ("pyarrow", "duckdb" if request.param == "duckdb" else "pyspark"):
        try:
            __import__(package)
        except ImportError:
            lacking(f"{package} is not installed")
    found: Opened = request.getfixturevalue("spark") if request.param == "spark" else duckdb
    return found


def stored(findings: list[Finding]) -> Stored:
    return [(SIGNER.sign(one).to_bytes(), sign_traces(one, SIGNER), f"{at * 7919 % 10_007:05}") for at, one in enumerate(findings)]


def sample() -> list[Finding]:
    """Flaws told twice; some by number, some by number and again in a bulletin over several."""
    found = [told(flaw, way) for flaw in range(60) for way in range(2)]
    numbered = [Identifier(f"CVE-2026-{flaw:05}", IdentifierRole.OWN) for flaw in range(60)]
    found[4], found[5] = (_with(one, (numbered[2],)) for one in found[4:6])
    found[6], found[9] = _with(found[6], (numbered[3],)), _with(found[9], (numbered[4],))
    found.append(_with(told(61, 0), tuple(numbered[2:5])))
    return found


def _with(finding: Finding, identifiers: tuple[Identifier, ...]) -> Finding:
    return replace(finding, identifiers=identifiers)


def in_memory(rows: Stored, must: list[tuple[int, int]], cannot: list[tuple[int, int]]) -> Settlement:
    return settle(
        [Signature.from_bytes(body) for body, _, _ in rows], np.arange(len(rows), dtype=np.uint32), SCORER, THRESHOLDS, [key for *_, key in rows],
        must, cannot, loci=[read_row(locus) for _, locus, _ in rows],
    )


def by_steps(engine: Engine, rows: Stored, must: list[tuple[int, int]], cannot: list[tuple[int, int]]) -> Settlement:
    order = np.array(sorted(range(len(rows)), key=lambda at: rows[at][2]), np.int64)
    place = np.argsort(order)
    given = ((int(place[at]), body, read_row(locus)) for at, (body, locus, _) in enumerate(rows))
    return steps.settle(engine, steps.Records(order.astype(np.uint32), given), SCORER, THRESHOLDS, must, cannot).arranged(order)


def check_equal(one: Settlement, other: Settlement) -> None:
    for name in ("clusters", "candidates_count", "relations"):
        assert getattr(one, name).tolist() == getattr(other, name).tolist(), name
    assert one.candidates.tolist() == other.candidates.tolist()
    np.testing.assert_allclose(one.probabilities, other.probabilities, atol=1e-6)
    for name in one.standings.dtype.names or ():
        np.testing.assert_allclose(one.standings[name].astype(np.float64), other.standings[name].astype(np.float64), atol=1e-6, err_msg=name)
    assert one.graph.a.tolist() == other.graph.a.tolist()
    assert one.graph.b.tolist() == other.graph.b.tolist()


def test_engine_finds_what_memory_finds(opened: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps, "_LOAD_RECORDS", 50)
    rows, must, cannot = stored(sample()), [(0, 41), (40, 99)], [(2, 3)]
    found = by_steps(opened(tmp_path / "work"), rows, must, cannot)
    check_equal(found, in_memory(rows, must, cannot))
    clusters: NDArray[np.uint32] = found.clusters
    assert clusters[0] == clusters[41]
    assert clusters[2] != clusters[3]
    assert clusters[4] == clusters[5]


def test_portions_do_not_change_what_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each portion sees all that its pairs are judged by: many small ones give what one gives."""
    engine = opened_duckdb(tmp_path / "work")
    monkeypatch.setattr(steps, "_ASKED", steps._ASKED.replace(f"{steps.ASKING_RECORDS}.0", "16.0"))
    monkeypatch.setattr(steps, "_PAIRS", steps._PAIRS.replace(f"{steps.PORTION_RECORDS}.0", "16.0"))
    monkeypatch.setattr(steps, "PORTION_RECORDS", 16)
    rows = stored(sample())
    check_equal(by_steps(engine, rows, [], []), in_memory(rows, [], []))


def opened_duckdb(folder: Path) -> Engine:
    for package in ("pyarrow", "duckdb"):
        try:
            __import__(package)
        except ImportError:
            lacking(f"{package} is not installed")
    return duckdb(folder)


def test_interrupted_settling_goes_on_with_the_step_it_was_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = stored(sample())
    engine, done = opened_duckdb(tmp_path / "work"), list[str]()
    apply = type(engine).apply

    def until_second(self: Engine, name: str, *rest: object, **named: object) -> None:
        if name == "second_stage" and name not in done:
            done.append(name)
            raise KeyboardInterrupt
        done.append(name)
        apply(self, name, *rest, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(type(engine), "apply", until_second)
    with pytest.raises(KeyboardInterrupt):
        by_steps(engine, rows, [], [])
    engine.close()
    again = opened_duckdb(tmp_path / "work")
    kept = {path: path.stat().st_mtime_ns for path in again.files("first_stage").iterdir()}
    assert again.has("first_stage")
    assert not again.has("second_stage")
    check_equal(by_steps(again, rows, [(0, 41)], []), in_memory(rows, [(0, 41)], []))
    assert {path: path.stat().st_mtime_ns for path in again.files("first_stage").iterdir()} == kept
    # And once more with everything there but another decision: the clusters follow it.
    check_equal(by_steps(again, rows, [], [(0, 41)]), in_memory(rows, [], [(0, 41)]))


def test_no_records_and_records_with_nothing_in_common_settle(tmp_path: Path) -> None:
    check_equal(by_steps(opened_duckdb(tmp_path / "none"), [], [], []), in_memory([], [], []))
    alone = stored([Finding(title="alpha"), Finding(description="omega"), Finding()])
    check_equal(by_steps(opened_duckdb(tmp_path / "alone"), alone, [], []), in_memory(alone, [], []))


def test_engine_finds_what_memory_finds_on_real_records(opened: Opened, tmp_path: Path) -> None:
    folder = shared_folder()
    if folder is None:
        pytest.skip("the shared corpus is not here")
    from bench.deconfliction.corpus import finding_of, read_lines

    lines = read_lines(folder / "deconfliction" / "dev.jsonl.gz")
    rows = stored([finding_of(row) for row, _ in zip(lines, range(2_000), strict=False)])
    check_equal(by_steps(opened(tmp_path / "work"), rows, [], []), in_memory(rows, [], []))


def test_instance_settled_by_steps_stands_as_one_settled_in_memory(sqlite_instance: Instance, opened: Opened) -> None:
    """Through the command's own path; and nothing is left in the folder of work."""
    finder = add(sqlite_instance, "Finder", Role.REPORTER)
    send_as(sqlite_instance, finder, sample())
    name = "duckdb" if opened is duckdb else "spark"
    kept, stages = [], set[str]()
    for engine in ("memory", name):
        process.deconflict(with_engine(sqlite_instance, engine), lambda stage, done, total: stages.add(stage), settle=True)
        with sqlite_instance.database.read() as tx:
            kept.append(list(store.stream_placements(tx)))
    assert kept[0] == kept[1]
    assert {"terms", "retrieve", "compare", "judge", "appeal", "link"} <= stages
    assert list((sqlite_instance.settings.home / "settling").iterdir()) == []


def test_unknown_engine_is_refused(sqlite_instance: Instance) -> None:
    with pytest.raises(Invalid, match="there are: auto, memory, duckdb, spark"):
        with_engine(sqlite_instance, "abacus")


def test_few_records_are_settled_in_memory_and_many_are_not() -> None:
    chosen = bulk_of(Settings(Path("/h"), "", "", Path("/h/w"), ""))
    assert chosen.folder == Path("/h/settling")
    assert chosen.choose(IN_MEMORY_RECORDS_MAX) is None
    installed = all(find_spec(package) is not None for package in ("duckdb", "pyarrow"))
    assert (chosen.choose(IN_MEMORY_RECORDS_MAX + 1) is not None) == installed


def test_place_of_work_is_one_process_at_a_time_and_cleared_when_done(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), workplace(tmp_path, "one") as folder:
        (folder / "left").touch()
        raise RuntimeError
    with workplace(tmp_path, "one") as folder:
        assert (folder / "left").exists(), "what was left by an interruption is there"
        with pytest.raises(Unavailable), workplace(tmp_path, "one"):
            pass
    with pytest.raises(RuntimeError), workplace(tmp_path, "two"):
        raise RuntimeError
    with workplace(tmp_path, "three"):
        assert sorted(path.name for path in tmp_path.iterdir()) == ["three", "three.lock"]
    assert list(tmp_path.iterdir()) == []
