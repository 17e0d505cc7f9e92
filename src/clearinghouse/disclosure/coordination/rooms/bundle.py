"""A whole case as bytes: one JSON document a line in canonical form (RFC 8785), and last a manifest of their hashes.

The same case gives the same bytes. Every object is named by the id it has where the case began (its handle), so a case
that was imported leaves under the names it came with. Nothing in here knows a database.
"""

import base64
import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, TypeVar

import msgspec
import rfc8785

from clearinghouse.core.errors import Invalid
from clearinghouse.core.ids import has_shape
from clearinghouse.core.marks import Marks
from clearinghouse.disclosure.coordination.rooms.records import (
    CaseRole,
    CaseState,
    DecisionKind,
    DocumentKind,
    Participation,
    ReportState,
    ThreadKind,
    VendorStatus,
)
from clearinghouse.disclosure.intake.records import Finding
from clearinghouse.parties.records import Tier

FORMAT = "clearinghouse-case-1"
_PARTS_MAX = 10_000  # lines of one bundle: a bound on memory, not a policy
_T = TypeVar("_T")
At = Annotated[datetime, msgspec.Meta(tz=True)]


@dataclass(frozen=True, slots=True)
class CasePart:
    """The case itself."""

    handle: str
    title: str
    summary: str
    opened_at: At
    state: CaseState
    state_at: At
    marks: Marks


@dataclass(frozen=True, slots=True)
class PartyPart:
    """Somebody who occurs in the case."""

    handle: str
    name: str
    """Empty where the party asked not to be named."""


@dataclass(frozen=True, slots=True)
class ParticipantPart:
    """A party's part in it."""

    party: str
    role: CaseRole
    state: Participation
    tier: Tier
    report_state: ReportState
    report_state_at: At
    invited_at: At
    invited_by: str
    joined_at: At | None
    ended_at: At | None
    unnamed: bool


@dataclass(frozen=True, slots=True)
class ReportPart:
    """A report as received, less a name its sender keeps back."""

    handle: str
    attached_at: At
    attached_by: str
    reporter: str
    source: str
    digest: str
    """Of the finding as its sender sent it, by whoever received it first."""
    received_at: At
    share_with_vendor: bool
    share_name: bool
    withdrawn_at: At | None
    marks: Marks
    title: str
    identifiers: tuple[str, ...]
    finding: Finding | None
    """None of a report that was withdrawn."""


@dataclass(frozen=True, slots=True)
class StatementPart:
    """What a vendor said of a vulnerability, and when."""

    party: str
    status: VendorStatus
    said_at: At
    said_by: str
    statement: str
    newest: bool


@dataclass(frozen=True, slots=True)
class VulnerabilityPart:
    """A vulnerability, its support and its statuses."""

    handle: str
    added_at: At
    added_by: str
    title: str
    identifiers: tuple[str, ...]
    reports: tuple[str, ...]
    statements: tuple[StatementPart, ...]


@dataclass(frozen=True, slots=True)
class MessagePart:
    """A message, its text as it came."""

    handle: str
    author: str
    at: At
    in_reply_to: str | None
    body: str
    marks: Marks


@dataclass(frozen=True, slots=True)
class ThreadPart:
    """A thread and what was said in it, in order."""

    handle: str
    kind: ThreadKind
    opened_at: At
    opened_by: str
    title: str
    members: tuple[str, ...]
    messages: tuple[MessagePart, ...]


@dataclass(frozen=True, slots=True)
class DecisionPart:
    """A decision and its reason."""

    handle: str
    kind: DecisionKind
    subject: str
    at: At
    actor: str
    reason: str
    undone_at: At | None


@dataclass(frozen=True, slots=True)
class EventPart:
    """One step of the history: what happened to what, in ids and our own words."""

    kind: str
    at: At
    actor: str
    subjects: tuple[str, ...]
    details: str
    """Canonical JSON."""


