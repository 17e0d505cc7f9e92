"""Breaking the glass: what nobody granted is read after all, because two persons agreed that it had to be.

Belongs here: asking, confirming, the grant that follows and ends by itself. Does not belong here: telling
the owners, which `app/process.py` does from the events.
"""

from clearinghouse.parties.glass.records import GlassRequest

__all__ = ["GlassRequest"]
