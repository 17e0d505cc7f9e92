"""Two at once: the same thing twice, one thing in two ways, and a right that ends midway. On both databases."""

import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from clearinghouse.app.process import matching
from clearinghouse.core.roles import MAY, Role, Scope
from clearinghouse.disclosure.deconfliction import store as deconfliction
from clearinghouse.ledger import store as ledger
from clearinghouse.parties import actions as parties
from world import API, World, opened_world
from world_cases import database_of

REPORT = b'{"title": "Overflow in strip_read", "symbols": ["strip_read"], "reproduction": "run poc"}\n'


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def busy(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A coordinator, a finder and a vendor on either database."""
    folder: Path = tmp_path_factory.mktemp("busy")
    server = request.getfixturevalue("postgresql_url") if request.param == "postgresql" else ""
    with opened_world(database_of(request.param, folder, server), folder / "home") as opened:
        for name, role in (("finder", Role.REPORTER), ("vendor", Role.VENDOR)):
            opened.add_person(name, opened.add_organisation(name), role)
        yield opened


def kinds(world: World, subject: str) -> list[str]:
    """What the record says of something."""
    with world.instance.database.read() as tx:
        return [event.kind for event in ledger.events_about(tx, subject)]


def sent(world: World, title: str) -> str:
    """A report of its own."""
    body = msgspec.json.encode({"title": title, "symbols": [title.replace(" ", "_")]}) + b"\n"
    return str(world.do("finder", "POST", "/submissions?wait=10", body=body)["items"][0]["report_id"])


def test_twenty_times_the_same_is_kept_once(busy: World) -> None:
    headers = {**busy.headers("finder"), "Idempotency-Key": "twenty"}
    answers = busy.application.call_all(*[("POST", f"{API}/submissions", headers, REPORT)] * 20)
    assert {answer.status for answer in answers} == {201}
    assert len({msgspec.json.decode(answer.body)["submission_id"] for answer in answers}) == 1
    submission = msgspec.json.decode(answers[0].body)["submission_id"]
    assert kinds(busy, submission).count("SubmissionBegun") <= 1
    other = busy.application.call_all(*[("POST", f"{API}/submissions", {**busy.headers("finder"), "Idempotency-Key": "twenty"}, REPORT + b"\n")] * 5)
    assert {answer.status for answer in other} == {409}
    assert busy.do("finder", "GET", "/reports")["total"] == 1


def test_key_of_somebody_else_opens_nothing(busy: World) -> None:
    """An idempotency key is its sender's own: who knows another's gets a receipt of its own, not the other's."""
    headers = {"Idempotency-Key": "shared"}
    first = busy.call("finder", "POST", f"{API}/submissions", body=REPORT + b" ", headers=headers)
    second = busy.call("operator", "POST", f"{API}/submissions", body=REPORT + b" ", headers=headers)
    assert (first.status, second.status) == (201, 201)
    assert msgspec.json.decode(first.body)["submission_id"] != msgspec.json.decode(second.body)["submission_id"]


def test_report_is_opened_as_one_case_however_many_open_it(busy: World) -> None:
    report = sent(busy, "one case only")
    body = msgspec.json.encode({"reports": [report], "title": "A case"})
    answers = busy.application.call_all(*[("POST", f"{API}/cases", {**busy.headers("operator"), "Content-Type": "application/json"}, body)] * 8)
    assert sorted(answer.status for answer in answers) == [201, *[409] * 7]
    assert len(busy.do("operator", "GET", "/cases")) >= 1
    opened = next(msgspec.json.decode(answer.body)["id"] for answer in answers if answer.status == 201)
    assert kinds(busy, opened).count("ReportAttached") == 1


def test_two_decisions_at_once_are_both_on_the_record_or_one_is_refused(busy: World) -> None:
    reports = [sent(busy, f"race {name}") for name in ("alpha", "beta", "gamma")]
    matching(busy.instance).settle()
    headers = {**busy.headers("operator"), "Content-Type": "application/json"}

    def decision(kind: str, *chosen: str) -> tuple[str, str, dict[str, str], bytes]:
        return ("POST", f"{API}/decisions", headers, msgspec.json.encode({"kind": kind, "reports": list(chosen), "reason": "seen"}))

    answers = busy.application.call_all(
        decision("merge", reports[0], reports[1]), decision("not_same", reports[0], reports[1]), decision("merge", reports[0], reports[1]),
        decision("merge", reports[1], reports[2]),
    )
    done = [msgspec.json.decode(answer.body)["id"] for answer in answers if answer.status == 201]
    assert {answer.status for answer in answers} <= {201, 409, 422}, [answer.text for answer in answers]
    assert done
    with busy.instance.database.read() as tx:
        kept = {word.id for word in deconfliction.list_decisions(tx, busy.instance.envelope, standing_only=True)}
    assert kept >= set(done)
    for identifier in done:
        again = busy.application.call_all(*[("POST", f"{API}/decisions/{identifier}/undo", headers, b"")] * 3)
        assert sorted(answer.status for answer in again) == [200, 409, 409], [answer.text for answer in again]


def test_case_closed_twice_at_once_is_closed_once(busy: World) -> None:
    case = busy.do("operator", "POST", "/cases", {"reports": [sent(busy, "closed once")], "title": "A case"})["id"]
    headers = {**busy.headers("operator"), "Content-Type": "application/json"}
    answers = busy.application.call_all(*[("POST", f"{API}/cases/{case}/close", headers, b'{"reason": "done"}')] * 6)
    assert sorted(answer.status for answer in answers) == [200, *[409] * 5]
    assert kinds(busy, case).count("CaseClosed") == 1


def test_token_revoked_midway_ends_at_once(busy: World) -> None:
    finder = busy.people["finder"].party
    scopes = frozenset(scope for scope in Scope if finder.roles & MAY[scope])
    with busy.instance.database.write() as tx:
        token, text = parties.issue_token(
            tx, finder.id, scopes, busy.clock.now() + timedelta(days=1), actor=busy.instance.actor.id, now=busy.clock.now()
        )
    headers, statuses, revoked = {"Authorization": f"Bearer {text}"}, [], threading.Event()

    def ask() -> None:
        for _ in range(60):
            was = revoked.is_set()
            statuses.append((was, busy.application.call("GET", f"{API}/reports", headers).status))

    asking = [threading.Thread(target=ask) for _ in range(3)]
    for thread in asking:
        thread.start()
    with busy.instance.database.write() as tx:
        parties.revoke_token(tx, token.id, actor=busy.instance.actor.id, now=busy.clock.now())
    revoked.set()
    for thread in asking:
        thread.join()
    assert {status for was, status in statuses if was} == {401}
    assert {status for _, status in statuses} <= {200, 401}
