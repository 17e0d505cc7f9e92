"""What the workbench needs: reports by their answer without reading every placement."""

from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_index("ix_placements_verdict_number", "placements", ["verdict", "number"])
