"""What needs me now: the few things that wait for this viewer, the most urgent first, and for each what to do about it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from clearinghouse.app.views.inbox import InboxLine, lines_of
from clearinghouse.app.views.telling import coordinates
from clearinghouse.app.wiring import Instance
from clearinghouse.disclosure.deconfliction import store as deconfliction
from clearinghouse.disclosure.deconfliction.records import Verdict
from clearinghouse.disclosure.intake import store as intake
from clearinghouse.storage import Transaction

_SHOWN = 8
"""Of each kind; the rest is a link away."""


@dataclass(frozen=True, slots=True)
class QueueItem:
    """One thing that waits."""

    path: str
    title: str
    why: str
    """What is asked, in the imperative."""
    since: datetime | None = None
    due_at: datetime | None = None
    answer: str = ""
    """Verdict of a report, where it is one."""


@dataclass(frozen=True, slots=True)
class QueueSection:
    """Things of one kind."""

    key: str
    title: str
    hint: str
    items: tuple[QueueItem, ...]
    more: str = ""
    """Address of the rest, where there is more than shown."""


@dataclass(frozen=True, slots=True)
class Queue:
    """What waits for one viewer."""

    sections: tuple[QueueSection, ...]
    """Only those that hold something."""

    @property
    def count(self) -> int:
        """How much is shown; for the number beside the link to this page."""
        return sum(len(section.items) for section in self.sections)


Reader = Callable[[Transaction, Instance], QueueSection | None]
"""Finds the things of one kind that wait for the viewer; each capability that makes people wait adds one to `READERS`."""


def read_queue(instance: Instance) -> Queue:
    """What waits for the viewer."""
    with instance.database.read() as tx:
        sections = [section for reader in READERS if (section := reader(tx, instance)) is not None]
    return Queue(tuple(section for section in sections if section.items))


def _proposals(tx: Transaction, instance: Instance) -> QueueSection | None:
    """Reports of which deconfliction is not sure and no person has said anything."""
    if not coordinates(instance):
        return None
    decided = sorted({number for word in deconfliction.standing_words(tx) for group in word.groups for number in group})
    reports = intake.page_reports(
        tx, instance.envelope, viewer=instance.actor.id, now=instance.clock.now(), size=_SHOWN + 1, duty=True,
        among=[deconfliction.placed_as(Verdict.UNSURE)], without=[deconfliction.numbers_listed(tx, decided)],
    )
    lines = [line for line in lines_of(tx, instance, reports) if not line.public]
    return QueueSection(
        "proposals", "Same flaw or not?", "Deconfliction is not sure; the evidence is one key away.",
        tuple(_of(line, "compare, then merge or hold apart") for line in lines[:_SHOWN]),
        "/inbox?answer=unsure" if len(reports) > _SHOWN else "",
    )


def _uncompared(tx: Transaction, instance: Instance) -> QueueSection | None:
    """Reports that were received and not compared yet; more than a few mean that the worker stands still."""
    if not coordinates(instance):
        return None
    reports = intake.page_reports(
        tx, instance.envelope, viewer=instance.actor.id, now=instance.clock.now(), size=_SHOWN + 1, duty=True,
        without=[deconfliction.placed()],
    )
    return QueueSection(
        "waiting", "Received, not compared yet", "They are compared by themselves; if they stay here, the worker needs a look.",
        tuple(_of(line, "wait, or read it") for line in lines_of(tx, instance, reports)[:_SHOWN]),
        "/inbox?answer=waiting" if len(reports) > _SHOWN else "",
    )


def _of(line: InboxLine, why: str) -> QueueItem:
    path = f"/reports/{line.id}/compare/{line.lead_id}" if line.lead_id and line.answer == Verdict.UNSURE else f"/reports/{line.id}"
    return QueueItem(path, line.title, why, line.received_at, None, line.answer)


READERS: tuple[Reader, ...] = (_proposals, _uncompared)
