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
        sa.Column("end_wrapped_key", sa.LargeBinary(), nullable=True),
        sa.Column("sealed_end", sa.LargeBinary(), nullable=True),
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
    op.create_table(
        "capacity_items",
        sa.Column("item_id", sa.String(32), nullable=False),
        sa.Column("vendor", sa.String(32), nullable=False),
        sa.Column("object_id", sa.String(32), nullable=False),
        sa.Column("state", sa.String(64), nullable=False),
        sa.Column("queued_at", sa.String(27), nullable=False),
        sa.Column("not_before", sa.String(27), nullable=True),
        sa.Column("open_key", sa.Text(), nullable=True),
        sa.Column("wrapped_key", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_facts", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_packet", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["vendor"], ["parties.party_id"]),
        sa.PrimaryKeyConstraint("item_id"),
        sa.UniqueConstraint("open_key", name=op.f("uq_capacity_items_open_key")),
    )
    op.create_index(op.f("ix_capacity_items_vendor_state"), "capacity_items", ["vendor", "state"], unique=False)
    op.create_index(op.f("ix_capacity_items_object_id"), "capacity_items", ["object_id"], unique=False)
    op.create_table(
        "capacity_reports",
        sa.Column("item_id", sa.String(32), nullable=False),
        sa.Column("report_id", sa.String(32), nullable=False),
        sa.Column("finder", sa.String(32), nullable=False),
        sa.ForeignKeyConstraint(["item_id"], ["capacity_items.item_id"]),
        sa.PrimaryKeyConstraint("item_id", "report_id"),
    )
    op.create_index(op.f("ix_capacity_reports_report_id"), "capacity_reports", ["report_id"], unique=False)
    op.create_table(
        "deliveries",
        sa.Column("delivery_id", sa.String(32), nullable=False),
        sa.Column("item_id", sa.String(32), nullable=False),
        sa.Column("vendor", sa.String(32), nullable=False),
        sa.Column("object_id", sa.String(32), nullable=False),
        sa.Column("lane", sa.String(32), nullable=False),
        sa.Column("delivered_at", sa.String(27), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("counted", sa.Boolean(), nullable=False),
        sa.Column("turn", sa.String(32), nullable=True),
        sa.Column("reply", sa.String(64), nullable=True),
        sa.Column("replied_at", sa.String(27), nullable=True),
        sa.Column("wrapped_key", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_packet", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_reply", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["item_id"], ["capacity_items.item_id"]),
        sa.PrimaryKeyConstraint("delivery_id"),
    )
    op.create_index(op.f("ix_deliveries_vendor_delivered_at"), "deliveries", ["vendor", "delivered_at"], unique=False)
    op.create_index(op.f("ix_deliveries_item_id"), "deliveries", ["item_id"], unique=False)
    op.create_table(
        "capacity_words",
        sa.Column("item_id", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(64), nullable=False),
        sa.Column("actor", sa.String(32), nullable=False),
        sa.Column("said_at", sa.String(27), nullable=False),
        sa.Column("wrapped_key", sa.LargeBinary(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["item_id"], ["capacity_items.item_id"]),
        sa.PrimaryKeyConstraint("item_id", "kind", "actor", "said_at"),
    )
    op.create_table(
        "capacity_overrides",
        sa.Column("override_id", sa.String(32), nullable=False),
        sa.Column("item_id", sa.String(32), nullable=False),
        sa.Column("asked_by", sa.String(32), nullable=False),
        sa.Column("asked_at", sa.String(27), nullable=False),
        sa.Column("agreed_by", sa.String(32), nullable=True),
        sa.Column("agreed_at", sa.String(27), nullable=True),
        sa.Column("expires_at", sa.String(27), nullable=True),
        sa.Column("wrapped_key", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_reason", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["item_id"], ["capacity_items.item_id"]),
        sa.PrimaryKeyConstraint("override_id"),
    )
    op.create_index(op.f("ix_capacity_overrides_item_id"), "capacity_overrides", ["item_id"], unique=False)
