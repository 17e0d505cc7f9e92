"""Search: what the viewer may read, by id, identifier, name, code and word; nothing about the rest."""

from collections.abc import Callable

import pytest

from clearinghouse.app.views.search import search
from clearinghouse.app.wiring import Instance
from clearinghouse.core.errors import Invalid
from clearinghouse.core.roles import Role
from clearinghouse.parties.records import Party
from views_support import counted, flaw, new_party, send_as

FLAWS = [
    flaw("Heap overflow in tiff_read_strip", "A crafted strip overruns the buffer.", symbol="tiff_read_strip", cve="CVE-2026-1001", package="acme:libpicture"),
    flaw("Use after free in palette parsing", "The palette is parsed twice; see CVE-2026-1001 for the first fix.", symbol="load_palette"),
    flaw("Integer overflow in header parser", "A count wraps.", symbol="parse_header"),
]


@pytest.fixture
def sent(instance: Instance, finder: Party, settle: Callable[[], None]) -> list[str]:
    """Three reports, compared; a fourth of somebody else with the same words."""
    found = send_as(instance, finder, FLAWS, coordinator=instance.actor)
    send_as(instance, new_party(instance, "Hidden Ltd", Role.REPORTER), [flaw("Secret tiff_read_strip overflow", symbol="zz_secret")])
    settle()
    return list(found)


@pytest.mark.parametrize(("text", "places"), [
    ("tiff_read_strip", [0]), ("overflow", [2, 0]), ("Overflows", [2, 0]), ("cve-2026-1001", [1, 0]), ("libpicture", [0]), ("palette parser", [1]),
    ("parse_header", [2]), ("overflow tiff_read_strip", [0]), ("zz_secret", []), ("secret", []), ("", []), ("the of and", []), ("<script>", []),
])
def test_search_finds_what_has_every_word(instance: Instance, sent: list[str], text: str, places: list[int]) -> None:
    assert [report.id for report in search(instance, text).reports] == [sent[place] for place in places]


def test_id_opens_its_report(instance: Instance, sent: list[str]) -> None:
    found = search(instance, f" {sent[1]} ")
    assert (found.exact, [report.id for report in found.reports]) == (f"/reports/{sent[1]}", [sent[1]])


def test_sender_finds_its_own(instance: Instance, finder: Party, sent: list[str]) -> None:
    assert [report.id for report in search(instance.acting_as(finder), "palette").reports] == [sent[1]]


def test_nothing_of_others_shows_in_results_ends_or_statements(instance: Instance, sent: list[str]) -> None:
    nobody = instance.acting_as(new_party(instance, "Nobody Ltd", Role.REPORTER))
    # The first read of a process asks whether the database's own wall stands, once.
    search(nobody, "warm")
    counts, answers = set(), set()
    for text in ("tiff_read_strip", "nosuchword", "zz_secret", "of"):
        with counted(instance) as statements:
            found = search(nobody, text)
        counts.add(len(statements))
        answers.add((found.reports, found.exact, found.first, found.after))
    assert counts == {len(statements)}
    assert answers == {((), "", True, "")}
    ids = set()
    for wanted in (sent[0], "rep_" + "a" * 26):
        with counted(instance) as statements:
            found = search(nobody, wanted)
        ids.add((len(statements), found.reports, found.exact))
    assert len(ids) == 1


def test_pages_of_results(instance: Instance, finder: Party, settle: Callable[[], None]) -> None:
    sent = send_as(instance, finder, [flaw(f"Overflow {n}", symbol=f"read_{n}") for n in range(5)], coordinator=instance.actor)
    settle()
    first = search(instance, "overflow", size=3)
    second = search(instance, "overflow", size=3, before=first.after)
    assert [report.id for report in (*first.reports, *second.reports)] == sent[::-1]
    assert second.after == ""
    with pytest.raises(Invalid):
        search(instance, "overflow", before="nonsense")
