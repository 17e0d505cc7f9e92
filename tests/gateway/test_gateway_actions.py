"""Accesses on the instance's side, on both databases: one event for each deed, an end that only moves earlier, reads that name their viewer."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from clearinghouse.app.wiring import Instance
from clearinghouse.core.clock import FixedClock, render_instant
from clearinghouse.core.errors import Conflict, Invalid, NotFound, NotPermitted
from clearinghouse.core.ids import PartyId, ReviewCaseId, new_id
from clearinghouse.core.roles import Role
from clearinghouse.gateway import actions, rules, store
from clearinghouse.gateway.records import Access, JournalHead
from clearinghouse.ledger import store as ledger
from clearinghouse.storage import Transaction
from gateway_support import grant, new_review
from party_factories import add

HOUR = timedelta(hours=1)


def kinds(instance: Instance, subject: str) -> list[str]:
    with instance.database.read() as tx:
        return [event.kind for event in ledger.events_about(tx, subject)]


def seen(instance: Instance, access: Access) -> Access | None:
    with instance.database.read() as tx:
        return store.system_find(tx, access.id)


def do(instance: Instance, deed: Callable[..., Any], *arguments: Any, actor: PartyId | None = None) -> Any:
    with instance.database.write() as tx:
        return deed(tx, *arguments, actor=actor or instance.actor.id, now=instance.clock.now())


def test_key_is_shown_once_and_its_hash_alone_is_kept(instance: Instance) -> None:
    access, key = grant(instance)
    access_id, secret = rules.read_key(key)
    with instance.database.read() as tx:
        kept = store.system_accesses(tx, instance.clock.now())
        everything = " ".join(str(tuple(row)) for table in ("model_accesses", "model_access_keys", "events") for row in tx.rows(text(f"select * from {table}")))
    assert access_id == access.id
    assert kept == [(access, rules.hash_secret(secret))]
    assert rules.opens(secret, kept[0][1])
    assert not rules.opens(secret + "x", kept[0][1])
    assert access.id in everything, "something of it is kept"
    assert secret not in everything


@pytest.mark.parametrize(("changed", "said"), [
    ({"purpose": "fun"}, "probe, practice"), ({"upstream": "No Such"}, "small letters"), ({"lasts": timedelta()}, "before it ends"),
    ({"lasts": -HOUR}, "before it ends"), ({"tokens_max": 0}, "budget"), ({"calls_max": 0}, "budget"), ({"tokens_max": 2**60}, "budget"),
])
def test_grant_of_another_form_is_refused(sqlite_instance: Instance, changed: dict[str, Any], said: str) -> None:
    with pytest.raises(Invalid, match=said):
        grant(sqlite_instance, **changed)


def test_grant_that_is_over_already_is_refused(sqlite_instance: Instance) -> None:
    with pytest.raises(Invalid, match="past"):
        grant(sqlite_instance, begins_at=sqlite_instance.clock.now() - 2 * HOUR, lasts=HOUR)


def test_grant_to_nobody_is_refused(sqlite_instance: Instance) -> None:
    with pytest.raises(NotFound):
        grant(sqlite_instance, party=PartyId(new_id("pty")))


def test_database_itself_refuses_a_window_that_ends_before_it_begins(instance: Instance) -> None:
    access, _ = grant(instance)
    with pytest.raises(IntegrityError), instance.database.write() as tx:
        tx.derive(text("update model_accesses set ends_at = begins_at where access_id = :id"), {"id": access.id})


def test_life_of_an_access_leaves_one_event_a_deed(instance: Instance, clock: FixedClock) -> None:
    review = new_review(instance, instance.actor.id)
    access, _ = grant(instance, review, lasts=4 * HOUR)
    do(instance, actions.suspend_access, access, "incident")
    resting = seen(instance, access)
    assert resting is not None
    assert (resting.suspended_at, resting.suspended_by) == (clock.now(), instance.actor.id)
    do(instance, actions.restore_access, resting)
    do(instance, actions.shorten_access, access, clock.now() + HOUR)
    do(instance, actions.end_access, access, "asked")
    ended = seen(instance, access)
    assert ended is not None
    assert (ended.suspended_at, ended.ends_at, ended.ended_at) == (None, clock.now() + HOUR, clock.now())
    assert kinds(instance, review) == [
        "Tested", "AccessGranted", "AccessSuspended", "AccessRestored", "AccessShortened", "AccessEnded"
    ]


def test_what_ended_does_not_come_back(instance: Instance, clock: FixedClock) -> None:
    access, _ = grant(instance)
    do(instance, actions.suspend_access, access, "asked")
    do(instance, actions.end_access, access, "asked")
    ended = seen(instance, access)
    assert ended is not None
    with pytest.raises(Conflict):
        do(instance, actions.restore_access, ended)
    with pytest.raises(Conflict):
        do(instance, actions.suspend_access, ended, "asked")
    with pytest.raises(Conflict):
        do(instance, actions.end_access, ended, "asked")
    with pytest.raises(Conflict):
        do(instance, actions.shorten_access, ended, clock.now() + timedelta(minutes=1))


def test_end_moves_earlier_and_never_later(sqlite_instance: Instance, clock: FixedClock) -> None:
    access, _ = grant(sqlite_instance)
    for wrong in (access.ends_at, access.ends_at + HOUR, access.begins_at, access.begins_at - HOUR):
        with pytest.raises(Invalid, match="earlier, never later"):
            do(sqlite_instance, actions.shorten_access, access, wrong)
    # One who read it before somebody else moved the end cannot move it back.
    do(sqlite_instance, actions.shorten_access, access, clock.now() + timedelta(minutes=10))
    with pytest.raises(Conflict):
        do(sqlite_instance, actions.shorten_access, access, clock.now() + timedelta(minutes=20))


def test_who_suspends_restores(sqlite_instance: Instance) -> None:
    developer, evaluator = add(sqlite_instance, "Developer", Role.DEVELOPER), add(sqlite_instance, "Evaluator", Role.EVALUATOR)
    access, _ = grant(sqlite_instance)
    do(sqlite_instance, actions.suspend_access, access, "asked", actor=developer.id)
    resting = seen(sqlite_instance, access)
    assert resting is not None
    with pytest.raises(NotPermitted, match="who suspends restores"):
        do(sqlite_instance, actions.restore_access, resting, actor=evaluator.id)
    with pytest.raises(Conflict, match="somebody else"):  # as it stood before the developer suspended it in the same moment
        do(sqlite_instance, actions.restore_access, replace(resting, suspended_by=evaluator.id), actor=evaluator.id)
    do(sqlite_instance, actions.restore_access, resting, actor=developer.id)
    do(sqlite_instance, actions.suspend_access, access, "model_changed", actor=sqlite_instance.system)
    resting = seen(sqlite_instance, access)
    assert resting is not None
    do(sqlite_instance, actions.restore_access, resting, actor=evaluator.id)
    assert seen(sqlite_instance, access) == access


def test_whole_review_ends_rests_and_shrinks_at_once(instance: Instance, clock: FixedClock) -> None:
    review, other = new_review(instance), new_review(instance)
    long, _ = grant(instance, review, lasts=4 * HOUR)
    short, _ = grant(instance, review, lasts=HOUR / 2)
    later, _ = grant(instance, review, begins_at=clock.now() + 3 * HOUR)
    foreign, _ = grant(instance, other)
    assert do(instance, actions.suspend_all_of_review, review, "paused") == 3
    assert do(instance, actions.suspend_all_of_review, review, "paused") == 0
    assert do(instance, actions.restore_all_of_review, review) == 3
    assert do(instance, actions.shorten_all_of_review, review, clock.now() + HOUR) == 2
    moved = [seen(instance, access) for access in (long, short, later)]
    assert [one and (one.ends_at, one.ended_at) for one in moved] == [
        (clock.now() + HOUR, None), (short.ends_at, None), (later.ends_at, clock.now())
    ]
    assert do(instance, actions.end_all_of_review, review, "withdrawn") == 2
    assert seen(instance, foreign) == foreign


def test_accesses_are_read_by_who_may_read_the_review_and_by_nobody_else(instance: Instance) -> None:
    reader, stranger, holder = add(instance, "Reader"), add(instance, "Stranger"), add(instance, "Holder")
    review = new_review(instance, reader.id)
    access, _ = grant(instance, review, party=holder.id)
    hidden, _ = grant(instance)
    now = instance.clock.now()
    found = {}
    for viewer in (reader, stranger, holder):
        with instance.acting_as(viewer).read() as tx:
            listed = store.list_of_review(tx, [review, hidden.review_id], viewer=viewer.id, now=now)
            own = store.list_seen(tx, viewer=viewer.id, now=now, limit=10)
            try:
                one: Access | None = actions.find(tx, access.id, viewer=viewer.id, now=now)
            except NotFound:
                one = None
        found[viewer.id] = (listed, own, one)
    assert found == {reader.id: ([access], [access], access), stranger.id: ([], [], None), holder.id: ([], [access], access)}


def test_not_there_and_not_yours_are_one_answer(sqlite_instance: Instance) -> None:
    access, _ = grant(sqlite_instance)
    stranger = add(sqlite_instance, "Stranger")
    said = set()
    with sqlite_instance.acting_as(stranger).read() as tx:
        for asked in (access.id, new_id("acc"), "nonsense"):
            with pytest.raises(NotFound) as error:
                actions.find(tx, asked, viewer=stranger.id, now=sqlite_instance.clock.now())
            said.add(str(error.value).replace(asked, "ID"))
    assert len(said) == 1


def test_gateway_reads_no_access_that_is_long_over(sqlite_instance: Instance, clock: FixedClock) -> None:
    access, _ = grant(sqlite_instance)
    with sqlite_instance.database.read() as tx:
        assert [one.id for one, _ in store.system_accesses(tx, clock.now())] == [access.id]
        assert store.system_accesses(tx, access.ends_at) == []


def _note(tx: Transaction, gateway: str, entries: int, head: str, instance: Instance) -> bool:
    noted = JournalHead(gateway, entries, head, instance.clock.now())
    return actions.note_journal_head(tx, noted, actor=instance.actor.id, now=instance.clock.now())


def test_heads_of_a_journal_grow_and_are_never_rewritten(instance: Instance) -> None:
    gateway = new_id("gwy")
    with instance.database.write() as tx:
        assert [_note(tx, gateway, *one, instance) for one in ((0, ""), (3, "aa"), (3, "aa"), (7, "bb"))] == [False, True, False, True]
        assert [(head.entries, head.head) for head in store.list_heads(tx, gateway)] == [(3, "aa"), (7, "bb")]
    for entries, head in ((7, "cc"), (5, "dd")):
        with pytest.raises(Conflict, match="older copy"), instance.database.write() as tx:
            _note(tx, gateway, entries, head, instance)
    assert kinds(instance, gateway) == ["JournalHeadNoted", "JournalHeadNoted"]


def test_clock_is_vouched_for_once_a_jump(instance: Instance) -> None:
    gateway, jump = new_id("gwy"), new_id("jmp")
    do(instance, actions.accept_clock, gateway, jump)
    with instance.database.read() as tx:
        assert store.system_accepted(tx, gateway) == {jump}
    with pytest.raises(Conflict):
        do(instance, actions.accept_clock, gateway, jump)
    with pytest.raises(Invalid):
        do(instance, actions.accept_clock, gateway, "now")


def test_standing_is_half_open_and_ends_first(sqlite_instance: Instance) -> None:
    review = ReviewCaseId(new_id("rvw"))
    access, _ = grant(sqlite_instance, review, begins_at=sqlite_instance.clock.now() + HOUR)
    tick = timedelta(microseconds=1)
    assert [rules.standing(access, at) for at in (access.begins_at - tick, access.begins_at, access.ends_at - tick, access.ends_at)] == [
        rules.Refusal.NOT_BEGUN, None, None, rules.Refusal.WINDOW_CLOSED
    ]
    assert render_instant(access.begins_at) < render_instant(access.ends_at)
