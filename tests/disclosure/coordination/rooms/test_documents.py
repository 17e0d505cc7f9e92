"""Documents and messages: bounds, the reading on record before a byte leaves, and what marks do."""

from datetime import timedelta

import pytest

from clearinghouse.core.clock import FixedClock
from clearinghouse.core.errors import Conflict, Invalid, NotFound, NotPermitted
from clearinghouse.core.ids import CaseId, new_id
from clearinghouse.core.marks import Marks
from clearinghouse.core.tlp import Tlp
from clearinghouse.disclosure.coordination.rooms import actions
from clearinghouse.disclosure.coordination.rooms.records import CaseRole, DocumentKind
from clearinghouse.disclosure.coordination.rooms.store import documents, threads
from clearinghouse.ledger import store as ledger
from room_cast import Cast


def read(cast: Cast, case_id: CaseId, document_id: str, viewer: str = "lead") -> bytes:
    instance, party = cast.instance, cast.id(viewer)
    return actions.read_document(
        instance.database, case_id, document_id, envelope=instance.envelope, viewer=party, now=instance.clock.now()
    )[1]


def reads(cast: Cast, document_id: str) -> list[str]:
    with cast.instance.database.read() as tx:
        return [event.actor for event in ledger.events_about(tx, document_id) if event.kind == "SealedObjectRead"]


def test_reading_is_on_record_before_a_byte_is_opened(cast: Cast, case_id: CaseId, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = cast.write(actions.add_document, case_id, DocumentKind.PATCH, "fix.patch", b"diff")

    def cut(*_given: object) -> bytes:
        raise RuntimeError("the power failed here")

    monkeypatch.setattr(documents, "read_body", cut)
    with pytest.raises(RuntimeError, match="power"):
        read(cast, case_id, kept.id, "finder")
    assert reads(cast, kept.id) == [cast.id("finder")]
    monkeypatch.undo()
    assert read(cast, case_id, kept.id) == b"diff"
    assert reads(cast, kept.id) == [cast.id("finder"), cast.id("lead")]


def test_who_is_refused_leaves_no_reading(cast: Cast, case_id: CaseId) -> None:
    kept = cast.write(actions.add_document, case_id, DocumentKind.PATCH, "fix.patch", b"diff")
    with pytest.raises(NotFound):
        read(cast, case_id, kept.id, "stranger")
    with pytest.raises(NotFound):
        read(cast, case_id, new_id("doc"))
    assert reads(cast, kept.id) == []


def test_withdrawn_document_is_gone_for_all(cast: Cast, case_id: CaseId) -> None:
    cast.join(case_id, "vendor")
    kept = cast.write(actions.add_document, case_id, DocumentKind.PATCH, "fix.patch", b"diff", actor="vendor")
    with pytest.raises(NotPermitted, match="who added it"):
        cast.write(actions.withdraw_document, case_id, kept.id, actor="finder")
    cast.write(actions.withdraw_document, case_id, kept.id, actor="vendor")
    with pytest.raises(NotFound):
        read(cast, case_id, kept.id)


def test_document_expires_with_its_marks(cast: Cast, case_id: CaseId, clock: FixedClock) -> None:
    ends = clock.now() + timedelta(hours=1)
    kept = cast.write(actions.add_document, case_id, DocumentKind.PATCH, "fix.patch", b"diff", marks=Marks(expires_at=ends))
    assert read(cast, case_id, kept.id) == b"diff"
    clock.at = ends
    with pytest.raises(NotFound):
        read(cast, case_id, kept.id)


@pytest.mark.parametrize("body", [b"", b"x" * 25_000_001])
def test_empty_and_too_large_files_are_refused(sqlite_cast: Cast, sqlite_case: CaseId, body: bytes) -> None:
    with pytest.raises(Invalid, match="file"):
        sqlite_cast.write(actions.add_document, sqlite_case, DocumentKind.OTHER, "x", body)


@pytest.mark.parametrize("body", ["", " \n", "x" * 50_001, "\ud800"])
def test_messages_that_are_none_are_refused(sqlite_cast: Cast, sqlite_case: CaseId, body: str) -> None:
    with pytest.raises(Invalid, match="message"):
        sqlite_cast.write(actions.post_message, sqlite_case, None, body)


@pytest.mark.parametrize(("name", "kept"), [
    ("../../etc/passwd", "passwd"), ("C:\\windows\\evil.exe", "evil.exe"), ("..", "document"), ("a\u202egpj.exe", "agpj.exe"), ("", "document"),
    ("<svg onload=x>.svg", "<svg onload=x>.svg"),
])
def test_file_names_are_display_text(sqlite_cast: Cast, sqlite_case: CaseId, name: str, kept: str) -> None:
    assert sqlite_cast.write(actions.add_document, sqlite_case, DocumentKind.OTHER, name, b"x", media_type="text/html\r\nx: y").name == kept


def test_observer_below_the_room_neither_writes_nor_talks_aside(cast: Cast, case_id: CaseId) -> None:
    cast.join(case_id, "watcher", CaseRole.OBSERVER)
    with pytest.raises(NotPermitted, match="tier 2"):
        cast.write(actions.post_message, case_id, None, "may I?", actor="watcher")
    with pytest.raises(NotPermitted, match="tier 2"):
        cast.write(actions.open_thread, case_id, "aside", [cast.id("lead")], actor="watcher")


def test_organisation_writes_nothing_it_could_not_read_back(cast: Cast, case_id: CaseId) -> None:
    cast.join(case_id, "vendor's")
    with pytest.raises(NotPermitted, match="named persons"):
        cast.write(actions.post_message, case_id, None, "for you alone", marks=Marks(Tlp.RED), actor="vendor")


def test_reply_goes_to_a_message_of_the_same_thread(cast: Cast, case_id: CaseId) -> None:
    cast.join(case_id, "vendor")
    thread = cast.write(actions.open_thread, case_id, "aside", [cast.id("vendor")])
    said = cast.write(actions.post_message, case_id, thread, "here")
    with pytest.raises(NotFound):
        cast.write(actions.post_message, case_id, None, "there", in_reply_to=said)
    cast.write(actions.post_message, case_id, thread, "here too", in_reply_to=said, actor="vendor")


def test_side_thread_names_its_case_on_no_leaf(cast: Cast, case_id: CaseId) -> None:
    cast.join(case_id, "vendor")
    thread = cast.write(actions.open_thread, case_id, "aside", [cast.id("vendor")])
    said = cast.write(actions.post_message, case_id, thread, "here")
    kept = cast.write(actions.add_document, case_id, DocumentKind.EVIDENCE, "log", b"x", thread_id=thread)
    with cast.instance.database.read() as tx:
        for subject in (thread, said, kept.id):
            assert all(case_id not in event.subjects for event in ledger.events_about(tx, subject))
        found = threads.system_thread(tx, thread)
    assert found is not None
    assert (found[0], found[1], set(found[2])) == (case_id, "private", {cast.id("lead"), cast.id("vendor")})


def test_closed_case_takes_nothing_new(cast: Cast, case_id: CaseId) -> None:
    cast.write(actions.close_case, case_id, "done")
    with pytest.raises(Conflict, match="closed"):
        cast.write(actions.post_message, case_id, None, "one more")
    cast.write(actions.reopen_case, case_id, "not done")
    cast.write(actions.post_message, case_id, None, "one more")
