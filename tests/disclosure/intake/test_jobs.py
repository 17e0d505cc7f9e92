"""Intake over a database: receipts, repeats, limits, interruption, two processes, another organisation."""

import dataclasses
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from clearinghouse.app.wiring import Instance
from clearinghouse.core.errors import Conflict, NotFound
from clearinghouse.core.ids import PartyId
from clearinghouse.core.policy import IntakeLimits
from clearinghouse.core.roles import Role
from clearinghouse.disclosure.intake import actions, jobs, store
from clearinghouse.disclosure.intake.jobs import Incoming, IntakeJob, Taken
from clearinghouse.disclosure.intake.records import Cover, Outcome, Receipt
from clearinghouse.ledger import store as ledger
from clearinghouse.parties import actions as parties
from clearinghouse.parties.records import PartyKind


def line(number: int, **more: object) -> str:
    return json.dumps({"id": f"n{number}", "title": f"Overflow in f{number}()", "symbols": [f"f{number}"], **more})


def write(folder: Path, name: str, *lines: str) -> Incoming:
    path = folder / name
    path.write_text("\n".join(lines) + "\n")
    return Incoming(name, path)


def job_of(instance: Instance, reporter: PartyId | None = None, limits: IntakeLimits | None = None, cover: Cover | None = None) -> IntakeJob:
    return IntakeJob(
        instance.database, instance.envelope, limits or instance.policy.intake, instance.clock, reporter or instance.actor.id,
        instance.actor.id, cover or Cover(),
    )


def receipt(instance: Instance, taken: Taken) -> Receipt:
    with instance.database.read() as tx:
        return actions.read_receipt(
            tx, taken.submission_id, envelope=instance.envelope, viewer=instance.actor.id, now=instance.clock.now()
        )


def titles(instance: Instance, viewer: PartyId | None = None) -> list[str]:
    with instance.database.read() as tx:
        found = store.list_reports(tx, instance.envelope, viewer=viewer or instance.actor.id, now=instance.clock.now(), newest=10_000)
    return sorted(report.finding.title for report in found)


def events(instance: Instance) -> dict[str, int]:
    with instance.database.read() as tx:
        return ledger.count_events(tx)


def test_each_item_has_an_outcome_and_each_report_an_event(instance: Instance, tmp_path: Path) -> None:
    document = write(tmp_path, "a.ndjson", line(1), "{broken", '{"title": 3}', '{"title": "no place at all"}', "{}")
    [taken] = job_of(instance).run([document])
    items = receipt(instance, taken).items
    assert [(item.place, item.outcome, item.report_id is not None) for item in items] == [
        ("line 1", Outcome.ACCEPTED, True), ("line 2", Outcome.REFUSED, False), ("line 3 /title", Outcome.REFUSED, False),
        ("line 4", Outcome.ACCEPTED_WITH_WARNINGS, True), ("line 5", Outcome.REFUSED, False),
    ]
    assert [item.notes[-1].code for item in items if item.notes] == ["json.syntax", "item.schema", "locus.missing", "item.empty"]
    assert events(instance)["ReportReceived"] == 2


def test_original_bytes_come_back_unchanged(instance: Instance, tmp_path: Path) -> None:
    document = write(tmp_path, "a.ndjson", line(1), "{broken")
    [taken] = job_of(instance).run([document])
    with instance.database.read() as tx:
        kept = store.read_submission(
            tx, taken.submission_id, instance.envelope, viewer=instance.actor.id, now=instance.clock.now()
        )
        assert kept is not None
        assert b"".join(store.read_original(tx, kept)) == document.path.read_bytes()


def test_same_file_twice_gives_the_first_receipt(instance: Instance, tmp_path: Path) -> None:
    document = write(tmp_path, "a.ndjson", line(1), line(2))
    [first] = job_of(instance).run([document])
    before = events(instance)
    [second] = job_of(instance).run([document])
    assert (second.submission_id, second.earlier, second.counts) == (first.submission_id, True, first.counts)
    assert events(instance) == before


def test_same_item_in_another_file_is_answered_by_the_first_report(instance: Instance, tmp_path: Path) -> None:
    [first, second] = job_of(instance).run([
        write(tmp_path, "a.ndjson", line(1), line(2)), write(tmp_path, "b.ndjson", line(3), line(2), line(2)),
    ])
    earlier = {item.report_id for item in receipt(instance, first).items}
    items = receipt(instance, second).items
    assert [item.earlier for item in items] == [False, True, True]
    assert {item.report_id for item in items[1:]} <= earlier
    assert len(titles(instance)) == 3


def test_same_item_of_another_reporter_is_a_report_of_its_own(instance: Instance, tmp_path: Path) -> None:
    other = stranger(instance)
    [_] = job_of(instance).run([write(tmp_path, "a.ndjson", line(1))])
    [taken] = job_of(instance, other).run([write(tmp_path, "b.ndjson", line(1))])
    assert (taken.repeated, len(titles(instance))) == (0, 2)


