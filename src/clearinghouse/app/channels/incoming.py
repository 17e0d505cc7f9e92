"""Mail that comes in: an answer goes to its room as its sender's, new mail is taken in as a report, machines are not answered.

An answer is known by the unguessable word in the address it was sent to, or in the Message-ID it answers. That word alone
admits nobody: the sender must be the party the word was given to, by an address of its own, and a signature that does not
fit speaks against it. Where anything is amiss, a person of the desk looks at it. A mail is read in a child process with
bounded time and memory, and is kept sealed as it came.
"""

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pysequoia

from clearinghouse.app.channels.directory import certificates
from clearinghouse.app.channels.mail_headers import (
    Headers,
    machine_reason,
    read_headers,
    reply_tokens,
    returned_tokens,
    split_mbox,
    strip_quoted,
)
from clearinghouse.app.channels.mailbox import put_away, waiting_files
from clearinghouse.app.wiring import Instance
from clearinghouse.core.errors import Conflict, Invalid, NotFound, NotPermitted
from clearinghouse.core.ids import EventId, PartyId
from clearinghouse.core.marks import Marks
from clearinghouse.core.tlp import Tlp
from clearinghouse.core.untrusted import clean_line
from clearinghouse.disclosure.coordination.rooms import actions as rooms
from clearinghouse.disclosure.coordination.rooms.records import Via
from clearinghouse.disclosure.intake.boundary import ParserProcess
from clearinghouse.disclosure.intake.jobs import Incoming, IntakeJob
from clearinghouse.disclosure.intake.records import Finding
from clearinghouse.parties.contacts import rules as contact_rules
from clearinghouse.parties.contacts import store as contacts
from clearinghouse.parties.notices import actions, rules
from clearinghouse.parties.notices.mail_records import Disposition, Letter, ReceivedMail, SignatureState
from clearinghouse.parties.notices.records import Draft, Notice, NoticeKind
from clearinghouse.parties.notices.store import mail as mail_store
from clearinghouse.parties.notices.store import notices
from clearinghouse.storage import Transaction

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class _Opened:
    """A mail as the child read it."""

    letter: Letter
    signature: SignatureState
    encrypted: bool
    closed: bool = False
    """Encrypted, and no key of this instance opens it."""


def any_waiting(folder: Path) -> bool:
    """Whether a folder holds mail to be read."""
    return next(waiting_files(folder), None) is not None


def read_folder(instance: Instance, folder: Path) -> int:
    """Take in the mail of a folder; gives how many files were dealt with. What cannot be kept is put aside, not lost."""
    count = 0
    for path in waiting_files(folder):
        count += 1
        try:
            for _ in take_file(instance, path):
                pass
        except (Invalid, OSError):
            put_away(folder, path, read=False)
        else:
            put_away(folder, path, read=True)
    return count


def take_file(instance: Instance, path: Path) -> Iterator[ReceivedMail]:
    """Take in the mail, or the mails of the mbox, in a file.

    Raises:
        Invalid: it is larger than this instance reads.
    """
    limit = instance.policy.intake.document_bytes_max
    if path.stat().st_size > limit:
        raise Invalid(f"{path.name[:80]!r} has {path.stat().st_size} bytes; mail of at most {limit} is read, nothing of it was kept")
    for data in split_mbox(path.read_bytes()):
        yield take_mail(instance, data)


def take_mail(instance: Instance, data: bytes) -> ReceivedMail:
    """Take in one mail; the same bytes again are answered with what became of them the first time.

    Raises:
        Invalid: it is empty or larger than this instance reads.
    """
    if not data.strip() or len(data) > instance.policy.intake.document_bytes_max:
        raise Invalid(f"a mail of 1 to {instance.policy.intake.document_bytes_max} bytes is read; this one has {len(data)}")
    digest = "sha256:" + hashlib.sha256(data).hexdigest()
    with instance.database.read() as tx:
        earlier = mail_store.system_find_by_digest(tx, digest)
    if earlier is not None:
        return earlier
    arrival = _Arrival(instance, data, digest, read_headers(data))
    reason = machine_reason(arrival.headers, instance.settings.mail_sender)
    if reason == "bounce":
        return arrival.bounced()
    answered = arrival.answered()
    if reason in ("automatic", "loop") and (answered is not None or reason == "loop" or _answers_something(arrival.headers)):
        return arrival.set_aside(Disposition.IGNORED, reason)
    if answered is not None:
        return arrival.answer(answered)
    return arrival.report(may_answer=not reason)


def _answers_something(headers: Headers) -> bool:
    return bool(headers.get("in-reply-to")) or any(value.lower().startswith("auto-replied") for value in headers.get("auto-submitted", ()))


