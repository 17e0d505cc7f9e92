"""Patches read out of a text: the same change wherever it is picked to, and nothing that hangs."""

import time

from hypothesis import given
from hypothesis import strategies as st

from clearinghouse.core.diffs import FileChange, Hunk, find_changes, function_of, patch_id
from patch_samples import BACKPORT, PATCH


def test_changes_of_a_patch() -> None:
    code, log = find_changes("The fix:\n\n" + PATCH)
    assert (code.path, code.old, code.code) == ("src/chunk.c", "git:3b18e51", True)
    assert code.hunks == (Hunk("chunk_read", 10, code.hunks[0].id),)
    assert len(code.hunks[0].id) == 32
    assert (log.path, log.code) == ("CHANGELOG.md", False)


def test_patch_id_survives_a_cherry_pick() -> None:
    moved = PATCH.replace("@@ -10,5 +10,7 @@", "@@ -92,5 +92,7 @@").replace("    uint32_t", "\tuint32_t").replace("src/chunk.c", "lib/wombat/src/chunk.c")
    files = PATCH.split("diff --git ")
    turned = files[0] + "diff --git " + files[2] + "diff --git " + files[1]
    ids = {patch_id(find_changes(text)) for text in (PATCH, moved, turned, PATCH.replace("\n", "\r\n"))}
    assert len(ids) == 1
    assert ids != {""}
    assert patch_id(find_changes(PATCH.replace("CHUNK_TOO_LONG", "CHUNK_TOO_SHORT"))) not in ids


def test_a_backport_with_other_context_has_the_same_hunk() -> None:
    (backport,), (code, _) = find_changes(BACKPORT), find_changes(PATCH)
    assert backport.hunks[0].id == code.hunks[0].id
    assert patch_id((backport,)) != patch_id((code,))


def test_a_patch_that_changes_no_code_has_no_id() -> None:
    assert patch_id(find_changes("diff --git " + PATCH.split("diff --git ")[2])) == ""
    assert patch_id(()) == ""


def test_a_change_too_small_to_tell_is_no_hunk() -> None:
    small = "--- a/x.c\n+++ b/x.c\n@@ -1,2 +1,2 @@ int f(void)\n-\treturn 1;\n+\treturn 0;\n }\n"
    assert find_changes(small) == (FileChange("x.c", "", (Hunk("f", 1, ""),), find_changes(small)[0].digest, True),)


def test_two_files_without_git_headers_are_two_changes() -> None:
    plain = "--- a/x.c\n+++ b/x.c\n@@ -1 +1 @@\n-old text of the line\n+new text of the line\n--- a/y.c\n+++ b/y.c\n@@ -1 +1 @@\n-a\n+b\n"
    assert [change.path for change in find_changes(plain)] == ["x.c", "y.c"]


def test_function_of_a_heading() -> None:
    headings = ["static int chunk_read(struct stream *in)", "def parse(self):", "class Reader:", "func (s *Server) handle(w Writer) {", "} else if (x) {", ""]
    assert [function_of(one) for one in headings] == ["chunk_read", "parse", "Reader", "handle", "", ""]


@given(st.text(alphabet="@-+ \n0123456789,difgtab/\\x", max_size=400))
def test_hostile_text_raises_nothing(text: str) -> None:
    find_changes("--- a/x\n+++ b/x\n@@ -1,9 +1,9 @@\n" + text)


def test_a_huge_text_takes_no_long_time() -> None:
    began = time.process_time()
    find_changes("--- a/x\n+++ b/x\n" + "@@ -1,99999 +1,99999 @@ f(\n" + "+" * 50 + "\n" * 200_000)
    find_changes("@@ -1 +1 @@\n" * 100_000)
    find_changes("--- a/x\n+++ b/x\n@@ -1 +1 @@ " + "a " * 300_000)
    assert time.process_time() - began < 3
