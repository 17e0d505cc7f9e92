"""Corrections of the pair model and what a newer model proposes: numbers and digests, no text."""

import sqlalchemy as sa
from alembic import op

from clearinghouse.storage.walls import protect_numbered

revision = "0016"
down_revision = "0015"

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "corrections",
        sa.Column("version_id", sa.String(32), nullable=False),
        sa.Column("model", sa.String(72), nullable=False),
        sa.Column("made_at", sa.String(27), nullable=False),
        sa.Column("pairs", sa.Integer(), nullable=False),
        sa.Column("decisions", sa.Integer(), nullable=False),
        sa.Column("passed_over", sa.Integer(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.String(64), nullable=False),
        sa.Column("state_at", sa.String(27), nullable=False),
        sa.Column("state_by", sa.String(32), nullable=False),
        sa.Column("in_force", sa.String(72), nullable=True),
        sa.PrimaryKeyConstraint("version_id"),
        sa.UniqueConstraint("in_force", name=op.f("uq_corrections_in_force")),
    )
    op.create_table(
        "model_proposals",
        sa.Column("proposal_id", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(64), nullable=False),
        sa.Column("numbers", sa.LargeBinary(), nullable=False),
        sa.Column("one", _NUMBER, nullable=False),
        sa.Column("other", _NUMBER, nullable=False),
        sa.Column("probability_before", sa.Float(), nullable=False),
        sa.Column("probability_after", sa.Float(), nullable=False),
        sa.Column("model_before", sa.String(72), nullable=False),
        sa.Column("model_after", sa.String(72), nullable=False),
        sa.Column("made_at", sa.String(27), nullable=False),
        sa.Column("state", sa.String(64), nullable=False),
        sa.Column("answered_at", sa.String(27), nullable=True),
        sa.Column("answered_by", sa.String(32), nullable=True),
        sa.Column("decision_id", sa.String(32), nullable=True),
        sa.PrimaryKeyConstraint("proposal_id"),
    )
    op.create_index(op.f("ix_model_proposals_state"), "model_proposals", ["state"], unique=False)
    protect_numbered(op.get_bind(), "model_proposals", "numbers")
