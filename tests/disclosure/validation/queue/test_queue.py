"""The queue over a pretended workshop: asking, sharing out, leases, cancelling, resuming, verdicts kept once; on both databases."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text

from bench_support import REPRODUCER, Benches, Desk, desk_of, digest_of, recipe_text
from clearinghouse.app import validating
from clearinghouse.app.kept_verdicts import parse_kept
from clearinghouse.app.wiring import Instance
from clearinghouse.core.clock import FixedClock
from clearinghouse.core.errors import Conflict, Invalid, NotFound, NotPermitted, Unavailable
from clearinghouse.disclosure.coordination.rooms import actions as rooms
from clearinghouse.disclosure.coordination.rooms.records import CaseRole
from clearinghouse.disclosure.validation.dockets import store as dockets
from clearinghouse.disclosure.validation.dockets.records import Docket, MaterialKind
from clearinghouse.disclosure.validation.evidence import check_envelope
from clearinghouse.disclosure.validation.queue import store
from clearinghouse.disclosure.validation.queue.records import Validation, ValidationState
from clearinghouse.ledger import store as ledger
from clearinghouse.parties.records import Party


@pytest.fixture
def desk(instance: Instance) -> Desk:
    return desk_of(instance)


def docket_for(instance: Instance, case_id: str) -> Docket:
    with instance.database.read() as tx:
        found = validating.system_docket(tx, instance, case_id)
    assert found is not None
    return found


def found(desk: Desk, validation: Validation) -> Validation:
    with desk.instance.database.read() as tx:
        now = store.system_validation(tx, docket_for(desk.instance, desk.case), validation.id)
    assert now is not None
    return now


def kinds(desk: Desk, about: str) -> list[str]:
    with desk.instance.database.read() as tx:
        return [event.kind for event in ledger.events_about(tx, desk.case) if about in event.subjects and "Validat" in event.kind]


def test_validation_runs_to_its_verdict_with_evidence_that_anybody_can_check(desk: Desk) -> None:
    asked = desk.ask()
    assert (asked.state, asked.total, asked.title) == (ValidationState.QUEUED, 2 + 2 * 2 + 1, "Overflow in the reader")
    benches = Benches(desk.instance)
    assert benches.of(desk.verifier).run_once() == 5  # two builds, the cells of each together, the judging
    done = found(desk, asked)
    assert (done.state, done.verdict, done.trust, done.level, done.done) == (ValidationState.DONE, "validated", "T0", "pretended", done.total)
    assert done.verifier == desk.verifier.id
    assert (sorted(benches.built), len(benches.ran)) == (["fixed", "vulnerable"], 4)
    evidence = validating.read_evidence(desk.instance, desk.case, asked.id)
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    signed = check_envelope(evidence.body, [Ed25519PrivateKey.from_private_bytes(bytes(32)).public_key().public_bytes_raw()])
    assert (signed.digest, signed.statement["predicate"]["clearinghouse"]["verdict"]) == (done.statement_digest, "validated")
    with desk.instance.database.read() as tx:
        event = ledger.events_about(tx, desk.case)[-1]
        kept = parse_kept(store.system_result(tx, docket_for(desk.instance, desk.case), done) or b"")
        left = tx.value(text("select count(*) from bench_units"))
    assert (event.kind, event.subjects) == ("ReportValidated", (desk.case, desk.report, asked.id))
    assert json.loads(event.details or "{}") == {"verdict": "validated", "trust": "T0", "level": "pretended", "statement": signed.digest}
    assert [run.outcome for run in kept.assessment.observed.reproducer["vulnerable"].runs] == ["crash_sanitizer"] * 5  # type: ignore[index]
    assert left == 0
    # Raw logs are there by digest, apart from the verdict.
    log = kept.assessment.observed.reproducer["vulnerable"].runs[0].log_digest  # type: ignore[index]
    with desk.instance.database.read() as tx:
        assert b"AddressSanitizer" in (dockets.system_body(tx, docket_for(desk.instance, desk.case), log) or b"")


def test_same_recipe_asked_again_is_answered_from_memory_and_is_evidence_of_its_own(desk: Desk) -> None:
    benches = Benches(desk.instance)
    first = desk.ask()
    benches.of(desk.verifier).run_once()
    before = (len(benches.built), len(benches.ran))
    second = desk.ask()
    benches.of(desk.verifier).run_once()
    assert (len(benches.built), len(benches.ran)) == before
    assert found(desk, first).verdict == found(desk, second).verdict == "validated"


@pytest.mark.parametrize("name", ["finder", "finder's"])
def test_finder_and_its_organisation_neither_ask_nor_verify(desk: Desk, name: str) -> None:
    cast = desk.cast
    finder = cast.party(name)
    if name == "finder":
        own = validating.add_material(desk.instance.acting_as(finder), desk.case, MaterialKind.RECIPE, "recipe.toml", recipe_text())
        with pytest.raises(NotPermitted, match="verifier is never the finder"):
            validating.ask(desk.instance.acting_as(finder), desk.case, desk.report, own.id)
        with pytest.raises(NotFound):
            validating.ask(desk.instance.acting_as(finder), desk.case, desk.report, desk.recipe)
    asked = desk.ask()
    benches = Benches(desk.instance)
    assert benches.of(finder).run_once() == 0
    assert (found(desk, asked).state, benches.built) == (ValidationState.QUEUED, [])
    assert benches.of(desk.verifier).run_once() > 0


def test_colleague_of_the_finder_who_coordinates_may_not_ask_either(desk: Desk) -> None:
    from clearinghouse.core.roles import Role
    from clearinghouse.parties import actions as parties
    from clearinghouse.parties.records import PartyKind

    instance, now = desk.instance, desk.instance.clock.now()
    with instance.database.write() as tx:
        colleague = parties.add_party(
            tx, PartyKind.PERSON, "Colleague", frozenset({Role.COORDINATOR}), organisation=desk.cast.party("finder's").id,
            actor=instance.actor.id, now=now,
        )
    desk.cast.people["colleague"] = colleague
    desk.cast.join(desk.case, "colleague", CaseRole.COORDINATOR)
    with pytest.raises(NotPermitted, match="outside the organisation that sent this report"):
        validating.ask(instance.acting_as(colleague), desk.case, desk.report, desk.recipe)
    asked = desk.ask()
    assert Benches(instance).of(colleague).run_once() == 0
    validating.cancel(instance, desk.case, asked.id)
    with pytest.raises(NotPermitted, match="outside the organisation that sent this report"):
        validating.resume(instance.acting_as(colleague), desk.case, asked.id)


def test_same_asked_twice_waits_once(desk: Desk) -> None:
    first = desk.ask()
    with pytest.raises(Conflict, match="being validated by this recipe already"):
        desk.ask()
    validating.cancel(desk.instance, desk.case, first.id)
    assert desk.ask().id != first.id


def test_recipe_that_names_what_the_case_does_not_hold_is_refused_with_the_digest(desk: Desk) -> None:
    other = recipe_text().replace(digest_of(REPRODUCER).encode(), digest_of(b"another").encode())
    recipe = validating.add_material(desk.instance, desk.case, MaterialKind.RECIPE, "recipe.toml", other)
    with pytest.raises(Invalid, match=digest_of(b"another")):
        desk.ask(recipe.id)
    with pytest.raises(Invalid, match="recipe"):
        validating.add_material(desk.instance, desk.case, MaterialKind.RECIPE, "recipe.toml", b"format = 1")
    with pytest.raises(NotFound):
        desk.ask("mat_" + "a" * 26)


def test_build_that_fails_skips_its_cells_and_is_judged(desk: Desk) -> None:
    benches = Benches(desk.instance, broken=frozenset({"vulnerable"}))
    asked = desk.ask()
    benches.of(desk.verifier).run_once()
    done = found(desk, asked)
    assert (done.state, done.verdict, done.done) == (ValidationState.DONE, "no_run", done.total)


def test_cancelled_while_it_runs_stops_within_a_second_keeps_nothing_half_and_resumes(desk: Desk) -> None:
    started, noticed = threading.Event(), threading.Event()
    benches = Benches(desk.instance)

    def before(what: str) -> None:
        if what.startswith("build fixed"):
            started.set()
            # As a sandbox that is asked to stop: it ends when the event is set.
            assert benches.shops[-1].stop.wait(5), "the worker was not told within five seconds"
            noticed.set()

    benches.before = before
    asked = desk.ask()
    worker = threading.Thread(target=benches.of(desk.verifier).run_once)
    worker.start()
    assert started.wait(10)
    cancelled = validating.cancel(desk.instance, desk.case, asked.id)
    assert noticed.wait(1.0), "cancelling took longer than a second to arrive"
    worker.join(10)
    assert not worker.is_alive()
    assert (cancelled.state, found(desk, asked).state) == (ValidationState.CANCELLED, ValidationState.CANCELLED)
    benches.before = lambda what: None
    built = list(benches.built)
    validating.resume(desk.instance, desk.case, asked.id)
    assert benches.of(desk.verifier).run_once() > 0
    assert found(desk, asked).verdict == "validated"
    assert (built, sorted(benches.built)) == (["vulnerable"], ["fixed", "vulnerable"]), "what was built before is not built again"
    assert kinds(desk, asked.id) == [
        "ValidationAsked", "ValidationBegun", "ValidationCancelled", "ValidationResumed", "ValidationBegun", "ReportValidated",
    ]
    with pytest.raises(Conflict, match="cannot cancel what is done"):
        validating.cancel(desk.instance, desk.case, asked.id)


def test_only_who_asked_or_coordinates_cancels(desk: Desk) -> None:
    desk.cast.join(desk.case, "vendor", CaseRole.VENDOR)
    asked = desk.ask()
    with pytest.raises(NotPermitted, match="asker or the coordinator"):
        validating.cancel(desk.instance.acting_as(desk.cast.party("vendor")), desk.case, asked.id)
    with pytest.raises(NotFound):
        validating.cancel(desk.instance.acting_as(desk.cast.party("stranger")), desk.case, asked.id)


def test_worker_that_dies_leaves_its_work_to_the_next_and_nothing_comes_twice(desk: Desk, clock: FixedClock) -> None:
    class Killed(BaseException):
        """As kill -9: nothing is tidied up."""

    def before(what: str) -> None:
        if what.startswith("cell"):
            raise Killed

    asked = desk.ask()
    benches = Benches(desk.instance, before=before)
    with pytest.raises(Killed):
        benches.of(desk.verifier).run_once()
    benches.before = lambda what: None
    other = desk.cast.party("coordinator_other")
    # Until the lease ends its cells are the dead worker's; the other build is not.
    benches.of(other).run_once()
    assert found(desk, asked).state is ValidationState.RUNNING
    clock.at += timedelta(seconds=desk.instance.policy.bench_queue.lease_seconds + 1)
    benches.of(other).run_once()
    done = found(desk, asked)
    assert (done.verdict, done.verifier, done.done) == ("validated", other.id, done.total)
    assert sorted(benches.built) == ["fixed", "vulnerable"], "builds that were done are not done again"
    assert kinds(desk, desk.report).count("ReportValidated") == 1


def test_worker_overtaken_by_another_keeps_nothing(desk: Desk, clock: FixedClock) -> None:
    asked = desk.ask()
    benches = Benches(desk.instance)
    overtaker = benches.of(desk.cast.party("coordinator_other"))
    once: list[str] = []

    def before(what: str) -> None:
        if not once:
            once.append(what)
            clock.at += timedelta(seconds=desk.instance.policy.bench_queue.lease_seconds + 1)
            overtaker.run_once()

    benches.before = before
    benches.of(desk.verifier).run_once()
    done = found(desk, asked)
    assert (done.verdict, done.verifier) == ("validated", overtaker.actor)
    assert kinds(desk, desk.report).count("ReportValidated") == 1


def test_what_ends_its_worker_again_and_again_fails_and_says_so(desk: Desk, clock: FixedClock) -> None:
    class Killed(BaseException):
        pass

    def before(what: str) -> None:
        raise Killed

    asked = desk.ask()
    benches = Benches(desk.instance, before=before)
    for _ in range(3 * desk.instance.policy.bench_queue.attempts_max):
        if found(desk, asked).ended:
            break
        try:
            benches.of(desk.verifier).run_once()
        except Killed:
            clock.at += timedelta(seconds=desk.instance.policy.bench_queue.lease_seconds + 1)
    failed = found(desk, asked)
    assert (failed.state, failed.verdict) == (ValidationState.FAILED, "")
    assert "was begun 3 times" in failed.trouble
    assert kinds(desk, asked.id)[-1] == "ValidationFailed"


def test_mistake_of_a_worker_is_told_and_counts_as_an_attempt(desk: Desk) -> None:
    def before(what: str) -> None:
        raise RuntimeError("planned")

    told: list[str] = []
    asked = desk.ask()
    Benches(desk.instance, before=before).of(desk.verifier, report=told.append).run_once()
    assert found(desk, asked).state is ValidationState.FAILED
    assert any("RuntimeError: planned" in line for line in told)


def test_full_disk_keeps_the_job_queued_without_counting_against_it(desk: Desk) -> None:
    def before(what: str) -> None:
        raise Unavailable("no space left on the device")

    asked = desk.ask()
    benches = Benches(desk.instance, before=before)
    for _ in range(5):
        with pytest.raises(Unavailable):
            benches.of(desk.verifier).visit(threading.Event())
    benches.before = lambda what: None
    benches.of(desk.verifier).run_once()
    assert found(desk, asked).verdict == "validated"


def test_worker_told_to_end_gives_back_what_it_holds(desk: Desk) -> None:
    stop = threading.Event()
    benches = Benches(desk.instance)

    def before(what: str) -> None:
        stop.set()
        benches.shops[-1].stop.wait(5)

    benches.before = before
    asked = desk.ask()
    benches.of(desk.verifier).run_once(stop)
    assert found(desk, asked).state is ValidationState.RUNNING
    benches.before = lambda what: None
    # At once, without waiting for a lease: the clock stands still here.
    benches.of(desk.verifier).run_once()
    assert found(desk, asked).verdict == "validated"


def test_case_with_many_cells_does_not_hold_one_with_few(instance: Instance, clock: FixedClock) -> None:
    large = desk_of(instance, benign=40)
    small = desk_of(instance, cast=large.cast, title="Small")
    first, order = large.ask(), []
    benches = Benches(instance)
    worker = benches.of(large.verifier)
    for _ in range(3):
        assert worker.visit(threading.Event())
        clock.at += timedelta(seconds=1)
    second = small.ask()
    while worker.visit(threading.Event()):
        clock.at += timedelta(seconds=1)
        order.append((found(large, first).ended, found(small, second).ended))
    assert order[-1] == (True, True)
    assert (False, True) in order, "the newcomer was done while the large case still ran"


def test_several_workers_share_one_validation_without_doing_anything_twice(instance: Instance) -> None:
    desk = desk_of(instance, benign=30)
    asked = desk.ask()
    benches = Benches(instance)
    # Small claims, so that they get in each other's way.
    policy = replace(instance.policy.bench_queue, batch_cells_max=2)
    workers: list[Party] = [desk.cast.party(f"coordinator_{number}") for number in range(4)]

    def work(party: Party) -> int:
        worker, done = benches.of(party, policy=policy), 0
        for _ in range(400):
            if found(desk, asked).ended:
                break
            try:
                done += worker.run_once()
            except Unavailable:
                continue
        return done

    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(work, workers))
    assert found(desk, asked).verdict == "validated"
    assert found(desk, asked).done == found(desk, asked).total
    assert len(benches.ran) == len(set(benches.ran)) == 2 * 31
    assert sorted(benches.built) == ["fixed", "vulnerable"]
    assert sum(done) >= 2 * 31 // 2
    assert kinds(desk, desk.report).count("ReportValidated") == 1


def test_two_who_ask_in_the_same_moment_ask_once(desk: Desk) -> None:
    gate = threading.Barrier(2)

    def ask(_: int) -> str:
        gate.wait()
        try:
            return desk.ask().id
        except Conflict:
            return ""

    with ThreadPoolExecutor(2) as pool:
        asked = list(pool.map(ask, range(2)))
    assert sorted(bool(one) for one in asked) == [False, True]


def test_case_has_only_so_many_on_the_bench(instance: Instance) -> None:
    desk = desk_of(instance)
    tight = replace(instance, policy=replace(instance.policy, bench_queue=replace(instance.policy.bench_queue, waiting_max=1)))
    other = validating.add_material(instance, desk.case, MaterialKind.RECIPE, "recipe.toml", recipe_text("Another title"))
    desk.ask()
    with pytest.raises(Conflict, match="1 validations of this case wait or run; 1 may"):
        validating.ask(tight, desk.case, desk.report, other.id)


def test_erasing_a_case_ends_its_validations_and_leaves_nothing_to_open(desk: Desk) -> None:
    from clearinghouse.app.bench import sweep

    instance = desk.instance
    benches = Benches(instance)
    done = desk.ask()
    benches.of(desk.verifier).run_once()
    other = validating.add_material(instance, desk.case, MaterialKind.RECIPE, "recipe.toml", recipe_text("Another title"))
    waiting = desk.ask(other.id)
    key = docket_for(instance, desk.case).key
    folder = instance.settings.home / "bench" / desk.case
    assert list(folder.iterdir())
    cast = desk.cast
    cast.write(rooms.close_case, desk.case, "done")
    erasure = cast.write(rooms.request_erasure, desk.case, "asked for", proven=True, policy=instance.policy.identity)
    cast.write(rooms.confirm_erasure, erasure.id, proven=True, actor="coordinator_second")
    with instance.database.read() as tx:
        counts = {table: tx.value(text(f"select count(*) from {table}")) for table in ("bench_bodies", "bench_cells", "bench_builds", "bench_units")}
        assert validating.system_docket(tx, instance, desk.case) is None
        states = {row.validation_id: row.state for row in tx.rows(text("select validation_id, state from validations"))}
        sealed = [bytes(row.sealed) for row in tx.rows(text("select sealed from validations"))]
    assert counts == dict.fromkeys(counts, 0)
    assert states == {done.id: "done", waiting.id: "cancelled"}
    assert len(sealed) == 2
    assert all(key not in body for body in sealed)
    assert Benches(instance).of(desk.verifier).run_once() == 0
    assert sweep(instance) == 1
    assert not folder.exists()
