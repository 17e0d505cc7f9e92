"""A whole case from one instance to another: nothing lost, nothing altered unseen, marks obeyed."""

import dataclasses
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from clearinghouse.app.settings import Settings, default_url
from clearinghouse.app.views.case_room import read_room
from clearinghouse.app.wiring import Instance, create_instance
from clearinghouse.core.clock import FixedClock
from clearinghouse.core.errors import Conflict, Invalid, NotFound, NotPermitted
from clearinghouse.core.ids import CaseId, new_id
from clearinghouse.core.marks import Audience, Marks, Purpose, Reach
from clearinghouse.core.tlp import Tlp
from clearinghouse.disclosure.coordination.rooms import actions
from clearinghouse.disclosure.coordination.rooms.bundle import (
    Bundle,
    CasePart,
    MessagePart,
    PartyPart,
    ThreadPart,
    parse_bundle,
    render_bundle,
)
from clearinghouse.disclosure.coordination.rooms.records import CaseState, DecisionKind, DocumentKind, ThreadKind, VendorStatus
from clearinghouse.disclosure.coordination.rooms.store import cases
from clearinghouse.disclosure.intake.records import Consents, Credit, Finding
from clearinghouse.ledger import store as ledger
from room_cast import Cast

FINDING = Finding(title="Overflow in tiff_read_strip", description="A long strip overflows.", reproduction="run it with a.tif")
NEAR = Audience(Reach.ORGANISATION)
AT = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.fixture
def cast(sqlite_instance: Instance) -> Cast:
    return Cast(sqlite_instance)


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Cast]:
    """Another instance, with keys and people of its own."""
    home = tmp_path / "elsewhere"
    made = create_instance(
        Settings(home, default_url(home), "elsewhere.example/log", home / "witness", ""), organisation="Other CERT", person="Colleague",
        clock=FixedClock(datetime(2026, 12, 1, tzinfo=UTC)),
    )
    yield Cast(made)
    made.close()


def export(cast: Cast, case_id: CaseId, audience: Audience = NEAR, **options: object) -> bytes:
    instance = cast.instance
    return actions.export_case(
        instance.database, case_id, audience, actor=instance.actor.id, envelope=instance.envelope, origin=instance.settings.ledger_origin,
        limits=instance.policy.rooms, now=instance.clock.now(), **options,  # type: ignore[arg-type]
    )


def take_in(cast: Cast, bundle: bytes, actor: str = "lead") -> CaseId:
    return cast.write(actions.import_case, bundle, policy_version=1, intake_limits=cast.instance.policy.intake, actor=actor)


def rich_case(cast: Cast) -> CaseId:
    """A case with something of everything."""
    report = cast.report(FINDING)
    shy = cast.report(dataclasses.replace(
        FINDING, title="The same", consents=Consents(share_name=False), credits=(Credit("Ada Secret"),), reporter="Ada Secret"
    ), "Ada Secret")
    gone = cast.report(dataclasses.replace(FINDING, title="Taken back"), "fickle")
    case_id = cast.open(report, shy, gone)
    cast.join(case_id, "vendor's")
    flaw = cast.write(actions.add_vulnerability, case_id, "Overflow", identifiers=["CVE-2026-1"], report_ids=[report])
    cast.write(actions.state_status, case_id, flaw, VendorStatus.UNDER_INVESTIGATION, "looking", actor="vendor")
    cast.write(actions.state_status, case_id, flaw, VendorStatus.KNOWN_AFFECTED, "all of them", actor="vendor")
    cast.write(actions.withdraw_report, case_id, gone, "wrong", actor="fickle")
    first = cast.write(actions.post_message, case_id, None, "**hello** <b>\r\n\x00\u202e", actor="vendor")
    cast.write(actions.post_message, case_id, None, "and you", in_reply_to=first)
    cast.write(actions.post_message, case_id, None, "mine", actor="Ada Secret")
    thread = cast.write(actions.open_thread, case_id, "Between us", [cast.id("vendor's")])
    cast.write(actions.post_message, case_id, thread, "quietly", actor="vendor")
    cast.write(actions.add_document, case_id, DocumentKind.REPRODUCER, "poc.py", b"\x00\xffprint(1)", actor="vendor")
    cast.write(actions.add_document, case_id, DocumentKind.EVIDENCE, "log.txt", b"log", thread_id=thread)
    cast.write(actions.record_decision, case_id, DecisionKind.SEVERITY, "reachable", subject=flaw)
    return case_id


