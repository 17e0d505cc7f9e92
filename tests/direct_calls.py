"""The application called without a socket: what goes out to the byte, and how many statements each request cost."""

import asyncio
import concurrent.futures
import contextvars
import threading
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import quote

from litestar import Litestar
from sqlalchemy import event

from clearinghouse.app.wiring import Instance

_T = TypeVar("_T")
# Statements belong to a request and not to an instant: the worker and the matcher send theirs meanwhile.
_SENT: contextvars.ContextVar[list[str] | None] = contextvars.ContextVar("_SENT", default=None)
_SECONDS = 60.0


@dataclass(frozen=True)
class Answer:
    """One response as it left."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    statements: tuple[str, ...] = field(repr=False, compare=False, default=())

    def header(self, name: str) -> str:
        """The first value of a header; empty where it was not sent."""
        return next((value for key, value in self.headers if key == name), "")

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode("utf-8", "replace")

    @property
    def cookies(self) -> dict[str, str]:
        """The cookies it sets, by name."""
        found = (value.split(";", 1)[0].partition("=") for key, value in self.headers if key == "set-cookie")
        return {name: value for name, _, value in found}

    def everything(self) -> bytes:
        """Status, headers and body, for whoever looks for something that must not be there."""
        head = f"{self.status}\n" + "".join(f"{name}: {value}\n" for name, value in self.headers)
        return head.encode("utf-8", "surrogateescape") + self.body


class Application:
    """An application of an instance, started, on an event loop of its own."""

    def __init__(self, app: Litestar, instance: Instance) -> None:
        self.app = app
        self._instance = instance
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="application", daemon=True)
        self._end = asyncio.Event()
        self._life: concurrent.futures.Future[None] | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        started = threading.Event()
        self._life = asyncio.run_coroutine_threadsafe(self._live(started), self._loop)
        while not started.wait(0.1):
            if self._life.done():
                self._life.result()
        event.listen(self._instance.database.engine, "before_cursor_execute", _note)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        event.remove(self._instance.database.engine, "before_cursor_execute", _note)
        self._loop.call_soon_threadsafe(self._end.set)
        assert self._life is not None
        self._life.result(_SECONDS)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _live(self, started: threading.Event) -> None:
        # One task from start to end: what is entered in a task can be left in no other.
        async with self.app.lifespan():
            started.set()
            await self._end.wait()

    def call(self, method: str, target: str, headers: Mapping[str, str] | None = None, body: bytes = b"") -> Answer:
        """One request; `target` is path and query as they stand in the request line."""
        return self._run(self._call(method, target, headers or {}, [body]))

    def call_all(self, *requests: tuple[str, str, Mapping[str, str], bytes]) -> list[Answer]:
        """Requests all at once, each with method, target, headers and body."""

        async def together() -> list[Answer]:
            return await asyncio.gather(*(self._call(method, target, headers, [body]) for method, target, headers, body in requests))

        return self._run(together())

    def send(self, method: str, target: str, headers: Mapping[str, str], portions: list[bytes | None]) -> Answer:
        """A request whose body comes in portions; None breaks the connection off."""
        return self._run(self._call(method, target, headers, portions))

    def events(self) -> int:
        """How many events there are."""
        with self._instance.database.engine.connect() as connection:
            return int(connection.exec_driver_sql("select count(*) from events").scalar_one())

    def _run(self, what: Coroutine[Any, Any, _T]) -> _T:
        return asyncio.run_coroutine_threadsafe(what, self._loop).result(_SECONDS)

    async def _call(self, method: str, target: str, headers: Mapping[str, str], portions: "list[bytes] | list[bytes | None]") -> Answer:
        path, _, query = target.partition("?")
        raw = path.encode("utf-8", "surrogateescape")
        named = {name.lower(): value for name, value in headers.items()}
        named.setdefault("host", "testserver.local")
        if portions != [b""] and "content-length" not in named and "transfer-encoding" not in named:
            named["content-length"] = str(sum(len(portion) for portion in portions if portion is not None))
        scope = {
            "type": "http", "asgi": {"version": "3.0", "spec_version": "2.3"}, "http_version": "1.1", "method": method, "scheme": "http",
            "path": _decoded(path), "raw_path": raw, "query_string": quote(query, safe="%&=+-._~/:?,;@!$'()*").encode(), "root_path": "",
            "headers": [(name.encode("latin-1"), value.encode("utf-8", "surrogateescape")) for name, value in named.items()],
            "client": ("192.0.2.1", 40_000), "server": ("testserver.local", 80), "state": {},
        }
        waiting = list(portions)
        told: list[dict[str, Any]] = []
        sent: list[str] = []

        async def receive() -> dict[str, Any]:
            if not waiting:
                # Nothing more comes until the answer is out: a server says "disconnect" only then.
                while not any(message["type"] == "http.response.body" and not message.get("more_body") for message in told):
                    await asyncio.sleep(0.05)
                return {"type": "http.disconnect"}
            portion = waiting.pop(0)
            if portion is None:
                return {"type": "http.disconnect"}
            return {"type": "http.request", "body": portion, "more_body": bool(waiting)}

        async def send(message: dict[str, Any]) -> None:
            told.append(message)

        _SENT.set(sent)
        await self.app(scope, receive, send)  # type: ignore[arg-type]
        start = next((message for message in told if message["type"] == "http.response.start"), None)
        if start is None:
            return Answer(0, (), b"", tuple(sent))
        pairs = tuple((name.decode("latin-1").lower(), value.decode("utf-8", "surrogateescape")) for name, value in start["headers"])
        body = b"".join(message.get("body", b"") for message in told if message["type"] == "http.response.body")
        return Answer(start["status"], pairs, body, tuple(sent))


def _note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
    counting = _SENT.get()
    if counting is not None:
        counting.append(statement)


def _decoded(path: str) -> str:
    from urllib.parse import unquote

    return unquote(path, errors="replace")
