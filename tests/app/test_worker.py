"""The worker: what follows on events, who is told, mail in and out, crashes; on both databases."""

import email
import email.policy
import itertools
import re
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from email.message import EmailMessage
from typing import cast

import pytest

from clearinghouse.app import process
from clearinghouse.app.settings import MailSettings
from clearinghouse.app.wiring import Instance
from clearinghouse.app.worker import Done, Worker, worker_of
from clearinghouse.core.clock import FixedClock
from clearinghouse.core.events import Event
from clearinghouse.core.ids import PartyId
from clearinghouse.core.marks import Marks
from clearinghouse.core.tlp import Tlp
from clearinghouse.disclosure.coordination.rooms import actions as rooms
from clearinghouse.disclosure.coordination.rooms import store as room_store
from clearinghouse.disclosure.coordination.rooms.records import CaseRole
from clearinghouse.disclosure.intake import actions as intake
from clearinghouse.disclosure.intake import store as intake_store
from clearinghouse.disclosure.intake.records import Cover, Finding
from clearinghouse.ledger import actions as ledger
from clearinghouse.ledger import outbox
from clearinghouse.ledger import store as ledger_store
from clearinghouse.parties.contacts import actions as contacts
from clearinghouse.parties.identity.links import actions as links
from clearinghouse.parties.identity.links.records import LinkPurpose
from clearinghouse.parties.notices import actions
from clearinghouse.parties.notices.records import NoticeKind, NoticeState
from clearinghouse.parties.notices.store import notices
from room_cast import Cast
from simulators.smtp_sink import SmtpSink

MARKED = "a heap overflow in tiff_read_strip"


@pytest.fixture
def world(instance: Instance) -> Cast:
    """A case with a coordinator, a finder who sent the report and a vendor who came; all with addresses but the coordinator's other self."""
    cast_ = Cast(instance)
    for name in ("lead", "vendor", "outsider"):
        give_address(cast_, name)
    return cast_


@pytest.fixture
def small_world(sqlite_instance: Instance) -> Cast:
    """The same on SQLite alone, for what does not depend on the database."""
    cast_ = Cast(sqlite_instance)
    for name in ("lead", "vendor", "outsider"):
        give_address(cast_, name)
    return cast_


def give_address(cast_: Cast, name: str) -> None:
    instance = cast_.instance
    party = cast_.id(name)
    with instance.database.write() as tx:
        made = contacts.add_contact(tx, party, f"{name}@example.org", envelope=instance.envelope, actor=party, now=instance.clock.now())
        contacts.verify_contact(tx, made.id, envelope=instance.envelope, actor=party, now=instance.clock.now())


_numbers = itertools.count()


def open_case(cast_: Cast, marks: Marks | None = None, *, joined: bool = True) -> str:
    case = cast_.open(cast_.report(Finding(title=f"{MARKED} {next(_numbers)}"), "finder"), marks=marks)
    cast_.write(rooms.invite, case, cast_.id("vendor"), CaseRole.VENDOR, "it is your code")
    if joined:
        cast_.write(rooms.accept_invitation, case, actor="vendor")
    return case


def work(instance: Instance) -> Done:
    return worker_of(instance, matching=False).run_once()


def settle(instance: Instance) -> None:
    """Everything so far is told, and long enough ago that news is told at once."""
    for _ in range(2):
        work(instance)
        cast("FixedClock", instance.clock).at += timedelta(hours=2)
    clear(instance)


def letters(instance: Instance) -> list[EmailMessage]:
    """What lies in the folder of mail, by recipient and subject."""
    folder = instance.settings.mail_folder / "out" / "new"
    found = [email.message_from_bytes(path.read_bytes(), policy=email.policy.default) for path in folder.iterdir()] if folder.is_dir() else []
    return sorted(found, key=lambda letter: (letter["To"], letter["Subject"]))


def said(instance: Instance) -> list[tuple[str, str]]:
    return [(letter["To"], letter["Subject"]) for letter in letters(instance)]


def clear(instance: Instance) -> None:
    for path in (instance.settings.mail_folder / "out" / "new").glob("*"):
        path.unlink()


def test_invited_party_is_told_and_nothing_of_the_case_is(world: Cast) -> None:
    open_case(world, joined=False)
    work(world.instance)
    assert ("vendor@example.org", "You are asked to take part in a case") in said(world.instance)
    [letter] = [letter for letter in letters(world.instance) if letter["To"] == "vendor@example.org"]
    body = letter.get_content()
    assert "you may decline" in body
    assert letter["Auto-Submitted"] == "auto-generated"
    assert re.fullmatch(r"<[a-z2-7]{26}@localhost\.localdomain>", letter["Message-ID"])


