"""Trials of patches and what people said of them, under the keys of their cases."""

import sqlalchemy as sa
from alembic import op

from clearinghouse.storage.walls import protect

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    op.create_table(
        "patch_trials",
        sa.Column("trial_id", sa.String(32), nullable=False),
        sa.Column("case_id", sa.String(32), nullable=False),
        sa.Column("patch_digest", sa.String(72), nullable=False),
        sa.Column("recipe_digest", sa.String(72), nullable=False),
        sa.Column("supplier", sa.String(64), nullable=False),
        sa.Column("state", sa.String(64), nullable=False),
        sa.Column("state_at", sa.String(27), nullable=False),
        sa.Column("asked_at", sa.String(27), nullable=False),
        sa.Column("asked_by", sa.String(32), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("lease", sa.String(32), nullable=True),
        sa.Column("leased_until", sa.String(27), nullable=True),
        sa.Column("open_key", sa.String(72), nullable=True),
        sa.Column("statement_digest", sa.String(72), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_trouble", sa.LargeBinary(), nullable=True),
        sa.Column("sealed_result", sa.LargeBinary(), nullable=True),
        sa.Column("sealed_statement", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("trial_id"), sa.UniqueConstraint("open_key", name=op.f("uq_patch_trials_open_key")),
    )
    op.create_index(op.f("ix_patch_trials_case_id_asked_at"), "patch_trials", ["case_id", "asked_at"])
    op.create_index(op.f("ix_patch_trials_state_asked_at"), "patch_trials", ["state", "asked_at"])
    op.create_table(
        "patch_reviews",
        sa.Column("review_id", sa.String(32), nullable=False),
        sa.Column("trial_id", sa.String(32), nullable=False),
        sa.Column("case_id", sa.String(32), nullable=False),
        sa.Column("reviewer", sa.String(32), nullable=False),
        sa.Column("accepts", sa.Boolean(), nullable=False),
        sa.Column("at", sa.String(27), nullable=False),
        sa.Column("statement_digest", sa.String(72), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_statement", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("review_id"), sa.ForeignKeyConstraint(["trial_id"], ["patch_trials.trial_id"]),
    )
    op.create_index(op.f("ix_patch_reviews_trial_id_at"), "patch_reviews", ["trial_id", "at"])
    for table in ("patch_trials", "patch_reviews"):
        protect(op.get_bind(), table, "case_id")
