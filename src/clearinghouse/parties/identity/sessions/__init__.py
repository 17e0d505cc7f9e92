"""What a sign-in opens: sessions that end by themselves, and the count of attempts that failed.

NIST SP 800-63B, section 5 (sessions) and 3.2.2 (throttling). Does not belong here: how somebody proved who it is.
"""

from clearinghouse.parties.identity.sessions.records import Session, SignedIn, SignInMethod

__all__ = ["Session", "SignInMethod", "SignedIn"]
