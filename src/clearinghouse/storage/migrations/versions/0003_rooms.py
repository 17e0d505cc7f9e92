"""Case rooms: cases, participants, threads, documents."""

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    pass