@dataclass(frozen=True)
class _Arrival:
    """One mail on its way to where it belongs."""

    instance: Instance
    data: bytes
    digest: str
    headers: Headers

    def answered(self) -> Notice | None:
        """The notice this mail answers, if it is one of ours and not too old."""
        now = self.instance.clock.now()
        with self.instance.database.read() as tx:
            for token in reply_tokens(self.headers):
                found = notices.find_by_reply_token(tx, token)
                if found is not None and found.created_at > now - timedelta(days=self.instance.policy.notices.reply_days):
                    return found
        return None

    def answer(self, notice: Notice) -> ReceivedMail:
        """Put an answer into its room, or before a person of the desk."""
        instance = self.instance
        with instance.database.read() as tx:
            known = certificates(tx, notice.party, instance.envelope)
        opened = self._open(known)
        with instance.database.write() as tx:
            reason = self._amiss(tx, notice, opened)
            if not reason:
                try:
                    return self._post(tx, notice, opened)
                except (NotFound, NotPermitted):
                    reason = "not_in_the_room"
                except Conflict:
                    reason = "room_closed"
                except Invalid:
                    reason = "unreadable"
            return self._keep(tx, opened, Disposition.DESK, reason, notice=notice, readers=[instance.desk])

    def _amiss(self, tx: Transaction, notice: Notice, opened: _Opened) -> str:
        """Why an answer is not taken at its word; empty where it is."""
        own = contacts.system_contacts(tx, notice.party, self.instance.envelope)
        if opened.letter.sender.casefold() not in {contact.address.casefold() for contact in own}:
            return "unverified_sender"
        if opened.signature is SignatureState.BAD:
            return "signature_bad"
        if opened.closed:
            return "not_opened"
        if not notice.about.startswith("case_") or notice.kind is NoticeKind.PARTICIPANT_INVITED:
            return "no_room_yet"
        return ""

    def _post(self, tx: Transaction, notice: Notice, opened: _Opened) -> ReceivedMail:
        instance, letter = self.instance, opened.letter
        lines = [letter.text, *(f"(attached to the mail: {line})" for line in letter.attachments)]
        said = rooms.post_message(
            tx, notice.about, notice.thread or None, "\n\n".join(line for line in lines if line), via=Via.MAIL, actor=notice.party,
            envelope=instance.envelope, limits=instance.policy.rooms, now=instance.clock.now(),
        )
        return self._keep(tx, opened, Disposition.THREADED, "answer", notice=notice, became=said, readers=[notice.party])

    def report(self, *, may_answer: bool) -> ReceivedMail:
        """Take new mail in as a report and, where that makes no loop, say so to its sender."""
        instance, policy = self.instance, self.instance.policy.notices
        # The report is the mail as read; here only the outside counts: who says he sent it.
        opened = _Opened(_outside(self.headers), SignatureState.NONE, False)
        hashed = rules.hash_address(instance.envelope.index_key(), opened.letter.sender)
        since = instance.clock.now() - _DAY
        with instance.database.read() as tx:
            today = mail_store.system_count_from(tx, hashed, Disposition.SUBMITTED, since)
        if today >= policy.reports_per_sender_day_max:
            return self.set_aside(Disposition.DESK, "too_many", self._open(()))
        job = IntakeJob(
            instance.database, instance.envelope, instance.policy.intake, instance.clock, instance.system, instance.system,
            openpgp_keys=instance.openpgp_keys, desk=instance.desk,
        )
        with _spooled(instance.settings.mail_folder, self.data) as path:
            [taken] = job.run([Incoming("mail.eml", path, "mail", self.digest)])
        if not taken.submission_id:
            return self.set_aside(Disposition.DESK, "unreadable")
        with instance.database.write() as tx:
            kept, event_id = self._keep_with_event(
                tx, opened, Disposition.SUBMITTED, "new", became=taken.submission_id, readers=[instance.desk]
            )
            address = _plain_address(opened.letter.sender)
            if may_answer and address and today < policy.answers_per_day_max:
                draft = Draft(
                    event_id, "answer", NoticeKind.REPORT_RECEIVED, instance.system, taken.submission_id, marks=Marks(Tlp.CLEAR), address=address
                )
                actions.queue(tx, [draft], envelope=instance.envelope, policy=policy, now=instance.clock.now())
        return kept

    def bounced(self) -> ReceivedMail:
        """Note that a mail of ours came back."""
        tokens, final = returned_tokens(self.data)
        opened = _Opened(_outside(self.headers), SignatureState.NONE, False)
        with self.instance.database.write() as tx:
            notice = next((found for token in tokens if (found := notices.find_by_reply_token(tx, token)) is not None), None)
            if notice is None or not final:
                return self._keep(tx, opened, Disposition.IGNORED, "delivery_notice", notice=notice)
            actions.note_bounced(tx, notice, actor=self.instance.system, now=self.instance.clock.now())
            return self._keep(tx, opened, Disposition.BOUNCED, "undelivered", notice=notice)

    def set_aside(self, disposition: Disposition, reason: str, opened: _Opened | None = None) -> ReceivedMail:
        """Keep a mail and do nothing with it; the desk may read it where it is to look at it."""
        seen = opened or _Opened(_outside(self.headers), SignatureState.NONE, False)
        readers = [self.instance.desk] if disposition is Disposition.DESK else []
        with self.instance.database.write() as tx:
            return self._keep(tx, seen, disposition, reason, readers=readers)

    def _open(self, known: tuple[bytes, ...]) -> _Opened:
        """The mail as the child process reads it, its signature held against the party's certificates."""
        keys = (*self.instance.openpgp_keys, *known)
        with ParserProcess(self.instance.policy.intake, keys) as parser:
            answers = list(parser.read("mail.eml", self.data, "letter"))
        finding = next((item.finding for answer in answers for item in answer.items if item.finding is not None), None)
        notes = [note for answer in answers for note in (*answer.notes, *(note for item in answer.items for note in item.notes))]
        said = tuple(note.message for note in notes)
        if finding is None:
            return _Opened(_outside(self.headers, said), SignatureState.NONE, False)
        text, quoted = strip_quoted(finding.description)
        name = finding.credits[0].name if finding.credits else ""
        letter = Letter(finding.reporter, name, finding.title, text, quoted, finding.attachments, said)
        return _Opened(letter, *_openpgp(finding, known), any(note.code == "pgp.not_opened" for note in notes))

    def _keep(
        self, tx: Transaction, opened: _Opened, disposition: Disposition, reason: str, *, notice: Notice | None = None,
        became: str | None = None, readers: list[PartyId] | None = None,
    ) -> ReceivedMail:
        return self._keep_with_event(tx, opened, disposition, reason, notice=notice, became=became, readers=readers)[0]

    def _keep_with_event(
        self, tx: Transaction, opened: _Opened, disposition: Disposition, reason: str, *, notice: Notice | None = None,
        became: str | None = None, readers: list[PartyId] | None = None,
    ) -> tuple[ReceivedMail, EventId]:
        instance = self.instance
        return actions.keep_mail(
            tx, opened.letter, self.data, self.digest, disposition, reason, signature=opened.signature, encrypted=opened.encrypted,
            party=None if notice is None else notice.party, about=None if notice is None else notice.about, became=became,
            readers=readers or [], envelope=instance.envelope, actor=instance.system, now=instance.clock.now(),
        )


