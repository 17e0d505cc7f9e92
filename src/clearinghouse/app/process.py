"""What follows on what: from files to reports, from reports to clusters, from clusters to a checkpoint.

    SubmissionReceived, ReportReceived  ->  sign and index (deconfliction)
    reports indexed                     ->  settle everything, or place the newcomers, as policy says
    anything                            ->  number the leaves and sign a checkpoint (ledger)

and, by the worker (`app/worker.py`), the table `FOLLOW_UPS`: event to what is told to whom (`app/announcements.py`).
"""

import pkgutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from clearinghouse.app.bulk import bulk_of
from clearinghouse.app.learning import taken_up, under_embargo
from clearinghouse.app.wiring import Instance
from clearinghouse.core.errors import Invalid
from clearinghouse.core.ids import new_id
from clearinghouse.core.roles import Scope
from clearinghouse.disclosure.deconfliction import store as deconfliction
from clearinghouse.disclosure.deconfliction.jobs import Matching
from clearinghouse.disclosure.deconfliction.leads import actions as leads
from clearinghouse.disclosure.intake import sources
from clearinghouse.disclosure.intake.jobs import Incoming, IntakeJob, Progress, Taken
from clearinghouse.disclosure.intake.records import Cover
from clearinghouse.ledger import actions as ledger
from clearinghouse.ledger import outbox
from clearinghouse.ledger.store import LoggedEvent
from clearinghouse.parties import actions as parties
from clearinghouse.parties.rules import check_may
from clearinghouse.storage import Transaction

FOLLOW_UPS: dict[str, tuple[str, ...]] = {
    # Reports
    "SubmissionRead": ("acknowledge", "tell_desk"),
    "MailReceived": ("tell_desk",),
    "FinderTold": ("tell_finder",),
    "AppealMade": ("tell_of_appeal",),
    "AppealOverdue": ("tell_of_appeal",),
    "AppealUpheld": ("tell_appellant",),
    "AppealRejected": ("tell_appellant",),
    "CommitmentDueSoon": ("tell_committed",),
    "CommitmentOverdue": ("tell_committed",),
    # Rooms
    "CaseOpened": ("bring_charter", "refresh_embargo"),
    "CaseClosed": ("tell_everybody",),
    "CaseReopened": ("tell_everybody",),
    "CaseWithdrawn": ("tell_everybody",),
    "CaseDeclined": ("refresh_embargo", "tell_coordinators"),
    "DecisionRecorded": ("pass_on_decision",),
    "DocumentAdded": ("pass_on_document",),
    "InvitationDeclined": ("refresh_embargo", "tell_coordinators"),
    "MessagePosted": ("pass_on_message",),
    "ParticipantInvited": ("refresh_embargo", "invite"),
    "ParticipantJoined": ("bring_charter", "refresh_embargo", "welcome"),
    "ParticipantLeft": ("refresh_embargo", "tell_coordinators"),
    "ParticipantRemoved": ("refresh_embargo",),
    "ReportAttached": ("refresh_embargo",),
    "ReportDetached": ("refresh_embargo",),
    "ReportReinstated": ("refresh_embargo", "tell_of_withdrawal", "note_lead"),
    "ReportStateChanged": ("tell_coordinators",),
    "ReportWithdrawn": ("refresh_embargo", "tell_of_withdrawal", "note_lead"),
    "VendorStatusStated": ("pass_on_status",),
    # Validation
    "ReportValidated": ("tell_of_validation", "renew_packets"),
    "ValidationFailed": ("tell_coordinators",),
    # Reviews of models
    **dict.fromkeys(("ReviewSubmitted", "ReviewParticipantNamed", "AgreementDrafted", "TermsSigned", "PlanFrozen", "WindowOpened", "WindowPaused", "WindowResumed", "WindowEnded", "ModelIdentityChanged", "FindingTold", "FindingAnswered", "IncidentNoticeGiven", "InquiryAnswered", "AssessmentPreviewed", "AssessmentReplied", "ReviewShared", "AssessmentCorrected", "PartnerProposed", "PartnerAnswered", "PartnerSuspended", "PartnerRestored", "ReviewAudited", "MaterialsDestroyed", "ReviewWithdrawn", "ReviewClosed"), ("tell_review",)),
    "DeterminationDrawnUp": ("tell_authorities",),
    "DeterminationSigned": ("tell_authorities",),
    # Asking to take part
    "JoinAsked": ("tell_of_ask",),
    # Embargo, contact and capacity
    "EmbargoProposed": ("pass_on_proposal",),
    "EmbargoAccepted": ("tell_coordinators",),
    "EmbargoDeclined": ("tell_coordinators",),
    "EmbargoAgreed": ("pass_on_embargo",),
    "EmbargoMerged": ("pass_on_embargo",),
    "TimetableChanged": ("pass_on_embargo",),
    "ConsentWithdrawn": ("pass_on_embargo",),
    "EmbargoEnded": ("tell_all_at_once",),
    "EmbargoEndsSoon": ("remind_everybody",),
    "EmbargoReviewDue": ("remind_coordinators",),
    "DutyOverdue": ("remind_coordinators",),
    "DetailsDue": ("remind_coordinators",),
    "LeakSuspected": ("remind_coordinators",),
    "LeakConfirmed": ("pass_on_embargo",),
    "LeakUnanswered": ("remind_coordinators",),
    "ContactReminderDue": ("remind_coordinators",),
    "PartySilent": ("remind_coordinators",),
    "ResortStepDue": ("remind_coordinators",),
    "PacketDelivered": ("hand_to_vendor",),
    "DeliveryAnswered": ("tell_of_answer",),
    "OptOutOverrideAsked": ("ask_second_coordinator",),
    "OptOutOverrideAgreed": ("tell_opted_out",),
    "CaseErasureRequested": ("tell_coordinators",),
    "CaseErased": ("tell_everybody",),
    # Parties
    "CharterAdopted": ("bring_new_charter",),
    "ContactAdded": ("ask_to_confirm",),
    "CredentialsReset": ("tell_person",),
    "GlassBreakRequested": ("ask_second_person",),
    "GlassBroken": ("tell_owners",),
    "InvitationMade": ("mail_invitation",),
    "NoticeBounced": ("tell_of_bounce",),
    "PasskeyCloned": ("tell_person",),
    "WebhookDisabled": ("tell_subscriber",),
}
"""Kind of event to the actions that follow on it, each once for each event."""

