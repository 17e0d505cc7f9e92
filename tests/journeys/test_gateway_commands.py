"""The gateway as a story of commands: serve, ask, look at the meter, suspend, restore, end, check the journal and the clock."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from clearinghouse.app.wiring import Instance
from clearinghouse.cli.main import app
from clearinghouse.core.errors import Conflict, Invalid, NotFound, Unavailable
from gateway_support import ask_plainly, gateway_process, grant, serving_instance
from simulators.upstream import upstream


def test_access_is_used_suspended_restored_and_ended_by_commands(sqlite_instance: Instance, tmp_path: Path) -> None:
    def run(*arguments: str) -> str:
        done = CliRunner().invoke(app, ["--home", str(sqlite_instance.settings.home), "gateway", *arguments])
        if done.exception is not None:
            raise done.exception
        return done.output

    def told(*arguments: str) -> Any:
        return json.loads(run(*arguments, "--json"))

    with pytest.raises(Unavailable, match="no model is set up"):
        run("serve")
    with upstream() as server:
        instance = serving_instance(sqlite_instance, server.url, tmp_path)
        access, key = grant(instance)
        with gateway_process(instance, server) as (_, opened):
            assert ask_plainly(opened, key, "hello") == 200
            time.sleep(0.2)
            used = told("meter", access.id)
            assert (used["meter"]["calls"], used["meter"]["prompt_tokens"], used["portions"][0]["completion_tokens"]) == (1, 12, 5)
            assert "of 1000000 tokens" in run("meter", access.id, "--hours")
            run("suspend", access.id, "--cause", "incident")
            time.sleep(0.4)
            assert ask_plainly(opened, key, "hello") == 403
            # Not the table: how wide it is depends on where it is printed.
            assert [one["suspended_at"] is not None for one in told("list")] == [True]
            with pytest.raises(Conflict):
                run("suspend", access.id)
            run("restore", access.id)
            time.sleep(0.4)
            assert ask_plainly(opened, key, "hello") == 200
            with pytest.raises(Invalid, match="one word"):
                run("end", access.id, "--cause", "Not one word")
            run("end", access.id)
            assert told("list")[0]["ended_at"] is not None
            with pytest.raises(Conflict):
                run("restore", access.id)
            with pytest.raises(Conflict, match="has not jumped"):
                run("clock", "--accept")
            assert told("clock")["jump"] == ""
            with pytest.raises(Conflict, match="another gateway writes"):
                run("serve")
        checked = told("verify")
        assert checked["heads"] >= 1
        assert checked["entries"] >= 6
        with pytest.raises(NotFound):
            run("meter", "acc_" + "a" * 26)
