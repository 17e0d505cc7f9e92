"""What is done with commitments: record one, open it, withdraw it, note that its day has come."""

import hashlib
from dataclasses import replace
from datetime import datetime, timedelta

from clearinghouse.core.errors import Conflict, Invalid, NotFound
from clearinghouse.core.events import Detail, Event
from clearinghouse.core.ids import CommitmentId, PartyId, SubmissionId, has_shape, new_id
from clearinghouse.core.policy import CommitmentPolicy
from clearinghouse.core.roles import Scope
from clearinghouse.disclosure.intake.commitments import rules, store
from clearinghouse.disclosure.intake.commitments.records import (
    REPORT,
    Claim,
    Commitment,
    CommitmentState,
    OpenedSection,
    Opening,
)
from clearinghouse.ledger import actions as ledger
from clearinghouse.parties import actions as parties
from clearinghouse.parties import store as grants
from clearinghouse.parties.records import Basis, Grant
from clearinghouse.parties.rules import check_may
from clearinghouse.storage import Database, Envelope, Transaction

_SWEPT = 500  # in one transaction


def record(
    tx: Transaction, claim: Claim, *, asked_due: datetime | None, context: str, actor: PartyId, policy: CommitmentPolicy, now: datetime
) -> Commitment:
    """Put a commitment on the record; the same one again gives the first.

    Args:
        context: the origin of this instance's log.
        asked_due: when it will be opened at the latest; what policy says where None.
    Raises:
        NotPermitted: the actor may send no reports.
        Invalid: the claim is malformed, its signature fails, or the instant is out of bounds.
        Conflict: the key signs for somebody else, or the organisation's budget is used up.
    """
    party = parties.get_party(tx, actor)
    check_may(party, Scope.REPORTS_SUBMIT)
    rules.check_claim(claim, context)
    due = rules.due_at(asked_due, now, policy)
    organisation = party.organisation or party.id
    grants.lock_party(tx, organisation)
    owner = store.key_owner(tx, claim.public_key)
    if owner is not None and owner != actor:
        raise Conflict("this key signs the commitments of somebody else here; make a key of your own")
    earlier = store.find_same(tx, claim)
    if earlier is not None:
        return earlier
    today, shut = store.charged(tx, organisation, now - timedelta(days=1))
    if today >= policy.per_day_max:
        raise Conflict(f"your organisation recorded {today} commitments within a day; {policy.per_day_max} are allowed, go on tomorrow")
    if shut >= policy.shut_max:
        raise Conflict(f"your organisation has {shut} commitments that are not opened; {policy.shut_max} are allowed: open some, or withdraw them")
    repeats = store.has_digest(tx, claim.digest)
    commitment_id = CommitmentId(new_id("cmt"))
    details: dict[str, Detail] = {
        "key": "ed25519:" + claim.public_key.hex(), "signature": claim.signature.hex(), "due_at": due.isoformat(), "repeats": repeats,
    }
    # The digest is public: it stands in the leaf itself, so that a proof of inclusion shows it to anybody.
    event = ledger.record(tx, Event("CommitmentRecorded", (commitment_id, "sha3-256:" + claim.digest.hex()), details), actor=actor, now=now)
    made = Commitment(commitment_id, now, actor, organisation, claim, due, event, repeats)
    store.add_commitment(tx, made)
    grants.add_grants(tx, [Grant(commitment_id, actor, Basis.REPORTER)])
    return made


def find(tx: Transaction, commitment_id: str, *, viewer: PartyId, now: datetime) -> Commitment:
    """A commitment.

    Raises:
        NotFound: there is none that the viewer may read.
    """
    found = store.read_commitment(tx, commitment_id, viewer=viewer, now=now) if has_shape(commitment_id) else None
    if found is None:
        raise NotFound(f"nothing found under {commitment_id[:40]!r}")
    return found


def check_opens(
    tx: Transaction, commitment_id: str, opening: Opening, *, context: str, actor: PartyId, policy: CommitmentPolicy, now: datetime
) -> tuple[Commitment, dict[str, bytes]]:
    """The commitment and the sections that an opening would open anew; nothing is written.

    Raises:
        NotFound: there is no such commitment of the actor.
        Invalid: the opening is not one of it, or a section is too large.
        Conflict: it was withdrawn.
    """
    found = find(tx, commitment_id, viewer=actor, now=now)
    if found.party != actor:
        raise NotFound(f"nothing found under {commitment_id[:40]!r}")
    if found.withdrawn_at is not None:
        raise Conflict("this commitment was withdrawn; record a new one")
    if len(opening.sections) > policy.sections_max or any(len(one.data) > policy.section_bytes_max for one in opening.sections.values()):
        raise Invalid(f"an opening has at most {policy.sections_max} sections of {policy.section_bytes_max} bytes each")
    rules.check_opening(opening, found.claim, context)
    known = {section.name for section in found.sections}
    return found, {name: section.data for name, section in opening.sections.items() if name not in known}


