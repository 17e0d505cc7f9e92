"""Erasing a case: two persons, a legal hold, what is left, and what a kill in between leaves."""

import json
import signal
import subprocess
import sys
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from sqlalchemy import LargeBinary

from api_support import headers_of
from clearinghouse.app import bundles
from clearinghouse.app.process import sign_checkpoint
from clearinghouse.app.settings import load_settings
from clearinghouse.app.views import case_room, embargo_clock
from clearinghouse.app.views.health import work_health
from clearinghouse.app.views.search_rooms import search_rooms
from clearinghouse.app.wiring import Instance, open_instance
from clearinghouse.app.worker import worker_of
from clearinghouse.core.clock import FixedClock
from clearinghouse.core.errors import Conflict, NotFound, NotPermitted, Unavailable
from clearinghouse.core.ids import CaseId
from clearinghouse.core.marks import Audience, Reach
from clearinghouse.core.roles import Role
from clearinghouse.disclosure.coordination.rooms import actions
from clearinghouse.disclosure.coordination.rooms.records import CaseState, Erasure
from clearinghouse.disclosure.coordination.rooms.store import cases
from clearinghouse.disclosure.coordination.rooms.store.tables import cases as case_table
from clearinghouse.disclosure.intake.records import Finding
from clearinghouse.ledger import actions as ledger
from clearinghouse.ledger import store as ledger_store
from clearinghouse.server.application import create_application
from clearinghouse.storage import metadata
from direct_calls import Application
from party_factories import add
from room_cast import Cast
from tests_support import Command

