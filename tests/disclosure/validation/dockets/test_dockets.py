"""Materials of a case: sealed, kept once by digest, shown by tier, believed no further than we saw ourselves."""

from dataclasses import replace

import pytest
from sqlalchemy import text

from bench_support import BENIGN, REPRODUCER, SOURCE, Desk, desk_of, digest_of, recipe_text
from clearinghouse.app import validating
from clearinghouse.app.channels.base import Refused
from clearinghouse.app.channels.outward import Response
from clearinghouse.app.settings import BenchSettings
from clearinghouse.app.source_fetch import fetch_source
from clearinghouse.app.views.validations import read_bench
from clearinghouse.app.wiring import Instance
from clearinghouse.core.errors import Conflict, Invalid, NotFound, NotPermitted, Unavailable
from clearinghouse.disclosure.coordination.rooms import actions as rooms
from clearinghouse.disclosure.coordination.rooms.records import CaseRole, DocumentKind
from clearinghouse.disclosure.validation.dockets import rules
from clearinghouse.disclosure.validation.dockets.records import Material, MaterialKind
from clearinghouse.disclosure.validation.recipes.document import read_recipe
from clearinghouse.disclosure.validation.recipes.records import Recipe, Supplier
from clearinghouse.ledger import store as ledger

URL = "https://code.example/reader-1.0.tar.gz"


@pytest.fixture
def desk(instance: Instance) -> Desk:
    return desk_of(instance)


def fetching(instance: Instance) -> Instance:
    return replace(instance, settings=replace(instance.settings, bench=BenchSettings(fetch_hosts=("code.example",))))


def test_same_bytes_are_kept_once_and_nothing_lies_open_in_the_database(desk: Desk) -> None:
    again = validating.add_material(desk.instance, desk.case, MaterialKind.REPRODUCER, "again.bin", REPRODUCER)
    with desk.instance.database.read() as tx:
        bodies = [bytes(row.sealed) for row in tx.rows(text("select sealed from bench_bodies"))]
        lines = tx.rows(text("select sealed_line from bench_materials"))
    assert len(bodies) == 5
    assert len(lines) == 6
    assert not any(REPRODUCER in body or SOURCE in body for body in bodies)
    assert all(b"again.bin" not in bytes(row.sealed_line) for row in lines)
    assert validating.read_material(desk.instance, desk.case, again.id) == (again, REPRODUCER)


def test_reading_one_is_on_the_record_before_a_byte_leaves(desk: Desk) -> None:
    found, _ = validating.read_material(desk.instance, desk.case, digest_of(BENIGN))
    with desk.instance.database.read() as tx:
        event = ledger.events_about(tx, found.id)[-1]
    assert (event.kind, event.actor) == ("SealedObjectRead", desk.instance.actor.id)


def test_bytes_of_one_case_are_not_there_for_another(desk: Desk) -> None:
    other = desk_of(desk.instance, cast=desk.cast, title="Another flaw")
    mine = validating.add_material(desk.instance, desk.case, MaterialKind.REPRODUCER, "mine.bin", b"only here")
    with pytest.raises(NotFound):
        validating.read_material(desk.instance, other.case, mine.id)
    with pytest.raises(NotFound):
        validating.read_material(desk.instance, other.case, mine.digest)


def test_tiers_and_reporters_see_what_is_theirs(desk: Desk) -> None:
    cast, instance = desk.cast, desk.instance
    cast.join(desk.case, "roomer", CaseRole.OBSERVER, tier=2)
    cast.join(desk.case, "watcher", CaseRole.OBSERVER, tier=1)
    finder = instance.acting_as(cast.party("finder"))
    own = validating.add_material(finder, desk.case, MaterialKind.REPRODUCER, "own.bin", b"from the finder")
    assert own.supplier is Supplier.REPORTER
    assert [one.id for one in read_bench(finder, desk.case).materials] == [own.id]
    roomer = instance.acting_as(cast.party("roomer"))
    assert len(read_bench(roomer, desk.case).materials) == 6
    assert read_bench(instance.acting_as(cast.party("watcher")), desk.case).materials == ()
    with pytest.raises(NotPermitted, match="tier 3"):
        validating.read_material(roomer, desk.case, own.id)
    with pytest.raises(NotPermitted, match="tier 3"):
        validating.add_material(roomer, desk.case, MaterialKind.BENIGN, "x", b"x")
    with pytest.raises(NotFound):
        read_bench(instance.acting_as(cast.party("stranger")), desk.case)


def test_bounds_are_those_of_policy(desk: Desk) -> None:
    instance = desk.instance
    small = replace(instance, policy=replace(instance.policy, bench=replace(instance.policy.bench, material_bytes_max=3)))
    with pytest.raises(Invalid, match="4 bytes; 3 are taken"):
        validating.add_material(small, desk.case, MaterialKind.BENIGN, "x", b"four")
    with pytest.raises(Invalid, match="empty"):
        validating.add_material(instance, desk.case, MaterialKind.BENIGN, "x", b"")
    full = replace(instance, policy=replace(instance.policy, bench_queue=replace(instance.policy.bench_queue, materials_max=5)))
    with pytest.raises(Conflict, match="no further materials"):
        validating.add_material(full, desk.case, MaterialKind.BENIGN, "x", b"x")


