"""Which report leads those of its flaw: what reports hold, and what was noted last. Numbers alone."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "report_strengths",
        sa.Column("number", number, autoincrement=False, nullable=False),
        sa.Column("strength", sa.Integer(), nullable=False),
        sa.Column("confirmed", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_table(
        "cluster_leads",
        sa.Column("cluster", number, autoincrement=False, nullable=False),
        sa.Column("lead", number, nullable=False),
        sa.Column("since", sa.String(27), nullable=False),
        sa.PrimaryKeyConstraint("cluster"),
    )
