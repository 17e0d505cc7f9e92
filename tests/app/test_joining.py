"""Asking to take part in a case one cannot see: who is told, what the asker learns, and how often."""

from datetime import timedelta

import pytest

from clearinghouse.app.joining import ask_to_join
from clearinghouse.app.process import matching
from clearinghouse.app.views.asks import read_asks
from clearinghouse.app.views.case_room import list_invitations, read_room
from clearinghouse.app.views.queue import read_queue
from clearinghouse.app.views.report import read_report
from clearinghouse.app.views.reports import case_of
from clearinghouse.app.wiring import Instance
from clearinghouse.core.clock import FixedClock
from clearinghouse.core.errors import Conflict, Invalid, NotFound
from clearinghouse.core.roles import Role
from clearinghouse.disclosure.coordination.asks import actions
from clearinghouse.disclosure.coordination.rooms import actions as rooms
from clearinghouse.disclosure.coordination.rooms.records import CaseRole
from clearinghouse.disclosure.coordination.rooms.records import DecisionKind as DecisionKindOfCase
from clearinghouse.disclosure.deconfliction import actions as deconfliction
from clearinghouse.disclosure.deconfliction.records import DecisionKind
from clearinghouse.disclosure.intake import store as intake
from clearinghouse.parties.records import Party
from views_support import counted, flaw, new_party, send_as


@pytest.fixture
def finder(instance: Instance) -> Party:
    return new_party(instance, "Finder Ltd", Role.REPORTER)


def merged(instance: Instance, finder: Party) -> tuple[str, str]:
    """A report of somebody else and one of the finder, which a person found to be one flaw."""
    [first] = send_as(instance, new_party(instance, "Earlier Ltd", Role.REPORTER), [flaw("Heap overflow", symbol="one")], coordinator=instance.actor)
    [mine] = send_as(instance, finder, [flaw("Palette overrun", symbol="two")], coordinator=instance.actor)
    work = matching(instance)
    work.sign_new()
    work.index_waiting()
    work.settle()
    with instance.database.write() as tx:
        now = instance.clock.now()
        found = intake.read_reports(tx, [first, mine], instance.envelope, viewer=instance.actor.id, now=now)
        deconfliction.decide(
            tx, DecisionKind.MERGE, list(found.values()), "the same", actor=instance.actor.id, envelope=instance.envelope,
            thresholds=instance.policy.deconfliction, now=now,
        )
    return first, mine


def opened(instance: Instance, report: str) -> str:
    with instance.database.write() as tx:
        return rooms.open_case(
            tx, [report], "SECRET flaw", policy_version=1, actor=instance.actor.id, envelope=instance.envelope, limits=instance.policy.rooms,
            now=instance.clock.now(),
        )


def test_ask_reaches_the_coordinators_who_invite(instance: Instance, finder: Party, clock: FixedClock) -> None:
    first, mine = merged(instance, finder)
    case_id = opened(instance, first)
    me = instance.acting_as(finder)
    assert ask_to_join(me, mine, "we hold a reproducer") == clock.at
    assert read_report(me, mine).asked_at == clock.at
    [section] = [one for one in read_queue(instance).sections if one.key == "asks"]
    assert [(item.path, item.since) for item in section.items] == [(f"/cases/{case_id}/asks", clock.at)]
    [line] = read_asks(instance, case_id).asks
    assert (line.name, line.words) == ("Finder Ltd's person", "we hold a reproducer")
    with pytest.raises(NotFound):
        read_asks(me, case_id)
    assert list_invitations(me) == ()
    with instance.database.write() as tx:
        actions.invite_asker(
            tx, case_id, line.id, CaseRole.FINDER, "come in", actor=instance.actor.id, envelope=instance.envelope,
            limits=instance.policy.rooms, now=clock.at,
        )
    assert [one.case_id for one in list_invitations(me)] == [case_id]
    assert read_asks(instance, case_id).asks == ()


