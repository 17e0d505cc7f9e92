"""What a mail looks like: short, plain, with nothing in the open that its marks do not allow there.

A subject says what kind of thing waits, never what it is. Names and texts from outside go into headers
only through the library's own header objects, which refuse line ends.
"""

import email.policy
import email.utils
import hashlib
import hmac
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from functools import lru_cache
from importlib import resources
from typing import Any

import jinja2
import pysequoia

from clearinghouse.app.channels.base import Envelope, Recipient, Refused
from clearinghouse.core.untrusted import clean_line, clean_text
from clearinghouse.parties.notices import rules
from clearinghouse.parties.notices.records import NoticeKind, ToSend

_TEXT_CHARACTERS_MAX = 20_000  # a letter, not an archive: the room has the rest
_RULE = "-" * 72

_WORDS: dict[NoticeKind, tuple[str, str]] = {
    NoticeKind.REPORT_RECEIVED: ("We received your report", "Your report was received and is kept. There is no need to send it again."),
    NoticeKind.REPORT_UPDATED: ("News about your report", "There is news about a report of yours."),
    NoticeKind.APPEAL_MADE: (
        "An appeal waits for an answer", "Who sent a report that you look after contests what was made of it. A coordinator who did not decide it answers.",
    ),
    NoticeKind.APPEAL_ANSWERED: ("Your appeal was answered", "Somebody looked at your report again and answered your appeal, with a reason."),
    NoticeKind.REPORT_WITHDRAWN: ("A report was taken back", "Who sent a report that you look after took it back, or reinstated it."),
    NoticeKind.CASE_OPENED: ("A case was opened", "A case was opened in which you take part."),
    NoticeKind.CASE_UPDATED: ("News in a case", "Something changed in a case in which you take part."),
    NoticeKind.PARTICIPANT_INVITED: (
        "You are asked to take part in a case",
        "You are asked to help with a vulnerability that concerns you. Nothing is expected before you have looked; you may decline.",
    ),
    NoticeKind.MESSAGE_POSTED: ("New message in a case", "There is a new message in a case in which you take part."),
    NoticeKind.DOCUMENT_ADDED: ("New document in a case", "There is a new document in a case in which you take part."),
    NoticeKind.STATUS_CHANGED: ("New status in a case", "A participant stated a new status in a case in which you take part."),
    NoticeKind.DECISION_MADE: ("A decision in a case", "A decision was made in a case in which you take part."),
    NoticeKind.EMBARGO_PROPOSED: ("An embargo is proposed", "Terms of an embargo are proposed. Please say whether you accept them."),
    NoticeKind.EMBARGO_CHANGED: ("An embargo changed", "The terms of an embargo you are part of changed."),
    NoticeKind.EMBARGO_EXITED: (
        "An embargo has ended", "An embargo you are part of has ended, for everybody at once. Nothing has to be held back for its sake any more.",
    ),
    NoticeKind.DEADLINE_DUE: ("A date is due", "A date in a case in which you take part is due."),
    NoticeKind.CONTACT_ATTEMPTED: (
        "A vulnerability report for you",
        "We coordinate the disclosure of vulnerabilities and hold a report that concerns something you make or maintain.",
    ),
    NoticeKind.GLASS_BROKEN: (
        "Your case was read in an emergency",
        "Two people together opened a case of yours without being named in it. Who, when and why is on the record.",
    ),
    NoticeKind.GLASS_REQUESTED: (
        "Somebody asks to read in an emergency",
        "Somebody asks to read something without being named in it. Nothing opens before a second person agrees; who asks, when and why is on the record.",
    ),
    NoticeKind.OPT_OUT_OVERRIDDEN: (
        "You are told of an exploited flaw despite your opt-out",
        "Two people agreed, with a reason that is on the record, to tell you of one flaw that is being exploited. Your opt-out stands for all else.",
    ),
    NoticeKind.ACCOUNT_INVITED: (
        "You are invited", "You are invited to join this clearinghouse for the disclosure of vulnerabilities. If you expected nothing of the kind, do nothing.",
    ),
    NoticeKind.CONTACT_ADDED: (
        "Please confirm this address",
        "Somebody gave this address as theirs or their organisation's. If you know of nothing, do nothing: unconfirmed it is shown nothing.",
    ),
    NoticeKind.ACCOUNT_CHANGED: ("Your account", "Something about your account needs your attention."),
    NoticeKind.WEBHOOK_DISABLED: (
        "A webhook was switched off", "A webhook of yours was switched off, because what was posted to it was not taken again and again.",
    ),
    NoticeKind.COMMITMENT_DUE: (
        "A commitment is to be opened",
        "The day by which you open a commitment comes near or has passed. Open it, or withdraw it; left shut, it counts as never opened.",
    ),
    NoticeKind.REVIEW_UPDATED: ("News in a review", "Something happened in a review of a model in which you take part; what, stands there alone."),
    NoticeKind.DESK_WAITING: ("Something waits at the intake desk", "Something came in that a person of the intake desk must look at."),
}
ANSWERABLE = frozenset(NoticeKind) - {
    NoticeKind.ACCOUNT_CHANGED, NoticeKind.WEBHOOK_DISABLED, NoticeKind.DESK_WAITING, NoticeKind.GLASS_BROKEN, NoticeKind.GLASS_REQUESTED,
    NoticeKind.OPT_OUT_OVERRIDDEN, NoticeKind.ACCOUNT_INVITED, NoticeKind.CONTACT_ADDED, NoticeKind.COMMITMENT_DUE,
    NoticeKind.REVIEW_UPDATED,
}


