"""The inbox of a coordinator who reads a hundred thousand reports and holds as many grants."""

import time
from statistics import median

import pytest

from clearinghouse.app.views.inbox import list_inbox
from clearinghouse.app.wiring import Instance
from clearinghouse.core.events import Event
from clearinghouse.core.ids import new_id
from clearinghouse.core.roles import Role
from clearinghouse.disclosure.deconfliction import store
from clearinghouse.ledger import actions as ledger
from clearinghouse.parties import store as parties
from clearinghouse.parties.records import Basis, Grant
from views_support import flaw, new_party, send_as

REPORTS = 100_000
SECONDS_MAX = 0.2


@pytest.mark.long
def test_inbox_of_many_reports_pages_in_time(sqlite_instance: Instance) -> None:
    instance, finder = sqlite_instance, new_party(sqlite_instance, "Finder Ltd", Role.REPORTER)
    for start in range(0, REPORTS, 50):
        send_as(instance, finder, [flaw(f"Flaw {start + n}", "words " * 60) for n in range(50)], coordinator=instance.actor)
    with instance.database.write() as tx:
        store.write_placements(tx, [
            store.Placement(n, max(1, n - n % 90) if n % 3 == 0 else n, "duplicate" if n % 3 == 0 else "new", 0.5, True, b"")
            for n in range(1, REPORTS + 1)
        ])
        # As if each report had come alone.
        parties.add_grants(tx, [Grant(new_id("sub"), instance.actor.id, Basis.PARTICIPANT) for _ in range(REPORTS)])
        ledger.record(tx, Event("GrantsMade", (instance.actor.id,)), actor=instance.actor.id, now=instance.clock.now())
    cursor, seconds = "", []
    for _ in range(20):
        started = time.perf_counter()
        page = list_inbox(instance, before=cursor, size=100)
        seconds.append(time.perf_counter() - started)
        cursor = page.after
        assert len(page.lines) == 100
    assert median(seconds) < SECONDS_MAX
