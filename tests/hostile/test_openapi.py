"""What a tool makes of our own description of the API: every operation asked with made-up data, none answered with a mistake of ours."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any
from urllib.request import urlopen

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings

from api_support import headers_of
from clearinghouse.app.settings import Settings, default_url
from clearinghouse.app.wiring import create_instance

CODE = (
    "from granian.constants import Interfaces\nfrom granian.server import Server\n"
    "Server('clearinghouse.server.main:application', address='127.0.0.1', port={port}, interface=Interfaces.ASGI, factory=True, "
    "log_enabled=False, websockets=False).serve()"
)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, dict[str, str]]]:
    """The address of a server of this module's own, and headers that speak for its founding person."""
    home = tmp_path_factory.mktemp("served") / "home"
    instance = create_instance(
        Settings(home, default_url(home), "test.example/log", home / "witness" / "checkpoint", ""), organisation="Example", person="Operator"
    )
    headers = headers_of(instance, instance.actor)
    instance.close()
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {**os.environ, "CLEARINGHOUSE_HOME": str(home), "CLEARINGHOUSE_WORKER": "0", "PYTHONPATH": os.pathsep.join(sys.path)}
    server = subprocess.Popen([sys.executable, "-c", CODE.format(port=port)], env=environment)
    try:
        _wait_for(f"http://127.0.0.1:{port}/alive")
        yield f"http://127.0.0.1:{port}", headers
    finally:
        server.terminate()
        server.wait(30)


def _wait_for(address: str) -> None:
    for _ in range(600):
        try:
            urlopen(address, timeout=2).read()
        except OSError:
            time.sleep(0.2)
        else:
            return
    raise TimeoutError(f"nothing answers at {address}")


@pytest.fixture(scope="module")
def described(served: tuple[str, dict[str, str]]) -> Any:
    """The description as the server gives it."""
    return schemathesis.openapi.from_url(served[0] + "/api/openapi.json")


def test_no_operation_answers_with_a_mistake_of_ours(described: Any, served: tuple[str, dict[str, str]]) -> None:
    asked, mistakes = 0, []
    for found in described.get_all_operations():
        operation = found.ok()

        @settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck), database=None, derandomize=True)
        @given(case=operation.as_strategy())
        def ask(case: Any) -> None:
            nonlocal asked
            asked += 1
            answer = case.call(headers=served[1], timeout=60)
            if answer.status_code >= 500 and answer.status_code != 503:
                mistakes.append((case.method, case.formatted_path, str(case.body)[:300], answer.text[:300]))

        ask()
    assert asked > 200
    assert mistakes == []


def test_description_is_complete(described: Any) -> None:
    paths = described.raw_schema["paths"]
    assert described.raw_schema["openapi"].startswith("3.1")
    assert len(paths) > 60
    silent = [f"{method} {path}" for path, entry in paths.items() for method, said in entry.items() if isinstance(said, dict) and not said.get("summary")]
    assert silent == []

