"""A rival asks a running server whether its findings are held, at the command line, as docs/reference/blind-check.md shows it."""

import json
import re
from pathlib import Path

import pytest

from tests_support import Command

HELD = '{"title": "Overflow in strip_read", "products": ["libtiff"], "symbols": ["strip_read"], "weaknesses": ["CWE-787"]}\n'
OTHER = '{"title": "Overflow in gif_frame", "products": ["giflib"], "symbols": ["gif_frame"]}\n'


@pytest.fixture
def holder(command: Command, tmp_path: Path) -> Command:
    """An instance that holds one finding."""
    command("init", "--organisation", "Example CERT", "--person", "Operator")
    (tmp_path / "held.jsonl").write_text(HELD)
    command("intake", str(tmp_path / "held.jsonl"))
    return command


def test_instance_of_ones_own_is_asked(holder: Command, tmp_path: Path) -> None:
    (tmp_path / "mine.jsonl").write_text(HELD + OTHER + '{"title": "Nothing to ask with"}\n')
    told = holder("blind-check", str(tmp_path / "mine.jsonl"), "--key", str(tmp_path / "key.pem"), "--keep", str(tmp_path / "keep"), "--json", code=8)
    assert [bool(each["matched"]) for each in json.loads(told)] == [True, False, False]
    assert (tmp_path / "key.pem").stat().st_mode & 0o077 == 0
    assert {path.stat().st_mode & 0o077 for path in (tmp_path / "keep").iterdir()} == {0}
    # What was committed to for asking is opened later like any other.
    [commitment] = {each["commitment"] for each in json.loads(told) if each["matched"]}
    listed = json.loads(holder("commit", "list", "--json"))
    assert commitment in {each["id"] for each in listed}
    assert len(list((tmp_path / "keep").iterdir())) == 2


def test_commitment_from_the_command_line(holder: Command, tmp_path: Path) -> None:
    report, proof = tmp_path / "report.jsonl", tmp_path / "report.proof"
    report.write_text(OTHER)
    (tmp_path / "poc.bin").write_bytes(b"\x00poc")
    holder("commit", "make", str(report), "--key", str(tmp_path / "key.pem"), "--section", f"reproducer={tmp_path / 'poc.bin'}")
    claim, opening = tmp_path / "report.jsonl.claim.json", tmp_path / "report.jsonl.opening.json"
    assert opening.stat().st_mode & 0o077 == 0
    assert "gif_frame" not in claim.read_text()
    recorded = json.loads(holder("commit", "record", str(claim), "--json"))
    holder("ledger", "prove", recorded["event"], "-o", str(proof))
    verified = holder("ledger", "verify", str(proof))
    assert json.loads(claim.read_text())["digest"] in re.sub(r"\s", "", verified)
    origin = json.loads(holder("ledger", "checkpoint", "--json"))["origin"]
    assert "valid" in holder("commit", "verify", str(opening), "--claim", str(claim), "--context", origin)
    holder("commit", "verify", str(opening), "--claim", str(claim), "--context", "other.example/log", code=3)
    assert json.loads(holder("commit", "open", recorded["id"], str(opening), "--section", "reproducer", "--json"))["state"] == "partly opened"
    assert json.loads(holder("commit", "open", recorded["id"], str(opening), "--json"))["state"] == "opened"
    assert json.loads(holder("commit", "figures", "--json"))["opened"] == 1
    holder("commit", "make", str(report), "--key", str(tmp_path / "key.pem"), code=6)
    holder("commit", "withdraw", recorded["id"], code=6)
