"""Cells of a log made elsewhere: the plan is the denominator, and what failed or is missing says so."""

import json
from typing import Any

import pytest

from clearinghouse.app.wiring import Instance
from clearinghouse.core.errors import Invalid
from clearinghouse.core.ids import ReviewCaseId, new_id
from clearinghouse.evaluation.benchmarks.running import actions, store
from clearinghouse.evaluation.benchmarks.running.importing import parse_map, read_records
from clearinghouse.evaluation.benchmarks.running.jobs import cells_of
from clearinghouse.evaluation.benchmarks.running.records import Purpose, RunState
from clearinghouse.evaluation.statistics.records import CellState

MAP = b'[map]\nscorer = "includes"\ncorrect = ["C", "1.0"]\ndomain = "reading"\nfamily = "family"\n'


def sample(name: str, **changes: Any) -> dict[str, Any]:
    return {
        "id": name, "epoch": 1, "uuid": "u", "error": False, "limit": "", "stop_reason": "stop", "scores": {"includes": {"value": "C", "answer": "x"}},
        "metadata": {"family": "f1"}, "prompt_tokens": 10, "completion_tokens": 5, "seconds": 1.5, "retries": 0, "digest": "sha256:0", **changes,
    }


def records(*samples: dict[str, Any], **changes: Any) -> bytes:
    return json.dumps({
        "version": 1, "status": "success", "task": "t", "model": "openai/model", "created": "", "packages": {"inspect_ai": "0.3.285"}, "planned": 0,
        "planned_ids": [], "epochs": 1, "samples": list(samples), **changes,
    }).encode()


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({}, CellState.SOLVED),
        ({"scores": {"includes": {"value": 1.0}}}, CellState.SOLVED),
        ({"scores": {"includes": {"value": "I"}}}, CellState.UNSOLVED),
        ({"scores": {"includes": {"value": "nan"}}}, CellState.UNRESOLVED),
        ({"scores": {"other": {"value": "C"}}}, CellState.UNRESOLVED),
        ({"scores": {}}, CellState.UNRESOLVED),
        ({"error": True}, CellState.INFRASTRUCTURE),
        ({"limit": "token"}, CellState.LIMIT),
        ({"stop_reason": "content_filter"}, CellState.REFUSED),
        ({"stop_reason": "unknown"}, CellState.UNRESOLVED),
    ],
)
def test_each_ending_in_our_words(changes: dict[str, Any], state: CellState) -> None:
    (cell,) = read_records(records(sample("a", **changes)), parse_map(MAP)).cells
    assert cell.state is state


@pytest.mark.parametrize(
    "bad",
    [
        b"", b"[]", b"{}", records(sample("a"), sample("a")), records(sample("a"), planned_ids=["b"]), records(sample("a", epoch=2)), records(version=2),
        records(), records(sample("a"), epochs=10**9), records(sample("a", prompt_tokens="x")),
    ],
)
def test_records_that_make_no_sense_are_refused(bad: bytes) -> None:
    with pytest.raises(Invalid):
        read_records(bad, parse_map(MAP))


@pytest.mark.parametrize("bad", [b"", b"[map]", b"[map]\nscorer=1\ncorrect=[]\ndomain='x'", b"\xff"])
def test_maps_that_say_too_little_are_refused(bad: bytes) -> None:
    with pytest.raises(Invalid):
        parse_map(bad)


def test_imported_run_keeps_missing_and_failed_samples_in_the_denominator(instance: Instance) -> None:
    document = records(sample("a"), sample("b", error=True), planned_ids=["a", "b", "c"], epochs=2)
    found = read_records(document, parse_map(MAP))
    review, now = ReviewCaseId(new_id("rev")), instance.clock.now()
    with instance.database.write() as tx:
        run = actions.import_run(
            tx, review, found, b"log", document, model_version="m/1", readers=(), actor=instance.actor.id, envelope=instance.envelope, now=now
        )
    with instance.database.read() as tx:
        states = sorted(cell.state for cell in cells_of(tx, run.id))
        kept = store.system_run(tx, run.id)
        logs = store.system_logs(tx, run.id, store.system_key(tx, run.id, instance.envelope))
    assert states == sorted([CellState.SOLVED, CellState.INFRASTRUCTURE, *[CellState.NOT_RUN] * 4])
    assert kept is not None
    assert (kept.purpose, kept.state, kept.done, kept.total) == (Purpose.IMPORTED, RunState.DONE, 2, 6)
    assert logs == [(b"log", document)]
