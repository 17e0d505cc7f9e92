"""Teams, contacts, sign-in, sessions, links, read-ins and break-glass."""

import sqlalchemy as sa
from alembic import op

from clearinghouse.storage import walls

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
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
    op.create_table(
        "sessions",
        sa.Column("session_id", sa.String(32), nullable=False),
        sa.Column("party_id", sa.String(32), nullable=False),
        sa.Column("secret_hash", sa.String(72), nullable=False),
        sa.Column("method", sa.String(64), nullable=False),
        sa.Column("started_at", sa.String(27), nullable=False),
        sa.Column("last_seen_at", sa.String(27), nullable=False),
        sa.Column("expires_at", sa.String(27), nullable=False),
        sa.Column("user_agent", sa.Text(), nullable=False),
        sa.Column("ended_at", sa.String(27), nullable=True),
        sa.ForeignKeyConstraint(["party_id"], ["parties.party_id"]),
        sa.PrimaryKeyConstraint("session_id"),
    )
    op.create_index(op.f("ix_sessions_party_id"), "sessions", ["party_id"], unique=False)
    op.create_table(
        "sign_in_attempts",
        sa.Column("key", sa.String(72), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("last_at", sa.String(27), nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_index(op.f("ix_sign_in_attempts_last_at"), "sign_in_attempts", ["last_at"], unique=False)
    op.create_table(
        "known_sources",
        sa.Column("party_id", sa.String(32), nullable=False),
        sa.Column("source", sa.String(72), nullable=False),
        sa.Column("last_at", sa.String(27), nullable=False),
        sa.ForeignKeyConstraint(["party_id"], ["parties.party_id"]),
        sa.PrimaryKeyConstraint("party_id", "source"),
    )
    op.create_table(
        "passwords",
        sa.Column("party_id", sa.String(32), nullable=False),
        sa.Column("hashed", sa.Text(), nullable=False),
        sa.Column("wrapped_key", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_totp", sa.LargeBinary(), nullable=False),
        sa.Column("totp_step", number, nullable=False),
        sa.Column("set_at", sa.String(27), nullable=False),
        sa.ForeignKeyConstraint(["party_id"], ["parties.party_id"]),
        sa.PrimaryKeyConstraint("party_id"),
    )
    op.create_table(
        "recovery_codes",
        sa.Column("code_hash", sa.String(72), nullable=False),
        sa.Column("party_id", sa.String(32), nullable=False),
        sa.Column("used_at", sa.String(27), nullable=True),
        sa.ForeignKeyConstraint(["party_id"], ["parties.party_id"]),
        sa.PrimaryKeyConstraint("code_hash"),
    )
    op.create_index(op.f("ix_recovery_codes_party_id"), "recovery_codes", ["party_id"], unique=False)
    op.create_table(
        "passkeys",
        sa.Column("passkey_key", sa.String(72), nullable=False),
        sa.Column("party_id", sa.String(32), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("credential_id", sa.LargeBinary(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("sign_count", number, nullable=False),
        sa.Column("added_at", sa.String(27), nullable=False),
        sa.Column("used_at", sa.String(27), nullable=True),
        sa.ForeignKeyConstraint(["party_id"], ["parties.party_id"]),
        sa.PrimaryKeyConstraint("passkey_key"),
    )
    op.create_index(op.f("ix_passkeys_party_id"), "passkeys", ["party_id"], unique=False)
    op.create_table(
        "accounts",
        sa.Column("issuer", sa.String(255), nullable=False),
        sa.Column("subject", sa.String(255), nullable=False),
        sa.Column("party_id", sa.String(32), nullable=False),
        sa.Column("linked_at", sa.String(27), nullable=False),
        sa.ForeignKeyConstraint(["party_id"], ["parties.party_id"]),
        sa.PrimaryKeyConstraint("issuer", "subject"),
    )
    op.create_index(op.f("ix_accounts_party_id"), "accounts", ["party_id"], unique=False)
    op.create_table(
        "challenges",
        sa.Column("challenge_id", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(64), nullable=False),
        sa.Column("wrapped_key", sa.LargeBinary(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", sa.String(27), nullable=False),
        sa.PrimaryKeyConstraint("challenge_id"),
    )
    op.create_index(op.f("ix_challenges_expires_at"), "challenges", ["expires_at"], unique=False)
    op.create_table(
        "links",
        sa.Column("link_id", sa.String(32), nullable=False),
        sa.Column("party_id", sa.String(32), nullable=False),
        sa.Column("object_id", sa.String(32), nullable=False),
        sa.Column("purpose", sa.String(64), nullable=False),
        sa.Column("once", sa.Boolean(), nullable=False),
        sa.Column("secret_hash", sa.String(72), nullable=False),
        sa.Column("made_by", sa.String(32), nullable=False),
        sa.Column("made_at", sa.String(27), nullable=False),
        sa.Column("expires_at", sa.String(27), nullable=False),
        sa.Column("used_at", sa.String(27), nullable=True),
        sa.Column("revoked_at", sa.String(27), nullable=True),
        sa.ForeignKeyConstraint(["party_id"], ["parties.party_id"]),
        sa.ForeignKeyConstraint(["made_by"], ["parties.party_id"]),
        sa.PrimaryKeyConstraint("link_id"),
    )
    op.create_index(op.f("ix_links_object_id"), "links", ["object_id"], unique=False)
    op.create_index(op.f("ix_links_party_id"), "links", ["party_id"], unique=False)
    op.create_table(
        "receipts",
        sa.Column("code_hash", sa.String(72), nullable=False),
        sa.Column("party_id", sa.String(32), nullable=False),
        sa.Column("made_at", sa.String(27), nullable=False),
        sa.Column("expires_at", sa.String(27), nullable=False),
        sa.ForeignKeyConstraint(["party_id"], ["parties.party_id"]),
        sa.PrimaryKeyConstraint("code_hash"),
        sa.UniqueConstraint("party_id", name=op.f("uq_receipts_party_id")),
    )
    op.create_table(
        "invitations",
        sa.Column("invitation_id", sa.String(32), nullable=False),
        sa.Column("secret_hash", sa.String(72), nullable=False),
        sa.Column("roles", sa.Text(), nullable=False),
        sa.Column("organisation_id", sa.String(32), nullable=True),
        sa.Column("mailed", sa.Boolean(), nullable=False),
        sa.Column("wrapped_key", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_address", sa.LargeBinary(), nullable=False),
        sa.Column("made_by", sa.String(32), nullable=False),
        sa.Column("made_at", sa.String(27), nullable=False),
        sa.Column("expires_at", sa.String(27), nullable=False),
        sa.Column("used_at", sa.String(27), nullable=True),
        sa.Column("used_by", sa.String(32), nullable=True),
        sa.Column("revoked_at", sa.String(27), nullable=True),
        sa.ForeignKeyConstraint(["organisation_id"], ["parties.party_id"]),
        sa.ForeignKeyConstraint(["made_by"], ["parties.party_id"]),
        sa.ForeignKeyConstraint(["used_by"], ["parties.party_id"]),
        sa.PrimaryKeyConstraint("invitation_id"),
    )
    for table in ("submissions", "original_parts", "submission_items"):
        walls.protect(op.get_bind(), table, "submission_id")
    walls.protect(op.get_bind(), "reports", "submission_id", "report_id")
    walls.hide(
        op.get_bind(), "tokens", "contacts", "sessions", "sign_in_attempts", "known_sources", "passwords", "recovery_codes",
        "passkeys", "accounts", "challenges", "links", "receipts", "invitations", "glass_requests",
    )
