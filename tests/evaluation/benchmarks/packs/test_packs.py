"""Packs in the database: sealed whole, told to few, retired with a reason; practice packs in the clear."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from benchmark_play import POLICY
from clearinghouse.app.wiring import Instance
from clearinghouse.core.errors import Conflict, Invalid, NotFound, NotPermitted
from clearinghouse.core.roles import Role
from clearinghouse.evaluation.benchmarks.packs import actions, practice, proofs, store
from clearinghouse.evaluation.benchmarks.packs.records import CustodianKey, RetiredFor
from clearinghouse.evaluation.benchmarks.suites import SUITES, find_suite
from clearinghouse.ledger import store as ledger_store
from pack_support import Vault, opened_vault, small_items
from party_factories import add
from sandbox_support import real_sandbox


@pytest.fixture
def vault(instance: Instance) -> Vault:
    return opened_vault(instance)


def test_sealed_pack_holds_nothing_in_the_clear_and_its_root_is_on_the_ledger(vault: Vault) -> None:
    with vault.instance.acting_as(vault.evaluator).read() as tx:
        pack = actions.find(tx, vault.pack, viewer=vault.evaluator.id, now=vault.now)
        listed = store.list_items(tx, vault.pack, viewer=vault.evaluator.id, now=vault.now)
    assert pack == vault.made.pack
    assert (pack.name, pack.version, pack.items, pack.threshold, pack.shares) == ("winter", 1, 4, 2, 3)
    assert sorted(item.family for item in listed) == sorted(item.family for item in vault.items)
    assert not {item.id for item in listed} & {item.id for item in vault.items}, "ids of a sealed pack are its own"
    assert proofs.is_whole(listed, pack.root)
    with vault.instance.database.read() as tx:
        events = [event for event in ledger_store.events_about(tx, vault.pack) if event.kind == "PackSealed"]
        sealed = store.system_shares(tx, vault.pack)
    assert len(events) == 1
    assert events[0].details is not None
    assert json.loads(events[0].details)["root"] == pack.root.hex()
    stored = b"".join(share.box for share in sealed) + b"".join(one.body + one.item_key for one in vault.made.items)
    for item in vault.items:
        assert item.canary.encode() not in stored
        assert item.prompt.encode() not in stored


def test_pack_is_told_to_who_sealed_it_and_to_custodians_alone(vault: Vault) -> None:
    stranger = add(vault.instance, "Other desk", Role.EVALUATOR)
    for viewer, seen in ((vault.evaluator, 1), (vault.custodians[0], 1), (vault.developer, 0), (stranger, 0)):
        with vault.instance.acting_as(viewer).read() as tx:
            assert len(store.list_packs(tx, viewer=viewer.id, now=vault.now)) == seen
            assert len(store.list_items(tx, vault.pack, viewer=viewer.id, now=vault.now)) == 4 * seen
            held = store.find_share(tx, vault.pack, viewer=viewer.id, now=vault.now)
            assert (held is not None) == (viewer == vault.custodians[0])
            if not seen:
                with pytest.raises(NotFound):
                    actions.find(tx, vault.pack, viewer=viewer.id, now=vault.now)
    with vault.instance.database.write() as tx:
        actions.allow_reading(tx, vault.pack, stranger.id, until=None, actor=vault.evaluator.id, now=vault.now)
    with vault.instance.acting_as(stranger).read() as tx:
        assert store.find_pack(tx, vault.pack, viewer=stranger.id, now=vault.now) == vault.made.pack
    with vault.instance.database.write() as tx, pytest.raises(NotPermitted):
        actions.allow_reading(tx, vault.pack, vault.developer.id, until=None, actor=vault.evaluator.id, now=vault.now)


def test_second_pack_of_a_name_is_its_next_version(vault: Vault) -> None:
    again = opened_vault(vault.instance)
    assert (again.made.pack.version, again.made.pack.root != vault.made.pack.root) == (2, True)


def test_who_may_not_seal_seals_nothing(vault: Vault) -> None:
    both = add(vault.instance, "Both", Role.EVALUATOR, Role.DEVELOPER)
    for actor in (vault.developer, vault.custodians[0], both):
        with vault.instance.database.write() as tx, pytest.raises(NotPermitted):
            actions.seal_pack(tx, small_items(), "x", [], 2, actor=actor.id, policy=vault.policy, now=vault.now)


def test_split_below_policy_and_items_that_share_a_canary_are_refused(vault: Vault) -> None:
    keys = _keys(vault)
    items = small_items()
    for held, threshold, pack in ((keys, 1, items), (keys[:1], 2, items), ([keys[0], keys[0]], 2, items), (keys, 4, items), (keys, 2, []),
                                  (keys, 2, [items[0], items[0]]), (keys, 2, [items[0], replace(items[1], canary=items[0].canary)])):  # fmt: skip
        with vault.instance.database.write() as tx, pytest.raises(Invalid):
            actions.seal_pack(tx, pack, "x", held, threshold, actor=vault.evaluator.id, policy=vault.policy, now=vault.now)
    with vault.instance.database.write() as tx, pytest.raises(Invalid, match="needs a name"):
        actions.seal_pack(tx, items, " \u200b ", keys, 2, actor=vault.evaluator.id, policy=vault.policy, now=vault.now)
    someone = replace(keys[0], party=vault.developer.id)
    with vault.instance.database.write() as tx, pytest.raises(NotPermitted):
        actions.seal_pack(tx, items, "x", [someone, keys[1]], 2, actor=vault.evaluator.id, policy=vault.policy, now=vault.now)


def _keys(vault: Vault) -> list[CustodianKey]:
    from clearinghouse.evaluation.benchmarks.custody import store as custody_store

    with vault.instance.database.write() as tx:
        return list(custody_store.live_keys(tx, [party.id for party in vault.custodians]).values())


def test_retiring_takes_a_person_and_a_reason(vault: Vault) -> None:
    instance, evaluator, now = vault.instance, vault.evaluator.id, vault.now
    with instance.database.write() as tx:
        assert actions.retire_items(tx, vault.ids[:2], RetiredFor.LEAK, "found in a log", actor=evaluator, envelope=instance.envelope, now=now) == 2
        assert actions.retire_items(tx, vault.ids[:1], RetiredFor.LEAK, "again", actor=evaluator, envelope=instance.envelope, now=now) == 0
        with pytest.raises(NotFound):
            actions.retire_items(tx, [vault.items[0].id], RetiredFor.LEAK, "x", actor=evaluator, envelope=instance.envelope, now=now)
    for reason in ("", " \n"):
        with instance.database.write() as tx, pytest.raises(Invalid, match="say why"):
            actions.retire_pack(tx, vault.pack, reason, actor=evaluator, envelope=instance.envelope, now=now)
    with instance.database.write() as tx, pytest.raises(Invalid, match="by hand"):
        actions.retire_items(tx, vault.ids, RetiredFor.EXPOSURE, "x", actor=evaluator, envelope=instance.envelope, now=now)
    with instance.database.write() as tx:
        actions.retire_pack(tx, vault.pack, "a newer one", actor=evaluator, envelope=instance.envelope, now=now)
        with pytest.raises(Conflict):
            actions.retire_pack(tx, vault.pack, "again", actor=evaluator, envelope=instance.envelope, now=now)
        retired = [(item.id in vault.ids[:2], item.retired_for) for item in store.list_items(tx, vault.pack, viewer=evaluator, now=now)]
    assert sorted(retired, key=str) == [(False, None)] * 2 + [(True, RetiredFor.LEAK)] * 2


def test_item_is_proven_to_have_been_in_its_pack(vault: Vault) -> None:
    with vault.instance.acting_as(vault.evaluator).read() as tx:
        proof = actions.prove(tx, vault.ids[2], viewer=vault.evaluator.id, now=vault.now)
    assert proofs.verify_proof(proofs.parse_proof(proofs.render_proof(proof)), vault.made.pack.root)
    with vault.instance.acting_as(vault.developer).read() as tx, pytest.raises(NotFound):
        actions.prove(tx, vault.ids[2], viewer=vault.developer.id, now=vault.now)


def test_practice_pack_is_graded_at_home(tmp_path: Path) -> None:
    suites = [find_suite("reading_lock"), find_suite("patching_picker"), find_suite("finding_open_door")]
    items = practice.practice_pack(suites, 7, 2)
    folder = tmp_path / "pack"
    practice.write_practice(folder, items, 7)
    assert practice.read_practice(folder) == sorted(items, key=lambda item: item.id)
    with pytest.raises(Conflict, match="not empty"):
        practice.write_practice(folder, items, 7)
    expected = {}
    for number, item in enumerate(items):
        submission = (item.reference, item.negative, None)[number % 3]
        expected[item.id] = (True, False, None)[number % 3]
        if submission is not None:
            for name, content in submission.files.items():
                place = folder / "submissions" / item.id / name
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(content)
    for sandbox in real_sandbox():
        graded = {one.item.id: None if one.grade is None else one.grade.correct for one in practice.grade_practice(
            practice.read_practice(folder), folder / "submissions", sandbox, POLICY)}
    assert graded == expected


def test_practice_folder_that_was_tampered_with_is_refused(tmp_path: Path) -> None:
    items = practice.practice_pack([SUITES[0]], 1, 2)
    practice.write_practice(tmp_path / "pack", items, 1)
    place = tmp_path / "pack" / "items" / items[0].id / "item.json"
    place.write_bytes((tmp_path / "pack" / "items" / items[1].id / "item.json").read_bytes())
    with pytest.raises(Invalid, match="another item"):
        practice.read_practice(tmp_path / "pack")
    with pytest.raises(Invalid, match="no practice pack"):
        practice.read_practice(tmp_path)
    handed = tmp_path / "handed"
    handed.mkdir()
    (handed / "answer.txt").symlink_to("/etc/hostname")
    with pytest.raises(Invalid, match="plain files"):
        practice.read_submission(handed, POLICY)


def test_practice_pack_of_nothing_is_refused() -> None:
    for suites, seed, number in (([], 1, 5), (list(SUITES), 1, 0), (list(SUITES), -1, 5), (list(SUITES), 1, 100_000)):
        with pytest.raises(Invalid):
            practice.practice_pack(suites, seed, number)
