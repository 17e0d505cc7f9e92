"""The tables of reviews. Texts are sealed under keys of the review; instants of windows are microseconds, so that the database itself can count."""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    UniqueConstraint,
    func,
    select,
)
from sqlalchemy.sql.elements import ColumnElement

from clearinghouse.evaluation.review.rules import HOURS_CEILING
from clearinghouse.storage.schema import Digest, Id, Instant, Number, Word, metadata

CEILING_MICROSECONDS = HOURS_CEILING * 3600 * 1_000_000

reviews = Table(
    "reviews", metadata,
    Column("review_id", Id, primary_key=True),
    Column("kind", Word, nullable=False),
    Column("state", Word, nullable=False),
    Column("state_at", Instant, nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("opened_by", Id, nullable=False),
    Column("developer", Id, nullable=False),
    Column("desk", Id, nullable=False),
    Column("policy_version", Integer, nullable=False),
    Column("round", Integer, nullable=False),
    Column("partner_release_at", Instant),
    Column("concerns", Id),
    Column("version_key", Digest, nullable=False),
    Column("wrapped_key", LargeBinary, nullable=False),
    Column("wrapped_materials_key", LargeBinary),  # NULL: the materials were destroyed
    Column("sealed", LargeBinary, nullable=False),
    Index(None, "state"),
    Index(None, "version_key"),
)
review_participants = Table(
    "review_participants", metadata,
    Column("review_id", Id, ForeignKey("reviews.review_id"), primary_key=True),
    Column("party_id", Id, primary_key=True),
    Column("part", Word, primary_key=True),
    Column("since", Instant, nullable=False),
    Column("until", Instant),
    Column("recused_at", Instant),
    Index(None, "party_id"),
)
review_windows = Table(
    "review_windows", metadata,
    Column("window_id", Id, primary_key=True),
    Column("review_id", Id, ForeignKey("reviews.review_id"), nullable=False),
    Column("version_key", Digest, nullable=False),
    Column("ordinal", Integer, nullable=False),
    Column("starts_us", Number, nullable=False),
    Column("ends_us", Number, nullable=False),
    Column("used_before_us", Number, nullable=False),
    Column("partner_us", Number),
    Column("ended_us", Number),
    Column("ended_by", Word, nullable=False),
    # Two who open at once reckon with the same hours before them; one of them has to reckon again.
    UniqueConstraint("version_key", "ordinal"),
    CheckConstraint("starts_us < ends_us", name="ck_review_windows_forward"),
    CheckConstraint(f"used_before_us >= 0 AND used_before_us + ends_us - starts_us <= {CEILING_MICROSECONDS}", name="ck_review_windows_hours"),
    CheckConstraint("partner_us IS NULL OR ends_us <= partner_us", name="ck_review_windows_partner"),
    CheckConstraint("ended_us IS NULL OR (ended_us >= starts_us AND ended_us <= ends_us)", name="ck_review_windows_ended"),
    Index(None, "review_id"),
)
review_documents = Table(
    "review_documents", metadata,
    Column("document_id", Id, primary_key=True),
    Column("review_id", Id, ForeignKey("reviews.review_id"), nullable=False),
    Column("kind", Word, nullable=False),
    Column("round", Integer, nullable=False),
    Column("digest", Digest, nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("made_by", Id, nullable=False),
    Column("supersedes", Id),
    Column("number", Integer, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Index(None, "review_id", "kind"),
)
review_signatures = Table(
    "review_signatures", metadata,
    Column("document_id", Id, ForeignKey("review_documents.document_id"), primary_key=True),
    Column("party_id", Id, primary_key=True),  # one person signs once
    Column("review_id", Id, nullable=False),
    Column("side", Word, nullable=False),
    Column("public_key", LargeBinary, nullable=False),
    Column("signature", LargeBinary, nullable=False),
    Column("at", Instant, nullable=False),
    UniqueConstraint("document_id", "public_key"),  # and two persons do not share a key
)
review_keys = Table(
    "review_keys", metadata,
    Column("party_id", Id, primary_key=True),
    Column("public_key", LargeBinary, nullable=False, unique=True),
    Column("registered_at", Instant, nullable=False),
)
review_entries = Table(
    "review_entries", metadata,
    Column("entry_id", Id, primary_key=True),
    Column("review_id", Id, ForeignKey("reviews.review_id"), nullable=False),
    Column("kind", Word, nullable=False),
    Column("at", Instant, nullable=False),
    Column("by", Id, nullable=False),
    Column("round", Integer, nullable=False),
    Column("subject", Id, nullable=False),
    Column("number", Integer, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Index(None, "review_id", "at"),
)
review_looks = Table(
    "review_looks", metadata,
    Column("look_id", Id, primary_key=True),
    Column("review_id", Id, ForeignKey("reviews.review_id"), nullable=False),
    Column("at", Instant, nullable=False),
    Column("digest", Digest, nullable=False),
    Column("outcome", Word, nullable=False),
    Column("how", Word, nullable=False),
    Index(None, "review_id", "at"),
)
review_partners = Table(
    "review_partners", metadata,
    Column("partner_id", Id, primary_key=True),
    Column("review_id", Id, ForeignKey("reviews.review_id"), nullable=False),
    Column("proposed_at", Instant, nullable=False),
    Column("proposed_by", Id, nullable=False),
    Column("state", Word, nullable=False),
    Column("state_at", Instant, nullable=False),
    Column("tokens_max", Number, nullable=False),
    Column("ends_at", Instant, nullable=False),
    Column("party_id", Id),
    Column("small_operator", Boolean, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Index(None, "review_id"),
)
review_votes = Table(
    "review_votes", metadata,
    Column("vote_id", Id, primary_key=True),
    Column("partner_id", Id, ForeignKey("review_partners.partner_id"), nullable=False),
    Column("review_id", Id, nullable=False),
    Column("side", Word, nullable=False),
    Column("by", Id, nullable=False),
    Column("at", Instant, nullable=False),
    Column("vote", Word, nullable=False),
    Column("number", Integer, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Index(None, "partner_id"),
)
review_analyses = Table(
    "review_analyses", metadata,
    Column("review_id", Id, ForeignKey("reviews.review_id"), primary_key=True),
    Column("round", Integer, primary_key=True),
    Column("digest", Digest, nullable=False),
    Column("plan_digest", Digest, nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("made_by", Id, nullable=False),
    Column("sealed", LargeBinary, nullable=False),  # under the materials key: it ends with them
)


def next_number(table: Table, review_id: str) -> ColumnElement[int]:
    """The number that a new row of a review gets: what was written in one instant keeps its order."""
    return select(func.coalesce(func.max(table.c.number), 0) + 1).where(table.c.review_id == review_id).scalar_subquery()
