"""Appeals of finders: for who made one, and for who reads the report it is about."""

import sqlalchemy as sa
from alembic import op

from clearinghouse.storage.walls import protect_own

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    op.create_table(
        "appeals",
        sa.Column("appeal_id", sa.String(32), nullable=False),
        sa.Column("report_id", sa.String(32), nullable=False),
        sa.Column("question", sa.String(64), nullable=False),
        sa.Column("appellant", sa.String(32), nullable=False),
        sa.Column("made_at", sa.String(27), nullable=False),
        sa.Column("due_at", sa.String(27), nullable=False),
        sa.Column("state", sa.String(64), nullable=False),
        sa.Column("open_key", sa.String(64), nullable=True),
        sa.Column("answered_at", sa.String(27), nullable=True),
        sa.Column("answered_by", sa.String(32), nullable=True),
        sa.Column("overdue_at", sa.String(27), nullable=True),
        sa.Column("wrapped_key", sa.LargeBinary(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("answer_wrapped_key", sa.LargeBinary(), nullable=True),
        sa.Column("sealed_answer", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("appeal_id"),
        sa.ForeignKeyConstraint(["report_id"], ["reports.report_id"]),
        sa.UniqueConstraint("open_key", name=op.f("uq_appeals_open_key")),
    )
    op.create_index(op.f("ix_appeals_report_id"), "appeals", ["report_id"], unique=False)
    op.create_index(op.f("ix_appeals_state_due_at"), "appeals", ["state", "due_at"], unique=False)
    protect_own(op.get_bind(), "appeals", "appellant", about="report_id")
