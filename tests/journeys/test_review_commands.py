"""A review from the command line: opened, agreed, its window opened, checked offline, withdrawn."""

import json
from pathlib import Path

from review_support import AGREEMENT
from tests_support import Command


def party(command: Command, name: str, kind: str, *roles: str, organisation: str = "") -> str:
    options = [word for role in roles for word in ("--role", role)] + (["--organisation", organisation] if organisation else [])
    return str(json.loads(command("party", "add", name, "--kind", kind, *options, "--json"))["id"])


def test_review_is_opened_agreed_and_withdrawn(command: Command, tmp_path: Path) -> None:
    command("init", "--organisation", "Desk", "--person", "Operator")
    lab = party(command, "Lab", "organisation")
    dora = party(command, "Dora", "person", "developer", organisation=lab)
    desk = next(one["id"] for one in json.loads(command("party", "list", "--json")) if one["name"] == "Desk")
    anna = party(command, "Anna", "person", "authority", organisation=desk)
    edda = party(command, "Edda", "person", "evaluator", organisation=desk)
    review = json.loads(command("--as", dora, "review", "open", "Model", "1.0", "--question", "Please review it.", "--json"))["id"]
    assert command.run("--as", anna, "review", "show", review).returncode == 4
    command("--as", dora, "review", "do", review, "submit")
    terms = tmp_path / "terms.toml"
    terms.write_text(AGREEMENT)
    document = json.loads(command("--as", anna, "review", "do", review, "draft-agreement", "--file", f"document={terms}", "--json"))["made"]
    keys = {}
    for name, who in (("dora", dora), ("anna", anna)):
        keys[name] = tmp_path / f"{name}.pem"
        command("--as", who, "review", "key", keys[name])
        command("--as", who, "review", "sign", review, document, "--key", keys[name])
    shown = json.loads(command("--as", edda, "review", "show", review, "--json"))
    assert (shown["state"], [one["complete"] for one in shown["documents"]]) == ("terms_signed", [True])
    envelope = tmp_path / "agreement.json"
    command("--as", dora, "review", "statement", review, document, "--output", envelope)
    public = [_public(path) for path in keys.values()]
    checked = json.loads(command("review", "verify", envelope, "--key", public[0], "--key", public[1], "--json"))
    assert (len(checked["keys"]), checked["statement"]["predicate"]["window_hours"]) == (2, 48)
    again = command.run("--as", anna, "review", "sign", review, document, "--key", keys["anna"])
    assert (again.returncode, "signed this document before" in again.stderr) == (6, True)
    refused = command.run("--as", anna, "review", "do", review, "withdraw")
    assert (refused.returncode, "developer" in refused.stderr) == (5, True)
    unknown = command.run("--as", dora, "review", "do", review, "pause", "--word", "because=x")
    assert (unknown.returncode, "takes no because; it takes reason" in unknown.stderr) == (3, True)
    assert json.loads(command("--as", dora, "review", "do", review, "withdraw", "--json"))["state"] == "withdrawn"
    assert json.loads(command("review", "figures", "--json"))["opened"] == 0


def _public(path: Path) -> str:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    key = load_pem_private_key(path.read_bytes(), None)
    assert isinstance(key, Ed25519PrivateKey)
    return key.public_key().public_bytes_raw().hex()
