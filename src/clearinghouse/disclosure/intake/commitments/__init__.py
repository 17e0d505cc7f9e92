"""Commitments: a finder fixes what it found, and when, without telling it; and opens it later, whole or by section.

Belongs here: the digest, its record, the opening, the alarm when one stays shut. Does not belong here: who gets
credit in a case (`coordination`), and the report itself, which an opening hands to intake like any other.
"""
