"""Custody: nothing opens without so many persons' word for a stated purpose, and the record stands before the key is used."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from clearinghouse.app.wiring import Instance
from clearinghouse.core.clock import FixedClock
from clearinghouse.core.errors import ClearinghouseError, Conflict, Invalid, NotFound, NotPermitted, Unavailable
from clearinghouse.core.ids import new_id
from clearinghouse.core.roles import Role
from clearinghouse.evaluation.benchmarks.custody import (
    Purpose,
    ReleaseAsk,
    RunKey,
    actions,
    open_canaries,
    open_items,
    opening,
    store,
)
from clearinghouse.evaluation.benchmarks.packs import actions as packs
from clearinghouse.evaluation.benchmarks.packs import store as pack_store
from clearinghouse.evaluation.benchmarks.packs.boxes import put_in_box
from clearinghouse.evaluation.benchmarks.packs.records import RetiredFor
from clearinghouse.evaluation.benchmarks.records import Item
from clearinghouse.ledger import store as ledger_store
from clearinghouse.parties import actions as parties
from clearinghouse.parties.records import PartyKind
from pack_support import Vault, opened_vault
from party_factories import add


@pytest.fixture
def vault(instance: Instance) -> Vault:
    return opened_vault(instance)


def _open(vault: Vault, ask: ReleaseAsk, run: RunKey, ids: list[str] | None = None) -> dict[str, Item]:
    return open_items(
        vault.instance.database, ask.id, run, vault.ids if ids is None else ids, actor=vault.evaluator.id, policy=vault.policy, now=vault.now
    )


def _events(vault: Vault, subject: str, kind: str) -> list[dict[str, Any]]:
    with vault.instance.database.read() as tx:
        found = [event for event in ledger_store.events_about(tx, subject) if event.kind == kind]
    return [json.loads(event.details or b"{}") for event in found]


def _exposures(vault: Vault) -> dict[str, int]:
    with vault.instance.database.read() as tx:
        return {item.id: item.exposures for item in pack_store.list_items(tx, vault.pack, viewer=vault.evaluator.id, now=vault.now)}


def test_two_custodians_open_for_a_run_what_it_asks_for(vault: Vault) -> None:
    run = RunKey.generate()
    ask = vault.ask(run)
    vault.release(ask, 0, 2)
    opened = _open(vault, ask, run, vault.ids[:2])
    assert opened == {item_id: replace(item, id=item_id) for item_id, item in zip(vault.ids[:2], vault.items[:2], strict=True)}
    for item_id in vault.ids[:2]:
        details = _events(vault, item_id, "ItemOpened")
        assert [(one["purpose"], one["run"], one["review"], one["exposures"]) for one in details] == [("sealed_run", ask.run_id, ask.review_id, 1)]
    assert _events(vault, vault.ids[2], "ItemOpened") == []
    assert sorted(_exposures(vault).values()) == [0, 0, 1, 1]


@pytest.mark.parametrize("which", [(), (1,)])
def test_nothing_opens_with_too_few(vault: Vault, which: tuple[int, ...]) -> None:
    run = RunKey.generate()
    ask = vault.ask(run)
    vault.release(ask, *which)
    with pytest.raises(Conflict, match=f"{len(which)} of 2 custodians"):
        _open(vault, ask, run)
    assert set(_exposures(vault).values()) == {0}


def test_one_engagement_counts_once_however_often_it_opens(vault: Vault) -> None:
    run, again = RunKey.generate(), RunKey.generate()
    ask = vault.ask(run)
    vault.release(ask, 0, 1)
    for _ in range(3):
        _open(vault, ask, run)
    other = vault.ask(again, review=ask.review_id)
    vault.release(other, 1, 2)
    _open(vault, other, again)
    assert set(_exposures(vault).values()) == {1}
    assert len(_events(vault, vault.ids[0], "ItemOpened")) == 4
    with vault.instance.database.read() as tx:
        kept = store.list_exposures(tx, vault.pack, viewer=vault.custodians[0].id, now=vault.now)
        assert {(one.review_id, one.run_id) for one in kept} == {(ask.review_id, ask.run_id)}
        assert store.list_exposures(tx, vault.pack, viewer=vault.developer.id, now=vault.now) == []


def test_item_that_was_used_up_opens_for_the_engagement_that_used_it_and_for_no_other(vault: Vault) -> None:
    used, runs = vault.ids[:1], []
    for _ in range(vault.policy.exposures_max):
        run = RunKey.generate()
        ask = vault.ask(run)
        vault.release(ask, 0, 1)
        _open(vault, ask, run, used)
        runs.append((ask, run))
    with vault.instance.database.read() as tx:
        item = next(one for one in pack_store.list_items(tx, vault.pack, viewer=vault.evaluator.id, now=vault.now) if one.id == used[0])
    assert (item.exposures, item.retired_for) == (5, RetiredFor.EXPOSURE)
    assert _events(vault, used[0], "PackItemRetired") == [{"for": "exposure"}]
    # The last engagement, and any other that saw it, goes on with its epochs.
    assert list(_open(vault, *runs[-1], used)) == used
    assert list(_open(vault, *runs[0], used)) == used
    late = RunKey.generate()
    ask = vault.ask(late)
    vault.release(ask, 0, 1)
    with pytest.raises(Conflict, match="as many as policy allows"):
        _open(vault, ask, late, used)
    # All or nothing: what could be opened is not, and is not counted.
    with pytest.raises(Conflict):
        _open(vault, ask, late, vault.ids)
    assert sorted(_exposures(vault).values()) == [0, 0, 0, 5]


def test_leaked_item_and_retired_pack_open_no_more(vault: Vault) -> None:
    run = RunKey.generate()
    ask = vault.ask(run)
    vault.release(ask, 0, 1)
    _open(vault, ask, run, vault.ids[:2])
    with vault.instance.database.write() as tx:
        packs.retire_items(tx, vault.ids[:1], RetiredFor.LEAK, "found", actor=vault.evaluator.id, envelope=vault.instance.envelope, now=vault.now)
    with pytest.raises(Conflict, match=r"retired \(leak\)"):
        _open(vault, ask, run, vault.ids[:1])
    assert list(_open(vault, ask, run, vault.ids[1:2])) == vault.ids[1:2]
    with vault.instance.database.write() as tx:
        packs.retire_pack(tx, vault.pack, "old", actor=vault.evaluator.id, envelope=vault.instance.envelope, now=vault.now)
    with pytest.raises(Conflict, match="is retired"):
        _open(vault, ask, run, vault.ids[1:2])
    with pytest.raises(Conflict, match="is retired"):
        vault.ask(RunKey.generate())


def test_release_ends_with_its_time_its_custodian_and_its_ask(vault: Vault, clock: FixedClock) -> None:
    run = RunKey.generate()
    ask = vault.ask(run, hours=4)
    vault.release(ask, 0, hours=1)
    vault.release(ask, 1, hours=3)
    assert len(_open(vault, ask, run)) == 4
    clock.at += timedelta(hours=1)
    with pytest.raises(Conflict, match="1 of 2"):
        _open(vault, ask, run)
    vault.release(ask, 2, hours=2)
    assert len(_open(vault, ask, run)) == 4
    with vault.instance.database.write() as tx:
        actions.withdraw_release(tx, ask.id, actor=vault.custodians[2].id, now=vault.now)
        with pytest.raises(Conflict, match="no release"):
            actions.withdraw_release(tx, ask.id, actor=vault.custodians[2].id, now=vault.now)
    with pytest.raises(Conflict, match="1 of 2"):
        _open(vault, ask, run)
    with vault.instance.database.write() as tx:
        actions.end_ask(tx, ask.id, actor=vault.evaluator.id, now=vault.now)
        with pytest.raises(Conflict, match="ended before"):
            actions.end_ask(tx, ask.id, actor=vault.evaluator.id, now=vault.now)
    with pytest.raises(Conflict, match="is over"):
        _open(vault, ask, run)


def test_nothing_opens_at_the_very_end_of_an_ask(vault: Vault, clock: FixedClock) -> None:
    run = RunKey.generate()
    ask = vault.ask(run, hours=1)
    vault.release(ask, 0, 1, hours=1)
    clock.at = ask.until - timedelta(microseconds=1)
    assert len(_open(vault, ask, run)) == 4
    clock.at = ask.until
    with pytest.raises(Conflict):
        _open(vault, ask, run)


def test_ask_opens_for_its_own_key_and_its_own_asker(vault: Vault) -> None:
    run = RunKey.generate()
    ask = vault.ask(run)
    vault.release(ask, 0, 1)
    with pytest.raises(NotFound):
        _open(vault, ask, RunKey.generate())
    other = add(vault.instance, "Other desk", Role.EVALUATOR)
    with pytest.raises(NotFound):
        open_items(vault.instance.database, ask.id, run, vault.ids, actor=other.id, policy=vault.policy, now=vault.now)
    for unknown in (new_id("rla"), "nonsense"):
        with pytest.raises(NotFound):
            open_items(vault.instance.database, unknown, run, vault.ids, actor=vault.evaluator.id, policy=vault.policy, now=vault.now)
    with pytest.raises(NotFound):
        _open(vault, ask, run, [*vault.ids, new_id("itm")])
    for wrong in ([], [new_id("itm") for _ in range(1_001)]):
        with pytest.raises(Invalid):
            _open(vault, ask, run, wrong)
    assert set(_exposures(vault).values()) == {0}


def test_who_is_of_the_developer_releases_nothing_for_its_review(vault: Vault) -> None:
    assert vault.developer.organisation is not None
    with vault.instance.database.write() as tx:
        # A custodian who works where the model was made, and holds a share of a pack of his own.
        colleague = parties.add_party(
            tx, PartyKind.PERSON, "Colleague", frozenset({Role.CUSTODIAN}), organisation=vault.developer.organisation,
            actor=vault.instance.actor.id, now=vault.now,
        )
        key = X25519PrivateKey.generate()
        registered = actions.register_key(tx, key.public_key().public_bytes_raw(), actor=colleague.id, now=vault.now)
        held = [registered, *store.live_keys(tx, [party.id for party in vault.custodians]).values()]
        made = packs.seal_pack(tx, vault.items, "conflict", held, 2, actor=vault.evaluator.id, policy=vault.policy, now=vault.now)
    vault.made, vault.keys[colleague.id] = made, key
    vault.custodians.append(colleague)
    ask = vault.ask(RunKey.generate())
    with pytest.raises(NotPermitted, match="nobody of the developer"):
        vault.release(ask, 3)
    # For another purpose than that developer's review there is no conflict.
    vault.release(vault.ask(RunKey.generate(), Purpose.LEAK_SCAN), 3)


def test_who_asks_does_not_release(vault: Vault) -> None:
    both = add(vault.instance, "Both", Role.EVALUATOR, Role.CUSTODIAN)
    key = X25519PrivateKey.generate()
    with vault.instance.database.write() as tx:
        registered = actions.register_key(tx, key.public_key().public_bytes_raw(), actor=both.id, now=vault.now)
        held = [registered, *store.live_keys(tx, [party.id for party in vault.custodians]).values()]
        vault.made = packs.seal_pack(tx, vault.items, "both", held, 2, actor=both.id, policy=vault.policy, now=vault.now)
    vault.evaluator, vault.keys[both.id] = both, key
    vault.custodians.append(both)
    ask = vault.ask(RunKey.generate())
    with pytest.raises(NotPermitted, match="who asks does not release"):
        vault.release(ask, 3)


def test_developer_neither_asks_nor_holds(vault: Vault) -> None:
    insider = add(vault.instance, "Insider", Role.CUSTODIAN, Role.DEVELOPER)
    with vault.instance.database.write() as tx:
        for actor in (vault.developer, insider, vault.evaluator):
            with pytest.raises(NotPermitted):
                actions.register_key(tx, b"k" * 32, actor=actor.id, now=vault.now)
        with pytest.raises(NotPermitted):
            actions.ask_release(
                tx, vault.pack, Purpose.AUDIT, b"k" * 32, vault.now + timedelta(hours=1), actor=vault.developer.id, policy=vault.policy, now=vault.now
            )


def test_ask_without_purpose_run_or_end_is_refused(vault: Vault) -> None:
    from clearinghouse.evaluation.benchmarks.custody.rules import parse_purpose

    for wrong in ("", "curiosity", "SEALED_RUN"):
        with pytest.raises(Invalid, match="opened for one of"):
            parse_purpose(wrong)
    key = RunKey.generate().public
    for purpose, recipient, hours in ((Purpose.SEALED_RUN, key, 1), (Purpose.AUDIT, key, 0), (Purpose.AUDIT, key, 721), (Purpose.AUDIT, b"short", 1),
                                      (Purpose.AUDIT, bytes(32), 1)):  # fmt: skip
        with vault.instance.database.write() as tx, pytest.raises(Invalid):
            actions.ask_release(
                tx, vault.pack, purpose, recipient, vault.now + timedelta(hours=hours), actor=vault.evaluator.id, policy=vault.policy, now=vault.now
            )


def test_server_cannot_use_a_share_and_a_wrong_one_is_named(vault: Vault) -> None:
    run = RunKey.generate()
    ask = vault.ask(run)
    vault.release(ask, 0)
    party = vault.custodians[1]
    forged = put_in_box(b"f" * 32, ask.recipient, actions.about_release(ask, 2))
    with vault.instance.database.write() as tx:
        actions.release_share(tx, ask.id, forged, ask.until, actor=party.id, now=vault.now)
    with pytest.raises(Unavailable, match=party.id):
        _open(vault, ask, run)
    # A box made for another ask does not open in this one's place.
    other, another = RunKey.generate(), vault.ask(RunKey.generate())
    moved = vault.ask(other)
    with vault.instance.database.write() as tx:
        share = pack_store.find_share(tx, vault.pack, viewer=party.id, now=vault.now)
        assert share is not None
        box = actions.reseal(share, replace(another, recipient=other.public), vault.keys[party.id])
        actions.release_share(tx, moved.id, box, moved.until, actor=party.id, now=vault.now)
        with pytest.raises(Conflict, match="released for"):
            actions.release_share(tx, moved.id, box, moved.until, actor=party.id, now=vault.now)
        with pytest.raises(Invalid, match="no share"):
            actions.release_share(tx, another.id, b"box", another.until, actor=party.id, now=vault.now)
        with pytest.raises(Unavailable):
            actions.reseal(share, another, vault.keys[vault.custodians[0].id])
    vault.release(moved, 0)
    with pytest.raises(Unavailable):
        _open(vault, moved, other)


def test_record_stands_before_the_key_is_used(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    run = RunKey.generate()
    ask = vault.ask(run)
    vault.release(ask, 0, 1)
    seen: list[int] = []

    def stopped(*arguments: object) -> bytes:
        seen.append(len(_events(vault, vault.ids[0], "ItemOpened")))
        raise KeyboardInterrupt

    monkeypatch.setattr(opening, "_pack_key", stopped)
    with pytest.raises(KeyboardInterrupt):
        _open(vault, ask, run, vault.ids[:1])
    assert seen == [1], "committed, and seen by another connection, before a key is put together"
    assert sorted(_exposures(vault).values()) == [0, 0, 0, 1]


def test_no_key_is_used_where_the_record_cannot_be_kept(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    run = RunKey.generate()
    ask = vault.ask(run)
    vault.release(ask, 0, 1)
    used: list[object] = []
    monkeypatch.setattr(opening, "_pack_key", lambda *arguments: used.append(arguments))

    def broken(*arguments: object, **named: object) -> None:
        raise Unavailable("the ledger cannot be written")

    monkeypatch.setattr("clearinghouse.ledger.actions.record_many", broken)
    with pytest.raises(Unavailable, match="ledger"):
        _open(vault, ask, run)
    assert used == []
    assert set(_exposures(vault).values()) == {0}


def test_leak_scan_gets_canaries_and_no_item_and_counts_for_nobody(vault: Vault) -> None:
    run = RunKey.generate()
    ask = vault.ask(run, Purpose.LEAK_SCAN)
    with pytest.raises(Conflict):
        open_canaries(vault.instance.database, ask.id, run, actor=vault.evaluator.id, now=vault.now)
    vault.release(ask, 0, 1)
    with vault.instance.database.write() as tx:
        packs.retire_items(tx, vault.ids[:1], RetiredFor.LEAK, "found", actor=vault.evaluator.id, envelope=vault.instance.envelope, now=vault.now)
    found = open_canaries(vault.instance.database, ask.id, run, actor=vault.evaluator.id, now=vault.now)
    assert found == {item.canary: item_id for item, item_id in zip(vault.items, vault.ids, strict=True)}
    assert _events(vault, ask.id, "CanariesOpened") == [{"purpose": "leak_scan", "items": 4}]
    assert set(_exposures(vault).values()) == {0}
    with pytest.raises(NotFound):
        _open(vault, ask, run)
    sealed = vault.ask(run2 := RunKey.generate())
    vault.release(sealed, 0, 1)
    with pytest.raises(NotFound):
        open_canaries(vault.instance.database, sealed.id, run2, actor=vault.evaluator.id, now=vault.now)


def test_audit_opens_and_is_noted_and_counts_for_no_engagement(vault: Vault) -> None:
    run = RunKey.generate()
    ask = vault.ask(run, Purpose.AUDIT)
    vault.release(ask, 1, 2)
    assert len(_open(vault, ask, run)) == 4
    assert [one["purpose"] for one in _events(vault, vault.ids[0], "ItemOpened")] == ["audit"]
    assert set(_exposures(vault).values()) == {0}


def test_asks_and_releases_are_seen_by_who_takes_part(vault: Vault) -> None:
    ask = vault.ask(RunKey.generate())
    vault.release(ask, 0)
    stranger = add(vault.instance, "Stranger", Role.CUSTODIAN)
    for viewer, seen in ((vault.evaluator, True), (vault.custodians[1], True), (vault.developer, False), (stranger, False)):
        with vault.instance.acting_as(viewer).read() as tx:
            assert [one.id for one in store.list_asks(tx, viewer=viewer.id, now=vault.now)] == ([ask.id] if seen else [])
            assert len(store.list_releases(tx, [ask.id], viewer=viewer.id, now=vault.now)) == seen
    with vault.instance.database.write() as tx:
        for refused in (lambda: actions.release_share(tx, ask.id, b"", ask.until, actor=stranger.id, now=vault.now),
                        lambda: actions.end_ask(tx, ask.id, actor=stranger.id, now=vault.now)):  # fmt: skip
            with pytest.raises(NotFound):
                refused()
        with pytest.raises(NotPermitted, match="who asked ends"):
            actions.end_ask(tx, ask.id, actor=vault.custodians[0].id, now=vault.now)


def test_new_key_of_a_custodian_is_for_packs_to_come(vault: Vault) -> None:
    party = vault.custodians[0]
    fresh = X25519PrivateKey.generate()
    with vault.instance.database.write() as tx:
        made = actions.register_key(tx, fresh.public_key().public_bytes_raw(), actor=party.id, now=vault.now)
        assert store.live_keys(tx, [party.id]) == {party.id: made}
        with pytest.raises(Conflict, match="registered before"):
            actions.register_key(tx, fresh.public_key().public_bytes_raw(), actor=party.id, now=vault.now)
    run = RunKey.generate()
    ask = vault.ask(run)
    vault.release(ask, 0, 1)
    assert len(_open(vault, ask, run)) == 4


def test_engagements_at_once_are_counted_one_by_one(vault: Vault) -> None:
    """Eight engagements want one item that five may have: five get it, and the count is five."""
    wanted = vault.ids[:1]
    asks = []
    for _ in range(8):
        run = RunKey.generate()
        ask = vault.ask(run)
        vault.release(ask, 0, 1)
        asks.append((ask, run))

    def outcome(one: tuple[ReleaseAsk, RunKey]) -> str:
        return _outcome(lambda: _open(vault, *one, wanted))

    with ThreadPoolExecutor(8) as pool:
        outcomes = sorted(pool.map(outcome, asks))
    assert outcomes == ["Conflict"] * 3 + ["done"] * 5
    assert sorted(_exposures(vault).values()) == [0, 0, 0, 5]
    assert len(_events(vault, wanted[0], "PackItemRetired")) == 1


def test_one_engagement_at_once_counts_once(vault: Vault) -> None:
    run = RunKey.generate()
    ask = vault.ask(run)
    vault.release(ask, 0, 1)
    orders = [vault.ids, vault.ids[::-1], vault.ids[1:] + vault.ids[:1]] * 3
    with ThreadPoolExecutor(9) as pool:
        outcomes = list(pool.map(lambda ids: _outcome(lambda: _open(vault, ask, run, ids)), orders))
    assert outcomes == ["done"] * 9
    assert set(_exposures(vault).values()) == {1}


def _outcome(act: Callable[[], object]) -> str:
    try:
        act()
    except ClearinghouseError as error:
        return type(error).__name__
    return "done"
