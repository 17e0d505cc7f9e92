"""One behaviour of every engine: the same script of a model gives the same results."""

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from clearinghouse.core.errors import NotPermitted
from clearinghouse.core.review_policy import BenchmarkPolicy
from clearinghouse.evaluation.benchmarks.engines import (
    Ending,
    Endpoint,
    Engine,
    Generation,
    Job,
    Opened,
    SampleLimits,
    SampleResult,
)
from clearinghouse.evaluation.benchmarks.engines.direct import DirectEngine
from clearinghouse.evaluation.benchmarks.sessions import IncidentKind, limits_of
from clearinghouse.sandbox import Sandbox
from eval_support import Asked, Said, Say, bash, scripted, solver, submit

OPENED = Opened("Read word.txt (item 1).", {"word.txt": b"alpha\n"}, ("out.txt", "answer.txt"))
Run = Callable[..., Any]


@pytest.fixture(params=["direct"])
def engine(request: pytest.FixtureRequest) -> Engine:
    """Each in turn."""
    return DirectEngine()


@pytest.fixture
def run(engine: Engine, sandbox: Sandbox, benchmark_policy: BenchmarkPolicy) -> Run:
    """One sample under a script."""

    def running(say: Say, *, samples: tuple[str, ...] = ("smp_one",), opened: Callable[[str], Opened] = lambda sample: OPENED, **changes: Any) -> Any:
        limits = SampleLimits(changes.pop("tokens", 5_000), changes.pop("messages", 12), changes.pop("seconds", 30.0), limits_of(benchmark_policy))
        generation = Generation(1_000, stream=changes.pop("stream", False), prompt_microdollars=2.0, completion_microdollars=10.0)
        results: list[SampleResult] = []
        with scripted(say) as model:
            endpoint = changes.pop("endpoint", model.endpoint)
            job = Job("run_test", samples, opened, endpoint, generation, limits, sandbox, **changes)
            engine.run(job, results.append, threading.Event())
        return results[0] if len(samples) == 1 else results

    return running


@pytest.mark.parametrize("stream", [False, True])
def test_sample_that_is_solved_hands_in_its_answer_with_all_that_was_said(run: Run, stream: bool) -> None:
    result = run(solver, stream=stream)
    assert (result.ending, result.submission.answer, result.submission.files) == (Ending.SUBMITTED, "ahpla", {})
    assert (result.usage.calls, result.usage.prompt_tokens, result.usage.completion_tokens, result.usage.cost_microdollars) == (2, 200, 40, 800)
    assert result.builds == ("toy-model#fp_toy_1",)
    assert [tool["command"] for tool in result.transcript.tools if tool["tool"] == "bash"] == ["cat word.txt"]
    assert any(message.get("role") == "tool" and "alpha" in str(message["content"]) for message in result.transcript.messages)
    assert result.incidents == ()


def test_files_that_were_asked_for_are_handed_in_with_the_answer(run: Run) -> None:
    def say(asked: Asked) -> Said:
        return bash("echo made > out.txt; echo other > other.txt") if asked.turn == 0 else submit("done")

    result = run(say)
    assert (result.submission.answer, dict(result.submission.files)) == ("done", {"out.txt": b"made\n"})


def test_every_request_names_the_sample_and_carries_the_key_and_nothing_names_the_item(run: Run) -> None:
    seen: list[Asked] = []

    def say(asked: Asked) -> Said:
        seen.append(asked)
        return solver(asked)

    run(say)
    lowered = [{name.lower(): value for name, value in asked.headers.items()} for asked in seen]
    assert {headers["x-clearinghouse-sample"] for headers in lowered} == {"smp_one"}
    assert {headers["authorization"] for headers in lowered} == {"Bearer ch.acc_test.secret"}


@pytest.mark.parametrize("said", [Said(refusal="I will not."), Said("no", finish="content_filter")])
@pytest.mark.parametrize("stream", [False, True])
def test_refusal_that_the_interface_names_is_a_refusal(run: Run, said: Said, stream: bool) -> None:
    assert run(lambda asked: said, stream=stream).ending is Ending.REFUSED


def test_words_of_a_refusal_alone_are_none(run: Run) -> None:
    result = run(lambda asked: Said("I'm sorry, but I can't help with that."))
    assert result.ending is Ending.GAVE_UP
    assert result.usage.calls == 4  # asked again three times


def test_model_that_only_talks_is_asked_to_go_on_and_may_still_solve_it(run: Run) -> None:
    assert run(lambda asked: Said("Let me think.") if asked.turn == 0 else submit("ahpla")).submission.answer == "ahpla"


@pytest.mark.parametrize(("said", "stream"), [(Said("half", cut=True), False), (Said("half", cut=True), True), (Said("done", finish=None), False), (Said("done", finish=None), True)])
def test_answer_that_was_cut_off_or_does_not_say_why_it_ended_is_unresolved(run: Run, said: Said, stream: bool) -> None:
    result = run(lambda asked: bash("true") if asked.turn == 0 else said, stream=stream)
    assert result.ending is Ending.UNRESOLVED
    assert result.note.startswith("an answer")


