"""What the blind check does on the side of who holds: keep an epoch, tag what is held, evaluate what is asked, within budgets."""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from clearinghouse.core.errors import Conflict, Invalid, NotFound
from clearinghouse.core.events import Detail, Event
from clearinghouse.core.ids import CommitmentId, EpochId, PartyId, new_id
from clearinghouse.core.policy import BlindPolicy
from clearinghouse.core.roles import Scope
from clearinghouse.disclosure.deconfliction.blind import store
from clearinghouse.disclosure.deconfliction.blind.fingerprints import fingerprints
from clearinghouse.disclosure.deconfliction.blind.protocol import ELEMENT_BYTES, SEED_BYTES, Holder, pack_tags
from clearinghouse.disclosure.deconfliction.blind.records import Epoch, OpenEpoch
from clearinghouse.disclosure.deconfliction.telling import rules as telling
from clearinghouse.disclosure.deconfliction.telling import store as tellings
from clearinghouse.disclosure.deconfliction.telling.actions import system_fitting
from clearinghouse.disclosure.intake import store as intake
from clearinghouse.disclosure.intake.withdrawals import store as withdrawals
from clearinghouse.ledger import actions as ledger
from clearinghouse.parties import actions as parties
from clearinghouse.parties import store as party_store
from clearinghouse.parties.rules import check_may
from clearinghouse.storage import Database, Envelope, Transaction

_PORTION = 500  # reports in one transaction


@dataclass(frozen=True, slots=True)
class Evaluated:
    """A batch that was evaluated; or why not, which is on the record all the same."""

    output: bytes = b""
    refused: str = ""


def begin_epoch(tx: Transaction, *, actor: PartyId, envelope: Envelope, policy: BlindPolicy, now: datetime) -> Epoch:
    """The epoch of this instant; a new one, its key published on the ledger, where the last has ended."""
    party_store.lock_party(tx, actor)
    standing = store.current_epoch(tx, now)
    if standing is not None:
        return standing
    epoch_id, seed = EpochId(new_id("bep")), secrets.token_bytes(SEED_BYTES)
    key = Holder(seed, epoch_id).public_key
    ends_at = now + timedelta(days=policy.epoch_days)
    event = ledger.record(
        tx, Event("BlindEpochBegun", (epoch_id, "ristretto255:" + key.hex()), {"ends_at": ends_at.isoformat()}), actor=actor, now=now
    )
    epoch = Epoch(epoch_id, now, ends_at, key, event)
    store.add_epoch(tx, OpenEpoch(epoch, seed), envelope)
    forgotten = store.forget_ended(tx, now - timedelta(days=policy.forget_days))
    ledger.record_many(tx, (Event("BlindEpochForgotten", (each,)) for each in forgotten), actor=actor, now=now)
    return epoch


def tag_held(
    database: Database, epoch_id: EpochId, *, envelope: Envelope, progress: Callable[[int], None] = lambda reports: None
) -> int:
    """Tag the forms of every finding held, neither public nor withdrawn, that was not yet; gives how many reports. Cut off, it goes on where it was."""
    with database.read() as tx:
        opened = store.system_open_epoch(tx, epoch_id, envelope)
    if opened is None:
        return 0
    holder, through, done = Holder(opened.seed, epoch_id), opened.epoch.through, 0
    while True:
        with database.read() as tx:
            portion = intake.system_private_findings(tx, through, _PORTION, envelope)
            gone = withdrawals.system_withdrawn(tx, [number for number, _ in portion])
        if not portion:
            return done
        tags = [holder.tag(form) for number, finding in portion if number not in gone for form in fingerprints(finding)]
        through = portion[-1][0]
        with database.write() as tx:
            store.system_add_tags(tx, opened.epoch, tags, through)
        done += len(portion)
        progress(done)


def publish_set(tx: Transaction, epoch: Epoch, *, actor: PartyId, policy: BlindPolicy, now: datetime) -> bool:
    """Publish the tags of an epoch, unless there is none to add or that was done a short while ago; gives whether it was done.

    Seldom, so that a new tag cannot be laid beside the minute at which a report came.
    """
    store.lock_epoch(tx, epoch)
    if not store.system_set_is_old(tx, epoch, now - timedelta(hours=policy.set_hours)):
        return False
    body = pack_tags(store.system_tags(tx, epoch), policy.set_multiple)
    store.put_set(tx, epoch, body, now)
    ledger.record(tx, Event("BlindSetPublished", (epoch.id,), {"bytes": len(body)}), actor=actor, now=now)
    return True


