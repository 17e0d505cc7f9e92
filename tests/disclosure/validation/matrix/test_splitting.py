"""A diff taken apart: any choice of its parts applies, and does what those parts did."""

from hypothesis import given, settings
from hypothesis import strategies as st

from clearinghouse.disclosure.validation.matrix.splitting import parse_diff, reduce_parts
from toy_bench import apply, diff

OLD = b"".join(b"line %d\n" % number for number in range(30))


def changed(*numbers: int) -> bytes:
    return b"".join(b"other %d\n" % number if number in numbers else b"line %d\n" % number for number in range(30))


def test_runs_of_changed_lines_are_the_parts() -> None:
    found = parse_diff(diff(OLD, changed(2, 4, 5, 20)))
    assert found.parts(24) == ((0, 0, 0), (0, 0, 1), (0, 1, 0))
    assert found.parts(2) == ((0, 0, -1), (0, 1, -1))
    assert found.parts(1) == ((0, -1, -1),)
    assert found.parts(0) == ()


@settings(max_examples=60, deadline=None)
@given(st.sets(st.integers(0, 29), min_size=1, max_size=8), st.integers(0, 4), st.data())
def test_any_choice_of_parts_applies_and_changes_those_lines_alone(numbers: set[int], context: int, data: st.DataObject) -> None:
    found = parse_diff(diff(OLD, changed(*numbers), context=context))
    parts = found.parts(24)
    chosen = data.draw(st.sets(st.sampled_from(parts), min_size=1))
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and runs[-1][-1] == number - 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    expected = changed(*(number for part, run in zip(parts, runs, strict=True) if part in chosen for number in run))
    assert apply(OLD, found.render(chosen)) == expected


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from([b"x\n", b"y\n", b"z\n"]), max_size=30), st.lists(st.sampled_from([b"x\n", b"y\n", b"z\n", b"w"]), max_size=30))
def test_all_parts_together_are_the_diff(old: list[bytes], new: list[bytes]) -> None:
    one, other = b"".join(old) or b"q\n", b"".join(new) or b"q\n"
    whole = diff(one, other)
    found = parse_diff(whole)
    assert apply(one, found.render(found.parts(100))) == (other if whole else one)


@settings(max_examples=60, deadline=None)
@given(st.sets(st.integers(0, 29), min_size=1, max_size=6), st.sampled_from(["made", "gone"]), st.integers(0, 4), st.data())
def test_lines_that_come_or_go_apply_in_any_choice(numbers: set[int], how: str, context: int, data: st.DataObject) -> None:
    def made(chosen: set[int]) -> bytes:
        return b"".join(
            b"line %d\n" % number + b"new %d\n" % number * (how == "made") if number in chosen else b"line %d\n" % number
            for number in range(30) if how == "made" or number not in chosen
        )

    kept = {number for number in numbers if number + 1 not in numbers}  # so that each is a run of its own
    found = parse_diff(diff(OLD, made(kept), context=context))
    parts = found.parts(24)
    assert len(parts) == len(kept)
    chosen = data.draw(st.sets(st.sampled_from(parts), min_size=1))
    assert apply(OLD, found.render(chosen)) == made({number for part, number in zip(parts, sorted(kept), strict=True) if part in chosen})


def test_a_file_that_is_made_is_one_part() -> None:
    made = b"diff --git a/new.txt b/new.txt\nnew file mode 100644\n--- /dev/null\n+++ b/new.txt\n@@ -0,0 +1,2 @@\n+one\n+two\n"
    found = parse_diff(made + diff(OLD, changed(3)))
    assert found.parts(24) == ((0, -1, -1), (1, 0, 0))
    assert found.render([(0, -1, -1)]) == made


def test_what_is_no_diff_has_no_parts() -> None:
    for text in (b"", b"hello\n@@ -1 +1 @@\n", b"\x00\xff" * 100, b"@@ -1,1 +1,1 @@\n-a\n+b\n"):
        assert parse_diff(text).parts(24) == ()


@given(st.binary(max_size=400))
def test_hostile_bytes_end_in_parts_or_none(content: bytes) -> None:
    found = parse_diff(b"--- a/x\n+++ b/x\n@@ -1,3 +1,3 @@\n" + content)
    found.render(found.parts(24))


@settings(max_examples=200)
@given(st.integers(1, 12), st.data())
def test_what_is_left_is_enough_and_nothing_of_it_can_go(count: int, data: st.DataObject) -> None:
    parts = [(0, 0, number) for number in range(count)]
    needed = data.draw(st.lists(st.sets(st.sampled_from(parts), min_size=1), min_size=1, max_size=3))

    def enough(chosen: tuple[tuple[int, int, int], ...]) -> bool:
        return any(one <= set(chosen) for one in needed)

    left = reduce_parts(parts, enough) if enough(tuple(parts)) else ()
    assert enough(left)
    assert not any(enough(tuple(part for part in left if part != one)) for one in left)
