"""Proposing: a model may suggest a recipe or a patch for a report. Optional, off by default, replaceable, and never believed.

A report is hostile and so is what a model makes of it. The report goes out as quoted data behind a random fence and bounded; what comes
back is a recipe draft or a unified diff, or it is refused. It is labelled as a model's (`Supplier.MODEL`) and does nothing by itself: a
person looks at it and uses it, and it runs, if at all, in the sandbox. `rules` decides what may be sent and what is taken,
`base` says what a proposer is, one file each is a way to reach one.

Does not belong here: which reports a model may see on this instance (app, which knows cases and embargoes), connections (app/channels).
"""

from clearinghouse.disclosure.validation.proposing.base import NullProposer, Proposer
from clearinghouse.disclosure.validation.proposing.chat import ChatProposer
from clearinghouse.disclosure.validation.proposing.records import Kind, Proposal, Refusal, Request, Terms

__all__ = ["ChatProposer", "Kind", "NullProposer", "Proposal", "Proposer", "Refusal", "Request", "Terms"]
