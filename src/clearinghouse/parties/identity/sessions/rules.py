"""What sessions decides: whether one is alive, what it reaches, and when the next attempt may be made."""

import ipaddress
from collections.abc import Sequence
from datetime import datetime, timedelta

from clearinghouse.core.errors import NotPermitted
from clearinghouse.core.policy import IdentityPolicy
from clearinghouse.core.roles import MAY, Scope
from clearinghouse.core.untrusted import clean_line
from clearinghouse.parties.identity.sessions.records import Attempts, Session, SignInMethod
from clearinghouse.parties.records import Party

_USER_AGENT_CHARACTERS_MAX = 120  # the width of a table's column, not a policy
_TOUCH_AFTER = timedelta(minutes=1)  # so that a read costs a write once a minute at most; not a policy
_ENROLLING = frozenset({SignInMethod.INVITATION, SignInMethod.RESET_LINK})
_RECEIPT_SCOPES = frozenset({Scope.REPORTS_READ, Scope.THREADS_READ, Scope.THREADS_WRITE})


class SignedOut(NotPermitted):
    """No session of this text is alive: who sent it is not known."""


class TooManyAttempts(NotPermitted):
    """The next attempt may be made only later."""

    def __init__(self, retry_at: datetime, now: datetime) -> None:
        self.retry_at = retry_at
        self.retry_after_seconds = max(1, int((retry_at - now).total_seconds() + 0.999))
        super().__init__(f"too many attempts failed here or for this account; try again in {self.retry_after_seconds} seconds")


def is_alive(session: Session, policy: IdentityPolicy, now: datetime) -> bool:
    """Whether a session still opens anything."""
    idle = now - session.last_seen_at >= timedelta(minutes=policy.session_idle_minutes)
    return session.ended_at is None and not idle and now < session.expires_at


def needs_touch(session: Session, now: datetime) -> bool:
    """Whether it is time to note that a session was used."""
    return now - session.last_seen_at >= _TOUCH_AFTER


def scopes_of(method: SignInMethod, party: Party) -> frozenset[Scope]:
    """What a session reaches: what the party's roles allow, unless it was opened for one thing only."""
    allowed = frozenset(scope for scope, roles in MAY.items() if party.roles & roles)
    if method in _ENROLLING:
        return frozenset()
    return allowed & _RECEIPT_SCOPES if method is SignInMethod.RECEIPT else allowed


def check_may_change_credentials(session: Session, policy: IdentityPolicy, now: datetime) -> None:
    """Raise NotPermitted unless the session began so recently that the same person is still there."""
    if session.method is SignInMethod.RECEIPT:
        raise NotPermitted("a receipt code opens the status page and nothing else; enrol to have credentials")
    if now - session.started_at >= timedelta(minutes=policy.recent_sign_in_minutes):
        raise NotPermitted(
            f"sign in again first: credentials are changed within {policy.recent_sign_in_minutes} minutes of signing in"
        )


def parse_user_agent(untrusted_user_agent: str) -> str:
    """What the browser said of itself, on one harmless line."""
    return clean_line(untrusted_user_agent, _USER_AGENT_CHARACTERS_MAX)


def parse_source(untrusted_source: str) -> str:
    """Where an attempt comes from, as it is counted: an IPv4 address, or an IPv6 network of 64 bits.

    Whoever has one IPv6 address has 2**64 of them, so they count as one.
    """
    try:
        address = ipaddress.ip_address(untrusted_source.strip().partition("%")[0])
    except ValueError:
        return clean_line(untrusted_source, 100)
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)


def may_try_at(attempts: Attempts | None, policy: IdentityPolicy, now: datetime) -> datetime:
    """The instant from which another attempt may be made; `now` or earlier where it may be made at once."""
    if attempts is None or is_forgotten(attempts, policy, now):
        return now
    beyond = attempts.failures - policy.failures_free
    if beyond <= 0:
        return now
    # The exponent is bounded so that no number of failures overflows a float.
    seconds = min(policy.failure_longest_seconds, policy.failure_first_seconds * 2.0 ** min(beyond - 1, 60))
    return attempts.last_at + timedelta(seconds=seconds)


def is_forgotten(attempts: Attempts, policy: IdentityPolicy, now: datetime) -> bool:
    """Whether failures are so long past that they count no more."""
    return now - attempts.last_at >= timedelta(hours=policy.failures_forgotten_hours)


def check_may_try(counted: Sequence[Attempts], policy: IdentityPolicy, now: datetime) -> None:
    """Raise TooManyAttempts unless every count allows an attempt now."""
    retry_at = max((may_try_at(attempts, policy, now) for attempts in counted), default=now)
    if retry_at > now:
        raise TooManyAttempts(retry_at, now)
