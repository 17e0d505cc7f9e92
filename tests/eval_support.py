"""A model whose answers are written down, items without a secret, and a custody of a dictionary: what tests of runs stand on."""

import json
import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from clearinghouse.core.errors import NotPermitted, Unavailable
from clearinghouse.core.ids import PartyId, ReviewCaseId, RunId, new_id
from clearinghouse.core.review_policy import BenchmarkPolicy
from clearinghouse.evaluation.benchmarks.engines import Endpoint
from clearinghouse.evaluation.benchmarks.engines.inspect import Venue, find_venue
from clearinghouse.evaluation.benchmarks.records import Domain, Grade, Grader, GraderKind, Item, Submission
from clearinghouse.evaluation.benchmarks.running import actions
from clearinghouse.evaluation.benchmarks.running.records import Purpose, Run, RunPlan
from clearinghouse.evaluation.statistics.records import Grid, PlannedItem
from clearinghouse.sandbox import Sandbox
from clearinghouse.storage import Envelope, Transaction
from tests_support import lacking

CANARY = "CANARY-9f1c7d52-only-in-toy-items"
BUILD = "fp_toy_1"

Say = Callable[["Asked"], "Said"]


@dataclass(frozen=True)
class Asked:
    """One request."""

    sample: str
    messages: Sequence[Mapping[str, Any]]
    document: Mapping[str, Any]
    headers: Mapping[str, str]
    turn: int
    """How many answers the model gave in this conversation."""
    number: int
    """How many requests there were before, of all samples."""

    @property
    def prompt(self) -> str:
        """What the sample was told."""
        return str(next(message["content"] for message in self.messages if message["role"] == "user"))

    @property
    def tool_said(self) -> str:
        """The last result of a tool."""
        return str(next((message["content"] for message in reversed(self.messages) if message["role"] == "tool"), ""))


@dataclass(frozen=True)
class Said:
    """One response."""

    content: str | None = None
    calls: Sequence[tuple[str, Mapping[str, Any]]] = ()
    finish: str | None = "default"
    refusal: str | None = None
    status: int = 200
    code: str = ""
    build: str = BUILD
    model: str = "toy-model"
    usage: tuple[int, int] | None = (100, 20)
    cut: bool = False
    """The connection ends in the middle of the answer."""
    wait_seconds: float = 0.0
    drip_seconds: float = 0.0
    """The answer comes in drops, over so long."""
    told: str = ""
    """The code of an error in the middle of a stream."""


def bash(command: str) -> Said:
    """The model runs a command."""
    return Said(calls=[("bash", {"command": command})])


def submit(answer: str) -> Said:
    """The model hands in an answer."""
    return Said(calls=[("submit", {"answer": answer})])


@dataclass
class ScriptedModel:
    """An OpenAI-compatible server on the loopback that says what a script says."""

    say: Say
    asked: list[Asked] = field(default_factory=list)
    url: str = ""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def endpoint(self) -> Endpoint:
        """Where it is."""
        return Endpoint(self.url, "ch.acc_test.secret", "toy-model")

    def samples(self) -> list[str]:
        """Ids of samples in the order in which they first asked."""
        return list(dict.fromkeys(each.sample for each in self.asked))