def open_sections(
    tx: Transaction, commitment_id: str, opening: Opening, *, submission: SubmissionId | None, desk: PartyId | None, context: str,
    actor: PartyId, envelope: Envelope, policy: CommitmentPolicy, now: datetime,
) -> Commitment:
    """Keep what an opening shows, for its finder and the desk. Opening the same section again changes nothing.

    Args:
        submission: what the report was taken in as; needed where the opening holds the report.
    Raises:
        NotFound, Invalid, Conflict: as for `check_opens`.
    """
    found, fresh = check_opens(tx, commitment_id, opening, context=context, actor=actor, policy=policy, now=now)
    if not fresh:
        return found
    assert submission is not None or REPORT not in fresh, "a report that is opened is taken in first"
    total = len(rules.check_opening(opening, found.claim, context))
    late = now >= found.due_at
    sections = []
    for name, data in sorted(fresh.items()):
        section = OpenedSection(name, now, late, len(data), "sha3-256:" + hashlib.sha3_256(data).hexdigest())
        store.add_section(tx, found, section, data, envelope)
        sections.append(section)
    store.note_opening(tx, found, sections_total=total, submission=submission if REPORT in fresh else None)
    if desk is not None:
        grants.add_grants(tx, [Grant(found.id, desk, Basis.DESK)])
    details: dict[str, Detail] = {"sections": [*sorted(fresh)], "of": total, "late": late}
    subjects = (found.id, submission) if submission is not None and REPORT in fresh else (found.id,)
    ledger.record(tx, Event("CommitmentOpened", subjects, details), actor=actor, now=now)
    return replace(
        found, sections=(*found.sections, *sections), sections_total=total,
        submission=submission if REPORT in fresh else found.submission,
    )


def read_section(
    database: Database, commitment_id: str, name: str, *, envelope: Envelope, viewer: PartyId, now: datetime
) -> bytes:
    """The bytes of an opened section; that they were read is on the record before the first byte is given.

    Raises:
        NotFound: there is none that the viewer may read.
    """
    with database.read(viewer=viewer, now=now) as tx:
        data = store.read_section(tx, commitment_id, name, envelope, viewer=viewer, now=now) if has_shape(commitment_id) else None
    if data is None:
        raise NotFound(f"nothing found under {commitment_id[:40]!r}")
    with database.write() as tx:
        ledger.record(tx, Event("SealedObjectRead", (commitment_id,), {"section": name}), actor=viewer, now=now)
    return data


def withdraw(tx: Transaction, commitment_id: str, *, actor: PartyId, now: datetime) -> Commitment:
    """Say that it will not be opened. It stays on the record, and counts as withdrawn.

    Raises:
        NotFound: there is no such commitment of the actor.
        Conflict: its report is open, or it was withdrawn before.
    """
    found = find(tx, commitment_id, viewer=actor, now=now)
    if found.party != actor:
        raise NotFound(f"nothing found under {commitment_id[:40]!r}")
    if any(section.name == REPORT for section in found.sections):
        raise Conflict("its report is open; withdraw the report itself")
    if not store.withdraw(tx, found, now):
        raise Conflict("it was withdrawn before")
    ledger.record(tx, Event("CommitmentWithdrawn", (found.id,)), actor=actor, now=now)
    return replace(found, withdrawn_at=now)


def sweep(tx: Transaction, *, actor: PartyId, policy: CommitmentPolicy, now: datetime) -> int:
    """Warn of commitments whose day comes near, and raise the alarm for those whose day has passed; gives how many."""
    done = 0
    for found in store.system_due(tx, now, now + timedelta(days=policy.warn_days), _SWEPT):
        overdue = rules.state_of(found, now) is CommitmentState.OVERDUE
        if not (store.note_overdue(tx, found, now) if overdue else store.note_warned(tx, found, now)):
            continue
        kind = "CommitmentOverdue" if overdue else "CommitmentDueSoon"
        ledger.record(tx, Event(kind, (found.id,), {"due_at": found.due_at.isoformat()}), actor=actor, now=now)
        done += 1
    return done
