"""Each act twice in the same moment, on both databases: it is done once, and who came second is told so. Never an error of the database."""

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import text

from clearinghouse.app.process import deconflict
from clearinghouse.app.wiring import Instance, policy_of
from clearinghouse.core.errors import ClearinghouseError, Conflict, Invalid, NotFound
from clearinghouse.core.ids import CaseId, ReportId
from clearinghouse.disclosure.coordination.capacity import actions as capacity
from clearinghouse.disclosure.coordination.capacity.records import Facts, Packet, Reply, ReplyKind
from clearinghouse.disclosure.coordination.embargo.actions.consent import accept_embargo, propose_embargo, withdraw_consent
from clearinghouse.disclosure.coordination.embargo.actions.terms import apply_terms
from clearinghouse.disclosure.coordination.rooms import actions
from clearinghouse.disclosure.coordination.rooms.records import CaseRole
from clearinghouse.disclosure.deconfliction import actions as deconfliction
from clearinghouse.disclosure.deconfliction.records import DecisionKind
from clearinghouse.disclosure.intake import actions as intake
from clearinghouse.disclosure.intake.records import CodeLocation, Finding
from clearinghouse.ledger import store as ledger
from clearinghouse.parties.charters.actions import adopt_charter
from clearinghouse.storage import Transaction
from room_cast import Cast

ROUNDS = 3
_ONE = text("select 1")
Act = Callable[[Transaction], object]


@pytest.fixture
def cast(instance: Instance) -> Cast:
    return Cast(instance)


