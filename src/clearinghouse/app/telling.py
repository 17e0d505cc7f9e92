"""Finders are told what people made of their reports: within the minute, as far as the budget of their organisation goes."""

from collections.abc import Collection

from clearinghouse.app.views.telling import read_looks
from clearinghouse.app.wiring import Instance
from clearinghouse.disclosure.deconfliction.telling import actions, store
from clearinghouse.disclosure.deconfliction.telling.records import Waiting
from clearinghouse.storage import Transaction


def sweep(instance: Instance) -> int:
    """Tell the finders whose reports were looked at; those over their budget later, by this same sweep. Gives how many reports."""
    with instance.database.read() as tx:
        if not store.system_waiting(tx, None, 1):
            return 0
    with instance.database.write() as tx:
        return actions.tell_waiting(
            tx, lambda waiting: _told_of(tx, waiting), actor=instance.system, policy=instance.policy.blind, now=instance.clock.now()
        )


def _told_of(tx: Transaction, waiting: Collection[Waiting]) -> set[str]:
    """Of these, the reports a person has looked at and has not taken that back."""
    ids = {one.number: one.report for one in waiting}
    looked = read_looks(tx, ids).looked
    return {report for number, report in ids.items() if number in looked}