@pytest.mark.parametrize(
    ("status", "code", "first", "later", "over"),
    [
        (403, "window_closed", Ending.NOT_RUN, Ending.INFRASTRUCTURE, True),
        (402, "budget", Ending.NOT_RUN, Ending.LIMIT, True),
        (401, "", Ending.INFRASTRUCTURE, Ending.INFRASTRUCTURE, False),
        (400, "context_length_exceeded", Ending.LIMIT, Ending.LIMIT, False),
    ],
)
def test_what_the_gateway_refuses_is_never_asked_again_for_ever(run: Run, status: int, code: str, first: Ending, later: Ending, over: bool) -> None:
    asked_of: list[int] = []

    def refusing(asked: Asked) -> Said:
        asked_of.append(asked.turn)
        return Said(status=status, code=code)

    result = run(refusing)
    assert (result.ending, result.access_over, len(asked_of)) == (first, over, 1)
    result = run(lambda asked: bash("true") if asked.turn == 0 else Said(status=status, code=code))
    assert (result.ending, result.access_over) == (later, over)


def test_gateway_that_is_not_there_is_asked_a_few_times_and_is_our_own_failure(run: Run) -> None:
    count: list[int] = []

    def failing(asked: Asked) -> Said:
        count.append(1)
        return Said(status=503)

    result = run(failing)
    assert (result.ending, len(count)) == (Ending.INFRASTRUCTURE, 3)
    assert run(lambda asked: Said(status=503) if asked.number == 0 else solver(asked)).ending is Ending.SUBMITTED
    assert run(solver, endpoint=Endpoint("http://127.0.0.1:1/v1", "k", "toy-model")).ending is Ending.INFRASTRUCTURE


@pytest.mark.parametrize(
    ("changes", "note"), [({"tokens": 300}, "tokens"), ({"messages": 5}, "messages"), ({"seconds": 1.5}, "time")]
)
def test_limits_end_a_sample_and_say_which(run: Run, changes: dict[str, Any], note: str) -> None:
    result = run(lambda asked: bash("sleep 0.6"), **changes)
    assert (result.ending, result.note) == (Ending.LIMIT, note)


def test_answers_of_two_builds_in_one_sample_are_an_incident(run: Run) -> None:
    result = run(lambda asked: replace(solver(asked), build=f"fp_{asked.turn}"))
    assert [incident.kind for incident in result.incidents] == [IncidentKind.MODEL_CHANGED]
    assert len(result.builds) == 2


def test_reaching_out_in_a_tool_is_an_incident_of_the_sample(run: Run) -> None:
    def say(asked: Asked) -> Said:
        return bash("python3 -c \"import socket; socket.create_connection(('192.0.2.1', 80), 1)\"") if asked.turn == 0 else submit("x")

    assert {incident.kind for incident in run(say).incidents} == {IncidentKind.REACH_OUT}


@pytest.mark.parametrize(
    "calls", [[("bash", {"cmd": "x"})], [("no_such", {})], [("submit", {})], [("bash", {"command": 7})]]
)
def test_calls_that_make_no_sense_are_answered_and_not_run(run: Run, calls: list[tuple[str, dict[str, Any]]]) -> None:
    result = run(lambda asked: Said(calls=calls) if asked.turn == 0 else submit("ahpla"))
    assert (result.ending, result.submission.answer) == (Ending.SUBMITTED, "ahpla")


def test_several_calls_of_one_answer_are_run_in_order(run: Run) -> None:
    def say(asked: Asked) -> Said:
        if asked.turn == 0:
            return Said(calls=[("bash", {"command": "echo 1 >> log"}), ("bash", {"command": "echo 2 >> log; cat log"})])
        return submit(asked.tool_said.replace("\n", ","))

    assert run(say).submission.answer.strip(",") == "1,2"


def test_item_that_is_not_released_was_not_run(run: Run) -> None:
    def closed(sample: str) -> Opened:
        raise NotPermitted("secret words of custody")

    asked: list[Asked] = []

    def say(each: Asked) -> Said:
        asked.append(each)
        return solver(each)

    result = run(say, opened=closed)
    assert (result.ending, asked, "secret" in result.note) == (Ending.NOT_RUN, [], False)


def test_samples_begin_in_order_and_none_begins_after_the_window_closed(run: Run) -> None:
    names = tuple(f"smp_{number}" for number in range(5))
    results = run(lambda asked: solver(asked) if asked.sample in names[:2] else Said(status=403, code="window_closed"), samples=names)
    assert [(result.sample_id, result.ending) for result in results] == [
        ("smp_0", Ending.SUBMITTED), ("smp_1", Ending.SUBMITTED), ("smp_2", Ending.NOT_RUN),
    ]


def test_hostile_text_of_a_model_is_kept_as_something_every_reader_takes(run: Run) -> None:
    result = run(lambda asked: Said("\ud800 lone \x00 \u202e", calls=[("submit", {"answer": "\ud800x"})]))
    rendered = result.transcript.render()
    assert rendered.decode("utf-8")
    assert result.ending is Ending.SUBMITTED