def at_once(instance: Instance, *acts: Act) -> list[object]:
    """What each act gave, or the refusal; all begin before any goes on. An error of another family fails the test."""
    start, ends = threading.Barrier(len(acts)), list[object](acts)
    # SQLite's one writer holds its lock from the start: there the threads meet before it.
    inside = not instance.database.url.startswith("sqlite")

    def run(place: int) -> None:
        try:
            if not inside:
                start.wait(30)
            with instance.database.write() as tx:
                if inside:
                    tx.rows(_ONE)
                    start.wait(30)
                ends[place] = acts[place](tx)
        except BaseException as error:
            ends[place] = error

    threads = [threading.Thread(target=run, args=(place,)) for place in range(len(acts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    for end in ends:
        if isinstance(end, BaseException) and not isinstance(end, ClearinghouseError):
            raise end
    return ends


def check_once(ends: list[object], *refusals: type[ClearinghouseError]) -> None:
    refused = [end for end in ends if isinstance(end, ClearinghouseError)]
    assert len(refused) == len(ends) - 1, ends
    assert all(type(end) in (refusals or (Conflict,)) for end in refused), refused


def as_somebody(cast: Cast, act: Callable[..., object], *arguments: object, actor: str = "lead", **options: object) -> Act:
    party = cast.id(actor)
    given = cast._given(act, dict(options))
    return lambda tx: act(tx, *arguments, actor=party, now=cast.instance.clock.now(), **given)


def kinds(instance: Instance, subject: str, kind: str) -> int:
    with instance.database.read() as tx:
        return sum(event.kind == kind for event in ledger.events_about(tx, subject))


def flaw(number: int = 0) -> Finding:
    return Finding(title=f"Overflow in tiff_read_strip {number}", description="A long strip overflows.", locations=(CodeLocation(symbol="read"),))


def test_case_is_closed_and_reopened_once(cast: Cast) -> None:
    case_id = cast.open(cast.report(flaw()))
    for number in range(1, ROUNDS + 1):
        check_once(at_once(cast.instance, *[as_somebody(cast, actions.close_case, case_id, "done")] * 2))
        check_once(at_once(cast.instance, *[as_somebody(cast, actions.reopen_case, case_id, "not done")] * 2))
        assert (kinds(cast.instance, case_id, "CaseClosed"), kinds(cast.instance, case_id, "CaseReopened")) == (number, number)


def test_two_cases_of_one_report_are_not_both_reopened(cast: Cast) -> None:
    report = cast.report(flaw())
    first = cast.open(report)
    cast.write(actions.close_case, first, "done")
    second = cast.open(report)
    cast.write(actions.close_case, second, "done")
    for _ in range(ROUNDS):
        ends = at_once(cast.instance, *(as_somebody(cast, actions.reopen_case, case_id, "again") for case_id in (first, second)))
        check_once(ends)
        cast.write(actions.close_case, second if isinstance(ends[0], Conflict) else first, "done")


def test_case_is_not_opened_of_a_report_that_another_case_takes_up_again(cast: Cast) -> None:
    report = cast.report(flaw())
    first = cast.open(report)
    cast.write(actions.close_case, first, "done")
    check_once(at_once(
        cast.instance, as_somebody(cast, actions.reopen_case, first, "again"),
        as_somebody(cast, actions.open_case, [report], "Overflow", summary="One paragraph.", marks=None, policy_version=1),
    ))


def test_party_is_invited_once_and_accepts_once(cast: Cast) -> None:
    case_id = cast.open(cast.report(flaw()))
    cast.party("vendor")
    invite = as_somebody(cast, actions.invite, case_id, cast.id("vendor"), CaseRole.VENDOR, "needed here")
    check_once(at_once(cast.instance, invite, invite))
    # Who comes second, after the first is done, is asked no more: for it there is no invitation.
    check_once(at_once(cast.instance, *[as_somebody(cast, actions.accept_invitation, case_id, actor="vendor")] * 2), Conflict, NotFound)
    assert kinds(cast.instance, case_id, "ParticipantJoined") == 2, "the finder at the start, the vendor once"


def test_invitation_is_accepted_or_declined(cast: Cast) -> None:
    case_id = cast.open(cast.report(flaw()))
    cast.write(actions.invite, case_id, cast.id("vendor"), CaseRole.VENDOR, "needed here")
    check_once(at_once(
        cast.instance, as_somebody(cast, actions.accept_invitation, case_id, actor="vendor"),
        as_somebody(cast, actions.decline_invitation, case_id, "no", actor="vendor"),
    ), Conflict, NotFound)


def test_bound_of_participants_holds_for_two_at_once(cast: Cast) -> None:
    from dataclasses import replace

    case_id = cast.open(cast.report(flaw()))
    limits = replace(cast.instance.policy.rooms, participants_max=3)  # the lead, the finder and one more
    ends = at_once(cast.instance, *(
        as_somebody(cast, actions.invite, case_id, cast.id(name), CaseRole.VENDOR, "needed here", limits=limits) for name in ("one", "two")
    ))
    check_once(ends)


@pytest.fixture
def agreed_on(cast: Cast) -> CaseId:
    case_id = cast.open(cast.report(flaw()))
    cast.join(case_id, "vendor")
    return case_id


def test_date_is_proposed_once_and_accepted_once_by_each(cast: Cast, agreed_on: CaseId) -> None:
    ends_at = cast.instance.clock.now() + timedelta(days=30)
    proposed = at_once(cast.instance, *[as_somebody(cast, propose_embargo, agreed_on, ends_at, policy_of=policy_of)] * 2)
    check_once(proposed)
    proposal = next(end for end in proposed if not isinstance(end, ClearinghouseError))
    accept = as_somebody(cast, accept_embargo, agreed_on, proposal.id, actor="vendor", policy_of=policy_of)  # type: ignore[attr-defined]
    check_once(at_once(cast.instance, accept, accept))
    assert kinds(cast.instance, agreed_on, "EmbargoAccepted") == 1
    with pytest.raises(Conflict, match="accepted already"):
        cast.write(accept_embargo, agreed_on, proposal.id, actor="vendor", policy_of=policy_of)  # type: ignore[attr-defined]


def test_date_can_be_accepted_again_after_consent_was_withdrawn(cast: Cast, agreed_on: CaseId) -> None:
    ends_at = cast.instance.clock.now() + timedelta(days=30)
    proposal = cast.write(propose_embargo, agreed_on, ends_at, policy_of=policy_of)
    for name in ("vendor", "finder"):
        cast.write(accept_embargo, agreed_on, proposal.id, actor=name, policy_of=policy_of)
    cast.write(withdraw_consent, agreed_on, "no more", actor="vendor", policy_of=policy_of)
    cast.write(accept_embargo, agreed_on, proposal.id, actor="vendor", policy_of=policy_of)


def test_delivery_is_answered_once(cast: Cast) -> None:
    case_id, vendor = cast.open(cast.report(flaw())), cast.id("vendor's")
    instance, now, lead = cast.instance, cast.instance.clock.now(), cast.instance.actor.id
    charter = b'charter = 1\n[project]\nname = "lib"\nrepositories = ["https://github.com/example/lib"]\n'
    with instance.database.write() as tx:
        adopt_charter(tx, vendor, charter, untrusted_reason="They asked.", actor=lead, envelope=instance.envelope, limits=instance.policy.charters, now=now)
        capacity.enqueue(
            tx, vendor, case_id, Facts(accountable_human=True, exploited=True), Packet(b'{"what": "words"}'), {ReportId("rep_" + "a" * 26): lead},
            actor=lead, envelope=instance.envelope, now=now,
        )
    with instance.database.write() as tx:
        delivered = capacity.deliver_next(tx, vendor, actor=lead, envelope=instance.envelope, policy=instance.policy.capacity, now=now)
    answer = as_somebody(
        cast, capacity.answer_delivery, delivered[0].id, Reply(ReplyKind.ACCEPT), actor="vendor", policy=instance.policy.capacity
    )
    check_once(at_once(instance, answer, answer))
    assert kinds(instance, delivered[0].id, "DeliveryAnswered") == 1


def test_reports_are_merged_once_and_the_merge_is_undone_once(cast: Cast) -> None:
    instance = cast.instance
    findings = (flaw(), Finding(title="SQL injection in the login form", description="A quote ends it.", locations=(CodeLocation(path="login.php"),)))
    ids = [cast.report(finding) for finding in findings]
    deconflict(instance, settle=True)

    def merge(tx: Transaction) -> object:
        now, lead = instance.clock.now(), instance.actor.id
        found = [intake.read_report(tx, each, envelope=instance.envelope, viewer=lead, now=now) for each in ids]
        return deconfliction.decide(
            tx, DecisionKind.MERGE, found, "seen", actor=lead, envelope=instance.envelope, thresholds=instance.policy.deconfliction, now=now
        )

    ends = at_once(instance, merge, merge)
    # Who comes second finds them together already, which is not something to merge.
    check_once(ends, Conflict, Invalid)
    done = next(end.id for end in ends if isinstance(end, deconfliction.Decided))
    check_once(at_once(instance, *[as_somebody(cast, deconfliction.undo, done, thresholds=instance.policy.deconfliction)] * 2))


def test_terms_are_put_into_a_case_once(cast: Cast, agreed_on: CaseId) -> None:
    terms = cast.instance.policy.terms[0]
    apply = as_somebody(cast, apply_terms, agreed_on, terms, policy_of=policy_of)
    check_once(at_once(cast.instance, apply, apply))
