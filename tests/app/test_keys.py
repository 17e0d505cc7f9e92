"""Rotation of the instance key: everything opens before, meanwhile and after; a run killed in the middle is gone on with."""

import dataclasses
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from clearinghouse.app import keys
from clearinghouse.app.process import sign_checkpoint
from clearinghouse.app.settings import load_settings
from clearinghouse.app.wiring import Instance, open_instance
from clearinghouse.core.errors import Conflict, NotPermitted, Unavailable
from clearinghouse.core.events import Event
from clearinghouse.core.roles import Role
from clearinghouse.ledger import actions as ledger
from clearinghouse.ledger import store as ledger_store
from clearinghouse.parties.contacts import actions as contacts
from clearinghouse.parties.contacts import store as contact_store
from clearinghouse.parties.contacts.rules import lookup_of
from clearinghouse.storage import Envelope
from clearinghouse.storage.rewrapping import count_by_key
from clearinghouse.storage.sealing import key_id, read_envelope, read_keys
from party_factories import add
from tests_support import Command

_PROGRAM = """
import os, signal, sys
from pathlib import Path
from clearinghouse.app import keys
from clearinghouse.app.settings import load_settings
from clearinghouse.app.wiring import open_instance
keys._BATCH = 10
true, left = keys.rewrap_portion, 2
def portion(*given):
    global left
    done = true(*given)
    left -= done.rewrapped > 0
    if not left:
        os.kill(os.getpid(), signal.SIGKILL)  # its writes are made and not committed
    return done
keys.rewrap_portion = portion
keys.rotate_key(open_instance(load_settings(Path(sys.argv[1]))))
"""
_SERVER = """
import sys
from pathlib import Path
from clearinghouse.app.settings import load_settings
from clearinghouse.app.wiring import open_instance
from clearinghouse.parties.contacts import actions
instance = open_instance(load_settings(Path(sys.argv[1])))
def read():
    with instance.database.read() as tx:
        found = actions.list_contacts(tx, instance.actor.id, envelope=instance.envelope, viewer=instance.actor.id)
    print(len(found), flush=True)
read()
for line in sys.stdin:
    with instance.database.write() as tx:
        actions.add_contact(tx, instance.actor.id, line.strip(), envelope=instance.envelope, actor=instance.actor.id, now=instance.clock.now())
    read()
"""


def addresses(instance: Instance, number: int, *, prefix: str = "a") -> list[str]:
    """Addresses of the operator, each sealed by itself."""
    given = [f"{prefix}{place}@example.org" for place in range(number)]
    with instance.database.write() as tx:
        for address in given:
            contacts.add_contact(
                tx, instance.actor.id, address, envelope=instance.envelope, actor=instance.actor.id, now=instance.clock.now()
            )
    return given


def read_addresses(instance: Instance, envelope: Envelope) -> list[str]:
    with instance.database.read() as tx:
        return sorted(one.address for one in contact_store.system_contacts(tx, instance.actor.id, envelope))


def counts(instance: Instance) -> dict[bytes, int]:
    with instance.database.read() as tx:
        return count_by_key(tx, keys.WRAPPED)


def events(instance: Instance) -> list[str]:
    """The events of the key in use."""
    subject = f"key_{key_id(read_keys(instance.settings.instance_key_path).current).hex()}"
    with instance.database.read() as tx:
        return [event.kind for event in ledger_store.events_about(tx, subject)]


def reopened(instance: Instance) -> Instance:
    """The same instance as a process started now finds it."""
    return dataclasses.replace(instance, envelope=read_envelope(instance.settings.instance_key_path))


