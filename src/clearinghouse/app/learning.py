"""What the pair model may learn from, and what a newer one may not move: both depend on cases, which deconfliction does not know."""

from collections.abc import Collection

from clearinghouse.disclosure.coordination.embargo.store.embargoes import system_embargoed_cases
from clearinghouse.disclosure.coordination.rooms.store.cases import system_reports_in_cases
from clearinghouse.disclosure.intake.store import system_numbers
from clearinghouse.storage import Transaction


def under_embargo(tx: Transaction) -> Collection[int]:
    """Numbers of the reports in a case whose embargo is proposed or stands."""
    return frozenset(system_numbers(tx, system_reports_in_cases(tx, system_embargoed_cases(tx))))


def taken_up(tx: Transaction) -> Collection[int]:
    """Numbers of the reports that a person has taken into a case."""
    return frozenset(system_numbers(tx, system_reports_in_cases(tx)))
