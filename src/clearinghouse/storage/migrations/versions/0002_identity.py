"""Teams, contacts, sign-in, sessions, links, read-ins and break-glass."""

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    pass
