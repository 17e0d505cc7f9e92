"""Breaking the glass takes two persons, ends by itself, and leaves what the owners are told from."""

from datetime import timedelta

import pytest

from clearinghouse.app.wiring import Instance
from clearinghouse.core.clock import FixedClock
from clearinghouse.core.errors import Conflict, Invalid, NotFound, NotPermitted
from clearinghouse.core.ids import new_id
from clearinghouse.core.roles import Role
from clearinghouse.ledger import store as ledger
from clearinghouse.parties import grants
from clearinghouse.parties.glass import actions, store
from clearinghouse.parties.glass.records import GlassRequest
from clearinghouse.parties.records import Basis, Grant, Party, PartyKind
from party_factories import add, give, sees


def ask(instance: Instance, who: Party, object_id: str, session: str | None = "ses_a", reason: str = "the embargo leaks") -> GlassRequest:
    with instance.database.write() as tx:
        return actions.request_break_glass(
            tx, object_id, reason, session=session, envelope=instance.envelope, policy=instance.policy.identity, actor=who.id,
            now=instance.clock.now(),
        )


def confirm(instance: Instance, who: Party, request: GlassRequest, session: str | None = "ses_b") -> Grant:
    with instance.database.write() as tx:
        return actions.confirm_break_glass(
            tx, request.id, session=session, envelope=instance.envelope, policy=instance.policy.identity, actor=who.id,
            now=instance.clock.now(),
        )


def test_two_persons_open_one_object_for_hours_and_the_owners_can_be_told(instance: Instance, clock: FixedClock) -> None:
    finder, overseer, case = add(instance, "Finder"), add(instance, "Overseer", Role.OVERSEER), new_id("case")
    give(instance, Grant(case, finder.id, Basis.PARTICIPANT))
    request = ask(instance, instance.actor, case)
    assert sees(instance, instance.actor.id) == [], "asking opens nothing"
    granted = confirm(instance, overseer, request)
    lasting = timedelta(hours=instance.policy.identity.glass_hours)
    assert granted == Grant(
        case, instance.actor.id, Basis.BREAK_GLASS, clock.now() + lasting, None, overseer.id, clock.now(), None, "the embargo leaks"
    )
    edges = [sees(instance, instance.actor.id, after=after) for after in (timedelta(), lasting - timedelta(microseconds=1), lasting)]
    assert edges == [[case], [case], []]
    assert sees(instance, overseer.id) == [], "who confirms reads nothing"
    with instance.database.read() as tx:
        told = {event.kind: (event.subjects, event.details) for event in ledger.events_about(tx, case)}
        seen = grants.list_grants(tx, case, envelope=instance.envelope, viewer=finder.id, now=clock.now())
        assert store.count_broken(tx, clock.now()) == 1
    assert told["GlassBroken"][0] == (case, request.id)
    assert all(party.id in str(told["GlassBroken"][1]) for party in (instance.actor, overseer))
    assert "GlassBreakRequested" in told
    assert granted in seen


def test_one_person_or_one_session_does_not_break_the_glass(instance: Instance) -> None:
    overseer, case = add(instance, "Overseer", Role.OVERSEER), new_id("case")
    request = ask(instance, instance.actor, case)
    for who, session in ((instance.actor, "ses_b"), (instance.actor, "ses_a"), (overseer, "ses_a")):
        with pytest.raises(NotPermitted, match="two persons"):
            confirm(instance, who, request, session)
    assert sees(instance, instance.actor.id) == []


def test_request_is_confirmed_once_and_before_it_lapses(instance: Instance, clock: FixedClock) -> None:
    overseer, case = add(instance, "Overseer", Role.OVERSEER), new_id("case")
    first, second = ask(instance, instance.actor, case), ask(instance, instance.actor, case)
    confirm(instance, overseer, first)
    with pytest.raises(Conflict):
        confirm(instance, overseer, first)
    clock.at = second.lapses_at
    with pytest.raises(Conflict, match="lapsed"):
        confirm(instance, overseer, second)
    with instance.database.read() as tx:
        assert actions.list_waiting(tx, envelope=instance.envelope, viewer=overseer.id, now=clock.now()) == []


@pytest.mark.parametrize("role", [Role.REPORTER, Role.VENDOR, Role.SYSTEM])
def test_other_roles_neither_ask_nor_confirm_nor_see_what_waits(instance: Instance, role: Role) -> None:
    other = add(instance, "Other", role)
    request = ask(instance, instance.actor, new_id("case"))
    with pytest.raises(NotPermitted):
        ask(instance, other, new_id("case"))
    with pytest.raises(NotPermitted):
        confirm(instance, other, request)
    with pytest.raises(NotPermitted), instance.database.read() as tx:
        actions.list_waiting(tx, envelope=instance.envelope, viewer=other.id, now=instance.clock.now())


def test_a_program_breaks_no_glass(instance: Instance) -> None:
    program = add(instance, "Bot", Role.COORDINATOR, kind=PartyKind.PROGRAM)
    with pytest.raises(NotPermitted, match="only people"):
        ask(instance, program, new_id("case"))


def test_asking_needs_a_reason_and_is_the_same_for_what_does_not_exist(instance: Instance) -> None:
    with pytest.raises(Invalid, match="say why"):
        ask(instance, instance.actor, new_id("case"), reason=" ")
    with pytest.raises(Invalid, match="no id"):
        ask(instance, instance.actor, "every case")
    assert ask(instance, instance.actor, new_id("rep")).confirmed_at is None
    with pytest.raises(NotFound), instance.database.write() as tx:
        actions.confirm_break_glass(
            tx, new_id("brk"), envelope=instance.envelope, policy=instance.policy.identity, actor=instance.actor.id,
            now=instance.clock.now(),
        )


def test_one_of_the_two_is_signed_in_for_at_the_command_line_one_person_could_be_both(instance: Instance) -> None:
    overseer, report = add(instance, "Overseer", Role.ADMINISTRATOR), new_id("rep")
    from_the_shell = ask(instance, overseer, report, session=None)
    with pytest.raises(NotPermitted, match="signed in"):
        confirm(instance, instance.actor, from_the_shell, session=None)
    assert confirm(instance, instance.actor, from_the_shell, session="ses_b").party == overseer.id
    assert confirm(instance, instance.actor, ask(instance, overseer, report), session=None).party == overseer.id
