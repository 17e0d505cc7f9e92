"""Numbers that other people's programs compute, kept in tests/golden/statistics; each script runs in an environment of its own."""
