"""A solver as an upstream model: chat completions on a loopback port, as OpenAI's interface has them."""

import json
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from clearinghouse.evaluation.benchmarks.solvers.base import ChatMessage, Solver, Speaker, ToolCall, Turn

_REQUEST_BYTES_MAX = 16 << 20
_PIECE_CHARACTERS = 24
_TOKEN_BYTES = 4


@dataclass(frozen=True, slots=True)
class Served:
    """A solver that answers."""

    url: str
    """The base, ending in `/v1`."""
    model: str


@contextmanager
def serve_solver(
    solver: Solver, *, model: str = "", fingerprint: str = "fp_scripted_1", piece_seconds: float = 0.0, port: int = 0
) -> Iterator[Served]:
    """Serve a solver on 127.0.0.1 until the block ends.

    Args:
        model: the name it answers to; its own by default.
        fingerprint: what it says of its build in every answer.
        piece_seconds: between two pieces of a streamed answer.
    """
    named = model or f"scripted-{solver.name}"

    class Handler(_Handler):
        playing = solver
        model = named
        build = fingerprint
        pause = piece_seconds

    server = _Server(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, name=f"serve {named}", daemon=True)
    thread.start()
    try:
        yield Served(f"http://127.0.0.1:{server.server_address[1]}/v1", named)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away in the middle is nothing to tell anybody."""


class _Handler(BaseHTTPRequestHandler):
    playing: Solver
    model: str
    build: str
    pause: float
    protocol_version = "HTTP/1.1"
    server_version = "scripted"
    sys_version = ""

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is the base class's
        """Nothing: what is asked is not for a log."""

    def do_GET(self) -> None:
        """The list of models."""
        if self.path.rstrip("/") != "/v1/models":
            self._refuse(404, "not_found", "there is /v1/models and /v1/chat/completions")
            return
        self._answer(200, {"object": "list", "data": [{"id": self.model, "object": "model", "created": 0, "owned_by": "clearinghouse"}]})

    def do_POST(self) -> None:
        """A completion."""
        size = int(self.headers.get("Content-Length") or 0)
        if size > _REQUEST_BYTES_MAX:
            self.close_connection = True
            self._refuse(413, "too_large", f"a request is at most {_REQUEST_BYTES_MAX} bytes long")
            return
        body = self.rfile.read(size)
        if self.path.rstrip("/") != "/v1/chat/completions":
            self._refuse(404, "not_found", "there is /v1/models and /v1/chat/completions")
            return
        try:
            asked = json.loads(body)
            messages = [_message(one) for one in asked["messages"]]
            tools = _tools(asked.get("tools") or [])
        except (ValueError, KeyError, TypeError, AttributeError):
            self._refuse(400, "invalid_request_error", "a request is a JSON object with messages")
            return
        turn = self.playing.next_turn(messages)
        message, finish = _spoken(turn, tools, len(messages))
        usage = _usage(messages, turn)
        head = {"id": f"chatcmpl-{len(messages)}", "created": 0, "model": self.model, "system_fingerprint": self.build}
        if asked.get("stream"):
            options = asked.get("stream_options") or {}
            self._stream(head, message, finish, usage if options.get("include_usage") else None)
            return
        choice = {"index": 0, "message": message, "finish_reason": finish, "logprobs": None}
        self._answer(200, {**head, "object": "chat.completion", "choices": [choice], "usage": usage})

    def _stream(self, head: Mapping[str, Any], message: dict[str, Any], finish: str, usage: dict[str, int] | None) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Cache-Control", "no-store")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        text = message["content"] or ""
        deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
        deltas += [{"content": text[at : at + _PIECE_CHARACTERS]} for at in range(0, len(text), _PIECE_CHARACTERS)]
        for place, call in enumerate(message.get("tool_calls", ())):
            deltas.append({"tool_calls": [{"index": place, **call}]})
        chunk = {**head, "object": "chat.completion.chunk"}
        try:
            for delta in deltas:
                self._piece({**chunk, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]})
                if self.pause:
                    time.sleep(self.pause)
            self._piece({**chunk, "choices": [{"index": 0, "delta": {}, "finish_reason": finish}]})
            if usage is not None:
                self._piece({**chunk, "choices": [], "usage": usage})
            self._write(b"data: [DONE]\n\n")
            self.wfile.write(b"0\r\n\r\n")
        except OSError:
            self.close_connection = True  # who asked is gone

    def _piece(self, document: Mapping[str, Any]) -> None:
        self._write(b"data: " + json.dumps(document).encode() + b"\n\n")

    def _write(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%b\r\n" % (len(data), data))
        self.wfile.flush()

    def _answer(self, status: int, document: Mapping[str, Any]) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _refuse(self, status: int, kind: str, why: str) -> None:
        self._answer(status, {"error": {"message": why, "type": kind, "code": kind}})


def _message(one: Mapping[str, Any]) -> ChatMessage:
    content = one.get("content") or ""
    if isinstance(content, list):
        content = "".join(str(part.get("text", "")) for part in content)
    calls = tuple(_call(call) for call in one.get("tool_calls") or ())
    speaker = "system" if one["role"] == "developer" else one["role"]
    return ChatMessage(Speaker(speaker), str(content), calls, str(one.get("tool_call_id") or ""))


def _call(call: Mapping[str, Any]) -> ToolCall:
    asked = json.loads(call["function"]["arguments"] or "{}")
    return ToolCall(str(next(iter(asked.values()), "")), str(call["function"]["name"]), str(call.get("id") or ""))


def _tools(tools: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Name of each tool to the name of its first parameter: engines call the one of `bash` differently."""
    found = {}
    for tool in tools:
        function = tool["function"]
        found[str(function["name"])] = str(next(iter((function.get("parameters") or {}).get("properties") or {}), "command"))
    return found


def _spoken(turn: Turn, tools: Mapping[str, str], number: int) -> tuple[dict[str, Any], str]:
    call = turn.call
    if call is None and turn.answer is not None and "submit" in tools:
        call = ToolCall(turn.answer, "submit", f"call_submit_{number}")
    if call is None:
        said = turn.text if not turn.answer else f"{turn.text}\n{turn.answer}"
        return {"role": "assistant", "content": said}, "stop"
    arguments = json.dumps({tools.get(call.name, "command"): call.command})
    made = {"id": call.id or f"call_{number}", "type": "function", "function": {"name": call.name, "arguments": arguments}}
    return {"role": "assistant", "content": turn.text, "tool_calls": [made]}, "tool_calls"


def _usage(messages: Sequence[ChatMessage], turn: Turn) -> dict[str, int]:
    """Counted the same way every time: four bytes are a token, and a message has four tokens beside its text."""
    asked = sum(4 + _tokens(message.text) + sum(_tokens(call.command) for call in message.calls) for message in messages)
    said = 4 + _tokens(turn.text) + _tokens(turn.call.command if turn.call else turn.answer or "")
    return {"prompt_tokens": asked, "completion_tokens": said, "total_tokens": asked + said}


def _tokens(text: str) -> int:
    return -(-len(text.encode("utf-8", "replace")) // _TOKEN_BYTES)
