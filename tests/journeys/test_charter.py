"""A project writes a charter, a coordinator puts it in force, and a report waits for its turn: through the command line."""

import json
import re
from pathlib import Path

from tests_support import Command

GUIDE = Path(__file__).resolve().parents[2] / "docs/how-to/write-a-charter.md"


def test_charter_is_checked_adopted_and_obeyed(command: Command, tmp_path: Path) -> None:
    found = re.search(r"^```toml\n(.*?)^```", GUIDE.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    assert found is not None
    charter = tmp_path / "disclosure-charter.toml"
    charter.write_text(found[1].replace("per_week = 3", "per_week = -3"))
    line = found[1][: found[1].index("per_week")].count("\n") + 1
    failed = command.run("charter", "check", charter)
    assert (failed.returncode, failed.stderr) == (3, "clearinghouse: 1 error; a charter with errors is not read in part\n")
    assert f"error: line {line}, /capacity/per_week: -3 is less than the minimum of 0" in failed.stdout
    charter.write_text(found[1].replace('required = ["version", "locus", "reproducer"]\n', ""))
    assert json.loads(command("charter", "check", charter, "--json"))["charter"]["per_week"] == 3

    command("init", "--organisation", "Example CERT", "--person", "Operator")
    vendor = command("party", "add", "Libexample", "--kind", "organisation", "--role", "reporter").strip()
    command("charter", "adopt", charter, "--for", vendor, code=3)
    adopted = json.loads(command("charter", "adopt", charter, "--for", vendor, "--reason", "They asked by mail.", "--json"))["adopted"]
    assert len(adopted["covers"]) == 3
    assert json.loads(command("charter", "show", "pkg:pypi/LibExample@1.0", "--json"))[0]["digest"] == adopted["digest"]
    assert "libexample" in command("charter", "show", "libexample")
    printed = tmp_path / "printed.toml"
    printed.write_text(command("charter", "show", "libexample", "--toml"))
    assert json.loads(command("charter", "check", printed, "--json"))["digest"] == adopted["digest"]
    claimed = command("charter", "claim", "https://github.com/example/other", "--for", vendor).strip()
    assert re.fullmatch(r"clm_[a-z2-7]{26}", claimed)

    finding = {"title": "Overflow in read_strip", "packages": [{"purl": "pkg:pypi/libexample"}], "reproduction": "run it", "severity": "high"}
    reports = tmp_path / "report.ndjson"
    reports.write_text(json.dumps(finding) + "\n")
    command("intake", reports)
    report = json.loads(command("reports", "--json"))["reports"][0]["id"]
    item = command("capacity", "put", vendor, report).strip()
    assert "0 delivered" in command.run("capacity", "deliver").stderr
    waiting = json.loads(command("capacity", "queue", vendor, "--json"))
    assert [(one["item_id"], one["stopped"]["reasons"][0]["code"]) for one in waiting] == [(item, "reproducer.unconfirmed")]
    assert "held until" in command("capacity", "queue", vendor)
    command("capacity", "put", vendor, report, "--reproduced")
    assert report in command("capacity", "deliver")
    assert json.loads(command("capacity", "queue", vendor, "--json")) == []
