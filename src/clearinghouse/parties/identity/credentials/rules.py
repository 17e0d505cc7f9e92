"""What credentials decides: which password will do, whether a code is right and new, and what is kept of either."""

import hmac
import re
import secrets
import unicodedata
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from importlib import resources
from itertools import pairwise

import pyotp
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from clearinghouse.core.errors import Invalid
from clearinghouse.core.policy import IdentityPolicy
from clearinghouse.core.untrusted import clean_line
from clearinghouse.storage import Envelope

_STEP_SECONDS = 30  # RFC 6238, 4.1: what every authenticator assumes
_CODE = re.compile(r"\d{6}")
_RECOVERY_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"  # no o, l, 0, 1: read off paper
_RECOVERY_GROUPS = 4
_LABEL_CHARACTERS_MAX = 60
_LOGIN_CHARACTERS_MAX = 320
_LEET = str.maketrans("013457@$!", "oieastasi")


def parse_password(untrusted_password: str, policy: IdentityPolicy, *, words: tuple[str, ...] = ()) -> str:
    """A password as it is hashed (NFKC, SP 800-63B 3.1.1.2), if it will do.

    Args:
        words: names nobody has to guess: of the person, the organisation, the instance.
    Raises:
        Invalid: it is too short or too long, among the commonest, one pattern repeated, or made of those words.
    """
    password = unicodedata.normalize("NFKC", untrusted_password)
    if not policy.password_characters_min <= len(password) <= policy.password_characters_max:
        least, most = policy.password_characters_min, policy.password_characters_max
        raise Invalid(f"a password has {least} to {most} characters; this one has {len(password)}. Several words are easy to remember")
    if _is_guessable(password, words):
        raise Invalid("this password is among the first that are tried; take several words that have nothing to do with each other")
    return password


def normal_password(untrusted_password: str, policy: IdentityPolicy) -> str:
    """A password as it is compared: bounded, so that a long one costs no more than the longest."""
    return unicodedata.normalize("NFKC", untrusted_password[: policy.password_characters_max * 2])[: policy.password_characters_max]


def hash_password(password: str, policy: IdentityPolicy) -> str:
    """What is kept of a password: argon2id with a salt of its own (RFC 9106)."""
    return _hasher(policy).hash(password)


def verify_password(password: str, hashed: str | None, policy: IdentityPolicy) -> bool:
    """Whether it is the one. Without one to compare with the same work is done, so that time tells nothing."""
    against = hashed if hashed is not None else _nobodys(policy.argon2_memory_kibibytes, policy.argon2_passes, policy.argon2_lanes)
    try:
        return _hasher(policy).verify(against, password) and hashed is not None
    except (VerificationError, InvalidHashError):
        return False


def needs_rehash(hashed: str, policy: IdentityPolicy) -> bool:
    """Whether it was hashed under other numbers than those of today."""
    return _hasher(policy).check_needs_rehash(hashed)


def new_totp_secret() -> str:
    """160 random bits in base32 (RFC 4226, 4 R6)."""
    return pyotp.random_base32(32)


def totp_uri(secret: str, *, account: str, issuer: str) -> str:
    """What an authenticator scans."""
    return pyotp.TOTP(secret).provisioning_uri(name=clean_line(account, 80), issuer_name=clean_line(issuer, 80) or "Clearinghouse")


def totp_step_of(untrusted_code: str, secret: str, last_step: int, policy: IdentityPolicy, now: datetime) -> int | None:
    """The step a code is right for and no code was taken for yet; None where it is wrong, old or replayed (RFC 6238, 5.2)."""
    code = untrusted_code.replace(" ", "")
    step = int(now.timestamp()) // _STEP_SECONDS
    hotp = pyotp.HOTP(secret)
    found = None
    for candidate in range(step - policy.totp_steps_tolerated, step + policy.totp_steps_tolerated + 1):
        # Every candidate is worked out and compared: which one fits shows in nobody's clock.
        fits = hmac.compare_digest(hotp.at(candidate).encode(), code.encode())
        if fits and candidate > last_step and found is None:
            found = candidate
    return found


