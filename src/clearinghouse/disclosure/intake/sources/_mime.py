"""The parts of a mail, measured before anything builds a tree of them.

The library's parser calls itself once for each level, so depth, parts and header lines are counted on
the bytes first, by a walk that keeps a list instead.
"""

import email
import email.errors
import email.header
import email.utils
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message
from email.policy import compat32

from clearinghouse.core.policy import IntakeLimits
from clearinghouse.core.untrusted import clean_line
from clearinghouse.disclosure.intake.records import Note
from clearinghouse.disclosure.intake.sources.base import Unreadable

_HEADER = re.compile(rb"^[!-9;-~]{1,80}:")
_BOUNDARY = re.compile(rb"boundary\s{0,4}\*?(?:0\*?)?\s{0,4}=\s{0,4}(?:\"(?P<quoted>[^\"\r\n]{1,200})\"|(?P<bare>[^\s;\"]{1,200}))", re.IGNORECASE)
_NESTING = re.compile(rb"^content-type\s{0,4}:\s{0,8}(?:\r?\n[ \t]{1,8})?(?:multipart|message)/", re.IGNORECASE | re.MULTILINE)
_NAME_CHARACTERS_MAX = 120
_HEADER_CHARACTERS_MAX = 2_000
_BROKEN = (LookupError, ValueError, TypeError, AttributeError, AssertionError, email.errors.MessageError)


@dataclass(frozen=True, slots=True)
class Part:
    """A leaf of a mail."""

    place: str
    """`part 1.2`: which child of which."""
    kind: str
    """Lower-case content type."""
    name: str
    """File name for display, without any path."""
    climbs: bool
    """The name as sent tried to leave its folder."""
    attached: bool
    data: bytes
    charset: str


def measure(data: bytes, limits: IntakeLimits) -> None:
    """Refuse a mail that is wider or deeper than this instance reads, before it is parsed.

    Raises:
        Unreadable: too many header lines, too many parts, or nested too deep.
    """
    head = re.split(rb"\r?\n\r?\n", data[:20_000_000], maxsplit=1)[0]
    headers = sum(1 for line in head.split(b"\n") if _HEADER.match(line))
    if headers > limits.mail_headers_max:
        raise Unreadable(f"{headers} header lines; at most {limits.mail_headers_max} are read", "line 1", "limit.mail_headers")
    if len(_NESTING.findall(data)) > limits.mail_parts_max:
        raise Unreadable(f"more than {limits.mail_parts_max} nested parts; that many are read at most", "", "limit.mail_depth")
    stack: list[bytes] = []
    parts = 0
    for number, line in enumerate(data.split(b"\n"), 1):
        if line.startswith(b"--") and stack:
            mark = line.rstrip(b"\r \t")
            for level in range(len(stack) - 1, -1, -1):
                if mark == b"--" + stack[level]:
                    del stack[level + 1 :]
                    parts += 1
                    break
                if mark == b"--" + stack[level] + b"--":
                    del stack[level:]
                    break
        if b"oundary" in line.lower() and (found := _BOUNDARY.search(line)):
            stack.append(found["quoted"] or found["bare"])
            if len(stack) > limits.mail_depth_max:
                message = f"parts nested more than {limits.mail_depth_max} deep; send the report without the wrapping"
                raise Unreadable(message, f"line {number}", "limit.mail_depth")
        if parts > limits.mail_parts_max:
            raise Unreadable(f"more than {limits.mail_parts_max} parts; send what matters in fewer", f"line {number}", "limit.mail_parts")


def parse_message(data: bytes, limits: IntakeLimits) -> Message:
    """The mail of some bytes.

    Raises:
        Unreadable: it breaks a limit or the parser.
    """
    measure(data, limits)
    try:
        return email.message_from_bytes(data, policy=compat32)
    except (RecursionError, *_BROKEN) as error:
        raise Unreadable(f"not a mail that can be read: {type(error).__name__}", "", "mail.syntax") from None


def header(message: Message, name: str) -> str:
    """A header as text on one line, encoded words decoded; empty where it is absent or cannot be decoded."""
    try:
        value = message.get(name)
        text = "" if value is None else str(email.header.make_header(email.header.decode_header(str(value)[:_HEADER_CHARACTERS_MAX])))
    except _BROKEN:
        text = str(message.get(name) or "")
    return clean_line(text, _HEADER_CHARACTERS_MAX)


def address(text: str) -> tuple[str, str]:
    """(name, address) of a From line."""
    try:
        name, mail = email.utils.parseaddr(text[:1_000])
    except (*_BROKEN, RecursionError):
        return "", ""
    return clean_line(name, 200), clean_line(mail, 320)


def leaves(message: Message, limits: IntakeLimits) -> Iterator[Part]:
    """The leaves of a mail in order; a mail inside a mail is opened like a multipart."""
    waiting: list[tuple[Message, str]] = [(message, "")]
    count = 0
    while waiting and count < limits.mail_parts_max:
        part, path = waiting.pop()
        payload = part.get_payload()
        if isinstance(payload, list):
            children = [child for child in payload if isinstance(child, Message)]
            waiting += [(child, f"{path}.{number}".lstrip(".")) for number, child in reversed(list(enumerate(children, 1)))]
            continue
        count += 1
        yield _leaf(part, f"part {path or '1'}")


def _leaf(part: Message, place: str) -> Part:
    try:
        data = part.get_payload(decode=True)
    except _BROKEN:
        data = str(part.get_payload()).encode("utf-8", "replace")
    try:
        name = part.get_filename() or ""
    except _BROKEN:
        name = ""
    try:
        charset = str(part.get_content_charset("") or "")
        disposition = str(part.get_content_disposition() or "")
    except _BROKEN:
        charset = disposition = ""
    shown, climbs = display_name(_decode(str(name)))
    return Part(place, part.get_content_type().lower(), shown, climbs, disposition == "attachment" or bool(name), data if isinstance(data, bytes) else b"", charset)


def _decode(text: str) -> str:
    try:
        return str(email.header.make_header(email.header.decode_header(text[:_HEADER_CHARACTERS_MAX])))
    except _BROKEN:
        return text


def display_name(untrusted_name: str) -> tuple[str, bool]:
    """A file name to show: its last component, never a path; and whether the name was one."""
    flat = untrusted_name.replace("\\", "/")
    last = flat.rsplit("/", 1)[-1]
    shown = clean_line(last, _NAME_CHARACTERS_MAX).lstrip(".") or "unnamed"
    return shown, "/" in flat or ".." in flat or ":" in last or "\0" in untrusted_name


def decode_text(part: Part, notes: list[Note]) -> str:
    """The text of a part; a note where its character set is unknown or does not fit."""
    for charset in (part.charset, "utf-8"):
        try:
            return part.data.decode(charset or "utf-8")
        except LookupError:
            notes.append(Note(part.place, f"unknown character set {charset[:40]!r}; read as UTF-8 or Latin-1", "mail.charset"))
        except (UnicodeDecodeError, ValueError):
            if charset:
                notes.append(Note(part.place, f"bytes that are no {charset[:40]}; read as Latin-1", "mail.charset"))
                break
    return part.data.decode("latin-1")


def attachment_line(part: Part) -> str:
    """`sha256:HEX name` of an attachment."""
    return f"sha256:{hashlib.sha256(part.data).hexdigest()} {part.name}"
