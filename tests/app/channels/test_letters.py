"""What a mail looks like: nothing in the open that may not be there, nothing in a header that does not belong, OpenPGP."""

import email
import email.policy
from dataclasses import replace
from datetime import UTC, datetime
from email.message import EmailMessage

import pysequoia
import pytest

from clearinghouse.app.channels.base import Envelope, Recipient, Refused
from clearinghouse.app.channels.letters import _WORDS, ANSWERABLE, compose
from clearinghouse.core.ids import EventId, NoticeId, PartyId
from clearinghouse.core.marks import Marks
from clearinghouse.core.tlp import Tlp
from clearinghouse.parties.notices.records import ChannelName, Notice, NoticeKind, NoticeState, ToSend

NOW = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
PARTY = PartyId("pty_1")
SECRET = "a heap overflow\nBcc: thief@example.com\r\n.\r\n\x1b[2J\u202e in tiff_read_strip"
NOTICE = Notice(
    NoticeId("not_1"), EventId("evt_1"), "tell", NoticeKind.MESSAGE_POSTED, PARTY, "case_1", ChannelName.MAIL, "", "", NOW, NOW, 1, NoticeState.WAITING,
)
CLAIMED = ToSend(NOTICE, Marks(Tlp.AMBER), SECRET, "", 0, "t" * 26, "lse_1")
TO = Recipient(PARTY, "v@example.org", True, True)


def made(claimed: ToSend = CLAIMED, to: Recipient = TO, *, organisation: str = "Example CERT", link: str = "https://c.example/", key: bytes | None = None) -> Envelope:
    return compose(
        claimed, to, sender="cases@example.net", organisation=organisation, link=link, thread_key=b"k" * 32, signing_key=key, now=NOW
    )


def parsed(mail: Envelope) -> EmailMessage:
    return email.message_from_bytes(mail.message, policy=email.policy.default)


def test_mail_says_what_kind_of_thing_waits_and_where() -> None:
    letter = parsed(made())
    assert dict(letter.items()) == {
        "From": "Example CERT <cases@example.net>", "To": "v@example.org", "Subject": "New message in a case", "Date": "Sat, 21 Nov 2026 08:00:00 +0000",
        "Message-ID": f"<{'t' * 26}@example.net>", "References": letter["In-Reply-To"], "In-Reply-To": letter["In-Reply-To"],
        "Reply-To": f"Example CERT <cases+{'t' * 26}@example.net>", "Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All",
        "List-Id": "Notices <notices.example.net>", "Content-Type": 'text/plain; charset="utf-8"', "Content-Transfer-Encoding": "quoted-printable", "MIME-Version": "1.0",
    }
    body = letter.get_content()
    assert "tiff_read_strip" not in body
    assert "not in this mail" in body
    assert "https://c.example/" in body


def test_several_things_at_once_are_news() -> None:
    letter = parsed(made(replace(CLAIMED, more=2)))
    assert letter["Subject"] == "News in a case"
    assert "2 further news" in letter.get_content()


def test_same_notice_has_the_same_message_id_and_a_room_one_conversation_for_each_party() -> None:
    one, again = parsed(made()), parsed(made())
    other = parsed(made(to=replace(TO, party=PartyId("pty_2"))))
    side = parsed(made(replace(CLAIMED, notice=replace(NOTICE, thread="thr_1"))))
    assert one["Message-ID"] == again["Message-ID"]
    assert len({letter["In-Reply-To"] for letter in (one, again, other, side)}) == 3


@pytest.mark.parametrize("name", ["X\r\nBcc: thief@example.com", "X\nBcc: thief@example.com", "=?utf-8?q?X=0ABcc:_t@e.x?=", '"<b@c>,', "\u202eTREC", "a" * 5000])
def test_name_cannot_add_a_header_or_a_recipient(name: str) -> None:
    letter = parsed(made(organisation=name))
    assert letter["Bcc"] is None
    assert letter["To"].addresses[0].addr_spec == "v@example.org"
    assert [address.addr_spec for address in letter["From"].addresses] == ["cases@example.net"]


def test_address_that_would_decode_to_something_else_is_not_written_to() -> None:
    with pytest.raises(Refused):
        made(to=replace(TO, address="=?utf-8?q?X=0ABcc:_t?=@example.org"))


def test_hostile_text_stays_text() -> None:
    letter = parsed(made(replace(CLAIMED, marks=Marks(Tlp.GREEN))))
    assert letter["Bcc"] is None
    assert "Bcc: thief@example.com" in letter.get_content()
    assert not set("\x1b\u202e") & set(letter.get_content())


def test_address_nobody_proved_is_told_nothing_even_encrypted() -> None:
    key = pysequoia.Tsk.generate("V <v@example.org>")
    certificate = str(key.extract_certificate()).encode()
    mail = made(to=replace(TO, verified=False, certificates=(certificate,)))
    opened = pysequoia.decrypt(mail.message[mail.message.index(b"-----BEGIN") :], decryptor=key.decryptor())
    assert opened.bytes is not None
    assert b"tiff_read_strip" not in opened.bytes


@pytest.mark.parametrize(("tlp", "personal", "told"), [(Tlp.AMBER, False, True), (Tlp.RED, True, True), (Tlp.RED, False, False)])
def test_party_with_a_key_gets_mail_that_only_it_can_read_signed_by_us(tlp: Tlp, personal: bool, told: bool) -> None:
    theirs, ours = pysequoia.Tsk.generate("V <v@example.org>"), pysequoia.Tsk.generate("Cases <cases@example.net>")
    to = replace(TO, personal=personal, certificates=(str(theirs.extract_certificate()).encode(),))
    mail = made(replace(CLAIMED, marks=Marks(tlp)), to, key=str(ours).encode())
    letter = parsed(mail)
    assert letter.get_content_type() == "multipart/encrypted"
    assert [part.get_content_type() for part in letter.iter_parts()] == ["application/pgp-encrypted", "application/octet-stream"]
    assert b"tiff_read_strip" not in mail.message
    armoured = mail.message[mail.message.index(b"-----BEGIN") : mail.message.index(b"-----END PGP MESSAGE-----") + 26]
    opened = pysequoia.decrypt(armoured, decryptor=theirs.decryptor(), store=lambda ids: [ours.extract_certificate()])
    assert opened.bytes is not None
    inner = email.message_from_bytes(bytes(opened.bytes), policy=email.policy.default)
    assert ("tiff_read_strip" in inner.get_content()) is told
    assert len(opened.valid_sigs) == 1


def test_key_that_cannot_be_used_is_left_alone() -> None:
    letter = parsed(made(to=replace(TO, certificates=(b"no key", b""))))
    assert letter.get_content_type() == "text/plain"
    assert "tiff_read_strip" not in letter.get_content()


def test_every_kind_has_its_words_and_says_no_more_in_its_subject() -> None:
    assert set(_WORDS) == set(NoticeKind)
    for kind in NoticeKind:
        letter = parsed(made(replace(CLAIMED, notice=replace(NOTICE, kind=kind))))
        assert letter["Subject"] == _WORDS[kind][0]
        assert (letter["Reply-To"] is not None) is (kind in ANSWERABLE)