def test_message_is_told_to_the_others_and_to_nobody_outside(world: Cast) -> None:
    case = open_case(world)
    settle(world.instance)
    world.write(rooms.post_message, case, None, MARKED, actor="vendor")
    work(world.instance)
    assert ("lead@example.org", "New message in a case") in said(world.instance)
    assert {to for to, _ in said(world.instance)} & {"vendor@example.org", "outsider@example.org"} == set()
    assert all(MARKED not in letter.as_string() for letter in letters(world.instance))


def test_side_thread_is_told_to_its_members_alone_and_not_after_they_left(world: Cast) -> None:
    give_address(world, "other")
    case = open_case(world)
    world.write(rooms.invite, case, world.id("other"), CaseRole.VENDOR, "it is your code")
    world.write(rooms.accept_invitation, case, actor="other")
    thread = world.write(rooms.open_thread, case, "between us", [world.id("vendor")])
    settle(world.instance)
    world.write(rooms.post_message, case, thread, MARKED)
    work(world.instance)
    assert said(world.instance) == [("vendor@example.org", "New message in a case")]
    clear(world.instance)
    world.instance.clock.at += timedelta(hours=2)  # type: ignore[attr-defined]
    world.write(rooms.post_message, case, thread, MARKED)
    prepared = worker_of(world.instance, matching=False)
    prepared._hand_out()
    prepared._follow_up()
    world.write(rooms.remove_member, case, thread, world.id("vendor"))
    work(world.instance)
    assert said(world.instance) == []
    with world.instance.database.read() as tx:
        kept = [notice for notice in notices.list_notices(tx, viewer=world.id("vendor")) if notice.kind is NoticeKind.MESSAGE_POSTED]
    assert sorted(notice.state for notice in kept) == [NoticeState.SENT, NoticeState.WITHDRAWN]


def test_a_dozen_messages_in_an_hour_are_two_mails(small_world: Cast) -> None:
    clock = cast("FixedClock", small_world.instance.clock)
    case = open_case(small_world)
    settle(small_world.instance)
    for number in range(12):
        small_world.write(rooms.post_message, case, None, f"{MARKED} {number}", actor="vendor")
        clock.at += timedelta(minutes=4)
        work(small_world.instance)
    clock.at += timedelta(hours=1)
    work(small_world.instance)
    mine = [letter for letter in letters(small_world.instance) if letter["To"] == "lead@example.org"]
    assert len(mine) == 2
    assert any("10 further news" in letter.get_content() for letter in mine)


@pytest.mark.parametrize(("tlp", "shown"), [(Tlp.CLEAR, True), (Tlp.GREEN, True), (Tlp.AMBER, False), (Tlp.AMBER_STRICT, False)])
def test_mail_in_the_open_holds_what_its_label_allows(small_world: Cast, tlp: Tlp, shown: bool) -> None:
    case = open_case(small_world, Marks(tlp))
    settle(small_world.instance)
    small_world.write(rooms.post_message, case, None, MARKED, actor="vendor")
    work(small_world.instance)
    [letter] = [letter for letter in letters(small_world.instance) if (letter["To"], letter["Subject"]) == ("lead@example.org", "New message in a case")]
    assert (MARKED in letter.get_content(), f"TLP:{tlp}" in letter.get_content()) == (shown, shown)
    assert all(MARKED not in each.as_string() for each in letters(small_world.instance) if each is not letter) or shown
    assert all(MARKED not in str(each["Subject"]) for each in letters(small_world.instance))


def test_reporter_hears_at_once_that_a_report_came_and_the_desk_that_something_waits(instance: Instance) -> None:
    world = Cast(instance)
    for name in ("finder", "lead"):
        give_address(world, name)
    finder = world.id("finder")
    with instance.database.write() as tx:
        submission = intake.begin_submission(
            tx, name="r", digest="sha256:1", size_bytes=1, cover=Cover(), idempotency_key="k", reporter=finder, actor=instance.system,
            desk=instance.desk, envelope=instance.envelope, now=instance.clock.now(),
        )
        intake.finish_submission(tx, submission, (), source="mail", actor=instance.system, now=instance.clock.now())
    work(instance)
    assert said(instance) == [
        ("finder@example.org", "We received your report"), ("lead@example.org", "Something waits at the intake desk"),
    ]


