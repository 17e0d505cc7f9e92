"""The keeper of the last checkpoint, and when a log may sign the next one."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clearinghouse.core.errors import Conflict, Unavailable
from clearinghouse.ledger import tree
from clearinghouse.ledger.checkpoint import Checkpoint, sign_checkpoint, verify_checkpoint
from clearinghouse.ledger.note import Ed25519Signer
from clearinghouse.ledger.witness import FileKeeper, ForkDetected, check_may_sign

ORIGIN = "ledger.example"
SIGNER = Ed25519Signer(ORIGIN, bytes(range(32)))
HASHES = [tree.leaf_hash(str(number).encode()) for number in range(600)]


class Log:
    """A log whose database a test can put back to an older copy."""

    def __init__(self, hashes: Sequence[bytes], origin: str = ORIGIN) -> None:
        self.size, self.origin = len(hashes), origin
        self.tiles = tree.extend(lambda level, number: b"", 0, hashes)

    def read(self, level: int, number: int) -> bytes:
        return self.tiles.get((level, number), b"")

    def checkpoint(self) -> Checkpoint:
        return Checkpoint(self.origin, self.size, tree.root(self.read, self.size))

    def sign(self, keeper: FileKeeper) -> str:
        """Sign as a log must: against what is kept, and keep it."""
        note = keeper.load()
        kept = None if note is None else verify_checkpoint(note, None, [SIGNER.verifier])
        check_may_sign(kept, self.checkpoint(), lambda old, new: tree.consistency_proof(self.read, old, new))
        signed = sign_checkpoint(self.checkpoint(), [SIGNER])
        keeper.swap(note, signed)
        return signed


@pytest.fixture
def keeper(tmp_path: Path) -> FileKeeper:
    return FileKeeper(tmp_path / "witness" / "checkpoint")


def test_keeper_keeps_what_it_was_given(keeper: FileKeeper) -> None:
    assert keeper.load() is None
    note = Log(HASHES[:3]).sign(keeper)
    assert keeper.load() == note
    assert FileKeeper(keeper.path).load() == note
    assert keeper.path.read_bytes() == note.encode()
    assert {path.name for path in keeper.path.parent.iterdir()} == {"checkpoint", "checkpoint.lock"}


def test_keeper_does_not_translate_line_ends(keeper: FileKeeper) -> None:
    keeper.swap(None, "one\r\ntwo\u2014\n")
    assert keeper.load() == "one\r\ntwo\u2014\n"


def test_keeper_swaps_only_against_what_it_holds(keeper: FileKeeper) -> None:
    keeper.swap(None, "first\n")
    for stale in (None, "other\n"):
        with pytest.raises(Conflict, match="another process kept a newer checkpoint meanwhile"):
            keeper.swap(stale, "second\n")
    assert keeper.load() == "first\n"
    keeper.swap("first\n", "second\n")
    assert keeper.load() == "second\n"


def test_keepers_side_by_side_do_not_share_files(tmp_path: Path) -> None:
    names = ["log", "log.one", "log.two", "two.new", "two.lock"]
    for name in names:
        FileKeeper(tmp_path / name).swap(None, f"{name}\n")
    assert [FileKeeper(tmp_path / name).load() for name in names] == [f"{name}\n" for name in names]


def _take_turns(path: Path) -> int:
    """Swap a number for the next one, against competitors, until twenty swaps succeeded."""
    keeper, done = FileKeeper(path), 0
    while done < 20:
        held = keeper.load()
        try:
            keeper.swap(held, f"{int(held or 0) + 1}\n")
            done += 1
        except Conflict:
            continue
    return done


def test_no_swap_is_lost_between_competitors(tmp_path: Path) -> None:
    # Threads with keepers of their own: the lock belongs to the open file, so they compete as processes would.
    with ThreadPoolExecutor(3) as pool:
        assert sum(pool.map(_take_turns, [tmp_path / "checkpoint"] * 3)) == 60
    assert FileKeeper(tmp_path / "checkpoint").load() == "60\n"


def test_file_and_folder_reach_the_disk_before_the_swap_counts(keeper: FileKeeper, monkeypatch: pytest.MonkeyPatch) -> None:
    flushed: list[str] = []
    real_fsync, real_replace = os.fsync, Path.replace

    def fsync(descriptor: int) -> None:
        flushed.append(Path(f"/proc/self/fd/{descriptor}").readlink().name)
        real_fsync(descriptor)

    def replace(self: Path, target: Path) -> Path:
        flushed.append("rename")
        return real_replace(self, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(Path, "replace", replace)
    keeper.swap(None, "note\n")
    assert flushed == [keeper.path.parent.parent.name, "checkpoint.new", "rename", "witness"]


def test_swap_that_fails_leaves_the_old_checkpoint(keeper: FileKeeper, monkeypatch: pytest.MonkeyPatch) -> None:
    keeper.swap(None, "first\n")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Unavailable, match=r"cannot keep the checkpoint in .*: No space left on device"):
        keeper.swap("first\n", "second\n")
    assert keeper.load() == "first\n"


def test_keeper_that_cannot_be_read_is_not_an_empty_one(tmp_path: Path) -> None:
    """A damaged or unreadable keeper must not count as the first start of a log."""
    (tmp_path / "folder").mkdir()
    with pytest.raises(Unavailable, match=r"cannot read the kept checkpoint .*: Is a directory"):
        FileKeeper(tmp_path / "folder").load()
    (tmp_path / "damaged").write_bytes(b"\xff\xfe")
    with pytest.raises(Unavailable, match="is damaged: it is no UTF-8"):
        FileKeeper(tmp_path / "damaged").load()
    (tmp_path / "file").touch()
    with pytest.raises(Unavailable, match=r"cannot read the kept checkpoint .*: Not a directory"):
        FileKeeper(tmp_path / "file" / "checkpoint").load()


def test_honest_growth_is_signed(keeper: FileKeeper) -> None:
    for size in (0, 0, 1, 1, 5, 256, 257, 600):
        Log(HASHES[:size]).sign(keeper)
    assert keeper.load() == sign_checkpoint(Log(HASHES).checkpoint(), [SIGNER])


def test_restored_backup_is_refused(keeper: FileKeeper) -> None:
    Log(HASHES[:300]).sign(keeper)
    note = keeper.load()
    with pytest.raises(ForkDetected, match=r"the database holds 200 leaves, but 300 were signed before: it is an older copy"):
        Log(HASHES[:200]).sign(keeper)
    assert keeper.load() == note


@given(st.integers(1, 300), st.integers(0, 300), st.data())
@settings(max_examples=80, deadline=None)
def test_backup_that_grew_differently_is_refused(kept: int, further: int, data: st.DataObject) -> None:
    """Whatever leaf below the kept checkpoint differs, and however far both grew since: a fork."""
    log = Log(HASHES[:kept])
    forged = HASHES[: kept + further]
    forged[data.draw(st.integers(0, kept - 1))] = tree.leaf_hash(b"another history")
    fork = Log(forged)
    with pytest.raises(ForkDetected, match=f"{kept} leaves .*are not those that were signed before"):
        check_may_sign(log.checkpoint(), fork.checkpoint(), lambda old, new: tree.consistency_proof(fork.read, old, new))
    check_may_sign(log.checkpoint(), Log(HASHES[: kept + further]).checkpoint(),
                   lambda old, new: tree.consistency_proof(Log(HASHES[: kept + further]).read, old, new))


@given(st.integers(1, 200), st.integers(1, 200), st.data())
@settings(max_examples=60, deadline=None)
def test_proof_that_fails_is_a_fork(kept: int, further: int, data: st.DataObject) -> None:
    log = Log(HASHES[: kept + further])
    proof = tree.consistency_proof(log.read, kept, log.size)
    broken = [*proof, bytes(32)] if not proof or data.draw(st.booleans()) else proof[1:]
    with pytest.raises(ForkDetected):
        check_may_sign(Log(HASHES[:kept]).checkpoint(), log.checkpoint(), lambda old, new: broken)


@pytest.mark.parametrize("size", [0, 5])
def test_checkpoint_of_another_log_is_refused(size: int) -> None:
    other, log = Log(HASHES[:size], "other.example"), Log(HASHES[:10])
    with pytest.raises(ForkDetected, match=r"the kept checkpoint is of the log 'other\.example', this one is 'ledger\.example'"):
        check_may_sign(other.checkpoint(), log.checkpoint(), lambda old, new: tree.consistency_proof(log.read, old, new))


def test_fork_is_a_conflict() -> None:
    assert issubclass(ForkDetected, Conflict)
