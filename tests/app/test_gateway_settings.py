"""The table `[gateway]`: read as it is meant, refused with what would be right."""

from pathlib import Path
from typing import Any

import pytest

from clearinghouse.app.gateway_settings import GatewaySettings, parse_gateway, with_key
from clearinghouse.core.errors import Invalid
from clearinghouse.gateway.providers.base import UpstreamSettings

MAIN = {"kind": "openai", "base_url": "https://models.example.org/v1", "model": "build-7"}


def test_settings_of_a_gateway_are_read(tmp_path: Path) -> None:
    (tmp_path / "main.key").write_text("a-key\n")
    (tmp_path / "main.key").chmod(0o600)
    found = parse_gateway({
        "port": 0, "socket": "gateway.sock", "upstreams": {"main": {**MAIN, "key_file": "main.key", "purposes": ["probe"], "length_field": "max_tokens"}}
    }, tmp_path / "clearinghouse.toml")
    assert found == GatewaySettings(
        "127.0.0.1", 0, tmp_path / "gateway.sock", tmp_path / "gateway" / "journal.db", 60.0, 5.0,
        (UpstreamSettings("main", "openai", "https://models.example.org/v1", "build-7", "", "max_tokens", ("probe",), tmp_path / "main.key"),),
    )
    keyed = with_key(found.upstreams[0])
    assert keyed.key == "a-key"
    assert "a-key" not in repr(keyed)


@pytest.mark.parametrize(("table", "said"), [
    ({"colour": 1}, "knows host"), ({"port": 70_000}, "port"), ({"port": True}, "port"), ({"host": ""}, "unix socket"), ({"journal": ""}, "journal"),
    ({"head_seconds": 0}, "head_seconds"), ({"drain_seconds": -1}, "drain_seconds"), ({"upstreams": []}, "one table for each"),
    ({"upstreams": {"Main": MAIN}}, "small letters"), ({"upstreams": {"main": {**MAIN, "kind": "other"}}}, "kind"),
    ({"upstreams": {"main": {**MAIN, "model": ""}}}, "model"), ({"upstreams": {"main": {**MAIN, "base_url": "ftp://x"}}}, "base_url"),
    ({"upstreams": {"main": {**MAIN, "base_url": "https://u:p@x/v1"}}}, "base_url"), ({"upstreams": {"main": {**MAIN, "secret": "x"}}}, "knows kind"),
    ({"upstreams": {"main": {**MAIN, "purposes": ["fun"]}}}, "purposes"), ({"upstreams": {"main": {**MAIN, "length_field": "n"}}}, "length_field"),
])
def test_settings_of_another_form_are_refused(tmp_path: Path, table: dict[str, Any], said: str) -> None:
    with pytest.raises(Invalid, match=said):
        parse_gateway(table, tmp_path / "clearinghouse.toml")


@pytest.mark.parametrize(("name", "said"), [("none.key", "cannot be read"), ("open.key", "chmod 600"), ("empty.key", "one key")])
def test_key_is_read_by_the_gateway_alone_and_only_where_nobody_else_can(tmp_path: Path, name: str, said: str) -> None:
    (tmp_path / "open.key").write_text("a-key")
    (tmp_path / "open.key").chmod(0o644)
    (tmp_path / "empty.key").write_text("\n")
    (tmp_path / "empty.key").chmod(0o600)
    # Every other command of the instance goes on without it.
    found = parse_gateway({"upstreams": {"main": {**MAIN, "key_file": name}}}, tmp_path / "clearinghouse.toml")
    with pytest.raises(Invalid, match=said):
        with_key(found.upstreams[0])
