"""People, organisations and programs: who they are, what they may do, what they may see.

ISO/IEC 29147:2018 clause 5.5 (roles in disclosure). Belongs here: parties, roles, API tokens and
read grants (object, party, basis, until), which every store joins on reads; policy versions.
Does not belong here: why a grant is given; the capability that gives it knows.
"""

from clearinghouse.parties.records import Basis, Grant, Party, PartyKind, Token

__all__ = ["Basis", "Grant", "Party", "PartyKind", "Token"]
