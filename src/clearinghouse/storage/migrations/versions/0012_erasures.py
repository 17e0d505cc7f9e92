"""Requests to erase a case, and legal holds that forbid it."""

import sqlalchemy as sa
from alembic import op

from clearinghouse.storage.walls import protect

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.create_table(
        "case_erasures",
        sa.Column("erasure_id", sa.String(32), nullable=False),
        sa.Column("case_id", sa.String(32), nullable=False),
        sa.Column("asked_by", sa.String(32), nullable=False),
        sa.Column("proven", sa.Boolean(), nullable=False),
        sa.Column("asked_at", sa.String(27), nullable=False),
        sa.Column("lapses_at", sa.String(27), nullable=False),
        sa.Column("confirmed_by", sa.String(32), nullable=True),
        sa.Column("confirmed_at", sa.String(27), nullable=True),
        sa.Column("wrapped_key", sa.LargeBinary(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("erasure_id"),
        sa.ForeignKeyConstraint(["case_id"], ["cases.case_id"]),
        sa.ForeignKeyConstraint(["asked_by"], ["parties.party_id"]),
        sa.ForeignKeyConstraint(["confirmed_by"], ["parties.party_id"]),
    )
    op.create_index(op.f("ix_case_erasures_case_id"), "case_erasures", ["case_id"], unique=False)
    op.create_table(
        "case_holds",
        sa.Column("case_id", sa.String(32), nullable=False),
        sa.Column("held_at", sa.String(27), nullable=False),
        sa.Column("held_by", sa.String(32), nullable=False),
        sa.Column("wrapped_key", sa.LargeBinary(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("case_id"),
        sa.ForeignKeyConstraint(["held_by"], ["parties.party_id"]),
    )
    protect(op.get_bind(), "case_erasures", "case_id")
    protect(op.get_bind(), "case_holds", "case_id")
