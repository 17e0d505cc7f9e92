"""Who is told what when something happened: each function makes the notices of one event.

Who is told is asked twice: here, when the notice is made, and again by `still_told` when it is sent, since
somebody may have left meanwhile. Nobody is told here of what a room would not show him.
"""

import json
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from clearinghouse.app import charter_terms, packets
from clearinghouse.app.channels.directory import told_parties
from clearinghouse.app.views.telling import read_tellings
from clearinghouse.app.wiring import Instance, policy_of
from clearinghouse.core.ids import PartyId
from clearinghouse.core.marks import Marks
from clearinghouse.core.roles import MAY, Scope
from clearinghouse.disclosure.coordination.asks import store as asks
from clearinghouse.disclosure.coordination.embargo import actions as embargo
from clearinghouse.disclosure.coordination.rooms.records import CaseRole, CaseState, Participant, Participation, ThreadKind
from clearinghouse.disclosure.coordination.rooms.store import cases, participants, threads
from clearinghouse.disclosure.deconfliction import store as deconfliction
from clearinghouse.disclosure.deconfliction.leads import actions as leads
from clearinghouse.disclosure.intake import store as intake
from clearinghouse.evaluation.review.records import Part
from clearinghouse.evaluation.review.store import reviews
from clearinghouse.ledger import store as ledger
from clearinghouse.ledger.store import LoggedEvent
from clearinghouse.parties import store as parties
from clearinghouse.parties.contacts import store as contacts
from clearinghouse.parties.glass import store as glass
from clearinghouse.parties.identity.enrolment import store as enrolment
from clearinghouse.parties.identity.enrolment.rules import is_good
from clearinghouse.parties.notices import actions
from clearinghouse.parties.notices.records import ChannelName, Draft, Notice, NoticeKind
from clearinghouse.parties.notices.store import hooks
from clearinghouse.parties.records import Basis, Tier
from clearinghouse.storage import Transaction

_EVERYBODY = frozenset(CaseRole)
_COORDINATORS = frozenset({CaseRole.COORDINATOR})
_WORKING = _EVERYBODY - {CaseRole.REPORTER}
"""Without those who are there for their own report alone: they are told no verdicts (decision 2)."""


@dataclass(frozen=True, slots=True)
class Telling:
    """What is at hand while the notices of one event are made."""

    tx: Transaction
    instance: Instance
    event: LoggedEvent
    action: str
    now: datetime

    def tell(self, kind: NoticeKind, about: str, to: Iterable[PartyId], *, thread: str = "") -> None:
        """A notice for each of these parties (or, of an organisation, its people), by mail and by webhook; not for who did it."""
        drafts: list[Draft] = []
        listening: dict[PartyId, None] = {}
        for party in dict.fromkeys(to):
            listening[party] = None
            for person in told_parties(self.tx, party, self.instance.envelope, self.now):
                if person == self.event.actor:
                    continue
                listening[person] = None
                if contacts.system_contacts(self.tx, person, self.instance.envelope):
                    drafts.append(Draft(self.event.event_id, self.action, kind, person, about, thread=thread))
        # Programs listen to what their party does as well: it may do it elsewhere.
        for hook, party in hooks.system_active_hooks(self.tx, list(listening), kind):
            drafts.append(Draft(self.event.event_id, self.action, kind, party, about, ChannelName.WEBHOOK, hook, thread))
        actions.queue(
            self.tx, list(dict.fromkeys(drafts)), envelope=self.instance.envelope, policy=self.instance.policy.notices, now=self.now
        )

    def mail(self, kind: NoticeKind, about: str, party: PartyId, *, address: str = "") -> None:
        """A notice by mail for one party, whoever did it: its account may be in somebody else's hands."""
        draft = Draft(self.event.event_id, self.action, kind, party, about, address=address)
        actions.queue(self.tx, [draft], envelope=self.instance.envelope, policy=self.instance.policy.notices, now=self.now)

    def tell_room(self, kind: NoticeKind, case_id: str, *, roles: Collection[CaseRole] = _EVERYBODY, tier: int = Tier.ROOM) -> None:
        """A notice for each participant of a case in these roles who is shown so much of it."""
        self.tell(kind, case_id, (one.party for one in self.present(case_id) if one.role in roles and one.tier >= tier))

    def present(self, case_id: str) -> list[Participant]:
        """Who takes part in a case now."""
        return [
            one for one in participants.system_participants(self.tx, case_id)
            if one.state is Participation.JOINED and (one.until is None or one.until > self.now)
        ]


