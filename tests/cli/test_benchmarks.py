"""`clearinghouse benchmark` and `clearinghouse custody`, from the first key to a leak that is found."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from clearinghouse.app.settings import load_settings
from clearinghouse.app.wiring import open_instance
from clearinghouse.cli.main import app
from clearinghouse.core.errors import ClearinghouseError, Conflict, Invalid, NotFound, NotPermitted
from clearinghouse.core.roles import Role
from clearinghouse.evaluation.benchmarks.suites import SUITES, find_suite
from clearinghouse.sandbox import Sandbox
from party_factories import add
from sandbox_support import real_sandbox

RUNNER = CliRunner()


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    yield from real_sandbox()


def _run(*arguments: object) -> Result:
    return RUNNER.invoke(app, [str(each) for each in arguments])


def _done(*arguments: object) -> str:
    found = _run(*arguments)
    assert found.exit_code == 0, (found.output, found.exception)
    return found.stdout


def _refused(kind: type[ClearinghouseError], *arguments: object) -> None:
    found = _run(*arguments)
    assert isinstance(found.exception, kind), (found.output, found.exception)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    place = tmp_path / "home"
    monkeypatch.setenv("CLEARINGHOUSE_HOME", str(place))
    _done("init", "--organisation", "Example desk", "--person", "Operator")
    return place


def test_suites_are_listed() -> None:
    assert [suite["name"] for suite in json.loads(_done("benchmark", "list-suites", "--json"))] == [suite.name for suite in SUITES]
    assert "reading_way_back" in _done("benchmark", "list-suites")


def test_practice_pack_is_made_answered_and_graded(sandbox: Sandbox, tmp_path: Path) -> None:
    folder = tmp_path / "practice"
    _done("benchmark", "practice", folder, "--suite", "reading_lock", "--suite", "patching_accounts", "--per-family", "2", "--seed", "5")
    item = find_suite("reading_lock").generate(5, 1)
    place = folder / "submissions" / item.id
    place.mkdir(parents=True)
    (place / "answer.txt").write_text(item.reference.answer.upper() + "\n")
    graded = json.loads(_done("benchmark", "grade", folder, "--json"))
    assert [(one["item"], one["grade"]["correct"]) for one in graded if one["grade"]] == [(item.id, True)]
    shown = _done("benchmark", "grade", folder)
    assert "practice only" in shown
    assert "all" in shown
    _refused(Conflict, "benchmark", "practice", folder)
    _refused(NotFound, "benchmark", "practice", tmp_path / "other", "--suite", "nothing")
    _refused(Invalid, "benchmark", "grade", tmp_path)


def test_controls_are_proven(sandbox: Sandbox) -> None:
    assert json.loads(_done("benchmark", "controls", "--suite", "all", "--per-family", "1", "--json")) == {
        "items": len(SUITES), "families": len(SUITES), "failed": [],
    }  # fmt: skip


def test_pack_is_sealed_released_scanned_for_and_retired(sandbox: Sandbox, home: Path, tmp_path: Path) -> None:
    instance = open_instance(load_settings(home))
    desk = add(instance, "Desk", Role.EVALUATOR).id
    vaults = [add(instance, f"Vault {number}", Role.CUSTODIAN).id for number in range(3)]
    instance.close()
    for number, vault in enumerate(vaults):
        _done("--as", vault, "custody", "key", tmp_path / f"key{number}")
    common = ["--as", desk, "benchmark", "seal", "spring", "--suite", "reading_lock", "--suite", "finding_open_door", "--per-family", "2"]
    _refused(NotFound, *common, "--custodian", vaults[0], "--custodian", desk)
    _refused(NotPermitted, "--as", vaults[0], *common[2:], "--custodian", vaults[0], "--custodian", vaults[1])
    pack = json.loads(_done(*common, *(word for vault in vaults for word in ("--custodian", vault)), "--json"))
    assert (pack["items"], pack["threshold"], pack["shares"]) == (4, 2, 3)
    shown = json.loads(_done("--as", vaults[2], "benchmark", "show", pack["id"], "--json"))
    item = shown["items"][0]["id"]
    assert pack["id"] in _done("--as", desk, "benchmark", "list")
    assert json.loads(_done("benchmark", "list", "--json")) == [], "an administrator knows of no pack for that reason"

    proof = tmp_path / "proof.json"
    _done("--as", desk, "benchmark", "prove", item, "-o", proof)
    assert json.loads(_done("benchmark", "verify", proof, "--root", pack["root"], "--json"))["holds"]
    assert _run("benchmark", "verify", proof, "--root", "00" * 32).exit_code == 8

    run_key = tmp_path / "run.key"
    asked = json.loads(_done("--as", desk, "custody", "ask", pack["id"], "--purpose", "leak_scan", "--key", run_key, "--json"))
    _refused(Invalid, "--as", desk, "custody", "ask", pack["id"], "--purpose", "sealed_run", "--key", run_key)
    scan = ["--as", desk, "benchmark", "scan", home, "--ask", asked["id"], "--key", run_key]
    _refused(Conflict, *scan)
    for number in (0, 1):
        _done("--as", vaults[number], "custody", "release", asked["id"], "--key", tmp_path / f"key{number}")
    _refused(NotFound, "--as", vaults[0], "custody", "release", "rla_nothing", "--key", tmp_path / "key0")
    seen = json.loads(_done("--as", vaults[2], "custody", "asks", "--json"))
    assert [len(one["released"]) for one in seen] == [2]
    assert asked["id"] in _done("--as", vaults[2], "custody", "asks")

    # The vault itself: database, settings, keys, logs of everything above. Nothing of any item is in the clear.
    found = _run(*scan, "--json")
    assert json.loads(found.stdout)["leaks"] == []
    instance = open_instance(load_settings(home), acting_as=desk)
    from clearinghouse.evaluation.benchmarks.custody import RunKey, open_canaries
    from clearinghouse.evaluation.benchmarks.packs.boxes import read_private_key

    known = open_canaries(instance.database, asked["id"], RunKey(read_private_key(run_key)), actor=instance.actor.id, now=instance.clock.now())
    instance.close()
    canary = next(one for one, item_id in known.items() if item_id == item)
    crash = tmp_path / "crash"
    crash.mkdir()
    (crash / "core.gz").write_bytes(gzip.compress(b"stack " * 50 + canary.encode()))
    found = _run("--as", desk, "benchmark", "scan", crash, "--ask", asked["id"], "--key", run_key, "--retire")
    assert found.exit_code == 8
    assert item in found.stdout
    assert canary not in found.output
    retired = {one["id"]: one["retired_for"] for one in json.loads(_done("--as", desk, "benchmark", "show", pack["id"], "--json"))["items"]}
    assert {item_id for item_id, why in retired.items() if why == "leak"} == {item}
    assert _run("benchmark", "scan", crash, "--json").exit_code == 8, "whoever knows no canary finds what has the form of one"
    _refused(Invalid, "benchmark", "scan", crash, "--retire")
    _done("--as", vaults[0], "custody", "withdraw", asked["id"])
    _refused(Conflict, *scan)
    _done("--as", desk, "benchmark", "retire", pack["id"], "--reason", "a new one is sealed")
    _refused(Conflict, "--as", desk, "benchmark", "retire", pack["id"], "--reason", "again")
