"""Every data key wrapped by the instance key is known to rotation, and rotation knows the name each is bound to."""

import importlib
import pkgutil
from pathlib import Path

from sqlalchemy import LargeBinary, text

import clearinghouse
from clearinghouse.app.keys import WRAPPED, forget_old_keys, rotate_key
from clearinghouse.app.wiring import Instance
from clearinghouse.core.events import Event
from clearinghouse.core.ids import (
    CaseId,
    ChallengeId,
    CommitmentId,
    ContactId,
    DecisionId,
    ErasureId,
    EventId,
    GlassId,
    InvitationId,
    MailId,
    PackId,
    PartyId,
    ReviewCaseId,
    new_id,
)
from clearinghouse.core.roles import Role
from clearinghouse.disclosure.coordination.appeals import store as appeals
from clearinghouse.disclosure.coordination.appeals.records import Appeal, AppealId, AppealState, Question
from clearinghouse.disclosure.coordination.asks import store as asks
from clearinghouse.disclosure.coordination.asks.records import Ask
from clearinghouse.disclosure.coordination.capacity import store as capacity
from clearinghouse.disclosure.coordination.capacity.records import ItemId, Override, OverrideId
from clearinghouse.disclosure.coordination.rooms.records import Erasure, Hold
from clearinghouse.disclosure.coordination.rooms.store import erasures
from clearinghouse.disclosure.coordination.rooms.store.tables import cases as case_table
from clearinghouse.disclosure.deconfliction import store as deconfliction
from clearinghouse.disclosure.deconfliction.records import DecisionKind
from clearinghouse.disclosure.intake.commitments import store as commitments
from clearinghouse.disclosure.intake.commitments.records import Claim, Commitment, OpenedSection
from clearinghouse.disclosure.intake.withdrawals import store as withdrawals
from clearinghouse.disclosure.intake.withdrawals.records import Withdrawal
from clearinghouse.evaluation.benchmarks.packs import store as packs
from clearinghouse.evaluation.benchmarks.packs.records import Made, Pack, PackedItem, RetiredFor, SealedItem
from clearinghouse.evaluation.benchmarks.records import Domain
from clearinghouse.evaluation.benchmarks.running import actions as runs
from clearinghouse.evaluation.review.records import ModelIdentity, Review, ReviewKind, ReviewState, Variant
from clearinghouse.evaluation.review.store import reviews
from clearinghouse.evaluation.statistics.records import Effort
from clearinghouse.ledger import actions as ledger
from clearinghouse.parties import store as parties
from clearinghouse.parties.charters import store as charters
from clearinghouse.parties.contacts import store as contacts
from clearinghouse.parties.contacts.records import Contact
from clearinghouse.parties.glass import store as glass
from clearinghouse.parties.glass.records import GlassRequest
from clearinghouse.parties.grants import seal_reason
from clearinghouse.parties.identity.credentials import store as credentials
from clearinghouse.parties.identity.credentials.records import ChallengeKind, KeptPassword
from clearinghouse.parties.identity.enrolment import store as enrolment
from clearinghouse.parties.identity.enrolment.records import Invitation
from clearinghouse.parties.notices.mail_records import Disposition, Letter, ReceivedMail, SignatureState
from clearinghouse.parties.notices.records import Draft, NoticeKind
from clearinghouse.parties.notices.store import mail, notices
from clearinghouse.parties.records import Basis, Grant
from clearinghouse.storage import metadata
from clearinghouse.storage.rewrapping import count_by_key
from clearinghouse.storage.sealing import key_id, read_envelope
from eval_support import ToyItems, plan_toy_run
from world import World, opened_world
from world_cases import populate

