"""What the workbench needs: reports by their answer without reading every placement; and relays between coordinators."""

import sqlalchemy as sa
from alembic import op

from clearinghouse.storage.walls import protect, protect_through

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_index("ix_placements_verdict_number", "placements", ["verdict", "number"])
    op.create_table(
        "relays",
        sa.Column("relay_id", sa.String(32), nullable=False),
        sa.Column("report_id", sa.String(32), nullable=False),
        sa.Column("sender", sa.String(32), nullable=False),
        sa.Column("received_at", sa.String(27), nullable=False),
        sa.Column("envelope", sa.String(72), nullable=False),
        sa.Column("content", sa.String(72), nullable=False),
        sa.Column("origin_hash", sa.String(72), nullable=False),
        sa.Column("own_hash", sa.String(72), nullable=False),
        sa.Column("own_link", sa.String(72), nullable=False),
        sa.Column("hops", sa.Text(), nullable=False),
        sa.Column("links", sa.Text(), nullable=False),
        sa.Column("class", sa.String(64), nullable=False),
        sa.Column("mirror_of", sa.String(32), nullable=False),
        sa.Column("basis", sa.String(64), nullable=False),
        sa.Column("disputed", sa.Boolean(), nullable=False),
        sa.Column("wrapped_key", sa.LargeBinary(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("relay_id"),
        sa.ForeignKeyConstraint(["report_id"], ["reports.report_id"]),
        sa.ForeignKeyConstraint(["sender"], ["parties.party_id"]),
        sa.UniqueConstraint("own_hash", name=op.f("uq_relays_own_hash")),
        sa.UniqueConstraint("sender", "envelope", name=op.f("uq_relays_sender_envelope")),
    )
    op.create_index(op.f("ix_relays_origin_hash"), "relays", ["origin_hash"], unique=False)
    op.create_index(op.f("ix_relays_content"), "relays", ["content"], unique=False)
    op.create_index(op.f("ix_relays_report_id"), "relays", ["report_id"], unique=False)
    op.create_table(
        "relay_steps",
        sa.Column("relay_id", sa.String(32), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(64), nullable=False),
        sa.Column("at", sa.String(27), nullable=False),
        sa.Column("actor", sa.String(32), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("relay_id", "number"),
        sa.ForeignKeyConstraint(["relay_id"], ["relays.relay_id"]),
    )
    protect(op.get_bind(), "relays", "relay_id")
    protect_through(op.get_bind(), "relay_steps", "relay_id", "relays")
