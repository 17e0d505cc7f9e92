"""Parties, ledger, intake and deconfliction: the first schema."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "checkpoints",
        sa.Column("size", number, autoincrement=False, nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("at", sa.String(27), nullable=False),
        sa.PrimaryKeyConstraint("size"),
    )
    op.create_table(
        "decisions",
        sa.Column("decision_id", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(64), nullable=False),
        sa.Column("actor", sa.String(32), nullable=False),
        sa.Column("at", sa.String(27), nullable=False),
        sa.Column("numbers", sa.LargeBinary(), nullable=False),
        sa.Column("wrapped_key", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_reason", sa.LargeBinary(), nullable=False),
        sa.Column("undone_at", sa.String(27), nullable=True),
        sa.Column("undone_by", sa.String(32), nullable=True),
        sa.PrimaryKeyConstraint("decision_id"),
    )
    op.create_table(
        "events",
        sa.Column("number", number, autoincrement=True, nullable=False),
        sa.Column("event_id", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(64), nullable=False),
        sa.Column("at", sa.String(27), nullable=False),
        sa.Column("actor", sa.String(32), nullable=False),
        sa.Column("subject", sa.String(32), nullable=False),
        sa.Column("subjects", sa.Text(), nullable=False),
        sa.Column("details", sa.Text(), nullable=True),
        sa.Column("nonce", sa.LargeBinary(), nullable=True),
        sa.Column("commitment", sa.LargeBinary(), nullable=False),
        sa.Column("leaf_index", number, nullable=True),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("event_id", name=op.f("uq_events_event_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_events_leaf_index"), "events", ["leaf_index"], unique=False)
    op.create_index(op.f("ix_events_subject"), "events", ["subject"], unique=False)
    op.create_table(
        "index_postings",
        sa.Column("term", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("segment", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("numbers", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("term", "segment"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "index_segments",
        sa.Column("segment", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("records", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("segment"),
    )
    op.create_table(
        "ledger_tiles",
        sa.Column("level", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", number, autoincrement=False, nullable=False),
        sa.Column("hashes", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("level", "number"),
    )
    op.create_table(
        "parties",
        sa.Column("party_id", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(64), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("organisation_id", sa.String(32), nullable=True),
        sa.Column("created_at", sa.String(27), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["parties.party_id"],
        ),
        sa.PrimaryKeyConstraint("party_id"),
    )
    op.create_table(
        "placements",
        sa.Column("number", number, autoincrement=False, nullable=False),
        sa.Column("cluster", number, nullable=False),
        sa.Column("verdict", sa.String(64), nullable=False),
        sa.Column("probability", sa.Float(), nullable=False),
        sa.Column("settled", sa.Boolean(), nullable=False),
        sa.Column("candidates", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_index(op.f("ix_placements_cluster"), "placements", ["cluster"], unique=False)
    op.create_table(
        "policies",
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("in_force_at", sa.String(27), nullable=False),
        sa.PrimaryKeyConstraint("version"),
    )
    op.create_table(
        "report_signatures",
        sa.Column("number", number, autoincrement=False, nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.Column("standing", sa.LargeBinary(), nullable=True),
        sa.Column("locus", sa.LargeBinary(), nullable=True),
        sa.Column("segment", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_index(op.f("ix_report_signatures_segment"), "report_signatures", ["segment"], unique=False)
    op.create_table(
        "settlements",
        sa.Column("settlement", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("at", sa.String(27), nullable=False),
        sa.Column("records", sa.Integer(), nullable=False),
        sa.Column("model", sa.String(72), nullable=False),
        sa.Column("graph", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("settlement"),
    )
    op.create_table(
        "read_grants",
        sa.Column("object_id", sa.String(32), nullable=False),
        sa.Column("party_id", sa.String(32), nullable=False),
        sa.Column("basis", sa.String(64), nullable=False),
        sa.Column("until", sa.String(27), nullable=True),
        sa.ForeignKeyConstraint(
            ["party_id"],
            ["parties.party_id"],
        ),
        sa.PrimaryKeyConstraint("object_id", "party_id", "basis"),
    )
    op.create_index(op.f("ix_read_grants_party_id"), "read_grants", ["party_id"], unique=False)
    op.create_table(
        "roles",
        sa.Column("party_id", sa.String(32), nullable=False),
        sa.Column("role", sa.String(64), nullable=False),
        sa.Column("granted_at", sa.String(27), nullable=False),
        sa.ForeignKeyConstraint(
            ["party_id"],
            ["parties.party_id"],
        ),
        sa.PrimaryKeyConstraint("party_id", "role"),
    )
    op.create_table(
        "submissions",
        sa.Column("submission_id", sa.String(32), nullable=False),
        sa.Column("received_at", sa.String(27), nullable=False),
        sa.Column("reporter", sa.String(32), nullable=False),
        sa.Column("idempotency_key", sa.String(72), nullable=False),
        sa.Column("digest", sa.String(72), nullable=False),
        sa.Column("size_bytes", number, nullable=False),
        sa.Column("source", sa.String(64), nullable=False),
        sa.Column("items_done", sa.Integer(), nullable=False),
        sa.Column("finished", sa.Boolean(), nullable=False),
        sa.Column("wrapped_key", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_name", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_cover", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_notes", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(
            ["reporter"],
            ["parties.party_id"],
        ),
        sa.PrimaryKeyConstraint("submission_id"),
        sa.UniqueConstraint("reporter", "idempotency_key", name=op.f("uq_submissions_reporter_idempotency_key")),
    )
    op.create_table(
        "tokens",
        sa.Column("token_id", sa.String(32), nullable=False),
        sa.Column("party_id", sa.String(32), nullable=False),
        sa.Column("secret_hash", sa.String(72), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("created_at", sa.String(27), nullable=False),
        sa.Column("expires_at", sa.String(27), nullable=False),
        sa.Column("revoked_at", sa.String(27), nullable=True),
        sa.ForeignKeyConstraint(
            ["party_id"],
            ["parties.party_id"],
        ),
        sa.PrimaryKeyConstraint("token_id"),
    )
    op.create_table(
        "original_parts",
        sa.Column("submission_id", sa.String(32), nullable=False),
        sa.Column("part", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["submission_id"],
            ["submissions.submission_id"],
        ),
        sa.PrimaryKeyConstraint("submission_id", "part"),
    )
    op.create_table(
        "reports",
        sa.Column("number", number, autoincrement=True, nullable=False),
        sa.Column("report_id", sa.String(32), nullable=False),
        sa.Column("submission_id", sa.String(32), nullable=False),
        sa.Column("received_at", sa.String(27), nullable=False),
        sa.Column("reporter", sa.String(32), nullable=False),
        sa.Column("source", sa.String(64), nullable=False),
        sa.Column("parser_version", sa.String(64), nullable=False),
        sa.Column("digest", sa.String(72), nullable=False),
        sa.Column("public", sa.Boolean(), nullable=False),
        sa.Column("wrapped_key", sa.LargeBinary(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["submission_id"],
            ["submissions.submission_id"],
        ),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("report_id", name=op.f("uq_reports_report_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_reports_digest"), "reports", ["digest"], unique=False)
    op.create_index(op.f("ix_reports_submission_id"), "reports", ["submission_id"], unique=False)
    op.create_table(
        "submission_items",
        sa.Column("submission_id", sa.String(32), nullable=False),
        sa.Column("item", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("outcome", sa.String(64), nullable=False),
        sa.Column("report_id", sa.String(32), nullable=True),
        sa.Column("earlier", sa.Boolean(), nullable=False),
        sa.Column("sealed_notes", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(
            ["submission_id"],
            ["submissions.submission_id"],
        ),
        sa.PrimaryKeyConstraint("submission_id", "item"),
    )
