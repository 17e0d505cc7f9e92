"""The one ASGI application: which routes there are, and what every answer carries."""

import asyncio
import logging
import threading
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any

from litestar import Litestar, MediaType, Request, Response, get
from litestar.datastructures import MutableScopeHeaders
from litestar.logging import LoggingConfig
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme
from litestar.types import Message, Scope

from clearinghouse import __version__
from clearinghouse.api import problems
from clearinghouse.api.routers import api_routers
from clearinghouse.app import bench_work
from clearinghouse.app.reception import Reception
from clearinghouse.app.wiring import Instance
from clearinghouse.app.worker import run_in_thread
from clearinghouse.web import problems as pages
from clearinghouse.web.routers import web_router

_THREADS = 64
_WORKER_SECONDS_MAX = 10.0  # what it is in the midst of is leased, and taken up by the next one
_HEADERS = {
    # Nothing of anybody else is loaded, nothing runs that does not come from here, nobody frames these pages.
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; connect-src 'self'; form-action 'self'; "
        "frame-ancestors 'none'; base-uri 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
}


def create_application(instance: Instance, *, worker: bool = False, matcher_process: bool = True) -> Litestar:
    """The application of one instance; what it holds open (readers, matcher) starts and ends with it.

    Args:
        matcher_process: compare in a process of its own; see `Reception`.
        worker: do the follow-up work (mail, webhooks, deadlines) in a thread of this process as well.
    """

    @asynccontextmanager
    async def reception(app: Litestar) -> AsyncIterator[None]:
        # A thread that waits for the disk or for an answer costs little; too few of them make requests wait for threads.
        with ThreadPoolExecutor(_THREADS, "request") as threads, Reception(instance, matcher_process=matcher_process) as opened:
            asyncio.get_running_loop().set_default_executor(threads)
            app.state.reception = opened
            stop = threading.Event()
            beside = [run_in_thread(instance, stop), bench_work.run_in_thread(instance, stop)] if worker else []
            yield
            stop.set()
            for thread in beside:
                if thread is not None:
                    thread.join(_WORKER_SECONDS_MAX)

    app = Litestar(
        route_handlers=[alive, *api_routers(), web_router()],
        exception_handlers={Exception: _answer},
        lifespan=[reception],
        openapi_config=OpenAPIConfig(
            title="Clearinghouse", version=__version__, path="/api", render_plugins=[JsonRenderPlugin(path="/openapi.json")],
            components=Components(security_schemes={"token": SecurityScheme(type="http", scheme="bearer")}),
            security=[{"token": []}],
        ),
        before_send=[_carry],
        request_max_body_size=None,  # each route that reads a body bounds it by policy
        logging_config=LoggingConfig(log_exceptions="never", configure_root_logger=False),
    )
    app.state.instance = instance
    return app


@get("/alive", include_in_schema=False, sync_to_thread=False, media_type=MediaType.TEXT)
def alive() -> str:
    """For whoever watches whether the process answers."""
    return "alive\n"


def _answer(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """An error outside every route (no such address, a body too large): as a document for programs, as a page for people."""
    for_programs = request.url.path.startswith(("/api/", "/vince/"))
    return problems.answer(request, error) if for_programs else pages.answer(request, error)


async def _carry(message: Message, scope: Scope) -> None:
    """Errors, files and pages alike: what a browser must know stands on every answer."""
    if message["type"] == "http.response.start":
        headers = MutableScopeHeaders.from_message(message)
        for name, value in _HEADERS.items():
            headers.setdefault(name, value)


logging.getLogger("httpx").setLevel(logging.WARNING)