def test_case_goes_through_two_instances_byte_for_byte(cast: Cast, elsewhere: Cast) -> None:
    case_id = rich_case(cast)
    there = export(cast, case_id, provenance=["-- found by Ada, passed on by Example CERT --"])
    taken = take_in(elsewhere, there)
    assert export(elsewhere, taken) == there
    assert export(cast, case_id, provenance=["-- found by Ada, passed on by Example CERT --"]) == there
    room = read_room(elsewhere.instance, taken)
    assert room.case.title == "Overflow in the reader"
    assert {line.report.title for line in room.packets} == {FINDING.title, "The same", "Taken back"}
    assert [line.message.body for line in room.threads[0].messages] == ["**hello** <b>\r\n\x00\u202e", "and you", "mine"]
    assert [line.message.body for line in room.threads[1].messages] == ["quietly"]
    assert [one.status for one in room.statuses.values()] == [VendorStatus.KNOWN_AFFECTED]
    assert {line.document.name for line in room.documents} == {"poc.py", "log.txt"}


def test_name_kept_back_travels_in_no_bundle(cast: Cast) -> None:
    assert b"Ada Secret" not in export(cast, rich_case(cast))


def test_same_bundle_twice_is_the_same_case(cast: Cast, elsewhere: Cast) -> None:
    bundle = export(cast, rich_case(cast))
    taken = take_in(elsewhere, bundle)
    assert take_in(elsewhere, bundle) == taken
    elsewhere.party("coordinator b")
    with pytest.raises(Conflict, match="imported before"):
        take_in(elsewhere, bundle, "coordinator b")


def test_export_and_every_document_in_it_are_on_record(cast: Cast) -> None:
    case_id = rich_case(cast)
    before = read_kinds(cast)
    export(cast, case_id)
    after = read_kinds(cast)
    assert {kind: n - before.get(kind, 0) for kind, n in after.items() if n != before.get(kind, 0)} == {
        "SealedObjectRead": 2, "CaseExported": 1
    }


def read_kinds(cast: Cast) -> dict[str, int]:
    with cast.instance.database.read() as tx:
        return ledger.count_events(tx)


@pytest.mark.parametrize(("marks", "audience", "refused"), [
    (Marks(Tlp.AMBER_STRICT), Audience(Reach.CLIENT), NotPermitted),
    (Marks(Tlp.AMBER), Audience(Reach.CLIENT, Purpose.TRAINING), NotPermitted),
    (Marks(Tlp.AMBER, no_regulatory_use=True), Audience(Reach.CLIENT, Purpose.REGULATION), NotPermitted),
    (Marks(Tlp.AMBER, legal_basis="CISA 2015", legal_basis_until=AT), Audience(Reach.CLIENT), Conflict),
    (Marks(Tlp.AMBER, expires_at=AT), Audience(Reach.CLIENT), Conflict),
])
def test_marks_forbid_an_export(cast: Cast, marks: Marks, audience: Audience, refused: type[Exception]) -> None:
    case_id = cast.open(cast.report(FINDING), marks=Marks(Tlp.AMBER, no_training=False))
    export(cast, case_id)
    cast.write(actions.mark_case, case_id, marks, "as asked")
    with pytest.raises(refused):
        export(cast, case_id, audience)


def test_one_narrow_message_holds_the_whole_export(cast: Cast) -> None:
    case_id = cast.open(cast.report(FINDING))
    cast.write(actions.post_message, case_id, None, "for you alone", marks=Marks(Tlp.RED))
    with pytest.raises(NotPermitted, match="TLP:RED"):
        export(cast, case_id)
    assert b"for you alone" in export(cast, case_id, Audience(Reach.NAMED))


def test_only_coordinators_export_and_import(cast: Cast) -> None:
    case_id = cast.open(cast.report(FINDING))
    bundle = export(cast, case_id)
    with pytest.raises(NotPermitted), cast.instance.database.write() as tx:
        actions.import_case(
            tx, bundle, policy_version=1, actor=cast.id("finder"), envelope=cast.instance.envelope, limits=cast.instance.policy.rooms,
            intake_limits=cast.instance.policy.intake, now=cast.instance.clock.now(),
        )
    with pytest.raises(NotPermitted):
        instance = cast.instance
        actions.export_case(
            instance.database, case_id, NEAR, actor=cast.id("finder"), envelope=instance.envelope, origin="x", limits=instance.policy.rooms,
            now=instance.clock.now(),
        )