def compose(
    claimed: ToSend, to: Recipient, *, sender: str, organisation: str, link: str, thread_key: bytes, signing_key: bytes | None, now: datetime
) -> Envelope:
    """The mail of a notice.

    Args:
        link: where to go on; empty where there is no such place.
        thread_key: makes the name of the conversation, which says nothing to anybody else.
        signing_key: OpenPGP secret key of this instance; mail that is encrypted is signed with it.
    Raises:
        Refused: the address cannot stand in a header.
    """
    notice = claimed.notice
    name = _header_name(organisation)
    local, _, domain = sender.rpartition("@")
    recipients = usable_certificates(to.certificates)
    # Encrypted or not: what is not for everybody's eyes goes to no address whose holder never proved to read it.
    sealed = bool(recipients) and to.verified
    told = bool(claimed.text) and rules.may_tell_in_mail(claimed.marks, encrypted=sealed, personal=to.personal, now=now)
    # Several things at once have no subject of their own.
    mixed = claimed.more > 0 and notice.about.startswith("case_")
    subject, sentence = _WORDS[NoticeKind.CASE_UPDATED if mixed else notice.kind]
    body = _template().render(
        sentence=sentence, more=claimed.more, text=clean_text(claimed.text, _TEXT_CHARACTERS_MAX) if told else "",
        label=f"TLP:{claimed.marks.tlp}", rule=_RULE, held_back=bool(claimed.text) and not told, link=link,
        link_words="Sign in here:" if link.endswith("/") else "Go on here; the address is for you alone, do not pass it on:",
        answerable=notice.kind in ANSWERABLE, reference=notice.about, signature=clean_line(organisation, 200),
    )
    message = EmailMessage(policy=email.policy.SMTP)
    message["From"] = Address(name, addr_spec=sender)
    message["To"] = Address(addr_spec=_header_address(to.address))
    message["Subject"] = subject
    message["Date"] = email.utils.format_datetime(now)
    message["Message-ID"] = f"<{claimed.reply_token}@{domain}>"
    story = f"<{_story(thread_key, notice.about, notice.thread, to.party)}@{domain}>"
    message["In-Reply-To"] = message["References"] = story
    answer_to = f"{local}+{claimed.reply_token}@{domain}"
    if notice.kind in ANSWERABLE:
        message["Reply-To"] = Address(name, addr_spec=answer_to)
    # RFC 3834, 5: so that no machine answers; RFC 2919: so that a person can sort.
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"
    message["List-Id"] = f"Notices <notices.{domain}>"
    _fill(message, body, recipients, signing_key)
    return Envelope(notice.id, answer_to, to.address, message.as_bytes())


def _header_name(untrusted_name: str) -> str:
    """A name as a header may hold it. The library decodes encoded words while it writes, line ends in them included."""
    return clean_line(untrusted_name, 100).replace("=?", "= ?")


def _header_address(untrusted_address: str) -> str:
    """An address as a header may hold it; for the same reason without what looks like an encoded word."""
    if "=?" in untrusted_address:
        raise Refused("this address looks like an encoded word and is not written to")
    return untrusted_address


def usable_certificates(certificates: tuple[bytes, ...]) -> list[Any]:
    """Of the certificates, those that can be encrypted to now."""
    found = []
    for each in certificates:
        try:
            certificate = pysequoia.Cert.from_bytes(each)
            pysequoia.encrypt(b"probe", recipients=[certificate])
        except Exception:  # noqa: S112 - the library raises plain errors for expired, revoked and broken keys alike: none is used
            continue
        found.append(certificate)
    return found


def _fill(message: EmailMessage, body: str, recipients: list[Any], signing_key: bytes | None) -> None:
    if not recipients:
        message.set_content(body, cte="quoted-printable")
        return
    inner = EmailMessage(policy=email.policy.SMTP)
    inner.set_content(body, cte="quoted-printable")
    del inner["MIME-Version"]
    signer = pysequoia.Tsk.from_bytes(signing_key).signer() if signing_key is not None else None
    sealed = bytes(pysequoia.encrypt(inner.as_bytes(), recipients=recipients, signer=signer))
    # RFC 3156, section 4: a part that says so, and a part that is it.
    message["MIME-Version"] = "1.0"
    message["Content-Type"] = 'multipart/encrypted; protocol="application/pgp-encrypted"'
    for kind, content in (("pgp-encrypted", b"Version: 1\r\n"), ("octet-stream", sealed)):
        part = EmailMessage(policy=email.policy.SMTP)
        part.set_content(content, "application", kind, cte="7bit")
        del part["MIME-Version"]
        message.attach(part)


def _story(key: bytes, about: str, thread: str, party: str) -> str:
    """The name of the conversation a mail belongs to, the same for all mails of it to one party."""
    return "story." + hmac.new(key, f"clearinghouse/mail-story/v1\0{about}\0{thread}\0{party}".encode(), hashlib.sha256).hexdigest()[:26]


@lru_cache(maxsize=1)
def _template() -> jinja2.Template:
    # Plain text has no markup to escape into; what is put in is cleaned of control characters before.
    environment = jinja2.Environment(autoescape=False, undefined=jinja2.StrictUndefined, keep_trailing_newline=True)  # noqa: S701
    text = (resources.files("clearinghouse.app.channels") / "templates" / "letter.txt").read_text("utf-8")
    return environment.from_string(text)
