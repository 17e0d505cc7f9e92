"""What needs me now: the few things that wait for this viewer, the most urgent first, and for each what to do about it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from clearinghouse.app.views.appeals import lines_of as lines_of_appeals
from clearinghouse.app.views.inbox import InboxLine, lines_of
from clearinghouse.app.views.reports import title_of
from clearinghouse.app.views.telling import coordinates
from clearinghouse.app.wiring import Instance
from clearinghouse.core.ids import CaseId
from clearinghouse.disclosure.coordination.appeals import store as appeals
from clearinghouse.disclosure.coordination.appeals.rules import QUESTIONS
from clearinghouse.disclosure.coordination.asks import store as asks
from clearinghouse.disclosure.coordination.embargo.records import DeadlineKind
from clearinghouse.disclosure.coordination.embargo.store import deadlines
from clearinghouse.disclosure.coordination.rooms.records import CaseState
from clearinghouse.disclosure.coordination.rooms.store import cases, participants, threads
from clearinghouse.disclosure.deconfliction import store as deconfliction
from clearinghouse.disclosure.deconfliction.learning.actions import readable_proposals
from clearinghouse.disclosure.deconfliction.learning.records import ProposalKind
from clearinghouse.disclosure.deconfliction.records import SAMENESS, Verdict
from clearinghouse.disclosure.intake import store as intake
from clearinghouse.disclosure.intake.withdrawals import store as withdrawals
from clearinghouse.parties.store import name_parties
from clearinghouse.storage import Transaction

_SHOWN = 8
"""Of each kind; the rest is a link away."""
_ROOMS_MAX = 200
"""Open cases looked through for dates and messages; bounds one look."""
_AHEAD = timedelta(days=7)
_DUE = {
    DeadlineKind.EMBARGO_ENDS: "the embargo ends: everybody ready?",
    DeadlineKind.EMBARGO_REVIEW: "the embargo is open-ended: is it still needed?",
    DeadlineKind.DUTY: "a duty falls due: meet it, or say that it was met",
    DeadlineKind.DETAILS: "details may be published from then on",
}


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
    badge: str = ""
    """What the bench saw of it, in words."""


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
    with instance.read() as tx:
        sections = [section for reader in READERS if (section := reader(tx, instance)) is not None]
    return Queue(tuple(section for section in sections if section.items))


def _proposals(tx: Transaction, instance: Instance) -> QueueSection | None:
    """Reports of which deconfliction is not sure and no person has said anything."""
    if not coordinates(instance):
        return None
    with tx.beyond_wall():
        words = [word for word in deconfliction.standing_words(tx) if word.kind in SAMENESS]
    decided = sorted({number for word in words for group in word.groups for number in group})
    reports = intake.page_reports(
        tx, instance.envelope, viewer=instance.actor.id, now=instance.clock.now(), size=_SHOWN + 1, duty=True,
        among=[deconfliction.placed_as(Verdict.UNSURE)], without=[deconfliction.numbers_listed(tx, decided), withdrawals.withdrawn_numbers()],
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
        without=[deconfliction.placed(), withdrawals.withdrawn_numbers()],
    )
    return QueueSection(
        "waiting", "Received, not compared yet", "They are compared by themselves; if they stay here, the worker needs a look.",
        tuple(_of(line, "wait, or read it") for line in lines_of(tx, instance, reports)[:_SHOWN]),
        "/inbox?answer=waiting" if len(reports) > _SHOWN else "",
    )


def _of(line: InboxLine, why: str) -> QueueItem:
    path = f"/reports/{line.id}/compare/{line.lead_id}" if line.lead_id and line.answer == Verdict.UNSURE else f"/reports/{line.id}"
    return QueueItem(path, line.title, why, line.received_at, None, line.answer, line.badge)


def _invitations(tx: Transaction, instance: Instance) -> QueueSection | None:
    """Cases that the viewer is asked to take part in."""
    # Whoever is invited may not read the case yet, so the wall would hide the invitation with it.
    with tx.beyond_wall():
        found = participants.list_invitations(
            tx, instance.envelope, viewer=instance.actor.id, now=instance.clock.now(), limit=_SHOWN + 1
        )
    names = name_parties(tx, sorted({one.invited_by for _, one, _ in found}))
    return QueueSection(
        "invitations", "You are asked to take part", "Nothing of a case is told before you accept.",
        tuple(
            QueueItem("/cases", f"{names.get(one.invited_by, ('Somebody', None))[0]} asks you in as {one.role}",
                      reason or "accept or decline", one.invited_at)
            for case_id, one, reason in found[:_SHOWN]
        ),
        "/cases" if len(found) > _SHOWN else "",
    )


def _dates(tx: Transaction, instance: Instance) -> QueueSection | None:
    """Dates of the viewer's open cases that come near or have passed."""
    now = instance.clock.now()
    rooms = cases.list_rooms(
        tx, instance.envelope, viewer=instance.actor.id, now=now, limit=_ROOMS_MAX, state=CaseState.OPEN
    )
    titles = {room.id: room.case.title for room in rooms}
    found = deadlines.list_dates(tx, rooms, now + _AHEAD, _SHOWN + 1)
    return QueueSection(
        "dates", "Dates that come near", "Those with least left first.",
        tuple(QueueItem(f"/cases/{entry.object_id}", titles[CaseId(entry.object_id)], _DUE[entry.kind], None, entry.due_at) for entry in found[:_SHOWN]),
        "/cases" if len(found) > _SHOWN else "",
    )