def acknowledge(telling: Telling) -> None:
    """Tell who sent a submission that it was received (ISO/IEC 29147:2018, 6.2.5)."""
    submission = telling.event.subjects[0]
    begun = next(iter(ledger.events_about(telling.tx, submission)), None)
    if begun is None or (begun.details is not None and json.loads(begun.details).get("public")):
        return  # A record that is public already is imported, not reported.
    readers = parties.system_readers(telling.tx, submission, telling.now)
    telling.tell(NoticeKind.REPORT_RECEIVED, submission, (grant.party for grant in readers if grant.basis is Basis.REPORTER))


def tell_desk(telling: Telling) -> None:
    """Tell the intake desk that something came in which only it was given."""
    desk = telling.instance.desk
    readers = parties.system_readers(telling.tx, telling.event.subjects[0], telling.now)
    if any(grant.party == desk for grant in readers):
        telling.tell(NoticeKind.DESK_WAITING, desk, [desk])


def tell_finder(telling: Telling) -> None:
    """Tell who sent a report that a person has looked at it; what came of it stands behind the link, and in what may be said in a letter."""
    submission = telling.event.subjects[1]
    readers = parties.system_readers(telling.tx, submission, telling.now)
    telling.tell(NoticeKind.REPORT_UPDATED, submission, (grant.party for grant in readers if grant.basis is Basis.REPORTER))


def tell_of_appeal(telling: Telling) -> None:
    """Tell those who are on duty for a report that its sender appeals, or that an appeal should have been answered."""
    report = telling.event.subjects[0]
    submission = intake.system_submission(telling.tx, report)
    for about in dict.fromkeys((submission, report)):
        readers = parties.system_readers(telling.tx, about, telling.now)
        telling.tell(NoticeKind.APPEAL_MADE, about, [grant.party for grant in readers if grant.basis is not Basis.REPORTER])


def tell_appellant(telling: Telling) -> None:
    """Tell who appealed that it was answered; how, stands behind the link alone."""
    submission = telling.event.subjects[2]
    readers = parties.system_readers(telling.tx, submission, telling.now)
    telling.tell(NoticeKind.APPEAL_ANSWERED, submission, (grant.party for grant in readers if grant.basis is Basis.REPORTER))


def tell_committed(telling: Telling) -> None:
    """Tell who committed to a finding that its day comes near, or has passed."""
    commitment = telling.event.subjects[0]
    readers = parties.system_readers(telling.tx, commitment, telling.now)
    telling.tell(NoticeKind.COMMITMENT_DUE, commitment, (grant.party for grant in readers if grant.basis is Basis.REPORTER))


def tell_review(telling: Telling) -> None:
    """Tell everybody in a review of a model that something happened there; what, stands there alone."""
    _tell_review(telling, frozenset(Part))


def tell_authorities(telling: Telling) -> None:
    """The same for authorities alone: nobody else is told of a determination before it is shared."""
    _tell_review(telling, frozenset({Part.AUTHORITY}))


def _tell_review(telling: Telling, parts: frozenset[Part]) -> None:
    review = telling.event.subjects[0]
    here = [one for one in reviews.system_participants(telling.tx, review) if one.until is None and one.part in parts]
    telling.tell(NoticeKind.REVIEW_UPDATED, review, dict.fromkeys(one.party for one in here))


def invite(telling: Telling) -> None:
    """Tell a party that it is asked to take part; the case itself is not told before it accepts."""
    case_id, party = telling.event.subjects
    telling.tell(NoticeKind.PARTICIPANT_INVITED, case_id, [PartyId(party)])


