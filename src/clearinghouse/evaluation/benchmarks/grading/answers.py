"""Answers of one line: what counts as the same, and the salted HMAC that stands for the right one."""

import hashlib
import hmac
import re
import unicodedata

ANSWER_CHARACTERS_MAX = 4_000
_AROUND = re.compile(r"\s*([,:=/;])\s*")


def normalise(untrusted_answer: str) -> str:
    """The form in which answers are compared: case, quotes, a final full stop and white space around signs do not matter."""
    text = unicodedata.normalize("NFKC", untrusted_answer[:ANSWER_CHARACTERS_MAX].encode("utf-8", "replace").decode()).casefold()
    text = " ".join(text.split()).strip("`'\"* ").rstrip(".").strip("`'\"* ")
    return _AROUND.sub(r"\1", text)


def mac_of(answer: str, salt: bytes) -> bytes:
    """What stands for an answer in a grader."""
    return hmac.new(salt, normalise(answer).encode(), hashlib.sha256).digest()


def answer_holds(untrusted_answer: str, salt: bytes, mac: bytes) -> bool:
    """Whether an answer is the one a grader was made for; an empty one never is."""
    return bool(normalise(untrusted_answer)) and hmac.compare_digest(mac_of(untrusted_answer, salt), mac)
