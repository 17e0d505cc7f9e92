"""Roles: what a party may do. Seeing is another matter, granted object by object."""

from enum import StrEnum


class Role(StrEnum):
    """A standing permission of a person or a program."""

    ADMINISTRATOR = "administrator"
    """Manages parties, keys and settings. Reads no case for that reason."""
    COORDINATOR = "coordinator"
    """Takes in reports, decides on duplicates, runs cases it takes part in."""
    REPORTER = "reporter"
    """Sends reports and reads what became of its own."""
    OVERSEER = "overseer"
    """Verifies the ledger; reads no content."""
    SYSTEM = "system"
    """The matcher and the timers: read to compute, show to nobody (decision 1)."""


class Scope(StrEnum):
    """What an API token may be used for; a token never exceeds its party's roles."""

    REPORTS_SUBMIT = "reports:submit"
    REPORTS_READ = "reports:read"
    CASES_READ = "cases:read"
    CASES_DECIDE = "cases:decide"
    LEDGER_READ = "ledger:read"
    PARTIES_MANAGE = "parties:manage"


MAY: dict[Scope, frozenset[Role]] = {
    Scope.REPORTS_SUBMIT: frozenset({Role.REPORTER, Role.COORDINATOR}),
    Scope.REPORTS_READ: frozenset({Role.REPORTER, Role.COORDINATOR}),
    Scope.CASES_READ: frozenset({Role.REPORTER, Role.COORDINATOR}),
    Scope.CASES_DECIDE: frozenset({Role.COORDINATOR}),
    Scope.LEDGER_READ: frozenset(Role),
    Scope.PARTIES_MANAGE: frozenset({Role.ADMINISTRATOR}),
}
"""Scope to the roles that hold it."""
