"""Of which reports their senders are told what a person made of them. No viewer's read reaches the table."""

import sqlalchemy as sa
from alembic import op

from clearinghouse.storage.walls import hide

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    op.create_table(
        "tellings",
        sa.Column("report_id", sa.String(32), nullable=False),
        sa.Column("organisation_id", sa.String(32), nullable=False),
        sa.Column("looked_at", sa.String(27), nullable=False),
        sa.Column("told_at", sa.String(27), nullable=True),
        sa.PrimaryKeyConstraint("report_id"),
        sa.ForeignKeyConstraint(["report_id"], ["reports.report_id"]),
    )
    op.create_index(op.f("ix_tellings_organisation_id_told_at"), "tellings", ["organisation_id", "told_at"], unique=False)
    op.create_index(op.f("ix_tellings_told_at"), "tellings", ["told_at"], unique=False)
    hide(op.get_bind(), "tellings")
