"""Notices kept, claimed, folded, sent and given up; subscriptions and their secrets; on both databases."""

from collections.abc import Sequence
from datetime import timedelta

import pytest

from clearinghouse.app.wiring import Instance
from clearinghouse.core.clock import FixedClock
from clearinghouse.core.errors import Conflict, Invalid, NotFound, NotPermitted
from clearinghouse.core.ids import EventId, PartyId, new_id
from clearinghouse.core.marks import Marks
from clearinghouse.core.tlp import Tlp
from clearinghouse.ledger import store as ledger
from clearinghouse.parties.notices import actions
from clearinghouse.parties.notices.records import ChannelName, Draft, Hook, NoticeKind, NoticeState, ToSend
from clearinghouse.parties.notices.store import hooks, notices

HOUR = timedelta(hours=1)


def queue(instance: Instance, *drafts: Draft) -> None:
    with instance.database.write() as tx:
        actions.queue(tx, drafts, envelope=instance.envelope, policy=instance.policy.notices, now=instance.clock.now())


def claim(instance: Instance, lease: str = "lse_1") -> list[ToSend]:
    now = instance.clock.now()
    with instance.database.write() as tx:
        return notices.claim(tx, lease, instance.envelope, limit=50, until=now + timedelta(minutes=2), now=now)


def news(instance: Instance, text: str, kind: NoticeKind = NoticeKind.MESSAGE_POSTED, thread: str = "") -> Draft:
    return Draft(EventId(new_id("evt")), "tell", kind, instance.actor.id, "case_1", thread=thread, marks=Marks(Tlp.GREEN), text=text)


def sent(instance: Instance, done: Sequence[ToSend]) -> None:
    with instance.database.write() as tx:
        for each in done:
            actions.note_sent(tx, each, "sha256:x", actor=instance.actor.id, now=instance.clock.now())


def failed(instance: Instance, each: ToSend, final: bool = False) -> None:
    with instance.database.write() as tx:
        actions.note_failed(
            tx, each, "unreachable", final=final, policy=instance.policy.notices, envelope=instance.envelope, actor=instance.actor.id,
            now=instance.clock.now(),
        )


def states(instance: Instance) -> list[str]:
    with instance.database.read() as tx:
        return sorted(notice.state for notice in notices.list_notices(tx, viewer=instance.actor.id))


def test_notice_of_the_same_event_action_and_target_is_kept_once(instance: Instance) -> None:
    draft = news(instance, "hello", NoticeKind.CASE_OPENED)
    queue(instance, draft)
    queue(instance, draft, draft)
    [claimed] = claim(instance)
    assert (claimed.text, claimed.marks, claimed.notice.attempts, claimed.more) == ("hello", Marks(Tlp.GREEN), 1, 0)
    assert claim(instance, "lse_2") == []


def test_sent_notice_leaves_an_event_and_forgets_its_words(instance: Instance) -> None:
    queue(instance, news(instance, "hello", NoticeKind.CASE_OPENED))
    [claimed] = claim(instance)
    sent(instance, [claimed, claimed])
    with instance.database.read() as tx:
        [event] = ledger.events_about(tx, claimed.notice.id)
        row = tx.row(notices.notices.select())
        assert row is not None
        assert (event.kind, row.state, bytes(row.sealed)) == ("NoticeSent", "sent", b"")


def test_claimed_by_a_worker_that_died_it_is_anothers_with_the_same_token(instance: Instance, clock: FixedClock) -> None:
    queue(instance, news(instance, "hello", NoticeKind.CASE_OPENED))
    [first] = claim(instance, "lse_1")
    clock.at += timedelta(minutes=2)
    [second] = claim(instance, "lse_2")
    assert (second.reply_token, second.notice.attempts) == (first.reply_token, 2)
    sent(instance, [second])
    failed(instance, first)  # the dead one speaks up again: too late
    assert states(instance) == ["sent"]
    with instance.database.read() as tx:
        found = notices.find_by_reply_token(tx, first.reply_token)
        assert found is not None
        assert found.id == first.notice.id
        assert notices.find_by_reply_token(tx, first.notice.id[4:]) is None


def test_failing_notice_is_tried_less_and_less_often_and_given_up(instance: Instance, clock: FixedClock) -> None:
    queue(instance, news(instance, "hello", NoticeKind.CASE_OPENED))
    attempts = 0
    while (claimed := claim(instance)) or states(instance) == ["failed"]:
        for each in claimed:
            attempts += 1
            failed(instance, each)
        clock.at += HOUR
    assert (attempts, states(instance)) == (instance.policy.notices.attempts_max, ["given_up"])


def test_news_of_one_room_within_the_hour_is_one_mail(instance: Instance, clock: FixedClock) -> None:
    queue(instance, news(instance, "one"))
    sent(instance, claim(instance))
    for text in ("two", "three", "four"):
        clock.at += timedelta(minutes=5)
        queue(instance, news(instance, text))
    assert claim(instance) == []
    clock.at += HOUR
    [claimed] = claim(instance)
    assert (claimed.text, claimed.more) == ("two\n\nthree\n\nfour", 2)
    sent(instance, [claimed])
    assert states(instance) == ["folded", "folded", "sent", "sent"]


def test_news_while_a_mail_is_being_sent_is_not_lost_in_it(instance: Instance) -> None:
    queue(instance, news(instance, "one"))
    [under_way] = claim(instance)
    queue(instance, news(instance, "two"))
    sent(instance, [under_way])
    assert states(instance) == ["sent", "waiting"]


