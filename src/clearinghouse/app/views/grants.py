"""What holds an object: a report lies in the submission it came with, and whoever may read that reads it."""

from clearinghouse.app.wiring import Instance
from clearinghouse.disclosure.intake import store as intake
from clearinghouse.storage import Transaction


def holders_of(instance: Instance, tx: Transaction, object_id: str) -> tuple[str, ...]:
    """The ids through which the acting party reads an object beside its own; empty for what it may not read."""
    if not object_id.startswith("rep_"):
        return ()
    found = intake.read_report(tx, object_id, instance.envelope, viewer=instance.actor.id, now=instance.clock.now())
    return () if found is None else (found.submission_id,)
