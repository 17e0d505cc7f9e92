"""One behaviour of every engine: the same script of a model gives the same results.

A scenario is one sample. Scenarios with the same limits are samples of one job, since an engine in a process of its own takes seconds to begin.
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
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
from clearinghouse.evaluation.benchmarks.engines.inspect import InspectEngine
from clearinghouse.evaluation.benchmarks.sessions import IncidentKind, limits_of
from clearinghouse.sandbox import Sandbox
from eval_support import Asked, Said, Say, bash, scripted, solver, submit, venue

OPENED = Opened("Read word.txt (item 1).", {"word.txt": b"alpha\n"}, ("out.txt", "answer.txt"))
REACH = "python3 -c \"import socket; socket.create_connection(('192.0.2.1', 80), 1)\""


def closed(sample: str) -> Opened:
    raise NotPermitted("secret words of custody")


def at(turn: int, first: Said, then: Say | Said) -> Say:
    """Says one thing up to a turn, and another from there on."""
    return lambda asked: first if asked.turn < turn else then(asked) if callable(then) else then


@dataclass(frozen=True)
class Scenario:
    """One sample, and what becomes of it."""

    say: Say
    ending: Ending
    answer: str = ""
    files: Mapping[str, bytes] = field(default_factory=dict)
    note: str = ""
    calls: int | None = None
    incidents: frozenset[IncidentKind] = frozenset()
    opened: Callable[[str], Opened] = lambda sample: OPENED
    over: bool = False


def solved(say: Say, **changes: Any) -> Scenario:
    return Scenario(say, Ending.SUBMITTED, "ahpla", **changes)


PLAIN: dict[str, Scenario] = {
    "solved": solved(solver, calls=2),
    "talks first": solved(at(1, Said("Let me think."), lambda asked: submit("ahpla")), calls=2),
    "files": Scenario(at(1, bash("echo made > out.txt; echo other > other.txt"), submit("done")), Ending.SUBMITTED, "done", {"out.txt": b"made\n"}),
    "refusal field": Scenario(lambda asked: Said(refusal="I will not."), Ending.REFUSED, calls=1),
    "content filter": Scenario(lambda asked: Said("no", finish="content_filter"), Ending.REFUSED, calls=1),
    "words of a refusal": Scenario(lambda asked: Said("I'm sorry, but I can't help with that."), Ending.GAVE_UP, calls=4),
    "cut": Scenario(at(1, bash("true"), Said("half", cut=True)), Ending.UNRESOLVED, note="an answer", calls=1),
    "no reason to end": Scenario(at(1, bash("true"), Said("done", finish=None)), Ending.UNRESOLVED, note="an answer", calls=2),
    "no such conversation": Scenario(lambda asked: Said(status=400, code="context_length_exceeded"), Ending.LIMIT, calls=0),
    "key refused": Scenario(lambda asked: Said(status=401), Ending.INFRASTRUCTURE, calls=0),
    "gateway fails": Scenario(lambda asked: Said(status=503), Ending.INFRASTRUCTURE, calls=0),
    "gateway fails later": Scenario(at(1, bash("true"), Said(status=500)), Ending.INFRASTRUCTURE, calls=1),
    "two builds": solved(lambda asked: replace(solver(asked), build=f"fp_{asked.turn}"), incidents=frozenset({IncidentKind.MODEL_CHANGED})),
    "reaches out": Scenario(at(1, bash(REACH), submit("x")), Ending.SUBMITTED, "x", incidents=frozenset({IncidentKind.REACH_OUT})),
    "wrong argument": solved(at(1, Said(calls=[("bash", {"cmd": "x"})]), submit("ahpla"))),
    "no such tool": solved(at(1, Said(calls=[("no_such", {})]), submit("ahpla"))),
    "empty submission": solved(at(1, Said(calls=[("submit", {})]), submit("ahpla"))),
    "two calls at once": Scenario(
        at(1, Said(calls=[("bash", {"command": "echo 1 >> log"}), ("bash", {"command": "echo 2 >> log; cat log"})]),
           lambda asked: submit(asked.tool_said.strip().replace("\n", ","))), Ending.SUBMITTED, "1,2",
    ),
    "slow command": solved(at(1, bash("echo kept > word.txt; sleep 30"), at(2, bash("cat word.txt"), lambda asked: submit("ahpla" if "kept" in asked.tool_said else "lost")))),
    "long output": solved(
        at(1, bash("head -c 300000 /dev/zero | tr '\\0' x"), lambda asked: submit("ahpla" if "is cut here" in asked.tool_said and len(asked.tool_said) < 70_000 else "whole"))
    ),
    "not released": Scenario(solver, Ending.NOT_RUN, note="not released", calls=0, opened=closed),
}
STREAM: dict[str, Scenario] = {
    **{name: PLAIN[name] for name in ("solved", "talks first", "refusal field", "content filter", "no reason to end", "two builds")},
    "cut": replace(PLAIN["cut"], calls=2),  # its beginning came, and names the model
    "window closed later": Scenario(at(1, bash("true"), Said(status=403, code="window_closed")), Ending.INFRASTRUCTURE, calls=1, over=True),
}
SHORT: dict[str, Scenario] = {
    "tokens": Scenario(lambda asked: bash("true"), Ending.LIMIT, note="tokens", calls=3),
    "answer cut by tokens": Scenario(lambda asked: Said("thinking", finish="length"), Ending.LIMIT, note="tokens", calls=1),
    "budget gone later": Scenario(at(1, bash("true"), Said(status=402, code="budget_exhausted")), Ending.INFRASTRUCTURE, calls=1, over=True),
}
SHUT: dict[str, Scenario] = {
    "window closed": Scenario(lambda asked: Said(status=403, code="window_closed"), Ending.NOT_RUN, calls=0, over=True),
}
FEW: dict[str, Scenario] = {
    "messages": Scenario(lambda asked: bash("true"), Ending.LIMIT, note="messages", calls=2),
    "budget gone": Scenario(lambda asked: Said(status=402, code="budget"), Ending.NOT_RUN, calls=0, over=True),
}
HURRIED: dict[str, Scenario] = {
    "time in tools": Scenario(lambda asked: bash("sleep 0.7"), Ending.LIMIT, note="time"),
    "time in the model": Scenario(lambda asked: Said("late", wait_seconds=8), Ending.LIMIT, note="time", calls=0),
    "answer in drops": Scenario(lambda asked: replace(submit("ahpla"), drip_seconds=8), Ending.LIMIT, note="time", calls=0),
}
TORN: dict[str, Scenario] = {
    "gateway ends within an answer": Scenario(at(1, bash("true"), Said("half an answer", told="clock_jumped")), Ending.INFRASTRUCTURE, calls=1),
    "suspended within an answer": Scenario(at(1, bash("true"), Said("half an answer", told="suspended")), Ending.INFRASTRUCTURE, calls=1, over=True),
}
JOBS: dict[str, tuple[dict[str, Scenario], dict[str, Any]]] = {
    "plain": (PLAIN, {"call_seconds": 2.0}), "stream": (STREAM, {"stream": True, "at_once": 1}), "short": (SHORT, {"tokens": 300, "at_once": 1}),
    "few": (FEW, {"messages": 5, "at_once": 1}),
    "hurried": (HURRIED, {"seconds": 3.0}), "torn": (TORN, {"stream": True, "at_once": 1}),
}
"""A scenario that ends the access stands last: nothing begins after it."""


@dataclass
class Outcome:
    """What one job gave."""

    results: dict[str, SampleResult]
    asked: list[Asked]
    logs: list[tuple[bytes, bytes]]


def engine_named(name: str) -> Engine:
    return DirectEngine() if name == "direct" else InspectEngine(venue())


def run_job(
    engine: Engine, scenarios: Mapping[str, Scenario], sandbox: Sandbox, policy: BenchmarkPolicy, *, tokens: int = 5_000, messages: int = 12,
    seconds: float = 60.0, stream: bool = False, call_seconds: float = 20.0, at_once: int = 4, endpoint: Endpoint | None = None,
) -> Outcome:
    """All scenarios as samples of one job."""
    names = {f"smp_{number}": name for number, name in enumerate(scenarios)}
    session = replace(limits_of(policy), call_seconds=call_seconds)
    outcome = Outcome({}, [], [])
    with scripted(lambda asked: scenarios[names[asked.sample]].say(asked)) as model:
        job = Job(
            "run_test", tuple(names), lambda sample: scenarios[names[sample]].opened(sample), endpoint or model.endpoint,
            Generation(1_000, stream=stream, prompt_microdollars=2.0, completion_microdollars=10.0), SampleLimits(tokens, messages, seconds, session), sandbox,
            at_once, on_log=lambda log, records: outcome.logs.append((log, records)),
        )
        engine.run(job, lambda result: outcome.results.update({names[result.sample_id]: result}), threading.Event())
        outcome.asked = list(model.asked)
    return outcome


_DONE: dict[tuple[str, str], Outcome] = {}


@pytest.fixture
def done(request: pytest.FixtureRequest, sandbox: Sandbox, benchmark_policy: BenchmarkPolicy) -> Outcome:
    """What a job of an engine gave; each is run once."""
    engine, job = request.param
    if (engine, job) not in _DONE:
        scenarios, changes = JOBS[job]
        _DONE[engine, job] = run_job(engine_named(engine), scenarios, sandbox, benchmark_policy, **changes)
    return _DONE[engine, job]


def each(*jobs: str) -> list[Any]:
    return [pytest.param((engine, job), id=f"{engine}-{job}") for engine in ("direct", "inspect") for job in jobs]


@pytest.mark.parametrize("done", each(*JOBS), indirect=True)
def test_every_scenario_ends_as_written(done: Outcome, request: pytest.FixtureRequest) -> None:
    scenarios = JOBS[request.node.callspec.params["done"][1]][0]
    found = {
        name: (result.ending, result.submission.answer, dict(result.submission.files), result.access_over, {each.kind for each in result.incidents})
        for name, result in done.results.items()
    }
    assert found == {
        name: (scenario.ending, scenario.answer, dict(scenario.files), scenario.over, set(scenario.incidents)) for name, scenario in scenarios.items()
    }
    assert {name: result.note for name, result in done.results.items() if not result.note.startswith(scenarios[name].note)} == {}
    calls = {name: scenario.calls for name, scenario in scenarios.items() if scenario.calls is not None}
    assert {name: done.results[name].usage.calls for name in calls} == calls


@pytest.mark.parametrize("done", each("plain", "stream"), indirect=True)
def test_what_was_used_and_said_is_in_the_result(done: Outcome) -> None:
    result = done.results["solved"]
    assert (result.usage.prompt_tokens, result.usage.completion_tokens, result.usage.cost_microdollars) == (200, 40, 800)
    assert result.builds == ("toy-model#fp_toy_1",)
    assert [tool.get("command") for tool in result.transcript.tools] == ["cat word.txt", None]
    assert [message["role"] for message in result.transcript.messages] == ["system", "user", "assistant", "tool", "assistant"]
    assert "alpha" in str(result.transcript.messages[3]["content"])
    assert result.transcript.render().decode("utf-8")


@pytest.mark.parametrize("done", each("plain"), indirect=True)
def test_every_request_names_its_sample_and_carries_the_key_and_nothing_names_the_item(done: Outcome) -> None:
    lowered = [{name.lower(): value for name, value in asked.headers.items()} for asked in done.asked]
    assert {headers["authorization"] for headers in lowered} == {"Bearer ch.acc_test.secret"}
    assert all(headers["x-clearinghouse-sample"].startswith("smp_") for headers in lowered)
    assert not any("custody" in str(result.note) for result in done.results.values())


@pytest.mark.parametrize("done", each("plain"), indirect=True)
def test_gateway_that_fails_is_asked_a_few_times_and_one_that_refuses_once(done: Outcome) -> None:
    asked = [asked.sample for asked in done.asked]
    names = list(PLAIN)
    assert {name: asked.count(f"smp_{names.index(name)}") for name in ("gateway fails", "key refused", "no such conversation", "not released")} == {
        "gateway fails": 3, "key refused": 1, "no such conversation": 1, "not released": 0,
    }


@pytest.mark.parametrize("engine", ["direct", "inspect"])
def test_samples_begin_in_order_and_none_begins_after_the_window_closed(engine: str, sandbox: Sandbox, benchmark_policy: BenchmarkPolicy) -> None:
    scenarios = {"a": PLAIN["solved"], "b": SHUT["window closed"], "c": PLAIN["solved"], "d": PLAIN["solved"]}
    found = run_job(engine_named(engine), scenarios, sandbox, benchmark_policy, at_once=1)
    assert {name: result.ending for name, result in found.results.items()} == {"a": Ending.SUBMITTED, "b": Ending.NOT_RUN}


def test_gateway_that_is_not_there_is_our_own_failure(sandbox: Sandbox, benchmark_policy: BenchmarkPolicy) -> None:
    nowhere = Endpoint("http://127.0.0.1:1/v1", "k", "toy-model")
    found = run_job(DirectEngine(), {"a": PLAIN["solved"]}, sandbox, benchmark_policy, endpoint=nowhere)
    assert found.results["a"].ending is Ending.INFRASTRUCTURE


@pytest.mark.parametrize("done", [pytest.param(("inspect", "plain"), id="inspect")], indirect=True)
def test_what_inspect_wrote_down_comes_back_as_bytes_with_records_of_ours(done: Outcome) -> None:
    import hashlib
    import json

    ((log, records),) = done.logs
    document = json.loads(records)
    assert document["log"] == "sha256:" + hashlib.sha256(log).hexdigest()
    assert document["packages"]["inspect_ai"] == venue().version
    assert (document["planned"], sorted(sample["id"] for sample in document["samples"])) == (len(PLAIN), sorted(f"smp_{number}" for number in range(len(PLAIN))))
    assert all(sample["digest"].startswith("sha256:") for sample in document["samples"])


def test_what_the_two_engines_wrote_of_one_sample_is_the_same_but_for_the_words_of_tools(sandbox: Sandbox, benchmark_policy: BenchmarkPolicy) -> None:
    venue()
    found = [
        _DONE.get((engine, "plain")) or run_job(engine_named(engine), PLAIN, sandbox, benchmark_policy, **JOBS["plain"][1]) for engine in ("direct", "inspect")
    ]
    for name in ("solved", "files", "talks first"):
        one, other = (outcome.results[name] for outcome in found)
        assert [(each.get("tool"), each.get("command"), each.get("exit_code")) for each in one.transcript.tools] == [
            (each.get("tool"), each.get("command"), each.get("exit_code")) for each in other.transcript.tools
        ]
        assert [each["role"] for each in one.transcript.messages] == [each["role"] for each in other.transcript.messages]
        assert one.transcript.responses == other.transcript.responses
        assert one.usage == other.usage