def test_side_thread_and_what_is_urgent_are_not_folded(instance: Instance) -> None:
    queue(instance, news(instance, "room"), news(instance, "side", thread="thr_1"), news(instance, "out", NoticeKind.EMBARGO_EXITED))
    assert [each.more for each in claim(instance)] == [0, 0, 0]


def subscribe(instance: Instance, *kinds: str) -> tuple[Hook, str]:
    with instance.database.write() as tx:
        return actions.subscribe(
            tx, "https://hooks.example.org/x", kinds, party=instance.actor.id, check_url=lambda url: None, envelope=instance.envelope,
            actor=instance.actor.id, now=instance.clock.now(),
        )


def test_subscription_is_its_partys_alone_and_its_address_is_sealed(instance: Instance) -> None:
    hook, secret = subscribe(instance, "case.opened")
    assert secret.startswith("whsec_")
    with instance.database.read() as tx:
        assert hooks.list_hooks(tx, instance.envelope, viewer=instance.actor.id) == [hook]
        assert hooks.list_hooks(tx, instance.envelope, viewer=PartyId("pty_other")) == []
        with pytest.raises(NotFound):
            actions.read_hook(tx, hook.id, envelope=instance.envelope, viewer=PartyId("pty_other"))
        row = tx.row(hooks.webhooks.select())
        assert row is not None
        assert b"hooks.example.org" not in bytes(row.sealed)
        assert hooks.system_active_hooks(tx, [instance.actor.id], NoticeKind.CASE_OPENED) == [(hook.id, instance.actor.id)]
        assert hooks.system_active_hooks(tx, [instance.actor.id], NoticeKind.GLASS_BROKEN) == []


def test_subscription_is_refused_for_another_party_or_address_and_beyond_the_number(instance: Instance) -> None:
    def refuse(url: str) -> None:
        raise Invalid("not called")

    for party, check, error in ((PartyId("pty_other"), lambda url: None, NotPermitted), (instance.actor.id, refuse, Invalid)):
        with pytest.raises(error), instance.database.write() as tx:
            actions.subscribe(
                tx, "https://x.example.org", [], party=party, check_url=check, envelope=instance.envelope, actor=instance.actor.id,
                now=instance.clock.now(),
            )
    for _ in range(20):
        subscribe(instance)
    with pytest.raises(Conflict):
        subscribe(instance)


def test_new_secret_leaves_the_old_one_alive_for_a_time_and_none_before_it(instance: Instance, clock: FixedClock) -> None:
    hook, first = subscribe(instance)
    shown = [first]
    for _ in range(2):
        with instance.database.write() as tx:
            shown.append(actions.rotate_secret(
                tx, hook.id, policy=instance.policy.notices, envelope=instance.envelope, actor=instance.actor.id, now=clock.now()
            ))
    with instance.database.read() as tx:
        kept = actions.read_hook(tx, hook.id, envelope=instance.envelope, viewer=instance.actor.id).secrets
    assert len(set(shown)) == 3
    assert [secret.until for secret in kept] == [clock.now() + timedelta(days=7), None]


def deliver(instance: Instance, hook: Hook, *, final: bool) -> None:
    queue(instance, Draft(EventId(new_id("evt")), "post", NoticeKind.CASE_OPENED, hook.party, "case_1", ChannelName.WEBHOOK, hook.id))
    [claimed] = claim(instance)
    failed(instance, ToSend(
        # As if it had been tried to the end.
        type(claimed.notice)(**{name: getattr(claimed.notice, name) for name in claimed.notice.__slots__} | {"attempts": 99}),
        claimed.marks, claimed.text, claimed.address, claimed.more, claimed.reply_token, claimed.lease,
    ), final)


def test_webhook_that_fails_again_and_again_is_switched_off_and_can_be_resumed(instance: Instance, clock: FixedClock) -> None:
    hook, _ = subscribe(instance)
    for _ in range(instance.policy.notices.hook_failures_max):
        deliver(instance, hook, final=False)
    with instance.database.write() as tx:
        off = actions.read_hook(tx, hook.id, envelope=instance.envelope, viewer=instance.actor.id)
        assert (off.active, off.failures) == (False, 5)
        assert [event.kind for event in ledger.events_about(tx, hook.id)] == ["WebhookAdded", "WebhookDisabled"]
        assert hooks.system_active_hooks(tx, [hook.party], NoticeKind.CASE_OPENED) == []
        on = actions.resume_hook(tx, hook.id, envelope=instance.envelope, actor=instance.actor.id, now=clock.now())
        assert (on.active, on.failures) == (True, 0)


def test_receiver_that_says_it_is_gone_is_switched_off_at_once(instance: Instance, clock: FixedClock) -> None:
    hook, _ = subscribe(instance)
    deliver(instance, hook, final=True)
    with instance.database.write() as tx:
        assert not actions.read_hook(tx, hook.id, envelope=instance.envelope, viewer=instance.actor.id).active
        actions.unsubscribe(tx, hook.id, envelope=instance.envelope, actor=instance.actor.id, now=clock.now())
        assert hooks.list_hooks(tx, instance.envelope, viewer=instance.actor.id) == []


def test_notice_state_words_are_those_of_the_record() -> None:
    assert [str(state) for state in NoticeState] == ["waiting", "failed", "sent", "folded", "withdrawn", "given_up"]