def test_no_is_not_told_and_one_asks_once_more_after_days(instance: Instance, finder: Party, clock: FixedClock) -> None:
    first, mine = merged(instance, finder)
    case_id = opened(instance, first)
    me = instance.acting_as(finder)
    ask_to_join(me, mine, "please")
    [line] = read_asks(instance, case_id).asks
    before = read_report(me, mine)
    with instance.database.write() as tx:
        actions.decline_asker(tx, case_id, line.id, "enough people", actor=instance.actor.id, envelope=instance.envelope, now=clock.at)
    assert read_report(me, mine) == before
    with pytest.raises(Conflict, match="asked already"):
        ask_to_join(me, mine, "please")
    clock.at += timedelta(days=instance.policy.joining.again_days)
    ask_to_join(me, mine, "please, again")
    clock.at += timedelta(days=instance.policy.joining.again_days)
    with pytest.raises(Conflict, match="twice"):
        ask_to_join(me, mine, "please")


def test_asker_cannot_tell_whether_there_is_a_case(instance: Instance, finder: Party, clock: FixedClock) -> None:
    first, mine = merged(instance, finder)
    me = instance.acting_as(finder)
    said = []
    for again in (False, True):
        if again:
            opened(instance, first)
            clock.at += timedelta(days=instance.policy.joining.again_days)
        with counted(instance) as sent:
            at = ask_to_join(me, mine, "please")
        said.append((at == clock.at, len(sent), read_report(me, mine).events))
    assert said[0] == said[1]


def test_nobody_asks_before_a_person_has_looked_or_about_what_is_not_ones_own(instance: Instance, finder: Party) -> None:
    [mine] = send_as(instance, finder, [flaw("Palette overrun")], coordinator=instance.actor)
    with pytest.raises(Conflict, match="nobody has looked"):
        ask_to_join(instance.acting_as(finder), mine, "please")
    with pytest.raises(NotFound):
        ask_to_join(instance.acting_as(new_party(instance, "Other Ltd", Role.REPORTER)), mine, "please")
    with pytest.raises(Invalid):
        ask_to_join(instance, mine, " ")


def test_coordinator_who_sees_a_held_finding_asks_its_owners(instance: Instance, finder: Party) -> None:
    desk = new_party(instance, "Second desk", Role.COORDINATOR)
    earlier = new_party(instance, "Earlier Ltd", Role.REPORTER)
    [first] = send_as(instance, earlier, [flaw("Heap overflow in the strip reader", symbol="one")], coordinator=instance.actor)
    [theirs] = send_as(instance, finder, [flaw("Heap overflow in strip reading", symbol="two")], coordinator=desk)
    work = matching(instance)
    work.sign_new()
    work.index_waiting()
    work.settle()
    case_id = opened(instance, first)
    their = instance.acting_as(desk)
    seen = read_report(their, theirs)
    assert [(one.id, one.title) for one in seen.candidates] == [(None, "a held finding")]
    # The machine does not say that they are one flaw: the ask goes by what is shown as held alone.
    assert (seen.line.answer, seen.line.case_id) == ("unsure", case_of(theirs))
    ask_to_join(their, theirs, "we coordinate this with its vendor")
    [line] = read_asks(instance, case_id).asks
    assert (line.name, line.words) == ("Second desk's person", "we coordinate this with its vendor")
    assert list_invitations(their) == ()


def test_only_coordinators_see_who_was_declined(instance: Instance, finder: Party, clock: FixedClock) -> None:
    first, mine = merged(instance, finder)
    case_id = opened(instance, first)
    vendor = new_party(instance, "Vendor Ltd", Role.VENDOR)
    with instance.database.write() as tx:
        rooms.invite(
            tx, case_id, vendor.id, CaseRole.VENDOR, "yours", actor=instance.actor.id, envelope=instance.envelope,
            limits=instance.policy.rooms, now=clock.at,
        )
        rooms.accept_invitation(tx, case_id, actor=vendor.id, now=clock.at)
    ask_to_join(instance.acting_as(finder), mine, "please")
    [line] = read_asks(instance, case_id).asks
    before = read_room(instance.acting_as(vendor), case_id)
    assert read_asks(instance.acting_as(vendor), case_id).asks == ()
    with instance.database.write() as tx:
        actions.decline_asker(tx, case_id, line.id, "enough people", actor=instance.actor.id, envelope=instance.envelope, now=clock.at)
    assert read_room(instance.acting_as(vendor), case_id) == before
    [told] = [one for one in read_room(instance, case_id).decisions if one.decision.kind is DecisionKindOfCase.JOIN_DECLINED]
    assert (told.decision.subject, told.decision.reason) == (finder.id, "enough people")
