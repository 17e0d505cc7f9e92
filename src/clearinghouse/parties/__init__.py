"""People, organisations and programs: who they are, what they may do, what they may see.

ISO/IEC 29147:2018 clause 5.5 (roles in disclosure). Belongs here: parties, roles, teams, API tokens and
read grants (object, party, basis, tier, until), which every store joins on reads; policy versions; in
packages of their own contacts, identity, and breaking the glass. Does not belong here: why a grant is
given; the capability that gives it knows.
"""

from clearinghouse.parties.records import Basis, Grant, Membership, Party, PartyKind, Tier, Token

__all__ = ["Basis", "Grant", "Membership", "Party", "PartyKind", "Tier", "Token"]
