"""What people do about learning: put a correction in force and take it out again, answer what a newer model proposes."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from itertools import combinations

from clearinghouse.core.errors import Conflict, Invalid, NotFound
from clearinghouse.core.events import Event
from clearinghouse.core.ids import PartyId, has_shape
from clearinghouse.core.policy import DeconflictionThresholds
from clearinghouse.core.roles import Scope
from clearinghouse.core.untrusted import clean_text
from clearinghouse.disclosure.deconfliction import actions as deconfliction
from clearinghouse.disclosure.deconfliction import placements
from clearinghouse.disclosure.deconfliction.learning import store
from clearinghouse.disclosure.deconfliction.learning.records import Proposal, ProposalKind, ProposalState, Version, VersionState
from clearinghouse.disclosure.deconfliction.learning.rules import narrowed
from clearinghouse.disclosure.deconfliction.records import DecisionKind
from clearinghouse.disclosure.deconfliction.store import list_decisions, lock_decisions, lock_index, read_placements
from clearinghouse.disclosure.intake import store as intake
from clearinghouse.disclosure.intake.records import Report
from clearinghouse.ledger import actions as ledger
from clearinghouse.parties import actions as parties
from clearinghouse.parties import rules as party_rules
from clearinghouse.storage import Envelope, Transaction

_REASON_CHARACTERS_MAX = 4000  # width of the form field, not a policy
_BECOMES = {
    (ProposalKind.JOIN, True): DecisionKind.MERGE, (ProposalKind.JOIN, False): DecisionKind.NOT_SAME,
    (ProposalKind.PART, True): DecisionKind.SPLIT, (ProposalKind.PART, False): DecisionKind.MERGE,
}


def adopt(tx: Transaction, version_id: str, model: str, *, actor: PartyId, now: datetime) -> Version:
    """Put a correction in force, in place of the one that was; the next comparison reads it.

    Args:
        model: digest of the shipped model.
    Raises:
        NotPermitted: the actor is no administrator.
        NotFound: there is no such version.
        Conflict: it is in force already, was made for another model, or somebody else was faster.
    """
    party_rules.check_may(parties.get_party(tx, actor), Scope.MODEL_MANAGE)
    lock_decisions(tx)
    version = _version(tx, version_id)
    if version.state is VersionState.IN_FORCE:
        raise Conflict(f"{version.id} is in force already")
    if version.correction.model != model:
        raise Conflict(f"{version.id} corrects the model {version.correction.model[:19]}; now the model is {model[:19]}, and a settling fits one for it")
    before = store.in_force(tx, model)
    replaced = () if before is None else (before.id,)
    if before is not None and not store.change_state(tx, before, VersionState.RETIRED, actor, now):
        raise Conflict(f"somebody else changed {before.id} meanwhile; look again")
    if not store.change_state(tx, version, VersionState.IN_FORCE, actor, now):
        raise Conflict(f"somebody else changed {version.id} meanwhile; look again")
    ledger.record(tx, Event("CorrectionAdopted", (version.id, *replaced), {"model": model}), actor=actor, now=now)
    return version


def retire(tx: Transaction, version_id: str, *, actor: PartyId, now: datetime) -> Version:
    """Take a correction out of force; the model is the shipped one again.

    Raises:
        NotPermitted: the actor is no administrator.
        NotFound: there is no such version.
        Conflict: it is not in force.
    """
    party_rules.check_may(parties.get_party(tx, actor), Scope.MODEL_MANAGE)
    lock_decisions(tx)
    version = _version(tx, version_id)
    if version.state is not VersionState.IN_FORCE or not store.change_state(tx, version, VersionState.RETIRED, actor, now):
        raise Conflict(f"{version.id} is not in force; it is {version.state}")
    ledger.record(tx, Event("CorrectionRetired", (version.id,), {"model": version.correction.model}), actor=actor, now=now)
    return version


def readable_proposals(
    tx: Transaction, envelope: Envelope, *, viewer: PartyId, now: datetime
) -> list[tuple[Proposal, tuple[list[Report], list[Report]]]]:
    """The proposals that wait and that the viewer may answer, with the reports of both groups that it reads.

    One may answer who is on duty for a report of each group: that is who could merge or split them.
    """
    waiting = _standing(tx, store.open_proposals(tx))
    numbers = sorted({number for one in waiting for group in one.difference.groups for number in group})
    reports = intake.read_reports_by_number(tx, numbers or [0], envelope, viewer=viewer, now=now, duty=True)
    found: list[tuple[Proposal, tuple[list[Report], list[Report]]]] = []
    for one in waiting:
        left, right = ([reports[number] for number in group if number in reports] for group in one.difference.groups)
        if left and right:
            found.append((one, (left, right)))
    return found


def answer(
    tx: Transaction, proposal_id: str, *, accept: bool, reason: str, actor: PartyId, envelope: Envelope,
    thresholds: DeconflictionThresholds, now: datetime,
) -> deconfliction.Decided:
    """A person's answer to what a newer model proposes: a decision like any other, which can be undone like any other.

    Raises:
        NotPermitted: the actor is no coordinator.
        NotFound: there is no such proposal that the actor may answer.
        Invalid: no reason.
        Conflict: it was answered before, or people held apart what it would join.
    """
    party_rules.check_may(parties.get_party(tx, actor), Scope.CASES_DECIDE)
    cleaned = clean_text(reason, _REASON_CHARACTERS_MAX).strip()
    if not cleaned:
        raise Invalid("an answer needs a reason: others must be able to follow it, and to appeal")
    lock_decisions(tx)
    lock_index(tx)
    found = {one.id: (one, groups) for one, groups in readable_proposals(tx, envelope, viewer=actor, now=now)}
    if proposal_id not in found:
        raise NotFound(f"no proposal {proposal_id[:40]!r} waits for you; `clearinghouse model proposals` lists those that do")
    proposal, (left, right) = found[proposal_id]
    kind, groups = _BECOMES[proposal.difference.kind, accept], proposal.difference.groups
    spoken = (tuple(sorted((*groups[0], *groups[1]))),) if kind is DecisionKind.MERGE else groups
    if kind is DecisionKind.MERGE:
        # A merge is the last word on each of its pairs: it must not be said of two that a person held apart without seeing that.
        _, apart = placements.bounds(list_decisions(tx, envelope, standing_only=True))
        if apart & set(combinations(spoken[0], 2)):
            raise Conflict(f"{proposal.id} would join reports that people held apart; undo that decision first, or leave the proposal")
    # Answered first: what the proposal held must not outlast the decision it becomes.
    if not store.answer_proposal(tx, proposal.id, ProposalState.ACCEPTED if accept else ProposalState.DISMISSED, actor, now):
        raise Conflict(f"{proposal.id} was answered before")
    decided = deconfliction.record(
        tx, kind, spoken, [*left, *right], cleaned, actor=actor, envelope=envelope, thresholds=thresholds, now=now
    )
    store.note_decision(tx, proposal.id, decided.id)
    return decided


def _standing(tx: Transaction, waiting: Sequence[Proposal]) -> list[Proposal]:
    """The proposals of which something is left to decide, each narrowed to that."""
    numbers = sorted({number for one in waiting for group in one.difference.groups for number in group})
    clusters = {number: placement.cluster for number, placement in read_placements(tx, numbers or [0]).items()}
    found = []
    for one in waiting:
        difference = narrowed(one.difference, clusters)
        if difference is not None:
            found.append(replace(one, difference=difference))
    return found


def _version(tx: Transaction, version_id: str) -> Version:
    version = store.find_version(tx, version_id) if has_shape(version_id) else None
    if version is None:
        raise NotFound(f"no correction {version_id[:40]!r}; `clearinghouse model list` shows those there are")
    return version
