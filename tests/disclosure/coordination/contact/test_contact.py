"""Contact: the silent-party clock, the log, and the steps that are refused until the log holds what they need."""

from collections import Counter
from datetime import datetime, timedelta

import pytest

from clearinghouse.app.timers import sweep_deadlines
from clearinghouse.app.wiring import Instance
from clearinghouse.core.clock import FixedClock
from clearinghouse.core.errors import Conflict, Invalid, NotFound, NotPermitted
from clearinghouse.core.ids import CaseId
from clearinghouse.disclosure.coordination.contact import actions
from clearinghouse.disclosure.coordination.contact.records import Acted, Channel, ContactState, Result, Watch
from clearinghouse.disclosure.coordination.embargo.readings import Reading
from clearinghouse.disclosure.coordination.embargo.records import DeadlineKind
from clearinghouse.disclosure.coordination.embargo.store import deadlines
from clearinghouse.ledger import store as ledger
from room_cast import Cast

DAY = timedelta(days=1)


def sweep(cast: Cast) -> Counter[str]:
    """What falls due in contact, by kind."""

    def reading(instance: Instance) -> Reading:
        now = instance.clock.now()
        return Reading(now, now.timestamp(), "boot")

    return Counter(one.kind for one in sweep_deadlines(cast.instance, reading)[1] if one.kind.startswith("contact"))


def waiting(cast: Cast, watch: Watch) -> set[tuple[str, str, datetime]]:
    with cast.instance.database.read() as tx:
        return {(one.kind, one.name, one.due_at) for one in deadlines.system_waiting(tx, watch.id)}


def attempt(cast: Cast, case_id: CaseId, watch: Watch, channel: Channel = Channel.MAIL, result: Result = Result.NO_ANSWER) -> Watch:
    return cast.write(
        actions.log_attempt, case_id, watch.id, channel, result, at=cast.instance.clock.now(), hint="security@...", note="asked again"
    )


def test_silence_is_reminded_of_twice_and_then_told(cast: Cast, case_id: CaseId, clock: FixedClock) -> None:
    watch = cast.write(actions.begin_watch, case_id, "The maintainer", party=cast.id("vendor"))
    begun = clock.now()
    assert waiting(cast, watch) == {
        (DeadlineKind.CONTACT_REMINDER, "1", begun + 10 * DAY), (DeadlineKind.CONTACT_REMINDER, "2", begun + 20 * DAY),
        (DeadlineKind.CONTACT_SILENCE, "", begun + 30 * DAY),
    }
    sweep(cast)
    for days, due in ((10, {"contact_reminder": 1}), (20, {"contact_reminder": 1}), (29, {}), (30, {"contact_silence": 1}), (31, {})):
        clock.at = begun + days * DAY
        assert sweep(cast) == due
    with cast.instance.database.read() as tx:
        told = [one.kind for one in ledger.events_about(tx, case_id) if one.kind in ("ContactReminderDue", "PartySilent")]
    assert told == ["ContactReminderDue", "ContactReminderDue", "PartySilent"]


def test_answer_ends_the_waiting_and_starts_what_counts_from_it(cast: Cast, case_id: CaseId, clock: FixedClock) -> None:
    watch = cast.write(actions.begin_watch, case_id, "The maintainer", party=cast.id("vendor"))
    clock.at += DAY
    answered = attempt(cast, case_id, watch, result=Result.ANSWERED)
    assert answered.state is ContactState.ACKNOWLEDGED
    assert waiting(cast, watch) == set()
    with cast.instance.database.read() as tx:
        kinds = [one.kind for one in ledger.events_about(tx, case_id)]
    assert [kind for kind in kinds if kind in ("ContactAttempted", "ContactAcknowledged", "FactRecorded")] == [
        "ContactAttempted", "ContactAcknowledged", "FactRecorded",
    ]
    again = cast.write(actions.wait_again, case_id, watch.id)
    assert (again.state, len(waiting(cast, watch))) == (ContactState.WAITING, 3)


def test_party_acknowledges_for_itself_and_nobody_else_does(cast: Cast, case_id: CaseId) -> None:
    watch = cast.write(actions.begin_watch, case_id, "The maintainer", party=cast.id("vendor"))
    with pytest.raises(NotFound):
        cast.write(actions.acknowledge, case_id, watch.id, actor="finder")
    assert cast.write(actions.acknowledge, case_id, watch.id, actor="vendor").state is ContactState.ACKNOWLEDGED
    with pytest.raises(Conflict, match="cannot acknowledge"):
        cast.write(actions.acknowledge, case_id, watch.id, actor="vendor")