@contextmanager
def scripted(say: Say) -> Iterator[ScriptedModel]:
    """A scripted model, listening."""
    model = ScriptedModel(say)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            document = json.loads(self.rfile.read(int(self.headers["content-length"])))
            messages = document["messages"]
            with model._lock:
                asked = Asked(
                    self.headers.get("x-clearinghouse-sample", ""), messages, document, dict(self.headers),
                    sum(message["role"] == "assistant" for message in messages), len(model.asked),
                )
                model.asked.append(asked)
            said = model.say(asked)
            if said.wait_seconds:
                threading.Event().wait(said.wait_seconds)
            _answer(self, said, stream=bool(document.get("stream")))

        def log_message(self, *_arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    model.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    try:
        yield model
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _answer(handler: BaseHTTPRequestHandler, said: Said, *, stream: bool) -> None:
    if said.status != 200:
        _send(handler, said.status, json.dumps({"error": {"code": said.code, "message": "made up"}}).encode())
        return
    message: dict[str, Any] = {"role": "assistant", "content": said.content}
    if said.refusal is not None:
        message["refusal"] = said.refusal
    if said.calls:
        message["tool_calls"] = [
            {"id": f"call_{number}", "type": "function", "function": {"name": name, "arguments": json.dumps(arguments)}}
            for number, (name, arguments) in enumerate(said.calls)
        ]
    finish = ("tool_calls" if said.calls else "stop") if said.finish == "default" else said.finish
    usage = None if said.usage is None else {"prompt_tokens": said.usage[0], "completion_tokens": said.usage[1], "total_tokens": sum(said.usage)}
    head = {"id": "chatcmpl-toy", "created": 1_700_000_000, "model": said.model, "system_fingerprint": said.build}
    if not stream:
        body = json.dumps({**head, "object": "chat.completion", "choices": [{"index": 0, "message": message, "finish_reason": finish}], "usage": usage}).encode()
        _send(handler, 200, body, cut=said.cut, drip_seconds=said.drip_seconds)
        return
    pieces: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
    if said.content:
        half = len(said.content) // 2
        pieces += [{"content": said.content[:half]}, {"content": said.content[half:]}]
    if said.refusal is not None:
        pieces.append({"refusal": said.refusal})
    for index, call in enumerate(message.get("tool_calls", [])):
        function = call["function"]
        pieces.append({"tool_calls": [{"index": index, "id": call["id"], "type": "function", "function": {"name": function["name"], "arguments": ""}}]})
        pieces += [{"tool_calls": [{"index": index, "function": {"arguments": part}}]} for part in (function["arguments"][:5], function["arguments"][5:])]
    lines = [{**head, "object": "chat.completion.chunk", "choices": [{"index": 0, "delta": piece, "finish_reason": None}]} for piece in pieces]
    if not said.cut:
        lines.append({**head, "object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {}, "finish_reason": finish}]})
        if usage is not None:
            lines.append({**head, "object": "chat.completion.chunk", "choices": [], "usage": usage})
    if said.told:
        lines = [*lines[:2], {"error": {"message": "made up", "type": "gateway_refusal", "param": None, "code": said.told}}]
    body = b"".join(b"data: " + json.dumps(line).encode() + b"\n\n" for line in lines) + (b"" if said.cut or said.told else b"data: [DONE]\n\n")
    _send(handler, 200, body, kind="text/event-stream")


def _send(handler: BaseHTTPRequestHandler, status: int, body: bytes, *, kind: str = "application/json", cut: bool = False, drip_seconds: float = 0.0) -> None:
    handler.send_response(status)
    handler.send_header("content-type", kind)
    handler.send_header("content-length", str(len(body)))
    handler.end_headers()
    for start in range(0, len(body) if drip_seconds else 0, len(body) // 20):
        threading.Event().wait(drip_seconds / 20)
        with suppress(OSError):
            handler.wfile.write(body[start : start + len(body) // 20])
    if not drip_seconds:
        handler.wfile.write(body[: len(body) // 2] if cut else body)
    if cut:
        handler.close_connection = True


@cache
def venue() -> Venue:
    """The environment with Inspect; where there is none, tests that need it are skipped loudly, and fail where everything must be there."""
    named = os.environ.get("CLEARINGHOUSE_INSPECT_PYTHON")
    try:
        return find_venue(None if named is None else Path(named))
    except Unavailable as error:
        lacking(str(error))


def toy_item(number: int) -> Item:
    """An item that is solved by saying or writing the word in its file backwards."""
    word = f"word{number}zebra"
    return Item(
        new_id("itm"), "toy", f"family{number % 3}", Domain.READING, f"{CANARY}: read word.txt in your folder and hand in its word backwards (item {number}).",
        {"word.txt": f"{word}\n".encode(), "note.txt": CANARY.encode()}, Grader(GraderKind.ANSWER, mac=word[::-1].encode(), wanted=("extra.txt",)),
        Submission(word[::-1]), Submission(word), CANARY,
    )


def grade_toy(item_files: Mapping[str, bytes], grader: Grader, submission: Submission, sandbox: Sandbox, policy: BenchmarkPolicy) -> Grade:
    """By plain comparison; what is handed in can ask for trouble by a file."""
    if submission.files.get("extra.txt", b"").startswith(b"ungradable"):
        return Grade(None, "could not be graded")
    tampered = submission.files.get("extra.txt", b"").startswith(b"tamper")
    return Grade(submission.answer.encode() == grader.mac, "" if submission.answer else "no answer was handed in", tampered)


@dataclass
class ToyItems:
    """A custody: opens what it holds, and remembers for what."""

    count: int
    items: dict[str, Item] = field(default_factory=dict)
    opened: list[tuple[str, str]] = field(default_factory=list)
    released: bool = True

    def __post_init__(self) -> None:
        for number in range(self.count):
            item = toy_item(number)
            self.items[item.id] = item

    def open_item(self, item_id: str, *, run_id: RunId, about: str) -> Item:
        """As custody does."""
        if not self.released:
            raise NotPermitted("not released")
        self.opened.append((item_id, about))
        return self.items[item_id]


def toy_plan(items: ToyItems, *, epochs: int = 1, **changes: Any) -> RunPlan:
    """A plan over all of them, in order of families."""
    blinded = {f"b{number}": item for number, item in enumerate(items.items.values())}
    planned = sorted((item.family, name) for name, item in blinded.items())
    grid = Grid(tuple(PlannedItem(str(Domain.READING), family, name) for family, name in planned), epochs)
    values: dict[str, Any] = {
        "model": "toy-model", "tokens": 5_000, "messages": 20, "seconds": 60.0, "seed": "00" * 16, "reviewed_share": 0.5,
        "prompt_microdollars": 2.0, "completion_microdollars": 10.0, **changes,
    }
    return RunPlan(grid, {name: item.id for name, item in blinded.items()}, **values)


def plan_toy_run(
    tx: Transaction, items: ToyItems, *, actor: PartyId, envelope: Envelope, policy: BenchmarkPolicy, now: datetime, epochs: int = 1,
    model_version: str = "toy/1", purpose: Purpose = Purpose.SEALED, review: str = "", **changes: Any,
) -> Run:
    """A run over all of them."""
    return actions.plan_run(
        tx, ReviewCaseId(review or new_id("rev")), purpose, toy_plan(items, epochs=epochs, **changes), model_version=model_version, plan_digest="sha256:plan",
        engine="direct/1", readers=(), actor=actor, envelope=envelope, policy=policy, now=now,
    )


def solver(asked: Asked) -> Said:
    """Looks, and hands in what is right."""
    if asked.turn == 0:
        return bash("cat word.txt")
    return submit((asked.tool_said.strip().splitlines() or [""])[-1][::-1])


def held_by(items: ToyItems) -> Callable[[Asked], int]:
    """Which item a conversation is about, by number."""
    return lambda asked: int(asked.prompt.rsplit("item ", 1)[1].split(")")[0])
