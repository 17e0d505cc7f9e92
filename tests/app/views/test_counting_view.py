"""The counting rule's proposal for a cluster: for coordinators, from what they may read, and nothing is changed by looking."""

from collections.abc import Callable

import pytest

from clearinghouse.app.views.cases import list_cases
from clearinghouse.app.views.counting import read_counting
from clearinghouse.app.views.reports import case_of
from clearinghouse.app.wiring import Instance
from clearinghouse.core.errors import NotFound
from clearinghouse.core.roles import Role
from clearinghouse.ledger import store as ledger
from clearinghouse.parties.records import Party
from views_support import counted, flaw, new_party, send_as

TIFF = "Heap overflow in tiff_read_strip of libpicture 2.3"


def test_a_proposal_cites_clauses_and_reports_the_viewer_reads(instance: Instance, finder: Party, settle: Callable[[], None]) -> None:
    ids = send_as(instance, finder, [flaw(TIFF, symbol="tiff_read_strip"), flaw(TIFF, "Seen by a fuzzer.", symbol="tiff_read_strip")],
                  coordinator=instance.actor)
    settle()
    before = ledger_size(instance)
    [line], _ = list_cases(instance, largest=10)
    found = read_counting(instance, line.id)
    assert (found.cluster_id, found.count, found.considered, found.held, found.others) == (case_of(ids[0]), "keep", 2, 0, ())
    assert [[report.id for report in group] for group in found.groups] == [ids]
    assert [(reason.clause, reason.says, [report.id for report in reason.reports]) for reason in found.reasons] == [("4.1.10", "one flaw", ids)]
    assert ledger_size(instance) == before


def test_held_findings_bear_no_facts(instance: Instance, finder: Party, settle: Callable[[], None]) -> None:
    other = new_party(instance, "Other desk", Role.COORDINATOR)
    send_as(instance, finder, [flaw(TIFF, symbol="tiff_read_strip", cve="CVE-2026-1001")], coordinator=instance.actor)
    [held] = send_as(instance, finder, [flaw(TIFF, "Seen by a fuzzer.", symbol="tiff_read_strip", cve="CVE-2026-1001")], coordinator=other)
    settle()
    [line], _ = list_cases(instance, largest=10)
    found = read_counting(instance, line.id)
    assert (found.considered, found.held, found.count) == (1, 1, "keep")
    assert held not in repr(found)
    assert "4.2.6" not in [reason.clause for reason in found.reasons]


def test_a_mere_reporter_is_told_nothing_by_as_many_statements(instance: Instance, finder: Party, settle: Callable[[], None]) -> None:
    [own] = send_as(instance, finder, [flaw(TIFF, symbol="tiff_read_strip")], coordinator=instance.actor)
    settle()
    mine = instance.acting_as(finder)

    def ask(cluster_id: str) -> int:
        with counted(instance) as statements, pytest.raises(NotFound):
            read_counting(mine, cluster_id)
        return len(statements)

    assert ask(case_of(own)) == ask("case_" + "k" * 26)


def ledger_size(instance: Instance) -> dict[str, int]:
    with instance.read() as tx:
        return ledger.count_events(tx)
