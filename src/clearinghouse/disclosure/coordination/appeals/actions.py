"""Making an appeal, taking it back, answering it, and saying that its day passed."""

from collections.abc import Collection
from datetime import datetime

from clearinghouse.core.errors import Conflict, NotFound
from clearinghouse.core.events import Detail, Event
from clearinghouse.core.ids import PartyId, has_shape, new_id
from clearinghouse.core.policy import AppealPolicy
from clearinghouse.core.roles import Scope
from clearinghouse.disclosure.coordination.appeals import rules, store
from clearinghouse.disclosure.coordination.appeals.records import Appeal, AppealId, AppealState, Question
from clearinghouse.disclosure.coordination.appeals.states import APPEAL_TRANSITIONS
from clearinghouse.disclosure.coordination.rooms.states import step
from clearinghouse.disclosure.intake.records import Report
from clearinghouse.ledger import actions as ledger
from clearinghouse.parties import actions as parties
from clearinghouse.parties import rules as party_rules
from clearinghouse.parties import store as party_store
from clearinghouse.storage import Envelope, Transaction

_SWEPT_MAX = 500


def make_appeal(
    tx: Transaction, report: Report, question: Question, untrusted_words: str, allowed: Collection[Question], *, actor: PartyId,
    envelope: Envelope, policy: AppealPolicy, now: datetime,
) -> Appeal:
    """An appeal of who sent a report; it waits for those who are on duty for it.

    Args:
        allowed: what may be contested, by what the actor is told.
    Raises:
        Invalid: there is no reason.
        Conflict: it cannot be contested now, one about it is open, or it was answered as often as may be.
    """
    words = rules.parse_words(untrusted_words)
    earlier = [one for one in store.list_of_reports(tx, [report.id], envelope, viewer=actor, now=now) if one.question is question]
    rules.check_may_appeal(question, allowed, earlier, policy)
    made = Appeal(AppealId(new_id("apl")), report.id, question, actor, now, rules.due_at(policy, now), words)
    if not store.add_appeal(tx, made, envelope):
        raise Conflict("an appeal about this is open; it is answered first")
    _leave(tx, "AppealMade", made, report, {"question": str(question)}, actor, now)
    return made


def withdraw_appeal(tx: Transaction, appeal: Appeal, report: Report, *, actor: PartyId, envelope: Envelope, now: datetime) -> None:
    """Take an appeal back.

    Raises:
        NotFound: it is another party's.
        Conflict: it was answered or withdrawn before.
    """
    if not party_store.acts_as(tx, actor, appeal.appellant, now):
        raise nothing_found(appeal.id)
    _end(tx, appeal, "withdraw", "finder", "", actor=actor, envelope=envelope, now=now)
    _leave(tx, "AppealWithdrawn", appeal, report, {}, actor, now)


def answer_appeal(
    tx: Transaction, appeal: Appeal, report: Report, uphold: bool, untrusted_words: str, *, deciders: Collection[PartyId],
    others: Collection[PartyId], actor: PartyId, envelope: Envelope, now: datetime,
) -> None:
    """Say yes or no, with a reason that who appealed reads; what follows on a yes is the caller's to do in this transaction.

    Raises:
        NotPermitted: the actor is no coordinator, appealed itself, or decided what is contested and somebody else can answer.
        Invalid: there is no reason.
        Conflict: it was answered or withdrawn before.
    """
    party_rules.check_may(parties.get_party(tx, actor), Scope.CASES_DECIDE)
    own = any(party_store.acts_as(tx, actor, party, now) for party in (appeal.appellant, report.reporter))
    rules.check_may_answer(actor, own=own, deciders=deciders, others=others)
    _end(tx, appeal, "uphold" if uphold else "reject", "coordinator", rules.parse_words(untrusted_words), actor=actor, envelope=envelope, now=now)
    _leave(tx, "AppealUpheld" if uphold else "AppealRejected", appeal, report, {"question": str(appeal.question)}, actor, now)


def note_overdue(tx: Transaction, *, actor: PartyId, now: datetime) -> int:
    """Note which open appeals should have been answered by now, each once; gives how many."""
    done = 0
    for appeal_id, report_id in store.system_overdue(tx, now, _SWEPT_MAX):
        if store.note_overdue(tx, appeal_id, now):
            ledger.record(tx, Event("AppealOverdue", (report_id, appeal_id)), actor=actor, now=now)
            done += 1
    return done


def find(tx: Transaction, appeal_id: str, *, envelope: Envelope, viewer: PartyId, now: datetime) -> Appeal:
    """An appeal, for who made it and who is on duty for its report.

    Raises:
        NotFound: there is none that the viewer may see.
    """
    found = store.find_appeal(tx, appeal_id, envelope, viewer=viewer, now=now) if has_shape(appeal_id) else None
    if found is None:
        raise nothing_found(appeal_id)
    return found


def nothing_found(untrusted_id: str) -> NotFound:
    """The one answer for what is not there and what is not the viewer's."""
    return NotFound(f"nothing found under {untrusted_id[:40]!r}")


def _end(
    tx: Transaction, appeal: Appeal, verb: str, by: str, words: str, *, actor: PartyId, envelope: Envelope, now: datetime
) -> None:
    end = AppealState(step(APPEAL_TRANSITIONS, verb, appeal.state, (by,)))
    if not store.end_appeal(tx, appeal, end, words, actor, now, envelope):
        raise Conflict("somebody else ended this appeal in the same moment; look again")


def _leave(tx: Transaction, kind: str, appeal: Appeal, report: Report, details: dict[str, Detail], actor: PartyId, now: datetime) -> None:
    ledger.record(tx, Event(kind, (report.id, appeal.id, report.submission_id), details), actor=actor, now=now)
