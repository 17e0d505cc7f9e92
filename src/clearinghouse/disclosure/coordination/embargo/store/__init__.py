"""Where the embargo is kept: the only SQL of this capability.

`embargoes` holds what is known and agreed in a case, sealed under the case's key; `deadlines` holds when what falls due.
"""

from clearinghouse.disclosure.coordination.embargo.store import deadlines, embargoes, tables

__all__ = ["deadlines", "embargoes", "tables"]
