"""Teams, contacts, sign-in, sessions, links, read-ins and break-glass."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    for column in (
        sa.Column("tier", sa.Integer()), sa.Column("given_by", sa.String(32)), sa.Column("given_at", sa.String(27)),
        sa.Column("revoked_at", sa.String(27)), sa.Column("wrapped_key", sa.LargeBinary()),
        sa.Column("sealed_reason", sa.LargeBinary()), sa.Column("sealed_revocation", sa.LargeBinary()),
    ):
        op.add_column("read_grants", column)
    op.create_table(
        "memberships",
        sa.Column("team_id", sa.String(32), nullable=False),
        sa.Column("member_id", sa.String(32), nullable=False),
        sa.Column("since", sa.String(27), nullable=False),
        sa.Column("until", sa.String(27), nullable=True),
        sa.ForeignKeyConstraint(["team_id"], ["parties.party_id"]),
        sa.ForeignKeyConstraint(["member_id"], ["parties.party_id"]),
        sa.PrimaryKeyConstraint("team_id", "member_id", "since"),
    )
    op.create_index(op.f("ix_memberships_member_id"), "memberships", ["member_id"], unique=False)
    op.create_table(
        "contacts",
        sa.Column("contact_id", sa.String(32), nullable=False),
        sa.Column("party_id", sa.String(32), nullable=False),
        sa.Column("lookup", sa.String(72), nullable=False),
        sa.Column("wrapped_key", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_address", sa.LargeBinary(), nullable=False),
        sa.Column("added_at", sa.String(27), nullable=False),
        sa.Column("verified_at", sa.String(27), nullable=True),
        sa.Column("removed_at", sa.String(27), nullable=True),
        sa.ForeignKeyConstraint(["party_id"], ["parties.party_id"]),
        sa.PrimaryKeyConstraint("contact_id"),
    )
    op.create_index(op.f("ix_contacts_lookup"), "contacts", ["lookup"], unique=False)
    op.create_index(op.f("ix_contacts_party_id"), "contacts", ["party_id"], unique=False)
    op.create_table(
        "glass_requests",
        sa.Column("glass_id", sa.String(32), nullable=False),
        sa.Column("object_id", sa.String(32), nullable=False),
        sa.Column("asked_by", sa.String(32), nullable=False),
        sa.Column("asked_session", sa.String(32), nullable=True),
        sa.Column("asked_at", sa.String(27), nullable=False),
        sa.Column("lapses_at", sa.String(27), nullable=False),
        sa.Column("wrapped_key", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_reason", sa.LargeBinary(), nullable=False),
        sa.Column("confirmed_by", sa.String(32), nullable=True),
        sa.Column("confirmed_at", sa.String(27), nullable=True),
        sa.ForeignKeyConstraint(["asked_by"], ["parties.party_id"]),
        sa.ForeignKeyConstraint(["confirmed_by"], ["parties.party_id"]),
        sa.PrimaryKeyConstraint("glass_id"),
    )
    op.create_index(op.f("ix_glass_requests_object_id"), "glass_requests", ["object_id"], unique=False)
