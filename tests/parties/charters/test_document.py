"""Reading a charter: what is understood, what is told and where, and that nothing hostile costs much."""

import json
import time
from datetime import UTC, datetime

import pysequoia
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearinghouse.app.settings import default_policy_document, parse_policy
from clearinghouse.core.product import normalise_package
from clearinghouse.core.severity import Band
from clearinghouse.parties.charters.document import build_charter, read_document, schema_document
from clearinghouse.parties.charters.records import (
    Channel,
    Charter,
    Contact,
    EmbargoTerms,
    Exclusion,
    Grade,
    OptOut,
    Problem,
    Take,
    Want,
)
from clearinghouse.parties.charters.rendering import render_toml

LIMITS = parse_policy(1, default_policy_document()).charters
NOW = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
FULL = '''
charter = 1

[project]
name = "libexample"
packages = ["pkg:pypi/Lib_Example"]
repositories = ["https://github.com/Example/libexample"]
languages = ["en", "de"]
valid_until = 2027-12-31

[policy]
url = "https://example.org/security"
acknowledge = true

[[contact]]
channel = "clearinghouse"

[[contact]]
channel = "email"
address = "security@example.org"

[reports]
take = "confirmed"
severity_floor = "medium"
required = ["version", "locus"]
reproducer_languages = ["c"]
reproducer_forms = ["test_case"]

[ai]
finds = "public"
take = "raw"
accountable_human = false

[scope]
threat_model = """
Input is hostile.
Callers are not."""
own_scanning = "nightly fuzzing"

[[scope.not_a_vulnerability]]
id = "assert-in-tools"
words = "An assertion in a tool that reads its own output."
weaknesses = ["CWE-617"]
paths = ["tools/"]

[capacity]
per_week = 3
burst = 2

[embargo]
days = 60
days_ai_found = 0
days_max = 90
details_later_days = 14

[opt_out]
scanning = true
until = 2027-01-01T12:00:00+02:00
reason = "We scan every night."

[obligations]
regimes = ["eu-cra"]

[credit]
tools = false
'''


def read(text: str | bytes) -> tuple[Charter | None, tuple[Problem, ...]]:
    found = read_document(text.encode() if isinstance(text, str) else text, LIMITS, NOW)
    return found.charter, found.problems


def test_full_charter_is_read_whole() -> None:
    assert read(FULL) == (
        Charter(
            "libexample", (normalise_package("pypi", "lib-example", "pkg:pypi/Lib_Example"),), ("https://github.com/Example/libexample",),
            ("en", "de"), datetime(2027, 12, 31, tzinfo=UTC), (), "https://example.org/security", True,
            (Contact(Channel.CLEARINGHOUSE), Contact(Channel.EMAIL, "security@example.org")), Take.CONFIRMED, Band.MEDIUM,
            (Want.VERSION, Want.LOCUS), ("c",), ("test_case",), True, Take.RAW, False, "", "Input is hostile.\nCallers are not.",
            (Exclusion("assert-in-tools", "An assertion in a tool that reads its own output.", ("CWE-617",), ("tools/",)),),
            "nightly fuzzing", 3, 2, None, EmbargoTerms(60, 0, 90, 14),
            OptOut(False, True, datetime(2027, 1, 1, 10, tzinfo=UTC), "We scan every night."), "", ("eu-cra",), True, False, "",
        ),
        (),
    )


def test_json_says_the_same_as_toml() -> None:
    toml = read_document(FULL.encode(), LIMITS, NOW)
    as_json = read_document(json.dumps(json.loads(toml.document), indent=3).encode(), LIMITS, NOW)
    assert (as_json.charter, as_json.digest, as_json.problems) == (toml.charter, toml.digest, ())
    assert build_charter(toml.document) == toml.charter


def test_rendered_charter_reads_back_the_same() -> None:
    first = read_document(FULL.encode(), LIMITS, NOW)
    assert read_document(render_toml(first.document).encode(), LIMITS, NOW).digest == first.digest


@given(st.text(max_size=60), st.text(max_size=300))
def test_rendering_keeps_every_text(name: str, words: str) -> None:
    document = {"charter": 1, "project": {"name": "x" + name, "repositories": ["https://github.com/o/r"]}, "credit": {"words": words}}
    first = read_document(json.dumps(document).encode(), LIMITS, NOW)
    assert first.charter is not None
    assert read_document(render_toml(first.document).encode(), LIMITS, NOW).digest == first.digest


@pytest.mark.parametrize(("before", "after", "place", "message"), [
    ('name = "libexample"', 'name = ""', "/project/name", "shorter than 1 character"),
    ('"pkg:pypi/Lib_Example"', '"pkg:"', "/project/packages/0", "no package URL"),
    ("https://github.com/Example/libexample", "https://user@github.com/o/r", "/project/repositories/0", "without a user"),
    ('address = "security@example.org"', 'address = "nobody"', "/contact/1/address", "no e-mail address"),
    ('channel = "email"', 'channel = "fax"', "/contact/1/channel", '"fax" is not one of'),
    ('["version", "locus"]', '["version", "karma"]', "/reports/required/1", '"karma" is not one of'),
    ("per_week = 3", "per_week = -1", "/capacity/per_week", "less than the minimum of 0"),
    ("days = 60", "days = 91", "/embargo/days", "above `days_max`"),
    ("2027-01-01T12:00:00+02:00", '"2027-13-01T00:00:00Z"', "/opt_out/until", "date-time"),
    ('id = "assert-in-tools"', 'id = "Not An Id"', "/scope/not_a_vulnerability/0/id", "does not match"),
    ('weaknesses = ["CWE-617"]', 'weaknesses = ["617"]', "/scope/not_a_vulnerability/0/weaknesses/0", "does not match"),
])
def test_error_is_told_with_its_place_and_line(before: str, after: str, place: str, message: str) -> None:
    assert FULL.count(before) == 1
    charter, problems = read(FULL.replace(before, after))
    assert charter is None
    line = FULL[: FULL.index(before)].count("\n") + 1
    assert [(problem.grade, problem.place, problem.line) for problem in problems] == [(Grade.ERROR, place, line)]
    assert message in problems[0].message


