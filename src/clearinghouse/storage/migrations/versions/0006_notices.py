"""The outbox of notices, webhooks, what came by mail."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    consumers = op.create_table(
        "outbox_consumers",
        sa.Column("consumer", sa.String(64), nullable=False),
        sa.Column("next_leaf", number, nullable=False),
        sa.Column("at", sa.String(27), nullable=True),
        sa.Column("lease", sa.String(32), nullable=True),
        sa.Column("leased_until", sa.String(27), nullable=True),
        sa.PrimaryKeyConstraint("consumer"),
    )
    op.create_table(
        "outbox_actions",
        sa.Column("event_id", sa.String(32), nullable=False),
        sa.Column("action", sa.String(64), nullable=False),
        sa.Column("state", sa.String(64), nullable=False),
        sa.Column("created_at", sa.String(27), nullable=False),
        sa.Column("due_at", sa.String(27), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("lease", sa.String(32), nullable=True),
        sa.Column("leased_until", sa.String(27), nullable=True),
        sa.Column("done_at", sa.String(27), nullable=True),
        sa.Column("trouble", sa.String(64), nullable=True),
        sa.PrimaryKeyConstraint("event_id", "action"),
    )
    op.create_index(op.f("ix_outbox_actions_state_due_at"), "outbox_actions", ["state", "due_at"], unique=False)
    op.create_table(
        "notices",
        sa.Column("notice_id", sa.String(32), nullable=False),
        sa.Column("event_id", sa.String(32), nullable=False),
        sa.Column("action", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(64), nullable=False),
        sa.Column("party_id", sa.String(32), nullable=False),
        sa.Column("about", sa.String(32), nullable=False),
        sa.Column("channel", sa.String(64), nullable=False),
        sa.Column("target", sa.String(32), nullable=False),
        sa.Column("thread", sa.String(32), nullable=False),
        sa.Column("created_at", sa.String(27), nullable=False),
        sa.Column("due_at", sa.String(27), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(64), nullable=False),
        sa.Column("trouble", sa.String(64), nullable=False),
        sa.Column("sent_at", sa.String(27), nullable=True),
        sa.Column("folded_into", sa.String(32), nullable=True),
        sa.Column("lease", sa.String(32), nullable=True),
        sa.Column("leased_until", sa.String(27), nullable=True),
        sa.Column("reply_hash", sa.String(72), nullable=False),
        sa.Column("wrapped_key", sa.LargeBinary(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("notice_id"),
        sa.ForeignKeyConstraint(["party_id"], ["parties.party_id"]),
        sa.UniqueConstraint("event_id", "action", "party_id", "target", name=op.f("uq_notices_event_id_action_party_id_target")),
    )
    op.create_index(op.f("ix_notices_state_due_at"), "notices", ["state", "due_at"], unique=False)
    op.create_index(op.f("ix_notices_party_id_about"), "notices", ["party_id", "about"], unique=False)
    op.create_index(op.f("ix_notices_folded_into"), "notices", ["folded_into"], unique=False)
    op.create_index(op.f("ix_notices_reply_hash"), "notices", ["reply_hash"], unique=False)
    op.create_table(
        "webhooks",
        sa.Column("hook_id", sa.String(32), nullable=False),
        sa.Column("party_id", sa.String(32), nullable=False),
        sa.Column("created_at", sa.String(27), nullable=False),
        sa.Column("kinds", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("wrapped_key", sa.LargeBinary(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("hook_id"),
        sa.ForeignKeyConstraint(["party_id"], ["parties.party_id"]),
    )
    op.create_index(op.f("ix_webhooks_party_id"), "webhooks", ["party_id"], unique=False)
    op.create_table(
        "received_mail",
        sa.Column("mail_id", sa.String(32), nullable=False),
        sa.Column("received_at", sa.String(27), nullable=False),
        sa.Column("digest", sa.String(72), nullable=False),
        sa.Column("disposition", sa.String(64), nullable=False),
        sa.Column("reason", sa.String(64), nullable=False),
        sa.Column("signature", sa.String(64), nullable=False),
        sa.Column("encrypted", sa.Boolean(), nullable=False),
        sa.Column("party_id", sa.String(32), nullable=True),
        sa.Column("about", sa.String(32), nullable=True),
        sa.Column("became", sa.String(32), nullable=True),
        sa.Column("sender_hash", sa.String(72), nullable=False),
        sa.Column("settled_at", sa.String(27), nullable=True),
        sa.Column("wrapped_key", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_letter", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_original", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("mail_id"),
        sa.UniqueConstraint("digest", name=op.f("uq_received_mail_digest")),
    )
    op.create_index(op.f("ix_received_mail_disposition"), "received_mail", ["disposition"], unique=False)
    op.create_index(op.f("ix_received_mail_sender_hash_received_at"), "received_mail", ["sender_hash", "received_at"], unique=False)
    # What happened before there was a worker was told by other means, if at all: it is not told now.
    op.execute(sa.insert(consumers).from_select(
        ["consumer", "next_leaf"], sa.text("select 'process', coalesce(max(leaf_index) + 1, 0) from events")
        .columns(sa.column("consumer", sa.String), sa.column("next_leaf", number)),
    ))
