"""Embargoes, consent, deadlines, contact attempts."""

import sqlalchemy as sa
from alembic import op

from clearinghouse.storage import walls

revision = "0004"
down_revision = "0003"


def _id(name: str, *, null: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String(32), nullable=null)


def _at(name: str, *, null: bool = True) -> sa.Column[str]:
    return sa.Column(name, sa.String(27), nullable=null)


def _word(name: str, *, null: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String(64), nullable=null)


def _sealed(name: str = "sealed") -> sa.Column[bytes]:
    return sa.Column(name, sa.LargeBinary(), nullable=False)


def _of_case() -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["case_id"], ["cases.case_id"])


def upgrade() -> None:
    op.create_table(
        "embargoes", _id("case_id"), _id("embargo_id"), _word("state"), sa.Column("found_with_public_ai", sa.Boolean(), nullable=False),
        _at("exited_at"), _word("exit_reason", null=True), _word("timetable_state", null=True), _at("ends_at"), _word("rank", null=True),
        _word("term_id"), _of_case(), sa.PrimaryKeyConstraint("case_id"),
        sa.UniqueConstraint("embargo_id", name=op.f("uq_embargoes_embargo_id")),
    )
    op.create_table(
        "embargo_facts", _id("fact_id"), _id("case_id"), _word("milestone"), _at("at", null=False), _id("party_id"),
        _at("recorded_at", null=False), _id("actor"), _at("withdrawn_at"), _id("withdrawn_by", null=True), _sealed(), _of_case(),
        sa.PrimaryKeyConstraint("fact_id"),
    )
    op.create_index(op.f("ix_embargo_facts_case_id"), "embargo_facts", ["case_id"])
    op.create_table(
        "embargo_terms", _id("applied_id"), _id("case_id"), _at("added_at", null=False), _id("added_by"), _at("removed_at"),
        _id("removed_by", null=True), _sealed(), _of_case(), sa.PrimaryKeyConstraint("applied_id"),
    )
    op.create_index(op.f("ix_embargo_terms_case_id"), "embargo_terms", ["case_id"])
    op.create_table(
        "embargo_proposals", _id("proposal_id"), _id("case_id"), _at("ends_at", null=False), _at("asked_at", null=False), _id("asked_by"),
        _word("state"), _at("settled_at"), _sealed(), _of_case(), sa.PrimaryKeyConstraint("proposal_id"),
    )
    op.create_index(op.f("ix_embargo_proposals_case_id"), "embargo_proposals", ["case_id"])
    op.create_table(
        "embargo_answers", _id("proposal_id"), _id("party_id"), sa.Column("accepted", sa.Boolean(), nullable=True), _at("answered_at"),
        _id("answered_by", null=True), sa.ForeignKeyConstraint(["proposal_id"], ["embargo_proposals.proposal_id"]),
        sa.PrimaryKeyConstraint("proposal_id", "party_id"),
    )
    op.create_table(
        "embargo_consents", _id("case_id"), _id("party_id"), _word("state"), _at("changed_at", null=False), _of_case(),
        sa.PrimaryKeyConstraint("case_id", "party_id"),
    )
    op.create_table(
        "embargo_duties", _id("case_id"), _word("duty_id"), _id("party_id"), _at("done_at", null=False), _at("recorded_at", null=False),
        _id("recorded_by"), _of_case(), sa.PrimaryKeyConstraint("case_id", "duty_id", "party_id"),
    )
    op.create_table(
        "embargo_regimes", _id("case_id"), _id("party_id"), _word("regime"), sa.Column("applies", sa.Boolean(), nullable=False),
        _at("said_at", null=False), _id("said_by"), _of_case(), sa.PrimaryKeyConstraint("case_id", "party_id", "regime"),
    )
    op.create_table(
        "embargo_leaks", _id("leak_id"), _id("case_id"), _word("state"), _at("seen_at", null=False), _at("reported_at", null=False),
        _id("reported_by"), _at("settled_at"), _id("settled_by", null=True), _sealed(), _of_case(), sa.PrimaryKeyConstraint("leak_id"),
    )
    op.create_index(op.f("ix_embargo_leaks_case_id"), "embargo_leaks", ["case_id"])
    op.create_table(
        "deadlines", _id("due_id"), _word("kind"), _id("object_id"), _word("name"), _at("due_at", null=False), _at("done_at"),
        sa.Column("late", sa.Boolean(), nullable=False), sa.PrimaryKeyConstraint("due_id"),
        sa.UniqueConstraint("object_id", "kind", "name", "due_at", name=op.f("uq_deadlines_object_id_kind_name_due_at")),
    )
    op.create_index(op.f("ix_deadlines_done_at_due_at"), "deadlines", ["done_at", "due_at"])
    op.create_table(
        "clock_readings", sa.Column("number", sa.Integer(), autoincrement=False, nullable=False), _at("at", null=False),
        sa.Column("monotonic_seconds", sa.Float(), nullable=False), _word("boot"), sa.PrimaryKeyConstraint("number"),
    )
    op.create_table(
        "contact_watches", _id("watch_id"), _id("case_id"), _id("party_id"), _at("begun_at", null=False), _id("begun_by"), _word("state"),
        _at("state_at", null=False), _at("resort_at"), _sealed(), _of_case(), sa.PrimaryKeyConstraint("watch_id"),
    )
    op.create_index(op.f("ix_contact_watches_case_id"), "contact_watches", ["case_id"])
    op.create_table(
        "contact_attempts", _id("attempt_id"), _id("watch_id"), _at("at", null=False), _word("channel"), _word("result"), _id("actor"),
        _at("recorded_at", null=False), _sealed(), sa.ForeignKeyConstraint(["watch_id"], ["contact_watches.watch_id"]),
        sa.PrimaryKeyConstraint("attempt_id"),
    )
    op.create_index(op.f("ix_contact_attempts_watch_id"), "contact_attempts", ["watch_id"])
    # Whoever knows of a case at all is told its dates; what was written about them is for those in the room.
    walls.protect(op.get_bind(), "embargoes", "case_id", tier_min=0)
    walls.protect(op.get_bind(), "deadlines", "object_id", tier_min=0)
    for table in ("embargo_terms", "embargo_proposals", "embargo_consents", "embargo_duties", "embargo_regimes"):
        walls.protect(op.get_bind(), table, "case_id", tier_min=1)
    for table in ("embargo_facts", "embargo_leaks", "contact_watches"):
        walls.protect(op.get_bind(), table, "case_id")
    walls.protect_through(op.get_bind(), "embargo_answers", "proposal_id", "embargo_proposals")
    walls.protect_through(op.get_bind(), "contact_attempts", "watch_id", "contact_watches")