def test_altered_bundle_leaves_nothing(cast: Cast, elsewhere: Cast) -> None:
    bundle = export(cast, rich_case(cast))
    before = read_kinds(elsewhere)
    for altered in (
        bundle.replace(b"quietly", b"loudly!"), bundle[: len(bundle) // 2], bundle.replace(b'"origin"', b'"Origin"'), b"", b"{}\n", b"[[[[",
        b"\n".join(bundle.split(b"\n")[1:]), bundle + bundle,
    ):
        with pytest.raises(Invalid):
            take_in(elsewhere, altered)
    assert read_kinds(elsewhere) == before


def test_bundle_of_our_own_case_does_not_open_it_to_others(cast: Cast) -> None:
    case_id = cast.open(cast.report(FINDING))
    bundle = export(cast, case_id)
    cast.party("coordinator b")
    copied = take_in(cast, bundle, "coordinator b")
    assert copied != case_id
    with pytest.raises(NotFound):
        cast.read(actions.enter, case_id, viewer="coordinator b")


def test_imported_case_lives_on(cast: Cast, elsewhere: Cast) -> None:
    taken = take_in(elsewhere, export(cast, rich_case(cast)))
    elsewhere.join(taken, "vendor")
    elsewhere.write(actions.post_message, taken, None, "here now", actor="vendor")
    again = export(elsewhere, taken)
    assert parse_bundle(again, 10**9).origin == cast.instance.settings.ledger_origin
    assert "here now" in {one.body for thread in parse_bundle(again, 10**9).threads for one in thread.messages}


text = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40).filter(lambda found: bool(found.strip()))


@settings(max_examples=60, deadline=None)
@given(title=text, bodies=st.lists(text, max_size=4), microseconds=st.integers(0, 2**51))
@example(title="x", bodies=["\n", "\x00\ufeff"], microseconds=0)
def test_rendered_bundle_reads_back(title: str, bodies: list[str], microseconds: int) -> None:
    made = bundle_of(title, bodies, AT + timedelta(microseconds=microseconds))
    rendered = render_bundle(made)
    assert parse_bundle(rendered, 10**6) == made
    assert render_bundle(parse_bundle(rendered, 10**6)) == rendered


@settings(max_examples=80, deadline=None)
@given(place=st.integers(0, 10**6), flip=st.integers(1, 255))
def test_no_byte_of_a_bundle_changes_unseen(place: int, flip: int) -> None:
    rendered = bytearray(render_bundle(bundle_of("Overflow", ["one", "two"], AT)))
    made = parse_bundle(bytes(rendered), 10**6)
    rendered[place % len(rendered)] ^= flip
    try:
        read = parse_bundle(bytes(rendered), 10**6)
    except Invalid:
        return
    # The line end after the manifest is the one byte that means nothing.
    assert read == made


@settings(max_examples=8, deadline=None, phases=[Phase.explicit, Phase.generate], suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(title=text, bodies=st.lists(text, max_size=3), statement=text, name=text, data=st.binary(min_size=1, max_size=60))
def test_export_import_export_is_the_identity(
    cast: Cast, elsewhere: Cast, title: str, bodies: list[str], statement: str, name: str, data: bytes
) -> None:
    report = cast.report(dataclasses.replace(FINDING, title=new_id("x" * 3), description=statement))
    case_id = cast.open(report, title=f"a {title}")
    cast.join(case_id, "vendor")
    flaw = cast.write(actions.add_vulnerability, case_id, f"b {title}", report_ids=[report])
    cast.write(actions.state_status, case_id, flaw, VendorStatus.FIXED, statement, actor="vendor")
    for body in bodies:
        cast.write(actions.post_message, case_id, None, body, actor="vendor")
    cast.write(actions.add_document, case_id, DocumentKind.OTHER, name, data)
    cast.write(actions.close_case, case_id, "done")
    there = export(cast, case_id)
    taken = take_in(elsewhere, there)
    assert export(elsewhere, taken) == there
    assert elsewhere.read(actions.enter, taken).case.state is CaseState.CLOSED
    with elsewhere.instance.database.read() as tx:
        assert cases.system_case_of_report(tx, report) is None


def bundle_of(title: str, bodies: list[str], when: datetime) -> Bundle:
    who, thread = "pty_" + "a" * 26, "thr_" + "a" * 26
    return Bundle(
        "here.example", CasePart("case_" + "a" * 26, title, "", when, CaseState.OPEN, when, Marks()),
        (PartyPart(who, "Ada"),), (), (), (),
        (ThreadPart(thread, ThreadKind.OFFICIAL, when, who, "", (), tuple(
            MessagePart("msg_" + "abcdefgh"[n] * 26, who, when, None, body, Marks()) for n, body in enumerate(bodies)
        )),), (), (), (title,),
    )