_SHARED = {
    "case_decisions": "cases", "case_imports": "cases", "case_reports": "cases", "contact_attempts": "cases", "contact_watches": "cases",
    "document_bodies": "cases", "documents": "cases", "embargo_facts": "cases", "embargo_leaks": "cases", "embargo_proposals": "cases",
    "embargo_terms": "cases", "messages": "cases", "original_parts": "submissions", "relay_steps": "relays", "submission_items": "submissions",
    "bench_bodies": "cases", "bench_builds": "cases", "bench_cells": "cases", "bench_matrices": "cases", "bench_materials": "cases",
    "review_analyses": "reviews", "review_documents": "reviews", "review_entries": "reviews", "review_partners": "reviews", "review_votes": "reviews",
    "patch_reviews": "cases", "patch_trials": "cases", "threads": "cases", "validations": "cases", "vendor_statements": "cases",
    "vulnerabilities": "cases", "eval_samples": "eval_runs", "eval_incidents": "eval_runs", "eval_findings": "eval_runs", "eval_logs": "eval_runs",
}
"""Tables sealed under the key of another table's row."""


def _import_everything() -> None:
    for module in pkgutil.walk_packages(clearinghouse.__path__, "clearinghouse."):
        if "store" in module.name.split("."):
            importlib.import_module(module.name)


def test_every_column_of_wrapped_keys_is_rotated() -> None:
    _import_everything()
    found = {
        (table.name, column.name) for table in metadata.tables.values() for column in table.columns
        if isinstance(column.type, LargeBinary) and "wrapped" in column.name
    }
    assert found == {(each.table.name, each.column.name) for each in WRAPPED}


def test_every_table_with_something_sealed_has_a_key_or_is_under_another_tables() -> None:
    _import_everything()
    own = {each.table.name for each in WRAPPED}
    sealed = {table.name for table in metadata.tables.values() if any("sealed" in column.name for column in table.columns)}
    assert sealed - own == set(_SHARED)
    assert set(_SHARED.values()) <= own


def _fill(world: World) -> None:
    """A row with a key of its own in every table that the world leaves empty, by the store that writes it."""
    instance, now = world.instance, world.clock.now()
    envelope, me = instance.envelope, instance.actor.id
    with instance.database.write() as tx:
        item = ItemId(tx.value(capacity.items.select().with_only_columns(capacity.items.c.item_id)))
        claim = tx.value(charters.charter_claims.select().with_only_columns(charters.charter_claims.c.claim_id))
        capacity.add_words(tx, item, "ItemDeclined", me, "words", envelope, now)
        capacity.add_override(tx, Override(OverrideId(new_id("ovr")), item, me, now), "reason", envelope)
        decision = deconfliction.KeptDecision(DecisionId(new_id("dec")), DecisionKind.MERGE, me, now, ((1, 2),), "reason")
        deconfliction.add_decision(tx, decision, envelope)
        grant = Grant(new_id("rep"), me, Basis.READ_IN, now, None, me, now, None, "reason")
        parties.put_grant(tx, grant, seal_reason(grant, envelope))
        glass.add_request(tx, GlassRequest(GlassId(new_id("brk")), new_id("rep"), me, None, now, now, "reason"), envelope)
        contacts.add_contact(tx, Contact(ContactId(new_id("con")), me, "a@example.org", now, None), "", envelope)
        enrolment.add_invitation(
            tx, Invitation(InvitationId(new_id("inv")), frozenset({Role.REPORTER}), None, "a@example.org", me, now, now), "hash", envelope
        )
        credentials.put_password(tx, KeptPassword(me, "hash", "secret", 0, now), envelope)
        credentials.add_challenge(
            tx, ChallengeId(new_id("chl")), ChallengeKind.PASSKEY_SETUP, {}, expires_at=now, now=now, envelope=envelope
        )
        claimed = Claim(b"d" * 32, b"k" * 32, b"s" * 64)
        commitment = Commitment(CommitmentId(new_id("cmt")), now, me, PartyId(me), claimed, now, EventId(new_id("evt")), False)
        commitments.add_commitment(tx, commitment)
        commitments.add_section(tx, commitment, OpenedSection("report", now, False, 1, "sha3-256:00"), b"text", envelope)
        held = tx.rows(text("select report_id, number from reports limit 1"))[0]
        withdrawals.add_withdrawal(tx, Withdrawal(held.report_id, now, PartyId(me), "reason"), held.number, envelope)
        appeal = Appeal(AppealId(new_id("apl")), held.report_id, Question.KNOWN, PartyId(me), now, now, "words")
        appeals.add_appeal(tx, appeal, envelope)
        appeals.end_appeal(tx, appeal, AppealState.REJECTED, "answer", PartyId(me), now, envelope)
        asks.add_asks(tx, [Ask(new_id("ask"), "", held.report_id, PartyId(me), now, "words")], envelope)
        case_id = CaseId(tx.value(case_table.select().with_only_columns(case_table.c.case_id)))
        erasures.add_erasure(tx, Erasure(ErasureId(new_id("era")), case_id, me, True, now, now, "reason"), envelope)
        erasures.add_hold(tx, Hold(case_id, now, me, "reason"), envelope)
        charters.end_claim(tx, claim, "reason", envelope, now)
        draft = Draft(EventId(new_id("evt")), "tell", NoticeKind.ACCOUNT_CHANGED, PartyId(me), me)
        notices.add_notices(tx, [draft], envelope, instance.policy.notices, now)
        policy = instance.policy.benchmarks
        plan_toy_run(tx, ToyItems(1), actor=me, envelope=envelope, policy=policy, now=now)
        runs.record_effort(tx, ReviewCaseId(new_id("rev")), Effort(1, 1, 1, 1, 1.0), actor=me, envelope=envelope, now=now)
        received = ReceivedMail(MailId(new_id("mai")), now, "sha256:0", Disposition.DESK, "sender.other", SignatureState.NONE, False)
        mail.add_mail(tx, received, Letter("a@example.org", "", "", "", False), b"bytes", "hash", envelope)
        model = ModelIdentity("Lab", "model", "1.0", Variant.FULL)
        review = Review(
            ReviewCaseId(new_id("rev")), ReviewKind.INQUIRY, ReviewState.DRAFT, now, now, PartyId(me), PartyId(me), PartyId(me), 1, model, "words"
        )
        reviews.add(tx, review, b"k" * 32, b"m" * 32, envelope)
        pack_id, item_id = PackId(new_id("pck")), new_id("itm")
        packed = PackedItem(item_id, pack_id, 0, "family", Domain.FINDING, b"c" * 32)
        pack = Pack(pack_id, "pack", 1, now, PartyId(me), b"r" * 32, 1, 2, 0)
        packs.add_pack(tx, Made(pack, (SealedItem(packed, b"key", b"body"),), ()))
        packs.retire_item(tx, item_id, RetiredFor.PERSON, "reason", now, envelope)
        packs.retire_pack(tx, pack_id, RetiredFor.PERSON, "reason", now, envelope)
        ledger.record(tx, Event("Tested", (me,)), actor=me, now=now)


