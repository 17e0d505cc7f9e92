"""A component's matrix as each case keeps it, sealed under the case's key."""

import sqlalchemy as sa
from alembic import op

from clearinghouse.storage.walls import protect

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    op.create_table(
        "bench_matrices",
        sa.Column("case_id", sa.String(32), nullable=False),
        sa.Column("component_term", sa.String(72), nullable=False),
        sa.Column("kept_at", sa.String(27), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("case_id", "component_term"),
    )
    protect(op.get_bind(), "bench_matrices", "case_id")
