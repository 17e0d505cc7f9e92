"""Packages and repositories in one spelling."""

import pytest

from clearinghouse.core.product import normalise_package, parse_purl
from clearinghouse.parties.charters.matching import keys_of, parse_scope, repository_key
from clearinghouse.parties.charters.records import Kind, ScopeKey


@pytest.mark.parametrize("address", [
    "https://github.com/Owner/Repo", "http://www.github.com/owner/repo/", "git@github.com:owner/repo.git", "git+https://github.com/owner/repo.git",
    "ssh://git@github.com/owner/repo", "github.com/owner/repo", "https://github.com/owner/repo/tree/main/src", "https://user:pw@github.com/owner/repo",
])
def test_spellings_of_a_repository_are_one(address: str) -> None:
    assert repository_key(address) == ScopeKey(Kind.REPOSITORY, "github.com/owner/repo")


@pytest.mark.parametrize(("address", "value"), [
    ("https://gitlab.com/Group/Sub/Repo/-/blob/main/x.c", "gitlab.com/group/sub/repo"),
    ("https://git.example.org/Case/Repo.git", "git.example.org/Case/Repo"),
    ("https://git.example.org:8443/r", "git.example.org:8443/r"),
])
def test_other_hosts_keep_what_tells_repositories_apart(address: str, value: str) -> None:
    assert repository_key(address) == ScopeKey(Kind.REPOSITORY, value)


@pytest.mark.parametrize("address", [
    "", "https://github.com", "https://github.com/owner", "https://localhost/x", "https://h.org/../x", "https://[::1", "a b.org/x",
    "https://h.org:99999/x", "https://h.org/" + "x" * 1000, "https://h.org/.git",
])
def test_what_names_no_repository_has_no_key(address: str) -> None:
    assert repository_key(address) is None


def test_package_spellings_are_one() -> None:
    assert parse_scope("pkg:pypi/Lib_Example@1.2") == parse_scope("pkg:pypi/lib.example") == ScopeKey(Kind.PACKAGE, "pypi/lib-example")
    assert parse_scope("pkg:") is None


def test_go_module_is_found_by_its_repository_too() -> None:
    package, _ = parse_purl("pkg:golang/github.com/Owner/repo/v2/inner")
    assert ScopeKey(Kind.REPOSITORY, "github.com/owner/repo") in keys_of([package])


def test_package_of_no_known_ecosystem_has_no_key() -> None:
    assert keys_of([normalise_package("", "x")], ["", "nonsense"]) == frozenset()
