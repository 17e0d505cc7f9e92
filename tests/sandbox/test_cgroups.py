"""Both versions of cgroups: version 1 as this machine has it, version 2 on a made-up tree, which no kernel answers."""

import os
from pathlib import Path

import pytest

from clearinghouse.sandbox import cgroups
from clearinghouse.sandbox.cgroups import Cgroups1, Cgroups2, NoCgroups, Usage, base, v1, v2


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The hierarchy of version 2, with one group that was handed over."""
    for folder in (tmp_path, tmp_path / "unit", tmp_path / "unit" / "worker"):
        folder.mkdir(exist_ok=True)
        (folder / "cgroup.controllers").write_text("cpu memory pids\n")
        (folder / "cgroup.subtree_control").write_text("\n")
    monkeypatch.setattr(v2, "mounts", lambda kind: [(tmp_path, frozenset())] if kind == "cgroup2" else [])
    monkeypatch.setattr(v2, "own_groups", lambda: {"": "/unit/worker"})
    real = Path.mkdir

    def making(path: Path, *arguments: object, **others: object) -> None:
        real(path, *arguments, **others)  # type: ignore[arg-type]
        if path.name.startswith(("clearinghouse-", "slot-")):
            (path / "cgroup.subtree_control").write_text("\n")
            (path / "cpu.stat").write_text("usage_usec 2500000\nuser_usec 1\n")
            (path / "memory.events").write_text("low 0\noom 3\noom_kill 2\n")
            (path / "cgroup.procs").write_text("7\n11\n")

    monkeypatch.setattr(Path, "mkdir", making)
    return tmp_path


def test_version_2_divides_the_group_that_was_handed_over(tree: Path) -> None:
    found = Cgroups2.open(None)
    assert isinstance(found, Cgroups2)
    slot = found.make("slot-a")
    folder = tree / "unit" / base.own_name() / "slot-a"
    assert slot.folders == ((folder, tree / "unit" / "worker"),)
    assert (tree / "unit" / "cgroup.subtree_control").read_text() == "+memory +pids"
    slot.attach(42)
    assert (folder / "cgroup.procs").read_text() == "42"
    slot.begin(memory_bytes=1000, processes_max=9)
    assert [(folder / name).read_text() for name in ("memory.max", "memory.swap.max", "pids.max")] == ["1000", "0", "9"]
    assert slot.usage() == Usage(cpu_seconds=2.5, memory_peak_bytes=None, memory_kills=2)
    (folder / "cgroup.procs").write_text("7\n11\n")
    assert slot.processes() == {7, 11}


def test_version_2_takes_the_group_that_is_named(tree: Path) -> None:
    found = Cgroups2.open("/unit/worker")
    assert isinstance(found, Cgroups2)
    assert found.make("slot-a").folders[0][0].parent.parent == tree / "unit" / "worker"


def test_version_2_without_controllers_says_which_are_missing(tree: Path) -> None:
    for path in tree.rglob("cgroup.controllers"):
        path.write_text("cpu\n")
    (tree / "cgroup.controllers").write_text("hugetlb\n")
    assert Cgroups2.open(None) == f"version 2 does not offer memory, pids at {tree}"
    assert Cgroups2.open("/unit") == f"version 2 does not offer memory, pids at {tree / 'unit'}"


def test_machine_without_any_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(v2, "mounts", lambda _kind: [])
    monkeypatch.setattr(v1, "mounts", lambda _kind: [])
    found = cgroups.open_cgroups()
    assert isinstance(found, NoCgroups)
    assert found.lacking == "version 2 is not mounted; version 1 has no hierarchy for memory"
    assert found.make("slot-a").usage() == Usage()


def test_version_1_bounds_go_up_and_down_in_the_order_the_kernel_wants(tmp_path: Path) -> None:
    memory, pids, cpu = (tmp_path / name for name in ("memory", "pids", "cpuacct"))
    for folder in (memory, pids, cpu):
        folder.mkdir()
    for name, text in (("memory.limit_in_bytes", "500"), ("memory.memsw.limit_in_bytes", "500"), ("memory.usage_in_bytes", "40"),
                       ("memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 4\n")):  # fmt: skip
        (memory / name).write_text(text)
    slot = v1.Slot1({"memory": memory, "pids": pids, "cpuacct": cpu})
    for bound in (1000, 100):
        slot.begin(memory_bytes=bound, processes_max=7)
        assert {(memory / name).read_text() for name in ("memory.limit_in_bytes", "memory.memsw.limit_in_bytes")} == {str(bound)}
    assert (pids / "pids.max").read_text() == "7"
    (memory / "memory.max_usage_in_bytes").write_text("90")
    (cpu / "cpuacct.usage").write_text("1500000000\n")
    assert slot.usage() == Usage(cpu_seconds=1.5, memory_peak_bytes=50, memory_kills=4)


def test_groups_of_processes_that_are_gone_are_swept_and_no_others(tmp_path: Path) -> None:
    gone, ours, strange = tmp_path / "clearinghouse-4194304-12", tmp_path / base.own_name(), tmp_path / "clearinghouse-x"
    for folder in (gone / "slot-a", ours / "slot-b", strange):
        folder.mkdir(parents=True)
    recycled = tmp_path / f"clearinghouse-{os.getpid()}-1"
    recycled.mkdir()
    base.sweep(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted((ours.name, strange.name))


def test_kind_of_this_machine_is_told() -> None:
    found = cgroups.open_cgroups()
    try:
        assert isinstance(found, Cgroups1 | Cgroups2 | NoCgroups)
        assert bool(found.lacking) is isinstance(found, NoCgroups)
    finally:
        found.close()
