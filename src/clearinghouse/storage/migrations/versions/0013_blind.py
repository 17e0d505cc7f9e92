"""The blind check: epochs with their keys, tags of what is held, and what was asked."""

import sqlalchemy as sa
from alembic import op

from clearinghouse.storage.walls import hide

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "blind_epochs",
        sa.Column("epoch_id", sa.String(32), nullable=False),
        sa.Column("began_at", sa.String(27), nullable=False),
        sa.Column("ends_at", sa.String(27), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("event_id", sa.String(32), nullable=False),
        sa.Column("through", number, nullable=False),
        sa.Column("set_at", sa.String(27), nullable=True),
        sa.Column("set_through", number, nullable=False),
        sa.Column("wrapped_key", sa.LargeBinary(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("epoch_id"),
    )
    op.create_index(op.f("ix_blind_epochs_ends_at"), "blind_epochs", ["ends_at"], unique=False)
    op.create_table(
        "blind_tags",
        sa.Column("epoch_id", sa.String(32), nullable=False),
        sa.Column("tag", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("epoch_id", "tag"),
        sa.ForeignKeyConstraint(["epoch_id"], ["blind_epochs.epoch_id"]),
    )
    op.create_table(
        "blind_sets",
        sa.Column("epoch_id", sa.String(32), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("epoch_id"),
        sa.ForeignKeyConstraint(["epoch_id"], ["blind_epochs.epoch_id"]),
    )
    op.create_table(
        "blind_batches",
        sa.Column("batch_id", sa.String(32), nullable=False),
        sa.Column("epoch_id", sa.String(32), nullable=False),
        sa.Column("at", sa.String(27), nullable=False),
        sa.Column("party_id", sa.String(32), nullable=False),
        sa.Column("organisation_id", sa.String(32), nullable=False),
        sa.Column("elements", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("batch_id"),
        sa.ForeignKeyConstraint(["epoch_id"], ["blind_epochs.epoch_id"]),
    )
    op.create_index(
        op.f("ix_blind_batches_organisation_id_epoch_id_at"), "blind_batches", ["organisation_id", "epoch_id", "at"], unique=False
    )
    op.create_table(
        "blind_citations",
        sa.Column("batch_id", sa.String(32), nullable=False),
        sa.Column("commitment_id", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("batch_id", "commitment_id"),
        sa.ForeignKeyConstraint(["batch_id"], ["blind_batches.batch_id"]),
        sa.ForeignKeyConstraint(["commitment_id"], ["commitments.commitment_id"]),
    )
    op.create_index(op.f("ix_blind_citations_commitment_id"), "blind_citations", ["commitment_id"], unique=False)
    op.create_table(
        "claim_hashes",
        sa.Column("salt_id", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("salt_id", "hash"),
    )
    op.create_table(
        "claim_progress",
        sa.Column("salt_id", sa.LargeBinary(), nullable=False),
        sa.Column("through", number, nullable=False),
        sa.PrimaryKeyConstraint("salt_id"),
    )
    # A key, and who asked about what: read by the machine alone.
    hide(op.get_bind(), "blind_epochs", "blind_tags", "blind_batches", "blind_citations", "blind_sets", "claim_hashes", "claim_progress")
