"""One story through the command line: a coordinator's first day, from an empty machine to a proof in a finder's hand."""

import json
import subprocess
import sys
from pathlib import Path

from tests_support import Command

REPORTS = [
    {"id": "1", "title": "Heap overflow in png_read_palette", "description": "The PLTE chunk length is not compared with the table "
     "of 256 entries in src/png.c, so png_read_palette() writes past it.", "products": ["libtinyimg"], "symbols": ["png_read_palette"],
     "cwe": ["CWE-787"], "affected": ["<= 1.8.2"]},
    {"id": "2", "title": "Oversized PLTE chunk corrupts memory", "description": "Opening a PNG whose palette holds more than 256 "
     "colours overwrites the heap; the loop in png_read_palette trusts the file.", "products": ["libtinyimg"],
     "symbols": ["png_read_palette"], "cwe": ["CWE-122"]},
    {"id": "3", "title": "Path traversal in the sprite exporter", "description": "Names in an atlas may hold ../ and "
     "ti_export_sprites() opens them as they are.", "products": ["libtinyimg"], "symbols": ["ti_export_sprites"], "cwe": ["CWE-22"]},
]


def test_a_coordinators_first_day(command: Command, tmp_path: Path) -> None:
    # Before there is anything, the program says what to do.
    assert "clearinghouse init" in command.run("cases").stderr
    made = json.loads(command("init", "--organisation", "Example CERT", "--person", "Duty", "--json"))
    # Reports come in; one line is broken and sinks nothing.
    flood = tmp_path / "flood.ndjson"
    flood.write_text("\n".join([*map(json.dumps, REPORTS), "{broken"]) + "\n")
    [taken] = json.loads(command("intake", flood, "--json", code=8))
    assert taken["counts"] == {"accepted": 3, "accepted_with_warnings": 0, "refused": 1}
    assert "line 4" in command("show", taken["submission"])
    listed = json.loads(command("reports", "--json"))
    assert listed["total"] == 3
    by_title = {line["title"]: line for line in listed["reports"]}
    palette, oversized, sprites = (by_title[report["title"]] for report in REPORTS)
    assert palette["case_id"] == oversized["case_id"] != sprites["case_id"]
    # Why, in words and numbers.
    told = json.loads(command("explain", oversized["id"], palette["id"], "--json"))
    assert told["candidate"]["evidence"][0]["wording"]
    assert "same function" in command("explain", oversized["id"], palette["id"])
    # What the CVE counting rule makes of them; asking changes nothing.
    counted = json.loads(command("counting", palette["case_id"], "--json"))
    assert (counted["count"], counted["considered"], counted["rule"]["approved"]) == ("keep", 2, "2024-04-25")
    assert "4.1.11" in command("counting", palette["case_id"])
    # People have the last word, and can take it back exactly.
    before = json.loads(command("cases", "--json"))
    decided = json.loads(command("merge", palette["id"], sprites["id"], "--reason", "one fix for both", "--json"))
    merged = json.loads(command("cases", "--json"))
    assert [case["reports"] for case in merged["cases"]] == [3]
    assert "one fix for both" in command.run("show", palette["case_id"]).stderr
    assert json.loads(command("undo", decided["decision"], "--json"))["moved"] == decided["moved"]
    assert json.loads(command("cases", "--json")) == before
    assert "undone before" in command.run("undo", decided["decision"]).stderr
    # One of them is to be worked from; that too is a word with a reason, and taken back.
    named = json.loads(command("lead", oversized["id"], "--reason", "it names the loop", "--json"))
    shown = json.loads(command("show", palette["case_id"], "--json"))
    assert shown["lead"] == {"report_id": oversized["id"], "because": "named"}
    assert [line["place"] for line in shown["credit"]["lines"]] == ["first", "first"], "one file, one instant: a tie"
    assert "(tied)" in command.run("show", palette["case_id"]).stderr
    command("undo", named["decision"])
    # Nobody has appealed; who coordinates and sent the reports itself is told everything and appeals nothing it was not told.
    assert json.loads(command("appeal", "list", "--json")) == []
    assert "once a person has looked" in command.run("appeal", "make", sprites["id"], "--question", "known", "--reason", "no").stderr
    # Everything is on the record, and a finder can check it without us.
    assert json.loads(command("ledger", "verify", "--json"))["valid"]
    event = json.loads(command("show", palette["id"], "--json"))["events"][0]["event_id"]
    proof = tmp_path / "received.tlog-proof"
    command("ledger", "prove", event, "--output", proof)
    elsewhere = Command(tmp_path / "nothing here")
    assert "valid: leaf" in elsewhere("ledger", "verify", proof, "--key", made["ledger"])
    proof.write_text(proof.read_text().replace("index ", "index 1"))
    assert elsewhere.run("ledger", "verify", proof, "--key", made["ledger"]).returncode == 3