Sweep = Callable[[Instance], int]
"""Deals with rows whose instant has come; gives how many."""


def sweep_deadlines(instance: Instance) -> int:
    """Handle the deadlines of embargoes and contacts that are due."""
    from clearinghouse.app import timers

    return len(timers.sweep_deadlines(instance)[1])


def deliver_packets(instance: Instance) -> int:
    """Deliver what may go to vendors now that time has passed, a charter changed or an answer came."""
    from clearinghouse.app import packets

    return len(packets.deliver_waiting(instance))


def renew_charters(instance: Instance) -> int:
    """Look, as often as policy says, whether a charter that was fetched from its repository is another one by now."""
    from clearinghouse.app import charter_fetch

    if not instance.settings.outward.enabled or not _turn(instance, "charters", timedelta(hours=instance.policy.upkeep.charter_hours)):
        return 0
    return sum(one.adopted is not None for one in charter_fetch.renew_charters(instance))


def forget_openings(instance: Instance) -> int:
    """Forget what opens nothing any more: ended sessions, challenges and codes that ran out, counts of failures long past."""
    from clearinghouse.parties.identity.sessions import actions as sessions

    if not _turn(instance, "openings", timedelta(hours=instance.policy.upkeep.openings_hours)):
        return 0
    now = instance.clock.now()
    with instance.database.write() as tx:
        return sessions.forget_ended(
            tx, policy=instance.policy.identity, kept=timedelta(days=instance.policy.upkeep.session_days), now=now
        )


def sweep_commitments(instance: Instance) -> int:
    """Warn of commitments whose day comes near, and raise the alarm for those left shut."""
    from clearinghouse.app import commitments

    return commitments.sweep(instance)


def sweep_blind_check(instance: Instance) -> int:
    """Keep the epoch of the blind check, tag what came in, and publish the set as seldom as policy says."""
    from clearinghouse.app import blind_check, claim_check

    return blind_check.sweep(instance) + claim_check.hash_held(instance)


def tell_finders(instance: Instance) -> int:
    """Tell finders what people made of their reports, as far as their budgets go."""
    from clearinghouse.app import telling

    return telling.sweep(instance)


def sweep_appeals(instance: Instance) -> int:
    """Note appeals that should have been answered by now."""
    from clearinghouse.app import appeals

    return appeals.sweep(instance)


def sweep_bench(instance: Instance) -> int:
    """Take away what this host keeps of builds of erased cases, and cells beyond the bound."""
    if not _turn(instance, "bench", timedelta(hours=instance.policy.upkeep.openings_hours)):
        return 0
    from clearinghouse.app import bench

    return bench.sweep(instance)


def _turn(instance: Instance, name: str, every: timedelta) -> bool:
    """Whether it is time again for what is done only so often, by whichever worker asks first; it is then that one's to do."""
    now = instance.clock.now()
    with instance.database.read() as tx:
        if not outbox.turn_is_free(tx, name, until=now + every, now=now):
            return False
    with instance.database.write() as tx:
        return outbox.take_turn(tx, name, new_id("lse"), until=now + every, now=now)


def sweep_reviews(instance: Instance) -> int:
    """Windows of reviews that ran out are noted as ended."""
    from clearinghouse.app.reviews.deeds import sweep

    return sweep(instance)


