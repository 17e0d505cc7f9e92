"""What notices decides: when to try again, what may be said in the open, how a webhook is signed."""

import base64
import hashlib
import hmac
from collections.abc import Iterable
from datetime import datetime, timedelta

from clearinghouse.core.errors import Invalid
from clearinghouse.core.marks import Marks
from clearinghouse.core.policy import NoticePolicy
from clearinghouse.core.tlp import Tlp
from clearinghouse.parties.notices.records import DIGESTED, Draft, HookSecret, NoticeKind

_TOKEN_CHARACTERS = 26  # 130 bits of base32, as many as an id has
_SECRET_PREFIX = "whsec_"  # noqa: S105 - the prefix the standard gives to secrets, not a secret


def retry_at(attempts: int, policy: NoticePolicy, now: datetime) -> datetime | None:
    """When to try again after so many failed attempts; None to give up."""
    if attempts >= policy.attempts_max:
        return None
    # The exponent is bounded before it is used: no attempt count makes a number that no clock can hold.
    return now + timedelta(seconds=min(policy.retry_first_seconds * 2 ** min(attempts - 1, 40), policy.retry_seconds_max))


def digest_due_at(draft: Draft, last_sent_at: datetime | None, policy: NoticePolicy, now: datetime) -> datetime:
    """When a notice may go: at once, or when the party's last one about the same object is old enough."""
    due = draft.due_at or now
    if draft.kind not in DIGESTED or last_sent_at is None:
        return due
    return max(due, last_sent_at + timedelta(seconds=policy.digest_seconds))


def may_tell_in_mail(marks: Marks, *, encrypted: bool, personal: bool, now: datetime) -> bool:
    """Whether a mail may hold the text itself, or only that something waits.

    Mail in the open is read by whoever carries it, so only what may be known in the community goes there
    (TLP:CLEAR, TLP:GREEN). Encrypted mail reaches who holds the key: for TLP:RED that must be a person.

    Source: FIRST, TLP 2.0, sections 3 and 4.
    """
    if marks.expires_at is not None and now >= marks.expires_at:
        return False
    if marks.tlp in (Tlp.CLEAR, Tlp.GREEN):
        return True
    return encrypted and (personal or marks.tlp is not Tlp.RED)


def reply_token(key: bytes, notice_id: str) -> str:
    """The word that leads a reply to a notice home: not to be guessed from the notice's id, which the ledger shows."""
    digest = hmac.new(key, b"clearinghouse/mail-reply/v1\0" + notice_id.encode(), hashlib.sha256).digest()
    return base64.b32encode(digest).decode().lower()[:_TOKEN_CHARACTERS]


def hash_token(token: str) -> str:
    """What is stored of a reply token, to find its notice by. 130 random bits need no slow hash."""
    return hashlib.sha256(b"clearinghouse/mail-reply/v1\0" + token.lower().encode()).hexdigest()


def hash_address(key: bytes, untrusted_address: str) -> str:
    """A keyed hash of a mail address, to count by without knowing it."""
    return hmac.new(key, b"clearinghouse/mail-address/v1\0" + untrusted_address.strip().lower().encode(), hashlib.sha256).hexdigest()


def render_secret(secret: bytes) -> str:
    """A secret as the receiver stores it (Standard Webhooks 1.0: `whsec_` and base64)."""
    return _SECRET_PREFIX + base64.b64encode(secret).decode()


def sign_delivery(delivery_id: str, at: datetime, body: bytes, secrets: Iterable[HookSecret]) -> dict[str, str]:
    """The headers of a delivery: its id, its instant and a signature by each secret alive.

    Source: Standard Webhooks 1.0: HMAC-SHA256 over `id.timestamp.body`, `v1,` and base64, signatures parted by spaces.
    """
    stamp = str(int(at.timestamp()))
    signed = b".".join((delivery_id.encode(), stamp.encode(), body))
    alive = [secret for secret in secrets if secret.until is None or at < secret.until]
    signatures = [base64.b64encode(hmac.new(secret.secret, signed, hashlib.sha256).digest()).decode() for secret in alive]
    return {
        "content-type": "application/json", "webhook-id": delivery_id, "webhook-timestamp": stamp,
        "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
    }


def parse_kinds(untrusted_kinds: Iterable[str]) -> frozenset[NoticeKind]:
    """Kinds by their names; none means all.

    Raises:
        Invalid: one is no kind of notice.
    """
    given = list(untrusted_kinds)
    unknown = sorted(set(given) - set(NoticeKind))
    if unknown:
        raise Invalid(f"no such kind of event: {', '.join(kind[:40] for kind in unknown[:5])}; there are: {', '.join(NoticeKind)}")
    return frozenset(NoticeKind(kind) for kind in given)