def test_rotated_key_wraps_everything_and_old_keys_are_forgotten_only_when_asked(instance: Instance) -> None:
    given = sorted(addresses(instance, 25))
    first, index = instance.envelope.current, instance.envelope.index_key()
    told: list[tuple[int, int]] = []
    done = keys.rotate_key(instance, lambda made, of: told.append((made, of)))
    path = instance.settings.instance_key_path
    kept = read_keys(path)
    assert (done.rewrapped, done.resumed, done.kept) == (25, False, (key_id(first).hex(),))
    assert (told[0], told[-1]) == ((0, 25), (25, 25))
    assert (kept.current != first, list(kept.earlier.values()), path.stat().st_mode & 0o777) == (True, [first], 0o600)
    assert counts(instance) == {key_id(kept.current): 25}
    assert events(instance) == ["KeyRotationBegun", "KeyRotated"]
    assert read_addresses(instance, read_envelope(path)) == given
    keys.forget_old_keys(instance)
    alone = read_keys(path)
    assert (alone.current, dict(alone.earlier), alone.index) == (kept.current, {}, index)
    assert read_envelope(path).index_key() == index
    assert events(instance) == ["KeyRotationBegun", "KeyRotated", "OldKeysForgotten"]
    assert read_addresses(instance, read_envelope(path)) == given
    # An address is still found by its keyed hash, and the next rotation goes on from here.
    with instance.database.read() as tx:
        assert lookup_of(given[0], read_envelope(path)) == lookup_of(given[0], Envelope(first))
        assert contact_store.system_party_of(tx, lookup_of(given[0], reopened(instance).envelope)) is None
    assert keys.rotate_key(reopened(instance)).rewrapped == 25
    assert read_envelope(path).index_key() == index
    sign_checkpoint(instance)
    ledger.verify(instance.database, instance.settings.ledger_origin, [instance.signer.verifier], instance.keeper)


def test_without_an_old_key_there_is_nothing_to_forget(sqlite_instance: Instance) -> None:
    with pytest.raises(Conflict, match="no old key"):
        keys.forget_old_keys(sqlite_instance)


def test_only_an_administrator_rotates(sqlite_instance: Instance) -> None:
    acting = sqlite_instance.acting_as(add(sqlite_instance, "Coordinator", Role.COORDINATOR))
    for act in (keys.rotate_key, keys.forget_old_keys, keys.list_keys):
        with pytest.raises(NotPermitted):
            act(acting)
    assert not read_keys(sqlite_instance.settings.instance_key_path).earlier


def test_killed_in_the_middle_the_next_run_goes_on_under_the_same_key(instance: Instance) -> None:
    given = sorted(addresses(instance, 45))
    first = instance.envelope.current
    ended = subprocess.run([sys.executable, "-c", _PROGRAM, str(instance.settings.home)], timeout=60, check=False)
    assert ended.returncode == -signal.SIGKILL
    half = read_keys(instance.settings.instance_key_path)
    assert counts(instance) == {key_id(first): 35, key_id(half.current): 10}
    assert events(instance) == ["KeyRotationBegun"]
    assert read_addresses(instance, instance.envelope) == given
    done = keys.rotate_key(instance)
    assert (done.resumed, done.rewrapped, done.key) == (True, 35, key_id(half.current).hex())
    assert counts(instance) == {key_id(half.current): 45}
    assert events(instance) == ["KeyRotationBegun", "KeyRotated"]


