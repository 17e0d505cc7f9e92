"""Charters, and the queue before a vendor."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "charters",
        sa.Column("charter_id", sa.String(32), nullable=False),
        sa.Column("party_id", sa.String(32), nullable=False),
        sa.Column("project", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["party_id"], ["parties.party_id"]),
        sa.PrimaryKeyConstraint("charter_id"),
        sa.UniqueConstraint("party_id", "project", name=op.f("uq_charters_party_id_project")),
    )
    op.create_index(op.f("ix_charters_project"), "charters", ["project"], unique=False)
    op.create_table(
        "charter_versions",
        sa.Column("charter_id", sa.String(32), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("digest", sa.String(72), nullable=False),
        sa.Column("adopted_at", sa.String(27), nullable=False),
        sa.Column("adopted_by", sa.String(32), nullable=False),
        sa.Column("on_behalf", sa.Boolean(), nullable=False),
        sa.Column("source_url", sa.Text(), nullable=False),
        sa.Column("wrapped_key", sa.LargeBinary(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["charter_id"], ["charters.charter_id"]),
        sa.PrimaryKeyConstraint("charter_id", "version"),
    )
    op.create_table(
        "charter_scopes",
        sa.Column("charter_id", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(64), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["charter_id"], ["charters.charter_id"]),
        sa.PrimaryKeyConstraint("charter_id", "kind", "value"),
    )
    op.create_index(op.f("ix_charter_scopes_value"), "charter_scopes", ["value"], unique=False)
    op.create_table(
        "charter_claims",
        sa.Column("claim_id", sa.String(32), nullable=False),
        sa.Column("party_id", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(64), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("basis", sa.String(64), nullable=False),
        sa.Column("opened_at", sa.String(27), nullable=False),
        sa.Column("proven_at", sa.String(27), nullable=True),
        sa.Column("ended_at", sa.String(27), nullable=True),
        sa.Column("held", sa.Text(), nullable=True),
        sa.Column("wrapped_key", sa.LargeBinary(), nullable=True),
        sa.Column("sealed_reason", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["party_id"], ["parties.party_id"]),
        sa.PrimaryKeyConstraint("claim_id"),
        sa.UniqueConstraint("held", name=op.f("uq_charter_claims_held")),
    )
    op.create_index(op.f("ix_charter_claims_party_id"), "charter_claims", ["party_id"], unique=False)
    op.create_table(
        "charter_fetches",
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("etag", sa.Text(), nullable=False),
        sa.Column("fetched_at", sa.String(27), nullable=False),
        sa.PrimaryKeyConstraint("url"),
    )
