"""Mail by a server: TLS or nothing, credentials from a file, what is tried again and what is not."""

import ssl
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from clearinghouse.app.channels.base import Envelope, Refused, Unreachable
from clearinghouse.app.channels.mailbox import Mailbox
from clearinghouse.app.channels.smtp import SmtpCarrier
from clearinghouse.app.settings import MailSettings
from simulators.smtp_sink import SmtpSink
from simulators.tls import make_tls

MAIL = Envelope("not_1", "cases+x@example.net", "v@example.org", b"Subject: x\r\n\r\n.dot\r\ntext\r\n")


def carrier(sink: SmtpSink, security: str, **changes: object) -> SmtpCarrier:
    return SmtpCarrier(replace(MailSettings("cases@example.net", "localhost", sink.port, security), **changes), "example.net", 5.0)  # type: ignore[arg-type]


def test_mail_arrives_as_it_was_made() -> None:
    with SmtpSink() as sink:
        carrier(sink, "none").carry(MAIL)
    assert sink.received == [(MAIL.sender, MAIL.recipient, MAIL.message)]


@pytest.mark.parametrize("implicit", [False, True])
def test_mail_goes_over_tls_to_a_server_that_proves_its_name(tmp_path: Path, implicit: bool) -> None:
    trust, context = make_tls(tmp_path, "localhost")
    with SmtpSink(tls=context, implicit=implicit) as sink:
        replace(carrier(sink, "tls" if implicit else "starttls"), tls=trust).carry(MAIL)
        assert sink.secured == [True]


@pytest.mark.parametrize("implicit", [False, True])
def test_server_whose_certificate_is_not_trusted_gets_no_mail(tmp_path: Path, implicit: bool) -> None:
    _, context = make_tls(tmp_path, "localhost")
    other = ssl.create_default_context()
    with SmtpSink(tls=context, implicit=implicit) as sink:
        with pytest.raises(Unreachable):
            replace(carrier(sink, "tls" if implicit else "starttls"), tls=other).carry(MAIL)
        assert sink.received == []


def test_server_that_offers_no_tls_gets_no_mail() -> None:
    with SmtpSink() as sink:
        with pytest.raises(Unreachable):
            carrier(sink, "starttls").carry(MAIL)
        assert sink.received == []


def test_password_comes_from_its_file(tmp_path: Path) -> None:
    (tmp_path / "smtp").write_text("relay\nsecret\n")
    (tmp_path / "wrong").write_text("relay\nother\n")
    with SmtpSink(password="secret") as sink:
        carrier(sink, "none", credentials_path=tmp_path / "smtp").carry(MAIL)
        with pytest.raises(Unreachable):
            carrier(sink, "none", credentials_path=tmp_path / "wrong").carry(MAIL)
        with pytest.raises(Unreachable):
            carrier(sink, "none").carry(MAIL)
    assert len(sink.received) == 1


@pytest.mark.parametrize(("verb", "line", "error"), [
    ("RCPT", "550 nobody", Refused), ("RCPT", "450 later", Unreachable), ("DATA", "554 spam", Refused), ("DATA", "451 later", Unreachable),
    ("MAIL", "530 sign in", Unreachable), ("HELLO", "554 go away", Refused), ("HELLO", "garbage", Unreachable), ("HELLO", "421 busy", Unreachable),
])
def test_server_says_whether_to_come_again(verb: str, line: str, error: type[Exception]) -> None:
    with SmtpSink(answers={verb: line}) as sink, pytest.raises(error):
        carrier(sink, "none").carry(MAIL)


def test_no_server_is_unreachable() -> None:
    with SmtpSink() as sink:
        gone = carrier(sink, "none")
    with pytest.raises(Unreachable):
        gone.carry(MAIL)


def test_folder_takes_the_same_mail_once(tmp_path: Path) -> None:
    box = Mailbox(tmp_path / "out")
    act: Callable[[Envelope], None] = box.carry
    act(MAIL)
    act(MAIL)
    assert [path.read_bytes() for path in (tmp_path / "out" / "new").iterdir()] == [MAIL.message]
    assert list((tmp_path / "out" / "tmp").iterdir()) == []
    (tmp_path / "blocked").write_text("a file")
    with pytest.raises(Unreachable):
        Mailbox(tmp_path / "blocked").carry(MAIL)
