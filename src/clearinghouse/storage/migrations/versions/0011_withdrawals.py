"""Reports that their senders took back, whether or not a case handled them."""

import sqlalchemy as sa
from alembic import op

from clearinghouse.storage.walls import protect_through

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.create_table(
        "report_withdrawals",
        sa.Column("withdrawal_id", sa.String(32), nullable=False),
        sa.Column("report_id", sa.String(32), nullable=False),
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("standing_report_id", sa.String(32), nullable=True),
        sa.Column("withdrawn_at", sa.String(27), nullable=False),
        sa.Column("withdrawn_by", sa.String(32), nullable=False),
        sa.Column("reinstated_at", sa.String(27), nullable=True),
        sa.Column("reinstated_by", sa.String(32), nullable=True),
        sa.Column("wrapped_key", sa.LargeBinary(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("withdrawal_id"),
        sa.ForeignKeyConstraint(["report_id"], ["reports.report_id"]),
        sa.UniqueConstraint("standing_report_id", name=op.f("uq_report_withdrawals_standing_report_id")),
    )
    op.create_index(op.f("ix_report_withdrawals_report_id"), "report_withdrawals", ["report_id"], unique=False)
    op.create_index(op.f("ix_report_withdrawals_number"), "report_withdrawals", ["number"], unique=False)
    protect_through(op.get_bind(), "report_withdrawals", "report_id", "reports")
