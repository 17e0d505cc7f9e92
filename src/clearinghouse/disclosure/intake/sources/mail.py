"""Mail to a security address (RFC 5322): plain, multipart, HTML, attachments, replies, OpenPGP (RFC 3156, RFC 9580).

The text is the report. Attachments are named by digest; a crash log among them tells the crash. Nothing
in a mail is opened, fetched or obeyed.
"""

import dataclasses
import email.utils
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.message import Message

from clearinghouse.core.diffs import find_changes
from clearinghouse.disclosure.intake.crashes import has_crash, read_log
from clearinghouse.disclosure.intake.records import Credit, Finding, Note, VersionRange
from clearinghouse.disclosure.intake.sources._html_text import read_html
from clearinghouse.disclosure.intake.sources._mime import Part, address, attachment_line, decode_text, header, leaves, parse_message
from clearinghouse.disclosure.intake.sources._openpgp import (
    MESSAGE,
    Keyring,
    Signature,
    armoured_message,
    signed_text,
    split_clearsigned,
)
from clearinghouse.disclosure.intake.sources._text_report import Context, read_text
from clearinghouse.disclosure.intake.sources.base import Document, Item, NotAReport, Unreadable

_NAMES = frozenset({
    "from", "to", "subject", "date", "message-id", "mime-version", "received", "return-path", "delivered-to", "content-type", "in-reply-to",
    "references", "reply-to", "cc", "dkim-signature", "x-mailer", "user-agent", "sender", "list-id", "content-transfer-encoding", "auto-submitted",
})
_HEADER_LINE = re.compile(r"(?P<name>[!-9;-~]{1,80}):[ \t]?(?P<value>.*)")
_AUTOMATIC_SUBJECT = re.compile(
    r"^(?:(?:re|aw): )?(?:automatic reply|auto[- ]?reply|autoreply|out of (?:the )?office|abwesenheit|undeliver|delivery status notification|"
    r"mail delivery (?:failed|failure)|returned mail|failure notice|read: |not read: )", re.IGNORECASE
)
_AUTOMATIC_HEADERS = ("X-Autoreply", "X-Autorespond", "X-Auto-Reply-From")
_DISCLOSURE = re.compile(r"(?i)\b(?:publish|disclos|public)\w{0,6}\b.{0,60}?\b(?:after|in|within)\s(?P<days>\d{1,3})[- ]days?\b")
_VERSION = re.compile(r"(?i)(?P<before>\b\w{2,12}\s(?:in\s)?)?\b(?:release|version)\s(?P<version>v?\d{1,6}(?:\.\d{1,6}){1,5}(?:-?(?:rc|alpha|beta)\.?\d{0,3})?)")
_FIXED = re.compile(r"(?i)^(?:fix|patch|correct|resolv|upgrad|updat|since|new)")
_QUOTE = re.compile(r"(?m)^>.*\n?|^On .{5,200} wrote:\s*\n|^-{3,}\s?Original Message\s?-{3,}[\s\S]*")
_READABLE = (("sarif", re.compile(rb'"runs"\s*:')), ("cyclonedx", re.compile(rb'"bomFormat"')), ("csaf", re.compile(rb'"csaf_version"')),
             ("osv", re.compile(rb'"schema_version"')), ("nessus", re.compile(rb"<NessusClientData")))
_YEAR_MAX = 9_990
_LAYERS_MAX = 2
"""A mail in an encrypted mail is opened once more; deeper is left as it is."""


class Mail:
    """The reader; `SOURCE` is its one object."""

    name = "mail"
    title = "Mail (RFC 5322)"
    version = "1"

    def sniff(self, document: Document) -> float:
        names = _leading_headers(document.head)
        if len(names & _NAMES) >= 2 and names & {"from", "received", "message-id", "subject"}:
            return 0.95
        if document.name.lower().endswith((".eml", ".mbox", ".mail")):
            return 0.5
        return 0.3 if "from" in names and "subject" in names else 0.0

    def parse(self, document: Document) -> Iterator[Item]:
        data = document.data.removeprefix(b"\xef\xbb\xbf").lstrip(b"\r\n")
        if data.startswith(b"From "):
            data = data.split(b"\n", 1)[-1]  # the separator of an mbox
        names = _leading_headers(data[:16_384].decode("latin-1"))
        if not names & {"from", "subject", "sender", "message-id"}:
            message = "no mail headers: a mail begins with lines such as `From: ...` and `Subject: ...`, then an empty line, then the text"
            raise Unreadable(message, "line 1", "mail.no_headers")
        mail = parse_message(data, document.limits)
        if (reason := automatic(mail)) is not None:
            raise NotAReport(f"not a report: {reason}; it is not answered and opens no case; use a mail written by a person or a tool's report")
        yield _Letter(document, mail, data).item()


