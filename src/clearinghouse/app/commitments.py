"""Commitments across intake: an opened report is handed in like any other, and keeps the instant it was committed at."""

from collections.abc import Callable
from datetime import datetime

from clearinghouse.app.reception import Reception
from clearinghouse.app.wiring import Instance
from clearinghouse.core.ids import SubmissionId
from clearinghouse.disclosure.intake.commitments import actions, rules, store
from clearinghouse.disclosure.intake.commitments.records import REPORT, Claim, Commitment, Opening, Tally
from clearinghouse.disclosure.intake.records import Cover

TakeIn = Callable[[bytes, str, str], SubmissionId]
"""Hands a document in under a name and an idempotency key, and gives its submission."""


def through(reception: Reception, instance: Instance) -> TakeIn:
    """Handing in as the actor does at a server's door."""

    def take_in(data: bytes, name: str, key: str) -> SubmissionId:
        receipt, _ = reception.take(data, name=name, reporter=instance.actor.id, cover=Cover(), idempotency_key=key)
        return receipt.submission_id

    return take_in


def record(instance: Instance, claim: Claim, *, due_at: datetime | None = None) -> Commitment:
    """Put a commitment on the record. Raises as `actions.record` does."""
    with instance.database.write() as tx:
        return actions.record(
            tx, claim, asked_due=due_at, context=instance.settings.ledger_origin, actor=instance.actor.id,
            policy=instance.policy.commitments, now=instance.clock.now(),
        )


def open_commitment(instance: Instance, commitment_id: str, opening: Opening, take_in: TakeIn) -> Commitment:
    """Open a commitment, or sections of it. Cut off in the middle, the same opening again goes on where it ended.

    Raises:
        NotFound: there is no such commitment of the actor.
        Invalid: the opening is not one of it. A report that cannot be read is kept, with what is wrong in its receipt.
        Conflict: it was withdrawn.
    """
    context, policy = instance.settings.ledger_origin, instance.policy.commitments
    with instance.read() as tx:
        _, fresh = actions.check_opens(
            tx, commitment_id, opening, context=context, actor=instance.actor.id, policy=policy, now=instance.clock.now()
        )
    # Taken in first and under a key of its own: what follows can be done again, and is, by whoever sends it again.
    submission = take_in(fresh[REPORT], f"{commitment_id}.opened", commitment_id) if REPORT in fresh else None
    with instance.database.write() as tx:
        return actions.open_sections(
            tx, commitment_id, opening, submission=submission, desk=instance.desk, context=context, actor=instance.actor.id,
            envelope=instance.envelope, policy=policy, now=instance.clock.now(),
        )


def withdraw(instance: Instance, commitment_id: str) -> Commitment:
    """Say that a commitment will not be opened. Raises as `actions.withdraw` does."""
    with instance.database.write() as tx:
        return actions.withdraw(tx, commitment_id, actor=instance.actor.id, now=instance.clock.now())


def tally(instance: Instance) -> Tally:
    """How many of all commitments were followed through: the public figure."""
    with instance.database.read() as tx:
        return store.system_tally(tx, instance.clock.now())


def known_from(instance: Instance, report_ids: list[str]) -> dict[str, datetime]:
    """Of these reports, those known to their finder before they were received, each with the instant it committed to them.

    For coordinators of a case that handles them; it says what the commitment says, and no more.
    """
    with instance.database.read() as tx:
        found = store.system_by_report(tx, report_ids)
    instants = {report: rules.counts_from(commitment, held, instance.policy.commitments) for report, (commitment, held) in found.items()}
    return {report: at for report, at in instants.items() if at is not None}


def sweep(instance: Instance) -> int:
    """Warn of commitments whose day comes near, and raise the alarm for those left shut; gives how many."""
    with instance.database.write() as tx:
        return actions.sweep(tx, actor=instance.system, policy=instance.policy.commitments, now=instance.clock.now())