def test_idempotency_key_for_other_bytes_is_a_conflict(instance: Instance, tmp_path: Path) -> None:
    one, two = write(tmp_path, "a.ndjson", line(1)), write(tmp_path, "b.ndjson", line(2))
    list(job_of(instance).run([dataclasses.replace(one, idempotency_key="k1")]))
    with pytest.raises(Conflict, match="other bytes"):
        list(job_of(instance).run([dataclasses.replace(two, idempotency_key="k1")]))


def test_bad_file_does_not_sink_its_batch(instance: Instance, tmp_path: Path) -> None:
    (tmp_path / "noise.bin").write_bytes(bytes(range(256)) * 10)
    (tmp_path / "empty.json").write_bytes(b"")
    (tmp_path / "deep.json").write_text('{"title": ' + "[" * 5000 + "]" * 5000 + "}")
    batch = [Incoming(name, tmp_path / name) for name in ("noise.bin", "empty.json", "deep.json")]
    taken = list(job_of(instance).run([*batch, write(tmp_path, "good.ndjson", line(1))]))
    assert [len(entry.notes) for entry in taken] == [1, 1, 1, 0]
    assert titles(instance) == ["Overflow in f1()"]
    assert all(receipt(instance, entry).finished for entry in taken)


def test_file_over_the_limit_is_refused_unread(instance: Instance, tmp_path: Path) -> None:
    tight = dataclasses.replace(instance.policy.intake, document_bytes_max=100, bulk_bytes_max=300)
    pretty = tmp_path / "pretty.json"
    pretty.write_text(json.dumps({"title": "x" * 200}, indent=1))
    [one, two] = job_of(instance, limits=tight).run([
        Incoming("pretty.json", pretty), write(tmp_path, "many.ndjson", *(line(n) for n in range(20))),
    ])
    assert [(entry.notes[0].code, str(limit) in entry.notes[0].message) for entry, limit in ((one, 100), (two, 300))] == [
        ("limit.size", True), ("limit.size", True),
    ]


def test_large_file_is_read_in_segments_with_true_line_numbers(
    instance: Instance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "_SEGMENT_BYTES", 1000)
    monkeypatch.setattr(jobs, "_PART_BYTES", 1500)
    monkeypatch.setattr(jobs, "_ITEMS_PER_COMMIT", 20)
    small = dataclasses.replace(instance.policy.intake, document_bytes_max=2000)
    document = write(tmp_path, "a.ndjson", *("{broken" if n == 150 else line(n) for n in range(300)))
    [taken] = job_of(instance, limits=small).run([document])
    items = receipt(instance, taken).items
    assert [item.place for item in items] == [f"line {n}" for n in range(1, 301)]
    assert [item.place for item in items if item.outcome is Outcome.REFUSED] == ["line 151"]


class _Stop(Exception):
    pass


