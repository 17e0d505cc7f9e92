"""The scripted solvers: what they reach, that they always do the same, and how one is served as a model."""

import json
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.error import HTTPError

import pytest

from benchmark_play import POLICY, play
from clearinghouse.core.errors import NotFound
from clearinghouse.evaluation.benchmarks.grading import grade
from clearinghouse.evaluation.benchmarks.records import Domain, Item
from clearinghouse.evaluation.benchmarks.solvers import (
    SOLVERS,
    ChatMessage,
    Solver,
    Speaker,
    cheating_solver,
    escaping_solver,
    fuzzer_solver,
    make_solver,
    pattern_solver,
    random_solver,
    reference_solver,
    serve_solver,
)
from clearinghouse.evaluation.benchmarks.suites import SUITES, find_suite
from clearinghouse.sandbox import Sandbox
from sandbox_support import real_sandbox


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    yield from real_sandbox()


def _items(number: int, seed: int = 11) -> list[Item]:
    return [suite.generate(seed, number) for suite in SUITES]


def _solved(solver: Solver, items: list[Item], sandbox: Sandbox) -> list[str]:
    def solved(item: Item) -> bool:
        return grade(item.files, item.grader, play(solver, item, sandbox)[0], sandbox, POLICY).correct is True

    with ThreadPoolExecutor(sandbox.slots) as pool:
        return [item.suite for item, right in zip(items, pool.map(solved, items), strict=True) if right]


def test_reference_solves_every_family(sandbox: Sandbox) -> None:
    items = _items(2)
    assert _solved(reference_solver(items), items, sandbox) == [item.suite for item in items]


def test_reference_of_other_items_solves_nothing(sandbox: Sandbox) -> None:
    items = _items(0)[:3]
    assert _solved(reference_solver(_items(0, seed=12)), items, sandbox) == []


def test_chance_solves_next_to_nothing(sandbox: Sandbox) -> None:
    assert len(_solved(random_solver("1"), _items(1), sandbox)) <= 2


def test_patterns_solve_some_of_the_easy_and_fewer_of_the_hard(sandbox: Sandbox) -> None:
    easy, hard = (_solved(pattern_solver(), _items(number), sandbox) for number in (0, 4))
    assert len(easy) >= 4
    assert len(hard) < len(easy)


def test_fuzzer_finds_an_easy_fault_and_nothing_to_answer(sandbox: Sandbox) -> None:
    items = [item for item in _items(0) if item.domain in (Domain.REPRODUCTION, Domain.READING)]
    solved = _solved(fuzzer_solver("1", seconds=4.0), items, sandbox)
    assert solved
    assert all(name.startswith("reproduction_") for name in solved)


def test_cheating_is_seen_and_does_not_help(sandbox: Sandbox) -> None:
    item = find_suite("patching_picker").generate(11, 0)
    submission, messages = play(cheating_solver(), item, sandbox)
    found = grade(item.files, item.grader, submission, sandbox, POLICY)
    assert (found.correct, found.tampered) == (False, True)
    said = "\n".join(message.text for message in messages if message.speaker is Speaker.TOOL)
    assert "cases as expected" not in said
    assert item.grader.expected.decode() not in said


def test_escaping_reaches_nothing(sandbox: Sandbox) -> None:
    item = find_suite("reading_lock").generate(11, 0)
    submission, messages = play(escaping_solver(), item, sandbox)
    said = [message.text for message in messages if message.speaker is Speaker.TOOL]
    assert len(said) == 5
    assert "reached" not in said[0]
    assert "uid=0" not in said[2]
    assert len(said[3]) <= POLICY.tool_output_bytes_max
    assert grade(item.files, item.grader, submission, sandbox, POLICY).correct is False


@pytest.mark.parametrize("name", SOLVERS)
def test_solver_says_the_same_to_the_same(name: str) -> None:
    items = _items(3)[:4]
    solver, again = make_solver(name, items, "5"), make_solver(name, items, "5")
    for item in items:
        messages = [ChatMessage(Speaker.SYSTEM, "Be brief."), ChatMessage(Speaker.USER, item.prompt)]
        for _ in range(8):
            turn = solver.next_turn(messages)
            assert again.next_turn(messages) == turn
            messages += [ChatMessage(Speaker.ASSISTANT, turn.text, (turn.call,) if turn.call else ()), ChatMessage(Speaker.TOOL, "nothing")]
        assert turn.is_done


