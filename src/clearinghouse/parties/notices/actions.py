"""What notices does: queue what is to be said, note that it was, keep subscriptions and received mail."""

import dataclasses
import secrets
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta

from clearinghouse.core.errors import Conflict, NotFound, NotPermitted
from clearinghouse.core.events import Detail, Event
from clearinghouse.core.ids import EventId, HookId, MailId, PartyId, has_shape, new_id
from clearinghouse.core.policy import NoticePolicy
from clearinghouse.ledger import actions as ledger
from clearinghouse.parties.notices import rules
from clearinghouse.parties.notices.mail_records import Disposition, Letter, ReceivedMail, SignatureState
from clearinghouse.parties.notices.records import Draft, Hook, HookSecret, Notice, NoticeState, ToSend
from clearinghouse.parties.notices.store import hooks, mail, notices
from clearinghouse.parties.records import Basis, Grant
from clearinghouse.parties.store import add_grants
from clearinghouse.storage import Envelope, Transaction

_SECRET_BYTES = 32
_HOOKS_MAX = 20  # of one party: more is a mistake in a script, not a need


def queue(tx: Transaction, drafts: Sequence[Draft], *, envelope: Envelope, policy: NoticePolicy, now: datetime) -> None:
    """Keep what is to be said; the same event, action and target twice is one notice."""
    notices.add_notices(tx, drafts, envelope, policy, now)


def note_sent(tx: Transaction, sent: ToSend, digest: str, *, actor: PartyId, now: datetime) -> None:
    """Note that a notice was handed over, and forget what it said.

    Args:
        digest: `sha256:HEX` of the bytes that left.
    """
    if notices.end(tx, sent, NoticeState.SENT, now=now):
        if sent.notice.target:
            hooks.set_failures(tx, sent.notice.target, 0)
        details: dict[str, Detail] = {
            "kind": sent.notice.kind, "channel": sent.notice.channel, "attempts": sent.notice.attempts, "digest": digest, "more": sent.more,
        }
        ledger.record(tx, Event("NoticeSent", (sent.notice.id, sent.notice.party), details), actor=actor, now=now)


def note_failed(
    tx: Transaction, failed: ToSend, trouble: str, *, final: bool, policy: NoticePolicy, envelope: Envelope, actor: PartyId, now: datetime
) -> None:
    """Note that an attempt failed: it is tried again when policy says, or given up.

    Args:
        trouble: a word of ours, never what the other side said.
        final: trying again cannot help.
    """
    due_at = None if final else rules.retry_at(failed.notice.attempts, policy, now)
    if due_at is not None:
        notices.end(tx, failed, NoticeState.FAILED, trouble=trouble, now=now, due_at=due_at)
        return
    if not notices.end(tx, failed, NoticeState.GIVEN_UP, trouble=trouble, now=now):
        return
    details: dict[str, Detail] = {
        "kind": failed.notice.kind, "channel": failed.notice.channel, "attempts": failed.notice.attempts, "trouble": trouble,
    }
    ledger.record(tx, Event("NoticeGivenUp", (failed.notice.id, failed.notice.party), details), actor=actor, now=now)
    hook = hooks.system_hook(tx, failed.notice.target, envelope) if failed.notice.target else None
    if hook is not None and hook.active:
        failures = hook.failures + 1
        if final or failures >= policy.hook_failures_max:
            hooks.replace_hook(tx, dataclasses.replace(hook, active=False, failures=failures), envelope)
            details = {"failures": failures, "trouble": trouble}
            ledger.record(tx, Event("WebhookDisabled", (hook.id, hook.party), details), actor=actor, now=now)
        else:
            hooks.set_failures(tx, hook.id, failures)


def note_withdrawn(tx: Transaction, dropped: ToSend, reason: str, *, actor: PartyId, now: datetime) -> None:
    """Note that a notice is not sent any more: its party may not read what it is about."""
    if notices.end(tx, dropped, NoticeState.WITHDRAWN, trouble=reason, now=now):
        details: dict[str, Detail] = {"kind": dropped.notice.kind, "reason": reason}
        ledger.record(tx, Event("NoticeWithdrawn", (dropped.notice.id, dropped.notice.party), details), actor=actor, now=now)


def note_bounced(tx: Transaction, notice: Notice, *, actor: PartyId, now: datetime) -> None:
    """Note that a mail came back: its party was not reached, whatever the server said when it took it."""
    notices.mark_bounced(tx, notice.id)
    details: dict[str, Detail] = {"kind": notice.kind, "about": notice.about}
    ledger.record(tx, Event("NoticeBounced", (notice.id, notice.party), details), actor=actor, now=now)