def evaluate(
    tx: Transaction, epoch_id: str, elements: Sequence[bytes], cited: Sequence[str], *, actor: PartyId, envelope: Envelope,
    policy: BlindPolicy, now: datetime,
) -> Evaluated:
    """Evaluate one batch, charged to the actor's organisation. A refusal for want of budget is on the record, so it is given back and
    not raised.

    Args:
        elements: exactly as many as every batch has, so that their number tells nothing.
        cited: commitments of the organisation to the findings asked about.
    Raises:
        NotPermitted: the actor may send no reports.
        NotFound: there is no such epoch now.
        Invalid: the batch has another size, or an element is no point; or it cites nothing, too much, or what is not its own.
        Conflict: a commitment was cited before, as often as may be.
    """
    party = parties.get_party(tx, actor)
    check_may(party, Scope.REPORTS_SUBMIT)
    current = store.current_epoch(tx, now)
    opened = store.system_open_epoch(tx, epoch_id, envelope) if current is not None and current.id == epoch_id else None
    if opened is None:
        raise NotFound(f"no epoch {epoch_id[:40]!r} now; ask for the current one")
    if len(elements) != policy.batch_elements or any(len(element) != ELEMENT_BYTES for element in elements):
        raise Invalid(f"a batch has exactly {policy.batch_elements} elements of {ELEMENT_BYTES} bytes; fill it up with dummies")
    wanted = list(dict.fromkeys(cited))
    if not 1 <= len(wanted) <= policy.batch_findings:
        raise Invalid(f"a batch cites the commitments to the findings it asks about, 1 to {policy.batch_findings}; this one cites {len(wanted)}")
    organisation = party.organisation or party.id
    party_store.lock_party(tx, organisation)
    if store.standing_commitments(tx, wanted, organisation) != set(wanted):
        raise Invalid("a batch cites commitments of your own organisation that were not withdrawn; one of these is none")
    day = now - timedelta(days=1)
    used = store.spent(tx, opened.epoch, organisation, day)
    # What its finders are told of their reports is learnt from the same budget (decision 2).
    # What waits and fits is shown already, before the sweep that notes it: it is spent as well.
    shown = len(system_fitting(tx, [organisation], policy, now))
    told = tuple(telling.batches_told(each + shown, policy) for each in tellings.system_told(
        tx, [organisation], day, opened.epoch.began_at).get(organisation, (0, 0)))
    if used.today + told[0] >= policy.batches_per_day or used.epoch + told[1] >= policy.batches_per_epoch:
        more = f", and was told of reports of its own worth {told[0]} and {told[1]} more" if any(told) else ""
        said = (
            f"your organisation asked {used.today} batches within a day and {used.epoch} in this epoch{more}; "
            f"{policy.batches_per_day} and {policy.batches_per_epoch} are allowed"
        )
        if not used.refused:
            # Once a day: somebody who goes on asking fills no ledger.
            details: dict[str, Detail] = {"today": used.today + told[0], "epoch": used.epoch + told[1]}
            ledger.record(tx, Event("BlindBudgetSpent", (organisation, epoch_id), details), actor=actor, now=now)
            store.add_batch(tx, new_id("bat"), opened.epoch, [], party=actor, organisation=organisation, elements=0, at=now)
        return Evaluated(refused=said)
    if any(times >= policy.citations_max for times in store.cited(tx, opened.epoch, wanted).values()):
        raise Conflict(f"a commitment may be cited by {policy.citations_max} batches of an epoch; one of these was")
    output = Holder(opened.seed, opened.epoch.id).evaluate(elements)
    batch = new_id("bat")
    store.add_batch(
        tx, batch, opened.epoch, [CommitmentId(each) for each in wanted], party=actor, organisation=organisation, elements=len(elements), at=now
    )
    ledger.record(
        tx, Event("BlindEvaluated", (batch, epoch_id), {"elements": len(elements), "cited": [*wanted], "organisation": organisation}),
        actor=actor, now=now,
    )
    return Evaluated(output)