@dataclass(frozen=True, slots=True)
class DocumentPart:
    """A document with its bytes."""

    handle: str
    thread: str | None
    kind: DocumentKind
    name: str
    media_type: str
    digest: str
    added_at: At
    added_by: str
    marks: Marks
    data: str
    """Base64."""

    def checked_body(self, size_bytes_max: int) -> bytes:
        """The bytes.

        Raises:
            Invalid: they are no base64, none or too many, or have another digest than is said.
        """
        try:
            body = base64.b64decode(self.data, validate=True)
        except ValueError:
            raise Invalid(f"document {self.handle} of the bundle is no base64") from None
        if not 0 < len(body) <= size_bytes_max:
            raise Invalid(f"document {self.handle} of the bundle has {len(body)} bytes; 1 to {size_bytes_max} are taken")
        if self.digest != "sha256:" + hashlib.sha256(body).hexdigest():
            raise Invalid(f"document {self.handle} of the bundle has another digest than it says")
        return body


@dataclass(frozen=True, slots=True)
class Bundle:
    """A whole case."""

    origin: str
    """Name of the instance where the case began."""
    case: CasePart
    parties: tuple[PartyPart, ...]
    participants: tuple[ParticipantPart, ...]
    reports: tuple[ReportPart, ...]
    vulnerabilities: tuple[VulnerabilityPart, ...]
    threads: tuple[ThreadPart, ...]
    decisions: tuple[DecisionPart, ...]
    history: tuple[EventPart, ...]
    provenance: tuple[str, ...]
    """Blocks of those who passed it on before, verbatim, oldest first."""
    documents: tuple[DocumentPart, ...] = ()


_SECTIONS: dict[str, Any] = {
    "origin": str, "case": CasePart, "parties": tuple[PartyPart, ...], "participants": tuple[ParticipantPart, ...],
    "reports": tuple[ReportPart, ...], "vulnerabilities": tuple[VulnerabilityPart, ...], "threads": tuple[ThreadPart, ...],
    "decisions": tuple[DecisionPart, ...], "history": tuple[EventPart, ...], "provenance": tuple[str, ...],
}
"""The lines before the documents, in their order."""


@dataclass(frozen=True, slots=True)
class _Line:
    part: str
    value: msgspec.Raw


@dataclass(frozen=True, slots=True)
class _Listed:
    part: str
    sha256: str


@dataclass(frozen=True, slots=True)
class _Manifest:
    format: str
    parts: tuple[_Listed, ...]


def render_bundle(bundle: Bundle) -> bytes:
    """The bytes of a bundle.

    Raises:
        Invalid: it holds a number that canonical JSON cannot write.
    """
    lines = [_line(name, getattr(bundle, name)) for name in _SECTIONS]
    lines += [_line("document", document) for document in bundle.documents]
    listed = [{"part": _name_of(number), "sha256": hashlib.sha256(line).hexdigest()} for number, line in enumerate(lines)]
    return b"\n".join([*lines, _line("manifest", {"format": FORMAT, "parts": listed})]) + b"\n"


def parse_bundle(untrusted_bundle: bytes, size_bytes_max: int) -> Bundle:
    """A bundle whose every part has the hash its manifest says.

    Raises:
        Invalid: it is too large, no bundle, a part is missing, altered or out of its place, or an id has no id's form.
    """
    if len(untrusted_bundle) > size_bytes_max:
        raise Invalid(f"the bundle has {len(untrusted_bundle)} bytes; {size_bytes_max} are taken")
    lines = untrusted_bundle.rstrip(b"\n").split(b"\n", _PARTS_MAX)
    if len(lines) > _PARTS_MAX:
        raise Invalid(f"the bundle has more than {_PARTS_MAX} parts")
    manifest = _decode(_value(lines[-1], "manifest"), _Manifest, "manifest")
    parts = lines[:-1]
    if manifest.format != FORMAT:
        raise Invalid(f"the bundle is of the format {manifest.format[:40]!r}; this version reads {FORMAT!r}")
    if len(manifest.parts) != len(parts) or len(parts) < len(_SECTIONS):
        raise Invalid(f"the manifest names {len(manifest.parts)} parts and the bundle has {len(parts)}; it was cut or added to")
    for number, (line, listed) in enumerate(zip(parts, manifest.parts, strict=True)):
        found = hashlib.sha256(line).hexdigest()
        if listed.part != _name_of(number) or not hmac.compare_digest(found.encode(), listed.sha256.encode()):
            raise Invalid(f"part {_name_of(number)} is not the one the manifest names: the bundle was altered")
    names = list(_SECTIONS)
    read = {name: _decode(_value(line, name), _SECTIONS[name], name) for name, line in zip(names, parts, strict=False)}
    files = tuple(_decode(_value(line, "document"), DocumentPart, "document") for line in parts[len(names):])
    bundle = Bundle(**read, documents=files)
    _check_ids(bundle)
    return bundle


