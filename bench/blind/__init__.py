"""Timing the blind check, both sides."""