def welcome(telling: Telling) -> None:
    """Tell who now takes part that there is a room, and its coordinators who came."""
    case_id, party = telling.event.subjects[:2]
    telling.tell(NoticeKind.CASE_OPENED, case_id, [PartyId(party)])
    coordinators = (one.party for one in telling.present(case_id) if one.role is CaseRole.COORDINATOR and one.party != party)
    telling.tell(NoticeKind.CASE_UPDATED, case_id, coordinators)


def pass_on_message(telling: Telling) -> None:
    """Tell who reads a thread that it has a new message."""
    _tell_thread(telling, NoticeKind.MESSAGE_POSTED, telling.event.subjects[1])


def pass_on_document(telling: Telling) -> None:
    """Tell who may see a new document that it is there."""
    first, second = telling.event.subjects
    if first.startswith("case_"):
        telling.tell_room(NoticeKind.DOCUMENT_ADDED, first, tier=Tier.DOCUMENTS)
    else:
        _tell_thread(telling, NoticeKind.DOCUMENT_ADDED, second)


def pass_on_status(telling: Telling) -> None:
    """Tell those who work on a case that a vendor stated a status."""
    telling.tell_room(NoticeKind.STATUS_CHANGED, telling.event.subjects[0], roles=_WORKING, tier=Tier.SUMMARY)


def pass_on_decision(telling: Telling) -> None:
    """Tell those who work on a case what was decided in it."""
    telling.tell_room(NoticeKind.DECISION_MADE, telling.event.subjects[0], roles=_WORKING)


def tell_everybody(telling: Telling) -> None:
    """Tell everybody of a case that its state changed."""
    telling.tell_room(NoticeKind.CASE_UPDATED, telling.event.subjects[0], tier=Tier.EXISTENCE)


def tell_coordinators(telling: Telling) -> None:
    """Tell the coordinators of a case what one of the others did."""
    telling.tell_room(NoticeKind.CASE_UPDATED, telling.event.subjects[0], roles=_COORDINATORS)


def tell_of_validation(telling: Telling) -> None:
    """Tell the coordinators of a case that a report of it was validated or not, and its finder that there is news; the words stand behind the link."""
    case_id, report = telling.event.subjects[:2]
    telling.tell_room(NoticeKind.CASE_UPDATED, case_id, roles=_COORDINATORS)
    submission = intake.system_submission(telling.tx, report)
    readers = parties.system_readers(telling.tx, submission, telling.now)
    telling.tell(NoticeKind.REPORT_UPDATED, submission, (grant.party for grant in readers if grant.basis is Basis.REPORTER))


def renew_packets(telling: Telling) -> None:
    """Packets that wait for a vendor or lie with one say what the bench saw; no notice of its own."""
    packets.note_validated(telling.tx, telling.instance, telling.event.subjects[0], telling.now)


def tell_owners(telling: Telling) -> None:
    """Tell everybody who may read an object that somebody opened it in an emergency."""
    about = telling.event.subjects[0]
    readers = [grant.party for grant in parties.system_readers(telling.tx, about, telling.now) if grant.basis is not Basis.BREAK_GLASS]
    telling.tell(NoticeKind.GLASS_BROKEN, about, readers)


def pass_on_proposal(telling: Telling) -> None:
    """Tell everybody of a case that terms of an embargo are proposed."""
    telling.tell_room(NoticeKind.EMBARGO_PROPOSED, telling.event.subjects[0], tier=Tier.EXISTENCE)


def pass_on_embargo(telling: Telling) -> None:
    """Tell everybody of a case that its dates may be others now; its first timetable is no change."""
    if telling.event.kind == "TimetableChanged" and json.loads(telling.event.details or "{}").get("old_state") is None:
        return
    telling.tell_room(NoticeKind.EMBARGO_CHANGED, telling.event.subjects[0], tier=Tier.EXISTENCE)


def tell_all_at_once(telling: Telling) -> None:
    """Tell everybody an embargo bound that it has ended: all of them in one transaction, none before another."""
    telling.tell(NoticeKind.EMBARGO_EXITED, telling.event.subjects[0], _named_in(telling.event))