def test_interrupted_anywhere_it_goes_on_without_loss_or_doubles(
    instance: Instance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A transaction for every portion the reader hands over, and three documents of three portions.
    monkeypatch.setattr(jobs, "_ITEMS_PER_COMMIT", 1)
    documents = [write(tmp_path, f"{name}.ndjson", *(line(n, description=name) for n in range(1200))) for name in "abc"]
    whole, stopped = jobs._Writer.flush, 0
    for survive in (0, 1, 2, 0, 3, 1, 4, 2):
        left = iter(range(survive))

        def flush(self: jobs._Writer, left: Iterator[int] = left) -> None:
            if next(left, None) is None:
                raise _Stop
            whole(self)

        monkeypatch.setattr(jobs._Writer, "flush", flush)
        try:
            list(job_of(instance).run(documents))
        except _Stop:
            stopped += 1
    monkeypatch.setattr(jobs._Writer, "flush", whole)
    taken = list(job_of(instance).run(documents))
    assert stopped >= 4
    assert [sum(entry.counts.values()) for entry in taken] == [1200, 1200, 1200]
    assert len(titles(instance)) == 3600
    assert events(instance)["ReportReceived"] == 3600


def test_second_process_on_the_same_file_is_told(instance: Instance, tmp_path: Path) -> None:
    document = write(tmp_path, "a.ndjson", line(1))
    now = instance.clock.now()
    with instance.database.write() as tx:
        begun = actions.begin_submission(
            tx, name="a", digest="sha256:00", size_bytes=1, cover=Cover(), idempotency_key="k", reporter=instance.actor.id,
            actor=instance.actor.id, envelope=instance.envelope, now=now,
        )
        actions.finish_submission(tx, begun, (), source="", actor=instance.actor.id, now=now)
    with pytest.raises(Conflict, match="another process"), instance.database.write() as tx:
        actions.finish_submission(tx, begun, (), source="", actor=instance.actor.id, now=now)
    assert document.path.exists()


def stranger(instance: Instance) -> PartyId:
    now = instance.clock.now()
    with instance.database.write() as tx:
        organisation = parties.add_party(tx, PartyKind.ORGANISATION, "Others", frozenset(), actor=instance.actor.id, now=now)
        return parties.add_party(
            tx, PartyKind.PERSON, "Stranger", frozenset({Role.REPORTER, Role.COORDINATOR}), organisation=organisation.id,
            actor=instance.actor.id, now=now,
        ).id


def test_another_organisation_sees_nothing(instance: Instance, tmp_path: Path) -> None:
    [taken] = job_of(instance).run([write(tmp_path, "a.ndjson", line(1))])
    other = stranger(instance)
    [item] = receipt(instance, taken).items
    assert item.report_id is not None
    assert titles(instance, other) == []
    now = instance.clock.now()
    with instance.database.read() as tx:
        with pytest.raises(NotFound) as unseen:
            actions.read_report(tx, item.report_id, envelope=instance.envelope, viewer=other, now=now)
        with pytest.raises(NotFound) as absent:
            actions.read_report(tx, "rep_" + "a" * 26, envelope=instance.envelope, viewer=other, now=now)
        with pytest.raises(NotFound):
            actions.read_receipt(tx, taken.submission_id, envelope=instance.envelope, viewer=other, now=now)
    assert str(unseen.value).replace(item.report_id, "X") == str(absent.value).replace("rep_" + "a" * 26, "X")


def test_nothing_of_a_report_is_readable_in_the_database(sqlite_instance: Instance, tmp_path: Path) -> None:
    marker = "Xylophone_marker_function"
    list(job_of(sqlite_instance).run([write(tmp_path, f"{marker}.ndjson", line(1, description=f"see {marker}()"), '{"title": "' + marker)]))
    with sqlite_instance.database.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    assert not any(marker.encode() in part for part in _bytes_of(sqlite_instance.settings.home))


def _bytes_of(folder: Path) -> Iterator[bytes]:
    for path in folder.rglob("*"):
        if path.is_file():
            yield path.read_bytes()


def test_hostile_place_and_key_are_kept_harmless(instance: Instance, tmp_path: Path) -> None:
    path = tmp_path / "odd.sarif"
    path.write_text('{"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "t"}}, "results": [3, {"message": {"text": "x\\u0000 in f()"}}]}]}')
    odd = Incoming("odd\u202e.sarif", path, idempotency_key="k" * 500 + "\x00")
    [taken] = job_of(instance).run([odd])
    [again] = job_of(instance).run([odd])
    assert (taken.submission_id, again.earlier) == (again.submission_id, True)
    assert [item.outcome is Outcome.REFUSED for item in receipt(instance, taken).items] == [True, False]


def test_what_is_no_readable_file_costs_only_itself(instance: Instance, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    odd = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff\xfe\n.ndjson"))
    odd.write_text(line(1) + "\n")
    batch = [Incoming(str(path), path) for path in (tmp_path / "pipe", Path("/dev/zero"), tmp_path / "gone", odd)]
    taken = list(job_of(instance).run(batch))
    assert [[note.code for note in entry.notes] for entry in taken] == [["file.unreadable"]] * 3 + [[]]
    assert titles(instance) == ["Overflow in f1()"]


def test_same_bytes_twice_in_one_batch_are_one_submission(instance: Instance, tmp_path: Path) -> None:
    batch = [write(tmp_path, name, *content) for name, content in (
        ("a.ndjson", (line(1),)), ("b.ndjson", (line(1),)), ("x", ()), ("y", ()), ("c.ndjson", (line(2),)),
    )]
    taken = list(job_of(instance).run(batch))
    found = {entry.name: entry for entry in taken}
    assert found["a.ndjson"].submission_id == found["b.ndjson"].submission_id
    assert [found[name].earlier for name in ("a.ndjson", "b.ndjson", "c.ndjson", "y")] == [False, True, False, True]
    assert titles(instance) == ["Overflow in f1()", "Overflow in f2()"]


def test_file_that_nothing_was_read_of_is_read_again_with_the_source_named(instance: Instance, tmp_path: Path) -> None:
    path = tmp_path / "note.txt"
    path.write_text("There is an overflow in parse_header() of src/http.c before 1.2.\n")
    plain = Incoming("note.txt", path)
    [first] = job_of(instance).run([plain])
    [again] = job_of(instance).run([plain])
    named = dataclasses.replace(plain, source="markdown")
    [read] = job_of(instance).run([named])
    [twice] = job_of(instance).run([named])
    assert (first.notes[0].code, again.earlier, again.submission_id) == ("source.not_found", True, first.submission_id)
    assert (sum(read.counts.values()), read.submission_id != first.submission_id) == (1, True)
    assert (twice.earlier, twice.submission_id) == (True, read.submission_id)
