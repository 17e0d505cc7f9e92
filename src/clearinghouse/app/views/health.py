"""How the work that happens by itself stands: for the administrator's page and for `clearinghouse worker status`."""

from dataclasses import dataclass
from datetime import datetime

from clearinghouse.app.channels.mailbox import waiting_files
from clearinghouse.app.wiring import Instance
from clearinghouse.core.roles import Scope
from clearinghouse.ledger import outbox
from clearinghouse.parties.notices.records import NoticeState
from clearinghouse.parties.notices.store import notices
from clearinghouse.parties.rules import check_may


@dataclass(frozen=True, slots=True)
class FailedAction:
    """A follow-up that failed too often and waits for a person."""

    event: str
    action: str
    trouble: str
    """The kind of error, never its words."""


@dataclass(frozen=True, slots=True)
class WorkHealth:
    """Figures and ids, no content."""

    leaves_behind: int
    """Events that no worker has looked at."""
    actions_waiting: int
    oldest_action_at: datetime | None
    failed: tuple[FailedAction, ...]
    notices: dict[NoticeState, int]
    oldest_notice_due_at: datetime | None
    mail_waiting: int
    """Files in the folder of incoming mail."""
    mail_refused: int
    """Files that could not be kept and lie aside."""
    seen_at: datetime | None
    """When a worker last did what is done once a minute; None where none ever ran."""


def work_health(instance: Instance) -> WorkHealth:
    """How far behind the work is.

    Raises:
        NotPermitted: the actor may not manage parties.
    """
    check_may(instance.actor, Scope.PARTIES_MANAGE)
    folder = instance.settings.mail_folder / "in"
    with instance.database.read() as tx:
        lag = outbox.lag(tx, "process")
        counts = notices.count_notices(tx)
        return WorkHealth(
            lag.leaves, lag.waiting, lag.oldest_at, tuple(FailedAction(*each) for each in outbox.failed_actions(tx)),
            dict(counts.by_state), counts.oldest_due_at, sum(1 for _ in waiting_files(folder)),
            sum(1 for _ in waiting_files(folder / "refused")), outbox.turn_taken_at(tx, "minute"),
        )