SWEEPS: tuple[Sweep, ...] = (sweep_deadlines, deliver_packets, forget_openings, renew_charters, sweep_commitments, sweep_blind_check, tell_finders, sweep_appeals, sweep_bench, sweep_reviews)
"""What a worker does when it starts and once a minute (decision 9)."""


def follow_up(instance: Instance, tx: Transaction, event: LoggedEvent, action: str) -> None:
    """Do what follows on an event, in the transaction that notes it as done."""
    # Imported here: the command line takes reports in without knowing a room.
    from clearinghouse.app.announcements import ACTIONS, Telling

    ACTIONS[action](Telling(tx, instance, event, action, instance.clock.now()))


@dataclass
class Bars:
    """Progress by stage, whoever draws it."""

    add: Callable[[str, int], Any]
    update: Callable[..., None]

    def __post_init__(self) -> None:
        self._tasks: dict[str, Any] = {}

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Stage, how much is done, of how much."""
        if stage not in self._tasks:
            self._tasks[stage] = self.add(stage, total)
        self.update(self._tasks[stage], completed=done, total=total)


def silent(stage: str, done: int, total: int) -> None:
    """Progress that nobody looks at."""


def take_in(
    instance: Instance, files: Sequence[tuple[str, Path]], *, cover: Cover, source: str = "", reporter: str = "",
    idempotency_key: str = "", progress: Callable[[Progress], None] = lambda state: None,
) -> Iterator[Taken]:
    """Take files in and say what became of each.

    Raises:
        NotPermitted: the actor or the reporter may not send reports.
        NotFound: there is no such reporter.
        Invalid: there is no such source.
    """
    check_may(instance.actor, Scope.REPORTS_SUBMIT)
    names = {info.name for info in pkgutil.iter_modules(sources.__path__) if not info.name.startswith("_")} - {"base"}
    if source and source not in names:
        raise Invalid(f"no source is named {source[:40]!r}; there are: {', '.join(sorted(names))}")
    sender = instance.actor.id
    if reporter:
        with instance.database.read() as tx:
            party = parties.get_party(tx, reporter)
        check_may(party, Scope.REPORTS_SUBMIT)
        sender = party.id
    job = IntakeJob(
        instance.database, instance.envelope, instance.policy.intake, instance.clock, sender, instance.actor.id, cover,
        instance.openpgp_keys,
    )
    yield from job.run([Incoming(name, path, source, idempotency_key) for name, path in files], progress)


def matching(instance: Instance, progress: Callable[[str, int, int], None] = silent) -> Matching:
    """Deconfliction, wired to an instance; it acts as the matcher, not as whoever asked."""
    return Matching(
        instance.database, instance.envelope, instance.clock, instance.system, instance.policy.deconfliction, instance.policy.learning, progress,
        under_embargo, taken_up, bulk_of(instance.settings),
    )


def deconflict(instance: Instance, progress: Callable[[str, int, int], None] = silent, *, settle: bool | None = None) -> bool:
    """Compare what is new and sign a checkpoint; gives whether everything was settled.

    Args:
        settle: True settles, False only places; None leaves it to policy.
    """
    work = matching(instance, progress)
    new = work.sign_new()
    with instance.database.read() as tx:
        indexed, placed = deconfliction.count_indexed(tx), deconfliction.count_placements(tx)
        unsettled, settled_before = deconfliction.count_unsettled(tx), deconfliction.last_settlement(tx) is not None
        total = deconfliction.count_signatures(tx)
    waiting = total - placed
    if settle is None:
        policy = instance.policy.settling
        settle = bool(waiting) and (total <= policy.records_max or waiting + unsettled >= policy.share_min * total or not indexed)
        # After an upgrade dropped what was derived, everything was placed anew, and decisions stand over settled clusters alone.
        settle = settle or (settled_before and 0 < total == unsettled)
    if settle:
        work.index_waiting()
        work.settle()
        # Others may have sent something meanwhile.
        work.place_new()
        note_leads(instance)
    elif waiting:
        note_leads(instance, work.place_new())
    if new or waiting or settle:
        sign_checkpoint(instance)
    return settle


def note_leads(instance: Instance, numbers: Sequence[int] | None = None) -> int:
    """Note which report leads each flaw that these reports are of, or every flaw; gives how many leads changed."""
    clusters = None
    if numbers is not None:
        with instance.database.read() as tx:
            clusters = sorted({placement.cluster for placement in deconfliction.read_placements(tx, numbers).values()})
    return leads.note_all(instance.database, clusters, actor=instance.system, envelope=instance.envelope, now=instance.clock.now())


def sign_checkpoint(instance: Instance) -> int:
    """Number the leaves that wait and sign the tree; gives its size."""
    signed, _ = ledger.checkpoint(
        instance.database, instance.settings.ledger_origin, instance.signer, instance.keeper, now=instance.clock.now()
    )
    return signed.size
