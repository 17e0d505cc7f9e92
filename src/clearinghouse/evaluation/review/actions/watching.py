"""Looks at the identity of the model behind the gateway."""

from datetime import datetime

from clearinghouse.core.ids import PartyId
from clearinghouse.evaluation.review import store
from clearinghouse.evaluation.review.access import end_access, suspend_access
from clearinghouse.evaluation.review.actions.entering import leave, move, write_entry
from clearinghouse.evaluation.review.records import Engagement, EntryKind, Look, ReviewState, Sameness
from clearinghouse.storage import Transaction


def note_look(
    tx: Transaction, engagement: Engagement, digest: str, outcome: Sameness, how: str, *, machine: PartyId, actor: PartyId, now: datetime
) -> Engagement:
    """Keep what a look found. A model that changed pauses the window at once: what follows is the developer's and the desk's to say.

    Args:
        outcome: as compared with the first look of the review, by whoever looked.
        machine: in whose name accesses rest, so that the developer, who answers for the change, can bring them back.
    """
    store.looks.add(tx, Look(engagement.id, now, digest, outcome, how))
    leave(tx, engagement, "ModelIdentityNoted", {"outcome": str(outcome), "how": how, "digest": digest}, actor=actor, now=now)
    if outcome is Sameness.CHANGED and engagement.review.state is ReviewState.PAUSED:
        # Whoever paused meanwhile does not answer for the change: what rests does not come back with that pause.
        end_access(tx, engagement, "model_changed", actor=machine, now=now)
    if outcome is not Sameness.CHANGED or engagement.review.state is not ReviewState.WINDOW_OPEN:
        return engagement
    # The table lets people pause; here the rule does, in the name of whoever looked.
    moved = move(tx, engagement, "pause", now=now, by="evaluator")
    write_entry(tx, moved, EntryKind.REASON, "pause", "The model behind the gateway answers another way than at the first look.", actor=actor, now=now)
    suspend_access(tx, moved, "model_changed", actor=machine, now=now)
    leave(tx, moved, "ModelIdentityChanged", {"how": how}, actor=actor, now=now)
    return moved
