"""The inbox: pages, filters, cursors that tell nothing."""

from collections.abc import Callable
from itertools import pairwise

import pytest

from clearinghouse.app.views.cases import list_cases, read_case
from clearinghouse.app.views.inbox import InboxFilters, InboxLine, list_inbox, parse_filters
from clearinghouse.app.views.report import read_report
from clearinghouse.app.views.reports import case_of, list_reports
from clearinghouse.app.wiring import Instance
from clearinghouse.core.errors import Invalid, NotFound
from clearinghouse.core.roles import Role
from clearinghouse.parties.records import Party
from views_support import counted, flaw, new_party, send_as


def walk(instance: Instance, size: int, filters: InboxFilters | None = None) -> list[list[InboxLine]]:
    """Every page in order."""
    pages, before = [], ""
    while True:
        page = list_inbox(instance, before=before, size=size, filters=filters)
        pages.append(list(page.lines))
        if not page.after:
            return pages
        before = page.after


def test_pages_hold_each_report_once_newest_first(instance: Instance, finder: Party) -> None:
    sent = send_as(instance, finder, [flaw(f"Flaw {n}", f"number {n}") for n in range(11)], coordinator=instance.actor)
    send_as(instance, new_party(instance, "Other Ltd", Role.REPORTER), [flaw(f"Theirs {n}") for n in range(5)])
    pages = walk(instance, 4)
    assert [len(page) for page in pages] == [4, 4, 3]
    assert [line.id for page in pages for line in page] == sent[::-1]
    assert all(line.answer == "waiting" for page in pages for line in page)


def test_arrival_while_paging_moves_nothing(instance: Instance, finder: Party) -> None:
    sent = send_as(instance, finder, [flaw(f"Flaw {n}") for n in range(6)], coordinator=instance.actor)
    first = list_inbox(instance, size=3)
    send_as(instance, finder, [flaw("Late")], coordinator=instance.actor)
    second = list_inbox(instance, before=first.after, size=3)
    assert [line.id for line in (*first.lines, *second.lines)] == sent[::-1]
    assert (first.first, second.first, second.after) == (True, False, "")


def test_cursor_tells_nothing_and_serves_its_viewer_alone(instance: Instance, finder: Party) -> None:
    send_as(instance, finder, [flaw(f"Flaw {n}") for n in range(4)], coordinator=instance.actor)
    one, other = (list_inbox(instance, size=2).after for _ in range(2))
    assert one != other
    assert len(one) == len(list_inbox(instance, size=3).after)
    with pytest.raises(Invalid, match="not valid"):
        list_inbox(instance.acting_as(finder), before=one)
    for wrong in ("x", "AAAA", one[:-2] + "AA", "é", "=" * 50):
        with pytest.raises(Invalid, match="not valid"):
            list_inbox(instance, before=wrong)


def test_filters_narrow(instance: Instance, finder: Party, settle: Callable[[], None]) -> None:
    same = flaw("Heap overflow in tiff_read_strip", symbol="tiff_read_strip", cve="CVE-2026-1001")
    other = flaw("Stack overflow in palette loader", symbol="load_palette")
    [first, second] = send_as(instance, finder, [same, other], coordinator=instance.actor)
    [third] = send_as(instance, new_party(instance, "Two Ltd", Role.REPORTER), [same], coordinator=instance.actor)
    settle()
    [late] = send_as(instance, finder, [flaw("Late")], coordinator=instance.actor)

    def ids(**filters: str) -> list[str]:
        return [line.id for page in walk(instance, 1, InboxFilters(**filters)) for line in page]

    assert ids(answer="duplicate") == [third]
    assert ids(answer="new") == [second, first]
    assert ids(answer="waiting") == [late]
    assert ids(text="tiff_read_strip") == [third, first]
    assert ids(text="overflow palette") == [second]
    assert ids(text="CVE-2026-1001", answer="new") == [first]
    assert ids(text="?!") == []
    assert ids(source="sarif") == []
    assert ids(source="ndjson") == [late, third, second, first]


@pytest.mark.parametrize("wrong", [("nonsense", ""), ("", "nonsense")])
def test_unknown_filter_is_refused(wrong: tuple[str, str]) -> None:
    with pytest.raises(Invalid):
        parse_filters(*wrong, "")


def test_number_of_statements_does_not_grow(instance: Instance, finder: Party, settle: Callable[[], None]) -> None:
    counts = []
    for sent in (0, 3, 40):
        send_as(instance, finder, [flaw(f"Flaw {sent} {n}", symbol=f"read_{n}") for n in range(sent)], coordinator=instance.actor)
        settle()
        for filters in (None, InboxFilters(answer="new", text="flaw read_1")):
            with counted(instance) as statements:
                list_inbox(instance, filters=filters)
            counts.append((filters is None, len(statements)))
    assert len(set(counts)) == 2


def test_line_names_product_and_finder(instance: Instance, finder: Party) -> None:
    send_as(instance, finder, [flaw("A", package="acme:libpicture")], coordinator=instance.actor)
    [line] = list_inbox(instance).lines
    assert (line.product, line.finder, line.lead_held, line.reports) == ("acme:libpicture", "Sharpeye", False, 1)


def test_lead_that_is_not_readable_is_a_held_finding(instance: Instance, finder: Party, settle: Callable[[], None]) -> None:
    same = flaw("Heap overflow in tiff_read_strip", symbol="tiff_read_strip", cve="CVE-2026-1001")
    send_as(instance, new_party(instance, "Hidden Ltd", Role.REPORTER), [same])
    other = new_party(instance, "CERT Two", Role.COORDINATOR)
    send_as(instance, finder, [same], coordinator=other)
    settle()
    [line] = list_inbox(instance.acting_as(other)).lines
    assert (line.answer, line.lead_id, line.lead_title, line.lead_held, line.reports) == ("duplicate", None, "", True, 1)


def test_cluster_is_named_by_no_report_that_is_held(instance: Instance, finder: Party, settle: Callable[[], None]) -> None:
    """The oldest report of a cluster may be one that the viewer does not read: its id is told in no form (decision 1)."""
    same = flaw("Heap overflow in tiff_read_strip", symbol="tiff_read_strip", cve="CVE-2026-1001")
    [held] = send_as(instance, new_party(instance, "Hidden Ltd", Role.REPORTER), [same])
    other = new_party(instance, "CERT Two", Role.COORDINATOR)
    [own] = send_as(instance, finder, [same], coordinator=other)
    settle()
    there = instance.acting_as(other)
    [line], [case], [row] = list_inbox(there).lines, list_cases(there, largest=5)[0], list_reports(there, newest=5)[0]
    opened = read_report(there, own)
    assert {line.case_id, case.id, row.case_id, opened.line.case_id} == {case_of(own)}
    assert [report.id for report in read_case(there, case_of(own)).reports] == [own]
    counts = set()
    for path in (case_of(held), "case_" + "a" * 26):
        with counted(there) as statements, pytest.raises(NotFound):
            read_case(there, path)
        counts.add(len(statements))
    assert len(counts) == 1


def test_pages_are_disjoint_and_ordered_for_every_size(instance: Instance, finder: Party) -> None:
    sent = send_as(instance, finder, [flaw(f"Flaw {n}") for n in range(7)], coordinator=instance.actor)
    for size in range(1, 9):
        pages = walk(instance, size)
        assert [line.id for page in pages for line in page] == sent[::-1]
        assert all(len(one) >= len(two) for one, two in pairwise(pages))
