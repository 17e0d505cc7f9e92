"""The model over HTTP, on its page and on the command line: figures for administrators, what waits for who may decide."""

import json
from typing import Any

import pytest
from litestar.testing import TestClient
from typer.testing import CliRunner

from api_support import headers_of
from clearinghouse.app import process
from clearinghouse.app.wiring import Instance
from clearinghouse.cli.main import app as commands
from clearinghouse.core.roles import Role
from clearinghouse.disclosure.deconfliction.records import DecisionKind
from learning_support import clusters, decide, put_in_force, take_in
from party_factories import add
from web_support import signed_in

Headers = dict[str, str]


def differing(instance: Instance) -> str:
    """An instance on which a newer model would part clusters that somebody decided about; gives the correction in force."""
    take_in(instance, ("alder", "birch"))
    decide(instance, DecisionKind.NOT_SAME, "alder-0", "birch-0")
    version = put_in_force(instance, -9.0)
    process.deconflict(instance, settle=True)
    return version.id


def test_proposal_is_listed_with_its_evidence_and_dismissed_for_good(
    client: "TestClient[Any]", operator: Headers, instance: Instance
) -> None:
    differing(instance)
    before = clusters(instance)
    found = client.get("/api/v1/model/proposals", headers=operator).json()
    assert (found["total"], {one["kind"] for one in found["proposals"]}) == (len(found["proposals"]), {"part"})
    first = found["proposals"][0]
    assert first["probability_after"] < first["probability_before"]
    assert "learned" in {line["name"] for line in first["evidence"]}
    assert {report["id"] for report in (*first["first"], *first["second"])} >= set(first["pair"])
    path = f"/api/v1/model/proposals/{first['id']}"
    assert client.post(path, json={"accept": False, "reason": ""}, headers=operator).status_code in (400, 422)
    assert client.post(path, json={"accept": False, "reason": "one flaw"}, headers=operator).status_code == 201
    assert client.post(path, json={"accept": True, "reason": "two flaws"}, headers=operator).status_code == 404
    assert clusters(instance) == before


def test_corrections_are_for_administrators_and_proposals_for_who_is_on_duty(
    client: "TestClient[Any]", operator: Headers, instance: Instance
) -> None:
    version = differing(instance)
    coordinator = headers_of(instance, add(instance, "Colleague", Role.COORDINATOR))
    administrator = headers_of(instance, add(instance, "Root", Role.ADMINISTRATOR))
    assert client.get("/api/v1/model", headers=coordinator).status_code == 403
    assert client.get("/api/v1/model/proposals", headers=administrator).status_code == 403
    assert client.get("/api/v1/model/proposals", headers=coordinator).json() == {"total": 0, "proposals": []}
    waiting = client.get("/api/v1/model/proposals", headers=operator).json()["proposals"][0]["id"]
    answer = {"accept": True, "reason": "so"}
    foreign = client.post(f"/api/v1/model/proposals/{waiting}", json=answer, headers=coordinator)
    unknown = client.post(f"/api/v1/model/proposals/prp_{'a' * 26}", json=answer, headers=coordinator)
    assert (foreign.status_code, foreign.content) == (404, unknown.content)
    shown = client.get("/api/v1/model", headers=administrator).json()
    assert (shown["in_force"] != shown["shipped"], [one["state"] for one in shown["corrections"]]) == (True, ["in_force"])
    assert client.post(f"/api/v1/model/corrections/{version}/retire", headers=coordinator).status_code == 403
    assert client.post(f"/api/v1/model/corrections/{version}/retire", headers=administrator).json() == {"id": version, "state": "retired"}
    assert client.post(f"/api/v1/model/corrections/{version}/retire", headers=administrator).status_code == 409
    shown = client.get("/api/v1/model", headers=administrator).json()
    assert shown["in_force"] == shown["shipped"] != shown["settled_with"]


def test_page_shows_what_waits_and_undoes_an_answer(client: "TestClient[Any]", instance: Instance) -> None:
    version = differing(instance)
    browser = signed_in(client, instance, instance.actor)
    assert "A newer model would have it otherwise" in browser.get("/queue")
    page = browser.get("/model")
    assert "Part a cluster in two?" in page
    path = "/model/proposals/" + page.split('action="/model/proposals/')[1].split('"')[0]
    before = clusters(instance)
    browser.post(path, {"answer": "accept", "reason": "two flaws"}, seen="/model")
    assert clusters(instance) != before
    page = browser.get("/model")
    assert "Done as proposed." in page
    decision = page.split('name="decision" value="')[1].split('"')[0]
    browser.post("/decisions/undo", {"decision": decision, "back": "/model"}, seen="/model")
    browser.post(f"/model/corrections/{version}/retire", {}, seen="/model")
    assert "Out of force." in browser.get("/model")
    browser.post(f"/model/corrections/{version}/adopt", {}, seen="/model")
    browser.post(f"/model/corrections/{version}/adopt", {}, seen="/model")
    assert "in force already" in browser.get("/model")


def test_command_lists_answers_and_retires(sqlite_instance: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    version = differing(sqlite_instance)
    monkeypatch.setenv("CLEARINGHOUSE_HOME", str(sqlite_instance.settings.home))

    def run(*arguments: str) -> str:
        done = CliRunner().invoke(commands, ["model", *arguments], catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return done.stdout

    assert [one["id"] for one in json.loads(run("list", "--json"))["corrections"]] == [version]
    assert "in_force" in run("list")
    waiting = json.loads(run("proposals", "--json"))
    assert waiting["proposals"][0]["id"][:12] in run("proposals")
    before = clusters(sqlite_instance)
    moved = json.loads(run("accept", waiting["proposals"][0]["id"], "--reason", "two flaws", "--json"))["moved"]
    assert moved > 0
    assert clusters(sqlite_instance) != before
    assert json.loads(run("retire", version, "--json")) == {"retired": version}
    assert json.loads(run("adopt", version, "--json")) == {"in_force": version}
