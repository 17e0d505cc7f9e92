"""One question to a model, and everything that can become of it."""

import json
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Self

import httpx

from clearinghouse.evaluation.benchmarks.engines.base import SAMPLE_HEADER, Endpoint, Generation

_RESPONSE_BYTES_MAX = 16 << 20
_TRIES = 3
_PAUSES = (0.2, 1.0)
_RETRY_AFTER_SECONDS_MAX = 10.0
_CONNECT_SECONDS = 20.0
_WINDOW_CODES = frozenset({"window_closed", "window_not_open", "suspended", "ended"})
"""What the gateway says where an access does not hold now (`gateway.rules.Refusal`); within a stream, too."""
_SHUT_CODES = frozenset({"gateway_ending", "clock_jumped", "accesses_unreadable", "journal_unavailable"})
"""Where it serves nobody for a while."""


class Told(StrEnum):
    """What came of a question."""

    ANSWER = "answer"
    REFUSED = "refused"
    CUT = "cut"
    """It began and did not end, or did not say why it ended."""
    WINDOW = "window"
    """The access has ended, or does not hold now."""
    BUDGET = "budget"
    CONTEXT = "context"
    """More than the model takes in."""
    FAILED = "failed"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer."""

    told: Told
    message: Mapping[str, Any] = field(default_factory=dict, repr=False)
    response: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """Model, build, why it ended, tokens: as told."""
    note: str = ""
    tried: int = 1


class Client:
    """Asks one model through one access. Several threads may ask at once."""

    def __init__(self, endpoint: Endpoint, generation: Generation) -> None:
        self._endpoint = endpoint
        self._generation = generation
        transport = None if endpoint.unix_socket is None else httpx.HTTPTransport(uds=endpoint.unix_socket)
        # Nothing of the environment: a proxy named there would be a way out that nobody granted.
        self._http = httpx.Client(transport=transport, trust_env=False, follow_redirects=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._http.close()

    def ask(
        self, sample_id: str, messages: Sequence[Mapping[str, Any]], tools: Sequence[Mapping[str, Any]], *, completion_tokens_max: int, seconds: float,
        stop: threading.Event,
    ) -> Answer:
        """The answer to a conversation; asked again a few times where our own side failed, never for ever.

        Args:
            tools: none: none are offered.
            seconds: how long the sample has left.
        """
        document: dict[str, Any] = {"model": self._endpoint.model, "messages": list(messages), "max_tokens": completion_tokens_max}
        if tools:
            document["tools"] = list(tools)
        if self._generation.temperature is not None:
            document["temperature"] = self._generation.temperature
        if self._generation.stream:
            document |= {"stream": True, "stream_options": {"include_usage": True}}
        deadline, answer = time.monotonic() + seconds, Answer(Told.STOPPED)
        for number in range(_TRIES):
            if stop.is_set():
                return Answer(Told.STOPPED, tried=number)
            left = deadline - time.monotonic()
            if left <= 0:
                return Answer(Told.FAILED, note="time is up", tried=number)
            answer, pause = self._once(sample_id, document, left)
            if pause is None or number + 1 == _TRIES:
                return Answer(answer.told, answer.message, answer.response, answer.note, number + 1)
            stop.wait(min(max(pause, _PAUSES[number]), max(0.0, deadline - time.monotonic())))
        return answer

    def _once(self, sample_id: str, document: Mapping[str, Any], seconds: float) -> tuple[Answer, float | None]:
        """An answer, and after how long another try makes sense; None: it does not."""
        headers = {"Authorization": f"Bearer {self._endpoint.key}", SAMPLE_HEADER: sample_id, "Accept-Encoding": "identity"}
        url, began = f"{self._endpoint.base_url.rstrip('/')}/chat/completions", False
        timeout, deadline = httpx.Timeout(seconds, connect=min(seconds, _CONNECT_SECONDS)), time.monotonic() + seconds
        try:
            with self._http.stream("POST", url, json=document, headers=headers, timeout=timeout) as response:
                if response.status_code != 200:
                    return self._refused(response)
                began = True
                if response.headers.get("content-type", "").startswith("text/event-stream"):
                    return _from_stream(response, deadline), None
                return _from_whole(_body(response, deadline)), None
        except httpx.HTTPError as error:
            if isinstance(error, httpx.ReadTimeout):  # before a word of it, or in its middle
                return Answer(Told.FAILED, note="no answer within the time of the sample"), None
            if began:  # the model answered, and part of it is lost: whoever asks again gets another answer
                return Answer(Told.CUT, note=f"an answer was cut off ({type(error).__name__})"), None
            return Answer(Told.FAILED, note=f"the gateway cannot be reached ({type(error).__name__})"), 0.0

    def _refused(self, response: httpx.Response) -> tuple[Answer, float | None]:
        status, code = response.status_code, _code_of(_body(response, time.monotonic() + _CONNECT_SECONDS))
        if status == 403 or code in _WINDOW_CODES:
            return Answer(Told.WINDOW, note="the gateway says that the access does not hold now"), None
        if status == 402 or code in ("budget", "budget_exhausted", "insufficient_quota"):
            return Answer(Told.BUDGET, note="the budget of the access is used up"), None
        if code == "context_length_exceeded" or status == 413:
            return Answer(Told.CONTEXT, note="the conversation is longer than the model takes"), None
        if code == "content_filter":
            return Answer(Told.REFUSED, note="a content filter refused the conversation"), None
        if status == 429 or status >= 500:
            return Answer(Told.FAILED, note=f"the gateway answered {status} each time"), _retry_after(response)
        return Answer(Told.FAILED, note=f"the gateway answered {status}, which asking again does not change"), None


def _body(response: httpx.Response, deadline: float) -> bytes:
    body = bytearray()
    for chunk in response.iter_raw():
        _look_at_time(deadline)
        body += chunk
        if len(body) > _RESPONSE_BYTES_MAX:
            raise httpx.DecodingError("longer than any answer")
    return bytes(body)


def _look_at_time(deadline: float) -> None:
    # Whoever sends a little now and then is never silent for long: no bound on silence ends it.
    if time.monotonic() > deadline:
        raise httpx.ReadTimeout("time is up")


def _code_of(body: bytes) -> str:
    try:
        error = json.loads(body).get("error")
    except (ValueError, AttributeError, RecursionError):
        return ""
    found = (error.get("code") or error.get("type")) if isinstance(error, dict) else error
    return found if isinstance(found, str) else ""


def _retry_after(response: httpx.Response) -> float:
    try:
        return min(_RETRY_AFTER_SECONDS_MAX, max(0.0, float(response.headers.get("retry-after", "0"))))
    except ValueError:
        return 0.0


def _from_whole(body: bytes) -> Answer:
    try:
        document = json.loads(body)
        choice = document["choices"][0]
        message, finish = dict(choice["message"]), choice.get("finish_reason")
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return Answer(Told.CUT, note="an answer is no chat completion")
    return _judged(message, _response(document, finish))


def _from_stream(response: httpx.Response, deadline: float) -> Answer:
    """The pieces put together; without a last one it is no answer."""
    content: list[str] = []
    refusal: list[str] = []
    calls: dict[int, dict[str, Any]] = {}
    last: dict[str, Any] = {}
    finish, usage, done, size, error = None, None, False, 0, False
    for line in response.iter_lines():
        _look_at_time(deadline)
        size += len(line)
        if size > _RESPONSE_BYTES_MAX:
            return Answer(Told.CUT, note="an answer is longer than any")
        if not line.startswith("data:"):
            continue
        data = line[5:].strip()
        if data == "[DONE]":
            done = True
            break
        try:
            piece = json.loads(data)
            if "error" in piece:
                # Where our side ended it, that says nothing of the model: the sample is run again.
                code = _code_of(data.encode("utf-8", "replace"))
                if code in _WINDOW_CODES:
                    return Answer(Told.WINDOW, note="the gateway says that the access does not hold now")
                if code in _SHUT_CODES:
                    return Answer(Told.FAILED, note="the gateway ended an answer: it serves nobody now")
                error = True
            last |= {key: piece[key] for key in ("id", "model", "system_fingerprint") if piece.get(key)}
            usage = piece.get("usage") or usage
            for choice in piece.get("choices") or ():
                delta = choice.get("delta") or {}
                content.append(delta.get("content") or "")
                refusal.append(delta.get("refusal") or "")
                for call in delta.get("tool_calls") or ():
                    _add_call(calls, call)
                finish = choice.get("finish_reason") or finish
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
            return Answer(Told.CUT, note="an answer has a piece that is no chat completion")
    if error or not done or finish is None:
        return Answer(Told.CUT, {"role": "assistant", "content": "".join(content)}, _response({**last, "usage": usage}, finish), "an answer was cut off")
    message: dict[str, Any] = {"role": "assistant", "content": "".join(content) or None}
    if any(refusal):
        message["refusal"] = "".join(refusal)
    if calls:
        message["tool_calls"] = [calls[index] for index in sorted(calls)]
    return _judged(message, _response({**last, "usage": usage}, finish))


def _add_call(calls: dict[int, dict[str, Any]], piece: Mapping[str, Any]) -> None:
    call = calls.setdefault(int(piece.get("index", 0)), {"id": "", "type": "function", "function": {"name": "", "arguments": ""}})
    call["id"] = call["id"] or str(piece.get("id") or "")
    for key in ("name", "arguments"):
        call["function"][key] += str((piece.get("function") or {}).get(key) or "")


def _response(document: Mapping[str, Any], finish: object) -> dict[str, Any]:
    usage = document.get("usage")
    counts = {key: usage[key] for key in ("prompt_tokens", "completion_tokens") if isinstance(usage.get(key), int)} if isinstance(usage, dict) else {}
    return {
        "model": str(document.get("model") or ""), "build": str(document.get("system_fingerprint") or ""),
        "finish": finish if isinstance(finish, str) else None, **counts,
    }


def _judged(message: Mapping[str, Any], response: Mapping[str, Any]) -> Answer:
    if response["finish"] == "content_filter" or message.get("refusal"):
        return Answer(Told.REFUSED, message, response, "the model's interface says that it declined")
    if response["finish"] not in ("stop", "tool_calls", "length", "function_call"):
        return Answer(Told.CUT, message, response, "an answer does not say why it ended")
    return Answer(Told.ANSWER, message, response)
