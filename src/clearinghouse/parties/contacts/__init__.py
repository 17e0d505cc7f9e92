"""How a party is reached: e-mail addresses, sealed, with a keyed hash beside them to look them up by.

ISO/IEC 29147:2018 clause 5.6.3 (secure and reachable contacts). Belongs here: addresses and whether their
holder proved to hold them. Does not belong here: what is sent to them, or when.
"""

from clearinghouse.parties.contacts.records import Contact

__all__ = ["Contact"]
