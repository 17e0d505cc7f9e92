"""Who is told of what concerns an account, a packet or an emergency, and what is looked after now and then; on both databases."""

import email
import email.policy
import re
from dataclasses import replace
from datetime import timedelta
from email.message import EmailMessage

import pytest
from sqlalchemy import text

from clearinghouse.app import charter_fetch
from clearinghouse.app.announcements import KNOWN_WORDS, NOT_KNOWN_WORDS, text_of
from clearinghouse.app.packets import deliver_waiting, queue_packet
from clearinghouse.app.process import forget_openings, renew_charters
from clearinghouse.app.settings import MailSettings
from clearinghouse.app.wiring import Instance
from clearinghouse.app.withdrawing import withdraw_reports
from clearinghouse.app.worker import worker_of
from clearinghouse.core.clock import FixedClock
from clearinghouse.core.events import Event
from clearinghouse.core.ids import EventId, NoticeId
from clearinghouse.core.marks import Marks
from clearinghouse.core.roles import Role
from clearinghouse.disclosure.coordination.capacity import Reply, ReplyKind
from clearinghouse.disclosure.coordination.capacity import actions as capacity
from clearinghouse.disclosure.intake.records import Finding
from clearinghouse.ledger import actions as ledger
from clearinghouse.parties import actions as parties
from clearinghouse.parties.charters.actions import adopt_charter
from clearinghouse.parties.contacts import actions as contacts
from clearinghouse.parties.glass import actions as glass
from clearinghouse.parties.identity.enrolment import actions as enrolment
from clearinghouse.parties.identity.sessions import store as session_store
from clearinghouse.parties.notices.records import ChannelName, Notice, NoticeKind, NoticeState
from clearinghouse.parties.records import PartyKind
from identity_factories import invited
from room_cast import Cast

OPTED_OUT = 'charter = 1\n[project]\nname = "lib"\npackages = ["pkg:pypi/lib"]\n[opt_out]\ncontact = true\n'


@pytest.fixture
def world(instance: Instance) -> Cast:
    """People with addresses around an instance that has a public address."""
    return Cast(replace(instance, settings=replace(instance.settings, public_url="https://cases.example.net", mail=MailSettings("desk@cases.example.net"))))


def give_address(cast: Cast, name: str) -> None:
    party, now = cast.id(name), cast.instance.clock.now()
    address = name.replace("'s", ".house") + "@example.org"
    with cast.instance.database.write() as tx:
        made = contacts.add_contact(tx, party, address, envelope=cast.instance.envelope, actor=party, now=now)
        contacts.verify_contact(tx, made.id, envelope=cast.instance.envelope, actor=party, now=now)


def posted(cast: Cast) -> dict[str, EmailMessage]:
    """What is mailed by now, the newest of each address and subject; the folder is emptied."""
    worker_of(cast.instance, matching=False).run_once()
    found = {}
    folder = cast.instance.settings.mail_folder / "out" / "new"
    for path in sorted(folder.glob("*")) if folder.is_dir() else []:
        if path.is_file():
            letter = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
            found[f"{letter['To']}: {letter['Subject']}"] = letter
            path.unlink()
    return found


def link_in(letter: EmailMessage, path: str) -> str:
    found = re.search(rf"https://cases\.example\.net{path}\S+", letter.get_content())
    assert found is not None, letter.get_content()
    return found[0]


def test_answer_to_a_packet_is_told_to_who_coordinates(world: Cast) -> None:
    give_address(world, "lead")
    give_address(world, "vendor's")
    queue_packet(world.instance, world.id("vendor's"), world.open(world.report(Finding(title="Flaw", reproduction="run"))), reproducer_confirmed=True)
    [made] = deliver_waiting(world.instance)
    letters = posted(world)
    packet = letters["vendor.house@example.org: A vulnerability report for you"]
    assert "/packet/clh.lnk_" in link_in(packet, "/packet/")
    assert not any(one.startswith("lead@") and "News in a case" in one for one in letters)
    world.write(capacity.answer_delivery, made.id, Reply(ReplyKind.DECLINE, "not ours"), actor="vendor", policy=world.instance.policy.capacity)
    letters = posted(world)
    assert [one for one in letters if one.startswith("lead@")] == ["lead@example.org: News in a case"]
    assert "not ours" not in str(letters["lead@example.org: News in a case"])


