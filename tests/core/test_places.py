"""Paths that are one file wherever it was copied to, and ids of content."""

import hashlib

import pytest

from clearinghouse.core.places import content_id, file_tails, git_blob


@pytest.mark.parametrize(("one", "other", "common"), [
    ("inflate.c", "third_party/zlib/inflate.c", 1),
    ("contrib/minizip/unzip.c", "/home/x/app/vendor/zlib-1.2.11/contrib/minizip/unzip.c", 3),
    ("lib/yaml/resolver.py", "/usr/lib/python3/site-packages/yaml/resolver.py", 2),
    ("src/main/java/org/a/B.java", "org/a/B.java", 3),
    ("node_modules/tar/lib/parse.js", "tar/parse.js", 2),
    ("drivers/net/a/main.c", "drivers/net/b/main.c", 1),
    ("a/read.c", "a/write.c", 0),
])
def test_file_tails_meet_across_copies(one: str, other: str, common: int) -> None:
    ours, theirs = file_tails(one), file_tails(other)
    assert sum(a == b for a, b in zip(ours, theirs, strict=False)) == common


def test_file_tails_are_bounded_and_lower_case() -> None:
    assert file_tails("A/b/C/d/e/F.c") == ("f.c", "e/f.c", "d/e/f.c", "c/d/e/f.c")
    assert file_tails("") == file_tails("??") == ()


@pytest.mark.parametrize(("given", "expected"), [
    ("git:0123456789abcdef0123456789abcdef01234567", "git:0123456"), ("0123456789", "git:0123456"), ("git:0000000000", ""),
    ("sha-256:" + "A" * 64, "sha-256:" + "a" * 64), ("a" * 64, "sha-256:" + "a" * 64), ("sha-256:abcdef12", ""), ("no digest", ""), ("", ""),
    ("sha-1:" + "b" * 40, "sha-1:" + "b" * 40),
])
def test_content_id(given: str, expected: str) -> None:
    assert content_id(given) == expected


def test_git_blob_is_what_git_calls_it() -> None:
    # `printf 'hello\n' | git hash-object --stdin`
    assert git_blob(b"hello\n") == "git:ce01362"
    assert hashlib.sha1(b"blob 6\0hello\n", usedforsecurity=False).hexdigest().startswith("ce01362")
