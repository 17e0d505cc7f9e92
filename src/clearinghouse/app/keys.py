"""Rotation of the instance key: a new one comes into use, every data key is wrapped again under it, old ones are forgotten.

A run can be killed anywhere and begun again: the key file says which key is in use, each data key says which it is wrapped under,
and the events of the key in use say whether its run was finished.
"""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from clearinghouse.app.wiring import Instance
from clearinghouse.core.errors import Conflict, Unavailable
from clearinghouse.core.events import Detail, Event
from clearinghouse.core.roles import Scope
from clearinghouse.disclosure.coordination.appeals.store import appeals
from clearinghouse.disclosure.coordination.asks.store import asks
from clearinghouse.disclosure.coordination.capacity.store import deliveries, item_words, overrides
from clearinghouse.disclosure.coordination.capacity.store import items as capacity_items
from clearinghouse.disclosure.coordination.rooms.store.tables import case_erasures, case_holds, cases
from clearinghouse.disclosure.deconfliction.blind.store import blind_epochs
from clearinghouse.disclosure.deconfliction.store import decisions
from clearinghouse.disclosure.intake.commitments.store import commitment_sections
from clearinghouse.disclosure.intake.provenance.store import relays
from clearinghouse.disclosure.intake.store import reports, submissions
from clearinghouse.disclosure.intake.withdrawals.store import withdrawals
from clearinghouse.evaluation.benchmarks.packs.store import pack_items, packs
from clearinghouse.evaluation.benchmarks.running.store import eval_efforts, eval_runs
from clearinghouse.evaluation.review.store.tables import reviews
from clearinghouse.ledger import actions as ledger
from clearinghouse.ledger import store as ledger_store
from clearinghouse.parties.charters.store import charter_claims, charter_versions
from clearinghouse.parties.contacts.store import contacts
from clearinghouse.parties.glass.store import glass_requests
from clearinghouse.parties.identity.credentials.store import challenges, passwords
from clearinghouse.parties.identity.enrolment.store import invitations
from clearinghouse.parties.notices.store.hooks import webhooks
from clearinghouse.parties.notices.store.mail import received_mail
from clearinghouse.parties.notices.store.notices import notices
from clearinghouse.parties.rules import check_may
from clearinghouse.parties.store import read_grants
from clearinghouse.storage import Transaction
from clearinghouse.storage.rewrapping import WrappedKey, count_by_key, others_at_work, rewrap_portion
from clearinghouse.storage.sealing import InstanceKeys, fresh_key, index_key_of, key_id, read_keys, replace_key_file

WRAPPED = (
    WrappedKey(submissions.c.wrapped_key, "{submission_id}"),
    WrappedKey(reports.c.wrapped_key, "{report_id}"),
    WrappedKey(commitment_sections.c.wrapped_key, "{commitment_id}/{name}"),
    WrappedKey(asks.c.wrapped_key, "{ask_id}"),
    WrappedKey(appeals.c.wrapped_key, "{appeal_id}"),
    WrappedKey(appeals.c.answer_wrapped_key, "{appeal_id}/answer"),
    WrappedKey(withdrawals.c.wrapped_key, "{withdrawal_id}"),
    WrappedKey(relays.c.wrapped_key, "{relay_id}"),
    WrappedKey(blind_epochs.c.wrapped_key, "{epoch_id}"),
    WrappedKey(decisions.c.wrapped_key, "{decision_id}"),
    WrappedKey(cases.c.wrapped_key, "{case_id}"),
    WrappedKey(case_erasures.c.wrapped_key, "{erasure_id}"),
    WrappedKey(case_holds.c.wrapped_key, "hold/{case_id}"),
    WrappedKey(capacity_items.c.wrapped_key, "{item_id}"),
    WrappedKey(deliveries.c.wrapped_key, "{delivery_id}"),
    WrappedKey(overrides.c.wrapped_key, "{override_id}"),
    WrappedKey(item_words.c.wrapped_key, "{item_id}/{kind}"),
    WrappedKey(read_grants.c.wrapped_key, "grant/{object_id}/{party_id}/{basis}"),
    WrappedKey(glass_requests.c.wrapped_key, "{glass_id}"),
    WrappedKey(contacts.c.wrapped_key, "{contact_id}"),
    WrappedKey(invitations.c.wrapped_key, "{invitation_id}"),
    WrappedKey(passwords.c.wrapped_key, "totp/{party_id}"),
    WrappedKey(challenges.c.wrapped_key, "{kind}/{challenge_id}"),
    WrappedKey(charter_versions.c.wrapped_key, "{charter_id}/{version}"),
    WrappedKey(charter_claims.c.wrapped_key, "{claim_id}"),
    WrappedKey(charter_claims.c.end_wrapped_key, "{claim_id}/end"),
    WrappedKey(notices.c.wrapped_key, "{notice_id}"),
    WrappedKey(webhooks.c.wrapped_key, "{hook_id}"),
    WrappedKey(received_mail.c.wrapped_key, "{mail_id}"),
    WrappedKey(packs.c.wrapped_key, "{pack_id}"),
    WrappedKey(pack_items.c.wrapped_key, "{item_id}"),
    WrappedKey(reviews.c.wrapped_key, "{review_id}"),
    WrappedKey(reviews.c.wrapped_materials_key, "{review_id}/materials"),
    WrappedKey(eval_runs.c.wrapped_key, "{run_id}"),
    WrappedKey(eval_efforts.c.wrapped_key, "{effort_id}"),
)
"""Every column with data keys wrapped by the instance key; a test holds the list against all tables."""