def _unwrapped(instance: Instance) -> int:
    """How many data keys there are, each wrapped under the newest key and opened under its name."""
    envelope, opened = read_envelope(instance.settings.instance_key_path), 0
    with instance.database.read() as tx:
        for each in WRAPPED:
            for row in tx.rows(each.table.select()):
                wrapped = bytes(row._mapping[each.column.name] or b"")
                if wrapped:
                    assert len(envelope.unwrap(wrapped, each.about.format_map(row._mapping))) == 32
                    opened += 1
        return opened


def test_a_world_with_every_kind_of_key_is_rotated_and_works_on(tmp_path: Path) -> None:
    with opened_world(f"sqlite:///{tmp_path / 'world.db'}", tmp_path / "home") as world:
        populate(world)
        _fill(world)
        instance, first = world.instance, key_id(world.instance.envelope.current)
        with instance.database.read() as tx:
            # A table without a row would prove nothing about the name its keys are bound to.
            empty = [each.table.name for each in WRAPPED if not count_by_key(tx, [each])]
        assert empty == []
        before = world.do("desk", "GET", "/cases")
        forget_old_keys(_rotated(instance))
        assert _unwrapped(instance) > len(WRAPPED)
        with instance.database.read() as tx:
            left = [
                f"{table.name}.{column.name}" for table in metadata.tables.values() for column in table.columns
                if isinstance(column.type, LargeBinary) and any(bytes(row[0] or b"").startswith(first) for row in tx.rows(
                    table.select().with_only_columns(column)))
            ]
        assert left == []
        assert world.do("desk", "GET", "/cases") == before


def _rotated(instance: Instance) -> Instance:
    assert rotate_key(instance).rewrapped > len(WRAPPED)
    return instance


