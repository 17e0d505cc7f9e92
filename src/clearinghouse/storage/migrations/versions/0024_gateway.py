"""Accesses to models, the hashes of their keys, and what gateways say of their journals and clocks."""

import sqlalchemy as sa
from alembic import op

from clearinghouse.storage.walls import hide, protect_own

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    op.create_table(
        "model_accesses",
        sa.Column("access_id", sa.String(32), nullable=False),
        sa.Column("review_id", sa.String(32), nullable=False),
        sa.Column("party_id", sa.String(32), nullable=False),
        sa.Column("purpose", sa.String(64), nullable=False),
        sa.Column("run_id", sa.String(32), nullable=True),
        sa.Column("upstream", sa.String(64), nullable=False),
        sa.Column("begins_at", sa.String(27), nullable=False),
        sa.Column("ends_at", sa.String(27), nullable=False),
        sa.Column("tokens_max", sa.BigInteger(), nullable=False),
        sa.Column("calls_max", sa.BigInteger(), nullable=False),
        sa.Column("granted_at", sa.String(27), nullable=False),
        sa.Column("suspended_at", sa.String(27), nullable=True),
        sa.Column("suspended_by", sa.String(32), nullable=True),
        sa.Column("ended_at", sa.String(27), nullable=True),
        sa.PrimaryKeyConstraint("access_id"), sa.CheckConstraint("begins_at < ends_at", name="ck_model_accesses_window"),
    )
    op.create_index(op.f("ix_model_accesses_review_id_granted_at"), "model_accesses", ["review_id", "granted_at"])
    op.create_index(op.f("ix_model_accesses_ends_at"), "model_accesses", ["ends_at"])
    op.create_table(
        "model_access_keys",
        sa.Column("access_id", sa.String(32), nullable=False),
        sa.Column("secret_hash", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("access_id"), sa.ForeignKeyConstraint(["access_id"], ["model_accesses.access_id"]),
    )
    op.create_table(
        "gateway_heads",
        sa.Column("gateway_id", sa.String(32), nullable=False),
        sa.Column("entries", sa.BigInteger(), nullable=False),
        sa.Column("head", sa.String(64), nullable=False),
        sa.Column("noted_at", sa.String(27), nullable=False),
        sa.PrimaryKeyConstraint("gateway_id", "entries"),
    )
    op.create_table(
        "gateway_clock_words",
        sa.Column("jump_id", sa.String(32), nullable=False),
        sa.Column("gateway_id", sa.String(32), nullable=False),
        sa.Column("accepted_at", sa.String(27), nullable=False),
        sa.Column("accepted_by", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("jump_id"),
    )
    op.create_index(op.f("ix_gateway_clock_words_gateway_id"), "gateway_clock_words", ["gateway_id"])
    protect_own(op.get_bind(), "model_accesses", "party_id", about="review_id")
    hide(op.get_bind(), "model_access_keys")
