"""Charters, and the queue before a vendor."""

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    pass
