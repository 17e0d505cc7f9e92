"""A recipe is read whole or not at all, and what is wrong with it is said with its place."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearinghouse.core.errors import Invalid
from clearinghouse.disclosure.validation.recipes.document import (
    build_recipe,
    canonical_document,
    named_digests,
    pin_document,
    read_recipe,
)
from clearinghouse.disclosure.validation.recipes.records import (
    BuildName,
    BuildPlan,
    Effect,
    Expected,
    Harness,
    HarnessKind,
    Language,
    Recipe,
    RunLimits,
    Source,
    Supplier,
)
from clearinghouse.disclosure.validation.workshop.materials import digest_of
from validation_support import FIX, Bytes, bench_policy, strips, strips_document


def test_recipe_says_everything() -> None:
    materials = Bytes()
    document = strips_document(materials, supplier="project", harness="project", extra="fixed_addresses = true\n[limits]\nwall_seconds = 3\n")
    found = read_recipe(document, bench_policy())
    [archive] = [digest for digest, content in materials.kept.items() if content[:2] == b"\x1f\x8b"]
    source = Source("strips-1.2.tar.gz", archive, ".", Supplier.PROJECT)
    assert found == Recipe(
        "A strip's count is believed", "pkg:generic/strips", Language.C,
        {BuildName.VULNERABLE: BuildPlan((source,)), BuildName.FIXED: BuildPlan((source,), (digest_of(FIX),))},
        Harness(HarnessKind.FUNCTION, Supplier.PROJECT), Expected(Effect.SANITIZER, "heap-buffer-overflow", "read_strip"),
        found.reproducer, (("clang", "{flags}", "-o", "harness", "strips.c", "{driver}"),), "address", found.benign, (), {}, {}, True,
        RunLimits(3, None), found.digest,
    )
    assert set(named_digests(found)) == set(materials.kept)


def test_digest_of_a_recipe_is_of_what_it_says_and_not_of_how_it_is_written() -> None:
    document = strips_document(Bytes())
    commented = b"# why it is so\n" + document.replace(b'language = "c"', b"language   =   'c'")
    assert read_recipe(commented, bench_policy()).digest == read_recipe(document, bench_policy()).digest
    assert build_recipe(canonical_document(commented, bench_policy())) == read_recipe(document, bench_policy())


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('format = "clearinghouse-recipe/1"', 'format = "clearinghouse-recipe/2"', "/format"),
        ('language = "c"', 'language = "cobol"', "/language"),
        ('component = "pkg:generic/strips"', 'component = "pkg:"', "/component: no package URL"),
        ('kind = "function"', 'kind = "module"\nfile = "a.py"', "/harness/kind: module is for python and node"),
        ('kind = "function"', 'kind = "program"\nargv = ["a"]\nend_marker = "done"', "/harness/argv: one of the words must hold `{input}`"),
        ('"{driver}"', '"main.c"', "/build: one step must have the word `{driver}`"),
        ('effect = "sanitizer"', 'effect = "sanitiser"', "/expected/effect"),
        ("[harness]", "[harness]\nfiles = 3", "/harness"),
        ('name = "strips-1.2.tar.gz"', 'name = "../strips.tar.gz"', "/sources/0/name"),
        ('name = "strips-1.2.tar.gz"', 'name = "strips-1.2.tar.gz"\ninto = "/etc"', "/sources/0/into"),
        ("[harness]", "[limits]\nwall_seconds = 1000\n[harness]", "/limits/wall_seconds: at most 120, as policy says"),
        ("[harness]", "[limits]\nmemory_megabytes = 9000\n[harness]", "/limits/memory_megabytes: at most 4096"),
        ("[harness]", "[environment]\nLD_PRELOAD = 'x'\n[harness]", "/environment"),
        ("[harness]", "[options]\nlog_path = 'x'\n[harness]", "/options"),
        ("[harness]", "[builds.vulnerable]\nsources = ['b.tar']\n[harness]", "there is no source 'b.tar'"),
        ('language = "c"', 'language = "c"\nsanitizer = "thread"', "/sanitizer"),
        ("[harness]", "when = 2026-01-01\n[harness]", "date"),
        ('language = "c"', "language = ", "no TOML"),
        ("[harness]", "a.b.c.d.e.f.g.h = 1\n[harness]", "more than six parts"),
    ],
)
def test_wrong_recipe_is_refused_with_its_place(old: str, new: str, said: str) -> None:
    text = strips_document(Bytes()).decode()
    assert old in text
    with pytest.raises(Invalid, match=re.escape(said)):
        read_recipe(text.replace(old, new, 1).encode(), bench_policy())


def test_memory_safe_program_has_no_sanitizer() -> None:
    text = strips_document(Bytes()).decode().replace('language = "c"', 'language = "python"\nsanitizer = "address"')
    text = text.replace('kind = "function"', 'kind = "module"\nfile = "a.py"')
    with pytest.raises(Invalid, match="a python program has none"):
        read_recipe(text.encode(), bench_policy())


def test_all_problems_are_said_at_once() -> None:
    text = strips_document(Bytes()).decode().replace('language = "c"', 'language = "d"').replace('effect = "sanitizer"', 'effect = "e"')
    with pytest.raises(Invalid, match=r"/language.*; .*effect|effect.*; .*/language"):
        read_recipe(text.encode(), bench_policy())


def test_large_and_binary_recipes_are_refused_unread() -> None:
    with pytest.raises(Invalid, match="at most 65536 bytes"):
        read_recipe(b"#" * 70_000, bench_policy())
    with pytest.raises(Invalid, match="byte 0 is not"):
        read_recipe(b"\xff\xfe", bench_policy())


@given(st.binary(max_size=300) | st.text(max_size=300).map(lambda text: text.encode("utf-8", "replace")))
def test_no_document_breaks_the_reader(untrusted: bytes) -> None:
    with pytest.raises(Invalid):
        read_recipe(untrusted, bench_policy())


def test_pinning_names_files_by_their_digest() -> None:
    assert pin_document('a = "file:in/b.bin"', {"in/b.bin": b"x"}) == f'a = "{digest_of(b"x")}"'
    with pytest.raises(Invalid, match="the file 'c', which is not there; there are: b"):
        pin_document('a = "file:c"', {"b": b""})


def test_builds_share_what_they_do_not_change() -> None:
    recipe = strips(Bytes(), builds="[builds.head]\n[builds.parent]\nsources = ['strips-1.2.tar.gz']\n")
    assert recipe.builds[BuildName.HEAD] == recipe.builds[BuildName.PARENT] == recipe.builds[BuildName.VULNERABLE]