def read_letter(document: Document) -> Item:
    """A mail as a letter: its text as written, its attachments by digest, what is known of its encryption and signature.

    Raises:
        Unreadable: it breaks a limit or the parser.
    """
    data = document.data.removeprefix(b"\xef\xbb\xbf").lstrip(b"\r\n")
    return _Letter(document, parse_message(data, document.limits), data).as_written()


def automatic(mail: Message) -> str | None:
    """Why a mail was written by no sender's will: an automatic reply or a notice of delivery; None where it was."""
    submitted = header(mail, "Auto-Submitted").lower()
    if submitted.startswith("auto-replied"):
        return "an automatic reply (Auto-Submitted: auto-replied)"
    if any(header(mail, name) for name in _AUTOMATIC_HEADERS) or header(mail, "Precedence").lower() == "auto_reply":
        return "an automatic reply"
    if mail.get_content_type() == "multipart/report" and "delivery-status" in header(mail, "Content-Type").lower():
        return "a notice of delivery (multipart/report)"
    if _AUTOMATIC_SUBJECT.match(header(mail, "Subject")) and not header(mail, "In-Reply-To").startswith("<security"):
        return "an automatic reply, by its subject"
    return None


def _leading_headers(text: str) -> set[str]:
    """Names of the header lines a text begins with, in lower case."""
    names: set[str] = set()
    for line in text.lstrip("\ufeff\r\n").split("\n")[:200]:
        if line.startswith((" ", "\t")) and names:
            continue
        found = _HEADER_LINE.match(line)
        if found is None:
            if names or not line.startswith("From "):
                break
            continue
        names.add(found["name"].lower())
    return names


def _add_prose(finding: Finding, text: str, sent: datetime | None) -> Finding:
    """The finding with the version a letter speaks of and the day it says it will be published, counted from the day it was sent."""
    if not finding.ranges:
        named = (found for found in list(_VERSION.finditer(text[:50_000]))[:20] if not _FIXED.match(found["before"] or ""))
        versions = tuple(dict.fromkeys(found["version"].removeprefix("v") for found in named))
        finding = dataclasses.replace(finding, ranges=(VersionRange(versions=versions),) if versions else ())
    if sent is not None and finding.proposed_disclosure_at is None and (found := _DISCLOSURE.search(text[:50_000])) and sent.year < _YEAR_MAX:
        finding = dataclasses.replace(
            finding, proposed_disclosure_at=sent + timedelta(days=int(found["days"])), extra=(*finding.extra, ("disclosure", " ".join(found[0].split()))),
        )
    return finding


