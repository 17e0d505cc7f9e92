"""The gateway over real sockets: what a client gets, what an upstream gets, what stands in the journal afterwards."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from clearinghouse.app.gateway import Opened, running_gateway
from clearinghouse.app.wiring import Instance
from clearinghouse.gateway import actions
from clearinghouse.gateway.journal import reading
from clearinghouse.gateway.records import Meter
from gateway_support import ask, ask_plainly, code_of, entries_of, grant, serving_instance
from simulators.upstream import Upstream, upstream


@dataclass
class Desk:
    """A gateway that serves, its instance and its upstream."""

    instance: Instance
    opened: Opened
    upstream: Upstream

    @property
    def journal(self) -> Path:
        return self.instance.settings.gateway.journal

    def meter(self, access_id: Any) -> Meter:
        time.sleep(0.1)
        return reading.meter_of(self.journal, access_id)


@pytest.fixture
def desk(sqlite_instance: Instance, tmp_path: Path) -> Iterator[Desk]:
    with upstream() as server:
        instance = serving_instance(sqlite_instance, server.url, tmp_path, completion_tokens_max=500, request_bytes_max=200_000, response_bytes_max=1_000_000)
        with running_gateway(instance) as opened:
            yield Desk(instance, opened, server)


def test_answer_in_one_piece_is_handed_on_and_charged(desk: Desk) -> None:
    access, key = grant(desk.instance)
    answered = ask(desk.opened, key, "hello")
    assert answered.status_code == 200
    assert answered.json()["choices"][0]["message"]["content"] == "an answer"
    assert "set-cookie" not in answered.headers
    assert desk.upstream.received == [{
        "messages": [{"role": "user", "content": "hello"}], "model": "the-model", "max_completion_tokens": 100, "stream": False
    }]
    sent = desk.upstream.headers[0].lower()
    assert "authorization: bearer upstream-key" in sent
    assert key.lower() not in sent
    found = desk.meter(access.id)
    assert (found.calls, found.prompt_tokens, found.completion_tokens, found.reserved_tokens, found.truncated) == (1, 12, 5, 0, 0)


def test_stream_is_handed_on_event_by_event_and_asked_to_be_counted(desk: Desk) -> None:
    access, key = grant(desk.instance)
    answered = ask(desk.opened, key, "hello", stream=True)
    events = [line for line in answered.text.split("\n\n") if line]
    assert answered.headers["content-type"].startswith("text/event-stream")
    assert events[-1] == "data: [DONE]"
    parts = [json.loads(event[6:]) for event in events[:-1]]
    assert "".join(part["choices"][0]["delta"].get("content", "") for part in parts) == "word0 word1 word2 word3 word4 "
    assert [part for part in parts if not part["choices"]] == [], "the client did not ask for the count"
    assert desk.upstream.received[0]["stream_options"] == {"include_usage": True}
    asked = ask(desk.opened, key, "hello", stream=True, stream_options={"include_usage": True}).text
    assert '"prompt_tokens": 12' in asked
    assert ": a comment" not in asked
    found = desk.meter(access.id)
    assert (found.calls, found.prompt_tokens, found.completion_tokens) == (2, 24, 10)


def test_openai_clients_read_our_list_of_models(desk: Desk) -> None:
    _, key = grant(desk.instance)
    answered = httpx.get(f"{desk.opened.address}/v1/models", headers={"authorization": f"Bearer {key}"})
    assert [model["id"] for model in answered.json()["data"]] == ["main"]
    assert httpx.get(f"{desk.opened.address}/alive").json() == {"state": "open"}


def test_many_requests_share_a_connection(desk: Desk) -> None:
    _, key = grant(desk.instance)
    with httpx.Client(headers={"authorization": f"Bearer {key}"}) as client:
        for _ in range(5):
            answered = client.post(f"{desk.opened.address}/v1/chat/completions", json={"model": "main", "messages": [{"role": "user", "content": "x"}]})
            assert answered.status_code == 200
            refused = client.post(f"{desk.opened.address}/v1/chat/completions", json={"model": "other", "messages": []})
            assert code_of(refused) == (404, "model_not_served")


def test_unix_socket_serves_the_same(desk: Desk) -> None:
    _, key = grant(desk.instance)
    with httpx.Client(transport=httpx.HTTPTransport(uds=str(desk.opened.socket))) as client:
        answered = client.post(
            "http://gateway/v1/chat/completions", json={"model": "main", "messages": [{"role": "user", "content": "hi"}]},
            headers={"authorization": f"Bearer {key}"},
        )
    assert answered.json()["choices"][0]["message"]["content"] == "an answer"


@pytest.mark.parametrize("key", ["x", "ch.acc_" + "a" * 26 + ".secret", "sk-something", "ch.tok_x.y", "ch." + "x" * 5000])
def test_unknown_key_is_one_answer_without_the_key(desk: Desk, key: str) -> None:
    _, known = grant(desk.instance)
    wrong = ask(desk.opened, known + "x", "hello")
    found = ask(desk.opened, key, "hello")
    assert code_of(found) == (401, "unknown_key")
    assert found.content == wrong.content
    assert desk.upstream.received == []


def test_what_does_not_stand_is_refused_by_its_reason(desk: Desk) -> None:
    now = desk.instance.clock.now()
    access, suspended = grant(desk.instance)
    ending, ended = grant(desk.instance)
    _, early = grant(desk.instance, begins_at=now + timedelta(hours=1))
    _, over = grant(desk.instance, begins_at=now - timedelta(hours=1), lasts=timedelta(hours=1, milliseconds=300))
    _, elsewhere = grant(desk.instance, upstream="other")
    _, poor = grant(desk.instance, tokens_max=50)
    with desk.instance.database.write() as tx:
        actions.suspend_access(tx, access, "asked", actor=desk.instance.actor.id, now=now)
        actions.end_access(tx, ending, "asked", actor=desk.instance.actor.id, now=now)
    time.sleep(0.6)
    assert [code_of(ask(desk.opened, key, "hello")) for key in (suspended, ended, early, over, poor)] == [
        (403, "suspended"), (403, "ended"), (403, "window_not_open"), (403, "window_closed"), (402, "budget_exhausted"),
    ]
    assert code_of(ask(desk.opened, elsewhere, "hello", model="other")) == (503, "upstream_unavailable")
    assert desk.upstream.received == []
    time.sleep(1.3)
    assert reading.meter_of(desk.journal, access.id).refused == 1


def test_purpose_that_an_upstream_does_not_serve_is_refused(sqlite_instance: Instance, tmp_path: Path) -> None:
    with upstream() as server:
        instance = serving_instance(sqlite_instance, server.url, tmp_path)
        one = instance.settings.gateway.upstreams[0]
        instance = replace(instance, settings=replace(instance.settings, gateway=replace(instance.settings.gateway, upstreams=(replace(one, purposes=("probe",)),))))
        with running_gateway(instance) as opened:
            _, practice = grant(instance)
            _, probe = grant(instance, purpose="probe")
            assert code_of(ask(opened, practice, "hello")) == (403, "purpose_not_served")
            assert ask(opened, probe, "hello").status_code == 200


@pytest.mark.parametrize(("changed", "code"), [
    ({"n": 2}, "invalid_field"), ({"temperature": "hot"}, "invalid_field"), ({"max_tokens": 501}, "invalid_field"), ({"max_tokens": 0}, "invalid_field"),
    ({"max_tokens": True}, "invalid_field"), ({"web_search_options": {}}, "unsupported_field"), ({"store": True}, "invalid_field"),
    ({"metadata": {"who": "me"}}, "unsupported_field"), ({"messages": []}, "invalid_field"), ({"messages": "hello"}, "invalid_field"),
    ({"messages": [{"role": ["user"], "content": "x"}]}, "invalid_field"), ({"messages": [{"role": "nobody", "content": "x"}]}, "invalid_field"), ({"messages": [{"role": "user", "content": 7}]}, "invalid_field"),
    ({"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "http://x"}}]}]}, "invalid_field"),
    ({"tools": [{"type": "web_search"}]}, "invalid_field"), ({"stream_options": {"include_usage": True}}, "invalid_field"),
    ({"max_tokens": 5, "max_completion_tokens": 6}, "invalid_field"), ({"stream": "yes"}, "invalid_field"), ({"top_p": 1e400}, "invalid_json"),
    ({"stop": ["x"] * 17}, "invalid_field"),
])
def test_request_of_another_form_is_a_clear_400(desk: Desk, changed: dict[str, Any], code: str) -> None:
    _, key = grant(desk.instance)
    body = {"model": "main", "messages": [{"role": "user", "content": "the sealed prompt"}], **changed}
    answered = httpx.post(
        f"{desk.opened.address}/v1/chat/completions", content=json.dumps(body).replace("Infinity", "1e400"),
        headers={"authorization": f"Bearer {key}", "content-type": "application/json"},
    )
    assert code_of(answered) == (400, code)
    assert "sealed prompt" not in answered.text
    assert desk.upstream.received == []


@pytest.mark.parametrize(("body", "expected"), [
    (b"{", (400, "invalid_json")), (b"[]", (400, "invalid_json")), (b"\xff", (400, "invalid_json")), (b"[" * 100_000, (400, "invalid_json")),
    (b" " * 300_000, (413, "request_too_large")), (b"", (400, "invalid_json")),
])
def test_body_that_is_no_request_is_said_to_be_none(desk: Desk, body: bytes, expected: tuple[int, str]) -> None:
    _, key = grant(desk.instance)
    answered = httpx.post(f"{desk.opened.address}/v1/chat/completions", content=body, headers={"authorization": f"Bearer {key}"})
    assert code_of(answered) == expected


@pytest.mark.parametrize("sent", [
    b"HEAD /v1/models HTTP/1.1\r\nHost: x\r\n\r\n", b"GET / HTTP/9\r\n\r\n", b"\x16\x03\x01\x02\x00", b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
    b"GET /v1/models HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 80_000 + b"\r\n\r\n",
])
def test_bytes_that_are_no_http_are_refused_and_harm_nobody(desk: Desk, sent: bytes) -> None:
    host, port = desk.opened.address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), 5) as connection:
        connection.sendall(sent)
        assert connection.recv(100).startswith(b"HTTP/1.1 4")
    _, key = grant(desk.instance)
    assert ask(desk.opened, key, "hello").status_code == 200


@pytest.mark.parametrize(("how", "status", "code", "outcome", "charged"), [
    ("status500", 500, "upstream_refused", "upstream_refused", 0), ("status429", 429, "upstream_refused", "upstream_refused", 0),
    ("status401", 502, "upstream_refused", "upstream_refused", 0), ("moved", 502, "upstream_refused", "upstream_refused", 0),
    ("nonsense", 502, "upstream_malformed", "upstream_malformed", None), ("truncated", 502, "upstream_lost", "upstream_lost", None),
    ("compressed", 502, "upstream_malformed", "upstream_malformed", None), ("huge", 502, "response_too_large", "response_too_large", None),
])
def test_upstream_that_fails_is_told_of_in_our_words(desk: Desk, how: str, status: int, code: str, outcome: str, charged: int | None) -> None:
    access, key = grant(desk.instance)
    answered = ask(desk.opened, key, f"{how} please")
    assert code_of(answered) == (status, code)
    assert "sealed prompt" not in answered.text
    assert "x-trick" not in answered.headers
    found = desk.meter(access.id)
    assert entries_of(desk.journal) == [("admitted", ""), ("settled", outcome)]
    held = len(json.dumps(desk.upstream.received[0], separators=(",", ":"))) + 1 + 100
    assert found.prompt_tokens + found.completion_tokens == (held if charged is None else charged)
    assert found.truncated == (charged is None)


def test_upstream_that_is_not_there_is_unavailable_and_costs_nothing(sqlite_instance: Instance, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    instance = serving_instance(sqlite_instance, f"http://127.0.0.1:{port}/v1", tmp_path)
    with running_gateway(instance) as opened:
        access, key = grant(instance)
        assert code_of(ask(opened, key, "hello")) == (503, "upstream_unavailable")
        time.sleep(0.1)
        found = reading.meter_of(instance.settings.gateway.journal, access.id)
        assert (found.calls, found.prompt_tokens + found.completion_tokens, found.reserved_tokens) == (1, 0, 0)


@pytest.mark.parametrize(("how", "stream", "truncated"), [
    ("lying", False, False), ("lying", True, False), ("negative", False, True), ("uncounted", False, True), ("uncounted", True, True),
    ("unfinished", False, True), ("unfinished", True, True),
])
def test_wrong_or_missing_account_never_costs_more_than_was_reserved(desk: Desk, how: str, stream: bool, truncated: bool) -> None:
    access, key = grant(desk.instance)
    with suppress(httpx.RemoteProtocolError):  # a stream that is not whole has no end mark
        ask(desk.opened, key, f"{how} please", stream=stream)
    found = desk.meter(access.id)
    held = len(json.dumps(desk.upstream.received[0], separators=(",", ":"))) + 1 + 100
    assert found.prompt_tokens + found.completion_tokens == held
    assert found.truncated == truncated


@pytest.mark.parametrize(("how", "code"), [("broken", "upstream_malformed"), ("truncated", "upstream_lost"), ("unfinished", "unfinished")])
def test_stream_that_breaks_ends_with_an_error_and_without_an_end_mark(desk: Desk, how: str, code: str) -> None:
    access, key = grant(desk.instance)
    host, port = desk.opened.address.removeprefix("http://").split(":")
    body = json.dumps({"model": "main", "messages": [{"role": "user", "content": f"{how} x"}], "stream": True}).encode()
    with socket.create_connection((host, int(port)), 5) as connection:
        connection.sendall(
            f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
        )
        got = b""
        while data := connection.recv(65_536):
            got += data
    assert f'"code":"{code}"'.encode() in got
    assert not got.endswith(b"0\r\n\r\n"), "no client takes this for a whole answer"
    assert b"sealed prompt" not in got
    assert desk.meter(access.id).truncated == 1


def test_sample_is_counted_by_the_runners_own_name(desk: Desk) -> None:
    access, key = grant(desk.instance)
    for sample in ("fam-1:item-2:epoch.0", "fam-1:item-2:epoch.0", "other"):
        answered = httpx.post(
            f"{desk.opened.address}/v1/chat/completions", json={"model": "main", "messages": [{"role": "user", "content": "x"}]},
            headers={"authorization": f"Bearer {key}", "x-clearinghouse-sample": sample, "x-secret": "not passed on"},
        )
        assert answered.status_code == 200
    time.sleep(0.1)
    assert [(one.name, one.calls, one.prompt_tokens) for one in reading.samples_of(desk.journal, access.id)] == [("fam-1:item-2:epoch.0", 2, 24), ("other", 1, 12)]
    assert "not passed on" not in "".join(desk.upstream.headers)
    refused = httpx.post(
        f"{desk.opened.address}/v1/chat/completions", json={"model": "main", "messages": [{"role": "user", "content": "x"}]},
        headers={"authorization": f"Bearer {key}", "x-clearinghouse-sample": "a prompt, say"},
    )
    assert code_of(refused) == (400, "invalid_field")


def test_journal_holds_no_word_of_question_answer_or_key(desk: Desk) -> None:
    _, key = grant(desk.instance)
    ask(desk.opened, key, "canary7719 hello")
    ask(desk.opened, key, "canary7719 hello", stream=True)
    time.sleep(0.2)
    everything = b"".join(path.read_bytes() for path in desk.journal.parent.glob("journal.db*"))
    assert b"admitted" in everything, "something could leak"
    for word in (b"canary7719", b"an answer", b"word0", key.split(".")[2].encode(), b"upstream-key"):
        assert word not in everything


def test_two_hundred_calls_at_once_never_settle_above_the_budget(desk: Desk) -> None:
    access, key = grant(desk.instance, tokens_max=8_000)
    statuses: list[int] = []

    def one(number: int) -> None:
        statuses.append(ask_plainly(desk.opened, key, f"{'lying' if number % 2 else 'slow'} {number}", stream=number % 3 == 0))

    threads = [threading.Thread(target=one, args=(number,)) for number in range(200)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    found = desk.meter(access.id)
    assert len(statuses) == 200
    assert set(statuses) <= {200, 402, 429}
    assert statuses.count(402) > 0
    assert statuses.count(200) == found.calls == len(desk.upstream.received) > 10
    assert found.prompt_tokens + found.completion_tokens <= 8_000
    assert found.reserved_tokens == 0


def test_calls_max_is_a_bound(desk: Desk) -> None:
    _, key = grant(desk.instance, calls_max=2)
    assert [ask(desk.opened, key, "hello").status_code for _ in range(3)] == [200, 200, 402]


def test_client_that_leaves_takes_its_call_upstream_with_it(desk: Desk) -> None:
    access, key = grant(desk.instance)
    with pytest.raises(httpx.ReadTimeout):
        ask(desk.opened, key, "silent", timeout=0.3)
    for _ in range(50):
        if desk.upstream.open == 0 and entries_of(desk.journal)[-1][0] == "settled":
            break
        time.sleep(0.05)
    assert desk.upstream.open == 0
    assert entries_of(desk.journal) == [("admitted", ""), ("settled", "client_left")]
    assert desk.meter(access.id).truncated == 1