def digest_bundle(rendered: bytes) -> str:
    """`sha256:HEX` of a rendered bundle."""
    return "sha256:" + hashlib.sha256(rendered).hexdigest()


def handles_of(bundle: Bundle) -> list[str]:
    """Every id that a bundle gives to an object, the case's first."""
    return [
        bundle.case.handle, *(one.handle for one in bundle.parties), *(one.handle for one in bundle.reports),
        *(one.handle for one in bundle.vulnerabilities), *(one.handle for one in bundle.threads),
        *(message.handle for thread in bundle.threads for message in thread.messages),
        *(one.handle for one in bundle.decisions), *(one.handle for one in bundle.documents),
    ]


def _name_of(number: int) -> str:
    names = list(_SECTIONS)
    return names[number] if number < len(names) else f"document/{number - len(names) + 1}"


def _line(name: str, value: Any) -> bytes:
    try:
        return rfc8785.dumps({"part": name, "value": msgspec.to_builtins(value)})
    except (rfc8785.CanonicalizationError, UnicodeEncodeError) as error:
        raise Invalid(f"part {name} cannot be written as canonical JSON ({error})") from error


def _value(untrusted_line: bytes, name: str) -> msgspec.Raw:
    line = _decode(untrusted_line, _Line, name)
    if line.part != name:
        raise Invalid(f"the bundle has a part {line.part[:40]!r} where {name!r} belongs")
    return line.value


def _decode(untrusted: bytes | msgspec.Raw, kind: type[_T], name: str) -> _T:
    try:
        return msgspec.json.decode(untrusted, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Invalid(f"part {name} of the bundle does not have its form: {str(error)[:200]}") from None


def _check_ids(bundle: Bundle) -> None:
    """Handles have the form of ids, each is given once, and what is referred to is there."""
    given = handles_of(bundle)
    if len(set(given)) != len(given):
        raise Invalid("the bundle gives one id to two objects")
    for handle in (*given, *(one.subject for one in bundle.decisions)):
        if not has_shape(handle):
            raise Invalid(f"{handle[:40]!r} in the bundle is no id")
    if len(bundle.origin) > 200 or not bundle.origin.isprintable():
        raise Invalid("the bundle does not name the instance it came from")
    _check_known("party", {one.handle for one in bundle.parties}, [
        *(one.party for one in bundle.participants), *(one.invited_by for one in bundle.participants),
        *(party for one in bundle.reports for party in (one.reporter, one.attached_by)),
        *(one.added_by for one in bundle.vulnerabilities), *(one.actor for one in bundle.decisions),
        *(party for flaw in bundle.vulnerabilities for one in flaw.statements for party in (one.party, one.said_by)),
        *(party for thread in bundle.threads for party in (thread.opened_by, *thread.members)),
        *(message.author for thread in bundle.threads for message in thread.messages),
        *(one.added_by for one in bundle.documents),
    ])
    _check_known("report", {one.handle for one in bundle.reports}, [name for one in bundle.vulnerabilities for name in one.reports])
    _check_known("thread", {one.handle for one in bundle.threads}, [one.thread for one in bundle.documents if one.thread is not None])
    for thread in bundle.threads:
        _check_known("message", {one.handle for one in thread.messages}, [
            one.in_reply_to for one in thread.messages if one.in_reply_to is not None
        ])
    if sum(thread.kind is ThreadKind.OFFICIAL for thread in bundle.threads) != 1:
        raise Invalid("a case has one official thread")
    if len({one.party for one in bundle.participants}) != len(bundle.participants):
        raise Invalid("a party takes part in a case once")


def _check_known(kind: str, known: set[str], asked: Sequence[str]) -> None:
    for handle in asked:
        if handle not in known:
            raise Invalid(f"the bundle refers to a {kind} it does not hold")
