"""The second wall around what was without one: grants, decisions, queues of vendors, notices, mail, webhooks, claims, participants."""

from alembic import op

from clearinghouse.storage import walls

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    connection = op.get_bind()
    walls.protect_own(connection, "read_grants", "party_id")
    walls.protect_numbered(connection, "decisions", "numbers")
    # Who reads a case at all, by a grant to see that it exists, meets those who are in it; who is asked in meets itself.
    walls.protect(connection, "case_participants", "case_id", tier_min=0)
    walls.protect_own(connection, "capacity_reports", "finder", about="report_id")
    walls.protect_own(connection, "capacity_items", "vendor", about="object_id")
    walls.protect_own(connection, "deliveries", "vendor", about="object_id")
    walls.protect_through(connection, "capacity_overrides", "item_id", "capacity_items")
    walls.protect_through(connection, "capacity_words", "item_id", "capacity_items")
    walls.protect_own(connection, "charter_claims", "party_id")
    walls.protect_own(connection, "notices", "party_id")
    walls.protect_own(connection, "webhooks", "party_id")
    walls.protect(connection, "received_mail", "mail_id")
