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
    VENDOR = "vendor"
    """Acts for a product in the cases it takes part in; reads what is granted and no more."""
    DEVELOPER = "developer"
    """Acts for a developer of models in the reviews it opened."""
    EVALUATOR = "evaluator"
    """Plans and runs reviews it takes part in."""
    CUSTODIAN = "custodian"
    """Holds a share of a sealed pack's key; releases it for a stated purpose."""
    AUTHORITY = "authority"
    """Is consulted on, and signs, determinations: the persons an organisation configured for it."""
    OVERSEER = "overseer"
    """Verifies the ledger; reads no content."""
    SYSTEM = "system"
    """The matcher and the timers: read to compute, show to nobody (decision 1)."""


class Scope(StrEnum):
    """What an API token may be used for; a token never exceeds its party's roles."""

    REPORTS_SUBMIT = "reports:submit"
    REPORTS_READ = "reports:read"
    CASES_READ = "cases:read"
    CASES_ACT = "cases:act"
    """Take one's part in a case: accept, decline, withdraw, state a status, answer a proposal."""
    CASES_DECIDE = "cases:decide"
    THREADS_READ = "threads:read"
    THREADS_WRITE = "threads:write"
    DOCUMENTS_READ = "documents:read"
    DOCUMENTS_WRITE = "documents:write"
    CHARTERS_WRITE = "charters:write"
    """A charter is public, so reading one needs no scope."""
    WEBHOOKS_MANAGE = "webhooks:manage"
    LEDGER_READ = "ledger:read"
    PARTIES_MANAGE = "parties:manage"
    MODEL_MANAGE = "model:manage"
    """See what the pair model learned from everybody's decisions, and put it in force or take it out: figures, no content."""
    CASES_ERASE = "cases:erase"
    """Ask for or confirm the end of a closed case's content, or forbid it by a legal hold; two persons."""
    REVIEWS_READ = "reviews:read"
    """Read the reviews of models one takes part in, as far as one's part goes."""
    REVIEWS_ACT = "reviews:act"
    """Take one's part in a review: submit, sign, freeze a plan, run, release, consult, reply."""
    GLASS_BREAK = "glass:break"
    """Ask for or confirm a look that nobody granted; two persons, and the owners are told."""


_TAKES_PART = frozenset({Role.REPORTER, Role.VENDOR, Role.COORDINATOR})
_REVIEWS = frozenset({Role.DEVELOPER, Role.EVALUATOR, Role.CUSTODIAN, Role.AUTHORITY})

MAY: dict[Scope, frozenset[Role]] = {
    Scope.REPORTS_SUBMIT: frozenset({Role.REPORTER, Role.COORDINATOR}),
    Scope.REPORTS_READ: _TAKES_PART,
    Scope.CASES_READ: _TAKES_PART,
    Scope.CASES_ACT: _TAKES_PART,
    Scope.CASES_DECIDE: frozenset({Role.COORDINATOR}),
    Scope.THREADS_READ: _TAKES_PART,
    Scope.THREADS_WRITE: _TAKES_PART,
    Scope.DOCUMENTS_READ: _TAKES_PART,
    Scope.DOCUMENTS_WRITE: _TAKES_PART,
    Scope.CHARTERS_WRITE: frozenset({Role.VENDOR, Role.COORDINATOR}),
    Scope.WEBHOOKS_MANAGE: _TAKES_PART | {Role.ADMINISTRATOR},
    Scope.LEDGER_READ: frozenset(Role),
    Scope.PARTIES_MANAGE: frozenset({Role.ADMINISTRATOR}),
    Scope.MODEL_MANAGE: frozenset({Role.ADMINISTRATOR}),
    Scope.CASES_ERASE: frozenset({Role.ADMINISTRATOR, Role.COORDINATOR}),
    Scope.REVIEWS_READ: _REVIEWS | {Role.OVERSEER},
    Scope.REVIEWS_ACT: _REVIEWS,
    Scope.GLASS_BREAK: frozenset({Role.ADMINISTRATOR, Role.COORDINATOR, Role.OVERSEER}),
}
"""Scope to the roles that hold it."""
