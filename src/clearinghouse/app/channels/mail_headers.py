"""What is seen on a mail from outside before it is opened: header lines, where an answer belongs, machines talking.

Works on bounded bytes with fixed expressions only; nothing is decoded and no part is opened here.
"""

import re
from collections.abc import Iterator, Mapping

_HEADER_BYTES_MAX = 256 << 10
_HEADERS_MAX = 500
_VALUE_CHARACTERS_MAX = 20_000
_TOKENS_MAX = 20
_BOUNCE_BYTES_MAX = 1 << 20

_NAME = re.compile(r"([!-9;-~]{1,80})[ \t]{0,4}:")
_IN_ADDRESS = re.compile(r"\+([a-z2-7]{26})@", re.IGNORECASE)
_IN_REFERENCE = re.compile(r"<([a-z2-7]{26})@", re.IGNORECASE)
_ACTION = re.compile(rb"(?im)^action:[ \t]{0,8}([a-z]{1,20})")
_ADDRESSES = ("delivered-to", "x-original-to", "envelope-to", "to", "cc")
_QUOTES_FOLLOW = re.compile(
    r"(?i)^(?:on .{5,300} wrote:|am .{5,300} schrieb .{0,200}:|le .{5,300} a écrit ?:|.{0,200}(?:wrote|schrieb|escribió) ?:)\s*$"
)
_ORIGINAL = re.compile(r"(?i)^\s*-{2,10}\s?(?:original message|ursprüngliche nachricht|message d'origine|forwarded message)\s?-{2,10}\s*$|^_{20,80}\s*$")
_MBOX_LINE = re.compile(rb"(?m)^From [^\r\n]{1,200}\r?$")

Headers = Mapping[str, tuple[str, ...]]
"""Lower-case name to its values, unfolded, in order."""


def read_headers(data: bytes) -> Headers:
    """The header lines of a mail, so many as are ever read."""
    head = re.split(rb"\r?\n\r?\n", data[:_HEADER_BYTES_MAX], maxsplit=1)[0].decode("latin-1")
    found: dict[str, list[str]] = {}
    current: list[str] | None = None
    for count, line in enumerate(head.replace("\r\n", "\n").split("\n")):
        if count >= _HEADERS_MAX:
            break
        if line[:1] in (" ", "\t"):
            if current is not None and len(current[-1]) < _VALUE_CHARACTERS_MAX:
                current[-1] += " " + line.strip()[:_VALUE_CHARACTERS_MAX]
        elif (named := _NAME.match(line)) is not None:
            current = found.setdefault(named[1].lower(), [])
            current.append(line[named.end() :].strip()[:_VALUE_CHARACTERS_MAX])
        else:
            current = None
    return {name: tuple(values) for name, values in found.items()}


def reply_tokens(headers: Headers) -> list[str]:
    """The words that may lead an answer home, most telling first: the address it was sent to, what it answers, what that answered."""
    places = [(_IN_ADDRESS, value) for name in _ADDRESSES for value in headers.get(name, ())]
    places += [(_IN_REFERENCE, value) for value in headers.get("in-reply-to", ())]
    references = [found for value in headers.get("references", ()) for found in _IN_REFERENCE.findall(value)]
    found = [token for pattern, value in places for token in pattern.findall(value)] + references[::-1]
    return list(dict.fromkeys(token.lower() for token in found))[:_TOKENS_MAX]


def machine_reason(headers: Headers, own_address: str) -> str:
    """Why a mail was written by no person's will, as a word; empty where it may have been.

    `bounce`: a notice of delivery (RFC 3464). `automatic`: a machine's answer (RFC 3834). `loop`: our own. `bulk`: a list's,
    which may hold a report and is never answered.
    """
    def has(name: str, *words: str) -> bool:
        values = [value.lower() for value in headers.get(name, ())]
        return any(any(word in value for word in words) for value in values) if words else bool(values)

    local, _, domain = own_address.lower().rpartition("@")
    senders = " ".join(headers.get("from", ())).lower()
    if f"{local}@{domain}" in senders or re.search(rf"{re.escape(local)}\+[a-z2-7]{{26}}@{re.escape(domain)}", senders):
        return "loop"
    if (has("content-type", "multipart/report") and has("content-type", "delivery-status")) or has("from", "mailer-daemon@"):
        return "bounce"
    submitted = [value.split(";")[0].strip().lower() for value in headers.get("auto-submitted", ())]
    if any(value != "no" for value in submitted) or has("precedence", "auto_reply") or "<>" in headers.get("return-path", ()):
        return "automatic"
    if has("x-autoreply") or has("x-autorespond") or has("x-auto-reply-from"):
        return "automatic"
    if has("list-id") or has("list-unsubscribe") or has("precedence", "bulk", "list", "junk"):
        return "bulk"
    return ""


def returned_tokens(data: bytes) -> tuple[list[str], bool]:
    """Of a notice of delivery: the words of our mails that are named in it, and whether delivery failed for good."""
    seen = data[:_BOUNCE_BYTES_MAX]
    text = seen.decode("latin-1")
    tokens = [token.lower() for pattern in (_IN_ADDRESS, _IN_REFERENCE) for token in pattern.findall(text)]
    actions = {found.lower() for found in _ACTION.findall(seen)}
    return list(dict.fromkeys(tokens))[:_TOKENS_MAX], not actions or b"failed" in actions


def strip_quoted(text: str) -> tuple[str, bool]:
    """A letter without what it quotes of earlier ones and without its signature; and whether anything was left out."""
    kept: list[str] = []
    lines = text.replace("\r\n", "\n").split("\n")
    for number, line in enumerate(lines):
        if line.rstrip("\r") == "-- " or _ORIGINAL.match(line[:200]):
            break
        if line.startswith(">"):
            continue
        following = next((later for later in lines[number + 1 : number + 4] if later.strip()), "")
        if following.startswith(">") and len(line) < 400 and _QUOTES_FOLLOW.match(line):
            continue
        kept.append(line)
    own = "\n".join(kept).strip()
    # All of it quoted: then the quotes are what there is.
    return (own, own != text.strip()) if own else (text.strip(), False)


def split_mbox(data: bytes) -> Iterator[bytes]:
    """The mails of an mbox, or the one mail that is none (RFC 4155)."""
    if not data.startswith(b"From "):
        yield data
        return
    starts = [found.start() for found in _MBOX_LINE.finditer(data) if found.start() == 0 or _after_blank(data, found.start())]
    if not starts:
        yield data
        return
    for start, end in zip(starts, [*starts[1:], len(data)], strict=True):
        body = data[start:end].split(b"\n", 1)[-1]
        yield re.sub(rb"(?m)^>(>*From )", rb"\1", body)


def _after_blank(data: bytes, at: int) -> bool:
    return data[max(0, at - 4) : at].endswith((b"\n\n", b"\n\r\n"))
