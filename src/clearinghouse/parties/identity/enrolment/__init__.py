"""How somebody becomes a party: by an invitation, or by enrolling a one-person project.

NIST SP 800-63A. Both end in a session that reaches nothing but one's own credentials: set one, then sign in. So
does the link that an administrator makes for somebody who lost them.
"""

from clearinghouse.parties.identity.enrolment.records import Invitation

__all__ = ["Invitation"]
