"""Settings and policy: what is refused before it can do harm."""

import re
from pathlib import Path

import pytest

from clearinghouse.app.settings import (
    BulkSettings,
    MailSettings,
    OutwardSettings,
    Settings,
    default_policy_document,
    load_settings,
    parse_policy,
)
from clearinghouse.core.errors import Invalid


def changed(name: str, value: str) -> str:
    document, count = re.subn(rf"(?m)^{name} = .*$", f"{name} = {value}", default_policy_document())
    assert count == 1
    return document


def test_default_policy_is_read() -> None:
    assert parse_policy(3, default_policy_document()).version == 3


@pytest.mark.parametrize(("name", "value"), [
    ("parser_seconds_max", "nan"), ("parser_seconds_max", "inf"), ("parser_seconds_max", "1e300"), ("parser_seconds_max", "0"),
    ("line_bytes_max", "99999999999999999999"), ("line_bytes_max", "1.5"), ("line_bytes_max", "true"), ("line_bytes_max", '"many"'),
    ("candidates_max", "0"), ("candidates_max", "-1"), ("candidates_max", "5"), ("join_probability_min", "0.01"),
    ("join_probability_min", "1.5"), ("share_min", "-0.1"),
])
def test_number_that_makes_no_sense_is_refused_and_named(name: str, value: str) -> None:
    with pytest.raises(Invalid, match=name):
        parse_policy(2, changed(name, value))


@pytest.mark.parametrize("document", ["", "[intake]\n", "no toml", default_policy_document() + "\n[extra]\nx = 1\n"])
def test_incomplete_or_foreign_policy_is_refused(document: str) -> None:
    with pytest.raises(Invalid):
        parse_policy(2, document)


def settings_of(folder: Path, text: str) -> Settings:
    (folder / "clearinghouse.toml").write_text(text)
    return load_settings(folder)


def test_settings_that_say_nothing_of_mail_keep_it_in_a_folder(tmp_path: Path) -> None:
    found = settings_of(tmp_path, "")
    assert (found.outward, found.mail, found.public_url) == (OutwardSettings(), MailSettings(), "")
    assert (found.mail_folder, found.mail_sender) == (tmp_path / "mail", "clearinghouse@localhost.localdomain")


def test_settings_of_mail_and_outward_are_read(tmp_path: Path) -> None:
    found = settings_of(
        tmp_path,
        'public_url = "https://cases.example.org/"\n[outward]\nports = [443, 8443]\nallowed_hosts = ["sso.example:8443", "[::1]:80"]\n'
        '[mail]\nsender = "security@example.org"\nhost = "mx.example.org"\nport = 465\nsecurity = "tls"\ncredentials_path = "keys/smtp"\n',
    )
    assert found.public_url == "https://cases.example.org"
    assert found.outward == OutwardSettings(True, (443, 8443), ("sso.example:8443", "[::1]:80"))
    assert found.mail == MailSettings("security@example.org", "mx.example.org", 465, "tls", tmp_path / "keys/smtp")


@pytest.mark.parametrize(("text", "named"), [
    ('public_url = "ftp://x"', "public_url"), ('public_url = "https://u@x"', "public_url"), ("public_url = 3", "public_url"), ('public_url = "https://["', "public_url"),
    ("[outward]\nenabled = 1", "enabled"), ("[outward]\nports = [0]", "ports"), ("[outward]\nports = 443", "ports"),
    ('[outward]\nallowed_hosts = ["example.org"]', "allowed_hosts"), ("[outward]\nproxy = 1", "proxy"), ("outward = 3", "outward"),
    ('[mail]\nsender = "A <a@b>"', "sender"), ('[mail]\nsender = "a@b\\nBcc: c@d"', "sender"), ("[mail]\nport = 70000", "port"),
    ('[mail]\nhost = "mx.example.org"\nsecurity = "none"', "security"), ('[mail]\nsecurity = "ssl"', "security"), ("[mail]\npassword = 1", "password"),
])
def test_setting_that_makes_no_sense_is_refused_and_named(tmp_path: Path, text: str, named: str) -> None:
    with pytest.raises(Invalid, match=named):
        settings_of(tmp_path, text)


def test_settings_of_bulk_are_read(tmp_path: Path) -> None:
    assert settings_of(tmp_path, "").bulk == BulkSettings()
    text = '[bulk]\nengine = "spark"\nmemory_megabytes = 4000\nspark_master = "spark://cluster:7077"\nfolder = "/shared/settling"\n'
    assert settings_of(tmp_path, text).bulk == BulkSettings("spark", 4000, "spark://cluster:7077", Path("/shared/settling"))


@pytest.mark.parametrize("line", [
    'engine = "abacus"', "engine = 1", "memory_megabytes = 10", "memory_megabytes = true", 'spark_master = ""', "folder = 1", "colour = 1",
])
def test_settings_of_bulk_that_make_no_sense_are_refused(tmp_path: Path, line: str) -> None:
    with pytest.raises(Invalid, match=re.escape("[bulk]")):
        settings_of(tmp_path, f"[bulk]\n{line}\n")