def test_unknown_solver_is_answered_with_those_there_are() -> None:
    with pytest.raises(NotFound, match="random, pattern, fuzzer"):
        make_solver("clever")


_TOOLS = [{"type": "function", "function": {"name": "bash", "parameters": {"type": "object", "properties": {"cmd": {"type": "string"}}}}}]
_SUBMIT = {"type": "function", "function": {"name": "submit", "parameters": {"type": "object", "properties": {"answer": {"type": "string"}}}}}


def _post(url: str, body: object) -> Any:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    request = urllib.request.Request(f"{url}/chat/completions", data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return answer.read()


def test_served_solver_answers_as_a_model_does() -> None:
    item = find_suite("reading_lock").generate(11, 0)
    with serve_solver(reference_solver([item]), model="toy-1") as served:
        with urllib.request.urlopen(f"{served.url}/models", timeout=10) as answer:
            assert json.loads(answer.read())["data"][0]["id"] == "toy-1"
        messages: list[dict[str, Any]] = [{"role": "user", "content": [{"type": "text", "text": item.prompt}]}]
        first = json.loads(_post(served.url, {"model": "toy-1", "messages": messages, "tools": [*_TOOLS, _SUBMIT]}))
        choice = first["choices"][0]
        assert choice["finish_reason"] == "tool_calls"
        call = choice["message"]["tool_calls"][0]
        # The engine's own name for the parameter, taken from the request.
        assert list(json.loads(call["function"]["arguments"])) == ["cmd"]
        messages += [choice["message"], {"role": "tool", "tool_call_id": call["id"], "content": f"{item.reference.answer}\n"}]
        last = json.loads(_post(served.url, {"model": "toy-1", "messages": messages, "tools": [*_TOOLS, _SUBMIT]}))
        submit = last["choices"][0]["message"]["tool_calls"][0]["function"]
        assert (submit["name"], json.loads(submit["arguments"])) == ("submit", {"answer": item.reference.answer})
        plain = json.loads(_post(served.url, {"model": "toy-1", "messages": messages, "tools": _TOOLS}))
        assert plain["choices"][0]["finish_reason"] == "stop"
        assert plain["choices"][0]["message"]["content"].endswith(item.reference.answer)
        assert first["usage"]["total_tokens"] == first["usage"]["prompt_tokens"] + first["usage"]["completion_tokens"]
        assert last["usage"]["prompt_tokens"] > first["usage"]["prompt_tokens"]


def test_served_solver_streams_the_same_answer_with_the_same_count() -> None:
    item = find_suite("reading_lock").generate(11, 1)
    asked = {"model": "x", "messages": [{"role": "user", "content": item.prompt}], "tools": _TOOLS}
    with serve_solver(pattern_solver(), fingerprint="fp_7") as served:
        whole = json.loads(_post(served.url, asked))
        raw = _post(served.url, {**asked, "stream": True, "stream_options": {"include_usage": True}}).decode()
    events = [line.removeprefix("data: ") for line in raw.splitlines() if line]
    assert events[-1] == "[DONE]"
    chunks = [json.loads(event) for event in events[:-1]]
    assert {chunk["system_fingerprint"] for chunk in chunks} == {"fp_7"}
    assert chunks[-1]["usage"] == whole["usage"]
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks if chunk["choices"]]
    assert "".join(delta.get("content", "") for delta in deltas) == whole["choices"][0]["message"]["content"]
    calls = [call for delta in deltas for call in delta.get("tool_calls", ())]
    assert [call["function"] for call in calls] == [whole["choices"][0]["message"]["tool_calls"][0]["function"]]


@pytest.mark.parametrize("body", [b"{", b"[]", b"{}", b'{"messages": [{"content": "x"}]}', b'{"messages": [{"role": "ghost", "content": "x"}]}'])
def test_served_solver_refuses_what_is_no_request(body: bytes) -> None:
    with serve_solver(pattern_solver()) as served:
        with pytest.raises(HTTPError) as refused:
            _post(served.url, body)
        assert refused.value.code == 400
        refused.value.close()