class _Letter:
    """One mail on its way to an item."""

    def __init__(self, document: Document, mail: Message, data: bytes) -> None:
        self._document, self._mail, self._data = document, mail, data
        self._notes: list[Note] = []
        self._extra: list[tuple[str, str]] = []
        self._attachments: list[str] = []
        self._logs: list[str] = []
        self._ring = Keyring(document.keys)

    def item(self) -> Item:
        text = self._content(self._mail, self._data, 0)
        subject = header(self._mail, "Subject")
        finding = self._read(text, subject)
        for name in ("Message-ID", "In-Reply-To", "References", "Reply-To", "To", "Cc", "List-Id", "User-Agent", "X-Mailer"):
            if value := header(self._mail, name):
                self._extra.append((name.lower(), value))
        if not header(self._mail, "From"):
            self._notes.append(Note("", "no sender: a From line would be right", "mail.no_sender"))
        sent = self._sent()
        if sent is not None:
            self._extra.append(("date", sent.isoformat()))
        finding = _add_prose(finding, text, sent)
        name, mail = address(header(self._mail, "From"))
        credits_to = () if not (name or mail) else (Credit(name or mail, "reporter", mail),)
        finding = dataclasses.replace(
            finding, reporter=f"{name} <{mail}>" if name and mail else name or mail, attachments=tuple(self._attachments),
            credits=tuple(dict.fromkeys((*finding.credits, *credits_to))), extra=(*finding.extra, *self._extra), place="",
        )
        if not finding.title and not finding.description:
            finding = dataclasses.replace(finding, title="Mail without text")
            self._notes.append(Note("", "no text that can be read; send the report as plain text", "mail.no_text"))
        return Item("", finding, tuple(dict.fromkeys(self._notes)))

    def as_written(self) -> Item:
        """The letter as one text, nothing read into it: for an answer in a conversation, which is no report."""
        text = self._content(self._mail, self._data, 0)
        name, mail = address(header(self._mail, "From"))
        finding = Finding(
            title=header(self._mail, "Subject"), description=text, reporter=mail, credits=(Credit(name),) if name else (),
            attachments=tuple(self._attachments), extra=tuple(self._extra),
        )
        return Item("", finding, tuple(dict.fromkeys(self._notes)))

    def _read(self, text: str, subject: str) -> Finding:
        context = Context("", self._document.limits, self._notes)
        own = _QUOTE.sub("", text) if header(self._mail, "In-Reply-To") or header(self._mail, "References") else text
        finding = read_text(own, context, title=subject)
        # What others wrote stays readable, and is not taken for this sender's words.
        finding = dataclasses.replace(finding, description=text if own != text else finding.description)
        for log in self._logs:
            if finding.crash is None and (crash := read_log(log, self._document.limits.log_line_bytes_max, self._document.limits.log_bytes_max)):
                place = () if crash.place is None else (crash.place,)
                finding = dataclasses.replace(
                    finding, crash=crash.crash, symbols=tuple(dict.fromkeys((*finding.symbols, *crash.symbols))),
                    locations=tuple(dict.fromkeys((*finding.locations, *place))),
                )
        return finding

    def _sent(self) -> datetime | None:
        value = header(self._mail, "Date")
        if not value:
            return None
        try:
            sent = email.utils.parsedate_to_datetime(value)
            return sent.replace(tzinfo=UTC) if sent.tzinfo is None else sent.astimezone(UTC)
        except (ValueError, TypeError, OverflowError, IndexError):
            self._notes.append(Note("", f"{value[:40]!r} is no date of RFC 5322", "date.unknown"))
            return None

    def _content(self, mail: Message, data: bytes, layer: int) -> str:
        """The text of a mail, opened where it is encrypted, checked where it is signed."""
        kind = mail.get_content_type().lower()
        if kind == "multipart/encrypted":
            return self._encrypted(mail, layer)
        if kind == "multipart/signed":
            self._signed(mail, data)
        plain: list[Part] = []
        rich: list[Part] = []
        for part in leaves(mail, self._document.limits):
            if part.kind == "text/plain" and not part.attached:
                plain.append(part)
            elif part.kind == "text/html" and not part.attached:
                rich.append(part)
            elif part.data or part.attached:
                self._attach(part)
        texts = [self._clear(decode_text(part, self._notes), part, layer) for part in plain]
        for part in rich:
            read = read_html(decode_text(part, self._notes))
            if read.dropped:
                self._extra.append(("html_left_out", ", ".join(f"{name} x{count}" for name, count in read.dropped)))
            if not any(text.strip() for text in texts):
                texts.append(read.text)
        return "\n\n".join(text for text in texts if text.strip()).replace("\r\n", "\n").replace("\r", "\n")

    def _attach(self, part: Part) -> None:
        if part.kind in ("application/pgp-signature", "application/pgp-encrypted"):
            return
        self._attachments.append(attachment_line(part))
        if part.climbs:
            message = f"an attachment's name is a path; it is shown as {part.name[:60]!r} and nothing is written under the name as sent"
            self._notes.append(Note(part.place, message, "mail.attachment_name"))
        head = part.data[:65_536]
        text = part.data[: self._document.limits.log_bytes_max].decode("utf-8", "replace") if b"\0" not in head else ""
        reader = next((name for name, mark in _READABLE if mark.search(head)), "crashlog" if text and has_crash(text) else "")
        if reader == "crashlog":
            self._logs.append(text)
        elif not reader and any(change.code for change in find_changes(text)):
            self._extra.append(("patch", text))
        if reader:
            message = f"the attachment {part.name[:60]!r} looks like {reader}; send it by itself to have all of it read"
            self._notes.append(Note(part.place, message, "mail.attachment_readable"))

    def _clear(self, text: str, part: Part, layer: int) -> str:
        """The text of a part with inline OpenPGP opened or checked."""
        if MESSAGE.search(part.data):
            return self._inline(text, part, layer)
        text = text.replace("\r\n", "\n")
        split = split_clearsigned(text)
        if split is None:
            return text
        before, block, after = split
        self._say_signature(self._ring.check_clear(block.encode()), part.place)
        outside = (before + after).strip()
        if outside:
            self._notes.append(Note(part.place, "text outside the signed part: it was not signed", "pgp.unsigned_text"))
        return f"{signed_text(block)}\n\n{outside}".strip()

    def _inline(self, text: str, part: Part, layer: int) -> str:
        message = armoured_message(part.data)
        opened = self._open(message, part.place) if message is not None and layer < _LAYERS_MAX else None
        if opened is None:
            return text
        names = _leading_headers(opened[:16_384].decode("latin-1"))
        if names and names <= _NAMES | {"content-disposition", "content-id", "content-description", "content-language"}:
            return self._content(parse_message(opened, self._document.limits), opened, layer + 1)
        return decode_text(Part(part.place, "text/plain", "", False, False, opened, ""), self._notes)

    def _encrypted(self, mail: Message, layer: int) -> str:
        parts = [part for part in leaves(mail, self._document.limits) if part.kind != "application/pgp-encrypted"]
        message = next((found for part in parts if (found := armoured_message(part.data))), None) or next((part.data for part in parts), b"")
        opened = self._open(message, "part 2") if layer < _LAYERS_MAX else None
        if opened is None:
            for part in parts:
                self._attach(part)
            return ""
        return self._content(parse_message(opened, self._document.limits), opened, layer + 1)

    def _open(self, message: bytes, place: str) -> bytes | None:
        opened = self._ring.open(message)
        if opened is None:
            reason = "no key of this instance opens it" if self._ring.can_open else "this instance has no OpenPGP key"
            note = f"the mail is encrypted and could not be opened ({reason}); the original is kept: encrypt to the key in security.txt"
            self._notes.append(Note(place, note, "pgp.not_opened"))
            return None
        if len(opened.data) > max(1_000_000, len(message) * self._document.limits.inflate_ratio_max):
            raise Unreadable(
                f"the encrypted text is more than {self._document.limits.inflate_ratio_max} times as long as the mail", place, "limit.inflate"
            )
        self._extra.append(("openpgp", "encrypted" + "".join(f", signed by {signer}" for signer in opened.signers)))
        return opened.data

    def _signed(self, mail: Message, data: bytes) -> None:
        boundary = mail.get_boundary()
        signature = next((part for part in leaves(mail, self._document.limits) if part.kind == "application/pgp-signature"), None)
        pieces = re.split(rb"(?m)^--" + re.escape(boundary.encode("latin-1", "replace")) + rb"(?:--)?[ \t]*\r?\n?", data) if boundary else []
        if signature is None or len(pieces) < 3:
            self._notes.append(Note("", "a signed mail without its signature", "pgp.signature_bad"))
            return
        # RFC 3156, section 5: made over the part with CRLF line ends, without the one before the boundary.
        body = pieces[1].replace(b"\r\n", b"\n").removesuffix(b"\n").replace(b"\n", b"\r\n")
        self._say_signature(self._ring.check_detached(body, signature.data), "part 1")

    def _say_signature(self, result: Signature, place: str) -> None:
        self._extra.append(("openpgp", f"signature {result.value}"))
        if result is Signature.BAD:
            self._notes.append(Note(place, "the signature does not fit the text: it was altered on the way or signed with another key", "pgp.signature_bad"))
        elif result is Signature.UNKNOWN:
            self._notes.append(Note(place, "the signature was not checked: the sender's key is not known here", "pgp.signature_unchecked"))


SOURCE = Mail()