def is_totp_code(untrusted_code: str) -> bool:
    """Whether a code could be one of an authenticator rather than a recovery code."""
    return _CODE.fullmatch(untrusted_code.replace(" ", "")) is not None


def new_recovery_codes(policy: IdentityPolicy) -> tuple[str, ...]:
    """Codes of 80 random bits in groups of four, each good once."""
    return tuple(
        "-".join("".join(secrets.choice(_RECOVERY_ALPHABET) for _ in range(4)) for _ in range(_RECOVERY_GROUPS))
        for _ in range(policy.recovery_codes)
    )


def hash_recovery_code(party: str, untrusted_code: str) -> str:
    """What is kept of a recovery code; spaces, dashes and case do not count."""
    plain = re.sub(r"[^a-z0-9]", "", untrusted_code[:100].lower())
    return "sha256:" + sha256(f"clearinghouse/recovery/v1\0{party}\0{plain}".encode()).hexdigest()


def parse_login(untrusted_login: str) -> str:
    """What somebody typed to say who it is, as it is looked up and counted."""
    return clean_line(untrusted_login, _LOGIN_CHARACTERS_MAX).casefold()


def parse_label(untrusted_label: str) -> str:
    """A name for a passkey."""
    return clean_line(untrusted_label, _LABEL_CHARACTERS_MAX) or "passkey"


def attempt_key(what: str, text: str, envelope: Envelope) -> str:
    """The keyed hash failures are counted under: accounts and addresses do not stand in the database."""
    key = hmac.digest(envelope.index_key(), b"clearinghouse/attempts/v1", sha256)
    return "hmac:" + hmac.digest(key, f"{what}\0{text}".encode(), sha256).hex()


def _is_guessable(password: str, words: tuple[str, ...]) -> bool:
    folded = password.casefold()
    bare = re.sub(r"[\W\d_]+$|^[\W\d_]+", "", folded).translate(_LEET)
    letters = re.sub(r"[\W_]+", "", folded.translate(_LEET))
    if {folded, bare, letters} & _commonest():
        return True
    if _unit(folded) != folded or _is_run(folded):
        return True
    rest = letters
    for word in sorted({part for text in words for part in re.findall(r"\w{4,}", text.casefold().translate(_LEET))}, key=len, reverse=True):
        rest = rest.replace(word, "")
    return rest != letters and len(rest) < 6


def _unit(text: str) -> str:
    """The shortest text that gives this one when repeated, the last time perhaps in part."""
    half = range(1, len(text) // 2 + 1)
    return next((text[:size] for size in half if _repeats(text, size)), text)


def _repeats(text: str, size: int) -> bool:
    return all(text[position] == text[position - size] for position in range(size, len(text)))


def _is_run(text: str) -> bool:
    round_ = 10 if text.isdecimal() else 0x110000  # digits begin again after 9
    steps = {(ord(after) - ord(before)) % round_ for before, after in pairwise(text)}
    return len(steps) == 1 and steps <= {0, 1, round_ - 1}


@lru_cache(maxsize=1)
def _commonest() -> frozenset[str]:
    text = (resources.files(__package__ or "") / "commonest.txt").read_text("utf-8")
    return frozenset(line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#"))


def _hasher(policy: IdentityPolicy) -> PasswordHasher:
    return PasswordHasher(policy.argon2_passes, policy.argon2_memory_kibibytes, policy.argon2_lanes)


@lru_cache(maxsize=4)
def _nobodys(memory: int, passes: int, lanes: int) -> str:
    """A hash of no password anybody has, worked out once for each set of numbers."""
    return PasswordHasher(passes, memory, lanes).hash(secrets.token_urlsafe(32))