def test_report_taken_back_is_told_to_who_looks_after_it_and_not_to_its_sender(world: Cast) -> None:
    for name in ("lead", "finder"):
        give_address(world, name)
    report = world.report(Finding(title="MARKED flaw"))
    posted(world)
    withdraw_reports(world.instance.acting_as(world.party("finder")), [report], "MARKED reason")
    letters = {to: letter for to, letter in posted(world).items() if "taken back" in to}
    assert list(letters) == ["lead@example.org: A report was taken back"]
    assert "MARKED" not in str(letters["lead@example.org: A report was taken back"])


def test_answer_about_a_single_report_is_told_to_its_desk_and_not_to_its_finder(world: Cast) -> None:
    for name in ("lead", "finder", "vendor's"):
        give_address(world, name)
    report = world.report(Finding(title="Flaw", reproduction="run"))
    queue_packet(world.instance, world.id("vendor's"), report, reproducer_confirmed=True)
    [made] = deliver_waiting(world.instance)
    posted(world)
    world.write(capacity.answer_delivery, made.id, Reply(ReplyKind.ACCEPT), actor="vendor", policy=world.instance.policy.capacity)
    assert not any(one.startswith(("finder@", "vendor.")) for one in posted(world))


def test_maintainer_is_told_that_its_opt_out_is_passed(world: Cast) -> None:
    for name in ("lead", "vendor's", "coordinator two"):
        if " " not in name:
            give_address(world, name)
    party = world.id("vendor's")
    world.write(adopt_charter, party, OPTED_OUT.encode(), untrusted_reason="They asked.", limits=world.instance.policy.charters)
    case = world.open(world.report(Finding(title="Flaw", reproduction="run")))
    from clearinghouse.disclosure.coordination.rooms.records import CaseRole
    world.join(case, "coordinator two", CaseRole.COORDINATOR)
    item = queue_packet(world.instance, party, case, exploited=True, reproducer_confirmed=True)
    asked = world.write(capacity.ask_override, item.id, "it is exploited")
    assert not any(one.startswith("vendor.") for one in posted(world))
    world.write(capacity.agree_override, asked.id, actor="coordinator two", policy=world.instance.policy.capacity)
    assert "vendor.house@example.org: You are told of an exploited flaw despite your opt-out" in posted(world)


def test_request_to_break_the_glass_is_told_to_the_second_person_and_the_owners_once_it_waits(world: Cast) -> None:
    give_address(world, "lead")
    give_address(world, "vendor")
    house = world.id("outsider's")
    with world.instance.database.write() as tx:
        overseer = parties.add_party(
            tx, PartyKind.PERSON, "Over", frozenset({Role.OVERSEER}), organisation=house, actor=world.instance.actor.id, now=world.instance.clock.now()
        )
    world.people["over"] = overseer
    give_address(world, "over")
    case = world.open(world.report(Finding(title="Flaw"), "finder"))
    world.join(case, "vendor")
    posted(world)
    world.write(glass.request_break_glass, case, "a life is in danger", policy=world.instance.policy.identity, actor="over")
    subject = "Somebody asks to read in an emergency"
    letters = posted(world)
    assert {one for one in letters if subject in one} == {f"{name}@example.org: {subject}" for name in ("lead", "vendor")}
    assert "danger" not in str(letters[f"lead@example.org: {subject}"])


@pytest.mark.parametrize("kind", ["CredentialsReset", "PasskeyCloned"])
def test_person_is_told_of_its_account_though_it_seems_to_have_done_it(world: Cast, kind: str) -> None:
    give_address(world, "finder")
    posted(world)
    person = world.id("finder")
    with world.instance.database.write() as tx:
        ledger.record(tx, Event(kind, (person,)), actor=person, now=world.instance.clock.now())
    assert "finder@example.org: Your account" in posted(world)
    assert posted(world) == {}


def test_invitation_is_mailed_with_a_text_of_its_own_and_lets_in(world: Cast) -> None:
    instance = world.instance
    with instance.database.write() as tx:
        made, first = enrolment.invite(
            tx, frozenset({Role.REPORTER}), address="guest@example.org", envelope=instance.envelope, policy=instance.policy.identity,
            actor=instance.actor.id, now=instance.clock.now(),
        )
    letter = posted(world)["guest@example.org: You are invited"]
    text = link_in(letter, "/enrol").partition("invitation=")[2]
    assert text != first
    with instance.database.write() as tx:
        assert enrolment.check_invitation(tx, text, envelope=instance.envelope, now=instance.clock.now()).id == made.id
        opened = enrolment.accept_invitation(
            tx, text, name="Guest", project="Guest's", user_agent="Test/1.0", envelope=instance.envelope, policy=instance.policy.identity,
            now=instance.clock.now(),
        )
        [contact] = contacts.list_contacts(tx, opened.party.id, envelope=instance.envelope, viewer=opened.party.id)
    assert (contact.address, contact.verified_at) == ("guest@example.org", instance.clock.now())


