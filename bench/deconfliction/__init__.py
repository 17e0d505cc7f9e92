"""Is it right, and how fast: deconfliction measured against a truth it never reads."""
