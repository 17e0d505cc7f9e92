"""Settings and policy: what is refused before it can do harm."""

import re

import pytest

from clearinghouse.app.settings import default_policy_document, parse_policy
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