def subscribe(
    tx: Transaction, untrusted_url: str, untrusted_kinds: Iterable[str], *, party: PartyId, check_url: Callable[[str], object],
    envelope: Envelope, actor: PartyId, now: datetime,
) -> tuple[Hook, str]:
    """A subscription and its secret, which is shown this once.

    Args:
        check_url: raises Invalid for an address this instance does not call.
    Raises:
        Invalid: the address is not called, or a kind is unknown.
        NotPermitted: the actor is not the party.
        Conflict: the party has as many subscriptions as it may have.
    """
    if actor != party:
        raise NotPermitted("a webhook is made by the party it informs; sign in as that party")
    kinds = rules.parse_kinds(untrusted_kinds)
    check_url(untrusted_url)
    if hooks.count_hooks(tx, party) >= _HOOKS_MAX:
        raise Conflict(f"at most {_HOOKS_MAX} webhooks a party; end one first")
    secret = HookSecret(secrets.token_bytes(_SECRET_BYTES), now)
    hook = Hook(HookId(new_id("hook")), party, now, untrusted_url, kinds, True, 0, (secret,))
    hooks.add_hook(tx, hook, envelope)
    details: dict[str, Detail] = {"kinds": [str(kind) for kind in sorted(kinds)]}
    ledger.record(tx, Event("WebhookAdded", (hook.id, party), details), actor=actor, now=now)
    return hook, rules.render_secret(secret.secret)


def rotate_secret(
    tx: Transaction, hook_id: str, *, policy: NoticePolicy, envelope: Envelope, actor: PartyId, now: datetime
) -> str:
    """A new secret; the one before signs along for as long as policy says, so that none is lost meanwhile.

    Raises:
        NotFound: the actor has no such webhook.
    """
    hook = read_hook(tx, hook_id, envelope=envelope, viewer=actor)
    fresh = HookSecret(secrets.token_bytes(_SECRET_BYTES), now)
    # Two live secrets and no more: an older one would keep a leaked secret alive through rotations.
    before = dataclasses.replace(hook.secrets[-1], until=now + timedelta(days=policy.hook_secret_days))
    hooks.replace_hook(tx, dataclasses.replace(hook, secrets=(before, fresh)), envelope)
    ledger.record(tx, Event("WebhookSecretRotated", (hook.id, hook.party)), actor=actor, now=now)
    return rules.render_secret(fresh.secret)


def resume_hook(tx: Transaction, hook_id: str, *, envelope: Envelope, actor: PartyId, now: datetime) -> Hook:
    """A subscription that was switched off, live again; what happened meanwhile is not posted.

    Raises:
        NotFound: the actor has no such webhook.
    """
    hook = dataclasses.replace(read_hook(tx, hook_id, envelope=envelope, viewer=actor), active=True, failures=0)
    hooks.replace_hook(tx, hook, envelope)
    ledger.record(tx, Event("WebhookResumed", (hook.id, hook.party)), actor=actor, now=now)
    return hook


def unsubscribe(tx: Transaction, hook_id: str, *, envelope: Envelope, actor: PartyId, now: datetime) -> None:
    """End a subscription and forget its address and secrets.

    Raises:
        NotFound: the actor has no such webhook.
    """
    hook = read_hook(tx, hook_id, envelope=envelope, viewer=actor)
    hooks.remove_hook(tx, hook.id)
    ledger.record(tx, Event("WebhookRemoved", (hook.id, hook.party)), actor=actor, now=now)


def read_hook(tx: Transaction, hook_id: str, *, envelope: Envelope, viewer: PartyId) -> Hook:
    """A subscription of the viewer's.

    Raises:
        NotFound: the viewer has none by this id.
    """
    found = hooks.read_hook(tx, hook_id, envelope, viewer=viewer) if has_shape(hook_id) else None
    if found is None:
        raise NotFound(f"nothing found under {hook_id[:40]!r}")
    return found


def keep_mail(
    tx: Transaction, letter: Letter, original: bytes, digest: str, disposition: Disposition, reason: str, *,
    signature: SignatureState, encrypted: bool, party: PartyId | None, about: str | None, became: str | None, readers: Sequence[PartyId],
    envelope: Envelope, actor: PartyId, now: datetime,
) -> tuple[ReceivedMail, EventId]:
    """Keep a mail that came in and what became of it; `readers` may read it and its original. Gives it and its event."""
    kept = ReceivedMail(MailId(new_id("mail")), now, digest, disposition, reason, signature, encrypted, party, about, became)
    mail.add_mail(tx, kept, letter, original, rules.hash_address(envelope.index_key(), letter.sender), envelope)
    add_grants(tx, [Grant(kept.id, reader, Basis.PARTICIPANT) for reader in dict.fromkeys(readers)])
    details: dict[str, Detail] = {
        "digest": digest, "disposition": disposition, "reason": reason, "signature": signature, "encrypted": encrypted, "became": became,
    }
    return kept, ledger.record(tx, Event("MailReceived", (kept.id,), details), actor=actor, now=now)


def settle_mail(tx: Transaction, mail_id: str, *, envelope: Envelope, actor: PartyId, now: datetime) -> None:
    """Note that the actor is done with a mail that waited for a person.

    Raises:
        NotFound: there is none that the actor may read.
    """
    found = mail.read_mail(tx, mail_id, envelope, viewer=actor, now=now) if has_shape(mail_id) else None
    if found is None:
        raise NotFound(f"nothing found under {mail_id[:40]!r}")
    mail.settle(tx, mail_id, now)
    ledger.record(tx, Event("MailSettled", (mail_id,)), actor=actor, now=now)
