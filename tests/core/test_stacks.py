"""Which frames tell, and how alike two stacks are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearinghouse.core.stacks import FRAMES_MAX, Stack, crash_kind, stack_similarity, telling_stack

FRAMES = st.lists(st.sampled_from("abcdefgh"), max_size=FRAMES_MAX, unique=True).map(tuple)


@pytest.mark.parametrize(("kind", "expected"), [
    ("SEGV on unknown address 0x000000000000", "segv"), ("AccessViolation", "segv"), ("SourceAvNearNull", "segv"), ("SIGSEGV", "segv"),
    ("heap-buffer-overflow", "heap buffer overflow"), ("heap-buffer-overflow READ of size 4", "heap buffer overflow"),
    ("KeyError", "keyerror"), ("index out of range [5] with length 3", "index out range with length"), ("AbortSignal", "abort"),
    ("FPE", "divide by zero"), ("integer divide by zero", "divide by zero"), ("", ""), ("0x41414141", ""),
])
def test_crash_kind_is_free_of_sizes_and_spelling(kind: str, expected: str) -> None:
    assert crash_kind(kind) == expected


def test_machinery_of_any_runtime_is_no_telling_frame() -> None:
    functions = ["raise", "g_log", "png_malloc", "core::slice::copy_from_slice", "runtime.mallocgc", "java.util.ArrayList.get", "node:internal/main",
                 "??", "tile_read", "image_open", "RunOneTest"]
    assert telling_stack(functions).frames == ("tile_read", "image_open")


def test_a_programs_own_free_and_alloc_are_telling() -> None:
    # Where a program frees twice or overflows a size is where the flaw is.
    assert telling_stack(["__interceptor_free", "t2p_free", "grid_alloc", "main"]).frames == ("t2p_free", "grid_alloc")


def test_a_function_that_comes_back_by_way_of_others_stands_once() -> None:
    shallow = telling_stack(["resolve", "compose_node", "compose_document"])
    deep = telling_stack(["resolve", "compose_node", "compose_node", "compose_node", "compose_document"])
    assert shallow == deep == Stack(("resolve", "compose_node", "compose_document"))


def test_the_first_frame_of_the_programs_own_code_is_known_by_its_folder() -> None:
    stack = telling_stack(
        ["inflate", "png_read", "load_picture"], ["/src/third_party/zlib/inflate.c", "/src/app/vendor/png/pngread.c", "/src/app/picture.c"], [10, 20, 30],
    )
    assert stack == Stack(("inflate", "png_read", "load_picture"), 2, 10)


def test_the_stack_ends_at_the_fuzzers_entry_and_begins_below_the_panic() -> None:
    assert telling_stack(["main.cleanup", "panic", "a.parse", "LLVMFuzzerTestOneInput", "b.drive"]).frames == ("a.parse",)


def test_the_inner_frames_count_most() -> None:
    stack = ("read", "tile", "image", "open", "load")
    inner = stack_similarity(stack, ("read", "tile", "x", "y", "z"))
    outer = stack_similarity(stack, ("x", "y", "z", "open", "load"))
    assert 1.0 > inner > 0.5 > outer > 0.0


def test_a_log_cut_short_is_not_held_against_it() -> None:
    assert stack_similarity(("read", "tile", "image"), ("read", "tile")) == 1.0


def test_another_caller_of_the_programs_own_counts_against_a_library_frame_in_common() -> None:
    ours, theirs = ("inflate", "inflate_fast", "load_font"), ("inflate", "inflate_fast", "load_picture")
    assert stack_similarity(ours, theirs, 2, 2) < stack_similarity(ours, theirs)


@given(FRAMES, FRAMES, st.integers(-1, 3), st.integers(-1, 3))
def test_similarity_is_the_same_from_both_sides_and_within_bounds(ours: tuple[str, ...], theirs: tuple[str, ...], one: int, other: int) -> None:
    one, other = min(one, len(ours) - 1), min(other, len(theirs) - 1)
    found = stack_similarity(ours, theirs, one, other)
    assert found == pytest.approx(stack_similarity(theirs, ours, other, one))
    assert 0.0 <= found <= 1.0


@given(FRAMES.filter(bool), st.integers(-1, 3))
def test_a_stack_is_wholly_like_itself(frames: tuple[str, ...], project: int) -> None:
    place = min(project, len(frames) - 1)
    assert stack_similarity(frames, frames, place, place) == pytest.approx(1.0)


@given(st.lists(st.text(max_size=60), max_size=30), st.lists(st.text(max_size=60), max_size=30))
def test_hostile_frames_are_bounded(functions: list[str], paths: list[str]) -> None:
    stack = telling_stack(functions, paths)
    assert len(stack.frames) <= FRAMES_MAX
    assert len(set(stack.frames)) == len(stack.frames)
    assert stack.project < max(len(stack.frames), 0) or stack.project == -1