def test_public_record_is_not_acknowledged(instance: Instance) -> None:
    world = Cast(instance)
    give_address(world, "finder")
    with instance.database.write() as tx:
        submission = intake.begin_submission(
            tx, name="r", digest="sha256:1", size_bytes=1, cover=Cover(public=True), idempotency_key="k", reporter=world.id("finder"),
            actor=instance.system, envelope=instance.envelope, now=instance.clock.now(),
        )
        intake.finish_submission(tx, submission, (), source="osv", actor=instance.system, now=instance.clock.now())
    work(instance)
    assert said(instance) == []


def test_failing_action_costs_no_other_and_waits_for_a_person(sqlite_instance: Instance, clock: FixedClock, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[str] = []

    def act(sqlite_instance: Instance, tx: object, event: ledger_store.LoggedEvent, action: str) -> None:
        ran.append(action)
        if action == "fails":
            raise RuntimeError("a mistake")

    monkeypatch.setattr(process, "FOLLOW_UPS", {"Tested": ("fails", "works")})
    monkeypatch.setattr(process, "follow_up", act)
    with sqlite_instance.database.write() as tx:
        ledger.record(tx, Event("Tested", ("obj_1",)), actor=sqlite_instance.actor.id, now=clock.now())
    worker = worker_of(sqlite_instance, matching=False)
    lines: list[str] = []
    worker.report = lines.append
    for _ in range(60):
        worker.run_once()
        clock.at += timedelta(hours=1)
    assert (ran.count("works"), ran.count("fails")) == (1, sqlite_instance.policy.worker.actions_attempts_max)
    assert "a mistake" in lines[0]
    with sqlite_instance.database.read() as tx:
        assert [(action, trouble) for _, action, trouble in outbox.failed_actions(tx)] == [("fails", "RuntimeError")]


def test_many_workers_at_once_do_each_thing_once(world: Cast) -> None:
    case = open_case(world)
    for number in range(25):
        world.write(rooms.post_message, case, None, f"message {number}", actor="vendor" if number % 2 else "lead")
    with world.instance.database.write() as tx:
        for _ in range(20):
            ledger.record(tx, Event("WebhookDisabled", ("hook_x", world.id("vendor"))), actor=world.instance.system, now=world.instance.clock.now())
    threads = [threading.Thread(target=work, args=(world.instance,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    work(world.instance)
    with world.instance.database.read() as tx:
        kinds = [event.kind for event in ledger_store.stream_leaves(tx, 10_000)]
        sent = notices.count_notices(tx).by_state[NoticeState.SENT]
        assert outbox.lag(tx, "process").waiting == outbox.lag(tx, "process").failed == 0
    assert kinds.count("NoticeSent") == sent == len(letters(world.instance))
    assert said(world.instance).count(("vendor@example.org", "A webhook was switched off")) == 20
    assert len({letter["Message-ID"] for letter in letters(world.instance)}) == sent


def test_end_of_an_embargo_is_told_to_everybody_in_one_step(world: Cast) -> None:
    case = open_case(world)
    give_address(world, "finder")
    work(world.instance)
    clear(world.instance)
    told = [world.id(name) for name in ("lead", "vendor", "finder")]
    with world.instance.database.write() as tx:
        event = Event("EmbargoEnded", (case, "emb_x"), {"tell": [str(party) for party in told]})
        event_id = ledger.record(tx, event, actor=world.instance.system, now=world.instance.clock.now())
    work(world.instance)
    assert said(world.instance) == [(f"{name}@example.org", "An embargo has ended") for name in ("finder", "lead", "vendor")]
    with world.instance.database.read() as tx:
        assert {notice.created_at for notice in notices.system_notices_of(tx, event_id)} == {world.instance.clock.now()}


def test_owners_are_told_when_the_glass_is_broken_and_who_broke_it_is_not(world: Cast) -> None:
    case = open_case(world)
    work(world.instance)
    clear(world.instance)
    with world.instance.database.write() as tx:
        ledger.record(tx, Event("GlassBroken", (case, "brk_x")), actor=world.id("outsider"), now=world.instance.clock.now())
    work(world.instance)
    assert said(world.instance) == [(f"{name}@example.org", "Your case was read in an emergency") for name in ("lead", "vendor")]


def test_timetable_follows_a_case_by_itself_and_what_is_due_is_swept(world: Cast) -> None:
    from clearinghouse.disclosure.coordination.embargo.store import deadlines

    case = open_case(world)
    work(world.instance)
    with world.instance.database.read() as tx:
        waiting = deadlines.system_waiting(tx, case)
    assert waiting != []


@pytest.fixture
def sink() -> Iterator[SmtpSink]:
    with SmtpSink() as started:
        yield started


def by_server(instance: Instance, sink: SmtpSink) -> Instance:
    settings = replace(instance.settings, mail=MailSettings("cases@example.net", "127.0.0.1", sink.port, "none"), public_url="https://cases.example.net")
    return replace(instance, settings=settings)


def test_mail_goes_by_the_server_of_the_settings_and_comes_back_to_an_address_of_its_own(small_world: Cast, sink: SmtpSink) -> None:
    open_case(small_world, joined=False)
    instance = by_server(small_world.instance, sink)
    work(instance)
    [(sender, _, message)] = [each for each in sink.received if each[1] == "vendor@example.org"]
    letter = email.message_from_bytes(message, policy=email.policy.default)
    token = letter["Message-ID"][1:27]
    assert sender == f"cases+{token}@example.net"
    assert f"cases+{token}@example.net" in letter["Reply-To"]
    [text] = re.findall(r"https://cases\.example\.net/act/(clh\.lnk_\S+)", letter.get_content())
    with instance.database.read() as tx:
        link = links.check_link(tx, text, LinkPurpose.ACT_ON_CASE, now=instance.clock.now())
    assert (link.party, link.once) == (small_world.id("vendor"), False)
    assert letters(instance) == []


def test_server_that_is_down_or_busy_is_asked_again_and_one_that_refuses_is_not(small_world: Cast, sink: SmtpSink) -> None:
    clock = cast("FixedClock", small_world.instance.clock)
    open_case(small_world, joined=False)
    instance = by_server(small_world.instance, sink)
    sink.answers["RCPT"] = "451 later"
    work(instance)
    sink.answers.clear()
    clock.at += timedelta(minutes=1)
    work(instance)
    assert [to for _, to, _ in sink.received].count("vendor@example.org") == 1
    small_world.write(rooms.invite, open_case(small_world, joined=False), small_world.id("outsider"), CaseRole.OBSERVER, "look")
    sink.answers["RCPT"] = "550 nobody"
    work(instance)
    sink.answers.clear()
    clock.at += timedelta(days=3)
    work(instance)
    assert "outsider@example.org" not in [to for _, to, _ in sink.received]
    with instance.database.read() as tx:
        states = {notice.state: notice.trouble for notice in notices.list_notices(tx, viewer=small_world.id("outsider"))}
    assert states == {NoticeState.GIVEN_UP: "refused"}


def test_outgoing_switched_off_mail_stays_in_the_folder(small_world: Cast, sink: SmtpSink) -> None:
    open_case(small_world, joined=False)
    instance = by_server(small_world.instance, sink)
    instance = replace(instance, settings=replace(instance.settings, outward=replace(instance.settings.outward, enabled=False)))
    work(instance)
    assert sink.received == []
    assert ("vendor@example.org", "You are asked to take part in a case") in said(instance)


def reply_to(letter: EmailMessage, text: str, sender: str, **headers: str) -> bytes:
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = sender, headers.pop("to", str(letter["Reply-To"])), f"Re: {letter['Subject']}"
    made["Message-ID"], made["In-Reply-To"] = f"<{abs(hash((text, sender)))}@example.org>", letter["Message-ID"]
    for name, value in headers.items():
        made[name.replace("_", "-")] = value
    made.set_content(text + "\n\nOn Sat, somebody wrote:\n> the earlier mail\n> and more of it\n")
    return made.as_bytes()


def drop(instance: Instance, data: bytes, name: str = "1.eml") -> None:
    folder = instance.settings.mail_folder / "in"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)


def messages(small_world: Cast, case: str) -> list[tuple[str, str, str]]:
    instance = small_world.instance
    with instance.database.read() as tx:
        room = room_store.cases.find_room(tx, case, instance.envelope, viewer=instance.actor.id, now=instance.clock.now())
        assert room is not None
        official = room_store.threads.find_official(tx, room)
        found = room_store.threads.list_messages(tx, room, now=instance.clock.now(), limit=100, thread=official)
    return [(message.author, message.via, message.body) for message in found]


def invited_letter(small_world: Cast, to: str = "lead@example.org") -> tuple[str, EmailMessage]:
    case = open_case(small_world)
    small_world.write(rooms.post_message, case, None, "please say something", actor="vendor" if to.startswith("lead") else "lead")
    work(small_world.instance)
    [letter] = [each for each in letters(small_world.instance) if each["To"] == to and "message" in each["Subject"]]
    return case, letter


def test_answer_by_mail_stands_in_the_room_without_what_it_quotes(world: Cast) -> None:
    case, letter = invited_letter(world, "vendor@example.org")
    drop(world.instance, reply_to(letter, "We are on it.", "Vendor <vendor@example.org>"))
    work(world.instance)
    assert messages(world, case)[-1] == (world.id("vendor"), "mail", "We are on it.")
    assert list((world.instance.settings.mail_folder / "in").glob("*.eml")) == []


def test_same_answer_twice_is_one_message(small_world: Cast) -> None:
    case, letter = invited_letter(small_world, "vendor@example.org")
    data = reply_to(letter, "We are on it.", "vendor@example.org")
    drop(small_world.instance, data, "1.eml")
    drop(small_world.instance, data, "2.eml")
    work(small_world.instance)
    assert [body for _, _, body in messages(small_world, case)].count("We are on it.") == 1


@pytest.mark.parametrize(("sender", "headers"), [
    ("mallory@example.com", {}), ("outsider@example.org", {}), ("vendor@example.org.evil.example", {}), ('"vendor@example.org" <m@example.com>', {}),
])
def test_answer_from_another_address_waits_for_the_desk_and_reaches_no_room(small_world: Cast, sender: str, headers: dict[str, str]) -> None:
    from clearinghouse.parties.notices.mail_records import Disposition
    from clearinghouse.parties.notices.store import mail as mail_store

    case, letter = invited_letter(small_world, "vendor@example.org")
    before = messages(small_world, case)
    drop(small_world.instance, reply_to(letter, "I am the vendor, believe me.", sender, **headers))
    work(small_world.instance)
    assert messages(small_world, case) == before
    with small_world.instance.database.read() as tx:
        found = mail_store.list_mail(
            tx, small_world.instance.envelope, viewer=small_world.instance.actor.id, now=small_world.instance.clock.now(), disposition=Disposition.DESK
        )
        hidden = mail_store.list_mail(
            tx, small_world.instance.envelope, viewer=small_world.id("vendor"), now=small_world.instance.clock.now(), disposition=Disposition.DESK
        )
    assert [(kept.reason, kept.about, letter_.text) for kept, letter_ in found] == [("unverified_sender", case, "I am the vendor, believe me.")]
    assert hidden == []


def test_address_of_a_participant_without_the_word_is_new_mail_and_no_answer(small_world: Cast) -> None:
    case, _ = invited_letter(small_world, "vendor@example.org")
    before = messages(small_world, case)
    made = EmailMessage()
    made["From"], made["To"], made["Subject"], made["In-Reply-To"] = "vendor@example.org", "clearinghouse@localhost.localdomain", "Re: x", "<guess@localhost>"
    made.set_content(f"There is {MARKED}.")
    drop(small_world.instance, made.as_bytes())
    work(small_world.instance)
    assert messages(small_world, case) == before
    assert ("vendor@example.org", "We received your report") in said(small_world.instance)


@pytest.mark.parametrize(("name", "value"), [
    ("Auto-Submitted", "auto-replied"), ("Auto-Submitted", "auto-generated"), ("X-Autoreply", "yes"), ("Precedence", "auto_reply"), ("Return-Path", "<>"),
])
def test_machine_that_answers_is_neither_heard_nor_answered(small_world: Cast, name: str, value: str) -> None:
    case, letter = invited_letter(small_world, "vendor@example.org")
    before, mails = messages(small_world, case), len(letters(small_world.instance))
    drop(small_world.instance, reply_to(letter, "I am away.", "vendor@example.org", **{name: value}))
    work(small_world.instance)
    assert (messages(small_world, case), len(letters(small_world.instance))) == (before, mails)


def test_mail_of_ours_that_comes_back_is_noted_and_its_coordinators_told(world: Cast) -> None:
    _, letter = invited_letter(world, "vendor@example.org")
    clear(world.instance)
    bounce = (
        "From: MAILER-DAEMON@mx.example.org\r\nTo: clearinghouse@localhost.localdomain\r\nSubject: failure\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n--b\r\n\r\nno\r\n--b\r\n'
        "Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx\r\n\r\nAction: failed\r\nStatus: 5.1.1\r\n--b\r\n"
        f"Content-Type: text/rfc822-headers\r\n\r\nMessage-ID: {letter['Message-ID']}\r\n--b--\r\n"
    )
    drop(world.instance, bounce.encode())
    world.instance.clock.at += timedelta(hours=2)  # type: ignore[attr-defined]
    work(world.instance)
    assert said(world.instance) == [("lead@example.org", "News in a case")]


def new_mail(sender: str, text: str, **headers: str) -> bytes:
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = sender, "clearinghouse@localhost.localdomain", "A flaw"
    for name, value in headers.items():
        made[name.replace("_", "-")] = value
    made.set_content(text)
    return made.as_bytes()


def test_new_mail_is_a_report_for_the_desk_and_its_sender_hears_so(instance: Instance) -> None:
    drop(instance, new_mail("Ada <ada@example.com>", f"There is {MARKED} in libtiff 4.6.0."))
    work(instance)
    with instance.database.read() as tx:
        [report] = intake_store.list_reports(tx, instance.envelope, viewer=instance.actor.id, now=instance.clock.now(), newest=5)
        assert intake_store.list_reports(tx, instance.envelope, viewer=PartyId("pty_other"), now=instance.clock.now(), newest=5) == []
    assert (report.source, MARKED in report.finding.description) == ("mail", True)
    [letter] = letters(instance)
    assert (letter["To"], letter["Subject"]) == ("ada@example.com", "We received your report")
    assert MARKED not in letter.as_string()


def test_stranger_cannot_have_us_write_more_than_a_few_mails_a_day(sqlite_instance: Instance) -> None:
    for number in range(5):
        drop(sqlite_instance, new_mail("ada@example.com", f"{MARKED} number {number}"), f"{number}.eml")
    work(sqlite_instance)
    assert len(letters(sqlite_instance)) == sqlite_instance.policy.notices.answers_per_day_max


@pytest.mark.parametrize("headers", [{"List_Id": "<oss.example>"}, {"Precedence": "bulk"}, {"Auto_Submitted": "auto-generated"}])
def test_report_from_a_list_or_a_machine_is_taken_and_not_answered(sqlite_instance: Instance, headers: dict[str, str]) -> None:
    drop(sqlite_instance, new_mail("list@example.com", f"There is {MARKED}.", **headers))
    work(sqlite_instance)
    with sqlite_instance.database.read() as tx:
        assert intake_store.count_reports(tx, viewer=sqlite_instance.actor.id, now=sqlite_instance.clock.now()) == 1
    assert letters(sqlite_instance) == []


@pytest.mark.parametrize("data", [
    b"", b"\0" * 1000, b"From: a@b\r\n" * 5000, b"Subject: x\r\n\r\n" + b"A" * 100_000, b"no mail at all",
    b"From: a@b.example\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n" + b"--x\r\n\r\n" * 5000,
    b"From: \r\n bcc: x\r\nTo: \xff\xfe\r\n\r\n\xff", b"From: <a@b.example\r\nReply-To: c@d.example\r\n\r\nx",
])
def test_hostile_mail_costs_only_itself(sqlite_instance: Instance, data: bytes) -> None:
    drop(sqlite_instance, data, "0.eml")
    drop(sqlite_instance, new_mail("ada@example.com", f"There is {MARKED}."), "1.eml")
    work(sqlite_instance)
    assert ("ada@example.com", "We received your report") in said(sqlite_instance)
    assert [path.name for path in (sqlite_instance.settings.mail_folder / "in").glob("*.eml")] == []


def test_worker_signs_a_checkpoint_for_what_happened(small_world: Cast) -> None:
    open_case(small_world, joined=False)
    work(small_world.instance)
    small_world.instance.clock.at += timedelta(minutes=5)  # type: ignore[attr-defined]
    work(small_world.instance)
    state = ledger.verify(small_world.instance.database, None, [small_world.instance.signer.verifier], small_world.instance.keeper)
    assert (state.signed, state.waiting) == (state.leaves, 0)


def test_running_worker_stops_when_told(sqlite_instance: Instance) -> None:
    stop = threading.Event()
    worker: Worker = worker_of(sqlite_instance, matching=False)
    thread = threading.Thread(target=worker.run, args=(stop,))
    thread.start()
    stop.set()
    thread.join(20)
    assert not thread.is_alive()


def test_notice_actions_and_the_table_agree() -> None:
    from clearinghouse.app.announcements import ACTIONS

    assert {action for chain in process.FOLLOW_UPS.values() for action in chain} == set(ACTIONS)
    assert actions.note_sent.__module__.endswith("notices.actions")