_BATCH = 500  # data keys wrapped in one transaction: how long a writer waits for us, and not a policy
_ROUNDS_MAX = 20  # looks through all tables; each leaves only what somebody changed in that instant
_PAUSE_SECONDS = 0.2
_PATIENCE_SECONDS = 30.0  # for transactions that began before the look which found nothing left

Progress = Callable[[int, int], None]
"""Told how many data keys are wrapped again, and of how many."""


@dataclass(frozen=True, slots=True)
class Rotated:
    """What a run did."""

    key: str
    """Id of the key in use."""
    resumed: bool
    """Whether it went on with a run that was broken off."""
    rewrapped: int
    kept: tuple[str, ...]
    """Ids of earlier keys that are still in the key file."""


@dataclass(frozen=True, slots=True)
class KeyInUse:
    """A key of the key file, or one that data keys name and the file lacks."""

    key: str
    state: str
    """`in use`, `kept` or `missing`."""
    wraps: int
    """How many data keys."""


def list_keys(instance: Instance) -> list[KeyInUse]:
    """The instance's keys by id, oldest first, and how many data keys each wraps.

    Raises:
        NotPermitted: the actor may not manage parties and keys.
    """
    check_may(instance.actor, Scope.PARTIES_MANAGE)
    keys = read_keys(instance.settings.instance_key_path)
    with instance.database.read() as tx:
        counts = count_by_key(tx, WRAPPED)
    known = [(named, "kept") for named in keys.earlier] + [(key_id(keys.current), "in use")]
    known += [(named, "missing") for named in sorted(counts) if named not in dict(known)]
    return [KeyInUse(named.hex(), state, counts.get(named, 0)) for named, state in known]


def rotate_key(instance: Instance, progress: Progress = lambda done, of: None) -> Rotated:
    """Bring a new instance key into use and wrap every data key again under it; a run that was broken off is gone on with.

    Others read and write meanwhile. Earlier keys stay in the key file until `forget_old_keys`.
    Raises:
        NotPermitted: the actor may not manage parties and keys.
        Conflict: another run is under way on this machine.
        Unavailable: a data key does not open, or rows stay locked by others.
    """
    check_may(instance.actor, Scope.PARTIES_MANAGE)
    with _alone(instance):
        keys = read_keys(instance.settings.instance_key_path)
        resumed = not _finished(instance, keys)
        if not resumed:
            keys = InstanceKeys(fresh_key(), {**keys.earlier, key_id(keys.current): keys.current}, keys.index)
            replace_key_file(instance.settings.instance_key_path, keys)
        return _run(instance, keys, resumed, progress)


def forget_old_keys(instance: Instance, progress: Progress = lambda done, of: None) -> Rotated:
    """Remove every earlier key from the key file, after a run that was finished and a look that nothing needs them.

    The key of index terms, so far derived from the oldest key, is kept by itself: from it no instance key can be computed.
    Copies of the database from before the rotation open no more with what is left.
    Raises:
        NotPermitted: the actor may not manage parties and keys.
        Conflict: there is no earlier key, another run is under way, or a transaction from before does not end.
        Unavailable: as for `rotate_key`.
    """
    check_may(instance.actor, Scope.PARTIES_MANAGE)
    with _alone(instance):
        path = instance.settings.instance_key_path
        keys = read_keys(path)
        if not keys.earlier:
            raise Conflict("there is no old key to forget; `clearinghouse key rotate` brings a new one into use first")
        done = _run(instance, keys, not _finished(instance, keys), progress)
        done = Rotated(done.key, done.resumed, done.rewrapped + _settle(instance), ())
        replace_key_file(path, InstanceKeys(keys.current, {}, index_key_of(keys)))
        details: dict[str, Detail] = {"key": done.key, "forgotten": [named.hex() for named in keys.earlier]}
        with instance.database.write() as tx:
            ledger.record(tx, Event("OldKeysForgotten", (_subject(keys),), details), actor=instance.actor.id, now=instance.clock.now())
        return done


