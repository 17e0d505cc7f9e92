"""Where reviews are kept: the only SQL of this capability, one module a noun.

An `Engagement` is how a viewer's right to read travels: `reviews.find` alone makes one, on the read grants that count as the viewer's, and
every other read takes it.
"""

from clearinghouse.evaluation.review.store import documents, entries, looks, partners, reviews, tables, windows

__all__ = ["documents", "entries", "looks", "partners", "reviews", "tables", "windows"]
