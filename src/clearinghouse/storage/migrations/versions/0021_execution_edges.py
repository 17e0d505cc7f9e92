"""What execution says of two reports: their numbers, how much, the digest of the evidence, since when and until when."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "execution_edges",
        sa.Column("edge_id", sa.String(32), nullable=False),
        sa.Column("one", number, nullable=False),
        sa.Column("other", number, nullable=False),
        sa.Column("strength", sa.String(64), nullable=False),
        sa.Column("evidence", sa.String(72), nullable=False),
        sa.Column("at", sa.String(27), nullable=False),
        sa.Column("actor", sa.String(32), nullable=False),
        sa.Column("withdrawn_at", sa.String(27)),
        sa.Column("withdrawn_by", sa.String(32)),
        sa.PrimaryKeyConstraint("edge_id"),
    )
    op.create_index(op.f("ix_execution_edges_one"), "execution_edges", ["one"], unique=False)
    op.create_index(op.f("ix_execution_edges_other"), "execution_edges", ["other"], unique=False)