def test_killed_before_a_run_was_noted_the_key_in_the_file_is_gone_on_with(sqlite_instance: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    addresses(sqlite_instance, 3)

    def die(*_given: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(keys, "_run", die)
        with pytest.raises(KeyboardInterrupt):
            keys.rotate_key(sqlite_instance)
    fresh = read_keys(sqlite_instance.settings.instance_key_path).current
    assert keys.rotate_key(sqlite_instance).key == key_id(fresh).hex()
    assert len(read_keys(sqlite_instance.settings.instance_key_path).earlier) == 1


def test_a_server_with_the_old_file_open_reads_and_seals_under_the_new_key(instance: Instance) -> None:
    addresses(instance, 5)
    with subprocess.Popen(
        [sys.executable, "-c", _SERVER, str(instance.settings.home)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        assert server.stdout.readline() == "5\n"
        keys.rotate_key(instance)
        keys.forget_old_keys(instance)
        server.stdin.write("new@example.org\n")
        server.stdin.flush()
        assert server.stdout.readline() == "6\n"
        server.stdin.close()
    assert counts(instance) == {key_id(read_keys(instance.settings.instance_key_path).current): 6}
    assert "new@example.org" in read_addresses(instance, read_envelope(instance.settings.instance_key_path))


def test_what_is_sealed_while_a_run_goes_on_opens_when_old_keys_are_forgotten(instance: Instance) -> None:
    before, stop = addresses(instance, 40), threading.Event()
    # Threads of another process: with an envelope of their own.
    other = open_instance(load_settings(instance.settings.home))
    written: list[str] = []
    failed: list[Exception] = []

    def write() -> None:
        try:
            while not stop.is_set():
                written.extend(addresses(other, 1, prefix=f"w{len(written)}x"))
                assert len(read_addresses(other, other.envelope)) >= len(before)
        except Exception as error:
            failed.append(error)
            raise

    thread = threading.Thread(target=write)
    thread.start()
    try:
        for act in (keys.rotate_key, keys.forget_old_keys, keys.rotate_key, keys.forget_old_keys):
            act(instance)
    finally:
        stop.set()
        thread.join()
        other.close()
    path = instance.settings.instance_key_path
    assert not failed
    assert written
    assert counts(instance) == {key_id(read_keys(path).current): len(before) + len(written)}
    assert read_addresses(instance, read_envelope(path)) == sorted(before + written)


def test_a_key_destroyed_meanwhile_stays_destroyed(instance: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    addresses(instance, 2)
    with instance.database.read() as tx:
        one = contact_store.system_contacts(tx, instance.actor.id, instance.envelope)[0]
    with instance.database.write() as tx:
        contact_store.remove_contact(tx, one.id, instance.clock.now())
        ledger.record(tx, Event("Tested", (one.id,)), actor=instance.actor.id, now=instance.clock.now())
    assert keys.rotate_key(instance).rewrapped == 1
    assert len(read_addresses(instance, instance.envelope)) == 1


def test_second_run_at_once_is_refused(sqlite_instance: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    addresses(sqlite_instance, 1)
    seen: list[str] = []
    run: Callable[..., keys.Rotated] = keys._run

    def beside(*given: object) -> keys.Rotated:
        with pytest.raises(Conflict, match="another run") as refused:
            keys.rotate_key(sqlite_instance)
        seen.append(str(refused.value))
        return run(*given)

    monkeypatch.setattr(keys, "_run", beside)
    keys.rotate_key(sqlite_instance)
    assert len(seen) == 1


@pytest.mark.postgresql
def test_old_keys_are_kept_while_a_transaction_of_before_is_open(instance: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    if instance.database.url.startswith("sqlite"):
        pytest.skip("on SQLite a writer is alone")
    addresses(instance, 1)
    keys.rotate_key(instance)
    monkeypatch.setattr(keys, "_PATIENCE_SECONDS", 0.5)
    with instance.database.write() as tx:
        contacts.add_contact(
            tx, instance.actor.id, "late@example.org", envelope=instance.envelope, actor=instance.actor.id, now=instance.clock.now()
        )
        with pytest.raises(Conflict, match="does not end"):
            keys.forget_old_keys(instance)
    assert len(read_keys(instance.settings.instance_key_path).earlier) == 1
    keys.forget_old_keys(instance)
    assert not read_keys(instance.settings.instance_key_path).earlier


def test_unknown_key_is_named_with_what_to_do(sqlite_instance: Instance) -> None:
    addresses(sqlite_instance, 1)
    path = sqlite_instance.settings.instance_key_path
    before = path.read_text()
    keys.rotate_key(sqlite_instance)
    keys.forget_old_keys(sqlite_instance)
    path.write_text(before)
    with pytest.raises(Unavailable, match=r"not among this instance's keys; bring keys/instance\.key"):
        read_addresses(sqlite_instance, read_envelope(path))
    assert [each.state for each in keys.list_keys(sqlite_instance)] == ["in use", "missing"]


def test_commands_rotate_list_and_forget(command: Command, tmp_path: Path) -> None:
    command("init")
    flaw = tmp_path / "one.ndjson"
    flaw.write_text(json.dumps({"id": "n1", "title": "Overflow in read()"}) + "\n")
    command("intake", flaw, "--no-deconflict")
    done = json.loads(command("key", "rotate", "--json"))
    assert (done["resumed"], done["rewrapped"] > 0) == (False, True)
    command("key", "rotate", "--forget-old")
    [left] = json.loads(command("key", "list", "--json"))
    assert (left["key"], left["state"]) == (done["key"], "in use")
    assert "Overflow in read()" in command("reports")
    assert json.loads(command("ledger", "verify", "--json"))["valid"]
    assert "no old key" in _failed(command, "key", "rotate", "--forget-old")


def _failed(command: Command, *arguments: str) -> str:
    environment = {**os.environ, "CLEARINGHOUSE_HOME": str(command.home)}
    done = subprocess.run([sys.executable, "-m", "clearinghouse", *arguments], capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 6
    return done.stderr
