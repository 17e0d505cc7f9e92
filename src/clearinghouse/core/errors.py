"""The five families of error that let an edge answer without knowing the cause.

A capability derives its own type from one of these where somebody handles it by type.
A message says what was attempted, what was found and what would be right; it never quotes
embargoed text.
"""


class ClearinghouseError(Exception):
    """Base of every error this software raises on purpose."""


class NotFound(ClearinghouseError):
    """Nothing by that name that this viewer may see (the two cases are one answer on purpose)."""


class NotPermitted(ClearinghouseError):
    """The actor is known and may not do this."""


class Invalid(ClearinghouseError):
    """What was handed in does not have the form it must have."""


class Conflict(ClearinghouseError):
    """The state of things forbids this now; reading again and retrying may help."""


class Unavailable(ClearinghouseError):
    """Something this needs (a key, a database, a sandbox) is not there."""