def remind_everybody(telling: Telling) -> None:
    """Tell everybody an embargo binds that its end is near."""
    telling.tell(NoticeKind.DEADLINE_DUE, telling.event.subjects[0], _named_in(telling.event))


def remind_coordinators(telling: Telling) -> None:
    """Tell the coordinators of a case that a date is due or a leak is to be looked into."""
    if telling.event.subjects[0].startswith("case_"):
        telling.tell_room(NoticeKind.DEADLINE_DUE, telling.event.subjects[0], roles=_COORDINATORS)


def hand_to_vendor(telling: Telling) -> None:
    """Tell a vendor that a report was handed to it."""
    delivery, vendor = telling.event.subjects[0], telling.event.subjects[-1]
    telling.tell(NoticeKind.CONTACT_ATTEMPTED, delivery, [PartyId(vendor)])


def refresh_embargo(telling: Telling) -> None:
    """Work out the timetable of a case anew; no notice of its own."""
    if not telling.event.subjects[0].startswith("case_"):
        return  # A report that no case handled was taken back or reinstated.
    embargo.refresh(
        telling.tx, telling.event.subjects[0], actor=telling.instance.system, envelope=telling.instance.envelope, policy_of=policy_of,
        now=telling.now,
    )


def tell_of_withdrawal(telling: Telling) -> None:
    """Tell the coordinators of a case, or who looks after the inbox, that a report was taken back or reinstated."""
    about = telling.event.subjects[0]
    if about.startswith("case_"):
        telling.tell_room(NoticeKind.CASE_UPDATED, about, roles=_COORDINATORS)
        return
    submission = telling.event.subjects[1]
    readers = parties.system_readers(telling.tx, submission, telling.now)
    telling.tell(NoticeKind.REPORT_WITHDRAWN, submission, [grant.party for grant in readers if grant.basis is not Basis.REPORTER])


def note_lead(telling: Telling) -> None:
    """Look anew which report leads a flaw, now that one of them was taken back or reinstated; no notice of its own."""
    report = next(subject for subject in telling.event.subjects if subject.startswith("rep_"))
    number = intake.system_number(telling.tx, report) or 0
    clusters = sorted({placement.cluster for placement in deconfliction.read_placements(telling.tx, [number]).values()})
    leads.note_leads(telling.tx, clusters, actor=telling.instance.system, envelope=telling.instance.envelope, now=telling.now)


def tell_of_ask(telling: Telling) -> None:
    """Tell the coordinators of a case that somebody asks to take part in it."""
    event = telling.event
    for case_id in asks.system_cases_asked(telling.tx, event.subjects[0], event.actor, event.at):
        telling.tell_room(NoticeKind.CASE_UPDATED, case_id, roles=_COORDINATORS)


def tell_of_answer(telling: Telling) -> None:
    """Tell those who coordinate what a packet was about that its vendor answered."""
    about = telling.event.subjects[2]
    if about.startswith("case_"):
        telling.tell_room(NoticeKind.CASE_UPDATED, about, roles=_COORDINATORS)
        return
    readers = [grant.party for grant in parties.system_readers(telling.tx, about, telling.now) if grant.basis is not Basis.REPORTER]
    telling.tell(NoticeKind.REPORT_UPDATED, about, [party for party in readers if party != telling.event.subjects[3]])


def ask_second_coordinator(telling: Telling) -> None:
    """Tell the coordinators of a case that one of them asks to pass a vendor's opt-out; another has to agree."""
    if telling.event.subjects[2].startswith("case_"):
        telling.tell_room(NoticeKind.CASE_UPDATED, telling.event.subjects[2], roles=_COORDINATORS)


def tell_opted_out(telling: Telling) -> None:
    """Tell a maintainer that its opt-out is passed for one exploited flaw."""
    vendor = PartyId(telling.event.subjects[3])
    telling.tell(NoticeKind.OPT_OUT_OVERRIDDEN, vendor, [vendor])


