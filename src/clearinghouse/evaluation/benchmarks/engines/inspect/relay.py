"""The model's door for the engine: chat completions on a socket, answered by the desk, which alone holds the key of the gateway."""

import json
import socketserver
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, Self

from clearinghouse.evaluation.benchmarks.engines.base import SAMPLE_HEADER
from clearinghouse.evaluation.benchmarks.engines.client import Answer, Told
from clearinghouse.evaluation.benchmarks.sessions.broker import short_address

_REQUEST_BYTES_MAX = 32 << 20
_STATUS = {Told.WINDOW: 403, Told.BUDGET: 402, Told.CONTEXT: 400, Told.STOPPED: 403, Told.FAILED: 400, Told.CUT: 400}
"""None of them is one that a client asks again for: how often to ask is decided behind the door."""


class _Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: the other side is gone, and a trace has no place to be printed."""


class Relay:
    """Listens on a socket until it is closed."""

    def __init__(self, path: Path, ask: Callable[[str, Mapping[str, Any]], Answer]) -> None:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            server_version, sys_version = "desk", ""

            def do_POST(self) -> None:
                _answer(self, ask)

            def log_message(self, *_arguments: object) -> None:
                return

        with short_address(path) as address:
            self._server = _Server(address, Handler)
        path.chmod(0o600)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="relay", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _answer(handler: BaseHTTPRequestHandler, ask: Callable[[str, Mapping[str, Any]], Answer]) -> None:
    try:
        size = int(handler.headers.get("content-length", "-1"))
        document = json.loads(handler.rfile.read(size)) if 0 <= size <= _REQUEST_BYTES_MAX else None
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict) or not handler.path.endswith("/chat/completions"):
        _send(handler, 400, {"error": {"message": "no question", "code": "invalid"}})
        handler.close_connection = True
        return
    answer = ask(str(handler.headers.get(SAMPLE_HEADER, "")), document)
    if answer.told not in (Told.ANSWER, Told.REFUSED):
        _send(handler, _STATUS[answer.told], {"error": {"message": "not answered", "code": answer.told}})
        return
    usage = {key: int(answer.response.get(key, 0)) for key in ("prompt_tokens", "completion_tokens")}
    finish = "content_filter" if answer.told is Told.REFUSED else answer.response["finish"]
    _send(handler, 200, {
        "id": "answer", "object": "chat.completion", "created": 0, "model": answer.response["model"] or "model",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": None, **answer.message}, "finish_reason": finish}],
        "usage": {**usage, "total_tokens": sum(usage.values())},
    })


def _send(handler: BaseHTTPRequestHandler, status: int, document: Mapping[str, Any]) -> None:
    body = json.dumps(document).encode()
    handler.send_response(status)
    handler.send_header("content-type", "application/json")
    handler.send_header("content-length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)
