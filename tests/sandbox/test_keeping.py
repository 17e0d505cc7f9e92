"""Attack 26: a folder for output that was made to hurt whoever reads it; and what goes in."""

import dataclasses
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from clearinghouse.core.errors import Invalid
from clearinghouse.sandbox import Ending, Entry, Ran
from clearinghouse.sandbox.collecting import collect
from sandbox.conftest import SMALL

Run = Callable[..., Ran]


def test_poisoned_output_folder_gives_only_plain_files_that_were_named(run_any: Run) -> None:
    script = r"""
cd /out; echo good > good; ln -s /etc/shadow shadow; ln -s / root; mkfifo fifo; mknod device c 1 3
truncate -s 60M sparse; echo one > one; ln one two; mkdir folder; mkdir real; ln -s real linked; echo x > real/x
echo x > "$(printf 'a\033[2Jb\n<script>')"; echo x > locked; chmod 000 locked; touch empty; ln -s good loop
"""
    names = ("good", "shadow", "root/etc/shadow", "fifo", "device", "sparse", "one", "two", "folder", "linked/x", "real/x", "empty", "loop", "absent")
    ran = run_any("sh", "-c", script, keep=names, limits=dataclasses.replace(SMALL, file_bytes_max=64 << 20, scratch_bytes_max=32 << 20))
    assert ran.kept == {"good": b"good\n", "real/x": b"x\n", "empty": b""}
    assert ran.refused == {
        "shadow": "is a link, or not to be opened", "root/etc/shadow": "is a link, or not to be opened", "fifo": "was not written",
        "device": "was not written", "sparse": f"is larger than {(32 << 20) - 5} bytes", "one": "has a second name", "two": "has a second name",
        "folder": "is no plain file", "linked/x": "is a link, or not to be opened", "loop": "is a link, or not to be opened", "absent": "was not written",
    }  # fmt: skip


def test_larger_file_than_allowed_ends_its_writer(run_any: Run) -> None:
    ran = run_any("sh", "-c", "truncate -s 1T /out/sparse; exec head -c 3000000 /dev/zero > /out/large", keep=("sparse", "large"),
              limits=dataclasses.replace(SMALL, file_bytes_max=1_000_000))  # fmt: skip
    assert (ran.ending, ran.signal) == (Ending.SIGNALLED, 25)
    assert (len(ran.kept["large"]), ran.kept["sparse"]) == (1_000_000, b"")


def test_collector_refuses_special_files_that_a_filter_let_through(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "plain").write_bytes(b"x" * 10)
    folder = os.open(tmp_path, os.O_RDONLY)
    try:
        assert collect(folder, ["fifo", "plain"], file_bytes_max=10, total_bytes_max=10) == ({"plain": b"x" * 10}, {"fifo": "is no plain file"})
        assert collect(folder, ["plain"], file_bytes_max=9, total_bytes_max=10) == ({}, {"plain": "is larger than 9 bytes"})
    finally:
        os.close(folder)


def test_naive_reader_would_follow_the_link(tmp_path: Path) -> None:
    """The guard's twin: what `open` alone does."""
    secret, out = tmp_path / "secret", tmp_path / "out"
    out.mkdir()
    secret.write_text("told")
    (out / "name").symlink_to(secret)
    assert (out / "name").read_text() == "told"
    folder = os.open(out, os.O_RDONLY)
    try:
        assert collect(folder, ["name"], file_bytes_max=10, total_bytes_max=10) == ({}, {"name": "is a link, or not to be opened"})
    finally:
        os.close(folder)


def test_large_file_comes_out_whole(run_any: Run) -> None:
    wide = dataclasses.replace(SMALL, file_bytes_max=128 << 20, scratch_bytes_max=128 << 20)
    ran = run_any("head", "-c", str(100 << 20), "/dev/zero", limits=wide)
    assert ran.ending is Ending.OUTPUT
    ran = run_any("sh", "-c", f"head -c {100 << 20} /dev/zero > /out/build", keep=("build",), limits=wide)
    assert len(ran.kept["build"]) == 100 << 20


def test_folder_goes_in_as_copies_with_what_may_be_executed(run_any: Run, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    (tree / "below").mkdir(parents=True)
    (tree / "below" / "data").write_bytes(b"data")
    (tree / "tool").write_bytes(b"#!/bin/sh\necho ran\n")
    (tree / "tool").chmod(0o700)
    entries = (Entry("tree", tree), Entry("one", tree / "below" / "data"), Entry("script", b"#!/bin/sh\necho too\n", executable=True))
    ran = run_any("sh", "-c", "/in/tree/tool; /in/script; cat /in/tree/below/data /in/one; rm -rf /in/tree; echo x > /in/one", inputs=entries)
    assert ran.untrusted_stdout == b"ran\ntoo\ndatadata"
    assert (tree / "below" / "data").read_bytes() == b"data"


def test_folder_with_a_link_is_refused(run_any: Run, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/etc/shadow")
    with pytest.raises(Invalid, match="neither a plain file nor a folder"):
        run_any("true", inputs=(Entry("tree", tmp_path),))
    with pytest.raises(Invalid, match="cannot be read"):
        run_any("true", inputs=(Entry("tree", tmp_path / "absent"),))


@pytest.mark.parametrize("names", [("a", "a"), ("a", "a/b"), ("a/b/c", "a/b")])
def test_inputs_that_lie_upon_each_other_are_refused(run_any: Run, names: tuple[str, str]) -> None:
    with pytest.raises(Invalid, match="two inputs"):
        run_any("true", inputs=tuple(Entry(name, b"") for name in names))


def test_standard_input_cannot_be_written_to(run_any: Run) -> None:
    ran = run_any("sh", "-c", "echo changed > /proc/self/fd/0; cat", stdin=b"as given\n")
    assert ran.untrusted_stdout == b"as given\n"