def ask_second_person(telling: Telling) -> None:
    """Tell who could agree to an emergency that one is claimed, and whom it concerns that somebody asks."""
    about, request = telling.event.subjects
    owners = [grant.party for grant in parties.system_readers(telling.tx, about, telling.now)]
    second = parties.system_people_with(telling.tx, MAY[Scope.GLASS_BREAK])
    telling.tell(NoticeKind.GLASS_REQUESTED, request, [*second, *owners])


def tell_person(telling: Telling) -> None:
    """Tell a person what became of its account, though it was itself, or seemed to be, that did it."""
    person = PartyId(telling.event.subjects[0])
    if contacts.system_contacts(telling.tx, person, telling.instance.envelope):
        telling.mail(NoticeKind.ACCOUNT_CHANGED, person, person)


def mail_invitation(telling: Telling) -> None:
    """Mail an invitation to the address it was made out to; without a public address there is no link to mail."""
    found = enrolment.find_invitation(telling.tx, telling.event.subjects[0], telling.instance.envelope)
    if found is not None and found[0].address and telling.instance.settings.public_url:
        telling.mail(NoticeKind.ACCOUNT_INVITED, found[0].id, telling.instance.system, address=found[0].address)


def ask_to_confirm(telling: Telling) -> None:
    """Ask whoever reads a new address to confirm it."""
    contact = contacts.system_contact(telling.tx, telling.event.subjects[0], telling.instance.envelope)
    if contact is not None and contact.verified_at is None and telling.instance.settings.public_url:
        telling.mail(NoticeKind.CONTACT_ADDED, contact.id, contact.party)


def bring_charter(telling: Telling) -> None:
    """The dates and duties of a vendor's charter become those of its case; no notice of its own."""
    case_id, party = telling.event.subjects[0], telling.event.subjects[1] if telling.event.kind == "ParticipantJoined" else None
    charter_terms.bring_to_case(telling.tx, telling.instance, case_id, None if party is None else PartyId(party), telling.now)


def bring_new_charter(telling: Telling) -> None:
    """A charter that changed shortens what it bound before; no notice of its own."""
    charter_terms.bring_to_cases(telling.tx, telling.instance, PartyId(telling.event.subjects[1]), telling.now)


def tell_of_bounce(telling: Telling) -> None:
    """Tell the coordinators of a case that one of the others was not reached."""
    about = json.loads(telling.event.details or "{}").get("about", "")
    if about.startswith("case_"):
        telling.tell_room(NoticeKind.CASE_UPDATED, about, roles=_COORDINATORS)


def tell_subscriber(telling: Telling) -> None:
    """Tell a party that its webhook was switched off."""
    hook, party = telling.event.subjects
    telling.tell(NoticeKind.WEBHOOK_DISABLED, hook, [PartyId(party)])


ACTIONS: dict[str, Callable[[Telling], None]] = {
    action.__name__: action for action in (
        acknowledge, tell_review, tell_authorities, tell_desk, tell_finder, tell_of_appeal, tell_appellant, tell_committed, invite, welcome, pass_on_message, pass_on_document, pass_on_status, pass_on_decision, pass_on_proposal,
        pass_on_embargo, tell_all_at_once, remind_everybody, remind_coordinators, hand_to_vendor, refresh_embargo, tell_everybody,
        tell_coordinators, tell_owners, tell_of_bounce, tell_subscriber, bring_charter, bring_new_charter,
        tell_of_answer, tell_of_validation, renew_packets, tell_of_withdrawal, note_lead, tell_of_ask, ask_second_coordinator, tell_opted_out, ask_second_person, tell_person, mail_invitation, ask_to_confirm,
    )
}


