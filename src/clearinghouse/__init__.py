"""Clearinghouse: takes in vulnerability reports, says which are one flaw, and keeps the record."""

__version__ = "0.1.0"
