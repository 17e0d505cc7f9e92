"""What lets a party do one thing without a session: signed links, and the receipt codes of anonymous reporters.

Belongs here: making, checking, using up and revoking them. Does not belong here: what is done with one; whoever
follows a link acts as its party and reads what that party was granted, no more.
"""

from clearinghouse.parties.identity.links.records import Link, LinkPurpose

__all__ = ["Link", "LinkPurpose"]
