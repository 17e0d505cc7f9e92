"""What enrolment decides: whom one may invite as what, and whether an invitation is good."""

from datetime import datetime

from clearinghouse.core.errors import Invalid, NotPermitted
from clearinghouse.core.roles import Role, Scope
from clearinghouse.parties.identity.enrolment.records import Invitation
from clearinghouse.parties.records import Party
from clearinghouse.parties.rules import may

_BY_COORDINATORS = frozenset({Role.REPORTER, Role.VENDOR})
_NEVER = frozenset({Role.SYSTEM})


class InvitationRefused(NotPermitted):
    """No invitation of this text is good: who sent it is not known."""

    def __init__(self) -> None:
        super().__init__("this invitation is not valid (any more); ask whoever sent it for a new one")


def check_may_invite(inviter: Party, roles: frozenset[Role], organisation: Party | None) -> None:
    """Raise unless one may invite somebody with these roles into this organisation.

    Raises:
        NotPermitted: the inviter's roles do not allow it. Coordinators bring reporters and vendors into cases, but put
            nobody into an organisation that exists: its grants would be theirs.
        Invalid: no role is named, or one that nobody is invited to.
    """
    if not roles or roles & _NEVER:
        raise Invalid(f"an invitation names one or more of: {', '.join(role for role in Role if role not in _NEVER)}")
    if may(inviter, Scope.PARTIES_MANAGE):
        return
    if not (may(inviter, Scope.CASES_DECIDE) and roles <= _BY_COORDINATORS and organisation is None):
        raise NotPermitted("administrators invite anybody; coordinators invite reporters and vendors, each to a project of their own")


def is_good(invitation: Invitation, now: datetime) -> bool:
    """Whether an invitation may be accepted at `now`."""
    return invitation.used_at is None and invitation.revoked_at is None and now < invitation.expires_at
