"""How many records have a term, from an index of its own: the lists beside the counts are many pages, and most are not read."""

from alembic import op

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    op.create_index(op.f("ix_index_postings_term_count"), "index_postings", ["term", "count"], unique=False)
