"""The outbox of notices, webhooks, what came by mail."""

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    pass