def test_document_of_a_case_becomes_a_material_by_copy(desk: Desk) -> None:
    document = desk.cast.write(rooms.add_document, desk.case, DocumentKind.REPRODUCER, "crash.bin", b"crash")
    made = validating.add_document(desk.instance, desk.case, document.id)
    assert (made.kind, made.digest, made.name) == (MaterialKind.REPRODUCER, document.digest, "crash.bin")
    note = desk.cast.write(rooms.add_document, desk.case, DocumentKind.OTHER, "note.txt", b"note")
    with pytest.raises(Conflict, match="name the kind"):
        validating.add_document(desk.instance, desk.case, note.id)


def test_source_fetched_by_us_is_the_projects_with_its_origin_on_record(desk: Desk) -> None:
    asked: list[str] = []

    def fetch(url: str) -> Response:
        asked.append(url)
        return Response(200, url, {}, b"an archive")

    instance = fetching(desk.instance)
    made = fetch_source(instance, desk.case, URL, digest_of(b"an archive"), fetch=fetch)
    assert (made.supplier, made.origin, made.name, made.digest) == (Supplier.PROJECT, URL, "reader-1.0.tar.gz", digest_of(b"an archive"))
    with pytest.raises(Invalid, match="has the digest"):
        fetch_source(instance, desk.case, URL, digest_of(b"something else"), fetch=fetch)
    asked.clear()
    for url in ("https://elsewhere.example/x", "https://code.example.evil.example/x", "https://code.example@evil.example/x", "nonsense"):
        with pytest.raises(Refused):
            fetch_source(instance, desk.case, url, fetch=fetch)
    with pytest.raises(NotFound):
        fetch_source(instance.acting_as(desk.cast.party("stranger")), desk.case, URL, fetch=fetch)
    assert asked == [], "nobody outside was asked"


@pytest.mark.parametrize(("answer", "error"), [
    (Response(404, URL, {}, b""), NotFound), (Response(500, URL, {}, b""), Unavailable), (Response(200, "https://evil.example/x", {}, b"x"), Refused),
])
def test_fetch_that_leads_elsewhere_or_nowhere_keeps_nothing(desk: Desk, answer: Response, error: type[Exception]) -> None:
    before = len(read_bench(desk.instance, desk.case).materials)
    with pytest.raises(error):
        fetch_source(fetching(desk.instance), desk.case, URL, fetch=lambda url: answer)
    assert len(read_bench(desk.instance, desk.case).materials) == before


def test_fetch_through_the_guard_refuses_the_inside_whatever_the_list_says(desk: Desk) -> None:
    instance = replace(desk.instance, settings=replace(desk.instance.settings, bench=BenchSettings(fetch_hosts=("127.0.0.1", "localhost"))))
    for url in ("https://127.0.0.1/x", "http://localhost/x"):
        with pytest.raises(Refused):
            fetch_source(instance, desk.case, url)


def material(supplier: Supplier, origin: str = "") -> Material:
    from clearinghouse.core.clock import SystemClock
    from clearinghouse.core.ids import MaterialId, PartyId

    return Material(MaterialId("mat_x"), MaterialKind.SOURCE, digest_of(SOURCE), 1, SystemClock().now(), PartyId("pty_x"), supplier, "x", origin)


def claiming(instance: Instance, source: str, harness: str) -> Recipe:
    said = recipe_text().decode().replace('name = "reader.c"\n', f'name = "reader.c"\nsupplier = "{source}"\n')
    return read_recipe(said.replace('kind = "function"\n', f'kind = "function"\nsupplier = "{harness}"\n').encode(), instance.policy.bench)


@pytest.mark.parametrize(("claimed", "harness", "by", "held", "expected"), [
    ("project", "project", Supplier.DESK, material(Supplier.PROJECT, URL), (Supplier.PROJECT, Supplier.PROJECT)),
    ("project", "project", Supplier.REPORTER, material(Supplier.PROJECT, URL), (Supplier.PROJECT, Supplier.REPORTER)),
    ("project", "project", Supplier.DESK, material(Supplier.DESK), (Supplier.DESK, Supplier.DESK)),
    ("project", "project", Supplier.DESK, material(Supplier.REPORTER), (Supplier.REPORTER, Supplier.REPORTER)),
    ("reporter", "reporter", Supplier.DESK, material(Supplier.PROJECT, URL), (Supplier.REPORTER, Supplier.REPORTER)),
    ("project", "desk", Supplier.DESK, material(Supplier.PROJECT, URL), (Supplier.PROJECT, Supplier.DESK)),
    ("project", "model", Supplier.DESK, material(Supplier.PROJECT, URL), (Supplier.PROJECT, Supplier.MODEL)),
])
def test_recipe_is_believed_no_further_than_we_know(
    sqlite_instance: Instance, claimed: str, harness: str, by: Supplier, held: Material, expected: tuple[Supplier, Supplier]
) -> None:
    found = rules.believed(claiming(sqlite_instance, claimed, harness), by, {held.digest: [held]})
    assert ({source.supplier for plan in found.builds.values() for source in plan.sources}, found.harness.supplier) == ({expected[0]}, expected[1])
