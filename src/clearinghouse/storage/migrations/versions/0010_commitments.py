"""Commitments to findings that nobody is told of yet, and the sections of them that were opened."""

import sqlalchemy as sa
from alembic import op

from clearinghouse.storage.walls import protect, protect_through

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.create_table(
        "commitments",
        sa.Column("commitment_id", sa.String(32), nullable=False),
        sa.Column("at", sa.String(27), nullable=False),
        sa.Column("party_id", sa.String(32), nullable=False),
        sa.Column("organisation_id", sa.String(32), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.Column("due_at", sa.String(27), nullable=False),
        sa.Column("event_id", sa.String(32), nullable=False),
        sa.Column("repeats", sa.Boolean(), nullable=False),
        sa.Column("sections_total", sa.Integer(), nullable=False),
        sa.Column("submission_id", sa.String(32), nullable=True),
        sa.Column("warned_at", sa.String(27), nullable=True),
        sa.Column("overdue_at", sa.String(27), nullable=True),
        sa.Column("withdrawn_at", sa.String(27), nullable=True),
        sa.PrimaryKeyConstraint("commitment_id"),
        sa.ForeignKeyConstraint(["party_id"], ["parties.party_id"]),
        sa.ForeignKeyConstraint(["submission_id"], ["submissions.submission_id"]),
        sa.UniqueConstraint("digest", "public_key", name=op.f("uq_commitments_digest_public_key")),
    )
    op.create_index(op.f("ix_commitments_organisation_id_at"), "commitments", ["organisation_id", "at"], unique=False)
    op.create_index(op.f("ix_commitments_public_key"), "commitments", ["public_key"], unique=False)
    op.create_index(op.f("ix_commitments_submission_id"), "commitments", ["submission_id"], unique=False)
    op.create_index(op.f("ix_commitments_due_at"), "commitments", ["due_at"], unique=False)
    op.create_table(
        "commitment_sections",
        sa.Column("commitment_id", sa.String(32), nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("at", sa.String(27), nullable=False),
        sa.Column("late", sa.Boolean(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("wrapped_key", sa.LargeBinary(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("commitment_id", "name"),
        sa.ForeignKeyConstraint(["commitment_id"], ["commitments.commitment_id"]),
    )
    protect(op.get_bind(), "commitments", "commitment_id")
    protect_through(op.get_bind(), "commitment_sections", "commitment_id", "commitments")
