"""Who may read what, told at the command line: a team, a read-in, broken glass, an invitation, a lost password."""

import json

from tests_support import Command


def test_access_is_given_shown_and_taken_away(command: Command) -> None:
    command("init", "--organisation", "Example CERT", "--person", "Ada")
    report = command.home / "probe.ndjson"
    report.write_text('{"title": "Marked heap overflow", "symbols": ["probe"]}\n')
    command("intake", report)
    report_id = json.loads(command("reports", "--json"))["reports"][0]["id"]
    firm = command("party", "add", "Vendor Ltd", "--kind", "organisation").strip()
    grace, overseer = (
        command("party", "add", name, "--organisation", firm, "--role", role).strip()
        for name, role in (("Grace", "vendor"), ("Olga", "overseer"))
    )
    command("--as", grace, "show", report_id, code=4)

    command("grant", "give", report_id, grace, "--reason", "wrote the parser")
    assert "Marked heap overflow" in command("--as", grace, "show", report_id)
    granted = json.loads(command("grant", "list", report_id, "--json"))
    assert [(each["party"], each["reason"]) for each in granted if each["basis"] == "read_in"] == [(grace, "wrote the parser")]
    command("grant", "revoke", report_id, grace, "--reason", "done")
    command("--as", grace, "show", report_id, code=4)
    command("--as", grace, "grant", "list", report_id, code=4)

    asked = command("--as", overseer, "break-glass", "request", report_id, "--reason", "it leaks").strip()
    assert asked in command("break-glass", "list")
    command("--as", overseer, "break-glass", "confirm", asked, code=5)
    command("--as", overseer, "show", report_id, code=4)
    # Whoever is at the command line could be both: one of the two has to be signed in to the workbench.
    command("break-glass", "confirm", asked, code=5)
    command("--as", overseer, "show", report_id, code=4)

    desk = json.loads(command("team", "list", "--json"))[0]["team"]["id"]
    command("team", "join", desk, grace, "--days", "1")
    assert grace in command("team", "list")
    command("team", "leave", desk, grace)
    assert grace not in command("team", "list")


def test_people_are_invited_reached_and_helped(command: Command) -> None:
    command("init", "--organisation", "Example CERT", "--person", "Ada")
    assert command("party", "invite", "--role", "vendor").startswith("chi.inv_")
    firm = command("party", "add", "Vendor Ltd", "--kind", "organisation").strip()
    grace = command("party", "add", "Grace", "--organisation", firm, "--role", "vendor").strip()
    contact = command("party", "contact", "add", grace, "grace@vendor.example").strip()
    assert "grace@vendor.example" in command("party", "contact", "list", grace)
    command("--as", grace, "party", "invite", "--role", "vendor", code=5)
    command("party", "contact", "remove", contact)
    assert "grace@vendor.example" not in command("party", "contact", "list", grace)
    assert command("party", "reset", grace).startswith("clh.lnk_")
    command("--as", grace, "party", "reset", grace, code=5)
    assert json.loads(command("session", "list", grace, "--json")) == []
    command("session", "revoke", grace)
