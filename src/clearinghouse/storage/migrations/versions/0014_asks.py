"""Asks to take part in a case, for its coordinators alone."""

import sqlalchemy as sa
from alembic import op

from clearinghouse.storage.walls import protect

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.create_table(
        "case_asks",
        sa.Column("ask_id", sa.String(32), nullable=False),
        sa.Column("case_id", sa.String(32), nullable=False),
        sa.Column("report_id", sa.String(32), nullable=False),
        sa.Column("asker", sa.String(32), nullable=False),
        sa.Column("at", sa.String(27), nullable=False),
        sa.Column("state", sa.String(64), nullable=False),
        sa.Column("answered_at", sa.String(27), nullable=True),
        sa.Column("answered_by", sa.String(32), nullable=True),
        sa.Column("wrapped_key", sa.LargeBinary(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("ask_id"),
    )
    op.create_index(op.f("ix_case_asks_case_id"), "case_asks", ["case_id"], unique=False)
    op.create_index(op.f("ix_case_asks_report_id"), "case_asks", ["report_id"], unique=False)
    # Not to who asked either: the row names the case.
    protect(op.get_bind(), "case_asks", "case_id")
