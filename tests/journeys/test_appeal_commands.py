"""An appeal over the command line: a finder who is told of a duplicate contests it, and another coordinator answers."""

import json
from pathlib import Path

from tests_support import Command


def test_appeal_over_the_command_line(command: Command, tmp_path: Path) -> None:
    command("init", "--organisation", "Example CERT", "--person", "Duty")
    ids = {}
    for name, roles in (("Finder", ("reporter",)), ("Other", ("reporter",)), ("Judge", ("coordinator",))):
        house = json.loads(command("party", "add", f"{name} Ltd", "--kind", "organisation", "--json"))["id"]
        ids[name] = json.loads(command("party", "add", name, *(word for role in roles for word in ("--role", role)), "--organisation", house, "--json"))["id"]
    reports = {}
    for name, title, symbol in (("Other", "Heap overflow in the strip reader", "read_strip"), ("Finder", "Loop in the directory parser", "next_entry")):
        path = tmp_path / f"{name}.ndjson"
        path.write_text(json.dumps({"title": title, "symbols": [symbol], "products": ["libpicture"]}) + "\n")
        [taken] = json.loads(command("intake", path, "--reporter", ids[name], "--json"))
        reports[name] = json.loads(command("show", taken["submission"], "--json"))["items"][0]["report_id"]
    decision = json.loads(command("merge", reports["Other"], reports["Finder"], "--reason", "one copy", "--json"))["decision"]
    command("grant", "give", reports["Finder"], ids["Judge"], "--reason", "looks at appeals")
    told = json.loads(command("--as", ids["Finder"], "show", reports["Finder"], "--json"))
    assert told["line"]["answer"] == "duplicate"
    assert "known, first received at" in command("--as", ids["Finder"], "show", reports["Finder"])
    appeal = json.loads(command(
        "--as", ids["Finder"], "appeal", "make", reports["Finder"], "--question", "duplicate", "--reason", "another parser", "--json"))["id"]
    assert "answer by" in command("appeal", "list")
    assert "another coordinator" in command.run("appeal", "answer", appeal, "--uphold", "--reason", "yes").stderr
    assert "one copy" in command("--as", ids["Judge"], "appeal", "show", appeal)
    done = json.loads(command("--as", ids["Judge"], "appeal", "answer", appeal, "--uphold", "--reason", "two parsers", "--json"))
    assert done["done"] == [f"undone: {decision}"]
    assert "two parsers" in command("--as", ids["Finder"], "appeal", "show", appeal)
    assert command.run("--as", ids["Other"], "appeal", "show", appeal).returncode == 4
    assert json.loads(command("ledger", "verify", "--json"))["valid"]