@pytest.mark.parametrize(("before", "after", "place", "message"), [
    ("per_week = 3", "per_week = 3\nper_moon = 1", "/capacity/per_moon", "is not known"),
    ("burst = 2", "burst = 2\nopen-max = 1", "/capacity/open-max", "`open_max` was perhaps meant"),
    ("pkg:pypi/Lib_Example", "pkg:pypi/Lib_Example@1.0", "/project/packages/0", "names a version"),
    ("2027-12-31", "2026-11-21T08:00:00Z", "/project/valid_until", "past already"),
    ("burst = 2", "burst = 9", "/capacity/burst", "above `per_week`"),
])
def test_warning_leaves_the_charter_readable(before: str, after: str, place: str, message: str) -> None:
    charter, problems = read(FULL.replace(before, after, 1))
    assert charter is not None
    assert [(problem.grade, problem.place) for problem in problems] == [(Grade.WARNING, place)]
    assert message in problems[0].message


def test_unknown_keys_change_neither_charter_nor_digest() -> None:
    assert read_document((FULL + "\n[future]\nword = 1\n").encode(), LIMITS, NOW).digest == read_document(FULL.encode(), LIMITS, NOW).digest


def test_public_key_is_taken_and_a_secret_one_refused() -> None:
    made = pysequoia.Tsk.generate("Security <security@example.org>")
    public, secret = str(made.extract_certificate()), str(made)
    charter, problems = read(FULL + f'\n[keys]\nopenpgp = """\n{public}"""\n')
    assert (charter is not None and charter.openpgp, problems) == (public.strip(), ())
    assert "revoke it" in str(read(FULL + f'\n[keys]\nopenpgp = """\n{secret}"""\n')[1][0])
    assert "no ASCII-armoured" in str(read(FULL + '\n[keys]\nopenpgp = "mine"\n')[1][0])


def test_texts_lose_what_deceives_a_reader() -> None:
    charter, _ = read(FULL.replace("nightly fuzzing", "nightly\\u202e fuzzing"))
    assert charter is not None
    assert charter.own_scanning == "nightly fuzzing"


def test_long_text_is_an_error_and_not_cut() -> None:
    charter, problems = read(FULL.replace("nightly fuzzing", "x" * (LIMITS.text_characters_max + 1)))
    assert charter is None
    assert [problem.place for problem in problems] == ["/scope/own_scanning"]


HOSTILE = [
    b"", b"\xff", b"[" * 60_000, b'{"a":' * 10_000, b"a" + b".a" * 30_000 + b"=1", b"a.b={" + b"a.a={" * 10_000, b"a" * 65_000,
    b'"a".' * 16_000, b"x=" + b"[1," * 20_000, b"[[a]]\n" * 10_900, b'{"a":1e999,"a":2}', b'{"charter": NaN}', b"x=" + b"9" * 6_000,
    b'{"charter":1,"project":{"name":"x","packages":[' + b'"pkg:a/b",' * 5_000 + b'"pkg:a/b"]}}', b"{" + b'"' * 60_000, b"x" * 70_000,
    b'{"charter":1,"project":{"name":"\\ud800"}}', b'charter=1\nproject={name="x",valid_until=07:00:00}', b"[]", b'"x"', b"{}",
    b'{"charter":1,"project":{"name":"x"},"capacity":{"per_week":1e300}}',
]


@pytest.mark.parametrize("document", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_document_is_an_error_at_once(document: bytes) -> None:
    start = time.perf_counter()
    charter, problems = read(document)
    assert charter is None
    assert problems
    assert all(len(str(problem)) < 500 for problem in problems)
    assert time.perf_counter() - start < 2


@given(st.binary(max_size=300) | st.text(max_size=300).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_any_bytes_get_an_answer(document: bytes) -> None:
    found = read_document(document, LIMITS, NOW)
    assert (found.charter is None) == bool(found.errors)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10), lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(["name", "packages", "words", "id", "per_week", "x"]), inner, max_size=4), max_leaves=8,
)


@given(st.dictionaries(st.sampled_from([*schema_document()["properties"], "other"]), JSON))
def test_any_json_of_known_names_gets_an_answer(value: dict[str, object]) -> None:
    found = read_document(json.dumps({"charter": 1, "project": {"name": "x"}, **value}).encode(), LIMITS, NOW)
    assert (found.charter is None) == bool(found.errors)


def test_every_part_of_the_format_is_described() -> None:
    def walk(schema: dict[str, object], place: str) -> list[str]:
        found = [] if schema.get("description") or place.endswith("[]") else [place]
        for name, inner in schema.get("properties", {}).items():  # type: ignore[attr-defined]
            found += walk(inner, f"{place}/{name}")
        items = schema.get("items")
        return found + (walk(items, place + "[]") if isinstance(items, dict) else [])

    assert walk(schema_document(), "") == []