def test_escalation_says_what_is_missing(cast: Cast, case_id: CaseId, clock: FixedClock) -> None:
    watch = cast.write(actions.begin_watch, case_id, "Somebody without an account here")
    with pytest.raises(Conflict, match=r"30 days of silence, which end 2026-12-21 08:00 UTC; and 1 more logged attempt"):
        cast.write(actions.act, case_id, watch.id, Acted.ESCALATE, "silent")
    attempt(cast, case_id, watch)
    clock.at += 30 * DAY
    assert cast.write(actions.act, case_id, watch.id, Acted.ESCALATE, "silent").state is ContactState.ESCALATED


def test_way_to_a_maintainer_of_last_resort_needs_its_days_and_its_log(cast: Cast, case_id: CaseId, clock: FixedClock) -> None:
    watch = cast.write(actions.begin_watch, case_id, "Somebody without an account here")
    attempt(cast, case_id, watch)
    clock.at += 30 * DAY
    cast.write(actions.act, case_id, watch.id, Acted.ESCALATE, "silent")
    with pytest.raises(Conflict, match="1 more logged attempt"):
        cast.write(actions.act, case_id, watch.id, Acted.BEGIN_RESORT, "nobody maintains it")
    clock.at += DAY
    attempt(cast, case_id, watch)
    begun = cast.write(actions.act, case_id, watch.id, Acted.BEGIN_RESORT, "nobody maintains it")
    t0 = clock.now()
    assert begun.resort_at == t0
    # T0 is a Tuesday: five business days later is the next Tuesday.
    for acted, days in ((Acted.FIRST, 7), (Acted.SECOND, 14), (Acted.THIRD, 21)):
        assert waiting(cast, watch) == {(DeadlineKind.CONTACT_RESORT, str(acted), t0 + days * DAY)}
        clock.at = t0 + days * DAY - timedelta(minutes=1)
        attempt(cast, case_id, watch)
        with pytest.raises(Conflict, match="the day itself"):
            cast.write(actions.act, case_id, watch.id, acted, "still silent")
        with pytest.raises(Conflict, match="cannot step_in"):
            cast.write(actions.act, case_id, watch.id, Acted.STEP_IN, "now")
        clock.at = t0 + days * DAY
        sweep(cast)
        cast.write(actions.act, case_id, watch.id, acted, "still silent")
    clock.at = t0 + 30 * DAY
    attempt(cast, case_id, watch)
    with pytest.raises(Conflict, match=r"attempts by 1 more channel\(s\) than mail"):
        cast.write(actions.act, case_id, watch.id, Acted.STEP_IN, "a month")
    attempt(cast, case_id, watch, Channel.INTERMEDIARY)
    assert cast.write(actions.act, case_id, watch.id, Acted.STEP_IN, "a month").state is ContactState.LAST_RESORT
    assert cast.write(actions.acknowledge, case_id, watch.id).state is ContactState.ACKNOWLEDGED, "a late answer is an answer"


def test_log_is_the_coordinators_and_others_see_the_watch_over_themselves(cast: Cast, case_id: CaseId) -> None:
    watch = cast.write(actions.begin_watch, case_id, "The maintainer", party=cast.id("vendor"))
    attempt(cast, case_id, watch)
    [whole] = cast.read(actions.list_watches, case_id)
    assert [(one.channel, one.hint, one.note) for one in whole.attempts] == [(Channel.MAIL, "security@...", "asked again")]
    assert [one.attempts for one in cast.read(actions.list_watches, case_id, viewer="vendor")] == [()]
    assert cast.read(actions.list_watches, case_id, viewer="finder") == []
    with pytest.raises(NotPermitted):
        cast.write(actions.act, case_id, watch.id, Acted.ESCALATE, "x", actor="vendor")


def test_attempt_outside_the_watch_or_after_its_close_is_refused(cast: Cast, case_id: CaseId, clock: FixedClock) -> None:
    watch = cast.write(actions.begin_watch, case_id, "The maintainer")
    for at in (clock.now() - DAY, clock.now() + DAY):
        with pytest.raises(Invalid, match="between"):
            cast.write(actions.log_attempt, case_id, watch.id, Channel.PHONE, Result.SENT, at=at)
    assert cast.write(actions.close_watch, case_id, watch.id).state is ContactState.CLOSED
    assert waiting(cast, watch) == set()
    with pytest.raises(Conflict, match="closed"):
        attempt(cast, case_id, watch)


def test_one_party_is_watched_over_once(cast: Cast, case_id: CaseId) -> None:
    cast.write(actions.begin_watch, case_id, "The maintainer", party=cast.id("vendor"))
    with pytest.raises(Conflict, match="already"):
        cast.write(actions.begin_watch, case_id, "The maintainer", party=cast.id("vendor"))
    with pytest.raises(NotFound):
        cast.write(actions.begin_watch, case_id, "Nobody", party="pty_" + "a" * 26)