def _openpgp(finding: Finding, known: tuple[bytes, ...]) -> tuple[SignatureState, bool]:
    """What is known of signature and encryption; good only by a certificate of the party itself."""
    said = [value for name, value in finding.extra if name == "openpgp"]
    encrypted = any(value.startswith("encrypted") for value in said)
    own = {str(pysequoia.Cert.from_bytes(each).fingerprint).lower() for each in known}
    signers = {word.removeprefix("signed by ").lower() for value in said for word in value.split(", ") if word.startswith("signed by ")}
    if "signature bad" in said:
        return SignatureState.BAD, encrypted
    if (known and "signature good" in said) or signers & own:
        return SignatureState.GOOD, encrypted
    return (SignatureState.UNKNOWN if signers or any(value.startswith("signature") for value in said) else SignatureState.NONE), encrypted


def _outside(headers: Headers, notes: tuple[str, ...] = ()) -> Letter:
    """A mail of which only the outside is read."""
    sender = clean_line(next(iter(headers.get("from", ())), ""), 320)
    return Letter(sender.rpartition("<")[2].removesuffix(">").strip(), "", clean_line(next(iter(headers.get("subject", ())), ""), 500), "", False, (), notes)


def _plain_address(untrusted_address: str) -> str:
    try:
        return contact_rules.parse_address(untrusted_address)
    except Invalid:
        return ""


@contextmanager
def _spooled(folder: Path, data: bytes) -> Iterator[Path]:
    """The bytes in a file of their own, readable by this instance alone, for as long as they are read."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle, name = tempfile.mkstemp(dir=folder, prefix=".reading-", suffix=".eml")
    path = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        yield path
    finally:
        path.unlink(missing_ok=True)
