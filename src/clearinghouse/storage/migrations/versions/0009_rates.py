"""What bounds how much one sender hands in, and how many sign-ins by passkey it leaves open."""

import sqlalchemy as sa
from alembic import op

from clearinghouse.storage import walls

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.add_column("challenges", sa.Column("source", sa.String(72), nullable=False, server_default=""))
    op.create_index(op.f("ix_submissions_reporter_received_at"), "submissions", ["reporter", "received_at"], unique=False)
    op.create_table(
        "intake_windows",
        sa.Column("source", sa.String(72), nullable=False),
        sa.Column("began_at", sa.String(27), nullable=False),
        sa.Column("submissions", sa.Integer(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("source", "began_at"),
    )
    walls.hide(op.get_bind(), "intake_windows")
