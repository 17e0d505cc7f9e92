"""The salted hash as Scrutineer's documentation defines it, and what is spelled alike under it."""

import hashlib

import pytest

from clearinghouse.disclosure.deconfliction.blind.claim_hash import claim_hash, claim_hashes
from clearinghouse.disclosure.intake.records import CodeLocation, Finding

SALT = b"a salt that members share"


def test_hash_joins_its_parts_with_nul() -> None:
    expected = hashlib.sha256(SALT + b"\0https://github.com/example/app\0src/a.c\0CWE-22,CWE-79").digest()
    assert claim_hash(SALT, "https://github.com/example/app", "src/a.c", ("CWE-22", "CWE-79")) == expected


@pytest.mark.parametrize(("repository", "location", "weaknesses"), [
    ("https://GitHub.com/Example/App/", "src/a.c", ("CWE-79", "CWE-22")),
    ("https://github.com/example/app.git", "SRC\\A.c:42", ("cwe-22", " CWE-79 ", "CWE-22", "")),
    ("https://github.com/example/app.git/", "src/a.c:42:7", ("CWE-22", "CWE-79")),
    (" https://github.com/example/app", "src/a.c:10-20\nmore", ("CWE-22", "CWE-79")),
])
def test_spellings_of_one_finding_have_one_hash(repository: str, location: str, weaknesses: tuple[str, ...]) -> None:
    assert claim_hash(SALT, repository, location, weaknesses) == claim_hash(SALT, "https://github.com/example/app", "src/a.c", ("CWE-22", "CWE-79"))


def test_other_salt_file_or_weakness_is_another_hash() -> None:
    given = ("https://github.com/example/app", "src/a.c", ("CWE-22",))
    others = [
        claim_hash(b"other", *given), claim_hash(SALT, "https://github.com/example/ap", "src/a.c", ("CWE-22",)),
        claim_hash(SALT, given[0], "src/b.c", ("CWE-22",)), claim_hash(SALT, given[0], "src/a.c", ()),
    ]
    assert len({claim_hash(SALT, *given), *others}) == 5


def test_finding_has_a_hash_for_each_file_and_none_without_a_repository() -> None:
    places = (CodeLocation(path="a.c"), CodeLocation(path="b.c"), CodeLocation(path="a.c"), CodeLocation(symbol="f"))
    assert len(claim_hashes(SALT, Finding(repository="https://x.example/r", locations=places))) == 2
    assert claim_hashes(SALT, Finding(locations=places)) == ()