MARK = "quagmire"
_KILLED = """
import os, signal, sys
from pathlib import Path
from clearinghouse.app.settings import load_settings
from clearinghouse.app.wiring import open_instance
from clearinghouse.disclosure.coordination.rooms import actions
instance = open_instance(load_settings(Path(sys.argv[1])), acting_as=sys.argv[2])
with instance.database.write() as tx:
    actions.confirm_erasure(tx, sys.argv[3], proven=True, actor=instance.actor.id, envelope=instance.envelope, now=instance.clock.now())
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def cast(instance: Instance) -> Cast:
    return Cast(instance)


def closed_case(cast: Cast) -> CaseId:
    """A case with a text of each kind, closed."""
    report = cast.report(Finding(title=f"Overflow {MARK}", description=f"It overflows {MARK}"))
    case_id = cast.open(report, title=f"Case {MARK}")
    cast.join(case_id, "vendor")
    thread = case_room.read_room(cast.instance, case_id).threads[0].thread.id
    cast.write(actions.post_message, case_id, thread, f"hello {MARK}")
    cast.write(actions.add_vulnerability, case_id, f"Flaw {MARK}")
    cast.write(actions.close_case, case_id, "done")
    return case_id


def ask(cast: Cast, case_id: CaseId, *, proven: bool = True, actor: str = "lead") -> Erasure:
    return cast.write(actions.request_erasure, case_id, "the agreed time has passed", proven=proven, actor=actor, policy=cast.instance.policy.identity)


def confirm(cast: Cast, erasure: Erasure, *, proven: bool = True, actor: str = "coordinator") -> CaseId:
    return cast.write(actions.confirm_erasure, erasure.id, proven=proven, actor=actor)


def kinds(instance: Instance, case_id: CaseId) -> list[str]:
    with instance.database.read() as tx:
        return [event.kind for event in ledger_store.events_about(tx, case_id)]


def test_two_persons_erase_a_case_and_its_events_stay(cast: Cast) -> None:
    case_id = closed_case(cast)
    instance = cast.instance
    with instance.database.read() as tx:
        room = cases.find_room(tx, case_id, instance.envelope, viewer=instance.actor.id, now=instance.clock.now())
    assert room is not None
    before = kinds(instance, case_id)
    assert confirm(cast, ask(cast, case_id)) == case_id
    assert kinds(instance, case_id) == [*before, "CaseErasureRequested", "CaseErased"]
    with instance.database.read() as tx:
        assert tx.row(case_table.select().with_only_columns(case_table.c.state, case_table.c.wrapped_key, case_table.c.sealed)) == (
            "erased", b"", b"",
        )
    sign_checkpoint(instance)
    ledger.verify(instance.database, instance.settings.ledger_origin, [instance.signer.verifier], instance.keeper)


def test_nothing_that_was_sealed_in_the_room_opens_with_what_the_instance_holds(cast: Cast) -> None:
    case_id = closed_case(cast)
    confirm(cast, ask(cast, case_id))
    instance = cast.instance
    with instance.database.read() as tx:
        for table in metadata.tables.values():
            if "case_id" not in table.columns:
                continue
            for column in table.columns:
                if isinstance(column.type, LargeBinary) and column.name == "wrapped_key" and table.name == "cases":
                    assert [bytes(row[0]) for row in tx.rows(table.select().with_only_columns(column))] == [b""]
        room = cases.find_room(tx, case_id, instance.envelope, viewer=instance.actor.id, now=instance.clock.now())
        assert room is not None
        assert (room.key, room.case.title, room.case.summary, room.case.state) == (b"", "(erased)", "", CaseState.ERASED)
        with pytest.raises(Unavailable, match="erased"):
            cases.list_reports(tx, room, now=instance.clock.now())


def test_every_way_to_the_room_says_that_it_was_erased(cast: Cast) -> None:
    case_id = closed_case(cast)
    confirm(cast, ask(cast, case_id))
    instance = cast.instance
    [line] = case_room.list_rooms(instance)
    assert (line.id, line.title, line.state) == (case_id, "(erased)", CaseState.ERASED)
    assert [one.id for one in case_room.list_rooms(instance, state=CaseState.ERASED)] == [case_id]
    assert case_room.list_rooms(instance, state=CaseState.CLOSED) == ()
    for look in (
        lambda: case_room.read_room(instance, case_id), lambda: embargo_clock.read_embargo(instance, case_id),
        lambda: bundles.export_bundle(instance, case_id, Audience(Reach.ORGANISATION)),
        lambda: cast.write(actions.reopen_case, case_id, "again"), lambda: ask(cast, case_id),
    ):
        with pytest.raises(Conflict, match=f"{case_id} was erased on 2026-11-21"):
            look()
    found = search_rooms(instance, MARK)
    assert (found.rooms, found.flaws, found.messages) == ((), (), ())
    with pytest.raises(NotFound):
        case_room.read_room(instance.acting_as(cast.party("stranger")), case_id)


def test_one_person_cannot_be_both_and_somebody_shows_who_it_is(cast: Cast) -> None:
    case_id = closed_case(cast)
    with pytest.raises(NotPermitted, match="two persons"):
        confirm(cast, ask(cast, case_id), actor="lead")
    with pytest.raises(NotPermitted, match="nobody shows"):
        confirm(cast, ask(cast, case_id, proven=False), proven=False)
    with pytest.raises(NotPermitted):
        confirm(cast, ask(cast, case_id), actor="vendor")
    with pytest.raises(NotPermitted):
        ask(cast, case_id, actor="vendor")
    with pytest.raises(NotFound):
        ask(cast, case_id, actor="coordinator")
    assert kinds(cast.instance, case_id).count("CaseErased") == 0


def test_an_open_case_is_not_erased_nor_one_that_was_opened_again(cast: Cast) -> None:
    case_id = closed_case(cast)
    asked = ask(cast, case_id)
    cast.write(actions.reopen_case, case_id, "a second report")
    with pytest.raises(Conflict, match="is open"):
        confirm(cast, asked)
    with pytest.raises(Conflict, match="is open"):
        ask(cast, case_id)
    assert case_room.read_room(cast.instance, case_id).case.title == f"Case {MARK}"


def test_a_request_lapses_and_is_good_once(cast: Cast, clock: FixedClock) -> None:
    case_id = closed_case(cast)
    asked = ask(cast, case_id)
    clock.at += timedelta(hours=cast.instance.policy.identity.glass_request_hours)
    with pytest.raises(Conflict, match="lapsed"):
        confirm(cast, asked)
    fresh = ask(cast, case_id)
    confirm(cast, fresh)
    with pytest.raises(Conflict, match="confirmed before"):
        confirm(cast, fresh)


def test_a_legal_hold_forbids_erasure_until_it_is_lifted(cast: Cast) -> None:
    case_id = closed_case(cast)
    asked = ask(cast, case_id)
    administrator = add(cast.instance, "Administrator", Role.ADMINISTRATOR)
    with pytest.raises(NotFound), cast.instance.database.write() as tx:
        actions.hold_case(tx, case_id, "a court asks", actor=administrator.id, envelope=cast.instance.envelope, now=cast.instance.clock.now())
    with cast.instance.database.write() as tx:
        actions.hold_case(tx, case_id, "a court asks", unseen=True, actor=administrator.id, envelope=cast.instance.envelope, now=cast.instance.clock.now())
    for deed in (lambda: confirm(cast, asked), lambda: ask(cast, case_id)):
        with pytest.raises(Conflict, match="legal hold"):
            deed()
    with pytest.raises(Conflict, match="already"):
        cast.write(actions.hold_case, case_id, "again")
    cast.write(actions.release_case, case_id)
    with pytest.raises(Conflict, match="no legal hold"):
        cast.write(actions.release_case, case_id)
    confirm(cast, asked)
    assert kinds(cast.instance, case_id)[-3:] == ["CaseHeld", "CaseReleased", "CaseErased"]


def test_killed_before_the_commit_nothing_is_lost_and_the_request_stands(cast: Cast) -> None:
    case_id = closed_case(cast)
    asked, second = ask(cast, case_id), cast.id("coordinator")
    arguments = [str(cast.instance.settings.home), second, asked.id]
    ended = subprocess.run([sys.executable, "-c", _KILLED, *arguments], timeout=60, check=False)
    assert ended.returncode == -signal.SIGKILL
    assert case_room.read_room(cast.instance, case_id).case.title == f"Case {MARK}"
    confirm(cast, asked)
    assert kinds(cast.instance, case_id)[-1] == "CaseErased"


def test_the_worker_goes_on_over_an_erased_case(cast: Cast) -> None:
    case_id = closed_case(cast)
    confirm(cast, ask(cast, case_id))
    worker = worker_of(cast.instance)
    done = worker.run_once()
    assert done.actions > 0
    assert not work_health(cast.instance).failed


def test_over_http_two_tokens_erase_and_a_third_reads_what_became_of_it(cast: Cast) -> None:
    case_id = closed_case(cast)
    instance = cast.instance
    with Application(create_application(instance), instance) as application:
        def call(who: str, method: str, target: str, body: Any = None) -> tuple[int, Any]:
            party = instance.actor if who == "lead" else cast.party(who)
            headers = {**headers_of(instance, party), "Content-Type": "application/json"}
            answer = application.call(method, "/api/v1" + target, headers, b"" if body is None else msgspec.json.encode(body))
            return answer.status, json.loads(answer.body)

        status, asked = call("lead", "POST", f"/cases/{case_id}/erasure", {"reason": "time has passed"})
        assert status == 201
        assert [one["id"] for one in call("coordinator", "GET", "/erasures")[1]] == [asked["id"]]
        assert call("lead", "POST", f"/erasures/{asked['id']}/confirm")[0] == 403
        assert call("coordinator", "POST", f"/erasures/{asked['id']}/confirm") == (200, {"state": "erased"})
        assert [(one["id"], one["title"], one["state"]) for one in call("vendor", "GET", "/cases")[1]] == [(case_id, "(erased)", "erased")]
        for target in (f"/cases/{case_id}", f"/cases/{case_id}/embargo", f"/cases/{case_id}/bundle?reach=organisation"):
            status, problem = call("lead", "GET", target)
            assert (status, "was erased on 2026-11-21" in problem["detail"]) == (409, True), target
        assert call("stranger", "GET", f"/cases/{case_id}")[0] == 404
        page = application.call("GET", f"/cases/{case_id}", {})
        assert page.status in (303, 404)


def test_over_the_command_line(cast: Cast) -> None:
    case_id = closed_case(cast)
    instance = cast.instance
    command = Command(instance.settings.home)
    asked = json.loads(command("case", "erase", case_id, "--reason", "time has passed", "--json"))
    second = cast.id("coordinator")
    assert "nobody shows" in command.run("--as", second, "case", "confirm-erasure", asked["id"]).stderr
    command("case", "hold", case_id, "--reason", "a court asks")
    assert "legal hold" in command.run("case", "erase", case_id, "--reason", "again").stderr
    command("case", "lift", case_id)
    assert asked["id"] in command("case", "erasures")
    # Made over the API, where a token shows who asks.
    later = open_instance(load_settings(instance.settings.home))
    with later.database.write() as tx:
        proven = actions.request_erasure(
            tx, case_id, "time", proven=True, policy=later.policy.identity, actor=later.actor.id, envelope=later.envelope, now=later.clock.now()
        )
    later.close()
    assert json.loads(command("--as", second, "case", "confirm-erasure", proven.id, "--json")) == {"erased": case_id}
    assert "erased" in command("case", "list")
    shown = command.run("case", "show", case_id)
    assert (shown.returncode, "was erased on" in shown.stderr) == (6, True)
    command("ledger", "verify")
