"""The ledger over a database: leaves, checkpoints, forks, and what a full verification notices."""

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import text

from clearinghouse.app.wiring import Instance, open_instance
from clearinghouse.core.clock import FixedClock
from clearinghouse.core.errors import Conflict, Invalid, NotFound
from clearinghouse.core.events import Event
from clearinghouse.ledger import actions, store
from clearinghouse.ledger.checkpoint import Checkpoint, sign_checkpoint
from clearinghouse.ledger.proof import verify_proof
from clearinghouse.ledger.verify import Verdict, verify_log
from clearinghouse.ledger.witness import FileKeeper, ForkDetected


def leave(instance: Instance, count: int) -> list[str]:
    with instance.database.write() as tx:
        events = [Event("Tested", (f"obj_{number}",), {"number": number}) for number in range(count)]
        return list(actions.record_many(tx, events, actor=instance.actor.id, now=instance.clock.now()))


def checkpoint(instance: Instance) -> int:
    signed, _ = actions.checkpoint(
        instance.database, instance.settings.ledger_origin, instance.signer, instance.keeper, now=instance.clock.now()
    )
    return signed.size


def verify(instance: Instance) -> actions.LedgerState:
    return actions.verify(instance.database, instance.settings.ledger_origin, [instance.signer.verifier], instance.keeper)


def test_events_become_leaves_in_order_and_verify(instance: Instance) -> None:
    before = checkpoint(instance)
    ids = leave(instance, 700)
    assert checkpoint(instance) == before + 700
    with instance.database.read() as tx:
        found = [event.event_id for event in store.stream_leaves(tx, before + 700)]
    assert found[before:] == ids
    state = verify(instance)
    assert (state.leaves, state.waiting, state.signed) == (before + 700, 0, before + 700)


def test_proof_of_an_event_verifies_without_the_instance(instance: Instance) -> None:
    [event] = leave(instance, 1)
    text_ = actions.prove(
        instance.database, event, instance.settings.ledger_origin, instance.signer, instance.keeper, now=instance.clock.now()
    )
    proof, _ = verify_proof(text_, [instance.signer.verifier])
    assert event.encode() in proof.leaf
    assert b"number" not in proof.leaf


def test_unknown_event_has_no_proof(instance: Instance) -> None:
    with pytest.raises(NotFound, match="evt_none"):
        actions.prove(instance.database, "evt_none", instance.settings.ledger_origin, instance.signer, instance.keeper,
                      now=instance.clock.now())


@pytest.mark.parametrize(("statement", "says"), [
    ("update events set details = '[8]' where subject = 'obj_7'", "altered"),
    ("update events set actor = 'pty_x' where subject = 'obj_7'", "altered|another root"),
    ("delete from events where subject = 'obj_7'", "missing"),
    ("update events set commitment = nonce where subject = 'obj_7'", "altered"),
    ("update ledger_tiles set hashes = nonce from events where subject = 'obj_7' and level = 0", "another root|damaged"),
    ("update ledger_tiles set hashes = commitment from events where subject = 'obj_7' and level = 1", "tile 0 of level 1"),
])
def test_tampering_is_noticed(instance: Instance, statement: str, says: str) -> None:
    leave(instance, 20)
    checkpoint(instance)
    with instance.database.write() as tx:
        actions.record_many(tx, [Event("Tested", ("obj_later",))] * 300, actor=instance.actor.id, now=instance.clock.now())
    checkpoint(instance)
    with instance.database.engine.begin() as connection:
        connection.execute(text(statement))
    with pytest.raises((Invalid, Conflict), match=says):
        verify(instance)


def test_erased_details_leave_the_tree_as_it_is(instance: Instance) -> None:
    leave(instance, 5)
    checkpoint(instance)
    with instance.database.engine.begin() as connection:
        connection.execute(text("update events set details = null, nonce = null where subject = 'obj_3'"))
    assert verify(instance).waiting == 0


def test_restored_older_database_cannot_go_on(sqlite_instance: Instance, tmp_path: Path, clock: FixedClock) -> None:
    instance = sqlite_instance
    leave(instance, 10)
    checkpoint(instance)
    path = Path(instance.database.url.removeprefix("sqlite:///"))
    with instance.database.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    shutil.copy(path, tmp_path / "copy.db")
    leave(instance, 10)
    checkpoint(instance)
    instance.close()
    for leftover in path.parent.glob("clearinghouse.db-*"):
        leftover.unlink()
    shutil.copy(tmp_path / "copy.db", path)
    with pytest.raises(ForkDetected, match="older copy"):
        open_instance(instance.settings, acting_as=instance.actor.id, clock=clock)
    # Grown again to the same size it is another log, and is still refused.
    leave(instance, 10)
    with pytest.raises(ForkDetected, match="not those that were signed"):
        checkpoint(instance)


def test_many_writers_and_sequencers_lose_nothing(instance: Instance) -> None:
    before = checkpoint(instance)

    def work(number: int) -> None:
        for _ in range(5):
            leave(instance, 3)
            actions.sequence(instance.database)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    assert checkpoint(instance) == before + 60
    assert verify(instance).leaves == before + 60


@pytest.mark.parametrize("audited", [512, 8192])
def test_altered_full_tile_is_noticed(sqlite_instance: Instance, audited: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The root needs only the tiles at the edge; proofs need the others, so verification reads them all."""
    instance = sqlite_instance
    monkeypatch.setattr(actions, "_AUDITED", audited)
    leave(instance, 600)
    checkpoint(instance)
    with instance.database.engine.begin() as connection:
        connection.execute(text("update ledger_tiles set hashes = zeroblob(8192) where level = 0 and number = 1"))
    with pytest.raises(Invalid, match="tile 1 of level 0 does not fit the events: it is damaged, or an event was altered"):
        verify(instance)


def test_two_checkpoints_of_one_size_are_both_verified(sqlite_instance: Instance, tmp_path: Path) -> None:
    """A split view: the database shows one history, another of the same size was signed and kept."""
    instance = sqlite_instance
    size = checkpoint(instance)
    for number in range(8):  # with other roots, so that no order of the two hides the forged one
        keeper = FileKeeper(tmp_path / f"forged {number}")
        keeper.swap(None, sign_checkpoint(Checkpoint("test.example/log", size, bytes([number] * 32)), [instance.signer]))
        with pytest.raises(ForkDetected, match=f"the checkpoint signed at {size} leaves has another root"):
            actions.verify(instance.database, None, [instance.signer.verifier], keeper)


def test_checkpoint_signed_meanwhile_is_no_fork(sqlite_instance: Instance) -> None:
    """Verification reads the keeper before the database: what another process signs in between is left for next time."""
    instance = sqlite_instance
    size = checkpoint(instance)

    class Busy:
        """A keeper that is read while another process signs."""

        def load(self) -> str | None:
            note = instance.keeper.load()
            leave(instance, 3)
            checkpoint(instance)
            return note

        def swap(self, old: str | None, new: str) -> None:
            raise AssertionError("verification keeps nothing")

    state = actions.verify(instance.database, None, [instance.signer.verifier], Busy())
    assert state.leaves == size + 3


def test_exported_leaves_verify_without_the_instance(instance: Instance) -> None:
    leave(instance, 300)
    signed, note = actions.checkpoint(
        instance.database, instance.settings.ledger_origin, instance.signer, instance.keeper, now=instance.clock.now()
    )
    leave(instance, 2)
    actions.sequence(instance.database)
    with instance.database.read() as tx:
        leaves = map(actions.render, store.stream_leaves(tx, signed.size + 2))
        assert verify_log(leaves, note, [instance.signer.verifier]) == Verdict(signed, 2)
