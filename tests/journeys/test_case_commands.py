"""A case from the command line: opened, talked in, passed on to another instance."""

import json
from pathlib import Path

import pytest

from tests_support import Command


@pytest.fixture
def elsewhere(tmp_path: Path) -> Command:
    """The program in another home."""
    return Command(tmp_path / "elsewhere")


def test_case_is_opened_talked_in_and_passed_on(command: Command, elsewhere: Command, tmp_path: Path) -> None:
    for program, name in ((command, "Example CERT"), (elsewhere, "Other CERT")):
        program("init", "--organisation", name, "--person", "Operator", "--origin", name.split()[0].lower() + ".example/log")
    report = tmp_path / "report.ndjson"
    report.write_text('{"title": "Heap overflow in parse_chunk", "symbols": ["parse_chunk"]}\n')
    command("intake", report)
    report_id = json.loads(command("reports", "--json"))["reports"][0]["id"]
    case = json.loads(command("case", "open", report_id, "--title", "Overflow", "--tlp", "green", "--json"))["id"]
    assert [line["id"] for line in json.loads(command("case", "list", "--json"))] == [case]
    added = json.loads(command("party", "add", "Acme", "--kind", "organisation", "--role", "vendor", "--json"))["id"]
    invited = json.loads(command("case", "invite", case, added, "--role", "vendor", "--reason", "it is their parser", "--json"))
    assert (invited["party"], invited["role"], invited["state"]) == (added, "vendor", "invited")
    assert json.loads(command("--as", added, "case", "accept", case, "--json"))["state"] == "joined"
    command("--as", added, "case", "message", case, "we *look* \x1b[31m")
    shown = command("case", "show", case)
    assert ("we *look*" in shown, "\x1b" in shown, "Acme" in shown) == (True, False, True)
    assert json.loads(command("case", "show", case, "--json"))["case"]["title"] == "Overflow"

    bundle, again = tmp_path / "case.bundle", tmp_path / "again.bundle"
    written = json.loads(command("case", "export", case, bundle, "--json"))
    assert (written["size_bytes"], bundle.stat().st_mode & 0o777) == (bundle.stat().st_size, 0o600)
    assert command.run("case", "export", case, bundle).returncode == 6
    taken = json.loads(elsewhere("case", "import", bundle, "--json"))["id"]
    assert json.loads(elsewhere("case", "import", bundle, "--json"))["id"] == taken
    assert json.loads(elsewhere("case", "export", taken, again, "--json"))["digest"] == written["digest"]
    assert again.read_bytes() == bundle.read_bytes()
    assert "we *look*" in elsewhere("case", "show", taken)


def test_mistakes_say_what_would_be_right(command: Command, tmp_path: Path) -> None:
    command("init", "--organisation", "Example CERT", "--person", "Operator")
    altered = tmp_path / "altered"
    altered.write_bytes(b'{"part":"manifest"}\n')
    for arguments, code, said in (
        (("case", "show", "case_" + "a" * 26), 4, "nothing found"), (("case", "import", altered), 3, "bundle"),
        (("case", "open", "rep_x", "--title", "x", "--tlp", "white"), 3, "CLEAR"), (("case", "list", "--state", "new"), 3, "open"),
        (("case", "export", "x", tmp_path / "f", "--reach", "moon"), 3, "community"),
    ):
        done = command.run(*arguments)
        assert (done.returncode, said in done.stderr) == (code, True), (arguments, done.stderr)