def test_another_organisation_is_told_nothing(command: Command, tmp_path: Path) -> None:
    command("init")
    other = command("party", "add", "Elsewhere Ltd", "--kind", "organisation", "--role", "coordinator").strip()
    flood = tmp_path / "flood.ndjson"
    flood.write_text("\n".join(map(json.dumps, REPORTS)) + "\n")
    [taken] = json.loads(command("intake", flood, "--json"))
    listed = json.loads(command("reports", "--json"))["reports"]
    as_other = ("--as", other)
    assert json.loads(command(*as_other, "reports", "--json")) == {"total": 0, "reports": []}
    assert json.loads(command(*as_other, "cases", "--json")) == {"total": 0, "cases": []}
    for found in (listed[0]["id"], listed[0]["case_id"], taken["submission"]):
        assert command.run(*as_other, "show", found).returncode == 4
    assert command.run(*as_other, "merge", listed[0]["id"], listed[2]["id"], "--reason", "x").returncode == 4
    assert command.run(*as_other, "explain", listed[0]["id"], listed[1]["id"]).returncode == 4
    decided = json.loads(command("merge", listed[0]["id"], listed[2]["id"], "--reason", "x", "--json"))["decision"]
    assert command.run(*as_other, "undo", decided).returncode == 4
    assert command.run(*as_other, "backup", tmp_path / "stolen").returncode == 5
    command("undo", decided)


def test_mistakes_of_the_user_get_a_line_and_a_code(command: Command, tmp_path: Path) -> None:
    command("init")
    (tmp_path / "binary").write_bytes(bytes(range(256)))
    for arguments, code in (
        (("policy", "put", tmp_path / "binary"), 3), (("intake", tmp_path / "binary", "--source", "nosuch"), 3),
        (("show", "nonsense"), 4), (("reports", "--newest", "99999999999999999999"), 2), (("undo", "dec_x"), 4),
        (("party", "token", "pty_x", "--scope", "everything"), 3), (("ledger", "prove", "evt_x"), 4),
    ):
        ended = command.run(*arguments)
        assert (ended.returncode, "Traceback" in ended.stderr) == (code, False), (arguments, ended.stderr)


def test_backup_restores_to_the_same_record(command: Command, tmp_path: Path) -> None:
    command("init")
    flood = tmp_path / "flood.ndjson"
    flood.write_text("\n".join(map(json.dumps, REPORTS)) + "\n")
    command("intake", flood)
    cases, state = command("cases", "--json"), command("ledger", "verify", "--json")
    command("backup", tmp_path / "backup", "--with-keys")
    assert command.run("backup", tmp_path / "backup").returncode == 6
    restored = Command(tmp_path / "restored")
    restored("restore", tmp_path / "backup")
    assert (restored("cases", "--json"), restored("ledger", "verify", "--json")) == (cases, state)
    # Signing goes on only once a person has said why the kept checkpoint is missing.
    assert restored.run("ledger", "checkpoint").returncode == 6
    restored("ledger", "adopt", "--reason", "drill: restored on another machine")
    assert restored.run("ledger", "adopt", "--reason", "again").returncode == 6
    restored("ledger", "checkpoint")
    assert json.loads(restored("ledger", "verify", "--json"))["leaves"] == json.loads(state)["leaves"] + 1
    # A file altered after it was written is noticed.
    with (tmp_path / "backup" / "clearinghouse.db").open("r+b") as file:
        file.seek(5000)
        file.write(b"x")
    assert "not as they were written" in Command(tmp_path / "third").run("restore", tmp_path / "backup").stderr


def test_help_answers_without_the_heavy_parts() -> None:
    probe = "import sys, clearinghouse.cli.main as m; sys.exit(any(n in sys.modules for n in ('sqlalchemy', 'scipy', 'lightgbm', 'numpy')))"
    assert subprocess.run([sys.executable, "-c", probe], check=False).returncode == 0
    shown = subprocess.run([sys.executable, "-m", "clearinghouse", "--help"], capture_output=True, text=True, check=True).stdout
    assert all(name in shown for name in ("intake", "reports", "cases", "show", "explain", "merge", "split", "undo", "ledger", "doctor", "demo"))


def test_doctor_says_what_is_missing_and_what_to_do(command: Command) -> None:
    found = {check["name"]: check for check in json.loads(command("doctor", "--json"))}
    assert (found["Python"]["state"], found["parser process"]["state"], found["instance"]["state"]) == ("ok", "ok", "missing")
    command("init")
    assert all(check["state"] != "broken" for check in json.loads(command("doctor", "--json")))