def _run(instance: Instance, keys: InstanceKeys, resumed: bool, progress: Progress) -> Rotated:
    subject, named = _subject(keys), key_id(keys.current).hex()
    with instance.database.write() as tx:
        if not _told(tx, subject, "KeyRotationBegun"):
            event = Event("KeyRotationBegun", (subject,), {"key": named, "earlier": [each.hex() for each in keys.earlier]})
            ledger.record(tx, event, actor=instance.actor.id, now=instance.clock.now())
    rewrapped = _rewrap_all(instance, progress)
    with instance.database.write() as tx:
        if not _told(tx, subject, "KeyRotated"):
            event = Event("KeyRotated", (subject,), {"key": named, "rewrapped": rewrapped})
            ledger.record(tx, event, actor=instance.actor.id, now=instance.clock.now())
    return Rotated(named, resumed, rewrapped, tuple(each.hex() for each in keys.earlier))


def _rewrap_all(instance: Instance, progress: Progress) -> int:
    """Wrap again whatever is not under the key in use, until a look through all tables finds nothing."""
    # Sealed and thrown away: the envelope now holds what the file holds, also where it was replaced a moment ago.
    instance.envelope.wrap(fresh_key(), "probe")
    current = key_id(instance.envelope.current)
    done = 0
    for _ in range(_ROUNDS_MAX):
        with instance.database.read() as tx:
            left = sum(number for named, number in count_by_key(tx, WRAPPED).items() if named != current)
        progress(done, done + left)
        if not left:
            return done
        for wrapped in WRAPPED:
            after = None
            while True:
                with instance.database.write() as tx:
                    portion = rewrap_portion(tx, wrapped, instance.envelope, after, _BATCH)
                done, left, after = done + portion.rewrapped, left - portion.rewrapped, portion.last
                if portion.rewrapped:
                    progress(done, done + max(left, 0))
                if after is None:
                    break
        time.sleep(_PAUSE_SECONDS)
    raise Unavailable("some data keys are being changed by others again and again; run the same command again in a while")


def _settle(instance: Instance) -> int:
    """Be sure that no transaction still holds a data key wrapped under an earlier key, written or about to be written."""
    since, waited, rewrapped = None, 0.0, 0
    while True:
        with instance.database.write() as tx:
            now, waiting = others_at_work(tx, since)
        if since is None or waiting:
            since = since or now
            if waiting and waited >= _PATIENCE_SECONDS:
                raise Conflict("a transaction from before does not end; the old keys are kept: run the same command again when it has ended")
            if waiting:
                time.sleep(_PAUSE_SECONDS)
                waited += _PAUSE_SECONDS
            continue
        found = _rewrap_all(instance, lambda done, of: None)
        rewrapped += found
        if not found:
            return rewrapped
        since = None


def _finished(instance: Instance, keys: InstanceKeys) -> bool:
    if not keys.earlier:
        return True  # The first key, or the only one left: there is nothing to wrap again.
    with instance.database.read() as tx:
        return _told(tx, _subject(keys), "KeyRotated")


def _told(tx: Transaction, subject: str, kind: str) -> bool:
    return any(event.kind == kind for event in ledger_store.events_about(tx, subject))


def _subject(keys: InstanceKeys) -> str:
    return f"key_{key_id(keys.current).hex()}"


@contextmanager
def _alone(instance: Instance) -> Iterator[None]:
    """Hold the folder of keys, so that no second run reads the file while this one replaces it; let go of also by kill -9."""
    folder = os.open(instance.settings.instance_key_path.parent, os.O_RDONLY)
    try:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Conflict("another run changes the keys of this instance right now; wait for it to end") from None
        yield
    finally:
        os.close(folder)


__all__ = ["WRAPPED", "KeyInUse", "Rotated", "forget_old_keys", "list_keys", "rotate_key"]
