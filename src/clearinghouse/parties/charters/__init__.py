"""Charters: how a project wants to be told of flaws, as data that binds every sender.

ISO/IEC 29147:2018 clause 7 (vulnerability disclosure policy). Belongs here: the document, its versions, who
may set it, what it answers. Does not belong here: queues and deliveries
(`disclosure/coordination/capacity`), or fetching (`app/charter_fetch.py`).

A charter is published by purpose: reads of charters name no viewer, and nothing in one may come from a case.
"""

from clearinghouse.parties.charters.records import (
    Adopted,
    Allowed,
    Answer,
    Approach,
    Charter,
    Claim,
    Held,
    Kind,
    Problem,
    Purpose,
    Reason,
    Refused,
    Reproducer,
    ScopeKey,
    Want,
)
from clearinghouse.parties.charters.rules import answer

__all__ = [
    "Adopted", "Allowed", "Answer", "Approach", "Charter", "Claim", "Held", "Kind", "Problem", "Purpose", "Reason", "Refused", "Reproducer",
    "ScopeKey", "Want", "answer",
]