def test_revoked_invitation_is_not_mailed(world: Cast) -> None:
    instance = world.instance
    with instance.database.write() as tx:
        made, _ = enrolment.invite(
            tx, frozenset({Role.REPORTER}), address="guest@example.org", envelope=instance.envelope, policy=instance.policy.identity,
            actor=instance.actor.id, now=instance.clock.now(),
        )
        enrolment.revoke_invitation(tx, made.id, envelope=instance.envelope, actor=instance.actor.id, now=instance.clock.now())
    assert posted(world) == {}


def test_new_address_is_asked_to_confirm_itself(world: Cast) -> None:
    party = world.id("vendor's")
    world.write(contacts.add_contact, party, "new@example.org", actor="lead")
    letter = posted(world)["new@example.org: Please confirm this address"]
    assert "/contact/clh.lnk_" in link_in(letter, "/contact/")


def test_what_opens_nothing_any_more_is_forgotten_at_its_interval(instance: Instance, clock: FixedClock) -> None:
    opened = invited(instance)
    policy = instance.policy
    assert forget_openings(instance) == 0
    with instance.database.write() as tx:
        session_store.end_sessions(tx, [opened.session.id], clock.now())
        ledger.record(tx, Event("Tested", (opened.party.id,)), actor=opened.party.id, now=clock.now())
    clock.at += timedelta(days=policy.upkeep.session_days - 1)
    assert forget_openings(instance) == 0
    clock.at += timedelta(days=1, hours=policy.upkeep.openings_hours - 1)
    with instance.database.read() as tx:
        assert session_store.find_session(tx, opened.session.id) is not None
    assert forget_openings(instance) >= 1
    assert forget_openings(instance) == 0
    with instance.database.read() as tx:
        assert session_store.find_session(tx, opened.session.id) is None
    other = invited(instance, name="Bo")  # goes idle, and was never ended
    clock.at += timedelta(days=policy.upkeep.session_days + 2)
    assert forget_openings(instance) == 1
    with instance.database.read() as tx:
        assert session_store.find_session(tx, other.session.id) is None


def test_fetched_charters_are_looked_at_once_in_the_interval(instance: Instance, clock: FixedClock, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[object] = []

    def _looking(given: Instance) -> list[object]:
        looked.append(given)
        return []

    monkeypatch.setattr(charter_fetch, "renew_charters", _looking)
    for hours in (0, 1, 22, 1, 1):
        clock.at += timedelta(hours=hours)
        renew_charters(instance)
    assert len(looked) == 2
    assert renew_charters(replace(instance, settings=replace(instance.settings, outward=replace(instance.settings.outward, enabled=False)))) == 0


def test_finder_is_told_in_a_letter_of_one_length(world: Cast) -> None:
    known = KNOWN_WORDS.format(f"{world.instance.clock.now():%Y-%m-%d %H:%M} UTC")
    assert len(known) == len(NOT_KNOWN_WORDS)
    report = world.report(Finding(title="Overrun", description="overrun"))
    give_address(world, "finder")
    posted(world)
    world.open(report)
    letters = posted(world)
    assert "finder@example.org: News about your report" in letters, sorted(letters)
    assert NOT_KNOWN_WORDS not in letters["finder@example.org: News about your report"].get_content(), "in the open it says that there is news"
    with world.instance.database.read() as tx:
        told = tx.rows(text("select event_id, kind from notices where kind = 'report.updated'"))
        said = [text_of(world.instance, tx, _notice(world, row.event_id), world.instance.clock.now()) for row in told]
    assert said == [(Marks(), NOT_KNOWN_WORDS)]


def _notice(world: Cast, event_id: str) -> Notice:
    now = world.instance.clock.now()
    return Notice(
        NoticeId("ntc"), EventId(event_id), "tell_finder", NoticeKind.REPORT_UPDATED, world.id("finder"), "sub", ChannelName.MAIL, "", "", now, now, 0,
        NoticeState.WAITING,
    )
