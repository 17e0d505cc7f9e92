"""Exact traces in a whole instance: both databases, placed as settled, undone exactly, and told over HTTP."""

from collections.abc import Iterator
from typing import Any

import pytest
from litestar.testing import TestClient

from api_support import headers_of
from clearinghouse.app import process
from clearinghouse.app.views.report import explain
from clearinghouse.app.wiring import Instance
from clearinghouse.core.roles import Role
from clearinghouse.disclosure.deconfliction import actions, store
from clearinghouse.disclosure.deconfliction.records import DecisionKind
from clearinghouse.disclosure.deconfliction.settling import RELATIONS
from clearinghouse.disclosure.intake import store as intake
from clearinghouse.disclosure.intake.records import CodeLocation, Crash, Finding, Frame, Identifier, IdentifierRole
from clearinghouse.server.application import create_application
from patch_samples import BACKPORT, PATCH
from views_support import new_party, send_as

FRAMES = ("tile_read", "tile_next", "image_rows", "image_open", "load_file")


def crash(title: str) -> Finding:
    return Finding(title=title, products=("picture",), crash=Crash("AddressSanitizer", "heap-buffer-overflow", "READ", 1, tuple(
        Frame(name, "/src/picture/x.c", 7) for name in FRAMES)))


def at(title: str, symbol: str, product: str, path: str = "lib/a.c", **more: Any) -> Finding:
    return Finding(title=title, products=(product,), weaknesses=("CWE-787",), locations=(CodeLocation(path, 5, None, symbol),), **more)


FINDINGS = (
    crash("A crash"), crash("Found by a fuzzer"),
    at("Overflow in chunk_read", "chunk_read", "wombat", remediation=PATCH), Finding(title="A vendored chunk reader", products=("heron",), remediation=BACKPORT),
    at("Overflow in grid_make", "grid_make", "numbat", identifiers=(Identifier("CVE-2025-1111", IdentifierRole.OWN),)),
    at("Overflow in grid_make again", "grid_make", "numbat", description="Exists because of an incomplete fix for CVE-2025-1111."),
    at("", "node_drop", "quokka", "lib/node.c"), at("", "node_drop", "bilby", "third_party/quokka/lib/node.c"),
)
SAID = {(0, 1): "duplicate", (2, 3): "unsure", (4, 5): "related", (6, 7): "variant"}


@pytest.fixture
def sent(instance: Instance) -> tuple[Instance, list[str]]:
    """The findings, received by a coordinator, and signed; their ids."""
    ids = send_as(instance, new_party(instance, "Finder Ltd", Role.REPORTER), FINDINGS, coordinator=instance.actor)
    process.matching(instance).sign_new()
    return instance, [str(one) for one in ids]


def words(instance: Instance, ids: list[str]) -> dict[tuple[int, int], str]:
    """What is kept of the pairs in `SAID`, from the later report's candidates."""
    with instance.database.read() as tx:
        numbers = [intake.system_number(tx, one) or 0 for one in ids]
        placed = store.read_placements(tx, numbers)
    return {
        (a, b): next((str(RELATIONS[word]) for other, _, word in store.unpack_candidates(placed[numbers[b]].candidates) if other == numbers[a]), "none")
        for a, b in SAID
    }


def test_traces_are_settled_and_placed_alike(sent: tuple[Instance, list[str]]) -> None:
    instance, ids = sent
    work = process.matching(instance)
    work.place_new()
    assert words(instance, ids) == SAID
    work.settle()
    assert words(instance, ids) == SAID


def test_explain_says_which_rule_spoke_and_why_two_are_related(sent: tuple[Instance, list[str]]) -> None:
    instance, ids = sent
    work = process.matching(instance)
    work.index_waiting()
    work.settle()
    told = {pair: explain(instance, ids[pair[0]], ids[pair[1]]).candidate for pair in SAID}
    assert {pair: (str(found.relation), found.kinship) for pair, found in told.items()} == {
        (0, 1): ("duplicate", ""), (2, 3): ("unsure", ""), (4, 5): ("related", "regression"), (6, 7): ("variant", "copy"),
    }
    rules = {pair: [entry.name for entry in found.evidence if entry.name in ("stack", "fix", "relation")] for pair, found in told.items()}
    assert rules == {(0, 1): ["stack"], (2, 3): ["fix"], (4, 5): ["relation"], (6, 7): ["relation"]}
    assert not any(word in repr(told) for word in ("tile_read", "chunk", "wombat", "CVE-2025"))


def test_undoing_a_decision_over_traces_is_exact(sent: tuple[Instance, list[str]]) -> None:
    instance, ids = sent
    work = process.matching(instance)
    work.index_waiting()
    work.settle()
    now = instance.clock.now()
    with instance.database.read() as tx:
        before = list(store.stream_placements(tx))
    with instance.database.write() as tx:
        found = intake.read_reports(tx, ids[:2], instance.envelope, viewer=instance.actor.id, now=now)
        done = actions.decide(tx, DecisionKind.NOT_SAME, [found[one] for one in ids[:2]], "two flaws", actor=instance.actor.id,
                              envelope=instance.envelope, thresholds=instance.policy.deconfliction, now=now)
    with instance.database.write() as tx:
        assert list(store.stream_placements(tx)) != before  # they stood together
        actions.undo(tx, done.id, actor=instance.actor.id, envelope=instance.envelope, thresholds=instance.policy.deconfliction, now=now)
    with instance.database.read() as tx:
        assert list(store.stream_placements(tx)) == before


@pytest.fixture
def client(instance: Instance) -> Iterator["TestClient[Any]"]:
    """The whole application."""
    with TestClient(create_application(instance, matcher_process=False), raise_server_exceptions=False) as opened:
        yield opened


def test_kinship_and_counting_are_told_over_http(sent: tuple[Instance, list[str]], client: "TestClient[Any]") -> None:
    instance, ids = sent
    work = process.matching(instance)
    work.index_waiting()
    work.settle()
    headers = headers_of(instance, instance.actor)
    told = client.get(f"/api/v1/reports/{ids[7]}/compare/{ids[6]}", headers=headers).json()
    assert (told["candidate"]["relation"], told["candidate"]["kinship"]) == ("variant", "copy")
    assert told["candidate"]["because"].startswith("copy - ")
    cluster = client.get("/api/v1/clusters", headers=headers).json()["clusters"][0]["id"]
    counted = client.get(f"/api/v1/clusters/{cluster}/counting", headers=headers).json()
    assert (counted["count"], counted["considered"], counted["rule"]["version"]) == ("keep", 2, "4.0.0")
    assert client.get("/api/v1/clusters/case_kkkkkkkkkkkkkkkkkkkkkkkkkk/counting", headers=headers).status_code == 404
