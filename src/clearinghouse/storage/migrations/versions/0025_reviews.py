"""Reviews of models: engagements, windows whose hours the database counts, signed documents, people's words, partners."""

import sqlalchemy as sa
from alembic import op

from clearinghouse.storage.walls import protect

revision = "0025"
down_revision = "0024"

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_WALLED = (
    "reviews", "review_participants", "review_windows", "review_documents", "review_signatures", "review_entries", "review_looks",
    "review_partners", "review_votes", "review_analyses",
)


def upgrade() -> None:
    op.create_table(
        "reviews",
        sa.Column("review_id", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(64), nullable=False),
        sa.Column("state", sa.String(64), nullable=False),
        sa.Column("state_at", sa.String(27), nullable=False),
        sa.Column("opened_at", sa.String(27), nullable=False),
        sa.Column("opened_by", sa.String(32), nullable=False),
        sa.Column("developer", sa.String(32), nullable=False),
        sa.Column("desk", sa.String(32), nullable=False),
        sa.Column("policy_version", sa.Integer(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("partner_release_at", sa.String(27), nullable=True),
        sa.Column("concerns", sa.String(32), nullable=True),
        sa.Column("version_key", sa.String(72), nullable=False),
        sa.Column("wrapped_key", sa.LargeBinary(), nullable=False),
        sa.Column("wrapped_materials_key", sa.LargeBinary(), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("review_id"),
    )
    op.create_index(op.f("ix_reviews_state"), "reviews", ["state"])
    op.create_index(op.f("ix_reviews_version_key"), "reviews", ["version_key"])
    op.create_table(
        "review_participants",
        sa.Column("review_id", sa.String(32), nullable=False),
        sa.Column("party_id", sa.String(32), nullable=False),
        sa.Column("part", sa.String(64), nullable=False),
        sa.Column("since", sa.String(27), nullable=False),
        sa.Column("until", sa.String(27), nullable=True),
        sa.Column("recused_at", sa.String(27), nullable=True),
        sa.ForeignKeyConstraint(["review_id"], ["reviews.review_id"]),
        sa.PrimaryKeyConstraint("review_id", "party_id", "part"),
    )
    op.create_index(op.f("ix_review_participants_party_id"), "review_participants", ["party_id"])
    op.create_table(
        "review_windows",
        sa.Column("window_id", sa.String(32), nullable=False),
        sa.Column("review_id", sa.String(32), nullable=False),
        sa.Column("version_key", sa.String(72), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("starts_us", _NUMBER, nullable=False),
        sa.Column("ends_us", _NUMBER, nullable=False),
        sa.Column("used_before_us", _NUMBER, nullable=False),
        sa.Column("partner_us", _NUMBER, nullable=True),
        sa.Column("ended_us", _NUMBER, nullable=True),
        sa.Column("ended_by", sa.String(64), nullable=False),
        sa.CheckConstraint("ended_us IS NULL OR (ended_us >= starts_us AND ended_us <= ends_us)", name="ck_review_windows_ended"),
        sa.CheckConstraint("partner_us IS NULL OR ends_us <= partner_us", name="ck_review_windows_partner"),
        sa.CheckConstraint("starts_us < ends_us", name="ck_review_windows_forward"),
        sa.CheckConstraint("used_before_us >= 0 AND used_before_us + ends_us - starts_us <= 2592000000000", name="ck_review_windows_hours"),
        sa.ForeignKeyConstraint(["review_id"], ["reviews.review_id"]),
        sa.PrimaryKeyConstraint("window_id"),
        sa.UniqueConstraint("version_key", "ordinal", name=op.f("uq_review_windows_version_key_ordinal")),
    )
    op.create_index(op.f("ix_review_windows_review_id"), "review_windows", ["review_id"])
    op.create_table(
        "review_documents",
        sa.Column("document_id", sa.String(32), nullable=False),
        sa.Column("review_id", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(64), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(72), nullable=False),
        sa.Column("made_at", sa.String(27), nullable=False),
        sa.Column("made_by", sa.String(32), nullable=False),
        sa.Column("supersedes", sa.String(32), nullable=True),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["review_id"], ["reviews.review_id"]),
        sa.PrimaryKeyConstraint("document_id"),
    )
    op.create_index(op.f("ix_review_documents_review_id_kind"), "review_documents", ["review_id", "kind"])
    op.create_table(
        "review_signatures",
        sa.Column("document_id", sa.String(32), nullable=False),
        sa.Column("party_id", sa.String(32), nullable=False),
        sa.Column("review_id", sa.String(32), nullable=False),
        sa.Column("side", sa.String(64), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.String(27), nullable=False),
        sa.ForeignKeyConstraint(["document_id"], ["review_documents.document_id"]),
        sa.PrimaryKeyConstraint("document_id", "party_id"),
        sa.UniqueConstraint("document_id", "public_key", name=op.f("uq_review_signatures_document_id_public_key")),
    )
    op.create_table(
        "review_keys",
        sa.Column("party_id", sa.String(32), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("registered_at", sa.String(27), nullable=False),
        sa.PrimaryKeyConstraint("party_id"),
        sa.UniqueConstraint("public_key", name=op.f("uq_review_keys_public_key")),
    )
    op.create_table(
        "review_entries",
        sa.Column("entry_id", sa.String(32), nullable=False),
        sa.Column("review_id", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(64), nullable=False),
        sa.Column("at", sa.String(27), nullable=False),
        sa.Column("by", sa.String(32), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("subject", sa.String(32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["review_id"], ["reviews.review_id"]),
        sa.PrimaryKeyConstraint("entry_id"),
    )
    op.create_index(op.f("ix_review_entries_review_id_at"), "review_entries", ["review_id", "at"])
    op.create_table(
        "review_looks",
        sa.Column("look_id", sa.String(32), nullable=False),
        sa.Column("review_id", sa.String(32), nullable=False),
        sa.Column("at", sa.String(27), nullable=False),
        sa.Column("digest", sa.String(72), nullable=False),
        sa.Column("outcome", sa.String(64), nullable=False),
        sa.Column("how", sa.String(64), nullable=False),
        sa.ForeignKeyConstraint(["review_id"], ["reviews.review_id"]),
        sa.PrimaryKeyConstraint("look_id"),
    )
    op.create_index(op.f("ix_review_looks_review_id_at"), "review_looks", ["review_id", "at"])
    op.create_table(
        "review_partners",
        sa.Column("partner_id", sa.String(32), nullable=False),
        sa.Column("review_id", sa.String(32), nullable=False),
        sa.Column("proposed_at", sa.String(27), nullable=False),
        sa.Column("proposed_by", sa.String(32), nullable=False),
        sa.Column("state", sa.String(64), nullable=False),
        sa.Column("state_at", sa.String(27), nullable=False),
        sa.Column("tokens_max", _NUMBER, nullable=False),
        sa.Column("ends_at", sa.String(27), nullable=False),
        sa.Column("party_id", sa.String(32), nullable=True),
        sa.Column("small_operator", sa.Boolean(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["review_id"], ["reviews.review_id"]),
        sa.PrimaryKeyConstraint("partner_id"),
    )
    op.create_index(op.f("ix_review_partners_review_id"), "review_partners", ["review_id"])
    op.create_table(
        "review_votes",
        sa.Column("vote_id", sa.String(32), nullable=False),
        sa.Column("partner_id", sa.String(32), nullable=False),
        sa.Column("review_id", sa.String(32), nullable=False),
        sa.Column("side", sa.String(64), nullable=False),
        sa.Column("by", sa.String(32), nullable=False),
        sa.Column("at", sa.String(27), nullable=False),
        sa.Column("vote", sa.String(64), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["partner_id"], ["review_partners.partner_id"]),
        sa.PrimaryKeyConstraint("vote_id"),
    )
    op.create_index(op.f("ix_review_votes_partner_id"), "review_votes", ["partner_id"])
    op.create_table(
        "review_analyses",
        sa.Column("review_id", sa.String(32), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(72), nullable=False),
        sa.Column("plan_digest", sa.String(72), nullable=False),
        sa.Column("made_at", sa.String(27), nullable=False),
        sa.Column("made_by", sa.String(32), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["review_id"], ["reviews.review_id"]),
        sa.PrimaryKeyConstraint("review_id", "round"),
    )
    for table in _WALLED:
        protect(op.get_bind(), table, "review_id")
