"""Case rooms: cases, participants, threads, documents."""

import sqlalchemy as sa
from alembic import op

from clearinghouse.storage import walls

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "cases",
        sa.Column("case_id", sa.String(32), nullable=False),
        sa.Column("opened_at", sa.String(27), nullable=False),
        sa.Column("opened_by", sa.String(32), nullable=False),
        sa.Column("lead", sa.String(32), nullable=False),
        sa.Column("state", sa.String(64), nullable=False),
        sa.Column("state_at", sa.String(27), nullable=False),
        sa.Column("policy_version", sa.Integer(), nullable=False),
        sa.Column("tlp", sa.String(64), nullable=False),
        sa.Column("expires_at", sa.String(27), nullable=True),
        sa.Column("wrapped_key", sa.LargeBinary(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("case_id"),
    )
    op.create_table(
        "case_decisions",
        sa.Column("number", number, autoincrement=True, nullable=False),
        sa.Column("decision_id", sa.String(32), nullable=False),
        sa.Column("case_id", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(64), nullable=False),
        sa.Column("subject", sa.String(32), nullable=False),
        sa.Column("at", sa.String(27), nullable=False),
        sa.Column("actor", sa.String(32), nullable=False),
        sa.Column("undone_at", sa.String(27), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.case_id"]),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("decision_id", name=op.f("uq_case_decisions_decision_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_case_decisions_case_id_number"), "case_decisions", ["case_id", "number"], unique=False)
    op.create_table(
        "case_handles",
        sa.Column("object_id", sa.String(32), nullable=False),
        sa.Column("case_id", sa.String(32), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("handle", sa.String(32), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.case_id"]),
        sa.PrimaryKeyConstraint("object_id"),
        sa.UniqueConstraint("origin", "handle", name=op.f("uq_case_handles_origin_handle")),
    )
    op.create_index(op.f("ix_case_handles_case_id"), "case_handles", ["case_id"], unique=False)
    op.create_table(
        "case_imports",
        sa.Column("case_id", sa.String(32), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(72), nullable=False),
        sa.Column("imported_at", sa.String(27), nullable=False),
        sa.Column("imported_by", sa.String(32), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.case_id"]),
        sa.PrimaryKeyConstraint("case_id"),
    )
    op.create_table(
        "case_participants",
        sa.Column("case_id", sa.String(32), nullable=False),
        sa.Column("party_id", sa.String(32), nullable=False),
        sa.Column("role", sa.String(64), nullable=False),
        sa.Column("state", sa.String(64), nullable=False),
        sa.Column("tier", sa.Integer(), nullable=False),
        sa.Column("until", sa.String(27), nullable=True),
        sa.Column("report_state", sa.String(64), nullable=False),
        sa.Column("report_state_at", sa.String(27), nullable=False),
        sa.Column("invited_at", sa.String(27), nullable=False),
        sa.Column("invited_by", sa.String(32), nullable=False),
        sa.Column("joined_at", sa.String(27), nullable=True),
        sa.Column("ended_at", sa.String(27), nullable=True),
        sa.Column("unnamed", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.case_id"]),
        sa.ForeignKeyConstraint(["party_id"], ["parties.party_id"]),
        sa.PrimaryKeyConstraint("case_id", "party_id"),
    )
    op.create_index(op.f("ix_case_participants_party_id_state"), "case_participants", ["party_id", "state"], unique=False)
    op.create_table(
        "case_reports",
        sa.Column("case_id", sa.String(32), nullable=False),
        sa.Column("report_id", sa.String(32), nullable=False),
        sa.Column("open_report_id", sa.String(32), nullable=True),
        sa.Column("attached_at", sa.String(27), nullable=False),
        sa.Column("attached_by", sa.String(32), nullable=False),
        sa.Column("reporter", sa.String(32), nullable=False),
        sa.Column("source", sa.String(64), nullable=False),
        sa.Column("digest", sa.String(72), nullable=False),
        sa.Column("received_at", sa.String(27), nullable=False),
        sa.Column("share_with_vendor", sa.Boolean(), nullable=False),
        sa.Column("share_name", sa.Boolean(), nullable=False),
        sa.Column("detached_at", sa.String(27), nullable=True),
        sa.Column("withdrawn_at", sa.String(27), nullable=True),
        sa.Column("tlp", sa.String(64), nullable=False),
        sa.Column("expires_at", sa.String(27), nullable=True),
        sa.Column("sealed_line", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_finding", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.case_id"]),
        sa.PrimaryKeyConstraint("case_id", "report_id"),
        sa.UniqueConstraint("open_report_id", name=op.f("uq_case_reports_open_report_id")),
    )
    op.create_table(
        "threads",
        sa.Column("thread_id", sa.String(32), nullable=False),
        sa.Column("case_id", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(64), nullable=False),
        sa.Column("opened_at", sa.String(27), nullable=False),
        sa.Column("opened_by", sa.String(32), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.case_id"]),
        sa.PrimaryKeyConstraint("thread_id"),
    )
    op.create_index(op.f("ix_threads_case_id"), "threads", ["case_id"], unique=False)
    op.create_table(
        "vulnerabilities",
        sa.Column("vulnerability_id", sa.String(32), nullable=False),
        sa.Column("case_id", sa.String(32), nullable=False),
        sa.Column("added_at", sa.String(27), nullable=False),
        sa.Column("added_by", sa.String(32), nullable=False),
        sa.Column("removed_at", sa.String(27), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.case_id"]),
        sa.PrimaryKeyConstraint("vulnerability_id"),
    )
    op.create_index(op.f("ix_vulnerabilities_case_id"), "vulnerabilities", ["case_id"], unique=False)
    op.create_table(
        "documents",
        sa.Column("document_id", sa.String(32), nullable=False),
        sa.Column("case_id", sa.String(32), nullable=False),
        sa.Column("thread_id", sa.String(32), nullable=True),
        sa.Column("kind", sa.String(64), nullable=False),
        sa.Column("size_bytes", number, nullable=False),
        sa.Column("digest", sa.String(72), nullable=False),
        sa.Column("added_at", sa.String(27), nullable=False),
        sa.Column("added_by", sa.String(32), nullable=False),
        sa.Column("withdrawn_at", sa.String(27), nullable=True),
        sa.Column("tlp", sa.String(64), nullable=False),
        sa.Column("expires_at", sa.String(27), nullable=True),
        sa.Column("sealed_line", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.case_id"]),
        sa.ForeignKeyConstraint(["thread_id"], ["threads.thread_id"]),
        sa.PrimaryKeyConstraint("document_id"),
    )
    op.create_index(op.f("ix_documents_case_id"), "documents", ["case_id"], unique=False)
    op.create_table(
        "messages",
        sa.Column("number", number, autoincrement=True, nullable=False),
        sa.Column("message_id", sa.String(32), nullable=False),
        sa.Column("thread_id", sa.String(32), nullable=False),
        sa.Column("author", sa.String(32), nullable=False),
        sa.Column("at", sa.String(27), nullable=False),
        sa.Column("in_reply_to", sa.String(32), nullable=True),
        sa.Column("via", sa.String(64), nullable=False),
        sa.Column("tlp", sa.String(64), nullable=False),
        sa.Column("expires_at", sa.String(27), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["thread_id"], ["threads.thread_id"]),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("message_id", name=op.f("uq_messages_message_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_messages_thread_id_number"), "messages", ["thread_id", "number"], unique=False)
    op.create_table(
        "thread_members",
        sa.Column("thread_id", sa.String(32), nullable=False),
        sa.Column("party_id", sa.String(32), nullable=False),
        sa.Column("added_at", sa.String(27), nullable=False),
        sa.Column("removed_at", sa.String(27), nullable=True),
        sa.ForeignKeyConstraint(["thread_id"], ["threads.thread_id"]),
        sa.PrimaryKeyConstraint("thread_id", "party_id"),
    )
    op.create_table(
        "thread_reads",
        sa.Column("thread_id", sa.String(32), nullable=False),
        sa.Column("party_id", sa.String(32), nullable=False),
        sa.Column("number", number, nullable=False),
        sa.Column("read_at", sa.String(27), nullable=False),
        sa.ForeignKeyConstraint(["thread_id"], ["threads.thread_id"]),
        sa.PrimaryKeyConstraint("thread_id", "party_id"),
    )
    op.create_table(
        "vendor_statements",
        sa.Column("statement_id", sa.String(32), nullable=False),
        sa.Column("case_id", sa.String(32), nullable=False),
        sa.Column("vulnerability_id", sa.String(32), nullable=False),
        sa.Column("party_id", sa.String(32), nullable=False),
        sa.Column("status", sa.String(64), nullable=False),
        sa.Column("said_at", sa.String(27), nullable=False),
        sa.Column("said_by", sa.String(32), nullable=False),
        sa.Column("newest", sa.Boolean(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.case_id"]),
        sa.ForeignKeyConstraint(["vulnerability_id"], ["vulnerabilities.vulnerability_id"]),
        sa.PrimaryKeyConstraint("statement_id"),
    )
    op.create_index(op.f("ix_vendor_statements_case_id_newest"), "vendor_statements", ["case_id", "newest"], unique=False)
    op.create_table(
        "vulnerability_reports",
        sa.Column("vulnerability_id", sa.String(32), nullable=False),
        sa.Column("report_id", sa.String(32), nullable=False),
        sa.ForeignKeyConstraint(["vulnerability_id"], ["vulnerabilities.vulnerability_id"]),
        sa.PrimaryKeyConstraint("vulnerability_id", "report_id"),
    )
    op.create_table(
        "document_bodies",
        sa.Column("document_id", sa.String(32), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["document_id"], ["documents.document_id"]),
        sa.PrimaryKeyConstraint("document_id"),
    )
    walls.protect(op.get_bind(), "cases", "case_id", tier_min=0)
    for table in ("vulnerabilities", "vendor_statements"):
        walls.protect(op.get_bind(), table, "case_id", tier_min=1)
    for table in ("case_decisions", "case_imports", "case_reports", "threads", "documents"):
        walls.protect(op.get_bind(), table, "case_id")
    walls.protect_through(op.get_bind(), "messages", "thread_id", "threads")
    walls.protect_through(op.get_bind(), "document_bodies", "document_id", "documents")