def _unread(tx: Transaction, instance: Instance) -> QueueSection | None:
    """Open cases in which somebody has written since the viewer last read."""
    now = instance.clock.now()
    rooms = cases.list_rooms(
        tx, instance.envelope, viewer=instance.actor.id, now=now, limit=_ROOMS_MAX, state=CaseState.OPEN
    )
    counts = threads.count_unread(tx, rooms, now=now)
    found = [room for room in rooms if counts.get(room.id)]
    return QueueSection(
        "unread", "Not read yet", "Messages in your cases.",
        tuple(
            QueueItem(f"/cases/{room.id}?part=threads", room.case.title, f"{counts[room.id]} new message{'' if counts[room.id] == 1 else 's'}")
            for room in found[:_SHOWN]
        ),
        "/cases" if len(found) > _SHOWN else "",
    )


def _asks(tx: Transaction, instance: Instance) -> QueueSection | None:
    """Who asks to take part in a case that the viewer coordinates."""
    rooms = cases.list_rooms(
        tx, instance.envelope, viewer=instance.actor.id, now=instance.clock.now(), limit=_ROOMS_MAX, state=CaseState.OPEN
    )
    titles = {room.id: room.case.title for room in rooms}
    found = asks.list_open(tx, rooms, instance.envelope)
    names = name_parties(tx, sorted({one.asker for one in found}))
    return QueueSection(
        "asks", "Somebody asks to take part", "They know of the flaw by a report of their own, and nothing of your case.",
        tuple(
            QueueItem(f"/cases/{one.case_id}/asks", f"{names.get(one.asker, ('Somebody', None))[0]}: {titles[CaseId(one.case_id)]}", "invite, or decline", one.at)
            for one in found[:_SHOWN]
        ),
    )


def _otherwise(tx: Transaction, instance: Instance) -> QueueSection | None:
    """What a newer model would do to clusters that people have had their hands on."""
    if not coordinates(instance):
        return None
    found = readable_proposals(tx, instance.envelope, viewer=instance.actor.id, now=instance.clock.now())
    return QueueSection(
        "otherwise", "A newer model would have it otherwise", "The clusters stay as they were until somebody answers.",
        tuple(
            QueueItem("/model", title_of(first[0].finding), "join with another cluster, or keep apart" if one.difference.kind is ProposalKind.JOIN
                      else "part from its cluster, or keep", one.made_at)
            for one, (first, _) in found[:_SHOWN]
        ),
        "/model" if len(found) > _SHOWN else "",
    )


def _appeals(tx: Transaction, instance: Instance) -> QueueSection | None:
    """Appeals about reports that the viewer is on duty for."""
    if not coordinates(instance):
        return None
    found = appeals.list_open(tx, instance.envelope, viewer=instance.actor.id, now=instance.clock.now(), limit=_SHOWN + 1)
    lines = lines_of_appeals(tx, instance, found[:_SHOWN])
    return QueueSection(
        "appeals", "A finder appeals", "Somebody who did not decide it looks again, and answers with a reason.",
        tuple(QueueItem(f"/appeals/{line.id}", line.title, QUESTIONS[line.question], line.made_at, line.due_at) for line in lines),
    )


READERS: tuple[Reader, ...] = (_invitations, _asks, _appeals, _dates, _unread, _proposals, _otherwise, _uncompared)