def still_told(instance: Instance, tx: Transaction, notice: Notice, now: datetime) -> bool:
    """Whether the party of a notice may still be told of what it is about."""
    if notice.kind in (
        NoticeKind.ACCOUNT_CHANGED, NoticeKind.CONTACT_ATTEMPTED, NoticeKind.WEBHOOK_DISABLED, NoticeKind.OPT_OUT_OVERRIDDEN,
    ):
        return True
    if notice.kind is NoticeKind.ACCOUNT_INVITED:
        invited = enrolment.find_invitation(tx, notice.about, instance.envelope)
        return invited is not None and is_good(invited[0], now)
    if notice.kind is NoticeKind.CONTACT_ADDED:
        contact = contacts.system_contact(tx, notice.about, instance.envelope)
        return contact is not None and contact.verified_at is None
    if notice.kind is NoticeKind.GLASS_REQUESTED:
        asked = glass.system_request(tx, notice.about, instance.envelope)
        second = notice.party in parties.system_people_with(tx, MAY[Scope.GLASS_BREAK])
        return asked is not None and (second or parties.may_read(tx, asked.object_id, notice.party, now))
    if notice.kind is NoticeKind.DESK_WAITING:
        return notice.party == instance.desk or notice.party in parties.system_people_of(tx, instance.desk, now)
    if notice.kind is NoticeKind.PARTICIPANT_INVITED:
        return participants.find_invitation(tx, notice.about, viewer=notice.party, now=now) is not None
    if notice.kind is NoticeKind.EMBARGO_EXITED:
        # Whoever was bound is told that it is over, also after leaving the room.
        return any(one.party == notice.party or notice.party in parties.system_people_of(tx, one.party, now)
                   for one in participants.system_participants(tx, notice.about))
    if not notice.about.startswith("case_"):
        return parties.may_read(tx, notice.about, notice.party, now)
    room = cases.find_room(tx, notice.about, instance.envelope, viewer=notice.party, now=now)
    if room is not None and room.case.state is CaseState.ERASED:
        # That it was erased is told; what had been said in it is not.
        return notice.kind is NoticeKind.CASE_UPDATED
    return room is not None and (not notice.thread or threads.find_thread(tx, room, notice.thread) is not None)


def text_of(instance: Instance, tx: Transaction, notice: Notice, now: datetime) -> tuple[Marks, str] | None:
    """What a notice may tell in so many words, with its marks, read with the rights of its party; None where there is nothing."""
    if notice.kind not in (NoticeKind.MESSAGE_POSTED, NoticeKind.REPORT_UPDATED):
        return None
    event = ledger.find_event(tx, notice.event_id)
    if notice.kind is NoticeKind.REPORT_UPDATED:
        return None if event is None or event.kind != "FinderTold" else _finding_of_a_person(instance, tx, event.subjects[0], notice.party)
    room = cases.find_room(tx, notice.about, instance.envelope, viewer=notice.party, now=now)
    if event is None or room is None or room.case.state is CaseState.ERASED:
        return None
    message = threads.find_message(tx, room, event.subjects[1], event.subjects[0], now=now)
    return None if message is None else (message.marks, message.body)


KNOWN_WORDS = "A person found it to be the same flaw as one that was first received at {}."
NOT_KNOWN_WORDS = "A person looked at it and has not found it to be the same flaw as any one received before it."
"""Equally long once the instant stands in the first: whoever sees the size of a sealed letter learns nothing from it."""


def _finding_of_a_person(instance: Instance, tx: Transaction, report_id: str, party: PartyId) -> tuple[Marks, str] | None:
    reader = parties.find_party(tx, party)
    number = intake.system_number(tx, report_id)
    told = {} if reader is None or number is None else read_tellings(tx, instance.acting_as(reader), [number])
    if number not in told or not told[number].looked:
        return None
    since = told[number].known_since
    return Marks(), NOT_KNOWN_WORDS if since is None else KNOWN_WORDS.format(f"{since:%Y-%m-%d %H:%M} UTC")


def _named_in(event: LoggedEvent) -> list[PartyId]:
    """Who was bound at the moment of an event: the event says so, for the row may have changed since."""
    return [PartyId(party) for party in json.loads(event.details or "{}").get("tell", [])]


def _tell_thread(telling: Telling, kind: NoticeKind, thread_id: str) -> None:
    found = threads.system_thread(telling.tx, thread_id)
    if found is None:
        return
    case_id, thread_kind, members = found
    if thread_kind is ThreadKind.OFFICIAL:
        telling.tell_room(kind, case_id)
    else:
        telling.tell(kind, case_id, members, thread=thread_id)
