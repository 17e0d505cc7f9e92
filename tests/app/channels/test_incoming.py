"""Answers with OpenPGP: opened with the instance's key, their signature held against the party's certificates and no other."""

from dataclasses import replace
from email.message import EmailMessage

import pysequoia
import pytest

from clearinghouse.app.channels import incoming
from clearinghouse.app.wiring import Instance
from clearinghouse.core.ids import EventId, new_id
from clearinghouse.disclosure.coordination.rooms import store as rooms
from clearinghouse.disclosure.intake.records import Finding
from clearinghouse.parties.contacts import actions as contacts
from clearinghouse.parties.notices import actions
from clearinghouse.parties.notices.mail_records import Disposition, SignatureState
from clearinghouse.parties.notices.records import Draft, NoticeKind
from clearinghouse.parties.notices.store import notices
from room_cast import Cast

OURS = pysequoia.Tsk.generate("Cases <cases@example.net>")
THEIRS = pysequoia.Tsk.generate("Vendor <vendor@example.org>")
MALLORY = pysequoia.Tsk.generate("Vendor <vendor@example.org>")


@pytest.fixture
def world(sqlite_instance: Instance, monkeypatch: pytest.MonkeyPatch) -> Cast:
    folder = sqlite_instance.settings.openpgp_folder
    folder.mkdir(parents=True)
    (folder / "cases.asc").write_text(str(OURS))
    known = (str(THEIRS.extract_certificate()).encode(),)
    monkeypatch.setattr(incoming, "certificates", lambda tx, party, envelope: known)
    return Cast(sqlite_instance)


def asked(world: Cast) -> tuple[str, str]:
    """A case, and the word that leads the vendor's answer into it."""
    instance = world.instance
    case = world.open(world.report(Finding(title="A flaw"), "finder"))
    world.join(case, "vendor")
    vendor, now = world.id("vendor"), instance.clock.now()
    with instance.database.write() as tx:
        contacts.add_contact(tx, vendor, "vendor@example.org", envelope=instance.envelope, actor=vendor, now=now)
        draft = Draft(EventId(new_id("evt")), "tell", NoticeKind.MESSAGE_POSTED, vendor, case)
        actions.queue(tx, [draft], envelope=instance.envelope, policy=instance.policy.notices, now=now)
        [claimed] = notices.claim(tx, "lse_1", instance.envelope, limit=5, until=now, now=now)
    return case, claimed.reply_token


def encrypted(token: str, signer: pysequoia.Tsk | None, inner: str = "We are on it.") -> bytes:
    sealed = bytes(pysequoia.encrypt(
        f"Content-Type: text/plain; charset=utf-8\r\n\r\n{inner}\r\n".encode(), recipients=[OURS.extract_certificate()],
        signer=None if signer is None else signer.signer(),
    )).decode()
    return (
        f"From: vendor@example.org\r\nTo: cases+{token}@example.net\r\nSubject: Re: x\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/encrypted; protocol="application/pgp-encrypted"; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: application/pgp-encrypted\r\n\r\nVersion: 1\r\n--b\r\nContent-Type: application/octet-stream\r\n\r\n"
        f"{sealed}\r\n--b--\r\n"
    ).encode()


def last_message(world: Cast, case: str) -> str:
    instance = world.instance
    with instance.database.read() as tx:
        room = rooms.cases.find_room(tx, case, instance.envelope, viewer=instance.actor.id, now=instance.clock.now())
        assert room is not None
        found = rooms.threads.list_messages(tx, room, now=instance.clock.now(), limit=5)
    return found[-1].body if found else ""


@pytest.mark.parametrize(("signer", "state"), [
    (THEIRS, SignatureState.GOOD), (MALLORY, SignatureState.NONE), (None, SignatureState.NONE), (OURS, SignatureState.UNKNOWN),
])
def test_encrypted_answer_is_opened_and_its_signature_is_that_of_the_party_or_not(
    world: Cast, signer: pysequoia.Tsk | None, state: SignatureState
) -> None:
    case, token = asked(world)
    kept = incoming.take_mail(world.instance, encrypted(token, signer))
    assert (kept.disposition, kept.signature, kept.encrypted) == (Disposition.THREADED, state, True)
    assert last_message(world, case) == "We are on it."


def test_signed_answer_that_was_altered_waits_for_the_desk(world: Cast) -> None:
    case, token = asked(world)
    signed = bytes(pysequoia.sign(THEIRS.signer(), b"We will fix it.\n", mode=pysequoia.SignatureMode.CLEAR)).decode()
    states = {}
    for name, text in (("whole", signed), ("altered", signed.replace("will fix", "won't fix"))):
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = "vendor@example.org", f"cases+{token}@example.net", "Re: x"
        mail.set_content(text)
        kept = incoming.take_mail(world.instance, mail.as_bytes())
        states[name] = (kept.disposition, kept.reason, kept.signature)
    assert states == {
        "whole": (Disposition.THREADED, "answer", SignatureState.GOOD), "altered": (Disposition.DESK, "signature_bad", SignatureState.BAD),
    }
    assert last_message(world, case) == "We will fix it."


def test_answer_that_no_key_opens_waits_for_the_desk(world: Cast) -> None:
    case, token = asked(world)
    other = pysequoia.Tsk.generate("Other <o@example.org>")
    sealed = encrypted(token, None)
    elsewhere = bytes(pysequoia.encrypt(b"secret", recipients=[other.extract_certificate()])).decode()
    begin, end = sealed.index(b"-----BEGIN"), sealed.index(b"-----END PGP MESSAGE-----") + 25
    kept = incoming.take_mail(world.instance, sealed[:begin] + elsewhere.strip().encode() + sealed[end:])
    assert (kept.disposition, kept.reason) == (Disposition.DESK, "not_opened")
    assert last_message(world, case) == ""


def test_word_that_is_too_old_leads_nowhere(world: Cast) -> None:
    from datetime import timedelta

    case, token = asked(world)
    world.instance.clock.at += timedelta(days=world.instance.policy.notices.reply_days + 1)  # type: ignore[attr-defined]
    kept = incoming.take_mail(world.instance, encrypted(token, THEIRS))
    assert kept.disposition is Disposition.SUBMITTED
    assert last_message(world, case) == ""


def test_mail_beyond_the_size_is_not_kept(world: Cast) -> None:
    from clearinghouse.core.errors import Invalid

    small = replace(world.instance, policy=replace(world.instance.policy, intake=replace(world.instance.policy.intake, document_bytes_max=100)))
    with pytest.raises(Invalid):
        incoming.take_mail(small, b"Subject: x\r\n\r\n" + b"x" * 200)
