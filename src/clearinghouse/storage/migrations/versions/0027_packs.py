"""Sealed packs, the shares of their keys, asks and releases, and which engagement opened what."""

import sqlalchemy as sa
from alembic import op

from clearinghouse.storage.walls import protect, protect_own

revision = "0027"
down_revision = "0026"


def upgrade() -> None:
    op.create_table(
        "packs",
        sa.Column("pack_id", sa.String(32), nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("sealed_at", sa.String(27), nullable=False),
        sa.Column("sealed_by", sa.String(32), nullable=False),
        sa.Column("root", sa.String(72), nullable=False),
        sa.Column("items", sa.Integer(), nullable=False),
        sa.Column("threshold", sa.Integer(), nullable=False),
        sa.Column("shares", sa.Integer(), nullable=False),
        sa.Column("retired_at", sa.String(27), nullable=True),
        sa.Column("retired_for", sa.String(64), nullable=True),
        sa.Column("wrapped_key", sa.LargeBinary(), nullable=True),
        sa.Column("sealed_reason", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("pack_id"),
        sa.UniqueConstraint("name", "version", name=op.f("uq_packs_name_version")),
    )
    op.create_table(
        "pack_items",
        sa.Column("item_id", sa.String(32), nullable=False),
        sa.Column("pack_id", sa.String(32), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("family", sa.String(64), nullable=False),
        sa.Column("domain", sa.String(64), nullable=False),
        sa.Column("commitment", sa.String(72), nullable=False),
        sa.Column("item_key", sa.LargeBinary(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("exposures", sa.Integer(), nullable=False),
        sa.Column("retired_at", sa.String(27), nullable=True),
        sa.Column("retired_for", sa.String(64), nullable=True),
        sa.Column("wrapped_key", sa.LargeBinary(), nullable=True),
        sa.Column("sealed_reason", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("item_id"),
        sa.ForeignKeyConstraint(["pack_id"], ["packs.pack_id"]),
        sa.UniqueConstraint("pack_id", "place", name=op.f("uq_pack_items_pack_id_place")),
    )
    op.create_table(
        "pack_shares",
        sa.Column("pack_id", sa.String(32), nullable=False),
        sa.Column("party_id", sa.String(32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("key_id", sa.String(32), nullable=False),
        sa.Column("box", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.String(72), nullable=False),
        sa.PrimaryKeyConstraint("pack_id", "party_id"),
        sa.ForeignKeyConstraint(["pack_id"], ["packs.pack_id"]),
        sa.ForeignKeyConstraint(["party_id"], ["parties.party_id"]),
    )
    op.create_index(op.f("ix_pack_shares_party_id"), "pack_shares", ["party_id"], unique=False)
    op.create_table(
        "custodian_keys",
        sa.Column("key_id", sa.String(32), nullable=False),
        sa.Column("party_id", sa.String(32), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("registered_at", sa.String(27), nullable=False),
        sa.Column("ended_at", sa.String(27), nullable=True),
        sa.PrimaryKeyConstraint("key_id"),
        sa.ForeignKeyConstraint(["party_id"], ["parties.party_id"]),
        sa.UniqueConstraint("public_key", name=op.f("uq_custodian_keys_public_key")),
    )
    op.create_index(op.f("ix_custodian_keys_party_id"), "custodian_keys", ["party_id"], unique=False)
    op.create_table(
        "release_asks",
        sa.Column("ask_id", sa.String(32), nullable=False),
        sa.Column("pack_id", sa.String(32), nullable=False),
        sa.Column("purpose", sa.String(64), nullable=False),
        sa.Column("recipient", sa.LargeBinary(), nullable=False),
        sa.Column("asked_by", sa.String(32), nullable=False),
        sa.Column("asked_at", sa.String(27), nullable=False),
        sa.Column("until", sa.String(27), nullable=False),
        sa.Column("run_id", sa.String(32), nullable=True),
        sa.Column("review_id", sa.String(32), nullable=True),
        sa.Column("developer", sa.String(32), nullable=True),
        sa.Column("ended_at", sa.String(27), nullable=True),
        sa.PrimaryKeyConstraint("ask_id"),
        sa.ForeignKeyConstraint(["pack_id"], ["packs.pack_id"]),
    )
    op.create_index(op.f("ix_release_asks_pack_id_until"), "release_asks", ["pack_id", "until"], unique=False)
    op.create_index(op.f("ix_release_asks_run_id"), "release_asks", ["run_id"], unique=False)
    op.create_table(
        "share_releases",
        sa.Column("ask_id", sa.String(32), nullable=False),
        sa.Column("party_id", sa.String(32), nullable=False),
        sa.Column("pack_id", sa.String(32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("box", sa.LargeBinary(), nullable=False),
        sa.Column("released_at", sa.String(27), nullable=False),
        sa.Column("until", sa.String(27), nullable=False),
        sa.Column("ended_at", sa.String(27), nullable=True),
        sa.PrimaryKeyConstraint("ask_id", "party_id"),
        sa.ForeignKeyConstraint(["ask_id"], ["release_asks.ask_id"]),
        sa.ForeignKeyConstraint(["party_id"], ["parties.party_id"]),
    )
    op.create_table(
        "exposures",
        sa.Column("item_id", sa.String(32), nullable=False),
        sa.Column("review_id", sa.String(32), nullable=False),
        sa.Column("pack_id", sa.String(32), nullable=False),
        sa.Column("run_id", sa.String(32), nullable=False),
        sa.Column("first_at", sa.String(27), nullable=False),
        sa.PrimaryKeyConstraint("item_id", "review_id"),
        sa.ForeignKeyConstraint(["item_id"], ["pack_items.item_id"]),
    )
    op.create_index(op.f("ix_exposures_review_id"), "exposures", ["review_id"], unique=False)
    op.create_index(op.f("ix_exposures_pack_id"), "exposures", ["pack_id"], unique=False)
    protect(op.get_bind(), "packs", "pack_id")
    protect(op.get_bind(), "pack_items", "pack_id")
    protect_own(op.get_bind(), "pack_shares", "party_id")
    protect_own(op.get_bind(), "release_asks", "asked_by", about="pack_id")
    protect_own(op.get_bind(), "share_releases", "party_id", about="pack_id")
    protect(op.get_bind(), "exposures", "pack_id", "review_id")
